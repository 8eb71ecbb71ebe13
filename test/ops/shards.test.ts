/** Replicas share the peers: never two in one shard, whatever lines and schedules do; a lost replica's shards go to others, and only those move. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { SHARDS_MAX, memberOf, shardOf } from '../../src/core/shards.ts'
import { createLogger } from '../../src/ops/logger.ts'
import { FORGET_MS, MEMBER_PREFIX } from '../../src/ops/membership.ts'
import { LEAVE_MS_MAX, WRITE_DEADLINE_MS } from '../../src/ops/shard.ts'
import { SHARD_PREFIX, SHARD_TIMES, Shards } from '../../src/ops/shards.ts'
import type { Clock } from '../../src/std/clock.ts'
import { seededRandom } from '../../src/std/random.ts'
import type { Random } from '../../src/std/random.ts'
import { FakeClock } from '../kube/fake-clock.ts'
import { Shelf } from './shelf.ts'
import type { ShelfClient } from './shelf.ts'

const PEERS = Array.from({ length: 100 }, (_, at) => `peer-${at}`)
const SHARDS = Array.from({ length: SHARDS_MAX }, (_, shard) => shard)
/** A peer of each shard. */
const SAMPLE = SHARDS.map((shard) => PEERS.find((peer) => shardOf(peer) === shard) ?? '')
const { durationMs: DURATION_MS } = SHARD_TIMES

interface Replica {
  readonly id: string
  readonly shards: Shards
  readonly client: ShelfClient
  readonly lines: string[]
  /** Numbers of the shards that it lives in. */
  live(): readonly number[]
  setPeers(names: readonly string[]): void
  /** SIGTERM. */
  stop(): Promise<void>
}

interface ReplicaOptions {
  readonly enabled?: boolean
  readonly peers?: readonly string[]
  readonly clock?: Clock
  readonly isReady?: () => boolean
  /** From a shard's end until the links of its peers are over. */
  readonly unlinkMs?: number
}

class World {
  readonly clock = new FakeClock()
  readonly shelf = new Shelf()
  readonly replicas: Replica[] = []
  readonly #t: TestContext

  constructor(t: TestContext) {
    this.#t = t
  }

  start(id: string, options: ReplicaOptions = {}): Replica {
    const clock = options.clock ?? this.clock
    let peers = options.peers ?? PEERS
    const client = this.shelf.client(clock)
    const lines: string[] = []
    const end = new AbortController()
    const live = (): readonly number[] =>
      SHARDS.filter((shard) => shards.leadership(SAMPLE[shard] ?? '').isLive())
    const relink = async (): Promise<void> => {
      this.agree()
      // As the registry does: who lost its shard is unlinked, which takes a while.
      await clock.sleep(options.unlinkMs ?? 0, end.signal)
      setPeers(peers)
    }
    const shards: Shards = new Shards({
      api: client,
      clock,
      random: seededRandom(7),
      log: createLogger({ level: 'debug', format: 'json', write: (line) => lines.push(line) }),
      identity: `pod-${id}`,
      id,
      namespace: 'heliograph',
      label: 'heliograph.dev/lease',
      identitiesKey: 'heliograph.dev/identities',
      enabled: options.enabled ?? true,
      isReady: options.isReady ?? (() => true),
      watch: (shown, signal) => client.watch(shown, signal),
      changed: () => void relink(),
    })
    shards.setPeers(peers, new Map())
    const running = shards.run(end.signal)
    const stop = async (): Promise<void> => {
      end.abort()
      await running
    }
    this.#t.after(async () => {
      client.line = 'good'
      await stop()
    })
    const setPeers = (names: readonly string[]): void => {
      peers = names
      const linked = peers.filter((peer) => shards.leadership(peer).isLive())
      shards.setPeers(peers, new Map(linked.map((peer) => [peer, `uid-${peer}`])))
    }
    const replica = { id, shards, client, lines, live, stop, setPeers }
    this.replicas.push(replica)
    return replica
  }

  /** No shard has two replicas that may write. */
  agree(): void {
    const all = this.replicas.flatMap((replica) =>
      replica.live().map((shard) => [shard, replica.id] as const),
    )
    const twice = all.filter(([shard, id]) => all.some(([other, who]) => other === shard && who !== id))
    assert.deepEqual(twice, [], `two at ${this.clock.now()} ms`)
  }

  async pass(ms: number, stepMs = 100): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      await this.clock.advance(stepMs)
      this.agree()
    }
  }

  /** Ids of the replicas by shard. */
  holders(): readonly (string | undefined)[] {
    return SHARDS.map((shard) => this.replicas.find((replica) => replica.live().includes(shard))?.id)
  }

  names(prefix: string): readonly string[] {
    return [...this.shelf.leases.keys()].filter((name) => name.startsWith(prefix)).toSorted()
  }
}

