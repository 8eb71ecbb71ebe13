/** The objects on a peer that give its credential exactly the rights of the table, and no more: an account, roles, bindings. */

import { apiVersionOf } from '../../kube/manifests.ts'
import type { Manifest, ManifestKind } from '../../kube/manifests.ts'
import { spokeRights } from '../../kube/rights.ts'
import type { Right } from '../../kube/rights.ts'
import type { Kind } from '../../core/names.ts'

const RBAC_GROUP = 'rbac.authorization.k8s.io'

/** What tells an account that `peer add` made from one of the same name that somebody else did. */
export const MADE_BY_US: Readonly<Record<string, string>> = { 'app.kubernetes.io/managed-by': 'heliograph' }

export interface GrantUse {
  /** Of annotations. */
  readonly prefix: string
  /** UID of home's kube-system: two homes never share an account. */
  readonly home: string
  readonly account: string
  readonly accountNamespace: string
  /** Null: the whole peer. */
  readonly namespaces: readonly string[] | null
  readonly kinds: readonly Kind[]
  readonly createsNamespaces: boolean
  readonly renewsToken: boolean
}

/** In the order in which they can be made; the Namespace of the account first. */
export function grantsOf(use: GrantUse): readonly Manifest[] {
  const { account, accountNamespace, namespaces } = use
  const rights = spokeRights({
    kinds: use.kinds,
    isListed: namespaces !== null,
    createsNamespaces: use.createsNamespaces,
    renewsAccount: use.renewsToken ? account : null,
  })
  const of = (scope: Right['scope']): readonly Right[] => rights.filter((right) => right.scope === scope)
  const tokenRole = { name: `${account}-token`, namespace: accountNamespace }
  return [
    manifest('Namespace', { name: accountNamespace }),
    serviceAccount(use),
    ...granted(use, { name: account }, of('cluster')),
    ...(namespaces ?? []).flatMap((namespace) =>
      granted(use, { name: account, namespace }, of('each namespace')),
    ),
    ...granted(use, tokenRole, of('account')),
  ]
}

/** Tells for whom and for what an account was made: with more rights, tokens of it that are in use would be worth more. */
export function grantMark(use: GrantUse): readonly [key: string, value: string] {
  const { prefix, home, namespaces, kinds } = use
  const parts = [
    `home ${home}`,
    namespaces === null ? 'the whole cluster' : `namespaces ${[...namespaces].sort().join(', ')}`,
    `kinds ${[...kinds].sort().join(', ')}`,
    ...(use.createsNamespaces ? ['creates namespaces'] : []),
    ...(use.renewsToken ? ['renews its token'] : []),
  ]
  return [`${prefix}granted`, parts.join('; ')]
}

function serviceAccount(use: GrantUse): Manifest {
  const place = { name: use.account, namespace: use.accountNamespace }
  const { metadata, ...account } = manifest('ServiceAccount', place)
  const annotations = Object.fromEntries([grantMark(use)])
  return { ...account, metadata: { ...metadata, annotations }, automountServiceAccountToken: false }
}

interface Place {
  readonly name: string
  readonly namespace?: string
}

function granted(use: GrantUse, place: Place, rights: readonly Right[]): readonly Manifest[] {
  if (rights.length === 0) return []
  const role = place.namespace === undefined ? 'ClusterRole' : 'Role'
  const subject = { kind: 'ServiceAccount', name: use.account, namespace: use.accountNamespace }
  return [
    manifest(role, place, { rules: rights.map(ruleOf) }),
    manifest(`${role}Binding`, place, {
      roleRef: { apiGroup: RBAC_GROUP, kind: role, name: place.name },
      subjects: [subject],
    }),
  ]
}

function ruleOf({ apiGroup, resource, verbs, names }: Right): Readonly<Record<string, readonly string[]>> {
  return {
    apiGroups: [apiGroup],
    resources: [resource],
    verbs,
    ...(names === null ? {} : { resourceNames: names }),
  }
}

function manifest(
  kind: ManifestKind,
  place: Place,
  fields: Readonly<Record<string, unknown>> = {},
): Manifest {
  return {
    apiVersion: apiVersionOf(kind),
    kind,
    metadata: { ...place, labels: MADE_BY_US },
    ...fields,
  }
}
