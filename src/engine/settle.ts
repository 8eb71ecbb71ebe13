/** The end of a turn that wrote nothing more: what is remembered, who is told, and what the key waits for. */

import { winnerOf } from '../core/claims.ts'
import type { Claim } from '../core/claims.ts'
import type { Decision } from '../core/decision.ts'
import { ignoresOffers, passedOverAsks } from '../core/dialects/table.ts'
import { standingUnder } from '../core/marks.ts'
import { keyOf } from '../core/names.ts'
import type { ObjectKey } from '../core/names.ts'
import type { Observation } from '../core/observation.ts'
import { unreachable } from '../std/assert.ts'
import type { Destination } from './destination.ts'
import { originMarked } from './marked.ts'
import {
  tellBlocked,
  tellConsentMalformed,
  tellLeft,
  tellOffersIgnored,
  tellPull,
  tellRemarks,
  tellUnknownKeys,
  tellUnowned,
  tellVerdict,
} from './tell.ts'
import type { Next } from './workqueue.ts'

type Rest = Extract<Decision, { kind: 'keep' | 'wait' }>

/** Records where the place stands and says what its key waits for. */
export function settle(d: Destination, key: ObjectKey, o: Observation, decision: Rest): Next {
  const holder = o.object === null ? null : originMarked(o.object, o.rules, d.reach.isAbroad)
  const winner = winnerOf(o.claims, holder)
  d.tallies.clear(key)
  if (o.object !== null) {
    tellUnknownKeys(d, o.object)
    if (ignoresOffers(o.object, o.rules)) tellOffersIgnored(d, o.object)
    tellRemarks(d, o.object, passedOverAsks(o.object, o.rules))
  }
  for (const claim of o.claims) {
    if (!claim.admitted) noteLimit(d, key, claim)
    else if (claim.consent.kind === 'granted' && claim !== winner)
      d.tallies.note(claim.origin.key, 'lost', key)
  }
  // A pull mirror under the name of a claim stays its owner's: the origin is told like of anything else in the way.
  if (isInTheWayOf(o, winner)) d.tallies.note(winner.origin.key, 'blocked', key)
  if (decision.kind === 'keep' && decision.reason === 'left') return leaveAlone(d, key, o)
  if (decision.kind === 'keep' && decision.reason === 'unclaimed' && (o.object === null || holder === null)) {
    forget(d, key)
    return { kind: 'done' }
  }
  const origin = holder ?? winner?.origin.key ?? null
  const state = decision.state === 'synced' && o.repairs.contested ? 'contested' : decision.state
  d.observer.history.settle(key, { state, origin, reason: decision.reason })
  return decision.kind === 'wait' ? waitFor(decision) : rest(d, key, o, decision)
}

/** An origin that its namespace has no room for is told so, and of that limit alone. */
function noteLimit(d: Destination, key: ObjectKey, { origin }: Claim): void {
  if (d.observer.site.isOriginAdmitted(origin)) d.tallies.note(origin.key, 'limit', key)
}

function isInTheWayOf({ marks }: Observation, winner: Claim | null): winner is Claim {
  const asked = marks?.ask
  if (asked == null || winner === null) return false
  // Filled from that very origin it is as good as a mirror.
  return asked.origin === null || keyOf(asked.origin) !== winner.origin.key
}

/** Another tool's copy that nobody may take over: told, and none of ours. */
function leaveAlone(d: Destination, key: ObjectKey, o: Observation): Next {
  tellLeft(d, o)
  d.observer.history.drop(key)
  return { kind: 'done' }
}

/** Nothing of ours, nobody claims it: whatever was remembered goes, and the object with it if it was kept for a claim only. */
function forget(d: Destination, key: ObjectKey): void {
  d.observer.history.drop(key)
  const { site } = d.observer
  if (!site.isClaimed(key) && !site.isReferenced(key)) d.store.release(key)
}

function waitFor(decision: Extract<Rest, { kind: 'wait' }>): Next {
  if (decision.atMs !== null) return { kind: 'at', atMs: decision.atMs }
  return { kind: 'park', recheck: decision.reason === 'brake' }
}

function rest(
  d: Destination,
  key: ObjectKey,
  o: Observation,
  decision: Extract<Rest, { kind: 'keep' }>,
): Next {
  switch (decision.reason) {
    case 'in-sync':
      if (o.object !== null) d.observer.history.verified(key, o.object.version)
      return { kind: 'done' }
    case 'foreign':
    case 'unchangeable':
      tellInTheWay(d, key, o)
      return { kind: 'done' }
    case 'unowned':
      tellMarksLost(d, o)
      return { kind: 'done' }
    case 'held':
    case 'not-distributed':
      tellUndelivered(d, o)
      tellPull(d, o)
      return { kind: 'done' }
    case 'frozen':
      tellFrozen(d, o)
      return { kind: 'done' }
    case 'pull-unavailable':
      tellPull(d, o)
      return { kind: 'done' }
    case 'origin-unreadable':
      return { kind: 'park', recheck: true }
    case 'unclaimed':
    case 'left':
    case 'limit':
    case 'lost':
    case 'namespace-terminating':
      return { kind: 'done' }
    default:
      return unreachable(decision.reason)
  }
}

function tellInTheWay(d: Destination, key: ObjectKey, o: Observation): void {
  const winner = winnerOf(o.claims, null)
  if (o.object === null || winner === null) return
  tellBlocked(d, o.object, winner.origin)
  d.tallies.note(winner.origin.key, 'blocked', key)
}

function tellMarksLost(d: Destination, o: Observation): void {
  if (o.object === null || o.marks === null) return
  const standing = standingUnder(
    o.digestKey,
    o.object,
    o.marks,
    o.claims.map((claim) => claim.origin),
  )
  tellUnowned(d, o.object, 'origin' in standing ? standing.origin : (o.claims[0]?.origin ?? null))
  const origin = o.claims[0]?.origin
  if (origin !== undefined) d.tallies.note(origin.key, 'blocked', o.object.key)
}

function tellUndelivered(d: Destination, o: Observation): void {
  const sources = o.pull?.kind === 'offered' ? [o.pull.origin] : o.claims.map((claim) => claim.origin)
  for (const origin of sources) {
    const summary = o.summaries.get(keyOf(origin))
    if (summary !== undefined) tellVerdict(d, origin, summary.verdict)
  }
}

function tellFrozen(d: Destination, o: Observation): void {
  const frozen = [o.markedConsent, ...o.claims.map((claim) => claim.consent)].find(
    (consent) => consent.kind === 'frozen',
  )
  if (frozen?.kind === 'frozen' && o.namespace !== null)
    tellConsentMalformed(d, o.namespace, frozen.annotation, frozen.reason)
}
