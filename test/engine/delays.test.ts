/** Keys that come back later, each at the earliest time that was asked for. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { Delays } from '../../src/engine/delays.ts'
import { SimClock, SimTime } from '../sim/time.ts'
import { secret } from './things.ts'

interface Scene {
  readonly time: SimTime
  readonly delays: Delays
  readonly due: string[]
}

function scene(): Scene {
  const time = new SimTime()
  const due: string[] = []
  const delays = new Delays(new SimClock(time), (key) => void due.push(`${key.split('/')[1]}@${time.now()}`))
  void delays.run(new AbortController().signal)
  return { time, delays, due }
}

test('keys come back at their times, in their order, however they were added', async () => {
  const { time, delays, due } = scene()
  for (const atMs of [500, 100, 300]) delays.add(secret(`k${atMs}/x`), atMs)
  await time.run(1_000)
  assert.deepEqual(due, ['k100@100', 'k300@300', 'k500@500'])
  assert.equal(delays.size, 0)
})

test('a key that is added twice comes back once, at the earlier time', async () => {
  const { time, delays, due } = scene()
  delays.add(secret('a/x'), 100)
  delays.add(secret('a/x'), 500)
  delays.add(secret('b/x'), 500)
  delays.add(secret('b/x'), 200)
  await time.run(1_000)
  assert.deepEqual(due, ['a@100', 'b@200'])
})

test('a removed key does not come back, and one that is added again does so at its new time', async () => {
  const { time, delays, due } = scene()
  delays.add(secret('a/x'), 100)
  delays.remove(secret('a/x'))
  delays.add(secret('b/x'), 100)
  delays.remove(secret('b/x'))
  delays.add(secret('b/x'), 300)
  await time.run(1_000)
  assert.deepEqual(due, ['b@300'])
})

test('a key that is due earlier than the one slept for wakes the sleeper', async () => {
  const { time, delays, due } = scene()
  delays.add(secret('late/x'), 50_000)
  await time.run(10)
  delays.add(secret('soon/x'), 100)
  await time.run(1_000)
  assert.deepEqual(due, ['soon@100'])
})

test('any mix of keys comes back in order, each once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 1, max: 900 })), {
        maxLength: 60,
      }),
      async (adds) => {
        const { time, delays, due } = scene()
        const earliest = new Map<number, number>()
        for (const [key, atMs] of adds) {
          delays.add(secret(`${key}/x`), atMs)
          earliest.set(key, Math.min(earliest.get(key) ?? Infinity, atMs))
        }
        await time.run(1_000)
        assert.deepEqual(due.toSorted(), [...earliest].map(([key, atMs]) => `${key}@${atMs}`).toSorted())
        const times = due.map((entry) => Number(entry.split('@')[1]))
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
        )
      },
    ),
    { numRuns: 40 },
  )
})
