/** Peers and shards are dealt out alike by everybody, evenly enough, and change hands only where they must. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { SHARDS_MAX, memberOf, shardOf } from '../../src/core/shards.ts'
import { seededRandom } from '../../src/std/random.ts'

const SHARDS = Array.from({ length: SHARDS_MAX }, (_, shard) => shard)
const member = fc.stringMatching(/^heliograph-member-[0-9a-f]{8}$/)
const members = fc.uniqueArray(member, { minLength: 1, maxLength: 12 })

/** Holders by shard. */
function deal(of: readonly string[]): readonly (string | null)[] {
  return SHARDS.map((shard) => memberOf(shard, of))
}

test('a peer has one shard, whoever asks: these are written down, as replicas of two versions must agree', () => {
  const names = ['eu-1', 'eu-2', 'us-east', 'edge.example.com', 'a']
  assert.deepEqual(names.map(shardOf), [11, 9, 14, 10, 13])
})

test('a shard is a whole number below the most that there may be', () => {
  fc.assert(
    fc.property(fc.string(), (peer) => {
      const shard = shardOf(peer)
      assert.ok(Number.isInteger(shard) && shard >= 0 && shard < SHARDS_MAX)
    }),
  )
})

test('a hundred peers are spread over all shards, none with more than a seventh of them', () => {
  for (const stem of ['peer-', 'cluster-eu-west-', 'edge.site', 'k']) {
    const counts = new Map<number, number>()
    for (let at = 0; at < 100; at += 1) {
      const shard = shardOf(`${stem}${at}`)
      counts.set(shard, (counts.get(shard) ?? 0) + 1)
    }
    assert.ok(counts.size >= SHARDS_MAX - 2, `${stem}: only ${counts.size} shards`)
    assert.ok(Math.max(...counts.values()) <= 14, `${stem}: ${[...counts.values()].join()}`)
  }
})

test('nobody has a shard where nobody lives, and only members have one', () => {
  assert.equal(memberOf(3, []), null)
  fc.assert(
    fc.property(members, (of) => {
      for (const holder of deal(of)) assert.ok(holder !== null && of.includes(holder))
    }),
  )
})

test('the order in which members are seen changes nothing', () => {
  fc.assert(
    fc.property(members, (of) => {
      assert.deepEqual(deal(of.toReversed()), deal(of))
    }),
  )
})

test('a member that joins takes shards and moves no other', () => {
  fc.assert(
    fc.property(members, member, (of, joining) => {
      fc.pre(!of.includes(joining))
      const [before, after] = [deal(of), deal([...of, joining])]
      for (const shard of SHARDS) assert.ok([before[shard], joining].includes(after[shard] ?? ''))
    }),
  )
})

test('a member that is lost leaves its shards to others and moves no other', () => {
  fc.assert(
    fc.property(members, fc.nat(), (of, at) => {
      const lost = of[at % of.length] ?? ''
      const [before, after] = [deal(of), deal(of.filter((each) => each !== lost))]
      for (const shard of SHARDS) if (before[shard] !== lost) assert.equal(after[shard], before[shard])
    }),
  )
})

test('over many pairs and triples of replicas each has its share on average, and seldom less than a fifth of it', () => {
  const random = seededRandom(1)
  for (const size of [2, 3, 4]) {
    const share = SHARDS_MAX / size
    let [sum, starved] = [0, 0]
    for (let round = 0; round < 500; round += 1) {
      const of = Array.from(
        { length: size },
        () => `heliograph-member-${random.next().toString(16).slice(2, 10)}`,
      )
      const mine = deal(of).filter((holder) => holder === of[0]).length
      sum += mine
      if (mine < share / 5) starved += 1
    }
    assert.ok(Math.abs(sum / 500 - share) < share * 0.1, `${size}: ${sum / 500} of ${share}`)
    assert.ok(starved <= 15, `${size}: ${starved} of 500 have next to nothing`)
  }
})
