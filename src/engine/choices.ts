/** By which choice of namespaces an origin was indexed last: matching patterns against every namespace is the dearest thing that a tenant can ask for. */

import { isSameChoice } from '../core/choice.ts'
import type { ObjectKey } from '../core/names.ts'
import type { Policy } from '../core/policy.ts'
import type { OriginView } from './origins.ts'

type Choice = Pick<Policy, 'push' | 'peers' | 'mirrorName'>

/** One per site. Equal texts give equal parsed patterns while those are remembered; otherwise an origin is matched once more. */
export class Choices {
  readonly #byOrigin = new Map<ObjectKey, Choice>()

  /** Whether `view` chooses as it did when it was asked last; what it chooses now is remembered. */
  isAsBefore({ meta, reading }: OriginView): boolean {
    // A held origin is not matched against namespaces that come meanwhile.
    if (reading.kind !== 'policy') {
      this.forget(meta.key)
      return false
    }
    const { push, peers, mirrorName } = reading.policy
    const before = this.#byOrigin.get(meta.key)
    this.#byOrigin.set(meta.key, { push, peers, mirrorName })
    return before !== undefined && before.mirrorName === mirrorName && isSame(before, reading.policy)
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
