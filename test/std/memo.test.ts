/** The memory of parse results: what is shared, and what bounds it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { memoised } from '../../src/std/memo.ts'

function counting(limits: { entriesMax: number; weightMax: number }): {
  parse: (text: string) => object
  calls: string[]
} {
  const calls: string[] = []
  const parse = memoised(
    (text) => {
      calls.push(text)
      return { text }
    },
    { ...limits, weigh: (text) => text.length },
  )
  return { parse, calls }
}

test('a remembered text gives the same object and is not parsed again', () => {
  const { parse, calls } = counting({ entriesMax: 2, weightMax: 100 })
  assert.equal(parse('a'), parse('a'))
  assert.deepEqual(calls, ['a'])
})

test('the least recently used entry goes first when there are too many', () => {
  const { parse, calls } = counting({ entriesMax: 2, weightMax: 100 })
  for (const text of ['a', 'b', 'a', 'c', 'a', 'b']) parse(text)
  assert.deepEqual(calls, ['a', 'b', 'c', 'b'])
})

test('the total weight is bounded, and an entry over the bound is never kept', () => {
  const { parse, calls } = counting({ entriesMax: 100, weightMax: 4 })
  for (const text of ['aa', 'bb', 'cc', 'aa', 'ddddd', 'ddddd']) parse(text)
  assert.deepEqual(calls, ['aa', 'bb', 'cc', 'aa', 'ddddd', 'ddddd'])
  parse('aa')
  assert.equal(calls.length, 6)
})
