/** Who claims what in a scene, by the very rules of the controller. */

import { chooses } from '../../core/choice.ts'
import { winnerOf } from '../../core/claims.ts'
import type { Claim } from '../../core/claims.ts'
import { namespaceConsent } from '../../core/consent.ts'
import type { Consent } from '../../core/consent.ts'
import { ALWAYS_REFUSED_TYPES } from '../../core/defaults.ts'
import { dialectOf, readAsk, readLeft, readOrigin } from '../../core/dialects/table.ts'
import { isMirrorLike } from '../../core/eligibility.ts'
import { marksOf } from '../../core/marks.ts'
import { keyOf, pathOf } from '../../core/names.ts'
import type { ObjectKey, ObjectRef } from '../../core/names.ts'
import type { NamespaceMeta } from '../../core/objects.ts'
import type { LeftCopy, Policy, Reading } from '../../core/policy.ts'
import type { Rules } from '../../core/rules.ts'
import { asWhole, isDeclared } from '../../core/steps.ts'
import type { Scene, SceneObject } from './scene.ts'

export interface SceneOrigin {
  readonly meta: SceneObject
  readonly dialect: string
  readonly reading: Exclude<Reading, { kind: 'none' }>
  /** Null while it is held, by its type too. */
  readonly policy: Policy | null
  readonly isTypeRefused: boolean
}

export interface Ground {
  readonly scene: Scene
  readonly rules: Rules
  readonly origins: ReadonlyMap<ObjectKey, SceneOrigin>
  /** Origins that push, by the kind and name of their mirrors. */
  readonly pushing: ReadonlyMap<string, readonly SceneOrigin[]>
  /** Dialect, kind and name of the origins that are held: what they would claim is not known. */
  readonly heldNames: ReadonlySet<string>
}

export function groundOf(scene: Scene, rules: Rules): Ground {
  const origins = new Map<ObjectKey, SceneOrigin>()
  const pushing = new Map<string, SceneOrigin[]>()
  const heldNames = new Set<string>()
  for (const meta of scene.objects.values()) {
    const reading = readOrigin(meta, rules)
    if (reading.kind === 'none') continue
    const isTypeRefused = isRefused(meta.secretType, rules)
    const policy = reading.kind === 'policy' && !isTypeRefused ? reading.policy : null
    const origin = { meta, dialect: dialectOf(meta, rules) ?? '', reading, policy, isTypeRefused }
    origins.set(meta.key, origin)
    if (reading.kind === 'held') heldNames.add(`${origin.dialect}/${meta.kind}/${meta.name}`)
    if (policy?.push == null) continue
    const shelf = `${meta.kind}/${policy.mirrorName}`
    const there = pushing.get(shelf)
    if (there === undefined) pushing.set(shelf, [origin])
    else there.push(origin)
  }
  return { scene, rules, origins, pushing, heldNames }
}

function isRefused(type: string | null, { refusedTypes }: Rules): boolean {
  return type !== null && (refusedTypes.has(type) || ALWAYS_REFUSED_TYPES.some((each) => each === type))
}

/** A namespace that an origin's words choose, and what it says to that. */
export interface Chosen {
  readonly namespace: NamespaceMeta
  readonly consent: Consent
}

/** Terminating namespaces are as good as gone. */
export function chosenBy(ground: Ground, { meta, policy }: SceneOrigin): readonly Chosen[] {
  const push = policy?.push ?? null
  if (push === null) return []
  return [...ground.scene.namespaces.values()].flatMap((namespace) =>
    namespace.terminating || !chooses(push, namespace)
      ? []
      : [{ namespace, consent: namespaceConsent(namespace, meta, ground.rules, ground.scene.identity) }],
  )
}

/** The origins that claim `place` and may write there. */
export function claimantsOf(ground: Ground, place: ObjectRef): readonly SceneOrigin[] {
  return choosersOf(ground, place).filter((origin) => consentAt(ground, place, origin)?.kind === 'granted')
}

/** The origins that choose `place`, whether they may write there or not. */
export function choosersOf(ground: Ground, place: ObjectRef): readonly SceneOrigin[] {
  const namespace = ground.scene.namespaces.get(place.namespace)
  if (namespace === undefined || namespace.terminating) return []
  return (ground.pushing.get(`${place.kind}/${place.name}`) ?? []).filter(({ meta, policy }) => {
    return meta.namespace !== place.namespace && policy?.push != null && chooses(policy.push, namespace)
  })
}

/** Whether more than one origin makes mirrors of this kind and name, wherever. */
export function isNameShared({ pushing }: Ground, { kind, name }: Pick<ObjectRef, 'kind' | 'name'>): boolean {
  return (pushing.get(`${kind}/${name}`)?.length ?? 0) > 1
}

export function consentAt(
  { scene, rules }: Ground,
  place: ObjectRef,
  { meta }: { readonly meta: ObjectRef },
): Consent | null {
  const namespace = scene.namespaces.get(place.namespace)
  return namespace === undefined ? null : namespaceConsent(namespace, meta, rules, scene.identity)
}

/** How what stands at a place meets the origin that claims it. */
export type Meeting =
  | 'free'
  /** A mirror of this origin by our own marks. */
  | 'mirror'
  /** A copy that the old tool made: compared, then taken over. */
  | 'inherited'
  /** Its owner consented, or an administrator did for replicator. */
  | 'consented'
  /** It asks to be filled from somewhere, which comes first. */
  | 'pull'
  | 'taken-back'
  | 'unproven'
  /** Another origin that claims the place has what stands there. */
  | 'of-another'
  | 'foreign'

