/** Warnings that still hold are said when a leader begins and again while they last: the API server forgets Events after an hour. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { REMIND_MS } from '../../src/engine/reminder.ts'
import { P } from './lawful.ts'
import type { Process } from './rig.ts'
import { Rig } from './rig.ts'
import { offer, settled } from './scenes.ts'

function told(process: Process | null, code: string): number {
  return process?.notices.filter((notice) => notice.code === code).length ?? 0
}

test('a malformed accept that was written while nobody led is told when a leader begins, mirrors there or not', async () => {
  const rig = new Rig({})
  rig.world.createNamespace('lonely', { annotations: { [`${P}accept`]: '[' } })
  rig.startLeader()
  await rig.time.run(2_000)
  assert.ok(told(rig.leader, 'ConsentMalformed') >= 1)
})

test('a held origin and an object in the way are told again every half hour, without a write', async () => {
  const rig = await settled({ namespaces: ['t1'] })
  rig.world.create({ kind: 'Secret', namespace: 't1' }, { name: 'taken', data: {} }, 'user')
  offer(rig, { name: 'taken' })
  offer(rig, { name: 'bad', to: '[' })
  await rig.time.run(2_000)
  const before = [told(rig.leader, 'OriginHeld'), told(rig.leader, 'MirrorBlocked')]
  const startMs = rig.time.now()
  await rig.time.run(REMIND_MS + 20_000)
  assert.ok(told(rig.leader, 'OriginHeld') > (before[0] ?? 0))
  assert.ok(told(rig.leader, 'MirrorBlocked') > (before[1] ?? 0))
  assert.equal(rig.writes(startMs).length, 0)
})

test('held deletions are told for as long as they are held', async () => {
  const names = Array.from({ length: 150 }, (_, index) => `t${index}`)
  const rig = await settled({ namespaces: names })
  await rig.time.run(10_000)
  rig.leader?.kill()
  rig.world.remove({ kind: 'Secret', namespace: 'src', name: 'db' }, null, 'user')
  rig.startLeader()
  await rig.time.run(60_000)
  assert.ok(told(rig.leader, 'DeletionsHeld') > 3)
})
