/** What follows each failure of a write, and what people are told of it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Failure, FailureKind } from '../../src/core/failure.ts'
import { refusalOf, remedyFor } from '../../src/core/retry.ts'

const VERBS = ['create', 'patch', 'delete'] as const

/** One of each kind. */
const FAILURES: { readonly [K in FailureKind]: Extract<Failure, { kind: K }> } = {
  absent: { kind: 'absent' },
  'namespace-absent': { kind: 'namespace-absent' },
  exists: { kind: 'exists' },
  conflict: { kind: 'conflict' },
  'namespace-terminating': { kind: 'namespace-terminating' },
  quota: { kind: 'quota' },
  forbidden: { kind: 'forbidden' },
  unauthorized: { kind: 'unauthorized' },
  'test-failed': { kind: 'test-failed' },
  invalid: { kind: 'invalid', fields: ['metadata.labels'] },
  expired: { kind: 'expired' },
  'too-large': { kind: 'too-large' },
  throttled: { kind: 'throttled', retryAfterMs: 7_000 },
  server: { kind: 'server', code: 503, retryAfterMs: null },
  rejected: { kind: 'rejected', code: 418 },
  unanswered: { kind: 'unanswered', why: 'timeout' },
  malformed: { kind: 'malformed' },
}

function remedies(kind: FailureKind): readonly string[] {
  return VERBS.map((verb) => remedyFor(FAILURES[kind], verb).kind)
}

test('a request without a readable answer is unknown: nothing is sent on that key before a look', () => {
  for (const kind of ['unanswered', 'malformed'] as const)
    assert.deepEqual(remedies(kind), ['look', 'look', 'look'])
})

test('what is not as it was planned with is looked at, then planned again', () => {
  for (const kind of ['exists', 'conflict', 'test-failed'] as const)
    assert.deepEqual(remedies(kind), ['look', 'look', 'look'])
})

test('an object that is gone is forgotten; a creation that answers so is tried again', () => {
  assert.deepEqual(remedies('absent'), ['again', 'forget', 'forget'])
})

test('what cannot change in place is replaced, and only a patch can meet it', () => {
  for (const field of ['type', 'immutable', 'data', 'binaryData']) {
    const failure: Failure = { kind: 'invalid', fields: ['metadata.labels', field] }
    assert.equal(remedyFor(failure, 'patch').kind, 'unchangeable', field)
    assert.equal(remedyFor(failure, 'create').kind, 'park', field)
  }
  for (const field of ['data[tls.crt]', 'metadata.type', 'types'])
    assert.equal(remedyFor({ kind: 'invalid', fields: [field] }, 'patch').kind, 'park', field)
})

test('quota and rights are rechecked; a namespace that is gone or going tells of its cure itself', () => {
  for (const kind of ['quota', 'forbidden', 'rejected', 'too-large', 'invalid'] as const)
    assert.deepEqual(remedyFor(FAILURES[kind], 'create'), { kind: 'park', recheck: true }, kind)
  for (const kind of ['namespace-absent', 'namespace-terminating'] as const)
    assert.deepEqual(remedyFor(FAILURES[kind], 'create'), { kind: 'park', recheck: false }, kind)
})

test('what time cures is tried again, after what the server asked for', () => {
  assert.deepEqual(remedyFor(FAILURES.throttled, 'patch'), { kind: 'again', afterMs: 7_000 })
  assert.deepEqual(remedyFor(FAILURES.server, 'patch'), { kind: 'again', afterMs: null })
  for (const kind of ['unauthorized', 'expired'] as const)
    assert.deepEqual(remedyFor(FAILURES[kind], 'delete'), { kind: 'again', afterMs: null })
})

test('every failure has a remedy for every verb, and a sentence that tells nothing of the answer', () => {
  for (const failure of Object.values(FAILURES)) {
    for (const verb of VERBS) assert.ok(remedyFor(failure, verb).kind !== undefined)
    assert.match(refusalOf(failure), /^[a-zA-Z0-9 (),]+$/)
  }
  assert.equal(
    refusalOf({ kind: 'invalid', fields: ['data[token: hunter2]'] }),
    refusalOf({ kind: 'invalid', fields: [] }),
  )
  assert.match(refusalOf(FAILURES.rejected), /418/)
})
