/** Verification beyond what events show: a full sweep at a bounded rate, and one origin's mirrors when its `resync` changes. */

import type { ObjectKey } from '../core/names.ts'
import type { Clock } from '../std/clock.ts'
import type { History } from './history.ts'
import type { OriginsHere } from './reach.ts'
import type { LaneName } from './workqueue.ts'

/** A changed `resync` is heard at most this often per origin. */
export const RESYNC_INTERVAL_MS = 60_000

export interface VerifierOptions {
  readonly clock: Clock
  readonly origins: OriginsHere
  readonly history: History
  readonly sweepIntervalMs: number
  /** Every mirror and pull mirror. */
  readonly mirrors: () => Iterable<ObjectKey>
  readonly mirrorsOf: (origin: ObjectKey) => Iterable<ObjectKey>
  readonly enqueue: (place: ObjectKey, lane: LaneName) => void
}

/** One per destination. The queue's verify lane sets the pace; this only says what is due. */
export class Verifier {
  readonly #o: VerifierOptions
  readonly #resyncs = new Map<ObjectKey, { value: string | null; heardAtMs: number; due: boolean }>()
  #wake = new AbortController()

  constructor(options: VerifierOptions) {
    this.#o = options
  }

  /** An origin was read: a `resync` that differs from the last one asks for its mirrors' data to be verified. */
  noteResync(origin: ObjectKey, value: string | null): void {
    const known = this.#resyncs.get(origin)
    if (known === undefined) {
      this.#resyncs.set(origin, { value, heardAtMs: Number.NEGATIVE_INFINITY, due: false })
      return
    }
    if (known.value === value) return
    known.value = value
    if (value === null) return
    known.due = true
    this.#wake.abort()
  }

  /** The origin is gone. */
  forget(origin: ObjectKey): void {
    this.#resyncs.delete(origin)
  }

  /** Every mirror is read and compared with its origin once, at the verify lane's pace. */
  sweep(): void {
    this.#o.origins.dropSummaries()
    for (const place of this.#o.mirrors()) this.#ask(place)
  }

  async run(signal: AbortSignal): Promise<void> {
    let sweepAtMs = this.#o.clock.now() + this.#o.sweepIntervalMs
    while (!signal.aborted) {
      this.#wake = new AbortController()
      const next = Math.min(sweepAtMs, this.#runResyncs())
      await this.#o.clock.sleep(
        Math.max(0, next - this.#o.clock.now()),
        AbortSignal.any([signal, this.#wake.signal]),
      )
      if (this.#o.clock.now() < sweepAtMs || signal.aborted) continue
      this.sweep()
      sweepAtMs = this.#o.clock.now() + this.#o.sweepIntervalMs
    }
  }

  /** Starts what is due; answers when the next will be. */
  #runResyncs(): number {
    const now = this.#o.clock.now()
    let next = Number.POSITIVE_INFINITY
    for (const [origin, resync] of this.#resyncs) {
      if (!resync.due) continue
      const atMs = resync.heardAtMs + RESYNC_INTERVAL_MS
      if (now < atMs) {
        next = Math.min(next, atMs)
        continue
      }
      resync.due = false
      resync.heardAtMs = now
      for (const place of this.#o.mirrorsOf(origin)) this.#ask(place)
    }
    return next
  }

  #ask(place: ObjectKey): void {
    this.#o.history.askVerify(place)
    this.#o.enqueue(place, 'verify')
  }
}
