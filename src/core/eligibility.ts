/** Which objects may be origins at all, before anybody asks what their annotations mean. */

import { pathOf } from './names.ts'
import type { Kind } from './names.ts'
import type { Texts } from './objects.ts'
import type { Rules } from './rules.ts'

/** Name of the Secret beside the controller that holds the digest key and home's identity. */
export const DIGEST_KEY_SECRET_NAME = 'heliograph-digest-key'

/** What is read of an object. */
export interface Annotated {
  readonly kind: Kind
  readonly namespace: string
  readonly name: string
  readonly labels: Texts
  readonly annotations: Texts
}

/** Why an object is never an origin. */
export type Ineligible = 'kind' | 'namespace' | 'controller' | 'mirror'

/** Null: it may be an origin. */
export function originEligibility(meta: Annotated, rules: Rules): Ineligible | null {
  if (!rules.kinds.includes(meta.kind)) return 'kind'
  if (belongsToController(meta, rules)) return 'controller'
  if (!rules.originNamespaces.matches(meta.namespace)) return 'namespace'
  return isMirrorLike(meta, rules.prefix) ? 'mirror' : null
}

/**
 * A pushed mirror, proven or not: its `at` is here beside another mark, or it bears label and `origin` with no `at`.
 * An object whose `at` names another place is a manifest copied from a mirror, nobody's mirror here, and may be an origin.
 */
export function isMirrorLike(meta: Omit<Annotated, 'kind'>, prefix: string): boolean {
  const has = (texts: Texts, key: string): boolean => texts[prefix + key] !== undefined
  const at = meta.annotations[`${prefix}at`]
  const labelled = has(meta.labels, 'mirror')
  const named = has(meta.annotations, 'origin')
  return at === undefined ? labelled && named : at === pathOf(meta) && (labelled || named)
}

/** The digest key and the peers' Secrets, in the controller's own namespace. */
function belongsToController(meta: Annotated, { ownNamespace, prefix }: Rules): boolean {
  if (meta.namespace !== ownNamespace || meta.kind !== 'Secret') return false
  return meta.name === DIGEST_KEY_SECRET_NAME || meta.labels[`${prefix}peer`] !== undefined
}
