/** One list in pages as kubectl prints it: each row has metadata and the columns that were asked for, never a spec and never data. */

import type { Failure } from '../core/failure.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import type { Cluster, Refusal } from './connection.ts'
import { isRecord, parseJson } from './json.ts'
import type { Json } from './json.ts'
import { ACCEPT_TABLE, pathTo } from './paths.ts'
import type { ResourceName } from './paths.ts'

export interface TableRequest {
  readonly resource: ResourceName
  /** Empty: all namespaces. */
  readonly namespace: string
  /** Null: everything. */
  readonly fieldSelector: string | null
  /** Names of the columns that are wanted; others are dropped. */
  readonly columns: readonly string[]
}

export interface TableRow {
  /** The object's PartialObjectMetadata, unchecked. */
  readonly object: Json
  /** Wanted columns by name; one that the server does not print, or not as text, is missing. */
  readonly cells: ReadonlyMap<string, string>
}

const PAGE_SIZE = 500
/** More is a server that never ends a list. */
const PAGES_MAX = 20_000
const PAGE_BYTES_MAX = 32 * 1024 * 1024
const CONTINUE_LENGTH_MAX = 8_192
/** A list that takes longer than the server keeps its version is begun again. */
const STARTS_MAX = 3

/** Gives `take` every row. It may see rows twice: a list that expires on its way is begun anew. */
export async function listTable(
  cluster: Cluster,
  request: TableRequest,
  take: (row: TableRow) => void,
  signal: AbortSignal,
): Promise<Result<null, Failure>> {
  let last: Result<null, Failure> = failed({ kind: 'expired' })
  for (let starts = 0; starts < STARTS_MAX; starts += 1) {
    last = await listOnce(cluster, request, take, signal)
    if (last.ok || last.failure.kind !== 'expired') return last
  }
  return last
}

async function listOnce(
  cluster: Cluster,
  request: TableRequest,
  take: (row: TableRow) => void,
  signal: AbortSignal,
): Promise<Result<null, Failure>> {
  let token = ''
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const answer = await askPage(cluster, request, token, signal)
    if (!answer.ok) return failed(answer.failure.failure)
    const page = readPage(answer.value, request.columns)
    if (page === null) break
    for (const row of page.rows) take(row)
    if (page.token === '') return ok(null)
    token = page.token
  }
  return failed({ kind: 'malformed' })
}

async function askPage(
  cluster: Cluster,
  { resource, namespace, fieldSelector }: TableRequest,
  token: string,
  signal: AbortSignal,
): Promise<Result<Buffer, Refusal>> {
  const query = {
    limit: String(PAGE_SIZE),
    includeObject: 'Metadata',
    ...(fieldSelector === null ? {} : { fieldSelector }),
    ...(token === '' ? {} : { continue: token }),
  }
  const answer = await cluster.call(
    {
      asked: { verb: 'list', resource, namespace, name: null },
      method: 'GET',
      path: pathTo(resource, namespace, null, query),
      accept: ACCEPT_TABLE,
      answerBytesMax: PAGE_BYTES_MAX,
    },
    { signal },
  )
  return answer.ok ? ok(answer.value.reveal()) : answer
}

interface Page {
  readonly rows: readonly TableRow[]
  readonly token: string
}

function readPage(bytes: Buffer, columns: readonly string[]): Page | null {
  const raw = parseJson(bytes)
  if (raw === null || raw['kind'] !== 'Table' || !isRecord(raw['metadata'])) return null
  const token = raw['metadata']['continue'] ?? ''
  const rows: unknown = raw['rows'] ?? []
  if (typeof token !== 'string' || token.length > CONTINUE_LENGTH_MAX || !Array.isArray(rows)) return null
  const places = placesOf(raw['columnDefinitions'], columns)
  const read: TableRow[] = []
  for (const row of rows) {
    if (!isRecord(row) || !isRecord(row['object'])) return null
    read.push({ object: row['object'], cells: cellsOf(row['cells'], places) })
  }
  return { rows: read, token }
}

function placesOf(definitions: unknown, columns: readonly string[]): ReadonlyMap<string, number> {
  const places = new Map<string, number>()
  if (!Array.isArray(definitions)) return places
  for (const [place, definition] of definitions.entries()) {
    const name: unknown = isRecord(definition) ? definition['name'] : null
    if (typeof name === 'string' && columns.includes(name)) places.set(name, place)
  }
  return places
}

function cellsOf(cells: unknown, places: ReadonlyMap<string, number>): ReadonlyMap<string, string> {
  const read = new Map<string, string>()
  if (!Array.isArray(cells)) return read
  for (const [name, place] of places) {
    const cell: unknown = cells[place]
    if (typeof cell === 'string') read.set(name, cell)
  }
  return read
}
