/** Keys that wait, taken round-robin over the namespaces of their origins, so that one busy origin delays no other. */

import type { ObjectKey } from '../core/names.ts'

/** Where a key belongs when slots are shared out. */
export interface Share {
  /** Namespace of the origin: keys take turns by it. */
  readonly originNamespace: string
  /** The origin, or the place itself where none is known. */
  readonly origin: string
  /** Namespace that is written to. */
  readonly namespace: string
}

/** Keys looked at in one origin before the turn passes on: bounds the cost of a take when an origin's targets are all busy. */
const LOOK_AHEAD_MAX = 64

/** Origins passed over in one take before it gives up until a slot is free. */
const ORIGINS_MAX = 256

interface Waiting {
  readonly share: Share
  readonly sinceMs: number
}
type Origins = Map<string, Map<ObjectKey, Waiting>>

/** A set of waiting keys. Adding a key that waits already changes nothing but keeps its place. */
export class Lane {
  /** Origin namespace → origin → keys; each level in the order in which turns are taken. */
  readonly #namespaces = new Map<string, Origins>()
  readonly #shares = new Map<ObjectKey, Share>()
  #origins = 0

  get size(): number {
    return this.#shares.size
  }

  /** How many origins wait: one is capped only while others do. */
  get origins(): number {
    return this.#origins
  }

  /** How many namespaces of origins wait. */
  get namespaces(): number {
    return this.#namespaces.size
  }

  has(key: ObjectKey): boolean {
    return this.#shares.has(key)
  }

  add(key: ObjectKey, share: Share, nowMs: number): void {
    if (this.#shares.has(key)) return
    const origins = this.#namespaces.getOrInsertComputed(share.originNamespace, () => new Map())
    if (!origins.has(share.origin)) this.#origins += 1
    origins.getOrInsertComputed(share.origin, () => new Map()).set(key, { share, sinceMs: nowMs })
    this.#shares.set(key, share)
  }

  remove(key: ObjectKey): void {
    const share = this.#shares.get(key)
    if (share === undefined) return
    this.#shares.delete(key)
    const origins = this.#namespaces.get(share.originNamespace)
    const keys = origins?.get(share.origin)
    keys?.delete(key)
    if (keys?.size === 0 && origins?.delete(share.origin) === true) this.#origins -= 1
    if (origins?.size === 0) this.#namespaces.delete(share.originNamespace)
  }

  /** Takes the next key whose share `mayRun` lets pass; its origin and its namespace go to the end of their rounds. */
  take(mayRun: (share: Share) => boolean): { readonly key: ObjectKey; readonly share: Share } | null {
    const budget = { origins: ORIGINS_MAX }
    for (const [namespace, origins] of this.#namespaces) {
      const found = takeFrom(origins, mayRun, budget)
      if (found !== null) {
        this.remove(found.key)
        rotate(origins, found.share.origin)
        rotate(this.#namespaces, namespace)
        return found
      }
      if (budget.origins <= 0) return null
    }
    return null
  }

  /** When the longest-waiting key was added; null when nothing waits. Keys of an origin wait in order, so only heads are asked. */
  oldestMs(): number | null {
    let oldest: number | null = null
    for (const origins of this.#namespaces.values()) {
      for (const keys of origins.values()) {
        const [head] = keys.values()
        if (head !== undefined && (oldest === null || head.sinceMs < oldest)) oldest = head.sinceMs
      }
    }
    return oldest
  }
}

function takeFrom(
  origins: Origins,
  mayRun: (share: Share) => boolean,
  budget: { origins: number },
): { readonly key: ObjectKey; readonly share: Share } | null {
  for (const keys of origins.values()) {
    if (budget.origins <= 0) return null
    budget.origins -= 1
    let looked = 0
    for (const [key, { share }] of keys) {
      if (looked >= LOOK_AHEAD_MAX) break
      looked += 1
      if (mayRun(share)) return { key, share }
    }
  }
  return null
}

function rotate<V>(map: Map<string, V>, key: string): void {
  const value = map.get(key)
  if (value !== undefined && map.delete(key)) map.set(key, value)
}
