/** The promises of the deciding core, tried on generated worlds: every act is judged as it is done, and the world at rest by a law book of its own. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { replayable } from './model/seeds.ts'
import { World, moment, worldSpec } from './model/world.ts'

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
