/** Leader election: never two live leaders, whatever clocks and answers do; a lead ends before it can be taken, and is handed over at once. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import {
  Election,
  FOLLOW_MS,
  JITTER,
  LEASE_DURATION_MS,
  RELEASE_PATIENCE_MS,
  RENEW_DEADLINE_MS,
  RENEW_MS,
} from '../../src/ops/election.ts'
import { microTime } from '../../src/ops/lease-record.ts'
import { createLogger } from '../../src/ops/logger.ts'
import type { Clock } from '../../src/std/clock.ts'
import { seededRandom } from '../../src/std/random.ts'
import type { Random } from '../../src/std/random.ts'
import { FakeClock } from '../kube/fake-clock.ts'
import { LeaseStore } from './leases.ts'
import type { LeaseClient } from './leases.ts'

const RELEASE = 'heliograph.dev/release'

interface Replica {
  readonly election: Election
  readonly client: LeaseClient
  readonly told: string[]
  readonly lines: string[]
  /** Holds that the engine knows. */
  readonly holds: Set<string>
  stop(): Promise<void>
}

class World {
  readonly clock = new FakeClock()
  readonly store = new LeaseStore()
  readonly #t: TestContext

  constructor(t: TestContext) {
    this.#t = t
  }

  start(identity: string, more: { readonly enabled?: boolean; readonly clock?: Clock } = {}): Replica {
    const clock = more.clock ?? this.clock
    const client = this.store.client(clock)
    const told: string[] = []
    const lines: string[] = []
    const holds = new Set<string>()
    const election = new Election({
      api: client,
      clock,
      random: seededRandom(7),
      log: createLogger({ level: 'debug', format: 'json', write: (line) => lines.push(line) }),
      identity,
      namespace: 'heliograph',
      name: 'heliograph',
      releaseKey: RELEASE,
      enabled: more.enabled ?? true,
      onGained: () => told.push('gained'),
      onLost: () => told.push('lost'),
      onRelease: (id) => {
        told.push(`release ${id}`)
        return holds.delete(id)
      },
    })
    const end = new AbortController()
    const running = election.run(end.signal)
    const stop = async (): Promise<void> => {
      end.abort()
      await running
    }
    this.#t.after(async () => {
      client.line = 'good'
      await stop()
    })
    return { election, client, told, lines, holds, stop }
  }

  /** Moves time on in steps, watching that there are never two. */
  async pass(ms: number, replicas: readonly Replica[], stepMs = 100): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      await this.clock.advance(stepMs)
      const live = replicas.filter(({ election }) => election.isLive())
      assert.ok(live.length <= 1, `two live leaders at ${this.clock.now()} ms`)
    }
  }
}

/** Another calendar on the same machine time. */
function skewed(clock: Clock, offsetMs: number): Clock {
  return {
    now: () => clock.now(),
    wall: () => clock.wall() + offsetMs,
    sleep: (ms, signal) => clock.sleep(ms, signal),
    breathe: () => clock.breathe(),
  }
}

