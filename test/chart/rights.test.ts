/** The chart grants what src/kube/rights.ts declares, neither more nor less. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { KINDS } from '../../src/core/names.ts'
import type { Kind } from '../../src/core/names.ts'
import { RIGHTS, SPOKE_RIGHTS, rightsFor, spokeRights } from '../../src/kube/rights.ts'
import type { Reach, Right } from '../../src/kube/rights.ts'
import { only, render } from './helm.ts'
import type { Manifest } from './helm.ts'

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

const rulesOf = (manifest: Manifest): readonly Rule[] => manifest['rules'] as readonly Rule[]

/** One line for each single permission, so that two ways to write the same rules are equal. */
function permissions(rules: readonly Rule[]): readonly string[] {
  const lines = rules.flatMap(({ apiGroups, resources, resourceNames, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        (resourceNames ?? ['any name']).flatMap((name) =>
          verbs.map((verb) => `${verb} ${resource}.${group} ${name}`),
        ),
      ),
    ),
  )
  return lines.toSorted()
}

function declared(
  kinds: readonly Kind[],
  scope: Right['scope'],
  reach: Reach = 'cluster',
  hasPeers = true,
): readonly string[] {
  return permissions(
    rightsFor(kinds, reach, hasPeers)
      .filter((right) => right.scope === scope)
      .map(({ apiGroup, resource, names, verbs }) => ({
        apiGroups: [apiGroup],
        resources: [resource],
        ...(names === null ? {} : { resourceNames: names }),
        verbs,
      })),
  )
}

const CHOICES: readonly (readonly Kind[])[] = [KINDS, ['Secret'], ['ConfigMap']]

for (const kinds of CHOICES) {
  test(`with kinds ${kinds.join(' and ')}, the ClusterRole is the declared rights of the whole cluster`, async () => {
    const role = only(await render({ settings: { kinds } }), 'ClusterRole')
    assert.deepEqual(permissions(rulesOf(role)), declared(kinds, 'cluster'))
  })

  test(`with kinds ${kinds.join(' and ')}, the Role is the declared rights of the own namespace`, async () => {
    const role = only(await render({ settings: { kinds } }), 'Role')
    assert.deepEqual(permissions(rulesOf(role)), declared(kinds, 'own namespace'))
  })
}

for (const kinds of CHOICES) {
  test(`with kinds ${kinds.join(' and ')} in named namespaces, there is no ClusterRole, and each Role is what is declared for its namespace`, async () => {
    const manifests = await render(
      { settings: { kinds, namespaces: ['team-a', 'team-b'] } },
      { namespace: 'mirrors' },
    )
    assert.deepEqual(
      manifests.filter(({ kind }) => kind === 'ClusterRole' || kind === 'ClusterRoleBinding'),
      [],
    )
    const roles = manifests.filter(({ kind }) => kind === 'Role')
    const scopes = roles.map(({ metadata }) => SCOPES[metadata.namespace ?? ''] ?? 'cluster')
    assert.deepEqual(scopes.toSorted(), ['each namespace', 'each namespace', 'kube-system', 'own namespace'])
    for (const [index, role] of roles.entries()) {
      assert.deepEqual(
        permissions(rulesOf(role)),
        declared(kinds, scopes[index] ?? 'cluster', 'named namespaces'),
      )
    }
  })
}

const SCOPES: Readonly<Record<string, Right['scope']>> = {
  'team-a': 'each namespace',
  'team-b': 'each namespace',
  mirrors: 'own namespace',
  'kube-system': 'kube-system',
}

for (const kinds of CHOICES) {
  test(`with kinds ${kinds.join(' and ')} and without peers, nothing is granted that only peers need`, async () => {
    const role = only(await render({ settings: { kinds }, rbac: { peers: false } }), 'Role')
    assert.deepEqual(permissions(rulesOf(role)), declared(kinds, 'own namespace', 'cluster', false))
    const leases = rulesOf(role).filter(({ resources }) => resources.includes('leases'))
    assert.ok(
      leases.every(({ verbs, resourceNames }) => verbs.includes('create') || resourceNames !== undefined),
    )
  })
}

test('without a choice of kinds the rights are those of both', async () => {
  const role = only(await render(), 'ClusterRole')
  assert.deepEqual(permissions(rulesOf(role)), declared(KINDS, 'cluster'))
})

test('no right is a wildcard, an update of what is mirrored, or a way to more rights', () => {
  for (const { apiGroup, resource, verbs, names, reason } of [...RIGHTS, ...SPOKE_RIGHTS]) {
    assert.ok(![apiGroup, resource, ...verbs, ...(names ?? [])].some((word) => word.includes('*')))
    assert.ok(!['secrets', 'configmaps'].includes(resource) || !verbs.includes('update'))
    assert.ok(!['rbac.authorization.k8s.io', 'admissionregistration.k8s.io'].includes(apiGroup))
    assert.match(reason, /\.$/)
  }
})

test('only the ServiceAccount of the chart is bound, in the namespace of the pods', async () => {
  const manifests = await render({ serviceAccount: { name: 'reflector' } }, { namespace: 'mirrors' })
  for (const kind of ['ClusterRoleBinding', 'RoleBinding']) {
    const binding = only(manifests, kind)
    assert.deepEqual(binding['subjects'], [
      { kind: 'ServiceAccount', name: 'reflector', namespace: 'mirrors' },
    ])
    const role = only(manifests, kind.replace('Binding', ''))
    assert.deepEqual(binding['roleRef'], {
      apiGroup: 'rbac.authorization.k8s.io',
      kind: role.kind,
      name: role.metadata.name,
    })
  }
  assert.equal(only(manifests, 'ServiceAccount').metadata.name, 'reflector')
})

test('a peer that grants single namespaces is asked for nothing at cluster scope, and for no Namespace', () => {
  const rights = spokeRights({ kinds: KINDS, isListed: true, createsNamespaces: true })
  assert.deepEqual(
    rights.map(({ scope, resource }) => `${scope} ${resource}`),
    ['each namespace secrets', 'each namespace configmaps', 'each namespace events'],
  )
})

test('a whole peer is asked for what mirroring needs, and for Namespaces only where they are made', () => {
  const lines = (createsNamespaces: boolean, kinds: readonly Kind[] = KINDS): readonly string[] =>
    spokeRights({ kinds, isListed: false, createsNamespaces }).map(
      ({ resource, verbs, names }) => `${verbs.join(' ')} ${resource} ${(names ?? []).join()}`,
    )
  const mirrored = 'get list watch create patch delete'
  assert.deepEqual(lines(false), [
    `${mirrored} secrets `,
    `${mirrored} configmaps `,
    'create patch events ',
    'get list watch namespaces ',
    'get clusterproperties cluster.clusterset.k8s.io',
  ])
  assert.ok(lines(true).includes('create namespaces '))
  assert.ok(!lines(true, ['ConfigMap']).some((line) => line.includes('secrets')))
})

test('only the token of the named ServiceAccount may be renewed, and only where renewal is asked for', () => {
  const account = (renewsAccount: string | null): readonly unknown[] =>
    [true, false].flatMap((isListed) =>
      spokeRights({ kinds: KINDS, isListed, createsNamespaces: false, renewsAccount })
        .filter(({ scope }) => scope === 'account')
        .map(({ resource, verbs, names }) => ({ resource, verbs, names })),
    )
  assert.deepEqual(account(null), [])
  const right = { resource: 'serviceaccounts/token', verbs: ['create'], names: ['heliograph-spoke'] }
  assert.deepEqual(account('heliograph-spoke'), [right, right])
})
