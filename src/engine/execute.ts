/** Carries out one act against its destination: the small part that writes. Every request proves what it changes; every outcome becomes a next step here. */

import type { Decision, UpdateReason } from '../core/decision.ts'
import type { DigestForm } from '../core/digest.ts'
import type { Failure } from '../core/failure.ts'
import { keyOf, parsePath, refOf } from '../core/names.ts'
import type { ObjectKey } from '../core/names.ts'
import type { ObjectMeta } from '../core/objects.ts'
import type { Observation } from '../core/observation.ts'
import { createBody, fillBody, releaseBody, retainBody, stripBody, updateBody } from '../core/requests.ts'
import type { UpdateForm } from '../core/requests.ts'
import type { RequestBody } from '../core/operations.ts'
import type { Stamp } from '../core/stamps.ts'
import type { Policy } from '../core/policy.ts'
import type { Rendering } from '../core/render.ts'
import { remedyFor } from '../core/retry.ts'
import { invariant, unreachable } from '../std/assert.ts'
import type { Result } from '../std/result.ts'
import type { Destination } from './destination.ts'
import type { LastWrite } from './history.ts'
import { tellContested, tellReleased, tellRefused, tellReplaced, tellReplacementRefused } from './tell.ts'
import type { Next } from './workqueue.ts'

export type Act = Extract<
  Decision,
  { kind: 'create' | 'update' | 'replace' | 'fill' | 'remove' | 'retain' | 'strip' | 'release' }
>

export interface Task {
  readonly key: ObjectKey
  readonly observation: Observation
  readonly decision: Act
  /** Present for every act that writes an origin's data, of the version that was planned with. */
  readonly rendering: Rendering | null
}

export interface Done {
  /** `plan`: look at it again in the same turn. */
  readonly next: Next | { readonly kind: 'plan' } | { readonly kind: 'unchangeable' }
  readonly failure: Failure | null
}

const PLAN: Done = { next: { kind: 'plan' }, failure: null }

/** One act, begun in the breath in which it was planned. */
export async function execute(d: Destination, task: Task): Promise<Done> {
  const { decision } = task
  switch (decision.kind) {
    case 'create':
      return await create(d, task, renderingOf(task))
    case 'update':
      return await update(d, task, renderingOf(task))
    case 'fill':
      return await fill(d, task, renderingOf(task))
    case 'replace':
      return await replace(d, task, renderingOf(task))
    case 'remove':
      return await remove(d, task)
    case 'retain':
    case 'strip':
    case 'release':
      return await letGo(d, task)
    default:
      return unreachable(decision)
  }
}

async function create(d: Destination, task: Task, rendering: Rendering): Promise<Done> {
  const place = refOf(task.key)
  const body = createBody(rendering, place, stampOf(d, task))
  const answer = await write(d, task, () =>
    d.api.create(place.kind, place.namespace, body, { signal: d.signal() }),
  )
  if (!answer.ok) return await recover(d, task, 'create', answer.failure)
  const { history } = d.observer
  // Ours stood here before: somebody deleted it, and this puts it right.
  if (history.wasWritten(task.key)) noteRepair(d, task, [])
  if (history.takeReplaced(task.key)) tellReplaced(d, answer.value, rendering)
  noteWritten(d, task.key, answer.value)
  history.noteLastWrite(task.key, lastWriteOf(rendering, 'push', false))
  return PLAN
}

async function update(d: Destination, task: Task, rendering: Rendering): Promise<Done> {
  const { decision } = task
  const { object, marks } = standing(task)
  invariant(decision.kind === 'update', 'an update is planned as one')
  const { reason } = decision
  const isRight =
    reason === 'restamp' ||
    reason === 'inherit' ||
    (isOfMarks(reason) && marks.digest === rendering.summary.digest)
  const adopted = marks.adopted || reason === 'adopt'
  const body = updateBody(rendering, object, marks, {
    stamp: stampOf(d, task),
    form: isRight ? 'metadata' : writtenForm(task, rendering.policy.write),
    adopted,
    // Where the last data was not ours, or was judged by reading it, the version itself is what must not have changed.
    pinned: reason !== 'stale' && reason !== 'drift',
    shed: isInherited(reason) && rendering.policy.copies === 'metadata',
  })
  const done = await patch(d, task, body)
  if (done === PLAN) noteOutcome(d, task, decision.reason, lastWriteOf(rendering, 'push', adopted))
  return done
}

/**
 * Whatever had to be written twice was undone in between, on its way or afterwards.
 * What was put back is read once more, as a webhook may have changed it again.
 */
function noteOutcome(d: Destination, task: Task, reason: UpdateReason, last: LastWrite): void {
  const { object } = standing(task)
  const { history, rules } = d.observer
  const isAgain = history.noteLastWrite(task.key, last)
  if (isAgain || isRepair(reason, object, rules.prefix)) noteRepair(d, task, foreignManagers(object))
  if (reason === 'drift') history.askVerify(task.key)
}