export function meet(ground: Ground, place: ObjectRef, origin: SceneOrigin): Meeting {
  const { scene, rules } = ground
  const object = scene.objects.get(keyOf(place))
  if (object === undefined)
    return scene.names.has(keyOf(place))
      ? meetForeign(ground, place, origin)
      : meetNothing(ground, place, origin)
  if (readAsk(object, rules) !== null) return 'pull'
  if (ground.origins.has(object.key)) return 'foreign'
  const marks = marksOf(object, rules)
  const path = pathOf(origin.meta)
  if (isMirrorLike(object, rules.prefix)) return marks.origin === path ? 'mirror' : 'of-another'
  if (marks.adopt === path || marks.retained === path) return 'consented'
  const claimants = claimantsOf(ground, place).map(({ meta }) => pathOf(meta))
  if (claimants.some((each) => each === marks.adopt)) return 'of-another'
  if (marks.left !== null) return meetLeft(ground, object, origin, marks.left)
  return meetForeign(ground, place, origin)
}

function meetNothing(ground: Ground, place: ObjectRef, origin: SceneOrigin): Meeting {
  return isWinner(ground, place, origin) ? 'free' : 'of-another'
}

function meetForeign(ground: Ground, place: ObjectRef, origin: SceneOrigin): Meeting {
  return origin.policy?.takesOver === true && isWinner(ground, place, origin) ? 'consented' : 'foreign'
}

/** Of several that claim a place that nobody holds, one wins. */
function isWinner(ground: Ground, place: ObjectRef, { meta }: SceneOrigin): boolean {
  if (!isNameShared(ground, place)) return true
  const claims = claimantsOf(ground, place).flatMap((each): readonly Claim[] => {
    const consent = consentAt(ground, place, each)
    const trusted = ground.rules.trustedOrigins.matches(pathOf(each.meta))
    const { policy } = each
    return consent === null || policy === null
      ? []
      : [{ origin: each.meta, policy, consent, trusted, admitted: true }]
  })
  return winnerOf(claims, null)?.origin.key === meta.key
}

function meetLeft(ground: Ground, object: SceneObject, origin: SceneOrigin, left: LeftCopy): Meeting {
  const named = left.origin === null ? null : keyOf(left.origin)
  const isHeir = named === null ? isOnlyOne(ground, object, left) : named === origin.meta.key
  if (isHeir && !isTakenBack(ground, object, origin)) return 'inherited'
  if (named === null) {
    const met = meetForeign(ground, object, origin)
    if (met === 'consented') return met
    return isHeir ? 'taken-back' : 'unproven'
  }
  if (isHeir) return 'taken-back'
  // Collected for its tool first, the place is free.
  return fateOf(ground, object)?.kind === 'collected' ? meetNothing(ground, object, origin) : 'of-another'
}

/** Whoever chooses the place counts, and so does a held namesake that speaks as the tool does. */
function isOnlyOne(ground: Ground, object: SceneObject, { tool }: LeftCopy): boolean {
  const isDisputed = ground.heldNames.has(`${tool}/${object.kind}/${object.name}`)
  return choosersOf(ground, object).length === 1 && !isDisputed
}

/** A tool that copies all metadata copied the origin's own declaration with it. */
function isTakenBack(ground: Ground, object: SceneObject, origin: SceneOrigin): boolean {
  const isCopied = origin.policy?.copies === 'metadata' && origin.meta.lastApplied
  const consent = consentAt(ground, object, origin) ?? { kind: 'granted', declared: false }
  const seen = { ...object, lastApplied: object.lastApplied && !isCopied }
  return isDeclared(seen, asWhole(marksOf(object, ground.rules)), consent)
}

/** What becomes of a copy that another tool left. */
export interface Fate {
  /** `kept`: an origin chooses its place but may not write there. `waits`: its origin is held. */
  readonly kind: 'inherited' | 'kept' | 'waits' | 'collected' | 'left'
  readonly left: LeftCopy
}

/** Null: the object is no such copy. */
export function fateOf(ground: Ground, object: SceneObject): Fate | null {
  const { rules, origins } = ground
  const left = readLeft(object, rules)
  if (left === null || isMirrorLike(object, rules.prefix)) return null
  if (readAsk(object, rules) !== null || origins.has(object.key)) return null
  const choosers = choosersOf(ground, object)
  const named = left.origin === null ? null : keyOf(left.origin)
  const own = named === null ? choosers : choosers.filter(({ meta }) => meta.key === named)
  if (own.some((origin) => consentAt(ground, object, origin)?.kind === 'granted'))
    return { kind: 'inherited', left }
  if (own.length > 0) return { kind: 'kept', left }
  if (left.origin === null || named === null) return { kind: 'left', left }
  const origin = origins.get(named)
  if (origin !== undefined && origin.policy === null) return { kind: 'waits', left }
  return { kind: left.isCollectable && isAbandoned(ground, object, left.origin) ? 'collected' : 'left', left }
}

/** In reach, nobody's by our marks or its owner's word, and in a namespace that may be written to. */
function isAbandoned(ground: Ground, object: SceneObject, named: ObjectRef): boolean {
  const marks = marksOf(object, ground.rules)
  const consent = consentAt(ground, object, { meta: named })
  return (
    ground.rules.originNamespaces.matches(named.namespace) &&
    consent?.kind === 'granted' &&
    marks.label === null &&
    !isDeclared(object, asWhole(marks), consent)
  )
}
