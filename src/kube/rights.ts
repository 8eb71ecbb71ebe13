/**
 * Every right that the program uses, at home and on peers: one row per rule, with the request that needs it.
 * The chart's rendered RBAC equals the table of home, neither more nor less; a verb that is not here is not asked for anywhere.
 */

import { DIGEST_KEY_SECRET_NAME } from '../core/eligibility.ts'
import type { Kind } from '../core/names.ts'
import { CLUSTER_PROPERTY } from './cluster-name.ts'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'patch' | 'update' | 'delete'

/** Where the program works: in the whole cluster, or in named namespaces only. */
export type Reach = 'cluster' | 'named namespaces'

/**
 * `scope`: a ClusterRole; or a Role in each named namespace, in the controller's own, in kube-system, or (on a peer) in the namespace
 * of the ServiceAccount that the credential speaks for.
 * `names`: the rule binds only objects of these names; null: all.
 * `reach`: the rule is needed only then; null: always.
 * `when`: the rule is needed only then. `Secret` and `ConfigMap`: this kind is mirrored; `key apart`: the digest key does not lie among
 * Secrets that are watched; `peers`: other clusters may be forwarded to; `peers apart`: both; `createNamespaces`: missing namespaces of a
 * peer are made; `renewal`: the credential is renewed by TokenRequest; null: always.
 */
export interface Right {
  readonly apiGroup: string
  readonly resource: string
  readonly verbs: readonly Verb[]
  readonly scope: 'cluster' | 'each namespace' | 'own namespace' | 'kube-system' | 'account'
  readonly names: readonly string[] | null
  readonly reach: Reach | null
  readonly when: Kind | 'key apart' | 'peers' | 'peers apart' | 'createNamespaces' | 'renewal' | null
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

const NAMESPACES: Right = {
  apiGroup: '',
  resource: 'namespaces',
  verbs: ['get', 'list', 'watch'],
  scope: 'cluster',
  names: null,
  reach: 'cluster',
  when: null,
  reason:
    'Targets are found by name and label, consent is read from annotations, kube-system has the identity.',
}

export const RIGHTS: readonly Right[] = [
  ...mirroring('cluster'),
  ...mirroring('each namespace'),
  NAMESPACES,
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
    names: [CLUSTER_PROPERTY],
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
  {
    apiGroup: '',
    resource: 'secrets',
    verbs: ['get', 'list', 'watch', 'patch'],
    scope: 'own namespace',
    names: null,
    reach: null,
    when: 'peers apart',
    reason:
      'Secrets of peers are watched and read, and a renewed token is written back. They bear names of the administrator’s choice.',
  },
  {
    apiGroup: 'coordination.k8s.io',
    resource: 'leases',
    verbs: ['get', 'list', 'watch', 'update', 'delete'],
    scope: 'own namespace',
    names: null,
    reach: null,
    when: 'peers',
    reason:
      'Replicas share the peers by a Lease for each shard and one for each replica, found by label and named after the replica. RBAC binds names, never labels, and list and watch not even those; a replica that leaves deletes its own.',
  },
]

/** The rows that hold at home when these kinds are mirrored with this reach, and whether there may be peers. */
export function rightsFor(
  kinds: readonly Kind[],
  reach: Reach = 'cluster',
  hasPeers = true,
): readonly Right[] {
  const isApart = reach === 'named namespaces' || !kinds.includes('Secret')
  return RIGHTS.filter(({ reach: only, when }) => {
    if (only !== null && only !== reach) return false
    if (when === 'key apart') return isApart
    if (when === 'peers') return hasPeers
    if (when === 'peers apart') return hasPeers && isApart
    return isOfKinds(when, kinds)
  })
}

/**
 * Every right that a credential on a peer needs: in the whole peer, or in listed namespaces only, and then nothing at cluster scope.
 * Its own rights are asked about by SelfSubjectAccessReviews, which everybody who is known may make.
 */
export const SPOKE_RIGHTS: readonly Right[] = [
  ...mirroring('cluster'),
  ...mirroring('each namespace'),
  NAMESPACES,
  {
    apiGroup: '',
    resource: 'namespaces',
    verbs: ['create'],
    scope: 'cluster',
    names: null,
    reach: 'cluster',
    when: 'createNamespaces',
    reason: 'A missing target namespace is made. RBAC cannot bind create to a name.',
  },
  {
    apiGroup: 'about.k8s.io',
    resource: 'clusterproperties',
    verbs: ['get'],
    scope: 'cluster',
    names: [CLUSTER_PROPERTY],
    reach: 'cluster',
    when: null,
    reason: "The peer's identity, where it has one.",
  },
  {
    apiGroup: '',
    resource: 'serviceaccounts/token',
    verbs: ['create'],
    scope: 'account',
    names: null,
    reach: null,
    when: 'renewal',
    reason: 'The token is renewed before it ends, for this ServiceAccount and no other.',
  },
]

/** What one peer's credential is to be used for. */
export interface SpokeUse {
  readonly kinds: readonly Kind[]
  /** Single namespaces are granted, not the whole peer. */
  readonly isListed: boolean
  readonly createsNamespaces: boolean
  /** Name of the ServiceAccount whose token is renewed; left out: none is. */
  readonly renewsAccount?: string | null
}

/** The rows of {@link SPOKE_RIGHTS} that hold for this use; the row of scope `account` bears the ServiceAccount's name. */
export function spokeRights(use: SpokeUse): readonly Right[] {
  const { kinds, isListed, createsNamespaces, renewsAccount = null } = use
  const reach: Reach = isListed ? 'named namespaces' : 'cluster'
  return SPOKE_RIGHTS.filter(({ reach: only, when }) => {
    if (only !== null && only !== reach) return false
    if (when === 'createNamespaces') return createsNamespaces
    if (when === 'renewal') return renewsAccount !== null
    return isOfKinds(when, kinds)
  }).map((right) =>
    right.scope === 'account' && renewsAccount !== null ? { ...right, names: [renewsAccount] } : right,
  )
}

function isOfKinds(when: Right['when'], kinds: readonly Kind[]): boolean {
  return when === null || kinds.some((kind) => kind === when)
}
