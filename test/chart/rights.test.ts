/** The chart grants what src/kube/rights.ts declares, neither more nor less. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { KINDS } from '../../src/core/names.ts'
import type { Kind } from '../../src/core/names.ts'
import { RIGHTS, rightsFor } from '../../src/kube/rights.ts'
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
): readonly string[] {
  return permissions(
    rightsFor(kinds, reach)
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

test('without a choice of kinds the rights are those of both', async () => {
  const role = only(await render(), 'ClusterRole')
  assert.deepEqual(permissions(rulesOf(role)), declared(KINDS, 'cluster'))
})

test('no right is a wildcard, an update of what is mirrored, or a way to more rights', () => {
  for (const { apiGroup, resource, verbs, names, reason } of RIGHTS) {
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
