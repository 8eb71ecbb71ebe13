/** Content that changes its shape: keys that move between data and binaryData, replacements that are refused, an identity that appears late. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitPresent, eventually } from '../lib/await.ts'
import type { Answer } from '../lib/client.ts'
import { installClusterProperty } from '../lib/cluster-property.ts'
import { awaitEvent } from '../lib/events.ts'
import { isMirrorOf, marksOn, ours } from '../lib/marks.ts'
import { plain, refOf, secret } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, offer, secretOffer, write } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'
import { watchVersions } from '../lib/witness.ts'

const solo = await startSolo()
const { client, stage } = solo

const BYTES = Buffer.from([0xff, 0x00, 0xfe]).toString('base64')
const SMALL = Buffer.from('text').toString('base64')

interface Content {
  readonly data?: Readonly<Record<string, string>>
  readonly binaryData?: Readonly<Record<string, string>>
}

/** Each step is a version of the origin; every mirror must hold exactly it, in one write. */
const STEPS: readonly Content[] = [
  { data: { key: 'text', other: 'stays' } },
  { data: { other: 'stays' }, binaryData: { key: BYTES } },
  { binaryData: { key: BYTES, other: SMALL } },
  { data: { key: 'text' }, binaryData: { other: BYTES } },
  { data: { key: 'text', other: 'stays' } },
  { data: {} },
  { binaryData: { key: SMALL } },
  { data: { key: '' }, binaryData: { other: '' } },
]

test('a key that moves between data and binaryData moves in the mirror, in one write and without a trace', async () => {
  const { origin, place } = await configMirrored('moving', STEPS[0] ?? {})
  await using witness = await watchVersions(client, place)
  for (const step of STEPS.slice(1)) {
    await rewrite(refOf(origin), step)
    await awaitPresent(client, place, (each) => same(each, step), { what: `holds ${JSON.stringify(step)}` })
  }
  const versions = (await witness.versions()).map((each) => contentOf(each ?? { metadata: { name: '' } }))
  assert.deepEqual(versions, STEPS.map(contentOf))
})

test('a key that somebody moves within the mirror is put back', async () => {
  const { place } = await configMirrored('hand', { data: { key: 'text' }, binaryData: { other: BYTES } })
  await client.patch(place, { data: { key: null }, binaryData: { key: SMALL } })
  await awaitPresent(client, place, (each) =>
    same(each, { data: { key: 'text' }, binaryData: { other: BYTES } }),
  )
  await client.patch(place, { data: { other: 'text' }, binaryData: { other: null } })
  await awaitPresent(client, place, (each) =>
    same(each, { data: { key: 'text' }, binaryData: { other: BYTES } }),
  )
  await client.patch(place, { data: null, binaryData: null })
  await awaitPresent(client, place, (each) =>
    same(each, { data: { key: 'text' }, binaryData: { other: BYTES } }),
  )
})

test('a key that moved while the controller was stopped moves in the mirror after the start', async () => {
  const { origin, place } = await configMirrored('asleep', { data: { key: 'text' } })
  await solo.whileStopped(() => rewrite(refOf(origin), { binaryData: { key: SMALL } }))
  await awaitPresent(client, place, (each) => same(each, { binaryData: { key: SMALL } }))
})

test('keys that are chosen and renamed follow their source across data and binaryData', async () => {
  const [home, target] = await stage.namespaces('named-home', 'named-target')
  const annotations = { 'reflect-to': target, keys: 'key=renamed' }
  const origin = await client.create(offer(home, 'settings', annotations, { key: 'text', other: 'hidden' }))
  const place = mirrorIn(target, { ...origin, kind: 'ConfigMap' })
  await awaitPresent(client, place, (each) => same(each, { data: { renamed: 'text' } }))
  await rewrite(refOf(origin), { data: { other: 'hidden' }, binaryData: { key: BYTES } })
  await awaitPresent(client, place, (each) => same(each, { binaryData: { renamed: BYTES } }))
})

test('a replacement that a quota refuses leaves the old mirror in place and tells; with room again it goes through', async () => {
  const [home, target] = await stage.namespaces('quota-home', 'quota-target')
  const annotations = { 'reflect-to': target, type: 'example.com/a' }
  const origin = await client.create(secretOffer(home, 'pass', annotations, { a: '1' }))
  const place = mirrorIn(target, origin)
  const before = await awaitPresent(client, place)
  await fillQuota(target)
  await annotate(client, refOf(origin), { type: 'example.com/b' })
  await write(client, refOf(origin), { a: '2' })
  await awaitEvent(client, place, 'ReplacementRefused', ({ message }) => message.includes('quota'))
  await solo.settled()
  const after = await client.get(place)
  assert.equal(after.metadata.uid, before.metadata.uid)
  assert.equal(after.metadata.resourceVersion, before.metadata.resourceVersion)
  assert.equal(after.type, 'example.com/a')
  await liftQuota(target)
  await annotate(client, refOf(origin), { resync: '1' })
  const anew = await awaitData(client, place, { a: '2' })
  assert.equal(anew.type, 'example.com/b')
  assert.ok(isMirrorOf(anew, refOf(origin)))
})