function lastWriteOf({ origin, policy, summary }: Rendering, form: DigestForm, adopted: boolean): LastWrite {
  return {
    digest: { push: summary.digest, pull: summary.pullDigest, merge: summary.mergedPullDigest }[form],
    marks: [origin.uid, policy.onDelete, adopted].join(),
  }
}

/** What is merged was planned with what the object holds. */
function writtenForm({ observation }: Task, how: Policy['write']): UpdateForm {
  if (how === 'replace') return 'whole'
  const { mirror } = observation.answers
  invariant(mirror !== null, 'a merge is planned with what was read')
  return { present: mirror.present }
}

function isInherited(reason: UpdateReason): boolean {
  return reason === 'inherit' || reason === 'inherit-differing'
}

function isOfMarks(reason: UpdateReason): boolean {
  return reason === 'marks' || reason === 'restore'
}

/** Whether the write puts back what somebody changed: too many of these make a place contested. */
function isRepair(reason: UpdateReason, object: ObjectMeta, prefix: string): boolean {
  if (reason === 'drift' || reason === 'restore') return true
  return (
    reason === 'restamp' &&
    object.fields.others.some((owner) => owner.paths.includes(`annotations/${prefix}digest`))
  )
}

async function fill(d: Destination, task: Task, rendering: Rendering): Promise<Done> {
  const { decision } = task
  const { object, marks } = standing(task)
  invariant(decision.kind === 'fill', 'a fill is planned as one')
  const isRight = decision.reason === 'restamp' || decision.reason === 'inherit'
  const form = isRight ? 'metadata' : writtenForm(task, marks.ask?.write ?? 'replace')
  const body = fillBody(rendering, object, marks, { stamp: stampOf(d, task), form })
  const done = await patch(d, task, body)
  if (done === PLAN)
    noteOutcome(
      d,
      task,
      decision.reason,
      lastWriteOf(rendering, marks.ask?.write === 'merge' ? 'merge' : 'pull', false),
    )
  // Its own type stays: data that breaks that type's rules is told, and waits for a change.
  return done.next.kind === 'unchangeable' ? refused(d, task, done.failure) : done
}

/** A dry run first: where a new mirror would be refused, the old one stays. */
async function replace(d: Destination, task: Task, rendering: Rendering): Promise<Done> {
  const place = refOf(task.key)
  const { object, marks } = standing(task)
  const probe = createBody(rendering, place, stampOf(d, task), true)
  const dryRun = await write(d, task, () =>
    d.api.create(place.kind, place.namespace, probe, { signal: d.signal(), dryRun: true }),
  )
  if (!dryRun.ok) {
    const remedy = remedyFor(dryRun.failure, 'create')
    if (remedy.kind !== 'park')
      return {
        next: { kind: 'again', afterMs: remedy.kind === 'again' ? remedy.afterMs : null },
        failure: dryRun.failure,
      }
    tellReplacementRefused(d, task.observation, dryRun.failure)
    return { next: { kind: 'park', recheck: true }, failure: dryRun.failure }
  }
  // The dry run took its time: the version that was planned with is the precondition of what follows.
  if (d.store.get(task.key)?.version !== object.version)
    return { next: { kind: 'again', afterMs: null }, failure: null }
  const removed = await removeObject(d, task, object)
  // The new one is planned like any other: what changed meanwhile is in it.
  if (removed !== PLAN) return removed
  d.observer.history.noteReplaced(task.key)
  // The mark says that it was current: somebody sealed it, and making it again puts that right.
  if (marks.digest === rendering.summary.digest) d.observer.history.noteWritten(task.key)
  return removed
}

async function remove(d: Destination, task: Task): Promise<Done> {
  const { object, marks } = standing(task)
  const done = await removeObject(d, task, object)
  const named = marks.label === null || marks.origin === null ? null : parsePath(marks.origin)
  const holder = named === null ? marks.left?.origin : { kind: object.kind, ...named }
  if (done === PLAN && holder != null) d.observer.history.noteFreed(task.key, keyOf(holder), d.clock.now())
  return done
}

async function removeObject(d: Destination, task: Task, object: ObjectMeta): Promise<Done> {
  const { uid, version } = object
  const answer = await write(d, task, () =>
    d.api.remove(refOf(task.key), { uid, version }, { signal: d.signal() }),
  )
  if (!answer.ok) return await recover(d, task, 'delete', answer.failure)
  if (answer.value === 'pending') return await look(d, task, { kind: 'conflict' })
  d.store.forget(task.key, uid)
  d.observer.history.forgetWritten(task.key)
  return PLAN
}

/** Retains, strips or releases: marks are taken off, and of the data what was merged at most. */
async function letGo(d: Destination, task: Task): Promise<Done> {
  const done = await patch(d, task, partingBody(d, task))
  if (done === PLAN && task.decision.kind === 'release') tellReleased(d, task.observation)
  return done
}

