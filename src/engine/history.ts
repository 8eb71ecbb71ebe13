/** What is remembered of places beside what is written on them: only hints that spare requests or slow repairs; losing all of it loses nothing. */

import type { MirrorState } from '../core/decision.ts'
import { MIRROR_STATES } from '../core/decision.ts'
import type { ObjectKey, ResourceVersion } from '../core/names.ts'
import { TAKEOVER_DELAY_MS } from '../core/plan.ts'

/** More repairs than this within the window make a mirror contested (promise 4). */
export const REPAIRS_MAX = 5
export const REPAIR_WINDOW_MS = 600_000
export const CONTEST_BACKOFF_MIN_MS = 1_000
export const CONTEST_BACKOFF_MAX_MS = 600_000

interface Repairs {
  /** The latest, at most {@link REPAIRS_MAX} + 1. */
  readonly times: number[]
  backoffMs: number
  againAtMs: number
}

/** What a write of ours was to leave behind. */
export interface LastWrite {
  readonly digest: string
  /** Marks that follow the policy and not the digest, as one text. */
  readonly marks: string
}

export interface PlaceState {
  readonly state: MirrorState
  /** The origin concerned; null where none is known. */
  readonly origin: ObjectKey | null
  readonly reason: string
}

/** One per destination; entries live as long as their places matter. */
export class History {
  readonly #known = new Map<ObjectKey, ResourceVersion>()
  readonly #written = new Set<ObjectKey>()
  readonly #lastWrites = new Map<ObjectKey, LastWrite>()
  readonly #replaced = new Set<ObjectKey>()
  readonly #verify = new Set<ObjectKey>()
  readonly #fresh = new Set<ObjectKey>()
  readonly #ends = new Map<ObjectKey, { readonly origin: ObjectKey; readonly atMs: number }>()
  readonly #freed = new Map<ObjectKey, { readonly holder: ObjectKey; readonly atMs: number }>()
  readonly #repairs = new Map<ObjectKey, Repairs>()
  readonly #states = new Map<ObjectKey, PlaceState>()
  readonly #counts = new Map<MirrorState, number>(MIRROR_STATES.map((state) => [state, 0]))

  /** The version that we wrote, or read and found right. */
  knownVersion(place: ObjectKey): ResourceVersion | null {
    return this.#known.get(place) ?? null
  }

  /** `version` is what our write left: it needs no look of its own. A request to verify that came while it was under way stands. */
  know(place: ObjectKey, version: ResourceVersion): void {
    this.#known.set(place, version)
    this.#fresh.delete(place)
  }

  /** `version` was found right, by reading it where that was asked for. */
  verified(place: ObjectKey, version: ResourceVersion): void {
    this.know(place, version)
    this.#verify.delete(place)
  }

  /** We wrote here before: making it again puts a deletion right. */
  wasWritten(place: ObjectKey): boolean {
    return this.#written.has(place)
  }

  noteWritten(place: ObjectKey): void {
    this.#written.add(place)
  }

  lastWrite(place: ObjectKey): LastWrite | null {
    return this.#lastWrites.get(place) ?? null
  }

  /** True: the same was written here last, so somebody or something undid it. */
  noteLastWrite(place: ObjectKey, write: LastWrite): boolean {
    const before = this.#lastWrites.get(place)
    this.#lastWrites.set(place, write)
    return before !== undefined && before.digest === write.digest && before.marks === write.marks
  }

  /** We deleted it ourselves. */
  forgetWritten(place: ObjectKey): void {
    this.#written.delete(place)
  }

  /** The old mirror went so that a new one can come. */
  noteReplaced(place: ObjectKey): void {
    this.#replaced.add(place)
  }

  takeReplaced(place: ObjectKey): boolean {
    return this.#replaced.delete(place)
  }

  mustVerify(place: ObjectKey): boolean {
    return this.#verify.has(place)
  }

  askVerify(place: ObjectKey): void {
    this.#verify.add(place)
  }

  isFresh(place: ObjectKey): boolean {
    return this.#fresh.has(place)
  }

  noteFresh(place: ObjectKey): void {
    this.#fresh.add(place)
  }

