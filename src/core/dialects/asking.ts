/** What makes a request to be filled good or flawed, in every dialect. */

import type { Annotated } from '../eligibility.ts'
import { parsePath } from '../names.ts'
import type { Ask } from '../policy.ts'

/** Whether the namespace may ask at all is the consent's business. */
export function askOf(meta: Annotated, asked: Omit<Ask, 'origin' | 'reason'>): Ask {
  const path = parsePath(asked.text)
  if (path === null) return { ...asked, origin: null, reason: 'must be namespace/name' }
  if (path.namespace === meta.namespace && path.name === meta.name)
    return { ...asked, origin: null, reason: 'an object cannot be filled from itself' }
  return { ...asked, origin: { kind: meta.kind, ...path }, reason: null }
}
