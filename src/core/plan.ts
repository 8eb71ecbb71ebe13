/**
 * Decides what becomes of one place: pure, total, and asked again with each answer it wants. Read this file first.
 *
 * A place is (cluster, kind, namespace, name). `planMirror` sees what stands there, who claims it and what the namespace says, and answers
 * with one decision. Questions (`read-origin`, `read-mirror`, `confirm-origin`) are answered by the engine in the same turn, which then plans anew;
 * an answer can only be used once, so a turn ends after at most one question of each kind and one act.
 */

import { winnerOf } from './claims.ts'
import type { Claim } from './claims.ts'
import type { Decision, UpdateReason } from './decision.ts'
import { isCleanByFields, readDigest } from './digest.ts'
import { mergedKeysMark } from './dialects/table.ts'
import { ended, isWholeMirror, remainingKeys } from './ends.ts'
import { planLeft, planTorn } from './left.ts'
import { isOfAnotherHome, standingUnder, tolerableMarks } from './marks.ts'
import type { Marks, Standing } from './marks.ts'
import { keyOf, pathOf } from './names.ts'
import type { ObjectKey } from './names.ts'
import type { ObjectMeta } from './objects.ts'
import type { Observation } from './observation.ts'
import { planPull } from './pull.ts'
import { pushFormOf } from './render.ts'
import type { Summary } from './render.ts'
import type { Rules } from './rules.ts'
import {
  carriedDiffers,
  deliverable,
  isDeclared,
  keep,
  stillContested,
  undeliverable,
  written,
} from './steps.ts'

/** A loser takes a freed name this long after, and the former holder, back within it, is the holder again. */
export const TAKEOVER_DELAY_MS = 30_000

/** The decision for one place. */
export function planMirror(o: Observation): Decision {
  if (o.namespace === null) return keep('synced', 'unclaimed')
  if (o.namespace.terminating) return keep('pending', 'namespace-terminating')
  if (o.object === null || o.marks === null) return planEmpty(o)
  if (o.object.deleting) return { kind: 'wait', state: 'pending', reason: 'deleting', atMs: null }
  const candidates = o.claims.map((claim) => claim.origin)
  const standing = standingUnder(o.digestKey, o.object, o.marks, candidates)
  switch (standing.kind) {
    case 'ours':
      return planOurs(o, o.object, o.marks, keyOf(standing.origin))
    case 'pull':
      return o.pull === null ? keep('synced', 'unclaimed') : planPull(o, o.object, o.marks, o.pull)
    case 'left':
      return o.isOrigin
        ? planOrigin(o)
        : (planLeft(o, o.marks, standing.left) ?? planForeign(o, o.object, o.marks, standing))
    case 'stripped':
    case 'unowned': {
      const decision = planForeign(o, o.object, o.marks, standing)
      const isUnproven = decision.kind === 'keep' && decision.reason === 'unowned'
      return isUnproven ? (planTorn(o, o.marks) ?? decision) : decision
    }
    case 'retained':
    case 'foreign':
      return planForeign(o, o.object, o.marks, isOfThatCluster(o, o.marks) ? { kind: 'foreign' } : standing)
  }
}

/** Abroad, what was retained without the mark of another cluster was an origin's of the cluster there. */
function isOfThatCluster({ isAbroad }: Observation, { originCluster }: Marks): boolean {
  return isAbroad === true && originCluster === null
}

function planEmpty(o: Observation): Decision {
  const winner = winnerOf(o.claims, o.freed?.holder ?? null)
  if (winner === null)
    return keep('refused', o.claims.some((claim) => !claim.admitted) ? 'limit' : 'unclaimed')
  const origin = keyOf(winner.origin)
  if (winner.consent.kind !== 'granted') return keep('held', 'frozen')
  if (!winner.admitted) return keep('refused', 'limit')
  const early = tooEarly(o, origin, winner) ?? stillContested(o)
  if (early !== null) return early
  const summary = o.summaries.get(origin)
  if (summary === undefined) return { kind: 'read-origin', origin }
  return deliverable(summary) ? { kind: 'create', origin } : undeliverable(summary)
}

