/** A proxy between a controller and its API server that holds, delays, cuts or answers the requests that a test chooses. */

import { ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'

import { Agent } from 'undici'

import { makeAuthority } from '../control-plane/certificates.ts'
import { withDeadline } from './await.ts'

export interface Match {
  readonly method?: string | RegExp
  /** Over path and query. */
  readonly path?: RegExp
  /** How many requests the rule takes before it is over; left out: all until it is removed. */
  readonly times?: number
}

/** One request in a rule's hands. Exactly one of `pass`, `answer` and `cut` ends it. */
export interface Exchange {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The whole request body. */
  readonly body: Buffer
  /** Sends the request on and the answer back. `before` runs once the server has answered, before the caller hears it. */
  pass(before?: (status: number) => Promise<void> | void): Promise<void>
  /** Answers in the server's place. */
  answer(status: number, body: unknown, headers?: Readonly<Record<string, string>>): void
  /** Ends the caller's connection without an answer. */
  cut(): void
}

export type Action = (exchange: Exchange) => Promise<void> | void

export interface Rule {
  /** The requests that the rule took, in order. */
  readonly taken: readonly Exchange[]
  /** Resolves when the rule has taken `count` requests; rejects at the deadline. */
  reached(count?: number): Promise<void>
  remove(): void
}

/** A rule that keeps requests until they are released. */
export interface Hold extends Rule {
  /** Lets all held requests go on, and those that come later. */
  release(): void
}

export interface SeenRequest {
  readonly method: string
  readonly path: string
  /** 0 when it was cut. */
  readonly status: number
}

export interface Proxy extends AsyncDisposable {
  /** `https://127.0.0.1:port` */
  readonly url: string
  /** What the caller must trust. */
  readonly caPem: string
  /** All requests that were answered or cut, in the order of their end. */
  readonly seen: readonly SeenRequest[]
  /** The newest rule that matches takes the request; without one it passes. */
  on(match: Match, action: Action): Rule
  /** Keeps matching requests from the server until released. */
  hold(match: Match): Hold
  /** Lets matching requests reach the server, and keeps its answers from the caller until released. */
  holdAnswers(match: Match): Hold
  /** Ends every connection now; new ones are accepted. */
  cutAll(): void
  /** Streams that are open (watches) deliver nothing until `resume`; connections stay. */
  muteStreams(): void
  resumeStreams(): void
  close(): Promise<void>
}

interface ActiveRule {
  readonly match: Match
  readonly action: Action
  readonly taken: Exchange[]
  readonly waiting: { readonly count: number; readonly resolve: () => void }[]
}

/** Listens on loopback, HTTP/2 and HTTP/1.1 as the caller likes, and speaks to `target` with the caller's own credentials. */
export async function startProxy(target: { readonly url: string; readonly caPem: string }): Promise<Proxy> {
  const authority = makeAuthority('heliograph test proxy')
  const pair = authority.issue({ commonName: 'proxy', altNames: ['127.0.0.1'] })
  const server = createSecureServer({ allowHTTP1: true, cert: pair.certificatePem, key: pair.keyPem })
  const wires = new Wires(target)
  server.on('request', (request, response) => void wires.serve(request, response))
  server.on('connection', (socket: Socket) => wires.note(socket))
  // A caller that goes away in the middle of a handshake is no failure of the test.
  server.on('sessionError', () => {})
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    wires.cutAll()
    await wires.close()
    await closed
  }
  return {
    url: `https://127.0.0.1:${port}`,
    caPem: authority.certificatePem,
    seen: wires.seen,
    on: (match, action) => wires.on(match, action),
    hold: (match) => holdBy(wires, match, (exchange, gate) => gate.then(() => exchange.pass())),
    holdAnswers: (match) => holdBy(wires, match, (exchange, gate) => exchange.pass(() => gate)),
    cutAll: () => wires.cutAll(),
    muteStreams: () => wires.mute(),
    resumeStreams: () => wires.unmute(),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function holdBy(
  wires: Wires,
  match: Match,
  action: (exchange: Exchange, gate: Promise<void>) => Promise<void>,
): Hold {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { ...wires.on(match, (exchange) => action(exchange, promise)), release: resolve }
}

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'host',
  'http2-settings',
])

class Wires {
  readonly seen: SeenRequest[] = []
  readonly #target: { readonly url: string }
  readonly #agent: Agent
  readonly #rules: ActiveRule[] = []
  readonly #sockets = new Set<Socket>()
  #sound = Promise.withResolvers<void>()

