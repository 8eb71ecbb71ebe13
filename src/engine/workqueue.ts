/**
 * The keyed queue of one cluster.
 *
 * Promises: a key waits at most once and is never worked on twice at once; a change during its turn is not lost; the decision is made when its turn comes,
 * so that a newer version or a deletion overtakes a push in progress; fresh changes go before verification, which keeps a minimum share.
 * It does not promise order between keys, nor that every change gets a turn of its own.
 */

import PQueue from 'p-queue'

import type { Failure } from '../core/failure.ts'
import type { ObjectKey } from '../core/names.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import { Concurrency } from './concurrency.ts'
import { Delays } from './delays.ts'
import { Lane } from './lane.ts'
import type { Gate, Share } from './lane.ts'

export type LaneName = 'fresh' | 'verify'

/** What a turn says of its key. */
export type Next =
  | { readonly kind: 'done' }
  /** Again at a time of its own (monotonic); the back-off is forgotten. */
  | { readonly kind: 'at'; readonly atMs: number }
  /** Again with back-off, at the earliest after `afterMs`. */
  | { readonly kind: 'again'; readonly afterMs: number | null }
  /** Waits for an event; with `recheck` also asked again every 1 to 10 minutes. */
  | { readonly kind: 'park'; readonly recheck: boolean }
  /** Belongs to verification: its turn comes at sweep rate. */
  | { readonly kind: 'verify' }

export const BACKOFF_MIN_MS = 250
export const BACKOFF_MAX_MS = 60_000
export const RECHECK_MIN_MS = 60_000
export const RECHECK_MAX_MS = 600_000
/** One dispatch in so many goes to verification while both lanes wait. */
const VERIFY_SHARE = 16
/**
 * No origin, origin namespace or target namespace holds more than one slot in so many while others wait; and as a slot is never taken
 * back, so many stay free of one that waits alone, and one more for other origins of its namespace: whoever comes while its writes hang
 * finds them.
 */
const SLOT_SHARE = 4

export interface WorkQueueOptions {
  readonly clock: Clock
  readonly random: Random
  readonly inFlightMax: number
  /** Verification turns per second. */
  readonly verifyPerSecondMax: number
  readonly shareOf: (key: ObjectKey) => Share
  /** One turn; must not throw but for a bug, which ends the process. */
  readonly turn: (key: ObjectKey, lane: LaneName) => Promise<Next>
  readonly crashed: (error: unknown) => void
}

interface Running {
  readonly share: Share
  /** Which lane asked for another turn meanwhile. */
  again: LaneName | null
}

export class WorkQueue {
  readonly #options: WorkQueueOptions
  readonly #lanes: Readonly<Record<LaneName, Lane>> = { fresh: new Lane(), verify: new Lane() }
  /** Keys in a turn. */
  readonly #running = new Map<ObjectKey, Running>()
  readonly #failures = new Map<ObjectKey, number>()
  readonly #parks = new Map<ObjectKey, number>()
  readonly #slots = new Map<string, number>()
  readonly #delays: Delays
  readonly #pool: PQueue
  readonly #concurrency: Concurrency
  #open = false
  #isFeeding = false
  #dispatched = 0
  #wakePace = new AbortController()
  #verifyCredit = 1
  #verifyCreditAtMs: number

  constructor(options: WorkQueueOptions) {
    this.#options = options
    this.#concurrency = new Concurrency(options.inFlightMax)
    this.#pool = new PQueue({ concurrency: this.#concurrency.limit })
    this.#delays = new Delays(options.clock, (key) => this.add(key, 'fresh'))
    this.#verifyCreditAtMs = options.clock.now()
  }

