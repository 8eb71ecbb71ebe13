/**
 * Leader election by a Lease, as client-go does it, so that both can read each other's records.
 *
 * Promises: a leader may write for ten seconds after the start of its last good renewal, by its own monotonic clock; a follower takes a Lease only
 * when it has itself watched it unchanged for the fifteen seconds that the record names. So no clock is ever compared with another's, and two leaders
 * need a clock that runs wrong by half. It does not promise that a request sent by an old leader is not carried out later: preconditions in the
 * requests do that. A leader that ends in good order gives the Lease up, and a follower, who looks once a second, has it within 1.2 seconds.
 */

import type { FailureKind } from '../core/failure.ts'
import type { Leadership } from '../engine/ports.ts'
import type { CallOptions, ClusterApi, Lease } from '../kube/api.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import type { Logger } from './logger.ts'
import { blankLease, lapseMs, nextRecord, releasedRecord } from './lease-record.ts'
import { Tenure } from './tenure.ts'

export const LEASE_DURATION_MS = 15_000
export const RENEW_DEADLINE_MS = 10_000
/** Between two renewals. */
export const RENEW_MS = 2_000
/** Between two looks of a follower, before jitter. */
export const FOLLOW_MS = 1_000
/** Waits are drawn from one to so many times their length. */
export const JITTER = 1.2
/** Two calls fit between the first missed renewal and the deadline. */
const CALL_TIMEOUT_MS = 3_000
/** A release whose hold the leader does not know yet, right after a change of leader, is kept for so long. */
export const RELEASE_PATIENCE_MS = 60_000

export interface ElectionOptions {
  readonly api: Pick<ClusterApi, 'readLease' | 'createLease' | 'updateLease'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Unique to this process, such as the pod's name and a random part. */
  readonly identity: string
  readonly namespace: string
  /** One Lease for each group of destinations; home's is `heliograph`. */
  readonly name: string
  /** `<prefix>release`. */
  readonly releaseKey: string
  /** False: this process leads from start to end, and the Lease only carries releases. */
  readonly enabled: boolean
  readonly onGained: () => void
  readonly onLost: () => void
  /** A person wrote a hold id to the Lease; true if such a hold was released. A follower may hold deletions on peers. */
  readonly onRelease: (id: string) => boolean
}

export class Election implements Leadership {
  readonly #o: ElectionOptions
  #isLeading = false
  readonly #tenure: Tenure
  /** The Lease as its last answer had it; null: it must be read before it is written. */
  #known: Lease | null = null
  /** The version that a follower watches, and since when it has not changed. */
  #watched: { readonly version: string; readonly sinceMs: number } | null = null
  #release: { readonly id: string; readonly seenAtMs: number; done: boolean } | null = null
  /** The last release that this process carried out as a follower. */
  #passed: string | null = null
  #lastFailure: FailureKind | null = null

  constructor(options: ElectionOptions) {
    this.#o = options
    this.#tenure = new Tenure(options.clock)
  }

  isLive(): boolean {
    return this.#tenure.isLive()
  }

