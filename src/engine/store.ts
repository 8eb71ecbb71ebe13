/**
 * What is known of one cluster: metadata of the objects that matter, by key, and every namespace.
 * Promises: never goes back in time for an object; a snapshot marks and sweeps; what nobody annotated and nobody waits for costs nothing.
 */

import { hasKeyUnder } from '../core/dialects/table.ts'
import { isNewer, keyOf } from '../core/names.ts'
import type { Kind, ObjectKey, ResourceVersion, Uid } from '../core/names.ts'
import type { NamespaceMeta, ObjectMeta } from '../core/objects.ts'
import type { ChangeSink, Witness } from '../kube/changes.ts'

/** How a change came to the store: as the reflector says, or by an answer to a request of ours. */
export type Source = Witness | 'answer'

/** Told synchronously of every change, on the read loop: note it and return. */
export interface StoreListener {
  objectChanged(key: ObjectKey, before: ObjectMeta | null, after: ObjectMeta | null, source: Source): void
  namespaceChanged(
    name: string,
    before: NamespaceMeta | null,
    after: NamespaceMeta | null,
    source: Source,
  ): void
  /** A snapshot is complete. */
  swept(): void
}

/** Uids of objects that we saw deleted and whose last events, or answers, may still come; the oldest is forgotten first. */
const DEAD_UIDS_MAX = 10_000

/** One per cluster, written by its reflectors and by the answers to our own requests. */
export class Store {
  readonly #objects = new Map<ObjectKey, ObjectMeta>()
  readonly #namespaces = new Map<string, NamespaceMeta>()
  readonly #dead = new Set<Uid>()
  /** Versions at which objects were seen to go: an answer that comes later may be of before. */
  readonly #ended = new Map<Uid, ResourceVersion>()
  /** Keys named since a snapshot began; null while none is under way. */
  readonly #snapshots = new Map<Scope, Snapshot>()
  /** Snapshots by resource and scope, and whether each was complete once. */
  readonly #synced = new Map<Scope, boolean>()
  readonly #prefixes: readonly string[]
  readonly #listener: StoreListener
  /** Places that work waits for although nothing of ours is written there. */
  readonly #isAwaited: (key: ObjectKey) => boolean

  constructor(prefixes: readonly string[], listener: StoreListener, isAwaited: (key: ObjectKey) => boolean) {
    this.#prefixes = prefixes
    this.#listener = listener
    this.#isAwaited = isAwaited
  }

  get(key: ObjectKey): ObjectMeta | null {
    return this.#objects.get(key) ?? null
  }

  namespace(name: string): NamespaceMeta | null {
    return this.#namespaces.get(name) ?? null
  }

  namespaces(): IterableIterator<NamespaceMeta> {
    return this.#namespaces.values()
  }

  objects(): Iterable<ObjectMeta> {
    return this.#objects.values()
  }

  /** Whether everything that a reflector delivers was there once. */
  isSynced(): boolean {
    return this.#synced.size > 0 && [...this.#synced.values()].every((isSynced) => isSynced)
  }

