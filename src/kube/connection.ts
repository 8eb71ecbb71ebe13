/**
 * One cluster over HTTP: two shared dispatchers (watches, calls), current credentials, deadlines, and answers as values.
 * Watches go over HTTP/2, whose PINGs find a dead peer; calls over HTTP/1.1 keep-alive, which measured faster for writes.
 */

import { Agent, ProxyAgent } from 'undici'
import type { Dispatcher } from 'undici'
import type { Failure } from '../core/failure.ts'
import type { Clock } from '../std/clock.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import { Sensitive } from '../std/sensitive.ts'
import { isSameServer } from './access.ts'
import type { Access, AccessFlaw } from './access.ts'
import type { Body, CallOptions } from './api.ts'
import { Credentials } from './credentials.ts'
import type { Credential, TlsMaterial } from './credentials.ts'
import { exchange } from './exchange.ts'
import type { CancelReason, ExchangeEnd, Headers, Receiver } from './exchange.ts'
import { failureOf, parseRetryAfter, parseStatus } from './failure.ts'
import type { Asked, StatusView, Verb } from './failure.ts'

export const CALL_CONNECTIONS_MAX = 64
export const CALL_TIMEOUT_MS = 30_000
/** An answer with a 1 MiB Secret in base64, its metadata and room to spare. */
export const ANSWER_BYTES_MAX = 16 * 1024 * 1024
const CONNECT_TIMEOUT_MS = 10_000
const KEEP_ALIVE_MS = 60_000
const TCP_PROBE_MS = 30_000
const HEADERS_TIMEOUT_MS = 30_000
const PING_INTERVAL_MS = 15_000

/** Counts every request with its answer; implemented by `ops`. `code` is the HTTP code. */
export interface RequestObserver {
  answered(verb: Verb, resource: string, code: number | 'unanswered', seconds: number): void
}

export interface ClusterOptions {
  readonly access: Access
  /** For the User-Agent, `heliograph/<version>`. */
  readonly version: string
  readonly clock: Clock
  readonly observer: RequestObserver
}

export interface CallRequest {
  readonly asked: Asked
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With its query. */
  readonly path: string
  readonly accept: string
  readonly contentType?: string
  readonly body?: Body
  /** {@link ANSWER_BYTES_MAX} when left out. */
  readonly answerBytesMax?: number
}

/** A failure, and what of the Status this room may still look at. */
export interface Refusal {
  readonly failure: Failure
  readonly status: StatusView | null
}

export interface StreamReceiver {
  /** The server accepted the watch. */
  opened(): void
  /** The next bytes; false ends the stream. */
  chunk(bytes: Buffer): boolean
}

export type StreamEnd =
  /** The server ended the stream in good order. */
  | { readonly kind: 'ended' }
  /** The receiver wanted no more. */
  | { readonly kind: 'stopped' }
  /** It broke off, or was never accepted. */
  | ({ readonly kind: 'failed' } & Refusal)

/** What a server's clock said, and when it said so. */
export interface ServerTime {
  /** Of its `Date` header, in whole seconds: milliseconds since the epoch. */
  readonly wallMs: number
  /** On the monotonic clock of this process. */
  readonly seenAtMs: number
}

export interface Cluster {
  /** `https://host:port`. */
  readonly server: string
  /** The clock of the server (or of a proxy that answered for it) as its last answer had it; null: none told it yet. */
  readonly serverTimeMs: ServerTime | null
  /** One request; its answer's bytes (2xx) or why not. A 401 is tried once more with a credential read anew. */
  call(request: CallRequest, options: CallOptions): Promise<Result<Sensitive<Buffer>, Refusal>>
  /** One watch; lasts until either side ends it or `signal` fires. */
  stream(request: CallRequest, receiver: StreamReceiver, signal: AbortSignal): Promise<StreamEnd>
  /**
   * Takes up other credentials for the same server: running watches go on, new requests use what is new, and a request that the
   * server refuses meanwhile is tried once more with it. `another-server`: server, CA, name or proxy differ, and nothing was changed,
   * nor is it by a flaw.
   */
  renew(access: Access): Promise<Result<'renewed' | 'another-server', AccessFlaw>>
  /** Ends every request and connection. */
  close(): Promise<void>
}

