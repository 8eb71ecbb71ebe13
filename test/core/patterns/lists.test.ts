/** Lists of reflector and replicator: each corpus holds, and so do the bounds and the rules around the patterns. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { LIST_LENGTH_MAX, PATTERNS_MAX, TEXT_LENGTH_MAX } from '../../../src/core/patterns/compiled-list.ts'
import { parseReflectorList, parseReplicatorList } from '../../../src/core/patterns/lists.ts'
import type { NamePatterns } from '../../../src/core/patterns/lists.ts'
import { NESTING_MAX, PATTERN_LENGTH_MAX } from '../../../src/core/patterns/parse.ts'
import type { Result } from '../../../src/std/result.ts'
import { REFLECTOR_CORPUS } from './reflector-corpus.ts'
import type { ListCase } from './reflector-corpus.ts'
import { REPLICATOR_CORPUS } from './replicator-corpus.ts'

type Parse = (text: string) => Result<NamePatterns, string>

const DIALECTS: readonly (readonly [dialect: string, parse: Parse, corpus: readonly ListCase[]])[] = [
  ['reflector', parseReflectorList, REFLECTOR_CORPUS],
  ['replicator', parseReplicatorList, REPLICATOR_CORPUS],
]

function list(parse: Parse, text: string): NamePatterns {
  const parsed = parse(text)
  assert.ok(parsed.ok, parsed.ok ? '' : `${text.slice(0, 80)}: ${parsed.failure}`)
  return parsed.value
}

function reason(parse: Parse, text: string): string {
  const parsed = parse(text)
  assert.ok(!parsed.ok, `${text.slice(0, 80)} was expected to be refused`)
  return parsed.failure
}

for (const [dialect, parse, corpus] of DIALECTS) {
  for (const row of corpus) {
    test(`${dialect}: ${JSON.stringify(row[0])} ${row.length === 2 ? 'is refused' : 'matches as the tool does'}`, () => {
      if (row.length === 2) return assert.match(reason(parse, row[0]), row[1])
      const patterns = list(parse, row[0])
      for (const name of row[1].split(' ').filter(Boolean))
        assert.equal(patterns.matches(name), true, `matches ${name}`)
      for (const name of row[2].split(' ').filter(Boolean))
        assert.equal(patterns.matches(name), false, `does not match ${name}`)
    })
  }

  test(`${dialect}: the corpus holds at least 200 lists, each once`, () => {
    assert.ok(new Set(corpus.map(([text]) => text)).size >= 200)
    assert.equal(new Set(corpus.map(([text]) => text)).size, corpus.length)
  })

  test(`${dialect}: equal lists are one object`, () => {
    assert.equal(list(parse, 'team-.*,prod'), list(parse, 'team-.*,prod'))
  })

  test(`${dialect}: a name beyond ASCII or longer than any matches nothing`, () => {
    assert.equal(list(parse, '.*').matches('a'.repeat(TEXT_LENGTH_MAX)), true)
    assert.equal(list(parse, '.*').matches('a'.repeat(TEXT_LENGTH_MAX + 1)), false)
    assert.equal(list(parse, '.*,é').matches('é'), false)
  })

  test(`${dialect}: plain names are limited by the length of the list alone`, () => {
    const names = Array.from({ length: 3_000 }, (_, i) => `team-${i}`)
    assert.equal(list(parse, names.join()).matches('team-2999'), true)
    assert.equal(
      list(
        parse,
        names
          .slice(0, 2_000)
          .map((name) => `^${name}$`)
          .join(),
      ).matches('team-1999'),
      true,
    )
    assert.match(reason(parse, 'a,'.repeat(LIST_LENGTH_MAX / 2 + 1)), /32768 characters/)
  })

  test(`${dialect}: patterns are limited in number, length, nesting and cost, and more is refused`, () => {
    const some = (count: number): string => Array.from({ length: count }, (_, i) => `team-${i}-.*`).join()
    assert.equal(list(parse, some(PATTERNS_MAX)).matches(`team-${PATTERNS_MAX - 1}-x`), true)
    assert.match(reason(parse, some(PATTERNS_MAX + 1)), /64 patterns/)
    assert.equal(list(parse, `.${'a'.repeat(PATTERN_LENGTH_MAX - 1)}`).matches('a'), false)
    assert.match(reason(parse, `.${'a'.repeat(PATTERN_LENGTH_MAX)}`), /1024 characters/)
    assert.equal(list(parse, `${'('.repeat(NESTING_MAX)}.${')'.repeat(NESTING_MAX)}`).matches('a'), true)
    assert.match(reason(parse, `${'('.repeat(NESTING_MAX + 1)}.${')'.repeat(NESTING_MAX + 1)}`), /32 deep/)
    assert.equal(list(parse, '.{400}').matches('a'), false)
    assert.match(reason(parse, '.{400},.{399}'), /too large/)
    assert.match(reason(parse, '(?:.{20}){40}'), /too large/)
  })

  test(`${dialect}: the same item twice costs once`, () => {
    assert.equal(list(parse, '.{400}, .{400}').matches('a'.repeat(253)), false)
  })
}
