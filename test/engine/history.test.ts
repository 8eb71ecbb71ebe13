/** What is remembered of places: versions, ends, freed names, repairs, states. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { CONTEST_BACKOFF_MAX_MS, History, REPAIRS_MAX, REPAIR_WINDOW_MS } from '../../src/engine/history.ts'
import { secret, version } from './things.ts'

const PLACE = secret('t1/db')
const ORIGIN = secret('src/db')
const OTHER = secret('src/other')

test('a version that is known to be right answers the request to verify and the note that it is fresh', () => {
  const history = new History()
  history.askVerify(PLACE)
  history.noteFresh(PLACE)
  assert.deepEqual([history.mustVerify(PLACE), history.isFresh(PLACE)], [true, true])
  history.verified(PLACE, version(7))
  assert.deepEqual([history.mustVerify(PLACE), history.isFresh(PLACE)], [false, false])
  assert.equal(history.knownVersion(PLACE), '7')
})

test('a request to verify that comes while a write is under way outlives the write', () => {
  const history = new History()
  history.askVerify(PLACE)
  history.know(PLACE, version(7))
  assert.equal(history.mustVerify(PLACE), true)
  assert.equal(history.knownVersion(PLACE), '7')
})

test('an end that was seen is of one origin, counts from the first time, and is void once that origin claims again', () => {
  const history = new History()
  assert.equal(history.endOf(PLACE, ORIGIN).witness, 'inferred')
  history.noteEnd(PLACE, ORIGIN, 100)
  history.noteEnd(PLACE, ORIGIN, 900)
  assert.deepEqual(history.endOf(PLACE, ORIGIN), { witness: 'live', atMs: 100 })
  assert.equal(history.endOf(PLACE, OTHER).witness, 'inferred')
  history.clearEnd(PLACE, OTHER)
  assert.equal(history.endOf(PLACE, ORIGIN).witness, 'live')
  history.clearEnd(PLACE, ORIGIN)
  assert.equal(history.endOf(PLACE, ORIGIN).witness, 'inferred')
})

test('a freed name is remembered for 30 seconds', () => {
  const history = new History()
  history.noteFreed(PLACE, ORIGIN, 1_000)
  assert.deepEqual(history.freedBy(PLACE, 30_999), { holder: ORIGIN, atMs: 1_000 })
  assert.equal(history.freedBy(PLACE, 31_000), null)
})

test('five repairs in ten minutes are no contest; each further one waits twice as long, up to ten minutes', () => {
  const history = new History()
  let now = 0
  for (let repair = 0; repair < REPAIRS_MAX; repair += 1) history.noteRepair(PLACE, now)
  assert.equal(history.repairsOf(PLACE, now).contested, false)
  const waits: number[] = []
  for (let repair = 0; repair < 13; repair += 1) {
    history.noteRepair(PLACE, now)
    const { contested, againAtMs } = history.repairsOf(PLACE, now)
    assert.equal(contested, true)
    waits.push(againAtMs - now)
    now = againAtMs
  }
  assert.deepEqual(
    waits.slice(0, 10),
    [1, 2, 4, 8, 16, 32, 64, 128, 256, 512].map((seconds) => seconds * 1_000),
  )
  assert.ok(waits.slice(10).every((wait) => wait === CONTEST_BACKOFF_MAX_MS))
})

test('repairs that are far apart are no contest', () => {
  const history = new History()
  for (let repair = 0; repair < 30; repair += 1) {
    history.noteRepair(PLACE, repair * 150_000)
    assert.equal(history.repairsOf(PLACE, repair * 150_000).contested, false)
  }
})

test('a contest is over after a quiet window', () => {
  const history = new History()
  for (let repair = 0; repair <= REPAIRS_MAX; repair += 1) history.noteRepair(PLACE, 0)
  assert.equal(history.repairsOf(PLACE, REPAIR_WINDOW_MS).contested, true)
  assert.equal(history.repairsOf(PLACE, REPAIR_WINDOW_MS + 1_001).contested, false)
  history.noteRepair(PLACE, REPAIR_WINDOW_MS + 2_000)
  assert.equal(history.repairsOf(PLACE, REPAIR_WINDOW_MS + 2_000).contested, false)
})

test('each place counts in one state, and in none once it does not matter', () => {
  const history = new History()
  history.settle(PLACE, { state: 'synced', origin: ORIGIN, reason: 'in-sync' })
  history.settle(PLACE, { state: 'blocked', origin: ORIGIN, reason: 'foreign' })
  assert.deepEqual([history.counts().get('synced'), history.counts().get('blocked')], [0, 1])
  assert.equal(history.state(PLACE)?.reason, 'foreign')
  history.drop(PLACE)
  assert.equal(history.counts().get('blocked'), 0)
  assert.equal(history.state(PLACE), null)
})

test('a dropped place is forgotten but for its contest', () => {
  const history = new History()
  for (let repair = 0; repair <= REPAIRS_MAX; repair += 1) history.noteRepair(PLACE, 0)
  history.know(PLACE, version(3))
  history.noteWritten(PLACE)
  history.noteReplaced(PLACE)
  history.noteEnd(PLACE, ORIGIN, 0)
  history.drop(PLACE)
  assert.equal(history.knownVersion(PLACE), null)
  assert.deepEqual([history.wasWritten(PLACE), history.takeReplaced(PLACE)], [false, false])
  assert.equal(history.endOf(PLACE, ORIGIN).witness, 'inferred')
  assert.equal(history.repairsOf(PLACE, 0).contested, true)
})
