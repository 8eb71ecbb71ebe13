/** Reads a pattern of either flavour into a tree, or says why it is refused. */

import { failed, ok } from '../../std/result.ts'
import type { Result } from '../../std/result.ts'
import { EVERYTHING, charsOf, without } from './charset.ts'
import { cursorOn, isAtEnd, peek, refuse, take, takes } from './cursor.ts'
import type { Cursor } from './cursor.ts'
import { COUNT_MAX, NO_FLAGS, REASONS } from './flavour.ts'
import type { Flags, Flavour } from './flavour.ts'
import { character, choice, repeat, sequence } from './syntax.ts'
import type { Node, Place, Times } from './syntax.ts'

/** Characters of one pattern. */
export const PATTERN_LENGTH_MAX = 1_024
/** Groups inside each other. */
export const NESTING_MAX = 32

/** The failure is a fixed reason that quotes nothing. */
export function parsePattern(text: string, flavour: Flavour): Result<Node, string> {
  if (text.length > PATTERN_LENGTH_MAX)
    return failed(`a pattern may have at most ${PATTERN_LENGTH_MAX} characters`)
  const cursor = cursorOn(text)
  const node = readChoice({ cursor, flavour, depth: 0 }, NO_FLAGS)
  if (!isAtEnd(cursor)) refuse(cursor, 'a closing parenthesis has no opening one')
  return cursor.reason === null ? ok(node) : failed(cursor.reason)
}

interface Reader {
  readonly cursor: Cursor
  readonly flavour: Flavour
  readonly depth: number
}

/** Branches up to the end of the group; flags that are set in one hold in those after it. */
function readChoice(reader: Reader, flags: Flags): Node {
  const branches: Node[] = []
  let scope = flags
  do {
    const branch = readSequence(reader, scope)
    branches.push(branch.node)
    scope = branch.flags
  } while (takes(reader.cursor, '|'))
  return choice(branches)
}

/** Whether a quantifier may follow: after nothing it may not, nor after another one. */
type Before = 'nothing' | 'unit' | 'repeat'

function readSequence(reader: Reader, flags: Flags): { readonly node: Node; readonly flags: Flags } {
  const { cursor, flavour } = reader
  const parts: Node[] = []
  let scope = flags
  let before: Before = 'nothing'
  for (;;) {
    flavour.skipComments(cursor)
    if (isAtEnd(cursor) || peek(cursor) === '|' || peek(cursor) === ')') break
    const times = readTimes(reader, scope)
    if (times !== null) {
      repeatLast(reader, parts, { before, times })
      before = 'repeat'
      continue
    }
    const element = readElement(reader, scope)
    parts.push(...element.nodes)
    scope = element.flags
    if (element.nodes.length > 0) before = 'unit'
    else before = flavour.repeatsAcrossFlags && parts.length > 0 ? 'unit' : 'nothing'
  }
  return { node: sequence(parts), flags: scope }
}

function repeatLast(
  reader: Reader,
  parts: Node[],
  { before, times }: { before: Before; times: Times },
): void {
  const { cursor, flavour } = reader
  const body = parts.pop()
  if (before === 'repeat') return refuse(cursor, 'a quantifier follows another one')
  if (before === 'nothing' || body === undefined) return refuse(cursor, 'a quantifier follows nothing')
  const reason = flavour.judgeRepeat(body, times)
  if (reason !== null) return refuse(cursor, reason)
  parts.push(repeat(body, times))
}

/** A quantifier, if one stands here. */
function readTimes({ cursor, flavour }: Reader, flags: Flags): Times | null {
  const sign = peek(cursor)
  const counted = sign === '{' ? flavour.readCount(cursor) : null
  if (counted === null && sign !== '*' && sign !== '+' && sign !== '?') return null
  if (counted === null) take(cursor)
  const { min, max } = counted ?? { min: sign === '+' ? 1 : 0, max: sign === '?' ? 1 : Infinity }
  if (min > COUNT_MAX || (max > COUNT_MAX && max !== Infinity))
    refuse(cursor, `a count may be at most ${COUNT_MAX}`)
  if (min > max) refuse(cursor, 'a count is reversed')
  flavour.skipComments(cursor)
  const lazy = takes(cursor, '?') !== flags.lazy
  return { min, max, lazy, counted: counted !== null }
}

interface Element {
  readonly nodes: readonly Node[]
  readonly flags: Flags
}

function readElement(reader: Reader, flags: Flags): Element {
  const { cursor, flavour } = reader
  switch (peek(cursor)) {
    case '(':
      take(cursor)
      return readGroup(reader, flags)
    case '[':
      take(cursor)
      return { nodes: [{ kind: 'set', set: flavour.readClass(cursor, flags) }], flags }
    case '\\':
      take(cursor)
      if (isAtEnd(cursor)) refuse(cursor, REASONS.trailingBackslash)
      return { nodes: flavour.readEscape(cursor, flags), flags }
    case '.':
      take(cursor)
      return { nodes: [{ kind: 'set', set: flags.dotAll ? EVERYTHING : NOT_NEWLINE }], flags }
    case '^':
      take(cursor)
      return placed(flags.multiline ? 'line-start' : 'start', flags)
    case '$':
      take(cursor)
      return placed(flags.multiline ? 'line-end' : flavour.dollar, flags)
    default:
      return { nodes: [foldable(cursor, flavour.readLiteral(cursor), flags)], flags }
  }
}

const NOT_NEWLINE = without(EVERYTHING, charsOf('\n'))

function placed(place: Place, flags: Flags): Element {
  return { nodes: [{ kind: 'assertion', place }], flags }
}

/** One character under the flags; regardless of case, one beyond ASCII could stand for an ASCII letter and is refused. */
export function foldable(cursor: Cursor, code: number, { fold }: Flags): Node {
  if (fold && code > 127) refuse(cursor, REASONS.beyondAscii)
  return character(code, fold)
}

function readGroup(reader: Reader, flags: Flags): Element {
  const { cursor, flavour, depth } = reader
  if (depth === NESTING_MAX) refuse(cursor, `groups may stand in each other at most ${NESTING_MAX} deep`)
  const opening = flavour.readOpening(cursor, flags)
  if (opening.kind === 'flags') return { nodes: [], flags: opening.flags }
  const body = readChoice({ cursor, flavour, depth: depth + 1 }, opening.flags)
  if (!takes(cursor, ')')) refuse(cursor, 'a parenthesis is not closed')
  if (opening.kind === 'group') return { nodes: [body], flags }
  return { nodes: [{ kind: 'look', behind: opening.behind, negated: opening.negated, body }], flags }
}
