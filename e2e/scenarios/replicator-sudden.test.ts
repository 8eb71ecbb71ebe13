/** Merged copies through sudden ends: neither SIGKILL in the middle of a fan-out nor a change of the leader loses a key, or writes one twice. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { tally } from '../control-plane/audit.ts'
import { awaitList, eventually } from '../lib/await.ts'
import { leaveReplicatorCopy } from '../lib/leftovers.ts'
import { isMirrorOf } from '../lib/marks.ts'
import { collectionPath, plain, refOf } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { awaitData, mirrorIn, write } from '../lib/offers.ts'
import { awaitOurs, dataOf, replicated, replicatedMap } from '../lib/replicator.ts'
import { openSolo } from '../lib/solo.ts'
import { watchVersions } from '../lib/witness.ts'

const FAN = 60
const UNELECTED = { environment: { HELIOGRAPH_LEADER_ELECTION: 'false' } }

const solo = await openSolo({ settings: { sweepReadsPerSecondMax: 200 } })
const { client, stage } = solo
const fan = Array.from({ length: FAN }, (_, index) => `fan-${index}`)
await Promise.all(fan.map((name) => client.createNamespace(name)))
await start()

test('SIGKILL in a fan-out, in a rotation and in the clearing away loses no key and leaves no copy', async () => {
  const home = await stage.namespace('kill-home')
  const origin = await client.create(
    replicated(home, 'fan', { 'replicate-to': 'fan-.*' }, { a: '1', b: '2' }),
  )
  await awaitCount(origin, (all) => all.length > 5)
  await killAndStart()
  await awaitCount(
    origin,
    (all) => all.length === FAN && all.every((each) => isMirrorOf(each, refOf(origin))),
  )
  await Promise.all(fan.map((name) => write(client, mirrorIn(name, origin), { own: name })))
  await solo.settled()
  await write(client, refOf(origin), { a: '3', b: null })
  await awaitCount(origin, (all) => holding(all, '3') > 5)
  await killAndStart()
  await awaitCount(origin, (all) => holding(all, '3') === FAN)
  for (const name of fan)
    assert.deepEqual(await dataOf(client, mirrorIn(name, origin)), { a: '3', own: name })
  await Promise.all(fan.slice(0, 30).map((name) => write(client, mirrorIn(name, origin), { own: null })))
  await client.remove(refOf(origin))
  await awaitCount(origin, (all) => all.length < FAN)
  await killAndStart()
  await awaitCount(origin, (all) => all.length === FAN - 30 && holding(all, '3') === 0)
  for (const name of fan.slice(30))
    assert.deepEqual(await dataOf(client, mirrorIn(name, origin)), { own: name })
})

test('SIGKILL while left copies are taken over: each is patched once, none twice', async () => {
  const home = await stage.namespace('taken-home')
  await solo.controller.kill()
  const origin = await client.create(replicatedMap(home, 'taken', { 'replicate-to': 'fan-.*' }))
  const copies = await Promise.all(fan.map((name) => leaveReplicatorCopy(client, origin, name)))
  const mark = await solo.mark()
  await solo.start({
    ...UNELECTED,
    environment: { ...UNELECTED.environment, HELIOGRAPH_SWEEP_READS_PER_SECOND_MAX: '20' },
  })
  await awaitCount(origin, (all) => all.filter((each) => isMirrorOf(each, refOf(origin))).length > 3)
  await killAndStart()
  for (const copy of copies) {
    const now = await awaitOurs(client, refOf(copy))
    assert.deepEqual([now.metadata.uid, now.data], [copy.metadata.uid, copy.data])
  }
  await solo.settled()
  const asked = (await solo.asked(mark)).filter(
    ({ name, resource, verb, code }) =>
      name === 'taken' && resource === 'configmaps' && verb !== 'get' && code !== 500,
  )
  assert.deepEqual(Object.keys(tally(asked, 'verb', 'code')), ['patch 200'])
  assert.ok(asked.length <= FAN, `${asked.length} patches`)
})

test('of two replicas one merges; when it ends the other goes on, and no version is written twice', async () => {
  const [home, target] = await stage.namespaces('two-home', 'two-target')
  await solo.stop()
  const replicas = [await stage.start(), await stage.start()]
  const origin = await client.create(replicated(home, 'shared', { 'replicate-to': target }))
  const place = mirrorIn(target, origin)
  await awaitData(client, place, { a: '1' })
  await using witness = await watchVersions(client, place)
  await write(client, place, { own: 'x' })
  await write(client, refOf(origin), { a: '2' })
  await awaitData(client, place, { own: 'x', a: '2' })
  const leads = await Promise.all(
    replicas.map(async (each) => (await each.metrics()).sum('heliograph_leader')),
  )
  const leader = replicas[leads.indexOf(1)]
  const follower = replicas[leads.indexOf(0)]
  assert.ok(leader !== undefined && follower !== undefined)
  leader.send('SIGTERM')
  await write(client, refOf(origin), { a: '3' })
  await awaitData(client, place, { own: 'x', a: '3' })
  await leader.exited
  await eventually(async () => ((await follower.metrics()).sum('heliograph_leader') === 1 ? true : null), {
    what: 'the other leads',
  })
  await client.remove(refOf(origin))
  await awaitData(client, place, { own: 'x' })
  const held = (await witness.versions()).map((each) => (each === null ? null : (plain(each)['a'] ?? '')))
  assert.deepEqual(
    held.filter((each, index) => each !== held[index - 1]),
    ['1', '2', '3', ''],
  )
  await follower.stop()
})

async function start(): Promise<void> {
  await solo.start(UNELECTED)
}

async function killAndStart(): Promise<void> {
  await solo.controller.kill()
  await start()
}

function holding(all: readonly KubeObject[], value: string): number {
  return all.filter((each) => plain(each)['a'] === value).length
}

/** Waits until `holds` is true of the copies of `origin`, the origin left out. */
async function awaitCount(
  origin: KubeObject,
  holds: (copies: readonly KubeObject[]) => boolean,
): Promise<void> {
  const { kind = '', metadata } = origin
  const path = `${collectionPath(kind)}?fieldSelector=metadata.name%3D${metadata.name}`
  await awaitList(
    client,
    path,
    (all) => holds(all.filter((each) => each.metadata.namespace !== metadata.namespace)),
    {
      what: `the copies of ${metadata.name} are as they should be`,
    },
  )
}
