/**
 * Keeps a sink equal to one resource of one cluster: a snapshot, then every change, for as long as `run` lasts.
 * Promises: no failure of the server ends it; a version is resumed wherever the server allows; nothing but parsing, one
 * look-up and one call of the sink happens on the read loop. It does not promise that each version of an object is seen.
 */

import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import { Scope } from '../std/scope.ts'
import { Audit } from './audit.ts'
import { Backoff } from './backoff.ts'
import type { ChangeSink, ReflectorWatcher, Watched } from './changes.ts'
import type { Cluster, Refusal } from './connection.ts'
import { listPages } from './listing.ts'
import type { WatchedResource } from './resources.ts'
import { TIMING } from './timing.ts'
import type { ReflectorTiming } from './timing.ts'
import { FRESH, afterList, afterWatch, snapshotFrom } from './transitions.ts'
import type { Memory, State, Turn, Turning } from './transitions.ts'
import { watchOnce } from './watching.ts'
import type { Watching } from './watching.ts'

export interface ReflectorOptions<T extends Watched> {
  readonly cluster: Cluster
  readonly resource: WatchedResource<T>
  /** Only this namespace; null: all. */
  readonly namespace: string | null
  /** Texts such as the annotation prefixes of all dialects: an object none of whose keys holds one is unrelated. */
  readonly marks: readonly string[]
  readonly sink: ChangeSink<T>
  readonly watcher: ReflectorWatcher
  readonly clock: Clock
  readonly random: Random
  /** Null: no audits. */
  readonly auditIntervalMs: number | null
  /** Answers a signal that fires when the server is known to be well again: a pause after a failure ends then. */
  readonly recovery?: () => AbortSignal
  /** {@link TIMING} when left out. */
  readonly timing?: ReflectorTiming
}

export class Reflector<T extends Watched> {
  readonly #options: ReflectorOptions<T>
  readonly #timing: ReflectorTiming
  readonly #watching: Watching<T>
  readonly #audit: Audit<T>
  readonly #backoff: Backoff
  #memory: Memory = FRESH
  #wasExpired = false

  constructor(options: ReflectorOptions<T>) {
    this.#options = options
    this.#timing = options.timing ?? TIMING
    this.#backoff = new Backoff(this.#timing, options.random)
    const { cluster, resource, marks, sink, watcher, clock } = options
    this.#watching = {
      cluster,
      resource,
      marks,
      sink,
      watcher,
      clock,
      namespace: options.namespace ?? '',
      timing: this.#timing,
      seen: (namespace, name, object) => this.#audit.seen(namespace, name, object),
      reached: (version) => this.#audit.reached(version),
    }
    this.#audit = new Audit(this.#watching)
  }

  /** Runs until `signal` fires. Call once. Rejects only when the sink throws. */
  async run(signal: AbortSignal): Promise<void> {
    const scope = new Scope(signal)
    const { auditIntervalMs } = this.#options
    if (auditIntervalMs !== null) scope.spawn((ending) => this.#runAudits(auditIntervalMs, ending))
    try {
      await this.#runTurns(scope.signal)
    } finally {
      await scope.close()
    }
  }

  async #runTurns(signal: AbortSignal): Promise<void> {
    let state = snapshotFrom(null, this.#turning())
    while (!signal.aborted) {
      const { turn, refusal } =
        state.kind === 'list' ? await this.#list(state, signal) : await this.#watch(state, signal)
      if (signal.aborted) return
      state = turn.next
      this.#memory = turn.memory
      if (turn.pause === 'backoff') await this.#pause(refusal, signal)
    }
  }

  async #pause(refusal: Refusal | null, signal: AbortSignal): Promise<void> {
    const { clock, recovery } = this.#options
    const recovered = recovery?.()
    const end = recovered === undefined ? signal : AbortSignal.any([signal, recovered])
    await clock.sleep(this.#pauseMs(refusal), end)
    if (recovered?.aborted === true) this.#backoff.restart()
  }

  async #watch(state: Exclude<State, { kind: 'list' }>, signal: AbortSignal): Promise<Outcome> {
    const { resource, watcher, random } = this.#options
    const { watchSecondsMin: least, watchSecondsMax: most } = this.#timing
    if (state.kind === 'stream') this.#audit.abandon()
    const end = await watchOnce(
      this.#watching,
      {
        isStreamingStart: state.kind === 'stream',
        from: state.from,
        timeoutSeconds: Math.floor(least + (most - least) * random.next()),
      },
      signal,
    )
    if (!signal.aborted) {
      watcher.restarted(resource.resource, end.reason)
      if (end.refusal !== null) watcher.failed(resource.resource, end.refusal.failure)
    }
    if (end.phase === 'live') this.#backoff.wasGoodFor(end.lastedMs)
    // A server that restarted has lost its history: what it failed at before is over. One that expires again and again is not well.
    const isExpired = end.reason === 'expired'
    if (isExpired && !this.#wasExpired) this.#backoff.restart()
    this.#wasExpired = isExpired
    return { turn: afterWatch(state, end, this.#turning()), refusal: end.refusal }
  }

  async #list(state: Extract<State, { kind: 'list' }>, signal: AbortSignal): Promise<Outcome> {
    const { resource, sink, watcher } = this.#options
    this.#audit.abandon()
    sink.beginSnapshot('relist')
    const put = (object: T): boolean => sink.put(object, 'relist')
    const result = await listPages(this.#watching, state, put, signal)
    if (result.ok) {
      sink.endSnapshot(result.value)
      watcher.synced(resource.resource)
      this.#audit.reached(result.value)
    } else if (!signal.aborted) {
      watcher.failed(resource.resource, result.failure.failure)
    }
    return { turn: afterList(state, result, this.#turning()), refusal: result.ok ? null : result.failure }
  }

  async #runAudits(intervalMs: number, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options
    while (!signal.aborted) {
      await clock.sleep(intervalMs * (0.9 + 0.2 * random.next()), signal)
      if (!signal.aborted) await this.#audit.run(signal)
    }
  }

  #pauseMs(refusal: Refusal | null): number {
    const failure = refusal?.failure
    const asked =
      failure?.kind === 'throttled' || failure?.kind === 'server' ? (failure.retryAfterMs ?? 0) : 0
    return Math.max(this.#backoff.nextMs(), asked)
  }

  #turning(): Turning {
    return { timing: this.#timing, now: this.#options.clock.now(), memory: this.#memory }
  }
}

interface Outcome {
  readonly turn: Turn
  readonly refusal: Refusal | null
}
