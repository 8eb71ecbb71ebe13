/** An origin whose owner takes our annotations off, all of them: narrowed, not gone. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { P } from './lawful.ts'
import { mirrorOf, offer, settled } from './scenes.ts'

const ORIGIN = { kind: 'Secret', namespace: 'src', name: 'db' } as const

test('taking the last annotation off acts at once, without the grace that a deleted origin has', async () => {
  const rig = await settled({ namespaces: ['t1', 't2'] })
  rig.world.update(ORIGIN, () => ({ annotations: {} }), 'user')
  await rig.time.run(1_000)
  assert.equal(mirrorOf(rig, 't1'), null)
  assert.equal(mirrorOf(rig, 't2'), null)
  assert.ok(rig.world.get(ORIGIN) !== null)
})

test('the mirrors’ own marks say whether they stay, when the annotation that said so is taken off with the rest', async () => {
  const rig = await settled({ namespaces: ['t1'] })
  offer(rig, { more: { 'on-delete': 'retain' } })
  await rig.time.run(1_000)
  rig.world.update(ORIGIN, () => ({ annotations: {} }), 'user')
  await rig.time.run(1_000)
  const left = mirrorOf(rig, 't1')
  assert.equal(left?.annotations[`${P}retained`], 'src/db')
  assert.equal(left.labels[`${P}mirror`], undefined)
})

test('an origin that is annotated again is mirrored again', async () => {
  const rig = await settled({ namespaces: ['t1'] })
  rig.world.update(ORIGIN, () => ({ annotations: {} }), 'user')
  await rig.time.run(10_000)
  offer(rig, { to: 't1' })
  await rig.time.run(1_000)
  assert.notEqual(mirrorOf(rig, 't1'), null)
})
