/** Three clusters, a Heliograph in each, all peers of all others: a mirror is never an origin, and once all is mirrored nobody writes. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { AuditMark } from '../control-plane/audit.ts'
import { awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { kubedOrigin } from '../lib/kubed.ts'
import { keysOf } from '../lib/leftovers.ts'
import { isMirrorOf, marksOn, ours } from '../lib/marks.ts'
import { configMap, refOf, secret } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, namespacesOf, offer, secretOffer, write } from '../lib/offers.ts'
import { changesOn, enlist, identityOf, settledOn, spokeOn } from '../lib/peers.ts'
import type { Spoke } from '../lib/peers.ts'
import { startSolo } from '../lib/solo.ts'
import type { Solo } from '../lib/solo.ts'

const NAMES = ['a', 'b', 'c'] as const
/** Both ways into every cluster, for whatever is an origin. */
const EVERYWHERE = {
  targets: '*',
  'target-namespaces': 'ring-*',
  'reflect-to': 'ring-*',
} as const

interface Member {
  readonly name: string
  readonly solo: Solo
  readonly spoke: Spoke
  readonly identity: string
  /** Two namespaces of it; each is called alike in every cluster. */
  readonly from: string
}

const members = await Promise.all(
  NAMES.map(async (name): Promise<Member> => {
    const solo = await startSolo()
    for (const ring of ['ring-1', 'ring-2']) await solo.client.createNamespace(ring)
    const from = `from-${name}`
    await solo.client.createNamespace(from)
    const spoke = await spokeOn(name, solo.stage.plane)
    return { name, solo, spoke, identity: await identityOf(solo.client), from }
  }),
)
const [a, b, c] = members as [Member, Member, Member]
/** Every way from one cluster into another. */
const ways = members.flatMap((home) =>
  members.filter((peer) => peer !== home).map((peer) => ({ home: home.solo, peer: peer.spoke })),
)
for (const { home, peer } of ways) await enlist(home.client, peer)

/** Every controller has dealt with all that came before, in every cluster. */
async function settled(): Promise<void> {
  for (const { home, peer } of [...ways, ...ways]) await settledOn(home, peer)
}

async function marks(): Promise<readonly AuditMark[]> {
  return await Promise.all(members.map(({ solo }) => solo.mark()))
}

/** What any Heliograph changed of Secrets and ConfigMaps in any cluster, beacons and its own namespace left out. */
async function writesSince(since: readonly AuditMark[]): Promise<readonly string[]> {
  const written = await Promise.all(
    members.map(async ({ name, solo, spoke }, index) => [
      ...(await solo.changes(since[index])).map((each) => `${name} itself: ${each}`),
      ...(await changesOn(spoke, since[index])).map((each) => `${name} from outside: ${each}`),
    ]),
  )
  return written.flat()
}

async function hasConverged(what: string): Promise<void> {
  await settled()
  const since = await marks()
  await settled()
  assert.deepEqual(await writesSince(since), [], what)
}

/** Namespaces in which this origin's name stands in a cluster. */
async function placesIn({ solo }: Member, origin: KubeObject): Promise<readonly string[]> {
  return await namespacesOf(solo.client, refOf(origin))
}

test('an origin is mirrored once into each namespace of each cluster, by its own home, and nobody passes it on', async () => {
  const origins: KubeObject[] = []
  for (const { solo, from, name } of members)
    origins.push(await solo.client.create(secretOffer(from, `of-${name}`, EVERYWHERE, { made: name })))
  for (const [index, origin] of origins.entries())
    for (const { solo } of members)
      for (const ring of ['ring-1', 'ring-2']) {
        const mirror = await awaitPresent(solo.client, mirrorIn(ring, origin))
        assert(isMirrorOf({ ...mirror, kind: 'Secret' }, refOf(origin)))
        const abroad = members[index]?.solo === solo ? undefined : members[index]?.identity
        assert.equal(marksOn(mirror)['origin-cluster'], abroad)
      }
  await hasConverged('each its own')
})

test('into the namespace of the own name, A → B → A and A → B → C end where they began', async () => {
  for (const { solo } of members) await solo.client.createNamespace('echo')
  const origin = await a.solo.client.create(offer('echo', 'word', { targets: '*' }, { said: 'once' }))
  for (const { solo } of [b, c]) await awaitData(solo.client, refOf(origin), { said: 'once' })
  await hasConverged('an echo')
  const now = await a.solo.client.get(refOf(origin))
  assert.equal(now.metadata.resourceVersion, origin.metadata.resourceVersion)
})

