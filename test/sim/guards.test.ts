/** What holds the engine back: contests, the brake, grace, freed names, and a digest key that goes wrong. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { KEY_NAME, OWN_NAMESPACE, P } from './lawful.ts'
import { Rig, secretKey } from './rig.ts'
import { encoded, manyNamespaces, mirrorOf, offer, settled } from './scenes.ts'

const ORIGIN = { kind: 'Secret', namespace: 'src', name: 'db' } as const
const KEY = { kind: 'Secret', namespace: OWN_NAMESPACE, name: KEY_NAME } as const
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** Deletions of mirrors. */
function deletions(rig: Rig, fromMs = 0): number {
  return rig.writes(fromMs).filter(({ after }) => after === null).length
}

test('a writer that always puts its value back is answered ever more slowly, up to every 10 minutes, and named', async () => {
  const rig = await settled({ namespaces: ['t1', 't2'] })
  rig.world.watchers.add(({ manager, after }) => {
    if (manager !== 'heliograph' || after?.namespace !== 't1') return
    rig.time.after(10, () =>
      rig.world.update(after, ({ data }) => ({ data: { ...data, a: encoded('mine') } }), 'stubborn'),
    )
  })
  rig.world.update(
    { ...ORIGIN, namespace: 't1' },
    ({ data }) => ({ data: { ...data, a: encoded('mine') } }),
    'stubborn',
  )
  const startMs = rig.time.now()
  await rig.time.run(2 * HOUR_MS)
  const times = rig.writes(startMs).map(({ atMs }) => atMs)
  assert.ok(times.length >= 20 && times.length <= 32, `${times.length} writes in two hours`)
  const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0))
  assert.ok(gaps.slice(0, 5).every((gap) => gap < 1_000))
  for (const [index, gap] of gaps.slice(6, 14).entries())
    assert.ok(gap >= 1_000 * 2 ** index && gap < 1_500 * 2 ** (index + 1), `gap ${index} is ${gap} ms`)
  assert.ok(
    gaps.slice(-3).every((gap) => gap >= 600_000 && gap < 610_000),
    gaps.slice(-3).join(),
  )
  const [process] = rig.processes
  assert.equal(process?.home().mirrors.get('contested'), 1)
  const told = process.notices.find(({ code }) => code === 'MirrorContested')
  assert.match(told?.message ?? '', /stubborn/)
  offer(rig, { data: 'two' })
  await rig.time.run(1_000)
  assert.equal(mirrorOf(rig, 't2')?.data['a'], encoded('two'))
})

test('whoever deletes a mirror again and again is answered ever more slowly as well', async () => {
  const rig = await settled({ namespaces: ['t1'] })
  rig.world.watchers.add(({ after }) => {
    if (after?.namespace === 't1') rig.time.after(10, () => rig.world.remove(after, null, 'user'))
  })
  rig.world.remove({ ...ORIGIN, namespace: 't1' }, null, 'user')
  const startMs = rig.time.now()
  await rig.time.run(2 * HOUR_MS)
  const made = rig.writes(startMs).length
  assert.ok(made >= 18 && made <= 32, `${made} mirrors in two hours`)
})

test('101 of 150 deletions that nobody saw are held under one id, which a restart keeps, until they are released', async () => {
  const rig = await heldGroup()
  assert.equal(mirrors(rig, 'db'), 101)
  const [hold] = rig.leader?.home().holds ?? []
  assert.deepEqual([hold?.inferred, hold?.mirrors, hold?.originNamespace], [101, 150, 'src'])
  rig.leader?.kill()
  rig.startLeader()
  await rig.time.run(15 * MINUTE_MS)
  assert.equal(mirrors(rig, 'db'), 101)
  assert.equal(rig.leader?.home().holds[0]?.id, hold?.id)
  assert.equal(rig.leader?.controller.release('other'), false)
  assert.equal(rig.leader?.controller.release(hold?.id ?? ''), true)
  await rig.time.run(5_000)
  assert.equal(mirrors(rig, 'db'), 0)
  assert.equal(mirrors(rig, 'stays'), 49)
  assert.equal(rig.leader?.controller.release(hold?.id ?? ''), false)
  assert.deepEqual(rig.leader?.home().holds, [])
  assert.deepEqual(rig.violations, [])
})

