/** The promises of the deciding core, tried on generated worlds: every act is judged as it is done, and the world at rest by a law book of its own. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'

import fc from 'fast-check'

import { manifestOf, metaOf } from './model/cluster.ts'
import type { Stored } from './model/cluster.ts'
import { P, ownedBy } from './model/lawbook.ts'
import { replayable } from './model/seeds.ts'
import { World, moment, worldSpec } from './model/world.ts'
import type { WorldSpec } from './model/world.ts'

const history = fc.tuple(worldSpec, fc.array(moment, { minLength: 1, maxLength: 4 }))

test('whatever happens, every act keeps the promises and the world comes to rest as the law says', (t) => {
  fc.assert(
    fc.property(history, ([spec, moments]) => {
      const world = new World(spec)
      world.play(spec.steps, moments)
      world.rest()
      const versions = versionsOf(world)
      world.rig.restart()
      assert.deepEqual(
        world.rig.settle().map(({ decision, key }) => [decision, key]),
        [],
        '5: nothing is written when nothing changes, through a restart too',
      )
      assert.deepEqual(versionsOf(world), versions)
    }),
    replayable(t, 600),
  )
})

function versionsOf({ rig }: World): ReadonlyMap<string, string> {
  return new Map([...rig.cluster.objects].map(([key, { version }]) => [key, version]))
}

test('claims and places in another order give the same world', (t) => {
  fc.assert(
    fc.property(history, ([spec, moments]) => {
      const [forward, reverse] = (['forward', 'reverse'] as const).map((order) => {
        const world = new World(spec)
        world.rig.order = order
        world.play(
          spec.steps.filter((step) => step.do !== 'copy'),
          moments,
        )
        world.rest()
        return contentsOf(world)
      })
      assert.deepEqual(forward, reverse)
    }),
    replayable(t, 250),
  )
})

test('a request that comes late changes nothing, or the very version that it was made for', (t) => {
  fc.assert(
    fc.property(history, ([spec, moments]) => {
      const world = new World(spec)
      world.play(spec.steps, moments)
      world.rest()
      const { cluster, log } = world.rig
      for (const { body, before, key, decision } of log) {
        const now = cluster.get(key)
        if (body === null || now === null || decision.kind === 'replace') continue
        const isSame = now.uid === before?.uid && now.version === before.version
        if (isSame) continue
        if (decision.kind === 'create') cluster.create(now.ref, body)
        else cluster.patch(key, body)
        assert.equal(cluster.get(key), now, `9: a late ${decision.kind} of ${key} brings nothing back`)
      }
      for (const { body, before, key } of log) {
        if (body !== null || before === null) continue
        const seen = metaOf(before)
        assert.equal(cluster.remove(key, { uid: seen.uid, version: seen.version }).ok, false)
      }
    }),
    replayable(t, 400),
  )
})

test('after a restart with everything in sync, no mirror of ours is read, and no origin whose version was written', (t) => {
  fc.assert(
    fc.property(history, ([spec, moments]) => {
      const world = new World(spec)
      world.play(spec.steps, moments)
      world.rest()
      const { rig } = world
      rig.restart()
      for (const key of rig.places()) {
        const stored = rig.cluster.get(key)
        if (stored === null || ownedBy(stored) === null || !isOursAlone(stored)) continue
        const holder = world.law.origin(ownedBy(stored) ?? key)
        const { decisions } = rig.turn(key)
        assert.ok(!decisions.some(({ kind }) => kind === 'read-mirror'), `${key} is read`)
        if (holder === null || !world.law.claims(holder, key)) continue
        if (manifestOf(stored).annotations[`${P}origin-version`] !== holder.stored.version) continue
        const isRead = decisions.some((one) => one.kind === 'read-origin' && one.origin === holder.key)
        assert.ok(!isRead, `the origin of ${key} is read`)
      }
    }),
    replayable(t, 250),
  )
})

test('no content shows in decisions, observations or failures', (t) => {
  fc.assert(
    fc.property(history, ([spec, moments]) => {
      const world = new World(withMarkers(spec))
      const shown: unknown[] = []
      world.rig.onTurn = (observation, decision) => void shown.push(observation, decision)
      world.play(withMarkers(spec).steps, moments)
      world.rest()
      const texts = shown.map((value) => `${inspect(value, { depth: 12 })}${JSON.stringify(value)}`)
      for (const { failure, rendering, body } of world.rig.log)
        texts.push(
          inspect({ failure, rendering, body }, { depth: 12 }),
          JSON.stringify({ failure, rendering, body }),
        )
      for (const text of texts) assert.ok(!text.includes(MARKER), '7: content shows')
    }),
    replayable(t, 60),
  )
})

const MARKER = 'TUFSS0VS'

function withMarkers(spec: WorldSpec): WorldSpec {
  return JSON.parse(JSON.stringify(spec).replaceAll(/"(YQ==|Yg==|Yw==)"/g, `"${MARKER}$1"`)) as WorldSpec
}

function contentsOf({ rig }: World): unknown {
  return [...rig.cluster.objects]
    .map(([key, stored]) => {
      const { annotations, ...rest } = manifestOf(stored)
      const kept = Object.entries(annotations).filter(([name]) => !/origin-(uid|version)$/.test(name))
      return [key, rest, kept.sort(([a], [b]) => (a < b ? -1 : 1))] as const
    })
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Everything on it was written by us. */
function isOursAlone(stored: Stored): boolean {
  return [...stored.owners.values()].every((owners) => owners.size === 1 && owners.has('heliograph|Update'))
}
