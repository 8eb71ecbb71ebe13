/** A cluster's connection: credentials that rotate, two shared dispatchers, deadlines and bounds. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { createSecureServer } from 'node:http2'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { makeAuthority } from '../../e2e/control-plane/certificates.ts'
import type { CertificateAuthority } from '../../e2e/control-plane/certificates.ts'
import { CALL_TIMEOUT_MS, connect } from '../../src/kube/connection.ts'
import type { CallRequest, Cluster, RequestObserver } from '../../src/kube/connection.ts'
import { CREDENTIAL_CHECK_MS } from '../../src/kube/credentials.ts'
import { Sensitive } from '../../src/std/sensitive.ts'
import { FakeClock } from './fake-clock.ts'
import { UNOBSERVED, open, plainAccess } from './rig.ts'
import { ScriptedServer, status } from './scripted-server.ts'

const GET: CallRequest = {
  asked: { verb: 'get', resource: 'secrets', namespace: 'a', name: 'b' },
  method: 'GET',
  path: '/api/v1/namespaces/a/secrets/b',
  accept: 'application/json',
}
const SIGNAL = new AbortController().signal

async function call(cluster: Cluster, request: CallRequest = GET): Promise<string> {
  const answer = await cluster.call(request, { signal: SIGNAL })
  return answer.ok ? answer.value.reveal().toString() : JSON.stringify(answer.failure.failure)
}

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'heliograph-kube-'))
  t.after(() => rm(path, { recursive: true }))
  return path
}

async function withTokenFile(
  t: TestContext,
): Promise<{ path: string; clock: FakeClock; server: ScriptedServer; cluster: Cluster }> {
  const path = join(await folder(t), 'token')
  await writeFile(path, 'first\n')
  const clock = new FakeClock()
  const server = await ScriptedServer.start(t)
  const cluster = await open(t, plainAccess(server.url, { token: { kind: 'file', path } }), clock)
  return { path, clock, server, cluster }
}

test('a token file is sent trimmed, and read again while the program runs', async (t) => {
  const { path, clock, server, cluster } = await withTokenFile(t)
  const first = call(cluster)
  const asked = await server.next()
  assert.equal(asked.headers.authorization, 'Bearer first')
  asked.json(200, {})
  await first
  await writeFile(path, 'second\n')
  await clock.advance(CREDENTIAL_CHECK_MS)
  const second = call(cluster)
  const later = await server.next()
  assert.equal(later.headers.authorization, 'Bearer second')
  later.json(200, {})
  await second
})

test('the last good token is kept while the file is empty or away', async (t) => {
  const { path, clock, server, cluster } = await withTokenFile(t)
  for (const spoil of [() => writeFile(path, ''), () => rm(path)]) {
    await spoil()
    await clock.advance(CREDENTIAL_CHECK_MS)
    const answer = call(cluster)
    const asked = await server.next()
    assert.equal(asked.headers.authorization, 'Bearer first')
    asked.json(200, {})
    await answer
  }
})

test('a 401 reads the token at once and tries once more with the same body in pieces', async (t) => {
  const { path, server, cluster } = await withTokenFile(t)
  const pieces = [Buffer.from('{"a":'), Buffer.alloc(100_000, 0x31), Buffer.from('}')]
  const request: CallRequest = {
    ...GET,
    method: 'POST',
    body: new Sensitive(pieces),
    contentType: 'application/json',
  }
  const answer = call(cluster, request)
  const refused = await server.next()
  await writeFile(path, 'second')
  refused.json(401, status(401, 'Unauthorized'))
  const retried = await server.next()
  assert.equal(retried.headers.authorization, 'Bearer second')
  for (const asked of [refused, retried]) {
    assert.equal(asked.headers['content-length'], '100006')
    assert.equal(asked.headers['transfer-encoding'], undefined)
    assert.ok(asked.body.equals(Buffer.concat(pieces)))
  }
  retried.json(200, { done: true })
  assert.equal(await answer, '{"done":true}')
})

test('a second 401, or one with an unchanged token, is unauthorized', async (t) => {
  const { path, server, cluster } = await withTokenFile(t)
  const unchanged = call(cluster)
  ;(await server.next()).json(401, status(401, 'Unauthorized'))
  assert.equal(await unchanged, '{"kind":"unauthorized"}')
  const changed = call(cluster)
  const asked = await server.next()
  await writeFile(path, 'second')
  asked.json(401, status(401, 'Unauthorized'))
  ;(await server.next()).json(401, status(401, 'Unauthorized'))
  assert.equal(await changed, '{"kind":"unauthorized"}')
  assert.equal(server.count, 3)
})

test('a watch that is refused with 401 is tried again with the new token', async (t) => {
  const { path, server, cluster } = await withTokenFile(t)
  const heard: string[] = []
  const receiver = {
    opened: () => void heard.push('opened'),
    chunk: (bytes: Buffer) => heard.push(bytes.toString()) > 0,
  }
  const watch = { ...GET, asked: { ...GET.asked, verb: 'watch' as const } }
  const end = cluster.stream(watch, receiver, SIGNAL)
  const refused = await server.next()
  await writeFile(path, 'second')
  refused.json(401, status(401, 'Unauthorized'))
  const retried = await server.next()
  assert.equal(retried.headers.authorization, 'Bearer second')
  const stream = retried.watch()
  stream.raw('x')
  stream.end()
  assert.deepEqual(await end, { kind: 'ended' })
  assert.deepEqual(heard, ['opened', 'x'])
})

test('a call without an answer ends at its deadline, and is not waited for', async (t) => {
  const clock = new FakeClock()
  const server = await ScriptedServer.start(t)
  const cluster = await open(t, plainAccess(server.url), clock)
  const hung = call(cluster)
  const asked = await server.next()
  await clock.advance(CALL_TIMEOUT_MS)
  assert.equal(await hung, '{"kind":"unanswered","why":"timeout"}')
  await asked.closed
})

test('a call ends when its signal fires, before and during', async (t) => {
  const server = await ScriptedServer.start(t)
  const cluster = await open(t, plainAccess(server.url), new FakeClock())
  const ending = new AbortController()
  const during = cluster.call(GET, { signal: ending.signal })
  const asked = await server.next()
  ending.abort()
  const cancelled = { kind: 'unanswered', why: 'cancelled' }
  const ended = await during
  assert.deepEqual(!ended.ok && ended.failure.failure, cancelled)
  await asked.closed
  const before = await cluster.call(GET, { signal: ending.signal })
  assert.deepEqual(!before.ok && before.failure.failure, cancelled)
  assert.equal(server.count, 1)
})

test('an answer beyond its bound is malformed, and its connection is not waited for', async (t) => {
  const server = await ScriptedServer.start(t)
  const cluster = await open(t, plainAccess(server.url), new FakeClock())
  const answer = call(cluster, { ...GET, answerBytesMax: 10 })
  ;(await server.next()).text(200, 'x'.repeat(100_000))
  assert.equal(await answer, '{"kind":"malformed"}')
})

test('a connection that is refused, cut or closed says so', async (t) => {
  const server = await ScriptedServer.start(t)
  const cluster = await open(t, plainAccess(server.url), new FakeClock())
  const cut = call(cluster)
  ;(await server.next()).cut()
  assert.equal(await cut, '{"kind":"unanswered","why":"reset"}')
  const running = call(cluster)
  await server.next()
  await cluster.close()
  assert.equal(await running, '{"kind":"unanswered","why":"cancelled"}')
  assert.equal(await call(cluster), '{"kind":"unanswered","why":"cancelled"}')
  const away = createHttpServer().listen(0, '127.0.0.1')
  await once(away, 'listening')
  const { port } = away.address() as AddressInfo
  away.close()
  await once(away, 'close')
  const nobody = await open(t, plainAccess(`http://127.0.0.1:${port}`), new FakeClock())
  assert.equal(await call(nobody), '{"kind":"unanswered","why":"refused"}')
})

test('an informational answer is not taken for the answer', async (t) => {
  const http = createHttpServer()
  http.prependListener('request', (_request, response) =>
    response.writeEarlyHints({ link: '</x>; rel=preload' }),
  )
  const server = await ScriptedServer.start(t, http)
  const codes: unknown[] = []
  const observer: RequestObserver = { answered: (_verb, _resource, code) => void codes.push(code) }
  const cluster = await open(t, plainAccess(server.url), new FakeClock(), observer)
  const watch = { ...GET, asked: { ...GET.asked, verb: 'watch' as const } }
  const end = cluster.stream(watch, { opened: () => undefined, chunk: () => true }, SIGNAL)
  ;(await server.next()).watch().end()
  assert.deepEqual(await end, { kind: 'ended' })
  assert.deepEqual(codes, [200])
})

test('every request is counted once, with its code', async (t) => {
  const told: string[] = []
  const observer: RequestObserver = {
    answered: (verb, resource, code) => void told.push(`${verb} ${resource} ${code}`),
  }
  const server = await ScriptedServer.start(t)
  const cluster = await open(t, plainAccess(server.url), new FakeClock(), observer)
  for (const act of [
    async () => (await server.next()).json(200, {}),
    async () => (await server.next()).json(404, status(404, 'NotFound')),
    async () => (await server.next()).cut(),
  ]) {
    const answer = call(cluster)
    await act()
    await answer
  }
  assert.deepEqual(told, ['get secrets 200', 'get secrets 404', 'get secrets unanswered'])
})

test('calls in turn share connections, refused ones included', async (t) => {
  const http = createHttpServer()
  const sockets = new Set<Socket>()
  http.on('connection', (socket: Socket) => sockets.add(socket))
  const server = await ScriptedServer.start(t, http)
  const cluster = await open(t, plainAccess(server.url), new FakeClock())
  for (let round = 0; round < 10; round += 1) {
    const answer = call(cluster)
    ;(await server.next()).json(round % 2 === 0 ? 200 : 409, { padding: 'x'.repeat(1000) })
    await answer
  }
  // The second is opened when a call comes before the first connection knows that it is free.
  assert.ok(sockets.size <= 2)
})

function tlsOf(authority: CertificateAuthority): { cert: string; key: string } {
  const pair = authority.issue({ commonName: 'localhost', altNames: ['127.0.0.1', 'localhost'] })
  return { cert: pair.certificatePem, key: pair.keyPem }
}

test('a server that the CA does not vouch for is refused; a CA file that changes is taken up', async (t) => {
  const [ours, theirs] = [makeAuthority('ours'), makeAuthority('theirs')]
  const path = join(await folder(t), 'ca.crt')
  await writeFile(path, ours.certificatePem)
  const clock = new FakeClock()
  const server = await ScriptedServer.start(t, createServer(tlsOf(theirs)) as never)
  const access = plainAccess(`https://127.0.0.1:${server.port}`, { ca: { kind: 'file', path } })
  const cluster = await open(t, access, clock)
  assert.equal(await call(cluster), '{"kind":"unanswered","why":"tls"}')
  await writeFile(path, 'no certificate at all')
  await clock.advance(CREDENTIAL_CHECK_MS)
  assert.equal(await call(cluster), '{"kind":"unanswered","why":"tls"}')
  await writeFile(path, theirs.certificatePem)
  await clock.advance(CREDENTIAL_CHECK_MS)
  const answer = call(cluster)
  ;(await server.next()).json(200, {})
  assert.equal(await answer, '{}')
})

test('watches speak HTTP/2 and calls HTTP/1.1, and a client certificate is shown', async (t) => {
  const authority = makeAuthority('ours')
  const client = authority.issue({ commonName: 'tester' })
  const seen: string[] = []
  const http = createSecureServer({
    ...tlsOf(authority),
    allowHTTP1: true,
    requestCert: true,
    rejectUnauthorized: false,
  })
  const shown: unknown[] = []
  http.on('secureConnection', (socket) => shown.push(socket.getPeerCertificate().subject?.CN))
  const sessions = new Set<{ destroy(): void }>()
  http.on('session', (session) => sessions.add(session))
  http.on('request', (request, response) => {
    seen.push(request.httpVersion)
    response.end('{}')
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const bytes = (pem: string): { kind: 'bytes'; bytes: Sensitive<Buffer> } => ({
    kind: 'bytes',
    bytes: new Sensitive(Buffer.from(pem)),
  })
  const access = plainAccess(`https://127.0.0.1:${(http.address() as AddressInfo).port}`, {
    ca: bytes(authority.certificatePem),
    clientCertificate: bytes(client.certificatePem),
    clientKey: bytes(client.keyPem),
  })
  const cluster = await open(t, access, new FakeClock())
  t.after(() => {
    for (const session of sessions) session.destroy()
    http.close()
  })
  assert.equal(await call(cluster), '{}')
  await cluster.stream(
    { ...GET, asked: { ...GET.asked, verb: 'watch' } },
    { opened: () => undefined, chunk: () => true },
    SIGNAL,
  )
  assert.deepEqual(seen, ['1.1', '2.0'])
  assert.deepEqual(shown, ['tester', 'tester'])
})

test('credentials that cannot be used are told in a sentence without their bytes', async (t) => {
  const path = join(await folder(t), 'absent')
  const reasonOf = async (more: Parameters<typeof plainAccess>[1]): Promise<string> => {
    const access = plainAccess('https://127.0.0.1:1', more)
    const opened = await connect({ access, version: '0', clock: new FakeClock(), observer: UNOBSERVED })
    return opened.ok ? 'opened' : opened.failure.reason
  }
  assert.equal(await reasonOf({ token: { kind: 'file', path } }), `${path} cannot be read`)
  assert.match(
    await reasonOf({ ca: { kind: 'bytes', bytes: new Sensitive(Buffer.from('M4rk3r')) } }),
    /do not parse/,
  )
  assert.match(await reasonOf({ proxyUrl: 'socks5://x' }), /proxy-url/)
  assert.equal(
    await reasonOf({ token: { kind: 'plugin', plugin: () => Promise.resolve(null) } }),
    'the credential plugin failed',
  )
})

test('a credential plugin is asked afresh after a 401', async (t) => {
  const asked: boolean[] = []
  const plugin = (fresh: boolean): Promise<{ token: Sensitive<string>; certificate: null; key: null }> => {
    asked.push(fresh)
    return Promise.resolve({ token: new Sensitive(fresh ? 'new' : 'old'), certificate: null, key: null })
  }
  const server = await ScriptedServer.start(t)
  const cluster = await open(
    t,
    plainAccess(server.url, { token: { kind: 'plugin', plugin } }),
    new FakeClock(),
  )
  const answer = call(cluster)
  ;(await server.next()).json(401, status(401, 'Unauthorized'))
  const retried = await server.next()
  assert.equal(retried.headers.authorization, 'Bearer new')
  retried.json(200, {})
  await answer
  assert.deepEqual(asked, [false, true])
})
