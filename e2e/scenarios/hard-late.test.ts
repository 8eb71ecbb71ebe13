/** A request of an old leader that arrives after the new leader wrote is refused by its own proof: old data does not come back. */

import assert from 'node:assert/strict'
import { after, afterEach, beforeEach, test } from 'node:test'

import { awaitAbsent, awaitObject, awaitPresent } from '../lib/await.ts'
import type { Controller } from '../lib/controller.ts'
import { isMirrorOf, ours } from '../lib/marks.ts'
import { plain, refOf } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, secretOffer, write } from '../lib/offers.ts'
import { startProxy } from '../lib/proxy.ts'
import type { Match } from '../lib/proxy.ts'
import { openStage } from '../lib/stage.ts'
import { watchVersions } from '../lib/witness.ts'

const LEASE: Ref = { kind: 'Lease', namespace: 'heliograph', name: 'heliograph' }

/** A leader that is told to stop gives the lead up at once and leaves its requests to their fate. */
const stage = await openStage({ settings: { deletionGrace: '0s', drain: '0s' } })
const { client } = stage
const proxy = await startProxy(stage.plane)
after(() => proxy.close())

let old: Controller
let next: Controller | null = null
beforeEach(async () => {
  old = await stage.start({ through: proxy })
})
afterEach(async () => {
  await old.kill()
  await next?.stop()
  next = null
})

test('a PATCH that is held over a change of leader and a newer version does not bring old data back', async () => {
  const { origin, place } = await mirrored('patch')
  await using witness = await watchVersions(client, place)
  const patch = proxy.hold({ method: 'PATCH', path: placePath(place), times: 1 })
  await write(client, refOf(origin), { password: 'second' })
  await patch.reached()
  await changeLeader({ before: () => rotate(origin, 'third') })
  await awaitData(client, place, { password: 'third' })
  patch.release()
  assert.equal(await answerOf({ method: 'PATCH', path: placePath(place) }), 422)
  await stage.settled(origin.metadata.namespace ?? '')
  assert.deepEqual(await passwords(witness), ['first', 'third'])
})

test('the same where the newer version has the oldest data again, so that only versions tell them apart', async () => {
  const { origin, place } = await mirrored('again')
  await using witness = await watchVersions(client, place)
  const patch = proxy.hold({ method: 'PATCH', path: placePath(place), times: 1 })
  await write(client, refOf(origin), { password: 'second' })
  await patch.reached()
  await changeLeader({ before: () => rotate(origin, 'third') })
  await awaitData(client, place, { password: 'third' })
  await write(client, refOf(origin), { password: 'first' })
  await awaitData(client, place, { password: 'first' })
  patch.release()
  assert.equal(await answerOf({ method: 'PATCH', path: placePath(place) }), 422)
  await stage.settled(origin.metadata.namespace ?? '')
  assert.deepEqual(await passwords(witness), ['first', 'third', 'first'])
})

test('where the newer version equals what the mirror holds, and so needed no write, a late PATCH is put right at once', async () => {
  const { origin, place } = await mirrored('equal')
  const patch = proxy.hold({ method: 'PATCH', path: placePath(place), times: 1 })
  await write(client, refOf(origin), { password: 'second' })
  await patch.reached()
  await changeLeader({ before: () => rotate(origin, 'first') })
  await stage.settled(origin.metadata.namespace ?? '')
  patch.release()
  assert.equal(await answerOf({ method: 'PATCH', path: placePath(place) }), 200)
  await awaitData(client, place, { password: 'first' })
  await stage.settled(origin.metadata.namespace ?? '')
  assert.deepEqual(plain(await client.get(place)), { password: 'first' })
})

test('a PATCH that puts an edit back and is held so long does not undo a newer version either', async () => {
  const { origin, place } = await mirrored('repair')
  await using witness = await watchVersions(client, place)
  const patch = proxy.hold({ method: 'PATCH', path: placePath(place), times: 1 })
  await client.patch(place, { stringData: { password: 'edited' } })
  await patch.reached()
  await changeLeader({ before: () => rotate(origin, 'second') })
  await awaitData(client, place, { password: 'second' })
  patch.release()
  assert.equal(await answerOf({ method: 'PATCH', path: placePath(place) }), 422)
  await stage.settled(origin.metadata.namespace ?? '')
  assert.deepEqual(await passwords(witness), ['first', 'edited', 'second'])
})

