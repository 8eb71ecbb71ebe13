/** How origins of home stand to a peer: `targets` names it, `target-namespaces` choose there, its Secret and its Namespaces consent. */

import { chooses } from '../core/choice.ts'
import { peerConsent } from '../core/consent.ts'
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

function selectsByLabels({ peers }: Policy): boolean {
  return peers?.namespaces?.some(({ labels }) => labels !== null) === true
}
