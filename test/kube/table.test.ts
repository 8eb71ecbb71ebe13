/** A list as kubectl prints it: metadata and named columns of every page, and a failure as a value. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { listTable } from '../../src/kube/table.ts'
import type { TableRow } from '../../src/kube/table.ts'
import type { Failure } from '../../src/core/failure.ts'
import type { Result } from '../../src/std/result.ts'
import { FakeClock } from './fake-clock.ts'
import { open, plainAccess } from './rig.ts'
import { ScriptedServer } from './scripted-server.ts'

const COLUMNS = [{ name: 'Name' }, { name: 'Type' }, { name: 'Data' }]
const row = (name: string, type: unknown): object => ({
  cells: [name, type, 2],
  object: { kind: 'PartialObjectMetadata', metadata: { name } },
})

interface Listing {
  readonly server: ScriptedServer
  readonly rows: readonly TableRow[]
  readonly listed: Promise<Result<null, Failure>>
}

async function start(t: TestContext): Promise<Listing> {
  const server = await ScriptedServer.start(t)
  const cluster = await open(t, plainAccess(server.url), new FakeClock())
  const rows: TableRow[] = []
  const request = {
    resource: 'secrets',
    namespace: 'a',
    fieldSelector: 'type!=x',
    columns: ['Type'],
  } as const
  const { signal } = new AbortController()
  return { server, rows, listed: listTable(cluster, request, (each) => rows.push(each), signal) }
}

const table = (rows: readonly object[], token = ''): object => ({
  kind: 'Table',
  metadata: { resourceVersion: '1', ...(token === '' ? {} : { continue: token }) },
  columnDefinitions: COLUMNS,
  rows,
})

test('all pages are read, metadata only, with the wanted columns', async (t) => {
  const { server, rows, listed } = await start(t)
  const first = await server.next()
  assert.equal(first.method, 'GET')
  assert.equal(first.path, '/api/v1/namespaces/a/secrets')
  assert.equal(first.headers.accept, 'application/json;as=Table;g=meta.k8s.io;v=v1')
  assert.equal(first.query.get('includeObject'), 'Metadata')
  assert.equal(first.query.get('fieldSelector'), 'type!=x')
  first.json(200, table([row('x', 'Opaque')], 'more'))
  const second = await server.next()
  assert.equal(second.query.get('continue'), 'more')
  second.json(200, table([row('y', 7)]))
  assert.ok((await listed).ok)
  assert.deepEqual(
    rows.map(({ object, cells }) => [object['metadata'], Object.fromEntries(cells)]),
    [
      [{ name: 'x' }, { Type: 'Opaque' }],
      [{ name: 'y' }, {}],
    ],
  )
})

test('a list that expires on its way is begun anew', async (t) => {
  const { server, rows, listed } = await start(t)
  ;(await server.next()).json(200, table([row('x', 'Opaque')], 'more'))
  ;(await server.next()).json(410, { kind: 'Status', code: 410, reason: 'Expired' })
  const again = await server.next()
  assert.equal(again.query.get('continue'), null)
  again.json(200, table([row('x', 'Opaque')]))
  assert.ok((await listed).ok)
  assert.equal(rows.length, 2)
})

for (const [what, body] of [
  ['whole objects instead of a table', { kind: 'SecretList', metadata: {}, items: [] }],
  ['a row without metadata', table([{ cells: ['x'] }])],
  ['a row that is none', table(['x' as unknown as object])],
] as const)
  test(`${what}: malformed`, async (t) => {
    const { server, listed } = await start(t)
    ;(await server.next()).json(200, body)
    assert.deepEqual(await listed, { ok: false, failure: { kind: 'malformed' } })
  })

test('missing rights are a failure', async (t) => {
  const { server, listed } = await start(t)
  ;(await server.next()).json(403, { kind: 'Status', code: 403, reason: 'Forbidden' })
  assert.deepEqual(await listed, { ok: false, failure: { kind: 'forbidden' } })
})
