/** What follows a failure: one table, met in one place, so that no outcome is forgotten and metrics cannot disagree with behaviour. */

import { unreachable } from '../std/assert.ts'
import type { Failure } from './failure.ts'

export type Remedy =
  /** What stands there is not what was planned with: look (one metadata GET), then plan again. */
  | { readonly kind: 'look' }
  /** The object is gone: forget it and plan again. */
  | { readonly kind: 'forget' }
  /** The field cannot change in place: plan a replacement. */
  | { readonly kind: 'unchangeable' }
  /** Time may cure it: again with back-off, or after what the server asked for. */
  | { readonly kind: 'again'; readonly afterMs: number | null }
  /** Only an event cures it; rechecked every few minutes where no event tells of the cure. */
  | { readonly kind: 'park'; readonly recheck: boolean }

/** The remedy for a failed write. `verb` is what was asked for. */
export function remedyFor(failure: Failure, verb: 'create' | 'patch' | 'delete'): Remedy {
  switch (failure.kind) {
    case 'absent':
      return verb === 'create' ? { kind: 'again', afterMs: null } : { kind: 'forget' }
    case 'exists':
    case 'conflict':
    case 'test-failed':
    case 'unanswered':
    case 'malformed':
      // After a request without a readable answer its outcome is unknown: nothing is sent on that key before a look.
      return { kind: 'look' }
    case 'invalid':
      return failure.fields.some(isUnchangeable) && verb === 'patch'
        ? { kind: 'unchangeable' }
        : { kind: 'park', recheck: true }
    case 'namespace-absent':
    case 'namespace-terminating':
      return { kind: 'park', recheck: false }
    case 'quota':
    case 'forbidden':
    case 'rejected':
    case 'too-large':
      return { kind: 'park', recheck: true }
    case 'throttled':
    case 'server':
      return { kind: 'again', afterMs: failure.retryAfterMs }
    case 'unauthorized':
    case 'expired':
      return { kind: 'again', afterMs: null }
    default:
      return unreachable(failure)
  }
}

/** `type` of a Secret, and data under `immutable`, cannot change in place; the server names the field. */
function isUnchangeable(field: string): boolean {
  return field === 'type' || field === 'immutable' || field === 'data' || field === 'binaryData'
}

/** A fixed sentence part for people: why a write is refused. */
export function refusalOf(failure: Failure): string {
  switch (failure.kind) {
    case 'quota':
      return 'the quota of the namespace is used up'
    case 'forbidden':
      return 'the API server forbids it (rights or an admission policy)'
    case 'invalid':
      return 'the API server finds the object invalid'
    case 'too-large':
      return 'it is too large'
    case 'rejected':
      return `an admission webhook or proxy rejects it (HTTP ${failure.code})`
    default:
      return 'the API server does not accept it'
  }
}