/** Within 30 s of a holder's leaving, only the holder itself or a trusted origin takes the place. */
function tooEarly(o: Observation, origin: ObjectKey, winner: Claim): Decision | null {
  if (o.freed === null || o.freed.holder === origin || winner.trusted) return null
  const atMs = o.freed.atMs + TAKEOVER_DELAY_MS
  return o.nowMs < atMs ? { kind: 'wait', state: 'pending', reason: 'takeover', atMs } : null
}

/** An origin is never written to, whoever claims its place and whatever is written on it. */
function planOrigin({ claims }: Observation): Decision {
  return claims.length > 0 ? keep('blocked', 'foreign') : keep('synced', 'unclaimed')
}

function planForeign(
  o: Observation,
  object: ObjectMeta,
  marks: Marks,
  standing: Exclude<Standing, { kind: 'ours' | 'pull' }>,
): Decision {
  if (o.isOrigin) return planOrigin(o)
  const consented = consentedClaim(o, marks, standing)
  const winner = winnerOf(o.claims, consented === undefined ? null : keyOf(consented.origin))
  const unowned = standing.kind === 'stripped' || standing.kind === 'unowned'
  if (winner === null || winner.consent.kind !== 'granted' || !winner.admitted) {
    return unowned
      ? keep('unowned', 'unowned')
      : keep('synced', standing.kind === 'left' ? 'left' : 'unclaimed')
  }
  const origin = keyOf(winner.origin)
  const path = pathOf(winner.origin)
  // Consent to be taken over is no consent to be deleted: an object whose type cannot become the mirror's stays as it is.
  if (o.answers.unchangeable) return keep('blocked', 'unchangeable')
  // One who strips what he gave to us is answered ever more slowly.
  const isTaken = isOfAnotherHome(object, marks, o.digestKey.identity, o.isAbroad === true)
  if (marks.adopt === path && !isTaken) return stillContested(o) ?? written(o, winner, 'adopt')
  if (standing.kind === 'retained' && keyOf(standing.origin) === origin)
    return stillContested(o) ?? written(o, winner, 'retake')
  if (winner.policy.takesOver && isAnybodys(standing) && !isTaken)
    return stillContested(o) ?? written(o, winner, 'adopt')
  if (standing.kind === 'stripped' && keyOf(standing.origin) === origin)
    return planStripped(o, object, marks, winner)
  return unowned ? keep('unowned', 'unowned') : keep('blocked', 'foreign')
}

/** Nothing on it speaks for a certain origin. */
function isAnybodys(standing: Standing): boolean {
  return standing.kind === 'foreign' || (standing.kind === 'left' && standing.left.origin === null)
}

/** Whom the object's owner consented to, else whose mirror it was until it was retained or lost a mark, comes before the others. */
function consentedClaim(
  { claims }: Observation,
  marks: Marks,
  standing: Exclude<Standing, { kind: 'ours' | 'pull' }>,
): Claim | undefined {
  const adopting = claims.find(({ origin }) => pathOf(origin) === marks.adopt)
  if (adopting !== undefined || !('origin' in standing)) return adopting
  const former = keyOf(standing.origin)
  return claims.find(({ origin }) => keyOf(origin) === former)
}

/** Two marks are left: the content decides, read at the version that is then written over. */
function planStripped(o: Observation, object: ObjectMeta, marks: Marks, winner: Claim): Decision {
  if (readDigest(marks.digest, o.digestKey) !== 'known') return keep('unowned', 'unowned')
  if (o.answers.mirror === null) return { kind: 'read-mirror', reason: 'marks' }
  if (o.answers.mirror.digestFor(winner.origin, pushFormOf(winner.policy)) !== marks.digest)
    return keep('unowned', 'unowned')
  if (isDeclared(object, marks, winner.consent)) return { kind: 'release', reason: 'declared' }
  return stillContested(o) ?? written(o, winner, 'restore')
}

