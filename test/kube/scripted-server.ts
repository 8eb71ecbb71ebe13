/** A local server that hands each request to the test, which answers with the real bytes: nothing is answered by itself. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  /** Answers with JSON. */
  json(code: number, body: unknown, headers?: Record<string, string>): void
  /** Answers with text that is no Status. */
  text(code: number, body: string, headers?: Record<string, string>): void
  /** Begins a watch answer. */
  watch(): WatchAnswer
  /** Cuts the connection. */
  cut(): void
  /** Resolves when the client is gone. */
  readonly closed: Promise<void>
}

export interface WatchAnswer {
  /** Writes events, one a line. */
  lines(...events: readonly unknown[]): void
  raw(bytes: string | Buffer): void
  /** Ends in good order. */
  end(): void
  /** Cuts the connection in the middle of the chunked body. */
  cut(): void
}

export class ScriptedServer {
  readonly #server: Server
  readonly #arrived: Asked[] = []
  readonly #takers: ((asked: Asked) => void)[] = []
  count = 0

  private constructor(server: Server) {
    this.#server = server
  }

  /** Listens on loopback until the test ends. */
  static async start(t: TestContext, server: Server = createServer()): Promise<ScriptedServer> {
    const scripted = new ScriptedServer(server)
    server.on(
      'request',
      (request: IncomingMessage, response: ServerResponse) => void scripted.#take(request, response),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    })
    return scripted
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** The next request that no test has taken yet. */
  next(): Promise<Asked> {
    const first = this.#arrived.shift()
    return first !== undefined ? Promise.resolve(first) : new Promise((resolve) => this.#takers.push(resolve))
  }

  /** Whether a request waits to be taken. */
  get hasWaiting(): boolean {
    return this.#arrived.length > 0
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer)
    } catch {
      return
    }
    this.count += 1
    const asked = askedOf(request, response, Buffer.concat(chunks))
    const taker = this.#takers.shift()
    if (taker === undefined) this.#arrived.push(asked)
    else taker(asked)
  }
}

function askedOf(request: IncomingMessage, response: ServerResponse, body: Buffer): Asked {
  const url = new URL(request.url ?? '/', 'http://server')
  const closed = new Promise<void>((resolve) => response.once('close', resolve))
  const send = (code: number, text: string, headers: Record<string, string>): void => {
    response.writeHead(code, headers)
    response.end(text)
  }
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body,
    closed,
    json: (code, value, headers = {}) =>
      send(code, JSON.stringify(value), { 'content-type': 'application/json', ...headers }),
    text: (code, value, headers = {}) => send(code, value, { 'content-type': 'text/plain', ...headers }),
    cut: () => request.socket.destroy(),
    watch: () => {
      response.writeHead(200, { 'content-type': 'application/json;stream=watch' })
      response.flushHeaders()
      return {
        lines: (...events) => void response.write(events.map((one) => `${JSON.stringify(one)}\n`).join('')),
        raw: (bytes) => void response.write(bytes),
        end: () => void response.end(),
        cut: () => request.socket.destroy(),
      }
    },
  }
}

export interface Shape {
  readonly namespace?: string
  readonly labels?: Record<string, string>
  readonly annotations?: Record<string, string>
  readonly uid?: string
}

/** An object as a watch sends it; annotated, so that it matters, unless said otherwise. */
export function partial(name: string, version: number, shape: Shape = {}): unknown {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: {
      name,
      namespace: shape.namespace ?? 'team-a',
      uid: shape.uid ?? `uid-${name}`,
      resourceVersion: String(version),
      creationTimestamp: '2026-11-24T10:00:00Z',
      ...(shape.labels === undefined ? {} : { labels: shape.labels }),
      annotations: shape.annotations ?? { 'heliograph.dev/reflect-to': '*' },
    },
  }
}

export function event(type: string, object: unknown): unknown {
  return { type, object }
}

export function bookmark(version: number, isInitialEnd = false): unknown {
  return {
    type: 'BOOKMARK',
    object: {
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: {
        resourceVersion: String(version),
        creationTimestamp: null,
        ...(isInitialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
      },
    },
  }
}

export function status(
  code: number,
  reason: string,
  extra: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: '',
    reason,
    code,
    ...extra,
  }
}

export function page(version: number, items: readonly unknown[], token = ''): unknown {
  return {
    kind: 'PartialObjectMetadataList',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: String(version), ...(token === '' ? {} : { continue: token }) },
    items,
  }
}
