/** Requests that arrive late: after a change of leader, a newer version, a deletion. Old data does not come back, or is healed at once. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { OWN_NAMESPACE, KEY_NAME, P } from './lawful.ts'
import { Rig, secretKey } from './rig.ts'
import { encoded, mirrorOf, offer, settled } from './scenes.ts'

test('a PATCH held over a change of leader and a newer version fails, and the newest data stays', async () => {
  const rig = await settled({ namespaces: ['t1'] })
  const [first] = rig.processes
  rig.heldMs = ({ verb, process }) => (verb === 'patch' && process === first?.name ? 60_000 : 0)
  offer(rig, { data: 'two' })
  await rig.time.run(1_000)
  assert.equal(rig.requests(['patch']).length, 1)
  rig.startLeader()
  await rig.time.run(5_000)
  offer(rig, { data: 'three' })
  await rig.time.run(5_000)
  const before = mirrorOf(rig, 't1')
  assert.equal(before?.data['a'], encoded('three'))
  await rig.time.run(120_000)
  assert.equal(mirrorOf(rig, 't1')?.version, before.version)
  assert.deepEqual(rig.violations, [])
})

test('a PATCH held while the origin returned to its old content is healed: the old version shows for one round trip', async () => {
  const rig = await settled({ namespaces: ['t1'] })
  const [first] = rig.processes
  rig.heldMs = ({ verb, process }) => (verb === 'patch' && process === first?.name ? 60_000 : 0)
  offer(rig, { data: 'two' })
  await rig.time.run(1_000)
  offer(rig, { data: 'one' })
  rig.startLeader()
  await rig.time.run(30_000)
  assert.equal(mirrorOf(rig, 't1')?.data['a'], encoded('one'))
  await rig.time.run(90_000)
  // Nothing on the mirror had changed meanwhile, so the late request's proof held: two writes, old data and its repair.
  const shown = rig.writes(2_000).map(({ after, atMs }) => ({ data: after?.data['a'], atMs }))
  assert.deepEqual(
    shown.map(({ data }) => data),
    [encoded('two'), encoded('one')],
  )
  assert.ok((shown[1]?.atMs ?? Infinity) - (shown[0]?.atMs ?? 0) < 500)
  assert.deepEqual(rig.violations, [])
})

test('a POST that lands after its origin was deleted makes a mirror that is found and removed', async () => {
  for (const isKilled of [false, true]) {
    const rig = await settled({ namespaces: ['t1'] })
    rig.world.createNamespace('t2')
    rig.heldMs = ({ verb, key }) => (verb === 'create' && key === secretKey('t2', 'db') ? 60_000 : 0)
    await rig.time.run(1_000)
    rig.world.remove({ kind: 'Secret', namespace: 'src', name: 'db' }, null, 'user')
    if (isKilled) rig.leader?.kill()
    if (isKilled) rig.startLeader()
    await rig.time.run(40_000)
    assert.equal(mirrorOf(rig, 't1'), null)
    assert.equal(mirrorOf(rig, 't2'), null)
    await rig.time.run(21_000)
    await rig.time.run(60_000)
    assert.ok(rig.writes().some(({ before, after }) => before === null && after?.namespace === 't2'))
    assert.equal(mirrorOf(rig, 't2'), null)
    assert.deepEqual(rig.violations, [])
  }
})

test('a DELETE that lands after its origin is back and the mirror was rewritten changes nothing', async () => {
  const rig = await settled({ namespaces: ['t1'] })
  rig.heldMs = ({ verb }) => (verb === 'delete' ? 60_000 : 0)
  offer(rig, { to: 'nowhere' })
  await rig.time.run(1_000)
  assert.equal(rig.requests(['delete']).length, 1)
  offer(rig, { to: 't*', data: 'two' })
  rig.startLeader()
  await rig.time.run(10_000)
  const before = mirrorOf(rig, 't1')
  assert.equal(before?.data['a'], encoded('two'))
  await rig.time.run(120_000)
  assert.equal(mirrorOf(rig, 't1')?.uid, before.uid)
})

test('a timed-out write is looked at before anything else is sent on its key', async () => {
  const rig = await settled({ namespaces: ['t1'] })
  const heldFromMs = rig.time.now()
  rig.heldMs = ({ verb, atMs }) => (verb === 'patch' && atMs < heldFromMs + 1_000 ? 45_000 : 0)
  offer(rig, { data: 'two' })
  await rig.time.run(31_000)
  const verbs = rig.sent.filter(({ key, atMs }) => key === secretKey('t1', 'db') && atMs >= heldFromMs)
  assert.deepEqual(verbs.map(({ verb }) => verb).slice(0, 2), ['patch', 'read'])
  await rig.time.run(60_000)
  assert.equal(mirrorOf(rig, 't1')?.data['a'], encoded('two'))
})

test('two controllers that race to make the digest key end with one, and every mirror is stamped with it', async () => {
  const rig = new Rig()
  for (const name of ['src', 't1', 't2']) rig.world.createNamespace(name)
  offer(rig, {})
  rig.heldMs = ({ verb, process }) => (verb === 'create' && process === 'p1' ? 1_000 : 0)
  rig.startLeader()
  await rig.time.run(300)
  rig.startLeader()
  await rig.time.run(30_000)
  const creates = rig.requests(['create']).filter(({ key }) => key === secretKey(OWN_NAMESPACE, KEY_NAME))
  assert.equal(creates.length, 2)
  assert.ok(rig.processes.every(({ controller }) => controller.standing().hasDigestKey))
  const [first] = rig.processes
  if (first !== undefined) rig.lead(first)
  const fromMs = rig.time.now()
  offer(rig, { data: 'two' })
  await rig.time.run(30_000)
  const ids = ['t1', 't2'].map((name) => mirrorOf(rig, name)?.annotations[`${P}digest`]?.split('.')[1])
  assert.equal(new Set(ids).size, 1)
  assert.equal(rig.writes(fromMs).length, 2)
})

test('leadership that goes during the dry run of a replacement leaves the old mirror where it is', async () => {
  const rig = await settled({ namespaces: ['t1'] })
  rig.heldMs = ({ verb }) => (verb === 'dry-run' ? 3_000 : 0)
  const before = mirrorOf(rig, 't1')
  offer(rig, { more: { type: 'example.com/x' } })
  await rig.time.run(1_000)
  assert.equal(rig.requests(['dry-run']).length, 1)
  rig.leader?.controller.follow()
  rig.leader = null
  await rig.time.run(60_000)
  assert.equal(mirrorOf(rig, 't1')?.uid, before?.uid)
  assert.deepEqual(rig.violations, [])
  rig.startLeader()
  await rig.time.run(60_000)
  assert.equal(mirrorOf(rig, 't1')?.type, 'example.com/x')
})
