/** Credentials that are renewed under a running cluster: watches go on, requests use what is new, another server is another cluster. */

import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'

import { makeAuthority } from '../../e2e/control-plane/certificates.ts'
import type { CertificateAuthority } from '../../e2e/control-plane/certificates.ts'
import type { Access, Material, TokenForm } from '../../src/kube/access.ts'
import type { CallRequest, Cluster } from '../../src/kube/connection.ts'
import { CREDENTIAL_CHECK_MS } from '../../src/kube/credentials.ts'
import { Sensitive } from '../../src/std/sensitive.ts'
import { FakeClock } from './fake-clock.ts'
import { open, plainAccess } from './rig.ts'
import { ScriptedServer, status } from './scripted-server.ts'
import type { Asked } from './scripted-server.ts'

const GET: CallRequest = {
  asked: { verb: 'get', resource: 'secrets', namespace: 'a', name: 'b' },
  method: 'GET',
  path: '/api/v1/namespaces/a/secrets/b',
  accept: 'application/json',
}
const WATCH: CallRequest = { ...GET, asked: { ...GET.asked, verb: 'watch' } }
const SIGNAL = new AbortController().signal
const RENEWED = { ok: true, value: 'renewed' }
const ANOTHER = { ok: true, value: 'another-server' }

function token(text: string): TokenForm {
  return { kind: 'fixed', token: new Sensitive(text) }
}

function bytes(pem: string): Material {
  return { kind: 'bytes', bytes: new Sensitive(Buffer.from(pem)) }
}

/** Makes one call and answers it; the request as it arrived. */
async function called(cluster: Cluster, server: ScriptedServer): Promise<Asked> {
  const answer = cluster.call(GET, { signal: SIGNAL })
  const asked = await server.next()
  asked.json(200, {})
  assert.equal((await answer).ok, true)
  return asked
}

async function withToken(
  t: TestContext,
): Promise<{ server: ScriptedServer; cluster: Cluster; access: Access; clock: FakeClock }> {
  const server = await ScriptedServer.start(t)
  const clock = new FakeClock()
  const access = plainAccess(server.url, { token: token('first') })
  return { server, clock, access, cluster: await open(t, access, clock) }
}

test('a renewed token is sent from the next request on, and stays, while a running watch goes on', async (t) => {
  const { server, cluster, access, clock } = await withToken(t)
  const heard: string[] = []
  const receiver = {
    opened: () => undefined,
    chunk: (chunk: Buffer) => heard.push(chunk.toString()) > 0,
  }
  const end = cluster.stream(WATCH, receiver, SIGNAL)
  const stream = (await server.next()).watch()
  stream.raw('before ')
  assert.deepEqual(await cluster.renew({ ...access, token: token('second') }), RENEWED)
  assert.equal((await called(cluster, server)).headers.authorization, 'Bearer second')
  await clock.advance(CREDENTIAL_CHECK_MS)
  assert.equal((await called(cluster, server)).headers.authorization, 'Bearer second')
  stream.raw('after')
  stream.end()
  assert.deepEqual(await end, { kind: 'ended' })
  assert.equal(heard.join(''), 'before after')
})

test('a request that is refused while the token is renewed is tried once more with the new one', async (t) => {
  const { server, cluster, access } = await withToken(t)
  const answer = cluster.call(GET, { signal: SIGNAL })
  const refused = await server.next()
  assert.equal(refused.headers.authorization, 'Bearer first')
  await cluster.renew({ ...access, token: token('second') })
  refused.json(401, status(401, 'Unauthorized'))
  const retried = await server.next()
  assert.equal(retried.headers.authorization, 'Bearer second')
  retried.json(200, {})
  assert.equal((await answer).ok, true)
})

function tlsServer(authority: CertificateAuthority): ReturnType<typeof createServer> {
  const pair = authority.issue({ commonName: 'localhost', altNames: ['127.0.0.1', 'localhost'] })
  return createServer({
    cert: pair.certificatePem,
    key: pair.keyPem,
    ca: authority.certificatePem,
    requestCert: true,
    rejectUnauthorized: false,
  })
}

