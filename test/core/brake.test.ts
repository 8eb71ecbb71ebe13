/** Mass deletions that nobody saw caused are held, under an id that a person can release. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { INFERRED_DELETIONS_MAX, RELEASE_MS, holdId, isMassDeletion } from '../../src/core/brake.ts'
import { at } from './model/rig.ts'

test('more than 100 and more than half of a group are a mass deletion', () => {
  assert.equal(INFERRED_DELETIONS_MAX, 100)
  assert.equal(isMassDeletion({ inferred: 101, mirrors: 201 }), true)
  assert.equal(isMassDeletion({ inferred: 101, mirrors: 101 }), true)
})

test('100, or half of a group, go without a release', () => {
  assert.equal(isMassDeletion({ inferred: 100, mirrors: 100 }), false)
  assert.equal(isMassDeletion({ inferred: 101, mirrors: 202 }), false)
  assert.equal(isMassDeletion({ inferred: 0, mirrors: 0 }), false)
})

test('a release lapses in an hour', () => {
  assert.equal(RELEASE_MS, 60 * 60 * 1_000)
})

test('the same hold has the same id, in whichever order its origins are named', () => {
  const a = at('shared/a')
  const b = at('shared/b')
  assert.equal(holdId('home', 'shared', [a, b]), holdId('home', 'shared', [b, a, a]))
  assert.match(holdId('home', 'shared', [a]), /^[0-9a-f]{10}$/)
})

test('another cluster, namespace or set of origins is another hold', () => {
  const a = at('shared/a')
  const ids = [
    holdId('home', 'shared', [a]),
    holdId('east', 'shared', [a]),
    holdId('home', 'other', [a]),
    holdId('home', 'shared', [a, at('shared/b')]),
    holdId('home', 'shared', [at('shared/a', 'ConfigMap')]),
    holdId('home', 'shared', []),
  ]
  assert.equal(new Set(ids).size, ids.length)
})
