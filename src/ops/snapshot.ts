/** What the gauges show at one moment: plain numbers, taken from the engine and the watches when somebody scrapes. */

import { MIRROR_STATES } from '../core/decision.ts'
import type { MirrorState } from '../core/decision.ts'
import type { DestinationStanding, Standing } from '../engine/standing.ts'
import type { LoopHealth } from '../kube/health.ts'

export interface Snapshot {
  readonly isLeading: boolean
  readonly hasDigestKey: boolean
  readonly origins: number
  readonly heldOrigins: number
  readonly renderingBytes: number
  /** Epoch milliseconds; null without a watched certificate. */
  readonly certificateExpiresAtMs: number | null
  readonly destinations: readonly DestinationSnapshot[]
}

export interface DestinationSnapshot {
  /** `home`, or a peer's name. */
  readonly destination: string
  /** Every state, those without a mirror included. */
  readonly mirrors: ReadonlyMap<MirrorState, number>
  readonly pullMirrors: number
  /** Mirrors whose deletion waits for a release. */
  readonly deletionsHeld: number
  readonly queue: DestinationStanding['queue']
  readonly oldestAgeMs: DestinationStanding['oldestAgeMs']
  readonly watches: readonly WatchSnapshot[]
}

export interface WatchSnapshot {
  readonly resource: string
  readonly isSynced: boolean
  /** Since the server was last heard; since the start where it never was. */
  readonly ageMs: number
}

export interface SnapshotOptions {
  readonly standing: Standing
  /** The watches of each destination, by its name. */
  readonly watches: ReadonlyMap<string, readonly LoopHealth[]>
  readonly isLeading: boolean
  /** How long the process runs. */
  readonly uptimeMs: number
}

export function snapshotOf({ standing, watches, isLeading, uptimeMs }: SnapshotOptions): Snapshot {
  return {
    isLeading,
    hasDigestKey: standing.hasDigestKey,
    origins: standing.origins,
    heldOrigins: standing.heldOrigins,
    renderingBytes: standing.renderingBytes,
    certificateExpiresAtMs: standing.certificateExpiresAtMs,
    destinations: standing.destinations.map((one) =>
      destinationOf(one, watches.get(one.name) ?? [], uptimeMs),
    ),
  }
}

function destinationOf(
  standing: DestinationStanding,
  watches: readonly LoopHealth[],
  uptimeMs: number,
): DestinationSnapshot {
  return {
    destination: standing.name,
    mirrors: new Map(MIRROR_STATES.map((state) => [state, standing.mirrors.get(state) ?? 0])),
    pullMirrors: standing.pullMirrors,
    deletionsHeld: standing.holds.reduce((sum, hold) => sum + hold.inferred, 0),
    queue: standing.queue,
    oldestAgeMs: standing.oldestAgeMs,
    watches: watches.map(({ resource, isSynced, heardAgeMs }) => ({
      resource,
      isSynced,
      ageMs: heardAgeMs ?? uptimeMs,
    })),
  }
}
