/**
 * One watch stream, from request to end: lines become changes in the sink as they are read, and the end says how to go on.
 *
 *   opening ──200──► initial ──BOOKMARK initial-events-end──► live      (streaming start)
 *   opening ──200──► live                                               (resume)
 *
 * In `initial` the versions of ADDED lines are in no order: no resume version is ever taken from them.
 */

import type { ResourceVersion } from '../core/names.ts'
import { isNewer } from '../core/names.ts'
import type { Clock } from '../std/clock.ts'
import type { ChangeSink, ReflectorWatcher, RestartReason, Watched } from './changes.ts'
import type { CallRequest, Cluster, Refusal, StreamEnd, StreamReceiver } from './connection.ts'
import type { CancelReason } from './exchange.ts'
import { readStatus, streamedFailure } from './failure.ts'
import { holdsMark, lineHead } from './head.ts'
import { isRecord, parseJson } from './json.ts'
import type { Json } from './json.ts'
import { LineSplitter } from './lines.ts'
import { pathTo } from './paths.ts'
import type { WatchedResource } from './resources.ts'
import type { ReflectorTiming } from './timing.ts'
import { versionOf } from './wire.ts'

const INITIAL_END = 'k8s.io/initial-events-end'

/** What every stream, list and audit of one reflector shares. */
export interface Watching<T extends Watched> {
  readonly cluster: Cluster
  readonly resource: WatchedResource<T>
  /** Empty: all namespaces. */
  readonly namespace: string
  readonly marks: readonly string[]
  readonly sink: ChangeSink<T>
  readonly watcher: ReflectorWatcher
  readonly clock: Clock
  readonly timing: ReflectorTiming
  /** Told of every change of a live stream: by an object, or by null for a line that was skipped or a deletion. */
  readonly seen: (namespace: string, name: string, object: T | null) => void
  /** Told of every version to which the live stream has come. */
  readonly reached: (version: ResourceVersion) => void
}

export interface WatchStart {
  /** Ask for the snapshot first, as a stream. */
  readonly isStreamingStart: boolean
  /** To resume after, or for a streaming start the version to be at least at; null: the newest. */
  readonly from: ResourceVersion | null
  readonly timeoutSeconds: number
}

export interface WatchEnd {
  readonly reason: RestartReason
  /** Null when nothing went wrong. */
  readonly refusal: Refusal | null
  /** Where the stream was when it ended. */
  readonly phase: 'opening' | 'initial' | 'live'
  /** Where to resume; null before the snapshot of a streaming start is complete. */
  readonly position: ResourceVersion | null
  /** Events, bookmarks apart. */
  readonly events: number
  /** Since the request. */
  readonly lastedMs: number
}

/** Runs one stream to its end. Rejects only when the sink throws. */
export async function watchOnce<T extends Watched>(
  watching: Watching<T>,
  start: WatchStart,
  signal: AbortSignal,
): Promise<WatchEnd> {
  const run = new WatchRun(watching, start)
  const stop = new AbortController()
  const over = new AbortController()
  const cancel = AbortSignal.any([signal, stop.signal])
  const guard = watchdog({ run, watching, start, stop }, over.signal)
  watching.watcher.attempted(watching.resource.resource)
  try {
    return run.end(await watching.cluster.stream(requestOf(watching, start), run, cancel))
  } finally {
    over.abort()
    await guard
  }
}

function requestOf<T extends Watched>(watching: Watching<T>, start: WatchStart): CallRequest {
  const { resource, namespace } = watching
  const query: Record<string, string> = { watch: 'true', allowWatchBookmarks: 'true' }
  query['timeoutSeconds'] = String(start.timeoutSeconds)
  if (resource.fieldSelector !== null) query['fieldSelector'] = resource.fieldSelector
  if (resource.labelSelector !== null) query['labelSelector'] = resource.labelSelector
  if (start.from !== null) query['resourceVersion'] = start.from
  if (start.isStreamingStart) {
    query['sendInitialEvents'] = 'true'
    query['resourceVersionMatch'] = 'NotOlderThan'
  }
  return {
    asked: { verb: 'watch', resource: resource.resource, namespace, name: null },
    method: 'GET',
    path: pathTo(resource.resource, namespace, null, query),
    accept: resource.accept.watch,
  }
}

interface Guarded<T extends Watched> {
  readonly run: WatchRun<T>
  readonly watching: Watching<T>
  readonly start: WatchStart
  readonly stop: AbortController
}

/** Cuts a stream that does not open, went silent, or outlives its timeout. */
async function watchdog<T extends Watched>(guarded: Guarded<T>, over: AbortSignal): Promise<void> {
  const { run, watching, start, stop } = guarded
  const { clock, timing } = watching
  const cutAt = run.startedAt + start.timeoutSeconds * 1000 + timing.overrunMs
  while (!over.aborted) {
    const silentAt = run.silentAt()
    const dueAt = Math.min(cutAt, silentAt)
    const leftMs = dueAt - clock.now()
    if (leftMs <= 0) {
      run.cut(silentAt < cutAt ? 'silent' : 'deadline')
      stop.abort('timeout' satisfies CancelReason)
      return
    }
    // The due time moves forward with each chunk, but also backward with the first bookmark.
    await clock.sleep(Math.min(leftMs, timing.watchdogMs), over)
  }
}

class WatchRun<T extends Watched> implements StreamReceiver {
  readonly startedAt: number
  readonly #watching: Watching<T>
  readonly #marks: readonly Buffer[]
  readonly #lines: LineSplitter
  #isInitial: boolean
  #isOpen = false
  #position: ResourceVersion | null
  #hasBookmark = false
  #heardAt: number
  #events = 0
  /** Set when this side ends the stream. */
  #ended: { readonly reason: RestartReason; readonly refusal: Refusal | null } | null = null

