/** Deletions that hang on a finalizer: what is going is not written, what stands in a namespace that goes is not made again, and all comes right afterwards. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { isMirrorOf } from '../lib/marks.ts'
import { configMap, plain, refOf } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, secretOffer, write } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'
import { watchVersions } from '../lib/witness.ts'

const HOOK = 'example.com/hook'

const solo = await startSolo()
const { client, stage } = solo

test('a mirror that a finalizer keeps from going is not written while it goes, and is made anew once it is gone', async () => {
  const { origin, place } = await mirrored('going')
  await pin(place)
  await client.remove(place)
  const going = await awaitPresent(client, place, isGoing)
  await write(client, refOf(origin), { password: 'second' })
  await solo.settled()
  const still = await client.get(place)
  assert.equal(still.metadata.resourceVersion, going.metadata.resourceVersion)
  assert.deepEqual(plain(still), { password: 'first' })
  await unpin(place)
  const anew = await awaitData(client, place, { password: 'second' })
  assert.notEqual(anew.metadata.uid, still.metadata.uid)
})

test('the same when the controller was stopped all the while', async () => {
  const { origin, place } = await mirrored('stopped')
  await pin(place)
  await solo.whileStopped(async () => {
    await client.remove(place)
    await write(client, refOf(origin), { password: 'second' })
  })
  await solo.settled()
  assert.deepEqual(plain(await client.get(place)), { password: 'first' })
  await unpin(place)
  await awaitData(client, place, { password: 'second' })
})

test('a mirror of ours that a finalizer keeps from going is deleted once, not again and again', async () => {
  const { origin, place } = await mirrored('once')
  await pin(place)
  const mark = await solo.mark()
  await annotate(client, refOf(origin), { 'reflect-to': null })
  await awaitPresent(client, place, isGoing)
  await client.patch(place, { metadata: { labels: { touched: 'a' } } })
  await solo.settled()
  assert.deepEqual(await changesIn(place, mark), [`delete secrets ${place.namespace}/${place.name} 200`])
  await unpin(place)
  await awaitAbsent(client, place)
  await solo.settled()
  assert.equal(await client.find(place), null)
})

test('a mirror that is claimed again while it goes is made anew, not saved', async () => {
  const { origin, place } = await mirrored('return')
  await pin(place)
  await annotate(client, refOf(origin), { 'reflect-to': null })
  const going = await awaitPresent(client, place, isGoing)
  await annotate(client, refOf(origin), { 'reflect-to': place.namespace ?? '' })
  await solo.settled()
  assert.equal((await client.get(place)).metadata.uid, going.metadata.uid)
  await unpin(place)
  const anew = await awaitPresent(client, place, (each) => each.metadata.uid !== going.metadata.uid)
  assert.ok(isMirrorOf(anew, refOf(origin)))
})

test('an origin that a finalizer keeps from going claims until it is gone: mirrors follow, are put back, and then go', async () => {
  const { origin, place } = await mirrored('origin')
  await pin(refOf(origin))
  await client.remove(refOf(origin))
  await solo.settled()
  assert.deepEqual(plain(await client.get(place)), { password: 'first' })
  await client.patch(place, { stringData: { password: 'edited' } })
  await awaitData(client, place, { password: 'first' })
  await write(client, refOf(origin), { password: 'second' })
  await awaitData(client, place, { password: 'second' })
  await solo.restart()
  await solo.settled()
  assert.deepEqual(plain(await client.get(place)), { password: 'second' })
  const before = await client.get(refOf(origin))
  assert.deepEqual(before.metadata.finalizers, [HOOK])
  await unpin(refOf(origin))
  await awaitAbsent(client, place)
})

test('a namespace that a finalizer keeps from going gets no new mirror, is not knocked at, and receives again when it is made anew', async () => {
  stage.plane.requireControllers('a namespace that goes')
  const [home, target] = await stage.namespaces('going-home', 'going-target')
  await client.create(configMap(target, 'anchor', { a: '1' }))
  await pin({ kind: 'ConfigMap', namespace: target, name: 'anchor' })
  const origin = await offer(home, target, 'before')
  const place = mirrorIn(target, origin)
  await awaitPresent(client, place)
  await using witness = await watchVersions(client, place)
  await client.remove({ kind: 'Namespace', name: target })
  await awaitAbsent(client, place)
  const mark = await solo.mark()
  const later = await offer(home, target, 'later')
  await write(client, refOf(origin), { password: 'second' })
  await solo.settled()
  await solo.restart()
  await solo.settled()
  assert.deepEqual(await changesIn(place, mark), [])
  assert.deepEqual(
    (await witness.versions()).map((each) => each !== null),
    [true, false],
  )
  await unpin({ kind: 'ConfigMap', namespace: target, name: 'anchor' })
  await awaitAbsent(client, { kind: 'Namespace', name: target })
  await client.createNamespace(target)
  await awaitData(client, place, { password: 'second' })
  await awaitData(client, mirrorIn(target, later), { password: 'first' })
})

test('an origin whose own namespace goes keeps its mirrors until it is gone itself', async () => {
  stage.plane.requireControllers('a namespace that goes')
  const { origin, place } = await mirrored('home')
  const home = origin.metadata.namespace ?? ''
  await pin(refOf(origin))
  await client.remove({ kind: 'Namespace', name: home })
  await awaitPresent(client, refOf(origin), isGoing)
  await solo.settled()
  assert.deepEqual(plain(await client.get(place)), { password: 'first' })
  await unpin(refOf(origin))
  await awaitAbsent(client, place)
})

async function mirrored(word: string): Promise<{ readonly origin: KubeObject; readonly place: Ref }> {
  const [home, target] = await stage.namespaces(`${word}-home`, `${word}-target`)
  const origin = await offer(home, target, `pass-${word}`)
  const place = mirrorIn(target, origin)
  await awaitData(client, place, { password: 'first' })
  return { origin, place }
}

async function offer(home: string, target: string, name: string): Promise<KubeObject> {
  const offered = secretOffer(home, name, { 'reflect-to': target }, { password: 'first' })
  await client.create(offered)
  return offered
}

async function pin(ref: Ref): Promise<void> {
  await client.patch(ref, { metadata: { finalizers: [HOOK] } })
}

async function unpin(ref: Ref): Promise<void> {
  await client.patch(ref, { metadata: { finalizers: null } })
}

function isGoing({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined
}

/** The controller's changes in the namespace of `place` since `mark`. */
async function changesIn(
  { namespace }: Ref,
  mark: Awaited<ReturnType<typeof solo.mark>>,
): Promise<readonly string[]> {
  return (await solo.changes(mark)).filter((each) => each.includes(` ${namespace}/`))
}
