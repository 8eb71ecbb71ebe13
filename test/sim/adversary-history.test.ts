/** Answers that were wrong, and a cluster that was put back to an older state: the next look is believed. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { secretKey } from './rig.ts'
import { encoded, mirrorOf, offer, settled } from './scenes.ts'
import { failed } from '../../src/std/result.ts'

test('a mirror that an answer called gone, and is not, is tended again', async () => {
  const rig = await settled({ namespaces: ['t1'] })
  const { world } = rig
  const patch = world.patch.bind(world)
  let lies = 1
  world.patch = (ref, ops, manager) => {
    if (lies === 0) return patch(ref, ops, manager)
    lies -= 1
    return failed({ kind: 'absent' })
  }
  offer(rig, { data: 'two' })
  await rig.time.run(120_000)
  assert.equal(mirrorOf(rig, 't1')?.data['a'], encoded('two'))
  const fromMs = rig.time.now()
  await rig.time.run(600_000)
  assert.deepEqual(rig.requests(['create', 'read', 'patch'], fromMs), [])
})

test('a mirror that a restored cluster shows at an older version is tended again', async () => {
  const rig = await settled({ namespaces: ['t1'] })
  const old = mirrorOf(rig, 't1')
  offer(rig, { data: 'two' })
  await rig.time.run(2_000)
  assert.notEqual(old, null)
  if (old !== null) rig.world.objects.set(secretKey('t1', 'db'), old)
  offer(rig, { data: 'three' })
  await rig.time.run(120_000)
  assert.equal(mirrorOf(rig, 't1')?.data['a'], encoded('three'))
})
