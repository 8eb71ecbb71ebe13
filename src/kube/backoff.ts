/** Growing pauses between failures, with jitter, that start anew after a good while. */

import type { Random } from '../std/random.ts'
import type { ReflectorTiming } from './timing.ts'

export class Backoff {
  readonly #timing: ReflectorTiming
  readonly #random: Random
  #failures = 0

  constructor(timing: ReflectorTiming, random: Random) {
    this.#timing = timing
    this.#random = random
  }

  /** The next pause: doubling up to the cap, and up to as much again at random. */
  nextMs(): number {
    const { backoffMs, backoffMsMax } = this.#timing
    const base = Math.min(backoffMs * 2 ** Math.min(this.#failures, 30), backoffMsMax)
    this.#failures += 1
    return base * (1 + this.#random.next())
  }

  /** The next failure is the first. */
  restart(): void {
    this.#failures = 0
  }

  /** Tells how long the last attempt was good. */
  wasGoodFor(ms: number): void {
    if (ms >= this.#timing.backoffResetMs) this.#failures = 0
  }
}
