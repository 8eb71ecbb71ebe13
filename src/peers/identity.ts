/** Which cluster a peer is: its ClusterProperty, else the UID of its kube-system. */

import type { Failure } from '../core/failure.ts'
import type { CallOptions, ClusterApi } from '../kube/api.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'

/** The ClusterProperty that names a cluster of a cluster set (KEP-2149). */
export const CLUSTER_PROPERTY = 'cluster.clusterset.k8s.io'
const IDENTITY_LENGTH_MAX = 253

/** Asked of the cluster itself: needs to read the ClusterProperty, where there is one, and the Namespace kube-system. */
export async function identityOf(
  api: Pick<ClusterApi, 'readClusterProperty' | 'readNamespace'>,
  options: CallOptions,
): Promise<Result<string, Failure>> {
  const property = await api.readClusterProperty(CLUSTER_PROPERTY, options)
  if (!property.ok && property.failure.kind !== 'absent') return property
  if (property.ok && property.value !== '' && property.value.length <= IDENTITY_LENGTH_MAX)
    return ok(property.value)
  const kubeSystem = await api.readNamespace('kube-system', options)
  return kubeSystem.ok ? ok(kubeSystem.value.uid) : failed(kubeSystem.failure)
}
