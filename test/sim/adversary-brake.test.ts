/** What a tenant writes on objects of his own can neither hold another's deletions back nor let a mass deletion pass. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { DEFAULT_DIALECT_PREFIXES } from '../../src/core/defaults.ts'
import { P } from './lawful.ts'
import type { Rig } from './rig.ts'
import { manyNamespaces, offer, settled } from './scenes.ts'

const ORIGIN = { kind: 'Secret', namespace: 'src', name: 'db' } as const

/** Objects that bear our label and name an origin, but are no mirrors. */
function forge(rig: Rig, count: number, origin: string): void {
  for (let index = 0; index < count; index += 1)
    rig.world.create(
      { kind: 'Secret', namespace: 'tenant' },
      {
        name: `fake${index}`,
        labels: { [`${P}mirror`]: '0123456789abcdef' },
        annotations: { [`${P}origin`]: origin, [`${P}at`]: `tenant/fake${index}` },
      },
      'tenant',
    )
}

function mirrors(rig: Rig): number {
  return [...rig.world.objects.values()].filter(({ name, namespace }) => name === 'db' && namespace !== 'src')
    .length
}

test('forged marks do not hold another’s deletions back', async () => {
  const rig = await settled({ namespaces: [...manyNamespaces(10), 'tenant'] })
  forge(rig, 200, 'src/db')
  await rig.time.run(5_000)
  rig.leader?.kill()
  rig.world.remove(ORIGIN, null, 'user')
  const process = rig.startLeader()
  await rig.time.run(60_000)
  assert.deepEqual(process.holds, [])
  assert.equal(mirrors(rig), 0)
})

test('forged marks do not let a mass deletion pass', async () => {
  const rig = await settled({ namespaces: [...manyNamespaces(150), 'tenant'] })
  offer(rig, { name: 'other', to: 'nowhere', more: { paused: 'true' } })
  forge(rig, 400, 'src/other')
  await rig.time.run(5_000)
  rig.leader?.kill()
  rig.world.remove(ORIGIN, null, 'user')
  const process = rig.startLeader()
  await rig.time.run(60_000)
  assert.equal(process.holds.length, 1)
  assert.equal(mirrors(rig), 151)
})

test('copies of another tool in namespaces that refuse their origin are never removed, so they hold nobody’s deletions back', async () => {
  const rig = await settled({ namespaces: [...manyNamespaces(10), 'tenant'] })
  const { reflector } = DEFAULT_DIALECT_PREFIXES
  for (let index = 0; index < 200; index += 1) {
    const namespace = `no${index}`
    rig.world.createNamespace(namespace, { annotations: { [`${P}refuse`]: '*' } })
    const annotations = {
      [`${reflector}reflects`]: 'src/old',
      [`${reflector}auto-reflects`]: 'True',
      // The simulated watch tells of objects with a key of ours only.
      [`${P}seen`]: 'true',
    }
    rig.world.create({ kind: 'Secret', namespace }, { name: 'old', annotations }, 'reflector')
  }
  rig.leader?.kill()
  rig.world.remove(ORIGIN, null, 'user')
  const process = rig.startLeader()
  await rig.time.run(60_000)
  assert.deepEqual(process.holds, [])
  assert.equal(mirrors(rig), 0)
})
