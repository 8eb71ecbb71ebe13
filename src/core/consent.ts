/**
 * What a namespace says to an origin that would push into it: its place in the administrator's lists, and its owner's `accept` and `refuse`.
 *
 * Patterns are over `[cluster:]namespace/name`. In `accept` one without `cluster:` is about origins of this cluster alone; in `refuse` it covers
 * every cluster, and so does an exclusion without `cluster:` in either of them.
 * A `refuse` that matches beats everything, a malformed `accept` too; otherwise a malformed one of the two freezes.
 */

import { memoised } from '../std/memo.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import { annotation } from './annotations.ts'
import type { Alternative } from './braces.ts'
import { compileGlobs, parsePatterns } from './globs.ts'
import type { GlobPattern, Globs } from './globs.ts'
import { pathOf } from './names.ts'
import type { NamespaceMeta } from './objects.ts'
import type { Rules } from './rules.ts'

export type Consent =
  /** `declared`: the Namespace has an `accept` that matches. */
  | { readonly kind: 'granted'; readonly declared: boolean }
  | { readonly kind: 'refused'; readonly why: RefusalReason }
  /** Admits nothing new; what is there stays as it is. */
  | { readonly kind: 'frozen'; readonly annotation: 'accept' | 'refuse'; readonly reason: string }

export type RefusalReason =
  | 'own-namespace'
  | 'protected'
  | 'not-a-target'
  | 'refuse'
  | 'accept'
  /** Consent is required by the settings and the Namespace has no `accept`. */
  | 'consent-required'
  /** The peer's Secret says who may forward there, and this origin may not, or not into this namespace. */
  | 'peer-origins'

/** An origin as a pattern sees it. */
export interface Offer {
  readonly namespace: string
  readonly name: string
  /** The identity of the origin's cluster; empty while it is not known. */
  readonly cluster: string
  /** The origin and the namespace are in one cluster. */
  readonly local: boolean
}

/** What `namespace` of home says to `origin` of home. `identity` is home's; empty while it is not known. */
export function namespaceConsent(
  namespace: NamespaceMeta,
  origin: { readonly namespace: string; readonly name: string },
  rules: Rules,
  identity: string,
): Consent {
  if (namespace.name === origin.namespace) return refused('own-namespace')
  if (isProtected(namespace.name, rules)) return refused('protected')
  if (!rules.targetNamespaces.matches(namespace.name)) return refused('not-a-target')
  return ownerConsent(
    namespace,
    { namespace: origin.namespace, name: origin.name, cluster: identity, local: true },
    rules,
  )
}

/** What a peer's Secret and the settings say about forwarding there. */
export interface PeerTerms {
  /** Home's identity, as the peer's owners write it in `accept` and `refuse`. */
  readonly identity: string
  /** Globs over `namespace/name`; null: any origin, only into the namespace of its own name. */
  readonly origins: Globs | null
  /** The peer grants single namespaces by name, and that list is their consent: their annotations cannot be read. */
  readonly isListed: boolean
}

/** What `namespace` of a peer says to `origin` of home. */
export function peerConsent(
  namespace: NamespaceMeta,
  origin: { readonly namespace: string; readonly name: string },
  rules: Rules,
  { identity, origins, isListed }: PeerTerms,
): Consent {
  if (isProtected(namespace.name, rules)) return refused('protected')
  if (!rules.targetNamespaces.matches(namespace.name)) return refused('not-a-target')
  const mayForward = origins === null ? namespace.name === origin.namespace : origins.matches(pathOf(origin))
  if (!mayForward) return refused('peer-origins')
  if (isListed) return { kind: 'granted', declared: true }
  return ownerConsent(
    namespace,
    { namespace: origin.namespace, name: origin.name, cluster: identity, local: false },
    rules,
  )
}