  /** `origin`'s claim here was seen to end. */
  noteEnd(place: ObjectKey, origin: ObjectKey, atMs: number): void {
    if (this.#ends.get(place)?.origin !== origin) this.#ends.set(place, { origin, atMs })
  }

  /** `origin` claims here (again). */
  clearEnd(place: ObjectKey, origin: ObjectKey): void {
    if (this.#ends.get(place)?.origin === origin) this.#ends.delete(place)
  }

  endOf(
    place: ObjectKey,
    origin: ObjectKey | null,
  ): { readonly witness: 'live' | 'inferred'; readonly atMs: number } {
    const end = this.#ends.get(place)
    return end !== undefined && end.origin === origin
      ? { witness: 'live', atMs: end.atMs }
      : { witness: 'inferred', atMs: 0 }
  }

  /** The holder's mirror went because its claim ended. */
  noteFreed(place: ObjectKey, holder: ObjectKey, atMs: number): void {
    // Kept in the order of time, so that what is over goes from the front.
    for (const [old, freed] of this.#freed) {
      if (atMs < freed.atMs + TAKEOVER_DELAY_MS) break
      this.#freed.delete(old)
    }
    this.#freed.delete(place)
    this.#freed.set(place, { holder, atMs })
  }

  freedBy(place: ObjectKey, nowMs: number): { readonly holder: ObjectKey; readonly atMs: number } | null {
    const freed = this.#freed.get(place)
    if (freed === undefined) return null
    if (nowMs < freed.atMs + TAKEOVER_DELAY_MS) return freed
    this.#freed.delete(place)
    return null
  }

  /** Counts one repair. Beyond {@link REPAIRS_MAX} in the window each next one waits twice as long. */
  noteRepair(place: ObjectKey, nowMs: number): void {
    for (const [old, { times }] of this.#repairs) {
      if (nowMs - (times.at(-1) ?? 0) <= REPAIR_WINDOW_MS + CONTEST_BACKOFF_MAX_MS) break
      this.#repairs.delete(old)
    }
    const repairs = this.#repairs.get(place) ?? { times: [], backoffMs: 0, againAtMs: 0 }
    // Kept in the order of the last repair, so that what is over goes from the front.
    this.#repairs.delete(place)
    this.#repairs.set(place, repairs)
    repairs.times.push(nowMs)
    if (repairs.times.length > REPAIRS_MAX + 1) repairs.times.shift()
    if (!isContested(repairs, nowMs)) {
      repairs.backoffMs = 0
      return
    }
    repairs.backoffMs = Math.min(
      CONTEST_BACKOFF_MAX_MS,
      Math.max(CONTEST_BACKOFF_MIN_MS, repairs.backoffMs * 2),
    )
    repairs.againAtMs = nowMs + repairs.backoffMs
  }

  repairsOf(place: ObjectKey, nowMs: number): { readonly contested: boolean; readonly againAtMs: number } {
    const repairs = this.#repairs.get(place)
    if (repairs === undefined) return { contested: false, againAtMs: 0 }
    const quiet = nowMs - (repairs.times.at(-1) ?? 0) > REPAIR_WINDOW_MS + repairs.backoffMs
    if (quiet) this.#repairs.delete(place)
    return quiet
      ? { contested: false, againAtMs: 0 }
      : { contested: repairs.backoffMs > 0, againAtMs: repairs.againAtMs }
  }

  state(place: ObjectKey): PlaceState | null {
    return this.#states.get(place) ?? null
  }

  /** Null: the place does not matter any more. */
  settle(place: ObjectKey, state: PlaceState | null): void {
    const before = this.#states.get(place)
    if (before !== undefined) this.#counts.set(before.state, (this.#counts.get(before.state) ?? 0) - 1)
    if (state === null) {
      this.#states.delete(place)
      return
    }
    this.#states.set(place, state)
    this.#counts.set(state.state, (this.#counts.get(state.state) ?? 0) + 1)
  }

  /** Everything but running contests is forgotten: the place is empty and nobody claims it. */
  drop(place: ObjectKey): void {
    this.settle(place, null)
    for (const map of [this.#known, this.#written, this.#lastWrites, this.#replaced, this.#verify])
      map.delete(place)
    for (const map of [this.#fresh, this.#ends]) map.delete(place)
  }

  /** The lead is gone: where places stand, and what was to become of them, is another's to know. Ends and versions stay true. */
  follow(): void {
    for (const map of [this.#states, this.#written, this.#lastWrites, this.#replaced]) map.clear()
    for (const set of [this.#verify, this.#fresh]) set.clear()
    for (const state of MIRROR_STATES) this.#counts.set(state, 0)
  }

  /** The object is gone, and with it what was to become of it. */
  forgetEnd(place: ObjectKey): void {
    this.#ends.delete(place)
  }

  /** How much is remembered of places that may never be asked for again. */
  sizes(): { readonly freed: number; readonly repairs: number } {
    return { freed: this.#freed.size, repairs: this.#repairs.size }
  }

  /** Places that are not in order. */
  *troubled(): Iterable<ObjectKey> {
    for (const [place, { state }] of this.#states) if (state !== 'synced') yield place
  }

  counts(): ReadonlyMap<MirrorState, number> {
    return this.#counts
  }
}

function isContested(repairs: Repairs, nowMs: number): boolean {
  const oldest = repairs.times[0] ?? nowMs
  return repairs.times.length > REPAIRS_MAX && (nowMs - oldest <= REPAIR_WINDOW_MS || repairs.backoffMs > 0)
}
