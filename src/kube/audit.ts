/**
 * The periodic audit: a second look at everything by a list beside the running watch, which finds what the watch missed.
 *
 * The list is asked for without a version, so that it is a consistent read of the newest state: `0` would be cheaper, but
 * a cache that lags behind would bring deleted objects back. Its pages are one state at one version. It is compared when
 * the watch has come to that version (or had time to); objects that the watch told of meanwhile are left to the watch.
 */

import type { ResourceVersion } from '../core/names.ts'
import { isNewer } from '../core/names.ts'
import type { Watched } from './changes.ts'
import { listPages } from './listing.ts'
import type { Watching } from './watching.ts'

export class Audit<T extends Watched> {
  readonly #watching: Watching<T>
  /** Where the watch is; null before the first snapshot. */
  #reached: ResourceVersion | null = null
  /** What the watch told of since the audit began: `namespace/name` to its last state, null where nothing is kept of it. */
  #touched: Map<string, T | null> | null = null

  constructor(watching: Watching<T>) {
    this.#watching = watching
  }

  /** The watch told of this object. */
  seen(namespace: string, name: string, object: T | null): void {
    if (this.#touched === null) return
    this.#touched.set(`${namespace}/${name}`, object)
    if (this.#touched.size > this.#watching.timing.auditTouchedMax) this.abandon()
  }

  reached(version: ResourceVersion): void {
    this.#reached = version
  }

  /** A new snapshot is about to be made: it does the audit's work. */
  abandon(): void {
    this.#touched = null
    this.#reached = null
  }

  /** Makes one audit; does nothing while there is no synced watch. What it finds goes to the sink as `audit`. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#reached === null) return
    const { resource, timing, watcher } = this.#watching
    const touched = new Map<string, T | null>()
    this.#touched = touched
    const found: T[] = []
    const list = await listPages(
      this.#watching,
      { from: null, pageSize: timing.pageSize },
      (object) => found.push(object),
      signal,
    )
    if (list.ok) await this.#settle(list.value, signal)
    const isValid = this.#touched === touched && !signal.aborted
    this.#touched = isValid ? null : this.#touched
    if (!list.ok && !signal.aborted) watcher.failed(resource.resource, list.failure.failure)
    if (list.ok && isValid) watcher.auditFound(resource.resource, this.#compare(found, touched, list.value))
  }

  /** Waits until the watch has passed the list's version; on a quiet resource no event or bookmark may ever say so. */
  async #settle(version: ResourceVersion, signal: AbortSignal): Promise<void> {
    const { clock, timing } = this.#watching
    const until = clock.now() + timing.auditSettleMs
    while (this.#touched !== null && !signal.aborted && clock.now() < until) {
      if (this.#reached !== null && !isNewer(version, this.#reached)) return
      await clock.sleep(timing.auditStepMs, signal)
    }
  }

  /** One synchronous snapshot, in which the watch's own tale of the touched objects stands. */
  #compare(found: readonly T[], touched: ReadonlyMap<string, T | null>, asOf: ResourceVersion): number {
    const { resource, sink } = this.#watching
    let news = 0
    sink.beginSnapshot('audit')
    for (const object of found) {
      if (touched.has(`${resource.namespaceOf(object)}/${object.name}`)) continue
      if (sink.put(object, 'audit')) news += 1
    }
    for (const object of touched.values()) if (object !== null) sink.put(object, 'audit')
    return news + sink.endSnapshot(asOf)
  }
}
