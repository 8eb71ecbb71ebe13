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

interface Entry {
  readonly rendering: Rendering
  users: number
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

  constructor(options: RenderingsOptions) {
    this.#o = options
  }

  get heldBytes(): number {
    return this.#bytes
  }

  /**
   * The rendering of the origin's newest known version. Null: after the read the object offers nothing, or nothing that may be rendered.
   * The read advances the store, so the caller must plan anew before it writes.
   */
  async acquire(origin: ObjectKey, signal: AbortSignal): Promise<Result<RenderingHold | null, Failure>> {
    for (let read = 0; read < READS_MAX; read += 1) {
      const held = this.#hold(origin)
      if (held !== null) return ok(held)
      const kept = this.#failures.get(origin)
      if (kept?.version === this.#version(origin) && this.#o.clock.now() < kept.untilMs)
        return failed(kept.failure)
      const failure = await this.#readOnce(origin, signal)
      if (failure !== null) return failed(failure)
      if (this.#o.origins.view(origin)?.reading.kind !== 'policy') {
        if (this.#entries.get(origin)?.users === 0) this.#drop(origin)
        return ok(null)
      }
    }
    const held = this.#hold(origin)
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

  #hold(origin: ObjectKey): RenderingHold | null {
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
    entry.users += 1
    entry.isNew = false
    let released = false
    const release = (): void => {
      if (released) return
      released = true
      entry.users -= 1
      if (this.#entries.get(origin) !== entry) this.#unaccount(entry)
      else this.settle(origin)
      // Unused though still wanted: it can make room for whoever waits.
      if (entry.users === 0) this.#wake()
    }
    return { rendering: entry.rendering, release }
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
    this.#entries.set(origin, { rendering, users: 0, isNew: true })
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

function isUnused(entry: Entry): boolean {
  return entry.users === 0 && !entry.isNew
}
