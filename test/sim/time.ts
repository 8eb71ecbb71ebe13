/** Simulated time: a heap of due actions, run one by one, each followed by all the work that it sets free. */

import type { Clock } from '../../src/std/clock.ts'

interface Due {
  readonly atMs: number
  readonly order: number
  act: (() => void) | null
}

/** When the simulated world begins; certificates and creation times are dated from it. */
const EPOCH_MS = Date.UTC(2026, 10, 24)

/** One per world. Actions due at one time run in the order in which they were asked for, so a run is replayed from its seed. */
export class SimTime {
  readonly #heap: Due[] = []
  #now = 0
  #order = 0

  now(): number {
    return this.#now
  }

  wall(): number {
    return EPOCH_MS + this.#now
  }

  /** Runs `act` after `ms`; the answer cancels it. */
  after(ms: number, act: () => void): () => void {
    const due: Due = { atMs: this.#now + Math.max(0, ms), order: this.#order, act }
    this.#order += 1
    push(this.#heap, due)
    return () => {
      due.act = null
    }
  }

  /** Moves time on by `ms`. */
  async run(ms: number): Promise<void> {
    const untilMs = this.#now + ms
    await settle()
    for (let head = this.#heap[0]; head !== undefined && head.atMs <= untilMs; head = this.#heap[0]) {
      pop(this.#heap)
      const { act } = head
      if (act === null) continue
      this.#now = Math.max(this.#now, head.atMs)
      act()
      await settle()
    }
    this.#now = untilMs
  }

  /** Moves time on until `isSo`, at most by `ms`; whether it came to be so. */
  async runUntil(isSo: () => boolean, ms: number, stepMs = 50): Promise<boolean> {
    const endMs = this.#now + ms
    while (!isSo() && this.#now < endMs) await this.run(Math.min(stepMs, endMs - this.#now))
    return isSo()
  }
}

/** The clock of one process: when it is killed, its sleepers never wake. */
export class SimClock implements Clock {
  readonly #time: SimTime
  #isKilled = false

  constructor(time: SimTime) {
    this.#time = time
  }

  kill(): void {
    this.#isKilled = true
  }

  now(): number {
    return this.#time.now()
  }

  wall(): number {
    return this.#time.wall()
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isKilled) return
      if (signal.aborted) return resolve()
      const wake = (): void => {
        cancel()
        signal.removeEventListener('abort', wake)
        if (!this.#isKilled) resolve()
      }
      const cancel = this.#time.after(ms, wake)
      signal.addEventListener('abort', wake, { once: true })
    })
  }

  async breathe(): Promise<void> {
    await Promise.resolve()
  }
}

/** Lets every promise that can go on go on: all of a world's work is promises, so one turn of the loop ends it. */
function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

function isBefore(a: Due, b: Due): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

function push(heap: Due[], due: Due): void {
  let index = heap.push(due) - 1
  while (index > 0) {
    const parent = (index - 1) >> 1
    const above = heap[parent]
    if (above === undefined || isBefore(above, due)) break
    heap[index] = above
    index = parent
  }
  heap[index] = due
}

function pop(heap: Due[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let index = 0
  for (;;) {
    const left = heap[2 * index + 1]
    const right = heap[2 * index + 2]
    if (left === undefined) break
    const isRight = right !== undefined && isBefore(right, left)
    const child = isRight ? right : left
    if (!isBefore(child, last)) break
    heap[index] = child
    index = 2 * index + (isRight ? 2 : 1)
  }
  heap[index] = last
}
