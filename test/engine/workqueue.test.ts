/** The keyed queue: one turn of a key at a time, none lost, fresh before verification, everything in shares. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { ObjectKey } from '../../src/core/names.ts'
import { BACKOFF_MAX_MS, RECHECK_MAX_MS, WorkQueue } from '../../src/engine/workqueue.ts'
import type { LaneName, Next } from '../../src/engine/workqueue.ts'
import { seededRandom } from '../../src/std/random.ts'
import { SimClock, SimTime } from '../sim/time.ts'
import { secret } from './things.ts'

const DONE: Next = { kind: 'done' }

interface Scene {
  readonly time: SimTime
  readonly queue: WorkQueue
  /** `key lane @time` of each turn as it began. */
  readonly turns: string[]
  readonly atMs: number[]
  turn: (key: ObjectKey, lane: LaneName) => Promise<Next>
}

/** Keys are `Secret/target/origin-namespace.origin`. */
function scene(options: { readonly inFlightMax?: number; readonly verifyPerSecondMax?: number } = {}): Scene {
  const time = new SimTime()
  const clock = new SimClock(time)
  const made: Scene = {
    time,
    turns: [],
    atMs: [],
    turn: async () => Promise.resolve(DONE),
    queue: new WorkQueue({
      clock,
      random: seededRandom(1),
      inFlightMax: options.inFlightMax ?? 8,
      verifyPerSecondMax: options.verifyPerSecondMax ?? 1_000,
      shareOf: (key) => {
        const [, namespace = '', name = ''] = key.split('/')
        const [originNamespace = '', origin = ''] = name.split('.')
        return { namespace, originNamespace, origin: `${originNamespace}/${origin}` }
      },
      turn: (key, lane) => {
        made.turns.push(`${key.slice('Secret/'.length)} ${lane}`)
        made.atMs.push(time.now())
        return made.turn(key, lane)
      },
      crashed: (error) => assert.fail(String(error)),
    }),
  }
  void made.queue.run(new AbortController().signal)
  return made
}

function takes(s: Scene, ms: number, next: Next = DONE): void {
  s.turn = async () => {
    await new Promise<void>((resolve) => void s.time.after(ms, resolve))
    return next
  }
}

test('no turn begins before the queue is open, and none after it is closed', async () => {
  const s = scene()
  s.queue.add(secret('t1/a.x'), 'fresh')
  await s.time.run(1_000)
  assert.deepEqual(s.turns, [])
  s.queue.open()
  await s.time.run(1_000)
  assert.deepEqual(s.turns, ['t1/a.x fresh'])
  s.queue.close()
  s.queue.add(secret('t2/a.x'), 'fresh')
  await s.time.run(1_000)
  assert.equal(s.turns.length, 1)
})

test('a key that is added a hundred times before its turn has one turn', async () => {
  const s = scene()
  for (let index = 0; index < 100; index += 1)
    s.queue.add(secret('t1/a.x'), index % 2 === 0 ? 'fresh' : 'verify')
  s.queue.open()
  await s.time.run(5_000)
  assert.deepEqual(s.turns, ['t1/a.x fresh'])
})

test('a key is never worked on twice at once, and a change during its turn gets one more turn', async () => {
  const s = scene()
  let running = 0
  let most = 0
  s.turn = async () => {
    running += 1
    most = Math.max(most, running)
    await new Promise<void>((resolve) => void s.time.after(100, resolve))
    running -= 1
    return DONE
  }
  s.queue.open()
  s.queue.add(secret('t1/a.x'), 'fresh')
  for (let step = 0; step < 9; step += 1) {
    await s.time.run(10)
    s.queue.add(secret('t1/a.x'), 'fresh')
  }
  await s.time.run(1_000)
  assert.equal(most, 1)
  assert.equal(s.turns.length, 2)
})

