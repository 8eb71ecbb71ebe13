/** Random patterns as trees, spelt as every flavour reads them alike, and a matcher that backtracks over them as .NET does: slow, and obviously right. */

import fc from 'fast-check'

export type Tree =
  | { readonly kind: 'char'; readonly char: string }
  | { readonly kind: 'class'; readonly negated: boolean; readonly members: readonly Member[] }
  | { readonly kind: 'dot' }
  | { readonly kind: 'place'; readonly sign: string }
  | { readonly kind: 'sequence'; readonly parts: readonly Tree[] }
  | { readonly kind: 'choice'; readonly branches: readonly Tree[] }
  | { readonly kind: 'group'; readonly open: string; readonly body: Tree }
  | { readonly kind: 'look'; readonly behind: boolean; readonly negated: boolean; readonly body: Tree }
  | {
      readonly kind: 'repeat'
      readonly body: Tree
      readonly min: number
      readonly max: number
      readonly lazy: boolean
    }

/** A character, a range, or a shorthand as every flavour writes it. */
type Member = string

interface Grammar {
  readonly looks: boolean
  /** `(?i:…)` and its like, which RegExp lacks. */
  readonly flags: boolean
}

const char = fc
  .constantFrom('a', 'a', 'b', 'b', 'c', 'A', '-', '_', '1')
  .map((each): Tree => ({ kind: 'char', char: each }))
const klass = fc
  .tuple(
    fc.boolean(),
    fc.uniqueArray(
      fc.constantFrom('a', 'b', 'a-c', 'A-Z', '0-9', '_', '\\d', '\\w', '\\s', '\\W', '\\-', 'b-'),
      { minLength: 1, maxLength: 3 },
    ),
  )
  // A dash at the end is a dash; in the middle it might seem to begin a range.
  .filter(([, members]) => members.slice(0, -1).every((member) => member !== 'b-'))
  .map(([negated, members]): Tree => ({ kind: 'class', negated, members }))
const place = fc.constantFrom('^', '$', '\\b', '\\B').map((sign): Tree => ({ kind: 'place', sign }))
const counts = fc.oneof(
  fc.constantFrom([0, Infinity], [0, Infinity], [1, Infinity], [0, 1]),
  fc.constantFrom([2, 2], [0, 2], [1, 3], [2, Infinity], [0, 0], [3, 3], [2, 4]),
)

export function patterns({ looks, flags }: Grammar): fc.Arbitrary<Tree> {
  return fc.letrec<{ tree: Tree; unit: Tree }>((tie) => ({
    unit: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      char,
      klass,
      fc.constant<Tree>({ kind: 'dot' }),
      place,
      ...(looks ? [lookOver(tie('tree'))] : []),
      repeatOver(fc.oneof(char, klass, groupOver(tie('tree'), flags))),
      repeatOver(groupOver(tie('tree'), flags)),
      groupOver(tie('tree'), flags),
    ),
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      tie('unit'),
      fc.array(tie('unit'), { maxLength: 4 }).map((parts): Tree => ({ kind: 'sequence', parts })),
      fc
        .array(tie('unit'), { minLength: 2, maxLength: 3 })
        .map((branches): Tree => ({ kind: 'choice', branches })),
      fc
        .array(
          fc.array(tie('unit'), { maxLength: 2 }).map((parts): Tree => ({ kind: 'sequence', parts })),
          { minLength: 2, maxLength: 3 },
        )
        .map((branches): Tree => ({ kind: 'choice', branches })),
    ),
  })).tree
}

function lookOver(tree: fc.Arbitrary<Tree>): fc.Arbitrary<Tree> {
  return fc
    .tuple(fc.boolean(), fc.boolean(), tree)
    .map(([behind, negated, body]): Tree => ({ kind: 'look', behind, negated, body }))
}

