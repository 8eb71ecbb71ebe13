/** The namespace lists of reflector and replicator, each matched by its own rule. */

import { memoised } from '../../std/memo.ts'
import { ok } from '../../std/result.ts'
import type { Result } from '../../std/result.ts'
import { bytesOf, compileList, matchCounted } from './compiled-list.ts'
import type { ListGrammar } from './compiled-list.ts'
import { DOTNET } from './dotnet.ts'
import { RE2 } from './re2.ts'

export interface NamePatterns {
  matches(name: string): boolean
}

export const REFLECTOR_LISTS: ListGrammar = { flavour: DOTNET, rule: 'first-length', prepare: (item) => item }

export const REPLICATOR_LISTS: ListGrammar = {
  flavour: RE2,
  rule: 'whole',
  prepare: (item) => item.replace(/^\^?\*/, '.*'),
}

const parseReflector = remembered(REFLECTOR_LISTS)
const parseReplicator = remembered(REPLICATOR_LISTS)

/**
 * Patterns of .NET: one holds for a name if the match that is found first is as long as the name, so `a|ab` does not hold for `ab`.
 * A list of commas and blanks matches nothing. Equal texts give one shared object while they are remembered; the failure is a fixed
 * reason that quotes nothing.
 */
export function parseReflectorList(text: string): Result<NamePatterns, string> {
  return parseReflector(text).patterns
}

/**
 * Patterns of RE2, each matched against the whole name; a leading `*` or `^*` stands for `.*`. An empty list matches nothing.
 * Equal texts give one shared object while they are remembered; the failure is a fixed reason that quotes nothing.
 */
export function parseReplicatorList(text: string): Result<NamePatterns, string> {
  return parseReplicator(text).patterns
}

interface Parsed {
  readonly patterns: Result<NamePatterns, string>
  readonly bytes: number
}

function remembered(grammar: ListGrammar): (text: string) => Parsed {
  return memoised(
    (text) => {
      const list = compileList(text, grammar)
      if (!list.ok) return { patterns: list, bytes: 0 }
      const matches = (name: string): boolean => matchCounted(list.value, name).matches
      return { patterns: ok({ matches }), bytes: bytesOf(list.value) }
    },
    {
      entriesMax: 4_096,
      weightMax: 16 * 1_048_576,
      weigh: (text, { bytes }) => 512 + 2 * text.length + bytes,
    },
  )
}
