/** What comes and goes costs nothing afterwards, and a replica that follows for months is as small as on its first day. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { CONTEST_BACKOFF_MAX_MS, History, REPAIR_WINDOW_MS } from '../../src/engine/history.ts'
import { TAKEOVER_DELAY_MS } from '../../src/core/plan.ts'
import { Rig } from '../sim/rig.ts'
import { offer } from '../sim/scenes.ts'
import { secret } from './things.ts'

const ORIGIN = secret('src/db')
const HOUR_MS = 3_600_000

test('freed names and quiet repairs are forgotten, although nobody asks for their places again', () => {
  const history = new History()
  for (let index = 0; index < 1_000; index += 1) {
    history.noteFreed(secret(`t${index}/db`), ORIGIN, index)
    history.noteRepair(secret(`t${index}/db`), index)
  }
  assert.deepEqual(history.sizes(), { freed: 1_000, repairs: 1_000 })
  history.noteFreed(secret('late/db'), ORIGIN, TAKEOVER_DELAY_MS + 2_000)
  history.noteRepair(secret('late/db'), REPAIR_WINDOW_MS + CONTEST_BACKOFF_MAX_MS + 2_000)
  assert.deepEqual(history.sizes(), { freed: 1, repairs: 1 })
})

test('a contest that still runs is not forgotten with the quiet ones', () => {
  const history = new History()
  const fought = secret('t1/db')
  for (let repair = 0; repair < 16; repair += 1) history.noteRepair(fought, 0)
  history.noteRepair(secret('t2/db'), REPAIR_WINDOW_MS + 1)
  assert.equal(history.repairsOf(fought, REPAIR_WINDOW_MS + 1).contested, true)
})

test('a follower keeps no queue of what came and went, and counts no mirrors', async () => {
  const rig = new Rig()
  for (const name of ['src', 't1', 't2']) rig.world.createNamespace(name)
  rig.startLeader()
  const follower = rig.start()
  for (let round = 0; round < 200; round += 1) {
    offer(rig, { name: `run${round}` })
    await rig.time.run(2_000)
    rig.world.remove({ kind: 'Secret', namespace: 'src', name: `run${round}` }, null, 'user')
    await rig.time.run(8_000)
  }
  const { queue, mirrors } = follower.home()
  assert.deepEqual(queue.waiting, { fresh: 0, verify: 0 })
  assert.equal(
    [...mirrors.values()].reduce((sum, count) => sum + count, 0),
    0,
  )
})

test('a leader that lost the lead counts no mirrors that went meanwhile, and a new leader’s first spread is as old as its lead', async () => {
  const rig = new Rig()
  for (const name of ['src', 't1', 't2']) rig.world.createNamespace(name)
  offer(rig, {})
  const first = rig.startLeader()
  await rig.time.run(2_000)
  const second = rig.start()
  await rig.time.run(2_000)
  rig.lead(second)
  rig.world.remove({ kind: 'Secret', namespace: 'src', name: 'db' }, null, 'user')
  await rig.time.run(HOUR_MS)
  offer(rig, { name: 'new' })
  await rig.time.run(HOUR_MS)
  second.kill()
  rig.world.remove({ kind: 'Secret', namespace: 't1', name: 'new' }, null, 'user')
  await rig.time.run(1_000)
  rig.lead(first)
  await rig.time.run(2_000)
  assert.equal(first.home().mirrors.get('synced'), 2)
  assert.ok(
    first.spreads.every((seconds) => seconds < 60),
    `${first.spreads.join()} seconds`,
  )
})

test('a follower’s daily sweep asks nothing of the server when it takes the lead', async () => {
  const rig = new Rig()
  for (const name of ['src', 't1', 't2']) rig.world.createNamespace(name)
  offer(rig, {})
  rig.startLeader()
  const follower = rig.start()
  await rig.time.run(30 * HOUR_MS)
  const fromMs = rig.time.now()
  rig.lead(follower)
  await rig.time.run(60_000)
  assert.deepEqual(
    rig.requests(['read-full', 'read'], fromMs).filter(({ key }) => !key.includes('digest-key')),
    [],
  )
})
