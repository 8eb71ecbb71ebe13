/**
 * Every right that the program uses at home: one row per rule, with the request that needs it.
 * The chart's rendered RBAC equals this table, neither more nor less; a verb that is not here is not asked for anywhere.
 */

import { DIGEST_KEY_SECRET_NAME } from '../core/eligibility.ts'
import type { Kind } from '../core/names.ts'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'patch' | 'update' | 'delete'

/** Where the program works: in the whole cluster, or in named namespaces only. */
export type Reach = 'cluster' | 'named namespaces'

/**
 * `scope`: a ClusterRole; or a Role in each named namespace, in the controller's own, or in kube-system.
 * `names`: the rule binds only objects of these names; null: all.
 * `reach`: the rule is needed only then; null: always.
 * `when`: the rule is needed only then. `Secret` and `ConfigMap`: this kind is mirrored; `key apart`: the digest key does not lie among
 * Secrets that are watched; null: always.
 */
export interface Right {
  readonly apiGroup: string
  readonly resource: string
  readonly verbs: readonly Verb[]
  readonly scope: 'cluster' | 'each namespace' | 'own namespace' | 'kube-system'
  readonly names: readonly string[] | null
  readonly reach: Reach | null
  readonly when: Kind | 'key apart' | null
  readonly reason: string
}

const MIRRORED_VERBS = ['get', 'list', 'watch', 'create', 'patch', 'delete'] as const

/** Name of the Lease that elects the leader and carries releases of held deletions. */
export const LEASE_NAME = 'heliograph'

/** The rows that are the same in the whole cluster and in each named namespace, but for their scope. */
function mirroring(scope: 'cluster' | 'each namespace'): readonly Right[] {
  const reach: Reach = scope === 'cluster' ? 'cluster' : 'named namespaces'
  return [
    {
      apiGroup: '',
      resource: 'secrets',
      verbs: MIRRORED_VERBS,
      scope,
      names: null,
      reach,
      when: 'Secret',
      reason:
        'Origins and mirrors are watched by metadata and read singly; mirrors are created by POST, changed by JSON patch, deleted with preconditions. The digest key can lie among them.',
    },
    {
      apiGroup: '',
      resource: 'configmaps',
      verbs: MIRRORED_VERBS,
      scope,
      names: null,
      reach,
      when: 'ConfigMap',
      reason: 'As for Secrets.',
    },
    {
      apiGroup: '',
      resource: 'events',
      verbs: ['create', 'patch'],
      scope,
      names: null,
      reach,
      when: null,
      reason:
        'Owners are told beside the object that it is about; a repeat raises the count of the Event that stands.',
    },
  ]
}

export const RIGHTS: readonly Right[] = [
  ...mirroring('cluster'),
  ...mirroring('each namespace'),
  {
    apiGroup: '',
    resource: 'namespaces',
    verbs: ['get', 'list', 'watch'],
    scope: 'cluster',
    names: null,
    reach: 'cluster',
    when: null,
    reason:
      'Targets are found by name and label, consent is read from annotations, kube-system has the identity.',
  },
  {
    apiGroup: '',
    resource: 'namespaces',
    verbs: ['get'],
    scope: 'each namespace',
    names: null,
    reach: 'named namespaces',
    when: null,
    reason:
      'Labels and consent of a named namespace are read once a minute. A Role gives its own Namespace and no other.',
  },
  {
    apiGroup: '',
    resource: 'namespaces',
    verbs: ['get'],
    scope: 'own namespace',
    names: null,
    reach: 'named namespaces',
    when: null,
    reason: 'At start it is checked that the own namespace exists.',
  },
  {
    apiGroup: '',
    resource: 'events',
    verbs: ['create', 'patch'],
    scope: 'own namespace',
    names: null,
    reach: 'named namespaces',
    when: null,
    reason: 'A malformed digest key is told beside it.',
  },
  {
    apiGroup: '',
    resource: 'namespaces',
    verbs: ['get'],
    scope: 'kube-system',
    names: null,
    reach: 'named namespaces',
    when: null,
    reason: "Its uid is the cluster's identity.",
  },
  {
    apiGroup: 'about.k8s.io',
    resource: 'clusterproperties',
    verbs: ['get'],
    scope: 'cluster',
    names: ['cluster.clusterset.k8s.io'],
    reach: 'cluster',
    when: null,
    reason: "The cluster's identity, where it has one.",
  },
  {
    apiGroup: 'coordination.k8s.io',
    resource: 'leases',
    verbs: ['create'],
    scope: 'own namespace',
    names: null,
    reach: null,
    when: null,
    reason: 'The Lease is made at first start. RBAC cannot bind create to a name.',
  },
  {
    apiGroup: 'coordination.k8s.io',
    resource: 'leases',
    verbs: ['get', 'update'],
    scope: 'own namespace',
    names: [LEASE_NAME],
    reach: null,
    when: null,
    reason: 'Leader election, and the release of held deletions.',
  },
  {
    apiGroup: '',
    resource: 'secrets',
    verbs: ['create'],
    scope: 'own namespace',
    names: null,
    reach: null,
    when: 'key apart',
    reason: 'The digest key is made at first start. RBAC cannot bind create to a name.',
  },
  {
    apiGroup: '',
    resource: 'secrets',
    verbs: ['get'],
    scope: 'own namespace',
    names: [DIGEST_KEY_SECRET_NAME],
    reach: null,
    when: 'key apart',
    reason: 'The digest key is read.',
  },
]

/** The rows that hold when these kinds are mirrored with this reach. */
export function rightsFor(kinds: readonly Kind[], reach: Reach = 'cluster'): readonly Right[] {
  return RIGHTS.filter((right) => {
    if (right.reach !== null && right.reach !== reach) return false
    if (right.when === null) return true
    if (right.when === 'key apart') return reach === 'named namespaces' || !kinds.includes('Secret')
    return kinds.includes(right.when)
  })
}
