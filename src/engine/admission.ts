/**
 * Which claims are within the limits, per origin and per namespace of origins: holders first, then a stable order.
 * What was kept out is looked at again when room gets free.
 */

import type { ObjectKey } from '../core/names.ts'
import type { ObjectMeta } from '../core/objects.ts'
import type { Rules } from '../core/rules.ts'
import type { OriginView } from './origins.ts'
import type { OriginsHere } from './reach.ts'

export interface AdmissionOptions {
  readonly origins: OriginsHere
  readonly rules: Rules
  /** The places that an origin claims now. */
  readonly places: (origin: ObjectKey) => ReadonlySet<ObjectKey>
  /** The mirrors whose marks name an origin. */
  readonly mirrors: (origin: ObjectKey) => ReadonlySet<ObjectKey>
  readonly enqueue: (place: ObjectKey) => void
}

/** Origins that their namespace's limit keeps out, and how many origins there were when the last of them was found so. */
interface Crowd {
  readonly out: Set<ObjectKey>
  origins: number
}

/** One per destination. */
export class Admission {
  readonly #o: AdmissionOptions
  /** Of origins with more claims than their limit: the claims within it. */
  readonly #within = new Map<ObjectKey, ReadonlySet<ObjectKey>>()
  readonly #crowds = new Map<string, Crowd>()

  constructor(options: AdmissionOptions) {
    this.#o = options
  }

  isAdmitted(view: OriginView, place: ObjectKey): boolean {
    const origin = view.meta.key
    if (!this.isOriginAdmitted(view.meta)) return false
    const places = this.#o.places(origin)
    const most = this.#mirrorsMax(origin)
    if (places.size <= most) return true
    return this.#within.getOrInsertComputed(origin, () => this.#admit(origin, places, most)).has(place)
  }

  /** Whether the origin is within its namespace's limit: those with mirrors, then the older ones, then the first by name. */
  isOriginAdmitted(meta: ObjectMeta): boolean {
    const { origins, mirrors } = this.#o
    if (origins.isWithinNamespaceLimit(meta, (origin) => mirrors(origin).size > 0)) return true
    const crowd = this.#crowds.getOrInsertComputed(meta.namespace, () => ({ out: new Set(), origins: 0 }))
    crowd.out.add(meta.key)
    crowd.origins = origins.countIn(meta.namespace)
    return false
  }

  /** Claims or size of the origin changed: what is within its limits is reckoned anew. */
  forget(origin: ObjectKey): void {
    this.#within.delete(origin)
  }

  /** A claim of the origin ended by itself: one that was kept out may take its room. */
  left(origin: ObjectKey): void {
    this.forget(origin)
    const places = this.#o.places(origin)
    if (places.size >= this.#mirrorsMax(origin)) for (const place of places) this.#o.enqueue(place)
  }

  /** An object of `namespace` changed: where it was an origin and is none any more, others may take its room. */
  originsChanged(namespace: string): void {
    const crowd = this.#crowds.get(namespace)
    if (crowd === undefined || this.#o.origins.countIn(namespace) >= crowd.origins) return
    this.#crowds.delete(namespace)
    for (const origin of crowd.out) for (const place of this.#o.places(origin)) this.#o.enqueue(place)
  }

  #mirrorsMax(origin: ObjectKey): number {
    const { mirrorsPerOriginMax, bytesPerOriginMax } = this.#o.rules
    const sizeBytes = this.#o.origins.summary(origin)?.sizeBytes ?? 0
    return sizeBytes === 0
      ? mirrorsPerOriginMax
      : Math.min(mirrorsPerOriginMax, Math.floor(bytesPerOriginMax / sizeBytes))
  }

  #admit(origin: ObjectKey, places: ReadonlySet<ObjectKey>, most: number): ReadonlySet<ObjectKey> {
    const mirrors = this.#o.mirrors(origin)
    const rank = (place: ObjectKey): number => (mirrors.has(place) ? 0 : 1)
    return new Set([...places].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1)).slice(0, most))
  }
}
