/**
 * Turns a pattern's tree into a program for the matcher.
 *
 * .NET ends a loop whose last round consumed nothing, so what follows depends on whether the round under way has consumed yet. A state therefore
 * exists once for each number of enclosing rounds, counted from the innermost, that have not: its depth. Any character brings it to 0. So the
 * memory of the matcher stays exact, and no state leads back to itself without a character between.
 */

import { invariant } from '../../std/assert.ts'
import { tableOf } from './charset.ts'
import type { CharSet } from './charset.ts'
import { isNullable, PLACES } from './syntax.ts'
import type { Look, Node, Repeat } from './syntax.ts'

/** What a state does. `first` and `second` of a program hold its operands in this order. */
export const OP = {
  /** The pattern ends here. */
  end: 0,
  /** Index of a text; next state. */
  text: 1,
  /** The same, against the text in lower case. */
  foldedText: 2,
  /** Index of a table; next state. */
  set: 3,
  /** Preferred state; the other one. */
  split: 4,
  /** Index into PLACES; next state. */
  place: 5,
  /** Index of a look; next state. */
  look: 6,
} as const

export interface Program {
  readonly start: number
  /** It reads from right to left. */
  readonly backwards: boolean
  readonly ops: Uint8Array
  readonly first: Int32Array
  readonly second: Int32Array
  readonly texts: readonly string[]
  readonly tables: readonly Uint8Array[]
  readonly looks: readonly CompiledLook[]
  /** What one position of a name may cost at most, in steps, looks included. */
  readonly cost: number
}

export interface CompiledLook {
  readonly program: Program
  readonly negated: boolean
}

/** Steps that all patterns of one list together may cost for one position of a name. */
export const COST_MAX = 480

/** Steps that it takes to begin with a look. */
export const LOOK_COST = 4

/** Characters of a text that are compared in one step. */
const TEXT_STEP = 8

/** Steps that comparing a text takes. */
export function textCost(text: string): number {
  return 1 + Math.floor(text.length / TEXT_STEP)
}

/** Null where the program would cost more than `costMax` steps a position. */
export function compile(node: Node, costMax: number, backwards = false): Program | null {
  const builder: Builder = {
    backwards,
    costMax,
    ops: [],
    first: [],
    second: [],
    texts: [],
    tables: [],
    looks: [],
    textIndex: new Map(),
    tableIndex: new Map(),
    lookIndex: new Map(),
    cost: 0,
    work: 0,
  }
  const end = emit(builder, OP.end)
  const start = at(build(builder, node, [end]), 0)
  if (isFull(builder)) return null
  const { ops, first, second, texts, tables, looks, cost } = builder
  const states = { ops: Uint8Array.from(ops), first: Int32Array.from(first), second: Int32Array.from(second) }
  return { start, backwards, ...states, texts, tables, looks, cost }
}

interface Builder {
  readonly backwards: boolean
  readonly costMax: number
  readonly ops: number[]
  readonly first: number[]
  readonly second: number[]
  readonly texts: string[]
  readonly tables: Uint8Array[]
  readonly looks: CompiledLook[]
  readonly textIndex: Map<string, number>
  readonly tableIndex: Map<CharSet, number>
  readonly lookIndex: Map<Look, number>
  cost: number
  work: number
}

/** States by depth: where a node is entered, or left for. */
type States = readonly number[]

function at(states: States, depth: number): number {
  const state = states[depth]
  invariant(state !== undefined, 'a state exists for each depth')
  return state
}

/** Nodes visited for each step of cost: counts of counts of nothing cost no steps, but time to write out. */
const WORK_PER_COST = 16

/** Once full, nothing is built any more. */
function isFull({ cost, costMax, work }: Builder): boolean {
  return cost > costMax || work > WORK_PER_COST * COST_MAX
}

function emit(builder: Builder, op: number, first = 0, second = 0): number {
  const state = builder.ops.push(op) - 1
  builder.first.push(first)
  builder.second.push(second)
  builder.cost += op === OP.text || op === OP.foldedText ? textCost(builder.texts[first] ?? '') : 1
  return state
}

