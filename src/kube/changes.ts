/** What a reflector delivers: changes of one resource of one cluster, in the order in which they happened. */

import type { NamespaceMeta, ObjectMeta } from '../core/objects.ts'
import type { Failure } from '../core/failure.ts'
import type { ResourceVersion } from '../core/names.ts'

/** The object of a change; Secrets and ConfigMaps, or Namespaces. */
export type Watched = ObjectMeta | NamespaceMeta

/**
 * How a change came to be known.
 * `live`: seen as it happened on a running watch. `relist`: part of a snapshot. `audit`: found only by the periodic audit.
 */
export type Witness = 'live' | 'relist' | 'audit'

/**
 * Where changes go. Every method is synchronous, cheap and must not throw: store and enqueue, nothing else.
 * A snapshot is `beginSnapshot`, any number of `put`, `endSnapshot`: what was not put between the two is gone (inferred, not seen).
 * A snapshot that breaks off is followed by another `beginSnapshot`.
 */
export interface ChangeSink<T extends Watched> {
  beginSnapshot(): void
  /** An object was added or modified. True if that was news to the store. */
  put(object: T, witness: Witness): boolean
  /** DELETED was seen for it. True if that was news to the store. */
  gone(object: T, witness: Witness): boolean
  /**
   * The snapshot is complete, as of version `asOf`: sweeps what it did not name and what is not newer than `asOf` (null: whatever it did not name).
   * Also the first moment at which the store is synced. Returns how many were swept.
   */
  endSnapshot(witness: 'relist' | 'audit', asOf: ResourceVersion | null): number
  /**
   * Whether a line about this object must be parsed although its bytes hold no key of ours: it is stored, or waited for.
   * Called on the read loop for every unrelated object: one map look-up.
   */
  isKnown(namespace: string, name: string): boolean
}

/** What a reflector tells of itself; counted by metrics and read by the probes. */
export interface ReflectorWatcher {
  attempted(resource: string): void
  /** A line arrived, or the server answered: the stream is alive. */
  heard(resource: string): void
  restarted(resource: string, why: RestartReason): void
  failed(resource: string, failure: Failure): void
  /** The periodic audit found `count` objects that the watch had not told of. */
  auditFound(resource: string, count: number): void
}

export const RESTART_REASONS = ['deadline', 'ended', 'cut', 'silent', 'expired', 'error', 'oversized'] as const
export type RestartReason = (typeof RESTART_REASONS)[number]
