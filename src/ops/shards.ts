/**
 * Replicas share the peers: each shard of peers that has any is a Lease, and each replica that takes part is one too. All of them are watched by
 * label, so that an idle replica asks nothing; the API server's own Leases are the only coordinator.
 *
 * Promises: no two replicas live in one shard at once; a shard is free within fifteen seconds of the last renewal of a replica that is gone, and at
 * once when one ends in good order; a replica that comes or goes moves only the shards that it gains or leaves.
 */

import { SHARDS_MAX, memberOf, shardOf } from '../core/shards.ts'
import type { Leadership } from '../engine/ports.ts'
import type { Lease, StoredLease } from '../kube/api.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import type { Logger } from './logger.ts'
import { MEMBER_PREFIX, Membership } from './membership.ts'
import type { LeaseTimes, LeaseWrites } from './membership.ts'
import { SeenLeases } from './seen-leases.ts'
import { LOOK_MS, Shard } from './shard.ts'
import type { ShardState } from './shard.ts'

export const SHARD_PREFIX = 'heliograph-peers-'
export const SHARD_TIMES: LeaseTimes = { durationMs: 15_000, renewMs: 5_000, retryMs: 2_000, callMs: 3_000 }
/** The same failure of whichever Lease is one line in so long. */
const WARN_MS = 60_000
/** Identities on one Lease, each of at most 253 characters with as long a name: far below what annotations may hold. */
const IDENTITIES_MAX = 100
const IDENTITIES_LENGTH_MAX = 64 * 1_024

export interface ShardsOptions {
  readonly api: LeaseWrites
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Unique to this process, as the Leases' holder. */
  readonly identity: string
  /** Unique to this process, short, of lower case letters and digits: part of a name. */
  readonly id: string
  readonly namespace: string
  /** Label of all these Leases, with the value `member` or `peers`. */
  readonly label: string
  /** Annotation on a shard's Lease: the identities of its linked peers. */
  readonly identitiesKey: string
  /** False: this process has every shard while it runs, and no Lease is made. */
  readonly enabled: boolean
  /** Work could begin here: home is known. A replica takes part from then on. */
  readonly isReady: () => boolean
  /** Shows all Leases with the label, at first and after each change, until `signal` fires. */
  readonly watch: (
    changed: (leases: ReadonlyMap<string, StoredLease>) => void,
    signal: AbortSignal,
  ) => Promise<void>
  /** A shard's life began or ended here. */
  readonly changed: () => void
}

export interface ShardStanding {
  readonly lease: string
  readonly peers: readonly string[]
  readonly state: ShardState
  /** By the Lease as it was last seen; null: nobody. */
  readonly holder: string | null
}

export interface ShardsStanding {
  /** Names of the Leases of the replicas that live; none before this one takes part. */
  readonly members: readonly string[]
  /** Only shards that have peers. */
  readonly shards: readonly ShardStanding[]
}

export class Shards {
  readonly #o: ShardsOptions
  readonly #seen: SeenLeases
  readonly #membership: Membership
  readonly #shards: readonly Shard[]
  readonly #warnedAtMs = new Map<string, number>()
  #peers: readonly string[] = []
  #linked: ReadonlyMap<string, string | null> = new Map<string, string | null>()
  /** Shards with peers, and of these the ones whose work here is not over. */
  #needed: ReadonlySet<number> = new Set<number>()
  #working: ReadonlySet<number> = new Set<number>()
  #isRunning = false
  #isJoined = false
  #wake = new AbortController()

