/** A list of patterns, compiled: its literals as one set, the rest as programs under one bound of cost. */

import { failed, ok } from '../../std/result.ts'
import type { Result } from '../../std/result.ts'
import { compile, COST_MAX } from './compile.ts'
import type { Program } from './compile.ts'
import type { Flavour } from './flavour.ts'
import { coversWhole, firstLength, subjectOf } from './match.ts'
import { parsePattern } from './parse.ts'
import { literalOf } from './syntax.ts'

/** Characters of one list. */
export const LIST_LENGTH_MAX = 32_768
/** Patterns of one list that are not literal. Literal names are bounded by the characters alone. */
export const PATTERNS_MAX = 64
/** Characters of a text to match, as in a name of Kubernetes. A longer text matches nothing, and neither does one that is not ASCII. */
export const TEXT_LENGTH_MAX = 253

export interface CompiledList {
  readonly literals: ReadonlySet<string>
  readonly programs: readonly Program[]
  /** How a program's answer is read. */
  readonly rule: Rule
}

/**
 * `first-length`: the match that is found first is as long as the name (reflector).
 * `whole`: some match covers the name (replicator).
 */
export type Rule = 'first-length' | 'whole'

export interface ListGrammar {
  readonly flavour: Flavour
  readonly rule: Rule
  /** Rewrites a trimmed item before it is parsed. */
  readonly prepare: (item: string) => string
}

/** Splits at every comma, trims, and leaves empty items out. The failure is a fixed reason that quotes nothing. */
export function compileList(
  text: string,
  { flavour, rule, prepare }: ListGrammar,
): Result<CompiledList, string> {
  if (text.length > LIST_LENGTH_MAX) return failed(`a list may have at most ${LIST_LENGTH_MAX} characters`)
  const items = text.split(',').map((item) => item.trim())
  const literals = new Set<string>()
  const programs: Program[] = []
  let room = COST_MAX
  for (const item of new Set(items)) {
    if (item === '') continue
    const node = parsePattern(prepare(item), flavour)
    if (!node.ok) return node
    const literal = literalOf(node.value)
    if (literal !== null) {
      literals.add(literal)
      continue
    }
    if (programs.length === PATTERNS_MAX)
      return failed(`a list may hold at most ${PATTERNS_MAX} patterns besides plain names`)
    const program = compile(node.value, room)
    if (program === null) return failed('the patterns of a list are too large together')
    room -= program.cost
    programs.push(program)
  }
  return ok({ literals, programs, rule })
}

/** The answer, and what it cost: at most `COST_MAX` steps for each position of the name. */
export function matchCounted(list: CompiledList, name: string): { matches: boolean; steps: number } {
  if (name.length > TEXT_LENGTH_MAX || !isAscii(name)) return { matches: false, steps: 0 }
  if (list.literals.has(name)) return { matches: true, steps: 0 }
  const subject = subjectOf(name)
  const matches = list.programs.some((program) =>
    list.rule === 'whole' ? coversWhole(program, subject) : firstLength(program, subject) === name.length,
  )
  return { matches, steps: subject.steps }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) > 127) return false
  return true
}

/** Roughly the bytes that a compiled list keeps. */
export function bytesOf(list: CompiledList): number {
  let bytes = 64 * list.literals.size
  for (const literal of list.literals) bytes += 2 * literal.length
  for (const program of list.programs) bytes += bytesOfProgram(program)
  return bytes
}

function bytesOfProgram({ ops, texts, tables, looks }: Program): number {
  const own =
    512 + 24 * ops.length + 256 * tables.length + texts.reduce((sum, text) => sum + 48 + text.length, 0)
  return looks.reduce((sum, { program }) => sum + bytesOfProgram(program), own)
}
