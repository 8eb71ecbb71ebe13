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

/** Who may run now. */
export interface Gate {
  namespace(originNamespace: string): boolean
  origin(origin: string): boolean
  /** False only while a turn in `share.namespace` is under way: its end is told by {@link Lane.wake}. */
  target(share: Share): boolean
}

/** Keys that are woken for each turn that ends in their namespace: one slot is free, and one more key is at hand. */
const WOKEN_MAX = 2

interface Waiting {
  readonly share: Share
  readonly sinceMs: number
}
type Origins = Map<string, Map<ObjectKey, Waiting>>

/** A set of waiting keys. Adding a key that waits already changes nothing but keeps its place. */
export class Lane {
  /** Origin namespace → origin → keys; each level in the order in which turns are taken. */
  readonly #namespaces = new Map<string, Origins>()
  /** Keys whose target namespace can take no more: out of the way, so that a take never searches among them. */
  readonly #asleep = new Map<string, Lane>()
  readonly #shares = new Map<ObjectKey, Share>()
  #origins = 0

  get size(): number {
    return this.#shares.size
  }

  /** How many origins wait for a slot: one is capped only while others do. */
  get origins(): number {
    return this.#origins
  }

  /** How many namespaces of origins wait for a slot. */
  get namespaces(): number {
    return this.#namespaces.size
  }

  has(key: ObjectKey): boolean {
    return this.#shares.has(key)
  }

  add(key: ObjectKey, share: Share, nowMs: number): void {
    if (this.#shares.has(key)) return
    this.#shares.set(key, share)
    this.#insert(key, { share, sinceMs: nowMs })
  }

  remove(key: ObjectKey): void {
    const share = this.#shares.get(key)
    if (share === undefined) return
    this.#shares.delete(key)
    if (this.#drop(key, share) === null) this.#asleep.get(share.namespace)?.remove(key)
  }

  /** Takes the next key that `gate` lets pass; its origin and its namespace go to the end of their rounds. */
  take(gate: Gate): { readonly key: ObjectKey; readonly share: Share } | null {
    for (const [namespace, origins] of this.#namespaces) {
      if (!gate.namespace(namespace)) continue
      const found = this.#takeFrom(origins, gate)
      if (found === null) continue
      this.remove(found.key)
      rotate(origins, found.share.origin)
      rotate(this.#namespaces, namespace)
      return found
    }
    return null
  }

  /** A turn in the target `namespace` ended: some of the keys that wait for it come back into their rounds. */
  wake(namespace: string): void {
    const asleep = this.#asleep.get(namespace)
    for (let woken = 0; asleep !== undefined && woken < WOKEN_MAX; woken += 1) {
      const sinceMs = asleep.oldestMs() ?? 0
      const next = asleep.take(OPEN)
      if (next !== null) this.#insert(next.key, { share: next.share, sinceMs })
    }
    if (asleep?.size === 0) this.#asleep.delete(namespace)
  }

  /** When the longest-waiting key was added; null when nothing waits. Keys of an origin wait in order, so only heads are asked. */
  oldestMs(): number | null {
    let oldest: number | null = null
    const consider = (sinceMs: number | null | undefined): void => {
      if (sinceMs != null && (oldest === null || sinceMs < oldest)) oldest = sinceMs
    }
    for (const origins of this.#namespaces.values())
      for (const keys of origins.values()) consider(keys.values().next().value?.sinceMs)
    for (const asleep of this.#asleep.values()) consider(asleep.oldestMs())
    return oldest
  }

  #takeFrom(origins: Origins, gate: Gate): { readonly key: ObjectKey; readonly share: Share } | null {
    for (const [origin, keys] of origins) {
      if (!gate.origin(origin)) continue
      for (const [key, waiting] of keys) {
        if (gate.target(waiting.share)) return { key, share: waiting.share }
        this.#drop(key, waiting.share)
        this.#asleep
          .getOrInsertComputed(waiting.share.namespace, () => new Lane())
          .add(key, waiting.share, waiting.sinceMs)
      }
    }
    return null
  }

  #insert(key: ObjectKey, waiting: Waiting): void {
    const { originNamespace, origin } = waiting.share
    const origins = this.#namespaces.getOrInsertComputed(originNamespace, () => new Map())
    if (!origins.has(origin)) this.#origins += 1
    origins.getOrInsertComputed(origin, () => new Map()).set(key, waiting)
  }

  /** Out of the rounds; null if it is not in them. */
  #drop(key: ObjectKey, share: Share): Waiting | null {
    const origins = this.#namespaces.get(share.originNamespace)
    const keys = origins?.get(share.origin)
    const waiting = keys?.get(key) ?? null
    keys?.delete(key)
    if (keys?.size === 0 && origins?.delete(share.origin) === true) this.#origins -= 1
    if (origins?.size === 0) this.#namespaces.delete(share.originNamespace)
    return waiting
  }
}

/** Whoever waits may run. */
export const OPEN: Gate = { namespace: () => true, origin: () => true, target: () => true }

function rotate<V>(map: Map<string, V>, key: string): void {
  const value = map.get(key)
  if (value !== undefined && map.delete(key)) map.set(key, value)
}