test('the first to come makes the Lease and leads; the second follows', async (t) => {
  const world = new World(t)
  const a = world.start('a')
  await world.pass(1_000, [a])
  const b = world.start('b')
  await world.pass(60_000, [a, b])
  assert.deepEqual([a.told, b.told], [['gained'], []])
  const { lease } = world.store
  assert.equal(lease?.holder, 'a')
  assert.equal(lease.durationSeconds, 15)
  assert.equal(lease.transitions, 0)
  assert.match(lease.renewTime ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  assert.equal(lease.acquireTime, world.store.history[0]?.acquireTime)
})

test('a good end hands over within the pause of a follower, and counts one transition', async (t) => {
  const world = new World(t)
  const [a, b] = [world.start('a'), world.start('b')]
  await world.pass(5_000, [a, b])
  await a.stop()
  assert.equal(a.election.isLive(), false)
  assert.deepEqual(a.told, ['gained', 'lost'])
  assert.equal(world.store.lease?.holder, null)
  assert.equal(world.store.lease.durationSeconds, 1)
  await world.clock.advance(FOLLOW_MS * JITTER)
  assert.equal(b.election.isLive(), true)
  assert.equal(world.store.lease?.holder, 'b')
  assert.equal(world.store.lease.transitions, 1)
})

test('a leader that is cut off stops before anybody can take the Lease', async (t) => {
  const world = new World(t)
  const [a, b] = [world.start('a'), world.start('b')]
  await world.pass(5_000, [a, b])
  const lastRenewal = world.clock.now()
  a.client.line = 'cut'
  await world.pass(RENEW_DEADLINE_MS + 100, [a, b])
  assert.equal(a.election.isLive(), false)
  assert.deepEqual(a.told, ['gained', 'lost'])
  assert.equal(b.election.isLive(), false)
  await world.pass(LEASE_DURATION_MS + FOLLOW_MS * 2 - (world.clock.now() - lastRenewal), [a, b])
  assert.equal(b.election.isLive(), true)
  a.client.line = 'good'
  await world.pass(30_000, [a, b])
  assert.deepEqual([a.told, b.told], [['gained', 'lost'], ['gained']])
})

test('a follower takes nothing before it has itself watched the Lease unchanged for its whole time', async (t) => {
  const world = new World(t)
  const a = world.start('a')
  await world.pass(2_500, [a])
  a.client.line = 'cut'
  await world.pass(14_000, [a])
  const b = world.start('b')
  await world.pass(LEASE_DURATION_MS - 200, [a, b])
  assert.deepEqual(b.told, [])
  await world.pass(FOLLOW_MS * 2, [a, b])
  assert.deepEqual(b.told, ['gained'])
})

test('answers that never come lose the lead in time, though the requests were carried out', async (t) => {
  const world = new World(t)
  const [a, b] = [world.start('a'), world.start('b')]
  await world.pass(5_000, [a, b])
  a.client.line = 'mute'
  await world.pass(60_000, [a, b])
  assert.deepEqual(a.told, ['gained', 'lost'])
})

test('a renewal that was held on its way cannot take back what another has taken', async (t) => {
  const world = new World(t)
  const [a, b] = [world.start('a'), world.start('b')]
  await world.pass(5_000, [a, b])
  a.client.line = 'held'
  await world.pass(40_000, [a, b])
  assert.equal(b.election.isLive(), true)
  a.client.deliver()
  assert.equal(world.store.lease?.holder, 'b')
  await world.pass(10_000, [a, b])
  assert.deepEqual(b.told, ['gained'])
})

test('calendars that differ by hours change nothing', async (t) => {
  for (const offsetMs of [-86_400_000, 86_400_000]) {
    const world = new World(t)
    const a = world.start('a')
    await world.pass(1_000, [a])
    const b = world.start('b', { clock: skewed(world.clock, offsetMs) })
    await world.pass(40_000, [a, b])
    assert.deepEqual([a.told, b.told], [['gained'], []])
    a.client.line = 'cut'
    await world.pass(40_000, [a, b])
    assert.deepEqual(b.told, ['gained'])
  }
})

test('a machine whose calendar jumps, as after a sleep, writes nothing until it has renewed', async (t) => {
  const world = new World(t)
  let jump = 0
  const clock: Clock = { ...skewed(world.clock, 0), wall: () => world.clock.wall() + jump }
  const a = world.start('a', { clock })
  await world.pass(3_000, [a])
  assert.equal(a.election.isLive(), true)
  jump = 3_600_000
  assert.equal(a.election.isLive(), false)
  await world.pass(RENEW_MS * 2, [a])
  assert.equal(a.election.isLive(), true)
})

test('the end of a lead is told even while a call hangs', async (t) => {
  const world = new World(t)
  const a = world.start('a')
  await world.pass(1_000, [a])
  a.client.line = 'cut'
  await world.pass(RENEW_DEADLINE_MS, [a])
  assert.deepEqual(a.told, ['gained', 'lost'])
})

test('a leader that finds another name on the Lease stops at its next renewal', async (t) => {
  const world = new World(t)
  const a = world.start('a')
  await world.pass(3_000, [a])
  assert.ok(world.store.lease !== null)
  world.store.write({ ...world.store.lease, holder: 'by hand' }, false)
  await world.pass(RENEW_MS + 100, [a])
  assert.deepEqual(a.told, ['gained', 'lost'])
})

test('of many that come at once exactly one leads', async (t) => {
  const world = new World(t)
  const replicas = ['a', 'b', 'c', 'd', 'e'].map((identity) => world.start(identity))
  await world.pass(10_000, replicas)
  assert.equal(replicas.filter(({ told }) => told.length > 0).length, 1)
  assert.equal(world.store.history.filter(({ transitions }) => transitions > 0).length, 0)
})

/** Breaks and mends the lines for a while, then leaves them good. */
async function storm(world: World, replicas: readonly Replica[], random: Random): Promise<void> {
  const lines = ['good', 'good', 'cut', 'mute', 'held'] as const
  for (let turn = 0; turn < 12; turn += 1) {
    for (const { client } of replicas) {
      client.line = lines[Math.floor(random.next() * lines.length)] ?? 'good'
      if (random.next() < 0.3) client.deliver()
    }
    await world.pass(4_000, replicas, 500)
  }
  for (const { client } of replicas) client.line = 'good'
  await world.pass(60_000, replicas, 1_000)
}

test('whatever lines fail and when, there are never two, and somebody leads in the end', async (t) => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const world = new World(t)
    const replicas = ['a', 'b', 'c'].map((identity, at) =>
      world.start(identity, { clock: skewed(world.clock, (at - 1) * 7_000_000) }),
    )
    await storm(world, replicas, seededRandom(seed))
    assert.equal(replicas.filter(({ election }) => election.isLive()).length, 1, `seed ${seed}`)
    await Promise.all(replicas.map((replica) => replica.stop()))
  }
})

