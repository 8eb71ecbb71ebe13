/** By which choice of namespaces an origin was indexed last: matching patterns against every namespace is the dearest thing that a tenant can ask for. */

import { isSameChoice } from '../core/choice.ts'
import type { ObjectKey } from '../core/names.ts'
import type { Policy } from '../core/policy.ts'
import type { OriginView } from './origins.ts'

type Choice = Pick<Policy, 'push' | 'peers' | 'mirrorName'>

/** One per site. Equal texts give equal parsed patterns while those are remembered; otherwise an origin is matched once more. */
export class Choices {
  readonly #byOrigin = new Map<ObjectKey, Choice>()

  /**
   * Whether `view` chooses as what was remembered last. If not, that is forgotten: until the new choice was matched whole, namespaces are asked by
   * it, so that going back to the old one is no proof of its places.
   */
  isAsBefore({ meta, reading }: OriginView): boolean {
    if (reading.kind !== 'policy') return false
    const { mirrorName } = reading.policy
    const before = this.#byOrigin.get(meta.key)
    const isLike = before !== undefined && before.mirrorName === mirrorName && isSame(before, reading.policy)
    if (!isLike) this.forget(meta.key)
    return isLike
  }

  /** The origin was matched against every namespace. A held one is not matched against those that come meanwhile. */
  remember({ meta, reading }: OriginView): void {
    if (reading.kind !== 'policy') return this.forget(meta.key)
    const { push, peers, mirrorName } = reading.policy
    this.#byOrigin.set(meta.key, { push, peers, mirrorName })
  }

  forget(origin: ObjectKey): void {
    this.#byOrigin.delete(origin)
  }
}

function isSame(a: Choice, b: Choice): boolean {
  return (
    isSameChoice(a.push, b.push) &&
    a.peers?.peers === b.peers?.peers &&
    isSameChoice(a.peers?.namespaces ?? null, b.peers?.namespaces ?? null)
  )
}
