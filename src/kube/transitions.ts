/**
 * The state machine of a reflector, pure: what to do after a stream or a list has ended.
 *
 *            ┌──────────── refused, silent, oversized ───────────┐
 *            │                                                   ▼
 *   stream ──┤ snapshot complete, stream goes on live          list ── complete ──► watch
 *     ▲      └──────────────► (as watch) ──┐                     ▲                   │
 *     └───────── expired ◄─────────────────┴── expired, where streaming is refused ──┤
 *                                                                                    │
 *                                watch ◄── ended, cut, silent, 429, 5xx, refused ────┘
 */

import type { ResourceVersion } from '../core/names.ts'
import type { Result } from '../std/result.ts'
import type { Refusal } from './connection.ts'
import type { ListRefusal } from './listing.ts'
import type { ReflectorTiming } from './timing.ts'
import type { WatchEnd } from './watching.ts'

export type State =
  /** Snapshot by a streaming start, not older than `from`; the stream then goes on as a watch. */
  | { readonly kind: 'stream'; readonly from: ResourceVersion | null }
  /** Snapshot by a paged list. */
  | { readonly kind: 'list'; readonly from: ResourceVersion | null; readonly pageSize: number }
  /** Resume after `from`: no snapshot needed. */
  | { readonly kind: 'watch'; readonly from: ResourceVersion }

/** What is remembered from one turn to the next. */
export interface Memory {
  /** When the server last refused the streaming start (monotonic); null: never. */
  readonly streamingRefusedAt: number | null
  /** Streaming starts that failed in a row for other reasons. */
  readonly failedStarts: number
  /** Streams in a row that broke in the same place for a reason that may lie in what they carry. */
  readonly stuckResumes: number
}

export interface Turn {
  readonly next: State
  readonly pause: 'none' | 'backoff'
  readonly memory: Memory
}

export interface Turning {
  readonly timing: ReflectorTiming
  readonly now: number
  readonly memory: Memory
}

export const FRESH: Memory = { streamingRefusedAt: null, failedStarts: 0, stuckResumes: 0 }

/** Where to begin, and where to go when a snapshot is needed: at the last version first, as the newest costs the server more. */
export function snapshotFrom(from: ResourceVersion | null, turning: Turning): State {
  const { streamingRefusedAt, failedStarts } = turning.memory
  const { streamingForgetMs, streamingStartsMax, pageSize } = turning.timing
  const isRefused = streamingRefusedAt !== null && turning.now - streamingRefusedAt < streamingForgetMs
  return isRefused || failedStarts >= streamingStartsMax
    ? { kind: 'list', from, pageSize }
    : { kind: 'stream', from }
}

/** After a stream, whichever state began it. */
export function afterWatch(state: State, end: WatchEnd, turning: Turning): Turn {
  if (state.kind === 'stream' && end.phase !== 'live') return afterFailedStart(state.from, end, turning)
  const position = end.position
  const memory = {
    ...turning.memory,
    failedStarts: 0,
    stuckResumes: stuckResumes(state, end, turning.memory),
  }
  const pause = end.phase === 'opening' || isShort(end, turning.timing) ? 'backoff' : 'none'
  if (end.reason === 'oversized') return { next: pagedFrom(position, turning), pause: 'backoff', memory }
  const isStuck = memory.stuckResumes >= turning.timing.resumesMax
  if (position !== null && !isStuck && canResume(end)) {
    return {
      next: { kind: 'watch', from: position },
      pause: end.reason === 'error' ? 'backoff' : pause,
      memory,
    }
  }
  const renewed = { ...memory, stuckResumes: 0 }
  const isFailure = isStuck || end.reason !== 'expired'
  return {
    next: snapshotFrom(position, { ...turning, memory: renewed }),
    pause: isFailure ? 'backoff' : pause,
    memory: renewed,
  }
}

