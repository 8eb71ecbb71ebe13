/** Input at the edges of what the API server takes: big, long, empty, binary and oddly named things are mirrored like any other. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { ours } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, offer, secretOffer, write } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo

/** What the API server takes of a Secret's data together. */
const SECRET_BYTES_MAX = 1_048_576

test('a Secret of 1 MiB is mirrored, rotated, put back and taken away', async () => {
  const [home, target] = await stage.namespaces('big-home', 'big-target')
  const bytes = (): Buffer => randomBytes(SECRET_BYTES_MAX)
  const first = bytes()
  const origin = await client.create(secretOffer(home, 'big', { 'reflect-to': target }, { bulk: first }))
  const mirror = mirrorIn(target, origin)
  await awaitPresent(client, mirror, holding(first))
  const second = bytes()
  await client.patch(refOf(origin), { data: { bulk: second.toString('base64') } })
  await awaitPresent(client, mirror, holding(second), { what: 'holds the rotated bytes' })
  await client.patch(mirror, { data: { bulk: bytes().toString('base64') } })
  await awaitPresent(client, mirror, holding(second), { what: 'has its bytes back' })
  await client.remove(refOf(origin))
  await awaitAbsent(client, mirror)
})

test('a Secret of 1 MiB under as many keys as it takes is mirrored key by key', async () => {
  const [home, target] = await stage.namespaces('many-home', 'many-target')
  const data = Object.fromEntries(
    Array.from({ length: 4_096 }, (_, index) => [`key-${index}`, `${index}`.repeat(8)]),
  )
  const origin = await client.create(secretOffer(home, 'many', { 'reflect-to': target }, data))
  await awaitData(client, mirrorIn(target, origin), data)
})

test('a name of 253 characters is mirrored, and one that gets too long by reflect-as is not', async () => {
  const [home, target] = await stage.namespaces('long-home', 'long-target')
  const name = `${'n'.repeat(63)}.${'a'.repeat(63)}.${'m'.repeat(63)}.${'e'.repeat(61)}`
  assert.equal(name.length, 253)
  for (const make of [offer, secretOffer]) {
    const origin = await client.create(make(home, name, { 'reflect-to': target }))
    await awaitData(client, mirrorIn(target, origin), { a: '1' })
    await annotate(client, refOf(origin), { 'reflect-as': 'x{name}' })
    await solo.settled()
    assert.equal((await client.list(refOf(origin).kind, target)).length, 1)
    await client.remove(refOf(origin))
    await awaitAbsent(client, mirrorIn(target, origin))
  }
})

test('namespaces of the longest names are mirrored between', async () => {
  const [home, target] = [`h${'o'.repeat(61)}e`, `t${'o'.repeat(61)}e`]
  for (const each of [home, target]) await client.createNamespace(each)
  const origin = await client.create(
    offer(home, 'settings', { 'reflect-to': target, 'reflect-as': '{namespace}.{name}' }),
  )
  await awaitData(client, mirrorIn(target, origin, `${home}.settings`), { a: '1' })
})

test('binary data arrives byte for byte, in Secrets and in a ConfigMap’s binaryData', async () => {
  const [home, target] = await stage.namespaces('binary-home', 'binary-target')
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  const hidden = await client.create(
    secretOffer(home, 'binary', { 'reflect-to': target }, { every, zero: Buffer.alloc(3) }),
  )
  await awaitPresent(
    client,
    mirrorIn(target, hidden),
    ({ data }) => data?.['every'] === every.toString('base64'),
  )
  const binaryData = { every: every.toString('base64') }
  const shown = await client.create({
    ...offer(home, 'binary', { 'reflect-to': target }, { text: 'é 😀 \u0000\u2028' }),
    binaryData,
  })
  const mirror = await awaitPresent(client, mirrorIn(target, shown))
  assert.deepEqual(mirror.binaryData, binaryData)
  assert.deepEqual(mirror.data, { text: 'é 😀 \u0000\u2028' })
  await client.patch(refOf(shown), { binaryData: { every: null, other: 'AAA=' } })
  await awaitPresent(client, mirrorIn(target, shown), (each) => each.binaryData?.['other'] === 'AAA=')
  await client.patch(mirrorIn(target, shown), { binaryData: { other: 'AAE=', foreign: 'AAA=' } })
  const back = await awaitPresent(
    client,
    mirrorIn(target, shown),
    (each) => each.binaryData?.['other'] === 'AAA=',
  )
  assert.deepEqual(back.binaryData, { other: 'AAA=' })
})

