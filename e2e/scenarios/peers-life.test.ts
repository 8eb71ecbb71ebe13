/** An origin's mirrors on two peers, from the first to the last: forwarded, rotated, put right, narrowed, retained, deleted. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitList, awaitPresent } from '../lib/await.ts'
import { at, isMirrorOf, marksOn } from '../lib/marks.ts'
import { collectionPath, configMap, refOf } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, offer, secretOffer, textsOf, write } from '../lib/offers.ts'
import { changesOn, enlist, identityOf, openSpoke, settledOn } from '../lib/peers.ts'
import type { Spoke } from '../lib/peers.ts'
import { startSolo } from '../lib/solo.ts'

const [home, east, west] = await Promise.all([startSolo(), openSpoke('east'), openSpoke('west')])
const { client, stage } = home
await Promise.all([enlist(client, east), enlist(client, west)])
const identity = await identityOf(client)

/** Waits until the mirror of `origin` on the peer holds exactly `data`. */
async function awaitOn(
  spoke: Spoke,
  namespace: string,
  origin: KubeObject,
  data: Readonly<Record<string, string>>,
): Promise<KubeObject> {
  return await awaitData(spoke.client, mirrorIn(namespace, origin), data)
}

async function uidOn(spoke: Spoke, ref: Ref): Promise<string | undefined> {
  return (await spoke.client.find(ref))?.metadata.uid
}

test('a Secret and a ConfigMap reach every named peer, bear the marks of their cluster, and the origin stays untouched', async () => {
  const from = await stage.namespace('forward')
  const [there, yonder] = [await east.namespace('app'), await west.namespace('app')]
  const reach = { targets: '*', 'target-namespaces': 'app-*' }
  for (const make of [secretOffer, offer]) {
    const origin = await client.create(make(from, 'first', reach, { a: '1', b: '2' }))
    const mirror = await awaitOn(east, there, origin, { a: '1', b: '2' })
    await awaitOn(west, yonder, origin, { a: '1', b: '2' })
    assert(isMirrorOf(mirror, refOf(origin)))
    const { digest, mirror: label, ...marks } = marksOn(mirror)
    assert.match(digest ?? '', /^v1\./)
    assert.match(label ?? '', /^[0-9a-f]{16}$/)
    assert.deepEqual(marks, {
      at: `${there}/first`,
      origin: `${from}/first`,
      'origin-cluster': identity,
      'origin-uid': origin.metadata.uid,
      'origin-version': origin.metadata.resourceVersion,
    })
    assert.equal(mirror.metadata['ownerReferences'], undefined)
    assert.equal((await client.get(refOf(origin))).metadata.resourceVersion, origin.metadata.resourceVersion)
  }
})

test('a rotation reaches each peer by one patch, in place', async () => {
  const from = await stage.namespace('rotate')
  const [there, yonder] = [await east.namespace('turn'), await west.namespace('turn')]
  const origin = secretOffer(from, 'cert', { targets: '*', 'target-namespaces': 'turn-*' }, { tls: 'one' })
  await client.create(origin)
  const before = await awaitOn(east, there, origin, { tls: 'one' })
  await awaitOn(west, yonder, origin, { tls: 'one' })
  const mark = await east.plane.own.audit.mark()
  const rotated = await client.patch(refOf(origin), {
    data: { tls: null, next: Buffer.from('two').toString('base64') },
  })
  const after = await awaitOn(east, there, origin, { next: 'two' })
  await awaitOn(west, yonder, origin, { next: 'two' })
  assert.equal(after.metadata.uid, before.metadata.uid)
  assert.equal(marksOn(after)['origin-version'], rotated.metadata.resourceVersion)
  await settledOn(home, east)
  assert.deepEqual(await changesOn(east, mark), [`patch secrets ${there}/cert 200`])
})

test('nothing is written on a peer when what changed at home means nothing to its mirrors', async () => {
  const from = await stage.namespace('quiet')
  const there = await east.namespace('quiet')
  const origin = secretOffer(from, 'still', { targets: 'east', 'target-namespaces': 'quiet-*' })
  await client.create(origin)
  const before = await awaitOn(east, there, origin, { a: '1' })
  await client.patch(refOf(origin), {
    metadata: { labels: { team: 'b' }, annotations: { 'example.com/note': 'x' } },
  })
  await client.annotate({ kind: 'Namespace', name: from }, { 'example.com/note': 'y' })
  await east.client.annotate({ kind: 'Namespace', name: there }, { 'example.com/note': 'z' })
  await settledOn(home, east)
  const after = await east.client.get(refOf(before))
  assert.equal(after.metadata.resourceVersion, before.metadata.resourceVersion)
})