test('keys that are asked for again and again during their turns leave every slot free at last', async () => {
  const s = scene({ inFlightMax: 4 })
  takes(s, 50)
  s.queue.open()
  for (let step = 0; step < 200; step += 1) {
    for (const target of ['t1', 't2', 't3']) s.queue.add(secret(`${target}/a.x`), 'fresh')
    await s.time.run(7)
  }
  await s.time.run(1_000)
  assert.deepEqual(s.queue.standing(), { waiting: { fresh: 0, verify: 0 }, delayed: 0, running: 0, limit: 4 })
  const before = s.turns.length
  for (const target of ['t1', 't2', 't3', 't4']) s.queue.add(secret(`${target}/a.x`), 'fresh')
  await s.time.run(60)
  assert.equal(s.turns.length, before + 4)
})

test('fresh keys overtake verification, and a key that waits to be verified moves up when it changes', async () => {
  const s = scene({ inFlightMax: 2 })
  takes(s, 10)
  for (let index = 0; index < 5; index += 1) s.queue.add(secret(`v${index}/a.x`), 'verify')
  for (let index = 0; index < 5; index += 1) s.queue.add(secret(`f${index}/a.x`), 'fresh')
  s.queue.add(secret('v4/a.x'), 'fresh')
  s.queue.open()
  await s.time.run(1_000)
  assert.ok(s.turns.slice(0, 6).every((turn) => turn.endsWith('fresh')))
  assert.equal(s.turns.filter((turn) => turn.startsWith('v4')).join(), 'v4/a.x fresh')
  assert.equal(s.turns.length, 10)
})

test('verification keeps one dispatch in sixteen while fresh keys never end', async () => {
  const s = scene({ inFlightMax: 4 })
  takes(s, 10)
  for (let index = 0; index < 640; index += 1) s.queue.add(secret(`f${index}/a.x`), 'fresh')
  for (let index = 0; index < 100; index += 1) s.queue.add(secret(`v${index}/a.x`), 'verify')
  s.queue.open()
  await s.time.run(1_000)
  const verified = s.turns.slice(0, 320).filter((turn) => turn.endsWith('verify')).length
  assert.ok(verified >= 18 && verified <= 22, `${verified} of 320`)
})

test('verification keeps its pace, whatever waits', async () => {
  const s = scene({ verifyPerSecondMax: 10 })
  s.queue.open()
  for (let index = 0; index < 500; index += 1) s.queue.add(secret(`v${index}/a.x`), 'verify')
  await s.time.run(20_000)
  assert.ok(s.turns.length >= 190 && s.turns.length <= 212, `${s.turns.length} in 20 seconds`)
})

test('a key that wants another turn waits twice as long each time, up to a minute, and at once after success', async () => {
  const s = scene()
  s.turn = async () => Promise.resolve({ kind: 'again', afterMs: null })
  s.queue.open()
  s.queue.add(secret('t1/a.x'), 'fresh')
  await s.time.run(600_000)
  const gaps = s.atMs.slice(1).map((atMs, index) => atMs - (s.atMs[index] ?? 0))
  for (const [index, gap] of gaps.entries()) {
    const base = Math.min(BACKOFF_MAX_MS, 250 * 2 ** index)
    assert.ok(gap >= base / 2 && gap <= base + 1, `gap ${index} is ${gap} ms`)
  }
  s.turn = async () => Promise.resolve(DONE)
  await s.time.run(60_000)
  s.turn = async () => Promise.resolve({ kind: 'again', afterMs: null })
  s.queue.add(secret('t1/a.x'), 'fresh')
  const atMs = s.time.now()
  await s.time.run(300)
  assert.ok(s.atMs.filter((time) => time >= atMs).length >= 2)
})

test('what the server asked for is waited for', async () => {
  const s = scene()
  s.turn = async () => Promise.resolve({ kind: 'again', afterMs: 32_000 })
  s.queue.open()
  s.queue.add(secret('t1/a.x'), 'fresh')
  await s.time.run(31_999)
  assert.equal(s.turns.length, 1)
  await s.time.run(2)
  assert.equal(s.turns.length, 2)
})

