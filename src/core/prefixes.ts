/** Which keys belong to a dialect, ours or another tool's. */

import { FOREIGN_DIALECTS } from './rules.ts'
import type { Rules } from './rules.ts'

/** Everything under any dialect's prefix is between its tool and one object: never given to another. */
export function isDialectKey(key: string, { prefix, dialects }: Rules): boolean {
  return key.startsWith(prefix) || FOREIGN_DIALECTS.some((name) => key.startsWith(dialects.prefixes[name]))
}
