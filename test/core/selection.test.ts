/** Key lists: which keys are taken, under which names, and what is held. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { parseSelection } from '../../src/core/selection.ts'

function select(list: string | undefined, keys: readonly string[]): Record<string, string> | null {
  const parsed = parseSelection(list)
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.failure)
  const selected = parsed.value.apply(keys)
  return selected === null ? null : Object.fromEntries(selected)
}

function reason(list: string): string {
  const parsed = parseSelection(list)
  assert.ok(!parsed.ok, 'the list was expected to be refused')
  return parsed.failure
}

const TLS = ['ca.crt', 'tls.crt', 'tls.key']

test('selection: without a list every key is taken under its own name', () => {
  assert.deepEqual(select(undefined, TLS), { 'ca.crt': 'ca.crt', 'tls.crt': 'tls.crt', 'tls.key': 'tls.key' })
})

test('selection: without a list an origin that holds nothing is mirrored as it is', () => {
  assert.deepEqual(select(undefined, []), {})
})

test('selection: named keys are taken, others are not', () => {
  assert.deepEqual(select('tls.crt', TLS), { 'tls.crt': 'tls.crt' })
})

test('selection: a key is renamed as key in origin = key in mirror', () => {
  assert.deepEqual(select('tls.crt, ca.crt = ca.pem, !tls.key', TLS), {
    'tls.crt': 'tls.crt',
    'ca.crt': 'ca.pem',
  })
})

test('selection: exclusions alone take all others', () => {
  assert.deepEqual(select('!tls.key', TLS), { 'ca.crt': 'ca.crt', 'tls.crt': 'tls.crt' })
})

test('selection: an excluded key is not taken even if it is named', () => {
  assert.deepEqual(select('tls.key, tls.crt, !tls.key', TLS), { 'tls.crt': 'tls.crt' })
  assert.equal(select('tls.key, !tls.key', TLS), null)
})

test('selection: names are exact, not patterns, and case-sensitive', () => {
  assert.equal(select('tls', TLS), null)
  assert.equal(select('TLS.CRT', TLS), null)
  assert.match(reason('tls.*'), /legal data key/)
})

test('selection: a named key that is absent is left out', () => {
  assert.deepEqual(select('tls.crt, nothing=there', TLS), { 'tls.crt': 'tls.crt' })
})

test('selection: when nothing is left the answer is null', () => {
  assert.equal(select('nothing', TLS), null)
  assert.equal(select('!ca.crt, !tls.crt, !tls.key', TLS), null)
  assert.equal(select('!ca.crt', []), null)
})

test('selection: a blank list selects nothing', () => {
  assert.equal(select('', TLS), null)
  assert.equal(select(' , ', TLS), null)
})

test('selection: two sources for one key give null, but only where both are present', () => {
  assert.equal(select('tls.crt=cert, ca.crt=cert', TLS), null)
  assert.equal(select('tls.crt=ca.crt, ca.crt', TLS), null)
  assert.deepEqual(select('tls.crt=cert, cert.pem=cert', TLS), { 'tls.crt': 'cert' })
})

test('selection: two keys may change names', () => {
  assert.deepEqual(select('tls.crt=tls.key, tls.key=tls.crt', TLS), {
    'tls.crt': 'tls.key',
    'tls.key': 'tls.crt',
  })
})

test('selection: one key under two names is refused, and the same item twice is not', () => {
  assert.match(reason('tls.crt, tls.crt=cert'), /two names/)
  assert.deepEqual(select('tls.crt, tls.crt', TLS), { 'tls.crt': 'tls.crt' })
})

test('selection: what is no data key is refused on either side', () => {
  for (const list of [
    'a/b',
    'a=b/c',
    'a=',
    '=b',
    '!',
    '!a=b',
    'a=b=c',
    'a b',
    '..a',
    'a=..',
    'é',
    'a'.repeat(254),
  ]) {
    assert.match(reason(list), /legal data key/, list)
  }
})

test('selection: keys that JavaScript objects inherit are keys like any other', () => {
  assert.equal(parseSelection('__proto__, constructor').ok, true)
  const parsed = parseSelection('__proto__')
  assert.deepEqual(
    parsed.ok && parsed.value.apply(['__proto__', 'constructor']),
    new Map([['__proto__', '__proto__']]),
  )
})

test('selection: its size is bounded', () => {
  assert.equal(parseSelection(Array.from({ length: 512 }, (_, i) => `k${i}`).join()).ok, true)
  assert.match(reason(Array.from({ length: 513 }, (_, i) => `k${i}`).join()), /512/)
  assert.match(reason(' '.repeat(65_537)), /65536/)
})

test('selection: any text gives a selection or a fixed reason that quotes nothing', () => {
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'ab=,!. *'.split('')), maxLength: 20 }),
    fc.string({ maxLength: 40 }),
  )
  fc.assert(
    fc.property(text, fc.array(fc.constantFrom<string[]>('a', 'b', 'ab', 'a.b')), (list, keys) => {
      const parsed = parseSelection(list)
      if (!parsed.ok) return assert.match(parsed.failure, /^(a key|one key|a key list)[a-z0-9 ]+$/)
      const selected = parsed.value.apply(new Set(keys))
      if (selected === null) return
      assert.ok(selected.size > 0)
      assert.equal(new Set(selected.values()).size, selected.size)
      for (const from of selected.keys()) assert.ok(keys.includes(from))
    }),
    { numRuns: 2_000 },
  )
})
