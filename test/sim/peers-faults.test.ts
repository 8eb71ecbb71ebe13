/** Peers that fail, and a home that fails between them: nobody else waits, nothing goes that was not seen or confirmed to end, and only the difference is written. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Fleet } from './fleet.ts'
import type { Link } from './fleet.ts'
import { P } from './lawful.ts'
import type { Rig } from './rig.ts'
import { encoded, manyNamespaces, mirrorOf } from './scenes.ts'
import { CALM, CUT, HUNG } from './weather.ts'

const MINUTE_MS = 60_000
const ORIGIN = { kind: 'Secret', namespace: 'src', name: 'db' } as const

interface Scene {
  readonly fleet: Fleet
  readonly home: Rig
  readonly peers: readonly Rig[]
  readonly links: readonly Link[]
}

/** One home with `src/db` in `count` namespaces of itself and of two peers, all quiet. */
async function settled(count: number): Promise<Scene> {
  const fleet = new Fleet([{}, {}, {}])
  const [home, ...peers] = fleet.rigs
  assert.ok(home !== undefined)
  for (const { world } of fleet.rigs)
    for (const name of ['src', ...manyNamespaces(count)]) world.createNamespace(name)
  const offer = { 'reflect-to': 't*', targets: '*', 'target-namespaces': 't*' }
  const annotations = Object.fromEntries(Object.entries(offer).map(([key, value]) => [P + key, value]))
  home.world.create(
    { kind: 'Secret', namespace: 'src' },
    { name: 'db', annotations, data: { a: encoded('one') } },
    'user',
  )
  home.startLeader()
  const links = peers.map((peer, index) => fleet.link(`p${index + 1}`, home, peer))
  await fleet.time.run(MINUTE_MS)
  for (const rig of fleet.rigs) assert.equal(mirrors(rig), count)
  return { fleet, home, peers, links }
}

function mirrors(rig: Rig): number {
  return [...rig.world.objects.values()].filter(({ namespace, name }) => namespace !== 'src' && name === 'db')
    .length
}

function rotate(home: Rig, value: string): void {
  home.world.update(ORIGIN, () => ({ data: { a: encoded(value) } }), 'user')
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index]
  assert.ok(item !== undefined)
  return item
}

test('a peer that accepts connections and never answers delays neither home nor another peer', async () => {
  const { fleet, home, peers, links } = await settled(40)
  at(links, 0).weather = HUNG
  rotate(home, 'two')
  await fleet.time.run(500)
  rotate(home, 'three')
  await fleet.time.run(3_000)
  for (const rig of [home, at(peers, 1)])
    for (const name of manyNamespaces(40))
      assert.equal(mirrorOf(rig, name)?.data['a'], encoded('three'), name)
})

test('a peer that was away gets the last of many versions once, and nothing else', async () => {
  const { fleet, home, peers, links } = await settled(10)
  const [link, peer] = [at(links, 0), at(peers, 0)]
  Object.assign(link, { weather: CUT, isUp: false })
  fleet.settle()
  await fleet.time.run(1_000)
  const fromMs = fleet.time.now()
  for (let version = 0; version < 50; version += 1) {
    rotate(home, `v${version}`)
    await fleet.time.run(1_000)
  }
  assert.equal(peer.writes(fromMs).length, 0)
  Object.assign(link, { weather: CALM, isUp: true })
  fleet.settle()
  await fleet.time.run(5 * MINUTE_MS)
  assert.equal(peer.writes(fromMs).length, 10)
  for (const name of manyNamespaces(10)) assert.equal(mirrorOf(peer, name)?.data['a'], encoded('v49'))
})

test('a controller that starts while home cannot be read takes no mirror away anywhere', async () => {
  const { fleet, home, peers } = await settled(5)
  home.leader?.kill()
  home.weather = CUT
  home.refused = () => ({ kind: 'forbidden' })
  home.startLeader()
  fleet.settle()
  const fromMs = fleet.time.now()
  await fleet.time.run(20 * MINUTE_MS)
  home.weather = CALM
  home.refused = () => null
  await fleet.time.run(20 * MINUTE_MS)
  for (const rig of [home, ...peers]) assert.equal(rig.writes(fromMs).length, 0)
})

