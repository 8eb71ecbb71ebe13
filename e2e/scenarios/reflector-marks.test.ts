/** Reflector’s marks beside ours, right enough to go back with, and our own keys under its vocabulary. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { keysOf, REFLECTOR } from '../lib/leftovers.ts'
import { marksOn, ours, pathOf } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, namespacesOf, write } from '../lib/offers.ts'
import {
  AUTO,
  reannotate,
  reflectable,
  reflecting,
  reflectorKeysOn,
  secretReflectable,
} from '../lib/reflector.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00$/

function to(...namespaces: readonly string[]): Readonly<Record<string, string>> {
  return { ...AUTO, 'reflection-allowed-namespaces': namespaces.join(',') }
}

/** An origin in reflector's vocabulary that bears keys of ours as well. */
async function withOurs(origin: KubeObject, keys: Readonly<Record<string, string>>): Promise<KubeObject> {
  const annotations = { ...origin.metadata.annotations, ...ours(keys) }
  return await client.create({ ...origin, metadata: { ...origin.metadata, annotations } })
}

/** The tool's change detector compares versions: equal ones mean that it has nothing to do. */
function assertCurrent(mirror: KubeObject, origin: KubeObject): void {
  const { 'reflected-at': time = '', ...marks } = reflectorKeysOn(mirror)
  assert.match(time, TIME)
  assert.deepEqual(marks, {
    reflects: pathOf(refOf(origin)),
    'auto-reflects': 'True',
    'reflected-version': origin.metadata.resourceVersion,
  })
}

test('whoever goes back finds the tool’s marks right after creation and after a rotation', async () => {
  const [home, target] = await stage.namespaces('back-home', 'back-target')
  for (const offered of [reflectable(home, 'map', to(target)), secretReflectable(home, 'pass', to(target))]) {
    const origin = await client.create(offered)
    assertCurrent(await awaitData(client, mirrorIn(target, origin), { a: '1' }), origin)
    const rotated = await write(client, refOf(origin), { a: '2' })
    assertCurrent(await awaitData(client, mirrorIn(target, origin), { a: '2' }), rotated)
  }
})

test('no mark is written alone: a change of the origin’s metadata, and a restart, write nothing', async () => {
  const [home, target] = await stage.namespaces('quiet-home', 'quiet-target')
  const origin = await client.create(reflectable(home, 'quiet', to(target)))
  const mirror = await awaitPresent(client, mirrorIn(target, origin))
  await client.patch(refOf(origin), { metadata: { labels: { any: 'label' } } })
  await solo.settled()
  await solo.restart()
  await solo.settled()
  const { metadata } = await client.get(refOf(mirror))
  assert.equal(metadata.resourceVersion, mirror.metadata.resourceVersion)
})

for (const [words, value] of [
  ['blanked', ''],
  ['removed', null],
] as const) {
  test(`a reflected-version that is ${words} on a mirror is restored by one write, whatever else was changed`, async () => {
    const [home, target] = await stage.namespaces(`${words}-home`, `${words}-target`)
    const origin = await client.create(reflectable(home, words, to(target)))
    const mirror = await awaitPresent(client, mirrorIn(target, origin))
    const isRestored = (each: KubeObject): boolean =>
      reflectorKeysOn(each)['reflected-version'] === origin.metadata.resourceVersion
    const mark = await solo.mark()
    await reannotate(client, refOf(mirror), { 'reflected-version': value })
    assertCurrent(await awaitPresent(client, refOf(mirror), isRestored), origin)
    await solo.settled()
    const changes = (await solo.changes(mark)).filter((each) => each.includes(target))
    assert.deepEqual(changes, [`patch configmaps ${target}/${words} 200`])
    const blanked = keysOf(REFLECTOR, { 'reflected-version': value })
    await client.patch(refOf(mirror), { metadata: { annotations: blanked }, data: { a: 'tampered' } })
    await awaitData(client, refOf(mirror), { a: '1' })
    assertCurrent(await awaitPresent(client, refOf(mirror), isRestored), origin)
  })
}

test('what is retained loses the tool’s marks with ours, so that going back does not collect it', async () => {
  const [home, target] = await stage.namespaces('retain-home', 'retain-target')
  const origin = await withOurs(reflectable(home, 'retained', to(target)), { 'on-delete': 'retain' })
  const mirror = await awaitPresent(client, mirrorIn(target, origin))
  await client.remove(refOf(origin))
  const kept = await awaitPresent(client, refOf(mirror), (each) => marksOn(each)['retained'] !== undefined)
  assert.deepEqual([kept.data, reflectorKeysOn(kept), marksOn(kept)['mirror']], [{ a: '1' }, {}, undefined])
  await withOurs(reflectable(home, 'retained', to(target), { a: '2' }), { 'on-delete': 'retain' })
  const again = await awaitData(client, refOf(mirror), { a: '2' })
  assert.equal(again.metadata.uid, mirror.metadata.uid)
})

