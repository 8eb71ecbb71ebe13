/** Turns outcomes into notices: one function per thing that people are told, each within what its side may learn. */

import { unknownKeys } from '../core/annotations.ts'
import type { Failure } from '../core/failure.ts'
import { pathOf } from '../core/names.ts'
import type { ObjectKey, ObjectRef, Uid } from '../core/names.ts'
import { notice } from '../core/notices.ts'
import type { NoticeSubject } from '../core/notices.ts'
import type { NamespaceMeta, ObjectMeta } from '../core/objects.ts'
import type { Observation } from '../core/observation.ts'
import type { Flaw } from '../core/policy.ts'
import type { Rendering, Verdict } from '../core/render.ts'
import { refusalOf } from '../core/retry.ts'
import type { Hold } from './brakes.ts'
import type { Destination } from './destination.ts'
import type { Tally } from './tallies.ts'

/** Field managers named in one notice. */
const MANAGERS_MAX = 5
const MANAGER_LENGTH_MAX = 64

export function tellBlocked(d: Destination, object: ObjectMeta, origin: ObjectRef): void {
  d.recorder.conflicted()
  d.recorder.tell(
    notice('MirrorBlocked', subjectOf(object), { origin: pathOf(origin), prefix: d.observer.rules.prefix }),
  )
}

export function tellUnowned(d: Destination, object: ObjectMeta, origin: ObjectRef | null): void {
  const path = origin === null ? 'NAMESPACE/NAME' : pathOf(origin)
  d.recorder.tell(
    notice('MirrorUnowned', subjectOf(object), { origin: path, prefix: d.observer.rules.prefix }),
  )
}

export function tellContested(d: Destination, o: Observation, managers: readonly string[]): void {
  if (o.object === null) return
  const named = managers.slice(0, MANAGERS_MAX).map((manager) => manager.slice(0, MANAGER_LENGTH_MAX))
  d.recorder.tell(
    notice('MirrorContested', subjectOf(o.object), {
      managers: named.length === 0 ? 'another writer' : named.join(', '),
    }),
  )
}

export function tellReleased(d: Destination, o: Observation): void {
  if (o.object === null || o.marks?.origin == null) return
  d.recorder.tell(
    notice('MirrorReleased', subjectOf(o.object), {
      origin: o.marks.origin,
      prefix: d.observer.rules.prefix,
    }),
  )
  const [claim] = o.claims
  if (claim !== undefined) d.tallies.note(claim.origin.key, 'released', o.object.key)
}

export function tellReplaced(d: Destination, mirror: ObjectMeta, rendering: Rendering): void {
  d.recorder.tell(notice('MirrorReplaced', subjectOf(mirror), { origin: pathOf(rendering.origin) }))
  d.tallies.note(rendering.origin.key, 'replaced', mirror.key)
}

export function tellReplacementRefused(d: Destination, o: Observation, failure: Failure): void {
  const origin = o.claims[0]?.origin
  if (o.object === null || origin === undefined) return
  d.recorder.tell(
    notice('ReplacementRefused', subjectOf(o.object), { origin: pathOf(origin), reason: refusalOf(failure) }),
  )
  d.tallies.note(origin.key, 'blocked', o.object.key)
}

/** A write that time alone does not cure: the pull mirror is told of its own, the Namespace of what cannot be made there. */
export function tellRefused(d: Destination, key: ObjectKey, o: Observation, failure: Failure): void {
  const reason = refusalOf(failure)
  if (o.object !== null && o.pull?.kind === 'offered') {
    d.recorder.tell(notice('PullRefused', subjectOf(o.object), { origin: pathOf(o.pull.origin), reason }))
    return
  }
  const origin = o.claims[0]?.origin
  if (o.namespace === null || origin === undefined) return
  d.recorder.tell(notice('MirrorRefused', namespaceSubject(o.namespace), { origin: pathOf(origin), reason }))
  d.tallies.note(origin.key, 'blocked', key)
}

export function tellPull(d: Destination, o: Observation): void {
  const { object, marks, pull } = o
  if (object === null || marks?.ask == null) return
  const { annotation, text, reason } = marks.ask
  const { prefix } = d.observer.rules
  if (pull?.kind === 'flawed') {
    d.recorder.tell(
      notice('PullFlawed', subjectOf(object), { annotation, reason: reason ?? 'must be namespace/name' }),
    )
  }
  // A held origin looks like an absent one: whether it would permit cannot be said.
  if (pull?.kind === 'unavailable' || pull?.kind === 'gone' || pull?.kind === 'held') {
    d.recorder.tell(notice('PullUnavailable', subjectOf(object), { origin: text, prefix }))
  }
}

