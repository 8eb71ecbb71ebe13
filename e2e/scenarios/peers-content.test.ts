/** What a mirror on a peer holds and is called: the same words as at home, in every vocabulary that names other clusters. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { makeAuthority } from '../control-plane/certificates.ts'
import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { kubedOrigin, reference } from '../lib/kubed.ts'
import { KUBED, keysOf } from '../lib/leftovers.ts'
import { isMirrorOf, marksOn, ours } from '../lib/marks.ts'
import { configMap, plain, refOf, secret } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, namespacesOf, offer, secretOffer, write } from '../lib/offers.ts'
import { enlist, openSpoke, settledOn } from '../lib/peers.ts'
import { startSolo } from '../lib/solo.ts'

const SYNC = 'sync.example.com/'
const [home, east, west] = await Promise.all([startSolo(), openSpoke('prod-east'), openSpoke('prod-west')])
const { client, stage } = home
const entries = await Promise.all([enlist(client, east), enlist(client, west)])

test('`reflect-as` names the mirror, with the origin’s name and namespace in it, and a new name moves it', async () => {
  const from = await stage.namespace('as')
  const there = await east.namespace('as')
  const reach = { targets: east.name, 'target-namespaces': 'as-*' }
  const origin = await client.create(
    secretOffer(from, 'db', { ...reach, 'reflect-as': '{namespace}.{name}' }),
  )
  const first = mirrorIn(there, origin, `${from}.db`)
  assert(isMirrorOf({ ...(await awaitPresent(east.client, first)), kind: 'Secret' }, refOf(origin)))
  await annotate(client, refOf(origin), { 'reflect-as': 'shared-{name}' })
  await awaitPresent(east.client, mirrorIn(there, origin, 'shared-db'))
  await awaitAbsent(east.client, first)
})

test('`reflect-as` lets an origin have a mirror under another name on the peer in the namespace of its own name', async () => {
  const from = await stage.namespace('as-own')
  await east.client.createNamespace(from)
  const origin = await client.create(
    offer(from, 'settings', { targets: east.name, 'reflect-as': '{name}-of-home' }),
  )
  await awaitPresent(east.client, mirrorIn(from, origin, 'settings-of-home'))
})

test('`keys` selects and renames, `type` and `immutable` hold for the mirror, and a change replaces it', async () => {
  const from = await stage.namespace('keys')
  const there = await east.namespace('keys')
  const origin = await client.create(
    secretOffer(
      from,
      'pair',
      {
        targets: east.name,
        'target-namespaces': 'keys-*',
        keys: 'tls.crt, ca.crt=ca.pem, !tls.key',
        type: 'example.com/bundle',
        immutable: 'true',
      },
      { 'tls.crt': 'certificate', 'tls.key': 'key', 'ca.crt': 'authority' },
    ),
  )
  const ref = mirrorIn(there, origin)
  const first = await awaitData(east.client, ref, { 'tls.crt': 'certificate', 'ca.pem': 'authority' })
  assert.deepEqual([first.type, first.immutable], ['example.com/bundle', true])
  await write(client, refOf(origin), { 'ca.crt': 'next' })
  const second = await awaitData(east.client, ref, { 'tls.crt': 'certificate', 'ca.pem': 'next' })
  assert.notEqual(second.metadata.uid, first.metadata.uid)
  assert.equal(second.immutable, true)
})

test('`carry`, `labels` and `annotations` come along, what makes other software trust an object does not', async () => {
  const from = await stage.namespace('carry')
  const there = await east.namespace('carry')
  const offered = offer(from, 'settings', {
    targets: east.name,
    'target-namespaces': 'carry-*',
    carry: '*',
    labels: '{"tier":"edge"}',
    annotations: '{"example.com/contact":"platform"}',
  })
  const labels = { team: 'a', 'app.kubernetes.io/instance': 'x', 'argocd.argoproj.io/secret-type': 'cluster' }
  const origin = await client.create({ ...offered, metadata: { ...offered.metadata, labels } })
  const mirror = await awaitPresent(east.client, mirrorIn(there, origin))
  const { 'heliograph.dev/mirror': _, ...carried } = mirror.metadata.labels ?? {}
  assert.deepEqual(carried, { team: 'a', tier: 'edge' })
  assert.equal(mirror.metadata.annotations?.['example.com/contact'], 'platform')
  await client.patch(refOf(origin), { metadata: { labels: { team: null } } })
  await awaitPresent(
    east.client,
    mirrorIn(there, origin),
    (each) => each.metadata.labels?.['team'] === undefined,
  )
})

test('a type that is never mirrored is given to no mirror on a peer', async () => {
  const from = await stage.namespace('never')
  await east.namespace('never')
  const reach = { targets: east.name, 'target-namespaces': 'never-*' }
  const given = await client.create(
    secretOffer(from, 'given', { ...reach, type: 'kubernetes.io/service-account-token' }),
  )
  await awaitEvent(client, refOf(given), 'OriginHeld')
  const release = await client.create({
    ...secretOffer(from, 'bootstrap', reach),
    type: 'bootstrap.kubernetes.io/token',
  })
  await awaitEvent(client, refOf(release), 'OriginTypeRefused')
  await settledOn(home, east)
  for (const origin of [given, release])
    assert.deepEqual(await namespacesOf(east.client, refOf(origin)), [], origin.metadata.name)
})

test('a version that fails `validate` reaches no peer, the last good one stays, and a good one follows', async () => {
  const from = await stage.namespace('valid')
  const there = await east.namespace('valid')
  const authority = makeAuthority('scenario')
  const pair = (): Readonly<Record<string, string>> => {
    const { certificatePem, keyPem } = authority.issue({ commonName: 'scenario' })
    return { 'tls.crt': certificatePem, 'tls.key': keyPem }
  }
  const good = pair()
  const origin = await client.create(
    secretOffer(from, 'cert', { targets: east.name, 'target-namespaces': 'valid-*', validate: 'tls' }, good),
  )
  const first = await awaitData(east.client, mirrorIn(there, origin), good)
  await write(client, refOf(origin), { 'tls.key': 'torn' })
  await awaitEvent(client, refOf(origin), 'ValidationFailed')
  await settledOn(home, east)
  assert.equal(
    (await east.client.get(mirrorIn(there, origin))).metadata.resourceVersion,
    first.metadata.resourceVersion,
  )
  const next = pair()
  await write(client, refOf(origin), next)
  await awaitData(east.client, mirrorIn(there, origin), next)
})

test('binary data of a ConfigMap arrives byte for byte', async () => {
  const from = await stage.namespace('bytes')
  const there = await east.namespace('bytes')
  const binary = Buffer.from([0, 255, 10, 128, 0]).toString('base64')
  const offered = offer(from, 'blob', { targets: east.name, 'target-namespaces': 'bytes-*' })
  const origin = await client.create({ ...offered, binaryData: { blob: binary } })
  const mirror = await awaitData(east.client, mirrorIn(there, origin), { a: '1' })
  assert.deepEqual(mirror.binaryData, { blob: binary })
})

test('`adopt` on an object of the peer lets the named origin of home take it over; adopted, it is retained', async () => {
  const from = await stage.namespace('adopt')
  const there = await east.namespace('adopt')
  const own = await east.client.create(
    secret(there, 'login', { old: 'data' }, { annotations: ours({ adopt: `${from}/login` }) }),
  )
  const origin = await client.create(
    secretOffer(from, 'login', { targets: east.name, 'target-namespaces': 'adopt-*' }),
  )
  const taken = await awaitData(east.client, mirrorIn(there, origin), { a: '1' })
  assert.equal(taken.metadata.uid, own.metadata.uid)
  assert.equal(marksOn(taken)['adopted'], 'true')
  await client.remove(refOf(origin))
  const left = await awaitPresent(
    east.client,
    mirrorIn(there, origin),
    (each) => marksOn(each)['mirror'] === undefined,
  )
  assert.equal(left.metadata.uid, own.metadata.uid)
})

test('nothing on a peer is filled by pulling: `reflect-from` there asks its own cluster’s Heliograph, not this one', async () => {
  const from = await stage.namespace('pull')
  const there = await east.namespace('pull')
  await client.create(secretOffer(from, 'offered', { 'allow-pull': '*' }))
  const asking = await east.client.create(
    secret(there, 'asking', { mine: '1' }, { annotations: ours({ 'reflect-from': `${from}/offered` }) }),
  )
  await settledOn(home, east)
  const now = await east.client.get(refOf(asking))
  assert.equal(now.metadata.resourceVersion, asking.metadata.resourceVersion)
})

test('kubed’s `sync-contexts` forwards to the peers of these names, into the namespace of the own name, with its marks', async () => {
  const from = await stage.namespace('contexts')
  for (const spoke of [east, west]) await spoke.client.createNamespace(from)
  const origin = await client.create(
    kubedOrigin(secret(from, 'registry', { token: 'one' }), { 'sync-contexts': `${east.name}, elsewhere` }),
  )
  const mirror = await awaitData(east.client, mirrorIn(from, origin), { token: 'one' })
  assert(isMirrorOf({ ...mirror, kind: 'Secret' }, refOf(origin)))
  const { labels = {}, annotations = {} } = mirror.metadata
  assert.deepEqual([labels['team'], annotations['note']], ['platform', 'kept'])
  assert.equal(labels[`${KUBED}origin.name`], 'registry')
  assert.equal((reference(annotations) as { readonly uid: string }).uid, origin.metadata.uid)
  assert.equal(annotations[`${KUBED}sync-contexts`], undefined, 'a mirror offers nothing')
  await settledOn(home, west)
  assert.equal(await west.client.find(mirrorIn(from, origin)), null)
  await client.annotate(refOf(origin), { [`${KUBED}sync-contexts`]: west.name })
  await awaitPresent(west.client, mirrorIn(from, origin))
  await awaitAbsent(east.client, mirrorIn(from, origin))
})

test('kubed’s `sync` and `sync-contexts` together serve home’s namespaces and the peer', async () => {
  const from = await stage.namespace('sync-both')
  const local = await stage.namespace('sync-local', { labels: { both: 'here' } })
  await east.client.createNamespace(from)
  const origin = await client.create(
    kubedOrigin(configMap(from, 'both', { a: '1' }), { sync: 'both=here', 'sync-contexts': east.name }),
  )
  await awaitPresent(client, mirrorIn(local, origin))
  await awaitPresent(east.client, mirrorIn(from, origin))
})

test('`enabled` and `targets` of the hand-written controller forward by name and by glob into the namespace of the own name', async () => {
  const from = await stage.namespace('sync')
  for (const spoke of [east, west]) await spoke.client.createNamespace(from)
  const make = (name: string, targets: string, enabled = 'true') =>
    secret(from, name, { a: '1' }, { annotations: keysOf(SYNC, { enabled, targets }) })
  const named = await client.create(make('named', `${west.name}, staging`))
  const globbed = await client.create(make('globbed', 'prod-*, !prod-west'))
  const off = await client.create(make('off', '*', 'false'))
  await awaitPresent(west.client, mirrorIn(from, named))
  await awaitPresent(east.client, mirrorIn(from, globbed))
  await settledOn(home, east)
  await settledOn(home, west)
  assert.equal(await east.client.find(mirrorIn(from, named)), null)
  assert.equal(await west.client.find(mirrorIn(from, globbed)), null)
  for (const spoke of [east, west]) assert.equal(await spoke.client.find(mirrorIn(from, off)), null)
  assert.deepEqual(await eventsAbout(client, refOf(named)), [])
  await client.patch(refOf(globbed), { data: { a: Buffer.from('2').toString('base64') } })
  await awaitData(east.client, mirrorIn(from, globbed), { a: '2' })
  await client.annotate(refOf(globbed), { [`${SYNC}enabled`]: 'false' })
  await awaitAbsent(east.client, mirrorIn(from, globbed))
  await client.remove(refOf(named))
  await awaitAbsent(west.client, mirrorIn(from, named))
  assert.deepEqual(plain(await client.get(refOf(off))), { a: '1' })
})

test('whoever names no peer that takes his origin is told so, in the same words for a name that is misspelt and for a peer that leaves it out', async () => {
  const from = await stage.namespace('unmatched')
  const tellsNothing = await client.create(offer(from, 'fine', { targets: 'prod-*' }))
  const misspelt = await client.create(offer(from, 'misspelt', { targets: 'prd-*' }))
  const { type, message } = await awaitEvent(client, refOf(misspelt), 'TargetsUnmatched')
  assert.equal(type, 'Warning')
  assert.match(message, /^Annotation heliograph\.dev\/targets names no peer that takes this origin\. It is/)
  assert.doesNotMatch(message, /east|west/)
  const leftOut = await client.create(offer(from, 'left-out', { targets: east.name }))
  await settledOn(home, east)
  assert.deepEqual(await eventsAbout(client, refOf(leftOut)), [])
  await annotate(client, entries[0], { 'peer-origins': `!${from}/left-out, *` })
  const told = await awaitEvent(client, refOf(leftOut), 'TargetsUnmatched')
  assert.equal(told.message, message)
  await annotate(client, entries[0], { 'peer-origins': '*' })
  await annotate(client, refOf(misspelt), { targets: east.name })
  await settledOn(home, east)
  assert.deepEqual(await eventsAbout(client, refOf(tellsNothing)), [])
})
