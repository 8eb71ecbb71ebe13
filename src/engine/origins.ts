/** The origins of home: what each object's annotations mean now, and what is remembered of rendered versions. */

import { readOrigin } from '../core/dialects/table.ts'
import type { ObjectKey, ObjectRef } from '../core/names.ts'
import { pathOf } from '../core/names.ts'
import type { ObjectMeta } from '../core/objects.ts'
import type { Reading } from '../core/policy.ts'
import type { Summary } from '../core/render.ts'
import type { Rules } from '../core/rules.ts'
import type { Store } from './store.ts'

export interface OriginView {
  readonly meta: ObjectMeta
  readonly reading: Exclude<Reading, { kind: 'none' }>
}

/** Reads through to the store: a view is always of the newest metadata known. */
export class Origins {
  readonly #store: Store
  readonly #rules: Rules
  readonly #views = new Map<ObjectKey, { readonly meta: ObjectMeta; readonly view: OriginView | null }>()
  readonly #summaries = new Map<ObjectKey, Summary>()
  readonly #byNamespace = new Map<string, Set<ObjectKey>>()
  /** Those that are held, by kind and name. */
  readonly #heldByName = new Map<string, Set<ObjectKey>>()

  constructor(store: Store, rules: Rules) {
    this.#store = store
    this.#rules = rules
  }

  /** The origin under `key`; null if the object is absent or nobody may have a copy of it. */
  view(key: ObjectKey): OriginView | null {
    const meta = this.#store.get(key)
    if (meta === null) {
      this.#forget(key)
      return null
    }
    const known = this.#views.get(key)
    if (known !== undefined && known.meta === meta) return known.view
    const reading = readOrigin(meta, this.#rules)
    const view = reading.kind === 'none' ? null : { meta, reading }
    this.#views.set(key, { meta, view })
    this.#noteHeld(meta, view?.reading.kind === 'held')
    if (view === null) this.#byNamespace.get(meta.namespace)?.delete(key)
    else this.#byNamespace.getOrInsertComputed(meta.namespace, () => new Set()).add(key)
    return view
  }

  /** What was found when this version of the origin was rendered; undefined if it was not. */
  summary(key: ObjectKey): Summary | undefined {
    const summary = this.#summaries.get(key)
    const meta = this.#store.get(key)
    return summary !== undefined &&
      meta !== null &&
      summary.uid === meta.uid &&
      summary.version === meta.version
      ? summary
      : undefined
  }

  /** Size of the version that was rendered last, whichever it was; null: none was. */
  lastSizeBytes(key: ObjectKey): number | null {
    return this.#summaries.get(key)?.sizeBytes ?? null
  }

  noteSummary(key: ObjectKey, summary: Summary): void {
    this.#summaries.set(key, summary)
  }

  /** The next turn reads the origin anew. */
  dropSummary(key: ObjectKey): void {
    this.#summaries.delete(key)
  }

  dropSummaries(): void {
    this.#summaries.clear()
  }

  /** Every object that was found to be an origin. */
  *keys(): Iterable<ObjectKey> {
    for (const keys of this.#byNamespace.values()) yield* keys
  }

  /** Origins of this kind and name that are held: what they would claim is not known. */
  *heldNamesakes({ kind, name }: ObjectRef): Iterable<ObjectMeta> {
    for (const key of this.#heldByName.get(`${kind}/${name}`) ?? []) {
      const view = this.view(key)
      if (view?.reading.kind === 'held') yield view.meta
    }
  }

  /** How many origins `namespace` has. */
  countIn(namespace: string): number {
    return this.#byNamespace.get(namespace)?.size ?? 0
  }

  /** Whether the origin is within its namespace's limit; beyond it holders, then the older ones, then the first by name, keep their place. */
  isWithinNamespaceLimit(meta: ObjectMeta, isHolder: (origin: ObjectKey) => boolean): boolean {
    const keys = this.#byNamespace.get(meta.namespace)
    if (keys === undefined || keys.size <= this.#rules.originsPerNamespaceMax) return true
    const holds = isHolder(meta.key)
    let before = 0
    for (const key of keys) {
      const other = this.#store.get(key)
      if (other === null || key === meta.key) continue
      const otherHolds = isHolder(key)
      if (otherHolds === holds ? precedes(other, meta) : otherHolds) before += 1
    }
    return before < this.#rules.originsPerNamespaceMax
  }

  counts(): { readonly origins: number; readonly held: number } {
    let origins = 0
    let held = 0
    for (const { view } of this.#views.values()) {
      if (view === null) continue
      origins += 1
      if (view.reading.kind === 'held') held += 1
    }
    return { origins, held }
  }

  /** The first certificate to go out of date among the versions that were rendered. */
  earliestExpiryMs(): number | null {
    let earliest: number | null = null
    for (const { expiresAtMs } of this.#summaries.values()) {
      if (expiresAtMs !== null && (earliest === null || expiresAtMs < earliest)) earliest = expiresAtMs
    }
    return earliest
  }

  /** Origins whose mirrored certificate is out of date at `wallMs`. */
  *expired(wallMs: number): Iterable<ObjectMeta> {
    for (const [key, { expiresAtMs }] of this.#summaries) {
      const meta = this.#store.get(key)
      if (meta !== null && expiresAtMs !== null && expiresAtMs < wallMs) yield meta
    }
  }

  #noteHeld({ key, kind, name }: ObjectMeta, isHeld: boolean): void {
    const namesake = `${kind}/${name}`
    if (isHeld) {
      this.#heldByName.getOrInsertComputed(namesake, () => new Set()).add(key)
      return
    }
    const keys = this.#heldByName.get(namesake)
    keys?.delete(key)
    if (keys?.size === 0) this.#heldByName.delete(namesake)
  }

  #forget(key: ObjectKey): void {
    const known = this.#views.get(key)
    if (known === undefined) return
    this.#views.delete(key)
    this.#summaries.delete(key)
    this.#noteHeld(known.meta, false)
    const keys = this.#byNamespace.get(known.meta.namespace)
    keys?.delete(key)
    if (keys?.size === 0) this.#byNamespace.delete(known.meta.namespace)
  }
}

function precedes(a: ObjectMeta, b: ObjectMeta): boolean {
  return a.createdAt === b.createdAt ? pathOf(a) < pathOf(b) : a.createdAt < b.createdAt
}
