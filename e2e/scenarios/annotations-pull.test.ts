/** Objects that ask to be filled: `allow-pull` on the origin, `reflect-from` on the other side. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitPresent } from '../lib/await.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { marksOn } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { annotate, awaitData, namespacesOf, offer, secretOffer, textsOf, write } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo

/** An object that asks `origin` to fill it. */
function asking(namespace: string, name: string, origin: KubeObject, data = { own: 'x' }): KubeObject {
  const { namespace: from = '', name: named } = origin.metadata
  const make = origin.kind === 'ConfigMap' ? offer : secretOffer
  return make(namespace, name, { 'reflect-from': `${from}/${named}` }, data)
}

test('an object that asks is filled wholesale where its namespace may pull, and nowhere else', async () => {
  const [home, allowed, other] = await stage.namespaces('pull-home', 'pull-allowed', 'pull-other')
  const origin = await client.create(
    secretOffer(home, 'pass', { 'allow-pull': 'pull-allowed*' }, { a: '1', b: '2' }),
  )
  const filled = await client.create(asking(allowed, 'mine', origin))
  const refused = await client.create(asking(other, 'mine', origin))
  const mirror = await awaitData(client, refOf(filled), { a: '1', b: '2' })
  const { 'reflect-from': from, digest, 'pulled-from': pulled, ...rest } = marksOn(mirror)
  assert.deepEqual([from, pulled, rest], [`${home}/pass`, `${home}/pass`, {}])
  assert.match(digest ?? '', /^v1\./)
  await awaitEvent(client, refOf(refused), 'PullUnavailable')
  const after = await client.get(refOf(refused))
  assert.equal(after.metadata.resourceVersion, refused.metadata.resourceVersion)
  assert.deepEqual(await namespacesOf(client, refOf(origin)), [])
})

test('a pull mirror follows its origin, is put back when edited, and its other metadata stays its owner’s', async () => {
  const [home, target] = await stage.namespaces('follow-home', 'follow-target')
  const origin = await client.create(offer(home, 'settings', { 'allow-pull': target }))
  const object = await client.create(asking(target, 'mine', origin))
  await awaitData(client, refOf(object), { a: '1' })
  await write(client, refOf(origin), { a: '2', b: '3' })
  await awaitData(client, refOf(object), { a: '2', b: '3' })
  await client.patch(refOf(object), {
    metadata: { labels: { theirs: 'kept' } },
    data: { a: 'tampered', c: '4' },
  })
  const mirror = await awaitData(client, refOf(object), { a: '2', b: '3' })
  assert.deepEqual(mirror.metadata.labels, { theirs: 'kept' })
})

test('keys, carry, labels and annotations apply to a pull; reflect-as, type and immutable do not', async () => {
  const [home, target] = await stage.namespaces('apply-home', 'apply-target')
  const offered = secretOffer(
    home,
    'pass',
    {
      'allow-pull': target,
      keys: 'a=renamed',
      carry: 'team',
      labels: '{"fixed":"yes"}',
      annotations: '{"example.com/fixed":"too"}',
      'reflect-as': 'elsewhere',
      type: 'example.com/other',
      immutable: 'true',
    },
    { a: '1', b: '2' },
  )
  const origin = await client.create({ ...offered, metadata: { ...offered.metadata, labels: { team: 'x' } } })
  const object = await client.create(asking(target, 'mine', origin))
  const mirror = await awaitData(client, refOf(object), { renamed: '1' })
  assert.deepEqual(mirror.metadata.labels, { team: 'x', fixed: 'yes' })
  assert.equal(mirror.metadata.annotations?.['example.com/fixed'], 'too')
  assert.equal(mirror.type, 'Opaque')
  assert.notEqual(mirror.immutable, true)
  assert.equal(mirror.metadata.uid, object.metadata.uid)
  assert.equal(await client.find({ kind: 'Secret', namespace: target, name: 'elsewhere' }), null)
})

test('a pull mirror’s own type stays; data that breaks its rules is not written, and told', async () => {
  const [home, target] = await stage.namespaces('typed-home', 'typed-target')
  const origin = await client.create(secretOffer(home, 'pair', { 'allow-pull': target }, { 'tls.crt': 'c' }))
  const object = await client.create({
    ...asking(target, 'mine', origin, { own: 'x' }),
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': '', 'tls.key': '' },
  })
  await awaitEvent(client, refOf(object), 'PullRefused')
  const before = await client.get(refOf(object))
  assert.deepEqual(textsOf({ ...before, kind: 'Secret' }), { 'tls.crt': '', 'tls.key': '' })
  await write(client, refOf(origin), { 'tls.key': 'k' })
  const after = await awaitData(client, refOf(object), { 'tls.crt': 'c', 'tls.key': 'k' })
  assert.equal(after.type, 'kubernetes.io/tls')
  assert.equal(after.metadata.uid, object.metadata.uid)
})

