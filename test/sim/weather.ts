/** How the network and the API server behave just now: chances per request and per delivery, and how long things take. */

export interface Weather {
  /** Milliseconds from a request to its effect, and from its effect to the answer. */
  readonly latencyMs: number
  /** Chance that a request fails before it took effect: 429, 5xx, reset, time-out. */
  readonly failsBefore: number
  /** Chance that the answer is lost after the effect. */
  readonly failsAfter: number
  /** Chance that a request lies somewhere for up to a minute and a half, and then takes effect. */
  readonly held: number
  /** Milliseconds by which a watch lags. */
  readonly watchMs: number
  /** Events that a watch tells of at once. */
  readonly batch: number
  /** Chance per delivery that a stream is cut; half of the cuts need a new snapshot. */
  readonly cut: number
  /** Chance per event that the watch never tells of it: only the audit finds out. */
  readonly lost: number
}

export const CALM: Weather = {
  latencyMs: 20,
  failsBefore: 0,
  failsAfter: 0,
  held: 0,
  watchMs: 30,
  batch: 100_000,
  cut: 0,
  lost: 0,
}

export const STORM: Weather = {
  latencyMs: 400,
  failsBefore: 0.12,
  failsAfter: 0.08,
  held: 0.03,
  watchMs: 2_500,
  batch: 8,
  cut: 0.05,
  lost: 0.01,
}

/** Lossless, but nothing is in time. */
export const SLOW: Weather = { ...CALM, latencyMs: 1_500, watchMs: 4_000 }

/** Nothing comes through. */
export const CUT: Weather = { ...CALM, failsBefore: 1, latencyMs: 50, watchMs: 20_000, cut: 1 }

/** Connections are accepted, and whatever is sent is answered too late. */
export const HUNG: Weather = { ...CALM, latencyMs: 120_000, watchMs: 20_000 }
