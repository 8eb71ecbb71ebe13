/** Matches origins against every namespace a few at a time: patterns are what a tenant can make dear, and others wait for no more than one piece. */

import type { ObjectKey } from '../core/names.ts'
import type { NamespaceMeta } from '../core/objects.ts'
import type { OriginView } from './origins.ts'

/** Namespaces of one piece: a few milliseconds at the dearest patterns that are taken. */
export const PIECE_MAX = 16

interface Begun {
  readonly view: OriginView
  readonly rest: IterableIterator<NamespaceMeta>
  readonly places: Set<ObjectKey>
}

export interface MatchingOptions {
  readonly namespaces: () => IterableIterator<NamespaceMeta>
  readonly placeIn: (view: OriginView, namespace: NamespaceMeta) => ObjectKey | null
}

/** One per site. What is begun with an older view, or before a namespace came or was relabelled, is begun anew. */
export class Matching {
  readonly #o: MatchingOptions
  readonly #begun = new Map<ObjectKey, Begun>()

  constructor(options: MatchingOptions) {
    this.#o = options
  }

  /** The places that `view` claims, once all namespaces were asked: at once if `isWhole`, else null after each piece but the last. */
  next(view: OriginView, isWhole: boolean): Set<ObjectKey> | null {
    const { key } = view.meta
    const begun = this.#begunWith(view)
    for (let asked = 0; isWhole || asked < PIECE_MAX; asked += 1) {
      const next = begun.rest.next()
      if (next.done === true) return this.#end(key, begun)
      const place = this.#o.placeIn(view, next.value)
      if (place !== null) begun.places.add(place)
    }
    this.#begun.set(key, begun)
    return null
  }

  #end(origin: ObjectKey, { places }: Begun): Set<ObjectKey> {
    this.#begun.delete(origin)
    return places
  }

  forget(origin: ObjectKey): void {
    this.#begun.delete(origin)
  }

  /** Namespaces changed. */
  clear(): void {
    this.#begun.clear()
  }

  #begunWith(view: OriginView): Begun {
    const known = this.#begun.get(view.meta.key)
    if (known?.view === view) return known
    return { view, rest: this.#o.namespaces(), places: new Set() }
  }
}