test('empty data is mirrored: no data at all, an empty object, an empty value; and data that becomes empty', async () => {
  const [home, target] = await stage.namespaces('empty-home', 'empty-target')
  const to = { 'reflect-to': target }
  for (const make of [offer, secretOffer]) {
    const { data: _, ...without } = make(home, 'without', to)
    const origins = [
      without,
      make(home, 'empty', to, {}),
      make(home, 'value', to, { a: '' }),
      make(home, 'emptied', to),
    ]
    for (const each of origins) await client.create(each)
    const [none, empty, value, emptied] = origins.map((each) => mirrorIn(target, each)) as [
      Place,
      Place,
      Place,
      Place,
    ]
    await awaitData(client, none, {})
    await awaitData(client, empty, {})
    await awaitData(client, value, { a: '' })
    await awaitData(client, emptied, { a: '1' })
    await write(client, { ...emptied, namespace: home }, { a: null })
    await awaitData(client, emptied, {})
    await write(client, { ...emptied, namespace: home }, { b: '2' })
    await awaitData(client, emptied, { b: '2' })
  }
})

test('names that are legal but odd are mirrored: dots, digits, and words that mean something to JavaScript', async () => {
  const [home, target] = await stage.namespaces('odd-home', 'odd-target')
  const names = [
    '0',
    '1e9',
    'a.b',
    'a.b-c.0',
    'x--y',
    'constructor',
    'tostring',
    'null',
    'true',
    'undefined',
    'data',
    'hasownproperty',
  ]
  for (const name of names) await client.create(offer(home, name, { 'reflect-to': target }, { of: name }))
  for (const name of names)
    await awaitData(client, { kind: 'ConfigMap', namespace: target, name }, { of: name })
  for (const name of names) await client.remove({ kind: 'ConfigMap', namespace: home, name })
  for (const name of names) await awaitAbsent(client, { kind: 'ConfigMap', namespace: target, name })
})

test('namespaces named like properties of JavaScript objects are targets and origins like any other', async () => {
  const names = ['constructor', 'valueof', 'prototype']
  for (const each of names) await client.createNamespace(each)
  for (const each of names)
    await client.create(offer(each, `from-${each}`, { 'reflect-to': '{constructor,valueof,prototype}' }))
  for (const from of names)
    for (const to of names.filter((each) => each !== from))
      await awaitData(client, { kind: 'ConfigMap', namespace: to, name: `from-${from}` }, { a: '1' })
})

/** Legal keys of data that mean something to JavaScript, JSON patches or shells. */
const ODD_KEYS = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '-',
  '.a',
  '_',
  '0',
  'A.b-C_d',
  'length',
  'k'.repeat(253),
]

test('odd keys of data are mirrored, updated, selected and renamed like any other', async () => {
  const [home, target] = await stage.namespaces('keys-home', 'keys-target')
  for (const kind of ['Secret', 'ConfigMap'] as const) {
    const valued = (value: string): string =>
      `{${ODD_KEYS.map((key) => `${JSON.stringify(key)}:${JSON.stringify(kind === 'Secret' ? Buffer.from(value).toString('base64') : value)}`).join(',')}}`
    const metadata = { namespace: home, name: 'odd', annotations: ours({ 'reflect-to': target }) }
    // Written as text: an object literal would lose `__proto__`.
    const object = (value: string): KubeObject =>
      JSON.parse(
        `{"apiVersion":"v1","kind":"${kind}","metadata":${JSON.stringify(metadata)},"data":${valued(value)}}`,
      ) as KubeObject
    const origin = await client.create(object('one'))
    const mirror = mirrorIn(target, origin)
    const holds = (value: string) => (each: KubeObject) => sortedData(each) === sortedData(object(value))
    await awaitPresent(client, mirror, holds('one'), { what: 'holds every odd key' })
    await client.replace(object('two'))
    await awaitPresent(client, mirror, holds('two'), { what: 'follows in every odd key' })
    await annotate(client, refOf(origin), { keys: '__proto__=constructor, toString=__proto__' })
    const renamed = await awaitPresent(client, mirror, ({ data }) => Object.keys(data ?? {}).length === 2)
    assert.deepEqual(Object.keys(renamed.data ?? {}).sort(), ['__proto__', 'constructor'])
    await annotate(client, refOf(origin), { keys: '!__proto__' })
    await awaitPresent(client, mirror, ({ data }) => Object.keys(data ?? {}).length === ODD_KEYS.length - 1)
  }
})

