/** Whatever appears, goes or is swapped between two of our requests: a foreign object is never changed, and the mirror comes as soon as it can. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { isMirrorOf } from '../lib/marks.ts'
import { plain, refOf, secret } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, secretOffer, write } from '../lib/offers.ts'
import { startProxy } from '../lib/proxy.ts'
import type { Match } from '../lib/proxy.ts'
import { openSolo } from '../lib/solo.ts'
import { watchVersions } from '../lib/witness.ts'

const solo = await openSolo()
const { client, stage } = solo
const proxy = await startProxy(stage.plane)
after(() => proxy.close())
await solo.start({ through: proxy })

test('a foreign object that appears before our POST and goes before our look: the mirror is made', async () => {
  const { offered, place } = await offerTo('flash')
  const post = proxy.hold(creationIn(place))
  const look = proxy.hold({ method: 'GET', path: placePath(place), times: 1 })
  await client.create(offered)
  await post.reached()
  const foreign = await client.create(own(place))
  post.release()
  await look.reached()
  await client.remove(refOf(foreign))
  look.release()
  const mirror = await awaitData(client, place, { password: 'given' })
  assert.notEqual(mirror.metadata.uid, foreign.metadata.uid)
  post.remove()
})

test('a foreign object that stood there only while our POST was held leaves no trace', async () => {
  const { offered, place } = await offerTo('brief')
  const post = proxy.hold(creationIn(place))
  await client.create(offered)
  await post.reached()
  await client.create(own(place))
  await client.remove(place)
  post.release()
  await awaitData(client, place, { password: 'given' })
  post.remove()
})

test('a foreign object that is there when our POST arrives stays as it is, is told, and makes way once it goes', async () => {
  const { offered, place } = await offerTo('stays')
  const post = proxy.hold(creationIn(place))
  await client.create(offered)
  await post.reached()
  const foreign = await client.create(own(place))
  post.release()
  await awaitEvent(client, place, 'MirrorBlocked')
  await solo.settled()
  await assertForeign(foreign)
  await client.remove(place)
  await awaitData(client, place, { password: 'given' })
  post.remove()
})

test('a foreign object that takes the mirror’s place while our PATCH is held is not written', async () => {
  const { offered, place } = await offerTo('swap')
  await client.create(offered)
  await awaitPresent(client, place)
  const patch = proxy.hold({ method: 'PATCH', path: placePath(place), times: 1 })
  await write(client, refOf(offered), { password: 'second' })
  await patch.reached()
  const foreign = await swapFor(place)
  patch.release()
  await awaitEvent(client, place, 'MirrorBlocked')
  await solo.settled()
  await assertForeign(foreign)
})

test('a foreign object that takes the mirror’s place while our DELETE is held is not deleted', async () => {
  const { offered, place } = await offerTo('save')
  await client.create(offered)
  await awaitPresent(client, place)
  const remove = proxy.hold({ method: 'DELETE', path: placePath(place), times: 1 })
  await annotate(client, refOf(offered), { 'reflect-to': null })
  await remove.reached()
  const foreign = await swapFor(place)
  remove.release()
  await solo.settled()
  await assertForeign(foreign)
})

test('a mirror whose owner strips its marks while our DELETE is held is his, and stays', async () => {
  const { offered, place } = await offerTo('strip')
  await client.create(offered)
  await awaitPresent(client, place)
  const remove = proxy.hold({ method: 'DELETE', path: placePath(place), times: 1 })
  await annotate(client, refOf(offered), { 'reflect-to': null })
  await remove.reached()
  const stripped = await client.patch(place, { metadata: { labels: null, annotations: null } })
  remove.release()
  await solo.settled()
  const now = await client.get(place)
  assert.equal(now.metadata.resourceVersion, stripped.metadata.resourceVersion)
})

test('a request whose answer is lost is never sent again blindly: one look, and nothing is written twice', async () => {
  const { offered, place } = await offerTo('lost')
  await using witness = await watchVersions(client, place)
  const mark = await solo.mark()
  const post = proxy.on({ ...creationIn(place), times: 1 }, (exchange) => exchange.pass(() => exchange.cut()))
  const patch = proxy.on({ method: 'PATCH', path: placePath(place), times: 1 }, (exchange) =>
    exchange.pass(() => exchange.cut()),
  )
  await client.create(offered)
  await awaitData(client, place, { password: 'given' })
  await solo.settled()
  await write(client, refOf(offered), { password: 'second' })
  await awaitData(client, place, { password: 'second' })
  await solo.settled()
  assert.deepEqual([post.taken.length, patch.taken.length], [1, 1])
  const changes = (await solo.changes(mark)).filter((each) => each.includes(`${place.namespace}/`))
  const at = `${place.namespace}/${place.name}`
  assert.deepEqual(changes, [`create secrets ${at} 201`, `patch secrets ${at} 200`])
  assert.equal((await witness.versions()).length, 2)
})

test('a request that never reached the server is made good', async () => {
  const { offered, place } = await offerTo('cut')
  const post = proxy.on({ ...creationIn(place), times: 1 }, (exchange) => exchange.cut())
  await client.create(offered)
  await awaitData(client, place, { password: 'given' })
  const patch = proxy.on({ method: 'PATCH', path: placePath(place), times: 1 }, (exchange) => exchange.cut())
  await write(client, refOf(offered), { password: 'second' })
  await awaitData(client, place, { password: 'second' })
  const remove = proxy.on({ method: 'DELETE', path: placePath(place), times: 1 }, (exchange) =>
    exchange.cut(),
  )
  await client.remove(place)
  await awaitData(client, place, { password: 'second' })
  assert.equal(isMirrorOf(await client.get(place), refOf(offered)), true)
  assert.deepEqual([post.taken.length, patch.taken.length, remove.taken.length], [1, 1, 0])
  remove.remove()
})

async function offerTo(word: string): Promise<{ readonly offered: KubeObject; readonly place: Ref }> {
  const [home, target] = await stage.namespaces(`${word}-home`, `${word}-target`)
  const offered = secretOffer(home, `pass-${word}`, { 'reflect-to': target }, { password: 'given' })
  return { offered, place: mirrorIn(target, offered) }
}

/** Somebody's own Secret at the mirror's place. */
function own({ namespace = '', name }: Ref): KubeObject {
  return secret(namespace, name, { password: 'own' })
}

async function swapFor(place: Ref): Promise<KubeObject> {
  await client.remove(place)
  // Whoever is faster: our side may have made the mirror again already.
  for (;;) {
    const answer = await client.request('POST', `/api/v1/namespaces/${place.namespace}/secrets`, {
      body: own(place),
    })
    if (answer.status === 201) return answer.body as KubeObject
    await client.remove(place)
  }
}

async function assertForeign(foreign: KubeObject): Promise<void> {
  const now = await client.get(refOf(foreign))
  assert.equal(now.metadata.uid, foreign.metadata.uid)
  assert.equal(now.metadata.resourceVersion, foreign.metadata.resourceVersion)
  assert.deepEqual(plain(now), { password: 'own' })
}

function creationIn({ namespace }: Ref): Match {
  return { method: 'POST', path: new RegExp(`/namespaces/${namespace}/secrets\\?`) }
}

function placePath({ namespace, name }: Ref): RegExp {
  return new RegExp(`/namespaces/${namespace}/secrets/${name}(\\?|$)`)
}
