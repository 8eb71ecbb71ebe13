/** Which namespaces are chosen: every clause must hold, and within one clause the names or the labels. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { chooses, isSameChoice } from '../../src/core/choice.ts'
import type { NamespaceChoice, NamespaceClause } from '../../src/core/choice.ts'
import { parseSelector } from '../../src/core/selectors.ts'
import type { LabelSelector } from '../../src/core/selectors.ts'
import { replayable } from './model/seeds.ts'
import { globs } from './rules.ts'

function selector(text: string): LabelSelector {
  const parsed = parseSelector(text)
  assert.ok(parsed.ok)
  return parsed.value
}

const BY_NAME: NamespaceClause = { names: globs('team-*'), labels: null }
const BY_LABEL: NamespaceClause = { names: null, labels: selector('env=dev') }
const EITHER: NamespaceClause = { names: globs('team-*'), labels: selector('env=dev') }
const NEITHER: NamespaceClause = { names: null, labels: null }

function chosen(choice: NamespaceChoice, name: string, env = 'prod'): boolean {
  return chooses(choice, { name, labels: { env } })
}

test('without a clause every namespace is chosen', () => {
  assert.equal(chosen([], 'anything'), true)
})

test('a clause by name asks for the name alone, one by labels for the labels alone', () => {
  assert.deepEqual([chosen([BY_NAME], 'team-a'), chosen([BY_NAME], 'other', 'dev')], [true, false])
  assert.deepEqual([chosen([BY_LABEL], 'team-a'), chosen([BY_LABEL], 'other', 'dev')], [false, true])
})

test('in a clause with both, one that holds suffices', () => {
  assert.deepEqual(
    [chosen([EITHER], 'team-a'), chosen([EITHER], 'other', 'dev'), chosen([EITHER], 'other')],
    [true, true, false],
  )
})

test('a clause with neither chooses nothing: what did not parse is no permission', () => {
  assert.equal(chosen([NEITHER], 'team-a', 'dev'), false)
  assert.equal(chosen([BY_NAME, NEITHER], 'team-a', 'dev'), false)
})

test('every clause must hold, in any order', (t) => {
  const clause = fc.constantFrom(BY_NAME, BY_LABEL, EITHER, NEITHER)
  const name = fc.constantFrom('team-a', 'other')
  const env = fc.constantFrom('dev', 'prod')
  fc.assert(
    fc.property(fc.array(clause, { maxLength: 4 }), name, env, (clauses, namespace, label) => {
      const expected = clauses.every((one) => chosen([one], namespace, label))
      assert.equal(chosen(clauses, namespace, label), expected)
      assert.equal(chosen(clauses.toReversed(), namespace, label), expected)
    }),
    replayable(t, 300),
  )
})

test('a namespace without the label is chosen by what asks for its absence', () => {
  assert.equal(chooses([{ names: null, labels: selector('!env') }], { name: 'a', labels: {} }), true)
  assert.equal(chooses([{ names: null, labels: selector('env') }], { name: 'a', labels: {} }), false)
})

test('choices of the same parsed texts are the same; any other clause, order or number is not', () => {
  assert.equal(isSameChoice([BY_NAME, BY_LABEL], [{ ...BY_NAME }, { ...BY_LABEL }]), true)
  assert.equal(isSameChoice([], []), true)
  assert.equal(isSameChoice(null, null), true)
  for (const other of [null, [], [BY_NAME], [BY_LABEL, BY_NAME], [BY_NAME, BY_LABEL, NEITHER]])
    assert.equal(isSameChoice([BY_NAME, BY_LABEL], other), false)
  assert.equal(isSameChoice(null, []), false)
})
