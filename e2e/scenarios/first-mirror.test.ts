/** The main job on a real API server, with the rights that the chart grants: offered, put back, rotated, withdrawn, and nothing written when nothing changes. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { tally } from '../control-plane/audit.ts'
import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { plain, secret } from '../lib/objects.ts'
import { openStage } from '../lib/stage.ts'

const stage = await openStage({ settings: { deletionGrace: '0s' } })
const { client } = stage
let controller = await stage.start()

test('an annotated Secret is mirrored into the namespaces that its owner names, and into no other', async () => {
  const [origins, wanted, other] = await stage.namespaces('origins', 'wanted', 'other')
  await client.create(
    secret(
      origins,
      'database',
      { password: 'spring' },
      { annotations: { 'heliograph.dev/reflect-to': wanted } },
    ),
  )
  const mirror = await awaitPresent(client, { kind: 'Secret', namespace: wanted, name: 'database' })
  assert.deepEqual(plain(mirror), { password: 'spring' })
  assert.equal(mirror.metadata.annotations?.['heliograph.dev/origin'], `${origins}/database`)
  await stage.settled(origins)
  assert.equal(await client.find({ kind: 'Secret', namespace: other, name: 'database' }), null)
})

test('an edited mirror is put back, a rotation spreads, and a withdrawn offer removes the mirror', async () => {
  const [origins, target] = await stage.namespaces('origins', 'target')
  const origin = { kind: 'Secret', namespace: origins, name: 'database' }
  const mirror = { kind: 'Secret', namespace: target, name: 'database' }
  const holds = (password: string) => (each: Parameters<typeof plain>[0]) =>
    plain(each)['password'] === password
  await client.create(
    secret(
      origins,
      'database',
      { password: 'spring' },
      { annotations: { 'heliograph.dev/reflect-to': target } },
    ),
  )
  await awaitPresent(client, mirror)
  await client.patch(mirror, { stringData: { password: 'tampered' } })
  await awaitPresent(client, mirror, holds('spring'), { what: 'is put back' })
  await client.patch(origin, { stringData: { password: 'summer' } })
  await awaitPresent(client, mirror, holds('summer'), { what: 'has the new password' })
  await client.annotate(origin, { 'heliograph.dev/reflect-to': null })
  await awaitAbsent(client, mirror)
  assert.deepEqual(plain(await client.get(origin)), { password: 'summer' })
})

test('a restart with all in sync writes nothing to any Secret', async () => {
  const [origins, target] = await stage.namespaces('origins', 'target')
  await client.create(
    secret(
      origins,
      'database',
      { password: 'spring' },
      { annotations: { 'heliograph.dev/reflect-to': target } },
    ),
  )
  await awaitPresent(client, { kind: 'Secret', namespace: target, name: 'database' })
  await controller.stop()
  const mark = await stage.plane.own.audit.mark()
  controller = await stage.start()
  await stage.settled(origins)
  const ours = (await stage.plane.own.audit.since(mark)).filter(({ user }) => user === stage.user)
  assert.ok(ours.length > 0, 'the audit log knows the controller by another name')
  const writes = ours.filter(
    ({ verb, resource }) => resource === 'secrets' && !/^(get|list|watch)$/.test(verb),
  )
  assert.deepEqual(tally(writes, 'verb', 'namespace', 'code'), {})
})
