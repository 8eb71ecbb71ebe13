/** The laws of promises 1, 3, 8 and 9, written down a second time: which write may take effect on which object. */

import { createHash } from 'node:crypto'

import type { Kind } from '../../src/core/names.ts'
import type { Thing } from './thing.ts'
import type { Effect } from './world.ts'
import { isEqual } from './world.ts'

export const P = 'heliograph.dev/'
export const OWN_NAMESPACE = 'heliograph'
export const KEY_NAME = 'heliograph-digest-key'

/** The label that a mirror of this origin bears. */
export function labelOf(identity: string, kind: Kind, path: string): string {
  const [namespace, name] = path.split('/')
  const hash = createHash('sha256')
  for (const part of ['v1', identity, kind, namespace, name]) hash.update(`${part}\0`)
  return hash.digest('hex').slice(0, 16)
}

export interface Proof {
  readonly label: boolean
  readonly origin: boolean
  readonly at: boolean
}

/** Which of the three marks hold, taking the object's own word for its origin. */
export function proofOf(thing: Thing, identity: string): Proof {
  const origin = thing.annotations[`${P}origin`]
  const label = thing.labels[`${P}mirror`]
  return {
    label: label !== undefined && (origin === undefined || label === labelOf(identity, thing.kind, origin)),
    origin: origin !== undefined,
    at: thing.annotations[`${P}at`] === pathOfThing(thing),
  }
}

export function isOurs(thing: Thing, identity: string): boolean {
  const { label, origin, at } = proofOf(thing, identity)
  return label && origin && at
}

export function pathOfThing(thing: { readonly namespace: string; readonly name: string }): string {
  return `${thing.namespace}/${thing.name}`
}

const CLAIMING = ['reflect-to', 'reflect-to-selector', 'allow-pull', 'targets']

/** A mirror of either form, proven or not. */
export function isMirrorLike(thing: Thing): boolean {
  if (thing.annotations[`${P}reflect-from`] !== undefined) return true
  const at = thing.annotations[`${P}at`]
  const isLabelled = thing.labels[`${P}mirror`] !== undefined
  const isNamed = thing.annotations[`${P}origin`] !== undefined
  return at === undefined ? isLabelled && isNamed : at === pathOfThing(thing) && (isLabelled || isNamed)
}

export function isOrigin(thing: Thing): boolean {
  return !isMirrorLike(thing) && CLAIMING.some((key) => thing.annotations[P + key] !== undefined)
}

/** Null for a lawful write of ours; otherwise which law it breaks. */
export function crimeOf({ before, after }: Effect, identity: string): string | null {
  const thing = after ?? before
  if (thing === null) return null
  if (thing.namespace === OWN_NAMESPACE && thing.name === KEY_NAME)
    return before === null ? null : 'the digest key was changed'
  if (thing.namespace.startsWith('kube-') || thing.namespace === OWN_NAMESPACE)
    return before !== null && isOurs(before, identity) ? null : 'a protected namespace was written to'
  if (before === null)
    return after !== null && isOurs(after, identity) ? null : 'a mirror without its marks was created'
  if (after === null || (after.deleting && !before.deleting)) return deletionCrime(before, identity)
  return changeCrime(before, after, identity)
}

function deletionCrime(before: Thing, identity: string): string | null {
  if (before.annotations[`${P}reflect-from`] !== undefined) return 'a pull mirror was deleted'
  if (!isOurs(before, identity)) return 'an object that is not ours was deleted'
  return before.annotations[`${P}adopted`] === 'true' ? 'an adopted object was deleted' : null
}

function changeCrime(before: Thing, after: Thing, identity: string): string | null {
  if (before.finalizers.join() !== after.finalizers.join()) return 'finalizers were changed'
  if (before.annotations[`${P}reflect-from`] !== undefined) return pullCrime(before, after)
  if (isOldData(before, after)) return 'old data came back'
  if (isOurs(before, identity)) return null
  const adopt = before.annotations[`${P}adopt`]
  if (adopt !== undefined && after.annotations[`${P}origin`] === adopt) {
    return after.annotations[`${P}adopted`] === 'true' ? null : 'an adopted object does not say so'
  }
  if (isOrigin(before)) return 'an origin was changed'
  const { label, origin, at } = proofOf(before, identity)
  const retained = before.annotations[`${P}retained`]
  if (retained !== undefined && at && after.annotations[`${P}origin`] === retained) return null
  const left = [label, origin, at].filter(Boolean).length
  const isElsewhere = before.annotations[`${P}at`] !== undefined && !at
  return left >= 2 && !isElsewhere ? null : 'an object that is not ours was changed'
}

/** Whether a version of the same origin is written over a newer one of it. */
function isOldData(before: Thing, after: Thing): boolean {
  const of = (thing: Thing, mark: string): string => thing.annotations[P + mark] ?? ''
  return (
    of(before, 'origin-uid') === of(after, 'origin-uid') &&
    Number(of(after, 'origin-version')) < Number(of(before, 'origin-version')) &&
    of(after, 'origin') !== '' &&
    of(after, 'origin-version') !== ''
  )
}

function pullCrime(before: Thing, after: Thing): string | null {
  if (before.type !== after.type) return 'the type of a pull mirror was changed'
  if (before.immutable !== after.immutable) return 'a pull mirror became immutable'
  if (after.annotations[`${P}origin`] !== undefined && before.annotations[`${P}origin`] === undefined)
    return 'a pull mirror was marked as pushed'
  return isEqual(before.labels, after.labels) || after.labels[`${P}mirror`] === undefined
    ? null
    : 'a pull mirror was labelled'
}
