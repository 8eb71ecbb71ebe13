/** Which namespaces of a peer an origin reaches: by globs, by labels, by its own name; those that come, change and go. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { refOf } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, namespacesOf, offer, secretOffer, write } from '../lib/offers.ts'
import { changesOn, enlist, openSpoke, settledOn } from '../lib/peers.ts'
import { startSolo } from '../lib/solo.ts'

const [home, east] = await Promise.all([startSolo(), openSpoke('east')])
const { client, stage } = home
await enlist(client, east)

/** Where on the peer a mirror of this origin stands, once all is dealt with; names are unique, so none is left out. */
async function reached({ metadata, kind = '' }: KubeObject): Promise<readonly string[]> {
  await settledOn(home, east)
  return await namespacesOf(east.client, { kind, name: metadata.name })
}

test('globs choose namespaces of the peer, an exclusion wins, and no namespace of home', async () => {
  const from = await stage.namespace('globs')
  const names = ['glob-a', 'glob-b', 'glob-old'] as const
  const [a, b] = [await east.namespace(names[0]), await east.namespace(names[1])]
  await east.namespace(names[2])
  const local = await stage.namespace('glob-a')
  const origin = await client.create(
    secretOffer(from, 'by-globs', { targets: 'east', 'target-namespaces': 'glob-*, !glob-old-*' }),
  )
  await awaitPresent(east.client, mirrorIn(a, origin))
  assert.deepEqual(await reached(origin), [a, b])
  assert.equal(await client.find(mirrorIn(local, origin)), null)
})

test('a selector chooses by the labels of the peer’s namespaces, and follows them as they change', async () => {
  const from = await stage.namespace('labels')
  const [front, back] = [
    await east.namespace('front', { labels: { tier: 'web' } }),
    await east.namespace('back', { labels: { tier: 'db' } }),
  ]
  const origin = await client.create(
    offer(from, 'by-labels', {
      targets: 'east',
      'target-namespaces-selector': 'tier in (web, edge), !private',
    }),
  )
  await awaitPresent(east.client, mirrorIn(front, origin))
  assert.deepEqual(await reached(origin), [front])
  await east.client.patch({ kind: 'Namespace', name: back }, { metadata: { labels: { tier: 'edge' } } })
  await awaitPresent(east.client, mirrorIn(back, origin))
  await east.client.patch({ kind: 'Namespace', name: front }, { metadata: { labels: { private: '' } } })
  await awaitAbsent(east.client, mirrorIn(front, origin))
  assert.deepEqual(await reached(origin), [back])
})

test('globs and a selector together: both must hold', async () => {
  const from = await stage.namespace('both')
  const both = await east.namespace('both-yes', { labels: { both: 'yes' } })
  await east.namespace('both-no')
  await east.namespace('other-yes', { labels: { both: 'yes' } })
  const origin = await client.create(
    offer(from, 'by-both', {
      targets: 'east',
      'target-namespaces': 'both-*',
      'target-namespaces-selector': 'both=yes',
    }),
  )
  await awaitPresent(east.client, mirrorIn(both, origin))
  assert.deepEqual(await reached(origin), [both])
})

test('with neither, the namespace of the origin’s own name is meant and no other', async () => {
  const from = await stage.namespace('own-name')
  await east.client.createNamespace(from)
  const origin = await client.create(secretOffer(from, 'by-own-name', { targets: 'east' }))
  await awaitPresent(east.client, mirrorIn(from, origin))
  assert.deepEqual(await reached(origin), [from])
  assert.equal(
    (await client.get(refOf(origin))).metadata.resourceVersion,
    origin.metadata.resourceVersion,
    'the origin of the same place at home stays untouched',
  )
})

test('given but blank, globs and selectors choose nothing, not even the own name', async () => {
  const from = await stage.namespace('blank')
  await east.client.createNamespace(from)
  const origins = [
    await client.create(offer(from, 'blank-globs', { targets: 'east', 'target-namespaces': '' })),
    await client.create(offer(from, 'blank-labels', { targets: 'east', 'target-namespaces-selector': ' ' })),
    await client.create(offer(from, 'blank-targets', { targets: '' })),
    await client.create(offer(from, 'only-exclusions', { targets: '!west' })),
  ]
  await settledOn(home, east)
  for (const origin of origins) assert.deepEqual(await reached(origin), [], origin.metadata.name)
})

