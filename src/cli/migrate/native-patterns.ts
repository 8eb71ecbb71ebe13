/**
 * Lists of regular expressions as globs that match exactly the same namespaces; what has no such form is told, never approximated.
 *
 * A namespace's name holds small letters, digits and hyphens only: any other character matches none, and a class of all of these is any.
 */

import { charsOf, DIGIT, LOWER } from '../../core/patterns/charset.ts'
import type { CharSet } from '../../core/patterns/charset.ts'
import { REFLECTOR_LISTS, REPLICATOR_LISTS } from '../../core/patterns/lists.ts'
import type { ListGrammar } from '../../core/patterns/compiled-list.ts'
import { parsePattern } from '../../core/patterns/parse.ts'
import type { Node, Place } from '../../core/patterns/syntax.ts'
import { PATTERN_LENGTH_MAX } from '../../core/braces.ts'
import { parseGlobs } from '../../core/globs.ts'

/** One character, or any number of any. */
type Token =
  | { readonly kind: 'chars'; readonly set: CharSet }
  | { readonly kind: 'star'; readonly lazy: boolean }

type Word = readonly Token[]

const NAME_CHARS = LOWER | DIGIT | charsOf('-')
const STARTS: readonly Place[] = ['start', 'line-start']
const ENDS: readonly Place[] = ['end', 'end-or-last-newline', 'line-end']
/** Words of one pattern, and tokens of one word. */
const WORDS_MAX = 256
const TOKENS_MAX = 253

/** The same list as globs, or null. */
export function globsOfReflectorList(text: string): string | null {
  return globsOf(text, REFLECTOR_LISTS)
}

/** The same list as globs, or null. */
export function globsOfReplicatorList(text: string): string | null {
  return globsOf(text, REPLICATOR_LISTS)
}

function globsOf(text: string, { flavour, prepare, rule }: ListGrammar): string | null {
  const readings: Reading[] = []
  for (const item of new Set(text.split(',').map((each) => each.trim()))) {
    if (item === '') continue
    const node = parsePattern(prepare(item), flavour)
    if (!node.ok) return null
    const reading = readPattern(node.value, rule)
    if (reading === null) return null
    readings.push(reading)
  }
  return isApart(readings) ? write(readings) : null
}

/** What a pattern matches: any of `included` and none of `excluded`. */
interface Reading {
  readonly included: readonly Word[]
  readonly excluded: readonly Word[]
}

function readPattern(node: Node, rule: ListGrammar['rule']): Reading | null {
  if (node.kind === 'choice' && (rule === 'whole' || node.branches.every(isClosed)))
    return readBranches(node.branches)
  return readBranch(node, rule)
}

/** Branches that each match a whole name or nothing are items of a list. */
function readBranches(branches: readonly Node[]): Reading | null {
  const readings = branches.map((branch) => readBranch(branch, 'whole'))
  if (!readings.every((reading) => reading !== null) || !isApart(readings)) return null
  return {
    included: readings.flatMap(({ included }) => included),
    excluded: readings.flatMap(({ excluded }) => excluded),
  }
}

function isClosed(branch: Node): boolean {
  return isPlace(branch.kind === 'sequence' ? branch.parts.at(-1) : branch, ENDS)
}

function readBranch(node: Node, rule: ListGrammar['rule']): Reading | null {
  const parts = node.kind === 'sequence' ? node.parts : [node]
  const from = isPlace(parts[0], STARTS) ? 1 : 0
  const to = isPlace(parts.at(-1), ENDS) && parts.length > from ? parts.length - 1 : parts.length
  const inner = parts.slice(from, to)
  const looks = inner.findIndex((part) => part.kind !== 'look')
  const excluded: Word[] = []
  for (const look of looks === -1 ? inner : inner.slice(0, looks)) {
    if (look.kind !== 'look' || look.behind || !look.negated) return null
    const words = prefixesOf(look.body)
    if (words === null) return null
    excluded.push(...words)
  }
  const rest = looks === -1 ? [] : inner.slice(looks)
  const words = wordsOf({ kind: 'sequence', parts: rest, nullable: false })
  if (words === null) return null
  const included = rule === 'whole' || to < parts.length ? words : firstFound(words)
  return included === null ? null : { included, excluded }
}

