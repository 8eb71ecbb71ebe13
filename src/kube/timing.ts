/** Every duration and count by which a reflector acts, with its reason; tests pass smaller ones. */

export interface ReflectorTiming {
  /** `timeoutSeconds` of a watch is drawn from this range, so that replicas do not reconnect together. */
  readonly watchSecondsMin: number
  readonly watchSecondsMax: number
  /** A stream that outlives its own timeout by this much is cut by us. */
  readonly overrunMs: number
  /** A server sends the head of a watch at once. */
  readonly openMs: number
  /** Silence allowed in a streaming start; some servers accept it and never finish. */
  readonly startSilenceMs: number
  /** Silence allowed once a bookmark was seen: the server sends one a minute where the revision moves. Before, only PINGs tell. */
  readonly silenceMs: number
  /** How often the watchdog looks. */
  readonly watchdogMs: number
  readonly backoffMs: number
  readonly backoffMsMax: number
  /** A stream that was good for this long starts the back-off anew. */
  readonly backoffResetMs: number
  /** A watch that ends sooner without one event counts as a failure. */
  readonly shortWatchMs: number
  /** Attempts to resume one version without any progress before a relist. */
  readonly resumesMax: number
  /** Streaming starts that fail in a row before a paged list is made instead. */
  readonly streamingStartsMax: number
  /** How long a server that refused the streaming start is not asked for it again. */
  readonly streamingForgetMs: number
  readonly pageSize: number
  /** Pages are parsed whole: an answer beyond this is asked for again in smaller pages. */
  readonly pageBytesMax: number
  /** Pages of one list; more is a server that never ends one. */
  readonly pagesMax: number
  readonly callMs: number
  /** How long an audit waits for the watch to pass the version of its list. */
  readonly auditSettleMs: number
  readonly auditStepMs: number
  /** Changes seen during one audit; with more it is given up until the next. */
  readonly auditTouchedMax: number
}

export const TIMING: ReflectorTiming = {
  watchSecondsMin: 300,
  watchSecondsMax: 600,
  overrunMs: 30_000,
  openMs: 30_000,
  startSilenceMs: 30_000,
  silenceMs: 150_000,
  watchdogMs: 10_000,
  backoffMs: 800,
  backoffMsMax: 30_000,
  backoffResetMs: 120_000,
  shortWatchMs: 1_000,
  resumesMax: 5,
  streamingStartsMax: 3,
  streamingForgetMs: 3_600_000,
  pageSize: 500,
  pageBytesMax: 32 * 1024 * 1024,
  pagesMax: 1_000_000,
  callMs: 30_000,
  auditSettleMs: 90_000,
  auditStepMs: 1_000,
  auditTouchedMax: 100_000,
}

/** The longest that a healthy loop goes without an attempt: one watch to its hard cut, and the longest pause after it. */
export function attemptAgeMsMax(timing: ReflectorTiming = TIMING): number {
  return (
    timing.watchSecondsMax * 1000 +
    timing.overrunMs +
    timing.watchdogMs +
    2 * timing.backoffMsMax +
    timing.callMs
  )
}