test('a renewed client certificate is shown on a new connection, while a watch on the old one goes on', async (t) => {
  const authority = makeAuthority('ours')
  const shown: unknown[] = []
  const http = tlsServer(authority)
  http.on('secureConnection', (socket: TLSSocket) => shown.push(socket.getPeerCertificate().subject.CN))
  const server = await ScriptedServer.start(t, http)
  const accessOf = (name: string): Access => {
    const pair = authority.issue({ commonName: name })
    return plainAccess(`https://127.0.0.1:${server.port}`, {
      ca: bytes(authority.certificatePem),
      clientCertificate: bytes(pair.certificatePem),
      clientKey: bytes(pair.keyPem),
    })
  }
  const cluster = await open(t, accessOf('first'), new FakeClock())
  const end = cluster.stream(WATCH, { opened: () => undefined, chunk: () => true }, SIGNAL)
  const stream = (await server.next()).watch()
  await called(cluster, server)
  assert.deepEqual(await cluster.renew(accessOf('second')), RENEWED)
  await called(cluster, server)
  assert.deepEqual(shown, ['first', 'first', 'second'])
  stream.raw('still here')
  stream.end()
  assert.deepEqual(await end, { kind: 'ended' })
})

test('another server, CA, name, proxy or way to verify is another server, and nothing is changed', async (t) => {
  const { server, cluster, access } = await withToken(t)
  const changed = { ...access, token: token('second') }
  for (const other of [
    { server: 'https://127.0.0.1:1' },
    { ca: bytes(makeAuthority('theirs').certificatePem) },
    { ca: { kind: 'file', path: '/ca.crt' } as const },
    { tlsServerName: 'elsewhere' },
    { proxyUrl: 'http://127.0.0.1:1' },
    { verified: false },
  ]) {
    assert.deepEqual(await cluster.renew({ ...changed, ...other }), ANOTHER)
  }
  assert.equal((await called(cluster, server)).headers.authorization, 'Bearer first')
})

test('the same CA in other bytes objects is the same server', async (t) => {
  const ca = makeAuthority('ours').certificatePem
  const access = plainAccess('https://127.0.0.1:1', { ca: bytes(ca) })
  const cluster = await open(t, access, new FakeClock())
  assert.deepEqual(await cluster.renew({ ...access, ca: bytes(ca), token: token('new') }), RENEWED)
  assert.deepEqual(await cluster.renew({ ...access, ca: bytes(`${ca}\n`) }), ANOTHER)
})

test('credentials that cannot be used are told in a sentence without their bytes, and the last good ones stay', async (t) => {
  const { server, cluster, access } = await withToken(t)
  for (const flawed of [
    { token: token('M4rk3r\r\nx: y') },
    { token: token(' ') },
    { token: token('M4rk3r'.repeat(20_000)) },
    { clientCertificate: bytes('M4rk3r'), clientKey: bytes('M4rk3r') },
  ]) {
    const renewed = await cluster.renew({ ...access, ...flawed })
    assert.ok(!renewed.ok)
    assert.doesNotMatch(renewed.failure.reason, /M4rk3r/)
  }
  assert.equal((await called(cluster, server)).headers.authorization, 'Bearer first')
})

test("the server's clock is told as its last answer had it, refusals and watches included", async (t) => {
  const { server, cluster, clock } = await withToken(t)
  assert.equal(cluster.serverTimeMs, null)
  await clock.advance(500)
  const first = cluster.call(GET, { signal: SIGNAL })
  ;(await server.next()).json(403, status(403, 'Forbidden'), { date: 'Tue, 24 Nov 2026 10:00:07 GMT' })
  await first
  const told = { wallMs: Date.UTC(2026, 10, 24, 10, 0, 7), seenAtMs: 500 }
  assert.deepEqual(cluster.serverTimeMs, told)
  await clock.advance(500)
  const second = cluster.call(GET, { signal: SIGNAL })
  ;(await server.next()).json(200, {}, { date: 'tomorrow' })
  await second
  assert.deepEqual(cluster.serverTimeMs, told)
})
