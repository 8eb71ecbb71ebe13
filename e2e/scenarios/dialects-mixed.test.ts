/** Several vocabularies on one object, and old tools’ marks where they do not belong: which one counts is certain, and the rest is told. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { idle } from '../lib/idle.ts'
import {
  kubedMarks,
  KUBED,
  keysOf,
  REFLECTOR,
  reflectorMarks,
  REPLICATOR,
  replicatorMarks,
} from '../lib/leftovers.ts'
import { at, isMirrorOf, marksOn, ours } from '../lib/marks.ts'
import { configMap, refOf, secret } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { awaitData, namespacesOf, textsOf, write } from '../lib/offers.ts'
import { openSolo } from '../lib/solo.ts'

const solo = await openSolo()
const { client, stage } = solo
await solo.start({ environment: { HELIOGRAPH_REPLICATOR_TAKE_OVER: '*/taken' } })

type Texts = Readonly<Record<string, string>>

/** In the order in which they are asked; each offers to one namespace, whose label has its name. */
const OFFERS: readonly (readonly [dialect: string, offer: (target: string) => Texts])[] = [
  ['heliograph', (target) => ours({ 'reflect-to': target })],
  [
    'reflector',
    (target) =>
      keysOf(REFLECTOR, {
        'reflection-allowed': 'true',
        'reflection-allowed-namespaces': target,
        'reflection-auto-enabled': 'true',
      }),
  ],
  ['replicator', (target) => keysOf(REPLICATOR, { 'replicate-to': target })],
  ['kubed', (target) => keysOf(KUBED, { sync: `kubernetes.io/metadata.name=${target}` })],
  ['sync', () => keysOf('sync.example.com/', { enabled: 'true', targets: 'production' })],
]

for (const [index, [first, offer]] of OFFERS.entries()) {
  for (const [second, other] of OFFERS.slice(index + 1)) {
    test(`of ${first} and ${second} on one object the first counts, and a Warning names the other`, async () => {
      const [home, one, two] = await stage.namespaces('pair-home', 'pair-first', 'pair-second')
      // Written in the other order: the object’s own order says nothing.
      const annotations = { ...other(two), ...offer(one) }
      const origin = await client.create(configMap(home, `${first}-${second}`, { a: '1' }, annotations))
      await awaitData(client, at(refOf(origin), one), { a: '1' })
      const told = await awaitEvent(client, refOf(origin), 'AnnotationIgnored')
      assert.equal(told.type, 'Warning')
      assert(told.message.includes(`the keys of ${second} `), told.message)
      assert(told.message.includes(first), told.message)
      await idle(solo)
      assert.deepEqual(await namespacesOf(client, refOf(origin)), [one])
      // With the first gone the other counts at once.
      const gone = Object.fromEntries(Object.keys(offer(one)).map((key) => [key, null]))
      await client.patch(refOf(origin), { metadata: { annotations: gone } })
      await awaitAbsent(client, at(refOf(origin), one))
      if (second !== 'sync') await awaitData(client, at(refOf(origin), two), { a: '1' })
    })
  }
}

test('an object that offers in one vocabulary and asks in a later one is an origin, and is not filled', async () => {
  const [home, target, other] = await stage.namespaces('offers-home', 'offers-target', 'offers-other')
  const allowed = keysOf(REPLICATOR, {
    'replication-allowed': 'true',
    'replication-allowed-namespaces': '.*',
  })
  await client.create(configMap(other, 'source', { a: 'other' }, allowed))
  const [, reflecting] = OFFERS[1] ?? ['', () => ({})]
  const origin = await client.create(
    configMap(
      home,
      'both',
      { a: 'own' },
      {
        ...reflecting(target),
        ...keysOf(REPLICATOR, { 'replicate-from': `${other}/source` }),
      },
    ),
  )
  await awaitData(client, at(refOf(origin), target), { a: 'own' })
  await awaitEvent(client, refOf(origin), 'AnnotationIgnored')
  await idle(solo)
  assert.equal((await client.get(refOf(origin))).metadata.resourceVersion, origin.metadata.resourceVersion)
})

