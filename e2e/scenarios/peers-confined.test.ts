/** A peer that grants single namespaces by Roles: it works there, nothing is asked beyond them, and what is missing is told exactly. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { AuditMark } from '../control-plane/audit.ts'
import { awaitAbsent, awaitPresent, eventually } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { configMap, refOf } from '../lib/objects.ts'
import type { Ref } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, offer, secretOffer, write } from '../lib/offers.ts'
import { awaitPeer, changesOn, enlist, grantAccount, identityOf, openSpoke } from '../lib/peers.ts'
import type { Spoke } from '../lib/peers.ts'
import { startSolo } from '../lib/solo.ts'

const GRANTED = ['team-a', 'team-b', 'team-c'] as const
const ROLE = 'spoke'

const [home, spoke] = await Promise.all([
  startSolo(),
  openSpoke('spoke', { use: { namespaces: GRANTED.slice(0, 0) } }),
])
const { client, stage } = home
for (const name of [...GRANTED, 'team-d']) await spoke.client.createNamespace(name)
await grantAccount(spoke.client, { namespaces: GRANTED })
const identity = await identityOf(spoke.client)
const peer = await enlist(client, spoke, { annotations: terms(GRANTED) })
await awaitPeer(home.controller, 'spoke')

function terms(namespaces: readonly string[]): Readonly<Record<string, string>> {
  return { 'peer-origins': '*', 'peer-namespaces': namespaces.join(', '), 'peer-identity': identity }
}

/** What home’s account asked of the peer, but for what everybody may ask. */
async function askedBeyond(
  from: Pick<Spoke, 'plane' | 'user'>,
  mark?: AuditMark,
): Promise<readonly string[]> {
  const entries = await from.plane.own.audit.since(mark)
  return entries
    .filter(({ user, namespace, resource }) => {
      if (user !== from.user || resource === 'selfsubjectaccessreviews') return false
      return !GRANTED.some((each) => each === namespace)
    })
    .map(({ verb, uri, code }) => `${verb} ${uri} ${code}`)
}

test('the whole life of mirrors passes with Roles in three namespaces, and nothing is asked outside them nor at cluster scope', async () => {
  const from = await stage.namespace('life')
  const reach = { targets: 'spoke', 'target-namespaces': 'team-*' }
  const origins = [secretOffer(from, 'cert', reach), offer(from, 'roots', reach)]
  for (const origin of origins) {
    await client.create(origin)
    for (const namespace of GRANTED) await awaitData(spoke.client, mirrorIn(namespace, origin), { a: '1' })
    await write(client, refOf(origin), { a: '2' })
    for (const namespace of GRANTED) await awaitData(spoke.client, mirrorIn(namespace, origin), { a: '2' })
    await write(spoke.client, mirrorIn('team-a', origin), { a: 'mallory' })
    await awaitData(spoke.client, mirrorIn('team-a', origin), { a: '2' })
    const before = await spoke.client.get(mirrorIn('team-b', origin))
    await spoke.client.remove(refOf({ ...before, kind: refOf(origin).kind }))
    await awaitPresent(
      spoke.client,
      mirrorIn('team-b', origin),
      ({ metadata }) => metadata.uid !== before.metadata.uid,
    )
    await annotate(client, refOf(origin), { 'target-namespaces': 'team-*, !team-c' })
    await awaitAbsent(spoke.client, mirrorIn('team-c', origin))
  }
  await home.restart()
  await awaitPeer(home.controller, 'spoke')
  for (const origin of origins) {
    await client.remove(refOf(origin))
    for (const namespace of GRANTED) await awaitAbsent(spoke.client, mirrorIn(namespace, origin))
    assert.equal(await spoke.client.find(mirrorIn('team-d', origin)), null)
  }
  assert.deepEqual(await askedBeyond(spoke), [])
  const entries = await spoke.plane.own.audit.since()
  const denied = entries.filter(({ user, code }) => user === spoke.user && (code === 401 || code === 403))
  assert.deepEqual(
    denied.map(({ uri }) => uri),
    [],
    'and nothing that is not granted',
  )
})

test('a namespace that the credential may not use is told with the rights that are missing, and the other two are served', async () => {
  const from = await stage.namespace('closed')
  await spoke.client.remove(binding('team-c'))
  await home.restart()
  const told = await awaitEvent(client, peer, 'PeerRightsMissing')
  assert.equal(told.type, 'Warning')
  const named = /may not: (.*)\. Grant/.exec(told.message)?.[1] ?? told.message
  assert.match(named, /create secrets in team-c/)
  assert.doesNotMatch(named, /team-[abd]/)
  const missing = async (): Promise<number> =>
    (await home.controller.metrics()).sum('heliograph_peer_rights_missing', { peer: 'spoke' })
  // Six verbs of two kinds, and two of Events.
  assert.equal(await missing(), 14)
  const origin = await client.create(
    secretOffer(from, 'cert', { targets: 'spoke', 'target-namespaces': 'team-*' }),
  )
  for (const namespace of ['team-a', 'team-b'])
    await awaitData(spoke.client, mirrorIn(namespace, origin), { a: '1' })
  await write(client, refOf(origin), { a: '2' })
  for (const namespace of ['team-a', 'team-b'])
    await awaitData(spoke.client, mirrorIn(namespace, origin), { a: '2' })
  assert.equal(await spoke.client.find(mirrorIn('team-c', origin)), null)
  await grantAccount(spoke.client, { namespaces: GRANTED })
  await awaitData(spoke.client, mirrorIn('team-c', origin), { a: '2' })
  await client.remove(refOf(origin))
  for (const namespace of GRANTED) await awaitAbsent(spoke.client, mirrorIn(namespace, origin))
})

