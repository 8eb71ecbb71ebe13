/** Mass deletions that nobody saw caused are held by group, released by id, and counted anew when something unseen comes. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { ObjectKey } from '../../src/core/names.ts'
import { Brakes } from '../../src/engine/brakes.ts'
import type { Hold } from '../../src/engine/brakes.ts'
import { SimClock, SimTime } from '../sim/time.ts'
import { secret } from './things.ts'

interface Scene {
  readonly brakes: Brakes
  readonly time: SimTime
  readonly told: Hold[]
  group: { inferred: number; mirrors: number; origins: Set<ObjectKey> }
  generation: number
  counts: number
}

function scene(inferred: number, mirrors: number): Scene {
  const time = new SimTime()
  const told: Hold[] = []
  const made: Scene = {
    brakes: new Brakes({
      destination: 'home',
      clock: new SimClock(time),
      count: () => {
        made.counts += 1
        return made.group
      },
      generation: () => made.generation,
      held: (hold) => void told.push(hold),
    }),
    time,
    told,
    group: { inferred, mirrors, origins: new Set([secret('src/db')]) },
    generation: 0,
    counts: 0,
  }
  return made
}

test('more than 100 and more than half of a group are held; 100, or half, are not', () => {
  assert.equal(scene(101, 150).brakes.ask('src'), 'held')
  assert.equal(scene(101, 201).brakes.ask('src'), 'held')
  assert.equal(scene(100, 100).brakes.ask('src'), 'open')
  assert.equal(scene(101, 202).brakes.ask('src'), 'open')
})

test('a hold is told once, has the same id wherever it is counted, and another for another group of origins', () => {
  const first = scene(101, 150)
  first.brakes.ask('src')
  first.generation += 1
  first.brakes.ask('src')
  assert.equal(first.told.length, 1)
  const second = scene(140, 150)
  second.brakes.ask('src')
  assert.equal(second.told[0]?.id, first.told[0]?.id)
  const third = scene(101, 150)
  third.group.origins.add(secret('src/more'))
  third.brakes.ask('src')
  assert.notEqual(third.told[0]?.id, first.told[0]?.id)
})

test('a release names its hold, once, and lets the group pass for an hour', async () => {
  const s = scene(101, 150)
  s.brakes.ask('src')
  const id = s.told[0]?.id ?? ''
  assert.equal(s.brakes.release('another'), false)
  assert.equal(s.brakes.release(id), true)
  assert.equal(s.brakes.ask('src'), 'open')
  assert.equal(s.brakes.release(id), false)
  await s.time.run(3_599_000)
  assert.equal(s.brakes.ask('src'), 'open')
  await s.time.run(2_000)
  assert.equal(s.brakes.ask('src'), 'held')
})

test('a release does not cover origins that joined after it', async () => {
  const s = scene(101, 150)
  s.brakes.ask('src')
  s.brakes.release(s.told[0]?.id ?? '')
  assert.equal(s.brakes.ask('src'), 'open')
  s.group = { ...s.group, origins: new Set([...s.group.origins, secret('src/joined')]) }
  await s.time.run(2_000)
  assert.equal(s.brakes.ask('src'), 'held')
})

test('a group is counted once for many questions, and anew when something unseen came or a second has passed', async () => {
  const s = scene(101, 150)
  for (let question = 0; question < 1_000; question += 1) s.brakes.ask('src')
  assert.equal(s.counts, 1)
  s.generation += 1
  s.brakes.ask('src')
  assert.equal(s.counts, 2)
  await s.time.run(1_000)
  s.brakes.ask('src')
  assert.equal(s.counts, 3)
})

test('a group whose origins came back is held no more, and its hold cannot be released', async () => {
  const s = scene(101, 150)
  s.brakes.ask('src')
  s.group.inferred = 0
  await s.time.run(1_000)
  assert.deepEqual(s.brakes.holds(), [])
  assert.equal(s.brakes.release(s.told[0]?.id ?? ''), false)
})

test('a release lets one wave pass: a second mass deletion of the same origins is held again', () => {
  const s = scene(150, 150)
  s.brakes.ask('src')
  assert.equal(s.brakes.release(s.told[0]?.id ?? ''), true)
  assert.equal(s.brakes.ask('src'), 'open')
  s.group = { ...s.group, inferred: 40, mirrors: 40 }
  s.generation += 1
  assert.equal(s.brakes.ask('src'), 'open', 'the rest of the wave is no mass')
  s.group = { ...s.group, inferred: 150, mirrors: 150 }
  s.generation += 1
  assert.equal(s.brakes.ask('src'), 'held')
})