  constructor(target: { readonly url: string; readonly caPem: string }) {
    this.#target = target
    this.#agent = new Agent({
      connect: { ca: target.caPem },
      allowH2: false,
      bodyTimeout: 0,
      headersTimeout: 0,
    })
    this.#sound.resolve()
  }

  note(socket: Socket): void {
    this.#sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {})
  }

  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  mute(): void {
    this.#sound = Promise.withResolvers<void>()
  }

  unmute(): void {
    this.#sound.resolve()
  }

  async close(): Promise<void> {
    this.#sound.resolve()
    await this.#agent.destroy()
  }

  on(match: Match, action: Action): Rule {
    const rule: ActiveRule = { match, action, taken: [], waiting: [] }
    this.#rules.unshift(rule)
    return {
      taken: rule.taken,
      reached(count = 1) {
        if (rule.taken.length >= count) return Promise.resolve()
        const { promise, resolve } = Promise.withResolvers<void>()
        rule.waiting.push({ count, resolve })
        const what = `${count} requests like ${String(match.method ?? 'any')} ${String(match.path ?? '')}`
        return withDeadline(promise, {}, () => `${what}: only ${rule.taken.length} came`)
      },
      remove: () => {
        const place = this.#rules.indexOf(rule)
        if (place !== -1) this.#rules.splice(place, 1)
      },
    }
  }

  async serve(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const exchange = this.#exchange(request, response, Buffer.concat(chunks))
      const rule = this.#rules.find((each) => takes(each, exchange))
      if (rule === undefined) return await exchange.pass()
      rule.taken.push(exchange)
      for (const { count, resolve } of rule.waiting) if (rule.taken.length >= count) resolve()
      await rule.action(exchange)
    } catch {
      // Whichever side went away, the other is told by the end of its stream.
      cutResponse(response)
    }
  }

  #exchange(request: Http2ServerRequest, response: Http2ServerResponse, body: Buffer): Exchange {
    const { method, url: path } = request
    const end = (status: number): void => void this.seen.push({ method, path, status })
    return {
      method,
      path,
      headers: request.headers,
      body,
      pass: async (before) => await this.#forward({ request, response, body, before, end }),
      answer: (status, answer, headers = {}) => {
        end(status)
        response.writeHead(status, { 'content-type': 'application/json', ...headers })
        response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
      },
      cut: () => {
        end(0)
        cutResponse(response)
      },
    }
  }

  async #forward({ request, response, body, before, end }: Forwarding): Promise<void> {
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    const answer = await this.#agent.request({
      origin: this.#target.url,
      path: request.url,
      method: request.method,
      headers: passedOn(request.headers),
      body: body.length === 0 ? null : body,
      signal: gone.signal,
    })
    await before?.(answer.statusCode)
    end(answer.statusCode)
    response.writeHead(answer.statusCode, passedOn(answer.headers))
    const isStream = /[?&]watch=(true|1)/.test(request.url)
    if (isStream) flushHeaders(response)
    await pipeline(answer.body, isStream ? (source) => this.#audible(source) : passAll, response)
  }

  async *#audible(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      await this.#sound.promise
      yield chunk
    }
  }
}

async function* passAll(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* source
}

interface Forwarding {
  readonly request: Http2ServerRequest
  readonly response: Http2ServerResponse
  readonly body: Buffer
  readonly before: ((status: number) => Promise<void> | void) | undefined
  readonly end: (status: number) => void
}

function takes({ match, taken }: ActiveRule, { method, path }: Exchange): boolean {
  if (match.times !== undefined && taken.length >= match.times) return false
  if (match.path !== undefined && !match.path.test(path)) return false
  if (match.method === undefined) return true
  return typeof match.method === 'string' ? match.method === method : match.method.test(method)
}

function passedOn(headers: NodeJS.Dict<string | string[]>): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !name.startsWith(':') && !HOP_BY_HOP.has(name)) kept[name] = value
  }
  return kept
}

/** An HTTP/1.1 answer keeps its head back until the first byte of its body; a quiet watch has none for a long time. */
function flushHeaders(response: Http2ServerResponse): void {
  if (response instanceof ServerResponse) response.flushHeaders()
}

/** One HTTP/2 stream, or the whole HTTP/1.1 connection. */
function cutResponse(response: Http2ServerResponse): void {
  const stream = (response as Partial<Http2ServerResponse>).stream
  if (stream === undefined) response.socket.destroy()
  else stream.destroy()
}
