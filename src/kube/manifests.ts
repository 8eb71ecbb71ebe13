/** Whole objects of the few kinds that make up an account and its rights: read and created, never changed and never deleted. */

import type { Failure } from '../core/failure.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import { Sensitive } from '../std/sensitive.ts'
import type { CallOptions } from './api.ts'
import type { CallRequest, Cluster } from './connection.ts'
import { FIELD_MANAGER } from './fields.ts'
import { parseJson } from './json.ts'
import type { Json } from './json.ts'
import { ACCEPT_JSON } from './paths.ts'

const RBAC = 'rbac.authorization.k8s.io/v1'

const KINDS = {
  Namespace: { apiVersion: 'v1', plural: 'namespaces' },
  ServiceAccount: { apiVersion: 'v1', plural: 'serviceaccounts' },
  ClusterRole: { apiVersion: RBAC, plural: 'clusterroles' },
  ClusterRoleBinding: { apiVersion: RBAC, plural: 'clusterrolebindings' },
  Role: { apiVersion: RBAC, plural: 'roles' },
  RoleBinding: { apiVersion: RBAC, plural: 'rolebindings' },
} as const
export type ManifestKind = keyof typeof KINDS

/** An object as it is written; none of these kinds holds a secret. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: ManifestKind
  readonly metadata: {
    readonly name: string
    /** Left out for cluster-scoped kinds. */
    readonly namespace?: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

export function apiVersionOf(kind: ManifestKind): string {
  return KINDS[kind].apiVersion
}

/** What stands under the manifest's name, unchecked; `absent` where nothing does. */
export async function readManifest(
  cluster: Cluster,
  manifest: Manifest,
  options: CallOptions,
): Promise<Result<Json, Failure>> {
  const { name, namespace = '' } = manifest.metadata
  const { plural } = KINDS[manifest.kind]
  const request: CallRequest = {
    asked: { verb: 'get', resource: plural, namespace, name },
    method: 'GET',
    path: `${collection(manifest)}/${encodeURIComponent(name)}`,
    accept: ACCEPT_JSON,
  }
  return await send(cluster, request, options)
}

/** POST: nothing that exists is changed; `exists` where something stands there. */
export async function createManifest(
  cluster: Cluster,
  manifest: Manifest,
  options: CallOptions,
): Promise<Result<Json, Failure>> {
  const { namespace = '' } = manifest.metadata
  const request: CallRequest = {
    asked: { verb: 'create', resource: KINDS[manifest.kind].plural, namespace, name: null },
    method: 'POST',
    path: `${collection(manifest)}?${new URLSearchParams({ fieldManager: FIELD_MANAGER }).toString()}`,
    accept: ACCEPT_JSON,
    contentType: ACCEPT_JSON,
    body: new Sensitive([Buffer.from(JSON.stringify(manifest))]),
  }
  return await send(cluster, request, options)
}

function collection({ kind, metadata }: Manifest): string {
  const { apiVersion, plural } = KINDS[kind]
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const scope =
    metadata.namespace === undefined ? '' : `/namespaces/${encodeURIComponent(metadata.namespace)}`
  return `${root}${scope}/${plural}`
}

async function send(
  cluster: Cluster,
  request: CallRequest,
  options: CallOptions,
): Promise<Result<Json, Failure>> {
  const answer = await cluster.call(request, options)
  if (!answer.ok) return failed(answer.failure.failure)
  const raw = parseJson(answer.value.reveal())
  return raw === null ? failed({ kind: 'malformed' }) : ok(raw)
}
