/**
 * Every right that the program uses at home: one row per rule, with the request that needs it.
 * The chart's rendered RBAC equals this table, neither more nor less; a verb that is not here is not asked for anywhere.
 */

import { DIGEST_KEY_SECRET_NAME } from '../core/eligibility.ts'
import type { Kind } from '../core/names.ts'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'patch' | 'update' | 'delete'

/**
 * `scope`: the whole cluster (a ClusterRole), or the controller's own namespace (a Role).
 * `names`: the rule binds only objects of these names; null: all.
 * `when`: the rule is needed only then. `Secret` and `ConfigMap`: this kind is mirrored; `no Secret`: it is not; null: always.
 */
export interface Right {
  readonly apiGroup: string
  readonly resource: string
  readonly verbs: readonly Verb[]
  readonly scope: 'cluster' | 'own namespace'
  readonly names: readonly string[] | null
  readonly when: Kind | 'no Secret' | null
  readonly reason: string
}

const MIRRORED_VERBS = ['get', 'list', 'watch', 'create', 'patch', 'delete'] as const

/** Name of the Lease that elects the leader and carries releases of held deletions. */
export const LEASE_NAME = 'heliograph'

export const RIGHTS: readonly Right[] = [
  {
    apiGroup: '',
    resource: 'secrets',
    verbs: MIRRORED_VERBS,
    scope: 'cluster',
    names: null,
    when: 'Secret',
    reason:
      'Origins and mirrors are watched by metadata and read singly; mirrors are created by POST, changed by JSON patch, deleted with preconditions. The digest key lies among them.',
  },
  {
    apiGroup: '',
    resource: 'configmaps',
    verbs: MIRRORED_VERBS,
    scope: 'cluster',
    names: null,
    when: 'ConfigMap',
    reason: 'As for Secrets.',
  },
  {
    apiGroup: '',
    resource: 'namespaces',
    verbs: ['get', 'list', 'watch'],
    scope: 'cluster',
    names: null,
    when: null,
    reason:
      'Targets are found by name and label, consent is read from annotations, kube-system has the identity.',
  },
  {
    apiGroup: '',
    resource: 'events',
    verbs: ['create', 'patch'],
    scope: 'cluster',
    names: null,
    when: null,
    reason:
      'Owners are told beside the object that it is about; a repeat raises the count of the Event that stands.',
  },
  {
    apiGroup: 'about.k8s.io',
    resource: 'clusterproperties',
    verbs: ['get'],
    scope: 'cluster',
    names: ['cluster.clusterset.k8s.io'],
    when: null,
    reason: "The cluster's identity, where it has one.",
  },
  {
    apiGroup: 'coordination.k8s.io',
    resource: 'leases',
    verbs: ['create'],
    scope: 'own namespace',
    names: null,
    when: null,
    reason: 'The Lease is made at first start. RBAC cannot bind create to a name.',
  },
  {
    apiGroup: 'coordination.k8s.io',
    resource: 'leases',
    verbs: ['get', 'update'],
    scope: 'own namespace',
    names: [LEASE_NAME],
    when: null,
    reason: 'Leader election, and the release of held deletions.',
  },
  {
    apiGroup: '',
    resource: 'secrets',
    verbs: ['create'],
    scope: 'own namespace',
    names: null,
    when: 'no Secret',
    reason: 'The digest key is made at first start. RBAC cannot bind create to a name.',
  },
  {
    apiGroup: '',
    resource: 'secrets',
    verbs: ['get'],
    scope: 'own namespace',
    names: [DIGEST_KEY_SECRET_NAME],
    when: 'no Secret',
    reason: 'The digest key is read.',
  },
]

/** The rows that hold when these kinds are mirrored. */
export function rightsFor(kinds: readonly Kind[]): readonly Right[] {
  return RIGHTS.filter(({ when }) => {
    if (when === null) return true
    return when === 'no Secret' ? !kinds.includes('Secret') : kinds.includes(when)
  })
}
