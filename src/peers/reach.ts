/** How origins of home stand to a peer: `targets` names it, `target-namespaces` choose there, its Secret and its Namespaces consent. */

import { chooses } from '../core/choice.ts'
import { peerConsent } from '../core/consent.ts'
import { pathOf } from '../core/names.ts'
import type { ObjectRef } from '../core/names.ts'
import type { Policy } from '../core/policy.ts'
import type { Rules } from '../core/rules.ts'
import type { Reach } from '../engine/reach.ts'
import type { Terms } from './terms.ts'

export function peerReach(name: string, terms: Pick<Terms, 'origins' | 'namespaces'>, rules: Rules): Reach {
  const isListed = terms.namespaces !== null
  const isMeant = ({ peers }: Policy): boolean => peers?.peers.matches(name) === true
  return {
    isAbroad: true,
    holds: (policy) =>
      isListed && isMeant(policy) && selectsByLabels(policy)
        ? {
            annotation: `${rules.prefix}target-namespaces-selector`,
            reason: 'one of the peers grants single namespaces only, whose labels cannot be read',
          }
        : null,
    concerns: isMeant,
    chooses(policy, origin, namespace) {
      if (!isMeant(policy)) return false
      const choice = policy.peers?.namespaces ?? null
      return choice === null ? namespace.name === origin.namespace : chooses(choice, namespace)
    },
    consent: (namespace, origin, identity) =>
      peerConsent(namespace, origin, rules, { identity, origins: terms.origins, isListed }),
  }
}

/**
 * Whether a peer of these terms could take the origin at all: `targets` names it and its Secret leaves the origin in.
 * What its Namespaces are and say is not asked.
 */
export function takesOrigin(
  name: string,
  { origins, namespaces }: Pick<Terms, 'origins' | 'namespaces'>,
  { policy, origin }: { readonly policy: Policy; readonly origin: Pick<ObjectRef, 'namespace' | 'name'> },
): boolean {
  if (policy.peers?.peers.matches(name) !== true) return false
  if (origins !== null) return origins.matches(pathOf(origin))
  return namespaces === null || namespaces.includes(origin.namespace)
}

function selectsByLabels({ peers }: Policy): boolean {
  return peers?.namespaces?.some(({ labels }) => labels !== null) === true
}