test('a release lapses after an hour: what it did not delete by then is held again', async () => {
  const rig = await heldGroup()
  const [hold] = rig.leader?.home().holds ?? []
  rig.heldMs = ({ verb }) => (verb === 'delete' ? 1e9 : 0)
  assert.equal(rig.leader?.controller.release(hold?.id ?? ''), true)
  await rig.time.run(61 * MINUTE_MS)
  rig.heldMs = () => 0
  await rig.time.run(15 * MINUTE_MS)
  assert.equal(mirrors(rig, 'db'), 101)
  assert.equal(rig.leader?.home().holds[0]?.id, hold?.id)
})

test('a held group follows its origin’s return: nothing is deleted and the hold ends', async () => {
  const rig = await heldGroup()
  offer(rig, { to: '*', more: { 'reflect-to-selector': 'half=1' }, data: 'two' })
  await rig.time.run(15 * MINUTE_MS)
  assert.equal(mirrors(rig, 'db'), 101)
  assert.equal(mirrorOf(rig, 't3')?.data['a'], encoded('two'))
  assert.deepEqual(rig.leader?.home().holds, [])
})

test('100 unseen deletions go, after one question to the API server about their origin', async () => {
  const rig = await heldGroup(100)
  assert.equal(mirrors(rig, 'db'), 0)
  const asked = rig.requests(['read']).filter(({ key }) => key === secretKey('src', 'db'))
  assert.ok(asked.length >= 1 && asked.length <= 3, `${asked.length} questions`)
})

test('101 deletions that were seen as they happened need no release', async () => {
  const rig = await grouped(101)
  rig.world.remove(ORIGIN, null, 'user')
  await rig.time.run(10_000)
  assert.equal(mirrors(rig, 'db'), 0)
  assert.equal(mirrors(rig, 'stays'), 49)
})

test('an unseen deletion is not acted on while the API server does not say that the origin is gone', async () => {
  for (const failure of ['forbidden', 'server'] as const) {
    const rig = await grouped(20)
    rig.leader?.kill()
    rig.world.remove(ORIGIN, null, 'user')
    rig.refused = ({ verb, key }) => {
      if (verb !== 'read' || key !== secretKey('src', 'db')) return null
      return failure === 'server' ? { kind: 'server', code: 500, retryAfterMs: null } : { kind: 'forbidden' }
    }
    rig.startLeader()
    await rig.time.run(30 * MINUTE_MS)
    assert.equal(mirrors(rig, 'db'), 20)
    rig.refused = () => null
    await rig.time.run(15 * MINUTE_MS)
    assert.equal(mirrors(rig, 'db'), 0)
  }
})

/** `going` mirrors of `src/db` and 49 of `src/stays`. */
async function grouped(going: number): Promise<Rig> {
  const rig = new Rig({ rules: { graceMs: 0 } })
  rig.world.createNamespace('src')
  for (const [index, name] of manyNamespaces(going + 49).entries())
    rig.world.createNamespace(name, { labels: { half: index < going ? '1' : '2' } })
  offer(rig, { to: '*', more: { 'reflect-to-selector': 'half=1' } })
  offer(rig, { name: 'stays', to: '*', more: { 'reflect-to-selector': 'half=2' } })
  rig.startLeader()
  await rig.time.run(10_000)
  assert.equal(mirrors(rig, 'db'), going)
  return rig
}

/** The same, after `src/db` went while no controller ran. */
async function heldGroup(going = 101): Promise<Rig> {
  const rig = await grouped(going)
  rig.leader?.kill()
  rig.world.remove(ORIGIN, null, 'user')
  rig.startLeader()
  await rig.time.run(10_000)
  return rig
}

function mirrors(rig: Rig, name: string): number {
  return [...rig.world.objects.values()].filter(
    (thing) => thing.name === name && thing.namespace.startsWith('t'),
  ).length
}

test('an origin that is back within its grace loses no mirror, and one that stays away loses it after', async () => {
  const rig = await settled({ namespaces: ['t1'] })
  const uid = mirrorOf(rig, 't1')?.uid
  rig.world.remove(ORIGIN, null, 'user')
  await rig.time.run(4_500)
  offer(rig, { data: 'two' })
  await rig.time.run(10_000)
  assert.equal(mirrorOf(rig, 't1')?.uid, uid)
  assert.equal(mirrorOf(rig, 't1')?.data['a'], encoded('two'))
  const goneMs = rig.time.now()
  rig.world.remove(ORIGIN, null, 'user')
  await rig.time.run(4_900)
  assert.equal(mirrorOf(rig, 't1')?.uid, uid)
  await rig.time.run(600)
  assert.equal(mirrorOf(rig, 't1'), null)
  assert.ok((rig.writes(goneMs)[0]?.atMs ?? 0) - goneMs >= 5_000)
})

