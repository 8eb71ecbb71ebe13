/**
 * Lists of glob patterns over names: `team-*, {a,b}-db, !team-x`.
 *
 * A list is split at commas outside braces and brackets. A pattern is anchored to the whole text and case-sensitive; `*` and `?` match any
 * character, `/` and a leading dot included. `!pattern` excludes and always wins; exclusions alone match nothing, and neither does a blank list.
 * Patterns come from tenants: everything about them is bounded, more is a bad value and never a silent cut.
 */

import { Minimatch } from 'minimatch'

import { memoised } from '../std/memo.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import { EXTENDED_GLOB, expandPattern } from './braces.ts'
import type { Alternative, ClassRange, GlobToken } from './braces.ts'

/** Patterns of one list, exclusions included, empty items left out. */
export const PATTERNS_MAX = 64
/** Characters of one list: its patterns at their longest, with blanks to spare. */
export const LIST_LENGTH_MAX = 32_768
/** Characters of all alternatives of one list. */
export const EXPANDED_LENGTH_MAX = 65_536
/** Alternatives of one list that need the general matcher: a class, a `?`, or a star between two others. */
export const GENERAL_ALTERNATIVES_MAX = 64
/** Characters of a text to match: longer than any name, key or path of names. A longer text matches nothing. */
export const TEXT_LENGTH_MAX = 1_024

export interface Globs {
  /** At least one including pattern was given: something could match. */
  readonly includes: boolean
  /** The texts that are listed as they are, without what is excluded. */
  readonly literals?: readonly string[]
  matches(text: string): boolean
}

/** One item of a list, its braces written out. */
export interface GlobPattern {
  readonly excluded: boolean
  readonly alternatives: readonly Alternative[]
}

/** The list that matches nothing. */
export const NO_GLOBS: Globs = compileGlobs([])

/** Parses a list; the failure is a fixed reason that quotes nothing. Equal texts give one shared object while they are remembered. */
export function parseGlobs(text: string): Result<Globs, string> {
  return parseRemembered(text).globs
}

const parseRemembered = memoised(
  (text) => {
    const patterns = parsePatterns(text)
    if (!patterns.ok) return { globs: patterns, bytes: 0 }
    return { globs: ok(compileGlobs(patterns.value)), bytes: sizeOf(patterns.value) }
  },
  { entriesMax: 4_096, weightMax: 16 * 1_048_576, weigh: (text, { bytes }) => 512 + 2 * text.length + bytes },
)

/** Roughly what a compiled list keeps: strings and closures, and more for each general matcher. */
function sizeOf(patterns: readonly GlobPattern[]): number {
  const sizes = patterns.flatMap(({ alternatives }) =>
    alternatives.map((alternative) => 256 + (shapeOf(alternative) === null ? 32 : 2) * alternative.length),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** The patterns of a list before they are compiled, for callers that give single alternatives another meaning. */
export function parsePatterns(text: string): Result<readonly GlobPattern[], string> {
  if (text.length > LIST_LENGTH_MAX) return failed(`a list may have at most ${LIST_LENGTH_MAX} characters`)
  const items = splitList(text)
  if (items.length > PATTERNS_MAX) return failed(`a list may hold at most ${PATTERNS_MAX} patterns`)
  const patterns: GlobPattern[] = []
  for (const item of items) {
    if (item.startsWith('!(')) return failed(EXTENDED_GLOB)
    const excluded = item.startsWith('!')
    const alternatives = expandPattern(excluded ? item.slice(1).trim() : item)
    if (!alternatives.ok) return alternatives
    patterns.push({ excluded, alternatives: alternatives.value })
  }
  const all = patterns.flatMap((pattern) => pattern.alternatives)
  if (all.reduce((sum, alternative) => sum + alternative.length, 0) > EXPANDED_LENGTH_MAX) {
    return failed(`a list may stand for at most ${EXPANDED_LENGTH_MAX} characters`)
  }
  if (all.filter((alternative) => shapeOf(alternative) === null).length > GENERAL_ALTERNATIVES_MAX) {
    return failed(
      `a list may stand for at most ${GENERAL_ALTERNATIVES_MAX} patterns with ?, classes or inner stars`,
    )
  }
  return ok(patterns)
}

/** One matcher from parsed patterns; their order does not matter. */
export function compileGlobs(patterns: readonly GlobPattern[]): Globs {
  const including = patterns.filter((pattern) => !pattern.excluded)
  const isIncluded = anyOf(including.flatMap((pattern) => pattern.alternatives))
  const isExcluded = anyOf(
    patterns.filter((pattern) => pattern.excluded).flatMap((pattern) => pattern.alternatives),
  )
  const matches: Test = (text) => text.length <= TEXT_LENGTH_MAX && isIncluded(text) && !isExcluded(text)
  return {
    includes: including.length > 0,
    literals: literalsOf(including).filter(matches),
    matches,
  }
}

function literalsOf(patterns: readonly GlobPattern[]): readonly string[] {
  const shapes = patterns.flatMap(({ alternatives }) => alternatives.map((each) => shapeOf(each)))
  return shapes.flatMap((shape) => (shape?.kind === 'literal' ? [shape.text] : []))
}

/** Items of a list, trimmed, empty ones left out. Braces that do not balance stay in their item, whose parser refuses them. */
function splitList(text: string): string[] {
  const items: string[] = []
  let start = 0
  let depth = 0
  let inClass = false
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charAt(i)
    if (inClass) inClass = char !== ']'
    else if (char === '[') inClass = true
    else if (char === '{') depth += 1
    else if (char === '}') depth = Math.max(0, depth - 1)
    else if (char === ',' && depth === 0) {
      items.push(text.slice(start, i))
      start = i + 1
    }
  }
  items.push(text.slice(start))
  return items.map((item) => item.trim()).filter((item) => item !== '')
}

type Test = (text: string) => boolean

/** What the plain string functions can answer: literals around at most one star, or inside two. Null: the general matcher. */
type Shape =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'ends'; readonly head: string; readonly tail: string }
  | { readonly kind: 'contains'; readonly text: string }