  constructor(watching: Watching<T>, start: WatchStart) {
    this.#watching = watching
    this.#marks = watching.marks.map((mark) => Buffer.from(mark))
    this.#lines = new LineSplitter((line) => this.#line(line))
    this.#isInitial = start.isStreamingStart
    this.#position = start.isStreamingStart ? null : start.from
    this.startedAt = watching.clock.now()
    this.#heardAt = this.startedAt
  }

  opened(): void {
    this.#isOpen = true
    this.#hear()
    if (this.#isInitial) this.#watching.sink.beginSnapshot('relist')
  }

  chunk(bytes: Buffer): boolean {
    this.#hear()
    const pushed = this.#lines.push(bytes)
    if (pushed === 'oversized') this.#end('oversized', null)
    return pushed === 'ok'
  }

  /** When the stream has been silent for too long, on the clock of `now`; never, where silence proves nothing. */
  silentAt(): number {
    const { openMs, startSilenceMs, silenceMs } = this.#watching.timing
    if (!this.#isOpen) return this.startedAt + openMs
    if (this.#isInitial) return this.#heardAt + startSilenceMs
    return this.#hasBookmark ? this.#heardAt + silenceMs : Infinity
  }

  cut(reason: 'silent' | 'deadline'): void {
    const timeout: Refusal = { failure: { kind: 'unanswered', why: 'timeout' }, status: null }
    this.#end(reason, reason === 'silent' ? timeout : null)
  }

  end(stream: StreamEnd): WatchEnd {
    const by = this.#ended ?? endOf(stream, this.#isOpen)
    return {
      ...by,
      phase: this.#isOpen ? (this.#isInitial ? 'initial' : 'live') : 'opening',
      position: this.#position,
      events: this.#events,
      lastedMs: this.#watching.clock.now() - this.startedAt,
    }
  }

  #hear(): void {
    const { clock, watcher, resource } = this.#watching
    this.#heardAt = clock.now()
    watcher.heard(resource.resource)
  }

  #end(reason: RestartReason, refusal: Refusal | null): boolean {
    this.#ended ??= { reason, refusal }
    return false
  }

  #line(line: Buffer): boolean {
    if (this.#watching.resource.isFiltered && this.#skip(line)) return true
    const raw = parseJson(line)
    if (raw === null || !isRecord(raw['object'])) return this.#malformed()
    const { type, object } = raw
    switch (type) {
      case 'ADDED':
      case 'MODIFIED':
      case 'DELETED':
        return this.#change(type, object)
      case 'BOOKMARK':
        return this.#bookmark(object)
      case 'ERROR':
        return this.#error(object)
      default:
        return this.#malformed()
    }
  }

  #skip(line: Buffer): boolean {
    if (holdsMark(line, this.#marks)) return false
    const head = lineHead(line)
    if (head === null || this.#watching.sink.isKnown(head.namespace, head.name)) return false
    this.#events += 1
    if (!this.#isInitial) {
      this.#advance(head.version)
      this.#watching.seen(head.namespace, head.name, null)
    }
    return true
  }

  #change(type: 'ADDED' | 'MODIFIED' | 'DELETED', raw: Json): boolean {
    const { resource, sink, seen } = this.#watching
    const object = resource.parse(raw)
    if (object === null) return this.#malformed()
    this.#events += 1
    const isGone = type === 'DELETED'
    if (!this.#isInitial) {
      this.#advance(object.version)
      seen(resource.namespaceOf(object), object.name, isGone ? null : object)
    }
    if (isGone) sink.gone(object, 'live')
    else sink.put(object, this.#isInitial ? 'relist' : 'live')
    return true
  }

  #bookmark(raw: Json): boolean {
    const version = versionOf(raw)
    if (version === null) return this.#malformed()
    if (!this.#isInitial) {
      this.#hasBookmark = true
      this.#advance(version)
      return true
    }
    if (!isInitialEnd(raw)) return true
    this.#isInitial = false
    this.#position = version
    const { sink, watcher, resource, reached } = this.#watching
    sink.endSnapshot(version)
    watcher.synced(resource.resource)
    reached(version)
    return true
  }

  /** A bookmark or a replayed event that lies behind moves nothing. */
  #advance(version: ResourceVersion): void {
    if (this.#position !== null && !isNewer(version, this.#position)) return
    this.#position = version
    this.#watching.reached(version)
  }

  #error(raw: Json): boolean {
    const { resource, namespace } = this.#watching
    const status = readStatus(raw)
    if (status === null) return this.#malformed()
    const failure = streamedFailure(status, {
      verb: 'watch',
      resource: resource.resource,
      namespace,
      name: null,
    })
    return this.#end(failure.kind === 'expired' ? 'expired' : 'error', { failure, status })
  }

  #malformed(): boolean {
    return this.#end('error', { failure: { kind: 'malformed' }, status: null })
  }
}

function isInitialEnd(raw: Json): boolean {
  const metadata = raw['metadata']
  return (
    isRecord(metadata) && isRecord(metadata['annotations']) && metadata['annotations'][INITIAL_END] === 'true'
  )
}

function endOf(stream: StreamEnd, isOpen: boolean): { reason: RestartReason; refusal: Refusal | null } {
  if (stream.kind !== 'failed') return { reason: 'ended', refusal: null }
  const { failure, status } = stream
  if (failure.kind === 'expired') return { reason: 'expired', refusal: { failure, status } }
  return { reason: isOpen ? 'cut' : 'error', refusal: { failure, status } }
}
