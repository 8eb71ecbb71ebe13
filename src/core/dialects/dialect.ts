/** What a vocabulary of annotations must answer. */

import type { Annotated } from '../eligibility.ts'
import type { Reading } from '../policy.ts'
import type { Rules } from '../rules.ts'

/** One vocabulary of annotations. */
export interface Dialect {
  readonly name: string
  /** Whether the object bears a key of this dialect that makes it an origin, whatever its value. */
  claims(meta: Annotated, rules: Rules): boolean
  /** What the annotations of an object that {@link claims} mean. Total: every bad value becomes a flaw. */
  read(meta: Annotated, rules: Rules): Reading
}
