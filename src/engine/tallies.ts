/** Counts that an origin's owner may know: how many targets are blocked, lost, refused, replaced or released; never which or why. */

import type { ObjectKey } from '../core/names.ts'

export const TALLIES = ['blocked', 'lost', 'limit', 'replaced', 'released'] as const
export type Tally = (typeof TALLIES)[number]
/** Events rather than standing: told once and begun anew. */
const ONE_TIME: ReadonlySet<Tally> = new Set(['replaced', 'released'])

/** One per destination. Told when an origin has settled, so that a thousand targets make one Event. */
export class Tallies {
  readonly #places = new Map<ObjectKey, Map<Tally, Set<ObjectKey>>>()
  readonly #byPlace = new Map<ObjectKey, Set<ObjectKey>>()
  readonly #changed = new Map<ObjectKey, Set<Tally>>()

  note(origin: ObjectKey, tally: Tally, place: ObjectKey): void {
    const tallies = this.#places.getOrInsertComputed(origin, () => new Map())
    const places = tallies.getOrInsertComputed(tally, () => new Set())
    if (places.has(place)) return
    places.add(place)
    this.#byPlace.getOrInsertComputed(place, () => new Set()).add(origin)
    this.#changed.getOrInsertComputed(origin, () => new Set()).add(tally)
  }

  /** The standing of `place` is told anew by its turn: what stood there before is void. */
  clear(place: ObjectKey): void {
    for (const origin of this.#byPlace.get(place) ?? []) {
      const tallies = this.#places.get(origin)
      for (const [tally, places] of tallies ?? []) if (!ONE_TIME.has(tally)) places.delete(place)
    }
    this.#byPlace.delete(place)
  }

  /** Origins with something that was not told yet. */
  untold(): readonly ObjectKey[] {
    return [...this.#changed.keys()]
  }

  get hasUntold(): boolean {
    return this.#changed.size > 0
  }

  /** What changed for `origin` since it was told last, as counts; zero counts are not told. */
  take(origin: ObjectKey): readonly { readonly tally: Tally; readonly count: number }[] {
    const changed = this.#changed.get(origin)
    if (changed === undefined) return []
    this.#changed.delete(origin)
    const tallies = this.#places.get(origin)
    const counts = [...changed].map((tally) => ({ tally, count: tallies?.get(tally)?.size ?? 0 }))
    for (const tally of ONE_TIME) tallies?.delete(tally)
    for (const [tally, places] of tallies ?? []) if (places.size === 0) tallies?.delete(tally)
    if (tallies?.size === 0) this.#places.delete(origin)
    return counts.filter(({ count }) => count > 0)
  }
}
