/** What a cluster calls itself, where it has a name of its own: one of the two things that an identity is made of. */

import type { Failure } from '../core/failure.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import type { CallOptions, ClusterApi } from './api.ts'

/** The ClusterProperty that names a cluster of a cluster set (KEP-2149). */
export const CLUSTER_PROPERTY = 'cluster.clusterset.k8s.io'
/** Characters of an identity; a longer name is none. */
export const IDENTITY_LENGTH_MAX = 253

/** The name; empty where the cluster has none, or one that no identity can be. */
export async function clusterName(
  api: Pick<ClusterApi, 'readClusterProperty'>,
  options: CallOptions,
): Promise<Result<string, Failure>> {
  const property = await api.readClusterProperty(CLUSTER_PROPERTY, options)
  if (property.ok) return ok(property.value.length > IDENTITY_LENGTH_MAX ? '' : property.value)
  return property.failure.kind === 'absent' ? ok('') : failed(property.failure)
}
