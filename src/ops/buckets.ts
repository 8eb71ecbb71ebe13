/** Token buckets by monotonic time: how often something may happen, with room for a burst. */

export interface BucketRate {
  readonly burst: number
  readonly perSecond: number
}

/** One bucket; full at first. */
export class TokenBucket {
  readonly #rate: BucketRate
  #tokens: number
  #atMs: number

  constructor(rate: BucketRate, nowMs: number) {
    this.#rate = rate
    this.#tokens = rate.burst
    this.#atMs = nowMs
  }

  /** Milliseconds until a token is there; 0 when one is. */
  waitMs(nowMs: number): number {
    this.#refill(nowMs)
    return this.#tokens >= 1 ? 0 : Math.ceil(((1 - this.#tokens) / this.#rate.perSecond) * 1_000)
  }

  /** Takes a token; only after {@link waitMs} said 0. */
  take(nowMs: number): void {
    this.#refill(nowMs)
    this.#tokens -= 1
  }

  /** Nothing is remembered here that a new bucket would not have. */
  isFull(nowMs: number): boolean {
    this.#refill(nowMs)
    return this.#tokens >= this.#rate.burst
  }

  #refill(nowMs: number): void {
    this.#tokens = Math.min(
      this.#rate.burst,
      this.#tokens + ((nowMs - this.#atMs) / 1_000) * this.#rate.perSecond,
    )
    this.#atMs = nowMs
  }
}
