/** What the probes ask of the watch loops: attempts made in time, snapshots complete, and when something was last heard. */

import type { Failure } from '../core/failure.ts'
import type { Clock } from '../std/clock.ts'
import type { ReflectorWatcher, RestartReason } from './changes.ts'

export interface LoopHealth {
  readonly resource: string
  readonly isSynced: boolean
  /** Since the last request was made: tells whether the loop turns, and nothing about the server. */
  readonly attemptAgeMs: number
  /** Since the server last sent anything; null: never. */
  readonly heardAgeMs: number | null
}

interface Loop {
  attemptedAt: number
  heardAt: number | null
  isSynced: boolean
}

/** Remembers what the reflectors of one cluster tell, and passes all of it on to `next`. */
export class WatchHealth implements ReflectorWatcher {
  readonly #clock: Clock
  readonly #next: ReflectorWatcher
  readonly #loops = new Map<string, Loop>()

  /** `resources` are the loops that are going to run: each counts as attempted now and is not synced. */
  constructor(resources: readonly string[], clock: Clock, next: ReflectorWatcher) {
    this.#clock = clock
    this.#next = next
    for (const resource of resources) {
      this.#loops.set(resource, { attemptedAt: clock.now(), heardAt: null, isSynced: false })
    }
  }

  report(): readonly LoopHealth[] {
    const now = this.#clock.now()
    return [...this.#loops].map(([resource, loop]) => ({
      resource,
      isSynced: loop.isSynced,
      attemptAgeMs: now - loop.attemptedAt,
      heardAgeMs: loop.heardAt === null ? null : now - loop.heardAt,
    }))
  }

  /** Whether every loop has had its first complete snapshot. */
  isSynced(): boolean {
    return [...this.#loops.values()].every((loop) => loop.isSynced)
  }

  attempted(resource: string): void {
    const loop = this.#loops.get(resource)
    if (loop !== undefined) loop.attemptedAt = this.#clock.now()
    this.#next.attempted(resource)
  }

  heard(resource: string): void {
    const loop = this.#loops.get(resource)
    if (loop !== undefined) loop.heardAt = this.#clock.now()
    this.#next.heard(resource)
  }

  synced(resource: string): void {
    const loop = this.#loops.get(resource)
    if (loop !== undefined) loop.isSynced = true
    this.#next.synced(resource)
  }

  restarted(resource: string, why: RestartReason): void {
    this.#next.restarted(resource, why)
  }

  failed(resource: string, failure: Failure): void {
    this.#next.failed(resource, failure)
  }

  auditFound(resource: string, count: number): void {
    this.#next.auditFound(resource, count)
  }
}
