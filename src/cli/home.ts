/** Opens the home cluster as the settings and the environment name it. */

import type { Settings } from '../config/settings.ts'
import { connect } from '../kube/connection.ts'
import type { Cluster, RequestObserver } from '../kube/connection.ts'
import { loadAccess } from '../kube/kubeconfig.ts'
import { systemClock } from '../std/clock.ts'
import { UserError } from '../std/user-error.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface HomeOptions {
  readonly settings: Settings
  readonly environment: Environment
  readonly version: string
  readonly observer: RequestObserver
}

/** `--kubeconfig`, else `KUBECONFIG`, else the pod's service account. Throws a {@link UserError} with one sentence where none of them leads to a cluster. */
export async function openHome({ settings, environment, version, observer }: HomeOptions): Promise<Cluster> {
  const fromEnvironment = environment['KUBECONFIG'] ?? ''
  const access = await loadAccess({
    kubeconfig: settings.kubeconfig ?? (fromEnvironment === '' ? null : fromEnvironment),
    context: settings.context,
    serviceHost: environment['KUBERNETES_SERVICE_HOST'],
    servicePort: environment['KUBERNETES_SERVICE_PORT'],
  })
  if (!access.ok) throw new UserError(access.failure.reason)
  const cluster = await connect({ access: access.value, version, clock: systemClock, observer })
  if (!cluster.ok) throw new UserError(cluster.failure.reason)
  return cluster.value
}
