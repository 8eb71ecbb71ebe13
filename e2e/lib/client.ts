/** A small client for tests: every verb, any identity, plain JSON; what is not as expected throws a sentence. */

import { Agent } from 'undici'
import type { Dispatcher } from 'undici'
import { parseAllDocuments } from 'yaml'

import { collectionPath, pathOf, refOf, say } from './objects.ts'
import type { KubeObject, Ref } from './objects.ts'

export interface ClientAccess {
  readonly server: string
  readonly caPem: string
  readonly token: string | null
  readonly certificatePem?: string | null
  readonly keyPem?: string | null
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Parsed JSON, or the text where it is none. */
  readonly body: unknown
}

export interface RequestOptions {
  readonly body?: unknown
  readonly contentType?: string
  readonly accept?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export type PatchKind = 'merge' | 'json' | 'strategic'

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: KubeObject
}

const PATCH_TYPES: Readonly<Record<PatchKind, string>> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
}
const THROTTLED_TRIES_MAX = 60

export class Client {
  readonly #access: ClientAccess
  readonly #agent: Agent
  readonly #headers: Readonly<Record<string, string>>

  constructor(
    access: ClientAccess,
    share?: { readonly agent: Agent; readonly headers: Readonly<Record<string, string>> },
  ) {
    this.#access = access
    this.#agent = share?.agent ?? agentFor(access)
    this.#headers = share?.headers ?? {}
  }

