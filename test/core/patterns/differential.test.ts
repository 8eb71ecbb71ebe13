/** The engine of foreign patterns agrees with three others, each on the ground where both mean the same: re2js, RegExp, and a backtracking model of .NET. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'
import { RE2JS } from 're2js'

import { COST_MAX, compile } from '../../../src/core/patterns/compile.ts'
import type { Program } from '../../../src/core/patterns/compile.ts'
import { DOTNET } from '../../../src/core/patterns/dotnet.ts'
import type { Flavour } from '../../../src/core/patterns/flavour.ts'
import { coversWhole, firstLength, subjectOf } from '../../../src/core/patterns/match.ts'
import { parsePattern } from '../../../src/core/patterns/parse.ts'
import { RE2 } from '../../../src/core/patterns/re2.ts'
import { lengthInModel, mayBeEmpty, patterns, textOf } from './model.ts'

/** A longer run: HELIOGRAPH_PATTERN_RUNS=200000 node --test test/core/patterns/differential.test.ts */
const RUNS = Number(process.env['HELIOGRAPH_PATTERN_RUNS'] ?? 3_000)

const name = fc.string({
  unit: fc.constantFrom('a', 'a', 'b', 'b', 'c', 'A', '-', '_', '1', '\n'),
  maxLength: 9,
})

/** Null: refused, or more than a list may cost. */
function programOf(text: string, flavour: Flavour): Program | null {
  const node = parsePattern(text, flavour)
  return node.ok ? compile(node.value, COST_MAX) : null
}

/** Counts in each other may stand for more than is allowed; nothing else that the grammar makes is refused. */
function isTooLarge(source: string, flavour: Flavour): boolean {
  const node = parsePattern(source, flavour)
  return node.ok ? compile(node.value, COST_MAX) === null : /multiply/.test(node.failure)
}

function lengthInRe2(oracle: RE2JS, text: string): number {
  const matcher = oracle.matcher(text)
  return matcher.lookingAt() ? matcher.end() : -1
}

function covers(program: Program, text: string): boolean {
  return coversWhole(program, subjectOf(text))
}

function lengthOf(program: Program, text: string): number {
  return firstLength(program, subjectOf(text))
}

test('patterns without lookaround cover the same names as in RE2', () => {
  fc.assert(
    fc.property(
      patterns({ looks: false, flags: true }),
      fc.array(name, { minLength: 3, maxLength: 6 }),
      (tree, texts) => {
        const source = textOf(tree)
        const program = programOf(source, RE2)
        const oracle = compiledByRe2(source)
        if (program === null || oracle === null) return assert.ok(isTooLarge(source, RE2), source)
        for (const text of texts)
          assert.equal(covers(program, text), oracle.matches(text), `${source} on ${JSON.stringify(text)}`)
      },
    ),
    { numRuns: RUNS },
  )
})

test('the first match is as long as in RE2 where no round of a loop may be empty', () => {
  fc.assert(
    fc.property(
      patterns({ looks: false, flags: true }),
      fc.array(name, { minLength: 3, maxLength: 6 }),
      (tree, texts) => {
        fc.pre(!mayBeEmpty(tree))
        const source = textOf(tree)
        const program = programOf(source, RE2)
        const oracle = compiledByRe2(source)
        if (program === null || oracle === null) return assert.ok(isTooLarge(source, RE2), source)
        for (const text of texts) {
          assert.equal(
            lengthOf(program, text),
            lengthInRe2(oracle, text),
            `${source} on ${JSON.stringify(text)}`,
          )
        }
      },
    ),
    { numRuns: RUNS },
  )
})

test('the first match with lookaround is as long as that of RegExp where no round of a loop may be empty', () => {
  fc.assert(
    fc.property(
      patterns({ looks: true, flags: false }),
      fc.array(name, { minLength: 3, maxLength: 6 }),
      (tree, texts) => {
        fc.pre(!mayBeEmpty(tree))
        const source = textOf(tree)
        const program = programOf(source, DOTNET)
        if (program === null) return assert.ok(isTooLarge(source, DOTNET), source)
        const oracle = new RegExp(source, 'y')
        for (const text of texts) {
          // RegExp has no place before a last newline, and its dot spares more than one kind of newline.
          if (text.includes('\n')) continue
          oracle.lastIndex = 0
          const expected = oracle.exec(text)?.[0].length ?? -1
          assert.equal(lengthOf(program, text), expected, `${source} on ${JSON.stringify(text)}`)
        }
      },
    ),
    { numRuns: RUNS },
  )
})

test('the first match is as long as that of a model that backtracks as .NET does, empty rounds and all', () => {
  fc.assert(
    fc.property(
      patterns({ looks: true, flags: true }),
      fc.array(name, { minLength: 2, maxLength: 4 }),
      (tree, texts) => {
        const source = textOf(tree)
        const program = programOf(source, DOTNET)
        if (program === null) return
        for (const text of texts) {
          const expected = lengthInModel(tree, text)
          if (expected === null) continue
          assert.equal(lengthOf(program, text), expected, `${source} on ${JSON.stringify(text)}`)
          // A match that covers the whole text exists in the model if one is found once the end is asked for.
          const whole = lengthInModel(
            { kind: 'sequence', parts: [tree, { kind: 'place', sign: '\\z' }] },
            text,
          )
          if (whole !== null)
            assert.equal(
              covers(program, text),
              whole === text.length,
              `${source} covers ${JSON.stringify(text)}`,
            )
        }
      },
    ),
    { numRuns: RUNS },
  )
})

/** Any text over the signs that mean something. */
const soup = fc.string({
  unit: fc.constantFrom(
    ...'ab1-_.*+?()[]{}|^$\\,:=!<>#PQEdwszAZpLui&~'.split(''),
    '(?',
    '[:',
    '[^',
    '\\p{',
    '(?i)',
    '{2}',
    'é',
  ),
  maxLength: 14,
})

test('RE2 and this engine accept and refuse the same texts, but for what is refused on purpose', () => {
  fc.assert(
    fc.property(soup, name, (source, text) => {
      // re2js takes [:] for a named class; Go looks for the end behind the colon.
      fc.pre(!source.includes('[:]'))
      const oracle = compiledByRe2(source)
      const node = parsePattern(source, RE2)
      if (oracle === null) return assert.equal(node.ok, false, `${source} is no pattern of RE2`)
      if (!node.ok) return assert.match(node.failure, /beyond ASCII|property/, source)
      const program = compile(node.value, COST_MAX)
      if (program !== null)
        assert.equal(covers(program, text), oracle.matches(text), `${source} on ${JSON.stringify(text)}`)
    }),
    { numRuns: 3 * RUNS },
  )
})

function compiledByRe2(source: string): RE2JS | null {
  try {
    return RE2JS.compile(source)
  } catch {
    return null
  }
}

test('any text is a pattern or is refused for a fixed reason that quotes nothing', () => {
  fc.assert(
    fc.property(fc.oneof(soup, fc.string({ unit: 'binary', maxLength: 30 })), name, (source, text) => {
      for (const flavour of [DOTNET, RE2]) {
        const node = parsePattern(`${source}SECRETMARK`, flavour)
        if (!node.ok) assert.doesNotMatch(node.failure, /SECRETMARK/)
        const program = programOf(source, flavour)
        if (program !== null) assert.equal(typeof covers(program, text), 'boolean')
      }
    }),
    { numRuns: RUNS },
  )
})
