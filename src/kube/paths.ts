/** Paths, queries and Accept headers of the few API resources that are used. */

import type { Kind } from '../core/names.ts'

/** Metadata only, with no fallback to whole objects: a server that cannot do it answers 406 instead of sending data. */
export const ACCEPT_META = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
export const ACCEPT_META_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
/** Columns as kubectl prints them, with metadata but never the objects themselves. */
export const ACCEPT_TABLE = 'application/json;as=Table;g=meta.k8s.io;v=v1'
export const ACCEPT_JSON = 'application/json'

const CORE = '/api/v1'
const LEASES = '/apis/coordination.k8s.io/v1'
const PROPERTIES = '/apis/about.k8s.io/v1alpha1'
const AUTHORIZATION = '/apis/authorization.k8s.io/v1'
const RBAC = '/apis/rbac.authorization.k8s.io/v1'

const RESOURCES = {
  secrets: CORE,
  configmaps: CORE,
  namespaces: CORE,
  events: CORE,
  leases: LEASES,
  clusterproperties: PROPERTIES,
  selfsubjectaccessreviews: AUTHORIZATION,
  serviceaccounts: CORE,
  roles: RBAC,
  rolebindings: RBAC,
  deployments: '/apis/apps/v1',
  certificates: '/apis/cert-manager.io/v1',
} as const
export type ResourceName = keyof typeof RESOURCES

/** The plural under which a kind is served. */
export function resourceOf(kind: Kind): 'secrets' | 'configmaps' {
  return kind === 'Secret' ? 'secrets' : 'configmaps'
}

/** Path of a collection, or of one object in it. An empty namespace means cluster-wide or cluster-scoped. */
export function pathTo(
  resource: ResourceName,
  namespace: string,
  name: string | null,
  query: Readonly<Record<string, string>> = {},
): string {
  const scope = namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`
  const object = name === null ? '' : `/${encodeURIComponent(name)}`
  const search = new URLSearchParams(query).toString()
  return `${RESOURCES[resource]}${scope}/${resource}${object}${search === '' ? '' : `?${search}`}`
}
