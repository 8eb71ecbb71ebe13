/** Glob lists: every sentence that the documents promise about patterns, and a naive second implementation as the model. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { parseGlobs } from '../../src/core/globs.ts'
import type { Globs } from '../../src/core/globs.ts'

function globs(text: string): Globs {
  const parsed = parseGlobs(text)
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.failure)
  return parsed.value
}

function reason(text: string): string {
  const parsed = parseGlobs(text)
  assert.ok(!parsed.ok, 'the list was expected to be refused')
  return parsed.failure
}

const MATCHES: readonly (readonly [sentence: string, list: string, text: string, matches: boolean])[] = [
  ['a literal matches itself', 'team-a', 'team-a', true],
  ['a pattern is anchored at its start', 'team-a', 'my-team-a', false],
  ['a pattern is anchored at its end', 'team-a', 'team-ab', false],
  ['a wildcard pattern is anchored at its start', 'eam-*', 'team-a', false],
  ['a wildcard pattern is anchored at its end', 't?am', 'team-a', false],
  ['matching is case-sensitive', 'Team-*', 'team-a', false],
  ['matching by the general matcher is case-sensitive', 'T?am', 'team', false],
  ['a star matches everything', '*', 'team-a', true],
  ['a star matches nothing at all', 'team*', 'team', true],
  ['a star matches the empty text', '*', '', true],
  ['a star in the middle', 'team-*-db', 'team-a-db', true],
  ['the two ends of a star do not overlap', 'aba*aba', 'ababa', false],
  ['a star on both sides', '*team*', 'my-team-a', true],
  ['a star matches a slash', '*', 'a/b', true],
  ['a star between two others matches a slash', 'a*b*d', 'a/b/c/d', true],
  ['a question mark matches a slash', 'a?b', 'a/b', true],
  ['a class matches a slash', 'a[/]b', 'a/b', true],
  ['a range of a class matches a slash', 'a[+-9]b', 'a/b', true],
  ['a negated class matches a slash', 'a[!x]b', 'a/b', true],
  ['a negated class with a slash does not match it', 'a[!/]b', 'a/b', false],
  ['a literal slash matches only a slash', 'a?c/d', 'abc-d', false],
  ['a star matches a leading dot', '*rc', '.rc', true],
  ['a question mark matches a leading dot', '?rc', '.rc', true],
  ['a class matches a leading dot', '[.]rc', '.rc', true],
  ['a star matches a dot after a slash', 'a/*c?', 'a/.cd', true],
  ['two dots are nothing special', '?.', '..', true],
  ['one dot is nothing special', '?', '.', true],
  ['a question mark matches one character', 'team-?', 'team-a', true],
  ['a question mark does not match none', 'team-?', 'team-', false],
  ['a question mark does not match two', 'team-?', 'team-ab', false],
  ['a class matches one of its characters', 'team-[abc]', 'team-b', true],
  ['a class matches no other character', 'team-[abc]', 'team-d', false],
  ['a class may hold a range', 'team-[a-c]', 'team-b', true],
  ['a class may be negated with !', 'team-[!a-c]', 'team-b', false],
  ['a class may be negated with ^', 'team-[^a-c]', 'team-d', true],
  ['a comma in a class does not split the list', 'x[,]y', 'x,y', true],
  ['a brace in a class is a plain character', 'x[{]y', 'x{y', true],
  ['a hyphen at the end of a class is a plain character', 'x[a-]y', 'x-y', true],
  ['a hyphen after a range is a plain character', 'x[a-c-e]y', 'x-y', true],
  ['a caret inside a class is a plain character', 'x[a^]y', 'x^y', true],
  ['braces give alternatives', '{a,b}-db', 'b-db', true],
  ['braces give no other alternative', '{a,b}-db', 'c-db', false],
  ['braces may hold an empty alternative', 'team{,-*}', 'team', true],
  ['braces may be nested', '{a,b{c,d}}e', 'bde', true],
  ['a comma in nested braces does not split the list', '{a,{b,c},d}', 'd', true],
  ['alternatives may hold wildcards', '{team-?,*-db}', 'my-db', true],
  ['two dots between other alternatives are plain', '{a..c,d}', 'a..c', true],
  ['a list is split at commas', 'a,b', 'b', true],
  ['blanks round items are trimmed', ' a ,\tb\n', 'b', true],
  ['empty items are ignored', 'a,,b,', 'b', true],
  ['an exclusion wins before an inclusion', '!team-x, team-*', 'team-x', false],
  ['an exclusion wins after an inclusion', 'team-*, !team-x', 'team-x', false],
  ['an exclusion leaves the others', 'team-*, !team-x', 'team-y', true],
  ['an exclusion may hold wildcards and braces', '*, !{kube,istio}-*', 'kube-system', false],
  ['exclusions alone match nothing', '!team-x', 'team-y', false],
  ['an exclamation mark further on is a plain character', 'a!b', 'a!b', true],
  ['a blank list matches nothing', '  ', 'team-a', false],
  ['an empty list matches nothing, not even the empty text', '', '', false],
  ['a list of commas matches nothing', ' , ,', '', false],
  ['a pipe is a plain character', 'a|b', 'a', false],
  ['a bracket expression of letters is no regular expression', 'a.c', 'abc', false],
]

for (const [sentence, list, text, matches] of MATCHES) {
  test(`globs: ${sentence}`, () => assert.equal(globs(list).matches(text), matches))
}

const REFUSED: readonly (readonly [sentence: string, list: string, expected: RegExp])[] = [
  ['an extended glob with @', '@(a)', /extended globs/],
  ['an extended glob with +', 'a+(b)', /extended globs/],
  ['an extended glob with *', '*(b)', /extended globs/],
  ['an extended glob with ?', '?(b)', /extended globs/],
  ['an extended glob with !', 'a!(b)', /extended globs/],
  ['an excluded extended glob', '!@(b)', /extended globs/],
  ['an extended glob that looks like an exclusion', '!(b)', /extended globs/],
  ['a leading hash', '#team', /#/],
  ['a hash further on', 'team#', /#/],
  ['two stars', '**', /\*\*/],
  ['two stars further on', 'a/**/b', /\*\*/],
  ['two stars that braces bring together', 'a*{*b,c}', /\*\*/],
  ['a range of numbers', 'a{1..9}', /ranges/],
  ['a range of letters', '{a..e}', /ranges/],
  ['a range with a step', '{1..9..2}', /ranges/],
  ['a range in nested braces', '{a,{1..3}}', /ranges/],
  ['braces with one alternative', '{a}', /two or more/],
  ['empty braces', '{}', /two or more/],
  ['an open brace', '{a,b', /balanced/],
  ['an open brace that swallows the rest of the list', '{a,b, c', /balanced/],
  ['a stray closing brace', 'a}', /balanced/],
  ['an open bracket', '[ab', /balanced/],
  ['a stray closing bracket', 'ab]', /balanced/],
  ['an empty class', 'a[]b', /empty/],
  ['an empty negated class', 'a[!]b', /empty/],
  ['a class that runs backwards', '[z-a]', /backwards/],
  ['a POSIX class', '[[:alpha:]]', /may not hold \[/],
  ['a backslash', 'team\\-a', /backslash/],
  ['a second exclamation mark', '!!a', /one !/],
  ['an exclamation mark alone', 'a, !', /missing/],
  ['a character outside ASCII', 'té*', /ASCII/],
  ['a control character', 'a\u0001b', /ASCII/],
  ['a pattern of 254 characters', 'a'.repeat(254), /253 characters/],
  ['65 patterns', Array.from({ length: 65 }, (_, i) => `p${i}`).join(), /64 patterns/],
  ['65 alternatives', `{${Array.from({ length: 65 }, (_, i) => i).join()}}`, /64 alternatives/],
  ['65 alternatives by multiplication', '{a,b,c,d,e}{a,b,c,d,e,f,g,h,i,j,k,l,m}', /64 alternatives/],
  ['alternatives beyond any count', '{a,b}'.repeat(50), /64 alternatives/],
  ['17 stars in one pattern', '*a'.repeat(17), /16 stars/],
  ['a list of more than 32,768 characters', ' '.repeat(32_769), /32768 characters/],
  [
    'a list that stands for more than 65,536 characters',
    repeated(64, (i) => `{${alternatives(64)}}${'a'.repeat(20)}${i}`),
    /65536/,
  ],
  [
    'more than 64 costly alternatives',
    Array.from({ length: 2 }, (_, i) => `{${alternatives(33)}}?${i}`).join(),
    /64 patterns with/,
  ],
]

