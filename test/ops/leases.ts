/** An in-memory Lease store with version conflicts, whose answers and requests a test can hold. */

import type { ClusterApi, Lease } from '../../src/kube/api.ts'
import type { Failure } from '../../src/core/failure.ts'
import type { ResourceVersion } from '../../src/core/names.ts'
import type { Clock } from '../../src/std/clock.ts'
import { failed, ok } from '../../src/std/result.ts'
import type { Result } from '../../src/std/result.ts'

export type LeaseApi = Pick<ClusterApi, 'readLease' | 'createLease' | 'updateLease'>

export class LeaseStore {
  lease: Lease | null = null
  /** Every write that took place. */
  readonly history: Lease[] = []
  #version = 0

  /** A client of its own, as each replica has one. */
  client(clock: Clock): LeaseClient {
    return new LeaseClient(this, clock)
  }

  write(lease: Lease, isNew: boolean): Result<Lease, Failure> {
    if (isNew && this.lease !== null) return failed({ kind: 'exists' })
    if (!isNew && this.lease === null) return failed({ kind: 'absent' })
    if (!isNew && this.lease?.version !== lease.version) return failed({ kind: 'conflict' })
    this.#version += 1
    this.lease = { ...lease, version: String(this.#version) as ResourceVersion }
    this.history.push(this.lease)
    return ok(this.lease)
  }

  /** What a person does. */
  annotate(key: string, value: string): void {
    if (this.lease !== null)
      this.write({ ...this.lease, annotations: { ...this.lease.annotations, [key]: value } }, false)
  }
}

/** `good`: answers at once. `cut`: nothing arrives. `mute`: requests are carried out, answers never come. `held`: carried out when the test says. */
export type Line = 'good' | 'cut' | 'mute' | 'held'

export class LeaseClient implements LeaseApi {
  line: Line = 'good'
  calls = 0
  readonly #store: LeaseStore
  readonly #clock: Clock
  readonly #held: (() => void)[] = []

  constructor(store: LeaseStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  readLease(...[, , options]: Parameters<LeaseApi['readLease']>): ReturnType<LeaseApi['readLease']> {
    const { lease } = this.#store
    return this.#send(
      () => (lease === null ? failed({ kind: 'absent' }) : ok(this.#store.lease ?? lease)),
      options,
    )
  }

  createLease(...[lease, options]: Parameters<LeaseApi['createLease']>): ReturnType<LeaseApi['createLease']> {
    return this.#send(() => this.#store.write(lease, true), options)
  }

  updateLease(...[lease, options]: Parameters<LeaseApi['updateLease']>): ReturnType<LeaseApi['updateLease']> {
    return this.#send(() => this.#store.write(lease, false), options)
  }

  /** Carries out what was held. */
  deliver(): void {
    for (const carryOut of this.#held.splice(0)) carryOut()
  }

  async #send(
    carryOut: () => Result<Lease, Failure>,
    { signal, timeoutMs = 30_000 }: { signal: AbortSignal; timeoutMs?: number },
  ): Promise<Result<Lease, Failure>> {
    this.calls += 1
    if (signal.aborted) return failed({ kind: 'unanswered', why: 'cancelled' })
    if (this.line === 'good') return carryOut()
    if (this.line === 'mute') carryOut()
    if (this.line === 'held') this.#held.push(() => void carryOut())
    await this.#clock.sleep(timeoutMs, signal)
    return failed({ kind: 'unanswered', why: signal.aborted ? 'cancelled' : 'timeout' })
  }
}