test('a loser takes a freed name 30 seconds after, and the former holder, back within them, has it again', async () => {
  const rig = await settled({ namespaces: ['t1', 'src2'] })
  offer(rig, { namespace: 'src2', name: 'db', data: 'of the loser' })
  await rig.time.run(5_000)
  assert.equal(mirrorOf(rig, 't1')?.data['a'], encoded('one'))
  offer(rig, { to: 'nowhere' })
  await rig.time.run(29_000)
  assert.equal(mirrorOf(rig, 't1'), null)
  offer(rig, { to: 't*' })
  await rig.time.run(1_000)
  assert.equal(mirrorOf(rig, 't1')?.data['a'], encoded('one'))
  offer(rig, { to: 'nowhere' })
  await rig.time.run(29_500)
  assert.equal(mirrorOf(rig, 't1'), null)
  await rig.time.run(2_000)
  assert.equal(mirrorOf(rig, 't1')?.data['a'], encoded('of the loser'))
  offer(rig, { to: 't*' })
  await rig.time.run(60_000)
  assert.equal(mirrorOf(rig, 't1')?.data['a'], encoded('of the loser'))
})

test('a digest key that is lost while running is put back as it was, and no mirror is written', async () => {
  const rig = await settled({ namespaces: ['t1', 't2'] })
  const before = rig.world.get(KEY)
  const lostMs = rig.time.now()
  rig.world.remove(KEY, null, 'user')
  await rig.time.run(10_000)
  assert.deepEqual(rig.world.get(KEY)?.data, before?.data)
  offer(rig, { data: 'two' })
  await rig.time.run(10_000)
  assert.equal(mirrorOf(rig, 't1')?.data['a'], encoded('two'))
  assert.equal(rig.writes(lostMs).length, 3)
})

test('a digest key that goes while the watch is cut is found to be gone by the next snapshot', async () => {
  const rig = await settled({ namespaces: ['t1'] })
  const before = rig.world.get(KEY)
  rig.weather = { ...rig.weather, lost: 1 }
  rig.world.remove(KEY, null, 'user')
  await rig.time.run(1_000)
  rig.weather = { ...rig.weather, lost: 0 }
  await rig.time.run(6 * MINUTE_MS)
  assert.deepEqual(rig.world.get(KEY)?.data, before?.data)
})

test('a malformed digest key stops every write until it is mended, and is told', async () => {
  const rig = await settled({ namespaces: ['t1', 't2'] })
  const good = rig.world.get(KEY)?.data ?? {}
  rig.world.update(KEY, ({ data }) => ({ data: { ...data, key: encoded('short') } }), 'user')
  await rig.time.run(2_000)
  const fromMs = rig.time.now()
  offer(rig, { data: 'two' })
  rig.world.remove({ ...ORIGIN, namespace: 't2' }, null, 'user')
  await rig.time.run(10 * MINUTE_MS)
  rig.leader?.kill()
  rig.startLeader()
  await rig.time.run(10 * MINUTE_MS)
  assert.equal(rig.requests(['create', 'patch', 'delete'], fromMs).length, 0)
  assert.ok(rig.processes.every(({ notices }) => notices.some(({ code }) => code === 'DigestKeyMalformed')))
  rig.world.update(KEY, () => ({ data: good }), 'user')
  await rig.time.run(10_000)
  for (const name of ['t1', 't2']) assert.equal(mirrorOf(rig, name)?.data['a'], encoded('two'))
})

test('another digest key makes every mirror be compared and stamped anew at sweep rate, without a write of data', async () => {
  const rig = await settled({ namespaces: manyNamespaces(100), settings: { sweepReadsPerSecondMax: 10 } })
  await rig.time.run(5_000)
  const fromMs = rig.time.now()
  const key = Buffer.alloc(32, 7).toString('base64')
  rig.world.update(KEY, ({ data }) => ({ data: { ...data, key } }), 'user')
  await rig.time.run(5_000)
  const early = rig.requests(['patch'], fromMs)
  assert.ok(early.length >= 30 && early.length <= 65, `${early.length} in the first five seconds`)
  await rig.time.run(MINUTE_MS)
  const patches = rig.requests(['patch'], fromMs)
  assert.equal(patches.length, 100)
  assert.ok(patches.every(({ body }) => !body.includes('"path":"/data"')))
  const ids = new Set(
    manyNamespaces(100).map((name) => mirrorOf(rig, name)?.annotations[`${P}digest`]?.split('.')[1]),
  )
  assert.equal(ids.size, 1)
  assert.equal(deletions(rig, fromMs), 0)
})
