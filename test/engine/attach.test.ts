/** A peer that is attached while home is still being indexed misses no origin. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { ObjectKey } from '../../src/core/names.ts'
import { Controller } from '../../src/engine/controller.ts'
import type { Recorder } from '../../src/engine/ports.ts'
import { peerReach } from '../../src/peers/reach.ts'
import { seededRandom } from '../../src/std/random.ts'
import { SimApi } from '../sim/api.ts'
import { P } from '../sim/lawful.ts'
import { Rig } from '../sim/rig.ts'
import { metaOf } from '../sim/thing.ts'
import { encoded } from '../sim/scenes.ts'

const QUIET: Recorder = {
  acted: () => undefined,
  tell: () => undefined,
  propagated: () => undefined,
  held: () => undefined,
  repaired: () => undefined,
  conflicted: () => undefined,
}

test('an origin that home’s store holds and its index has not looked at yet is indexed for a peer that is attached then', async () => {
  const rig = new Rig()
  rig.world.createNamespace('src')
  const annotations = { [`${P}targets`]: '*' }
  const made = rig.world.create(
    { kind: 'Secret', namespace: 'src' },
    { name: 'db', annotations, data: { a: encoded('one') } },
    'user',
  )
  assert.ok(made.ok)
  const indexed = new Set<ObjectKey>()
  const api = new SimApi({
    world: rig.world,
    random: rig.random,
    weather: () => rig.weather,
    process: 'p',
    isAlive: () => true,
    sent: () => undefined,
    heldMs: () => 0,
    refused: () => null,
  })
  const common = { api, recorder: QUIET, leadership: { isLive: () => false } }
  const controller: Controller = new Controller({
    ...common,
    settings: rig.settings,
    clock: rig.processClock(),
    random: seededRandom(1),
    randomBytes: (count) => new Uint8Array(count),
    reflect: (sinks) => {
      const sink = sinks.objects('Secret', null)
      sink.beginSnapshot('relist')
      sink.put(metaOf(made.value), 'relist')
      controller.attach({
        ...common,
        name: 'peer',
        readNamespace: (name, call) => api.readNamespace(name, call),
        reach: peerReach('peer', { origins: null, namespaces: null }, rig.settings.rules),
        indexed: (origin) => indexed.add(origin),
        reflect: () => Promise.resolve(),
      })
      sink.endSnapshot(null)
      return Promise.resolve()
    },
  })
  const ending = new AbortController()
  const running = controller.run(ending.signal)
  await rig.time.run(1_000)
  assert.deepEqual([...indexed], ['Secret/src/db'])
  ending.abort()
  await rig.time.run(60_000)
  await running
})
