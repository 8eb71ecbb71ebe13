/** The home cluster is found as the operator says, and what is missing is told in a sentence. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import type { Access } from '../../src/kube/access.ts'
import { loadAccess } from '../../src/kube/kubeconfig.ts'
import type { AccessOptions } from '../../src/kube/kubeconfig.ts'

const NOWHERE: AccessOptions = {
  kubeconfig: null,
  context: null,
  serviceHost: undefined,
  servicePort: undefined,
}

async function load(options: Partial<AccessOptions>): Promise<Access | string> {
  const loaded = await loadAccess({ ...NOWHERE, ...options })
  return loaded.ok ? loaded.value : loaded.failure.reason
}

async function reasonOf(options: Partial<AccessOptions>): Promise<string> {
  const loaded = await load(options)
  return typeof loaded === 'string' ? loaded : 'loaded'
}

async function write(t: TestContext, name: string, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-kubeconfig-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

function config(user: string, server = 'https://api.example:6443', context = 'main'): string {
  return `
apiVersion: v1
kind: Config
current-context: ${context}
clusters: [{ name: ${context}, cluster: { server: "${server}", certificate-authority: ca.pem } }]
users: [{ name: ${context}-user, user: ${user} }]
contexts: [{ name: ${context}, context: { cluster: ${context}, user: ${context}-user } }]
`
}

test('in a pod the service account is used, and never http', async () => {
  const access = await load({ serviceHost: '10.0.0.1', servicePort: '8080', serviceAccountFolder: '/sa' })
  assert.ok(typeof access === 'object')
  assert.equal(access.server, 'https://10.0.0.1:8080')
  assert.deepEqual(access.token, { kind: 'file', path: '/sa/token' })
  assert.deepEqual(access.ca, { kind: 'file', path: '/sa/ca.crt' })
  const six = await load({ serviceHost: 'fd00::1', servicePort: '443' })
  assert.equal(typeof six === 'object' && six.server, 'https://[fd00::1]:443')
})

test('outside of a pod and without a kubeconfig one sentence says what is missing', async () => {
  const reason = await reasonOf({})
  assert.match(reason, /KUBERNETES_SERVICE_HOST/)
  assert.equal(await load({ serviceHost: '10.0.0.1' }), reason)
})

test('paths in a kubeconfig are relative to it, tokenFile included', async (t) => {
  const path = await write(t, 'config', config('{ tokenFile: token, token: ignored }'))
  const access = await load({ kubeconfig: path })
  assert.ok(typeof access === 'object')
  assert.equal(access.server, 'https://api.example:6443')
  assert.deepEqual(access.ca, { kind: 'file', path: path.replace(/config$/, 'ca.pem') })
  assert.deepEqual(access.token, { kind: 'file', path: path.replace(/config$/, 'token') })
})

test('a fixed token, a client certificate and impersonation are taken', async (t) => {
  const access = await load({
    kubeconfig: await write(
      t,
      'config',
      config('{ token: s3cret, client-certificate-data: QQ==, client-key-data: Qg==, as: jane }'),
    ),
  })
  assert.ok(typeof access === 'object')
  assert.equal(access.token.kind === 'fixed' && access.token.token.reveal(), 's3cret')
  assert.equal(
    access.clientCertificate?.kind === 'bytes' && access.clientCertificate.bytes.reveal().toString(),
    'A',
  )
  assert.equal(access.impersonate, 'jane')
  assert.ok(!JSON.stringify(access).includes('s3cret'))
})

test('several files are merged, and a context can be named', async (t) => {
  const first = await write(t, 'one', config('{ token: a }'))
  const second = await write(t, 'two', config('{ token: b }', 'http://127.0.0.1:1', 'other'))
  const kubeconfig = [first, second].join(delimiter)
  const main = await load({ kubeconfig })
  assert.equal(typeof main === 'object' && main.server, 'https://api.example:6443')
  const other = await load({ kubeconfig, context: 'other' })
  assert.equal(typeof other === 'object' && other.server, 'http://127.0.0.1:1')
  const reason = await reasonOf({ kubeconfig, context: 'none' })
  assert.ok(reason.includes(`${first} and ${second} has no context none`), reason)
  const bare = await write(t, 'bare', config('{ token: a }').replace(/^current-context.*$/m, ''))
  assert.match(await reasonOf({ kubeconfig: bare }), /bare has no current context/)
})

test('a credential plugin is run, and run anew when asked for a fresh credential', async (t) => {
  const script = `console.log(JSON.stringify({status:{token:'t'+process.pid}}))`
  const user = JSON.stringify({
    exec: { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: ['-e', script] },
  })
  const access = await load({
    kubeconfig: await write(t, 'config', config(user).replace(', certificate-authority: ca.pem', '')),
  })
  assert.ok(typeof access === 'object' && access.token.kind === 'plugin')
  const { plugin } = access.token
  const tokens = [await plugin(false), await plugin(false), await plugin(true)].map((one) =>
    one?.token?.reveal(),
  )
  assert.match(tokens[0] ?? '', /^t[0-9]+$/)
  assert.equal(tokens[1], tokens[0])
  assert.notEqual(tokens[2], tokens[0])
})

test('a file that is no kubeconfig is told without quoting it', async (t) => {
  for (const text of ['M4rk3r: [', 'clusters: [{ name: M4rk3r }]']) {
    const path = await write(t, 'config', text)
    assert.equal(await load({ kubeconfig: path }), `kubeconfig ${path} cannot be read or is not a kubeconfig`)
  }
  const odd = await write(t, 'config', config('{}', 'ftp://x'))
  assert.match(await reasonOf({ kubeconfig: odd }), /no http or https URL/)
})
