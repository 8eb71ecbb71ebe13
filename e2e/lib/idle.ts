/** A barrier beyond `settled`: what waits for its turn at sweep rate, taking over copies among it, is done as well. */

import { eventually } from './await.ts'
import type { Solo } from './solo.ts'

/** Resolves when the running controller has dealt with all that came before, and no turn waits or runs. */
export async function idle(solo: Solo, deadlineMs = 60_000): Promise<void> {
  await solo.settled()
  const isIdle = async (): Promise<true | null> => {
    const metrics = await solo.controller.metrics()
    const waiting = metrics.sum('heliograph_queue_depth') + metrics.sum('heliograph_writes_in_flight')
    return waiting === 0 ? true : null
  }
  await eventually(isIdle, { what: 'no turn waits or runs', deadlineMs })
}