test('mirrors in peers whose origin went while nobody looked go once that is confirmed', async () => {
  const { fleet, home, peers } = await settled(5)
  home.leader?.kill()
  home.world.remove(ORIGIN, null, 'user')
  home.refused = ({ verb, key }) =>
    verb === 'read' && key === 'Secret/src/db' ? { kind: 'forbidden' } : null
  home.startLeader()
  fleet.settle()
  await fleet.time.run(5 * MINUTE_MS)
  for (const peer of peers) assert.equal(mirrors(peer), 5)
  home.refused = () => null
  await fleet.time.run(20 * MINUTE_MS)
  for (const peer of peers) assert.equal(mirrors(peer), 0)
  assert.deepEqual(fleet.violations, [])
})

test('a mass deletion that nobody saw is held for each cluster by itself, and released by its own id', async () => {
  const { fleet, home, peers } = await settled(120)
  home.leader?.kill()
  home.world.remove(ORIGIN, null, 'user')
  const process = home.startLeader()
  fleet.settle()
  await fleet.time.run(5 * MINUTE_MS)
  for (const rig of [home, ...peers]) assert.equal(mirrors(rig), 120)
  const ids = process.controller.standing().destinations.flatMap(({ holds }) => holds.map(({ id }) => id))
  assert.equal(new Set(ids).size, 3)
  const held = process.controller.standing().destinations.find(({ name }) => name === 'p1')?.holds[0]
  assert.ok(held !== undefined && process.controller.release(held.id))
  await fleet.time.run(MINUTE_MS)
  assert.deepEqual([mirrors(home), ...peers.map(mirrors)], [120, 0, 120])
})

test('a peer that is removed keeps its mirrors, and one that comes back is written to only where it differs', async () => {
  const { fleet, home, peers, links } = await settled(8)
  const [link, peer] = [at(links, 0), at(peers, 0)]
  link.isPresent = false
  fleet.settle()
  await fleet.time.run(MINUTE_MS)
  const fromMs = fleet.time.now()
  peer.world.remove({ ...ORIGIN, namespace: 't3' }, null, 'user')
  peer.world.update({ ...ORIGIN, namespace: 't4' }, () => ({ data: { a: encoded('mine') } }), 'user')
  await fleet.time.run(MINUTE_MS)
  assert.equal(peer.writes(fromMs).length, 0)
  assert.equal(home.leader?.controller.standing().destinations.length, 2)
  link.isPresent = true
  fleet.settle()
  await fleet.time.run(5 * MINUTE_MS)
  const written = peer.writes(fromMs).map(({ after }) => after?.namespace)
  assert.equal(written.length, 2)
  assert.deepEqual(new Set(written), new Set(['t3', 't4']))
})

test('terms that grow narrower take away exactly the mirrors that they no longer allow', async () => {
  const { fleet, home, peers, links } = await settled(4)
  const other = {
    name: 'other',
    annotations: { [`${P}targets`]: '*', [`${P}target-namespaces`]: 't1' },
    data: { a: encoded('x') },
  }
  home.world.create({ kind: 'Secret', namespace: 'src' }, other, 'user')
  await fleet.time.run(5_000)
  const fromMs = fleet.time.now()
  at(links, 0).change('src/other')
  await fleet.time.run(MINUTE_MS)
  assert.equal(mirrors(at(peers, 0)), 0)
  assert.notEqual(mirrorOf(at(peers, 0), 't1', 'other'), null)
  assert.equal(at(peers, 0).writes(fromMs).length, 4)
  assert.equal(mirrors(at(peers, 1)), 4)
})

test('bytes that waited for a peer alone are let go when work on it ends', async () => {
  const { fleet, home, links } = await settled(4)
  at(links, 0).weather = CUT
  rotate(home, 'two')
  await fleet.time.run(10_000)
  assert.ok((home.leader?.controller.standing().renderingBytes ?? 0) > 0)
  at(links, 0).isUp = false
  fleet.settle()
  await fleet.time.run(MINUTE_MS)
  assert.equal(home.leader?.controller.standing().renderingBytes, 0)
})
