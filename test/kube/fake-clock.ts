/** A clock that stands still until a test moves it; sleepers wake in the order of their times. */

import type { Clock } from '../../src/std/clock.ts'

interface Sleeper {
  readonly at: number
  readonly ms: number
  readonly wake: () => void
}

const EPOCH_MS = Date.UTC(2026, 10, 24)

export class FakeClock implements Clock {
  #now = 0
  readonly #sleepers = new Set<Sleeper>()
  readonly #waiting = new Set<() => void>()

  now(): number {
    return this.#now
  }

  wall(): number {
    return EPOCH_MS + this.#now
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const wake = (): void => {
        this.#sleepers.delete(sleeper)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const sleeper: Sleeper = { at: this.#now + ms, ms, wake }
      this.#sleepers.add(sleeper)
      signal.addEventListener('abort', wake, { once: true })
      for (const check of this.#waiting) check()
    })
  }

  async breathe(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
  }

  /** Moves time on, waking each sleeper at its own time and letting the program act before the next. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    for (;;) {
      await settle()
      const due = [...this.#sleepers].filter((sleeper) => sleeper.at <= until).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.#now = Math.max(this.#now, due.at)
      due.wake()
    }
    this.#now = until
    await settle()
  }

  /** Resolves when somebody sleeps, or starts to, for a time of which `matches` is true; answers how long is left of it. */
  sleeping(matches: (ms: number) => boolean): Promise<number> {
    return new Promise((resolve) => {
      const check = (): void => {
        const found = [...this.#sleepers].find((sleeper) => matches(sleeper.ms))
        if (found === undefined) return
        this.#waiting.delete(check)
        resolve(found.at - this.#now)
      }
      this.#waiting.add(check)
      check()
    })
  }
}

/** Lets promises and already arrived socket events run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
