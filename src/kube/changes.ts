/** What a reflector delivers: changes of one resource of one cluster, in the order in which they happened. */

import type { NamespaceMeta, ObjectMeta } from '../core/objects.ts'
import type { Failure } from '../core/failure.ts'
import type { ResourceVersion } from '../core/names.ts'
import type { StoredLease } from './api.ts'

/** The object of a change; Secrets and ConfigMaps, Namespaces, or Leases. */
export type Watched = ObjectMeta | NamespaceMeta | StoredLease

/**
 * How a change came to be known.
 * `live`: seen as it happened on a running watch. `relist`: part of a snapshot. `audit`: found only by the periodic audit.
 */
export type Witness = 'live' | 'relist' | 'audit'

/**
 * Where changes go. Every method is synchronous, cheap and must not throw: store and enqueue, nothing else.
 * A snapshot is `begin`, any number of `put`, `end`: what was not put between the two is gone (inferred, not seen).
 * A snapshot that breaks off is followed by another `begin`. During a `relist` snapshot `gone` can come in between;
 * an `audit` snapshot is one synchronous run from `begin` to `end`.
 */
export interface ChangeSink<T extends Watched> {
  beginSnapshot(witness: 'relist' | 'audit'): void
  /** An object was added or modified. True: this was news to the store (not a version that it has or has passed). */
  put(object: T, witness: Witness): boolean
  /** DELETED was seen for it. True: the store held it. */
  gone(object: T, witness: Witness): boolean
  /**
   * The snapshot is complete, as of list version `asOf`: sweep what it did not name and what is not newer than `asOf`
   * (an object created after the list was made is not in it; null: whatever it did not name), and answer how many objects that were.
   * Also the first moment at which the store is synced.
   */
  endSnapshot(asOf: ResourceVersion | null): number
  /**
   * Whether a line about this object must be parsed although its bytes hold no key of ours: it is stored, or waited for.
   * Called on the read loop for every unrelated object: one map look-up.
   */
  isKnown(namespace: string, name: string): boolean
}

/** What a reflector tells of itself; counted by metrics and read by the probes. */
export interface ReflectorWatcher {
  /** A request is about to be made: the loop turns, whatever the answer. */
  attempted(resource: string): void
  /** Bytes arrived, or the server answered: the stream is alive. */
  heard(resource: string): void
  /** A snapshot is complete: from now on the store holds what the cluster holds. */
  synced(resource: string): void
  restarted(resource: string, why: RestartReason): void
  failed(resource: string, failure: Failure): void
  /** The periodic audit found `count` objects that the watch had not told of. */
  auditFound(resource: string, count: number): void
}

export const RESTART_REASONS = [
  'deadline',
  'ended',
  'cut',
  'silent',
  'expired',
  'error',
  'oversized',
] as const
export type RestartReason = (typeof RESTART_REASONS)[number]