test('an edit of a mirror on a peer is put back, and a mirror deleted by hand comes again', async () => {
  const from = await stage.namespace('drift')
  const there = await east.namespace('drift')
  const origin = secretOffer(
    from,
    'login',
    { targets: 'east', 'target-namespaces': 'drift-*' },
    { user: 'u' },
  )
  await client.create(origin)
  const mirror = await awaitOn(east, there, origin, { user: 'u' })
  const ref = refOf({ ...mirror, kind: 'Secret' })
  await write(east.client, ref, { user: 'mallory', more: 'keys' })
  await awaitOn(east, there, origin, { user: 'u' })
  assert.equal(await uidOn(east, ref), mirror.metadata.uid, 'put back in place')
  await write(east.client, ref, { user: null })
  await awaitOn(east, there, origin, { user: 'u' })
  await east.client.remove(ref)
  const again = await awaitPresent(east.client, ref, ({ metadata }) => metadata.uid !== mirror.metadata.uid)
  assert.deepEqual(textsOf({ ...again, kind: 'Secret' }), { user: 'u' })
  await east.client.patch(ref, { metadata: { labels: { 'heliograph.dev/mirror': null } } })
  await awaitPresent(east.client, ref, (each) => isMirrorOf({ ...each, kind: 'Secret' }, refOf(origin)), {
    what: 'has its label again',
  })
})

test('mirrors that are deleted on the peer in the moment in which they come are made again, each of two hundred', async () => {
  const from = await stage.namespace('instant')
  const there = await east.namespace('instant')
  const reach = { targets: 'east', 'target-namespaces': 'instant-*' }
  const names = new Set(Array.from({ length: 200 }, (_, index) => `brief-${index}`))
  const end = new AbortController()
  const first = new Map<string, string | undefined>()
  const removals: Promise<void>[] = []
  const removing = (async (): Promise<void> => {
    for await (const { type, object } of east.client.watch(collectionPath('ConfigMap', there), end.signal)) {
      const { name, uid } = object.metadata
      if (type !== 'ADDED' || !names.has(name) || first.has(name)) continue
      first.set(name, uid)
      removals.push(east.client.remove({ kind: 'ConfigMap', namespace: there, name }))
    }
  })().catch((error: unknown) => {
    if (!end.signal.aborted) throw error
  })
  for (const name of names) await client.create(offer(from, name, reach))
  await awaitList(
    east.client,
    collectionPath('ConfigMap', there),
    (objects) =>
      objects.filter(({ metadata: { name, uid } }) => first.has(name) && first.get(name) !== uid).length ===
      names.size,
    { what: 'every mirror is there under another uid' },
  )
  end.abort()
  await Promise.all([removing, ...removals])
})

test('a target taken from the list loses its mirror, the other keeps it; taken back, it is made again', async () => {
  const from = await stage.namespace('narrow')
  const [there, yonder] = [await east.namespace('narrow'), await west.namespace('narrow')]
  const origin = secretOffer(from, 'pull', { targets: 'east, west', 'target-namespaces': 'narrow-*' })
  await client.create(origin)
  const kept = await awaitOn(west, yonder, origin, { a: '1' })
  await awaitOn(east, there, origin, { a: '1' })
  await annotate(client, refOf(origin), { targets: '*, !east' })
  await awaitAbsent(east.client, mirrorIn(there, origin))
  await settledOn(home, west)
  assert.equal(
    (await west.client.get(refOf(kept))).metadata.resourceVersion,
    kept.metadata.resourceVersion,
    'the mirror on the other peer is not touched',
  )
  await annotate(client, refOf(origin), { targets: '*' })
  await awaitOn(east, there, origin, { a: '1' })
})

test('narrowing the namespaces of a peer removes the mirrors there and no other', async () => {
  const from = await stage.namespace('fewer')
  const [one, two] = [await east.namespace('fewer-one'), await east.namespace('fewer-two')]
  const origin = offer(from, 'roots', { targets: 'east', 'target-namespaces': 'fewer-*' })
  await client.create(origin)
  const kept = await awaitOn(east, one, origin, { a: '1' })
  await awaitOn(east, two, origin, { a: '1' })
  await annotate(client, refOf(origin), { 'target-namespaces': 'fewer-one-*' })
  await awaitAbsent(east.client, mirrorIn(two, origin))
  assert.equal(await uidOn(east, mirrorIn(one, origin)), kept.metadata.uid)
})

test('with the annotation `targets` gone, every peer’s mirror goes, and home’s own stays', async () => {
  const from = await stage.namespace('withdrawn')
  const local = await stage.namespace('withdrawn-local')
  const [there, yonder] = [await east.namespace('withdrawn'), await west.namespace('withdrawn')]
  const origin = secretOffer(from, 'pull', {
    'reflect-to': local,
    targets: '*',
    'target-namespaces': 'withdrawn-*',
  })
  await client.create(origin)
  await awaitOn(east, there, origin, { a: '1' })
  await awaitOn(west, yonder, origin, { a: '1' })
  const own = await awaitData(client, at(refOf(origin), local), { a: '1' })
  assert.equal(marksOn(own)['origin-cluster'], undefined, 'a mirror at home names no cluster')
  await annotate(client, refOf(origin), { targets: null })
  await awaitAbsent(east.client, mirrorIn(there, origin))
  await awaitAbsent(west.client, mirrorIn(yonder, origin))
  await home.settled()
  assert.equal((await client.get(refOf(own))).metadata.uid, own.metadata.uid)
})

