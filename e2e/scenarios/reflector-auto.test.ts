/** Auto mirrors in reflector’s vocabulary: made, followed, repaired and taken away at once, and nothing done to what somebody else made. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { isMirrorOf, pathOf } from '../lib/marks.ts'
import { refOf, secret } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { awaitData, mirrorIn, namespacesOf, offer, textsOf, write } from '../lib/offers.ts'
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

/** What pushes to these namespaces alone. */
function to(...namespaces: readonly string[]): Readonly<Record<string, string>> {
  return { ...AUTO, 'reflection-allowed-namespaces': namespaces.join(',') }
}

async function assertUntouched(before: KubeObject): Promise<void> {
  const { metadata } = await client.get(refOf(before))
  const { uid, resourceVersion } = before.metadata
  assert.deepEqual([metadata.uid, metadata.resourceVersion], [uid, resourceVersion], pathOf(refOf(before)))
}

test('an auto mirror has its origin’s name, type and data, and of labels and annotations only marks', async () => {
  const [home, target] = await stage.namespaces('made-home', 'made-target')
  const owner = await client.create(reflectable(home, 'owner', {}))
  const offered = secretReflectable(home, 'made', to(target), { 'tls.crt': 'c', 'tls.key': 'k' })
  const origin = await client.create({
    ...offered,
    type: 'kubernetes.io/tls',
    immutable: true,
    metadata: {
      ...offered.metadata,
      labels: { team: 'a' },
      annotations: { ...offered.metadata.annotations, 'example.com/note': 'x' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid }],
    },
  })
  const mirror = await awaitPresent(client, mirrorIn(target, origin))
  assert.deepEqual([mirror.type, mirror.data, mirror.immutable], [origin.type, origin.data, undefined])
  assert.deepEqual(Object.keys(mirror.metadata.labels ?? {}), ['heliograph.dev/mirror'])
  assert.equal(mirror.metadata['ownerReferences'], undefined)
  const foreign = Object.keys(mirror.metadata.annotations ?? {}).filter(
    (key) => !/^(heliograph\.dev|reflector\.v1\.k8s\.emberstack\.com)\//.test(key),
  )
  assert.deepEqual(foreign, [])
})

test('an update replaces data wholesale, binary data too, and keys that left go', async () => {
  const [home, target] = await stage.namespaces('whole-home', 'whole-target')
  const binaryData = { logo: Buffer.from([0, 255]).toString('base64') }
  const origin = await client.create({
    ...reflectable(home, 'whole', to(target), { a: '1', b: '2' }),
    binaryData,
  })
  const made = await awaitData(client, mirrorIn(target, origin), { a: '1', b: '2' })
  assert.deepEqual(made.binaryData, binaryData)
  await client.patch(refOf(origin), { data: { a: null, c: '3' }, binaryData: null })
  const now = await awaitData(client, mirrorIn(target, origin), { b: '2', c: '3' })
  assert.deepEqual([now.metadata.uid, now.binaryData], [made.metadata.uid, undefined])
})

test('an unmanaged object of the name stays untouched when its origin comes, when its namespace is relabelled and when the origin goes', async () => {
  const home = await stage.namespace('alien-home')
  const target = await stage.namespace('alien-target')
  const other = await stage.namespace('alien-other', { labels: { alien: 'yes' } })
  const annotated = await client.create(reflectable(target, 'alien', { note: 'mine' }, { own: 'x' }))
  const bare = await client.create({
    ...secret(other, 'alien-bare', { own: 'x' }),
    metadata: { namespace: other, name: 'alien-bare' },
  })
  const keys = { ...AUTO, 'reflection-allowed-namespaces-selector': 'alien=yes' }
  const origin = await client.create(reflectable(home, 'alien', keys))
  const twin = await client.create(secretReflectable(home, 'alien-bare', keys))
  await awaitEvent(client, refOf(bare), 'MirrorBlocked')
  await awaitPresent(client, mirrorIn(other, origin))
  await client.patch({ kind: 'Namespace', name: target }, { metadata: { labels: { alien: 'yes' } } })
  const told = await awaitEvent(client, refOf(annotated), 'MirrorBlocked')
  assert.match(told.message, /not ours\. It stays untouched/)
  await awaitEvent(client, refOf(origin), 'TargetsBlocked')
  await awaitPresent(client, mirrorIn(target, twin))
  await client.remove(refOf(origin))
  await client.remove(refOf(twin))
  await awaitAbsent(client, mirrorIn(other, origin))
  await awaitAbsent(client, mirrorIn(target, twin))
  await solo.settled()
  await assertUntouched(annotated)
  await assertUntouched(bare)
})

