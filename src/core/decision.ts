/** The closed set of what may be decided about one key: each with the reason that logs, Events and status show. */

import type { ObjectKey, ResourceVersion, Uid } from './names.ts'

/** Where a mirror stands; the label of the gauge of mirrors. */
export const MIRROR_STATES = [
  'synced',
  'pending',
  'held',
  'blocked',
  'unowned',
  'contested',
  'refused',
  'leaving',
] as const
export type MirrorState = (typeof MIRROR_STATES)[number]

export type Decision =
  /** Nothing to do. */
  | { readonly kind: 'keep'; readonly state: MirrorState; readonly reason: KeepReason }
  /** Questions: the engine gets the answer and plans again, in the same turn. */
  | { readonly kind: 'read-origin'; readonly origin: ObjectKey }
  | { readonly kind: 'read-mirror'; readonly reason: ReadReason }
  | { readonly kind: 'confirm-origin'; readonly origin: ObjectKey }
  /** Acts. */
  | { readonly kind: 'create'; readonly origin: ObjectKey }
  | { readonly kind: 'update'; readonly origin: ObjectKey; readonly reason: UpdateReason }
  | { readonly kind: 'replace'; readonly origin: ObjectKey }
  | { readonly kind: 'fill'; readonly origin: ObjectKey; readonly reason: UpdateReason }
  | { readonly kind: 'remove'; readonly reason: EndReason }
  | { readonly kind: 'retain'; readonly reason: EndReason }
  /** The merged keys go, the object and its owner's keys stay. */
  | { readonly kind: 'strip'; readonly reason: EndReason }
  | { readonly kind: 'release'; readonly reason: 'declared' }
  /** Asked again at `atMs` (monotonic). */
  | {
      readonly kind: 'wait'
      readonly state: MirrorState
      readonly reason: 'grace' | 'contested' | 'takeover' | 'deleting' | 'verify-later' | 'brake'
      readonly atMs: number | null
    }

export type DecisionKind = Decision['kind']

/** `inherit`: another tool's copy is compared before it is taken over; `merge`: which keys an object holds decides what is written. */
export type ReadReason = 'drift' | 'marks' | 'unknown-digest' | 'verify' | 'inherit' | 'merge'

export type KeepReason =
  | 'in-sync'
  | 'unclaimed'
  | 'held'
  | 'frozen'
  | 'foreign'
  | 'unowned'
  | 'unchangeable'
  | 'not-distributed'
  | 'limit'
  | 'lost'
  | 'namespace-terminating'
  | 'origin-unreadable'
  | 'pull-unavailable'
  | 'left'

/**
 * `stale`: another version; `drift` and `restore`: what somebody changed in data or marks is put back; `marks`: marks that follow the origin's policy;
 * `restamp`: a digest that cannot be read, over content that is right. The last three write metadata only where the content is known to be right.
 * `inherit`, `inherit-differing`: another tool's copy, whose content is right or not.
 */
export type UpdateReason =
  | 'stale'
  | 'drift'
  | 'adopt'
  | 'retake'
  | 'restore'
  | 'marks'
  | 'restamp'
  | 'transfer'
  | 'inherit'
  | 'inherit-differing'
export type EndReason = 'origin-gone' | 'not-claimed' | 'consent' | 'orphan'

/** Preconditions of an act, taken from the object that was planned with. */
export interface Seen {
  readonly uid: Uid
  readonly version: ResourceVersion
}
