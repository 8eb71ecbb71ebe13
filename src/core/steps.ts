/** The decisions that push and pull mirrors share. */

import type { Claim } from './claims.ts'
import type { Decision, UpdateReason } from './decision.ts'
import type { Consent } from './consent.ts'
import type { Marks } from './marks.ts'
import { keyOf } from './names.ts'
import type { FieldOwner, ObjectMeta, Texts } from './objects.ts'
import type { Observation } from './observation.ts'
import type { Summary } from './render.ts'

export function keep(
  state: Extract<Decision, { kind: 'keep' }>['state'],
  reason: Extract<Decision, { kind: 'keep' }>['reason'],
): Decision {
  return { kind: 'keep', state, reason }
}

export function deliverable(summary: Summary): boolean {
  return summary.verdict.kind === 'deliverable'
}

export function undeliverable(summary: Summary): Decision {
  return keep('held', summary.verdict.kind === 'invalid' ? 'not-distributed' : 'held')
}

/** A write of the origin's data: its summary must be known and deliverable first, and what a merge meets must be read. */
export function written(o: Observation, claim: Claim, reason: UpdateReason): Decision {
  const origin = keyOf(claim.origin)
  const summary = o.summaries.get(origin)
  if (summary === undefined) return { kind: 'read-origin', origin }
  if (!deliverable(summary)) return undeliverable(summary)
  const isBlind = claim.policy.write === 'merge' && o.answers.mirror === null
  return isBlind ? { kind: 'read-mirror', reason: 'merge' } : { kind: 'update', origin, reason }
}

/** Whoever deletes a mirror again and again is answered ever more slowly. */
export function stillContested(o: Observation): Decision | null {
  if (!o.repairs.contested || o.nowMs >= o.repairs.againAtMs) return null
  return { kind: 'wait', state: 'contested', reason: 'contested', atMs: o.repairs.againAtMs }
}

/** The mark `carried` must name exactly what we set: what it names is ours to put right and to remove. */
export function carriedDiffers(marks: Marks, carried: Texts): boolean {
  return marks.carried.join() !== Object.keys(carried).sort().join()
}

/**
 * The mirror's owner says that the object is his: it gained `last-applied-configuration`, or a foreign Apply entry owns data, and the Namespace
 * has no matching `accept`. An adopted object was consented to by its owner and is repaired instead.
 */
export function isDeclared(
  object: Pick<ObjectMeta, 'lastApplied' | 'fields'>,
  marks: Marks,
  consent: Consent,
): boolean {
  if (marks.adopted || (consent.kind === 'granted' && consent.declared)) return false
  const appliers = object.fields.others.filter((owner) => owner.operation === 'Apply')
  // Keys beside the merged ones are the owner's in any case: declaring them says nothing of ours.
  if (marks.mergedKeys !== null) return appliers.some(({ paths }) => ownsOneOf(marks.mergedKeys ?? [], paths))
  return object.lastApplied || appliers.some(ownsData)
}

/** Before it is ours nothing in it is: whoever declares any of it declares the object. */
export function asWhole(marks: Marks): Marks {
  return { ...marks, mergedKeys: null }
}

function ownsOneOf(keys: readonly string[], paths: readonly string[]): boolean {
  return keys.some((key) => paths.includes(`data/${key}`) || paths.includes(`binaryData/${key}`))
}

export function ownsData(owner: FieldOwner): boolean {
  return owner.paths.some((path) => path.startsWith('data/') || path.startsWith('binaryData/'))
}