test('labels and annotations of odd names are carried, updated and taken back', async () => {
  const [home, target] = await stage.namespaces('carried-home', 'carried-target')
  const labels = { constructor: 'a', 'x/toString': 'b', '0': 'c', 'A_b.c-d': '' }
  const annotations = { 'a.b/C_d': '~1~0/"\\', 'x/p__proto__p': '\u2028', valueOf: '{}' }
  const offered = offer(home, 'odd', { 'reflect-to': target, carry: '*' })
  const origin = await client.create({
    ...offered,
    metadata: {
      ...offered.metadata,
      labels,
      annotations: { ...offered.metadata.annotations, ...annotations },
    },
  })
  const mirror = await awaitPresent(client, mirrorIn(target, origin))
  for (const [key, value] of Object.entries(labels)) assert.equal(mirror.metadata.labels?.[key], value, key)
  for (const [key, value] of Object.entries(annotations))
    assert.equal(mirror.metadata.annotations?.[key], value, key)
  await client.patch(refOf(origin), { metadata: { labels: { 'x/toString': 'changed', constructor: null } } })
  const changed = await awaitPresent(
    client,
    mirrorIn(target, origin),
    ({ metadata }) => metadata.labels?.['x/toString'] === 'changed',
  )
  assert.ok(!Object.hasOwn(changed.metadata.labels ?? {}, 'constructor'))
})

test('an annotation of 200 KiB is carried', async () => {
  const [home, target] = await stage.namespaces('bulk-home', 'bulk-target')
  const offered = offer(home, 'bulky', { 'reflect-to': target, carry: 'example.com/*' })
  const bulk = 'x'.repeat(200 * 1_024)
  const origin = await client.create({
    ...offered,
    metadata: {
      ...offered.metadata,
      annotations: { ...offered.metadata.annotations, 'example.com/bulk': bulk },
    },
  })
  await awaitPresent(
    client,
    mirrorIn(target, origin),
    ({ metadata }) => metadata.annotations?.['example.com/bulk'] === bulk,
  )
})

test('a Secret of each built-in type that may be mirrored keeps its type and rules', async () => {
  const [home, target] = await stage.namespaces('types-home', 'types-target')
  const types: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'kubernetes.io/tls': { 'tls.crt': 'c', 'tls.key': 'k' },
    'kubernetes.io/dockerconfigjson': { '.dockerconfigjson': '{"auths":{}}' },
    'kubernetes.io/dockercfg': { '.dockercfg': '{}' },
    'kubernetes.io/basic-auth': { username: 'u' },
    'kubernetes.io/ssh-auth': { 'ssh-privatekey': 'k' },
    'example.com/own-type': {},
  }
  for (const [index, [type, data]] of Object.entries(types).entries()) {
    const origin = await client.create({
      ...secretOffer(home, `type-${index}`, { 'reflect-to': target }, data),
      type,
    })
    const mirror = await awaitData(client, mirrorIn(target, origin), data)
    assert.equal(mirror.type, type)
  }
})

type Place = ReturnType<typeof mirrorIn>

function holding(bytes: Buffer): (object: KubeObject) => boolean {
  const text = bytes.toString('base64')
  return ({ data }) => data?.['bulk'] === text
}

function sortedData({ data = {} }: KubeObject): string {
  return JSON.stringify(Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1)))
}