  constructor(options: ShardsOptions) {
    this.#o = options
    const { clock, id } = options
    this.#seen = new SeenLeases(clock, SHARD_TIMES.durationMs)
    this.#membership = new Membership({
      ...this.#common('member'),
      random: options.random,
      name: `${MEMBER_PREFIX}${id}`,
    })
    this.#shards = Array.from({ length: SHARDS_MAX }, (_, shard) => this.#makeShard(shard))
  }

  /** Whether this replica may write to the peer now. */
  leadership(peer: string): Leadership {
    const shard = this.#shards[shardOf(peer)]
    return this.#o.enabled && shard !== undefined ? shard : { isLive: () => this.#isRunning }
  }

  /**
   * All peers there are, and those that are linked here with their identities, null where not known yet: a shard is given up when none of
   * its peers is linked any more, and its Lease tells the other replicas the identities.
   */
  setPeers(peers: readonly string[], linked: ReadonlyMap<string, string | null>): void {
    this.#peers = peers
    this.#linked = linked
    this.#needed = new Set(peers.map(shardOf))
    this.#working = new Set([...linked.keys()].map(shardOf))
    this.#look()
  }

  /** Identity of a peer, as the replica that has it linked tells; null: none does. */
  identityOf(peer: string): string | null {
    const text = this.#seen.get(nameOf(shardOf(peer)))?.annotations[this.#o.identitiesKey]
    return text === undefined ? null : (parseIdentities(text).get(peer) ?? null)
  }

  /** Runs until `signal` fires; then all that is held is given up at once. Writes must be over by then. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, enabled, isReady, watch, changed } = this.#o
    this.#isRunning = true
    if (!enabled) {
      changed()
      await fired(signal)
    }
    while (!signal.aborted && (this.#needed.size === 0 || !isReady())) {
      this.#wake = new AbortController()
      await clock.sleep(LOOK_MS, AbortSignal.any([signal, this.#wake.signal]))
    }
    if (!signal.aborted) {
      this.#isJoined = true
      const shown = (leases: ReadonlyMap<string, StoredLease>): void => {
        this.#seen.take(leases)
        this.#look()
      }
      const parts = [this.#membership, ...this.#shards].map((part) => part.run(signal))
      await Promise.all([watch(shown, signal), ...parts])
    }
    this.#isRunning = false
  }

  standing(): ShardsStanding {
    const shards = [...this.#needed]
      .sort((a, b) => a - b)
      .map((number) => {
        const lease = nameOf(number)
        return {
          lease,
          peers: this.#peers.filter((peer) => shardOf(peer) === number),
          state: this.#o.enabled ? (this.#shards[number]?.state ?? 'elsewhere') : 'held',
          holder: this.#seen.get(lease)?.holder ?? null,
        } as const
      })
    return { members: this.#isJoined ? this.#membership.live() : [], shards }
  }

  #makeShard(number: number): Shard {
    const { log, identity, id, random, changed } = this.#o
    const name = nameOf(number)
    return new Shard({
      ...this.#common('peers'),
      name,
      random,
      annotations: () => ({ [this.#o.identitiesKey]: this.#identitiesIn(number) }),
      isNeeded: () => this.#needed.has(number),
      isMine: () => memberOf(number, this.#membership.live()) === `${MEMBER_PREFIX}${id}`,
      isWorking: () => this.#working.has(number),
      changed: (isLive) => {
        if (isLive) log.info('peers taken', { lease: name, holder: identity })
        else log.info('peers left to others', { lease: name, holder: identity })
        changed()
      },
    })
  }

  #identitiesIn(number: number): string {
    const known = [...this.#linked].filter(
      ([peer, identity]) => identity !== null && shardOf(peer) === number,
    )
    return JSON.stringify(Object.fromEntries(known.slice(0, IDENTITIES_MAX)))
  }

  #common(what: 'member' | 'peers') {
    const { api, clock, identity, namespace, label } = this.#o
    const labels: Lease['labels'] = { [label]: what }
    const failed = (lease: string, failure: string): void => this.#warn(lease, failure)
    return { api, clock, seen: this.#seen, times: SHARD_TIMES, identity, namespace, labels, failed }
  }

  #look(): void {
    this.#wake.abort()
    for (const shard of this.#shards) shard.look()
  }

  #warn(lease: string, failure: string): void {
    const { clock, log, namespace } = this.#o
    const lastMs = this.#warnedAtMs.get(failure)
    if (lastMs !== undefined && clock.now() - lastMs < WARN_MS) return
    this.#warnedAtMs.set(failure, clock.now())
    log.warn('lease not reached', { lease, namespace, failure })
  }
}

/** As another replica wrote it, or anybody: what is no such text tells nothing. */
function parseIdentities(text: string): ReadonlyMap<string, string> {
  if (text.length > IDENTITIES_LENGTH_MAX) return new Map()
  try {
    const parsed: unknown = JSON.parse(text)
    const entries = typeof parsed === 'object' && parsed !== null ? Object.entries(parsed) : []
    return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
  } catch {
    return new Map()
  }
}

function nameOf(shard: number): string {
  return `${SHARD_PREFIX}${shard}`
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
