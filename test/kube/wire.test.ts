/** What the API server sends becomes house types, or is refused; a whole Secret in an annotation goes no further. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'

import fc from 'fast-check'

import { fullObject, namespaceMeta, objectMeta } from '../../src/kube/wire.ts'
import { partial } from './scripted-server.ts'

const MARKER = 'M4rk3r'
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

function withMetadata(more: Record<string, unknown>): unknown {
  const object = partial('db', 7) as { metadata: Record<string, unknown> }
  return { ...object, metadata: { ...object.metadata, ...more } }
}

test('metadata is read', () => {
  const meta = objectMeta(
    'Secret',
    withMetadata({ labels: { app: 'x' }, deletionTimestamp: '2026-11-24T11:00:00Z' }),
  )
  assert.equal(meta?.key, 'Secret/team-a/db')
  assert.equal(meta?.uid, 'uid-db')
  assert.equal(meta?.version, '7')
  assert.equal(meta?.createdAt, '2026-11-24T10:00:00Z')
  assert.equal(meta?.deleting, true)
  assert.equal(meta?.labels['app'], 'x')
  assert.equal(meta?.lastApplied, false)
})

test('missing and null fields are met', () => {
  const meta = objectMeta('ConfigMap', {
    metadata: {
      name: 'a',
      namespace: 'b',
      uid: 'u',
      resourceVersion: '1',
      labels: null,
      creationTimestamp: null,
    },
  })
  assert.deepEqual(Object.keys(meta?.annotations ?? { no: 'object' }), [])
  assert.equal(meta?.createdAt, '')
  assert.deepEqual(meta?.fields, { ours: [], others: [] })
})

test('an object with a wrong type is refused', () => {
  for (const more of [
    { name: 7 },
    { name: '' },
    { namespace: undefined },
    { uid: null },
    { resourceVersion: 7 },
    { labels: { a: 1 } },
    { annotations: ['x'] },
    { annotations: { a: null } },
  ]) {
    assert.equal(objectMeta('Secret', withMetadata(more)), null, JSON.stringify(more))
  }
  for (const raw of [null, 1, 'x', [], {}, { metadata: null }]) assert.equal(objectMeta('Secret', raw), null)
})

test('only the presence of last-applied-configuration is kept', () => {
  const meta = objectMeta(
    'Secret',
    withMetadata({ annotations: { [LAST_APPLIED]: `{"data":"${MARKER}"}`, a: 'b' } }),
  )
  assert.equal(meta?.lastApplied, true)
  assert.ok(!JSON.stringify(meta).includes(MARKER))
  assert.deepEqual({ ...meta?.annotations }, { a: 'b' })
  const namespace = namespaceMeta(withMetadata({ annotations: { [LAST_APPLIED]: MARKER } }))
  assert.ok(namespace !== null && !JSON.stringify(namespace).includes(MARKER))
})

test('texts have no prototype: a key named __proto__ is a key', () => {
  const raw: unknown = JSON.parse(
    '{"metadata":{"name":"a","namespace":"b","uid":"u","resourceVersion":"1","labels":{"__proto__":"x","constructor":"y"}}}',
  )
  const meta = objectMeta('Secret', raw)
  assert.deepEqual(Object.entries(meta?.labels ?? {}), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ])
  assert.equal(meta?.labels['toString'], undefined)
  assert.equal(Object.getPrototypeOf(meta?.labels), null)
})

const ENTRY = { manager: 'heliograph', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1' }

test('field owners are reduced to content, type, labels and annotations', () => {
  const fieldsV1 = {
    'f:data': { '.': {}, 'f:tls.crt': {}, 'f:ca.crt': {} },
    'f:binaryData': { 'f:blob': {} },
    'f:type': {},
    'f:immutable': {},
    'f:metadata': {
      'f:labels': { '.': {}, 'f:a/b': {} },
      'f:annotations': { 'f:c': {} },
      'f:ownerReferences': {},
    },
  }
  const meta = objectMeta(
    'Secret',
    withMetadata({
      managedFields: [
        { ...ENTRY, fieldsV1 },
        { ...ENTRY, manager: 'kubectl', operation: 'Apply', fieldsV1: { 'f:data': { 'f:x': {} } } },
        { ...ENTRY, operation: 'Apply', fieldsV1: { 'f:type': {} } },
        { ...ENTRY, manager: 'status', subresource: 'status', fieldsV1: { 'f:data': { 'f:x': {} } } },
        { ...ENTRY, manager: 'finalizer', fieldsV1: { 'f:metadata': { 'f:finalizers': {} } } },
        { ...ENTRY, manager: 'odd', operation: 'Else', fieldsV1 },
        'odd',
      ],
    }),
  )
  assert.deepEqual(meta?.fields.ours, [
    'annotations/c',
    'binaryData/blob',
    'data/ca.crt',
    'data/tls.crt',
    'immutable',
    'labels/a/b',
    'type',
  ])
  assert.deepEqual(meta?.fields.others, [
    { manager: 'kubectl', operation: 'Apply', paths: ['data/x'] },
    { manager: 'heliograph', operation: 'Apply', paths: ['type'] },
  ])
})

test('equal sets of paths are one array', () => {
  const read = (keys: readonly string[]): readonly string[] | undefined =>
    objectMeta(
      'Secret',
      withMetadata({
        managedFields: [
          { ...ENTRY, fieldsV1: { 'f:data': Object.fromEntries(keys.map((key) => [`f:${key}`, {}])) } },
        ],
      }),
    )?.fields.ours
  assert.equal(read(['a', 'b']), read(['b', 'a']))
  assert.notEqual(read(['a', 'b']), read(['a']))
})

function secret(more: Record<string, unknown>): Buffer {
  const { metadata } = partial('db', 7) as { metadata: unknown }
  return Buffer.from(JSON.stringify({ kind: 'Secret', apiVersion: 'v1', metadata, type: 'Opaque', ...more }))
}

test('a whole object is read, and its content cannot be printed', () => {
  const bytes = secret({ data: { a: MARKER, b: '' }, immutable: true })
  const object = fullObject('Secret', bytes)
  const content = object?.content.reveal()
  assert.deepEqual(
    [...(content?.data ?? [])],
    [
      ['a', MARKER],
      ['b', ''],
    ],
  )
  assert.equal(content?.type, 'Opaque')
  assert.equal(content?.immutable, true)
  assert.equal(object?.sizeBytes, bytes.length)
  for (const printed of [JSON.stringify(object), inspect(object, { depth: 9 }), String(object?.content)]) {
    assert.ok(!printed.includes(MARKER))
  }
})

test('a ConfigMap has text, binary data and no type', () => {
  const { metadata } = partial('c', 7) as { metadata: unknown }
  const raw = { kind: 'ConfigMap', apiVersion: 'v1', metadata, data: { a: 'x' }, binaryData: { b: 'AA==' } }
  const content = fullObject('ConfigMap', Buffer.from(JSON.stringify(raw)))?.content.reveal()
  assert.equal(content?.type, null)
  assert.equal(content?.immutable, false)
  assert.deepEqual([...(content?.binaryData ?? [])], [['b', 'AA==']])
})

test('an answer of another kind or with wrong types is refused', () => {
  assert.equal(fullObject('ConfigMap', secret({})), null)
  assert.equal(fullObject('Secret', secret({ data: { a: 1 } })), null)
  assert.equal(fullObject('Secret', secret({ type: 1 })), null)
  assert.equal(fullObject('Secret', Buffer.from('{')), null)
})

test('no JSON makes the reader throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (metadata, fields) => {
      objectMeta('Secret', { metadata })
      namespaceMeta({ metadata })
      objectMeta('Secret', withMetadata({ managedFields: [{ ...ENTRY, fieldsV1: fields }, metadata] }))
    }),
  )
})
