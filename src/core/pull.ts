/** Decides about a pull mirror: an object that its namespace's owner made and that asks, by `reflect-from`, to be filled. Never deleted by any path. */

import type { Decision } from './decision.ts'
import { mergedKeysMark } from './dialects/table.ts'
import { isCleanByFields, readDigest } from './digest.ts'
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

/** The digest that the filled object should bear, and in which form it is reckoned. */
function wantedDigest(
  marks: Marks,
  summary: Summary,
): { readonly form: 'pull' | 'merge'; readonly digest: string } {
  return marks.ask?.write === 'merge'
    ? { form: 'merge', digest: summary.mergedPullDigest }
    : { form: 'pull', digest: summary.pullDigest }
}

function planOffered(o: Observation, object: ObjectMeta, marks: Marks, source: ObjectMeta): Decision {
  const origin = keyOf(source)
  const summary = o.summaries.get(origin)
  // A pull mirror carries no version of its origin, so each start reads the origin once.
  if (summary === undefined) return { kind: 'read-origin', origin }
  if (!deliverable(summary)) return undeliverable(summary)
  const wanted = wantedDigest(marks, summary)
  const digest = readDigest(marks.digest, o.digestKey)
  const isStale = digest === 'known' && marks.digest !== wanted.digest
  if (isStale || marks.pulledFrom !== pathOf(source) || digest === 'missing') {
    if (digest === 'missing' && marks.pulledFrom === null && marks.ask?.isFilled === true)
      return planFilled(o, source, summary, wanted)
    // Whoever takes our marks away, or puts his own in, after we filled it before, is answered ever more slowly.
    const isUndone = o.writtenDigest === wanted.digest || isTouched(o, object, marks, source)
    return isUndone
      ? (stillContested(o) ?? filled(o, marks, source, 'drift'))
      : filled(o, marks, source, 'stale')
  }
  const isListed = !carriedDiffers(marks, summary.pullCarried)
  const isBlanked = marks.ask?.toolMarks?.isBlanked(object.annotations) === true
  if (
    digest === 'known' &&
    isListed &&
    !isBlanked &&
    !o.mustVerify &&
    (o.knownVersion === object.version || isClean(o, object, marks, source))
  ) {
    return keep('synced', 'in-sync')
  }
  if (o.answers.mirror === null)
    return {
      kind: 'read-mirror',
      reason: digest === 'known' ? (o.fresh ? 'drift' : 'verify') : 'unknown-digest',
    }
  if (!isListed || o.answers.mirror.digestFor(source, wanted.form) !== wanted.digest)
    return stillContested(o) ?? filled(o, marks, source, 'drift')
  return digest === 'known' && !isBlanked
    ? keep('synced', 'in-sync')
    : (stillContested(o) ?? filled(o, marks, source, 'restamp'))
}

/** Another tool filled it before: where that is what we would write, only marks are written. */
function planFilled(
  o: Observation,
  source: ObjectMeta,
  summary: Summary,
  { form, digest }: { readonly form: 'pull' | 'merge'; readonly digest: string },
): Decision {
  const { mirror } = o.answers
  if (mirror === null) return { kind: 'read-mirror', reason: 'inherit' }
  const isRight = mirror.digestFor(source, form, Object.keys(summary.pullCarried)) === digest
  return { kind: 'fill', origin: keyOf(source), reason: isRight ? 'inherit' : 'stale' }
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