/** What the hash says with these replicas alive. */
function dealt(...ids: readonly string[]): readonly (string | undefined)[] {
  const members = ids.map((id) => `${MEMBER_PREFIX}${id}`)
  return SHARDS.map((shard) => memberOf(shard, members)?.slice(MEMBER_PREFIX.length))
}

test('two replicas share a hundred peers: each shard has its one holder, as the hash says', async (t) => {
  const world = new World(t)
  world.start('aaaa1111')
  world.start('bbbb2222')
  await world.pass(3_000)
  assert.deepEqual(world.holders(), dealt('aaaa1111', 'bbbb2222'))
  const both = new Set(world.holders())
  assert.equal(both.size, 2)
  await world.pass(60_000, 500)
  assert.deepEqual(world.holders(), dealt('aaaa1111', 'bbbb2222'))
  for (const lease of world.shelf.leases.values()) assert.equal(lease.durationSeconds, 15)
})

test('only shards with peers have Leases, and a shard whose last peer goes loses its Lease', async (t) => {
  const world = new World(t)
  const a = world.start('aaaa1111', { peers: ['eu-1', 'eu-2'] })
  await world.pass(2_000)
  const expected = ['eu-1', 'eu-2'].map((peer) => `${SHARD_PREFIX}${shardOf(peer)}`)
  assert.deepEqual(world.names(SHARD_PREFIX), expected.toSorted())
  assert.deepEqual(
    a.shards.standing().shards.map(({ lease, peers, state, holder }) => [lease, peers, state, holder]),
    [
      [`${SHARD_PREFIX}${shardOf('eu-2')}`, ['eu-2'], 'held', 'pod-aaaa1111'],
      [`${SHARD_PREFIX}${shardOf('eu-1')}`, ['eu-1'], 'held', 'pod-aaaa1111'],
    ],
  )
  a.setPeers(['eu-1'])
  await world.pass(2_000)
  assert.deepEqual(world.names(SHARD_PREFIX), [`${SHARD_PREFIX}${shardOf('eu-1')}`])
})

test('a Lease of a shard without peers that a killed replica left is deleted by another', async (t) => {
  const world = new World(t)
  const a = world.start('aaaa1111')
  await world.pass(2_000)
  a.client.line = 'cut'
  world.start('bbbb2222', { peers: ['eu-1'] })
  await world.pass(25_000)
  assert.deepEqual(world.names(SHARD_PREFIX), [`${SHARD_PREFIX}${shardOf('eu-1')}`])
})

test('without peers, or before home is known, nothing is asked or written', async (t) => {
  const world = new World(t)
  let isReady = false
  const a = world.start('aaaa1111', { peers: [] })
  const b = world.start('bbbb2222', { isReady: () => isReady })
  await world.pass(30_000, 1_000)
  assert.deepEqual([a.client.calls, b.client.calls, world.shelf.leases.size], [0, 0, 0])
  assert.deepEqual(b.shards.standing().members, [])
  isReady = true
  await world.pass(2_000)
  assert.equal(b.live().length, SHARDS_MAX)
})

test('a replica that is killed is followed within 15 to 20 seconds, and only its shards move', async (t) => {
  const world = new World(t)
  const ids = ['aaaa1111', 'bbbb2222', 'cccc3333']
  const [a] = ids.map((id) => world.start(id))
  assert.ok(a !== undefined)
  await world.pass(7_000)
  const before = world.holders()
  assert.deepEqual(before, dealt(...ids))
  a.client.line = 'cut'
  const isMoved = (): boolean => world.holders().every((holder) => holder !== undefined && holder !== a.id)
  await world.pass(10_000)
  assert.equal(isMoved(), false)
  await world.pass(10_000)
  assert.ok(isMoved())
  const after = world.holders()
  for (const shard of SHARDS) if (before[shard] !== a.id) assert.equal(after[shard], before[shard])
})

test('a holder that is cut off stops ten seconds after its last renewal began, five before anybody can take over', async (t) => {
  const world = new World(t)
  const a = world.start('aaaa1111')
  const b = world.start('bbbb2222')
  await world.pass(7_000)
  a.client.line = 'cut'
  const cutAtMs = world.clock.now()
  await world.pass(WRITE_DEADLINE_MS + 100)
  assert.deepEqual(a.live(), [])
  const had = b.live()
  await world.pass(cutAtMs + DURATION_MS - SHARD_TIMES.renewMs - 200 - world.clock.now())
  assert.deepEqual(b.live(), had)
  await world.pass(10_000)
  assert.equal(b.live().length, SHARDS_MAX)
})