/** Names that begin so, or that are so where the branch ends with its own anchor. */
function prefixesOf(body: Node): readonly Word[] | null {
  const branches = body.kind === 'choice' ? body.branches : [body]
  const all: Word[] = []
  for (const branch of branches) {
    const parts = branch.kind === 'sequence' ? branch.parts : [branch]
    const from = isPlace(parts[0], STARTS) ? 1 : 0
    const to = isClosed(branch) ? parts.length - 1 : parts.length
    const words = wordsOf({ kind: 'sequence', parts: parts.slice(from, to), nullable: false })
    if (words === null) return null
    const tail: Word = isClosed(branch) ? [] : [{ kind: 'star', lazy: false }]
    all.push(...words.map((word) => joined(word, tail)))
  }
  return all
}

/**
 * Without an anchor at the end, the match that is found first counts. One word with greedy stars finds the longest first. Among words without
 * stars, one that begins with an earlier one is never found. Anything else is not judged.
 */
function firstFound(words: readonly Word[]): readonly Word[] | null {
  const [only] = words
  if (words.length === 1 && only !== undefined)
    return only.every((token) => token.kind === 'chars' || !token.lazy) ? words : null
  const texts = words.map(literalOf)
  if (texts.includes(null)) return null
  return words.filter((_, at) => {
    const text = texts[at] ?? ''
    return !texts
      .slice(0, at)
      .some((earlier) => earlier !== null && text !== earlier && text.startsWith(earlier))
  })
}

function literalOf(word: Word): string | null {
  const chars = word.map((token) => (token.kind === 'chars' ? charOf(token.set) : null))
  return chars.includes(null) ? null : chars.join('')
}

function charOf(set: CharSet): string | null {
  const all = membersOf(set)
  return all.length === 1 ? all : null
}

function membersOf(set: CharSet): string {
  return 'abcdefghijklmnopqrstuvwxyz0123456789-'
    .split('')
    .filter((char) => (set & charsOf(char)) !== 0n)
    .join('')
}

/** Every word that the node stands for, in the order in which its tool tries them; null: they are not finite, or too many. */
function wordsOf(node: Node): readonly Word[] | null {
  switch (node.kind) {
    case 'text':
      return textWords(node.text)
    case 'set':
      return charWords(node.set)
    case 'assertion':
    case 'look':
      return null
    case 'choice':
      return choiceWords(node.branches)
    case 'repeat':
      return repeatWords(node.body, node.times)
    case 'sequence':
      return sequenceWords(node.parts)
  }
}

/** Where either case is meant, the text is in small letters already, as names are. */
function textWords(text: string): readonly Word[] {
  const sets = text.split('').map((char) => charsOf(char) & NAME_CHARS)
  return sets.includes(0n) ? [] : [sets.map((set) => ({ kind: 'chars', set }))]
}

/** A character that no name holds leaves no word. */
function charWords(set: CharSet): readonly Word[] {
  const held = set & NAME_CHARS
  return held === 0n ? [] : [[{ kind: 'chars', set: held }]]
}

function choiceWords(branches: readonly Node[]): readonly Word[] | null {
  const all: Word[] = []
  for (const branch of branches) {
    const words = wordsOf(branch)
    if (words === null || all.length + words.length > WORDS_MAX) return null
    all.push(...words)
  }
  return all
}

function sequenceWords(parts: readonly Node[]): readonly Word[] | null {
  let heads: readonly Word[] = [[]]
  for (const part of parts) {
    const tails = wordsOf(part)
    if (tails === null || heads.length * tails.length > WORDS_MAX) return null
    heads = heads.flatMap((head) => tails.map((tail) => joined(head, tail)))
    if (heads.some((head) => head.length > TOKENS_MAX)) return null
  }
  return heads
}

