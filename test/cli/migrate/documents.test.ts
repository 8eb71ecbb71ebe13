/** A stream of documents is read for metadata alone, in every form in which people have manifests; what cannot be read is counted. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { readDocuments } from '../../../src/cli/migrate/documents.ts'
import type { Scene } from '../../../src/cli/migrate/scene.ts'
import { Sensitive } from '../../../src/std/sensitive.ts'
import { RULES } from '../../core/rules.ts'
import { OURS } from './scenes.ts'

function read(text: string): Scene {
  const scene = readDocuments(new Sensitive(text), RULES)
  assert.ok(scene.ok, scene.ok ? '' : scene.failure)
  return scene.value
}

const NAMESPACES = 'kind: Namespace\nmetadata: {name: a}\n---\nkind: Namespace\nmetadata: {name: default}\n'
const SECRET = `kind: Secret\nmetadata: {name: x, namespace: a, annotations: {${OURS}reflect-to: b}}\n`

test('YAML documents, lists, lists of a server, JSON and JSON after JSON are all read', () => {
  const json = {
    kind: 'Secret',
    metadata: { name: 'x', namespace: 'a', annotations: { [`${OURS}reflect-to`]: 'b' } },
  }
  for (const text of [
    `---\n${NAMESPACES}---\n${SECRET}---\n`,
    `${NAMESPACES}---\nkind: List\nitems:\n- ${SECRET.replaceAll('\n', '\n  ')}`,
    `${NAMESPACES}---\nkind: SecretList\nitems:\n- metadata: {name: x, namespace: a, annotations: {${OURS}reflect-to: b}}\n`,
    `${NAMESPACES}---\n${JSON.stringify(json)}\n`,
    JSON.stringify({ kind: 'List', items: [json, { kind: 'Namespace', metadata: { name: 'a' } }] }),
  ]) {
    const scene = read(text)
    assert.deepEqual([...scene.objects.keys()], ['Secret/a/x'], text)
    assert.ok(scene.namespaces.has('a'))
    assert.deepEqual(scene.unread, [])
  }
})

test('a manifest without a namespace lies in default, and what bears no key of ours is known by name only', () => {
  const scene = read(`${NAMESPACES}---\nkind: ConfigMap\nmetadata: {name: y}\n`)
  assert.deepEqual([[...scene.names], [...scene.objects.keys()]], [['ConfigMap/default/y'], []])
})

test('what is no object is counted and never quoted; the rest is read', () => {
  const scene = read(
    `${NAMESPACES}---\n${SECRET}---\n"marker\n---\nmarker\n---\nkind: Secret\nmetadata: {name: MARKER}\n`,
  )
  assert.ok(!JSON.stringify(scene.unread).toLowerCase().includes('marker'))
  assert.equal(scene.unread.length, 1)
})

test('names that no API server would take, and bombs of aliases, do not come in', () => {
  const scene = read(
    `kind: Secret\nmetadata: {name: "x\\u001b[2J", namespace: a, annotations: {${OURS}reflect-to: b}}\n`,
  )
  assert.equal(scene.objects.size, 0)
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x,x]',
    ...'bcdefgh'.split('').map(
      (key, at) =>
        `${key}: &${key} [${Array(10)
          .fill(`*${'abcdefg'[at] ?? ''}`)
          .join()}]`,
    ),
  ]
  assert.equal(read(bomb.join('\n')).unread.length, 1)
})

test('values of data do not stay in the scene', () => {
  const scene = read(`${NAMESPACES}---\n${SECRET}data: {k: bWFya2Vy}\nstringData: {k: marker}\n`)
  const text = JSON.stringify([...scene.objects.values()])
  assert.ok(!/marker|bWFya2Vy/.test(text))
  assert.equal(scene.objects.size, 1)
})