  /** Stands for election until `signal` fires; then gives up the lead, if it had it, and the Lease. Writes must be over by then. */
  async run(signal: AbortSignal): Promise<void> {
    if (!this.#o.enabled) this.#gain(Number.POSITIVE_INFINITY)
    while (!signal.aborted) {
      const startedMs = this.#o.clock.now()
      await this.#attempt({ signal, timeoutMs: this.#timeoutMs() })
      this.#loseWhenDue()
      if (signal.aborted) break
      await this.#o.clock.sleep(this.#pauseMs(startedMs), signal)
      this.#loseWhenDue()
    }
    const held = this.#isLeading
    this.#lose()
    if (held && this.#o.enabled) await this.#giveUp()
  }

  /** One look or renewal. A write that meets another's, such as a release, is tried again at once with what that one left. */
  async #attempt(options: CallOptions): Promise<void> {
    for (let round = 0; round < 2; round += 1) {
      const lease = this.#known ?? (await this.#read(options))
      if (lease === null) return
      if (!this.#mayTake(lease)) return await this.#passRelease(lease, options)
      this.#noteRelease(lease)
      const record = this.#recordAfter(lease)
      if (record === null) return
      const writtenFromMs = this.#o.clock.now()
      const answer =
        lease.version === null
          ? await this.#o.api.createLease(record, options)
          : await this.#o.api.updateLease(record, options)
      if (answer.ok) return this.#written(answer.value, writtenFromMs)
      this.#known = null
      this.#failed(answer.failure.kind, options.signal)
      if (answer.failure.kind !== 'conflict' && answer.failure.kind !== 'exists') return
    }
  }

  async #read(options: CallOptions): Promise<Lease | null> {
    const { api, namespace, name } = this.#o
    const answer = await api.readLease(namespace, name, options)
    if (answer.ok) {
      this.#lastFailure = null
      return answer.value
    }
    if (answer.failure.kind === 'absent') return blankLease({ namespace, name }, LEASE_DURATION_MS)
    this.#failed(answer.failure.kind, options.signal)
    return null
  }

  /** Whether this process may put its name on the Lease now, or has. */
  #mayTake(lease: Lease): boolean {
    if (!this.#o.enabled) return true
    const { identity, clock } = this.#o
    if (lease.holder === null || lease.holder === identity) return true
    // Somebody else took it: what this process believed is over.
    this.#lose()
    const version = lease.version ?? ''
    if (this.#watched?.version !== version) this.#watched = { version, sinceMs: clock.now() }
    return clock.now() - this.#watched.sinceMs >= lapseMs(lease, LEASE_DURATION_MS)
  }

  /** What to write; null: nothing (a process that is not elected writes only to make the Lease, or to take a release off it). */
  #recordAfter(lease: Lease): Lease | null {
    const isHandled = this.#release !== null && (this.#release.done || this.#patienceIsOver())
    const annotations = { ...lease.annotations }
    if (isHandled) delete annotations[this.#o.releaseKey]
    if (!this.#o.enabled) return lease.version === null || isHandled ? { ...lease, annotations } : null
    return nextRecord({ ...lease, annotations }, this.#o.identity, LEASE_DURATION_MS, this.#o.clock.wall())
  }

  #written(lease: Lease, writtenFromMs: number): void {
    this.#lastFailure = null
    // Without election nobody renews, so that only a look shows a release.
    this.#known = this.#o.enabled ? lease : null
    if (lease.annotations[this.#o.releaseKey] === undefined) this.#release = null
    if (this.#o.enabled) this.#gain(writtenFromMs + RENEW_DEADLINE_MS)
    this.#noteRelease(lease)
  }

  /** The leader hands a release to the engine, once. */
  #noteRelease(lease: Lease): void {
    const id = lease.annotations[this.#o.releaseKey]
    if (id === undefined || !this.#isLeading || !this.isLive()) return
    if (this.#release?.id !== id) this.#release = { id, seenAtMs: this.#o.clock.now(), done: false }
    if (this.#release.done) return
    this.#release.done = this.#o.onRelease(id)
    if (this.#release.done)
      this.#o.log.info('deletions released by a person', { hold: id.slice(0, 64), lease: this.#o.name })
    else if (this.#patienceIsOver())
      this.#o.log.warn('no held deletions have this id', { hold: id.slice(0, 64), lease: this.#o.name })
  }

  /** What a follower holds, it lets go, and takes the id off the Lease; the holder's name and time stay as they are. */
  async #passRelease(lease: Lease, options: CallOptions): Promise<void> {
    const { releaseKey, api, log, name } = this.#o
    const { [releaseKey]: id, ...annotations } = lease.annotations
    if (id === undefined) return
    if (this.#passed !== id) {
      if (!this.#o.onRelease(id)) return
      this.#passed = id
      log.info('deletions released by a person', { hold: id.slice(0, 64), lease: name })
    }
    await api.updateLease({ ...lease, annotations }, options)
  }

  #patienceIsOver(): boolean {
    return this.#release !== null && this.#o.clock.now() - this.#release.seenAtMs >= RELEASE_PATIENCE_MS
  }

  #gain(liveUntilMs: number): void {
    const { clock } = this.#o
    this.#tenure.extend(liveUntilMs)
    if (this.#isLeading || clock.now() >= liveUntilMs) return
    this.#isLeading = true
    this.#watched = null
    this.#o.log.info('leading', { lease: this.#o.name, holder: this.#o.identity })
    this.#o.onGained()
  }

  #loseWhenDue(): void {
    if (this.#isLeading && !this.isLive()) this.#lose()
  }

  #lose(): void {
    this.#tenure.end()
    if (!this.#isLeading) return
    this.#isLeading = false
    this.#release = null
    this.#known = null
    this.#o.log.info('no longer leading', { lease: this.#o.name, holder: this.#o.identity })
    this.#o.onLost()
  }

  /** Clears the holder, so that a follower need not wait for the time to pass. Best effort: otherwise it does. */
  async #giveUp(): Promise<void> {
    const { api, identity, namespace, name, clock } = this.#o
    const options = { signal: new AbortController().signal, timeoutMs: CALL_TIMEOUT_MS }
    for (let round = 0; round < 2; round += 1) {
      const read = await api.readLease(namespace, name, options)
      if (!read.ok || read.value.holder !== identity) return
      const released = releasedRecord(read.value, identity, LEASE_DURATION_MS, clock.wall())
      if ((await api.updateLease(released, options)).ok) return
    }
  }

  #pauseMs(startedMs: number): number {
    const { clock, random, enabled } = this.#o
    if (!enabled) return RENEW_MS
    if (!this.#isLeading) return FOLLOW_MS * (1 + (JITTER - 1) * random.next())
    const now = clock.now()
    return Math.max(0, Math.min(startedMs + RENEW_MS - now, this.#tenure.untilMs - now))
  }

  /** No call outlives the lead, so that its end is met in time. */
  #timeoutMs(): number {
    if (!this.#isLeading || !this.#o.enabled) return CALL_TIMEOUT_MS
    return Math.max(1, Math.min(CALL_TIMEOUT_MS, this.#tenure.untilMs - this.#o.clock.now()))
  }

  /** One line for each change of what is wrong. Another's write is nothing wrong, nor is a call that our own end cut off. */
  #failed(kind: FailureKind, signal: AbortSignal): void {
    if (signal.aborted || kind === 'conflict' || kind === 'exists' || kind === this.#lastFailure) return
    this.#lastFailure = kind
    this.#o.log.warn('lease not reached', {
      lease: this.#o.name,
      namespace: this.#o.namespace,
      failure: kind,
    })
  }
}
