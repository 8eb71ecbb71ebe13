/** The engine's Recorder: every outcome once, to metrics, logs and Events; and what reflectors and requests tell, to the same metrics. */

import type { Failure, FailureKind } from '../core/failure.ts'
import type { Notice } from '../core/notices.ts'
import type { Recorder, Turn } from '../engine/ports.ts'
import type { ReflectorWatcher } from '../kube/changes.ts'
import type { RequestObserver } from '../kube/connection.ts'
import type { Clock } from '../std/clock.ts'
import { WRITE_VERBS } from './catalogue.ts'
import type { WriteVerb } from './catalogue.ts'
import type { Events } from './events.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

/** Lines of one kind of failure within a minute; the rest are counted and told with the next. */
export const FAILURE_LINES_MAX = 20
export const FAILURE_WINDOW_MS = 60_000

export interface RecorderOptions {
  readonly metrics: Metrics
  readonly events: Events
  readonly log: Logger
  readonly clock: Clock
}

/** Failures that say no more than that something else happened meanwhile: the engine looks and plans again. */
const ORDINARY: ReadonlySet<FailureKind> = new Set([
  'absent',
  'exists',
  'conflict',
  'test-failed',
  'namespace-terminating',
  'namespace-absent',
])
/** Acts that a person may ask about later. */
const REMARKABLE: ReadonlySet<WriteVerb> = new Set(['remove', 'retain', 'release', 'replace'])

export function createRecorder({ metrics, events, log, clock }: RecorderOptions): Recorder {
  const quota = new LineQuota(clock)
  return {
    acted(turn) {
      const verb = WRITE_VERBS.find((each) => each === turn.decision)
      if (verb === undefined) return
      const { destination, failure } = turn
      metrics.count('heliograph_writes_total', { destination, verb, result: failure?.kind ?? 'ok' })
      if (failure === null) logDone(log, turn, verb)
      else logFailed(log, quota, turn, failure)
    },
    tell(notice) {
      if (!events.tell(notice)) return
      metrics.count('heliograph_notices_total', { notice: notice.code })
      if (notice.code === 'ValidationFailed') metrics.count('heliograph_validation_failures_total', {})
      log.info('told', fieldsOf(notice))
    },
    propagated(destination, seconds) {
      metrics.observe('heliograph_propagation_seconds', { destination }, seconds)
      log.info('origin spread', { destination, seconds: Math.round(seconds * 1_000) / 1_000 })
    },
    held({ id, originNamespace, inferred, mirrors }) {
      log.warn('deletions held until a person releases them', {
        hold: id,
        namespace: originNamespace,
        count: inferred,
        total: mirrors,
      })
    },
    repaired: () => metrics.count('heliograph_drift_repairs_total', {}),
    conflicted: () => metrics.count('heliograph_conflicts_total', {}),
  }
}

function fieldsOf(notice: Notice): { notice: string; object: string; message: string } {
  const { kind, namespace, name } = notice.subject
  return {
    notice: notice.code,
    object: [kind, namespace, name].filter((part) => part !== '').join('/'),
    message: notice.message,
  }
}

function logDone(log: Logger, { destination, key, decision, reason }: Turn, verb: WriteVerb): void {
  const fields = { destination, object: key, decision, reason }
  if (REMARKABLE.has(verb)) log.info('written', fields)
  else log.debug('written', fields)
}

function logFailed(log: Logger, quota: LineQuota, turn: Turn, failure: Failure): void {
  const { destination, key, decision, reason } = turn
  const fields = {
    destination,
    object: key,
    decision,
    reason,
    failure: failure.kind,
    code: 'code' in failure ? failure.code : null,
  }
  if (failure.kind === 'invalid')
    log.debug('write refused: invalid', { ...fields, fields: failure.fields.join(', ') })
  if (ORDINARY.has(failure.kind)) return log.debug('write overtaken', fields)
  const left = quota.take(failure.kind)
  if (left !== null) log.warn('write failed', left === 0 ? fields : { ...fields, count: left })
}

/** Bounds the lines of each kind of failure: an API server that is away fails every write. */
class LineQuota {
  readonly #clock: Clock
  readonly #windows = new Map<FailureKind, { startMs: number; lines: number; leftOut: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Null: no line now. Otherwise how many lines were left out before this one. */
  take(kind: FailureKind): number | null {
    const now = this.#clock.now()
    const window = this.#windows.getOrInsertComputed(kind, () => ({ startMs: now, lines: 0, leftOut: 0 }))
    if (now - window.startMs >= FAILURE_WINDOW_MS) {
      window.startMs = now
      window.lines = 0
    }
    if (window.lines >= FAILURE_LINES_MAX) {
      window.leftOut += 1
      return null
    }
    window.lines += 1
    const { leftOut } = window
    window.leftOut = 0
    return leftOut
  }
}

export interface WatchRecorderOptions {
  /** `home`, or a peer's name. */
  readonly destination: string
  readonly metrics: Metrics
  readonly log: Logger
  readonly clock: Clock
}

/** What the reflectors of one cluster tell, as metrics and lines. */
export function createWatchRecorder({
  destination,
  metrics,
  log,
  clock,
}: WatchRecorderOptions): ReflectorWatcher {
  const warnedAtMs = new Map<string, number>()
  return {
    attempted: () => undefined,
    heard: () => undefined,
    synced: (resource) => log.info('watch synced', { destination, resource }),
    restarted(resource, why) {
      metrics.count('heliograph_watch_restarts_total', { destination, resource, reason: why })
      log.debug('watch restarted', { destination, resource, why })
    },
    failed(resource, failure) {
      metrics.count('heliograph_watch_failures_total', { destination, resource, failure: failure.kind })
      const fields = {
        destination,
        resource,
        failure: failure.kind,
        code: 'code' in failure ? failure.code : null,
      }
      const lastMs = warnedAtMs.get(resource)
      if (lastMs !== undefined && clock.now() - lastMs < FAILURE_WINDOW_MS)
        return log.debug('watch failed', fields)
      warnedAtMs.set(resource, clock.now())
      log.warn('watch failed', fields)
    },
    auditFound(resource, count) {
      metrics.count('heliograph_audit_found_total', { destination, resource }, count)
      if (count > 0)
        log.warn('the audit found changes that the watch did not tell', { destination, resource, count })
    },
  }
}

/** Counts every request to one cluster. */
export function createRequestRecorder(destination: string, metrics: Metrics): RequestObserver {
  return {
    answered(verb, resource, code, seconds) {
      metrics.count('heliograph_api_requests_total', { destination, verb, resource, code: String(code) })
      if (verb !== 'watch') metrics.observe('heliograph_api_request_seconds', { destination, verb }, seconds)
    },
  }
}
