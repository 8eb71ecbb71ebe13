/**
 * Turns an API server's answer into a core {@link Failure}: the only place that reads a Status.
 * Messages and bodies can quote a Secret's data, so fixed phrases are looked for and the text is dropped at once.
 */

import type { Failure } from '../core/failure.ts'
import { isRecord, parseJson } from './json.ts'

export const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'] as const
export type Verb = (typeof VERBS)[number]

/** What a request was about: an answer counts as being about it only where it agrees. */
export interface Asked {
  readonly verb: Verb
  /** Plural, as in the path and in `details.kind`: `secrets`. */
  readonly resource: string
  /** Empty for cluster-wide requests and cluster-scoped resources. */
  readonly namespace: string
  /** Null where the path names no object: list, watch, create. */
  readonly name: string | null
}

/** What of a Status may be kept, inside this room only: its texts are compared and never passed on. */
export interface StatusView {
  readonly code: number
  readonly reason: string
  readonly kind: string
  readonly name: string
  readonly causes: readonly { readonly type: string; readonly field: string }[]
  readonly retryAfterMs: number | null
  readonly phrases: ReadonlySet<Phrase>
}

/** Fixed phrases of the API server's own messages that no reason or cause replaces. */
const PHRASES = {
  /** Admission webhooks choose code, reason and details freely; only this opening, put there by the server, tells. */
  webhook: /^admission webhook "/,
  quota: /exceeded quota/,
  'etcd-too-large': /request is too large/,
  'streaming-unsupported': /RequestWatchProgress is disabled/,
} as const
type Phrase = keyof typeof PHRASES

const CAUSES_MAX = 64
const FIELDS_MAX = 32
/** A server that asks for more is asked again after this. */
const RETRY_AFTER_MS_MAX = 300_000
/** Paths in which the API server names what is invalid about a Secret, a ConfigMap or an Event; keys in brackets are data keys. */
const FIELD = new RegExp(
  [
    '^(type|immutable|kind|apiVersion|patch',
    '(data|binaryData|stringData)(\\[[-._A-Za-z0-9]{1,253}\\])?',
    'metadata(\\.(name|namespace|generateName|labels|annotations|uid|resourceVersion|finalizers|managedFields))?)$',
  ].join('|'),
)

/** Failure of an answer with a code other than 2xx. `status` is null where the body was no Status. */
export function failureOf(
  code: number,
  status: StatusView | null,
  retryAfterMs: number | null,
  asked: Asked,
): Failure {
  const wait = retryAfterMs ?? status?.retryAfterMs ?? null
  // A webhook's own refusal binds one namespace or policy: it is neither the server's load nor our credential.
  if ((code === 429 || code === 401) && status?.phrases.has('webhook') === true)
    return { kind: 'rejected', code }
  if (code === 429) return { kind: 'throttled', retryAfterMs: wait }
  if (code === 401) return { kind: 'unauthorized' }
  if (code >= 500) {
    if (status?.phrases.has('etcd-too-large') === true) return { kind: 'too-large' }
    return { kind: 'server', code, retryAfterMs: wait }
  }
  if (code === 410 && (asked.verb === 'list' || asked.verb === 'watch')) return { kind: 'expired' }
  if (code === 403) return forbidden(status)
  if (code === 413) return { kind: 'too-large' }
  const told = status === null || status.phrases.has('webhook') ? null : told4xx(code, status, asked)
  return told ?? { kind: 'rejected', code }
}

/** Failure of an ERROR event inside a watch stream, whose HTTP code was 200. */
export function streamedFailure(status: StatusView, asked: Asked): Failure {
  if (status.reason === 'Expired' || status.reason === 'Gone') return { kind: 'expired' }
  return failureOf(status.code, status, null, asked)
}

function forbidden(status: StatusView | null): Failure {
  if (status === null || status.phrases.has('webhook')) return { kind: 'forbidden' }
  if (status.causes.some((cause) => cause.type === 'NamespaceTerminating'))
    return { kind: 'namespace-terminating' }
  return { kind: status.phrases.has('quota') ? 'quota' : 'forbidden' }
}

function told4xx(code: number, status: StatusView, asked: Asked): Failure | null {
  switch (`${code} ${status.reason}`) {
    case '404 NotFound':
      return notFound(status, asked)
    case '409 AlreadyExists':
      return asked.verb === 'create' && status.kind === asked.resource && status.name !== ''
        ? { kind: 'exists' }
        : null
    case '409 Conflict':
      return isOfAsked(status, asked) ? { kind: 'conflict' } : null
    case '410 Expired':
    case '410 Gone':
      return { kind: 'expired' }
    case '422 Invalid':
      return invalid(status, asked)
    default:
      return null
  }
}

