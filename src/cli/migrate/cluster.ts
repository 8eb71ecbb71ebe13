/** Reads a scene from a cluster: lists only, metadata only; what there is no right to read is told. */

import { readPrefixes } from '../../core/dialects/table.ts'
import type { Failure } from '../../core/failure.ts'
import { failed, ok } from '../../std/result.ts'
import type { Result } from '../../std/result.ts'
import type { Settings } from '../../config/settings.ts'
import { clusterApi } from '../../kube/calls.ts'
import type { Cluster } from '../../kube/connection.ts'
import { ACCEPT_JSON } from '../../kube/paths.ts'
import type { ResourceName } from '../../kube/paths.ts'
import { listTable } from '../../kube/table.ts'
import type { TableRow } from '../../kube/table.ts'
import { difference } from './differences.ts'
import { emptyScene, takeNamespace, takeObject, takeOther, takeWorkload } from './scene.ts'
import type { Scene, SceneDraft } from './scene.ts'

/** Kinds that replicator or old versions of reflector looked at, and we do not. */
const OTHER_KINDS: readonly (readonly [resource: ResourceName, kind: string, plural: string])[] = [
  ['roles', 'Role', 'Roles'],
  ['rolebindings', 'RoleBinding', 'RoleBindings'],
  ['serviceaccounts', 'ServiceAccount', 'ServiceAccounts'],
  ['certificates', 'Certificate', 'Certificates'],
]

interface Reader {
  readonly cluster: Cluster
  readonly settings: Settings
  readonly draft: SceneDraft
  readonly signal: AbortSignal
}

/** The failure is one sentence for a terminal. */
export async function readCluster(
  cluster: Cluster,
  settings: Settings,
  signal: AbortSignal,
): Promise<Result<Scene, string>> {
  const draft = emptyScene(settings.rules)
  const reader: Reader = { cluster, settings, draft, signal }
  const required = (await readNamespaces(reader)) ?? (await readMirrored(reader))
  if (required !== null) return failed(required)
  await readWorkloads(reader)
  await readOthers(reader)
  draft.identity = draft.namespaces.get('kube-system')?.uid ?? ''
  return draft.isOverfull ? failed('The cluster holds more objects than a report can cover.') : ok(draft)
}

/** The namespaces that are looked into, one by one; one empty name: all. */
function placesOf({ settings }: Reader): readonly string[] {
  return settings.namespaces ?? ['']
}

async function readNamespaces(reader: Reader): Promise<string | null> {
  const { cluster, settings, draft, signal } = reader
  if (settings.namespaces === null) {
    const listed = await list(reader, 'namespaces', '', ({ object }) => takeNamespace(draft, object))
    return listed.ok ? null : sentenceOf('Namespaces', listed.failure)
  }
  const api = clusterApi(cluster)
  for (const name of settings.namespaces) {
    const answer = await api.readNamespace(name, { signal })
    if (answer.ok) draft.namespaces.set(name, answer.value)
    else draft.unread.push(difference('not-read', { what: `Namespace ${name}`, why: answer.failure.kind }))
  }
  return null
}

async function readMirrored(reader: Reader): Promise<string | null> {
  const { settings, draft } = reader
  for (const kind of settings.rules.kinds) {
    const resource = kind === 'Secret' ? 'secrets' : 'configmaps'
    for (const place of placesOf(reader)) {
      const listed = await list(reader, resource, place, ({ object, cells }) =>
        takeObject(draft, kind, object, kind === 'Secret' ? (cells.get('Type') ?? null) : null),
      )
      if (!listed.ok) return sentenceOf(`${kind}s${place === '' ? '' : ` in ${place}`}`, listed.failure)
    }
  }
  return null
}

async function readWorkloads(reader: Reader): Promise<void> {
  const { draft } = reader
  for (const place of placesOf(reader)) {
    const listed = await list(reader, 'deployments', place, ({ object, cells }) =>
      takeWorkload(draft, object, {
        images: (cells.get('Images') ?? '').split(','),
        isScaledToZero: cells.get('Ready') === '0/0',
      }),
    )
    if (!listed.ok) noteUnread(draft, 'Deployments', listed.failure)
  }
}

async function readOthers(reader: Reader): Promise<void> {
  const { draft } = reader
  if (readPrefixes(reader.settings.rules).length === 1) return
  for (const [resource, kind, plural] of OTHER_KINDS) {
    if (resource === 'certificates' && !(await isServed(reader, CERTIFICATES_GROUP))) continue
    for (const place of placesOf(reader)) {
      const listed = await list(reader, resource, place, ({ object }) => takeOther(draft, kind, object))
      if (!listed.ok) noteUnread(draft, plural, listed.failure)
    }
  }
}

const CERTIFICATES_GROUP = '/apis/cert-manager.io/v1'

/** Asked first, since a list of what is not served is forbidden to most. What cannot be told counts as served. */
async function isServed({ cluster, signal }: Reader, path: string): Promise<boolean> {
  const asked = { verb: 'get', resource: 'apiresources', namespace: '', name: null } as const
  const answer = await cluster.call({ asked, method: 'GET', path, accept: ACCEPT_JSON }, { signal })
  if (answer.ok) return true
  const { failure } = answer.failure
  return !(failure.kind === 'rejected' && failure.code === 404)
}

/** A row that is not of the promised form breaks the list off. */
async function list(
  { cluster, signal }: Reader,
  resource: ResourceName,
  namespace: string,
  take: (row: TableRow) => boolean,
): Promise<Result<null, Failure>> {
  let isSound = true
  const listed = await listTable(
    cluster,
    {
      resource,
      namespace,
      fieldSelector: resource === 'secrets' ? 'type!=helm.sh/release.v1' : null,
      columns: ['Type', 'Ready', 'Images'],
    },
    (row) => {
      isSound = take(row) && isSound
    },
    signal,
  )
  return listed.ok && !isSound ? failed({ kind: 'malformed' }) : listed
}

function noteUnread(draft: SceneDraft, what: string, failure: Failure): void {
  const told = difference('not-read', { what, why: failure.kind })
  if (!draft.unread.some(({ sentence }) => sentence === told.sentence)) draft.unread.push(told)
}

function sentenceOf(what: string, failure: Failure): string {
  switch (failure.kind) {
    case 'forbidden':
    case 'unauthorized':
      return `You may not list ${what}: a report needs that right.`
    case 'unanswered':
      return 'The API server does not answer.'
    default:
      return `${what} could not be listed (${failure.kind}).`
  }
}
