/** Gathers everything that the plan may know of one place, from the newest metadata, at one moment. */

import type { Claim } from '../core/claims.ts'
import type { Consent } from '../core/consent.ts'
import type { DigestKey } from '../core/digest.ts'
import { isProtected } from '../core/consent.ts'
import { chooses } from '../core/choice.ts'
import { dialectOf, readAsk, readLeft, readOrigin } from '../core/dialects/table.ts'
import { marksOf, mirrorLabel } from '../core/marks.ts'
import type { Marks } from '../core/marks.ts'
import { keyOf, parsePath, pathOf, refOf } from '../core/names.ts'
import type { ObjectKey, ObjectRef } from '../core/names.ts'
import type { NamespaceMeta, ObjectMeta } from '../core/objects.ts'
import type { Answers, MarkedOrigin, Observation, PullView } from '../core/observation.ts'
import type { Summary } from '../core/render.ts'
import type { Rules } from '../core/rules.ts'
import type { Clock } from '../std/clock.ts'
import type { Brakes } from './brakes.ts'
import type { History } from './history.ts'
import type { OriginView } from './origins.ts'
import { originMarked } from './marked.ts'
import type { OriginsHere, Reach } from './reach.ts'
import type { Site } from './site.ts'
import type { Store } from './store.ts'

export interface Observer {
  readonly rules: Rules
  readonly clock: Clock
  /** Where mirrors stand. */
  readonly store: Store
  readonly reach: Reach
  /** Where origins stand; at home the same. */
  readonly originStore: Store
  readonly origins: OriginsHere
  /** Under which the mirrors here may bear their label: home's identity, and at home those that it had. */
  readonly identities: () => readonly string[]
  readonly site: Site
  readonly history: History
  readonly brakes: Brakes
}

const NOT_CLAIMED: Consent = { kind: 'granted', declared: false }

/** The observation of `key` under `digestKey`, with the answers that this turn has so far. */
export function observe(o: Observer, key: ObjectKey, digestKey: DigestKey, answers: Answers): Observation {
  const place = refOf(key)
  const object = o.store.get(key)
  const marks = object === null ? null : marksOf(object, o.rules, o.reach.isAbroad)
  const named = marks === null ? null : originMarked(object, o.rules, o.reach.isAbroad)
  const candidates = candidatesOf(o.site.claimants(key), place, marks, named)
  o.site.flushFor(place, candidates)
  const namespace = o.store.namespace(place.namespace)
  const claims = claimsOf(o, key, namespace, candidates)
  return {
    place,
    nowMs: o.clock.now(),
    rules: o.rules,
    digestKey,
    namespace,
    isAbroad: o.reach.isAbroad,
    object,
    isOrigin: isOrigin(o, key, object),
    marks,
    claims,
    isDisputed: isDisputed(o, place, marks),
    marked: named === null ? null : markedOrigin(o, key, named, namespace),
    markedConsent:
      named === null || namespace === null ? NOT_CLAIMED : o.site.consent(namespace, refOf(named)),
    end: o.history.endOf(key, named),
    knownVersion: o.history.knownVersion(key),
    writtenDigest: o.history.lastWrite(key)?.digest ?? null,
    mustVerify: o.history.mustVerify(key),
    fresh: o.history.isFresh(key),
    freed: o.history.freedBy(key, o.clock.now()),
    repairs: o.history.repairsOf(key, o.clock.now()),
    brake:
      named !== null && isEnding(o, key, named, namespace) ? o.brakes.ask(refOf(named).namespace) : 'open',
    summaries: summariesOf(o, candidates),
    answers,
    pull: object === null || marks === null ? null : pullView(o, object, marks, namespace),
  }
}

/** At home, or abroad in the eyes of whoever reads annotations there. */
function isOrigin(o: Observer, key: ObjectKey, object: ObjectMeta | null): boolean {
  if (!o.reach.isAbroad) return o.origins.view(key) !== null
  return object !== null && readOrigin(object, o.rules).kind !== 'none'
}

/** Origins that may have a say: indexed claimants, the one that the marks name, the ones that consent names, the one that is pulled. */
function candidatesOf(
  claimants: Iterable<ObjectKey>,
  place: ObjectRef,
  marks: Marks | null,
  named: ObjectKey | null,
): ReadonlySet<ObjectKey> {
  const candidates = new Set(claimants)
  if (named !== null) candidates.add(named)
  if (marks?.ask?.origin != null) candidates.add(keyOf(marks.ask.origin))
  for (const path of [marks?.adopt, marks?.retained, marks?.origin]) {
    const parsed = path == null ? null : parsePath(path)
    if (parsed !== null) candidates.add(keyOf({ kind: place.kind, ...parsed }))
  }
  return candidates
}

/** Whether a held origin in the vocabulary of the tool whose copy this is may be the one that it came from: the marks name none. */
function isDisputed(o: Observer, place: ObjectRef, marks: Marks | null): boolean {
  const left = marks?.left
  if (left == null || left.origin !== null) return false
  for (const origin of o.origins.heldNamesakes(place))
    if (dialectOf(origin, o.rules) === left.tool) return true
  return false
}

function claimsOf(
  o: Observer,
  key: ObjectKey,
  namespace: NamespaceMeta | null,
  candidates: Iterable<ObjectKey>,
): readonly Claim[] {
  if (namespace === null) return []
  const claims: Claim[] = []
  for (const candidate of candidates) {
    const view = o.origins.view(candidate)
    if (view?.reading.kind !== 'policy' || o.site.placeIn(view, namespace) !== key) continue
    // Held by its version as by a bad value: it claims nothing new and keeps no place from others.
    if (isHeldByVersion(o, candidate)) continue
    claims.push({
      origin: view.meta,
      policy: view.reading.policy,
      consent: o.site.consent(namespace, view.meta),
      trusted: o.rules.trustedOrigins.matches(pathOf(view.meta)),
      admitted: o.site.isAdmitted(view, key),
    })
  }
  return claims
}

