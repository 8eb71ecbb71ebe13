/** The metadata of all objects of one kind that a label selects: listed once, in pages. */

import type { Failure } from '../core/failure.ts'
import type { Kind } from '../core/names.ts'
import type { ObjectMeta } from '../core/objects.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import type { CallOptions } from './api.ts'
import type { Cluster } from './connection.ts'
import { isRecord, parseJson } from './json.ts'
import { ACCEPT_META_LIST, pathTo, resourceOf } from './paths.ts'
import { objectMeta } from './wire.ts'

const PAGE_SIZE = 500
/** A million objects; more is a server that never ends a list. */
const PAGES_MAX = 2_000
const PAGE_BYTES_MAX = 32 * 1024 * 1024
const CONTINUE_LENGTH_MAX = 8_192
/** A list that takes longer than the server keeps its version is begun again. */
const STARTS_MAX = 3

export interface LabelledRequest {
  readonly kind: Kind
  /** Empty: all namespaces. */
  readonly namespace: string
  /** As in `kubectl get -l`: `heliograph.dev/mirror`, or `key=value`. */
  readonly labelSelector: string
}

export async function listLabelled(
  cluster: Cluster,
  request: LabelledRequest,
  options: CallOptions,
): Promise<Result<readonly ObjectMeta[], Failure>> {
  let last: Result<readonly ObjectMeta[], Failure> = failed({ kind: 'expired' })
  for (let starts = 0; starts < STARTS_MAX; starts += 1) {
    last = await listOnce(cluster, request, options)
    if (last.ok || last.failure.kind !== 'expired') return last
  }
  return last
}

async function listOnce(
  cluster: Cluster,
  { kind, namespace, labelSelector }: LabelledRequest,
  options: CallOptions,
): Promise<Result<readonly ObjectMeta[], Failure>> {
  const resource = resourceOf(kind)
  const found: ObjectMeta[] = []
  let token = ''
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const query = { limit: String(PAGE_SIZE), labelSelector, ...(token === '' ? {} : { continue: token }) }
    const answer = await cluster.call(
      {
        asked: { verb: 'list', resource, namespace, name: null },
        method: 'GET',
        path: pathTo(resource, namespace, null, query),
        accept: ACCEPT_META_LIST,
        answerBytesMax: PAGE_BYTES_MAX,
      },
      options,
    )
    if (!answer.ok) return failed(answer.failure.failure)
    const page = readPage(kind, answer.value.reveal())
    if (page === null) break
    found.push(...page.objects)
    if (page.token === '') return ok(found)
    token = page.token
  }
  return failed({ kind: 'malformed' })
}

function readPage(
  kind: Kind,
  bytes: Buffer,
): { readonly objects: readonly ObjectMeta[]; readonly token: string } | null {
  const raw = parseJson(bytes)
  if (raw === null || !isRecord(raw['metadata'])) return null
  const items: unknown = raw['items'] ?? []
  const token = raw['metadata']['continue'] ?? ''
  if (!Array.isArray(items) || typeof token !== 'string' || token.length > CONTINUE_LENGTH_MAX) return null
  const objects = items.map((item) => objectMeta(kind, item))
  return objects.every((object) => object !== null) ? { objects, token } : null
}
