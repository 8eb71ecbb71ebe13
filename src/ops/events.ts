/**
 * Notices to Kubernetes Events, beside the object that they are about.
 *
 * Promises: the same notice about the same object is said at once and then at most once in ten minutes, its count rising; no namespace and not all
 * together get more than a small rate; nothing here ever makes the engine wait; only a leader tells. An Event that cannot be stored is dropped and counted.
 */

import { createHash } from 'node:crypto'
import type { Failure, FailureKind } from '../core/failure.ts'
import { NOTICES } from '../core/notices.ts'
import type { Notice } from '../core/notices.ts'
import type { ClusterApi, EventBody } from '../kube/api.ts'
import type { Clock } from '../std/clock.ts'
import { TokenBucket } from './buckets.ts'
import type { BucketRate } from './buckets.ts'
import type { DropReason } from './catalogue.ts'
import type { Logger } from './logger.ts'

/** The same notice again is only counted for so long. */
export const REPEAT_MS = 600_000
/** Events that wait to be stored. */
export const WAITING_MAX = 1_000
/** Notices that are remembered, the least recently told forgotten first: a forgotten one is said anew. */
export const REMEMBERED_MAX = 10_000
export const OVERALL_RATE: BucketRate = { burst: 50, perSecond: 10 }
export const NAMESPACE_RATE: BucketRate = { burst: 20, perSecond: 1 }
const CALL_TIMEOUT_MS = 10_000
const IDLE_MS = 60_000

export interface EventsOptions {
  readonly api: Pick<ClusterApi, 'createEvent' | 'bumpEvent'>
  readonly clock: Clock
  readonly log: Logger
  readonly isLeading: () => boolean
  readonly dropped: (why: DropReason) => void
}

interface Told {
  readonly name: string
  readonly firstSeenWallMs: number
  count: number
  lastSeenWallMs: number
  saidAtMs: number
  /** An Event of this name was stored, as far as we know. */
  isStored: boolean
}

export class Events {
  readonly #o: EventsOptions
  /** In the order in which they were told last. */
  readonly #told = new Map<string, Told>()
  readonly #waiting = new Map<string, { readonly notice: Notice; readonly told: Told }>()
  readonly #overall: TokenBucket
  readonly #namespaces = new Map<string, TokenBucket>()
  readonly #loggedFailures = new Set<FailureKind>()
  #wake = new AbortController()

  constructor(options: EventsOptions) {
    this.#o = options
    this.#overall = new TokenBucket(OVERALL_RATE, options.clock.now())
  }