test('an absent, an unannotated, a held and a not-permitted origin look the same to whoever asks', async () => {
  const [home, asker] = await stage.namespaces('same-home', 'same-asker')
  await client.create(offer(home, 'unannotated', {}))
  await client.create(offer(home, 'not-permitted', { 'allow-pull': 'same-nobody' }))
  await client.create(offer(home, 'pushed-only', { 'reflect-to': 'same-nobody' }))
  await client.create(offer(home, 'held', { 'allow-pull': '[', paused: 'true' }))
  const messages = []
  for (const name of ['absent', 'unannotated', 'not-permitted', 'pushed-only', 'held']) {
    const named = { ...offer(home, name, {}), kind: 'ConfigMap' }
    const object = await client.create(asking(asker, `mine-${name}`, named))
    const { message } = await awaitEvent(client, refOf(object), 'PullUnavailable')
    messages.push(message.replaceAll(name, 'NAME'))
    assert.deepEqual((await client.get(refOf(object))).data, { own: 'x' })
  }
  assert.equal(new Set(messages).size, 1, messages.join('\n'))
})

test('permission that comes later fills at once; withdrawn, the last data stays and nothing is put back', async () => {
  const [home, target] = await stage.namespaces('late-home', 'late-target')
  const origin = await client.create(offer(home, 'settings', { 'allow-pull': '' }))
  const object = await client.create(asking(target, 'mine', origin))
  await awaitEvent(client, refOf(object), 'PullUnavailable')
  await annotate(client, refOf(origin), { 'allow-pull': target })
  await awaitData(client, refOf(object), { a: '1' })
  await annotate(client, refOf(origin), { 'allow-pull': null })
  await write(client, refOf(object), { a: 'mine now' })
  await write(client, refOf(origin), { a: '2' })
  await solo.settled()
  assert.deepEqual((await client.get(refOf(object))).data, { a: 'mine now' })
})

test('an origin that is deleted leaves the pulled data, and one that comes back fills again', async () => {
  const [home, target] = await stage.namespaces('deleted-home', 'deleted-target')
  const offered = offer(home, 'settings', { 'allow-pull': target })
  const origin = await client.create(offered)
  const object = await client.create(asking(target, 'mine', origin))
  await awaitData(client, refOf(object), { a: '1' })
  await client.remove(refOf(origin))
  await awaitEvent(client, refOf(object), 'PullUnavailable')
  await solo.settled()
  assert.deepEqual((await client.get(refOf(object))).data, { a: '1' })
  await client.create({ ...offered, data: { a: '2' } })
  await awaitData(client, refOf(object), { a: '2' })
})

test('an object that no longer asks keeps its data and is its owner’s alone', async () => {
  const [home, target] = await stage.namespaces('stop-home', 'stop-target')
  const origin = await client.create(offer(home, 'settings', { 'allow-pull': target }))
  const object = await client.create(asking(target, 'mine', origin))
  await awaitData(client, refOf(object), { a: '1' })
  const left = await annotate(client, refOf(object), { 'reflect-from': null })
  await write(client, refOf(origin), { a: '2' })
  await solo.settled()
  assert.deepEqual((await client.get(refOf(object))).data, { a: '1' })
  const edited = await write(client, refOf(object), { a: 'mine' })
  await client.remove(refOf(origin))
  await solo.settled()
  const after = await client.get(refOf(object))
  assert.equal(after.metadata.resourceVersion, edited.metadata.resourceVersion)
  assert.equal(after.metadata.uid, left.metadata.uid)
})

test('pulling works within the origin’s own namespace, and no pull mirror feeds itself', async () => {
  const home = await stage.namespace('within-home')
  const origin = await client.create(offer(home, 'settings', { 'allow-pull': 'within-*' }))
  const object = await client.create(asking(home, 'copy', origin))
  await awaitData(client, refOf(object), { a: '1' })
  const itself = await client.create(
    offer(home, 'ouroboros', { 'reflect-from': `${home}/ouroboros`, 'allow-pull': '*' }, { own: 'x' }),
  )
  await solo.settled()
  assert.deepEqual((await client.get(refOf(itself))).data, { own: 'x' })
})

