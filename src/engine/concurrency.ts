/** How many writes are in flight: grows while answers are good, shrinks when the API server says or shows that it is too much. */

import type { Failure } from '../core/failure.ts'

export const WRITES_IN_FLIGHT_MIN = 2
/** At most one shrink a second: one overload answers many requests at once. */
const SHRINK_INTERVAL_MS = 1_000
const SHRINK_FACTOR = 0.7
/** Slower than this is a sign of overload, if more than one namespace shows it: a slow admission webhook binds one. */
const SLOW_MS = 5_000

/** Additive increase, multiplicative decrease, between {@link WRITES_IN_FLIGHT_MIN} and the setting. */
export class Concurrency {
  #limit: number
  readonly #max: number
  #goodAnswers = 0
  #shrunkAtMs = Number.NEGATIVE_INFINITY
  #slowNamespace: string | null = null

  constructor(max: number) {
    this.#max = Math.max(WRITES_IN_FLIGHT_MIN, max)
    this.#limit = this.#max
  }

  get limit(): number {
    return this.#limit
  }

  /** An answer to a write in `namespace` after `tookMs`. */
  answered(namespace: string, tookMs: number, failure: Failure | null, nowMs: number): void {
    const slow = tookMs > SLOW_MS || failure?.kind === 'unanswered' || failure?.kind === 'server'
    const overload = failure?.kind === 'throttled' || (slow && this.#spreads(namespace))
    if (overload) return this.#shrink(nowMs)
    if (slow) return
    this.#goodAnswers += 1
    if (this.#goodAnswers < this.#limit) return
    this.#goodAnswers = 0
    this.#slowNamespace = null
    this.#limit = Math.min(this.#max, this.#limit + 1)
  }

  /** Whether slowness was seen in another namespace as well since the last good round. */
  #spreads(namespace: string): boolean {
    const other = this.#slowNamespace !== null && this.#slowNamespace !== namespace
    this.#slowNamespace = namespace
    return other
  }

  #shrink(nowMs: number): void {
    if (nowMs - this.#shrunkAtMs < SHRINK_INTERVAL_MS) return
    this.#shrunkAtMs = nowMs
    this.#goodAnswers = 0
    this.#limit = Math.max(WRITES_IN_FLIGHT_MIN, Math.floor(this.#limit * SHRINK_FACTOR))
  }
}
