/** Copies that replicator's words push are merged: what others keep beside the origin's keys is theirs, through every end. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { isMirrorOf, marksOn, ours, PREFIX } from '../lib/marks.ts'
import { configMap, refOf, secret } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, write } from '../lib/offers.ts'
import type { Texts } from '../lib/offers.ts'
import { dataOf, dressed, replicated, replicatedMap, said, tell } from '../lib/replicator.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo
const PAIR = { 'tls.crt': 'c', 'tls.key': 'k' }

interface Pushed {
  readonly origin: Ref
  readonly place: Ref
  readonly object: KubeObject
}

/** An origin and its copy in a namespace of its own. */
async function pushed(
  word: string,
  data: Texts = { a: '1' },
  make: typeof replicated = replicated,
  type?: string,
): Promise<Pushed> {
  const [home, target] = await stage.namespaces(`${word}-home`, `${word}-target`)
  const wanted = make(home, 'shared', { 'replicate-to': target }, data)
  const object = await client.create(type === undefined ? wanted : dressed(wanted, { type }))
  const place = mirrorIn(target, object)
  await awaitData(client, place, data)
  return { origin: refOf(object), place, object }
}

test('keys that others put beside the origin’s stay through rotations, edits and restarts, and are no drift', async () => {
  for (const make of [replicated, replicatedMap]) {
    const { origin, place } = await pushed(`beside-${make.name.toLowerCase()}`, { a: '1', b: '2' }, make)
    await solo.settled()
    const edited = await write(client, place, { own: 'x' })
    await solo.settled()
    assert.equal((await client.get(place)).metadata.resourceVersion, edited.metadata.resourceVersion)
    await write(client, origin, { a: '2', b: null, c: '3' })
    const later = await awaitData(client, place, { own: 'x', a: '2', c: '3' })
    assert.equal(said(later, 'replicated-keys'), 'a,c')
    await write(client, place, { a: 'edited', c: null, own: 'y' })
    await awaitData(client, place, { own: 'y', a: '2', c: '3' })
    await solo.settled()
    const before = await solo.snapshot([place])
    await solo.restart()
    await solo.settled()
    assert.deepEqual(await solo.snapshot([place]), before)
  }
})

test('an edit, and a key beside, that came while nobody looked: the one is put back, the other stays', async () => {
  const { origin, place } = await pushed('unseen', { a: '1', b: '2' })
  await solo.whileStopped(async () => {
    await write(client, place, { a: 'edited', b: null, own: 'x' })
    await write(client, origin, { c: '3' })
  })
  await awaitData(client, place, { own: 'x', a: '1', b: '2', c: '3' })
})

test('a key of the owner’s that the origin gains is the origin’s from then on, and goes with it', async () => {
  const { origin, place } = await pushed('gain')
  await write(client, place, { own: 'x', both: 'mine' })
  await write(client, origin, { both: 'given' })
  await awaitData(client, place, { own: 'x', a: '1', both: 'given' })
  await write(client, origin, { both: null })
  await awaitData(client, place, { own: 'x', a: '1' })
})

test('a copy that holds nothing else is deleted when its claim ends, one that does loses the origin’s keys alone', async () => {
  for (const end of ['deleted', 'narrowed', 'removed'] as const) {
    const bare = await pushed(`bare-${end}`)
    const kept = await pushed(`kept-${end}`)
    const withOwn = await write(client, kept.place, { own: 'x' })
    for (const { origin } of [bare, kept]) {
      if (end === 'deleted') await client.remove(origin)
      else await tell(client, origin, { 'replicate-to': end === 'narrowed' ? 'elsewhere' : null })
    }
    await awaitAbsent(client, bare.place)
    const left = await awaitData(client, kept.place, { own: 'x' })
    assert.equal(left.metadata.uid, withOwn.metadata.uid)
    assert.equal(said(left, 'replicated-keys'), undefined)
    assert.equal(marksOn(left)['mirror'], undefined)
    await solo.settled()
    assert.equal((await client.get(kept.place)).metadata.uid, withOwn.metadata.uid)
  }
})

test('what was stripped at an end is taken back by the same origin, own keys and all', async () => {
  const { origin, place } = await pushed('again')
  await write(client, place, { own: 'x' })
  await tell(client, origin, { 'replicate-to': null })
  const left = await awaitData(client, place, { own: 'x' })
  await tell(client, origin, { 'replicate-to': place.namespace ?? '' })
  const back = await awaitData(client, place, { own: 'x', a: '1' })
  assert.equal(back.metadata.uid, left.metadata.uid)
})

