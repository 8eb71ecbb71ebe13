/** What the annotations of a peer Secret say: its name, who may forward there, and which namespaces it grants. */

import { annotation } from '../core/annotations.ts'
import type { AnnotationKey } from '../core/annotations.ts'
import { parseGlobs } from '../core/globs.ts'
import type { Globs } from '../core/globs.ts'
import { isNamespaceName, isObjectName } from '../core/names.ts'
import type { ObjectMeta } from '../core/objects.ts'
import { IDENTITY_LENGTH_MAX } from '../kube/cluster-name.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'

/** Namespaces of one list. */
const NAMESPACES_MAX = 1_000
/** The value of the label `peer` on a Secret that `peer clean` took out of service: any but `true` is no peer, and no origin either. */
export const OUT_OF_SERVICE = 'cleaned'
/** Names that something else bears already. */
const RESERVED_NAMES = ['home']

export interface Terms {
  /** What `targets` matches; null: neither annotated nor given by the Secret's form, so the Secret's own name. */
  readonly name: string | null
  /** The text of `peer-origins`, and what it means; null: any origin, only into the namespace of its own name. */
  readonly origins: Globs | null
  /** The only namespaces that the peer grants, sorted; null: every one. */
  readonly namespaces: readonly string[] | null
  /** The operator's word which cluster is meant; null: whichever it is. Never null with {@link Terms.namespaces}. */
  readonly identity: string | null
}

/** The failure is a fixed reason that names the annotation. */
export function parseTerms(meta: Pick<ObjectMeta, 'annotations'>, prefix: string): Result<Terms, string> {
  const text = (key: AnnotationKey): string | null => meta.annotations[annotation(prefix, key)] ?? null
  const origins = text('peer-origins')
  const globs = origins === null ? null : parseGlobs(origins)
  if (globs?.ok === false) return failed(`peer-origins: ${globs.failure}`)
  const namespaces = parseNamespaces(text('peer-namespaces'))
  if (!namespaces.ok) return namespaces
  const identity = text('peer-identity')
  if (identity !== null && (identity === '' || identity.length > IDENTITY_LENGTH_MAX))
    return failed(`peer-identity must have 1 to ${IDENTITY_LENGTH_MAX} characters`)
  if (namespaces.value !== null && identity === null)
    return failed('peer-namespaces needs peer-identity, which heliograph peer add writes')
  return ok({
    name: text('peer-name'),
    origins: globs === null ? null : globs.value,
    namespaces: namespaces.value,
    identity,
  })
}

/** The name of a peer: its annotation, else what its form gives, else the Secret's; null where that is no name. */
export function peerName(terms: Terms, formName: string | null, secretName: string): string | null {
  const name = terms.name ?? formName ?? secretName
  return isObjectName(name) && !RESERVED_NAMES.includes(name) ? name : null
}

function parseNamespaces(text: string | null): Result<readonly string[] | null, string> {
  if (text === null) return ok(null)
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (names.length > NAMESPACES_MAX || !names.every(isNamespaceName))
    return failed(`peer-namespaces must be a list of at most ${NAMESPACES_MAX} names of namespaces`)
  return ok([...new Set(names)].sort())
}
