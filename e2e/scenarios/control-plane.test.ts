/** The control plane that all scenarios stand on behaves as a cluster does: rights, quota, deletion, history, restarts. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { tally } from '../control-plane/audit.ts'
import { startControlPlane } from '../control-plane/start.ts'
import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { configMap, plain, secret } from '../lib/objects.ts'

const plane = await startControlPlane()
after(() => plane.stop())
const { client } = plane

test('a caller without a token, and a user without a binding, may not read a Secret', async () => {
  await client.createNamespace('closed')
  await client.create(secret('closed', 'locked', { password: 'hunter2' }))
  const path = '/api/v1/namespaces/closed/secrets/locked'
  assert.equal((await client.withToken(null).request('GET', path)).status, 403)
  assert.equal((await client.as('nobody').request('GET', path)).status, 403)
  assert.equal((await client.withToken('no-token-of-ours').request('GET', path)).status, 401)
  assert.equal((await client.request('GET', path)).status, 200)
})

test('a ServiceAccount with a token may do what its Role says, and nothing else', async () => {
  await client.createNamespace('served')
  await client.create(configMap('served', 'settings', { colour: 'green' }))
  await client.apply(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: reader, namespace: served }
rules: [{ apiGroups: [''], resources: [configmaps], verbs: [get] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: reader, namespace: served }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader }
subjects: [{ kind: ServiceAccount, name: reader, namespace: served }]
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: reader, namespace: served }
`)
  const account = client.withToken(await client.tokenFor('served', 'reader'))
  const found = await account.get({ kind: 'ConfigMap', namespace: 'served', name: 'settings' })
  assert.deepEqual(found.data, { colour: 'green' })
  const refused = await account.request('DELETE', '/api/v1/namespaces/served/configmaps/settings')
  assert.equal(refused.status, 403)
})

test('a deleted namespace is emptied and goes', async () => {
  plane.requireControllers('Deleting a namespace')
  await client.createNamespace('doomed')
  await client.create(secret('doomed', 'inside', { a: '1' }))
  await client.remove({ kind: 'Namespace', name: 'doomed' })
  await awaitAbsent(client, { kind: 'Namespace', name: 'doomed' })
  assert.equal(await client.find({ kind: 'Secret', namespace: 'doomed', name: 'inside' }), null)
})

test('a ResourceQuota is counted and enforced', async () => {
  plane.requireControllers('Counting a quota')
  await client.createNamespace('narrow')
  await client.create({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { namespace: 'narrow', name: 'few' },
    spec: { hard: { secrets: '1' } },
  })
  const quota = { kind: 'ResourceQuota', namespace: 'narrow', name: 'few' }
  const isCounted = (status: unknown): boolean => JSON.stringify(status).includes('"used":{"secrets"')
  await awaitPresent(client, quota, (each) => isCounted(each['status']), { what: 'is counted' })
  await client.create(secret('narrow', 'first', { a: '1' }))
  await assert.rejects(client.create(secret('narrow', 'second', { a: '1' })), /403.*exceeded quota/)
})

test('the audit log counts who asked for what, and how it was answered', async () => {
  await client.createNamespace('watched')
  const user = client.as('auditor', 'system:masters')
  const mark = await plane.own.audit.mark()
  await user.create(secret('watched', 'one', { a: '1' }))
  await user.find({ kind: 'Secret', namespace: 'watched', name: 'two' })
  await user.find({ kind: 'Secret', namespace: 'watched', name: 'two' })
  await user.patch(
    { kind: 'Secret', namespace: 'watched', name: 'one' },
    { metadata: { labels: { a: 'b' } } },
  )
  const entries = (await plane.own.audit.since(mark)).filter((entry) => entry.user === 'auditor')
  assert.deepEqual(tally(entries, 'verb', 'resource', 'namespace', 'code'), {
    'create secrets watched 201': 1,
    'get secrets watched 404': 2,
    'patch secrets watched 200': 1,
  })
})

test('an API server that crashed comes back on its port with all that was stored', async () => {
  await client.createNamespace('kept')
  await client.create(secret('kept', 'through', { a: 'restart' }))
  const before = plane.own.apiServerPid
  await plane.own.restartApiServer({ how: 'crash' })
  assert.notEqual(plane.own.apiServerPid, before)
  const found = await client.get({ kind: 'Secret', namespace: 'kept', name: 'through' })
  assert.deepEqual(plain(found), { a: 'restart' })
})

test('an API server that is asked to end does so at once, and comes back', async () => {
  await plane.own.restartApiServer({ how: 'graceful' })
  assert.equal((await client.request('GET', '/readyz')).status, 200)
})

test('a watch from a version before a compaction is answered 410', async () => {
  const { resourceVersion = '' } = (await client.createNamespace('past')).metadata
  await plane.own.expireHistory()
  const events = client.watch(
    `/api/v1/secrets?resourceVersion=${resourceVersion}`,
    AbortSignal.timeout(30_000),
  )
  for await (const { type, object } of events) {
    assert.equal(type, 'ERROR')
    assert.equal(object['code'], 410)
    return
  }
  assert.fail('the watch ended without a word')
})

test('a frozen API server keeps its connections and answers nothing until it goes on', async () => {
  plane.own.freezeApiServer()
  const path = '/api/v1/namespaces/default'
  try {
    await assert.rejects(client.request('GET', path, { signal: AbortSignal.timeout(500) }), /timeout/i)
  } finally {
    plane.own.thawApiServer()
  }
  assert.equal((await client.request('GET', path)).status, 200)
})

test('two control planes side by side share nothing', async () => {
  await using other = await startControlPlane()
  await client.createNamespace('here-only')
  assert.equal(await other.client.find({ kind: 'Namespace', name: 'here-only' }), null)
  assert.equal((await other.client.request('GET', '/readyz')).status, 200)
})