function shapeOf(alternative: Alternative): Shape | null {
  const pieces: string[] = ['']
  for (const token of alternative) {
    if (token.kind === 'any' || token.kind === 'class') return null
    if (token.kind === 'star') pieces.push('')
    else pieces[pieces.length - 1] += token.char
  }
  const [first = '', second = '', third = ''] = pieces
  if (pieces.length === 1) return { kind: 'literal', text: first }
  if (pieces.length === 2) return { kind: 'ends', head: first, tail: second }
  return pieces.length === 3 && first === '' && third === '' ? { kind: 'contains', text: second } : null
}

function anyOf(alternatives: readonly Alternative[]): Test {
  const literals = new Set<string>()
  const tests: Test[] = []
  for (const alternative of alternatives) {
    const shape = shapeOf(alternative)
    if (shape?.kind === 'literal') literals.add(shape.text)
    else tests.push(shape === null ? generalTest(alternative) : plainTest(shape))
  }
  return (text) => literals.has(text) || tests.some((matches) => matches(text))
}

function plainTest(shape: Exclude<Shape, { kind: 'literal' }>): Test {
  if (shape.kind === 'contains') return (text) => text.includes(shape.text)
  const { head, tail } = shape
  const lengthMin = head.length + tail.length
  return (text) => text.length >= lengthMin && text.startsWith(head) && text.endsWith(tail)
}

const MINIMATCH_OPTIONS = {
  nocomment: true,
  nonegate: true,
  nobrace: true,
  noext: true,
  noglobstar: true,
  dot: true,
  platform: 'linux',
} as const

/** minimatch splits at `/`: pattern and text carry this character instead, which a pattern cannot hold otherwise. */
const SLASH = '\u0001'
/** Before pattern and text alike, so that an empty text and the names `.` and `..` are nothing special to minimatch. */
const START = '^'

function generalTest(alternative: Alternative): Test {
  const lengthMin = alternative.filter((token) => token.kind !== 'star').length
  const minimatch = new Minimatch(START + alternative.map(minimatchText).join(''), MINIMATCH_OPTIONS)
  return (text) => text.length >= lengthMin && minimatch.match(START + text.replaceAll('/', SLASH))
}

function minimatchText(token: GlobToken): string {
  switch (token.kind) {
    case 'star':
      return '*'
    case 'any':
      return '?'
    case 'char':
      return token.char === '/' ? SLASH : token.char
    case 'class':
      return `[${token.negated ? '!' : ''}${token.ranges.map(minimatchRange).join('')}]`
  }
}

/** A range as minimatch reads it; a slash at one of its ends or between them is put beside it. */
function minimatchRange({ from, to }: ClassRange): string {
  if (to < '/' || '/' < from) return from === to ? escaped(from) : `${escaped(from)}-${escaped(to)}`
  const before = from < '/' ? `${escaped(from)}-\\.` : ''
  const after = '/' < to ? `0-${escaped(to)}` : ''
  return before + after + SLASH
}

function escaped(char: string): string {
  return /[A-Za-z0-9]/.test(char) ? char : `\\${char}`
}
