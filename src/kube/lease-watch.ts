/**
 * Keeps a map of a namespace's Leases of one purpose current: a snapshot, then every change, whatever the server does meanwhile.
 * It is only a view, always a little late: who takes a Lease proves it by the version that he replaces.
 */

import { isNewer } from '../core/names.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import type { StoredLease } from './api.ts'
import type { ChangeSink, ReflectorWatcher } from './changes.ts'
import type { Cluster } from './connection.ts'
import { Reflector } from './reflector.ts'
import { leasesOf } from './resources.ts'
import { TIMING } from './timing.ts'
import type { ReflectorTiming } from './timing.ts'

/** Leases that are kept; what comes beyond is passed over. One for each shard and replica is far fewer. */
export const LEASES_MAX = 1_000

/**
 * Leases are written every few seconds and lapse after fifteen: a stream that is silent for long is broken, and after an outage
 * nobody should be waited for.
 */
export const LEASE_TIMING: ReflectorTiming = {
  ...TIMING,
  openMs: 10_000,
  startSilenceMs: 10_000,
  silenceMs: 30_000,
  watchdogMs: 5_000,
  backoffMsMax: 5_000,
}

export interface LeaseWatchOptions {
  readonly cluster: Cluster
  readonly namespace: string
  readonly labelSelector: string
  /**
   * Told after the first complete snapshot, and then after every change, with all Leases by name in a map of its own.
   * Synchronous, cheap, must not throw.
   */
  readonly changed: (leases: ReadonlyMap<string, StoredLease>) => void
  readonly clock: Clock
  readonly random: Random
  /** Told of attempts, arrivals and failures, under the resource `leases`; nobody when left out. */
  readonly watcher?: ReflectorWatcher
  readonly signal: AbortSignal
  /** {@link LEASE_TIMING} when left out. */
  readonly timing?: ReflectorTiming
}

const UNWATCHED: ReflectorWatcher = {
  attempted: () => undefined,
  heard: () => undefined,
  synced: () => undefined,
  restarted: () => undefined,
  failed: () => undefined,
  auditFound: () => undefined,
}

/** Runs until `signal` fires. Rejects only when `changed` throws. */
export async function watchLeases(options: LeaseWatchOptions): Promise<void> {
  const { cluster, namespace, labelSelector, clock, random, signal } = options
  const reflector = new Reflector<StoredLease>({
    cluster,
    resource: leasesOf(labelSelector),
    namespace,
    marks: [],
    sink: new LeaseView(options.changed),
    watcher: options.watcher ?? UNWATCHED,
    clock,
    random,
    // A Lease in use changes every few seconds: what one event failed to tell, the next does.
    auditIntervalMs: null,
    timing: options.timing ?? LEASE_TIMING,
  })
  await reflector.run(signal)
}

/** Snapshots are gathered apart and take the place of what was known when they are whole. */
class LeaseView implements ChangeSink<StoredLease> {
  readonly #changed: LeaseWatchOptions['changed']
  #leases = new Map<string, StoredLease>()
  #snapshot: Map<string, StoredLease> | null = null

  constructor(changed: LeaseWatchOptions['changed']) {
    this.#changed = changed
  }

  beginSnapshot(): void {
    this.#snapshot = new Map()
  }

  put(lease: StoredLease): boolean {
    const map = this.#snapshot ?? this.#leases
    const before = map.get(lease.name)
    const isNews = before === undefined ? map.size < LEASES_MAX : isNewer(lease.version, before.version)
    if (!isNews) return false
    map.set(lease.name, lease)
    if (this.#snapshot === null) this.#tell()
    return true
  }

  gone(lease: StoredLease): boolean {
    const map = this.#snapshot ?? this.#leases
    const before = map.get(lease.name)
    if (before === undefined || isNewer(before.version, lease.version)) return false
    map.delete(lease.name)
    if (this.#snapshot === null) this.#tell()
    return true
  }

  endSnapshot(): number {
    const before = this.#leases
    this.#leases = this.#snapshot ?? new Map<string, StoredLease>()
    this.#snapshot = null
    this.#tell()
    return [...before.keys()].filter((name) => !this.#leases.has(name)).length
  }

  isKnown(): boolean {
    return true
  }

  #tell(): void {
    this.#changed(new Map(this.#leases))
  }
}
