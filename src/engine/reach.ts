/** How origins of home stand to one destination: which of its namespaces they choose, and what those say to them. */

import { chooses } from '../core/choice.ts'
import { namespaceConsent } from '../core/consent.ts'
import type { Consent } from '../core/consent.ts'
import type { NamespaceMeta, ObjectMeta } from '../core/objects.ts'
import type { Flaw, Policy } from '../core/policy.ts'
import type { Rules } from '../core/rules.ts'
import type { Origins } from './origins.ts'

/** One per destination, fixed for its life. */
export interface Reach {
  /** Another cluster than the origins': mirrors bear the mark of their cluster, and nothing there is pulled. */
  readonly isAbroad: boolean
  /** Why the policy cannot be followed here, as a fixed reason: the origin is held here, as by a bad value. Null: it can. */
  holds(policy: Policy): Flaw | null
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
    holds: () => null,
    concerns: ({ push }) => push !== null,
    chooses: ({ push }, origin, namespace) =>
      push !== null && namespace.name !== origin.namespace && chooses(push, namespace),
    consent: (namespace, origin, identity) => namespaceConsent(namespace, origin, rules, identity),
  }
}

/** The origins as one destination sees them. */
export type OriginsHere = Pick<
  Origins,
  | 'view'
  | 'keys'
  | 'summary'
  | 'dropSummaries'
  | 'heldNamesakes'
  | 'countIn'
  | 'isWithinNamespaceLimit'
  | 'expired'
>

/** Where a policy cannot be followed its origin is held here, and nowhere else. */
export function originsHere(origins: Origins, reach: Reach): OriginsHere {
  return {
    view(key) {
      const view = origins.view(key)
      const flaw = view?.reading.kind === 'policy' ? reach.holds(view.reading.policy) : null
      if (view === null || flaw === null) return view
      return { meta: view.meta, reading: { kind: 'held', flaws: [flaw], paused: false, remarks: [] } }
    },
    keys: () => origins.keys(),
    summary: (key) => origins.summary(key),
    dropSummaries: () => origins.dropSummaries(),
    heldNamesakes: (ref) => origins.heldNamesakes(ref),
    countIn: (namespace) => origins.countIn(namespace),
    isWithinNamespaceLimit: (meta, isHolder) => origins.isWithinNamespaceLimit(meta, isHolder),
    expired: (wallMs) => origins.expired(wallMs),
  }
}
