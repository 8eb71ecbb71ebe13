/** Marks in a peer: whoever else writes there, another home, the peer's own, another tool or its owner, loses nothing to us and we lose nothing to him. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { DEFAULT_DIALECT_PREFIXES } from '../../src/core/defaults.ts'
import { Fleet } from './fleet.ts'
import { P, isOurs } from './lawful.ts'
import type { Rig } from './rig.ts'
import { encoded, mirrorOf } from './scenes.ts'
import type { Manifest } from './world.ts'

const MINUTE_MS = 60_000
const PLACE = { kind: 'Secret', namespace: 't1', name: 'db' } as const
const TARGETS = { targets: '*', 'target-namespaces': 't*' }

function prefixed(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([key, value]) => [P + key, value]))
}

function put(
  rig: Rig,
  namespace: string,
  annotations: Readonly<Record<string, string>>,
  more: Partial<Manifest> = {},
): void {
  rig.world.create(
    { kind: 'Secret', namespace },
    { name: 'db', data: { a: encoded(`of ${rig.identity}`) }, annotations, ...more },
    'user',
  )
}

/** Clusters in which `src` and `t1` exist; the last one is a peer of all others. */
async function fleetOf(
  count: number,
): Promise<{ readonly fleet: Fleet; readonly homes: readonly Rig[]; readonly peer: Rig }> {
  const fleet = new Fleet(Array.from({ length: count }, () => ({})))
  for (const { world } of fleet.rigs) for (const name of ['src', 't1']) world.createNamespace(name)
  const [peer] = fleet.rigs.slice(-1)
  assert.ok(peer !== undefined)
  const homes = fleet.rigs.slice(0, -1)
  for (const home of homes) {
    home.startLeader()
    fleet.link('peer', home, peer)
  }
  fleet.settle()
  await fleet.time.run(5_000)
  return { fleet, homes, peer }
}

function writesIn(rig: Rig, fromMs: number): number {
  return rig.writes(fromMs).length
}

test('copies that a tool of the peer made from origins of the peer are neither collected nor taken over', async () => {
  const { fleet, homes, peer } = await fleetOf(2)
  const R = DEFAULT_DIALECT_PREFIXES.reflector
  const copy = (path: string): Record<string, string> => ({
    [`${R}reflects`]: path,
    [`${R}auto-reflects`]: 'True',
    [`${R}reflected-version`]: '7',
    // The simulated watch tells of objects with a key of ours only.
    [`${P}seen`]: 'true',
  })
  put(peer, 't1', copy('src/db'))
  peer.world.create(
    { kind: 'Secret', namespace: 't1' },
    { name: 'gone', annotations: copy('src/gone') },
    'reflector',
  )
  for (const home of homes) put(home, 'src', prefixed(TARGETS))
  await fleet.time.run(MINUTE_MS)
  assert.equal(writesIn(peer, 0), 0)
  assert.equal(mirrorOf(peer, 't1')?.data['a'], encoded(`of ${peer.identity}`))
  assert.notEqual(mirrorOf(peer, 't1', 'gone'), null)
})

test('of two homes whose origin an object lets adopt it, the first keeps it', async () => {
  const { fleet, homes, peer } = await fleetOf(3)
  for (const home of homes) put(home, 'src', prefixed(TARGETS))
  put(peer, 't1', prefixed({ adopt: 'src/db' }))
  await fleet.time.run(MINUTE_MS)
  const holder = homes.find(
    ({ identity }) => mirrorOf(peer, 't1')?.annotations[`${P}origin-cluster`] === identity,
  )
  assert.ok(holder !== undefined)
  const fromMs = fleet.time.now()
  for (const home of homes)
    home.world.update({ ...PLACE, namespace: 'src' }, () => ({ data: { a: encoded('two') } }), 'user')
  await fleet.time.run(30 * MINUTE_MS)
  assert.equal(writesIn(peer, fromMs), 1)
  assert.deepEqual(fleet.violations, [])
})

test('what the peer’s own controller adopted stays its own, for both of them', async () => {
  const { fleet, homes, peer } = await fleetOf(2)
  peer.startLeader()
  put(peer, 'src', prefixed({ 'reflect-to': 't1' }))
  put(peer, 't1', prefixed({ adopt: 'src/db' }))
  await fleet.time.run(MINUTE_MS)
  const fromMs = fleet.time.now()
  for (const home of homes) put(home, 'src', prefixed(TARGETS))
  await fleet.time.run(30 * MINUTE_MS)
  const mirror = mirrorOf(peer, 't1')
  assert.ok(mirror !== null && isOurs(mirror, peer.identity))
  // The origin of home has a place of its own name as well, which is the peer's origin's.
  assert.equal(writesIn(peer, fromMs), 0)
})

test('what the peer’s own controller retained is not taken back by another home’s origin of that name', async () => {
  const { fleet, homes, peer } = await fleetOf(2)
  peer.startLeader()
  put(peer, 'src', prefixed({ 'reflect-to': 't1', 'on-delete': 'retain' }))
  await fleet.time.run(MINUTE_MS)
  peer.world.remove({ ...PLACE, namespace: 'src' }, null, 'user')
  await fleet.time.run(MINUTE_MS)
  assert.equal(mirrorOf(peer, 't1')?.annotations[`${P}retained`], 'src/db')
  for (const home of homes) put(home, 'src', prefixed({ ...TARGETS, 'target-namespaces': 't1' }))
  const fromMs = fleet.time.now()
  await fleet.time.run(MINUTE_MS)
  assert.equal(writesIn(peer, fromMs), 0)
  assert.deepEqual(fleet.violations, [])
})

