/** Whether a peer answers: fed by its requests and watches, asked before work on it begins. */

import type { FailureKind } from '../core/failure.ts'
import type { Verb } from '../kube/failure.ts'
import type { Clock } from '../std/clock.ts'

/** Calls in a row without an answer, or with 401, after which no more work begins on the peer. */
export const FAILURES_MAX = 5
/** A peer whose watches fail for longer is not worked on. */
export const WATCH_GRACE_MS = 30_000
/** Probes in a row that are answered with 403: a server that starts says that for a moment, one that means it for ever. */
const DENIALS_MAX = 3
/** Between two looks at a peer that does not answer, doubling. */
export const PROBE_MIN_MS = 2_000
export const PROBE_MAX_MS = 60_000

export class PeerHealth {
  readonly #clock: Clock
  readonly #changed: () => void
  #unanswered = 0
  #unauthorized = 0
  #watchFailingSinceMs: number | null = null
  #denials = 0
  #lastSuccessAtMs: number | null = null
  #recovery = new AbortController()

  /** `changed` is called when an answer may change what {@link verdict} says. */
  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock
    this.#changed = changed
  }

  /**
   * A request ended. Any answer shows that the peer is there; only good ones that the credential is. A watch is told of by
   * {@link watchFailed} and {@link watchHeard}, but for a credential that is refused: where nothing is to be written only watches find that out.
   */
  answered(verb: Verb, code: number | 'unanswered'): void {
    if (verb === 'watch' && code !== 401) return
    if (typeof code === 'number' && code < 300) this.#lastSuccessAtMs = this.#clock.now()
    // A server that starts answers before it knows its own rights: what it says no to then would not be asked again for minutes.
    if (this.isBroken) return
    this.#unanswered = code === 'unanswered' ? this.#unanswered + 1 : 0
    if (code !== 'unanswered') this.#unauthorized = code === 401 ? this.#unauthorized + 1 : 0
    if (this.isBroken) this.#changed()
  }

  watchFailed(): void {
    this.#watchFailingSinceMs ??= this.#clock.now()
  }

  watchHeard(): void {
    const wasFailing = this.#watchFailingSinceMs !== null
    this.#watchFailingSinceMs = null
    this.#lastSuccessAtMs = this.#clock.now()
    if (wasFailing) this.#changed()
  }

  /** A probe was answered so; null: well. True: the peer is back. */
  probed(failure: FailureKind | null): boolean {
    this.#denials = failure === 'forbidden' ? this.#denials + 1 : 0
    const isBack = failure === null || this.#denials >= DENIALS_MAX
    if (isBack) this.recovered()
    return isBack
  }

  /** A probe succeeded, or there is another credential: whatever was counted is over, and watches that pause after failures are tried at once. */
  recovered(): void {
    this.#unanswered = 0
    this.#unauthorized = 0
    const before = this.#recovery
    this.#recovery = new AbortController()
    before.abort()
    this.#changed()
  }

  /** Fires at the next {@link recovered}. */
  get recovery(): AbortSignal {
    return this.#recovery.signal
  }

  /** Calls go unanswered or are refused: only a probe ends that. */
  get isBroken(): boolean {
    return this.#unanswered >= FAILURES_MAX || this.#unauthorized >= FAILURES_MAX
  }

  verdict(): 'up' | 'unreachable' | 'unauthorized' {
    if (this.#unauthorized >= FAILURES_MAX) return 'unauthorized'
    const since = this.#watchFailingSinceMs
    const isDeaf = since !== null && this.#clock.now() - since >= WATCH_GRACE_MS
    return this.#unanswered >= FAILURES_MAX || isDeaf ? 'unreachable' : 'up'
  }

  /** Monotonic; null: never. */
  get lastSuccessAtMs(): number | null {
    return this.#lastSuccessAtMs
  }
}
