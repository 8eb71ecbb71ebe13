/** What the two flavours of pattern differ in; the rest of the grammar is one (`parse.ts`). */

import type { Cursor } from './cursor.ts'
import type { CharSet } from './charset.ts'
import type { Node, Times } from './syntax.ts'

/** Options in force at a place of a pattern. */
export interface Flags {
  /** `i`: case does not matter. */
  readonly fold: boolean
  /** `s`: the dot matches a newline. */
  readonly dotAll: boolean
  /** `m`: `^` and `$` hold at lines. */
  readonly multiline: boolean
  /** `U` of RE2: quantifiers are lazy unless `?` follows. */
  readonly lazy: boolean
}

export const NO_FLAGS: Flags = { fold: false, dotAll: false, multiline: false, lazy: false }

/** What stands behind an opening parenthesis. */
export type Opening =
  | { readonly kind: 'group'; readonly flags: Flags }
  | { readonly kind: 'look'; readonly flags: Flags; readonly behind: boolean; readonly negated: boolean }
  /** `(?i)` and its like: the whole of it was consumed, and the flags hold to the end of the group around. */
  | { readonly kind: 'flags'; readonly flags: Flags }

/** Readers stand behind the character that names them and refuse through the cursor. */
export interface Flavour {
  /** Consumes comments; called wherever an element or a quantifier may follow. */
  skipComments(cursor: Cursor): void
  /** Consumes an ordinary character. */
  readLiteral(cursor: Cursor): number
  /** Behind `\`: nothing, one node, or several of which a quantifier takes the last. */
  readEscape(cursor: Cursor, flags: Flags): readonly Node[]
  /** Behind `[`, to the closing bracket. */
  readClass(cursor: Cursor, flags: Flags): CharSet
  /** Behind `(`. */
  readOpening(cursor: Cursor, flags: Flags): Opening
  /** At `{`: consumes `{n,m}` and nothing else; null where the brace is an ordinary character. */
  readCount(cursor: Cursor): { readonly min: number; readonly max: number } | null
  /** Null, or why this repetition is refused. */
  judgeRepeat(body: Node, times: Times): string | null
  /** Whether `a(?i)*` repeats the `a`, rather than nothing. */
  readonly repeatsAcrossFlags: boolean
  readonly dollar: 'end' | 'end-or-last-newline'
}

/** The highest count in braces: RE2's own; .NET has none. */
export const COUNT_MAX = 1_000

export const REASONS = {
  beyondAscii: 'a character beyond ASCII cannot be matched regardless of case',
  backReference: 'back references are not supported',
  escape: 'an escape is not known',
  hex: 'an escape needs hexadecimal digits',
  property: 'a property of \\p is not known',
  range: 'a range of characters is reversed or has a class at its end',
  openClass: 'a bracket is not closed',
  groupKind: 'a group of this kind is not known',
  groupName: 'the name of a group is not legal',
  trailingBackslash: 'a pattern ends in a backslash',
} as const
