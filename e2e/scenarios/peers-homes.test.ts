/** Two homes that push into one peer: each touches only its own, and the first at a place keeps it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { marksOn, ours } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { awaitData, mirrorIn, offer, secretOffer, textsOf, write } from '../lib/offers.ts'
import { changesOn, enlist, identityOf, openSpoke, settledOn, spokeOn } from '../lib/peers.ts'
import type { Spoke } from '../lib/peers.ts'
import { startSolo } from '../lib/solo.ts'
import type { Solo } from '../lib/solo.ts'

/** The origins of both homes lie in a namespace of this name. */
const PLATFORM = 'platform'

const [blue, green, shared] = await Promise.all([startSolo(), startSolo(), openSpoke('shared')])
/** What each home is on the peer: a credential of its own. */
const own: ReadonlyMap<Solo, Spoke> = new Map(
  await Promise.all(
    [blue, green].map(async (home, index): Promise<[Solo, Spoke]> => {
      const spoke = await spokeOn('shared', shared.plane, { account: `home-${index}` })
      await enlist(home.client, spoke)
      await home.client.createNamespace(PLATFORM)
      return [home, spoke]
    }),
  ),
)
const [blueId, greenId] = [await identityOf(blue.client), await identityOf(green.client)]

function spokeOf(home: Solo): Spoke {
  const spoke = own.get(home)
  assert(spoke !== undefined)
  return spoke
}

async function settled(home: Solo): Promise<void> {
  await settledOn(home, spokeOf(home))
}

async function clusterOf(ref: Ref): Promise<string | null> {
  const found = await shared.client.find(ref)
  return found === null ? null : (marksOn(found)['origin-cluster'] ?? 'none')
}

async function offeredBy(home: Solo, name: string, data: string, namespaces: string): Promise<KubeObject> {
  return await home.client.create(
    secretOffer(PLATFORM, name, { targets: 'shared', 'target-namespaces': namespaces }, { from: data }),
  )
}

test('a namespace of the peer that accepts one home only has its mirrors and none of the other’s', async () => {
  const both = await shared.namespace('open', { annotations: ours({ accept: '*:platform/*' }) })
  const only = await shared.namespace('only', { annotations: ours({ accept: `${blueId}:platform/*` }) })
  const never = await shared.namespace('never', {
    annotations: ours({ accept: '*:*/*', refuse: `${blueId}:*/*` }),
  })
  const reach = `${both}, ${only}, ${never}`
  const ofBlue = await offeredBy(blue, 'blue-only', 'blue', reach)
  const ofGreen = await offeredBy(green, 'green-only', 'green', reach)
  for (const namespace of [both, only]) await awaitPresent(shared.client, mirrorIn(namespace, ofBlue))
  for (const namespace of [both, never]) await awaitPresent(shared.client, mirrorIn(namespace, ofGreen))
  await Promise.all([settled(blue), settled(green)])
  assert.equal(await clusterOf(mirrorIn(only, ofGreen)), null)
  assert.equal(await clusterOf(mirrorIn(never, ofBlue)), null)
  assert.equal(await clusterOf(mirrorIn(both, ofBlue)), blueId)
  assert.equal(await clusterOf(mirrorIn(both, ofGreen)), greenId)
})

test('consent taken from one home and given to the other changes whose mirror stands there', async () => {
  const there = await shared.namespace('turned', { annotations: ours({ accept: `${blueId}:*/*` }) })
  const ofBlue = await offeredBy(blue, 'turned', 'blue', there)
  await awaitData(shared.client, mirrorIn(there, ofBlue), { from: 'blue' })
  await offeredBy(green, 'turned', 'green', there)
  await settled(green)
  assert.equal(await clusterOf(mirrorIn(there, ofBlue)), blueId)
  await shared.client.annotate({ kind: 'Namespace', name: there }, ours({ accept: `${greenId}:*/*` }))
  await awaitData(shared.client, mirrorIn(there, ofBlue), { from: 'green' })
  assert.equal(await clusterOf(mirrorIn(there, ofBlue)), greenId)
})