function planOurs(o: Observation, object: ObjectMeta, marks: Marks, holder: ObjectKey): Decision {
  // Withdrawn consent beats everything: a held, paused or retaining origin keeps nothing where it is not welcome.
  if (o.markedConsent.kind === 'refused') return ended(o, marks, 'consent')
  if (o.marked?.kind === 'held') return keep('held', 'held')
  if (o.markedConsent.kind === 'frozen') return keep('held', 'frozen')
  const winner = winnerOf(o.claims, holder)
  const own = o.claims.find((claim) => keyOf(claim.origin) === holder)
  // A version that nobody has read may hold the origin: nothing becomes of its mirrors before that is known.
  if (!o.summaries.has(holder) && mayHold(o, marks, own)) return { kind: 'read-origin', origin: holder }
  if (own !== undefined) {
    if (!own.admitted) return keep('held', 'limit')
    if (winner !== null && winner !== own && !isUndeliverable(o, winner))
      return planTransfer(o, marks, winner)
    return planHeldPlace(o, object, marks, own)
  }
  if (o.marked?.kind === 'claiming') return keep('pending', 'held')
  return ended(o, marks, o.marked?.kind === 'not-claiming' ? 'not-claimed' : 'origin-gone')
}

function mayHold({ marked }: Observation, marks: Marks, own: Claim | undefined): boolean {
  if (own === undefined) return marked?.kind === 'not-claiming' && marked.isOrigin
  return own.admitted && isBehind(marks, own)
}

/** A version that may not be distributed displaces nobody: the holder's mirror is tended until one may. */
function isUndeliverable(o: Observation, claim: Claim): boolean {
  const summary = o.summaries.get(keyOf(claim.origin))
  return summary !== undefined && !deliverable(summary)
}

/** A trusted origin displaces the holder in place: both are ours, so nobody's data is lost to a stranger. */
function planTransfer(o: Observation, marks: Marks, winner: Claim): Decision {
  const atStake = ownKeysAtStake(o, marks, winner)
  if (atStake !== null) return atStake
  // What its owner made and let us write is never deleted, for whichever origin.
  if (o.answers.unchangeable)
    return mayReplace(marks, winner)
      ? { kind: 'replace', origin: keyOf(winner.origin) }
      : keep('blocked', 'unchangeable')
  return written(o, winner, 'transfer')
}

/** Our mirror as its own live claim sees it. */
interface Held {
  readonly object: ObjectMeta
  readonly marks: Marks
  readonly claim: Claim
  /** What is remembered of the origin's present version. */
  readonly summary: Summary | undefined
}

function planHeldPlace(o: Observation, object: ObjectMeta, marks: Marks, claim: Claim): Decision {
  const origin = keyOf(claim.origin)
  if (isDeclared(object, marks, claim.consent)) return { kind: 'release', reason: 'declared' }
  const summary = o.summaries.get(origin)
  if (summary === undefined && o.mustVerify) return { kind: 'read-origin', origin }
  if (summary !== undefined && !deliverable(summary)) return undeliverable(summary)
  const difference = differenceOf(o, { object, marks, claim, summary })
  if (difference === null) return keep('synced', 'in-sync')
  if (typeof difference !== 'string') return difference
  // A new version is always brought; only putting back grows slower.
  const early = difference === 'stale' ? null : stillContested(o)
  if (early !== null) return early
  const atStake = ownKeysAtStake(o, marks, claim)
  if (atStake !== null) return atStake
  if (o.answers.unchangeable)
    return mayReplace(marks, claim) ? { kind: 'replace', origin } : keep('blocked', 'unchangeable')
  return written(o, claim, difference)
}

/** Consent to be merged into was none to be replaced: keys that are not ours would go. Null: none would. */
function ownKeysAtStake(o: Observation, marks: Marks, { origin, policy }: Claim): Decision | null {
  if (marks.mergedKeys === null || policy.write === 'merge' || marks.adopt === pathOf(origin)) return null
  if (marks.adopted) return keep('blocked', 'foreign')
  const { mirror } = o.answers
  if (mirror === null) return { kind: 'read-mirror', reason: 'merge' }
  if (isWholeMirror(o, mirror, marks)) return null
  return remainingKeys(mirror, marks.mergedKeys).length > 0 ? keep('blocked', 'foreign') : null
}

/** Never what its owner made, nor what others may have written into. */
function mayReplace(marks: Marks, { policy }: Claim): boolean {
  return !marks.adopted && policy.write === 'replace'
}

