/**
 * Origins' data, read by one GET per version, shared by every write of that version, dropped when nothing waits for it.
 * The only place of the engine where a Secret's bytes are held.
 */

import { keyOf, refOf } from '../core/names.ts'
import type { ObjectKey, ResourceVersion } from '../core/names.ts'
import type { DigestKey } from '../core/digest.ts'
import type { Failure } from '../core/failure.ts'
import { render } from '../core/render.ts'
import type { Rendering } from '../core/render.ts'
import type { Rules } from '../core/rules.ts'
import type { ClusterApi } from '../kube/api.ts'
import type { Clock } from '../std/clock.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import type { Origins } from './origins.ts'
import type { Store } from './store.ts'

/** A read that finds the store ahead of it is repeated this often before the turn backs off. */
const READS_MAX = 3
/** What a read reserves of the bound before anything is known of the origin: no object is much larger (the API server's limit of data). */
const SIZE_GUESS_BYTES = 1_048_576
/** A failed read answers every turn that asks for the same version within this time: a thousand places of one origin make one request. */
const FAILURE_KEPT_MS = 1_000
/** What destinations abroad may hold together, as a part of the bound: peers that hang never keep home from reading. */
const ABROAD_SHARE = 0.5
/** Failures that are kept; beyond it only requests are shared no more. */
const FAILURES_MAX = 1_000

export interface RenderingsOptions {
  readonly api: ClusterApi
  readonly store: Store
  readonly origins: Origins
  readonly rules: Rules
  readonly clock: Clock
  readonly digestKey: () => DigestKey | null
  /** Whether turns of this origin still wait, so that its bytes are worth keeping. */
  readonly isWanted: (origin: ObjectKey) => boolean
  readonly bytesMax: number
}

/** A hold on one rendering: `release` once. */
export interface RenderingHold {
  readonly rendering: Rendering
  release(): void
}

/** Who asks for a rendering. */
export interface Asker {
  /** A destination in another cluster than the origin. */
  readonly isAbroad: boolean
}

const AT_HOME: Asker = { isAbroad: false }

/** One who asks, with what is kept free for him abroad while he reads. */
interface Seat extends Asker {
  reservedBytes: number
}

interface Entry {
  readonly rendering: Rendering
  users: number
  /** Of the users, those abroad. */
  usersAbroad: number
  /** Just read: whoever asked for it has not taken it yet. */
  isNew: boolean
}

interface FailedRead {
  readonly failure: Failure
  /** What the store knew when it was asked. */
  readonly version: ResourceVersion | null
  readonly untilMs: number
}

export class Renderings {
  readonly #o: RenderingsOptions
  readonly #entries = new Map<ObjectKey, Entry>()
  readonly #reads = new Map<ObjectKey, Promise<Failure | null>>()
  readonly #failures = new Map<ObjectKey, FailedRead>()
  #waiters: (() => void)[] = []
  #bytes = 0
  /** Of reads under way, whose true sizes are not known yet. */
  #reservedBytes = 0
  /** Of what anybody abroad holds, whoever else does. */
  #bytesAbroad = 0
  /** Of reads under way that were begun for somebody abroad. */
  #reservedBytesAbroad = 0

  constructor(options: RenderingsOptions) {
    this.#o = options
  }

  get heldBytes(): number {
    return this.#bytes
  }

  /**
   * The rendering of the origin's newest known version. Null: after the read the object offers nothing, or nothing that may be rendered.
   * The read advances the store, so the caller must plan anew before it writes. Who asks from abroad waits while half of the bound is
   * held abroad.
   */
  async acquire(
    origin: ObjectKey,
    signal: AbortSignal,
    { isAbroad }: Asker = AT_HOME,
  ): Promise<Result<RenderingHold | null, Failure>> {
    const seat: Seat = { isAbroad, reservedBytes: 0 }
    try {
      return await this.#acquire(origin, signal, seat)
    } finally {
      this.#leave(seat)
      if (isAbroad) this.#wake()
    }
  }