function partingBody(d: Destination, task: Task): RequestBody {
  const { object, marks } = standing(task)
  const { rules } = d.observer
  if (task.decision.kind === 'retain') return retainBody(object, marks, rules)
  if (task.decision.kind === 'release') return releaseBody(object, marks, rules)
  const { mirror } = task.observation.answers
  invariant(mirror !== null, 'keys are taken out of what was read')
  return stripBody(object, marks, mirror.present, rules)
}

async function patch(d: Destination, task: Task, body: RequestBody): Promise<Done> {
  const answer = await write(d, task, () => d.api.patch(refOf(task.key), body, { signal: d.signal() }))
  if (!answer.ok) return await recover(d, task, 'patch', answer.failure)
  noteWritten(d, task.key, answer.value)
  return PLAN
}

/** Times one request, and refuses to begin it without a live lease. */
async function write<T>(
  d: Destination,
  task: Task,
  request: () => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  if (!d.leadership.isLive()) return { ok: false, failure: { kind: 'unanswered', why: 'cancelled' } }
  const startedMs = d.clock.now()
  const answer = await request()
  d.answered(refOf(task.key).namespace, d.clock.now() - startedMs, answer.ok ? null : answer.failure)
  return answer
}

function noteWritten(d: Destination, key: ObjectKey, meta: ObjectMeta): void {
  d.store.put(meta, 'answer')
  d.observer.history.know(key, meta.version)
  d.observer.history.noteWritten(key)
  d.spreads.wrote(key)
}

async function recover(
  d: Destination,
  task: Task,
  verb: 'create' | 'patch' | 'delete',
  failure: Failure,
): Promise<Done> {
  const remedy = remedyFor(failure, verb)
  switch (remedy.kind) {
    case 'look':
      return await look(d, task, failure)
    case 'forget':
      if (task.observation.object !== null) d.store.forget(task.key, task.observation.object.uid)
      return { next: { kind: 'plan' }, failure }
    case 'unchangeable':
      return { next: { kind: 'unchangeable' }, failure }
    case 'again':
      return { next: { kind: 'again', afterMs: remedy.afterMs }, failure }
    case 'park':
      return remedy.recheck ? refused(d, task, failure) : { next: { kind: 'park', recheck: false }, failure }
    default:
      return unreachable(remedy)
  }
}

/** One metadata GET before anything else on this key: the only way to know what stands there now. */
async function look(d: Destination, task: Task, failure: Failure): Promise<Done> {
  const before = d.store.get(task.key)
  const answer = await d.api.readMeta(refOf(task.key), { signal: d.signal() })
  if (answer.ok) {
    const isOvertaken = d.store.get(task.key) !== before
    const isNews = isOvertaken ? d.store.put(answer.value, 'answer') : d.store.insist(answer.value)
    // The same version that failed: whatever is in the way, asking at once again would not move it.
    return isNews ? { next: { kind: 'plan' }, failure } : { next: { kind: 'again', afterMs: null }, failure }
  }
  if (answer.failure.kind === 'absent') {
    const known = d.store.get(task.key)
    if (known === null) return { next: { kind: 'again', afterMs: null }, failure }
    d.store.forget(task.key, known.uid)
    return { next: { kind: 'plan' }, failure }
  }
  return { next: { kind: 'again', afterMs: null }, failure }
}

function refused(d: Destination, task: Task, failure: Failure | null): Done {
  if (failure !== null) tellRefused(d, task.key, task.observation, failure)
  return { next: { kind: 'park', recheck: true }, failure }
}

function noteRepair(d: Destination, task: Task, managers: readonly string[]): void {
  const now = d.clock.now()
  const { history } = d.observer
  history.noteRepair(task.key, now)
  d.recorder.repaired()
  if (history.repairsOf(task.key, now).contested) tellContested(d, task.observation, managers)
}

/** Managers that own something of what we set; named in the Event on the mirror. */
function foreignManagers(object: ObjectMeta): readonly string[] {
  return [...new Set(object.fields.others.map((owner) => owner.manager))].sort()
}

function renderingOf(task: Task): Rendering {
  invariant(task.rendering !== null, 'an act that writes data holds its rendering')
  return task.rendering
}

function standing(task: Task): {
  readonly object: ObjectMeta
  readonly marks: NonNullable<Observation['marks']>
} {
  const { object, marks } = task.observation
  invariant(object !== null && marks !== null, 'an act on an object was planned with it')
  return { object, marks }
}

function stampOf(d: Destination, task: Task): Stamp {
  const { identity } = task.observation.digestKey
  const writtenAt = new Date(d.clock.wall()).toISOString()
  return { rules: d.observer.rules, identity, isAbroad: d.reach.isAbroad, writtenAt }
}
