/** Pull mirrors in reflector’s vocabulary: filled at once whichever comes first, never deleted, and only the present `reflects` counts. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { keysOf, leaveReflectorPullMirror, REFLECTOR } from '../lib/leftovers.ts'
import { marksOn } from '../lib/marks.ts'
import { configMap, refOf, secret } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { awaitData, mirrorIn, write } from '../lib/offers.ts'
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

const ALLOWED = { 'reflection-allowed': 'true' }

test('an object of any name that reflects is filled wholesale and bears the tool’s marks, in the origin’s own namespace too', async () => {
  const [home, target] = await stage.namespaces('fill-home', 'fill-target')
  const origin = await client.create(secretReflectable(home, 'pass', ALLOWED, { a: '1', b: '2' }))
  for (const namespace of [home, target]) {
    const asking = secretReflectable(namespace, 'mine', { reflects: ` ${home}/pass ` }, { own: 'x' })
    const labelled = { ...asking, metadata: { ...asking.metadata, labels: { theirs: 'kept' } } }
    const object = await client.create(labelled)
    const filled = await awaitData(client, refOf(object), { a: '1', b: '2' })
    const { 'reflected-at': time = '', ...marks } = reflectorKeysOn(filled)
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00$/)
    assert.deepEqual(marks, {
      reflects: ` ${home}/pass `,
      'auto-reflects': 'False',
      'reflected-version': origin.metadata.resourceVersion,
    })
    assert.deepEqual(filled.metadata.labels, { theirs: 'kept' })
    assert.equal(filled.metadata.uid, object.metadata.uid)
  }
})

test('pulling needs reflection-allowed and the list, and no auto', async () => {
  const [home, target, other] = await stage.namespaces('need-home', 'need-target', 'need-other')
  const unmarked = await client.create(reflectable(home, 'unmarked', {}))
  const denied = await client.create(reflectable(home, 'denied', { 'reflection-auto-enabled': 'true' }))
  const listed = await client.create(
    reflectable(home, 'listed', { ...ALLOWED, 'reflection-allowed-namespaces': target }),
  )
  const refused = [
    await client.create(reflecting(target, 'of-unmarked', refOf(unmarked))),
    await client.create(reflecting(target, 'of-denied', refOf(denied))),
    await client.create(reflecting(other, 'of-listed', refOf(listed))),
  ]
  await awaitData(client, refOf(await client.create(reflecting(target, 'of-listed', refOf(listed)))), {
    a: '1',
  })
  for (const each of refused) {
    await awaitEvent(client, refOf(each), 'PullUnavailable')
    const { metadata } = await client.get(refOf(each))
    assert.equal(metadata.resourceVersion, each.metadata.resourceVersion)
  }
})

test('an object that asks before its origin is there is filled at once when it comes, and again when it is created anew', async () => {
  const [home, target] = await stage.namespaces('first-home', 'first-target')
  const offered = reflectable(home, 'late', ALLOWED)
  const object = await client.create(reflecting(target, 'mine', refOf(offered)))
  await awaitEvent(client, refOf(object), 'PullUnavailable')
  await client.create(offered)
  await awaitData(client, refOf(object), { a: '1' })
  await client.remove(refOf(offered))
  await solo.settled()
  await awaitData(client, refOf(object), { a: '1' })
  await client.create({ ...offered, data: { a: '2' } })
  await awaitData(client, refOf(object), { a: '2' })
})

test('permission that is revoked takes auto mirrors away and leaves pull mirrors their last data', async () => {
  const [home, auto, pulls] = await stage.namespaces('revoke-home', 'revoke-auto', 'revoke-pulls')
  const keys = { ...AUTO, 'reflection-allowed-namespaces': 'revoke-.*', 'reflection-auto-namespaces': auto }
  const ways = [
    { 'reflection-allowed': 'false' },
    { 'reflection-allowed': null },
    { 'reflection-allowed-namespaces': 'none' },
  ]
  for (const [index, way] of ways.entries()) {
    const origin = await client.create(reflectable(home, `revoked-${index}`, keys))
    const object = await client.create(reflecting(pulls, `mine-${index}`, refOf(origin)))
    await awaitData(client, refOf(object), { a: '1' })
    await awaitPresent(client, mirrorIn(auto, origin))
    await reannotate(client, refOf(origin), way)
    await awaitAbsent(client, mirrorIn(auto, origin))
    await write(client, refOf(origin), { a: '2' })
    await write(client, refOf(object), { a: 'mine now' })
    await solo.settled()
    assert.deepEqual((await client.get(refOf(object))).data, { a: 'mine now' })
    await reannotate(client, refOf(origin), keys)
    await awaitData(client, refOf(object), { a: '2' })
  }
})

test('when reflects is changed only the new origin counts, and when it is removed none does', async () => {
  const [home, target] = await stage.namespaces('change-home', 'change-target')
  const former = await client.create(reflectable(home, 'former', ALLOWED, { a: 'former' }))
  const later = await client.create(reflectable(home, 'later', ALLOWED, { b: 'later' }))
  const object = await client.create(reflecting(target, 'mine', refOf(former)))
  await awaitData(client, refOf(object), { a: 'former' })
  await reannotate(client, refOf(object), { reflects: `${home}/later` })
  await awaitData(client, refOf(object), { b: 'later' })
  await write(client, refOf(former), { a: 'former, again' })
  await solo.settled()
  const still = await awaitData(client, refOf(object), { b: 'later' })
  assert.equal(reflectorKeysOn(still)['reflects'], `${home}/later`)
  await reannotate(client, refOf(object), { reflects: null })
  const own = await write(client, refOf(object), { b: 'my own' })
  await write(client, refOf(later), { b: 'later, again' })
  await write(client, refOf(former), { a: 'former, third' })
  await solo.settled()
  const now = await client.get(refOf(object))
  assert.deepEqual([now.data, reflectorKeysOn(now)['reflects']], [own.data, undefined])
})

test('an edit, and a re-apply that blanks the data, are put back at once', async () => {
  const [home, target] = await stage.namespaces('edit-home', 'edit-target')
  const origin = await client.create(reflectable(home, 'shared', ALLOWED))
  const object = await client.create(reflecting(target, 'mine', refOf(origin)))
  await awaitData(client, refOf(object), { a: '1' })
  await client.patch(refOf(object), { data: { a: 'tampered', more: 'x' } })
  await awaitData(client, refOf(object), { a: '1' })
  await client.patch(refOf(object), { data: null })
  await awaitData(client, refOf(object), { a: '1' })
})

test('a blanked reflected-version brings a fresh copy and is restored, also by an apply that declares it', async () => {
  const [home, target] = await stage.namespaces('blank-home', 'blank-target')
  const origin = await client.create(secretReflectable(home, 'shared', ALLOWED))
  const applied = {
    ...secret(
      target,
      'mine',
      {},
      { annotations: keysOf(REFLECTOR, { reflects: `${home}/shared`, 'reflected-version': '' }) },
    ),
    type: 'Opaque',
  }
  const { resourceVersion } = origin.metadata
  const isFresh = (each: KubeObject): boolean =>
    reflectorKeysOn(each)['reflected-version'] === resourceVersion
  await client.apply(applied, 'helm')
  await awaitData(client, refOf(applied), { a: '1' })
  await awaitPresent(client, refOf(applied), isFresh)
  await client.apply({ ...applied, data: { a: Buffer.from('stale').toString('base64') } }, 'helm')
  await awaitData(client, refOf(applied), { a: '1' })
  await awaitPresent(client, refOf(applied), isFresh)
  await reannotate(client, refOf(applied), { 'reflected-version': '' })
  await awaitPresent(client, refOf(applied), isFresh)
})

test('a pull mirror that the tool filled with what is no longer right is filled anew by one write', async () => {
  const [home, target] = await stage.namespaces('stale-home', 'stale-target')
  const origin = await client.create(reflectable(home, 'shared', ALLOWED))
  const mark = await solo.mark()
  const object = await solo.whileStopped(async () => {
    const left = await leaveReflectorPullMirror(client, origin, configMap(target, 'mine', { own: 'x' }))
    await write(client, refOf(origin), { a: '2' })
    return left
  })
  const filled = await awaitData(client, refOf(object), { a: '2' })
  assert.equal(filled.metadata.uid, object.metadata.uid)
  await solo.settled()
  const changes = (await solo.changes(mark)).filter((each) => each.includes(target))
  assert.deepEqual(changes, [`patch configmaps ${target}/mine 200`])
})

test('a pull mirror is never an origin: what it offers is ignored and told', async () => {
  const [home, target, third] = await stage.namespaces('chain-home', 'chain-target', 'chain-third')
  const origin = await client.create(reflectable(home, 'chained', ALLOWED))
  const asking = reflecting(target, 'link', refOf(origin))
  const offers = keysOf(REFLECTOR, { ...AUTO, 'reflection-allowed-namespaces': third })
  const link = await client.create({
    ...asking,
    metadata: { ...asking.metadata, annotations: { ...asking.metadata.annotations, ...offers } },
  })
  const end = await client.create(reflecting(third, 'end', refOf(link)))
  await awaitData(client, refOf(link), { a: '1' })
  await awaitEvent(client, refOf(link), 'OffersIgnored')
  await awaitEvent(client, refOf(end), 'PullUnavailable')
  await solo.settled()
  assert.equal(await client.find(mirrorIn(third, link)), null)
  assert.deepEqual((await client.get(refOf(end))).data, { own: 'x' })
})

test('a name without namespace is told; what the tool reads as no request is none', async () => {
  const [home, target] = await stage.namespaces('form-home', 'form-target')
  const origin = await client.create(reflectable(home, 'shared', ALLOWED))
  const short = await client.create(reflectable(target, 'short', { reflects: 'shared' }, { own: 'x' }))
  const long = await client.create(
    reflectable(target, 'long', { reflects: `${home}/shared/x` }, { own: 'x' }),
  )
  const blank = await client.create(reflectable(target, 'blank', { reflects: '' }, { own: 'x' }))
  const told = await awaitEvent(client, refOf(short), 'PullFlawed')
  assert.match(told.message, /emberstack\.com\/reflects: /)
  await solo.settled()
  for (const each of [short, long, blank]) {
    const { metadata } = await client.get(refOf(each))
    assert.equal(metadata.resourceVersion, each.metadata.resourceVersion)
  }
  for (const each of [long, blank]) assert.deepEqual(await eventsAbout(client, refOf(each)), [])
  await reannotate(client, refOf(short), { reflects: `${home}/shared` })
  await awaitData(client, refOf(short), { a: '1' })
  assert.equal((await client.get(refOf(origin))).metadata.resourceVersion, origin.metadata.resourceVersion)
})

test('a pull mirror’s own type stays, and data that breaks its rules is not written', async () => {
  const [home, target] = await stage.namespaces('type-home', 'type-target')
  const origin = await client.create({
    ...secretReflectable(home, 'pair', ALLOWED, { 'tls.crt': 'c', 'tls.key': 'k' }),
    type: 'kubernetes.io/tls',
  })
  const opaque = await client.create(secretReflectable(target, 'opaque', { reflects: `${home}/pair` }))
  const filled = await awaitData(client, refOf(opaque), { 'tls.crt': 'c', 'tls.key': 'k' })
  assert.equal(filled.type, 'Opaque')
  const basic = await client.create({
    ...secretReflectable(target, 'basic', { reflects: `${home}/pair` }, { username: 'u' }),
    type: 'kubernetes.io/basic-auth',
  })
  await awaitEvent(client, refOf(basic), 'PullRefused')
  await awaitData(client, refOf(basic), { username: 'u' })
  assert.deepEqual(marksOn(await client.get(refOf(basic))), {})
  assert.equal((await client.get(refOf(origin))).type, 'kubernetes.io/tls')
})

test('in a protected namespace reflects is not heard, and a Namespace’s refusal binds pushes only', async () => {
  const home = await stage.namespace('bound-home')
  const target = await stage.namespace('bound-target', { annotations: { 'heliograph.dev/refuse': '*' } })
  const origin = await client.create(
    reflectable(home, 'bound', { ...AUTO, 'reflection-allowed-namespaces': `${target},kube-.*` }),
  )
  const system = await client.create(reflecting('kube-public', `mine-${home}`, refOf(origin)))
  const object = await client.create(reflecting(target, 'mine', refOf(origin)))
  await awaitData(client, refOf(object), { a: '1' })
  await solo.settled()
  assert.equal(await client.find(mirrorIn(target, origin)), null)
  assert.equal((await client.get(refOf(system))).metadata.resourceVersion, system.metadata.resourceVersion)
})
