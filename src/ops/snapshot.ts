/** What the gauges show at one moment: plain numbers, taken from the engine and the watches when somebody scrapes. */

import { MIRROR_STATES } from '../core/decision.ts'
import type { MirrorState } from '../core/decision.ts'
import type { DestinationStanding, Standing } from '../engine/standing.ts'
import type { LoopHealth } from '../kube/health.ts'
import { PEER_STATES } from '../peers/link.ts'
import type { PeerStanding, PeerState } from '../peers/link.ts'

export interface Snapshot {
  readonly isLeading: boolean
  readonly hasDigestKey: boolean
  readonly isIdentityHeld: boolean
  readonly origins: number
  readonly heldOrigins: number
  readonly renderingBytes: number
  /** Epoch milliseconds; null without a watched certificate. */
  readonly certificateExpiresAtMs: number | null
  readonly destinations: readonly DestinationSnapshot[]
  readonly peers: readonly PeerSnapshot[]
}

export interface PeerSnapshot {
  readonly peer: string
  readonly isUp: boolean
  /** Every state, whether it is the peer's. */
  readonly states: ReadonlyMap<PeerState, boolean>
  readonly rightsMissing: number
  /** Null: no good answer yet. */
  readonly successAgeMs: number | null
  /** Epoch milliseconds; null: the credential does not say. */
  readonly credentialExpiresAtMs: number | null
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
  readonly peers?: readonly PeerStanding[]
  readonly isLeading: boolean
  /** How long the process runs. */
  readonly uptimeMs: number
}

export function snapshotOf({
  standing,
  watches,
  peers = [],
  isLeading,
  uptimeMs,
}: SnapshotOptions): Snapshot {
  return {
    isLeading,
    hasDigestKey: standing.hasDigestKey,
    isIdentityHeld: standing.isIdentityHeld,
    origins: standing.origins,
    heldOrigins: standing.heldOrigins,
    renderingBytes: standing.renderingBytes,
    certificateExpiresAtMs: standing.certificateExpiresAtMs,
    destinations: standing.destinations.map((one) =>
      destinationOf(one, watches.get(one.name) ?? [], uptimeMs),
    ),
    peers: peersByName(peers),
  }
}

/** Of several Secrets with one name only the one that is used has series: they could not be told apart. */
function peersByName(peers: readonly PeerStanding[]): readonly PeerSnapshot[] {
  const byName = new Map<string, PeerStanding>()
  for (const peer of peers) {
    const other = byName.get(peer.name)
    if (other === undefined || other.destination === null) byName.set(peer.name, peer)
  }
  return [...byName.values()].map((peer) => ({
    peer: peer.name,
    isUp: peer.state === 'ready',
    states: new Map(PEER_STATES.map((state) => [state, state === peer.state])),
    rightsMissing: peer.missingRights.length,
    successAgeMs: peer.successAgeMs,
    credentialExpiresAtMs: peer.credentialExpiresAtMs,
  }))
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
