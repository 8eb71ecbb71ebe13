/** From a change being seen to its last place settled. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Spreads } from '../../src/engine/spreads.ts'
import { secret } from './things.ts'

const ORIGIN = secret('src/db')
const [FIRST, SECOND] = [secret('t1/db'), secret('t2/db')]

function scene(): { readonly spreads: Spreads; readonly ended: string[] } {
  const ended: string[] = []
  const spreads = new Spreads(
    (origin, { seenAtMs, wrote }) => void ended.push(`${origin} ${seenAtMs} ${wrote}`),
  )
  return { spreads, ended }
}

test('a spread ends once, when its last place has settled, and says whether anything was written', () => {
  const { spreads, ended } = scene()
  spreads.begin(ORIGIN, [FIRST, SECOND], 100)
  spreads.wrote(FIRST)
  spreads.settled(FIRST)
  assert.equal(spreads.isSpreading(ORIGIN), true)
  spreads.settled(SECOND)
  spreads.settled(SECOND)
  assert.deepEqual(ended, ['Secret/src/db 100 true'])
  assert.equal(spreads.isSpreading(ORIGIN), false)
})

test('a change that comes while another spreads joins it: the time runs from the older', () => {
  const { spreads, ended } = scene()
  spreads.begin(ORIGIN, [FIRST], 100)
  spreads.begin(ORIGIN, [FIRST, SECOND], 200)
  spreads.settled(FIRST)
  spreads.settled(SECOND)
  assert.deepEqual(ended, ['Secret/src/db 100 false'])
})

test('a change that concerns no place ends at once', () => {
  const { spreads, ended } = scene()
  spreads.begin(ORIGIN, [], 5)
  assert.deepEqual(ended, ['Secret/src/db 5 false'])
})

test('a place of two origins settles for both', () => {
  const { spreads, ended } = scene()
  spreads.begin(ORIGIN, [FIRST], 1)
  spreads.begin(secret('src/other'), [FIRST], 2)
  spreads.wrote(FIRST)
  spreads.settled(FIRST)
  assert.deepEqual(ended, ['Secret/src/db 1 true', 'Secret/src/other 2 true'])
})
