/** What becomes of an object of ours, or of one that another tool left, when nobody claims it any more. */

import type { Decision, EndReason } from './decision.ts'
import type { Marks } from './marks.ts'
import { keyOf, parsePath } from './names.ts'
import type { ObjectKey } from './names.ts'
import type { MirrorReading, Observation } from './observation.ts'
import { keep } from './steps.ts'

/** The claim has ended: the mirror goes, or stays without our marks. Ends that nobody saw are confirmed and braked first. */
export function ended(o: Observation, marks: Marks, reason: EndReason): Decision {
  if (o.end.witness === 'live') {
    const atMs = o.end.atMs + o.rules.graceMs
    if (isGone(o, reason) && o.nowMs < atMs) return { kind: 'wait', state: 'leaving', reason: 'grace', atMs }
  } else {
    if (o.brake === 'held') return { kind: 'wait', state: 'held', reason: 'brake', atMs: null }
    if (o.answers.confirmation === null) return { kind: 'confirm-origin', origin: markedKey(o, marks) }
    if (o.answers.confirmation !== 'ended') return keep('pending', 'origin-unreadable')
  }
  if (reason !== 'consent' && retains(o, marks)) return { kind: 'retain', reason }
  if (marks.mergedKeys !== null) return endOfMerged(o, marks, marks.mergedKeys, reason)
  return marks.adopted ? { kind: 'retain', reason } : { kind: 'remove', reason }
}

function isGone({ marked }: Observation, reason: EndReason): boolean {
  return reason === 'origin-gone' || (reason === 'orphan' && marked?.kind === 'absent')
}

/** Only the keys that came from the origin go; the object with them, if it was a copy from the beginning and nothing else is left in it. */
function endOfMerged(
  o: Observation,
  marks: Marks,
  mergedKeys: readonly string[],
  reason: EndReason,
): Decision {
  const { mirror } = o.answers
  if (mirror === null) return { kind: 'read-mirror', reason: 'merge' }
  const isAllOurs = isWholeMirror(o, mirror, marks) || remainingKeys(mirror, mergedKeys).length === 0
  if (!marks.adopted && isAllOurs) return { kind: 'remove', reason }
  return mayStrip(o, mirror, mergedKeys) ? { kind: 'strip', reason } : { kind: 'retain', reason }
}

/** Its digest says that we wrote it as a whole, whatever somebody else's mark of merged keys says beside it. */
export function isWholeMirror({ place }: Observation, mirror: MirrorReading, marks: Marks): boolean {
  const named = marks.origin === null ? null : parsePath(marks.origin)
  return named !== null && mirror.digestFor({ kind: place.kind, ...named }, 'push') === marks.digest
}

/** Names of the keys that did not come from the origin. */
export function remainingKeys({ present }: MirrorReading, mergedKeys: readonly string[]): readonly string[] {
  const merged = new Set(mergedKeys)
  return [...present.data, ...present.binaryData].filter((key) => !merged.has(key))
}

/** Keys without one of which the API server refuses a Secret of the type (`ValidateSecret` of Kubernetes). */
const REQUIRED_KEYS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'kubernetes.io/tls': [['tls.crt'], ['tls.key']],
  'kubernetes.io/dockerconfigjson': [['.dockerconfigjson']],
  'kubernetes.io/dockercfg': [['.dockercfg']],
  'kubernetes.io/ssh-auth': [['ssh-privatekey']],
  'kubernetes.io/basic-auth': [['username', 'password']],
}

/** Whether the object would be valid without the merged keys, and may be changed at all. */
export function mayStrip(
  { answers }: Observation,
  mirror: MirrorReading,
  mergedKeys: readonly string[],
): boolean {
  const left = remainingKeys(mirror, mergedKeys)
  const required = mirror.type === null ? [] : (REQUIRED_KEYS[mirror.type] ?? [])
  return !answers.unchangeable && required.every((either) => either.some((key) => left.includes(key)))
}

/** A live origin's policy decides; once it is gone, the mirror's own mark does. */
function retains(o: Observation, marks: Marks): boolean {
  const said = o.marked?.kind === 'not-claiming' ? o.marked.onDelete : null
  return said === null ? marks.retain : said === 'retain'
}

/** Our mark names it, else another tool's. */
function markedKey(o: Observation, marks: Marks): ObjectKey {
  const named = marks.label === null || marks.origin === null ? null : parsePath(marks.origin)
  if (named !== null) return keyOf({ kind: o.place.kind, ...named })
  return keyOf(marks.left?.origin ?? o.place)
}