test('in a protected namespace asking is not heard', async () => {
  const home = await stage.namespace('protected-home')
  const origin = await client.create(offer(home, 'settings', { 'allow-pull': '*, kube-public' }))
  const places = ['kube-public', stage.installation.namespace]
  const objects = []
  for (const each of places) objects.push(await client.create(asking(each, `asks-${home}`, origin)))
  await solo.settled()
  for (const object of objects) assert.deepEqual((await client.get(refOf(object))).data, { own: 'x' })
})

test('accept and refuse bind pushes, not what a namespace’s owner pulls himself', async () => {
  const home = await stage.namespace('bind-home')
  const target = await stage.namespace('bind-target', { annotations: { 'heliograph.dev/refuse': '*' } })
  const origin = await client.create(offer(home, 'settings', { 'allow-pull': target, 'reflect-to': target }))
  const object = await client.create(asking(target, 'mine', origin))
  await awaitData(client, refOf(object), { a: '1' })
  await solo.settled()
  assert.equal(await client.find({ kind: 'ConfigMap', namespace: target, name: 'settings' }), null)
})

test('a pull mirror is never an origin: its offers are told and ignored, and nobody pulls from it', async () => {
  const [home, target, third] = await stage.namespaces('chain-home', 'chain-target', 'chain-third')
  const origin = await client.create(offer(home, 'settings', { 'allow-pull': target }))
  const object = await client.create(asking(target, 'mine', origin))
  await annotate(client, refOf(object), { 'reflect-to': third, 'allow-pull': third })
  const chained = await client.create(asking(third, 'chained', object))
  await awaitData(client, refOf(object), { a: '1' })
  await awaitEvent(client, refOf(object), 'OffersIgnored')
  await awaitEvent(client, refOf(chained), 'PullUnavailable')
  await solo.settled()
  assert.equal(await client.find({ kind: 'ConfigMap', namespace: third, name: 'mine' }), null)
  assert.deepEqual((await client.get(refOf(chained))).data, { own: 'x' })
})

test('what does not name an origin is told on the object, and nothing is written', async () => {
  const [home, target] = await stage.namespaces('flawed-home', 'flawed-target')
  const origin = await client.create(offer(home, 'settings', { 'allow-pull': target }))
  for (const [index, from] of ['settings', `${home}/settings/x`, `${home}/`, `${home}/Settings`].entries()) {
    const object = await client.create(
      offer(target, `flawed-${index}`, { 'reflect-from': from }, { own: 'x' }),
    )
    const told = await awaitEvent(client, refOf(object), 'PullFlawed')
    assert.match(told.message, /^Annotation heliograph\.dev\/reflect-from: /)
    assert.equal((await client.get(refOf(object))).metadata.resourceVersion, object.metadata.resourceVersion)
    await annotate(client, refOf(object), { 'reflect-from': `${home}/settings` })
    await awaitData(client, refOf(object), { a: '1' })
  }
  assert.deepEqual(await eventsAbout(client, refOf(origin)), [])
})

test('a held origin freezes what is pulled from it, and an update of it then arrives', async () => {
  const [home, target] = await stage.namespaces('held-home', 'held-target')
  const origin = await client.create(offer(home, 'settings', { 'allow-pull': target }))
  const object = await client.create(asking(target, 'mine', origin))
  await awaitData(client, refOf(object), { a: '1' })
  await annotate(client, refOf(origin), { paused: 'true' })
  await write(client, refOf(origin), { a: '2' })
  await write(client, refOf(object), { a: 'tampered' })
  await solo.settled()
  assert.deepEqual((await client.get(refOf(object))).data, { a: 'tampered' })
  await annotate(client, refOf(origin), { paused: null })
  await awaitData(client, refOf(object), { a: '2' })
})

test('one object pushed and another pulled from one origin follow it both', async () => {
  const [home, pushed, pulling] = await stage.namespaces('two-home', 'two-pushed', 'two-pulling')
  const origin = await client.create(offer(home, 'settings', { 'allow-pull': pulling, 'reflect-to': pushed }))
  const object = await client.create(asking(pulling, 'settings', origin))
  await awaitPresent(client, { kind: 'ConfigMap', namespace: pushed, name: 'settings' })
  await write(client, refOf(origin), { a: '2' })
  await awaitData(client, { kind: 'ConfigMap', namespace: pushed, name: 'settings' }, { a: '2' })
  await awaitData(client, refOf(object), { a: '2' })
  await client.remove(refOf(origin))
  await awaitEvent(client, refOf(object), 'PullUnavailable')
  await solo.settled()
  assert.equal(await client.find({ kind: 'ConfigMap', namespace: pushed, name: 'settings' }), null)
  assert.deepEqual((await client.get(refOf(object))).data, { a: '2' })
})