function markedOrigin(
  o: Observer,
  key: ObjectKey,
  named: ObjectKey,
  namespace: NamespaceMeta | null,
): MarkedOrigin {
  // What is out of our scope has not ended: another installation may tend it.
  if (!o.rules.originNamespaces.matches(refOf(named).namespace)) return { kind: 'held' }
  const view = o.origins.view(named)
  if (view === null) {
    const there = o.originStore.get(named)
    return there === null
      ? { kind: 'absent' }
      : { kind: 'not-claiming', onDelete: onDeleteOf(there, o.rules.prefix), isOrigin: false }
  }
  if (view.reading.kind === 'held' || isHeldByVersion(o, named)) return { kind: 'held' }
  if (namespace !== null && o.site.placeIn(view, namespace) === key) return { kind: 'claiming' }
  return { kind: 'not-claiming', onDelete: view.reading.policy.onDelete, isOrigin: true }
}

/** A type that is never mirrored, or a selection that leaves nothing, holds the origin like a bad value. */
function isHeldByVersion(o: Observer, origin: ObjectKey): boolean {
  const verdict = o.origins.summary(origin)?.verdict.kind
  return verdict === 'refused-type' || verdict === 'empty-selection'
}

/** What the annotations of an object that is no origin any more still say of its mirrors; without any of ours, each mirror's own mark decides. */
function onDeleteOf(object: ObjectMeta, prefix: string): 'delete' | 'retain' | null {
  const isAnnotated = Object.keys(object.annotations).some((key) => key.startsWith(prefix))
  if (!isAnnotated) return null
  return object.annotations[`${prefix}on-delete`] === 'retain' ? 'retain' : 'delete'
}

/** Whether the mirror at `key` would go although nobody saw its claim end: what the brake counts. */
export function isEnding(
  o: Observer,
  key: ObjectKey,
  named: ObjectKey,
  namespace: NamespaceMeta | null,
): boolean {
  if (namespace === null || o.history.endOf(key, named).witness === 'live') return false
  // What another tool left goes only where its namespace lets us write.
  if (o.site.consent(namespace, refOf(named)).kind === 'refused')
    return o.store.get(key)?.labels[`${o.rules.prefix}mirror`] !== undefined
  const marked = markedOrigin(o, key, named, namespace)
  return marked.kind === 'absent' || marked.kind === 'not-claiming'
}

function summariesOf(o: Observer, candidates: Iterable<ObjectKey>): ReadonlyMap<ObjectKey, Summary> {
  const summaries = new Map<ObjectKey, Summary>()
  for (const candidate of candidates) {
    const summary = o.origins.summary(candidate)
    if (summary !== undefined) summaries.set(candidate, summary)
  }
  return summaries
}

/** Null where the object asks for nothing, or where asking is not heard: protected namespaces. */
function pullView(
  o: Observer,
  object: ObjectMeta,
  { ask }: Marks,
  namespace: NamespaceMeta | null,
): PullView | null {
  if (ask === null || o.reach.isAbroad || isProtected(object.namespace, o.rules)) return null
  if (ask.origin === null) return { kind: 'flawed' }
  const origin = keyOf(ask.origin)
  const view: OriginView | null = o.origins.view(origin)
  if (view === null) return absentView(o, object.key, origin)
  if (view.reading.kind === 'held') return { kind: 'held' }
  const { pull } = view.reading.policy
  return pull !== null && namespace !== null && chooses(pull, namespace)
    ? { kind: 'offered', origin: view.meta }
    : { kind: 'unavailable' }
}

function absentView(o: Observer, place: ObjectKey, origin: ObjectKey): PullView {
  const end = o.history.endOf(place, origin)
  return o.originStore.get(origin) === null && end.witness === 'live'
    ? { kind: 'gone', atMs: end.atMs }
    : { kind: 'unavailable' }
}

/** The inferred deletions of one group right now: how many, of how many, by which origins. Marks that prove nothing count for nothing. */
export function countEnding(
  o: Observer,
  originNamespace: string,
): { readonly inferred: number; readonly mirrors: number; readonly origins: ReadonlySet<ObjectKey> } {
  o.site.flush()
  const origins = new Set<ObjectKey>()
  const labels = new Map<ObjectKey, readonly string[]>()
  let inferred = 0
  let mirrors = 0
  for (const key of o.site.group(originNamespace)) {
    const object = o.store.get(key)
    const named = originMarked(object, o.rules, o.reach.isAbroad)
    if (object === null || named === null) continue
    const ours = labels.getOrInsertComputed(named, () =>
      o.identities().map((identity) => mirrorLabel(identity, refOf(named))),
    )
    if (!isProven(object, o.rules, ours)) continue
    mirrors += 1
    if (!isEnding(o, key, named, o.store.namespace(refOf(key).namespace))) continue
    inferred += 1
    origins.add(named)
  }
  return { inferred, mirrors, origins }
}

/** Ours, or one that we would collect for its tool; and not its owner's by asking to be filled. */
function isProven(object: ObjectMeta, rules: Rules, ours: readonly string[]): boolean {
  if (readAsk(object, rules) !== null) return false
  const { prefix } = rules
  const label = object.labels[`${prefix}mirror`]
  if (label === undefined) return readLeft(object, rules)?.isCollectable === true
  return ours.includes(label) && object.annotations[`${prefix}at`] === pathOf(object)
}