  async #acquire(
    origin: ObjectKey,
    signal: AbortSignal,
    seat: Seat,
  ): Promise<Result<RenderingHold | null, Failure>> {
    for (let read = 0; read < READS_MAX; read += 1) {
      const held = await this.#hold(origin, signal, seat)
      if (held !== null) return ok(held)
      if (signal.aborted) return failed(CANCELLED)
      const kept = this.#failures.get(origin)
      if (kept?.version === this.#version(origin) && this.#o.clock.now() < kept.untilMs)
        return failed(kept.failure)
      const failure = await this.#readFor(origin, signal, seat)
      // The read was cut off by the end of another destination that had begun it.
      if (failure !== null && isCancelled(failure) && !signal.aborted) continue
      if (failure !== null) return failed(failure)
      if (this.#o.origins.view(origin)?.reading.kind !== 'policy') {
        if (this.#entries.get(origin)?.users === 0) this.#drop(origin)
        return ok(null)
      }
    }
    const held = await this.#hold(origin, signal, seat)
    return held === null ? failed({ kind: 'conflict' }) : ok(held)
  }

  /** Drops the bytes of an origin that nothing waits for any more. */
  settle(origin: ObjectKey): void {
    const entry = this.#entries.get(origin)
    if (entry !== undefined && isUnused(entry) && !this.#o.isWanted(origin)) this.#drop(origin)
  }

  /** Another digest key: nothing rendered before is of use. */
  clear(): void {
    for (const [origin, entry] of this.#entries) {
      if (entry.users === 0) this.#drop(origin)
      else this.#entries.delete(origin)
    }
  }

  /** A hold as soon as this asker may have one; null: it must be read first, or `signal` fired. */
  async #hold(origin: ObjectKey, signal: AbortSignal, seat: Seat): Promise<RenderingHold | null> {
    this.#leave(seat)
    for (;;) {
      const entry = this.#current(origin)
      if (entry === null) return null
      if (!seat.isAbroad || this.#hasRoomAbroad(entry)) return this.#holdNow(origin, entry, seat)
      // Who waits for others abroad keeps no bytes meanwhile.
      entry.isNew = false
      this.#wake()
      if (signal.aborted) return null
      await this.#change(signal)
    }
  }

  #hasRoomAbroad(entry: Entry): boolean {
    return entry.usersAbroad > 0 || this.#fitsAbroad(entry.rendering.summary.sizeBytes)
  }

  /** One rendering alone always has room. */
  #fitsAbroad(bytes: number): boolean {
    const held = this.#bytesAbroad + this.#reservedBytesAbroad
    return held === 0 || held + bytes <= this.#o.bytesMax * ABROAD_SHARE
  }

  /** The rendering of the version that the store knows; one that it has passed is dropped. */
  #current(origin: ObjectKey): Entry | null {
    const entry = this.#entries.get(origin)
    if (entry === undefined) return null
    const meta = this.#o.store.get(origin)
    if (
      meta === null ||
      meta.uid !== entry.rendering.summary.uid ||
      meta.version !== entry.rendering.summary.version
    ) {
      if (entry.users === 0) this.#drop(origin)
      else this.#entries.delete(origin)
      return null
    }
    return entry
  }

  #holdNow(origin: ObjectKey, entry: Entry, { isAbroad }: Asker): RenderingHold {
    const { sizeBytes } = entry.rendering.summary
    entry.users += 1
    entry.isNew = false
    if (isAbroad && entry.usersAbroad === 0) this.#bytesAbroad += sizeBytes
    if (isAbroad) entry.usersAbroad += 1
    let released = false
    const release = (): void => {
      if (released) return
      released = true
      entry.users -= 1
      if (isAbroad) entry.usersAbroad -= 1
      if (isAbroad && entry.usersAbroad === 0) this.#bytesAbroad -= sizeBytes
      if (this.#entries.get(origin) !== entry) this.#unaccount(entry)
      else this.settle(origin)
      // Unused though still wanted, or no longer in use abroad: it can make room for whoever waits.
      if (entry.users === 0 || (isAbroad && entry.usersAbroad === 0)) this.#wake()
    }
    return { rendering: entry.rendering, release }
  }

  /** A read that somebody abroad begins waits for room abroad first, alone: whoever asks at home meanwhile begins his own. */
  async #readFor(origin: ObjectKey, signal: AbortSignal, seat: Seat): Promise<Failure | null> {
    if (!seat.isAbroad) return await this.#readOnce(origin, signal)
    const bytes = this.#o.origins.lastSizeBytes(origin) ?? SIZE_GUESS_BYTES
    while (!this.#reads.has(origin) && !this.#fitsAbroad(bytes) && !signal.aborted) {
      await this.#change(signal)
      if (this.#current(origin) !== null) return null
    }
    if (signal.aborted) return CANCELLED
    if (!this.#reads.has(origin)) {
      seat.reservedBytes = bytes
      this.#reservedBytesAbroad += bytes
    }
    return await this.#readOnce(origin, signal)
  }

  #leave(seat: Seat): void {
    this.#reservedBytesAbroad -= seat.reservedBytes
    seat.reservedBytes = 0
  }

  /** Turns that ask at once share one request. */
  #readOnce(origin: ObjectKey, signal: AbortSignal): Promise<Failure | null> {
    const running = this.#reads.get(origin)
    if (running !== undefined) return running
    const reading = this.#read(origin, signal).finally(() => this.#reads.delete(origin))
    this.#reads.set(origin, reading)
    return reading
  }

  async #read(origin: ObjectKey, signal: AbortSignal): Promise<Failure | null> {
    const reservedBytes = this.#o.origins.lastSizeBytes(origin) ?? SIZE_GUESS_BYTES
    await this.#room(reservedBytes, signal)
    try {
      return await this.#readNow(origin, signal)
    } finally {
      this.#reservedBytes -= reservedBytes
      this.#wake()
    }
  }

  async #readNow(origin: ObjectKey, signal: AbortSignal): Promise<Failure | null> {
    const version = this.#version(origin)
    const answer = await this.#o.api.readFull(refOf(origin), { signal })
    if (!answer.ok) {
      const { failure } = answer
      if (signal.aborted) return CANCELLED
      if (this.#failures.size >= FAILURES_MAX) this.#failures.clear()
      this.#failures.set(origin, { failure, version, untilMs: this.#o.clock.now() + FAILURE_KEPT_MS })
      return failure
    }
    this.#failures.delete(origin)
    const full = answer.value
    this.#o.store.put(full.meta, 'answer')
    const key = this.#o.digestKey()
    const view = this.#o.origins.view(origin)
    // Policy, uid and data of a rendering come from one answer: an older one than the store's is read again.
    if (key === null || view?.reading.kind !== 'policy' || view.meta.version !== full.meta.version)
      return null
    const rendering = render(full, view.reading.policy, { rules: this.#o.rules, key })
    this.#o.origins.noteSummary(origin, rendering.summary)
    this.#keep(keyOf(full.meta), rendering)
    return null
  }

  #version(origin: ObjectKey): ResourceVersion | null {
    return this.#o.store.get(origin)?.version ?? null
  }

  #keep(origin: ObjectKey, rendering: Rendering): void {
    const before = this.#entries.get(origin)
    if (before !== undefined && before.users === 0) this.#drop(origin)
    this.#entries.set(origin, { rendering, users: 0, usersAbroad: 0, isNew: true })
    this.#bytes += rendering.summary.sizeBytes
  }

  #drop(origin: ObjectKey): void {
    const entry = this.#entries.get(origin)
    if (entry === undefined) return
    this.#entries.delete(origin)
    this.#unaccount(entry)
  }

  #unaccount(entry: Entry): void {
    if (entry.users > 0) return
    this.#bytes -= entry.rendering.summary.sizeBytes
    this.#wake()
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }

  /**
   * Waits until the bound has room for `bytes` more, and reserves them: unused renderings go first, the longest kept before the others.
   * One rendering alone always has room, however large.
   */
  async #room(bytes: number, signal: AbortSignal): Promise<void> {
    const hasRoom = (): boolean =>
      this.#bytes + this.#reservedBytes === 0 || this.#bytes + this.#reservedBytes + bytes <= this.#o.bytesMax
    while (!hasRoom() && !signal.aborted) {
      for (const [origin, entry] of this.#entries) {
        if (hasRoom()) break
        if (isUnused(entry)) this.#drop(origin)
      }
      if (!hasRoom()) await this.#change(signal)
    }
    this.#reservedBytes += bytes
  }

  /** Resolves when bytes become free, or `signal` fires. */
  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        signal.removeEventListener('abort', end)
        resolve()
      }
      this.#waiters.push(end)
      signal.addEventListener('abort', end, { once: true })
    })
  }
}

const CANCELLED: Failure = { kind: 'unanswered', why: 'cancelled' }

function isCancelled(failure: Failure): boolean {
  return failure.kind === 'unanswered' && failure.why === 'cancelled'
}

function isUnused(entry: Entry): boolean {
  return entry.users === 0 && !entry.isNew
}
