/** How far each change of an origin has come: from being seen to the last place settled. */

import type { ObjectKey } from '../core/names.ts'

interface Spread {
  readonly seenAtMs: number
  readonly pending: Set<ObjectKey>
  wrote: boolean
}

/** One per destination. A change that comes while another spreads joins it: the time runs from the older. */
export class Spreads {
  readonly #byOrigin = new Map<ObjectKey, Spread>()
  readonly #byPlace = new Map<ObjectKey, Set<ObjectKey>>()
  readonly #ended: (origin: ObjectKey, spread: { readonly seenAtMs: number; readonly wrote: boolean }) => void

  constructor(
    ended: (origin: ObjectKey, spread: { readonly seenAtMs: number; readonly wrote: boolean }) => void,
  ) {
    this.#ended = ended
  }

  begin(origin: ObjectKey, places: Iterable<ObjectKey>, seenAtMs: number): void {
    const spread = this.#byOrigin.get(origin) ?? { seenAtMs, pending: new Set<ObjectKey>(), wrote: false }
    for (const place of places) {
      spread.pending.add(place)
      this.#byPlace.getOrInsertComputed(place, () => new Set()).add(origin)
    }
    if (spread.pending.size > 0) this.#byOrigin.set(origin, spread)
    else this.#ended(origin, spread)
  }

  /** Nothing spreads any more, and nobody is told; the origins that did. */
  clear(): readonly ObjectKey[] {
    const origins = [...this.#byOrigin.keys()]
    this.#byOrigin.clear()
    this.#byPlace.clear()
    return origins
  }

  isSpreading(origin: ObjectKey): boolean {
    return this.#byOrigin.has(origin)
  }

  /** A mirror of `place` was written. */
  wrote(place: ObjectKey): void {
    for (const origin of this.#byPlace.get(place) ?? []) {
      const spread = this.#byOrigin.get(origin)
      if (spread !== undefined) spread.wrote = true
    }
  }

  /** The place needs nothing more for now. */
  settled(place: ObjectKey): void {
    for (const origin of this.#byPlace.get(place) ?? []) {
      const spread = this.#byOrigin.get(origin)
      if (spread === undefined) continue
      spread.pending.delete(place)
      if (spread.pending.size > 0) continue
      this.#byOrigin.delete(origin)
      this.#ended(origin, spread)
    }
    this.#byPlace.delete(place)
  }
}
