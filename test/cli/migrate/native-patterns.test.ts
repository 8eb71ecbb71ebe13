/** Globs that stand for a list of another tool match exactly the namespaces that the list matched, or there are none. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import {
  globsOfNames,
  globsOfReflectorList,
  globsOfReplicatorList,
} from '../../../src/cli/migrate/native-patterns.ts'
import { parseReflectorList, parseReplicatorList } from '../../../src/core/patterns/lists.ts'
import { globs } from '../../core/rules.ts'

const TOOLS = {
  reflector: { translate: globsOfReflectorList, parse: parseReflectorList },
  replicator: { translate: globsOfReplicatorList, parse: parseReplicatorList },
}

const TRANSLATED: readonly (readonly [tool: keyof typeof TOOLS, list: string, expected: string | null])[] = [
  ['reflector', 'app1,app2, app3', 'app1, app2, app3'],
  ['reflector', 'prefix-.*', 'prefix-*'],
  ['reflector', '^prefix-.*$', 'prefix-*'],
  ['reflector', '.*', '*'],
  ['reflector', '^(?!(?:a|b)$).*', '*, !a, !b'],
  ['reflector', '^(?!(?:default|kube-system)$).*', '*, !default, !kube-system'],
  ['reflector', '^(?!(?:default|kube-system)).*$', '*, !default*, !kube-system*'],
  ['reflector', '(?!kube-).+', '?*, !kube-*'],
  ['reflector', '^(a|ab)$', 'a, ab'],
  ['reflector', 'a|ab', 'a'],
  ['reflector', 'ab|a', 'ab, a'],
  ['reflector', '^dev$|^test$', 'dev, test'],
  ['reflector', 'team-[0-9]', 'team-[0123456789]'],
  ['reflector', '(?i)PROD', 'prod'],
  ['reflector', 'Prod', ''],
  ['reflector', ',', ''],
  ['reflector', 'team-[0-9]+', null],
  ['reflector', 'a?(ab)?', 'aab, a'],
  ['reflector', '(a|ab).*', null],
  ['reflector', '.*?-db', null],
  ['reflector', '.*?-db$', '*-db'],
  ['reflector', '(?=team-).*', null],
  ['reflector', '^(?!a).*,abc', null],
  ['reflector', '^(?!a$).*,abc', 'abc, *, !a'],
  ['reflector', '*-db', null],
  ['replicator', 'a|b', 'a, b'],
  ['replicator', '^a$,b', 'a, b'],
  ['replicator', '*', '*'],
  ['replicator', 'app-.*,*-db', 'app-*, *-db'],
  ['replicator', 'x{2}y?', 'xxy, xx'],
  ['replicator', 'x{2,3}', ''],
  ['replicator', '(a|b)-(c|d)', 'a-c, a-d, b-c, b-d'],
]

for (const [tool, list, expected] of TRANSLATED)
  test(`${tool}’s list ${list} is ${expected ?? 'not translated'}`, () => {
    assert.equal(TOOLS[tool].translate(list), expected)
  })

const atom = fc.constantFrom(
  'a',
  'b',
  'ab',
  'a-',
  '-',
  '.',
  '[ab]',
  '[^a]',
  '.*',
  '.+',
  '.*?',
  'x',
  'B',
  '[0-9]',
)
const piece = fc.oneof(
  { weight: 4, arbitrary: atom },
  fc.tuple(atom, fc.constantFrom('?', '??', '{2}', '{1,2}')).map(([text, times]) => `(?:${text})${times}`),
  fc.array(atom, { minLength: 1, maxLength: 3 }).map((branches) => `(${branches.join('|')})`),
)
const look = fc
  .tuple(fc.array(atom, { minLength: 1, maxLength: 2 }), fc.constantFrom('', '$'))
  .map(([body, end]) => `(?!(?:${body.join('|')})${end})`)
const sequence = fc
  .tuple(
    fc.constantFrom('', '', '^'),
    fc.oneof({ weight: 4, arbitrary: fc.constant('') }, look),
    fc.array(piece, { maxLength: 4 }),
    fc.constantFrom('', '$'),
  )
  .map((parts) => parts.flat().join(''))
const item = fc.array(sequence, { minLength: 1, maxLength: 3 }).map((branches) => branches.join('|'))
/** A comma ends an item, so counts with one are not items. */
const list = fc.array(item, { maxLength: 3 }).map((items) => items.join(','))
const name = fc.oneof(
  fc.stringMatching(/^[abx0](?:[abx0-]{0,5}[abx0])?$/),
  fc.constantFrom('a', 'b', 'ab', 'aab', 'aba', 'bb', 'a-b', 'abab'),
)

for (const [tool, { translate, parse }] of Object.entries(TOOLS))
  test(`whatever ${tool}’s list, its globs match the same names`, () => {
    let translated = 0
    fc.assert(
      fc.property(list, fc.array(name, { minLength: 10, maxLength: 40 }), (text, names) => {
        const [there, here] = [parse(text), translate(text)]
        if (here === null) return
        assert.ok(there.ok, 'what its tool refuses is not translated')
        translated += 1
        const matcher = globs(here)
        for (const each of names)
          assert.equal(matcher.matches(each), there.value.matches(each), `${text} as ${here} on ${each}`)
      }),
      { numRuns: 3_000 },
    )
    assert.ok(translated > 500, `only ${translated} were translated`)
  })

test('many names are put into braces, so that any number up to the bounds of a list fits', () => {
  const names = Array.from({ length: 1_000 }, (_, at) => `namespace-${at}`)
  const matcher = globs(globsOfNames(names))
  assert.ok(names.every((each) => matcher.matches(each)))
  assert.ok(!matcher.matches('namespace-1000'))
  const translated = globsOfReflectorList(names.join(','))
  assert.ok(translated !== null && names.every((each) => globs(translated).matches(each)))
})