/** What is wrong with our mirror: null for nothing, a decision where a question must be answered first. */
function differenceOf(o: Observation, held: Held): UpdateReason | Decision | null {
  const { marks, claim, summary } = held
  const digest = readDigest(marks.digest, o.digestKey)
  if (digest === 'known' && summary !== undefined && summary.digest !== marks.digest)
    return isEdited(o, held) || o.writtenDigest === summary.digest ? 'drift' : 'stale'
  if (digest !== 'known' || needsReading(o, held)) {
    if (o.answers.mirror === null) {
      // What happened while we looked away waits for its turn at sweep rate; what happens now is looked at now.
      return {
        kind: 'read-mirror',
        reason: digest === 'known' ? (o.fresh ? 'drift' : 'verify') : 'unknown-digest',
      }
    }
    const found = o.answers.mirror.digestFor(claim.origin, pushFormOf(claim.policy))
    if (digest === 'known' && found !== marks.digest) return 'drift'
    if (digest !== 'known' && summary === undefined)
      return { kind: 'read-origin', origin: keyOf(claim.origin) }
    if (digest !== 'known') return found === summary?.digest ? 'restamp' : 'drift'
  }
  if (isBlanked(held)) return 'restore'
  if (!marksDiffer(o, marks, claim) && !(summary !== undefined && carriedDiffers(marks, summary.carried)))
    return null
  return isEdited(o, held) ? 'restore' : 'marks'
}

function needsReading(o: Observation, held: Held): boolean {
  return o.mustVerify || isBlanked(held) || isEdited(o, held)
}

/** Somebody asks in another tool's way for a fresh copy. */
function isBlanked({ object, claim }: Held): boolean {
  return claim.policy.toolMarks?.isBlanked(object.annotations) === true
}

/** Whether `managedFields` leave room for a foreign hand in what we set; a version that we wrote or verified leaves none. */
function isEdited(o: Observation, { object, marks, claim }: Held): boolean {
  if (o.knownVersion === object.version) return false
  if (isSealed(object)) return true
  return !isCleanByFields(object.fields, marks.digest ?? '', {
    key: o.digestKey,
    origin: claim.origin,
    owned: ownedPaths(object, marks, o.rules),
    tolerated: tolerableMarks(o.rules),
  })
}

/** Somebody else made it immutable, or says that it is. */
function isSealed({ fields }: ObjectMeta): boolean {
  return fields.others.some((owner) => owner.paths.includes('immutable'))
}

const OWNED_MARKS = ['origin', 'at', 'origin-uid', 'origin-version', 'digest']

/** What must sit in our `Update` entry beside the content keys. */
export function ownedPaths(object: ObjectMeta, marks: Marks, rules: Rules): readonly string[] {
  const { prefix } = rules
  const optional = ['carried', 'on-delete', 'adopted', 'origin-cluster'].filter(
    (mark) => object.annotations[prefix + mark] !== undefined,
  )
  return [
    ...(object.kind === 'Secret' && !marks.adopted ? ['type'] : []),
    `labels/${prefix}mirror`,
    ...[...OWNED_MARKS, ...optional].map((mark) => `annotations/${prefix}${mark}`),
    ...(marks.mergedKeys === null ? [] : [`annotations/${mergedKeysMark(rules)}`]),
    ...marks.carried,
  ]
}

/** An origin is read when its version is not the one last written; an equal digest then means no write. */
function isBehind(marks: Marks, claim: Claim): boolean {
  return marks.originVersion !== claim.origin.version || marks.originUid !== claim.origin.uid
}

/** Marks that follow the origin but not its data: they alone are worth one metadata write. Another `origin-version` is not, a lost one is. */
function marksDiffer({ isAbroad, digestKey }: Observation, marks: Marks, claim: Claim): boolean {
  return (
    (isAbroad === true && marks.originCluster !== digestKey.identity) ||
    marks.originVersion === null ||
    marks.originUid !== claim.origin.uid ||
    marks.retain !== (claim.policy.onDelete === 'retain') ||
    marks.retained !== null ||
    (marks.mergedKeys !== null) !== (claim.policy.write === 'merge')
  )
}
