/** The table of annotations: whole, without doubles, and with examples that the parsers accept. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { annotation, ANNOTATIONS, CLAIMING_KEYS, unknownKeys } from '../../src/core/annotations.ts'
import { consentFlaws } from '../../src/core/consent.ts'
import { readAsk, readOrigin } from '../../src/core/dialects/table.ts'
import { annotated, namespaceMeta, PREFIX, RULES } from './rules.ts'

test('no key stands twice in one place', () => {
  const places = ANNOTATIONS.map((row) => `${row.on} ${row.key}`)
  assert.equal(new Set(places).size, places.length)
})

test('every row says what it takes and means, and every annotation that people write says what holds without it', () => {
  for (const row of ANNOTATIONS) {
    assert.match(row.meaning, /\.$/, row.key)
    assert.ok(row.value.length > 0 && row.example.length > 0, row.key)
    assert.equal(row.unset === null, row.on.startsWith('mark'), row.key)
  }
})

test('every example of an origin’s annotations is accepted, alone and all together', () => {
  const rows = ANNOTATIONS.filter((row) => row.on === 'origin')
  const examples = rows.map((row) => [row.key, row.example] as const)
  for (const [key, example] of examples) {
    const reading = readOrigin(annotated({ 'reflect-to': '*', [key]: example }), RULES)
    assert.ok(
      reading.kind === 'policy' ||
        (key === 'paused' && reading.kind === 'held' && reading.flaws.length === 0),
      key,
    )
  }
  const whole = readOrigin(annotated({ ...Object.fromEntries(examples), paused: 'false' }), RULES)
  assert.equal(whole.kind, 'policy')
})

test('every example of the other side is accepted', () => {
  const example = (key: string): string => ANNOTATIONS.find((row) => row.key === key)?.example ?? ''
  const asked = readAsk(annotated({ 'reflect-from': example('reflect-from') }, { name: 'mine' }), RULES)
  assert.deepEqual(asked?.origin, { kind: 'Secret', namespace: 'shared', name: 'registry' })
  const flaws = consentFlaws(
    namespaceMeta('a', { accept: example('accept'), refuse: example('refuse') }),
    PREFIX,
  )
  assert.deepEqual(flaws, [])
})

test('a key is its prefix and its name', () => {
  assert.equal(annotation('mirror.example/', 'reflect-to'), 'mirror.example/reflect-to')
  assert.ok(CLAIMING_KEYS.every((key) => ANNOTATIONS.some((row) => row.key === key && row.on === 'origin')))
})

test('unknown keys under the prefix are listed once, sorted, without it; all others are nobody’s business', () => {
  const meta = annotated(
    { reflectto: '', 'reflect-to': '', at: '', Paused: '' },
    { labels: { [`${PREFIX}mirror`]: '', [`${PREFIX}reflectto`]: '' } },
  )
  assert.deepEqual(unknownKeys(meta, PREFIX), ['Paused', 'reflectto'])
  assert.deepEqual(unknownKeys({ annotations: { 'example.com/x': '' }, labels: {} }, PREFIX), [])
})