  /** Asks for a turn. A key that waits keeps its place; one in a turn gets another afterwards; `fresh` overtakes `verify`. */
  add(key: ObjectKey, lane: LaneName): void {
    const running = this.#running.get(key)
    if (running !== undefined) {
      if (running.again !== 'fresh') running.again = lane
      return
    }
    if (this.#lanes.fresh.has(key)) return
    if (lane === 'fresh') {
      this.#lanes.verify.remove(key)
      this.#delays.remove(key)
    }
    if (lane === 'verify' && this.#lanes.verify.size === 0) this.#wakePace.abort()
    this.#lanes[lane].add(key, this.#options.shareOf(key), this.#options.clock.now())
    this.#feedSoon()
  }

  /** Lets turns begin; keys added before wait. */
  open(): void {
    this.#open = true
    this.#feed()
  }

  /** No turn begins any more; those under way go on. */
  close(): void {
    this.#open = false
  }

  /** Resolves when no turn is under way. */
  async idle(): Promise<void> {
    await this.#pool.onIdle()
  }

  /** Drives delayed keys and the pace of verification until `signal` fires. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#delays.run(signal), this.#pace(signal)])
  }

  /** An answer to a write, for the concurrency limit. */
  answered(namespace: string, tookMs: number, failure: Failure | null): void {
    this.#concurrency.answered(namespace, tookMs, failure, this.#options.clock.now())
    this.#pool.concurrency = this.#concurrency.limit
  }

  /** Numbers for the gauges. */
  standing(): {
    readonly waiting: Readonly<Record<LaneName, number>>
    readonly delayed: number
    readonly running: number
    readonly limit: number
  } {
    return {
      waiting: { fresh: this.#lanes.fresh.size, verify: this.#lanes.verify.size },
      delayed: this.#delays.size,
      running: this.#running.size,
      limit: this.#concurrency.limit,
    }
  }

  /** Milliseconds that the longest-waiting key of a lane has waited. */
  oldestAgeMs(lane: LaneName): number {
    const since = this.#lanes[lane].oldestMs()
    return since === null ? 0 : this.#options.clock.now() - since
  }

  /** Verification waits for its pace; nothing else wakes the feed for it. */
  async #pace(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wakePace = new AbortController()
      const ms = this.#lanes.verify.size > 0 ? PACE_MS : IDLE_MS
      await this.#options.clock.sleep(ms, AbortSignal.any([signal, this.#wakePace.signal]))
      if (this.#lanes.verify.size > 0) this.#feed()
    }
  }

  /** Once the caller, which may be the read loop, is done with all that it adds. */
  #feedSoon(): void {
    if (!this.#open || this.#isFeeding) return
    this.#isFeeding = true
    queueMicrotask(() => {
      this.#isFeeding = false
      this.#feed()
    })
  }

  #feed(): void {
    while (this.#open && this.#running.size < this.#concurrency.limit) {
      const next = this.#take()
      if (next === null) return
      const running: Running = { share: next.share, again: null }
      this.#running.set(next.key, running)
      this.#count(next.share, 1)
      this.#pool.add(() => this.#runOne(next.key, next.lane, running)).catch(this.#options.crashed)
    }
  }

  #take(): { readonly key: ObjectKey; readonly share: Share; readonly lane: LaneName } | null {
    const mayVerify = this.#lanes.verify.size > 0 && this.#hasVerifyCredit()
    const verifyFirst = mayVerify && (this.#dispatched + 1) % VERIFY_SHARE === 0
    const order = laneOrder(mayVerify, verifyFirst)
    for (const lane of order) {
      const next = this.#lanes[lane].take(this.#gate(this.#lanes[lane]))
      if (next === null) continue
      if (lane === 'verify') this.#verifyCredit -= 1
      this.#dispatched += 1
      return { ...next, lane }
    }
    return null
  }

  /**
   * A target namespace is always capped: one that hangs must never hold the slots that the next origin needs. Of those slots, one is
   * left by an origin namespace that waits alone, and half while others wait.
   */
  #gate(lane: Lane): Gate {
    const { limit } = this.#concurrency
    const cap = Math.max(1, Math.floor(limit / SLOT_SHARE))
    const sibling = cap > 1 ? 1 : 0
    const held = (slot: string): number => this.#slots.get(slot) ?? 0
    return {
      namespace: (originNamespace) =>
        held(slotOf.from(originNamespace)) < (lane.namespaces === 1 ? limit - cap : cap),
      origin: (origin) => held(origin) < (lane.origins === 1 ? limit - cap - sibling : cap),
      target: (share) =>
        held(slotOf.to(share.namespace)) < cap &&
        held(slotOf.both(share)) < Math.max(1, lane.namespaces === 1 ? cap - 1 : Math.floor(cap / 2)),
    }
  }