  /** Takes a notice; true if it is said now, false if it only counts as a repeat or this replica does not lead. Never waits. */
  tell(notice: Notice): boolean {
    if (!this.#o.isLeading()) return false
    const key = keyOfNotice(notice)
    const now = this.#o.clock.now()
    const known = this.#told.get(key)
    const told = known ?? this.#first(key)
    this.#told.delete(key)
    this.#told.set(key, told)
    told.count += 1
    told.lastSeenWallMs = this.#o.clock.wall()
    if (known !== undefined && now - known.saidAtMs < REPEAT_MS) return false
    told.saidAtMs = now
    this.#forgetOldest()
    if (this.#waiting.size >= WAITING_MAX) this.#o.dropped('queue-full')
    else this.#waiting.set(key, { notice, told })
    this.#wake.abort()
    return true
  }

  /** Stores Events one after the other until `signal` fires; what waits then is given up. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = new AbortController()
      const waitMs = await this.#storeNext(signal)
      if (waitMs > 0) await this.#o.clock.sleep(waitMs, AbortSignal.any([signal, this.#wake.signal]))
    }
  }

  #first(key: string): Told {
    const wallMs = this.#o.clock.wall()
    const name = createHash('sha256').update(key).digest('hex').slice(0, 16)
    return { name, firstSeenWallMs: wallMs, count: 0, lastSeenWallMs: wallMs, saidAtMs: 0, isStored: false }
  }

  #forgetOldest(): void {
    for (const key of this.#told.keys()) {
      if (this.#told.size <= REMEMBERED_MAX) return
      this.#told.delete(key)
    }
  }

  /** Stores the first Event whose namespace may have one now; answers how long to wait for the next. */
  async #storeNext(signal: AbortSignal): Promise<number> {
    const now = this.#o.clock.now()
    if (this.#waiting.size === 0) return IDLE_MS
    const overallMs = this.#overall.waitMs(now)
    if (overallMs > 0) return overallMs
    let soonestMs = IDLE_MS
    for (const [key, { notice, told }] of this.#waiting) {
      const bucket = this.#bucketOf(namespaceOf(notice), now)
      const waitMs = bucket.waitMs(now)
      soonestMs = Math.min(soonestMs, waitMs)
      if (waitMs > 0) continue
      bucket.take(now)
      this.#overall.take(now)
      this.#waiting.delete(key)
      // A replica that lost the lead meanwhile leaves the telling to the next.
      if (this.#o.isLeading()) await this.#store(notice, told, signal)
      return 0
    }
    return soonestMs
  }

  #bucketOf(namespace: string, now: number): TokenBucket {
    if (this.#namespaces.size > WAITING_MAX)
      for (const [name, bucket] of this.#namespaces) if (bucket.isFull(now)) this.#namespaces.delete(name)
    return this.#namespaces.getOrInsertComputed(namespace, () => new TokenBucket(NAMESPACE_RATE, now))
  }

  async #store(notice: Notice, told: Told, signal: AbortSignal): Promise<void> {
    const options = { signal, timeoutMs: CALL_TIMEOUT_MS }
    const { api } = this.#o
    const body = bodyOf(notice, told)
    const first = told.isStored ? await api.bumpEvent(body, options) : await api.createEvent(body, options)
    let failure = first.ok ? null : first.failure
    // The API server forgets Events after an hour; and a leader before us may have stored this one.
    if (failure?.kind === 'absent' && told.isStored) failure = failureOf(await api.createEvent(body, options))
    else if (failure?.kind === 'exists' && !told.isStored) {
      told.count = Math.max(told.count, 2)
      failure = failureOf(await api.bumpEvent(bodyOf(notice, told), options))
    }
    told.isStored = failure === null
    if (failure !== null && !signal.aborted) this.#refused(notice, failure)
  }

  #refused(notice: Notice, failure: Failure): void {
    this.#o.dropped('refused')
    const fields = { notice: notice.code, namespace: namespaceOf(notice), failure: failure.kind }
    if (this.#loggedFailures.has(failure.kind)) return this.#o.log.debug('event not stored', fields)
    this.#loggedFailures.add(failure.kind)
    this.#o.log.warn('event not stored; more of this failure are logged at debug only', fields)
  }
}

/** Where the Event is stored. One about a Namespace lies within it, since there its owner reads. */
function namespaceOf({ subject }: Notice): string {
  return subject.kind === 'Namespace' ? subject.name : subject.namespace
}

function keyOfNotice({ code, subject, message }: Notice): string {
  return [
    code,
    subject.kind,
    namespaceOf({ code, subject, message }),
    subject.name,
    subject.uid,
    message,
  ].join('\0')
}

const NAME_LENGTH_MAX = 253

function bodyOf(notice: Notice, told: Told): EventBody {
  const { subject, code, message } = notice
  const namespace = namespaceOf(notice)
  const stem = subject.name.slice(0, NAME_LENGTH_MAX - told.name.length - 1).replace(/[-.]+$/, '')
  return {
    namespace,
    name: `${stem}.${told.name}`,
    // The API server takes an Event in a namespace only if its subject names the same one, a Namespace too.
    subject: { ...subject, namespace },
    type: NOTICES[code].type,
    reason: code,
    message,
    count: told.count,
    firstSeenWallMs: told.firstSeenWallMs,
    lastSeenWallMs: told.lastSeenWallMs,
  }
}

function failureOf(
  result: { readonly ok: true } | { readonly ok: false; readonly failure: Failure },
): Failure | null {
  return result.ok ? null : result.failure
}
