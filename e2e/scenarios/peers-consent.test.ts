/** Who may push into a peer: its Secret's `peer-origins`, its Namespaces' `accept` and `refuse`, and what is protected there. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { ours } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import { annotate, mirrorIn, namespacesOf, offer, secretOffer, write } from '../lib/offers.ts'
import { enlist, identityOf, openSpoke, settledOn } from '../lib/peers.ts'
import { SYSTEM } from '../lib/stage.ts'
import { startSolo } from '../lib/solo.ts'

const [home, east] = await Promise.all([startSolo(), openSpoke('east')])
const { client, stage } = home
const entry = await enlist(client, east)
const identity = await identityOf(client)

test('`accept` admits origins of another cluster only by its identity or by `*:`; a bare pattern means the peer’s own', async () => {
  const from = await stage.namespace('accept')
  const accepting = {
    named: `${identity}:${from}/*`,
    any: '*:accept-*/*',
    bare: `${from}/*, */*, *`,
    other: `another:${from}/*`,
    excluded: `*:*/*, !${from}/secret`,
    blank: '',
  }
  const namespaces = new Map<string, string>()
  for (const [word, accept] of Object.entries(accepting))
    namespaces.set(word, await east.namespace(`accept-${word}`, { annotations: ours({ accept }) }))
  const reach = { targets: 'east', 'target-namespaces': 'accept-*' }
  const open = await client.create(secretOffer(from, 'open', reach))
  const secret = await client.create(secretOffer(from, 'secret', reach))
  await settledOn(home, east)
  const within = (words: readonly string[]): readonly string[] =>
    words.map((word) => namespaces.get(word) ?? '').sort()
  assert.deepEqual(await namespacesOf(east.client, refOf(open)), within(['named', 'any', 'excluded']))
  assert.deepEqual(await namespacesOf(east.client, refOf(secret)), within(['named', 'any']))
})

test('`refuse` without a cluster covers every cluster and beats `accept`; lifted, the mirror comes', async () => {
  const from = await stage.namespace('refuse')
  const reach = { targets: 'east', 'target-namespaces': 'refuse-*' }
  const texts = [{ refuse: '*' }, { refuse: `${from}/*`, accept: '*:*/*' }, { refuse: `${identity}:*/*` }]
  const refusing: string[] = []
  for (const text of texts) refusing.push(await east.namespace('refuse-all', { annotations: ours(text) }))
  const open = await east.namespace('refuse-none', { annotations: ours({ refuse: 'another:*/*' }) })
  const origin = await client.create(offer(from, 'unwanted', reach))
  await awaitPresent(east.client, mirrorIn(open, origin))
  await settledOn(home, east)
  assert.deepEqual(await namespacesOf(east.client, refOf(origin)), [open])
  for (const name of refusing) {
    await east.client.annotate({ kind: 'Namespace', name }, ours({ refuse: null }))
    await awaitPresent(east.client, mirrorIn(name, origin))
  }
})

test('consent withdrawn on the peer removes the mirrors there, even of a paused and of a retaining origin', async () => {
  const from = await stage.namespace('withdraw')
  const there = await east.namespace('withdraw')
  const reach = { targets: 'east', 'target-namespaces': 'withdraw-*' }
  const paused = await client.create(secretOffer(from, 'paused', reach))
  const kept = await client.create(secretOffer(from, 'kept', { ...reach, 'on-delete': 'retain' }))
  for (const origin of [paused, kept]) await awaitPresent(east.client, mirrorIn(there, origin))
  await annotate(client, refOf(paused), { paused: 'true' })
  await settledOn(home, east)
  await east.client.annotate({ kind: 'Namespace', name: there }, ours({ accept: 'platform/*' }))
  for (const origin of [paused, kept]) await awaitAbsent(east.client, mirrorIn(there, origin))
})

test('a malformed `accept` on the peer admits nothing new, freezes what is there, and is told there', async () => {
  const from = await stage.namespace('frozen')
  const there = await east.namespace('frozen')
  const reach = { targets: 'east', 'target-namespaces': 'frozen-*' }
  const before = await client.create(secretOffer(from, 'before', reach))
  const mirror = await awaitPresent(east.client, mirrorIn(there, before))
  await east.client.annotate({ kind: 'Namespace', name: there }, ours({ accept: '*:[' }))
  await awaitEvent(east.client, { kind: 'Namespace', name: there }, 'ConsentMalformed')
  const after = await client.create(secretOffer(from, 'after', reach))
  await write(client, refOf(before), { a: '2' })
  await settledOn(home, east)
  const now = await east.client.get(mirrorIn(there, before))
  assert.equal(now.metadata.resourceVersion, mirror.metadata.resourceVersion)
  assert.equal(await east.client.find(mirrorIn(there, after)), null)
})

