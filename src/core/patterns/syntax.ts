/** A pattern as a tree: what both flavours are parsed to, and all that the compiler knows of them. */

import { NOTHING } from './charset.ts'
import type { CharSet } from './charset.ts'

/** Where an assertion without a body holds. */
export const PLACES = [
  'start',
  'end',
  /** At the end, or before a newline that ends the text. */
  'end-or-last-newline',
  'line-start',
  'line-end',
  'boundary',
  'no-boundary',
] as const
export type Place = (typeof PLACES)[number]

export type Node = Text | Chars | Assertion | Look | Sequence | Choice | Repeat

interface Text {
  readonly kind: 'text'
  /** ASCII, not empty; its letters in lower case if either case is meant. */
  readonly text: string
  readonly letters: 'none' | 'exact' | 'either'
}

interface Chars {
  readonly kind: 'set'
  readonly set: CharSet
}

interface Assertion {
  readonly kind: 'assertion'
  readonly place: Place
}

/** Holds, or not, where `body` ends here (`behind`) or begins here. */
export interface Look {
  readonly kind: 'look'
  readonly behind: boolean
  readonly negated: boolean
  readonly body: Node
}

interface Sequence {
  readonly kind: 'sequence'
  readonly parts: readonly Node[]
  readonly nullable: boolean
}

interface Choice {
  readonly kind: 'choice'
  readonly branches: readonly Node[]
  readonly nullable: boolean
}

export interface Repeat {
  readonly kind: 'repeat'
  readonly body: Node
  readonly times: Times
  readonly nullable: boolean
}

/** `max` may be Infinity. `counted`: written in braces. */
export interface Times {
  readonly min: number
  readonly max: number
  readonly lazy: boolean
  readonly counted: boolean
}

/** Whether a node may match without consuming anything. */
export function isNullable(node: Node): boolean {
  if (node.kind === 'text' || node.kind === 'set') return false
  return node.kind === 'assertion' || node.kind === 'look' || node.nullable
}

/** One character; one beyond ASCII matches nothing. `code` is a code unit or a code point. */
export function character(code: number, fold: boolean): Node {
  if (code > 127) return { kind: 'set', set: NOTHING }
  const text = String.fromCharCode(code)
  if (!/[A-Za-z]/.test(text)) return { kind: 'text', text, letters: 'none' }
  return fold
    ? { kind: 'text', text: text.toLowerCase(), letters: 'either' }
    : { kind: 'text', text, letters: 'exact' }
}

/** Neighbouring texts become one. */
export function sequence(parts: readonly Node[]): Node {
  const merged: Node[] = []
  for (const part of parts) {
    const last = merged.at(-1)
    const both = last === undefined ? null : joined(last, part)
    if (both === null) merged.push(part)
    else merged[merged.length - 1] = both
  }
  const [only] = merged
  if (merged.length === 1 && only !== undefined) return only
  return { kind: 'sequence', parts: merged, nullable: merged.every(isNullable) }
}

function joined(a: Node, b: Node): Node | null {
  if (a.kind !== 'text' || b.kind !== 'text') return null
  if (a.letters !== b.letters && a.letters !== 'none' && b.letters !== 'none') return null
  return { kind: 'text', text: a.text + b.text, letters: a.letters === 'none' ? b.letters : a.letters }
}

export function choice(branches: readonly Node[]): Node {
  const [only] = branches
  if (branches.length === 1 && only !== undefined) return only
  return { kind: 'choice', branches, nullable: branches.some(isNullable) }
}

export function repeat(body: Node, times: Times): Node {
  return { kind: 'repeat', body, times, nullable: times.min === 0 || isNullable(body) }
}

/** The one text that a pattern matches as a whole; null: there may be others, or none. */
export function literalOf(node: Node): string | null {
  const all = node.kind === 'sequence' ? node.parts : [node]
  const from = isPlace(all[0], ['start']) ? 1 : 0
  const to = isPlace(all.at(-1), ['end', 'end-or-last-newline']) ? all.length - 1 : all.length
  const inner = all.slice(from, to)
  const [only] = inner
  if (inner.length !== 1 || only?.kind !== 'text' || only.letters === 'either') return null
  return only.text
}

function isPlace(node: Node | undefined, places: readonly Place[]): boolean {
  return node?.kind === 'assertion' && places.includes(node.place)
}
