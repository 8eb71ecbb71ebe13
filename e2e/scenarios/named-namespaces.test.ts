/** With named namespaces, rights and requests end at them: nothing is asked of the cluster as a whole, nor of any other namespace. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type { AuditEntry, AuditMark } from '../control-plane/audit.ts'
import type { ControlPlane } from '../control-plane/plane.ts'
import { startControlPlane } from '../control-plane/start.ts'
import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { installChart } from '../lib/chart.ts'
import type { Installation } from '../lib/chart.ts'
import { startController } from '../lib/controller.ts'
import type { Controller } from '../lib/controller.ts'
import { configMap, plain, refOf, secret } from '../lib/objects.ts'

const NAMED = ['team-a', 'team-b']
const OWN = 'mirrors'

let plane: ControlPlane
let installation: Installation
let controller: Controller
let start: AuditMark

before(async () => {
  plane = await startControlPlane()
  for (const namespace of [...NAMED, 'team-c']) await plane.client.createNamespace(namespace)
  await mirrorFromWholeCluster()
  installation = await installChart(plane, {
    namespace: OWN,
    settings: { namespaces: NAMED, deletionGrace: '0s' },
  })
  start = await plane.own.audit.mark()
  controller = await startController(plane, { installation })
})

after(async () => {
  await controller.stop()
  await plane.stop()
})

test('a Secret and a ConfigMap are mirrored, rotated and taken back among the named namespaces, and no further', async () => {
  const { client } = plane
  await client.create(
    secret('team-a', 'db', { password: 'one' }, { annotations: { 'heliograph.dev/reflect-to': '*' } }),
  )
  await client.create(configMap('team-a', 'db', { host: 'one' }, { 'heliograph.dev/reflect-to': '*' }))
  for (const kind of ['Secret', 'ConfigMap'])
    await awaitPresent(client, { kind, namespace: 'team-b', name: 'db' })
  await client.patch({ kind: 'Secret', namespace: 'team-a', name: 'db' }, { stringData: { password: 'two' } })
  await awaitPresent(
    client,
    { kind: 'Secret', namespace: 'team-b', name: 'db' },
    (mirror) => plain(mirror)['password'] === 'two',
  )
  await client.remove({ kind: 'Secret', namespace: 'team-a', name: 'db' })
  await awaitAbsent(client, { kind: 'Secret', namespace: 'team-b', name: 'db' })
  assert.equal(await client.find({ kind: 'ConfigMap', namespace: 'team-c', name: 'db' }), null)
})

test('an origin outside the named namespaces is not seen, and a mirror that it had from before is kept', async () => {
  const { client } = plane
  await client.create(
    secret('team-c', 'far', { any: 'thing' }, { annotations: { 'heliograph.dev/reflect-to': 'team-b' } }),
  )
  await client.create(
    secret('team-a', 'near', { any: 'thing' }, { annotations: { 'heliograph.dev/reflect-to': 'team-b' } }),
  )
  await awaitPresent(client, { kind: 'Secret', namespace: 'team-b', name: 'near' })
  assert.equal(await client.find({ kind: 'Secret', namespace: 'team-b', name: 'far' }), null)
  assert.notEqual(await client.find(FORMER), null, 'nobody may say that its origin is gone')
})

test('nothing was asked at cluster scope or outside the named namespaces, and nothing was refused', async () => {
  const asked = await ours()
  const reached = new Set([...NAMED, OWN, 'kube-system'])
  const isConfirmation = ({ verb, name }: AuditEntry): boolean => verb === 'get' && name === 'former'
  assert.deepEqual(
    asked.filter((entry) => !reached.has(entry.namespace) && !isConfirmation(entry)).map(say),
    [],
  )
  const refused = asked.filter(({ code }) => code === 403)
  assert.deepEqual(
    new Set(refused.map(say)),
    new Set(['get secrets team-c/former: 403']),
    'the former origin is asked for, to be sure',
  )
  const inKubeSystem = asked.filter(
    ({ namespace, resource }) => namespace === 'kube-system' && resource !== 'namespaces',
  )
  assert.deepEqual(inKubeSystem.map(say), [], 'of kube-system only its Namespace is read, for the identity')
})

const FORMER = { kind: 'Secret', namespace: 'team-b', name: 'former' }

/** What a controller with the rights of the whole cluster leaves behind. */
async function mirrorFromWholeCluster(): Promise<void> {
  const { client } = plane
  const former = await installChart(plane, { namespace: OWN })
  const everywhere = await startController(plane, { installation: former, name: 'everywhere' })
  await client.create(
    secret('team-c', 'former', { any: 'thing' }, { annotations: { 'heliograph.dev/reflect-to': 'team-b' } }),
  )
  await awaitPresent(client, FORMER)
  await everywhere.stop()
  for (const object of former.objects) {
    if (object.kind === 'ClusterRole' || object.kind === 'ClusterRoleBinding')
      await client.remove(refOf(object))
  }
}

async function ours(): Promise<readonly AuditEntry[]> {
  const user = `system:serviceaccount:${installation.namespace}:${installation.serviceAccount}`
  return (await plane.own.audit.since(start)).filter((entry) => entry.user === user && entry.resource !== '')
}

function say({ verb, resource, namespace, name, code }: AuditEntry): string {
  return `${verb} ${resource} ${namespace}/${name}: ${code}`
}
