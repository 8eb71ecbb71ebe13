/** How origins of home stand to one destination: which of its namespaces they choose, and what those say to them. */

import { chooses } from '../core/choice.ts'
import { namespaceConsent } from '../core/consent.ts'
import type { Consent } from '../core/consent.ts'
import type { NamespaceMeta, ObjectMeta } from '../core/objects.ts'
import type { Policy } from '../core/policy.ts'
import type { Rules } from '../core/rules.ts'

/** One per destination, fixed for its life. */
export interface Reach {
  /** Another cluster than the origins': mirrors bear the mark of their cluster, and nothing there is pulled. */
  readonly isAbroad: boolean
  /** Whether the policy could choose any namespace here. */
  concerns(policy: Policy): boolean
  chooses(policy: Policy, origin: ObjectMeta, namespace: NamespaceMeta): boolean
  /** `identity` is home's; empty while it is not known. */
  consent(
    namespace: NamespaceMeta,
    origin: { readonly namespace: string; readonly name: string },
    identity: string,
  ): Consent
}

/** Home: the origin's own namespace is never a target. */
export function homeReach(rules: Rules): Reach {
  return {
    isAbroad: false,
    concerns: ({ push }) => push !== null,
    chooses: ({ push }, origin, namespace) =>
      push !== null && namespace.name !== origin.namespace && chooses(push, namespace),
    consent: (namespace, origin, identity) => namespaceConsent(namespace, origin, rules, identity),
  }
}
