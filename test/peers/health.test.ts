/** Whether a peer may be worked on: five calls without an answer, or with 401, or watches that fail for half a minute say no; only a probe says yes again. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { FAILURES_MAX, PeerHealth, WATCH_GRACE_MS } from '../../src/peers/health.ts'
import { FakeClock } from '../kube/fake-clock.ts'

class Scene {
  readonly clock = new FakeClock()
  changes = 0
  readonly health = new PeerHealth(this.clock, () => (this.changes += 1))

  answer(code: number | 'unanswered', times = 1): void {
    for (let time = 0; time < times; time += 1) this.health.answered('patch', code)
  }
}

test('a peer nobody has asked yet is up, and has had no success', () => {
  const { health } = new Scene()
  assert.deepEqual([health.verdict(), health.isBroken, health.lastSuccessAtMs], ['up', false, null])
})

test('calls without an answer break it at the fifth in a row, and that is told once', () => {
  const s = new Scene()
  s.answer('unanswered', FAILURES_MAX - 1)
  assert.equal(s.health.verdict(), 'up')
  s.answer('unanswered')
  assert.deepEqual([s.health.verdict(), s.health.isBroken, s.changes], ['unreachable', true, 1])
  s.answer('unanswered', 10)
  assert.equal(s.changes, 1)
})

test('any answer in between begins the count anew', () => {
  for (const code of [200, 404, 409, 422, 429, 500, 503]) {
    const s = new Scene()
    s.answer('unanswered', FAILURES_MAX - 1)
    s.answer(code)
    s.answer('unanswered', FAILURES_MAX - 1)
    assert.equal(s.health.verdict(), 'up', String(code))
  }
})

test('401 breaks it at the fifth in a row, and a call without an answer does not end that row', () => {
  const s = new Scene()
  s.answer(401, FAILURES_MAX - 1)
  s.answer('unanswered')
  s.answer(401)
  assert.deepEqual([s.health.verdict(), s.changes], ['unauthorized', 1])
  const other = new Scene()
  other.answer(401, FAILURES_MAX - 1)
  other.answer(403)
  other.answer(401)
  assert.equal(other.health.verdict(), 'up')
})

test('watches that are refused with 401 count where no call asks', () => {
  const { health } = new Scene()
  for (let time = 0; time < FAILURES_MAX; time += 1) health.answered('watch', 401)
  assert.equal(health.verdict(), 'unauthorized')
})

test('no other answer to a watch counts, neither for the peer nor against it', () => {
  const s = new Scene()
  for (let time = 0; time < 20; time += 1) s.health.answered('watch', 'unanswered')
  assert.equal(s.health.verdict(), 'up')
  s.answer('unanswered', FAILURES_MAX - 1)
  s.health.answered('watch', 200)
  s.answer('unanswered')
  assert.equal(s.health.verdict(), 'unreachable')
})

test('once broken, no late answer to a call mends it', () => {
  const s = new Scene()
  s.answer('unanswered', FAILURES_MAX)
  for (const code of [200, 201, 403, 500]) s.answer(code)
  assert.deepEqual([s.health.isBroken, s.health.verdict()], [true, 'unreachable'])
})

test('a probe that is answered well mends it, a failed one does not', () => {
  const s = new Scene()
  s.answer('unanswered', FAILURES_MAX)
  for (const failure of ['unanswered', 'unauthorized', 'server', 'throttled'] as const)
    assert.equal(s.health.probed(failure), false, failure)
  assert.ok(s.health.isBroken)
  assert.ok(s.health.probed(null))
  assert.deepEqual([s.health.verdict(), s.health.isBroken, s.changes], ['up', false, 2])
})

test('a probe that is forbidden mends it at the third in a row: a server that starts says that for a moment', () => {
  const s = new Scene()
  s.answer('unanswered', FAILURES_MAX)
  assert.deepEqual(
    (['forbidden', 'forbidden', 'unanswered', 'forbidden', 'forbidden', 'forbidden'] as const).map(
      (failure) => s.health.probed(failure),
    ),
    [false, false, false, false, false, true],
  )
  assert.equal(s.health.verdict(), 'up')
})

test('what waits for recovery hears of it once, whether by a probe or by another credential', () => {
  const { health } = new Scene()
  for (const recover of [() => health.probed(null), () => health.recovered()]) {
    const waiting = health.recovery
    assert.equal(waiting.aborted, false)
    recover()
    assert.equal(waiting.aborted, true)
    assert.equal(health.recovery.aborted, false)
  }
})

test('watches that fail for longer than the grace make it unreachable, though calls are answered', async () => {
  const s = new Scene()
  s.health.watchFailed()
  await s.clock.advance(WATCH_GRACE_MS - 1)
  s.health.watchFailed()
  s.answer(200)
  assert.equal(s.health.verdict(), 'up')
  await s.clock.advance(1)
  assert.deepEqual([s.health.verdict(), s.health.isBroken], ['unreachable', false])
  s.health.watchHeard()
  assert.deepEqual([s.health.verdict(), s.changes], ['up', 1])
})

test('the grace begins anew after a watch was heard', async () => {
  const s = new Scene()
  s.health.watchFailed()
  await s.clock.advance(WATCH_GRACE_MS - 1)
  s.health.watchHeard()
  s.health.watchFailed()
  await s.clock.advance(WATCH_GRACE_MS - 1)
  assert.equal(s.health.verdict(), 'up')
})

test('the last success is that of a good answer or of a watch, not of any answer', async () => {
  const s = new Scene()
  await s.clock.advance(10)
  s.answer(404)
  assert.equal(s.health.lastSuccessAtMs, null)
  s.answer(201)
  assert.equal(s.health.lastSuccessAtMs, 10)
  await s.clock.advance(5)
  s.health.watchHeard()
  assert.equal(s.health.lastSuccessAtMs, 15)
})