test('of two origins of one name the holder keeps the place, whatever namespace events come', async () => {
  const [first, second, target] = await stage.namespaces('rival-first', 'rival-second', 'rival-target')
  const holder = await client.create(reflectable(first, 'rival', to(target), { a: 'first' }))
  const mirror = await awaitData(client, mirrorIn(target, holder), { a: 'first' })
  const rival = await client.create(reflectable(second, 'rival', to(target), { a: 'second' }))
  await awaitEvent(client, refOf(rival), 'ClaimLost')
  await client.patch({ kind: 'Namespace', name: target }, { metadata: { labels: { any: 'label' } } })
  await solo.settled()
  await assertUntouched(mirror)
})

test('a pull mirror of the origin’s name survives auto on and off, inside the list and outside, and its origin’s deletion', async () => {
  const [home, inside, outside] = await stage.namespaces('same-home', 'same-inside', 'same-outside')
  const pullOnly = { 'reflection-allowed': 'true', 'reflection-allowed-namespaces': 'same-.*' }
  const origin = await client.create(reflectable(home, 'same', pullOnly))
  const pulls = [inside, outside].map((each) => reflecting(each, 'same', refOf(origin)))
  const made = await Promise.all(pulls.map((each) => client.create(each)))
  const served = async (data: string): Promise<void> => {
    for (const each of made) {
      const now = await awaitData(client, refOf(each), { a: data })
      assert.equal(now.metadata.uid, each.metadata.uid)
      assert.equal(reflectorKeysOn(now)['auto-reflects'], 'False')
    }
  }
  await served('1')
  await reannotate(client, refOf(origin), {
    'reflection-auto-enabled': 'true',
    'reflection-auto-namespaces': inside,
  })
  await write(client, refOf(origin), { a: '2' })
  await served('2')
  await reannotate(client, refOf(origin), { 'reflection-auto-enabled': 'false' })
  await write(client, refOf(origin), { a: '3' })
  await served('3')
  await client.remove(refOf(origin))
  await solo.settled()
  await served('3')
})

test('an origin’s deletion deletes every mirror, though one was deleted by hand before, and also while nothing ran', async () => {
  const [home, one, two] = await stage.namespaces('gone-home', 'gone-one', 'gone-two')
  for (const isSeen of [true, false]) {
    const origin = await client.create(reflectable(home, `gone-${String(isSeen)}`, to(one, two)))
    const mirrors = [mirrorIn(one, origin), mirrorIn(two, origin)]
    await Promise.all(mirrors.map((each) => awaitPresent(client, each)))
    const go = async (): Promise<void> => {
      await client.remove(refOf(origin))
      await client.remove(mirrors[0] ?? refOf(origin))
    }
    await (isSeen ? go() : solo.whileStopped(go))
    await Promise.all(mirrors.map((each) => awaitAbsent(client, each)))
  }
})

const ENDS: readonly (readonly [words: string, keys: Readonly<Record<string, string | null>>])[] = [
  ['reflection-allowed says false', { 'reflection-allowed': 'false' }],
  ['reflection-allowed is removed', { 'reflection-allowed': null }],
  ['the allowed list narrows', { 'reflection-allowed-namespaces': 'nowhere' }],
  ['auto is switched off', { 'reflection-auto-enabled': 'false' }],
  ['the auto list narrows', { 'reflection-auto-namespaces': 'nowhere' }],
]

for (const [index, [words, keys]] of ENDS.entries()) {
  test(`when ${words}, auto mirrors go at once, and come back when it is undone`, async () => {
    const [home, target] = await stage.namespaces(`end-${index}-home`, `end-${index}-target`)
    const wanted = { ...to(target), 'reflection-auto-namespaces': target }
    const origin = await client.create(reflectable(home, `end-${index}`, wanted))
    const mirror = await awaitPresent(client, mirrorIn(target, origin))
    await reannotate(client, refOf(origin), keys)
    await awaitAbsent(client, refOf(mirror))
    await reannotate(client, refOf(origin), wanted)
    const again = await awaitData(client, refOf(mirror), { a: '1' })
    assert.notEqual(again.metadata.uid, mirror.metadata.uid)
  })
}