  /** Takes what an answer or event says, unless something newer is known. True if it was news. */
  put(object: ObjectMeta, source: Source): boolean {
    for (const scope of [object.kind, `${object.kind}/${object.namespace}`] as const)
      this.#snapshots.get(scope)?.seen.add(object.key)
    const before = this.get(object.key)
    if (this.#dead.has(object.uid)) return false
    if (source === 'answer' && this.#isOvertaken(object)) return false
    if (before !== null && before.uid === object.uid && !isNewer(object.version, before.version)) return false
    if (before !== null && before.uid !== object.uid && !isNewer(object.version, before.version)) return false
    const matters = hasKeyUnder(object, this.#prefixes) || this.#isAwaited(object.key)
    if (!matters && before === null) return false
    if (matters) this.#objects.set(object.key, object)
    else this.#objects.delete(object.key)
    this.#listener.objectChanged(object.key, before, matters ? object : null, source)
    return true
  }

  /**
   * Takes what a consistent read says that was asked for after all that is known, even where that goes back in time or calls an object back that
   * was said to be gone: only a restored cluster, or an answer that lied before, makes that so. True if it was news.
   */
  insist(object: ObjectMeta): boolean {
    const before = this.get(object.key)
    const isEnded = this.#ended.delete(object.uid)
    const isBack = this.#dead.delete(object.uid) || isEnded
    if (!isBack && (before === null || !isNewer(before.version, object.version)))
      return this.put(object, 'answer')
    this.#objects.set(object.key, object)
    this.#listener.objectChanged(object.key, before, object, 'answer')
    return true
  }

  /** DELETED was seen, for the object or for its leaving a selection. */
  gone(object: ObjectMeta, source: Source): boolean {
    this.#dead.delete(object.uid)
    const before = this.get(object.key)
    if (before?.uid === object.uid) this.#noteEnded(object)
    if (before === null) {
      if (this.#isAwaited(object.key)) this.#listener.objectChanged(object.key, null, null, source)
      return false
    }
    if (before.uid !== object.uid && isNewer(before.version, object.version)) return false
    this.#objects.delete(object.key)
    this.#listener.objectChanged(object.key, before, null, source)
    return true
  }

  /** An answer said that the object is gone: later events of this uid are echoes, up to its DELETED. */
  forget(key: ObjectKey, uid: Uid): void {
    dropOldest(this.#dead)
    this.#dead.add(uid)
    const before = this.get(key)
    if (before === null || before.uid !== uid) return
    this.#objects.delete(key)
    this.#listener.objectChanged(key, before, null, 'answer')
  }

  /** It stays only if a key that we read is written on it, or somebody still waits for it. Tells nobody. */
  release(key: ObjectKey): void {
    const object = this.get(key)
    if (object !== null && !hasKeyUnder(object, this.#prefixes) && !this.#isAwaited(key))
      this.#objects.delete(key)
  }

  putNamespace(namespace: NamespaceMeta, source: Source): boolean {
    this.#snapshots.get('Namespace')?.seen.add(namespace.name)
    const before = this.namespace(namespace.name)
    if (before !== null && !isNewer(namespace.version, before.version)) return false
    this.#namespaces.set(namespace.name, namespace)
    this.#listener.namespaceChanged(namespace.name, before, namespace, source)
    return true
  }

  namespaceGone(namespace: NamespaceMeta, source: Source): boolean {
    const before = this.namespace(namespace.name)
    if (before === null || (before.uid !== namespace.uid && isNewer(before.version, namespace.version)))
      return false
    this.#namespaces.delete(namespace.name)
    this.#listener.namespaceChanged(namespace.name, before, null, source)
    return true
  }

  /** Where a reflector of `kind` delivers: of one namespace, or (null) of the whole cluster. The store is synced without it unless `isAwaited`. */
  sink(kind: Kind, namespace: string | null, isAwaited = true): ChangeSink<ObjectMeta> {
    const scope: Scope = namespace === null ? kind : `${kind}/${namespace}`
    if (isAwaited) this.#synced.set(scope, false)
    return {
      beginSnapshot: (witness) => this.#begin(scope, witness),
      put: (object, witness) => this.put(object, witness),
      gone: (object, witness) => this.gone(object, witness),
      endSnapshot: (asOf) => this.#sweepObjects(scope, { kind, namespace, asOf }),
      isKnown: (within, name) => {
        const key = keyOf({ kind, namespace: within, name })
        return this.#objects.has(key) || this.#isAwaited(key)
      },
    }
  }

  /** Where the reflector of Namespaces delivers. */
  namespaceSink(): ChangeSink<NamespaceMeta> {
    this.#synced.set('Namespace', false)
    return {
      beginSnapshot: (witness) => this.#begin('Namespace', witness),
      put: (namespace, witness) => this.putNamespace(namespace, witness),
      gone: (namespace, witness) => this.namespaceGone(namespace, witness),
      endSnapshot: (asOf) => this.#sweepNamespaces(asOf),
      isKnown: () => true,
    }
  }

  /** Answers of one write and events of the watch come by different ways: what was seen to go does not come back by a late answer. */
  #isOvertaken({ uid, version }: ObjectMeta): boolean {
    const ended = this.#ended.get(uid)
    return ended !== undefined && !isNewer(version, ended)
  }

  #noteEnded({ uid, version }: ObjectMeta): void {
    dropOldest(this.#ended)
    this.#ended.set(uid, version)
  }

  #begin(scope: Scope, witness: 'relist' | 'audit'): void {
    this.#snapshots.set(scope, { witness, seen: new Set() })
  }

  #sweepObjects(
    scope: Scope,
    {
      kind,
      namespace,
      asOf,
    }: { readonly kind: Kind; readonly namespace: string | null; readonly asOf: ResourceVersion | null },
  ): number {
    const { witness, seen } = this.#endOf(scope)
    let swept = 0
    for (const object of this.#objects.values()) {
      if (object.kind !== kind || (namespace !== null && object.namespace !== namespace)) continue
      if (seen.has(object.key) || !isPast(object.version, asOf)) continue
      this.#objects.delete(object.key)
      this.#listener.objectChanged(object.key, object, null, witness)
      swept += 1
    }
    if (this.#synced.has(scope)) this.#synced.set(scope, true)
    this.#listener.swept()
    return swept
  }

  #sweepNamespaces(asOf: ResourceVersion | null): number {
    const { witness, seen } = this.#endOf('Namespace')
    let swept = 0
    for (const namespace of this.#namespaces.values()) {
      if (seen.has(namespace.name) || !isPast(namespace.version, asOf)) continue
      this.#namespaces.delete(namespace.name)
      this.#listener.namespaceChanged(namespace.name, namespace, null, witness)
      swept += 1
    }
    this.#synced.set('Namespace', true)
    this.#listener.swept()
    return swept
  }

  #endOf(scope: Scope): Snapshot {
    const snapshot = this.#snapshots.get(scope) ?? { witness: 'relist', seen: new Set() }
    this.#snapshots.delete(scope)
    return snapshot
  }
}

/** What one reflector delivers: a kind of the whole cluster or of one namespace, or the Namespaces. */
type Scope = Kind | 'Namespace' | `${Kind}/${string}`

interface Snapshot {
  readonly witness: Witness
  readonly seen: Set<string>
}

function dropOldest(kept: Set<Uid> | Map<Uid, ResourceVersion>): void {
  if (kept.size < DEAD_UIDS_MAX) return
  for (const oldest of kept.keys()) {
    kept.delete(oldest)
    return
  }
}

function isPast(version: ResourceVersion, asOf: ResourceVersion | null): boolean {
  return asOf === null || !isNewer(version, asOf)
}
