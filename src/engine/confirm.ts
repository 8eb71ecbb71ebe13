/** Confirms that a claim which nobody saw end has really ended, by what the API server says of the origin and the namespace now (promise 10). */

import { refOf } from '../core/names.ts'
import type { ObjectKey } from '../core/names.ts'
import type { Answers } from '../core/observation.ts'
import type { Destination } from './destination.ts'

/** One look at an origin serves all its mirrors for this long. */
const CONFIRMED_MS = 5_000

/** Origins looked at lately: a bound for the memory, not for the work. */
const CONFIRMATIONS_MAX = 10_000

/** What one GET said of an origin. `present`: it is in the store now, and the plan reads it there. */
type Look = 'absent' | 'present' | 'unreadable'

export class Confirmations {
  readonly #looks = new Map<ObjectKey, { readonly look: Promise<Look>; readonly untilMs: number }>()

  /** The answer of one shared GET, or of one that was made within {@link CONFIRMED_MS}. */
  look(d: Destination, origin: ObjectKey): Promise<Look> {
    const now = d.clock.now()
    const known = this.#looks.get(origin)
    if (known !== undefined && now < known.untilMs) return known.look
    if (this.#looks.size >= CONFIRMATIONS_MAX) this.#looks.clear()
    const look = lookAt(d, origin)
    this.#looks.set(origin, { look, untilMs: now + CONFIRMED_MS })
    return look
  }
}

/**
 * `ended`: a 404 naming the origin; or the origin read and not claiming; or the namespace read and refusing.
 * Anything else (403, 5xx, no answer) keeps the mirror.
 */
export async function confirm(
  d: Destination,
  place: ObjectKey,
  origin: ObjectKey,
): Promise<Exclude<Answers['confirmation'], null>> {
  const { namespace: name } = refOf(place)
  const namespace = await d.readNamespace(name, { signal: d.signal() })
  if (!namespace.ok) return 'unreadable'
  d.store.putNamespace(namespace.value, 'answer')
  d.observer.site.flush()
  if (d.observer.site.consent(namespace.value, refOf(origin)).kind === 'refused') return 'ended'
  const look = await d.home.confirmations.look(d, origin)
  if (look === 'unreadable') return 'unreadable'
  const view = d.observer.origins.view(origin)
  if (look === 'absent') return view === null ? 'ended' : 'claims'
  if (view === null) return 'ended'
  if (view.reading.kind === 'held') return 'claims'
  return d.observer.site.placeIn(view, namespace.value) === place ? 'claims' : 'ended'
}

async function lookAt(d: Destination, origin: ObjectKey): Promise<Look> {
  const answer = await d.home.api.readMeta(refOf(origin), { signal: d.signal() })
  if (answer.ok) {
    d.home.store.put(answer.value, 'answer')
    return 'present'
  }
  return answer.failure.kind === 'absent' ? 'absent' : 'unreadable'
}
