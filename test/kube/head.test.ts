/** A look at a line's bytes agrees with its parsed form, or says nothing. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { holdsMark, lineHead } from '../../src/kube/head.ts'
import { event, partial } from './scripted-server.ts'

function lineOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

test('type, namespace, name and version of a usual line are found', () => {
  assert.deepEqual(lineHead(lineOf(event('MODIFIED', partial('db', 42)))), {
    type: 'MODIFIED',
    namespace: 'team-a',
    name: 'db',
    version: '42',
  })
})

test('a generateName in between is passed over', () => {
  const line =
    '{"type":"ADDED","object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"db-x","generateName":"db-","namespace":"n","uid":"u","resourceVersion":"1","creationTimestamp":null}}}'
  assert.equal(lineHead(Buffer.from(line))?.name, 'db-x')
})

test('names of 253 characters are found', () => {
  const name = 'n'.repeat(253)
  assert.equal(lineHead(lineOf(event('ADDED', partial(name, 1))))?.name, name)
})

test('bookmarks, errors and lines of another form say nothing', () => {
  for (const value of [
    event('BOOKMARK', partial('db', 1)),
    event('ERROR', {}),
    { object: {}, type: 'ADDED' },
    7,
    'x',
  ]) {
    assert.equal(lineHead(lineOf(value)), null)
  }
})

test('what looks like a head further on in a line is none', () => {
  assert.equal(lineHead(lineOf({ extra: event('ADDED', partial('db', 1)), type: 'DELETED' })), null)
})

test('whatever stands in a line, its head is that of the parsed line', () => {
  const text = fc.oneof(fc.string(), fc.constantFrom('a', '"', '\\', 'a","namespace":"b', 'é', '\u2028'))
  fc.assert(
    fc.property(text, text, text, fc.nat(), (name, namespace, note, version) => {
      const head = lineHead(
        lineOf(event('ADDED', partial(name, version, { namespace, annotations: { note } }))),
      )
      if (head !== null) assert.deepEqual(head, { type: 'ADDED', namespace, name, version: String(version) })
    }),
    { numRuns: 2000 },
  )
})

test('a mark is found wherever it stands', () => {
  const marks = [Buffer.from('heliograph.dev/'), Buffer.from('other.example/')]
  assert.ok(holdsMark(Buffer.from('{"x":{"other.example/y":""}}'), marks))
  assert.ok(!holdsMark(Buffer.from('{"x":{"another.example":""}}'), marks))
})
