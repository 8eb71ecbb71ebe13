/** Counts for an origin's owner: told once when they changed, never which places. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Tallies } from '../../src/engine/tallies.ts'
import { secret } from './things.ts'

const ORIGIN = secret('src/db')
const [FIRST, SECOND] = [secret('t1/db'), secret('t2/db')]

test('what changed is told once, as a count', () => {
  const tallies = new Tallies()
  tallies.note(ORIGIN, 'blocked', FIRST)
  tallies.note(ORIGIN, 'blocked', SECOND)
  tallies.note(ORIGIN, 'blocked', SECOND)
  assert.deepEqual(tallies.take(ORIGIN), [{ tally: 'blocked', count: 2 }])
  assert.deepEqual(tallies.take(ORIGIN), [])
})

test('a place whose standing is told anew is not counted for its old one', () => {
  const tallies = new Tallies()
  tallies.note(ORIGIN, 'blocked', FIRST)
  tallies.note(ORIGIN, 'blocked', SECOND)
  tallies.clear(FIRST)
  assert.deepEqual(tallies.take(ORIGIN), [{ tally: 'blocked', count: 1 }])
})

test('what happened once is told though the place has settled since, and begins anew afterwards', () => {
  const tallies = new Tallies()
  tallies.note(ORIGIN, 'replaced', FIRST)
  tallies.clear(FIRST)
  assert.deepEqual(tallies.take(ORIGIN), [{ tally: 'replaced', count: 1 }])
  tallies.note(ORIGIN, 'replaced', FIRST)
  assert.deepEqual(tallies.take(ORIGIN), [{ tally: 'replaced', count: 1 }])
})

test('a count that fell to nothing is not told', () => {
  const tallies = new Tallies()
  tallies.note(ORIGIN, 'lost', FIRST)
  tallies.clear(FIRST)
  assert.deepEqual(tallies.take(ORIGIN), [])
})
