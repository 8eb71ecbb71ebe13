/** Many Leases in memory, with version conflicts and a watch, whose lines to each replica a test can cut, mute or hold. */

import type { Failure } from '../../src/core/failure.ts'
import { isNewer } from '../../src/core/names.ts'
import type { ResourceVersion } from '../../src/core/names.ts'
import type { CallOptions, Lease, StoredLease } from '../../src/kube/api.ts'
import type { LeaseWrites } from '../../src/ops/membership.ts'
import type { Clock } from '../../src/std/clock.ts'
import { failed, ok } from '../../src/std/result.ts'
import type { Result } from '../../src/std/result.ts'
import type { Line } from './leases.ts'

type Shown = (leases: ReadonlyMap<string, StoredLease>) => void

export class Shelf {
  readonly leases = new Map<string, StoredLease>()
  /** Every deletion that took place. */
  readonly removed: string[] = []
  readonly #clients = new Set<ShelfClient>()
  #version = 0

  client(clock: Clock): ShelfClient {
    const client = new ShelfClient(this, clock)
    this.#clients.add(client)
    return client
  }

  read(name: string): Result<Lease, Failure> {
    const lease = this.leases.get(name)
    return lease === undefined ? failed({ kind: 'absent' }) : ok(lease)
  }

  write(lease: Lease, isNew: boolean): Result<Lease, Failure> {
    const stands = this.leases.get(lease.name)
    if (isNew && stands !== undefined) return failed({ kind: 'exists' })
    if (!isNew && stands === undefined) return failed({ kind: 'absent' })
    if (!isNew && stands?.version !== lease.version) return failed({ kind: 'conflict' })
    const written = { ...lease, version: this.#next() }
    this.leases.set(lease.name, written)
    this.#show()
    return ok(written)
  }

  remove({ name, version }: StoredLease): Result<void, Failure> {
    const stands = this.leases.get(name)
    if (stands === undefined) return failed({ kind: 'absent' })
    if (isNewer(stands.version, version)) return failed({ kind: 'conflict' })
    this.leases.delete(name)
    this.removed.push(name)
    this.#next()
    this.#show()
    return ok(undefined)
  }

  #next(): ResourceVersion {
    this.#version += 1
    return String(this.#version) as ResourceVersion
  }

  #show(): void {
    for (const client of this.#clients) client.show()
  }
}

export class ShelfClient implements LeaseWrites {
  calls = 0
  /** The watch shows nothing while true; then all at once. */
  #isDeaf = false
  #line: Line = 'good'
  #shown: Shown | null = null
  readonly #shelf: Shelf
  readonly #clock: Clock
  readonly #held: (() => void)[] = []

  constructor(shelf: Shelf, clock: Clock) {
    this.#shelf = shelf
    this.#clock = clock
  }

  set line(line: Line) {
    this.#line = line
  }

  set isDeaf(isDeaf: boolean) {
    this.#isDeaf = isDeaf
    this.show()
  }

  show(): void {
    if (!this.#isDeaf) this.#shown?.(new Map(this.#shelf.leases))
  }

  async watch(shown: Shown, signal: AbortSignal): Promise<void> {
    this.#shown = shown
    this.show()
    await this.#clock.sleep(Number.MAX_SAFE_INTEGER, signal)
    this.#shown = null
  }

  readLease(_: string, name: string, options: CallOptions): Promise<Result<Lease, Failure>> {
    return this.#send(() => this.#shelf.read(name), options)
  }

  createLease(lease: Lease, options: CallOptions): Promise<Result<Lease, Failure>> {
    return this.#send(() => this.#shelf.write(lease, true), options)
  }

  updateLease(lease: Lease, options: CallOptions): Promise<Result<Lease, Failure>> {
    return this.#send(() => this.#shelf.write(lease, false), options)
  }

  removeLease(lease: StoredLease, options: CallOptions): Promise<Result<void, Failure>> {
    return this.#send(() => this.#shelf.remove(lease), options)
  }

  /** Carries out what was held. */
  deliver(): void {
    for (const carryOut of this.#held.splice(0)) carryOut()
  }

  async #send<T>(
    carryOut: () => Result<T, Failure>,
    { signal, timeoutMs = 30_000 }: CallOptions,
  ): Promise<Result<T, Failure>> {
    this.calls += 1
    if (signal.aborted) return failed({ kind: 'unanswered', why: 'cancelled' })
    if (this.#line === 'good') return carryOut()
    if (this.#line === 'mute') carryOut()
    if (this.#line === 'held') this.#held.push(() => void carryOut())
    await this.#clock.sleep(timeoutMs, signal)
    return failed({ kind: 'unanswered', why: signal.aborted ? 'cancelled' : 'timeout' })
  }
}
