/** Many places at once: what overtakes what, who waits for whom, and what a hanging namespace or a greedy origin can take. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { P } from './lawful.ts'
import { Rig, secretKey } from './rig.ts'
import { encoded, manyNamespaces, mirrorOf, offer, settled } from './scenes.ts'

const PLACES = 10_000
const IN_FLIGHT = 16
/** Until the watch has told of a change, and a turn that began before has sent its request. */
const SEEN_MS = 60

async function pushUnderWay(): Promise<Rig> {
  const rig = new Rig({
    rules: { graceMs: 0 },
    settings: { writesInFlightMax: IN_FLIGHT, auditIntervalMs: 86_400_000 },
  })
  for (const name of ['src', ...manyNamespaces(PLACES)]) rig.world.createNamespace(name)
  offer(rig, {})
  rig.startLeader()
  const isPast = (count: number) => () => rig.world.objects.size >= count
  assert.ok(await rig.time.runUntil(isPast(PLACES / 4), 600_000))
  return rig
}

test('a new version overtakes a push into 10,000 namespaces within one write’s time', async () => {
  const rig = await pushUnderWay()
  const oldVersion = String(mirrorOf(rig, 'src')?.version)
  const changedMs = rig.time.now()
  offer(rig, { data: 'two' })
  await rig.time.run(3_000)
  const late = rig.requests(['create', 'patch'], changedMs + SEEN_MS)
  assert.ok(late.length > 100)
  assert.equal(late.filter(({ body }) => body.includes(`"${P}origin-version":"${oldVersion}"`)).length, 0)
  const between = rig
    .requests(['create', 'patch'], changedMs)
    .filter(({ atMs }) => atMs < changedMs + SEEN_MS)
  assert.ok(between.length <= 4 * IN_FLIGHT, `${between.length} writes before the change was seen`)
  assert.equal(
    rig.requests(['read-full'], changedMs).filter(({ key }) => key === secretKey('src', 'db')).length,
    1,
  )
  assert.deepEqual(rig.violations, [])
})

test('a deletion overtakes a push into 10,000 namespaces within one write’s time, and what was made is removed', async () => {
  const rig = await pushUnderWay()
  rig.world.remove({ kind: 'Secret', namespace: 'src', name: 'db' }, null, 'user')
  const deletedMs = rig.time.now()
  await rig.time.run(3_000)
  assert.equal(rig.requests(['create', 'patch'], deletedMs + SEEN_MS).length, 0)
  assert.ok(rig.requests(['delete'], deletedMs).length > 100)
  assert.deepEqual(rig.violations, [])
})

test('1,000 namespaces cost 1,000 writes and one GET of the origin, at first, at a rotation, and none after a restart', async () => {
  const rig = await settled({ namespaces: manyNamespaces(1_000), settings: { auditIntervalMs: 86_400_000 } })
  await rig.time.run(10_000)
  const ofOrigin = (fromMs: number): number =>
    rig.requests(['read-full'], fromMs).filter(({ key }) => key === secretKey('src', 'db')).length
  assert.equal(rig.requests(['create']).filter(({ key }) => key.startsWith('Secret/t')).length, 1_000)
  assert.equal(ofOrigin(0), 1)
  const rotatedMs = rig.time.now()
  offer(rig, { data: 'two' })
  await rig.time.run(10_000)
  assert.equal(rig.requests(['patch'], rotatedMs).length, 1_000)
  assert.equal(ofOrigin(rotatedMs), 1)
  const relabelledMs = rig.time.now()
  rig.world.update({ kind: 'Secret', namespace: 'src', name: 'db' }, () => ({ labels: { x: 'y' } }), 'user')
  await rig.time.run(10_000)
  assert.equal(rig.requests(['patch', 'create', 'delete'], relabelledMs).length, 0)
  assert.equal(ofOrigin(relabelledMs), 1)
  offer(rig, { data: 'three' })
  await rig.time.run(10_000)
  rig.leader?.kill()
  const restartedMs = rig.time.now()
  rig.startLeader()
  await rig.time.run(60_000)
  assert.equal(rig.requests(['patch', 'create', 'delete'], restartedMs).length, 0)
  assert.equal(rig.requests(['read-full'], restartedMs).filter(({ key }) => key.endsWith('/db')).length, 0)
})

test('an origin that changes ten times a second over 1,000 namespaces does not delay another’s mirror', async () => {
  const rig = await settled({ namespaces: manyNamespaces(1_000), settings: { writesInFlightMax: IN_FLIGHT } })
  rig.world.createNamespace('other')
  const changing = new AbortController()
  const change = (round: number): void => {
    if (changing.signal.aborted) return
    offer(rig, { data: `round ${round}` })
    rig.time.after(100, () => change(round + 1))
  }
  change(0)
  await rig.time.run(5_000)
  const offeredMs = rig.time.now()
  offer(rig, { namespace: 'other', name: 'quiet', to: 't7' })
  assert.ok(await rig.time.runUntil(() => mirrorOf(rig, 't7', 'quiet') !== null, 5_000, 10))
  const create = rig.sent.find(({ verb, key }) => verb === 'create' && key === secretKey('t7', 'quiet'))
  const read = rig.sent.find(({ verb, key }) => verb === 'read-full' && key === secretKey('other', 'quiet'))
  assert.ok(create !== undefined && read !== undefined)
  assert.ok(create.atMs - offeredMs < 250, `${create.atMs - offeredMs} ms`)
  const dispatched = rig.sent.filter(
    ({ atMs, verb }) => atMs > offeredMs + 30 && atMs < read.atMs && verb === 'patch',
  )
  assert.ok(dispatched.length <= IN_FLIGHT, `${dispatched.length} other writes went first`)
  changing.abort()
})