test('where the type needs the origin’s keys the copy stays whole, without our marks and the tool’s', async () => {
  const { origin, place } = await pushed('tls', PAIR, replicated, 'kubernetes.io/tls')
  await write(client, place, { own: 'x' })
  await client.remove(origin)
  const left = await awaitPresent(client, place, (each) => marksOn(each)['mirror'] === undefined)
  assert.deepEqual(await dataOf(client, place), { ...PAIR, own: 'x' })
  assert.equal(left.type, 'kubernetes.io/tls')
  assert.equal(said(left, 'replicated-keys'), undefined)
})

test('an origin of another type leaves the type of its copy as it is, and data that breaks it is not written, and told', async () => {
  const { origin, place, object } = await pushed('retype', PAIR, replicated, 'kubernetes.io/tls')
  const before = await client.get(place)
  await client.remove(origin, { propagationPolicy: 'Background' })
  await awaitAbsent(client, place)
  await client.create(reborn(object, 'kubernetes.io/tls'))
  await awaitData(client, place, PAIR)
  await solo.whileStopped(async () => {
    await client.remove(origin)
    await client.create({ ...reborn(object, 'Opaque'), data: { 'tls.crt': 'bmV3' } })
  })
  await awaitEvent(client, { kind: 'Namespace', name: place.namespace ?? '' }, 'MirrorRefused')
  const still = await client.get(place)
  assert.equal(still.type, 'kubernetes.io/tls')
  assert.deepEqual(await dataOf(client, place), PAIR)
  assert.notEqual(still.metadata.uid, before.metadata.uid)
  await write(client, origin, { 'tls.key': 'new' })
  const after = await awaitData(client, place, { 'tls.crt': 'new', 'tls.key': 'new' })
  assert.equal(after.type, 'kubernetes.io/tls')
  assert.equal(after.metadata.uid, still.metadata.uid)
})

test('a copy that somebody sealed is not replaced, as keys of others may be in it, and is left whole at the end', async () => {
  const { origin, place } = await pushed('sealed')
  await write(client, place, { own: 'x' })
  const sealed = await client.patch(place, { immutable: true })
  await write(client, origin, { a: '2' })
  await awaitEvent(client, origin, 'TargetsBlocked')
  await solo.settled()
  assert.equal((await client.get(place)).metadata.uid, sealed.metadata.uid)
  await client.remove(origin)
  const left = await awaitPresent(client, place, (each) => marksOn(each)['mirror'] === undefined)
  assert.equal(left.metadata.uid, sealed.metadata.uid)
  assert.deepEqual(await dataOf(client, place), { a: '1', own: 'x' })
})

test('binaryData is merged and taken away as data is', async () => {
  const [home, target] = await stage.namespaces('binary-home', 'binary-target')
  const bytes = Buffer.from([0, 255]).toString('base64')
  const wanted = replicatedMap(home, 'bytes', { 'replicate-to': target }, {})
  const origin = await client.create(dressed(wanted, { binaryData: { one: bytes, two: bytes } }))
  const place = mirrorIn(target, origin)
  await awaitBytes(place, ['one', 'two'])
  await client.patch(place, { binaryData: { mine: bytes } })
  await client.patch(refOf(origin), { binaryData: { two: null } })
  await awaitBytes(place, ['mine', 'one'])
  await client.remove(refOf(origin))
  await awaitBytes(place, ['mine'])
})

test('a foreign object in the way stays as it is and is told, whichever keys it holds', async () => {
  const [home, target] = await stage.namespaces('way-home', 'way-target')
  const foreign = [
    secret(target, 'full', { own: 'x' }),
    secret(target, 'empty', {}),
    configMap(target, 'full', { own: 'x' }),
    configMap(target, 'empty', {}),
  ]
  const objects = await Promise.all(foreign.map((each) => client.create(each)))
  const make = (kind = ''): typeof replicated => (kind === 'Secret' ? replicated : replicatedMap)
  const origins = await Promise.all(
    objects.map(({ kind, metadata: { name } }) =>
      client.create(make(kind)(home, name, { 'replicate-to': target })),
    ),
  )
  for (const object of objects) await awaitEvent(client, refOf(object), 'MirrorBlocked')
  for (const origin of origins) await awaitEvent(client, refOf(origin), 'TargetsBlocked')
  for (const origin of origins) await client.remove(refOf(origin))
  await solo.settled()
  for (const object of objects) {
    const now = await client.get(refOf(object))
    assert.equal(now.metadata.resourceVersion, object.metadata.resourceVersion)
  }
})