export function tellFlaws(d: Destination, origin: ObjectMeta, flaws: readonly Flaw[]): void {
  for (const flaw of flaws) d.recorder.tell(notice('OriginHeld', subjectOf(origin), { ...flaw }))
}

export function tellRemarks(d: Destination, origin: ObjectMeta, remarks: readonly Flaw[]): void {
  for (const remark of remarks) d.recorder.tell(notice('AnnotationIgnored', subjectOf(origin), { ...remark }))
}

/** A copy that another tool left. */
export function tellLeft(d: Destination, { object, marks }: Observation): void {
  if (object === null || marks?.left == null) return
  d.recorder.tell(
    notice('CopyLeft', subjectOf(object), { tool: marks.left.tool, prefix: d.observer.rules.prefix }),
  )
}

export function tellVerdict(d: Destination, origin: ObjectMeta, verdict: Verdict): void {
  const subject = subjectOf(origin)
  switch (verdict.kind) {
    case 'deliverable':
      return
    case 'refused-type':
      return d.recorder.tell(notice('OriginTypeRefused', subject, {}))
    case 'empty-selection':
      return d.recorder.tell(
        notice('OriginSelectionEmpty', subject, { annotation: `${d.observer.rules.prefix}keys` }),
      )
    case 'invalid':
      return d.recorder.tell(
        notice('ValidationFailed', subject, { validator: verdict.validator, reason: verdict.reason }),
      )
    default:
      return verdict satisfies never
  }
}

export function tellExpired(d: Destination, origin: ObjectMeta): void {
  d.recorder.tell(notice('CertificateExpired', subjectOf(origin), {}))
}

/** Misspelt keys told of one object. */
const UNKNOWN_KEYS_MAX = 3

export function tellUnknownKeys(d: Destination, object: ObjectMeta): void {
  const { prefix } = d.observer.rules
  for (const key of unknownKeys(object, prefix).slice(0, UNKNOWN_KEYS_MAX))
    d.recorder.tell(notice('AnnotationUnknown', subjectOf(object), { annotation: `${prefix}${key}` }))
}

export function tellOffersIgnored(d: Destination, mirror: ObjectMeta): void {
  d.recorder.tell(notice('OffersIgnored', subjectOf(mirror), {}))
}

export function tellConsentMalformed(
  d: Destination,
  namespace: NamespaceMeta,
  annotation: string,
  reason: string,
): void {
  d.recorder.tell(
    notice('ConsentMalformed', namespaceSubject(namespace), {
      annotation: `${d.observer.rules.prefix}${annotation}`,
      reason,
    }),
  )
}

export function tellHold(d: Destination, namespace: NamespaceMeta, hold: Hold): void {
  d.recorder.tell(
    notice('DeletionsHeld', namespaceSubject(namespace), {
      count: hold.inferred,
      total: hold.mirrors,
      hold: hold.id,
    }),
  )
}

/** What the owner of an origin may know of its targets: how many, never which or why. */
export function tellTallies(d: Destination, origin: ObjectMeta): void {
  const subject = subjectOf(origin)
  for (const { tally, count } of d.tallies.take(origin.key))
    d.recorder.tell(TALLY_NOTICES[tally](subject, count))
}

export function tellNamespaceLimit(d: Destination, origin: ObjectMeta): void {
  d.recorder.tell(
    notice('NamespaceLimitReached', subjectOf(origin), { limit: d.observer.rules.originsPerNamespaceMax }),
  )
}

const TALLY_NOTICES: Readonly<
  Record<Tally, (subject: NoticeSubject, count: number) => ReturnType<typeof notice>>
> = {
  blocked: (subject, count) => notice('TargetsBlocked', subject, { count }),
  lost: (subject, count) => notice('ClaimLost', subject, { count }),
  limit: (subject, count) => notice('LimitReached', subject, { count, limit: 'mirrors or bytes per origin' }),
  replaced: (subject, count) => notice('OriginReplaced', subject, { count }),
  released: (subject, count) => notice('OriginReleased', subject, { count }),
}

function subjectOf(object: ObjectMeta): NoticeSubject {
  return { kind: object.kind, namespace: object.namespace, name: object.name, uid: object.uid }
}

function namespaceSubject(namespace: { readonly name: string; readonly uid: Uid }): NoticeSubject {
  return { kind: 'Namespace', namespace: '', name: namespace.name, uid: namespace.uid }
}
