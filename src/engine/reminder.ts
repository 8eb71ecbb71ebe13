/**
 * Says what stands wrong with origins, Namespaces and held deletions: when it is found, when a leader begins, and again while it lasts.
 * The API server forgets Events after an hour; a warning that still holds must not be forgotten with them.
 */

import { consentFlaws } from '../core/consent.ts'
import type { ObjectKey } from '../core/names.ts'
import type { NamespaceMeta } from '../core/objects.ts'
import type { Brakes, Hold } from './brakes.ts'
import type { Destination } from './destination.ts'
import {
  tellConsentMalformed,
  tellExpired,
  tellFlaws,
  tellHold,
  tellNamespaceLimit,
  tellRemarks,
} from './tell.ts'
import type { LaneName } from './workqueue.ts'

/** A certificate that went out of date, or a hold that fell away, is noticed this soon. */
export const LOOK_MS = 10_000
/** Every standing warning is said again this often. */
export const REMIND_MS = 1_800_000

export interface ReminderOptions {
  readonly destination: Destination
  readonly brakes: Brakes
  readonly isWorking: () => boolean
  readonly enqueue: (place: ObjectKey, lane: LaneName) => void
}

export class Reminder {
  readonly #o: ReminderOptions

  constructor(options: ReminderOptions) {
    this.#o = options
  }

  origin(key: ObjectKey): void {
    const { destination } = this.#o
    const { origins, site } = destination.observer
    const view = origins.view(key)
    if (view === null) return
    if (view.reading.kind === 'held') tellFlaws(destination, view.meta, view.reading.flaws)
    tellRemarks(destination, view.meta, view.reading.remarks)
    if (!site.isOriginAdmitted(view.meta)) tellNamespaceLimit(destination, view.meta)
  }

  namespace(namespace: NamespaceMeta): void {
    const { destination } = this.#o
    for (const { annotation, reason } of consentFlaws(namespace, destination.observer.rules.prefix)) {
      tellConsentMalformed(destination, namespace, annotation, reason)
    }
  }

  hold(hold: Hold): void {
    const namespace = this.#o.destination.home.store.namespace(hold.originNamespace)
    if (namespace !== null) tellHold(this.#o.destination, namespace, hold)
  }

  /** Says everything that stands wrong; places that are not in order are looked at once more, which tells what is in their way. */
  everything(): void {
    const { destination, enqueue } = this.#o
    const { store, observer } = destination
    for (const origin of observer.origins.keys()) this.origin(origin)
    for (const namespace of store.namespaces()) this.namespace(namespace)
    for (const place of observer.history.troubled()) enqueue(place, 'fresh')
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, observer } = this.#o.destination
    let remindAtMs = clock.now() + REMIND_MS
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal)
      if (signal.aborted || !this.#o.isWorking()) continue
      for (const origin of observer.origins.expired(clock.wall())) tellExpired(this.#o.destination, origin)
      for (const hold of this.#o.brakes.holds()) this.hold(hold)
      if (clock.now() < remindAtMs) continue
      remindAtMs = clock.now() + REMIND_MS
      this.everything()
    }
  }
}
