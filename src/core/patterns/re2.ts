/**
 * The flavour of RE2 as Go's regexp package reads it, within ASCII.
 *
 * What Go refuses is refused: lookaround, back references, `\Z`, `\C`, comments, quantifiers after quantifiers. Names that only its newer releases know
 * (`\p{Letter}`, `\p{greek}`) are refused as well.
 */

import { EVERYTHING, charsOf, DIGIT, folded, NOTHING, SPACE, span, without, WORD } from './charset.ts'
import type { CharSet } from './charset.ts'
import { isAtEnd, peek, refuse, startsWith, take, takePoint, takes, takeWhile } from './cursor.ts'
import type { Cursor } from './cursor.ts'
import { COUNT_MAX, REASONS } from './flavour.ts'
import type { Flags, Flavour, Opening } from './flavour.ts'
import { foldable } from './parse.ts'
import { posixClass, re2Property } from './properties.ts'
import { repeat } from './syntax.ts'
import type { Node, Place, Times } from './syntax.ts'

export const RE2: Flavour = {
  skipComments: () => undefined,
  readLiteral: takePoint,
  readEscape,
  readClass,
  readOpening,
  readCount,
  judgeRepeat,
  repeatsAcrossFlags: true,
  dollar: 'end',
}

/** A leading zero makes the brace an ordinary character. */
function readCount(cursor: Cursor): { min: number; max: number } | null {
  const found = /^\{(0|[1-9]\d*)(?:(,)(0|[1-9]\d*)?)?\}/.exec(cursor.text.slice(cursor.at))
  if (found === null) return null
  const [whole, min = '', comma, max] = found
  cursor.at += whole.length
  if (comma === undefined) return { min: Number(min), max: Number(min) }
  return { min: Number(min), max: max === undefined ? Infinity : Number(max) }
}

function judgeRepeat(body: Node, times: Times): string | null {
  if (!times.counted || (times.min < 2 && (times.max < 2 || times.max === Infinity))) return null
  return fits(repeat(body, times), COUNT_MAX)
    ? null
    : `counts in each other multiply to more than ${COUNT_MAX}`
}

/** Go's own rule: what is counted inside counts once for each time outside. */
function fits(node: Node, room: number): boolean {
  if (node.kind === 'choice') return node.branches.every((branch) => fits(branch, room))
  if (node.kind === 'sequence') return node.parts.every((part) => fits(part, room))
  if (node.kind !== 'repeat') return true
  const { min, max, counted } = node.times
  if (!counted) return fits(node.body, room)
  if (max === 0) return true
  const times = max === Infinity ? min : max
  return times <= room && fits(node.body, times > 0 ? Math.floor(room / times) : room)
}

const PLACES: ReadonlyMap<string, Place> = new Map([
  ['b', 'boundary'],
  ['B', 'no-boundary'],
  ['A', 'start'],
  ['z', 'end'],
])

function readEscape(cursor: Cursor, flags: Flags): readonly Node[] {
  if (takes(cursor, 'Q')) return readQuoted(cursor, flags)
  const place = PLACES.get(peek(cursor))
  if (place !== undefined) {
    take(cursor)
    return [{ kind: 'assertion', place }]
  }
  const set = readShorthand(cursor, flags)
  if (set !== null) return [{ kind: 'set', set }]
  return [foldable(cursor, readCharacterEscape(cursor), flags)]
}

/** To `\E`, or to the end. */
function readQuoted(cursor: Cursor, flags: Flags): readonly Node[] {
  const nodes: Node[] = []
  while (!isAtEnd(cursor) && !takes(cursor, '\\E')) nodes.push(foldable(cursor, takePoint(cursor), flags))
  return nodes
}

const SHORTHANDS: ReadonlyMap<string, CharSet> = new Map([
  ['d', DIGIT],
  ['w', WORD],
  ['s', without(SPACE, charsOf('\v'))],
  ['D', without(EVERYTHING, DIGIT)],
  ['W', without(EVERYTHING, WORD)],
  ['S', without(EVERYTHING, without(SPACE, charsOf('\v')))],
])

/** `\d` and its like, `\pN` and `\p{…}`, in a class or outside; null: something else stands here. */
function readShorthand(cursor: Cursor, { fold }: Flags): CharSet | null {
  const sign = peek(cursor)
  const set = SHORTHANDS.get(sign)
  if (set !== undefined) {
    take(cursor)
    return set
  }
  if (sign !== 'p' && sign !== 'P') return null
  take(cursor)
  const name = takeWhile(cursor, /\{[^}]*\}|[^{]/y).replace(/^\{(.*)\}$/s, '$1')
  const inverted = name.startsWith('^')
  const property = re2Property(inverted ? name.slice(1) : name)
  if (property === null) refuse(cursor, REASONS.property)
  const covered = fold ? folded(property ?? NOTHING) : (property ?? NOTHING)
  return (sign === 'P') === inverted ? covered : without(EVERYTHING, covered)
}

