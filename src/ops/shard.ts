/**
 * One shard's Lease, as one replica sees it: taken when it should be ours and is free, renewed while it is, handed over when it should be another's.
 *
 * Promises: {@link Shard.isLive} ends ten seconds after the start of the last good renewal by the monotonic clock, and a Lease is taken only when it is
 * given up, or when this process has itself seen it unchanged for its fifteen seconds and the API server agrees that it is. Handing over
 * ends the life first, then waits for the work on its peers to end, and only then gives the Lease up.
 */

import type { Leadership } from '../engine/ports.ts'
import { isNewer } from '../core/names.ts'
import type { CallOptions, Lease, StoredLease } from '../kube/api.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import { blankLease, nextRecord, releasedRecord } from './lease-record.ts'
import type { LeaseTimes, LeaseWrites } from './membership.ts'
import type { SeenLeases } from './seen-leases.ts'
import { Tenure } from './tenure.ts'

/** A look at what is known; no request belongs to it. */
export const LOOK_MS = 1_000
/** From the start of a renewal's request, after which its holder writes no more. */
export const WRITE_DEADLINE_MS = 10_000
/** A hand-over waits no longer for work under way: what is late then does no harm by its preconditions. */
export const LEAVE_MS_MAX = 10_000

export interface ShardOptions {
  readonly api: LeaseWrites
  readonly clock: Clock
  readonly random: Random
  readonly seen: SeenLeases
  readonly times: LeaseTimes
  readonly identity: string
  readonly namespace: string
  readonly name: string
  readonly labels: Lease['labels']
  /** What its holder writes on it beside what stands there. */
  readonly annotations: () => Lease['annotations']
  /** It has peers. */
  readonly isNeeded: () => boolean
  /** This replica should have it. */
  readonly isMine: () => boolean
  /** Work on one of its peers is not over. */
  readonly isWorking: () => boolean
  /** Its life began or ended. */
  readonly changed: (isLive: boolean) => void
  readonly failed: (lease: string, failure: string) => void
}

export type ShardState = 'elsewhere' | 'held' | 'leaving'

export class Shard implements Leadership {
  readonly #o: ShardOptions
  readonly #tenure: Tenure
  #state: ShardState = 'elsewhere'
  /** While it is held or left: the Lease as its last answer had it. */
  #known: StoredLease | null = null
  /** Monotonic: the next request, or the end of waiting for work to end. */
  #dueMs = 0
  #wake = new AbortController()

  constructor(options: ShardOptions) {
    this.#o = options
    this.#tenure = new Tenure(options.clock)
  }

  isLive(): boolean {
    return this.#state === 'held' && this.#tenure.isLive()
  }

  get state(): ShardState {
    return this.#state
  }

  /** Something changed that decides about it. */
  look(): void {
    this.#wake.abort()
  }

