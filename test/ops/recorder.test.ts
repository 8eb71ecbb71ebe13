/** The recorder: each outcome is counted once, the same notice is one line, and failures by the thousand are few lines. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Failure } from '../../src/core/failure.ts'
import { keyOf } from '../../src/core/names.ts'
import type { Uid } from '../../src/core/names.ts'
import { notice } from '../../src/core/notices.ts'
import type { Turn } from '../../src/engine/ports.ts'
import { Events } from '../../src/ops/events.ts'
import { createLogger } from '../../src/ops/logger.ts'
import { Metrics } from '../../src/ops/metrics.ts'
import {
  FAILURE_LINES_MAX,
  FAILURE_WINDOW_MS,
  createRecorder,
  createRequestRecorder,
  createWatchRecorder,
} from '../../src/ops/recorder.ts'
import { ok } from '../../src/std/result.ts'
import { FakeClock } from '../kube/fake-clock.ts'

interface Line {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

function rig(level: 'debug' | 'info' = 'info') {
  const clock = new FakeClock()
  const lines: Line[] = []
  const log = createLogger({ level, format: 'json', write: (line) => lines.push(JSON.parse(line) as Line) })
  const metrics = new Metrics({
    version: '1',
    withRuntime: false,
    snapshot: () => ({
      isLeading: true,
      hasDigestKey: true,
      origins: 0,
      heldOrigins: 0,
      renderingBytes: 0,
      certificateExpiresAtMs: null,
      isIdentityHeld: false,
      peers: [],
      destinations: [],
    }),
  })
  const done = () => Promise.resolve(ok(undefined))
  const events = new Events({
    api: { createEvent: done, bumpEvent: done },
    clock,
    log,
    isLeading: () => true,
    dropped: () => undefined,
  })
  return { clock, lines, log, metrics, recorder: createRecorder({ metrics, events, log, clock }) }
}

function turn(decision: Turn['decision'], failure: Failure | null = null): Turn {
  return {
    destination: 'home',
    key: keyOf({ kind: 'Secret', namespace: 'a', name: 'b' }),
    decision,
    reason: 'drift',
    failure,
  }
}

test('a write is counted by verb and result, a question is not', async () => {
  const { recorder, metrics } = rig()
  recorder.acted(turn('update'))
  recorder.acted(turn('update', { kind: 'quota' }))
  recorder.acted(turn('read-origin'))
  const text = await metrics.text()
  assert.match(text, /writes_total\{destination="home",verb="update",result="ok"\} 1\n/)
  assert.match(text, /writes_total\{destination="home",verb="update",result="quota"\} 1\n/)
  assert.doesNotMatch(text, /read-origin/)
})

test('what a person may ask about later is logged; a push of thousands is not, unless at debug', () => {
  const { recorder, lines } = rig()
  for (const decision of ['create', 'update', 'fill', 'remove', 'retain', 'release', 'replace'] as const)
    recorder.acted(turn(decision))
  assert.deepEqual(
    lines.map((line) => line['decision']),
    ['remove', 'retain', 'release', 'replace'],
  )
  const debug = rig('debug')
  debug.recorder.acted(turn('create'))
  assert.equal(debug.lines[0]?.['object'], 'Secret/a/b')
})

test('a failed write is a warning; one that was overtaken is not', () => {
  const { recorder, lines } = rig()
  recorder.acted(turn('update', { kind: 'conflict' }))
  recorder.acted(turn('update', { kind: 'server', code: 503, retryAfterMs: null }))
  assert.deepEqual(
    lines.map(({ level, msg, failure, code }) => [level, msg, failure, code]),
    [['warn', 'write failed', 'server', 503]],
  )
})

test('thousands of failures are few lines, and the next line says how many were left out', async () => {
  const { recorder, lines, clock } = rig()
  const failure: Failure = { kind: 'unanswered', why: 'refused' }
  for (let at = 0; at < 1_000; at += 1) recorder.acted(turn('update', failure))
  assert.equal(lines.length, FAILURE_LINES_MAX)
  recorder.acted(turn('update', { kind: 'forbidden' }))
  assert.equal(lines.length, FAILURE_LINES_MAX + 1)
  await clock.advance(FAILURE_WINDOW_MS)
  recorder.acted(turn('update', failure))
  assert.equal(lines.at(-1)?.['count'], 1_000 - FAILURE_LINES_MAX)
})

test('the paths of an invalid object, which can name keys of data, are at debug only', () => {
  const failure: Failure = { kind: 'invalid', fields: ['data[tls.crt]'] }
  const [info, debug] = [rig(), rig('debug')]
  info.recorder.acted(turn('create', failure))
  debug.recorder.acted(turn('create', failure))
  assert.ok(!JSON.stringify(info.lines).includes('tls.crt'))
  assert.ok(JSON.stringify(debug.lines).includes('tls.crt'))
})

test('the same notice a thousand times is one line and one count', async () => {
  const { recorder, metrics, lines } = rig()
  const subject = { kind: 'Secret', namespace: 'a', name: 'b', uid: 'u' as Uid } as const
  const failing = notice('ValidationFailed', subject, { validator: 'tls', reason: 'the pair does not match' })
  for (let at = 0; at < 1_000; at += 1) recorder.tell(failing)
  const text = await metrics.text()
  assert.match(text, /notices_total\{notice="ValidationFailed"\} 1\n/)
  assert.match(text, /validation_failures_total 1\n/)
  assert.deepEqual(
    lines.map((line) => [line.msg, line['object'], line['notice']]),
    [['told', 'Secret/a/b', 'ValidationFailed']],
  )
})

test('propagation, repairs and conflicts are counted', async () => {
  const { recorder, metrics } = rig()
  recorder.propagated('home', 0.5)
  recorder.repaired()
  recorder.conflicted()
  recorder.conflicted()
  const text = await metrics.text()
  assert.match(text, /propagation_seconds_count\{destination="home"\} 1\n/)
  assert.match(text, /drift_repairs_total 1\n/)
  assert.match(text, /conflicts_total 2\n/)
})

test('held deletions are a warning with what a release needs', () => {
  const { recorder, lines } = rig()
  recorder.held({ id: 'abc', originNamespace: 'shared', inferred: 150, mirrors: 200 })
  const { hold, namespace, count, total, level } = lines[0] ?? { level: '', msg: '' }
  assert.deepEqual([level, hold, namespace, count, total], ['warn', 'abc', 'shared', 150, 200])
})

test('what the watches tell is counted, and an outage is a line a minute', async () => {
  const { metrics, log, clock, lines } = rig()
  const watch = createWatchRecorder({ destination: 'home', metrics, log, clock })
  watch.restarted('secrets', 'cut')
  watch.auditFound('secrets', 3)
  for (let at = 0; at < 120; at += 1) {
    watch.failed('secrets', { kind: 'unanswered', why: 'refused' })
    await clock.advance(1_000)
  }
  const text = await metrics.text()
  assert.match(text, /watch_restarts_total\{destination="home",resource="secrets",reason="cut"\} 1\n/)
  assert.match(text, /audit_found_total\{destination="home",resource="secrets"\} 3\n/)
  assert.match(text, /watch_failures_total\{[^}]*failure="unanswered"\} 120\n/)
  assert.equal(lines.filter((line) => line.msg === 'watch failed').length, 2)
})

test('requests are counted by code, and timed unless they are watches', async () => {
  const { metrics } = rig()
  const requests = createRequestRecorder('home', metrics)
  requests.answered('patch', 'secrets', 429, 0.02)
  requests.answered('watch', 'secrets', 200, 500)
  requests.answered('get', 'secrets', 'unanswered', 30)
  const text = await metrics.text()
  assert.match(
    text,
    /api_requests_total\{destination="home",verb="patch",resource="secrets",code="429"\} 1\n/,
  )
  assert.match(
    text,
    /api_requests_total\{destination="home",verb="get",resource="secrets",code="unanswered"\} 1\n/,
  )
  assert.match(text, /api_request_seconds_count\{destination="home",verb="patch"\} 1\n/)
  assert.doesNotMatch(text, /api_request_seconds_count\{[^}]*"watch"/)
})