test('answers that never come lose a shard in time, though the requests were carried out', async (t) => {
  const world = new World(t)
  const a = world.start('aaaa1111')
  await world.pass(7_000)
  a.client.line = 'mute'
  await world.pass(WRITE_DEADLINE_MS + 100)
  assert.deepEqual(a.live(), [])
  a.client.line = 'good'
  await world.pass(10_000)
  assert.equal(a.live().length, SHARDS_MAX)
})

test('a replica that ends in good order hands all over at once, and takes its own Lease away', async (t) => {
  const world = new World(t)
  const a = world.start('aaaa1111')
  const b = world.start('bbbb2222')
  await world.pass(5_000)
  await a.stop()
  assert.deepEqual(a.live(), [])
  assert.deepEqual(world.names(MEMBER_PREFIX), [`${MEMBER_PREFIX}bbbb2222`])
  await world.clock.advance(100)
  assert.equal(b.live().length, SHARDS_MAX)
})

test('a replica that joins is given its shards, and no other moves', async (t) => {
  const world = new World(t)
  world.start('aaaa1111')
  world.start('bbbb2222')
  await world.pass(5_000)
  const before = world.holders()
  world.start('cccc3333')
  await world.pass(3_000)
  const after = world.holders()
  assert.deepEqual(after, dealt('aaaa1111', 'bbbb2222', 'cccc3333'))
  for (const shard of SHARDS) assert.ok(['cccc3333', before[shard]].includes(after[shard]))
  assert.ok(after.includes('cccc3333'))
})

test('handing over ends writing at once, and waits for the work on its peers before another may begin', async (t) => {
  const world = new World(t)
  const a = world.start('aaaa1111', { unlinkMs: 4_000 })
  await world.pass(6_000)
  const b = world.start('bbbb2222')
  await world.pass(500)
  assert.deepEqual(
    a.live(),
    SHARDS.filter((shard) => dealt('aaaa1111', 'bbbb2222')[shard] === 'aaaa1111'),
  )
  await world.pass(3_000)
  assert.deepEqual(b.live(), [])
  await world.pass(1_000)
  assert.deepEqual(world.holders(), dealt('aaaa1111', 'bbbb2222'))
})

test('a hand-over does not wait for ever for work that hangs', async (t) => {
  const world = new World(t)
  world.start('aaaa1111', { unlinkMs: 3_600_000 })
  // What the links do before is told by the test.
  world.replicas[0]?.shards.setPeers(PEERS, new Map(PEERS.map((peer) => [peer, null])))
  await world.pass(6_000)
  const b = world.start('bbbb2222')
  await world.pass(LEAVE_MS_MAX - 500)
  assert.deepEqual(b.live(), [])
  await world.pass(1_000)
  assert.deepEqual(world.holders(), dealt('aaaa1111', 'bbbb2222'))
})

test('a replica that does not hear what is going on takes nothing, however long it is deaf', async (t) => {
  const world = new World(t)
  const a = world.start('aaaa1111')
  const b = world.start('bbbb2222')
  await world.pass(6_000)
  b.client.isDeaf = true
  const calls = b.client.calls
  await world.pass(120_000, 500)
  assert.deepEqual(world.holders(), dealt('aaaa1111', 'bbbb2222'))
  assert.ok((b.client.calls - calls) / 120 <= 5, 'it asks in moderation')
  assert.ok(a.live().length > 0)
})

test('a person who puts another name on a Lease, or deletes it, is obeyed or followed, and one replica remains', async (t) => {
  const world = new World(t)
  const a = world.start('aaaa1111')
  await world.pass(6_000)
  const [byHand, deleted] = [`${SHARD_PREFIX}3`, `${SHARD_PREFIX}4`]
  const lease = world.shelf.leases.get(byHand)
  assert.ok(lease !== undefined)
  world.shelf.write({ ...lease, holder: 'by hand' }, false)
  const other = world.shelf.leases.get(deleted)
  assert.ok(other !== undefined)
  world.shelf.remove(other)
  await world.pass(100)
  assert.equal(a.live().includes(3), false)
  await world.pass(DURATION_MS - 500)
  assert.equal(a.live().includes(3), false)
  await world.pass(2_000)
  assert.equal(a.live().length, SHARDS_MAX)
  assert.equal(world.shelf.leases.get(deleted)?.holder, 'pod-aaaa1111')
})

test('a machine whose calendar jumps, as after a sleep, writes nothing until it has renewed', async (t) => {
  const world = new World(t)
  let jumpMs = 0
  const clock: Clock = {
    now: () => world.clock.now(),
    wall: () => world.clock.wall() + jumpMs,
    sleep: (ms, signal) => world.clock.sleep(ms, signal),
    breathe: () => world.clock.breathe(),
  }
  const a = world.start('aaaa1111', { clock })
  await world.pass(3_000)
  jumpMs = 3_600_000
  assert.deepEqual(a.live(), [])
  await world.pass(8_000)
  assert.equal(a.live().length, SHARDS_MAX)
})

