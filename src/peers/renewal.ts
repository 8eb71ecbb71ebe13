/**
 * Renews the token of a peer's ServiceAccount before it ends: asked of the peer by TokenRequest, written back to the peer Secret at home, and taken
 * up from there like any change of that Secret. Only the token changes; a Secret that somebody else changed meanwhile is left to the next look.
 */

import { parseDocument } from 'yaml'
import type { Document } from 'yaml'

import type { Failure } from '../core/failure.ts'
import { isNamespaceName, isObjectName } from '../core/names.ts'
import type { ObjectRef } from '../core/names.ts'
import type { FullObject } from '../core/objects.ts'
import { patch } from '../core/operations.ts'
import type { RequestBody } from '../core/operations.ts'
import type { Access } from '../kube/access.ts'
import type { ClusterApi } from '../kube/api.ts'
import type { Clock } from '../std/clock.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import type { Sensitive } from '../std/sensitive.ts'
import { tokenClaims } from './expiry.ts'
import { parseForm, TEXT_LENGTH_MAX } from './forms.ts'

/** The part of its life after which a token is renewed. */
const RENEWED_AT = 0.8
/** Between two tries. */
export const RENEWAL_RETRY_MS = 60_000
/** What the API server asks a TokenRequest to ask for at least, and no more than a year. */
const LIFE_SECONDS_MIN = 600
const LIFE_SECONDS_MAX = 366 * 86_400

/** The ServiceAccount that a token speaks for. */
export interface Account {
  readonly namespace: string
  readonly name: string
}

export interface RenewalOptions {
  readonly secret: ObjectRef
  /** Home, where the peer Secret lies. */
  readonly home: Pick<ClusterApi, 'readFull' | 'patch'>
  readonly peer: Pick<ClusterApi, 'requestToken'>
  readonly clock: Clock
  /** Whether this replica may write to the peer. */
  readonly isLive: () => boolean
}

/** What came of one look; `failed` with a fixed reason. */
export type Renewed = 'not-due' | 'renewed' | 'overtaken' | { readonly reason: string }

export class Renewal {
  readonly #o: RenewalOptions
  #againAtMs = Number.NEGATIVE_INFINITY

  constructor(options: RenewalOptions) {
    this.#o = options
  }

  /** Renews the token of `access`, the credential in use, when its time has come. Tries at most once in {@link RENEWAL_RETRY_MS}. */
  async look(access: Access, signal: AbortSignal): Promise<Renewed> {
    const { clock, isLive } = this.#o
    const due = dueOf(access)
    if (due === null || clock.wall() < due.atMs || clock.now() < this.#againAtMs || !isLive())
      return 'not-due'
    this.#againAtMs = clock.now() + RENEWAL_RETRY_MS
    return await this.#renew(due, signal)
  }

  async #renew({ account, token, lifeSeconds }: Due, signal: AbortSignal): Promise<Renewed> {
    const { home, peer, secret, isLive } = this.#o
    const read = await home.readFull(secret, { signal })
    if (!read.ok) return { reason: `its Secret cannot be read (${read.failure.kind})` }
    // Somebody brought another: it comes by the watch.
    if (!holdsToken(read.value, token)) return 'overtaken'
    const issued = await peer.requestToken(account.namespace, account.name, lifeSeconds, { signal })
    if (!issued.ok) return { reason: refusalOf(issued.failure) }
    const body = renewedBody(read.value, issued.value.token)
    if (!body.ok) return { reason: body.failure }
    if (!isLive()) return 'overtaken'
    const written = await home.patch(secret, body.value, { signal })
    if (written.ok) return 'renewed'
    const isOvertaken = written.failure.kind === 'test-failed' || written.failure.kind === 'conflict'
    return isOvertaken ? 'overtaken' : { reason: `its Secret cannot be written (${written.failure.kind})` }
  }
}

interface Due {
  readonly atMs: number
  readonly account: Account
  readonly token: Sensitive<string>
  readonly lifeSeconds: number
}

/** Null: no token of a ServiceAccount that says when it began and ends. */
function dueOf({ token }: Access): Due | null {
  if (token.kind !== 'fixed') return null
  const claims = tokenClaims(token.token.reveal())
  const account = claims === null ? null : accountOf(claims.subject)
  if (claims === null || account === null || claims.issuedAtMs === null || claims.expiresAtMs === null)
    return null
  const lifeMs = claims.expiresAtMs - claims.issuedAtMs
  if (lifeMs <= 0) return null
  return {
    atMs: claims.issuedAtMs + RENEWED_AT * lifeMs,
    account,
    token: token.token,
    lifeSeconds: Math.min(LIFE_SECONDS_MAX, Math.max(LIFE_SECONDS_MIN, Math.round(lifeMs / 1_000))),
  }
}

/** The ServiceAccount whose token `access` holds; null: another credential. */
export function renewableAccount(access: Access): Account | null {
  return dueOf(access)?.account ?? null
}