test('two homes push one name into one namespace: the first keeps it, the other is told, and neither writes again', async () => {
  const there = await shared.namespace('contest')
  const first = await offeredBy(blue, 'cert', 'blue', there)
  const ref = mirrorIn(there, first)
  const mirror = await awaitData(shared.client, ref, { from: 'blue' })
  const second = await offeredBy(green, 'cert', 'green', there)
  const told = await awaitEvent(green.client, refOf(second), 'TargetsBlocked')
  assert(!told.message.includes(there), 'the owner is not told which target')
  await awaitEvent(shared.client, ref, 'MirrorBlocked')
  const mark = await shared.plane.own.audit.mark()
  await Promise.all([settled(blue), settled(green)])
  assert.equal((await shared.client.get(ref)).metadata.resourceVersion, mirror.metadata.resourceVersion)
  await write(blue.client, refOf(first), { from: 'blue again' })
  await write(green.client, refOf(second), { from: 'green again' })
  await awaitData(shared.client, ref, { from: 'blue again' })
  await Promise.all([settled(blue), settled(green)])
  assert.deepEqual(await changesOn(spokeOf(green), mark), [])
  assert.deepEqual(await changesOn(spokeOf(blue), mark), [`patch secrets ${there}/cert 200`])
  assert.deepEqual(textsOf({ ...(await shared.client.get(ref)), kind: 'Secret' }), { from: 'blue again' })
})

test('the other home’s origin may go without a trace; the first’s gone, the other follows into the freed name', async () => {
  const there = await shared.namespace('freed')
  const first = await offeredBy(blue, 'freed', 'blue', there)
  const ref = mirrorIn(there, first)
  const mirror = await awaitData(shared.client, ref, { from: 'blue' })
  const second = await offeredBy(green, 'freed', 'green', there)
  await settled(green)
  await green.client.remove(refOf(second))
  await settled(green)
  assert.equal((await shared.client.get(ref)).metadata.resourceVersion, mirror.metadata.resourceVersion)
  await offeredBy(green, 'freed', 'green', there)
  await settled(green)
  await blue.client.remove(refOf(first))
  await awaitData(shared.client, ref, { from: 'green' })
  assert.equal(await clusterOf(ref), greenId)
})

test('what one home retained on the peer is not the other’s to take', async () => {
  const there = await shared.namespace('retained')
  const reach = { targets: 'shared', 'target-namespaces': there, 'on-delete': 'retain' }
  const first = await blue.client.create(offer(PLATFORM, 'retained', reach, { from: 'blue' }))
  const ref = mirrorIn(there, first)
  await awaitPresent(shared.client, ref, (each) => marksOn(each)['on-delete'] === 'retain')
  await blue.client.remove(refOf(first))
  const left = await awaitPresent(shared.client, ref, (each) => marksOn(each)['mirror'] === undefined)
  await green.client.create(offer(PLATFORM, 'retained', reach, { from: 'green' }))
  await settled(green)
  assert.equal((await shared.client.get(ref)).metadata.resourceVersion, left.metadata.resourceVersion)
})

test('marks copied to another place, and half of them that name the other home, prove nothing to either', async () => {
  const there = await shared.namespace('forged')
  const first = await offeredBy(blue, 'real', 'blue', there)
  const mirror = await awaitData(shared.client, mirrorIn(there, first), { from: 'blue' })
  const { labels = {}, annotations = {} } = mirror.metadata
  const half = ours({ at: `${there}/half`, 'origin-cluster': greenId })
  const forged = [
    { name: 'copied', labels, annotations },
    { name: 'half', labels: {}, annotations: { ...annotations, ...half } },
  ].map((metadata) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace: there, ...metadata } }))
  for (const each of forged) await shared.client.create(each)
  const before = await Promise.all(forged.map((each) => shared.client.get(refOf(each))))
  await Promise.all([settled(blue), settled(green)])
  for (const { metadata } of before) {
    const now = await shared.client.get({ kind: 'Secret', namespace: there, name: metadata.name })
    assert.equal(now.metadata.resourceVersion, metadata.resourceVersion, metadata.name)
  }
})

test('both restarted, neither writes anything on the peer', async () => {
  const mark = await shared.plane.own.audit.mark()
  await Promise.all([blue.restart(), green.restart()])
  await Promise.all([settled(blue), settled(green)])
  assert.deepEqual(
    [...(await changesOn(spokeOf(blue), mark)), ...(await changesOn(spokeOf(green), mark))],
    [],
  )
})

test('a home whose peer Secret is gone leaves its mirrors, and the other goes on beside them', async () => {
  const there = await shared.namespace('leaving')
  const first = await offeredBy(blue, 'leaving', 'blue', there)
  const mirror = await awaitData(shared.client, mirrorIn(there, first), { from: 'blue' })
  await blue.client.remove({ kind: 'Secret', namespace: 'heliograph', name: 'shared' })
  const second = await offeredBy(green, 'staying', 'green', there)
  await awaitData(shared.client, mirrorIn(there, second), { from: 'green' })
  await blue.client.remove(refOf(first))
  await settled(green)
  assert.equal(
    (await shared.client.get(mirrorIn(there, first))).metadata.resourceVersion,
    mirror.metadata.resourceVersion,
  )
  await green.client.remove(refOf(second))
  await awaitAbsent(shared.client, mirrorIn(there, second))
})
