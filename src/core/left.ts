/**
 * Decides about a copy that another tool made: taken over in place by the live claim that its marks prove, collected where its tool would
 * have collected it, left alone otherwise. Marks of other tools are no proof of ours, so an object without proof stays foreign.
 */

import type { Claim } from './claims.ts'
import type { Decision } from './decision.ts'
import { ended } from './ends.ts'
import type { Marks } from './marks.ts'
import { keyOf, pathOf } from './names.ts'
import type { Observation } from './observation.ts'
import type { LeftCopy } from './policy.ts'
import { pushFormOf } from './render.ts'
import type { Summary } from './render.ts'
import { asWhole, deliverable, isDeclared, keep, stillContested, undeliverable } from './steps.ts'

/** Null: neither taken over nor collected; what is done with any foreign object is done. */
export function planLeft(o: Observation, marks: Marks, left: LeftCopy): Decision | null {
  // What its owner says comes before what a tool wrote.
  if (o.claims.some(({ origin }) => pathOf(origin) === marks.adopt)) return null
  if (o.marked?.kind === 'held') return keep('held', 'held')
  const heir = heirOf(o, left)
  if (heir !== null) return planHeir(o, marks, left, heir)
  return isOrphan(o, marks, left) ? planOrphan(o, marks) : null
}

/**
 * A mirror of ours into which a tool wrote while it ran instead of us, or beside us: some take every label off that is not the origin’s.
 * Marks that prove a copy by its content prove this one too, unless our mark names somebody else. Null: they do not.
 */
export function planTorn(o: Observation, marks: Marks): Decision | null {
  if (marks.left === null || marks.left.keys === null) return null
  const heir = heirOf(o, marks.left)
  if (heir === null || (marks.origin !== null && marks.origin !== pathOf(heir.origin))) return null
  return planHeir(o, marks, marks.left, heir)
}

/** The claim that may take the copy over: the origin that its marks name, abroad by its uid; where they name none, the only one that claims it. */
function heirOf(o: Observation, { origin, uid }: LeftCopy): Claim | null {
  const named = origin === null ? null : keyOf(origin)
  const heir = named === null ? onlyOne(o) : o.claims.find((claim) => keyOf(claim.origin) === named)
  if (o.isAbroad === true && heir?.origin.uid !== uid) return null
  return heir?.consent.kind === 'granted' && heir.admitted ? heir : null
}

/** Whoever knows the content of a held origin must not get its copies for that. */
function onlyOne({ claims, isDisputed }: Observation): Claim | undefined {
  return claims.length === 1 && isDisputed !== true ? claims[0] : undefined
}

function planHeir(o: Observation, marks: Marks, left: LeftCopy, heir: Claim): Decision | null {
  const { origin, policy } = heir
  const key = keyOf(origin)
  const summary = o.summaries.get(key)
  if (summary === undefined) return { kind: 'read-origin', origin: key }
  if (!deliverable(summary)) return undeliverable(summary)
  if (o.answers.unchangeable) return keep('blocked', 'unchangeable')
  const { mirror } = o.answers
  if (isTakenBack(o, marks, heir)) return null
  if (mirror === null) return { kind: 'read-mirror', reason: 'inherit' }
  const isEqual =
    mirror.digestFor(origin, pushFormOf(policy), Object.keys(summary.carried)) === summary.digest
  if (!isEqual && left.keys !== null && !agrees(o, left.keys, summary, origin)) return null
  const reason = isEqual ? 'inherit' : 'inherit-differing'
  return stillContested(o) ?? { kind: 'update', origin: key, reason }
}

/** Its owner declared it as his own since. A tool that copies all metadata copied the origin's declaration with it, which says nothing. */
function isTakenBack({ object }: Observation, marks: Marks, { origin, policy, consent }: Claim): boolean {
  if (object === null) return false
  const isCopied = policy.copies === 'metadata' && origin.lastApplied
  return isDeclared({ ...object, lastApplied: object.lastApplied && !isCopied }, asWhole(marks), consent)
}

/** Marks that name no origin prove one only by what it wrote: each of those keys is the origin's now. */
function agrees(o: Observation, keys: readonly string[], summary: Summary, origin: Claim['origin']): boolean {
  const found = o.answers.mirror?.valueDigestsFor(origin)
  return keys.every((key) => {
    const wanted = summary.valueDigests.get(key)
    return wanted !== undefined && wanted === found?.get(key)
  })
}

/**
 * Its tool would delete it: the origin is gone or allows it no more, and the namespace is one that we may write to. A mirror of ours that was
 * restored elsewhere bears that tool's marks too, and what its owner declared as his own since is his: both stay.
 */
function isOrphan(o: Observation, marks: Marks, { isCollectable }: LeftCopy): boolean {
  return (
    isCollectable &&
    marks.label === null &&
    o.object !== null &&
    !isDeclared(o.object, asWhole(marks), o.markedConsent) &&
    o.markedConsent.kind === 'granted' &&
    (o.marked?.kind === 'absent' || o.marked?.kind === 'not-claiming')
  )
}

function planOrphan(o: Observation, marks: Marks): Decision {
  const named = marks.left?.origin
  const mayBeHeld = o.marked?.kind === 'not-claiming' && o.marked.isOrigin
  // A version that nobody has read may hold the origin: nothing becomes of its copies before that is known.
  if (named != null && mayBeHeld && !o.summaries.has(keyOf(named)))
    return { kind: 'read-origin', origin: keyOf(named) }
  const decision = ended(o, marks, 'orphan')
  // What never bore our marks has none to lose: kept is simply left, and what others merged into it besides is not ours to take out.
  return decision.kind === 'retain' || decision.kind === 'strip' ? keep('synced', 'left') : decision
}
