/**
 * Reads one glob pattern and writes out its braces: `a-{b,c}` becomes `a-b` and `a-c`, counted before anything is built.
 * What remains special in an alternative is `*`, `?` and `[…]` alone.
 */

import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'

/** Alternatives of one pattern, after its braces are written out. */
export const ALTERNATIVES_MAX = 64
/** Characters of one pattern, its leading `!` left out. */
export const PATTERN_LENGTH_MAX = 253
/** Stars of one alternative. */
export const STARS_MAX = 16

/** Why `+(a)` and its like are refused, `!(a)` included: it would read as the exclusion of a name that nothing can have. */
export const EXTENDED_GLOB = 'extended globs such as +(a) are not supported'

/** A piece of an alternative: a literal character, a wildcard, or a class that stands for one character. */
export type GlobToken =
  | { readonly kind: 'char'; readonly char: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'star' }
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly ClassRange[] }

/** Both ends belong to it; a single character has equal ends. */
export interface ClassRange {
  readonly from: string
  readonly to: string
}

export type Alternative = readonly GlobToken[]

/** A brace group holds sequences, a sequence holds tokens and groups. */
type Sequence = readonly (GlobToken | { readonly kind: 'group'; readonly members: readonly Sequence[] })[]

interface Cursor {
  readonly text: string
  at: number
}

/**
 * The alternatives of `text`, at most {@link ALTERNATIVES_MAX}; the failure is a fixed reason that quotes nothing.
 * A backslash is refused, not read as an escape: no name holds a character that would need one.
 */
export function expandPattern(text: string): Result<readonly Alternative[], string> {
  const flaw = flawOfText(text)
  if (flaw !== null) return failed(flaw)
  const cursor: Cursor = { text, at: 0 }
  const sequence = readSequence(cursor, 0)
  if (!sequence.ok) return sequence
  if (countOf(sequence.value) > ALTERNATIVES_MAX) {
    return failed(`a pattern may stand for at most ${ALTERNATIVES_MAX} alternatives`)
  }
  const alternatives = expand(sequence.value)
  for (const alternative of alternatives) {
    const bad = flawOfAlternative(alternative)
    if (bad !== null) return failed(bad)
  }
  return ok(alternatives)
}

function flawOfText(text: string): string | null {
  if (text === '') return 'a pattern is missing after !'
  if (text.length > PATTERN_LENGTH_MAX) return `a pattern may have at most ${PATTERN_LENGTH_MAX} characters`
  if (/[^\x20-\x7e]/.test(text)) return 'a pattern may hold printable ASCII characters only'
  if (text.includes('\\')) return 'a backslash is not supported in patterns'
  if (text.includes('#')) return '# is not supported in patterns'
  if (text.startsWith('!')) return 'a pattern may begin with one ! only'
  if (/[?*+@!]\(/.test(text)) return EXTENDED_GLOB
  return null
}

function flawOfAlternative(alternative: Alternative): string | null {
  let stars = 0
  let previous: GlobToken | null = null
  for (const token of alternative) {
    if (token.kind === 'star') {
      if (previous?.kind === 'star') return '** is not supported'
      stars += 1
    }
    previous = token
  }
  return stars > STARS_MAX ? `a pattern may hold at most ${STARS_MAX} stars` : null
}

/** Reads until the end of the text or, inside braces, until the comma or brace that ends the member, which stays unread. */
function readSequence(cursor: Cursor, depth: number): Result<Sequence, string> {
  const parts: Sequence[number][] = []
  while (cursor.at < cursor.text.length) {
    const char = cursor.text.charAt(cursor.at)
    if (depth > 0 && (char === ',' || char === '}')) return ok(parts)
    if (char === '}' || char === ']') return failed('brackets and braces must be balanced')
    const part = readPart(char, cursor, depth)
    if (!part.ok) return part
    parts.push(part.value)
  }
  return depth > 0 ? failed('brackets and braces must be balanced') : ok(parts)
}

function readPart(char: string, cursor: Cursor, depth: number): Result<Sequence[number], string> {
  if (char === '{') return readGroup(cursor, depth)
  return char === '[' ? readClass(cursor) : ok(readPlain(cursor))
}

function readPlain(cursor: Cursor): GlobToken {
  const char = cursor.text.charAt(cursor.at)
  cursor.at += 1
  if (char === '*') return { kind: 'star' }
  return char === '?' ? { kind: 'any' } : { kind: 'char', char }
}

function readGroup(cursor: Cursor, depth: number): Result<Sequence[number], string> {
  const members: Sequence[] = []
  do {
    cursor.at += 1
    const member = readSequence(cursor, depth + 1)
    if (!member.ok) return member
    members.push(member.value)
  } while (cursor.text.charAt(cursor.at) === ',')
  cursor.at += 1
  const [only] = members
  if (members.length === 1 && only !== undefined) {
    return failed(
      isRange(only) ? 'ranges such as {1..9} are not supported' : 'braces must hold two or more alternatives',
    )
  }
  return ok({ kind: 'group', members })
}

function isRange(sequence: Sequence): boolean {
  return sequence.some((part, i) => isDot(part) && isDot(sequence[i + 1]))
}

function isDot(part: Sequence[number] | undefined): boolean {
  return part?.kind === 'char' && part.char === '.'
}

/** `[abc]`, `[a-z]`, `[!a-z]`, `[^a-z]`. POSIX classes are refused with every other `[` inside. */
function readClass(cursor: Cursor): Result<GlobToken, string> {
  const end = cursor.text.indexOf(']', cursor.at)
  if (end < 0) return failed('brackets and braces must be balanced')
  const body = cursor.text.slice(cursor.at + 1, end)
  cursor.at = end + 1
  const negated = body.startsWith('!') || body.startsWith('^')
  const items = negated ? body.slice(1) : body
  if (items === '') return failed('a character class may not be empty')
  if (items.includes('[')) return failed('a character class may not hold [')
  const ranges: ClassRange[] = []
  for (let i = 0; i < items.length; i += 1) {
    const from = items.charAt(i)
    const isSpan = items.charAt(i + 1) === '-' && i + 2 < items.length
    const to = isSpan ? items.charAt(i + 2) : from
    if (to < from) return failed('a range in a character class runs backwards')
    ranges.push({ from, to })
    if (isSpan) i += 2
  }
  return ok({ kind: 'class', negated, ranges })
}

/** How many alternatives a sequence stands for; any number above the bound is as good as another. */
function countOf(sequence: Sequence): number {
  let product = 1
  for (const part of sequence) {
    if (part.kind !== 'group') continue
    const sum = part.members.reduce((total, member) => total + countOf(member), 0)
    product = Math.min(product * sum, ALTERNATIVES_MAX + 1)
  }
  return product
}

function expand(sequence: Sequence): Alternative[] {
  let heads: GlobToken[][] = [[]]
  for (const part of sequence) {
    if (part.kind === 'group') {
      const tails = part.members.flatMap(expand)
      heads = heads.flatMap((head) => tails.map((tail) => [...head, ...tail]))
    } else {
      for (const head of heads) head.push(part)
    }
  }
  return heads
}