const CONTROLS: ReadonlyMap<string, number> = new Map([
  ['a', 7],
  ['t', 9],
  ['n', 10],
  ['v', 11],
  ['f', 12],
  ['r', 13],
])

/** Behind `\`: the code point that is meant. */
function readCharacterEscape(cursor: Cursor): number {
  const octal = takeWhile(cursor, /0[0-7]{0,2}|[1-7][0-7]{1,2}/y)
  if (octal !== '') return Number.parseInt(octal, 8)
  const sign = take(cursor)
  if (/[1-9]/.test(sign)) refuse(cursor, REASONS.backReference)
  if (sign === 'x') {
    const digits = takeWhile(cursor, /[\da-fA-F]{2}|\{[\da-fA-F]+\}/y)
    const code = Number.parseInt(digits.replace('{', ''), 16)
    if (!(code <= 0x10_ffff)) refuse(cursor, REASONS.hex)
    return code
  }
  const control = CONTROLS.get(sign)
  if (control !== undefined) return control
  if (!/^[^A-Za-z0-9\u0080-\uffff]$/.test(sign)) refuse(cursor, REASONS.escape)
  return sign.charCodeAt(0)
}

function readClass(cursor: Cursor, flags: Flags): CharSet {
  const negated = takes(cursor, '^')
  let set = NOTHING
  for (let isFirst = true; isFirst || peek(cursor) !== ']'; isFirst = false) {
    if (isAtEnd(cursor)) {
      refuse(cursor, REASONS.openClass)
      return NOTHING
    }
    set |= readMember(cursor, flags)
  }
  take(cursor)
  return negated ? without(EVERYTHING, set) : set
}

function readMember(cursor: Cursor, flags: Flags): CharSet {
  const named = startsWith(cursor, '[:') ? cursor.text.indexOf(':]', cursor.at + 2) : -1
  if (named !== -1) return readNamed(cursor, named, flags)
  if (peek(cursor) === '\\') {
    take(cursor)
    const shorthand = readShorthand(cursor, flags)
    if (shorthand !== null) return shorthand
    cursor.at -= 1
  }
  const from = readMemberCharacter(cursor)
  const isRange = peek(cursor) === '-' && peek(cursor, 1) !== ']' && peek(cursor, 1) !== ''
  if (isRange) take(cursor)
  const to = isRange ? readMemberCharacter(cursor) : from
  if (from > to) refuse(cursor, REASONS.range)
  if (flags.fold && to > 127) refuse(cursor, REASONS.beyondAscii)
  return flags.fold ? folded(span(from, to)) : span(from, to)
}

function readMemberCharacter(cursor: Cursor): number {
  return takes(cursor, '\\') ? readCharacterEscape(cursor) : takePoint(cursor)
}

/** `[:name:]` or `[:^name:]`, whose end is at `end`. */
function readNamed(cursor: Cursor, end: number, { fold }: Flags): CharSet {
  const name = cursor.text.slice(cursor.at + 2, end)
  cursor.at = end + 2
  const negated = name.startsWith('^')
  const named = posixClass(negated ? name.slice(1) : name)
  if (named === null) refuse(cursor, 'a class like [:alpha:] is not known')
  const set = fold ? folded(named ?? NOTHING) : (named ?? NOTHING)
  return negated ? without(EVERYTHING, set) : set
}

function readOpening(cursor: Cursor, flags: Flags): Opening {
  const group: Opening = { kind: 'group', flags }
  if (!takes(cursor, '?')) return group
  if (/[=!]/.test(peek(cursor)) || startsWith(cursor, '<=') || startsWith(cursor, '<!')) {
    refuse(cursor, 'lookaround is not known to RE2')
  }
  if (takes(cursor, 'P<') || takes(cursor, '<')) {
    const name = takeWhile(cursor, /\w+/y)
    if (name === '' || cursor.names.has(name) || !takes(cursor, '>')) refuse(cursor, REASONS.groupName)
    cursor.names.add(name)
    return group
  }
  return readFlags(cursor, flags)
}

/** Nothing, `i-s`, `U`, and then `)` or `:`. */
function readFlags(cursor: Cursor, flags: Flags): Opening {
  const letters = takeWhile(cursor, /[imsU]*(?:-[imsU]+)?/y)
  const [on = '', off = ''] = letters.split('-')
  const has = (letter: string, before: boolean): boolean =>
    (before || on.includes(letter)) && !off.includes(letter)
  const scope: Flags = {
    fold: has('i', flags.fold),
    dotAll: has('s', flags.dotAll),
    multiline: has('m', flags.multiline),
    lazy: has('U', flags.lazy),
  }
  if (takes(cursor, ')')) return { kind: 'flags', flags: scope }
  if (!takes(cursor, ':')) refuse(cursor, REASONS.groupKind)
  return { kind: 'group', flags: scope }
}