/** What the owner's annotations say, whatever the administrator's lists. */
export function ownerConsent(namespace: NamespaceMeta, offer: Offer, { prefix, consent }: Rules): Consent {
  const refuse = parseConsent(namespace.annotations[annotation(prefix, 'refuse')])
  const accept = parseConsent(namespace.annotations[annotation(prefix, 'accept')])
  if (refuse.ok && refuse.value?.refuses(offer) === true) return refused('refuse')
  if (!refuse.ok) return { kind: 'frozen', annotation: 'refuse', reason: refuse.failure }
  if (!accept.ok) return { kind: 'frozen', annotation: 'accept', reason: accept.failure }
  if (accept.value !== null)
    return accept.value.accepts(offer) ? { kind: 'granted', declared: true } : refused('accept')
  return consent === 'required' ? refused('consent-required') : { kind: 'granted', declared: false }
}

/** Whether the administrator's lists let the namespace receive mirrors at all. */
export function mayBeTarget(namespace: string, rules: Rules): boolean {
  return !isProtected(namespace, rules) && rules.targetNamespaces.matches(namespace)
}

/** Never a target, and nothing in it is filled. The controller's own namespace is protected whatever the list says. */
export function isProtected(namespace: string, rules: Rules): boolean {
  if (rules.allowedNamespaces.matches(namespace)) return false
  return namespace === rules.ownNamespace || rules.protectedNamespaces.matches(namespace)
}

/** The bad values on a Namespace, for its owner to be told. */
export function consentFlaws(
  namespace: NamespaceMeta,
  prefix: string,
): readonly { readonly annotation: 'accept' | 'refuse'; readonly reason: string }[] {
  return (['accept', 'refuse'] as const).flatMap((key) => {
    const parsed = parseConsent(namespace.annotations[annotation(prefix, key)])
    return parsed.ok ? [] : [{ annotation: key, reason: parsed.failure }]
  })
}

/** One parsed value; it reads differently under its two keys. */
interface ConsentList {
  accepts(offer: Offer): boolean
  refuses(offer: Offer): boolean
}

function refused(why: RefusalReason): Consent {
  return { kind: 'refused', why }
}

function parseConsent(text: string | undefined): Result<ConsentList | null, string> {
  return text === undefined ? ok(null) : parseRemembered(text)
}

const parseRemembered = memoised(parse, {
  entriesMax: 4_096,
  weightMax: 16 * 1_048_576,
  weigh: (text) => 1_024 + 64 * text.length,
})

function parse(text: string): Result<ConsentList, string> {
  const patterns = parsePatterns(text)
  if (!patterns.ok) return failed(patterns.failure)
  const qualified = alternativesOf(patterns.value, isQualified)
  const bare = alternativesOf(patterns.value, (alternative) => !isQualified(alternative))
  return ok({
    accepts: (offer) =>
      (matches(qualified.included, offer, 'cluster') ||
        (offer.local && matches(bare.included, offer, 'path'))) &&
      !matches(qualified.excluded, offer, 'cluster') &&
      !matches(bare.excluded, offer, 'path'),
    refuses: (offer) =>
      (matches(qualified.included, offer, 'cluster') || matches(bare.included, offer, 'path')) &&
      !matches(qualified.excluded, offer, 'cluster') &&
      !matches(bare.excluded, offer, 'path'),
  })
}

/** A colon outside a class makes a pattern one over `cluster:namespace/name`: neither namespaces nor names can hold one. */
function isQualified(alternative: Alternative): boolean {
  return alternative.some((token) => token.kind === 'char' && token.char === ':')
}

function alternativesOf(
  patterns: readonly GlobPattern[],
  belongs: (alternative: Alternative) => boolean,
): { readonly included: Globs; readonly excluded: Globs } {
  const compiled = (excluded: boolean): Globs =>
    compileGlobs(
      patterns
        .filter((pattern) => pattern.excluded === excluded)
        .map(({ alternatives }) => ({ excluded: false, alternatives: alternatives.filter(belongs) })),
    )
  return { included: compiled(false), excluded: compiled(true) }
}

function matches(globs: Globs, offer: Offer, form: 'cluster' | 'path'): boolean {
  return globs.matches(form === 'path' ? pathOf(offer) : `${offer.cluster}:${pathOf(offer)}`)
}
