/** Decides about a pull mirror: an object that its namespace's owner made and that asks, by `reflect-from`, to be filled. Never deleted by any path. */

import type { Decision } from './decision.ts'
import { isCleanByFields, readDigest } from './digest.ts'
import type { Marks } from './marks.ts'
import { keyOf, pathOf } from './names.ts'
import type { ObjectMeta } from './objects.ts'
import type { Observation, PullView } from './observation.ts'
import { carriedDiffers, deliverable, keep, stillContested, undeliverable } from './steps.ts'

/** The decision for an asking object, given what it may have. */
export function planPull(o: Observation, object: ObjectMeta, marks: Marks, view: PullView): Decision {
  switch (view.kind) {
    case 'flawed':
    case 'unavailable':
      return keep('refused', 'pull-unavailable')
    case 'held':
      return keep('held', 'held')
    case 'offered':
      return planOffered(o, object, marks, view.origin)
  }
}

function planOffered(o: Observation, object: ObjectMeta, marks: Marks, source: ObjectMeta): Decision {
  const origin = keyOf(source)
  const summary = o.summaries.get(origin)
  // A pull mirror carries no version of its origin, so each start reads the origin once.
  if (summary === undefined) return { kind: 'read-origin', origin }
  if (!deliverable(summary)) return undeliverable(summary)
  const fill = (reason: 'stale' | 'drift' | 'restamp'): Decision => ({ kind: 'fill', origin, reason })
  const digest = readDigest(marks.digest, o.digestKey)
  const isStale = digest === 'known' && marks.digest !== summary.pullDigest
  if (isStale || marks.pulledFrom !== pathOf(source) || digest === 'missing') {
    // Whoever takes our marks away, or puts his own in, after we filled it before, is answered ever more slowly.
    const isUndone = o.writtenDigest === summary.pullDigest || isTouched(o, object, marks, source)
    return isUndone ? (stillContested(o) ?? fill('drift')) : fill('stale')
  }
  const isListed = !carriedDiffers(marks, summary)
  if (
    digest === 'known' &&
    isListed &&
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
  if (!isListed || o.answers.mirror.digestFor(source, 'pull') !== summary.pullDigest)
    return stillContested(o) ?? fill('drift')
  return digest === 'known' ? keep('synced', 'in-sync') : (stillContested(o) ?? fill('restamp'))
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
    .concat(marks.carried)
  return isCleanByFields(object.fields, marks.digest ?? '', { key: o.digestKey, origin: source, owned })
}
