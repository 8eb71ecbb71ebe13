/** Holds mass deletions that nobody saw caused, group by group, until a person releases them (promise 10). */

import { RELEASE_MS, holdId, isMassDeletion } from '../core/brake.ts'
import type { ObjectKey } from '../core/names.ts'
import type { Clock } from '../std/clock.ts'

/** Counting a group costs its size: a count serves this long, unless something unseen comes to light. */
const COUNT_INTERVAL_MS = 1_000

export interface GroupCount {
  readonly inferred: number
  readonly mirrors: number
  readonly origins: ReadonlySet<ObjectKey>
}

export interface Hold {
  readonly id: string
  readonly originNamespace: string
  readonly inferred: number
  readonly mirrors: number
}

export interface BrakesOptions {
  readonly destination: string
  readonly clock: Clock
  readonly count: (originNamespace: string) => GroupCount
  /** Rises with every change that was not seen as it happened. */
  readonly generation: () => number
  readonly held: (hold: Hold) => void
}

/** One per destination. A hold depends only on what is written on the objects now; a release is remembered for an hour. */
export class Brakes {
  readonly #o: BrakesOptions
  readonly #counts = new Map<
    string,
    { readonly hold: Hold | null; readonly countedAtMs: number; readonly generation: number }
  >()
  readonly #passing = new Map<
    string,
    { readonly origins: ReadonlySet<ObjectKey>; readonly untilMs: number }
  >()

  constructor(options: BrakesOptions) {
    this.#o = options
  }

  /** Whether an unseen deletion of this group may go on now. */
  ask(originNamespace: string): 'open' | 'held' {
    const now = this.#o.clock.now()
    const generation = this.#o.generation()
    const known = this.#counts.get(originNamespace)
    // Nothing that was unseen has come since, so the count can only have fallen.
    const isCurrent =
      known !== undefined && known.generation === generation && now < known.countedAtMs + COUNT_INTERVAL_MS
    if (isCurrent) return known.hold === null ? 'open' : 'held'
    const hold = this.#holdOf(originNamespace, this.#o.count(originNamespace), now)
    this.#counts.set(originNamespace, { hold, countedAtMs: now, generation })
    if (hold !== null && known?.hold?.id !== hold.id) this.#o.held(hold)
    return hold === null ? 'open' : 'held'
  }

  /** Lets the group pass that hold `id` names; false if no present hold has it. */
  release(id: string): boolean {
    const held = this.holds().find((hold) => hold.id === id)
    if (held === undefined) return false
    this.#passing.set(held.originNamespace, {
      origins: this.#o.count(held.originNamespace).origins,
      untilMs: this.#o.clock.now() + RELEASE_MS,
    })
    this.#counts.delete(held.originNamespace)
    return true
  }

  /** What is held now: a group whose origins came back, or that shrank, is held no more. */
  holds(): readonly Hold[] {
    for (const [originNamespace, { hold }] of this.#counts) if (hold !== null) this.ask(originNamespace)
    return [...this.#counts.values()].flatMap(({ hold }) => (hold === null ? [] : [hold]))
  }

  #holdOf(originNamespace: string, group: GroupCount, now: number): Hold | null {
    if (!isMassDeletion(group)) {
      // The released wave is over: the next one is a person's business again.
      this.#passing.delete(originNamespace)
      return null
    }
    const passing = this.#passing.get(originNamespace)
    if (
      passing !== undefined &&
      now < passing.untilMs &&
      [...group.origins].every((origin) => passing.origins.has(origin))
    )
      return null
    this.#passing.delete(originNamespace)
    const id = holdId(this.#o.destination, originNamespace, group.origins)
    return { id, originNamespace, inferred: group.inferred, mirrors: group.mirrors }
  }
}
