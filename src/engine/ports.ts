/** What the engine needs from the rooms to its right: interfaces only, implemented in `ops` and joined in `main.ts`. */

import type { Notice } from '../core/notices.ts'
import type { DecisionKind } from '../core/decision.ts'
import type { Failure } from '../core/failure.ts'
import type { ObjectKey } from '../core/names.ts'

/** Every outcome of one key's turn goes through here once: logs, Events and metrics read nothing else. */
export interface Recorder {
  /** A key was decided and acted on. Called on every turn that did more than keep. */
  acted(turn: Turn): void
  /** Something that a person should be told: becomes an Event, a log line and a counter. Repeats are deduplicated by the recorder. */
  tell(notice: Notice): void
  /** Seconds from an origin's change being seen to the last mirror written for it at one destination. */
  propagated(destination: string, seconds: number): void
  /** A group of deletions is held until a person releases it. */
  held(hold: {
    readonly id: string
    readonly originNamespace: string
    readonly inferred: number
    readonly mirrors: number
  }): void
  repaired(): void
  conflicted(): void
}

export interface Turn {
  /** `home`, or a peer's name. */
  readonly destination: string
  readonly key: ObjectKey
  readonly decision: DecisionKind
  /** Code of the decision's reason. */
  readonly reason: string
  readonly failure: Failure | null
}

/** Leadership of one group of destinations. */
export interface Leadership {
  /**
   * Whether a write may start now: the lease is held and its renewal deadline has not passed on the monotonic clock.
   * Asked immediately before every write.
   */
  isLive(): boolean
}