test('a DELETE that is held over a change of leader spares the mirror that is wanted again', async () => {
  const { origin, place } = await mirrored('delete')
  const remove = proxy.hold({ method: 'DELETE', path: placePath(place), times: 1 })
  await annotate(client, refOf(origin), { 'reflect-to': null })
  await remove.reached()
  await changeLeader({ before: () => offerAgain(origin, place, 'second') })
  const wanted = await awaitData(client, place, { password: 'second' })
  remove.release()
  assert.equal(await answerOf({ method: 'DELETE', path: placePath(place) }), 409)
  await stage.settled(origin.metadata.namespace ?? '')
  const now = await client.get(place)
  assert.equal(now.metadata.uid, wanted.metadata.uid)
  assert.deepEqual(plain(now), { password: 'second' })
})

test('a POST that is held over a change of leader meets the newer mirror and changes nothing', async () => {
  const { origin, place } = await offered('post')
  const post = proxy.hold(creationIn(place))
  await client.create(origin)
  await post.reached()
  await changeLeader()
  await write(client, refOf(origin), { password: 'second' })
  const newer = await awaitData(client, place, { password: 'second' })
  post.release()
  assert.equal(await answerOf(creationIn(place)), 409)
  await stage.settled(origin.metadata.namespace ?? '')
  assert.equal((await client.get(place)).metadata.resourceVersion, newer.metadata.resourceVersion)
})

test('a POST that is held until nobody claims its place makes a mirror that the new leader removes', async () => {
  const { origin, place } = await offered('stray')
  const post = proxy.hold(creationIn(place))
  await client.create(origin)
  await post.reached()
  await changeLeader()
  await awaitPresent(client, place, (each) => isMirrorOf(each, refOf(origin)))
  await client.remove(refOf(origin))
  await awaitAbsent(client, place)
  await using witness = await watchVersions(client, place)
  post.release()
  assert.equal(await answerOf(creationIn(place)), 201)
  await awaitAbsent(client, place)
  assert.deepEqual(await passwords(witness), ['first', null])
})

/** An origin to be, and the place of its one mirror. */
async function offered(word: string): Promise<{ readonly origin: KubeObject; readonly place: Ref }> {
  const [home, target] = await stage.namespaces(`${word}-home`, `${word}-target`)
  const origin = secretOffer(home, `pass-${word}`, { 'reflect-to': target }, { password: 'first' })
  return { origin, place: mirrorIn(target, origin) }
}

async function mirrored(word: string): Promise<{ readonly origin: KubeObject; readonly place: Ref }> {
  const { origin, place } = await offered(word)
  await client.create(origin)
  await awaitData(client, place, { password: 'first' })
  return { origin, place }
}

async function rotate(origin: KubeObject, password: string): Promise<void> {
  await write(client, refOf(origin), { password })
}

async function offerAgain(origin: KubeObject, place: Ref, password: string): Promise<void> {
  const annotations = ours({ 'reflect-to': place.namespace ?? '' })
  await client.patch(refOf(origin), { metadata: { annotations }, stringData: { password } })
}

/** The old leader ends and leaves its held request behind; the new one speaks to the server itself. */
async function changeLeader({ before }: { readonly before?: () => Promise<void> } = {}): Promise<void> {
  const former = await holder()
  await old.stop()
  await before?.()
  next = await stage.start()
  await awaitObject(client, LEASE, (lease) => ![former, ''].includes(holderIn(lease)), {
    what: 'has a new holder',
  })
}

async function holder(): Promise<string> {
  return holderIn(await client.find(LEASE))
}

function holderIn(lease: KubeObject | null): string {
  return (lease?.['spec'] as { readonly holderIdentity?: string } | undefined)?.holderIdentity ?? ''
}

/** How the server answered the request of the old leader that was held. */
async function answerOf({ method, path }: Match): Promise<number> {
  for (;;) {
    const found = proxy.seen.findLast((each) => each.method === method && path?.test(each.path) === true)
    if (found !== undefined && found.status !== 0) return found.status
    await new Promise((resolve) => void setImmediate(resolve))
  }
}

function creationIn({ namespace }: Ref): Match {
  return { method: 'POST', path: new RegExp(`/namespaces/${namespace}/secrets\\?`) }
}

function placePath({ namespace, name }: Ref): RegExp {
  return new RegExp(`/namespaces/${namespace}/secrets/${name}(\\?|$)`)
}

/** What the object held, one entry for each version that differs from the one before. */
async function passwords(
  witness: Awaited<ReturnType<typeof watchVersions>>,
): Promise<readonly (string | null)[]> {
  const all = (await witness.versions()).map((each) =>
    each === null ? null : (plain(each)['password'] ?? ''),
  )
  return all.filter((each, index) => each !== all[index - 1])
}
