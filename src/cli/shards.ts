/** Joins the sharing of peers to home: its Leases, watched by label in the controller's own namespace. */

import { randomBytes } from 'node:crypto'

import type { Settings } from '../config/settings.ts'
import type { ClusterApi } from '../kube/api.ts'
import type { Cluster } from '../kube/connection.ts'
import { watchLeases } from '../kube/lease-watch.ts'
import type { Logger } from '../ops/logger.ts'
import { Shards } from '../ops/shards.ts'
import { systemClock } from '../std/clock.ts'
import { systemRandom } from '../std/random.ts'

export interface ShardingOptions {
  readonly settings: Settings
  readonly cluster: Cluster
  readonly api: ClusterApi
  readonly log: Logger
  /** Unique to this process, as the holder of its Leases. */
  readonly identity: string
  readonly isReady: () => boolean
  readonly changed: () => void
}

const ID_BYTES = 4

export function shardsOf(options: ShardingOptions): Shards {
  const { settings, cluster, api, log, identity, isReady, changed } = options
  const { prefix, ownNamespace: namespace } = settings.rules
  const [clock, random] = [systemClock, systemRandom]
  const label = `${prefix}lease`
  return new Shards({
    api,
    clock,
    random,
    log,
    identity,
    id: randomBytes(ID_BYTES).toString('hex'),
    namespace,
    label,
    identitiesKey: `${prefix}peer-identities`,
    enabled: settings.leaderElection,
    isReady,
    watch: (shown, signal) =>
      watchLeases({ cluster, namespace, labelSelector: label, changed: shown, clock, random, signal }),
    changed,
  })
}