/** An HTTP refusal or an ERROR event of these kinds says nothing against the version; others may, so a snapshot is due. */
function canResume(end: WatchEnd): boolean {
  if (end.reason === 'expired') return false
  if (end.reason !== 'error') return true
  const kind = end.refusal?.failure.kind
  return (
    kind === 'throttled' ||
    kind === 'server' ||
    kind === 'unanswered' ||
    kind === 'unauthorized' ||
    kind === 'malformed'
  )
}

/** Only what came on an open stream can be stuck: an unreachable or busy server is waited for, however long. */
function stuckResumes(state: State, end: WatchEnd, memory: Memory): number {
  const isProgress = end.events > 0 || state.kind !== 'watch' || end.position !== state.from
  if (end.phase === 'live' && end.reason === 'error') return (isProgress ? 0 : memory.stuckResumes) + 1
  return isProgress ? 0 : memory.stuckResumes
}

function isShort(end: WatchEnd, timing: ReflectorTiming): boolean {
  return end.events === 0 && end.lastedMs < timing.shortWatchMs
}

function afterFailedStart(from: ResourceVersion | null, end: WatchEnd, turning: Turning): Turn {
  const { memory, timing, now } = turning
  if (isStreamingRefused(end)) {
    const refused = { ...memory, streamingRefusedAt: now, failedStarts: 0 }
    return { next: pagedFrom(from, turning), pause: 'none', memory: refused }
  }
  if (end.reason === 'oversized') return { next: pagedFrom(from, turning), pause: 'backoff', memory }
  // A server that cannot be reached says nothing about what it supports.
  const isCounted = end.phase === 'initial' || end.refusal?.failure.kind !== 'unanswered'
  const failedStarts = memory.failedStarts + (isCounted ? 1 : 0)
  const next: State =
    failedStarts >= timing.streamingStartsMax
      ? pagedFrom(from, turning)
      : { kind: 'stream', from: end.reason === 'expired' ? null : from }
  const failures = failedStarts >= timing.streamingStartsMax ? 0 : failedStarts
  return { next, pause: 'backoff', memory: { ...memory, failedStarts: failures } }
}

/**
 * The four ways in which a server shows that it has no streaming start: it refuses the options, its storage cannot,
 * its cache lags behind, or it accepts and then sends neither objects nor the end of them.
 */
function isStreamingRefused(end: WatchEnd): boolean {
  if (end.phase === 'initial' && end.reason === 'silent') return true
  if (end.refusal === null) return false
  const { failure, status } = end.refusal
  if (end.phase === 'opening' && (failure.kind === 'invalid' || failure.kind === 'rejected')) return true
  return status !== null && (status.phrases.has('streaming-unsupported') || isVersionTooLarge(end.refusal))
}

/** The server has not come to this version yet, or never will: its storage was put back to an older state. */
function isVersionTooLarge(refusal: Refusal): boolean {
  return refusal.status?.causes.some((cause) => cause.type === 'ResourceVersionTooLarge') === true
}

function pagedFrom(from: ResourceVersion | null, turning: Turning): State {
  return { kind: 'list', from, pageSize: turning.timing.pageSize }
}

/** After a paged list. */
export function afterList(
  state: Extract<State, { kind: 'list' }>,
  result: Result<ResourceVersion, ListRefusal>,
  turning: Turning,
): Turn {
  const { memory, timing } = turning
  if (result.ok) return { next: { kind: 'watch', from: result.value }, pause: 'none', memory }
  const { failure, isContinued } = result.failure
  if (failure.kind === 'expired' || isVersionTooLarge(result.failure)) {
    const pause = isContinued || state.from === null ? 'backoff' : 'none'
    return { next: { ...state, from: null }, pause, memory }
  }
  if (failure.kind !== 'malformed') return { next: state, pause: 'backoff', memory }
  // Too large a page is asked for in smaller ones; if one object is too much, the whole is tried again later.
  const pageSize = state.pageSize > 1 ? Math.ceil(state.pageSize / 8) : timing.pageSize
  return { next: { ...state, pageSize }, pause: state.pageSize > 1 ? 'none' : 'backoff', memory }
}