test('the Lease of a replica that is gone for long is deleted, one that is renewed never', async (t) => {
  const world = new World(t)
  const a = world.start('aaaa1111')
  const b = world.start('bbbb2222')
  await world.pass(6_000)
  a.client.line = 'cut'
  await world.pass(FORGET_MS - 6_000, 500)
  assert.equal(world.names(MEMBER_PREFIX).length, 2)
  await world.pass(15_000, 500)
  assert.deepEqual(world.names(MEMBER_PREFIX), [`${MEMBER_PREFIX}bbbb2222`])
  assert.equal(b.live().length, SHARDS_MAX)
  a.client.line = 'good'
  await world.pass(10_000, 500)
  assert.deepEqual(world.holders(), dealt('aaaa1111', 'bbbb2222'))
})

test('at a hundred peers a replica asks at most five times a second, whether it has none, half or all of the shards', async (t) => {
  const world = new World(t)
  const [a, b] = [world.start('aaaa1111'), world.start('bbbb2222')]
  await world.pass(10_000, 500)
  const counted = async (): Promise<readonly number[]> => {
    const before = [a, b].map(({ client }) => client.calls)
    await world.pass(60_000, 500)
    return [a, b].map(({ client }, at) => (client.calls - (before[at] ?? 0)) / 60)
  }
  const shared = await counted()
  await a.stop()
  const [stopped, alone] = await counted()
  assert.equal(stopped, 0)
  for (const rate of [...shared, alone ?? 0]) assert.ok(rate > 0 && rate <= 5, `${rate} a second`)
})

test('without election one process has every shard from start to end, and no Lease is made', async (t) => {
  const world = new World(t)
  const a = world.start('aaaa1111', { enabled: false })
  assert.equal(a.live().length, SHARDS_MAX)
  await world.pass(30_000, 1_000)
  assert.deepEqual([a.client.calls, world.shelf.leases.size], [0, 0])
  await a.stop()
  assert.deepEqual(a.live(), [])
})

test('replicas tell each other which clusters their peers are, and what is no such text tells nothing', async (t) => {
  const world = new World(t)
  const a = world.start('aaaa1111')
  const b = world.start('bbbb2222')
  await world.pass(12_000, 500)
  for (const peer of PEERS)
    assert.deepEqual(
      [a, b].map(({ shards }) => shards.identityOf(peer)),
      [`uid-${peer}`, `uid-${peer}`],
    )
  assert.equal(a.shards.identityOf('nobody'), null)
  const lease = world.shelf.leases.get(`${SHARD_PREFIX}${shardOf('eu-1')}`)
  assert.ok(lease !== undefined)
  for (const text of ['', '[', '[1]', 'null', '{"eu-1":1}', '"eu-1"']) {
    const now = world.shelf.leases.get(lease.name) ?? lease
    world.shelf.write({ ...now, annotations: { 'heliograph.dev/identities': text } }, false)
    assert.equal(a.shards.identityOf('eu-1'), null)
  }
})

test('Leases that cannot be reached are one line, not one for each', async (t) => {
  const world = new World(t)
  const a = world.start('aaaa1111')
  a.client.line = 'cut'
  await world.pass(50_000, 500)
  assert.equal(a.lines.filter((line) => line.includes('lease not reached')).length, 1)
})

/** One replica's line, watch or life changes. */
async function disturb(world: World, replica: Replica, random: Random): Promise<void> {
  const lines = ['good', 'good', 'cut', 'mute', 'held'] as const
  replica.client.line = lines[Math.floor(random.next() * lines.length)] ?? 'good'
  replica.client.isDeaf = random.next() < 0.2
  if (random.next() < 0.3) replica.client.deliver()
  if (random.next() >= 0.1) return
  replica.client.line = 'good'
  await replica.stop()
  world.replicas.splice(world.replicas.indexOf(replica), 1)
  world.start(
    Math.floor(random.next() * 0xffff_ffff)
      .toString(16)
      .padStart(8, '0'),
  )
}

test('whatever lines fail, whoever comes and goes, no shard ever has two, and each has one in the end', async (t) => {
  for (let seed = 1; seed <= 6; seed += 1) {
    const world = new World(t)
    const random = seededRandom(seed)
    for (const id of ['aaaa1111', 'bbbb2222', 'cccc3333']) world.start(id)
    for (let turn = 0; turn < 8; turn += 1) {
      const alive = world.replicas.slice()
      for (const replica of alive) await disturb(world, replica, random)
      await world.pass(4_000, 500)
    }
    for (const { client } of world.replicas) {
      client.line = 'good'
      client.isDeaf = false
    }
    await world.pass(60_000, 2_000)
    assert.ok(!world.holders().includes(undefined), `seed ${seed}`)
    await Promise.all(world.replicas.map((replica) => replica.stop()))
  }
})
