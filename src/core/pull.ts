/** Decides about a pull mirror: an object that its namespace's owner made and that asks, by `reflect-from`, to be filled. Never deleted by any path. */

import type { Decision } from './decision.ts'
import { mergedKeysMark } from './dialects/table.ts'
import { isCleanByFields, readDigest } from './digest.ts'
import type { DigestReading } from './digest.ts'
import { mayStrip } from './ends.ts'
import { tolerableMarks } from './marks.ts'
import type { Marks } from './marks.ts'
import { keyOf, pathOf } from './names.ts'
import type { ObjectMeta } from './objects.ts'
import type { Observation, PullView } from './observation.ts'
import type { Summary } from './render.ts'
import { carriedDiffers, deliverable, keep, stillContested, undeliverable } from './steps.ts'

/** The decision for an asking object, given what it may have. */
export function planPull(o: Observation, object: ObjectMeta, marks: Marks, view: PullView): Decision {
  switch (view.kind) {
    case 'flawed':
    case 'unavailable':
      return keep('refused', 'pull-unavailable')
    case 'gone':
      return planGone(o, marks, view.atMs)
    case 'held':
      return keep('held', 'held')
    case 'offered':
      return planOffered(o, object, marks, view.origin)
  }
}

/** The origin was seen to go: what was merged from it goes too, where the object's type allows; anything else keeps its last data. */
function planGone(o: Observation, marks: Marks, atMs: number): Decision {
  const unavailable = keep('refused', 'pull-unavailable')
  const keys = marks.mergedKeys
  if (marks.ask?.write !== 'merge' || marks.pulledFrom !== marks.ask.text || keys === null) return unavailable
  const graceEndMs = atMs + o.rules.graceMs
  if (o.nowMs < graceEndMs) return { kind: 'wait', state: 'leaving', reason: 'grace', atMs: graceEndMs }
  if (o.answers.mirror === null) return { kind: 'read-mirror', reason: 'merge' }
  return mayStrip(o, o.answers.mirror, keys) ? { kind: 'strip', reason: 'origin-gone' } : unavailable
}

/** An asking object and the version that it may have. */
interface Offered {
  readonly object: ObjectMeta
  readonly marks: Marks
  readonly source: ObjectMeta
  readonly summary: Summary
  /** The digest that it should bear, and the form in which that is reckoned. */
  readonly form: 'pull' | 'merge'
  readonly wanted: string
}

function planOffered(o: Observation, object: ObjectMeta, marks: Marks, source: ObjectMeta): Decision {
  const origin = keyOf(source)
  const summary = o.summaries.get(origin)
  // A pull mirror carries no version of its origin, so each start reads the origin once.
  if (summary === undefined) return { kind: 'read-origin', origin }
  if (!deliverable(summary)) return undeliverable(summary)
  const isMerged = marks.ask?.write === 'merge'
  const form = isMerged ? 'merge' : 'pull'
  const wanted = isMerged ? summary.mergedPullDigest : summary.pullDigest
  const offered: Offered = { object, marks, source, summary, form, wanted }
  const digest = readDigest(marks.digest, o.digestKey)
  if (marks.pulledFrom !== pathOf(source) || digest === 'missing') return planFirst(o, offered, digest)
  if (digest === 'known' && marks.digest !== wanted) return planUnlike(o, offered)
  return planAlike(o, offered, digest)
}

/** Never filled from this origin, or robbed of our marks. */
function planFirst(o: Observation, offered: Offered, digest: DigestReading): Decision {
  const { marks, source, summary, form, wanted } = offered
  const isFilled = digest === 'missing' && marks.pulledFrom === null && marks.ask?.isFilled === true
  if (!isFilled) return planUnlike(o, offered)
  // Another tool filled it before: where that is what we would write, only marks are written.
  const { mirror } = o.answers
  if (mirror === null) return { kind: 'read-mirror', reason: 'inherit' }
  const isRight = mirror.digestFor(source, form, Object.keys(summary.pullCarried)) === wanted
  return { kind: 'fill', origin: keyOf(source), reason: isRight ? 'inherit' : 'stale' }
}

/** Whoever takes our marks away, or puts his own in, after we filled it before, is answered ever more slowly. */
function planUnlike(o: Observation, { object, marks, source, wanted }: Offered): Decision {
  const isUndone = o.writtenDigest === wanted || isTouched(o, object, marks, source)
  return isUndone
    ? (stillContested(o) ?? filled(o, marks, source, 'drift'))
    : filled(o, marks, source, 'stale')
}

/** The marks say that it holds this version; whether it does is read where something speaks against it. */
function planAlike(o: Observation, offered: Offered, digest: DigestReading): Decision {
  const { object, marks, source, summary, form, wanted } = offered
  const isListed = !carriedDiffers(marks, summary.pullCarried)
  // Without the mark that names the merged keys nothing would say which ones go again.
  const isUnkeyed = marks.ask?.write === 'merge' && marks.mergedKeys === null
  const isBlanked = isUnkeyed || marks.ask?.toolMarks?.isBlanked(object.annotations) === true
  const isInOrder = digest === 'known' && isListed && !isBlanked
  if (isInOrder && !o.mustVerify && (o.knownVersion === object.version || isClean(o, object, marks, source)))
    return keep('synced', 'in-sync')
  const { mirror } = o.answers
  if (mirror === null)
    return {
      kind: 'read-mirror',
      reason: digest === 'known' ? (o.fresh ? 'drift' : 'verify') : 'unknown-digest',
    }
  const isRight = isListed && mirror.digestFor(source, form) === wanted
  if (isRight && isInOrder) return keep('synced', 'in-sync')
  return stillContested(o) ?? filled(o, marks, source, isRight ? 'restamp' : 'drift')
}

/** A merge must know which keys it meets. */
function filled(
  o: Observation,
  { ask }: Marks,
  source: ObjectMeta,
  reason: 'stale' | 'drift' | 'restamp',
): Decision {
  if (ask?.write === 'merge' && o.answers.mirror === null) return { kind: 'read-mirror', reason: 'merge' }
  return { kind: 'fill', origin: keyOf(source), reason }
}

function isTouched(o: Observation, object: ObjectMeta, marks: Marks, source: ObjectMeta): boolean {
  if (marks.pulledFrom !== null && marks.pulledFrom !== pathOf(source)) return false
  if (o.knownVersion === null || o.knownVersion === object.version) return false
  return !isClean(o, object, marks, source)
}

function isClean(o: Observation, object: ObjectMeta, marks: Marks, source: ObjectMeta): boolean {
  const { prefix } = o.rules
  const owned = ['pulled-from', 'digest', 'carried']
    .filter((mark) => object.annotations[prefix + mark] !== undefined)
    .map((mark) => `annotations/${prefix}${mark}`)
    .concat(marks.mergedKeys === null ? [] : [`annotations/${mergedKeysMark(o.rules)}`])
    .concat(marks.carried)
  return isCleanByFields(object.fields, marks.digest ?? '', {
    key: o.digestKey,
    origin: source,
    owned,
    tolerated: tolerableMarks(o.rules),
  })
}
