/** One list in pages, in the form that its resource asks for: each page is parsed, handed on and dropped before the next is asked for. */

import type { ResourceVersion } from '../core/names.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import type { Watched } from './changes.ts'
import type { CallRequest, Refusal } from './connection.ts'
import { isRecord, parseJson } from './json.ts'
import { pathTo } from './paths.ts'
import { isMarked } from './resources.ts'
import type { Watching } from './watching.ts'
import { versionOf } from './wire.ts'

const CONTINUE_LENGTH_MAX = 8192

export interface ListStart {
  /** To be at least at this version; null: the newest. */
  readonly from: ResourceVersion | null
  readonly pageSize: number
}

/** Why a list broke off, and whether on its first page or with a `continue` token. */
export interface ListRefusal extends Refusal {
  readonly isContinued: boolean
}

/**
 * Lists everything, and gives `take` the objects that matter (marked, known to the sink, or all Namespaces).
 * Answers the version to watch from. Whatever breaks off the list, `take` may already have seen some of it.
 */
export async function listPages<T extends Watched>(
  watching: Watching<T>,
  start: ListStart,
  take: (object: T) => unknown,
  signal: AbortSignal,
): Promise<Result<ResourceVersion, ListRefusal>> {
  const { resource, watcher, timing } = watching
  let token = ''
  for (let pages = 0; pages < timing.pagesMax; pages += 1) {
    watcher.attempted(resource.resource)
    const answer = await watching.cluster.call(pageRequest(watching, start, token), {
      signal,
      timeoutMs: timing.callMs,
    })
    if (!answer.ok) return failed({ ...answer.failure, isContinued: token !== '' })
    watcher.heard(resource.resource)
    const page = readPage(watching, answer.value.reveal())
    if (page === null) break
    for (const object of page.objects) take(object)
    if (page.token === '') return ok(page.version)
    token = page.token
  }
  return failed({ failure: { kind: 'malformed' }, status: null, isContinued: token !== '' })
}

/**
 * With a version, `NotOlderThan` is said outright: together with a limit, a bare version means exactly that one.
 * Later pages carry their version in the token.
 */
function pageRequest<T extends Watched>(watching: Watching<T>, start: ListStart, token: string): CallRequest {
  const { resource, namespace, timing } = watching
  const query: Record<string, string> = { limit: String(start.pageSize) }
  if (resource.fieldSelector !== null) query['fieldSelector'] = resource.fieldSelector
  if (resource.labelSelector !== null) query['labelSelector'] = resource.labelSelector
  if (token !== '') {
    query['continue'] = token
  } else if (start.from !== null) {
    query['resourceVersion'] = start.from
    query['resourceVersionMatch'] = 'NotOlderThan'
  }
  return {
    asked: { verb: 'list', resource: resource.resource, namespace, name: null },
    method: 'GET',
    path: pathTo(resource.resource, namespace, null, query),
    accept: resource.accept.list,
    answerBytesMax: timing.pageBytesMax,
  }
}

interface Page<T> {
  readonly objects: readonly T[]
  readonly version: ResourceVersion
  readonly token: string
}

function readPage<T extends Watched>(watching: Watching<T>, bytes: Buffer): Page<T> | null {
  const { resource, marks, sink } = watching
  const raw = parseJson(bytes)
  const version = versionOf(raw)
  if (raw === null || version === null || !isRecord(raw['metadata'])) return null
  const items = raw['items'] ?? []
  const token = raw['metadata']['continue'] ?? ''
  if (!Array.isArray(items) || typeof token !== 'string' || token.length > CONTINUE_LENGTH_MAX) return null
  const objects: T[] = []
  for (const item of items) {
    const object = resource.parse(item)
    if (object === null) return null
    const matters =
      !resource.isFiltered ||
      isMarked(object, marks) ||
      sink.isKnown(resource.namespaceOf(object), object.name)
    if (matters) objects.push(object)
  }
  return { objects, version, token }
}
