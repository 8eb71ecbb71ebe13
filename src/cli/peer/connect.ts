/** Opens a peer with the credential of its own Secret. */

import type { Access } from '../../kube/access.ts'
import type { ClusterApi } from '../../kube/api.ts'
import { clusterApi } from '../../kube/calls.ts'
import { connect } from '../../kube/connection.ts'
import type { Cluster } from '../../kube/connection.ts'
import { failed, ok } from '../../std/result.ts'
import type { Result } from '../../std/result.ts'
import type { Home } from './home.ts'

export interface OpenPeer {
  readonly cluster: Cluster
  readonly api: ClusterApi
}

/** The failure is a fixed reason. The caller closes the cluster. */
export async function openPeer(
  { version, clock }: Pick<Home, 'version' | 'clock'>,
  access: Access,
): Promise<Result<OpenPeer, string>> {
  const cluster = await connect({ access, version, clock, observer: { answered: () => {} } })
  if (!cluster.ok) return failed(cluster.failure.reason)
  return ok({ cluster: cluster.value, api: clusterApi(cluster.value) })
}