test('the origin deleted, its mirrors on all peers go, and what is not ours beside them stays', async () => {
  const from = await stage.namespace('gone')
  const [there, yonder] = [await east.namespace('gone'), await west.namespace('gone')]
  const beside = await east.client.create(configMap(there, 'beside', { mine: 'yes' }))
  const origin = offer(from, 'roots', { targets: '*', 'target-namespaces': 'gone-*' })
  await client.create(origin)
  await awaitOn(east, there, origin, { a: '1' })
  await awaitOn(west, yonder, origin, { a: '1' })
  await client.remove(refOf(origin))
  await awaitAbsent(east.client, mirrorIn(there, origin))
  await awaitAbsent(west.client, mirrorIn(yonder, origin))
  assert.equal(
    (await east.client.get(refOf(beside))).metadata.resourceVersion,
    beside.metadata.resourceVersion,
  )
})

test('a whole namespace of origins deleted at home, their mirrors on the peer go', async () => {
  stage.plane.requireControllers('the end of a namespace')
  const from = await stage.namespace('razed')
  const there = await east.namespace('razed')
  const origins = ['a', 'b', 'c'].map((name) =>
    offer(from, name, { targets: 'east', 'target-namespaces': 'razed-*' }),
  )
  for (const origin of origins) await client.create(origin)
  for (const origin of origins) await awaitOn(east, there, origin, { a: '1' })
  await client.remove({ kind: 'Namespace', name: from })
  for (const origin of origins) await awaitAbsent(east.client, mirrorIn(there, origin))
})

test('`on-delete: retain` leaves the mirror on the peer to its owner, and the same origin takes it back', async () => {
  const from = await stage.namespace('retain')
  const there = await east.namespace('retain')
  const reach = { targets: 'east', 'target-namespaces': 'retain-*', 'on-delete': 'retain' }
  const origin = secretOffer(from, 'kept', reach, { a: '1' })
  await client.create(origin)
  const mirror = await awaitPresent(
    east.client,
    mirrorIn(there, origin),
    (each) => marksOn(each)['on-delete'] === 'retain',
  )
  await client.remove(refOf(origin))
  const left = await awaitPresent(
    east.client,
    mirrorIn(there, origin),
    (each) => marksOn(each)['mirror'] === undefined,
  )
  assert.equal(left.metadata.uid, mirror.metadata.uid)
  assert.deepEqual(textsOf({ ...left, kind: 'Secret' }), { a: '1' })
  assert.equal(marksOn(left)['retained'], `${from}/kept`)
  await settledOn(home, east)
  assert.equal(await uidOn(east, mirrorIn(there, origin)), mirror.metadata.uid)
  await client.create(secretOffer(from, 'kept', reach, { a: '2' }))
  const back = await awaitOn(east, there, origin, { a: '2' })
  assert.equal(back.metadata.uid, mirror.metadata.uid)
  assert(isMirrorOf({ ...back, kind: 'Secret' }, refOf(origin)))
})

test('an object of the peer’s own under the name is never touched, and its owner is told there', async () => {
  const from = await stage.namespace('foreign')
  const there = await east.namespace('foreign')
  const own = await east.client.create(configMap(there, 'taken', { mine: 'yes' }))
  const origin = offer(from, 'taken', { targets: 'east', 'target-namespaces': 'foreign-*' })
  await client.create(origin)
  await settledOn(home, east)
  assert.equal((await east.client.get(refOf(own))).metadata.resourceVersion, own.metadata.resourceVersion)
  await east.client.remove(refOf(own))
  await awaitOn(east, there, origin, { a: '1' })
})

test('restarted, the controller writes nothing on either peer', async () => {
  const [there, yonder] = [await east.plane.own.audit.mark(), await west.plane.own.audit.mark()]
  await home.restart()
  await settledOn(home, east)
  await settledOn(home, west)
  assert.deepEqual([...(await changesOn(east, there)), ...(await changesOn(west, yonder))], [])
})

test('an origin that went while the controller was stopped is missed at the start, and its mirror on the peer goes', async () => {
  const from = await stage.namespace('unseen')
  const there = await east.namespace('unseen')
  const origin = secretOffer(from, 'late', { targets: 'east', 'target-namespaces': 'unseen-*' })
  await client.create(origin)
  await awaitOn(east, there, origin, { a: '1' })
  await home.whileStopped(async () => await client.remove(refOf(origin)))
  await awaitAbsent(east.client, mirrorIn(there, origin))
})