  /** Runs until `signal` fires; then its life ends and the Lease is given up. Writes must be over by then. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#o
    while (!signal.aborted) {
      this.#wake = new AbortController()
      await this.#step(signal)
      if (signal.aborted) break
      await clock.sleep(this.#pauseMs(), AbortSignal.any([signal, this.#wake.signal]))
    }
    if (this.#state === 'elsewhere') return
    this.#end('elsewhere')
    await this.#giveUp({ signal: new AbortController().signal, timeoutMs: this.#o.times.callMs })
  }

  async #step(signal: AbortSignal): Promise<void> {
    const { clock, isNeeded, isMine, isWorking } = this.#o
    if (this.#state === 'held') {
      if (!this.#tenure.isLive() || this.#isTaken()) this.#end('elsewhere')
      else if (!isNeeded() || !isMine()) this.#leave()
      else if (clock.now() >= this.#dueMs) await this.#write(this.#known, signal)
    }
    if (this.#state === 'leaving') {
      if (isWorking() && clock.now() < this.#dueMs) return
      this.#end('elsewhere')
      await this.#giveUp(this.#call(signal))
    }
    if (this.#state === 'elsewhere' && clock.now() >= this.#dueMs && isMine()) await this.#pursue(signal)
  }

  /** The watch shows another's name on a version after ours. */
  #isTaken(): boolean {
    const { seen, name, identity } = this.#o
    const lease = seen.get(name)
    if (lease === null || lease.holder === identity || this.#known === null) return false
    return isNewer(lease.version, this.#known.version)
  }

  /** Takes the Lease where it is free; deletes it where nothing needs it. */
  async #pursue(signal: AbortSignal): Promise<void> {
    const { api, clock, seen, name, times, identity, isNeeded } = this.#o
    if (!seen.isWhole) return
    const lease = seen.get(name)
    const isFree = lease === null || lease.holder === null || lease.holder === identity || seen.isLapsed(name)
    if (!isFree) return
    if (isNeeded()) return await this.#write(lease, signal)
    if (lease === null) return
    this.#dueMs = clock.now() + times.retryMs
    const removed = await api.removeLease(lease, this.#call(signal))
    if (removed.ok || removed.failure.kind === 'absent') seen.gone(name)
  }

  /** Puts our name and time on the Lease, or makes it; it is held if the API server agrees. */
  async #write(lease: StoredLease | null, signal: AbortSignal): Promise<void> {
    const { api, clock, times, identity, name, failed } = this.#o
    const options = this.#call(signal)
    const startedMs = clock.now()
    this.#dueMs = startedMs + times.retryMs
    const base = lease ?? this.#blank()
    const annotations = { ...base.annotations, ...this.#o.annotations() }
    const record = nextRecord({ ...base, annotations }, identity, times.durationMs, clock.wall())
    const answer =
      lease === null ? await api.createLease(record, options) : await api.updateLease(record, options)
    if (answer.ok) return this.#written(answer.value, startedMs)
    const { kind } = answer.failure
    if (kind === 'conflict' || kind === 'exists' || kind === 'absent') await this.#lookAgain(signal)
    else if (!signal.aborted) failed(name, kind)
  }

  #written(lease: Lease, startedMs: number): void {
    const { clock, random, seen, times, changed } = this.#o
    this.#known = stored(lease)
    if (this.#known !== null) seen.note(this.#known)
    this.#tenure.extend(startedMs + WRITE_DEADLINE_MS)
    this.#dueMs = startedMs + times.renewMs * (0.9 + 0.1 * random.next())
    if (this.#state === 'held' || clock.now() >= this.#tenure.untilMs) return
    this.#state = 'held'
    changed(true)
  }

  /** Somebody else wrote or deleted it, a person perhaps, or an own request without an answer was carried out. */
  async #lookAgain(signal: AbortSignal): Promise<void> {
    const { api, seen, namespace, name, identity } = this.#o
    const read = await api.readLease(namespace, name, this.#call(signal))
    const lease = read.ok ? stored(read.value) : null
    if (lease !== null) seen.note(lease)
    else if (!read.ok && read.failure.kind === 'absent') seen.gone(name)
    else return
    if (lease?.holder === identity) this.#known = lease
    else if (this.#state === 'held') this.#end('elsewhere')
  }

  #leave(): void {
    this.#end('leaving')
    this.#dueMs = this.#o.clock.now() + LEAVE_MS_MAX
  }

  #end(next: 'elsewhere' | 'leaving'): void {
    const wasHeld = this.#state === 'held'
    this.#state = next
    this.#tenure.end()
    this.#dueMs = this.#o.clock.now()
    if (wasHeld) this.#o.changed(false)
  }

  /** Clears the holder, or deletes a Lease that nothing needs. Best effort: otherwise it lapses. */
  async #giveUp(options: CallOptions): Promise<void> {
    const { api, clock, seen, times, identity, namespace, name, isNeeded } = this.#o
    for (let round = 0; round < 2 && this.#known !== null; round += 1) {
      const released = releasedRecord(this.#known, identity, times.durationMs, clock.wall())
      const answer = isNeeded()
        ? await api.updateLease(released, options)
        : await api.removeLease(this.#known, options)
      if (answer.ok) {
        const lease = answer.value === undefined ? null : stored(answer.value)
        if (lease === null) seen.gone(name)
        else seen.note(lease)
        return
      }
      if (answer.failure.kind !== 'conflict') return
      const read = await api.readLease(namespace, name, options)
      this.#known = read.ok && read.value.holder === identity ? stored(read.value) : null
    }
  }

  #pauseMs(): number {
    const now = this.#o.clock.now()
    if (this.#state !== 'held') return LOOK_MS
    return Math.max(0, Math.min(this.#dueMs, this.#tenure.untilMs) - now)
  }

  /** No call outlives the life, so that its end is met in time. */
  #call(signal: AbortSignal): CallOptions {
    const { clock, times } = this.#o
    if (this.#state !== 'held') return { signal, timeoutMs: times.callMs }
    const leftMs = Math.max(1, this.#tenure.untilMs - clock.now())
    return { signal, timeoutMs: Math.min(times.callMs, leftMs) }
  }

  #blank(): Lease {
    const { namespace, name, times, labels } = this.#o
    return blankLease({ namespace, name }, times.durationMs, labels)
  }
}

function stored(lease: Lease): StoredLease | null {
  const { version } = lease
  return version === null ? null : { ...lease, version }
}