function groupOver(tree: fc.Arbitrary<Tree>, flags: boolean): fc.Arbitrary<Tree> {
  const opens = flags ? ['(', '(?:', '(?i:', '(?s:', '(?m:', '(?-i:'] : ['(', '(?:']
  return fc
    .tuple(fc.constantFrom(...opens), tree)
    .map(([open, body]): Tree => ({ kind: 'group', open, body }))
}

function repeatOver(unit: fc.Arbitrary<Tree>): fc.Arbitrary<Tree> {
  return fc
    .tuple(unit, counts, fc.boolean())
    .map(([body, [min = 0, max = 0], lazy]): Tree => ({ kind: 'repeat', body, min, max, lazy }))
}

export function textOf(tree: Tree): string {
  switch (tree.kind) {
    case 'char':
      return tree.char
    case 'class':
      return `[${tree.negated ? '^' : ''}${tree.members.join('')}]`
    case 'dot':
      return '.'
    case 'place':
      return tree.sign
    case 'sequence':
      return tree.parts
        .map((part) => (part.kind === 'choice' ? `(?:${textOf(part)})` : textOf(part)))
        .join('')
    case 'choice':
      return tree.branches.map((branch) => textOf(branch)).join('|')
    case 'group':
      return `${tree.open}${textOf(tree.body)})`
    case 'look':
      // Quantifiers on lookbehind are not known to RegExp, so a look stands in a group everywhere.
      return `(?:(?${tree.behind ? '<' : ''}${tree.negated ? '!' : '='}${textOf(tree.body)}))`
    case 'repeat':
      return `${textOf(tree.body)}${countOf(tree.min, tree.max)}${tree.lazy ? '?' : ''}`
  }
}

function countOf(min: number, max: number): string {
  if (max === Infinity && min < 2) return min === 0 ? '*' : '+'
  if (max === Infinity) return `{${min},}`
  if (min === 0 && max === 1) return '?'
  return min === max ? `{${min}}` : `{${min},${max}}`
}

/** Whether some loop's round may consume nothing: there the engines of the world differ. */
export function mayBeEmpty(tree: Tree): boolean {
  switch (tree.kind) {
    case 'sequence':
      return tree.parts.some(mayBeEmpty)
    case 'choice':
      return tree.branches.some(mayBeEmpty)
    case 'group':
    case 'look':
      return mayBeEmpty(tree.body)
    case 'repeat':
      return isNullable(tree.body) || mayBeEmpty(tree.body)
    default:
      return false
  }
}

function isNullable(tree: Tree): boolean {
  switch (tree.kind) {
    case 'sequence':
      return tree.parts.every(isNullable)
    case 'choice':
      return tree.branches.some(isNullable)
    case 'group':
      return isNullable(tree.body)
    case 'place':
    case 'look':
      return true
    case 'repeat':
      return tree.min === 0 || isNullable(tree.body)
    default:
      return false
  }
}

interface Flags {
  readonly fold: boolean
  readonly dotAll: boolean
  readonly multiline: boolean
}

interface Run {
  readonly text: string
  /** 1: left to right; -1: a lookbehind reads from right to left. */
  readonly step: 1 | -1
  readonly left: { steps: number }
}

type Next = (position: number) => boolean

/** Steps that the model takes before it gives up: it is exponential. */
const MODEL_STEPS_MAX = 20_000

class Exhausted extends Error {}

/** The length of the first match at position 0, -1 if there is none, null if the model gave up. */
export function lengthInModel(tree: Tree, text: string): number | null {
  let length = -1
  const run: Run = { text, step: 1, left: { steps: MODEL_STEPS_MAX } }
  const accept: Next = (position) => {
    length = position
    return true
  }
  try {
    tryAt(tree, 0, { run, flags: { fold: false, dotAll: false, multiline: false } }, accept)
  } catch (error) {
    if (error instanceof Exhausted) return null
    throw error
  }
  return length
}

interface Scope {
  readonly run: Run
  readonly flags: Flags
}