function alternatives(count: number): string {
  return Array.from({ length: count }, (_, i) => String.fromCharCode(97 + (i % 26)) + (i >> 4)).join()
}

for (const [sentence, list, expected] of REFUSED) {
  test(`globs: refused is ${sentence}`, () => assert.match(reason(list), expected))
}

test('globs: what is exactly at a bound is accepted', () => {
  assert.ok(globs('a'.repeat(253)).matches('a'.repeat(253)))
  assert.ok(globs(Array.from({ length: 64 }, (_, i) => `p${i}`).join()).matches('p63'))
  assert.ok(globs(`{${Array.from({ length: 64 }, (_, i) => i).join()}}`).matches('63'))
  assert.ok(globs('{a,b}'.repeat(6)).matches('ababab'))
  assert.ok(globs('*a'.repeat(16)).matches('a'.repeat(16)))
  const full = Array.from({ length: 64 }, (_, i) => `${i}{${alternatives(64)}}*`).join()
  assert.ok(globs(full).matches('63a0x'))
})

test('globs: includes tells whether anything could match', () => {
  assert.equal(globs('a').includes, true)
  assert.equal(globs('!a, b').includes, true)
  assert.equal(globs('!a').includes, false)
  assert.equal(globs(' ').includes, false)
})

test('globs: a text longer than any name matches nothing', () => {
  assert.equal(globs('*').matches('a'.repeat(1_024)), true)
  assert.equal(globs('*').matches('a'.repeat(1_025)), false)
})

