/** What the pages tell people to apply does on a real API server what the pages say. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import type { ControlPlane } from '../control-plane/plane.ts'
import { startControlPlane } from '../control-plane/start.ts'
import { eventually } from '../lib/await.ts'
import { parseYaml } from '../lib/client.ts'
import type { Client } from '../lib/client.ts'
import { collectionPath, secret } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'

const ROOT = join(import.meta.dirname, '../..')
const OFFER = { 'heliograph.dev/reflect-to': 'team-*' }

let plane: ControlPlane
let admin: Client

before(async () => {
  plane = await startControlPlane()
  admin = plane.client
})

after(() => plane.stop())

function yamlBlocks(page: string): readonly string[] {
  const text = readFileSync(join(ROOT, page), 'utf8')
  return [...text.matchAll(/```yaml\n(.*?)```/gs)].flatMap(([, yaml]) => yaml ?? [])
}

async function mayWrite(namespace: string, user: string): Promise<void> {
  const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'create', 'patch'] }]
  const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { namespace, name: `write-${user}` } }
  await admin.create({ ...rbac, kind: 'Role', rules })
  await admin.create({ ...rbac, kind: 'RoleBinding', ...bound('Role', `write-${user}`, user) })
}

function bound(kind: string, name: string, user: string): Readonly<Record<string, unknown>> {
  const apiGroup = 'rbac.authorization.k8s.io'
  return { roleRef: { apiGroup, kind, name }, subjects: [{ apiGroup, kind: 'User', name: user }] }
}

/** The answer's code to creating this Secret; nothing is stored. */
async function tryCreate(client: Client, object: KubeObject): Promise<number> {
  const path = `${collectionPath('Secret', object.metadata.namespace)}?dryRun=All`
  return (await client.request('POST', path, { body: object })).status
}

test('the annotated Secret of the README is taken by the API server', async () => {
  await admin.createNamespace('platform')
  const [example = ''] = yamlBlocks('README.md')
  const [applied] = await admin.apply(example)
  assert.equal(applied?.metadata.annotations?.['heliograph.dev/validate'], 'dockerconfigjson')
})

test('the admission policy of docs/security.md lets only holders of the verb offer make or change an offer', async () => {
  const objects = yamlBlocks('docs/security.md').flatMap((yaml) => parseYaml(yaml))
  const role = objects.find(({ kind }) => kind === 'Role')
  assert.ok(role !== undefined)
  for (const object of objects) await admin.apply(object)
  await mayWrite('platform', 'writer')
  await mayWrite('platform', 'offerer')
  const name = role.metadata.name
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { namespace: 'platform', name },
  }
  await admin.create({ ...binding, ...bound('Role', name, 'offerer') })

  const [writer, offerer] = [admin.as('writer'), admin.as('offerer')]
  const offered = secret('platform', 'offered', { key: 'one' }, { annotations: OFFER })
  await eventually(async () => ((await tryCreate(writer, offered)) === 422 ? true : null), {
    what: 'the policy is in force',
  })
  assert.equal(await tryCreate(writer, secret('platform', 'plain', { key: 'one' })), 201)
  assert.equal(await tryCreate(offerer, offered), 201)

  await offerer.create(offered)
  const ref = { kind: 'Secret', namespace: 'platform', name: 'offered' }
  const refused = /needs the verb offer/
  await assert.rejects(writer.annotate(ref, { 'heliograph.dev/reflect-to': '*' }), refused)
  await assert.rejects(writer.annotate(ref, { 'heliograph.dev/allow-pull': '*' }), refused)
  await writer.patch(ref, { stringData: { key: 'two' } })
  await writer.annotate(ref, { 'heliograph.dev/reflect-to': null })
  await assert.rejects(writer.annotate(ref, OFFER), refused)
  await offerer.annotate(ref, OFFER)
})