test('an edit of a mirror is put back and a deletion made good, though the origin says nothing new', async () => {
  const [home, target] = await stage.namespaces('repair-home', 'repair-target')
  const origin = await client.create(reflectable(home, 'repair', to(target)))
  const mirror = await awaitPresent(client, mirrorIn(target, origin))
  await write(client, refOf(mirror), { a: 'tampered', b: 'added' })
  const repaired = await awaitData(client, refOf(mirror), { a: '1' })
  assert.equal(repaired.metadata.uid, mirror.metadata.uid)
  await client.remove(refOf(mirror))
  const again = await awaitPresent(
    client,
    refOf(mirror),
    ({ metadata }) => metadata.uid !== mirror.metadata.uid,
  )
  assert.ok(isMirrorOf(again, refOf(origin)))
})

test('an origin that is created again with another type gets mirrors of that type, seen or not', async () => {
  const [home, target] = await stage.namespaces('type-home', 'type-target')
  const made = async (type: string): Promise<KubeObject> =>
    await client.create({
      ...secretReflectable(home, 'typed', to(target), { 'tls.crt': 'c', 'tls.key': 'k' }),
      type,
    })
  const origin = await made('Opaque')
  const isOf = (type: string) => (each: KubeObject) => each.type === type
  await awaitPresent(client, mirrorIn(target, origin), isOf('Opaque'))
  await client.remove(refOf(origin))
  await made('kubernetes.io/tls')
  await awaitPresent(client, mirrorIn(target, origin), isOf('kubernetes.io/tls'))
  await solo.whileStopped(async () => {
    await client.remove(refOf(origin))
    await made('example.com/third')
  })
  await awaitPresent(client, mirrorIn(target, origin), isOf('example.com/third'))
})

test('a mirror that somebody made immutable is replaced, so that a rotation arrives', async () => {
  const [home, target] = await stage.namespaces('sealed-home', 'sealed-target')
  const origin = await client.create(reflectable(home, 'sealed', to(target)))
  const mirror = await awaitPresent(client, mirrorIn(target, origin))
  await client.patch(refOf(mirror), { immutable: true })
  await write(client, refOf(origin), { a: '2' })
  const now = await awaitData(client, refOf(mirror), { a: '2' })
  assert.notEqual(now.metadata.uid, mirror.metadata.uid)
  assert.notEqual(now.immutable, true)
})

test('a release of Helm is never an origin, whatever it is annotated with', async () => {
  const [home, target] = await stage.namespaces('helm-home', 'helm-target')
  const origin = await client.create({
    ...secretReflectable(home, 'sh.helm.release.v1.app.v1', to(target), { release: 'x' }),
    type: 'helm.sh/release.v1',
  })
  const pulling = await client.create(
    secretReflectable(target, 'mine', { reflects: pathOf(refOf(origin)) }, { own: 'x' }),
  )
  await awaitEvent(client, refOf(pulling), 'PullUnavailable')
  await solo.settled()
  assert.deepEqual(await namespacesOf(client, refOf(origin)), [])
  assert.deepEqual(textsOf({ ...(await client.get(refOf(pulling))), kind: 'Secret' }), { own: 'x' })
})

test('labels of reflector’s keys mean nothing, nor do keys of its early versions', async () => {
  const [home, target] = await stage.namespaces('old-home', 'old-target')
  const keys = { 'secret-reflection-allowed': 'true', 'secret-reflection-auto-enabled': 'true' }
  const early = await client.create(reflectable(home, 'early', keys))
  const labelled: KubeObject = offer(home, 'labelled', {})
  const labels = { 'reflector.v1.k8s.emberstack.com/reflection-allowed': 'true' }
  await client.create({ ...labelled, metadata: { ...labelled.metadata, labels } })
  const asks: readonly Ref[] = [refOf(early), refOf(labelled)]
  for (const [index, each] of asks.entries()) {
    const pulling = await client.create(reflecting(target, `mine-${index}`, each))
    await awaitEvent(client, refOf(pulling), 'PullUnavailable')
    assert.deepEqual(await namespacesOf(client, each), [])
  }
})
