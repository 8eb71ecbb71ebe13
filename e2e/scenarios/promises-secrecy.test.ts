/** Promise 7: no value of a Secret, and nothing to test a guess against, in logs, metrics, Events, errors, requests' paths or metadata. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, test } from 'node:test'

import { awaitPresent } from '../lib/await.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { findMarkers } from '../lib/markers.ts'
import { at, marksOn, ours } from '../lib/marks.ts'
import { refOf, secret } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, secretOffer, write } from '../lib/offers.ts'
import type { Texts } from '../lib/offers.ts'
import { startProxy } from '../lib/proxy.ts'
import { openSolo } from '../lib/solo.ts'
import { SYSTEM } from '../lib/stage.ts'

const solo = await openSolo()
const { client, stage } = solo
const proxy = await startProxy(stage.plane)
after(() => proxy.close())
const LOUD = { through: proxy, environment: { HELIOGRAPH_LOG_LEVEL: 'debug' } }
await solo.start(LOUD)

const planted: string[] = []
const [home, target, other] = await stage.namespaces('home', 'target', 'other')

/** A value nobody else has, remembered to be searched for. */
function marker(): string {
  const text = `hunter-${planted.length}-"\\ü\n-${crypto.randomUUID()}`
  planted.push(text)
  return text
}

test('the search finds a marker in each of its forms', () => {
  const sample = 'open sesame, says the marker'
  for (const text of [
    sample,
    Buffer.from(sample).toString('base64'),
    Buffer.from(sample).toString('hex'),
    `x${sample.slice(-14)}`,
  ])
    assert.notDeepEqual(findMarkers(`a line with ${text} in it`, [sample]), [])
  assert.deepEqual(findMarkers('a line without', [sample]), [])
})

test('nothing that is mirrored, refused, edited, contested, replaced, validated or released shows a value anywhere', async () => {
  await spread()
  await refuse()
  await contend()
  await solo.settled()
  await assertSecret()
})

test('answers of the API server that carry data do not reach any output', async () => {
  const origin = await offered('echoed', { 'reflect-to': target })
  await awaitPresent(client, at(origin, target))
  const leak = marker()
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    message: `unable to decode ${leak}`,
    reason: leak,
  }
  const details = {
    name: leak,
    kind: leak,
    causes: [{ reason: leak, message: leak, field: `data[${leak}]` }],
  }
  for (const code of [400, 403, 404, 409, 422, 429, 500]) {
    for (const method of ['GET', 'PATCH']) {
      const rule = proxy.on({ method, path: /echoed/, times: 2 }, (e) =>
        e.answer(code, { ...status, code, details }),
      )
      await write(client, origin, { password: marker() })
      await rule.reached()
      rule.remove()
    }
  }
  const bare = proxy.on({ method: 'PATCH', path: /echoed/, times: 1 }, (e) => e.answer(500, leak))
  await write(client, origin, { password: marker() })
  await bare.reached()
  const last = marker()
  await write(client, origin, { password: last })
  await solo.restart(LOUD)
  await awaitPresent(client, at(origin, target), (each) => each.data?.['password'] === encoded(last))
  await assertSecret()
})

test('values in annotations, which can be a Secret’s too by mistake, are never repeated', async () => {
  const keys = [
    'reflect-to',
    'reflect-to-selector',
    'reflect-as',
    'keys',
    'type',
    'labels',
    'annotations',
    'carry',
    'immutable',
    'on-delete',
    'validate',
    'paused',
    'allow-pull',
  ]
  for (const [index, key] of keys.entries()) {
    const origin = await offered(`typo-${index}`, { 'reflect-to': target, [key]: `{"${marker()}` })
    await awaitEvent(client, origin, 'OriginHeld')
  }
  const place: Ref = { kind: 'Namespace', name: other }
  await annotate(client, place, { accept: `{${marker()}` })
  await awaitEvent(client, place, 'ConsentMalformed')
  // What its owner wrote in an annotation is there for all to see until he takes it out.
  await annotate(client, place, { accept: null })
  for (const index of keys.keys())
    await client.remove({ kind: 'Secret', namespace: home, name: `typo-${index}` })
  await assertSecret()
})

test('a digest tells nothing: equal values give unlike digests, by origin and by key; and it is no plain hash', async () => {
  const value = marker()
  const origins = await Promise.all(
    ['same-1', 'same-2'].map((name) => offered(name, { 'reflect-to': target }, { password: value })),
  )
  const digests = await Promise.all(
    origins.map(async (origin) => marksOn(await awaitPresent(client, at(origin, target)))['digest'] ?? ''),
  )
  const parts = digests.map((digest) => digest.split('.'))
  assert.notEqual(parts[0]?.[2], parts[1]?.[2])
  assert.notEqual(parts[0]?.[3], parts[1]?.[3], 'of the key names too')
  const key = await client.get({ kind: 'Secret', namespace: SYSTEM, name: 'heliograph-digest-key' })
  const bytes = key.data?.['key'] ?? assert.fail()
  planted.push(bytes, Buffer.from(bytes, 'base64').toString('hex'))
  await client.remove(refOf(key))
  await solo.restart(LOUD)
  for (const [index, origin] of origins.entries())
    await awaitPresent(client, at(origin, target), (each) => marksOn(each)['digest'] !== digests[index], {
      what: 'is stamped by the new key',
    })
  await assertSecret()
})

