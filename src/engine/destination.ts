/** What a turn needs of one cluster that receives mirrors. Home is the first; a peer is one more, behind the same engine. */

import type { DigestKey } from '../core/digest.ts'
import type { Failure } from '../core/failure.ts'
import type { ClusterApi } from '../kube/api.ts'
import type { Clock } from '../std/clock.ts'
import type { Confirmations } from './confirm.ts'
import type { Observer } from './observe.ts'
import type { Leadership, Recorder } from './ports.ts'
import type { Origins } from './origins.ts'
import type { Reach } from './reach.ts'
import type { Renderings } from './renderings.ts'
import type { Spreads } from './spreads.ts'
import type { Store } from './store.ts'
import type { Tallies } from './tallies.ts'

/** What all destinations share: where origins are read, and under which key and identity mirrors are made. */
export interface Home {
  readonly api: ClusterApi
  readonly store: Store
  readonly origins: Origins
  readonly renderings: Renderings
  readonly confirmations: Confirmations
  /** Null: no write may start. */
  readonly digestKey: () => DigestKey | null
  /** Null until the digest key is there. */
  readonly identity: () => string | null
  /** Whether home may be another cluster than the one that the identity was fixed in: nothing ends until that is answered. */
  readonly isIdentityHeld: () => boolean
}

/** How a Namespace is asked for: of the cluster, or of a list where it may not be. */
export type ReadNamespace = ClusterApi['readNamespace']

export interface Destination {
  /** `home`, or the peer's name. */
  readonly name: string
  readonly api: ClusterApi
  readonly readNamespace: ReadNamespace
  readonly clock: Clock
  readonly store: Store
  readonly reach: Reach
  readonly observer: Observer
  readonly home: Home
  readonly recorder: Recorder
  readonly leadership: Leadership
  readonly spreads: Spreads
  readonly tallies: Tallies
  /** Null: no write may start. */
  readonly digestKey: () => DigestKey | null
  /** Ends requests; fires only after the drain of a stop. */
  readonly signal: () => AbortSignal
  /** An answer to a write, for the concurrency limit. */
  readonly answered: (namespace: string, tookMs: number, failure: Failure | null) => void
}