  #count(share: Share, step: 1 | -1): void {
    const { from, to, both } = slotOf
    for (const slot of [to(share.namespace), from(share.originNamespace), share.origin, both(share)]) {
      const held = (this.#slots.get(slot) ?? 0) + step
      if (held === 0) this.#slots.delete(slot)
      else this.#slots.set(slot, held)
    }
  }

  #hasVerifyCredit(): boolean {
    const now = this.#options.clock.now()
    const earned = ((now - this.#verifyCreditAtMs) / 1_000) * this.#options.verifyPerSecondMax
    this.#verifyCredit = Math.min(this.#options.verifyPerSecondMax, this.#verifyCredit + earned)
    this.#verifyCreditAtMs = now
    return this.#verifyCredit >= 1
  }

  async #runOne(key: ObjectKey, lane: LaneName, running: Running): Promise<void> {
    let next: Next
    try {
      next = await this.#options.turn(key, lane)
    } finally {
      // The slot is free before the key can be dispatched again, or the next turn's entry would be taken for this one's.
      this.#running.delete(key)
      this.#count(running.share, -1)
      for (const waiting of Object.values(this.#lanes)) waiting.wake(running.share.namespace)
    }
    if (next.kind === 'done' || next.kind === 'at') this.#failures.delete(key)
    if (next.kind !== 'park') this.#parks.delete(key)
    if (running.again === null) this.#schedule(key, next)
    else this.add(key, running.again)
    this.#feed()
  }

  #schedule(key: ObjectKey, next: Next): void {
    const now = this.#options.clock.now()
    switch (next.kind) {
      case 'done':
        return
      case 'at':
        return this.#delays.add(key, next.atMs)
      case 'verify':
        return this.add(key, 'verify')
      case 'again':
        return this.#delays.add(
          key,
          now +
            Math.max(this.#backoff(this.#failures, key, BACKOFF_MIN_MS, BACKOFF_MAX_MS), next.afterMs ?? 0),
        )
      case 'park':
        if (next.recheck)
          this.#delays.add(key, now + this.#backoff(this.#parks, key, RECHECK_MIN_MS, RECHECK_MAX_MS))
        return
      default:
        return next satisfies never
    }
  }

  /** Doubles from `min` to `max`, with up to half of it as jitter. */
  #backoff(counts: Map<ObjectKey, number>, key: ObjectKey, minMs: number, maxMs: number): number {
    const count = counts.get(key) ?? 0
    counts.set(key, Math.min(count + 1, 20))
    const base = Math.min(maxMs, minMs * 2 ** count)
    return base / 2 + (base / 2) * this.#options.random.next()
  }
}

/** What a turn counts against, besides its origin: its target namespace, its origin’s namespace, and both together. No origin holds a colon. */
const slotOf = {
  to: (namespace: string): string => `to:${namespace}`,
  from: (originNamespace: string): string => `from:${originNamespace}`,
  both: ({ originNamespace, namespace }: Share): string => `both:${originNamespace}/${namespace}`,
}

const PACE_MS = 100
const IDLE_MS = 60_000

function laneOrder(mayVerify: boolean, verifyFirst: boolean): readonly LaneName[] {
  if (!mayVerify) return ['fresh']
  return verifyFirst ? ['verify', 'fresh'] : ['fresh', 'verify']
}