test('a bad selector or glob holds the origin: told at home, and what stands on the peer stays as it is', async () => {
  const from = await stage.namespace('bad')
  const there = await east.namespace('bad')
  const reach = { targets: 'east', 'target-namespaces': 'bad-*' }
  const origin = await client.create(secretOffer(from, 'held', reach))
  const mirror = await awaitPresent(east.client, mirrorIn(there, origin))
  for (const [key, value] of [
    ['target-namespaces-selector', 'tier in web'],
    ['target-namespaces', 'bad-[a'],
    ['targets', 'east, +(west)'],
  ] as const) {
    await annotate(client, refOf(origin), { [key]: value })
    await awaitEvent(client, refOf(origin), 'OriginHeld', ({ message }) =>
      message.startsWith(`Annotation heliograph.dev/${key}: `),
    )
    await write(client, refOf(origin), { a: key })
    await settledOn(home, east)
    const now = await east.client.get(mirrorIn(there, origin))
    assert.equal(now.metadata.resourceVersion, mirror.metadata.resourceVersion, key)
    await annotate(client, refOf(origin), { 'target-namespaces-selector': null, ...reach, [key]: value })
  }
  await annotate(client, refOf(origin), { 'target-namespaces-selector': null, ...reach })
  await awaitData(east.client, mirrorIn(there, origin), { a: 'targets' })
})

test('a claim waits for a namespace that the peer lacks, and is served when it appears', async () => {
  const from = await stage.namespace('parked')
  const reach = { targets: 'east', 'target-namespaces': `${from}-late` }
  const named = await client.create(secretOffer(from, 'named', reach))
  const own = await client.create(offer(from, 'own', { targets: 'east' }))
  await settledOn(home, east)
  for (const name of [from, `${from}-late`])
    assert.equal(await east.client.find({ kind: 'Namespace', name }), null, 'namespaces are not made unasked')
  await east.client.createNamespace(`${from}-late`)
  await awaitPresent(east.client, mirrorIn(`${from}-late`, named))
  await east.client.createNamespace(from)
  await awaitPresent(east.client, mirrorIn(from, own))
})

test('a terminating namespace of the peer is skipped without a write; made anew, it is served', async () => {
  east.plane.requireControllers('the end of a namespace')
  const from = await stage.namespace('ending')
  const there = await east.namespace('ending')
  // What keeps the namespace from being gone.
  await east.client.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: there, name: 'lingers', finalizers: ['example.com/lingers'] },
  })
  await east.client.remove({ kind: 'Namespace', name: there })
  await awaitPresent(
    east.client,
    { kind: 'Namespace', name: there },
    ({ metadata }) => metadata.deletionTimestamp !== undefined,
  )
  const mark = await east.plane.own.audit.mark()
  const origin = await client.create(
    secretOffer(from, 'skipped', { targets: 'east', 'target-namespaces': 'ending-*' }),
  )
  await settledOn(home, east)
  assert.deepEqual(await changesOn(east, mark), [])
  const lingers = { kind: 'ConfigMap', namespace: there, name: 'lingers' }
  await east.client.patch(lingers, { metadata: { finalizers: null } })
  await awaitAbsent(east.client, { kind: 'Namespace', name: there })
  await east.client.createNamespace(there)
  await awaitPresent(east.client, mirrorIn(there, origin))
})

test('a namespace of the peer deleted with the mirrors in it and made anew has them again', async () => {
  east.plane.requireControllers('the end of a namespace')
  const from = await stage.namespace('renewed')
  const there = await east.namespace('renewed')
  const origin = await client.create(
    secretOffer(from, 'again', { targets: 'east', 'target-namespaces': 'renewed-*' }),
  )
  const first = await awaitPresent(east.client, mirrorIn(there, origin))
  await east.client.remove({ kind: 'Namespace', name: there })
  await awaitAbsent(east.client, { kind: 'Namespace', name: there })
  await east.client.createNamespace(there)
  const second = await awaitPresent(east.client, mirrorIn(there, origin))
  assert.notEqual(second.metadata.uid, first.metadata.uid)
})
