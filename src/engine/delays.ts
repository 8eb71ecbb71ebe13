/** Keys that come back later: a heap with one sleeper. */

import type { ObjectKey } from '../core/names.ts'
import type { Clock } from '../std/clock.ts'

interface Entry {
  readonly key: ObjectKey
  readonly atMs: number
}

/** At most one time per key: the earliest asked for. */
export class Delays {
  readonly #clock: Clock
  readonly #due: (key: ObjectKey) => void
  readonly #heap: Entry[] = []
  readonly #times = new Map<ObjectKey, number>()
  #wake = new AbortController()

  constructor(clock: Clock, due: (key: ObjectKey) => void) {
    this.#clock = clock
    this.#due = due
  }

  get size(): number {
    return this.#times.size
  }

  add(key: ObjectKey, atMs: number): void {
    const present = this.#times.get(key)
    if (present !== undefined && present <= atMs) return
    this.#times.set(key, atMs)
    push(this.#heap, { key, atMs })
    if (this.#heap[0]?.key === key) this.#wake.abort()
  }

  /** The key ran for another reason; a stale heap entry is passed over when its time comes. */
  remove(key: ObjectKey): void {
    this.#times.delete(key)
  }

  /** Hands out keys as their times come, until `signal` fires. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const now = this.#clock.now()
      for (let head = this.#heap[0]; head !== undefined && head.atMs <= now; head = this.#heap[0]) {
        pop(this.#heap)
        if (this.#times.get(head.key) !== head.atMs) continue
        this.#times.delete(head.key)
        this.#due(head.key)
      }
      this.#wake = new AbortController()
      const next = this.#heap[0]?.atMs ?? now + IDLE_MS
      await this.#clock.sleep(Math.max(0, next - now), AbortSignal.any([signal, this.#wake.signal]))
    }
  }
}

const IDLE_MS = 60_000

function push(heap: Entry[], entry: Entry): void {
  let index = heap.push(entry) - 1
  while (index > 0) {
    const parent = (index - 1) >> 1
    if (at(heap, parent).atMs <= entry.atMs) break
    heap[index] = at(heap, parent)
    index = parent
  }
  heap[index] = entry
}

function pop(heap: Entry[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let index = 0
  for (;;) {
    let child = 2 * index + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && at(heap, child + 1).atMs < at(heap, child).atMs) child += 1
    if (at(heap, child).atMs >= last.atMs) break
    heap[index] = at(heap, child)
    index = child
  }
  heap[index] = last
}

function at(heap: readonly Entry[], index: number): Entry {
  const entry = heap[index]
  if (entry === undefined) throw new RangeError('heap index out of range')
  return entry
}
