/** The ClusterRoleBindings and RoleBindings of a cluster, as far as they say who is given what: listed once, in pages, never changed. */

import type { Failure } from '../core/failure.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import type { CallOptions } from './api.ts'
import type { Cluster } from './connection.ts'
import { isRecord, parseJson } from './json.ts'
import type { Json } from './json.ts'
import { ACCEPT_JSON } from './paths.ts'

const PATHS = { ClusterRoleBinding: 'clusterrolebindings', RoleBinding: 'rolebindings' } as const
export type BindingKind = keyof typeof PATHS

const PAGE_SIZE = 500
/** A hundred thousand bindings; more is a server that never ends a list. */
const PAGES_MAX = 200
const PAGE_BYTES_MAX = 32 * 1024 * 1024
const CONTINUE_LENGTH_MAX = 8_192
/** A list that takes longer than the server keeps its version is begun again. */
const STARTS_MAX = 3

export interface Subject {
  readonly kind: string
  readonly name: string
  /** Empty where it has none. */
  readonly namespace: string
}

export interface Binding {
  readonly kind: BindingKind
  /** Empty for a ClusterRoleBinding. */
  readonly namespace: string
  readonly name: string
  /** What it gives, as `ClusterRole admin`. */
  readonly role: string
  readonly subjects: readonly Subject[]
}

/** Every one in the whole cluster. */
export async function listBindings(
  cluster: Pick<Cluster, 'call'>,
  kind: BindingKind,
  options: CallOptions,
): Promise<Result<readonly Binding[], Failure>> {
  let last: Result<readonly Binding[], Failure> = failed({ kind: 'expired' })
  for (let starts = 0; starts < STARTS_MAX; starts += 1) {
    last = await listOnce(cluster, kind, options)
    if (last.ok || last.failure.kind !== 'expired') return last
  }
  return last
}

async function listOnce(
  cluster: Pick<Cluster, 'call'>,
  kind: BindingKind,
  options: CallOptions,
): Promise<Result<readonly Binding[], Failure>> {
  const found: Binding[] = []
  let token = ''
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const query = new URLSearchParams({
      limit: String(PAGE_SIZE),
      ...(token === '' ? {} : { continue: token }),
    })
    const answer = await cluster.call(
      {
        asked: { verb: 'list', resource: PATHS[kind], namespace: '', name: null },
        method: 'GET',
        path: `/apis/rbac.authorization.k8s.io/v1/${PATHS[kind]}?${query.toString()}`,
        accept: ACCEPT_JSON,
        answerBytesMax: PAGE_BYTES_MAX,
      },
      options,
    )
    if (!answer.ok) return failed(answer.failure.failure)
    const page = readPage(kind, answer.value.reveal())
    if (page === null) break
    found.push(...page.bindings)
    if (page.token === '') return ok(found)
    token = page.token
  }
  return failed({ kind: 'malformed' })
}

function readPage(
  kind: BindingKind,
  bytes: Buffer,
): { readonly bindings: readonly Binding[]; readonly token: string } | null {
  const raw = parseJson(bytes)
  if (raw === null || !isRecord(raw['metadata'])) return null
  const items: unknown = raw['items'] ?? []
  const token = raw['metadata']['continue'] ?? ''
  if (!Array.isArray(items) || typeof token !== 'string' || token.length > CONTINUE_LENGTH_MAX) return null
  const bindings = items.map((item) => bindingOf(kind, item))
  return bindings.every((each) => each !== null) ? { bindings, token } : null
}

function bindingOf(kind: BindingKind, raw: unknown): Binding | null {
  if (!isRecord(raw)) return null
  const { metadata, roleRef, subjects = [] } = raw
  if (!isRecord(metadata) || !isRecord(roleRef) || !Array.isArray(subjects)) return null
  return {
    kind,
    namespace: textOf(metadata, 'namespace'),
    name: textOf(metadata, 'name'),
    role: `${textOf(roleRef, 'kind')} ${textOf(roleRef, 'name')}`,
    subjects: subjects.filter(isRecord).map((subject) => ({
      kind: textOf(subject, 'kind'),
      name: textOf(subject, 'name'),
      namespace: textOf(subject, 'namespace'),
    })),
  }
}

function textOf(record: Json, field: string): string {
  const value = record[field]
  return typeof value === 'string' ? value : ''
}
