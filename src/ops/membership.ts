/**
 * Who takes part in sharing the peers: a Lease per replica that it renews, and the list of those whose Leases do not lapse.
 * Nothing is safe because of it: it says who should have a shard, never who may write.
 */

import type { CallOptions, ClusterApi, Lease } from '../kube/api.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import { blankLease, nextRecord } from './lease-record.ts'
import type { SeenLeases } from './seen-leases.ts'

export const MEMBER_PREFIX = 'heliograph-member-'
/** Another's Lease that stood unchanged for so long is deleted: its replica is gone for good. */
export const FORGET_MS = 60_000
/** Deleted in one turn. */
const FORGOTTEN_MAX = 4

export type LeaseWrites = Pick<ClusterApi, 'readLease' | 'createLease' | 'updateLease' | 'removeLease'>

/** Of all Leases of one kind. */
export interface LeaseTimes {
  readonly durationMs: number
  readonly renewMs: number
  readonly retryMs: number
  readonly callMs: number
}

export interface MembershipOptions {
  readonly api: LeaseWrites
  readonly clock: Clock
  readonly random: Random
  readonly seen: SeenLeases
  readonly times: LeaseTimes
  readonly identity: string
  readonly namespace: string
  /** Unique to this process, beginning with {@link MEMBER_PREFIX}. */
  readonly name: string
  readonly labels: Lease['labels']
  readonly failed: (lease: string, failure: string) => void
}

export class Membership {
  readonly #o: MembershipOptions
  #own: Lease

  constructor(options: MembershipOptions) {
    this.#o = options
    this.#own = this.#blank()
  }

  /** Names of the members that live, this one always among them. */
  live(): readonly string[] {
    const { seen, name } = this.#o
    const others = [...seen.names()].filter(
      (each) => each.startsWith(MEMBER_PREFIX) && each !== name && !seen.isLapsed(each),
    )
    return [name, ...others]
  }

  /** Renews until `signal` fires; then the Lease is deleted, so that nobody waits for it to lapse. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, times } = this.#o
    while (!signal.aborted) {
      const isRenewed = await this.#renew({ signal, timeoutMs: times.callMs })
      await this.#forget({ signal, timeoutMs: times.callMs })
      const pauseMs = isRenewed ? times.renewMs : times.retryMs
      await clock.sleep(pauseMs * (0.9 + 0.1 * random.next()), signal)
    }
    await this.#leave()
  }

  /** Best effort: otherwise it lapses. */
  async #leave(): Promise<void> {
    const { api, times } = this.#o
    const options = { signal: new AbortController().signal, timeoutMs: times.callMs }
    for (let round = 0; round < 2; round += 1) {
      const { version } = this.#own
      if (version === null) return
      const answer = await api.removeLease({ ...this.#own, version }, options)
      if (answer.ok || answer.failure.kind !== 'conflict') return
      await this.#lookAfter('conflict', options)
    }
  }

  async #renew(options: CallOptions): Promise<boolean> {
    const { api, clock, identity, times } = this.#o
    const record = nextRecord(this.#own, identity, times.durationMs, clock.wall())
    const answer =
      record.version === null
        ? await api.createLease(record, options)
        : await api.updateLease(record, options)
    if (answer.ok) {
      this.#own = answer.value
      return true
    }
    await this.#lookAfter(answer.failure.kind, options)
    return false
  }

  /** A request without an answer may have been carried out, and a person may have written or deleted the Lease. */
  async #lookAfter(failure: string, options: CallOptions): Promise<void> {
    const { api, namespace, name } = this.#o
    if (options.signal.aborted) return
    if (failure !== 'conflict' && failure !== 'exists' && failure !== 'absent') this.#o.failed(name, failure)
    const read = await api.readLease(namespace, name, options)
    if (read.ok) this.#own = read.value
    else if (read.failure.kind === 'absent') this.#own = this.#blank()
  }

  /** Deletes Leases of replicas that are long gone; the version that was seen is the proof that they did not come back. */
  async #forget(options: CallOptions): Promise<void> {
    const { api, seen, name } = this.#o
    const old = [...seen.names()].filter(
      (each) => each.startsWith(MEMBER_PREFIX) && each !== name && seen.quietMs(each) >= FORGET_MS,
    )
    for (const each of old.slice(0, FORGOTTEN_MAX)) {
      const lease = seen.get(each)
      if (lease === null || options.signal.aborted) continue
      const answer = await api.removeLease(lease, options)
      if (answer.ok || answer.failure.kind === 'absent') seen.gone(each)
    }
  }

  #blank(): Lease {
    const { namespace, name, labels, times } = this.#o
    return blankLease({ namespace, name }, times.durationMs, labels)
  }
}