test('a mirror that is made to offer itself, in any vocabulary, is no origin: its annotations are told and ignored', async () => {
  const origin = await a.solo.client.create(secretOffer(a.from, 'tempting', EVERYWHERE))
  const ref = mirrorIn('ring-1', origin)
  for (const { solo } of [b, c]) {
    await awaitPresent(solo.client, ref)
    await annotate(solo.client, ref, { ...EVERYWHERE, 'allow-pull': '*', 'reflect-as': 'stolen' })
    await solo.client.annotate(ref, {
      ...keysOf('sync.example.com/', { enabled: 'true', targets: '*' }),
      ...keysOf('kubed.appscode.com/', { sync: '', 'sync-contexts': 'a,b,c' }),
      ...keysOf('replicator.v1.mittwald.de/', { 'replicate-to': '*' }),
    })
    await awaitEvent(solo.client, ref, 'OffersIgnored')
  }
  await hasConverged('tempted')
  for (const member of members) {
    assert.deepEqual(await placesIn(member, { ...origin, metadata: { name: 'stolen' } }), [])
    const there = await placesIn(member, origin)
    assert.deepEqual(there, ['ring-1', 'ring-2'], member.name)
  }
})

test('a pull mirror of a mirror is not filled, and one of an origin is passed on to nobody', async () => {
  const origin = await a.solo.client.create(
    secretOffer(a.from, 'pulled', { ...EVERYWHERE, 'allow-pull': '*' }),
  )
  await awaitPresent(b.solo.client, mirrorIn('ring-1', origin))
  await b.solo.client.createNamespace('asking')
  const asking = await b.solo.client.create(
    secret('asking', 'from-a-mirror', {}, { annotations: ours({ 'reflect-from': 'ring-1/pulled' }) }),
  )
  await a.solo.client.createNamespace('asking')
  const filled = await a.solo.client.create(
    secret(
      'asking',
      'filled',
      {},
      { annotations: ours({ 'reflect-from': `${a.from}/pulled`, ...EVERYWHERE }) },
    ),
  )
  await awaitData(a.solo.client, refOf(filled), { a: '1' })
  await hasConverged('pulled')
  const now = await b.solo.client.get(refOf(asking))
  assert.equal(now.metadata.resourceVersion, asking.metadata.resourceVersion)
  for (const member of [b, c]) assert.deepEqual(await placesIn(member, filled), [])
})

test('two homes each with an origin of the same place, forwarded at each other: both keep their own', async () => {
  for (const { solo } of members) await solo.client.createNamespace('twin')
  const face: Ref = { kind: 'ConfigMap', namespace: 'twin', name: 'face' }
  for (const { solo, name } of [a, b])
    await solo.client.create(configMap(face.namespace ?? '', face.name, { of: name }))
  for (const { solo } of [a, b]) await annotate(solo.client, face, { targets: '*' })
  await awaitPresent(c.solo.client, face)
  await hasConverged('twins')
  for (const { solo, name } of [a, b])
    assert.deepEqual((await solo.client.get(face)).data, { of: name }, 'an origin is never written to')
})

test('two vocabularies that send everything everywhere meet no loop either', async () => {
  for (const { solo } of members) await solo.client.createNamespace('contexts')
  const origin = await b.solo.client.create(
    kubedOrigin(secret('contexts', 'kubed', { a: '1' }), { sync: '', 'sync-contexts': 'a,b,c' }),
  )
  for (const { solo } of [a, c]) await awaitPresent(solo.client, mirrorIn('contexts', origin))
  await awaitPresent(b.solo.client, mirrorIn('ring-1', origin))
  await hasConverged('kubed')
  for (const member of [a, c])
    assert.deepEqual(await namespacesOf(member.solo.client, { kind: 'Secret', name: 'kubed' }), ['contexts'])
})

test('one rotation costs one patch for each mirror, and its end one deletion', async () => {
  const origin = await c.solo.client.create(secretOffer(c.from, 'costly', EVERYWHERE, { turn: '1' }))
  for (const { solo } of members)
    for (const ring of ['ring-1', 'ring-2']) await awaitPresent(solo.client, mirrorIn(ring, origin))
  await settled()
  const since = await marks()
  await write(c.solo.client, refOf(origin), { turn: '2' })
  await settled()
  const patches = await writesSince(since)
  assert.equal(patches.length, 6, patches.join('\n'))
  assert(patches.every((each) => each.includes(': patch secrets ring-')))
  const then = await marks()
  await c.solo.client.remove(refOf(origin))
  await settled()
  const removals = await writesSince(then)
  assert.equal(removals.length, 6, removals.join('\n'))
  assert(removals.every((each) => each.includes(': delete secrets ring-')))
})

test('all three restarted at once, nobody writes', async () => {
  const since = await marks()
  await Promise.all(members.map(({ solo }) => solo.restart()))
  await settled()
  assert.deepEqual(await writesSince(since), [])
})