/** Storage names the resource in `details.kind`, but the check of a deletion's preconditions names the Go kind. */
function isOfAsked(status: StatusView, asked: Asked): boolean {
  const isKind = status.kind === asked.resource || `${status.kind.toLowerCase()}s` === asked.resource
  return isKind && (asked.name === null || status.name === asked.name)
}

function notFound(status: StatusView, asked: Asked): Failure | null {
  if (status.kind === asked.resource && asked.name !== null && status.name === asked.name)
    return { kind: 'absent' }
  const ofNamespace =
    status.kind === 'namespaces' && asked.namespace !== '' && status.name === asked.namespace
  return ofNamespace ? { kind: 'namespace-absent' } : null
}

/** A policy's refusal is a 422 too, but its causes have no type: it stays a rejection. */
function invalid(status: StatusView, asked: Asked): Failure | null {
  if (status.causes.length === 0) {
    return asked.verb === 'patch' && status.kind === '' ? { kind: 'test-failed' } : null
  }
  if (!status.causes.every((cause) => cause.type.startsWith('FieldValue'))) return null
  const fields = status.causes.map((cause) => (FIELD.test(cause.field) ? cause.field : 'other'))
  return { kind: 'invalid', fields: [...new Set(fields)].slice(0, FIELDS_MAX) }
}

/** Reads a Status out of an answer's bytes; null when they are anything else. */
export function parseStatus(body: Buffer): StatusView | null {
  return readStatus(parseJson(body))
}

/** Reads a Status out of parsed JSON; null when it is anything else. */
export function readStatus(raw: unknown): StatusView | null {
  if (!isRecord(raw) || raw['kind'] !== 'Status') return null
  const details = isRecord(raw['details']) ? raw['details'] : {}
  const causes = Array.isArray(details['causes']) ? details['causes'].slice(0, CAUSES_MAX) : []
  const message = text(raw['message'])
  const seconds = details['retryAfterSeconds']
  return {
    code: typeof raw['code'] === 'number' ? raw['code'] : 0,
    reason: text(raw['reason']),
    kind: text(details['kind']),
    name: text(details['name']),
    causes: causes
      .filter(isRecord)
      .map((cause) => ({ type: text(cause['reason']), field: text(cause['field']) })),
    retryAfterMs: typeof seconds === 'number' && seconds > 0 ? retryAfter(seconds) : null,
    phrases: new Set(PHRASE_NAMES.filter((phrase) => PHRASES[phrase].test(message))),
  }
}

const PHRASE_NAMES = Object.keys(PHRASES) as readonly Phrase[]

/** Milliseconds of a `Retry-After` header in seconds; null for a date, which the API server never sends. */
export function parseRetryAfter(header: string | readonly string[] | undefined): number | null {
  const value = typeof header === 'string' ? header : header?.[0]
  return value !== undefined && /^[0-9]{1,9}$/.test(value) ? retryAfter(Number(value)) : null
}

function retryAfter(seconds: number): number {
  return Math.min(seconds * 1000, RETRY_AFTER_MS_MAX)
}

type Unanswered = Extract<Failure, { kind: 'unanswered' }>['why']

const REFUSED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ECONNABORTED',
])
const TIMEOUT = new Set([
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
])
const CANCELLED = new Set(['UND_ERR_DESTROYED', 'UND_ERR_CLOSED', 'UND_ERR_ABORTED', 'ABORT_ERR'])
const TLS =
  /^(CERT_|ERR_TLS_|ERR_SSL_|EPROTO|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_CA)/

/** Why no answer came, from the error of a connection. The error's text is not kept. */
export function networkFailure(error: unknown): Unanswered {
  const code = errorCode(error, 0)
  if (REFUSED.has(code)) return 'refused'
  if (TIMEOUT.has(code)) return 'timeout'
  if (CANCELLED.has(code)) return 'cancelled'
  return TLS.test(code) ? 'tls' : 'reset'
}

/** The code of an error, of the first of several attempts, or of its cause. */
function errorCode(error: unknown, depth: number): string {
  if (depth > 3 || !isRecord(error)) return ''
  if (typeof error['code'] === 'string') return error['code']
  const inner: unknown = Array.isArray(error['errors']) ? error['errors'][0] : error['cause']
  return errorCode(inner, depth + 1)
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