test('globs: equal lists are one object', () => {
  assert.equal(globs('team-*, !team-x'), globs('team-*, !team-x'))
})

const character = fc.constantFrom('a', 'a', 'b', '-', '.', '/')
const name = fc.string({ unit: character, maxLength: 8 })
const klass = fc
  .tuple(
    fc.constantFrom('', '!', '^'),
    fc.constantFrom('a', 'b', 'ab', 'a-b', '.-b', '/', '-a', '+-/', '^-a', 'b^'),
  )
  .filter(([negated, items]) => negated !== '' || !items.startsWith('^'))
  .map(([negated, items]) => `[${negated}${items}]`)
const pattern = fc
  .array(fc.oneof(character, fc.constantFrom('?', '*'), klass), { minLength: 1, maxLength: 7 })
  .map((parts) => parts.join('').replaceAll(/\*+/g, '*'))
const braced = fc.tuple(pattern, pattern, pattern).map(([a, b, c]) => `${a}-{${b},${c}}`)

/** Backtracking over the raw pattern: slow, and obviously right. */
function modelMatches(glob: string, text: string): boolean {
  if (glob === '') return text === ''
  const head = glob.charAt(0)
  const tail = glob.slice(1)
  if (head === '*') return modelMatches(tail, text) || (text !== '' && modelMatches(glob, text.slice(1)))
  if (text === '') return false
  if (head === '?') return modelMatches(tail, text.slice(1))
  if (head !== '[') return head === text.charAt(0) && modelMatches(tail, text.slice(1))
  const end = glob.indexOf(']')
  const negated = /[!^]/.test(glob.charAt(1))
  const items = glob
    .slice(negated ? 2 : 1, end)
    .replaceAll(/(.)-(.)/g, (_, from: string, to: string) =>
      String.fromCharCode(
        ...Array.from(
          { length: to.charCodeAt(0) - from.charCodeAt(0) + 1 },
          (__, i) => from.charCodeAt(0) + i,
        ),
      ),
    )
  return items.includes(text.charAt(0)) !== negated && modelMatches(glob.slice(end + 1), text.slice(1))
}

test('globs: one pattern agrees with a backtracking model', () => {
  fc.assert(
    fc.property(pattern, name, (glob, text) => {
      assert.equal(globs(glob).matches(text), modelMatches(glob, text))
    }),
    { numRuns: 3_000 },
  )
})

