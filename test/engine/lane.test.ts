/** Keys that wait take turns by the namespaces of their origins. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Lane } from '../../src/engine/lane.ts'
import type { Gate, Share } from '../../src/engine/lane.ts'
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

function gate(some: Partial<Gate>): Gate {
  return { namespace: () => true, origin: () => true, target: () => true, ...some }
}

const yes = gate({})

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

test('a key whose target is full sleeps until a turn there ends', () => {
  const lane = new Lane()
  fill(lane, 'a/db', 2)
  const full = gate({ target: ({ namespace }) => namespace !== 't0' })
  assert.equal(lane.take(full)?.share.namespace, 't1')
  assert.equal(lane.take(full), null)
  assert.equal(lane.take(yes), null)
  assert.deepEqual([lane.size, lane.has(secret('t0/a-db')), lane.oldestMs()], [1, true, 0])
  lane.wake('t1')
  assert.equal(lane.take(yes), null)
  lane.wake('t0')
  assert.equal(lane.take(yes)?.share.namespace, 't0')
  assert.equal(lane.size, 0)
})

test('a take does not search among keys that sleep: it asks about each of them once', () => {
  const lane = new Lane()
  for (let index = 0; index < 500; index += 1)
    lane.add(secret(`t0/db${index}`), share(`a/db${index}`, 't0'), 0)
  let asked = 0
  const full = gate({ target: ({ namespace }) => (asked += 1) > 0 && namespace !== 't0' })
  for (let take = 0; take < 10; take += 1) assert.equal(lane.take(full), null)
  assert.equal(asked, 500)
  lane.add(secret('t1/late'), share('a/late', 't1'), 0)
  assert.equal(lane.take(full)?.key, secret('t1/late'))
})

test('keys that sleep come back by turns of their origins’ namespaces', () => {
  const lane = new Lane()
  for (let index = 0; index < 50; index += 1)
    lane.add(secret(`t0/db${index}`), share(`a/db${index}`, 't0'), 0)
  lane.add(secret('t0/other'), share('b/other', 't0'), 0)
  assert.equal(lane.take(gate({ target: () => false })), null)
  lane.wake('t0')
  assert.deepEqual([lane.take(yes)?.share.originNamespace, lane.take(yes)?.share.originNamespace], ['a', 'b'])
})

test('a sleeping key can be removed', () => {
  const lane = new Lane()
  fill(lane, 'a/db', 1)
  lane.take(gate({ target: () => false }))
  lane.remove(secret('t0/a-db'))
  lane.wake('t0')
  assert.deepEqual([lane.size, lane.take(yes)], [0, null])
})

test('an origin or a namespace that may not run keeps its keys in their places', () => {
  const lane = new Lane()
  fill(lane, 'a/db', 500)
  fill(lane, 'b/db', 1)
  assert.equal(lane.take(gate({ namespace: (name) => name === 'b' }))?.share.originNamespace, 'b')
  assert.equal(lane.take(gate({ origin: (origin) => origin !== 'a/db' })), null)
  assert.equal(lane.take(yes)?.key, secret('t0/a-db'))
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