test('a mirror that its home retained in a peer is taken back by the same origin', async () => {
  const { fleet, homes, peer } = await fleetOf(2)
  const [home] = homes
  assert.ok(home !== undefined)
  put(home, 'src', prefixed({ ...TARGETS, 'on-delete': 'retain' }))
  await fleet.time.run(5_000)
  home.world.remove({ ...PLACE, namespace: 'src' }, null, 'user')
  await fleet.time.run(MINUTE_MS)
  assert.equal(mirrorOf(peer, 't1')?.annotations[`${P}retained`], 'src/db')
  put(home, 'src', prefixed(TARGETS), { data: { a: encoded('two') } })
  await fleet.time.run(MINUTE_MS)
  assert.equal(mirrorOf(peer, 't1')?.data['a'], encoded('two'))
  assert.deepEqual(fleet.violations, [])
})

test('a mirror in a peer says again from which cluster it is when that was taken off or changed', async () => {
  const { fleet, homes, peer } = await fleetOf(2)
  for (const home of homes) put(home, 'src', prefixed(TARGETS))
  await fleet.time.run(5_000)
  const key = `${P}origin-cluster`
  assert.equal(mirrorOf(peer, 't1')?.annotations[key], homes[0]?.identity)
  for (const value of [null, 'another']) {
    const { [key]: _, ...left } = mirrorOf(peer, 't1')?.annotations ?? {}
    peer.world.update(
      PLACE,
      () => ({ annotations: value === null ? left : { ...left, [key]: value } }),
      'user',
    )
    await fleet.time.run(MINUTE_MS)
    assert.equal(mirrorOf(peer, 't1')?.annotations[key], homes[0]?.identity, String(value))
  }
  const fromMs = fleet.time.now()
  await fleet.time.run(10 * MINUTE_MS)
  assert.equal(writesIn(peer, fromMs), 0)
})

test('what one home retained in a peer is not taken by another home’s origin of that name', async () => {
  const { fleet, homes, peer } = await fleetOf(3)
  const [first, second] = homes
  assert.ok(first !== undefined && second !== undefined)
  put(first, 'src', prefixed({ ...TARGETS, 'on-delete': 'retain' }))
  await fleet.time.run(5_000)
  first.world.remove({ ...PLACE, namespace: 'src' }, null, 'user')
  await fleet.time.run(MINUTE_MS)
  const fromMs = fleet.time.now()
  put(second, 'src', prefixed(TARGETS))
  await fleet.time.run(MINUTE_MS)
  assert.equal(mirrorOf(peer, 't1')?.annotations[`${P}retained`], 'src/db')
  assert.equal(writesIn(peer, fromMs), 0)
})

test('an origin of the peer is never written to, though it says that it may be adopted', async () => {
  const { fleet, homes, peer } = await fleetOf(2)
  put(peer, 't1', prefixed({ adopt: 'src/db', 'reflect-to': 'nowhere' }))
  for (const home of homes) put(home, 'src', prefixed(TARGETS))
  await fleet.time.run(MINUTE_MS)
  assert.equal(writesIn(peer, 0), 0)
})

test('an object of the peer that asks to be filled is never written to, whatever offers itself', async () => {
  const { fleet, homes, peer } = await fleetOf(2)
  put(peer, 't1', prefixed({ 'reflect-from': 'src/db' }))
  for (const home of homes) put(home, 'src', prefixed({ ...TARGETS, 'allow-pull': '*' }))
  await fleet.time.run(MINUTE_MS)
  assert.equal(writesIn(peer, 0), 0)
})

test('a namespace of the peer accepts origins of another cluster by its name or by `*:` alone', async () => {
  const { fleet, homes, peer } = await fleetOf(2)
  const accepts = {
    t2: 'src/db',
    t3: '*',
    t4: '*:src/*',
    t5: `${homes[0]?.identity}:src/db`,
    t6: 'another:*',
  }
  for (const [name, accept] of Object.entries(accepts))
    peer.world.createNamespace(name, { annotations: prefixed({ accept }) })
  for (const home of homes) put(home, 'src', prefixed(TARGETS))
  await fleet.time.run(MINUTE_MS)
  const filled = Object.keys(accepts).filter((name) => mirrorOf(peer, name) !== null)
  assert.deepEqual(filled, ['t4', 't5'])
})

test('two homes that push the same origin into each other write nothing more once both are there, and make no mirror of a mirror', async () => {
  const fleet = new Fleet([{}, {}])
  const [one, two] = fleet.rigs
  assert.ok(one !== undefined && two !== undefined)
  for (const rig of fleet.rigs) {
    for (const name of ['src', 't1', 't2']) rig.world.createNamespace(name)
    rig.startLeader()
    put(rig, 'src', prefixed({ ...TARGETS, 'target-namespaces': '*', 'reflect-to': '*', carry: '*' }))
  }
  fleet.link('two', one, two)
  fleet.link('one', two, one)
  fleet.settle()
  await fleet.time.run(MINUTE_MS)
  const fromMs = fleet.time.now()
  await fleet.time.run(30 * MINUTE_MS)
  for (const rig of fleet.rigs) {
    assert.equal(writesIn(rig, fromMs), 0)
    assert.equal(mirrorOf(rig, 'src')?.data['a'], encoded(`of ${rig.identity}`))
    assert.notEqual(mirrorOf(rig, 't1'), null)
  }
  assert.deepEqual(fleet.violations, [])
})