test('one single right that is missing is named and no other', async () => {
  const rules = (await spoke.client.get(role('team-b')))['rules'] as readonly Rule[]
  await spoke.client.patch(role('team-b'), {
    rules: rules.map((rule) =>
      rule.resources.includes('configmaps') && !rule.resources.includes('secrets')
        ? { ...rule, verbs: rule.verbs.filter((verb) => verb !== 'delete') }
        : rule,
    ),
  })
  await home.restart()
  const told = await awaitEvent(client, peer, 'PeerRightsMissing', ({ message }) =>
    message.includes('team-b'),
  )
  assert.match(told.message, /may not: delete configmaps in team-b\. /)
  await grantAccount(spoke.client, { namespaces: GRANTED })
})

test('a namespace that is added to the list receives what is meant for it, one that is taken off keeps its mirrors as they are', async () => {
  const from = await stage.namespace('list')
  await home.restart()
  await awaitPeer(home.controller, 'spoke')
  const origin = await client.create(
    secretOffer(from, 'cert', { targets: 'spoke', 'target-namespaces': 'team-*' }),
  )
  for (const namespace of GRANTED) await awaitData(spoke.client, mirrorIn(namespace, origin), { a: '1' })
  const kept = await spoke.client.get(mirrorIn('team-a', origin))
  await grantAccount(spoke.client, { namespaces: [...GRANTED, 'team-d'] })
  await annotate(client, peer, terms([...GRANTED, 'team-d']))
  await awaitData(spoke.client, mirrorIn('team-d', origin), { a: '1' })
  assert.equal(
    (await spoke.client.get(mirrorIn('team-a', origin))).metadata.resourceVersion,
    kept.metadata.resourceVersion,
  )
  await annotate(client, peer, terms(['team-a', 'team-d']))
  await write(client, refOf(origin), { a: '2' })
  for (const namespace of ['team-a', 'team-d'])
    await awaitData(spoke.client, mirrorIn(namespace, origin), { a: '2' })
  // Nothing is asked there any more, not even to delete: what stands stays as it was.
  await awaitData(spoke.client, mirrorIn('team-b', origin), { a: '1' })
})

test('an origin that selects namespaces of such a peer by labels is held and says so, and others go on', async () => {
  const from = await stage.namespace('labels')
  const bySelector = { targets: 'spoke', 'target-namespaces-selector': 'team=a' }
  const held = await client.create(offer(from, 'held', bySelector))
  const told = await awaitEvent(client, refOf(held), 'OriginHeld')
  assert.match(told.message, /target-namespaces-selector/)
  assert.match(told.message, /single namespaces only/)
  const mark = await spoke.plane.own.audit.mark()
  const free = await client.create(offer(from, 'free', { targets: 'spoke', 'target-namespaces': 'team-a' }))
  await awaitData(spoke.client, mirrorIn('team-a', free), { a: '1' })
  assert.deepEqual(await changesOn(spoke, mark), [`create configmaps team-a/free 201`])
})

test('an object of a tenant in a listed namespace is never touched, and its owner is told there', async () => {
  const from = await stage.namespace('tenant')
  const own = await spoke.client.create(configMap('team-a', 'taken', { mine: 'yes' }))
  await client.create(offer(from, 'taken', { targets: 'spoke', 'target-namespaces': 'team-a' }))
  await eventually(
    async () => {
      const events = await spoke.client.list('Event', 'team-a')
      return events.some((event) => JSON.stringify(event).includes('taken')) ? true : null
    },
    { what: 'its owner is told' },
  )
  assert.equal((await spoke.client.get(refOf(own))).metadata.resourceVersion, own.metadata.resourceVersion)
})

test('without the annotation peer-identity such a peer is refused, told how to get it, and asked nothing', async () => {
  const mark = await spoke.plane.own.audit.mark()
  const annotations = { 'peer-namespaces': 'team-a' }
  const nameless = await enlist(client, spoke, { name: 'nameless', annotations })
  const told = await awaitEvent(client, nameless, 'PeerRefused')
  assert.match(told.message, /peer-namespaces needs peer-identity, which heliograph peer add writes/)
  assert.deepEqual(await askedBeyond(spoke, mark), [])
  await client.remove(nameless)
})

interface Rule {
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

function role(namespace: string): Ref {
  return { kind: 'Role', namespace, name: ROLE }
}

function binding(namespace: string): Ref {
  return { kind: 'RoleBinding', namespace, name: ROLE }
}
