/** By which choice of namespaces an origin was indexed last: matching patterns against every namespace is the dearest thing that a tenant can ask for. */

import { chooses, isSameChoice } from '../core/choice.ts'
import type { ObjectKey } from '../core/names.ts'
import type { NamespaceMeta, ObjectMeta } from '../core/objects.ts'
import type { Policy } from '../core/policy.ts'
import type { OriginView } from './origins.ts'

type Choice = Pick<Policy, 'push' | 'mirrorName'>

/** One per site. Equal texts give equal parsed patterns while those are remembered; otherwise an origin is matched once more. */
export class Choices {
  readonly #byOrigin = new Map<ObjectKey, Choice>()

  /** Whether `view` chooses as what was remembered last. */
  isAsBefore({ meta, reading }: OriginView): boolean {
    if (reading.kind !== 'policy') return false
    const { push, mirrorName } = reading.policy
    const before = this.#byOrigin.get(meta.key)
    return before !== undefined && before.mirrorName === mirrorName && isSameChoice(before.push, push)
  }

  /** The origin was matched against every namespace. A held one is not matched against those that come meanwhile. */
  remember({ meta, reading }: OriginView): void {
    if (reading.kind !== 'policy') return this.forget(meta.key)
    const { push, mirrorName } = reading.policy
    this.#byOrigin.set(meta.key, { push, mirrorName })
  }

  forget(origin: ObjectKey): void {
    this.#byOrigin.delete(origin)
  }
}

/** Whether the policy chooses the namespace; the origin's own is never a target. */
export function choosesNamespace(policy: Policy, origin: ObjectMeta, namespace: NamespaceMeta): boolean {
  const { push } = policy
  return push !== null && namespace.name !== origin.namespace && chooses(push, namespace)
}
