/** Metadata as large as the API server takes it: carried or refused, never written again and again. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { P } from './lawful.ts'
import { Rig } from './rig.ts'
import { encoded } from './scenes.ts'

const HOUR_MS = 3_600_000

test('a list of carried keys that is longer than 64 KiB is written once', async () => {
  const rig = new Rig()
  for (const name of ['src', 't1']) rig.world.createNamespace(name)
  const long = 'x'.repeat(240)
  const carried: Record<string, string> = {}
  for (let index = 0; index < 300; index += 1) carried[`${long}.example/key-${index}`] = ''
  rig.world.create(
    { kind: 'Secret', namespace: 'src' },
    {
      name: 'db',
      annotations: { ...carried, [`${P}reflect-to`]: 't*', [`${P}carry`]: '*' },
      data: { a: encoded('one') },
    },
    'user',
  )
  rig.startLeader()
  await rig.time.run(HOUR_MS)
  assert.equal(rig.requests(['create']).length, 2)
  assert.equal(rig.requests(['patch']).length, 0)
  const [process] = rig.processes
  assert.equal(process?.home().mirrors.get('synced'), 1)
})