test('a parked key waits for its event; with a recheck it comes back after one to ten minutes', async () => {
  const s = scene()
  s.turn = async () => Promise.resolve({ kind: 'park', recheck: false })
  s.queue.open()
  s.queue.add(secret('t1/a.x'), 'fresh')
  await s.time.run(3_600_000)
  assert.equal(s.turns.length, 1)
  s.turn = async () => Promise.resolve({ kind: 'park', recheck: true })
  s.queue.add(secret('t1/a.x'), 'fresh')
  await s.time.run(3_600_000)
  const gaps = s.atMs.slice(2).map((atMs, index) => atMs - (s.atMs[index + 1] ?? 0))
  assert.ok(gaps.every((gap) => gap >= 30_000 && gap <= RECHECK_MAX_MS))
  assert.ok((gaps[0] ?? Infinity) <= 60_000)
})

test('an event brings a delayed key back at once, and its delay is forgotten', async () => {
  const s = scene()
  s.turn = async () => Promise.resolve({ kind: 'at', atMs: 100_000 })
  s.queue.open()
  s.queue.add(secret('t1/a.x'), 'fresh')
  await s.time.run(1_000)
  s.turn = async () => Promise.resolve(DONE)
  s.queue.add(secret('t1/a.x'), 'fresh')
  await s.time.run(200_000)
  assert.deepEqual(s.atMs, [0, 1_000])
})

test('a key that belongs to verification gets its next turn there', async () => {
  const s = scene()
  s.turn = async (_key, lane) => Promise.resolve(lane === 'fresh' ? { kind: 'verify' } : DONE)
  s.queue.open()
  s.queue.add(secret('t1/a.x'), 'fresh')
  await s.time.run(1_000)
  assert.deepEqual(s.turns, ['t1/a.x fresh', 't1/a.x verify'])
})

test('no more turns run at once than the limit, and no origin holds more than a quarter while another waits', async () => {
  const s = scene({ inFlightMax: 16 })
  takes(s, 1_000_000)
  for (let index = 0; index < 50; index += 1) s.queue.add(secret(`t${index}/busy.x`), 'fresh')
  for (let index = 0; index < 50; index += 1) s.queue.add(secret(`t${index}/quiet.x`), 'fresh')
  s.queue.open()
  await s.time.run(100)
  assert.equal(s.turns.length, 8)
  assert.equal(s.turns.filter((turn) => turn.includes('busy')).length, 4)
})

test('an origin that waits alone has nearly three quarters of the slots: while its turns hang, whoever comes finds the others', async () => {
  const s = scene({ inFlightMax: 16 })
  takes(s, 1_000_000)
  for (let index = 0; index < 50; index += 1) s.queue.add(secret(`t${index}/only.x`), 'fresh')
  s.queue.open()
  await s.time.run(100)
  assert.equal(s.turns.length, 11)
  s.queue.add(secret('t99/late.x'), 'fresh')
  await s.time.run(100)
  assert(s.turns.some((turn) => turn.includes('t99/late.x')))
})

test('the queue is idle once the turns under way are over', async () => {
  const s = scene()
  takes(s, 500)
  s.queue.open()
  s.queue.add(secret('t1/a.x'), 'fresh')
  await s.time.run(10)
  s.queue.close()
  let isIdle = false
  void s.queue.idle().then(() => {
    isIdle = true
  })
  await s.time.run(400)
  assert.equal(isIdle, false)
  await s.time.run(100)
  assert.equal(isIdle, true)
})

test('an idle queue sleeps: it wakes less often than once in ten seconds', async () => {
  const s = scene()
  s.queue.open()
  s.queue.add(secret('t1/a.x'), 'verify')
  await s.time.run(1_000)
  let wakes = 0
  const after = s.time.after.bind(s.time)
  s.time.after = (ms, act) => {
    wakes += 1
    return after(ms, act)
  }
  await s.time.run(600_000)
  assert.ok(wakes <= 60, `${wakes} in ten minutes`)
})
