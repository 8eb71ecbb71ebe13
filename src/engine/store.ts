/**
 * What is known of one cluster: metadata of the objects that matter, by key, and every namespace.
 * Promises: never goes back in time for an object; a snapshot marks and sweeps; what nobody annotated and nobody waits for costs nothing.
 */

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
  swept(resource: Kind | 'Namespace'): void
}

/** Uids of objects that we saw deleted and whose last events may still come; the oldest is forgotten first. */
const DEAD_UIDS_MAX = 10_000

/** One per cluster, written by its reflectors and by the answers to our own requests. */
export class Store {
  readonly #objects = new Map<ObjectKey, ObjectMeta>()
  readonly #namespaces = new Map<string, NamespaceMeta>()
  readonly #dead = new Set<Uid>()
  /** Keys named since a snapshot began; null while none is under way. */
  readonly #snapshots = new Map<
    Kind | 'Namespace',
    { readonly witness: Witness; readonly seen: Set<string> }
  >()
  readonly #synced = new Set<Kind | 'Namespace'>()
  readonly #prefix: string
  readonly #listener: StoreListener
  /** Places that work waits for although nothing of ours is written there. */
  readonly #isAwaited: (key: ObjectKey) => boolean

  constructor(prefix: string, listener: StoreListener, isAwaited: (key: ObjectKey) => boolean) {
    this.#prefix = prefix
    this.#listener = listener
    this.#isAwaited = isAwaited
  }

  get(key: ObjectKey): ObjectMeta | null {
    return this.#objects.get(key) ?? null
  }

  namespace(name: string): NamespaceMeta | null {
    return this.#namespaces.get(name) ?? null
  }

  namespaces(): Iterable<NamespaceMeta> {
    return this.#namespaces.values()
  }

  objects(): Iterable<ObjectMeta> {
    return this.#objects.values()
  }

  isSynced(resource: Kind | 'Namespace'): boolean {
    return this.#synced.has(resource)
  }

  /** Takes what an answer or event says, unless something newer is known. True if it was news. */
  put(object: ObjectMeta, source: Source): boolean {
    this.#snapshots.get(object.kind)?.seen.add(object.key)
    const before = this.get(object.key)
    if (this.#dead.has(object.uid)) return false
    if (before !== null && before.uid === object.uid && !isNewer(object.version, before.version)) return false
    if (before !== null && before.uid !== object.uid && !isNewer(object.version, before.version)) return false
    const matters = hasKeyOf(object, this.#prefix) || this.#isAwaited(object.key)
    if (!matters && before === null) return false
    if (matters) this.#objects.set(object.key, object)
    else this.#objects.delete(object.key)
    this.#listener.objectChanged(object.key, before, matters ? object : null, source)
    return true
  }

  /** DELETED was seen, for the object or for its leaving a selection. */
  gone(object: ObjectMeta, source: Source): boolean {
    this.#dead.delete(object.uid)
    const before = this.get(object.key)
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
    if (this.#dead.size >= DEAD_UIDS_MAX)
      for (const oldest of this.#dead) {
        this.#dead.delete(oldest)
        break
      }
    this.#dead.add(uid)
    const before = this.get(key)
    if (before === null || before.uid !== uid) return
    this.#objects.delete(key)
    this.#listener.objectChanged(key, before, null, 'answer')
  }

  /** It stays only if something of ours is written on it, or somebody still waits for it. Tells nobody. */
  release(key: ObjectKey): void {
    const object = this.get(key)
    if (object !== null && !hasKeyOf(object, this.#prefix) && !this.#isAwaited(key)) this.#objects.delete(key)
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

  /** Where the reflector of `kind` delivers. */
  sink(kind: Kind): ChangeSink<ObjectMeta> {
    return {
      beginSnapshot: (witness) => this.#begin(kind, witness),
      put: (object, witness) => this.put(object, witness),
      gone: (object, witness) => this.gone(object, witness),
      endSnapshot: (asOf) => this.#sweep(kind, asOf),
      isKnown: (namespace, name) => {
        const key = keyOf({ kind, namespace, name })
        return this.#objects.has(key) || this.#isAwaited(key)
      },
    }
  }

  /** Where the reflector of Namespaces delivers. */
  namespaceSink(): ChangeSink<NamespaceMeta> {
    return {
      beginSnapshot: (witness) => this.#begin('Namespace', witness),
      put: (namespace, witness) => this.putNamespace(namespace, witness),
      gone: (namespace, witness) => this.namespaceGone(namespace, witness),
      endSnapshot: (asOf) => this.#sweep('Namespace', asOf),
      isKnown: () => true,
    }
  }

  #begin(resource: Kind | 'Namespace', witness: 'relist' | 'audit'): void {
    this.#snapshots.set(resource, { witness, seen: new Set() })
  }

  #sweep(resource: Kind | 'Namespace', asOf: ResourceVersion | null): number {
    const { witness, seen } = this.#snapshots.get(resource) ?? {
      witness: 'relist' as const,
      seen: new Set<string>(),
    }
    const isPast = (version: ResourceVersion): boolean => asOf === null || !isNewer(version, asOf)
    this.#snapshots.delete(resource)
    let swept = 0
    if (resource === 'Namespace') {
      for (const namespace of this.#namespaces.values()) {
        if (seen.has(namespace.name) || !isPast(namespace.version)) continue
        this.#namespaces.delete(namespace.name)
        this.#listener.namespaceChanged(namespace.name, namespace, null, witness)
        swept += 1
      }
    } else {
      for (const object of this.#objects.values()) {
        if (object.kind !== resource || seen.has(object.key) || !isPast(object.version)) continue
        this.#objects.delete(object.key)
        this.#listener.objectChanged(object.key, object, null, witness)
        swept += 1
      }
    }
    this.#synced.add(resource)
    this.#listener.swept(resource)
    return swept
  }
}

/** Whether anything of ours is written on it; only the key's prefix counts, never a value. */
function hasKeyOf(object: ObjectMeta, prefix: string): boolean {
  for (const key in object.annotations) if (key.startsWith(prefix)) return true
  for (const key in object.labels) if (key.startsWith(prefix)) return true
  return false
}
