/** Keys that wait take turns by the namespaces of their origins. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Lane } from '../../src/engine/lane.ts'
import type { Share } from '../../src/engine/lane.ts'
import { secret } from './things.ts'

/** `origin` is `namespace/name`; `target` is where it is written to. */
function share(origin: string, target: string): Share {
  const [originNamespace = ''] = origin.split('/')
  return { originNamespace, origin, namespace: target }
}

function fill(lane: Lane, origin: string, count: number, nowMs = 0): void {
  for (let index = 0; index < count; index += 1)
    lane.add(secret(`t${index}/${origin.replace('/', '-')}`), share(origin, `t${index}`), nowMs)
}

const yes = (): boolean => true

test('a lane takes round-robin over origin namespaces, however many keys one of them has', () => {
  const lane = new Lane()
  fill(lane, 'busy/db', 100)
  fill(lane, 'quiet/db', 1)
  fill(lane, 'other/db', 1)
  const taken = Array.from({ length: 4 }, () => lane.take(yes)?.share.originNamespace)
  assert.deepEqual(taken, ['busy', 'quiet', 'other', 'busy'])
})

test('within one namespace a lane takes round-robin over origins', () => {
  const lane = new Lane()
  fill(lane, 'a/one', 10)
  fill(lane, 'a/two', 10)
  assert.deepEqual(
    Array.from({ length: 4 }, () => lane.take(yes)?.share.origin),
    ['a/one', 'a/two', 'a/one', 'a/two'],
  )
})

test('the keys of one origin are taken in the order in which they came, and one that waits keeps its place', () => {
  const lane = new Lane()
  fill(lane, 'a/db', 3)
  lane.add(secret('t0/a-db'), share('a/db', 't0'), 99)
  assert.equal(lane.size, 3)
  assert.deepEqual(
    Array.from({ length: 3 }, () => lane.take(yes)?.key),
    [secret('t0/a-db'), secret('t1/a-db'), secret('t2/a-db')],
  )
})

test('a key whose share may not run is passed over, and keeps its place', () => {
  const lane = new Lane()
  fill(lane, 'a/db', 2)
  const found = lane.take(({ namespace }) => namespace !== 't0')
  assert.equal(found?.share.namespace, 't1')
  assert.equal(
    lane.take(({ namespace }) => namespace !== 't0'),
    null,
  )
  assert.equal(lane.take(yes)?.share.namespace, 't0')
})

test('an origin whose look-ahead is full of blocked targets does not keep another from its turn', () => {
  const lane = new Lane()
  fill(lane, 'a/db', 500)
  fill(lane, 'b/db', 1)
  assert.equal(lane.take(({ originNamespace }) => originNamespace === 'b')?.share.originNamespace, 'b')
})

test('a lane counts what waits, and forgets what was taken or removed', () => {
  const lane = new Lane()
  fill(lane, 'a/one', 2)
  fill(lane, 'b/two', 1)
  assert.deepEqual([lane.size, lane.origins, lane.namespaces], [3, 2, 2])
  lane.remove(secret('t0/b-two'))
  lane.remove(secret('t0/b-two'))
  assert.deepEqual([lane.size, lane.origins, lane.namespaces], [2, 1, 1])
  lane.take(yes)
  lane.take(yes)
  assert.deepEqual([lane.size, lane.origins, lane.namespaces], [0, 0, 0])
  assert.equal(lane.take(yes), null)
})

test('a lane knows since when its oldest key waits', () => {
  const lane = new Lane()
  assert.equal(lane.oldestMs(), null)
  fill(lane, 'a/db', 1, 50)
  fill(lane, 'b/db', 1, 20)
  assert.equal(lane.oldestMs(), 20)
})