test('protected namespaces of the peer are never targets, however they are named', async () => {
  const from = await stage.namespace('protected')
  await east.client.createNamespace(SYSTEM)
  for (const name of ['kube-system', 'kube-public', SYSTEM])
    await east.client.annotate({ kind: 'Namespace', name }, ours({ accept: '*:*/*' }))
  const origins = [
    await client.create(
      offer(from, 'by-name', { targets: 'east', 'target-namespaces': `kube-system, ${SYSTEM}, default` }),
    ),
    await client.create(
      offer(from, 'by-glob', { targets: 'east', 'target-namespaces': 'kube-*, helio*, defaul?' }),
    ),
    await client.create(
      offer(from, 'by-label', {
        targets: 'east',
        'target-namespaces-selector': `kubernetes.io/metadata.name in (kube-public, ${SYSTEM}, default)`,
      }),
    ),
  ]
  for (const origin of origins) await awaitPresent(east.client, mirrorIn('default', origin))
  await settledOn(home, east)
  for (const origin of origins) assert.deepEqual(await namespacesOf(east.client, refOf(origin)), ['default'])
  for (const origin of origins) await client.remove(refOf(origin))
})

test('an origin of a protected namespace at home may be forwarded, but not into the like on the peer', async () => {
  const there = await east.namespace('from-system')
  const reach = { targets: 'east', 'target-namespaces': 'from-system-*' }
  const chosen = await client.create(offer('kube-public', 'chosen', reach))
  const alike = await client.create(offer('kube-public', 'alike', { targets: 'east' }))
  await awaitPresent(east.client, mirrorIn(there, chosen))
  await settledOn(home, east)
  assert.deepEqual(await namespacesOf(east.client, { ...refOf(alike), namespace: '' }), [])
})

test('`peer-origins` narrowed withdraws consent: those mirrors go, the others stay; widened, they come again', async () => {
  const [from, other] = [await stage.namespace('allowed'), await stage.namespace('disallowed')]
  const there = await east.namespace('narrowed')
  const reach = { targets: 'east', 'target-namespaces': 'narrowed-*' }
  const stays = await client.create(secretOffer(from, 'stays', reach))
  const goes = await client.create(secretOffer(other, 'goes', { ...reach, 'on-delete': 'retain' }))
  const kept = await awaitPresent(east.client, mirrorIn(there, stays))
  await awaitPresent(east.client, mirrorIn(there, goes))
  await annotate(client, entry, { 'peer-origins': `${from}/*, beacon-home/*` })
  await awaitAbsent(east.client, mirrorIn(there, goes))
  await settledOn(home, east)
  assert.equal(
    (await east.client.get(mirrorIn(there, stays))).metadata.resourceVersion,
    kept.metadata.resourceVersion,
  )
  await annotate(client, entry, { 'peer-origins': '*' })
  await awaitPresent(east.client, mirrorIn(there, goes))
})

test('without `peer-origins` any origin may forward, but only into the namespace of its own name', async () => {
  const from = await stage.namespace('unset')
  await east.client.createNamespace(from)
  const there = await east.namespace('unset')
  const own = await client.create(secretOffer(from, 'own', { targets: 'east' }))
  const wide = await client.create(secretOffer(from, 'wide', { targets: 'east', 'target-namespaces': '*' }))
  await awaitPresent(east.client, mirrorIn(there, wide))
  await annotate(client, entry, { 'peer-origins': null })
  await awaitAbsent(east.client, mirrorIn(there, wide))
  await awaitPresent(east.client, mirrorIn(from, own))
  await awaitPresent(east.client, mirrorIn(from, wide))
  await annotate(client, entry, { 'peer-origins': '*' })
  await awaitPresent(east.client, mirrorIn(there, wide))
})

test('under `consent: required` only a namespace that accepts this cluster receives anything, at home and there', async () => {
  const from = await stage.namespace('required')
  const [silent, bare, named] = [
    await east.namespace('required-silent'),
    await east.namespace('required-bare', { annotations: ours({ accept: '*/*' }) }),
    await east.namespace('required-named', { annotations: ours({ accept: `${identity}:*/*` }) }),
  ]
  const origin = await client.create(
    offer(from, 'careful', { targets: 'east', 'target-namespaces': 'required-*' }),
  )
  for (const namespace of [silent, named]) await awaitPresent(east.client, mirrorIn(namespace, origin))
  await home.restart({ environment: { HELIOGRAPH_CONSENT: 'required' } })
  await awaitAbsent(east.client, mirrorIn(silent, origin))
  await settledOn(home, east)
  assert.deepEqual(await namespacesOf(east.client, refOf(origin)), [named])
  assert.equal(await east.client.find(mirrorIn(bare, origin)), null)
})
