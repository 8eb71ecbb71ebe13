/** Labelled objects are listed whole, page by page, as metadata; and what a person grants is read and made by the very requests that RBAC knows. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import type { Cluster } from '../../src/kube/connection.ts'
import { listLabelled } from '../../src/kube/labelled.ts'
import { createManifest, readManifest } from '../../src/kube/manifests.ts'
import type { Manifest } from '../../src/kube/manifests.ts'
import { FakeClock } from './fake-clock.ts'
import { open, plainAccess } from './rig.ts'
import { page, partial, ScriptedServer, status } from './scripted-server.ts'

const OPTIONS = { signal: new AbortController().signal }
const REQUEST = { kind: 'Secret', namespace: '', labelSelector: 'heliograph.dev/mirror' } as const
const ROLE: Manifest = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name: 'a', namespace: 'team-a', labels: {} },
  rules: [],
}

async function start(t: TestContext): Promise<{ server: ScriptedServer; cluster: Cluster }> {
  const server = await ScriptedServer.start(t)
  return { server, cluster: await open(t, plainAccess(server.url), new FakeClock()) }
}

test('every page is asked for with the selector, as metadata, and answered together', async (t) => {
  const { server, cluster } = await start(t)
  const answer = listLabelled(cluster, REQUEST, OPTIONS)
  const first = await server.next()
  assert.equal(first.path, '/api/v1/secrets')
  assert.match(first.headers.accept ?? '', /as=PartialObjectMetadataList/)
  assert.deepEqual(
    [first.query.get('labelSelector'), first.query.get('continue')],
    ['heliograph.dev/mirror', null],
  )
  first.json(200, page(5, [partial('a', 1)], 'next'))
  const second = await server.next()
  assert.deepEqual(
    [second.query.get('labelSelector'), second.query.get('continue')],
    ['heliograph.dev/mirror', 'next'],
  )
  second.json(200, page(5, [partial('b', 2)]))
  const listed = await answer
  assert.deepEqual(listed.ok && listed.value.map(({ name }) => name), ['a', 'b'])
})

test('a list that expires on its way is begun anew, so that nothing is missing or doubled', async (t) => {
  const { server, cluster } = await start(t)
  const answer = listLabelled(cluster, { ...REQUEST, namespace: 'team-a' }, OPTIONS)
  ;(await server.next()).json(200, page(5, [partial('a', 1)], 'next'))
  ;(await server.next()).json(410, status(410, 'Expired'))
  const again = await Promise.race([
    server.next(),
    answer.then((early) => assert.fail(`it ended: ${JSON.stringify(early)}`)),
  ])
  assert.deepEqual([again.path, again.query.get('continue')], ['/api/v1/namespaces/team-a/secrets', null])
  again.json(200, page(6, [partial('b', 2)]))
  const listed = await answer
  assert.deepEqual(listed.ok && listed.value.map(({ name }) => name), ['b'])
})

test('a refusal, and an object that is none, are failures and no shorter list', async (t) => {
  const { server, cluster } = await start(t)
  const refused = listLabelled(cluster, REQUEST, OPTIONS)
  ;(await server.next()).json(403, status(403, 'Forbidden'))
  assert.deepEqual(await refused, { ok: false, failure: { kind: 'forbidden' } })
  const broken = listLabelled(cluster, REQUEST, OPTIONS)
  ;(await server.next()).json(200, page(5, [partial('a', 1), { metadata: { name: 'b' } }]))
  assert.deepEqual(await broken, { ok: false, failure: { kind: 'malformed' } })
})

test('a manifest is read under its own name, in its own group', async (t) => {
  const { server, cluster } = await start(t)
  const answer = readManifest(cluster, ROLE, OPTIONS)
  const asked = await server.next()
  assert.equal(asked.path, '/apis/rbac.authorization.k8s.io/v1/namespaces/team-a/roles/a')
  asked.json(404, status(404, 'NotFound', { details: { kind: 'roles', name: 'a' } }))
  assert.deepEqual(await answer, { ok: false, failure: { kind: 'absent' } })
})

test('a manifest is made by a POST, which changes nothing that stands there', async (t) => {
  const { server, cluster } = await start(t)
  const account: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x', labels: {} } }
  const answer = createManifest(cluster, account, OPTIONS)
  const asked = await server.next()
  assert.deepEqual(
    [asked.method, asked.path, asked.query.get('fieldManager')],
    ['POST', '/api/v1/namespaces', 'heliograph'],
  )
  assert.deepEqual(JSON.parse(asked.body.toString()), account)
  asked.json(409, status(409, 'AlreadyExists', { details: { kind: 'namespaces', name: 'x' } }))
  assert.deepEqual(await answer, { ok: false, failure: { kind: 'exists' } })
})