test('a namespace whose writes hang holds less than a quarter of the slots for one origin namespace, and shrinks nothing', async () => {
  const rig = new Rig({ settings: { writesInFlightMax: IN_FLIGHT } })
  for (const name of ['src', ...manyNamespaces(40)]) rig.world.createNamespace(name)
  for (let index = 0; index < 20; index += 1) offer(rig, { name: `db${index}` })
  rig.heldMs = ({ key }) => (key.startsWith('Secret/t0/') ? 3_600_000 : 0)
  const process = rig.startLeader()
  await rig.time.run(20_000)
  assert.equal(
    rig.requests(['create']).filter(({ key }) => key.startsWith('Secret/t0/')).length,
    IN_FLIGHT / 4 - 1,
  )
  assert.equal(
    [...rig.world.objects.values()].filter(
      ({ name, namespace }) => name.startsWith('db') && namespace !== 'src',
    ).length,
    39 * 20,
  )
  await rig.time.run(300_000)
  assert.equal(process.home().queue.limit, IN_FLIGHT)
  const [sent] = rig.requests(['create']).filter(({ key }) => key.startsWith('Secret/t9/'))
  assert.ok(sent !== undefined && sent.atMs < 5_000)
})

test('a hanging namespace does not take an origin namespace’s whole share while another one keeps the queue full', async () => {
  const rig = new Rig({ settings: { writesInFlightMax: IN_FLIGHT } })
  for (const name of ['busy', 'src', ...manyNamespaces(400)]) rig.world.createNamespace(name)
  for (let index = 0; index < 10; index += 1) offer(rig, { name: `db${index}`, to: 't0,t1,t2' })
  rig.heldMs = ({ key }) => (key.startsWith('Secret/t0/') ? 3_600_000 : 0)
  offer(rig, { namespace: 'busy', name: 'greedy', to: 't*,!t0' })
  rig.startLeader()
  const change = (round: number): void => {
    offer(rig, { namespace: 'busy', name: 'greedy', data: `round ${round}` })
    if (rig.time.now() < 20_000) rig.time.after(100, () => change(round + 1))
  }
  change(0)
  await rig.time.run(3_000)
  for (let index = 0; index < 10; index += 1)
    for (const namespace of ['t1', 't2'])
      assert.ok(mirrorOf(rig, namespace, `db${index}`), `db${index} in ${namespace}`)
})

test('answers that are slow or refused in several namespaces shrink concurrency, and good ones let it grow back', async () => {
  const rig = new Rig({ settings: { writesInFlightMax: IN_FLIGHT } })
  for (const name of ['src', ...manyNamespaces(200)]) rig.world.createNamespace(name)
  offer(rig, {})
  rig.heldMs = ({ verb }) => (verb === 'create' ? 7_000 : 0)
  const process = rig.startLeader()
  await rig.time.run(40_000)
  const shrunk = process.home().queue.limit
  assert.ok(shrunk < IN_FLIGHT, `${shrunk}`)
  rig.heldMs = () => 0
  for (let round = 0; round < 20; round += 1) {
    offer(rig, { data: `round ${round}` })
    await rig.time.run(30_000)
  }
  assert.equal(process.home().queue.limit, IN_FLIGHT)
})

test('origins’ data in memory stays within its bound, and is dropped when nothing waits for it', async () => {
  const bytesMax = 20_000
  const rig = new Rig({ settings: { writesInFlightMax: IN_FLIGHT, renderingBytesMax: bytesMax } })
  for (const name of ['src', ...manyNamespaces(10)]) rig.world.createNamespace(name)
  for (let index = 0; index < 40; index += 1) offer(rig, { name: `db${index}`, data: 'x'.repeat(4_000) })
  rig.heldMs = ({ verb }) => (verb === 'create' ? 200 : 0)
  const process = rig.startLeader()
  let most = 0
  const isWritten = (): boolean => {
    most = Math.max(most, process.controller.standing().renderingBytes)
    return [...rig.world.objects.values()].filter(({ namespace }) => namespace.startsWith('t')).length === 400
  }
  assert.ok(await rig.time.runUntil(isWritten, 600_000, 5))
  assert.ok(most > 4_000 && most <= bytesMax, `${most} bytes`)
  await rig.time.run(60_000)
  assert.equal(process.controller.standing().renderingBytes, 0)
  assert.equal(mirrorOf(rig, 't3', 'db39')?.data['a'], encoded('x'.repeat(4_000)))
})

test('a namespace whose writes hang does not hide a new origin behind 400 others that wait for it', async () => {
  const rig = new Rig({ settings: { writesInFlightMax: IN_FLIGHT } })
  for (const name of ['src', 'other', 't0', 't1']) rig.world.createNamespace(name)
  for (let index = 0; index < 400; index += 1) offer(rig, { name: `db${index}`, to: 't0' })
  rig.heldMs = ({ key }) => (key.startsWith('Secret/t0/') ? 3_600_000 : 0)
  rig.startLeader()
  await rig.time.run(3_000)
  offer(rig, { namespace: 'other', name: 'late', to: 't1' })
  offer(rig, { name: 'later', to: 't1' })
  await rig.time.run(500)
  assert.ok(mirrorOf(rig, 't1', 'late'))
  assert.ok(mirrorOf(rig, 't1', 'later'))
})