type Times = Extract<Node, { kind: 'repeat' }>['times']

function repeatWords(body: Node, { min, max, lazy }: Times): readonly Word[] | null {
  if (min > TOKENS_MAX) return null
  if (max === Infinity) {
    if (body.kind !== 'set' || (body.set & NAME_CHARS) !== NAME_CHARS) return null
    const any: Token = { kind: 'chars', set: NAME_CHARS }
    return [[...Array.from({ length: min }, () => any), { kind: 'star', lazy }]]
  }
  if (max > WORDS_MAX) return null
  const counts = Array.from({ length: max - min + 1 }, (_, at) => (lazy ? min + at : max - at))
  return choiceWords(
    counts.map((count) => ({
      kind: 'sequence',
      parts: Array.from({ length: count }, () => body),
      nullable: false,
    })),
  )
}

function joined(head: Word, tail: Word): Word {
  const [first, ...rest] = tail
  const last = head.at(-1)
  if (first?.kind !== 'star' || last?.kind !== 'star') return [...head, ...tail]
  return [...head.slice(0, -1), { kind: 'star', lazy: first.lazy || last.lazy }, ...rest]
}

function isPlace(node: Node | undefined, places: readonly Place[]): boolean {
  return node?.kind === 'assertion' && places.includes(node.place)
}

/** An exclusion of ours binds the whole list: it must leave alone what the other items name. */
function isApart(readings: readonly Reading[]): boolean {
  return readings.every(({ excluded }, at) => {
    if (excluded.length === 0) return true
    const globs = parseGlobs(excluded.map(globOf).join(', '))
    if (!globs.ok) return false
    return readings.every(({ included }, other) => {
      if (other === at) return true
      return included.every((word) => {
        const text = literalOf(word)
        return text !== null && !globs.value.matches(text)
      })
    })
  })
}

function write(readings: readonly Reading[]): string | null {
  const included = readings.flatMap((reading) => reading.included)
  const excluded = readings.flatMap((reading) => reading.excluded)
  const text = [...listOf(included, ''), ...listOf(excluded, '!')].join(', ')
  return parseGlobs(text).ok ? text : null
}

/** More plain names than a list may have items are put into braces. */
const PLAIN_ITEMS_MAX = 24
const BRACED_NAMES_MAX = 48

function listOf(words: readonly Word[], sign: string): readonly string[] {
  const names = [...new Set(words.flatMap((word) => literalOf(word) ?? []).filter((name) => name !== ''))]
  const globs = [...new Set(words.filter((word) => literalOf(word) === null).map(globOf))]
  const items = names.length > PLAIN_ITEMS_MAX ? braced(names) : names
  return [...items, ...globs].map((item) => sign + item)
}

function braced(names: readonly string[]): readonly string[] {
  const items: string[] = []
  let group: string[] = []
  const flush = (): void => {
    const [only] = group
    if (group.length > 1) items.push(`{${group.join(',')}}`)
    else if (only !== undefined) items.push(only)
    group = []
  }
  for (const name of names) {
    const length = group.reduce((sum, each) => sum + each.length + 1, 1) + name.length
    if (group.length === BRACED_NAMES_MAX || length > PATTERN_LENGTH_MAX - 1) flush()
    group.push(name)
  }
  flush()
  return items
}

/** A bare list of names, as globs. */
export function globsOfNames(names: readonly string[]): string {
  return (names.length > PLAIN_ITEMS_MAX ? braced(names) : names).join(', ')
}

function globOf(word: Word): string {
  return word.map((token) => (token.kind === 'star' ? '*' : classOf(token.set))).join('')
}

function classOf(set: CharSet): string {
  const members = membersOf(set)
  if (members.length === 1) return members
  if ((set & NAME_CHARS) === NAME_CHARS) return '?'
  return `[${members}]`
}
