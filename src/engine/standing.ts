/** Where the engine stands: numbers for gauges and status, taken when somebody asks. */

import type { Hold } from './brakes.ts'
import type { History } from './history.ts'
import type { LaneName, WorkQueue } from './workqueue.ts'

/** One destination's part of it. */
export interface DestinationStanding {
  /** `home`, or the peer's name. */
  readonly name: string
  readonly pullMirrors: number
  readonly mirrors: ReturnType<History['counts']>
  readonly queue: ReturnType<WorkQueue['standing']>
  readonly oldestAgeMs: Readonly<Record<LaneName, number>>
  readonly holds: readonly Hold[]
  readonly isSynced: boolean
}

export interface Standing {
  readonly origins: number
  readonly heldOrigins: number
  /** Home first. */
  readonly destinations: readonly DestinationStanding[]
  readonly renderingBytes: number
  readonly isSynced: boolean
  readonly hasDigestKey: boolean
  /** The identity beside the digest key was fixed in another cluster: a person must say which one is meant. */
  readonly isIdentityHeld: boolean
  /** Earliest expiry among the certificates that `validate: tls` watches; null without one. */
  readonly certificateExpiresAtMs: number | null
}
