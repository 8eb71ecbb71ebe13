/**
 * The flavour of .NET, within ASCII.
 *
 * Refused although .NET knows them: back references, atomic and balancing groups, conditionals, `(?x)`, and `[[:name:]]`, which there
 * means something else than it seems to. What .NET itself refuses is refused.
 */

import { EVERYTHING, DIGIT, folded, NOTHING, SPACE, span, without, WORD } from './charset.ts'
import type { CharSet } from './charset.ts'
import { isAtEnd, peek, refuse, startsWith, take, takes, takeWhile } from './cursor.ts'
import type { Cursor } from './cursor.ts'
import { REASONS } from './flavour.ts'
import type { Flags, Flavour, Opening } from './flavour.ts'
import { foldable, NESTING_MAX } from './parse.ts'
import { dotnetProperty } from './properties.ts'
import type { Node, Place } from './syntax.ts'

export const DOTNET: Flavour = {
  skipComments,
  readLiteral: (cursor) => take(cursor).charCodeAt(0),
  readEscape,
  readClass: (cursor, flags) => readClass(cursor, flags, 0),
  readOpening,
  readCount,
  judgeRepeat: () => null,
  repeatsAcrossFlags: false,
  dollar: 'end-or-last-newline',
}

/** A comment ends at the first parenthesis that closes; nothing in it is special. */
function skipComments(cursor: Cursor): void {
  while (startsWith(cursor, '(?#')) {
    const end = cursor.text.indexOf(')', cursor.at)
    if (end === -1) return refuse(cursor, 'a comment is not closed')
    cursor.at = end + 1
  }
}

function readCount(cursor: Cursor): { min: number; max: number } | null {
  const found = /^\{(\d+)(?:(,)(\d*))?\}/.exec(cursor.text.slice(cursor.at))
  if (found === null) return null
  const [whole, min = '', comma, max = ''] = found
  cursor.at += whole.length
  if (comma === undefined) return { min: Number(min), max: Number(min) }
  return { min: Number(min), max: max === '' ? Infinity : Number(max) }
}

const PLACES: ReadonlyMap<string, Place> = new Map([
  ['b', 'boundary'],
  ['B', 'no-boundary'],
  ['A', 'start'],
  // A match is only ever asked for from the first character on.
  ['G', 'start'],
  ['Z', 'end-or-last-newline'],
  ['z', 'end'],
])

