/** For how long this process may act as the holder of a Lease, by its own clocks alone. */

import type { Clock } from '../std/clock.ts'

/** Ended at first. Monotonic and calendar are both asked: a machine that slept may count the one on and not the other. */
export class Tenure {
  readonly #clock: Clock
  #untilMs = Number.NEGATIVE_INFINITY
  #untilWallMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  isLive(): boolean {
    return this.#clock.now() < this.#untilMs && this.#clock.wall() < this.#untilWallMs
  }

  /** Monotonic. */
  get untilMs(): number {
    return this.#untilMs
  }

  /** Monotonic, counted from the start of the request that renewed it. */
  extend(untilMs: number): void {
    this.#untilMs = untilMs
    this.#untilWallMs = this.#clock.wall() + (untilMs - this.#clock.now())
  }

  end(): void {
    this.#untilMs = Number.NEGATIVE_INFINITY
  }
}