test('an immutable mirror whose replacement a quota refuses keeps its data', async () => {
  const [home, target] = await stage.namespaces('frozen-home', 'frozen-target')
  const annotations = { 'reflect-to': target, immutable: 'true' }
  const origin = await client.create(secretOffer(home, 'pass', annotations, { a: '1' }))
  const place = mirrorIn(target, origin)
  const before = await awaitPresent(client, place)
  assert.equal(before.immutable, true)
  await fillQuota(target)
  await client.patch(refOf(origin), { stringData: { a: '2' } })
  await awaitEvent(client, place, 'ReplacementRefused')
  await solo.settled()
  const after = await client.get(place)
  assert.equal(after.metadata.resourceVersion, before.metadata.resourceVersion)
  assert.deepEqual(plain(after), { a: '1' })
})

test('a mirror that a quota does not let be made is told in its Namespace, and comes when its origin asks again with room', async () => {
  const [home, target] = await stage.namespaces('full-home', 'full-target')
  await fillQuota(target)
  const origin = await client.create(secretOffer(home, 'pass', { 'reflect-to': target }))
  await awaitEvent(client, { kind: 'Namespace', name: target }, 'MirrorRefused')
  await awaitEvent(client, refOf(origin), 'TargetsBlocked')
  await liftQuota(target)
  await annotate(client, refOf(origin), { resync: '1' })
  await awaitPresent(client, mirrorIn(target, origin))
})

test('a ClusterProperty that appears later changes no identity: nothing is rewritten, running or after a restart', async () => {
  const [home, target] = await stage.namespaces('property-home', 'property-target')
  const origins = await Promise.all([
    client.create(secretOffer(home, 'pass', { 'reflect-to': target })),
    client.create(offer(home, 'settings', { 'reflect-to': target })),
  ])
  const places = origins.map((origin) => mirrorIn(target, origin))
  const before = await Promise.all(places.map((each) => awaitPresent(client, each)))
  const key: Ref = { kind: 'Secret', namespace: stage.installation.namespace, name: 'heliograph-digest-key' }
  const kubeSystem = await client.get({ kind: 'Namespace', name: 'kube-system' })
  assert.equal(plain(await client.get(key))['identity'], kubeSystem.metadata.uid)
  const refs = [...places, key]
  const standing = await solo.snapshot(refs)
  await installClusterProperty(client, 'late.example.com')
  await solo.settled()
  await solo.restart()
  await solo.settled()
  assert.deepEqual(await solo.snapshot(refs), standing)
  await annotate(client, refOf(origins[0] ?? { metadata: { name: '' } }), { labels: '{"a":"b"}' })
  const [place, first] = [places[0], before[0]]
  assert.ok(place !== undefined && first !== undefined)
  const written = await awaitPresent(client, place, ({ metadata }) => metadata.labels?.['a'] === 'b')
  assert.equal(marksOn(written)['mirror'], marksOn(first)['mirror'], 'the label names another cluster')
})

async function configMirrored(
  word: string,
  content: Content,
): Promise<{ readonly origin: KubeObject; readonly place: Ref }> {
  const [home, target] = await stage.namespaces(`${word}-home`, `${word}-target`)
  const metadata = { namespace: home, name: 'settings', annotations: ours({ 'reflect-to': target }) }
  const origin = await client.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata, ...content })
  const place = mirrorIn(target, { ...origin, kind: 'ConfigMap' })
  await awaitPresent(client, place, (each) => same(each, content))
  return { origin, place }
}

/** Data and binaryData anew, all else as it is. */
async function rewrite(ref: Ref, { data, binaryData }: Content): Promise<void> {
  const { metadata } = await client.get(ref)
  await client.replace({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata,
    ...(data === undefined ? {} : { data }),
    ...(binaryData === undefined ? {} : { binaryData }),
  })
}

/** What is there, an absent map being an empty one. */
function contentOf({ data, binaryData }: Content | KubeObject): Required<Content> {
  return { data: sorted(data), binaryData: sorted(binaryData) }
}

function sorted(map: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function same(object: KubeObject, content: Content): boolean {
  return JSON.stringify(contentOf(object)) === JSON.stringify(contentOf(content))
}

/** A quota without room for any Secret more. */
async function fillQuota(namespace: string): Promise<void> {
  const spec = { hard: { 'count/secrets': '0' } }
  await client.create({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { namespace, name: 'full' },
    spec,
  })
  await awaitProbe(
    namespace,
    ({ status, body }) => status === 403 && /exceeded quota/.test(JSON.stringify(body)),
  )
}

async function liftQuota(namespace: string): Promise<void> {
  await client.remove({ kind: 'ResourceQuota', namespace, name: 'full' })
  await awaitProbe(namespace, ({ status }) => status === 201)
}

/** Admission has a cache of its own: until a dry run is answered so. */
async function awaitProbe(namespace: string, holds: (answer: Answer) => boolean): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/secrets?dryRun=All`
  const body = secret(namespace, 'probe', {})
  const probe = async (): Promise<true | null> =>
    holds(await client.request('POST', path, { body })) ? true : null
  await eventually(probe, { what: `the quota of ${namespace} has taken effect` })
}
