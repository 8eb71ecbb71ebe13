/** A verification that is asked for is made, whatever is under way. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Rig, secretKey } from './rig.ts'
import { mirrorOf, offer } from './scenes.ts'
import { CALM } from './weather.ts'

test('a `resync` that changes while the answer to a mirror’s POST is on its way still has the mirror read', async () => {
  const rig = new Rig()
  for (const name of ['src', 't1']) rig.world.createNamespace(name)
  rig.startLeader()
  await rig.time.run(2_000)
  rig.weather = { ...CALM, latencyMs: 5_000 }
  rig.world.watchers.add(({ before, after }) => {
    if (before === null && after?.namespace === 't1')
      rig.time.after(10, () => offer(rig, { more: { resync: '2' } }))
  })
  offer(rig, { more: { resync: '1' } })
  await rig.time.run(120_000)
  assert.ok(mirrorOf(rig, 't1') !== null)
  const reads = rig.requests(['read-full']).filter(({ key }) => key === secretKey('t1', 'db'))
  assert.equal(reads.length, 1)
})