test('globs: braces agree with their alternatives written out', () => {
  fc.assert(
    fc.property(pattern, pattern, pattern, name, (a, b, c, text) => {
      const list = parseGlobs(`${a}{${b},${c}}`)
      fc.pre(list.ok)
      assert.equal(list.value.matches(text), modelMatches(a + b, text) || modelMatches(a + c, text))
    }),
    { numRuns: 2_000 },
  )
})

test('globs: an exclusion always wins, wherever it stands', () => {
  fc.assert(
    fc.property(
      fc.array(pattern, { maxLength: 4 }),
      pattern,
      fc.nat(4),
      name,
      (including, excluded, place, text) => {
        const list = [...including]
        list.splice(place, 0, `!${excluded}`)
        const expected = including.some((glob) => modelMatches(glob, text)) && !modelMatches(excluded, text)
        assert.equal(globs(list.join()).matches(text), expected)
      },
    ),
    { numRuns: 1_000 },
  )
})

test('globs: the order of patterns does not matter', () => {
  const items = fc.array(
    fc.oneof(
      pattern,
      braced,
      pattern.map((glob) => `!${glob}`),
    ),
    { maxLength: 6 },
  )
  fc.assert(
    fc.property(items, name, (list, text) => {
      const forward = parseGlobs(list.join())
      const backward = parseGlobs(list.toReversed().join(' , '))
      fc.pre(forward.ok && backward.ok)
      assert.equal(forward.value.matches(text), backward.value.matches(text))
    }),
    { numRuns: 500 },
  )
})

test('globs: any text gives a matcher or a fixed reason that quotes nothing, and never throws', () => {
  const special = fc.string({
    unit: fc.constantFrom(...'ab*?[]{},!^-.\\#()/\u0001é '.split('')),
    maxLength: 300,
  })
  fc.assert(
    fc.property(fc.oneof(special, fc.string({ unit: 'binary', maxLength: 60 })), (text) => {
      const parsed = parseGlobs(`${text}SECRETMARK`)
      if (parsed.ok) assert.equal(typeof parsed.value.matches(text), 'boolean')
      else assert.doesNotMatch(parsed.failure, /SECRETMARK/)
    }),
    { numRuns: 3_000 },
  )
})

/** The worst that one list can hold. Without its bounds each of these runs for minutes or fills the heap. */
const HOSTILE: readonly (readonly [name: string, list: string])[] = [
  ['16 stars, a near miss', repeated(64, (i) => `${'*a'.repeat(15)}*b${i}`)],
  ['stars and question marks in turn', repeated(64, (i) => `${'*?'.repeat(15)}${'?'.repeat(30)}z${i}`)],
  ['a star and many question marks', repeated(64, (i) => `*${'?'.repeat(40)}*a?b${i}`)],
  ['classes after stars', repeated(64, (i) => `${'*[ab]'.repeat(15)}c${i}`)],
  ['long runs of one letter', repeated(64, (i) => `*${'a'.repeat(30)}b*${'a'.repeat(30)}?${i}`)],
  ['exclusions as costly as inclusions', `*,${repeated(63, (i) => `!${'*a'.repeat(15)}*b${i}`)}`],
  ['as many costly alternatives as are allowed', repeated(1, (i) => `*a*{${alternatives(64)}}*b?${i}`)],
  ['as many cheap alternatives as are allowed', repeated(64, (i) => `*{${alternatives(64)}}${i}`)],
]

function repeated(count: number, patternOf: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => patternOf(i)).join()
}

for (const [title, list] of HOSTILE) {
  test(`globs: a hostile list over 5,000 names ends: ${title}`, { timeout: 60_000 }, () => {
    const matcher = globs(list)
    for (let i = 0; i < 5_000; i += 1) {
      const text = `${'a'.repeat(58)}${i}`
      assert.equal(typeof matcher.matches(text), 'boolean')
    }
  })
}

test('the names that a list gives singly are known, without patterns and without what is excluded', () => {
  const literals = (text: string): readonly string[] | undefined => {
    const parsed = parseGlobs(text)
    assert.ok(parsed.ok)
    return parsed.value.literals
  }
  assert.deepEqual(literals('a, team-{b,c}, d*, e?, [f]g, !team-c'), ['a', 'team-b'])
  assert.deepEqual(literals('!a'), [])
  assert.deepEqual(literals(''), [])
})
