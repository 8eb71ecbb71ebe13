/**
 * What `/livez` and `/readyz` answer.
 *
 * Live: the event loop turned lately and the watch loops make attempts in time. Whether the API server can be reached never counts: a restart would
 * cure nothing and lose warm caches. Ready: home's caches hold a whole snapshot. A follower is as ready as a leader.
 */

import type { LoopHealth } from '../kube/health.ts'
import type { Clock } from '../std/clock.ts'

/** One line of an answer. */
export interface Check {
  readonly name: string
  readonly passed: boolean
  /** A short sentence without a name of the cluster's objects. */
  readonly result: string
}

export interface Liveliness {
  /** Resources whose watch loop has made no attempt for too long. */
  staleLoops(): readonly string[]
}

export interface Readiness {
  isSynced(): boolean
}

export const HEARTBEAT_MS = 1_000
/** A loop that was blocked for longer could not renew its Lease either. */
export const HEARTBEAT_AGE_MS_MAX = 15_000
/** A watch lasts ten minutes at most and is cut half a minute later; a back-off is half a minute. */
export const ATTEMPT_AGE_MS_MAX = 900_000

/** Notes that timers turn, until `signal` fires. */
export class Heartbeat {
  readonly #clock: Clock
  #lastMs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#lastMs = clock.now()
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#lastMs = this.#clock.now()
      await this.#clock.sleep(HEARTBEAT_MS, signal)
    }
  }

  ageMs(): number {
    return this.#clock.now() - this.#lastMs
  }
}

/** The watch loops of several clusters as the probes ask for them. */
export function livelinessOf(report: () => readonly LoopHealth[]): Liveliness {
  return {
    staleLoops: () =>
      report()
        .filter(({ attemptAgeMs }) => attemptAgeMs > ATTEMPT_AGE_MS_MAX)
        .map(({ resource }) => resource),
  }
}

export function checkLive(heartbeat: Heartbeat, loops: Liveliness): readonly Check[] {
  const turns = heartbeat.ageMs() <= HEARTBEAT_AGE_MS_MAX
  const stale = loops.staleLoops()
  return [
    { name: 'event loop', passed: turns, result: turns ? 'timers turn' : 'no timer turned lately' },
    {
      name: 'watch loops',
      passed: stale.length === 0,
      result:
        stale.length === 0 ? 'attempts are made in time' : `no attempt for too long: ${stale.join(', ')}`,
    },
  ]
}

export function checkReady(readiness: Readiness): readonly Check[] {
  const passed = readiness.isSynced()
  return [
    {
      name: 'caches',
      passed,
      result: passed ? 'a whole snapshot was read' : 'the first snapshot is not complete',
    },
  ]
}
