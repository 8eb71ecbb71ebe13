/** The dialects in the order in which they are asked: the first with a claiming key on the object says what it means. */

import { originEligibility } from '../eligibility.ts'
import type { Annotated } from '../eligibility.ts'
import type { Reading } from '../policy.ts'
import type { Rules } from '../rules.ts'
import type { Dialect } from './dialect.ts'
import { heliograph } from './heliograph.ts'

export const DIALECTS: readonly Dialect[] = [heliograph]

/** What the annotations of `meta` mean; `none` also for objects that may never be origins, whatever is written on them. */
export function readOrigin(meta: Annotated, rules: Rules): Reading {
  const dialect = DIALECTS.find((one) => one.claims(meta, rules))
  if (dialect === undefined || originEligibility(meta, rules) !== null) return { kind: 'none' }
  return dialect.read(meta, rules)
}

/** Whether offers on `meta` are ignored because it is a mirror of either form: worth a Warning on a pull mirror. */
export function ignoresOffers(meta: Annotated, rules: Rules): boolean {
  return DIALECTS.some((one) => one.claims(meta, rules)) && originEligibility(meta, rules) === 'mirror'
}
