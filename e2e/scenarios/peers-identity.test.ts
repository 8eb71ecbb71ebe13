/** Which cluster a peer is: home is no peer of its own, no cluster is two peers, no name is two clusters; the older Secret stays. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent, eventually } from '../lib/await.ts'
import { installClusterProperty } from '../lib/cluster-property.ts'
import type { Client } from '../lib/client.ts'
import { awaitEvent } from '../lib/events.ts'
import { marksOn, ours } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { awaitData, mirrorIn, secretOffer, write } from '../lib/offers.ts'
import {
  awaitPeer,
  changesOn,
  enlist,
  grantAccount,
  identityOf,
  openSpoke,
  peerSecret,
  settledOn,
} from '../lib/peers.ts'
import type { PeerSecretOptions, Spoke } from '../lib/peers.ts'
import { SYSTEM } from '../lib/stage.ts'
import { openSolo } from '../lib/solo.ts'

const CLUSTER_PROPERTY: Ref = {
  kind: 'ClusterProperty',
  apiVersion: 'about.k8s.io/v1alpha1',
  name: 'cluster.clusterset.k8s.io',
}

const [home, east, west, named] = await Promise.all([
  openSolo(),
  openSpoke('east'),
  openSpoke('west'),
  openSpoke('named'),
])
const { client, stage } = home
await Promise.all([installClusterProperty(client, 'hub'), installClusterProperty(named.client, 'hub')])
await home.start()
await Promise.all([enlist(client, east), enlist(client, west)])

/** A peer Secret that is younger than `elder`, to the second in which the API server reckons. */
async function enlistAfter(
  elder: Ref,
  spoke: Spoke,
  options: Partial<PeerSecretOptions> & { readonly name: string },
): Promise<Ref> {
  const { creationTimestamp = '' } = (await client.get(elder)).metadata
  const { url: server, caPem } = spoke.plane
  const annotations = { 'peer-origins': '*' }
  const wanted = peerSecret({ server, caPem, annotations, ...options, token: await spoke.token() })
  const unlabelled = { ...wanted, metadata: { ...wanted.metadata, labels: {} } }
  const made = await eventually(
    async () => {
      const object = await client.create(unlabelled)
      if ((object.metadata.creationTimestamp ?? '') > creationTimestamp) return object
      await client.remove(refOf(object))
      return null
    },
    { what: 'a younger Secret' },
  )
  return refOf(await client.patch(refOf(made), { metadata: { labels: ours({ peer: 'true' }) } }))
}

async function isRefused(ref: Ref, why: string): Promise<void> {
  await awaitEvent(client, ref, 'PeerRefused', ({ message }) => message.includes(why))
}

const entryOf = (name: string): Ref => ({ kind: 'Secret', namespace: SYSTEM, name })

/** Origins of one scenario never meet those of another: each is forwarded into namespaces of its own words. */
async function offered(word: string, targets: string, name = 'login'): Promise<KubeObject> {
  const from = await stage.namespace(word)
  return await client.create(secretOffer(from, name, { targets, 'target-namespaces': `${word}-*` }))
}

test('mirrors on a peer name home by its ClusterProperty, and a peer without one is told by its kube-system', async () => {
  const there = await east.namespace('property')
  const origin = await offered('property', 'east')
  const mirror = await awaitPresent(east.client, mirrorIn(there, origin))
  assert.equal(marksOn(mirror)['origin-cluster'], 'hub')
  assert.notEqual(await identityOf(east.client), await identityOf(west.client))
})

test('home as a peer of its own is refused, and nothing is written by that way', async () => {
  const there = await stage.namespace('myself')
  const account = await grantAccount(client)
  const token = await client.tokenFor(account.namespace ?? '', account.name)
  const { url: server, caPem } = stage.plane
  const annotations = { 'peer-origins': '*' }
  const entry = refOf(await client.create(peerSecret({ name: 'self', server, caPem, token, annotations })))
  await isRefused(entry, 'it is this very cluster')
  const origin = await offered('myself', '*')
  await settledOn(home, east)
  assert.equal(await client.find(mirrorIn(there, origin)), null)
  const user = `system:serviceaccount:${account.namespace ?? ''}:${account.name}`
  assert.deepEqual(await changesOn({ plane: stage.plane, user }), [])
  await client.remove(entry)
})