function readEscape(cursor: Cursor, flags: Flags): readonly Node[] {
  const place = PLACES.get(peek(cursor))
  if (place !== undefined) {
    take(cursor)
    return [{ kind: 'assertion', place }]
  }
  const set = readShorthand(cursor, flags)
  if (set !== null) return [{ kind: 'set', set }]
  // Octal escapes of two digits are legal where there are fewer groups: told from back references by counting them, so refused as well.
  if (/[1-9k<']/.test(peek(cursor))) {
    refuse(cursor, REASONS.backReference)
    return []
  }
  return [foldable(cursor, readCharacterEscape(cursor), flags)]
}

const SHORTHANDS: ReadonlyMap<string, CharSet> = new Map([
  ['d', DIGIT],
  ['w', WORD],
  ['s', SPACE],
  ['D', without(EVERYTHING, DIGIT)],
  ['W', without(EVERYTHING, WORD)],
  ['S', without(EVERYTHING, SPACE)],
])

/** `\d` and its like and `\p{…}`, in a class or outside; null: something else stands here. */
function readShorthand(cursor: Cursor, { fold }: Flags): CharSet | null {
  const sign = peek(cursor)
  const set = SHORTHANDS.get(sign)
  if (set !== undefined) {
    take(cursor)
    return set
  }
  if (sign !== 'p' && sign !== 'P') return null
  take(cursor)
  const braced = takeWhile(cursor, /\{[\w-]*\}/y)
  const property = dotnetProperty(braced.slice(1, -1), fold)
  if (property === null) refuse(cursor, REASONS.property)
  return sign === 'p' ? (property ?? NOTHING) : without(EVERYTHING, property ?? NOTHING)
}

const CONTROLS: ReadonlyMap<string, number> = new Map([
  ['a', 7],
  ['b', 8],
  ['t', 9],
  ['n', 10],
  ['v', 11],
  ['f', 12],
  ['r', 13],
  ['e', 27],
])

/** Behind `\`: the code unit that is meant. */
function readCharacterEscape(cursor: Cursor): number {
  const octal = takeWhile(cursor, /[0-7]{1,3}/y)
  if (octal !== '') return Number.parseInt(octal, 8) & 0xff
  const sign = take(cursor)
  if (sign === 'x') return readHex(cursor, /[\da-fA-F]{2}/y)
  if (sign === 'u') return readHex(cursor, /[\da-fA-F]{4}/y)
  if (sign === 'c') {
    const control = take(cursor)
    if (/^[@-_a-z]$/.test(control)) return control.toUpperCase().charCodeAt(0) - 64
    refuse(cursor, REASONS.escape)
  }
  const control = CONTROLS.get(sign)
  if (control !== undefined) return control
  if (!/^[^\w\u0080-\uffff]$/.test(sign)) refuse(cursor, REASONS.escape)
  return sign.charCodeAt(0)
}

function readHex(cursor: Cursor, digits: RegExp): number {
  const found = takeWhile(cursor, digits)
  if (found === '') refuse(cursor, REASONS.hex)
  return Number.parseInt(found, 16)
}

/** A class that is being read: the first end of a range, once its dash was seen. */
interface ClassReading {
  set: CharSet
  from: number | null
  less: CharSet
}

function readClass(cursor: Cursor, flags: Flags, depth: number): CharSet {
  if (depth === NESTING_MAX) refuse(cursor, `classes may stand in each other at most ${NESTING_MAX} deep`)
  const negated = takes(cursor, '^')
  const reading: ClassReading = { set: NOTHING, from: null, less: NOTHING }
  for (let isFirst = true; isFirst || peek(cursor) !== ']'; isFirst = false) {
    if (isAtEnd(cursor)) {
      refuse(cursor, REASONS.openClass)
      return NOTHING
    }
    readMember(cursor, flags, { reading, isFirst, depth })
  }
  take(cursor)
  const set = flags.fold ? folded(reading.set) : reading.set
  return without(negated ? without(EVERYTHING, set) : set, reading.less)
}

interface Member {
  readonly reading: ClassReading
  readonly isFirst: boolean
  readonly depth: number
}

function readMember(cursor: Cursor, flags: Flags, member: Member): void {
  const { reading, isFirst } = member
  const isEscaped = peek(cursor) === '\\' && peek(cursor, 1) !== ''
  if (isEscaped) take(cursor)
  const shorthand = isEscaped ? readShorthand(cursor, flags) : null
  if (shorthand !== null) {
    if (reading.from !== null) refuse(cursor, REASONS.range)
    reading.set |= shorthand
    return
  }
  // `\-` never begins a range, unlike every other escape.
  if (isEscaped && takes(cursor, '-')) return addCharacter(cursor, flags, reading, 45)
  const code = isEscaped ? readCharacterEscape(cursor) : take(cursor).charCodeAt(0)
  const isBracket = code === 91 && !isEscaped
  if (isBracket && peek(cursor) === ':' && reading.from === null)
    refuse(cursor, 'classes like [:alpha:] mean something else in .NET')
  if (reading.from !== null && isBracket && !isFirst) return subtractFrom(cursor, flags, member)
  if (reading.from !== null) return addCharacter(cursor, flags, reading, code)
  if (peek(cursor) === '-' && peek(cursor, 1) !== ']' && peek(cursor, 1) !== '') {
    take(cursor)
    reading.from = code
    return
  }
  if (code === 45 && !isEscaped && !isFirst && takes(cursor, '[')) return subtract(cursor, flags, member)
  addCharacter(cursor, flags, reading, code)
}

/** One character, or the range that it ends. */
function addCharacter(cursor: Cursor, flags: Flags, reading: ClassReading, code: number): void {
  const from = reading.from ?? code
  reading.from = null
  if (from > code) return refuse(cursor, REASONS.range)
  if (flags.fold && code > 127) return refuse(cursor, REASONS.beyondAscii)
  reading.set |= span(from, code)
}

/** `x-[`: what seemed a range is the character x and a subtraction. */
function subtractFrom(cursor: Cursor, flags: Flags, member: Member): void {
  const code = member.reading.from ?? 0
  member.reading.from = null
  addCharacter(cursor, flags, member.reading, code)
  subtract(cursor, flags, member)
}

function subtract(cursor: Cursor, flags: Flags, { reading, depth }: Member): void {
  reading.less = readClass(cursor, flags, depth + 1)
  if (peek(cursor) !== ']') refuse(cursor, 'a subtraction must end its class')
}

function readOpening(cursor: Cursor, flags: Flags): Opening {
  const group: Opening = { kind: 'group', flags }
  if (!takes(cursor, '?')) return group
  if (takes(cursor, ':')) return group
  if (takes(cursor, '=')) return { kind: 'look', flags, behind: false, negated: false }
  if (takes(cursor, '!')) return { kind: 'look', flags, behind: false, negated: true }
  if (takes(cursor, '<=')) return { kind: 'look', flags, behind: true, negated: false }
  if (takes(cursor, '<!')) return { kind: 'look', flags, behind: true, negated: true }
  if (takes(cursor, '<')) return readName(cursor, '>', group)
  if (takes(cursor, "'")) return readName(cursor, "'", group)
  if (takes(cursor, '>')) refuse(cursor, 'atomic groups are not supported')
  if (takes(cursor, '(')) refuse(cursor, 'conditional groups are not supported')
  if (takes(cursor, 'P')) refuse(cursor, 'named groups are written (?<name>…) in .NET')
  return readFlags(cursor, flags)
}

function readName(cursor: Cursor, close: string, group: Opening): Opening {
  const name = takeWhile(cursor, /\w+/y)
  if (peek(cursor) === '-') refuse(cursor, 'balancing groups are not supported')
  if (
    name === '' ||
    /^0+$/.test(name) ||
    /^\d+\D/.test(name) ||
    /^\d{10}/.test(name) ||
    !takes(cursor, close)
  )
    refuse(cursor, REASONS.groupName)
  return group
}

/** `i-s)` or `i-s:`; capital letters are the same there. */
function readFlags(cursor: Cursor, flags: Flags): Opening {
  const letters = takeWhile(cursor, /[-+imnsxIMNSX]+/y)
  let scope = flags
  let isOn = true
  for (const letter of letters.toLowerCase()) {
    if (letter === '-' || letter === '+') isOn = letter === '+'
    else if (letter === 'i') scope = { ...scope, fold: isOn }
    else if (letter === 's') scope = { ...scope, dotAll: isOn }
    else if (letter === 'm') scope = { ...scope, multiline: isOn }
    else if (letter === 'x' && isOn) refuse(cursor, '(?x) is not supported')
  }
  if (letters !== '' && takes(cursor, ')')) return { kind: 'flags', flags: scope }
  if (!takes(cursor, ':')) refuse(cursor, REASONS.groupKind)
  return { kind: 'group', flags: scope }
}
