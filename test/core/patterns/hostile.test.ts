/** Hostile patterns are refused, or cost a number of steps that is known before they run: a count, so that no clock decides. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { COST_MAX } from '../../../src/core/patterns/compile.ts'
import { compileList, matchCounted, TEXT_LENGTH_MAX } from '../../../src/core/patterns/compiled-list.ts'
import type { ListGrammar } from '../../../src/core/patterns/compiled-list.ts'
import { REFLECTOR_LISTS, REPLICATOR_LISTS } from '../../../src/core/patterns/lists.ts'
import { HOSTILE, NAME_MAX, NAMES } from './hostile-corpus.ts'

const GRAMMARS: readonly (readonly [dialect: string, grammar: ListGrammar])[] = [
  ['reflector', REFLECTOR_LISTS],
  ['replicator', REPLICATOR_LISTS],
]

/** Steps that a list may take on a name: its cost for each position, and one for the place behind the last character. */
const allowed = (name: string): number => COST_MAX * (name.length + 1)

for (const [dialect, grammar] of GRAMMARS) {
  for (const text of HOSTILE) {
    const title = text.length > 60 ? `${text.slice(0, 60)}… (${text.length})` : text
    test(`${dialect}: ${JSON.stringify(title)} is refused, or costs no more than its bound`, () => {
      const compiled = compileList(text, grammar)
      if (!compiled.ok) return assert.ok(compiled.failure.length < 100)
      const cost = compiled.value.programs.reduce((sum, program) => sum + program.cost, 0)
      assert.ok(cost <= COST_MAX, `costs ${cost}`)
      for (const name of NAMES) {
        const { steps } = matchCounted(compiled.value, name)
        assert.ok(steps <= allowed(name), `${steps} steps on ${name}`)
      }
    })
  }
}

test('the corpus holds at least 100 hostile patterns, and most of them run', () => {
  assert.ok(new Set(HOSTILE).size >= 100, String(HOSTILE.length))
  const running = HOSTILE.filter((text) => compileList(text, REFLECTOR_LISTS).ok)
  assert.ok(running.length >= 60, `only ${running.length} are not refused`)
})

test('a text of 253 characters costs its length, not more', () => {
  const name = 'a'.repeat(TEXT_LENGTH_MAX)
  for (const text of HOSTILE) {
    const compiled = compileList(text, REFLECTOR_LISTS)
    if (compiled.ok) assert.ok(matchCounted(compiled.value, name).steps <= allowed(name), text.slice(0, 60))
  }
})

test('twice the name costs twice the steps, where a backtracking engine would square or worse', () => {
  for (const text of ['(a+)+b', '(a|a)*b', '(.*)*x', '(?!(a+)+$).*b', '(?:(?!.*x)a)*b']) {
    const compiled = compileList(text, REFLECTOR_LISTS)
    assert.ok(compiled.ok)
    const short = matchCounted(compiled.value, 'a'.repeat(30)).steps
    const long = matchCounted(compiled.value, 'a'.repeat(60)).steps
    assert.ok(long <= 2 * short + COST_MAX && long > short, `${text}: ${short} and ${long} steps`)
  }
})

/** Patterns out of the pieces that make others slow. */
const pieces = fc.constantFrom(
  'a',
  '.',
  'a*',
  '.*',
  '(',
  '(?:',
  '(?=',
  '(?!',
  '(?<=',
  ')',
  ')*',
  ')+',
  '){9}',
  '|',
  'a?',
  '[ab]+',
  '\\b',
  '$',
)
const hostile = fc.array(pieces, { minLength: 2, maxLength: 40 }).map((parts) => {
  const text = parts.join('')
  const open = text.split('(').length - text.split(')').length
  return open > 0 ? text + ')*'.repeat(open) : text
})

test('any pattern costs no more than its bound', () => {
  fc.assert(
    fc.property(hostile, fc.nat(NAME_MAX), (text, length) => {
      const compiled = compileList(text, REFLECTOR_LISTS)
      fc.pre(compiled.ok)
      const name = `${'a'.repeat(length)}b`
      const cost = compiled.value.programs.reduce((sum, program) => sum + program.cost, 0)
      assert.ok(matchCounted(compiled.value, name).steps <= cost * (name.length + 1), text)
    }),
    { numRuns: 2_000 },
  )
})