test('an object that asks in one vocabulary and offers in a later one is filled, and is no origin', async () => {
  const [home, target, other] = await stage.namespaces('asks-home', 'asks-target', 'asks-other')
  const [, reflecting] = OFFERS[1] ?? ['', () => ({})]
  await client.create(configMap(other, 'source', { a: 'other' }, reflecting(home)))
  const asking = await client.create(
    configMap(
      home,
      'both',
      { a: 'own' },
      {
        ...keysOf(REFLECTOR, { reflects: `${other}/source` }),
        ...keysOf(KUBED, { sync: `kubernetes.io/metadata.name=${target}` }),
      },
    ),
  )
  await awaitData(client, refOf(asking), { a: 'other' })
  await awaitEvent(client, refOf(asking), 'OffersIgnored')
  await idle(solo)
  assert.equal(await client.find(at(refOf(asking), target)), null)
})

test('an origin that bears old marks of every tool works, and is neither changed nor deleted, restarts included', async () => {
  const [home, target, gone] = await stage.namespaces('marked-home', 'marked-target', 'marked-gone')
  const former = {
    kind: 'Secret',
    metadata: { namespace: gone, name: 'marked', uid: 'u', resourceVersion: '7' },
  }
  const { labels, annotations } = kubedMarks(former)
  const origin = await client.create(
    secret(
      home,
      'marked',
      { a: '1' },
      {
        labels,
        annotations: {
          ...annotations,
          ...reflectorMarks(former, 'True'),
          ...replicatorMarks({ ...former, data: { a: '' } }),
          ...ours({ 'reflect-to': target }),
        },
      },
    ),
  )
  await awaitData(client, at(refOf(origin), target), { a: '1' })
  await idle(solo)
  await solo.restart({ environment: { HELIOGRAPH_REPLICATOR_TAKE_OVER: '*/taken' } })
  await idle(solo)
  const now = await client.get(refOf(origin))
  assert.equal(now.metadata.resourceVersion, origin.metadata.resourceVersion)
  await write(client, refOf(origin), { a: '2' })
  await awaitData(client, at(refOf(origin), target), { a: '2' })
})

test('an origin whose old marks name another one is not overwritten by that one’s live claim', async () => {
  const [home, target, raider] = await stage.namespaces('claimed-home', 'claimed-target', 'claimed-raider')
  const evil = {
    kind: 'Secret',
    metadata: { namespace: raider, name: 'taken', uid: 'u', resourceVersion: '7' },
  }
  const origin = await client.create(
    secret(
      home,
      'taken',
      { a: 'own' },
      {
        annotations: { ...reflectorMarks(evil, 'True'), ...ours({ 'reflect-to': target }) },
      },
    ),
  )
  await awaitData(client, at(refOf(origin), target), { a: 'own' })
  const [, reflecting] = OFFERS[1] ?? ['', () => ({})]
  await client.create(secret(raider, 'taken', { a: 'evil' }, { annotations: reflecting(home) }))
  const second = await stage.namespace('claimed-replicator')
  await client.create(
    secret(second, 'taken', { a: 'evil' }, { annotations: keysOf(REPLICATOR, { 'replicate-to': home }) }),
  )
  await awaitEvent(client, { kind: 'Secret', namespace: raider, name: 'taken' }, 'TargetsBlocked')
  await idle(solo)
  assert.equal((await client.get(refOf(origin))).metadata.resourceVersion, origin.metadata.resourceVersion)
})

test('whoever asks in an old vocabulary cannot tell an absent, an unannotated, a held and a not-permitted origin apart', async () => {
  const [home, asker] = await stage.namespaces('alike-home', 'alike-asker')
  const reflecting = (list: string): Texts =>
    keysOf(REFLECTOR, { 'reflection-allowed': 'true', 'reflection-allowed-namespaces': list })
  const replicating = (list: string): Texts =>
    keysOf(REPLICATOR, { 'replication-allowed': 'true', 'replication-allowed-namespaces': list })
  const origins: Readonly<Record<string, Texts>> = {
    unannotated: {},
    'not-reflected': reflecting('nobody'),
    'not-replicated': replicating('nobody'),
    'badly-reflected': reflecting('('),
    'badly-replicated': replicating('('),
    'not-allowed': keysOf(REFLECTOR, { 'reflection-allowed': 'false' }),
    paused: { ...reflecting('.*'), ...ours({ paused: 'true' }) },
  }
  for (const [name, annotations] of Object.entries(origins))
    await client.create(configMap(home, name, { secret: 'x' }, annotations))
  const messages = new Set<string>()
  for (const key of [`${REFLECTOR}reflects`, `${REPLICATOR}replicate-from`]) {
    for (const [index, name] of ['absent', ...Object.keys(origins)].entries()) {
      const place = `${key.startsWith(REFLECTOR) ? 'reflects' : 'from'}-${index}`
      const asking = await client.create(configMap(asker, place, { own: 'x' }, { [key]: `${home}/${name}` }))
      const told = await awaitEvent(client, refOf(asking), 'PullUnavailable')
      messages.add(told.message.replaceAll(name, 'NAME'))
    }
  }
  assert.equal(messages.size, 1, [...messages].join('\n'))
  await idle(solo)
  for (const object of await client.list('ConfigMap', asker))
    if (object.metadata.name !== 'kube-root-ca.crt') assert.deepEqual(object.data, { own: 'x' })
})

