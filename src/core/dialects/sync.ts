/** The dialect of the hand-written controller of many blog posts: `sync.example.com/enabled` and `targets`. It leaves no marks. */

import { parseGlobs } from '../globs.ts'
import { NO_MARKS, NO_OFFER } from './dialect.ts'
import type { Dialect } from './dialect.ts'

export const sync: Dialect = {
  name: 'sync',
  prefix: ({ dialects }) => (dialects.read.has('sync') ? dialects.prefixes.sync : null),
  claimingKeys: ['enabled'],
  read(_, sheet) {
    if (!sheet.foreignBoolean('enabled', parseBoolean, false)) return NO_OFFER
    return { ...NO_OFFER, targets: sheet.read('targets', parseGlobs), copies: 'metadata' }
  },
  ask: () => null,
  ...NO_MARKS,
}

function parseBoolean(text: string): boolean | null {
  if (text === 'true') return true
  return text === 'false' ? false : null
}
