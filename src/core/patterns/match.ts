/** Runs programs over a name: each state visits each position at most once, so the cost is a count that is known beforehand. */

import { invariant } from '../../std/assert.ts'
import { LOOK_COST, OP, textCost } from './compile.ts'
import type { CompiledLook, Program } from './compile.ts'
import { PLACES } from './syntax.ts'
import type { Place } from './syntax.ts'

/** A text and what is known of it so far. */
export interface Subject {
  readonly text: string
  readonly lower: string
  /** For each look that was asked for, where its body ends (behind) or begins (ahead). */
  readonly looks: Map<CompiledLook, Uint8Array>
  /** Visits of states, and what comparing texts and beginning with looks costs besides. */
  steps: number
}

/** `text` must be ASCII. */
export function subjectOf(text: string): Subject {
  return { text, lower: text.toLowerCase(), looks: new Map(), steps: 0 }
}

/** The length of the match that a backtracking engine finds first from position 0; -1: none. */
export function firstLength(program: Program, subject: Subject): number {
  return explore(program, subject, { seeds: [0], isAnswer: () => true })
}

/** Whether some match covers the whole text. */
export function coversWhole(program: Program, subject: Subject): boolean {
  const { length } = subject.text
  return explore(program, subject, { seeds: [0], isAnswer: (position) => position === length }) !== -1
}

/** Where matches end, whatever position they begin at. */
function endsFromAnywhere(program: Program, subject: Subject): Uint8Array {
  const ends = new Uint8Array(subject.text.length + 1)
  subject.steps += LOOK_COST * ends.length
  const seeds = Array.from(ends, (_, position) => position)
  const mark = (position: number): boolean => {
    ends[position] = 1
    return false
  }
  explore(program, subject, { seeds, isAnswer: mark })
  return ends
}

interface Search {
  readonly seeds: readonly number[]
  /** Asked at each end of the pattern, in the order of preference; true ends the search. */
  readonly isAnswer: (position: number) => boolean
}

const NOWHERE = -1

/** The position of the first end that is an answer, or NOWHERE. A key is a state, and a position in its lowest bits. */
function explore(program: Program, subject: Subject, { seeds, isAnswer }: Search): number {
  const { ops, first, second, start } = program
  const bits = 32 - Math.clz32(subject.text.length)
  const mask = (1 << bits) - 1
  const visited = new Uint8Array(ops.length << bits)
  const stack = seeds.map((position) => (start << bits) | position)
  for (let key = stack.pop(); key !== undefined; key = key === NOWHERE ? stack.pop() : key) {
    if (visited[key] !== 0) {
      key = NOWHERE
      continue
    }
    visited[key] = 1
    subject.steps += 1
    const state = key >> bits
    const position = key & mask
    const op = ops[state]
    if (op === OP.split) {
      // Stacked for where the preferred way fails.
      stack.push(((second[state] ?? 0) << bits) | position)
      key = ((first[state] ?? 0) << bits) | position
    } else if (op === OP.end) {
      if (isAnswer(position)) return position
      key = NOWHERE
    } else {
      const after = advance(program, subject, state, position)
      key = after === NOWHERE ? NOWHERE : ((second[state] ?? 0) << bits) | after
    }
  }
  return NOWHERE
}

/** Where a state that is no split leads from a position, or NOWHERE. */
function advance(program: Program, subject: Subject, state: number, position: number): number {
  const operand = program.first[state] ?? 0
  switch (program.ops[state]) {
    case OP.set: {
      const from = program.backwards ? position - 1 : position
      const code = subject.text.charCodeAt(from)
      if (program.tables[operand]?.[code] !== 1) return NOWHERE
      return program.backwards ? from : position + 1
    }
    case OP.place:
      return holdsAt(PLACES[operand], subject.text, position) ? position : NOWHERE
    case OP.look:
      return looksRight(program.looks[operand], subject, position) ? position : NOWHERE
    default: {
      const sought = program.texts[operand] ?? ''
      const from = program.backwards ? position - sought.length : position
      const within = program.ops[state] === OP.text ? subject.text : subject.lower
      subject.steps += textCost(sought) - 1
      if (from < 0 || !within.startsWith(sought, from)) return NOWHERE
      return program.backwards ? from : position + sought.length
    }
  }
}

function looksRight(look: CompiledLook | undefined, subject: Subject, position: number): boolean {
  invariant(look !== undefined, 'a look that is asked for was compiled')
  const ends = subject.looks.get(look) ?? endsFromAnywhere(look.program, subject)
  subject.looks.set(look, ends)
  return (ends[position] === 1) !== look.negated
}

function holdsAt(place: Place | undefined, text: string, position: number): boolean {
  switch (place) {
    case 'start':
      return position === 0
    case 'end':
      return position === text.length
    case 'end-or-last-newline':
      return position === text.length || (position === text.length - 1 && text.endsWith('\n'))
    case 'line-start':
      return position === 0 || text.charAt(position - 1) === '\n'
    case 'line-end':
      return position === text.length || text.charAt(position) === '\n'
    default:
      return isBoundary(text, position) === (place === 'boundary')
  }
}

function isBoundary(text: string, position: number): boolean {
  return isWord(text.charCodeAt(position - 1)) !== isWord(text.charCodeAt(position))
}

/** Not a number, outside the text, is no word. */
function isWord(code: number): boolean {
  return (
    (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95
  )
}