/** Builds what leads through `node` to `exits`, and answers with where it is entered. */
function build(builder: Builder, node: Node, exits: States): States {
  builder.work += 1
  if (isFull(builder)) return exits
  // What always consumes leaves no round without, so that one depth is enough inside.
  if (exits.length > 1 && !isNullable(node))
    return consuming(at(build(builder, node, [at(exits, 0)]), 0), exits)
  switch (node.kind) {
    case 'text': {
      const op = node.letters === 'either' ? OP.foldedText : OP.text
      const index = indexOf(builder.textIndex, node.text, () => builder.texts.push(node.text) - 1)
      return consuming(emit(builder, op, index, at(exits, 0)), exits)
    }
    case 'set': {
      const index = indexOf(builder.tableIndex, node.set, () => builder.tables.push(tableOf(node.set)) - 1)
      return consuming(emit(builder, OP.set, index, at(exits, 0)), exits)
    }
    case 'assertion': {
      const place = PLACES.indexOf(node.place)
      return exits.map((exit) => emit(builder, OP.place, place, exit))
    }
    case 'look': {
      const index = indexOf(builder.lookIndex, node, () => addLook(builder, node))
      return exits.map((exit) => emit(builder, OP.look, index, exit))
    }
    case 'sequence': {
      const parts = builder.backwards ? node.parts : node.parts.toReversed()
      return parts.reduce((after, part) => build(builder, part, after), exits)
    }
    case 'choice':
      return node.branches
        .map((branch) => build(builder, branch, exits))
        .reduceRight((rest, entries) =>
          entries.map((entry, d) => emit(builder, OP.split, entry, at(rest, d))),
        )
    case 'repeat':
      return node.times.max === Infinity
        ? buildEndless(builder, node, exits)
        : buildCounted(builder, node, exits)
  }
}

/** One state for every depth: what consumes leaves none of the rounds around it without. */
function consuming(state: number, exits: States): States {
  return exits.map(() => state)
}

function indexOf<K>(known: Map<K, number>, key: K, add: () => number): number {
  const index = known.get(key) ?? add()
  known.set(key, index)
  return index
}

function addLook(builder: Builder, { behind, negated, body }: Look): number {
  const program = compile(body, builder.costMax - builder.cost, !behind)
  builder.cost += program === null ? Infinity : program.cost + LOOK_COST
  return program === null ? 0 : builder.looks.push({ program, negated }) - 1
}

/** A choice between another round and leaving, in the order that the quantifier asks for. */
function emitRound(builder: Builder, { times }: Repeat, [round, leave]: readonly [number, number]): number {
  return times.lazy ? emit(builder, OP.split, leave, round) : emit(builder, OP.split, round, leave)
}

/** Entries of one round; what follows it is `again`, or `exits` where the round consumed nothing. */
function buildRound(builder: Builder, { body }: Repeat, again: number, exits: States): States {
  if (!isNullable(body)) return consuming(at(build(builder, body, [again]), 0), exits)
  // Within the round there is one round more around: depth 0 has consumed, depth d + 1 lies at depth d outside.
  return build(builder, body, [again, ...exits]).slice(1)
}

function buildEndless(builder: Builder, node: Repeat, exits: States): States {
  const again = emitRound(builder, node, [0, at(exits, 0)])
  let entries = buildRound(builder, node, again, exits)
  const round = node.times.lazy ? builder.second : builder.first
  round[again] = at(entries, 0)
  if (node.times.min === 0)
    return exits.map((exit, d) => (d === 0 ? again : emitRound(builder, node, [at(entries, d), exit])))
  for (let i = 1; i < node.times.min && !isFull(builder); i += 1) entries = build(builder, node.body, entries)
  return entries
}

/** Rounds written out, the last one first. Up to the least count a round that consumed nothing is followed by the next all the same. */
function buildCounted(builder: Builder, node: Repeat, exits: States): States {
  const { min, max } = node.times
  if (max === 0) return exits
  let entries = build(builder, node.body, exits)
  for (let i = max - 1; i > 0 && !isFull(builder); i -= 1) {
    if (i < min) entries = build(builder, node.body, entries)
    else {
      const again = emitRound(builder, node, [at(entries, 0), at(exits, 0)])
      entries = buildRound(builder, node, again, exits)
    }
  }
  if (min > 0) return entries
  return exits.map((exit, d) => emitRound(builder, node, [at(entries, d), exit]))
}