/** `system:serviceaccount:NAMESPACE:NAME`. */
function accountOf(subject: string | null): Account | null {
  const [system, kind, namespace, name, ...rest] = (subject ?? '').split(':')
  if (system !== 'system' || kind !== 'serviceaccount' || rest.length > 0) return null
  if (namespace === undefined || name === undefined || !isNamespaceName(namespace) || !isObjectName(name))
    return null
  return { namespace, name }
}

function refusalOf(failure: Failure): string {
  switch (failure.kind) {
    case 'forbidden':
      return 'it may not create serviceaccounts/token for itself'
    case 'absent':
      return 'its ServiceAccount is gone'
    default:
      return `the peer gave none (${failure.kind})`
  }
}

function holdsToken(secret: FullObject, token: Sensitive<string>): boolean {
  const form = parseForm(secret.content.reveal(), { allowProxy: true })
  if (!form.ok || form.value.access.token.kind !== 'fixed') return false
  return form.value.access.token.token.reveal() === token.reveal()
}

/** The JSON patch that puts `token` in the place of the one that stands in the Secret, and nothing else. */
export function renewedBody(secret: FullObject, token: Sensitive<string>): Result<RequestBody, string> {
  const { data } = secret.content.reveal()
  const key = ['kubeconfig', 'value', 'config'].find((each) => data.has(each))
  const before = key === undefined ? undefined : data.get(key)
  if (key === undefined || before === undefined) return failed('its Secret has no known form')
  const text = withToken(
    Buffer.from(before, 'base64').toString('utf8'),
    key === 'config' ? 'argo' : 'kubeconfig',
    token.reveal(),
  )
  if (text === null) return failed('the token has no place of its own in its Secret')
  const after = new Map([...data, [key, Buffer.from(text).toString('base64')]])
  if (!isOnlyTokenChanged(secret, after, token))
    return failed('the token has no place of its own in its Secret')
  const value = Buffer.from(`{"op":"add","path":"/data/${key}","value":"${after.get(key) ?? ''}"}`)
  const tests = [
    { op: 'test', path: '/metadata/uid', value: secret.meta.uid },
    { op: 'test', path: '/metadata/resourceVersion', value: secret.meta.version },
  ] as const
  return ok(patch(tests, [value]))
}

/** Whatever the text looked like: read again, it must say the same with another token. */
function isOnlyTokenChanged(
  secret: FullObject,
  after: ReadonlyMap<string, string>,
  token: Sensitive<string>,
): boolean {
  const [before, now] = [secret.content.reveal(), { ...secret.content.reveal(), data: after }].map(
    (content) => parseForm(content, { allowProxy: true }),
  )
  if (before?.ok !== true || now?.ok !== true) return false
  const { token: found } = now.value.access
  return (
    found.kind === 'fixed' &&
    found.token.reveal() === token.reveal() &&
    fingerprint(before.value.access) === fingerprint(now.value.access) &&
    before.value.name === now.value.name
  )
}

/** Everything but the token. Stays here. */
function fingerprint({ server, tlsServerName, proxyUrl, ca, clientCertificate, clientKey }: Access): string {
  const bytes = [ca, clientCertificate, clientKey].map((material) =>
    material?.kind === 'bytes' ? material.bytes.reveal().toString('base64') : null,
  )
  return JSON.stringify([server, tlsServerName, proxyUrl, ...bytes])
}

/** The token's own characters are replaced, so that comments, order and form of the rest stay. Null: it has no place. */
function withToken(text: string, form: 'kubeconfig' | 'argo', token: string): string | null {
  if (text.length > TEXT_LENGTH_MAX) return null
  const document = parseDocument(text, { schema: 'core', logLevel: 'silent' })
  if (document.errors.length > 0) return null
  const path = form === 'argo' ? ['bearerToken'] : tokenPath(document)
  if (path === null) return null
  const node: unknown = document.getIn(path, true)
  const range = isRanged(node) ? node.range : null
  if (range === null || !document.hasIn(path)) return null
  const [start, end] = range
  // A block scalar ends with its line.
  const lineEnd = text.slice(start, end).endsWith('\n') ? '\n' : ''
  return `${text.slice(0, start)}${JSON.stringify(token)}${lineEnd}${text.slice(end)}`
}

function isRanged(node: unknown): node is { readonly range: readonly [number, number, number] } {
  return (
    typeof node === 'object' &&
    node !== null &&
    'range' in node &&
    Array.isArray(node.range) &&
    'value' in node
  )
}

/** Where the current context's user has its token. */
function tokenPath(document: Document): readonly (string | number)[] | null {
  const context = indexOf(document, 'contexts', document.get('current-context'))
  if (context === null) return null
  const user = indexOf(document, 'users', document.getIn(['contexts', context, 'context', 'user']))
  return user === null ? null : ['users', user, 'user', 'token']
}

/** Entries of one list. */
const ENTRIES_MAX = 1_000

function indexOf(document: Document, list: string, name: unknown): number | null {
  if (typeof name !== 'string') return null
  for (let index = 0; index < ENTRIES_MAX && document.hasIn([list, index]); index += 1)
    if (document.getIn([list, index, 'name']) === name) return index
  return null
}