test('a cluster whose ClusterProperty is home’s is refused, and taken up once it says another', async () => {
  const there = await named.namespace('namesake')
  const entry = await enlist(client, named)
  await isRefused(entry, 'it is this very cluster')
  const origin = await offered('namesake', 'named')
  await settledOn(home, east)
  assert.equal(await named.client.find(mirrorIn(there, origin)), null)
  await named.client.patch(CLUSTER_PROPERTY, { spec: { value: 'edge' } })
  await awaitPresent(named.client, mirrorIn(there, origin))
})

test('of two Secrets for one cluster the older stays, the younger is refused, and takes over when the older goes', async () => {
  const there = await east.namespace('twice')
  const entry = await enlistAfter(entryOf('east'), east, { name: 'another-east' })
  await isRefused(entry, 'an older Secret has the same cluster as its peer')
  const former = await offered('twice', 'east', 'former')
  const latter = await offered('twice', 'another-east', 'latter')
  await awaitPresent(east.client, mirrorIn(there, former))
  await settledOn(home, east)
  assert.equal(await east.client.find(mirrorIn(there, latter)), null)
  await client.remove(entryOf('east'))
  await awaitPresent(east.client, mirrorIn(there, latter))
  // Now the other name is what `targets` matches, and nothing wants the mirror of the former one there.
  await awaitAbsent(east.client, mirrorIn(there, former))
  await client.remove(entry)
  await enlist(client, east)
  await awaitPresent(east.client, mirrorIn(there, former))
})

test('of two Secrets with one name the older stays, and the younger takes over when the older goes', async () => {
  const [there, yonder] = [await east.namespace('one-name'), await west.namespace('one-name')]
  const { client: far } = west
  await client.remove(entryOf('west'))
  const entry = await enlistAfter(entryOf('east'), west, {
    name: 'a-west',
    annotations: { 'peer-name': 'east', 'peer-origins': '*' },
  })
  await isRefused(entry, 'an older Secret has a peer of this name')
  const origin = await offered('one-name', 'east')
  await awaitPresent(east.client, mirrorIn(there, origin))
  await settledOn(home, east)
  assert.equal(await far.find(mirrorIn(yonder, origin)), null)
  await client.remove(entryOf('east'))
  await awaitPresent(far, mirrorIn(yonder, origin))
  await client.annotate(entry, ours({ 'peer-name': 'west' }))
  await awaitPeer(home.controller, 'west')
  await awaitAbsent(far, mirrorIn(yonder, origin))
  await enlist(client, east)
  await awaitPresent(east.client, mirrorIn(there, origin))
})

test('a Secret pointed at another cluster is that peer from then on: the former one’s mirrors stay as they are', async () => {
  const [there, yonder] = [await east.namespace('pointed'), await west.namespace('pointed')]
  await client.remove(entryOf('a-west'))
  const origin = await offered('pointed', 'east')
  const left = await awaitPresent(east.client, mirrorIn(there, origin))
  const { url: server, caPem } = west.plane
  const wanted = peerSecret({ name: 'east', server, caPem, token: await west.token() })
  await client.patch(entryOf('east'), { data: wanted.data })
  await awaitPresent(west.client, mirrorIn(yonder, origin))
  await write(client, refOf(origin), { a: '2' })
  await awaitData(west.client, mirrorIn(yonder, origin), { a: '2' })
  await settledOn(home, { ...west, name: 'east' })
  assert.equal(
    (await east.client.get(mirrorIn(there, origin))).metadata.resourceVersion,
    left.metadata.resourceVersion,
  )
})

async function readProperty(of: Client): Promise<KubeObject> {
  return await of.get(CLUSTER_PROPERTY)
}

test('home’s identity is fixed at its first start: a ClusterProperty changed later changes no mark', async () => {
  assert.equal((await readProperty(client))['kind'], 'ClusterProperty')
  await client.patch(CLUSTER_PROPERTY, { spec: { value: 'renamed' } })
  await home.restart()
  const there = await west.namespace('fixed')
  const origin = await offered('fixed', 'east')
  const mirror = await awaitPresent(west.client, mirrorIn(there, origin))
  assert.equal(marksOn(mirror)['origin-cluster'], 'hub')
})
