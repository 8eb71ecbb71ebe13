/** The Leases that a watch shows and our own answers name, and for how long each has stood unchanged by this process's own clock. */

import { isNewer } from '../core/names.ts'
import type { StoredLease } from '../kube/api.ts'
import type { Clock } from '../std/clock.ts'
import { lapseMs } from './lease-record.ts'

interface Seen {
  readonly lease: StoredLease
  /** Monotonic. */
  readonly sinceMs: number
}

/** Always a little late: who takes a Lease by it proves by the version that nobody renewed it meanwhile. */
export class SeenLeases {
  readonly #clock: Clock
  readonly #usualMs: number
  #seen: ReadonlyMap<string, Seen> = new Map<string, Seen>()
  #isWhole = false

  /** `usualMs`: when a Lease lapses that does not say. */
  constructor(clock: Clock, usualMs: number) {
    this.#clock = clock
    this.#usualMs = usualMs
  }

  /** A first snapshot came. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  names(): Iterable<string> {
    return this.#seen.keys()
  }

  get(name: string): StoredLease | null {
    return this.#seen.get(name)?.lease ?? null
  }

  /** All Leases by name. An older version than one that is known says nothing. */
  take(leases: ReadonlyMap<string, StoredLease>): void {
    this.#isWhole = true
    this.#seen = new Map([...leases].map(([name, lease]) => [name, this.#newer(lease)]))
  }

  /** An answer to a request of our own, which may be ahead of the watch. */
  note(lease: StoredLease): void {
    this.#seen = new Map(this.#seen).set(lease.name, this.#newer(lease))
  }

  /** An answer said that it is not there. */
  gone(name: string): void {
    const left = new Map(this.#seen)
    left.delete(name)
    this.#seen = left
  }

  /** Milliseconds that it has stood unchanged; 0 where it is not there. */
  quietMs(name: string): number {
    const seen = this.#seen.get(name)
    return seen === undefined ? 0 : this.#clock.now() - seen.sinceMs
  }

  /** Whether its holder had its whole time to renew it and did not. */
  isLapsed(name: string): boolean {
    const seen = this.#seen.get(name)
    return seen !== undefined && this.quietMs(name) >= lapseMs(seen.lease, this.#usualMs)
  }

  #newer(lease: StoredLease): Seen {
    const known = this.#seen.get(lease.name)
    if (known !== undefined && !isNewer(lease.version, known.lease.version)) return known
    return { lease, sinceMs: this.#clock.now() }
  }
}