test('adopt lets replicator’s words merge into an object, which keeps its own keys and is never deleted', async () => {
  const [home, target] = await stage.namespaces('adopt-home', 'adopt-target')
  const own = secret(
    target,
    'shared',
    { own: 'x', a: 'mine' },
    { annotations: ours({ adopt: `${home}/shared` }) },
  )
  const given = await client.create(own)
  const origin = await client.create(replicated(home, 'shared', { 'replicate-to': target }))
  const taken = await awaitData(client, refOf(given), { own: 'x', a: '1' })
  assert.equal(marksOn(taken)['adopted'], 'true')
  await client.remove(refOf(origin))
  const left = await awaitData(client, refOf(given), { own: 'x' })
  assert.equal(left.metadata.uid, given.metadata.uid)
  await client.create(replicated(home, 'shared', { 'replicate-to': target }, { own: 'given' }))
  await awaitData(client, refOf(given), { own: 'given' })
  await client.remove(refOf(origin))
  await awaitData(client, refOf(given), {})
  await solo.settled()
  assert.equal((await client.get(refOf(given))).metadata.uid, given.metadata.uid)
})

test('two origins that push one name: the older holds it, the other is told, and takes nothing of its keys away', async () => {
  const [one, two, target] = await stage.namespaces('duel-one', 'duel-two', 'duel-target')
  const first = await client.create(replicated(one, 'shared', { 'replicate-to': target }, { first: '1' }))
  await awaitData(client, mirrorIn(target, first), { first: '1' })
  const second = await client.create(replicated(two, 'shared', { 'replicate-to': target }, { second: '2' }))
  await awaitEvent(client, refOf(second), 'ClaimLost')
  await write(client, refOf(second), { second: '3' })
  await client.remove(refOf(second))
  await solo.settled()
  assert.deepEqual(await dataOf(client, mirrorIn(target, first)), { first: '1' })
})

test('retain keeps a merged copy whole, without any marks by which a tool would collect it', async () => {
  const { origin, place } = await pushed('retain')
  await write(client, place, { own: 'x' })
  await annotate(client, origin, { 'on-delete': 'retain' })
  await awaitPresent(client, place, (each) => marksOn(each)['on-delete'] === 'retain')
  await client.remove(origin)
  const left = await awaitPresent(client, place, (each) => marksOn(each)['retained'] !== undefined)
  assert.deepEqual(await dataOf(client, place), { own: 'x', a: '1' })
  for (const key of ['replicated-keys', 'replicated-at', 'replicated-from-version'])
    assert.equal(said(left, key), undefined, key)
})

test('a namespace that refuses takes the origin’s keys away and leaves the others', async () => {
  const { place } = await pushed('refuse')
  const bare = await pushed('refuse-bare')
  await write(client, place, { own: 'x' })
  for (const name of [place.namespace ?? '', bare.place.namespace ?? ''])
    await client.annotate({ kind: 'Namespace', name }, ours({ refuse: '*' }))
  await awaitData(client, place, { own: 'x' })
  await awaitAbsent(client, bare.place)
})

test('from one vocabulary to another and back, a copy of ours is neither made anew nor loses keys that are the origin’s', async () => {
  const { origin, place } = await pushed('words')
  const before = await client.get(place)
  await client.annotate(origin, {
    ...ours({ 'reflect-to': place.namespace ?? '' }),
    'replicator.v1.mittwald.de/replicate-to': null,
  })
  const isNative = (each: KubeObject): boolean =>
    isMirrorOf({ ...each, kind: 'Secret' }, origin) && said(each, 'replicated-keys') === undefined
  await awaitPresent(client, place, isNative, { what: 'is a mirror in our words' })
  await write(client, place, { own: 'x' })
  await awaitData(client, place, { a: '1' })
  await client.annotate(origin, {
    [`${PREFIX}reflect-to`]: null,
    'replicator.v1.mittwald.de/replicate-to': place.namespace ?? '',
  })
  await awaitPresent(client, place, (each) => said(each, 'replicated-keys') === 'a')
  assert.deepEqual(await dataOf(client, place), { a: '1' })
  assert.equal((await client.get(place)).metadata.uid, before.metadata.uid)
})

/** The origin anew, as it was before the server dressed it, of another type. */
function reborn({ metadata, data }: KubeObject, type: string): KubeObject {
  const { namespace = '', name, annotations = {} } = metadata
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name, annotations },
    type,
    data: data ?? {},
  }
}

async function awaitBytes(ref: Ref, keys: readonly string[]): Promise<void> {
  const isIt = ({ binaryData = {} }: KubeObject): boolean =>
    Object.keys(binaryData).sort().join() === keys.join()
  await awaitPresent(client, ref, isIt, { what: `holds the bytes ${keys.join()}` })
}
