/** The listener and the probes: three pages with short answers, nothing else, and an API server that is away fails no liveness. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { after, test } from 'node:test'
import type { TestContext } from 'node:test'

import type { LoopHealth } from '../../src/kube/health.ts'
import { listen } from '../../src/ops/http.ts'
import type { HttpOptions } from '../../src/ops/http.ts'
import {
  ATTEMPT_AGE_MS_MAX,
  HEARTBEAT_AGE_MS_MAX,
  HEARTBEAT_MS,
  Heartbeat,
  checkLive,
  checkReady,
  livelinessOf,
} from '../../src/ops/probes.ts'
import { FakeClock } from '../kube/fake-clock.ts'

const PASSED = { name: 'x', passed: true, result: 'fine' }

async function serve(t: TestContext, more: Partial<HttpOptions> = {}): Promise<number> {
  const served = await listen({
    host: '127.0.0.1',
    port: 0,
    live: () => [PASSED],
    ready: () => [PASSED],
    metrics: { contentType: 'text/plain; version=0.0.4', text: () => Promise.resolve('heliograph_x 1\n') },
    crashed: () => undefined,
    ...more,
  })
  assert.ok(served.ok)
  t.after(() => served.value.close())
  return served.value.port
}

interface Got {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Keeps connections open, so that who ends one is seen. */
const agent = new Agent({ keepAlive: true })
after(() => agent.destroy())

async function get(port: number, path: string, method = 'GET', body = ''): Promise<Got> {
  const sent = request({ host: '127.0.0.1', port, path, method, agent })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() }
}

test('the three pages answer, with a query too, and HEAD has no body', async (t) => {
  const port = await serve(t)
  for (const path of ['/livez', '/readyz', '/livez?verbose']) {
    const { status, body } = await get(port, path)
    assert.deepEqual([status, body], [200, 'ok: x: fine.\n'])
  }
  const metrics = await get(port, '/metrics')
  assert.deepEqual(
    [metrics.status, metrics.headers['content-type'], metrics.body],
    [200, 'text/plain; version=0.0.4', 'heliograph_x 1\n'],
  )
  const head = await get(port, '/metrics', 'HEAD')
  assert.deepEqual([head.status, head.body, head.headers['content-length']], [200, '', '15'])
})

test('a failed check answers 503 and says which', async (t) => {
  const port = await serve(t, {
    ready: () => [PASSED, { name: 'caches', passed: false, result: 'not complete' }],
  })
  const { status, body } = await get(port, '/readyz')
  assert.deepEqual([status, body], [503, 'ok: x: fine.\nfailed: caches: not complete.\n'])
})

test('other paths are 404, other methods 405, whatever they carry', async (t) => {
  const port = await serve(t)
  assert.equal((await get(port, '/')).status, 404)
  assert.equal((await get(port, '/livez/x')).status, 404)
  const posted = await get(port, '/metrics', 'POST', 'x'.repeat(100_000))
  assert.deepEqual(
    [posted.status, posted.headers['allow'], posted.headers.connection],
    [405, 'GET, HEAD', 'close'],
  )
})

test('a page that throws answers 500 without the error’s words, and the bug is told', async (t) => {
  const bugs: unknown[] = []
  const port = await serve(t, {
    live: () => {
      throw new Error('hunter2')
    },
    crashed: (error) => bugs.push(error),
  })
  const { status, body } = await get(port, '/livez')
  assert.equal(status, 500)
  assert.ok(!body.includes('hunter2'))
  assert.equal(bugs.length, 1)
})

test('oversized headers and words that are no HTTP are answered with an error, and the next request is served', async (t) => {
  const port = await serve(t)
  for (const bytes of [
    'nonsense\r\n\r\n',
    `GET /livez HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(10_000)}\r\n\r\n`,
  ]) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.end(bytes)
    const [first] = (await once(socket, 'data')) as [Buffer]
    assert.match(first.toString(), /^HTTP\/1\.1 4\d\d /)
    socket.destroy()
  }
  assert.equal((await get(port, '/livez')).status, 200)
})

test('an address that is taken is a value, not a crash', async (t) => {
  const port = await serve(t)
  const second = await listen({
    host: '127.0.0.1',
    port,
    live: () => [],
    ready: () => [],
    metrics: { contentType: '', text: () => Promise.resolve('') },
    crashed: () => undefined,
  })
  assert.deepEqual(second, { ok: false, failure: { code: 'EADDRINUSE' } })
})

function loop(attemptAgeMs: number, heardAgeMs: number | null): LoopHealth {
  return { resource: 'secrets', isSynced: false, attemptAgeMs, heardAgeMs }
}

test('an API server that was not heard for a day fails no liveness while attempts go on', () => {
  const heartbeat = new Heartbeat(new FakeClock())
  const away = livelinessOf(() => [loop(1_000, 86_400_000), loop(1_000, null)])
  assert.ok(checkLive(heartbeat, away).every((check) => check.passed))
  const stuck = livelinessOf(() => [loop(ATTEMPT_AGE_MS_MAX + 1, 1)])
  assert.deepEqual(
    checkLive(heartbeat, stuck).map((check) => check.passed),
    [true, false],
  )
})

test('an event loop whose timers do not turn fails liveness, and passes again when they do', async () => {
  const clock = new FakeClock()
  const heartbeat = new Heartbeat(clock)
  const loops = livelinessOf(() => [])
  const passes = (): boolean => checkLive(heartbeat, loops).every((check) => check.passed)
  await clock.advance(HEARTBEAT_AGE_MS_MAX + 1)
  assert.equal(passes(), false)
  const end = new AbortController()
  const running = heartbeat.run(end.signal)
  await clock.advance(HEARTBEAT_MS)
  assert.equal(passes(), true)
  await clock.advance(600_000)
  assert.equal(passes(), true)
  end.abort()
  await running
})

test('ready is a whole snapshot, and nothing else', () => {
  assert.equal(checkReady({ isSynced: () => true })[0]?.passed, true)
  assert.equal(checkReady({ isSynced: () => false })[0]?.passed, false)
})
