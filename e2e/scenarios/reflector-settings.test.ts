/** Settings about reflector’s vocabulary: read or not, under which prefix, and with consent required. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { eventsAbout } from '../lib/events.ts'
import { leaveReflectorCopy } from '../lib/leftovers.ts'
import { isMirrorOf, ours } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { awaitData, mirrorIn, namespacesOf, offer } from '../lib/offers.ts'
import { AUTO, reflectable, reflecting, reflectorKeysOn } from '../lib/reflector.ts'
import { openSolo } from '../lib/solo.ts'

const solo = await openSolo()
const { client, stage } = solo

const WITHOUT = { environment: { HELIOGRAPH_DIALECTS: 'replicator,kubed,sync' } }
const PREFIX = 'mirrors.example.com/'

function to(...namespaces: readonly string[]): Readonly<Record<string, string>> {
  return { ...AUTO, 'reflection-allowed-namespaces': namespaces.join(',') }
}

async function assertUntouched(before: KubeObject): Promise<void> {
  const { metadata } = await client.get(refOf(before))
  const { uid, resourceVersion } = before.metadata
  assert.deepEqual([metadata.uid, metadata.resourceVersion], [uid, resourceVersion])
}

test('where reflector’s vocabulary is not read its origins, copies and requests are nothing to us, and are all taken up once it is', async () => {
  const [home, target, other] = await stage.namespaces('off-home', 'off-target', 'off-other')
  const origin = await client.create(reflectable(home, 'off', to(target, other)))
  const copy = await leaveReflectorCopy(client, origin, target)
  const gone = await client.create(reflectable(home, 'off-gone', to(target)))
  const orphan = await leaveReflectorCopy(client, gone, target)
  await client.remove(refOf(gone))
  const asking = await client.create(reflecting(other, 'mine', refOf(origin)))
  await solo.start(WITHOUT)
  await solo.settled()
  for (const each of [copy, orphan, asking]) {
    await assertUntouched(each)
    assert.deepEqual(await eventsAbout(client, refOf(each)), [])
  }
  assert.deepEqual(await namespacesOf(client, refOf(origin)), [target])
  await solo.restart()
  await awaitPresent(client, refOf(copy), (each) => isMirrorOf(each, refOf(origin)))
  await awaitPresent(client, mirrorIn(other, origin))
  await awaitData(client, refOf(asking), { a: '1' })
  await awaitAbsent(client, refOf(orphan))
  assert.equal((await client.get(refOf(copy))).metadata.uid, copy.metadata.uid)
})

test('where it is not read our own vocabulary works on the same objects, without a word about the other', async () => {
  const [home, target, other] = await stage.namespaces('own-home', 'own-target', 'own-other')
  await solo.restart(WITHOUT)
  const offered = reflectable(home, 'own', to(other))
  const annotations = { ...offered.metadata.annotations, ...ours({ 'reflect-to': target }) }
  const origin = await client.create({ ...offered, metadata: { ...offered.metadata, annotations } })
  await awaitPresent(client, mirrorIn(target, origin))
  await solo.settled()
  assert.deepEqual(await namespacesOf(client, refOf(origin)), [target])
  assert.deepEqual(await eventsAbout(client, refOf(origin)), [])
  await solo.restart()
})

test('under another prefix only keys of that prefix are read and written', async () => {
  const [home, target] = await stage.namespaces('prefix-home', 'prefix-target')
  const offered = offer(home, 'prefixed', {})
  const renamed = Object.fromEntries(Object.entries(to(target)).map(([key, value]) => [PREFIX + key, value]))
  await solo.restart({ environment: { HELIOGRAPH_REFLECTOR_PREFIX: PREFIX } })
  const plain = await client.create(reflectable(home, 'plain', to(target)))
  const origin = await client.create({ ...offered, metadata: { ...offered.metadata, annotations: renamed } })
  const mirror = await awaitPresent(client, mirrorIn(target, origin))
  assert.equal(mirror.metadata.annotations?.[`${PREFIX}reflects`], `${home}/prefixed`)
  assert.deepEqual(reflectorKeysOn(mirror), {})
  await solo.settled()
  assert.equal(await client.find(mirrorIn(target, plain)), null)
  await solo.restart()
  await awaitPresent(client, mirrorIn(target, plain))
})

test('consent that is required binds reflector’s origins: a copy where nobody accepted stays as it is, and is taken over once somebody does', async () => {
  const [home, target] = await stage.namespaces('consent-home', 'consent-target')
  await solo.stop()
  const origin = await client.create(reflectable(home, 'consented', to(target)))
  const copy = await leaveReflectorCopy(client, origin, target)
  await solo.start({ environment: { HELIOGRAPH_CONSENT: 'required' } })
  await solo.settled()
  await assertUntouched(copy)
  await client.annotate({ kind: 'Namespace', name: target }, ours({ accept: `${home}/*` }))
  const mirror = await awaitPresent(client, refOf(copy), (each) => isMirrorOf(each, refOf(origin)))
  assert.equal(mirror.metadata.uid, copy.metadata.uid)
  await client.annotate({ kind: 'Namespace', name: target }, ours({ accept: null }))
  await awaitAbsent(client, refOf(copy))
})