test('a release on the Lease is handed to the leader once, and taken off with the next renewal', async (t) => {
  const world = new World(t)
  const [a, b] = [world.start('a'), world.start('b')]
  await world.pass(3_000, [a, b])
  a.holds.add('abc123')
  world.store.annotate('other', 'stays')
  world.store.annotate(RELEASE, 'abc123')
  await world.pass(RENEW_MS * 3, [a, b])
  assert.deepEqual(a.told, ['gained', 'release abc123'])
  assert.deepEqual(world.store.lease?.annotations, { other: 'stays' })
  assert.equal(a.election.isLive(), true)
  assert.ok(!b.told.includes('gained'))
})

test('a follower lets go what it holds itself and takes the id off the Lease, whose holder stays', async (t) => {
  const world = new World(t)
  const [a, b] = [world.start('a'), world.start('b')]
  await world.pass(3_000, [a, b])
  b.holds.add('abc123')
  world.store.annotate(RELEASE, 'abc123')
  await world.pass(RENEW_MS * 3, [a, b])
  assert.equal(b.holds.size, 0)
  assert.equal(b.lines.filter((line) => line.includes('deletions released by a person')).length, 1)
  assert.deepEqual([world.store.lease?.annotations, world.store.lease?.holder], [{}, 'a'])
  await world.pass(60_000, [a, b], 1_000)
  assert.deepEqual([a.election.isLive(), b.election.isLive()], [true, false])
})

test('a release whose hold a new leader does not know yet is kept a while, an unknown one then taken off', async (t) => {
  const world = new World(t)
  const a = world.start('a')
  await world.pass(3_000, [a])
  world.store.annotate(RELEASE, 'late')
  await world.pass(20_000, [a])
  assert.equal(world.store.lease?.annotations[RELEASE], 'late')
  a.holds.add('late')
  await world.pass(RENEW_MS * 3, [a])
  assert.equal(world.store.lease?.annotations[RELEASE], undefined)
  world.store.annotate(RELEASE, 'never')
  await world.pass(RELEASE_PATIENCE_MS + RENEW_MS * 4, [a], 1_000)
  assert.equal(world.store.lease?.annotations[RELEASE], undefined)
  assert.equal(a.lines.filter((line) => line.includes('no held deletions have this id')).length, 1)
})

test('a release that was written while nobody led reaches the next leader', async (t) => {
  const world = new World(t)
  const a = world.start('a')
  await world.pass(3_000, [a])
  await a.stop()
  world.store.annotate(RELEASE, 'abc123')
  const b = world.start('b')
  b.holds.add('abc123')
  await world.pass(RENEW_MS * 4, [b])
  assert.deepEqual(b.told, ['gained', 'release abc123'])
  assert.deepEqual(world.store.lease?.annotations, {})
})

test('without election the process leads from start to end, and the Lease still carries releases', async (t) => {
  const world = new World(t)
  const a = world.start('a', { enabled: false })
  assert.equal(a.election.isLive(), true)
  a.client.line = 'cut'
  await world.pass(60_000, [a])
  assert.equal(a.election.isLive(), true)
  a.client.line = 'good'
  await world.pass(5_000, [a])
  assert.equal(world.store.lease?.holder, null)
  const written = world.store.history.length
  await world.pass(20_000, [a])
  assert.equal(world.store.history.length, written)
  a.holds.add('abc123')
  world.store.annotate(RELEASE, 'abc123')
  await world.pass(RENEW_MS * 4, [a])
  assert.deepEqual(world.store.lease.annotations, {})
  await a.stop()
  assert.deepEqual(a.told, ['gained', 'release abc123', 'lost'])
  assert.equal(a.election.isLive(), false)
})

test('an unreachable Lease is one line, not one each second', async (t) => {
  const world = new World(t)
  const a = world.start('a')
  a.client.line = 'cut'
  await world.pass(60_000, [a], 1_000)
  assert.equal(a.lines.filter((line) => line.includes('lease not reached')).length, 1)
})

test('a MicroTime has six decimals', () => {
  assert.equal(microTime(Date.UTC(2026, 10, 24, 10)), '2026-11-24T10:00:00.000000Z')
})
