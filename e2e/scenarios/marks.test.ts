/** The marks that mirrors bear: what each is, when it changes, and what is left of them when a claim ends. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { PREFIX, at, isMirrorOf, marksOn, ours } from '../lib/marks.ts'
import { configMap, plain, secret } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { annotate, awaitData, offer, secretOffer, write } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo

for (const kind of ['Secret', 'ConfigMap'] as const) {
  test(`a new mirror of a ${kind} bears exactly the marks that are promised`, async () => {
    const [home, target] = await stage.namespaces('home', 'target')
    const ref: Ref = { kind, namespace: home, name: 'shared' }
    const made = await client.create(offerOf(kind, home, 'shared', { 'reflect-to': target }))
    const mirror = await awaitPresent(client, at(ref, target))
    const { digest, ...marks } = marksOn(mirror)
    assert.deepEqual(marks, {
      mirror: await labelOf(ref),
      origin: `${home}/shared`,
      at: `${target}/shared`,
      'origin-uid': made.metadata.uid,
      'origin-version': made.metadata.resourceVersion,
    })
    assert.match(digest ?? '', /^v1\.[0-9a-f]+\.[\w-]{43}\.[\w-]{43}$/)
    assert.deepEqual(Object.keys(mirror.metadata.labels ?? {}), [`${PREFIX}mirror`])
    assert.equal(Object.keys(mirror.metadata.annotations ?? {}).length, 5)
    assert.equal(mirror.metadata['ownerReferences'], undefined)
    assert.equal(mirror.metadata.finalizers, undefined)
  })
}

test('`carried` lists the metadata that we set, sorted, and `on-delete` is there while the policy retains', async () => {
  const [home, target] = await stage.namespaces('home', 'target')
  const labels = '{"b":"2","a":"1"}'
  const origin = await offered(home, 'shared', {
    'reflect-to': target,
    labels,
    annotations: '{"z/y":"3"}',
    'on-delete': 'retain',
  })
  const mirror = await awaitPresent(client, at(origin, target))
  assert.equal(marksOn(mirror)['carried'], 'annotations/z/y,labels/a,labels/b')
  assert.equal(marksOn(mirror)['on-delete'], 'retain')
  await annotate(client, origin, { 'on-delete': null })
  const now = await awaitPresent(
    client,
    at(origin, target),
    (each) => marksOn(each)['on-delete'] === undefined,
  )
  assert.equal(now.metadata.uid, mirror.metadata.uid)
})

test('what we carry is put right and removed with its reason; metadata of others is neither touched nor drift', async () => {
  const [home, target] = await stage.namespaces('home', 'target')
  const origin = await offered(home, 'shared', {
    'reflect-to': target,
    labels: '{"a":"1"}',
    annotations: '{"b":"2"}',
  })
  const ref = at(origin, target)
  await awaitPresent(client, ref)
  await client.patch(ref, {
    metadata: { labels: { a: 'wrong', foreign: 'x' }, annotations: { b: null, foreign: 'y' } },
  })
  const isRight = ({ metadata: { labels, annotations } }: KubeObject): boolean =>
    labels?.['a'] === '1' && annotations?.['b'] === '2'
  const repaired = await awaitPresent(client, ref, isRight, { what: 'carries what the policy says' })
  assert.equal(repaired.metadata.labels?.['foreign'], 'x')
  assert.equal(repaired.metadata.annotations?.['foreign'], 'y')
  const touched = await client.patch(ref, {
    metadata: { labels: { foreign: 'z' }, annotations: { more: 'w' } },
  })
  await solo.settled()
  assert.equal((await client.get(ref)).metadata.resourceVersion, touched.metadata.resourceVersion)
  await annotate(client, origin, { labels: null })
  const left = await awaitPresent(client, ref, ({ metadata }) => metadata.labels?.['a'] === undefined)
  assert.equal(left.metadata.labels?.['foreign'], 'z')
  assert.equal(left.metadata.annotations?.['b'], '2')
  assert.equal(marksOn(left)['carried'], 'annotations/b')
})

test('`origin-version` changes only together with another write', async () => {
  const [home, target] = await stage.namespaces('home', 'target')
  const origin = await offered(home, 'shared', { 'reflect-to': target })
  const ref = at(origin, target)
  const first = await awaitPresent(client, ref)
  await client.patch(origin, { metadata: { labels: { team: 'a' } } })
  await solo.settled()
  assert.equal((await client.get(ref)).metadata.resourceVersion, first.metadata.resourceVersion)
  const written = await write(client, origin, { a: 'second' })
  const second = await awaitData(client, ref, { a: 'second' })
  assert.equal(marksOn(second)['origin-version'], written.metadata.resourceVersion)
})

test('a copy of a mirror’s manifest is not ours, whether under another name or in another namespace, claimed or not', async () => {
  const [home, target, elsewhere, claimed] = await stage.namespaces('home', 'target', 'elsewhere', 'claimed')
  const origin = await offered(home, 'shared', { 'reflect-to': target })
  const mirror = await awaitPresent(client, at(origin, target))
  const copies = [
    await copyTo(mirror, target, 'copied'),
    await copyTo(mirror, elsewhere, 'shared'),
    await copyTo(mirror, claimed, 'shared'),
  ]
  const before = await solo.snapshot(copies)
  await annotate(client, origin, { 'reflect-to': `${target}, ${claimed}` })
  await awaitEvent(client, at(origin, claimed), 'MirrorBlocked')
  await write(client, origin, { a: 'second' })
  await awaitData(client, at(origin, target), { a: 'second' })
  await client.remove(origin)
  await awaitAbsent(client, at(origin, target))
  await solo.settled()
  assert.deepEqual(await solo.snapshot(copies), before)
  await solo.restart()
  await solo.settled()
  assert.deepEqual(await solo.snapshot(copies), before)
})

test('an origin that is created again keeps its mirrors: deleted unseen, or back within the grace', async () => {
  const [home, target] = await stage.namespaces('home', 'target')
  const origin = await offered(home, 'shared', { 'reflect-to': target })
  const ref = at(origin, target)
  const first = await awaitPresent(client, ref)
  const recreate = async (): Promise<string> => {
    await client.remove(origin)
    return (await client.create(offer(home, 'shared', { 'reflect-to': target }))).metadata.uid ?? ''
  }
  const unseen = await solo.whileStopped(recreate)
  const bears = (uid: string) => (each: KubeObject) => marksOn(each)['origin-uid'] === uid
  const second = await awaitPresent(client, ref, bears(unseen), { what: 'names the new origin' })
  await solo.restart({ environment: { HELIOGRAPH_DELETION_GRACE: '1h' } })
  const seen = await recreate()
  const third = await awaitPresent(client, ref, bears(seen), { what: 'names the newest origin' })
  assert.deepEqual([second.metadata.uid, third.metadata.uid], [first.metadata.uid, first.metadata.uid])
  await solo.restart()
})

test('a retained mirror keeps its data, `retained` and `at`; only the same origin takes it back', async () => {
  const [home, target, other] = await stage.namespaces('home', 'target', 'other')
  const origin = await offered(home, 'shared', {
    'reflect-to': target,
    'on-delete': 'retain',
    labels: '{"a":"1"}',
  })
  const ref = at(origin, target)
  const mirror = await awaitPresent(client, ref)
  await client.remove(origin)
  const retained = await awaitPresent(client, ref, (each) => marksOn(each)['retained'] !== undefined)
  assert.deepEqual(marksOn(retained), { at: `${target}/shared`, retained: `${home}/shared` })
  assert.deepEqual(retained.data, mirror.data)
  await client.create(offer(other, 'shared', { 'reflect-to': target }, { a: 'foreign' }))
  await awaitEvent(client, ref, 'MirrorBlocked')
  assert.deepEqual(await solo.snapshot([ref]), [
    `ConfigMap ${target}/shared ${retained.metadata.uid} ${retained.metadata.resourceVersion}`,
  ])
  await client.remove({ kind: 'ConfigMap', namespace: other, name: 'shared' })
  await client.create(offer(home, 'shared', { 'reflect-to': target }, { a: 'back' }))
  const taken = await awaitData(client, ref, { a: 'back' })
  assert.equal(taken.metadata.uid, mirror.metadata.uid)
  assert(isMirrorOf(taken, origin))
  assert.equal(marksOn(taken)['retained'], undefined)
})

test('a claim that its owner narrows retains as well; a retained object copied elsewhere is nobody’s', async () => {
  const [home, target, elsewhere] = await stage.namespaces('home', 'target', 'elsewhere')
  const origin = await offered(home, 'shared', { 'reflect-to': target, 'on-delete': 'retain' })
  await awaitPresent(client, at(origin, target))
  await annotate(client, origin, { 'reflect-to': '' })
  const retained = await awaitPresent(
    client,
    at(origin, target),
    (each) => marksOn(each)['retained'] !== undefined,
  )
  const copy = await copyTo(retained, elsewhere, 'shared')
  const before = await solo.snapshot([copy])
  await annotate(client, origin, { 'reflect-to': elsewhere })
  await awaitEvent(client, copy, 'MirrorBlocked')
  assert.deepEqual(await solo.snapshot([copy]), before)
})

test('once the origin is gone, unseen too, the mirror’s own `on-delete` decides', async () => {
  const [home, target] = await stage.namespaces('home', 'target')
  const kept = await offered(home, 'kept', { 'reflect-to': target, 'on-delete': 'retain' })
  const gone = await offered(home, 'gone', { 'reflect-to': target })
  await awaitPresent(client, at(kept, target))
  await awaitPresent(client, at(gone, target))
  await solo.whileStopped(async () => {
    await client.remove(kept)
    await client.remove(gone)
  })
  await awaitAbsent(client, at(gone, target))
  const left = await awaitPresent(client, at(kept, target), (each) => marksOn(each)['retained'] !== undefined)
  assert.deepEqual(left.data, { a: '1' })
})

test('an adopted object is marked so, and is retained when its claim ends, whatever the policy says', async () => {
  const [home, target] = await stage.namespaces('home', 'target')
  await client.create(configMap(target, 'shared', { own: 'x' }, ours({ adopt: `${home}/shared` })))
  const origin = await offered(home, 'shared', { 'reflect-to': target, 'on-delete': 'delete' })
  const adopted = await awaitData(client, at(origin, target), { a: '1' })
  assert.equal(marksOn(adopted)['adopted'], 'true')
  await annotate(client, at(origin, target), { adopt: null })
  await client.remove(origin)
  const left = await awaitPresent(
    client,
    at(origin, target),
    (each) => marksOn(each)['retained'] !== undefined,
  )
  assert.equal(left.metadata.uid, adopted.metadata.uid)
  assert.deepEqual(left.data, { a: '1' })
  // Taken back, it is still one that was there before us: `adopted` outlives the claim.
  await client.create(offer(home, 'shared', { 'reflect-to': target }, { a: 'back' }))
  await awaitData(client, at(origin, target), { a: 'back' })
  await client.remove(origin)
  const again = await awaitPresent(
    client,
    at(origin, target),
    (each) => marksOn(each)['retained'] !== undefined,
  )
  assert.equal(again.metadata.uid, adopted.metadata.uid)
})

test('a pull mirror bears `pulled-from`, `digest` and `carried`, never what marks a push', async () => {
  const [home, target] = await stage.namespaces('home', 'target')
  await client.create(secret(target, 'mine', {}, { annotations: ours({ 'reflect-from': `${home}/shared` }) }))
  await client.create(secretOffer(home, 'shared', { 'allow-pull': target, labels: '{"a":"1"}' }))
  const filled = await awaitPresent(
    client,
    { kind: 'Secret', namespace: target, name: 'mine' },
    (each) => plain(each)['a'] === '1',
  )
  assert.deepEqual(Object.keys(marksOn(filled)), ['carried', 'digest', 'pulled-from', 'reflect-from'])
  assert.equal(marksOn(filled)['pulled-from'], `${home}/shared`)
  assert.equal(filled.metadata.labels?.['a'], '1')
})

function offerOf(
  kind: 'Secret' | 'ConfigMap',
  namespace: string,
  name: string,
  keys: Readonly<Record<string, string>>,
): KubeObject {
  return kind === 'Secret' ? secretOffer(namespace, name, keys) : offer(namespace, name, keys)
}

async function offered(
  namespace: string,
  name: string,
  keys: Readonly<Record<string, string>>,
): Promise<Ref> {
  await client.create(offer(namespace, name, keys))
  return { kind: 'ConfigMap', namespace, name }
}

/** As it is told: over `v1`, home’s identity, kind, namespace and name, each ended by a zero byte. */
async function labelOf({ kind, namespace = '', name }: Ref): Promise<string> {
  const system = await client.get({ kind: 'Namespace', name: 'kube-system' })
  const fields = ['v1', system.metadata.uid ?? '', kind, namespace, name]
  return createHash('sha256')
    .update(fields.map((field) => `${field}\0`).join(''))
    .digest('hex')
    .slice(0, 16)
}

/** All that `kubectl get -o yaml` and an editor would carry over. */
async function copyTo(mirror: KubeObject, namespace: string, name: string): Promise<Ref> {
  const { labels = {}, annotations = {} } = mirror.metadata
  const { apiVersion = 'v1', kind = 'ConfigMap', data = {} } = mirror
  await client.create({ apiVersion, kind, metadata: { namespace, name, labels, annotations }, data })
  return { kind, namespace, name }
}
