/** The annotations of the hand-written controller of many blog posts: read, checked, and without effect where there are no peers, which is told. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { keysOf } from '../lib/leftovers.ts'
import { at, ours } from '../lib/marks.ts'
import { refOf, secret } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { namespacesOf } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const SYNC = 'sync.example.com/'
const solo = await startSolo()
const { client, stage } = solo

function synced(namespace: string, name: string, keys: Readonly<Record<string, string>>): KubeObject {
  return secret(namespace, name, { a: '1' }, { annotations: keysOf(SYNC, keys) })
}

test('enabled with targets, names or globs, is understood and reaches no namespace of home', async () => {
  const home = await stage.namespace('sync-home')
  const origins = [
    await client.create(synced(home, 'names', { enabled: 'true', targets: 'production-west,staging' })),
    await client.create(synced(home, 'globs', { enabled: 'true', targets: 'prod-*, !prod-old' })),
    await client.create(synced(home, 'none', { enabled: 'true' })),
  ]
  await solo.settled()
  for (const origin of origins) {
    assert.deepEqual(await namespacesOf(client, refOf(origin)), [])
    const isTargeted = origin.metadata.name !== 'none'
    if (isTargeted) await awaitEvent(client, refOf(origin), 'TargetsUnmatched')
    const told = await eventsAbout(client, refOf(origin))
    assert.equal(told.length, isTargeted ? 1 : 0, origin.metadata.name)
    assert.equal((await client.get(refOf(origin))).metadata.resourceVersion, origin.metadata.resourceVersion)
  }
})

test('a glob that does not parse holds the origin and is told, until it is mended', async () => {
  const home = await stage.namespace('glob-home')
  for (const [index, targets] of ['quoted-[', 'prod-{1..9}', '+(quoted)'].entries()) {
    const origin = await client.create(synced(home, `bad-${index}`, { enabled: 'true', targets }))
    const told = await awaitEvent(client, refOf(origin), 'OriginHeld')
    assert(told.message.startsWith(`Annotation ${SYNC}targets: `), told.message)
    assert(!told.message.includes(targets), 'the value is not quoted')
  }
})

test('what is not exactly true or false is off and told; false is off in silence, bad targets and all', async () => {
  const home = await stage.namespace('off-home')
  const yes = await client.create(synced(home, 'yes', { enabled: 'yes', targets: '[' }))
  const off = await client.create(synced(home, 'off', { enabled: 'false', targets: '[' }))
  const told = await awaitEvent(client, refOf(yes), 'AnnotationIgnored')
  assert(told.message.startsWith(`Annotation ${SYNC}enabled: `), told.message)
  await solo.settled()
  assert.deepEqual(
    (await eventsAbout(client, refOf(yes))).map(({ reason }) => reason),
    ['AnnotationIgnored'],
  )
  assert.deepEqual(await eventsAbout(client, refOf(off)), [])
})

test('our own keys beside it say who may have a copy at home, and sync is passed over', async () => {
  const [home, target] = await stage.namespaces('both-home', 'both-target')
  const wanted = synced(home, 'both', { enabled: 'true', targets: 'production' })
  const annotations = { ...wanted.metadata.annotations, ...ours({ 'reflect-to': target }) }
  const origin = await client.create({ ...wanted, metadata: { ...wanted.metadata, annotations } })
  await awaitPresent(client, at(refOf(origin), target))
  const told = await awaitEvent(client, refOf(origin), 'AnnotationIgnored')
  assert(told.message.includes('sync'), told.message)
  await client.annotate(refOf(origin), ours({ 'reflect-to': null }))
  await awaitAbsent(client, at(refOf(origin), target))
})
