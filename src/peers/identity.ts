/** Which cluster a peer is: its ClusterProperty, else the UID of its kube-system. */

import type { Failure } from '../core/failure.ts'
import type { CallOptions, ClusterApi } from '../kube/api.ts'
import { clusterName } from '../kube/cluster-name.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'

/** Asked of the cluster itself: needs to read the ClusterProperty, where there is one, and the Namespace kube-system. */
export async function identityOf(
  api: Pick<ClusterApi, 'readClusterProperty' | 'readNamespace'>,
  options: CallOptions,
): Promise<Result<string, Failure>> {
  const name = await clusterName(api, options)
  if (!name.ok || name.value !== '') return name
  const kubeSystem = await api.readNamespace('kube-system', options)
  return kubeSystem.ok ? ok(kubeSystem.value.uid) : failed(kubeSystem.failure)
}
