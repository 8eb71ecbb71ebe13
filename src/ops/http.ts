/** One small listener for probes and metrics: three paths, GET and HEAD only, everything about a connection bounded. */

import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import type { Check } from './probes.ts'

export interface HttpOptions {
  /** Empty: every address of the machine. */
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly live: () => readonly Check[]
  readonly ready: () => readonly Check[]
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
  /** A bug in what is served; the caller logs it. */
  readonly crashed: (error: unknown) => void
}

export interface Listening {
  readonly port: number
  /** Takes no more connections and ends those that are open. */
  close(): Promise<void>
}

/** Why an address cannot be served: the operating system's own code, such as `EADDRINUSE`. */
export interface ListenFailure {
  readonly code: string
}

const CONNECTIONS_MAX = 64
const REQUEST_TIMEOUT_MS = 10_000
const HEADER_BYTES_MAX = 8_192
const KEEP_ALIVE_MS = 5_000
/** More often than any scraper asks within one connection's time; then it opens another. */
const REQUESTS_PER_CONNECTION_MAX = 1_000

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** Resolves once the address is bound, or cannot be. */
export async function listen(options: HttpOptions): Promise<Result<Listening, ListenFailure>> {
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: REQUEST_TIMEOUT_MS,
    },
    (request, response) => void serve(options, request, response),
  )
  server.maxConnections = CONNECTIONS_MAX
  server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX
  // A scraper that does not read must not hold its connection for ever.
  server.timeout = REQUEST_TIMEOUT_MS
  const code = await bound(server, options)
  if (code !== null) return failed({ code })
  const address = server.address()
  return ok({
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () => closed(server),
  })
}

/** Never rejects: what goes wrong in here is told by `crashed` and answered by 500. */
async function serve(
  options: HttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const answer = await answerTo(options, request).catch((error: unknown): Answer => {
    options.crashed(error)
    return textAnswer(500, 'This page failed; the log says more.')
  })
  const headers = {
    'content-type': answer.type,
    'content-length': Buffer.byteLength(answer.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(answer.status === 405 ? { allow: 'GET, HEAD' } : {}),
    // A body that was sent along is not read: the connection cannot be used again.
    ...(hasBody(request) ? { connection: 'close' } : {}),
  }
  response.writeHead(answer.status, headers).end(request.method === 'HEAD' ? undefined : answer.body)
}

async function answerTo(options: HttpOptions, request: IncomingMessage): Promise<Answer> {
  const [path] = (request.url ?? '').split('?')
  const page = pageOf(path)
  if (page === null) return textAnswer(404, 'There are /livez, /readyz and /metrics.')
  if (request.method !== 'GET' && request.method !== 'HEAD') return textAnswer(405, 'Only GET and HEAD.')
  if (page === 'metrics')
    return { status: 200, type: options.metrics.contentType, body: await options.metrics.text() }
  const checks = options[page]()
  const passed = checks.every((check) => check.passed)
  const lines = checks.map((check) => `${check.passed ? 'ok' : 'failed'}: ${check.name}: ${check.result}.`)
  return textAnswer(passed ? 200 : 503, lines.join('\n'))
}

function pageOf(path: string | undefined): 'live' | 'ready' | 'metrics' | null {
  switch (path) {
    case '/livez':
      return 'live'
    case '/readyz':
      return 'ready'
    case '/metrics':
      return 'metrics'
    default:
      return null
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

function textAnswer(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` }
}

/** Null once it listens; otherwise the operating system's code. */
function bound(server: Server, { host, port }: HttpOptions): Promise<string | null> {
  return new Promise((resolve) => {
    const onError = (error: NodeJS.ErrnoException): void => resolve(error.code ?? 'unknown')
    server.once('error', onError)
    server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
      server.off('error', onError)
      resolve(null)
    })
  })
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
