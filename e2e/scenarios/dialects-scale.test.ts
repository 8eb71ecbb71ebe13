/** What taking over many copies costs the API server, counted by its own audit log: each is read once and patched once, and others do not wait. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { tally } from '../control-plane/audit.ts'
import type { AuditEntry } from '../control-plane/audit.ts'
import { leaveCopies } from '../lib/adoption.ts'
import { awaitList } from '../lib/await.ts'
import { idle } from '../lib/idle.ts'
import { REFLECTOR } from '../lib/leftovers.ts'
import { at, ours, PREFIX } from '../lib/marks.ts'
import { refOf, secret } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { awaitData, write } from '../lib/offers.ts'
import { openSolo } from '../lib/solo.ts'

const ORIGINS = 25
const NAMESPACES = 20
const COPIES = ORIGINS * NAMESPACES
/** Far above what one pass takes without a bound, so that the pass is under way for some seconds. */
const RATE = { HELIOGRAPH_SWEEP_READS_PER_SECOND_MAX: '100' }

const solo = await openSolo()
const { client, stage } = solo
const { home, targets, origins } = await leaveCopies(client, { origins: ORIGINS, namespaces: NAMESPACES })
const left = await copies()

async function copies(): Promise<readonly KubeObject[]> {
  const all = await client.list('Secret')
  return all.filter(({ metadata }) => metadata.namespace?.startsWith('adoption-t'))
}

function isTaken({ metadata }: KubeObject): boolean {
  return metadata.labels?.[`${PREFIX}mirror`] !== undefined
}

/** Requests about the origins and the copies; lists and watches apart. */
function concerning(entries: readonly AuditEntry[]): readonly AuditEntry[] {
  return entries.filter(
    ({ resource, namespace, verb }) =>
      resource === 'secrets' && namespace.startsWith('adoption-') && verb !== 'list' && verb !== 'watch',
  )
}

test('a change of another origin is served while the pass over all copies is under way', async () => {
  await solo.start({ environment: RATE })
  const [other, target] = await stage.namespaces('other-home', 'other-target')
  const origin = await client.create(
    secret(other, 'other', { a: '1' }, { annotations: ours({ 'reflect-to': target }) }),
  )
  await awaitData(client, at(refOf(origin), target), { a: '1' })
  await write(client, refOf(origin), { a: '2' })
  await awaitData(client, at(refOf(origin), target), { a: '2' })
  const taken = (await copies()).filter(isTaken).length
  assert(taken < COPIES, 'the pass was over already')
})

test('a rotation of an origin whose copies wait for their turn is brought with that turn', async () => {
  const last = origins.at(-1)
  assert(last !== undefined)
  await write(client, refOf(last), { password: 'rotated' })
  for (const namespace of targets)
    await awaitData(client, at(refOf(last), namespace), { password: 'rotated' })
})

test('each copy is read once and gets one metadata patch; no data is written, nothing is made or deleted', async () => {
  await awaitList(client, '/api/v1/secrets?labelSelector=heliograph.dev/mirror', hasAll, {
    what: 'every copy is taken over',
  })
  await idle(solo)
  const asked = concerning(await solo.asked())
  const rotated = origins.at(-1)?.metadata.name ?? ''
  const steady = asked.filter(({ name }) => name !== rotated)
  const perCopy = tally(
    steady.filter(({ namespace }) => namespace !== home),
    'verb',
    'namespace',
    'name',
    'code',
  )
  assert.equal(Object.keys(perCopy).length, 2 * (COPIES - NAMESPACES))
  assert.deepEqual([...new Set(Object.values(perCopy))], [1])
  const verbs = tally(
    steady.filter(({ namespace }) => namespace !== home),
    'verb',
    'code',
  )
  assert.deepEqual(verbs, { 'get 200': COPIES - NAMESPACES, 'patch 200': COPIES - NAMESPACES })
  const ofOrigins = tally(
    steady.filter(({ namespace }) => namespace === home),
    'verb',
  )
  assert.deepEqual(ofOrigins, { get: ORIGINS - 1 }, 'each origin is read once for all its copies')
  assert.deepEqual(uidsOf(await copies()), uidsOf(left))
})

test('what was taken over bears both vocabularies’ marks, and no data that we own', async () => {
  for (const { metadata } of await copies()) {
    if (metadata.name === origins.at(-1)?.metadata.name) continue
    assert.equal(metadata.annotations?.[`${REFLECTOR}auto-reflects`], 'True')
    assert.equal(metadata.annotations?.[`${PREFIX}origin`], `${home}/${metadata.name}`)
    const fields = JSON.stringify(metadata['managedFields'])
    const entry = (JSON.parse(fields) as { manager: string; fieldsV1: Record<string, unknown> }[]).find(
      ({ manager }) => manager === 'heliograph',
    )
    assert(entry !== undefined)
    assert.deepEqual(Object.keys(entry.fieldsV1), ['f:metadata'])
  }
})

test('a second start writes nothing, and reads each copy once more, as fields that another tool wrote prove nothing', async () => {
  const versions = (await copies()).map(({ metadata }) => metadata.resourceVersion)
  const mark = await solo.mark()
  await solo.restart({ environment: RATE })
  await idle(solo)
  const asked = concerning(await solo.asked(mark))
  assert.deepEqual(tally(asked, 'verb', 'code'), { 'get 200': COPIES })
  assert.deepEqual([...new Set(Object.values(tally(asked, 'namespace', 'name')))], [1])
  assert.deepEqual(
    (await copies()).map(({ metadata }) => metadata.resourceVersion),
    versions,
  )
})

function hasAll(objects: readonly KubeObject[]): boolean {
  return objects.filter(({ metadata }) => metadata.namespace?.startsWith('adoption-t')).length === COPIES
}

function uidsOf(objects: readonly KubeObject[]): readonly string[] {
  return objects.map(({ metadata }) => `${metadata.namespace}/${metadata.name} ${metadata.uid}`).toSorted()
}