function tryAt(tree: Tree, position: number, scope: Scope, next: Next): boolean {
  const { run, flags } = scope
  run.left.steps -= 1
  if (run.left.steps < 0) throw new Exhausted()
  switch (tree.kind) {
    case 'char':
    case 'class':
    case 'dot': {
      const read = run.text.charAt(run.step === 1 ? position : position - 1)
      return read !== '' && accepts(tree, read, flags) && next(position + run.step)
    }
    case 'place':
      return isThere(tree.sign, run.text, position, flags) && next(position)
    case 'sequence': {
      const [first, ...rest] = run.step === 1 ? tree.parts : tree.parts.toReversed()
      if (first === undefined) return next(position)
      const others: Tree = { kind: 'sequence', parts: run.step === 1 ? rest : rest.toReversed() }
      return tryAt(first, position, scope, (after) => tryAt(others, after, scope, next))
    }
    case 'choice':
      return tree.branches.some((branch) => tryAt(branch, position, scope, next))
    case 'group':
      return tryAt(tree.body, position, { run, flags: flagsIn(tree.open, flags) }, next)
    case 'look': {
      const inner: Scope = { run: { ...run, step: tree.behind ? -1 : 1 }, flags }
      return tryAt(tree.body, position, inner, () => true) !== tree.negated && next(position)
    }
    case 'repeat':
      return tree.max === 0 ? next(position) : loop(tree, { rounds: 0, position, scope, next })
  }
}

interface Loop {
  readonly rounds: number
  readonly position: number
  readonly scope: Scope
  readonly next: Next
}

/** After the least count, a round that consumed nothing is the last one. */
function loop(tree: Extract<Tree, { kind: 'repeat' }>, { rounds, position, scope, next }: Loop): boolean {
  const again = (): boolean =>
    tryAt(tree.body, position, scope, (after) => {
      const done = rounds + 1
      if (done >= tree.max || (after === position && done >= tree.min)) return next(after)
      return loop(tree, { rounds: done, position: after, scope, next })
    })
  if (rounds < tree.min) return again()
  return tree.lazy ? next(position) || again() : again() || next(position)
}

function accepts(
  tree: Extract<Tree, { kind: 'char' | 'class' | 'dot' }>,
  read: string,
  flags: Flags,
): boolean {
  if (tree.kind === 'dot') return flags.dotAll || read !== '\n'
  const cases = flags.fold ? [read.toLowerCase(), read.toUpperCase()] : [read]
  if (tree.kind === 'char') return cases.includes(tree.char)
  return cases.some((each) => tree.members.some((member) => isMember(member, each))) !== tree.negated
}

function isMember(member: Member, read: string): boolean {
  switch (member) {
    case '\\d':
      return /[0-9]/.test(read)
    case '\\w':
      return /[A-Za-z0-9_]/.test(read)
    case '\\W':
      return /[^A-Za-z0-9_]/.test(read)
    case '\\s':
      return /[ \n]/.test(read)
    case '\\-':
      return read === '-'
    case 'b-':
      return read === '-' || read === 'b'
    default:
      return member.length === 1 ? read === member : read >= member.charAt(0) && read <= member.charAt(2)
  }
}

function isThere(sign: string, text: string, position: number, { multiline }: Flags): boolean {
  const isEnd = position === text.length
  const boundary = /\w/.test(text.charAt(position - 1)) !== /\w/.test(text.charAt(position))
  switch (sign) {
    case '^':
      return position === 0 || (multiline && text.charAt(position - 1) === '\n')
    case '$':
      if (multiline) return isEnd || text.charAt(position) === '\n'
      return isEnd || (position === text.length - 1 && text.endsWith('\n'))
    case '\\z':
      return isEnd
    default:
      return boundary === (sign === '\\b')
  }
}

function flagsIn(open: string, flags: Flags): Flags {
  switch (open) {
    case '(?i:':
      return { ...flags, fold: true }
    case '(?-i:':
      return { ...flags, fold: false }
    case '(?s:':
      return { ...flags, dotAll: true }
    case '(?m:':
      return { ...flags, multiline: true }
    default:
      return flags
  }
}
