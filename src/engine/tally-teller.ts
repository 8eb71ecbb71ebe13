/** Tells owners of origins what became of their targets: at the end of a spread, or, where places changed on their own, those of a while together. */

import type { ObjectKey } from '../core/names.ts'
import type { Destination } from './destination.ts'
import { tellTallies } from './tell.ts'

/** What changes within this time makes one Event. */
const TELL_SOON_MS = 1_000

/** Runs a task for as long as the controller runs. */
export type Spawn = (task: (signal: AbortSignal) => Promise<void>) => void

/** One per destination. */
export class TallyTeller {
  readonly #destination: Destination
  readonly #spawn: Spawn
  #isWaiting = false

  constructor(destination: Destination, spawn: Spawn) {
    this.#destination = destination
    this.#spawn = spawn
  }

  /** What is not told yet of `origin` is told; an origin that is gone has nobody to be told. */
  now(origin: ObjectKey): void {
    const meta = this.#destination.home.store.get(origin)
    if (meta !== null) tellTallies(this.#destination, meta)
    else this.#destination.tallies.take(origin)
  }

  /** A turn is over: what it noted of origins that do not spread is told in a while. */
  soon(): void {
    const { tallies, clock, spreads } = this.#destination
    if (this.#isWaiting || !tallies.hasUntold) return
    this.#isWaiting = true
    this.#spawn(async (signal) => {
      await clock.sleep(TELL_SOON_MS, signal)
      this.#isWaiting = false
      for (const origin of tallies.untold()) if (!spreads.isSpreading(origin)) this.now(origin)
    })
  }
}
