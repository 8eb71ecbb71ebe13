/** The decisions that push and pull mirrors share. */

import type { Decision, UpdateReason } from './decision.ts'
import type { Marks } from './marks.ts'
import type { ObjectKey } from './names.ts'
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

/** A write of the origin's data: its summary must be known and deliverable first. */
export function written(summary: Summary | undefined, origin: ObjectKey, reason: UpdateReason): Decision {
  if (summary === undefined) return { kind: 'read-origin', origin }
  return deliverable(summary) ? { kind: 'update', origin, reason } : undeliverable(summary)
}

/** Whoever deletes a mirror again and again is answered ever more slowly. */
export function stillContested(o: Observation): Decision | null {
  if (!o.repairs.contested || o.nowMs >= o.repairs.againAtMs) return null
  return { kind: 'wait', state: 'contested', reason: 'contested', atMs: o.repairs.againAtMs }
}

/** The mark `carried` must name exactly what we set: what it names is ours to put right and to remove. */
export function carriedDiffers(marks: Marks, summary: Summary): boolean {
  return marks.carried.join() !== Object.keys(summary.carried).sort().join()
}