/** Opens a cluster: reads its credentials (a flaw says what cannot be used), connects with the first request. */
export async function connect(options: ClusterOptions): Promise<Result<Cluster, AccessFlaw>> {
  const { proxyUrl } = options.access
  if (proxyUrl !== null && !/^https?:\/\//.test(proxyUrl))
    return failed({ reason: 'proxy-url is no http or https URL' })
  const credentials = await Credentials.open(options.access, options.clock)
  return credentials.ok ? ok(new HttpCluster(options, credentials.value)) : credentials
}

interface Dispatchers {
  readonly tls: Sensitive<TlsMaterial>
  readonly watches: Dispatcher
  readonly calls: Dispatcher
}

class HttpCluster implements Cluster {
  readonly server: string
  readonly #options: ClusterOptions
  readonly #credentials: Credentials
  /** Dispatchers with old TLS material, until their last request is over. */
  readonly #retiring = new Set<Dispatchers>()
  #access: Access
  #dispatchers: Dispatchers | null = null
  #serverTime: ServerTime | null = null
  #closed = false

  constructor(options: ClusterOptions, credentials: Credentials) {
    this.#options = options
    this.#credentials = credentials
    this.#access = options.access
    this.server = options.access.server
  }

  get serverTimeMs(): ServerTime | null {
    return this.#serverTime
  }

  async call(request: CallRequest, options: CallOptions): Promise<Result<Sensitive<Buffer>, Refusal>> {
    const { clock } = this.#options
    const cancel = new AbortController()
    const done = new AbortController()
    const onAbort = (): void => cancel.abort('cancelled' satisfies CancelReason)
    if (options.signal.aborted) onAbort()
    options.signal.addEventListener('abort', onAbort, { once: true })
    const deadline = clock
      .sleep(options.timeoutMs ?? CALL_TIMEOUT_MS, done.signal)
      .then(() => cancel.abort('timeout' satisfies CancelReason))
    const answer = new Collector(request.answerBytesMax ?? ANSWER_BYTES_MAX)
    try {
      const end = await this.#send('calls', request, answer, cancel.signal)
      return answered(end, answer, request.asked)
    } finally {
      options.signal.removeEventListener('abort', onAbort)
      done.abort()
      await deadline
    }
  }

  async stream(request: CallRequest, receiver: StreamReceiver, signal: AbortSignal): Promise<StreamEnd> {
    const refusal = new Collector(ANSWER_BYTES_MAX)
    const gate: Attempt = {
      code: 0,
      restart: () => refusal.restart(),
      head: (code, headers) => {
        gate.code = code
        refusal.head(code, headers)
        if (isGood(code)) receiver.opened()
      },
      data: (chunk) => (isGood(gate.code) ? receiver.chunk(chunk) : refusal.data(chunk)),
    }
    const end = await this.#send('watches', request, gate, signal)
    if (isGood(gate.code)) {
      if (end.kind === 'broken')
        return { kind: 'failed', failure: { kind: 'unanswered', why: end.why }, status: null }
      return { kind: end.kind === 'complete' ? 'ended' : 'stopped' }
    }
    const told = answered(end, refusal, request.asked)
    return { kind: 'failed', ...(told.ok ? { failure: { kind: 'malformed' }, status: null } : told.failure) }
  }

  async renew(access: Access): Promise<Result<'renewed' | 'another-server', AccessFlaw>> {
    if (!isSameServer(this.#access, access)) return ok('another-server')
    const taken = await this.#credentials.take(access)
    if (!taken.ok) return taken
    this.#access = access
    return ok('renewed')
  }

  async close(): Promise<void> {
    this.#closed = true
    const all = [...this.#retiring, ...(this.#dispatchers === null ? [] : [this.#dispatchers])]
    this.#dispatchers = null
    await Promise.all(all.flatMap(({ watches, calls }) => [watches.destroy(), calls.destroy()]))
  }

  async #send(
    pool: Pool,
    request: CallRequest,
    receiver: Attempt,
    cancel: AbortSignal,
  ): Promise<ExchangeEnd> {
    const credential = await this.#credentials.current()
    const sending = { pool, request, receiver, cancel }
    const end = await this.#attempt(sending, credential)
    if (receiver.code !== 401 || !(await this.#credentials.renew(credential))) return end
    receiver.restart()
    return await this.#attempt(sending, await this.#credentials.current())
  }

  async #attempt(sending: Sending, credential: Credential): Promise<ExchangeEnd> {
    const { pool, request, receiver, cancel } = sending
    if (this.#closed) return { kind: 'broken', why: 'cancelled' }
    const { clock, observer } = this.#options
    const { verb, resource } = request.asked
    const start = clock.now()
    let told = false
    const tell = (code: number | 'unanswered'): void => {
      if (!told) observer.answered(verb, resource, code, (clock.now() - start) / 1000)
      told = true
    }
    const observed: Receiver = {
      head: (code, headers) => {
        // A watch is answered when it is accepted; a call when its last byte is here.
        if (pool === 'watches') tell(code)
        this.#noteTime(headers)
        receiver.head(code, headers)
      },
      data: (chunk) => receiver.data(chunk),
    }
    const options = this.#dispatchOptions(request, credential)
    const end = await exchange(this.#current(credential)[pool], options, observed, cancel)
    tell(end.kind === 'broken' ? 'unanswered' : receiver.code)
    return end
  }

  #dispatchOptions(request: CallRequest, credential: Credential): Dispatcher.DispatchOptions {
    const access = this.#access
    const { version } = this.#options
    const pieces = request.body?.reveal() ?? null
    const headers: Record<string, string> = { accept: request.accept, 'user-agent': `heliograph/${version}` }
    if (credential.token !== null) headers['authorization'] = `Bearer ${credential.token.reveal()}`
    if (access.impersonate !== null) headers['impersonate-user'] = access.impersonate
    if (request.contentType !== undefined) headers['content-type'] = request.contentType
    if (pieces !== null)
      headers['content-length'] = String(pieces.reduce((sum, piece) => sum + piece.length, 0))
    return {
      origin: access.server,
      path: request.path,
      method: request.method,
      headers,
      // undici sends any iterable piece by piece; its types name only the streams.
      body: (pieces as unknown as Dispatcher.DispatchOptions['body']) ?? null,
    }
  }

  #noteTime(headers: Headers): void {
    const { date } = headers
    const wallMs = typeof date === 'string' ? Date.parse(date) : Number.NaN
    if (Number.isFinite(wallMs)) this.#serverTime = { wallMs, seenAtMs: this.#options.clock.now() }
  }

  /** The dispatchers for this TLS material. Those of older material end when their requests are over. */
  #current(credential: Credential): Dispatchers {
    const old = this.#dispatchers
    if (old !== null && old.tls === credential.tls) return old
    const next = openDispatchers(this.#access, credential.tls)
    this.#dispatchers = next
    if (old !== null) this.#retire(old)
    return next
  }

  #retire(old: Dispatchers): void {
    this.#retiring.add(old)
    const gone = (): boolean => this.#retiring.delete(old)
    void Promise.all([old.watches.close(), old.calls.close()]).then(gone, gone)
  }
}

type Pool = 'watches' | 'calls'

interface Sending {
  readonly pool: Pool
  readonly request: CallRequest
  readonly receiver: Attempt
  readonly cancel: AbortSignal
}

/** A receiver that can be used for a second attempt. */
interface Attempt extends Receiver {
  code: number
  restart(): void
}

/** Gathers an answer up to a bound. */
class Collector implements Attempt {
  readonly #bytesMax: number
  #chunks: Buffer[] = []
  #length = 0
  code = 0
  retryAfterMs: number | null = null

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  restart(): void {
    this.code = 0
    this.retryAfterMs = null
    this.#chunks = []
    this.#length = 0
  }

  head(code: number, headers: Headers): void {
    this.code = code
    this.retryAfterMs = parseRetryAfter(headers['retry-after'])
  }

  data(chunk: Buffer): boolean {
    this.#length += chunk.length
    if (this.#length > this.#bytesMax) return false
    this.#chunks.push(chunk)
    return true
  }

  body(): Buffer {
    const [only] = this.#chunks
    return this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks)
  }
}

function answered(end: ExchangeEnd, answer: Collector, asked: Asked): Result<Sensitive<Buffer>, Refusal> {
  if (end.kind === 'broken') return failed({ failure: { kind: 'unanswered', why: end.why }, status: null })
  if (isGood(answer.code)) {
    if (end.kind === 'stopped') return failed({ failure: { kind: 'malformed' }, status: null })
    return ok(new Sensitive(answer.body()))
  }
  const status = end.kind === 'stopped' ? null : parseStatus(answer.body())
  return failed({ failure: failureOf(answer.code, status, answer.retryAfterMs, asked), status })
}

function isGood(code: number): boolean {
  return code >= 200 && code < 300
}

function openDispatchers(access: Access, material: Sensitive<TlsMaterial>): Dispatchers {
  const { ca, certificate, key } = material.reveal()
  const tls = {
    ...(ca === null ? {} : { ca }),
    ...(certificate === null ? {} : { cert: certificate }),
    ...(key === null ? {} : { key }),
    ...(access.tlsServerName === null ? {} : { servername: access.tlsServerName }),
    rejectUnauthorized: access.verified,
    timeout: CONNECT_TIMEOUT_MS,
    keepAliveInitialDelay: TCP_PROBE_MS,
  }
  const open = (options: Agent.Options, preferH2: boolean): Dispatcher =>
    access.proxyUrl === null
      ? new Agent({ ...options, connect: { ...tls, preferH2 } })
      : new ProxyAgent({ ...options, uri: access.proxyUrl, requestTls: tls })
  const shared = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
  }
  return {
    tls: material,
    watches: open(
      { ...shared, allowH2: true, bodyTimeout: 0, h2Options: { pingInterval: PING_INTERVAL_MS } },
      true,
    ),
    calls: open(
      {
        ...shared,
        allowH2: false,
        bodyTimeout: CALL_TIMEOUT_MS,
        connections: CALL_CONNECTIONS_MAX,
        pipelining: 1,
      },
      false,
    ),
  }
}