test('old tools’ marks that are planted on our mirror change nothing about whose it is, and it goes with its origin', async () => {
  const [home, target, raider] = await stage.namespaces('planted-home', 'planted-target', 'planted-raider')
  const evil = {
    kind: 'Secret',
    metadata: { namespace: raider, name: 'planted', uid: 'u', resourceVersion: '7' },
  }
  const [, reflecting] = OFFERS[1] ?? ['', () => ({})]
  const [, syncing] = OFFERS[3] ?? ['', () => ({})]
  const origin = await client.create(
    secret(home, 'planted', { a: '1' }, { annotations: ours({ 'reflect-to': target }) }),
  )
  const mirror = at(refOf(origin), target)
  await awaitPresent(client, mirror)
  await client.create(
    secret(raider, 'planted', { a: 'evil' }, { annotations: { ...reflecting(target), ...syncing(target) } }),
  )
  const { labels, annotations } = kubedMarks(evil)
  await client.patch(mirror, {
    metadata: {
      labels,
      annotations: {
        ...annotations,
        ...reflectorMarks(evil, 'True'),
        ...replicatorMarks({ ...evil, data: { a: '' } }),
      },
    },
  })
  await idle(solo)
  assertMirror(await client.get(mirror), refOf(origin), { a: '1' })
  await write(client, refOf(origin), { a: '2' })
  assertMirror(await awaitData(client, mirror, { a: '2' }), refOf(origin), { a: '2' })
  await client.remove({ kind: 'Secret', namespace: raider, name: 'planted' })
  await idle(solo)
  assertMirror(await client.get(mirror), refOf(origin), { a: '2' })
  await client.remove(refOf(origin))
  await awaitAbsent(client, mirror)
})

test('replicated-keys that are cut short on a merged object keep no key of the origin’s from going with it', async () => {
  const [home, target] = await stage.namespaces('keys-home', 'keys-target')
  const object = await client.create(secret(target, 'taken', { own: 'x', more: 'y' }))
  const origin = await client.create(
    secret(
      home,
      'taken',
      { a: '1', b: '1' },
      { annotations: keysOf(REPLICATOR, { 'replicate-to': target }) },
    ),
  )
  const merged = await awaitData(client, refOf(object), { own: 'x', more: 'y', a: '1', b: '1' })
  assert.equal(marksOn(merged)['adopted'], 'true')
  for (const edited of ['a', '']) {
    await client.annotate(refOf(object), keysOf(REPLICATOR, { 'replicated-keys': edited }))
    const mended = await awaitPresent(
      client,
      refOf(object),
      ({ metadata }) => metadata.annotations?.[`${REPLICATOR}replicated-keys`] === 'a,b',
      { what: `its replicated-keys are put right after ${JSON.stringify(edited)}` },
    )
    assert.deepEqual(textsOf({ ...mended, kind: 'Secret' }), { own: 'x', more: 'y', a: '1', b: '1' }, edited)
  }
  await write(client, refOf(origin), { b: null })
  await awaitData(client, refOf(object), { own: 'x', more: 'y', a: '1' })
  await client.remove(refOf(origin))
  const free = await awaitData(client, refOf(object), { own: 'x', more: 'y' })
  assert.equal(free.metadata.uid, object.metadata.uid)
  assert.deepEqual(
    (await eventsAbout(client, refOf(object))).filter(({ reason }) => reason === 'MirrorUnowned'),
    [],
  )
})

function assertMirror(object: KubeObject, origin: Ref, data: Texts): void {
  assert(isMirrorOf(object, origin), JSON.stringify(object.metadata.annotations))
  assert.deepEqual(textsOf({ ...object, kind: origin.kind }), data)
}
