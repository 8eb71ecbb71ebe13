/** Who may hold a place when several origins claim it: one resolver with a stable order, so that every restart finds the same winner. */

import type { Consent } from './consent.ts'
import { keyOf, pathOf } from './names.ts'
import type { ObjectKey } from './names.ts'
import type { ObjectMeta } from './objects.ts'
import type { Policy } from './policy.ts'

/** A live origin, not held, that wants a mirror at one place. */
export interface Claim {
  readonly origin: ObjectMeta
  readonly policy: Policy
  /** What the place's namespace says to it. */
  readonly consent: Consent
  /** Listed by the administrator: displaces a holder. */
  readonly trusted: boolean
  /** Within the limits; a claim beyond them is frozen, not lost. */
  readonly admitted: boolean
}

/**
 * The claim that holds: trusted origins, then the holder, then the older creationTimestamp, then `namespace/name` bytewise.
 * Only consented claims take part; a frozen one can hold what it has but takes nothing new.
 */
export function winnerOf(claims: readonly Claim[], holder: ObjectKey | null): Claim | null {
  const able = claims.filter(
    ({ consent, admitted, origin }) =>
      (consent.kind === 'granted' && admitted) || (consent.kind !== 'refused' && keyOf(origin) === holder),
  )
  const [first, ...rest] = able
  if (first === undefined) return null
  return rest.reduce((best, claim) => (precedes(claim, best, holder) ? claim : best), first)
}

function precedes(a: Claim, b: Claim, holder: ObjectKey | null): boolean {
  if (a.trusted !== b.trusted) return a.trusted
  const aHolds = keyOf(a.origin) === holder
  const bHolds = keyOf(b.origin) === holder
  if (aHolds !== bHolds) return aHolds
  if (a.origin.createdAt !== b.origin.createdAt) return a.origin.createdAt < b.origin.createdAt
  return pathOf(a.origin) < pathOf(b.origin)
}