test('paused freezes mirrors and pull mirrors of reflector’s origins', async () => {
  const [home, target] = await stage.namespaces('paused-home', 'paused-target')
  const origin = await client.create(reflectable(home, 'paused', to(target)))
  const pulling = await client.create(reflecting(target, 'mine', refOf(origin)))
  const all = [mirrorIn(target, origin), refOf(pulling)]
  for (const each of all) await awaitData(client, each, { a: '1' })
  await annotate(client, refOf(origin), { paused: 'true' })
  await write(client, refOf(origin), { a: '2' })
  await solo.settled()
  for (const each of all) assert.deepEqual((await client.get(each)).data, { a: '1' })
  await annotate(client, refOf(origin), { paused: null })
  for (const each of all) await awaitData(client, each, { a: '2' })
})

test('a version that does not pass validate is not distributed until one does', async () => {
  const [home, target] = await stage.namespaces('valid-home', 'valid-target')
  const origin = await withOurs(reflectable(home, 'valid', to(target)), { validate: 'keys=a' })
  await awaitData(client, mirrorIn(target, origin), { a: '1' })
  await write(client, refOf(origin), { a: null, b: '2' })
  await awaitEvent(client, refOf(origin), 'ValidationFailed')
  assert.deepEqual((await client.get(mirrorIn(target, origin))).data, { a: '1' })
  await write(client, refOf(origin), { a: '3' })
  await awaitData(client, mirrorIn(target, origin), { a: '3', b: '2' })
})

test('reflect-as, keys, labels and immutable apply to reflector’s origins', async () => {
  const [home, target] = await stage.namespaces('keys-home', 'keys-target')
  const keys = { 'reflect-as': 'other-name', keys: 'a=renamed', labels: '{"fixed":"yes"}', immutable: 'true' }
  const origin = await withOurs(reflectable(home, 'keyed', to(target), { a: '1', b: '2' }), keys)
  const mirror = await awaitPresent(client, mirrorIn(target, origin, 'other-name'))
  assert.deepEqual([mirror.data, mirror.immutable], [{ renamed: '1' }, true])
  assert.equal(mirror.metadata.labels?.['fixed'], 'yes')
  assertCurrent(mirror, origin)
  await solo.settled()
  assert.equal(await client.find(mirrorIn(target, origin)), null)
})

test('a bad value of one of our keys holds reflector’s origin', async () => {
  const [home, target] = await stage.namespaces('flaw-home', 'flaw-target')
  const origin = await withOurs(reflectable(home, 'flawed', to(target)), { keys: '!!' })
  const told = await awaitEvent(client, refOf(origin), 'OriginHeld')
  assert.match(told.message, /heliograph\.dev\/keys: /)
  await solo.settled()
  assert.deepEqual(await namespacesOf(client, refOf(origin)), [])
})

test('where both vocabularies speak ours counts, and the other is told to be passed over', async () => {
  const [home, native, foreign] = await stage.namespaces('both-home', 'both-native', 'both-foreign')
  const origin = await withOurs(reflectable(home, 'both', to(foreign)), { 'reflect-to': native })
  const mirror = await awaitPresent(client, mirrorIn(native, origin))
  const told = await awaitEvent(client, refOf(origin), 'AnnotationIgnored')
  assert.match(told.message, /reflector .*passed over.*heliograph/)
  await solo.settled()
  assert.deepEqual(await namespacesOf(client, refOf(origin)), [native])
  assert.deepEqual(reflectorKeysOn(mirror), {})
  await annotate(client, refOf(origin), { 'reflect-to': null })
  await awaitPresent(client, mirrorIn(foreign, origin))
  await awaitAbsent(client, mirrorIn(native, origin))
})

test('an origin on which old marks of a copy stand is an origin, and is never touched', async () => {
  const [home, target, elsewhere] = await stage.namespaces('marked-home', 'marked-target', 'marked-else')
  const marks = { reflects: `${elsewhere}/marked`, 'auto-reflects': 'True', 'reflected-version': '1' }
  const origin = await client.create(reflectable(home, 'marked', { ...to(target), ...marks }))
  await awaitPresent(client, mirrorIn(target, origin))
  const rival = await client.create(reflectable(elsewhere, 'marked', to(home), { a: 'rival' }))
  await awaitEvent(client, refOf(rival), 'TargetsBlocked')
  await client.remove(refOf(rival))
  await solo.settled()
  const { metadata, data } = await client.get(refOf(origin))
  assert.deepEqual([metadata.resourceVersion, data], [origin.metadata.resourceVersion, { a: '1' }])
  const told = await eventsAbout(client, refOf(origin))
  assert.ok(!told.some(({ reason }) => reason === 'OffersIgnored' || reason === 'CopyLeft'))
})