  /** The same connection as another user, by impersonation. */
  as(user: string, ...groups: readonly string[]): Client {
    const headers = {
      'impersonate-user': user,
      ...(groups[0] === undefined ? {} : { 'impersonate-group': groups[0] }),
    }
    return new Client(this.#access, { agent: this.#agent, headers })
  }

  /** The same connection with another token; null: anonymous. */
  withToken(token: string | null): Client {
    return new Client({ ...this.#access, token }, { agent: this.#agent, headers: {} })
  }

  /** One request, whatever the answer; only a request without any answer throws. A 429 is repeated as the server asks. */
  async request(method: Dispatcher.HttpMethod, path: string, options: RequestOptions = {}): Promise<Answer> {
    for (let tries = 1; ; tries += 1) {
      const { statusCode, headers, body } = await this.#send(method, path, options)
      const text = await body.text()
      const wait = statusCode === 429 ? Number(headers['retry-after'] ?? 0) : 0
      if (wait === 0 || tries >= THROTTLED_TRIES_MAX)
        return { status: statusCode, headers, body: parse(text) }
      await new Promise((resolve) => void setTimeout(resolve, wait * 1_000))
    }
  }

  /** The object, or null when it is absent. */
  async find(ref: Ref): Promise<KubeObject | null> {
    const answer = await this.request('GET', pathOf(ref))
    return answer.status === 404 ? null : object(answer, `GET ${say(ref)}`)
  }

  async get(ref: Ref): Promise<KubeObject> {
    return object(await this.request('GET', pathOf(ref)), `GET ${say(ref)}`)
  }

  /** `query` as it stands in the URL: `labelSelector=a%3Db`. */
  async list(kind: string, namespace?: string, query = ''): Promise<readonly KubeObject[]> {
    return (await this.listFrom(`${collectionPath(kind, namespace)}?${query}`)).items
  }

  async listFrom(
    path: string,
  ): Promise<{ readonly items: readonly KubeObject[]; readonly resourceVersion: string }> {
    const list = object(await this.request('GET', path), `GET ${path}`)
    // Items of a list bear no kind of their own, unlike the objects of a watch.
    const kind = list.kind?.replace(/List$/, '') ?? ''
    const { apiVersion = 'v1' } = list
    return {
      items: (list['items'] as readonly KubeObject[]).map((item) => ({ apiVersion, kind, ...item })),
      resourceVersion: list.metadata.resourceVersion ?? '',
    }
  }

  async create(wanted: KubeObject): Promise<KubeObject> {
    const { kind, namespace, apiVersion } = refOf(wanted)
    const answer = await this.request('POST', collectionPath(kind, namespace, apiVersion), { body: wanted })
    return object(answer, `POST ${say(refOf(wanted))}`)
  }

  async createNamespace(name: string, metadata: Partial<KubeObject['metadata']> = {}): Promise<KubeObject> {
    return await this.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { ...metadata, name } })
  }

  /** PUT: with `metadata.resourceVersion` only over exactly that version. */
  async replace(wanted: KubeObject): Promise<KubeObject> {
    const ref = refOf(wanted)
    return object(await this.request('PUT', pathOf(ref), { body: wanted }), `PUT ${say(ref)}`)
  }

  /** Server-side apply as `manager`, taking over fields that others own. YAML may hold several documents. */
  async apply(wanted: KubeObject | string, manager = 'test'): Promise<readonly KubeObject[]> {
    const objects = typeof wanted === 'string' ? parseYaml(wanted) : [wanted]
    const applied: KubeObject[] = []
    for (const each of objects) {
      const ref = refOf(each)
      const path = `${pathOf(ref)}?fieldManager=${manager}&force=true`
      const answer = await this.request('PATCH', path, {
        body: each,
        contentType: 'application/apply-patch+yaml',
      })
      applied.push(object(answer, `apply ${say(ref)}`))
    }
    return applied
  }

  async patch(ref: Ref, body: unknown, kind: PatchKind = 'merge'): Promise<KubeObject> {
    const answer = await this.request('PATCH', pathOf(ref), { body, contentType: PATCH_TYPES[kind] })
    return object(answer, `PATCH ${say(ref)}`)
  }

  /** Sets annotations; null removes one. */
  async annotate(ref: Ref, annotations: Readonly<Record<string, string | null>>): Promise<KubeObject> {
    return await this.patch(ref, { metadata: { annotations } })
  }

  /** Absent already is as good as removed. */
  async remove(ref: Ref, options: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const answer = await this.request('DELETE', pathOf(ref), { body: options })
    if (answer.status !== 404) object(answer, `DELETE ${say(ref)}`)
  }

  /** Raw events until the server ends the stream or `signal` fires; a refusal throws. */
  async *watch(path: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const query = path.includes('?') ? '&' : '?'
    const answer = await this.#send('GET', `${path}${query}watch=true`, { signal })
    if (answer.statusCode !== 200)
      object(
        { status: answer.statusCode, headers: {}, body: parse(await answer.body.text()) },
        `watch ${path}`,
      )
    let rest = ''
    for await (const chunk of answer.body.setEncoding('utf8')) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) yield JSON.parse(line) as WatchEvent
    }
  }

  /** A token for a ServiceAccount, as the kubelet would ask for it. */
  async tokenFor(namespace: string, serviceAccount: string, expirationSeconds = 3_600): Promise<string> {
    const path = `${collectionPath('ServiceAccount', namespace)}/${serviceAccount}/token`
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds } }
    const answer = object(
      await this.request('POST', path, { body }),
      `token of ServiceAccount ${namespace}/${serviceAccount}`,
    )
    return (answer['status'] as { readonly token: string }).token
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #send(
    method: Dispatcher.HttpMethod,
    path: string,
    options: RequestOptions,
  ): Promise<Dispatcher.ResponseData> {
    const { token } = this.#access
    return await this.#agent.request({
      origin: this.#access.server,
      path,
      method,
      signal: options.signal ?? null,
      headers: {
        accept: options.accept ?? 'application/json',
        'user-agent': 'heliograph-test',
        ...(options.body === undefined ? {} : { 'content-type': options.contentType ?? 'application/json' }),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...this.#headers,
        ...options.headers,
      },
      body: options.body === undefined ? null : JSON.stringify(options.body),
    })
  }
}

/** Every document of a YAML text that holds an object. */
export function parseYaml(text: string): readonly KubeObject[] {
  const documents = parseAllDocuments(text) as readonly { toJS(): unknown }[]
  const isObject = (each: unknown): each is KubeObject => each !== null && each !== undefined
  return documents.map((document) => document.toJS()).filter(isObject)
}

function agentFor(access: ClientAccess): Agent {
  const { caPem, certificatePem, keyPem } = access
  const identity = certificatePem == null || keyPem == null ? {} : { cert: certificatePem, key: keyPem }
  return new Agent({
    connect: { ca: caPem, ...identity },
    allowH2: false,
    connections: null,
    pipelining: 1,
    keepAliveTimeout: 60_000,
    bodyTimeout: 0,
  })
}

function object(answer: Answer, what: string): KubeObject {
  if (answer.status < 300) return answer.body as KubeObject
  const { message } = Object(answer.body) as { readonly message?: string }
  throw new Error(`${what}: answered ${answer.status}${message === undefined ? '' : `, ${message}`}`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
