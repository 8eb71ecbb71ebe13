/** Writes in flight: fewer when the API server shows overload, more again when it does not. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Concurrency, WRITES_IN_FLIGHT_MIN } from '../../src/engine/concurrency.ts'

const FAST_MS = 20
const SLOW_MS = 6_000

function good(concurrency: Concurrency, answers: number, nowMs: number): void {
  for (let answer = 0; answer < answers; answer += 1) concurrency.answered('a', FAST_MS, null, nowMs)
}

test('a 429 shrinks the limit at once, and a burst of them once a second', () => {
  const concurrency = new Concurrency(32)
  for (let index = 0; index < 10; index += 1)
    concurrency.answered('a', FAST_MS, { kind: 'throttled', retryAfterMs: null }, 0)
  assert.equal(concurrency.limit, 22)
  concurrency.answered('a', FAST_MS, { kind: 'throttled', retryAfterMs: null }, 1_000)
  assert.equal(concurrency.limit, 15)
})

test('the limit never falls below its minimum nor rises above the setting', () => {
  const concurrency = new Concurrency(8)
  for (let second = 0; second < 60; second += 1)
    concurrency.answered('a', FAST_MS, { kind: 'throttled', retryAfterMs: null }, second * 1_000)
  assert.equal(concurrency.limit, WRITES_IN_FLIGHT_MIN)
  good(concurrency, 1_000, 100_000)
  assert.equal(concurrency.limit, 8)
  assert.equal(new Concurrency(1).limit, WRITES_IN_FLIGHT_MIN)
})

test('slow answers in one namespace shrink nothing; in a second one they do', () => {
  const concurrency = new Concurrency(32)
  for (let index = 0; index < 50; index += 1) concurrency.answered('a', SLOW_MS, null, index * 1_000)
  assert.equal(concurrency.limit, 32)
  concurrency.answered('b', SLOW_MS, null, 60_000)
  assert.equal(concurrency.limit, 22)
})

test('5xx and unanswered writes count as slow, and a refusal of one object does not', () => {
  for (const failure of [
    { kind: 'server', code: 503, retryAfterMs: null },
    { kind: 'unanswered', why: 'timeout' },
  ] as const) {
    const concurrency = new Concurrency(32)
    concurrency.answered('a', FAST_MS, failure, 0)
    concurrency.answered('b', FAST_MS, failure, 0)
    assert.equal(concurrency.limit, 22)
  }
  const concurrency = new Concurrency(32)
  for (const name of ['a', 'b', 'c']) concurrency.answered(name, FAST_MS, { kind: 'forbidden' }, 0)
  assert.equal(concurrency.limit, 32)
})

test('one slot comes back for each round of good answers', () => {
  const concurrency = new Concurrency(32)
  concurrency.answered('a', FAST_MS, { kind: 'throttled', retryAfterMs: null }, 0)
  good(concurrency, 21, 10)
  assert.equal(concurrency.limit, 22)
  good(concurrency, 1, 10)
  assert.equal(concurrency.limit, 23)
})