test('key names are told at `debug` only', async () => {
  await solo.restart({ through: proxy })
  const from = solo.said().length
  const name = `key-${crypto.randomUUID()}`
  const origin = await offered('named', { 'reflect-to': target, validate: `keys=${name}x` }, { [name]: 'x' })
  await awaitEvent(client, origin, 'ValidationFailed')
  await annotate(client, origin, { validate: null })
  await awaitPresent(client, at(origin, target))
  await write(client, at(origin, target), { [name]: 'edited' })
  await awaitData(client, at(origin, target), { [name]: 'x' })
  await solo.settled()
  const text =
    solo.said().slice(from).join('\n') +
    (await solo.controller.metrics()).text +
    JSON.stringify(await client.list('Event'))
  assert.deepEqual(findMarkers(text, [name]), [])
})

function encoded(text: string): string {
  return Buffer.from(text).toString('base64')
}

async function offered(name: string, keys: Texts, data: Texts = { password: marker() }): Promise<Ref> {
  return refOf(await client.create(secretOffer(home, name, keys, data)))
}

/** Mirrors, rotations, repairs, a replacement, a pull, a restart. */
async function spread(): Promise<void> {
  const origin = await offered('spread', { 'reflect-to': target })
  const mirror = at(origin, target)
  await awaitPresent(client, mirror)
  await write(client, origin, { password: marker() })
  await write(client, mirror, { password: marker(), extra: marker() })
  await annotate(client, origin, { immutable: 'true' })
  await awaitPresent(client, mirror, ({ immutable }) => immutable === true)
  await annotate(client, origin, { type: 'example.com/other' })
  await awaitPresent(client, mirror, ({ type }) => type === 'example.com/other')
  const pulled = await offered('pulled', { 'allow-pull': target })
  await client.create(
    secret(
      target,
      'asks',
      { own: marker() },
      { annotations: ours({ 'reflect-from': `${home}/${pulled.name}` }) },
    ),
  )
  await awaitPresent(
    client,
    { kind: 'Secret', namespace: target, name: 'asks' },
    (each) => marksOn(each)['pulled-from'] !== undefined,
  )
  await solo.restart(LOUD)
}

/** Every refusal that has to do with data. */
async function refuse(): Promise<void> {
  for (const [index, validate] of [
    'tls',
    'dockerconfigjson',
    'json=password',
    'pem=password',
    'keys=absent',
  ].entries())
    await awaitEvent(
      client,
      await offered(`invalid-${index}`, { 'reflect-to': target, validate }),
      'ValidationFailed',
    )
  await awaitEvent(
    client,
    await offered('empty', { 'reflect-to': target, keys: 'absent' }),
    'OriginSelectionEmpty',
  )
  await client.create(secret(target, 'foreign', { own: marker() }))
  await offered('foreign', { 'reflect-to': target })
  await awaitEvent(client, { kind: 'Secret', namespace: target, name: 'foreign' }, 'MirrorBlocked')
  // A pull mirror keeps its type, and the data breaks that type's rules: the API server's answer speaks of it.
  const pulled = await offered('untyped', { 'allow-pull': target })
  const typed = secret(
    target,
    'typed',
    { 'tls.crt': marker(), 'tls.key': marker() },
    { annotations: ours({ 'reflect-from': `${home}/${pulled.name}` }), type: 'kubernetes.io/tls' },
  )
  await client.create(typed)
  await awaitEvent(client, mirrorIn(target, typed), 'PullRefused')
}

async function contend(): Promise<void> {
  const origin = await offered('contended', { 'reflect-to': target })
  const mirror = at(origin, target)
  const before = await awaitPresent(client, mirror)
  while ((await eventsAbout(client, mirror)).length === 0) {
    await write(client, mirror, { password: marker() })
    await awaitPresent(client, mirror, ({ data }) => data?.['password'] === before.data?.['password'])
  }
  await client.apply(secret(target, 'contended', { password: marker() }), 'gitops')
  await awaitEvent(client, mirror, 'MirrorReleased')
}

/** Everything that anybody but a reader of the Secrets themselves could see. */
async function assertSecret(): Promise<void> {
  const metrics = await solo.controller.metrics()
  const events = await client.list('Event')
  const objects = (
    await Promise.all(['Secret', 'ConfigMap', 'Namespace', 'Lease'].map((kind) => client.list(kind)))
  ).flat()
  const audit = await readFile(`${stage.plane.folder}/audit.log`, 'utf8').catch(() =>
    JSON.stringify(proxy.seen),
  )
  const places: Readonly<Record<string, string>> = {
    output: solo.said().join('\n'),
    metrics: metrics.text,
    Events: JSON.stringify(events),
    requests: JSON.stringify(proxy.seen),
    audit,
    metadata: JSON.stringify(objects.map(({ metadata }: KubeObject) => metadata)),
  }
  for (const [place, text] of Object.entries(places)) assert.deepEqual(findMarkers(text, planted), [], place)
  assert(places['output']?.includes('"level"'), 'there is something to be searched')
}
