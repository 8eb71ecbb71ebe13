/** The proxy between a controller and its API server changes nothing but what a test asks for. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { Agent } from 'undici'

import { startControlPlane } from '../control-plane/start.ts'
import { Client } from '../lib/client.ts'
import { pathOf, plain, secret } from '../lib/objects.ts'
import { startProxy } from '../lib/proxy.ts'

const plane = await startControlPlane()
const proxy = await startProxy(plane)
const token = await plane.client.tokenFor('default', 'default')
const through = new Client({ server: proxy.url, caPem: proxy.caPem, token }).as('tester', 'system:masters')
const direct = plane.client
after(async () => {
  await through.close()
  await proxy.close()
  await plane.stop()
})

await direct.apply(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: proxied }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin }
subjects: [{ kind: ServiceAccount, name: default, namespace: default }]
`)

test('requests pass with their own credentials, bodies and answers', async () => {
  await through.create(secret('default', 'passed', { a: '1' }))
  assert.deepEqual(plain(await direct.get({ kind: 'Secret', namespace: 'default', name: 'passed' })), {
    a: '1',
  })
  assert.equal((await through.withToken('wrong').request('GET', '/api/v1/secrets')).status, 401)
  assert.equal(proxy.seen.at(-1)?.status, 401)
})

test('HTTP/2 callers are served as well', async () => {
  const agent = new Agent({ connect: { ca: proxy.caPem }, allowH2: true })
  const headers = { authorization: `Bearer ${token}` }
  const answer = await agent.request({
    origin: proxy.url,
    path: '/api/v1/namespaces/default',
    method: 'GET',
    headers,
  })
  assert.equal(answer.statusCode, 200)
  const { metadata } = (await answer.body.json()) as { readonly metadata: { readonly name: string } }
  assert.equal(metadata.name, 'default')
  await agent.close()
})

test('a held request has not reached the server until it is released', async () => {
  const wanted = secret('default', 'held', { a: '1' })
  const hold = proxy.hold({ method: 'POST', path: /\/secrets$/ })
  const created = through.create(wanted)
  await hold.reached()
  assert.equal(
    (await direct.request('GET', pathOf({ kind: 'Secret', namespace: 'default', name: 'held' }))).status,
    404,
  )
  hold.release()
  await created
  assert.equal((await direct.get({ kind: 'Secret', namespace: 'default', name: 'held' })).kind, 'Secret')
  hold.remove()
})

test('a held answer keeps the caller waiting though the server has acted', async () => {
  const hold = proxy.holdAnswers({ method: 'POST', path: /\/secrets$/, times: 1 })
  let isAnswered = false
  const created = through.create(secret('default', 'acted', { a: '1' })).then(() => (isAnswered = true))
  await hold.reached()
  await direct.get({ kind: 'Namespace', name: 'default' })
  while ((await direct.find({ kind: 'Secret', namespace: 'default', name: 'acted' })) === null);
  assert.equal(isAnswered, false)
  hold.release()
  await created
})

test('a rule answers in the server’s place as often as it was told to', async () => {
  const ref = { kind: 'Secret', namespace: 'default', name: 'passed' }
  const rule = proxy.on({ method: 'GET', path: /\/secrets\/passed$/, times: 1 }, (exchange) =>
    exchange.answer(503, {}),
  )
  assert.equal((await through.request('GET', pathOf(ref))).status, 503)
  assert.equal((await through.request('GET', pathOf(ref))).status, 200)
  assert.equal(rule.taken.length, 1)
})

test('a cut request ends without an answer', async () => {
  const rule = proxy.on({ path: /\/configmaps$/ }, (exchange) => exchange.cut())
  await assert.rejects(through.request('GET', '/api/v1/namespaces/default/configmaps'))
  rule.remove()
  assert.equal((await through.request('GET', '/api/v1/namespaces/default/configmaps')).status, 200)
})

test('a muted watch says nothing while it stays open, and all of it afterwards', async () => {
  const end = new AbortController()
  const { resourceVersion } = await direct.listFrom('/api/v1/namespaces/default/secrets')
  const path = `/api/v1/namespaces/default/secrets?resourceVersion=${resourceVersion}`
  const open = proxy.on({ path: /watch=true/, times: 1 }, (exchange) => exchange.pass())
  const muted = through.watch(path, end.signal)
  const first = muted.next()
  await open.reached()
  proxy.muteStreams()
  let isHeard = false
  void first.then(() => (isHeard = true))
  await direct.create(secret('default', 'unheard', { a: '1' }))
  for await (const { type } of direct.watch(path, end.signal)) {
    assert.equal(type, 'ADDED')
    break
  }
  await through.get({ kind: 'Namespace', name: 'default' })
  assert.equal(isHeard, false)
  proxy.resumeStreams()
  const heard = await first
  assert.equal(heard.done, false)
  end.abort()
})
