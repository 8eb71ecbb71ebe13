/** What `peer add` makes on a peer is the table of rights, neither more nor less, and what stands there is told apart by what it gives. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { differenceOf } from '../../../src/cli/peer/differences.ts'
import { grantsOf, MADE_BY_US } from '../../../src/cli/peer/grants.ts'
import type { GrantUse } from '../../../src/cli/peer/grants.ts'
import type { Json } from '../../../src/kube/json.ts'
import type { Manifest, ManifestKind } from '../../../src/kube/manifests.ts'
import { spokeRights } from '../../../src/kube/rights.ts'

const WHOLE: GrantUse = {
  prefix: 'heliograph.dev/',
  home: 'home-uid',
  account: 'heliograph-peer',
  accountNamespace: 'heliograph',
  namespaces: null,
  kinds: ['Secret', 'ConfigMap'],
  createsNamespaces: false,
  renewsToken: false,
}
const NAMED: GrantUse = { ...WHOLE, namespaces: ['team-a', 'team-b'] }

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: readonly string[]
}

const rulesOf = (manifest: Manifest | undefined): readonly Rule[] => manifest?.['rules'] as readonly Rule[]

function one(use: GrantUse, kind: ManifestKind, namespace?: string): Manifest {
  const found = grantsOf(use).find((each) => each.kind === kind && each.metadata.namespace === namespace)
  assert.ok(found, `${kind} ${namespace}`)
  return found
}

/** As the server gives it back: fields of its own beside ours. */
const stored = (manifest: Manifest, changes: Json = {}): Json => ({
  ...(structuredClone(manifest) as unknown as Json),
  metadata: { ...manifest.metadata, uid: 'u', resourceVersion: '1', managedFields: [] },
  ...changes,
})

test('the whole peer is granted by one ClusterRole that equals the table', () => {
  const rights = spokeRights({ kinds: WHOLE.kinds, isListed: false, createsNamespaces: false })
  const expected = rights.map(({ apiGroup, resource, verbs, names }) => ({
    apiGroups: [apiGroup],
    resources: [resource],
    verbs,
    ...(names === null ? {} : { resourceNames: names }),
  }))
  assert.deepEqual(rulesOf(one(WHOLE, 'ClusterRole')), expected)
  assert.deepEqual(
    grantsOf(WHOLE).map(({ kind }) => kind),
    ['Namespace', 'ServiceAccount', 'ClusterRole', 'ClusterRoleBinding'],
  )
})

test('single namespaces are granted by a Role in each, and nothing at cluster scope', () => {
  const kinds = grantsOf(NAMED).map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}`)
  assert.deepEqual(kinds, [
    'Namespace ',
    'ServiceAccount heliograph',
    'Role team-a',
    'RoleBinding team-a',
    'Role team-b',
    'RoleBinding team-b',
  ])
})

test('one kind, created namespaces and renewal change the rules that they are about', () => {
  const resources = (use: GrantUse): readonly string[] =>
    rulesOf(one(use, 'ClusterRole')).flatMap((rule) =>
      rule.resources.map((each) => `${rule.verbs.join()} ${each}`),
    )
  assert.ok(!resources({ ...WHOLE, kinds: ['Secret'] }).some((each) => each.endsWith(' configmaps')))
  assert.ok(!resources(WHOLE).includes('create namespaces'))
  assert.ok(resources({ ...WHOLE, createsNamespaces: true }).includes('create namespaces'))
  const renewal = one({ ...NAMED, renewsToken: true }, 'Role', 'heliograph')
  assert.deepEqual(rulesOf(renewal), [
    {
      apiGroups: [''],
      resources: ['serviceaccounts/token'],
      verbs: ['create'],
      resourceNames: ['heliograph-peer'],
    },
  ])
  assert.equal(renewal.metadata.name, 'heliograph-peer-token')
})

test('the account’s token reaches no pod by itself, and each binding binds it alone', () => {
  assert.equal(one(WHOLE, 'ServiceAccount', 'heliograph')['automountServiceAccountToken'], false)
  const subjects = [{ kind: 'ServiceAccount', name: 'heliograph-peer', namespace: 'heliograph' }]
  assert.deepEqual(one(WHOLE, 'ClusterRoleBinding')['subjects'], subjects)
  assert.deepEqual(one(NAMED, 'RoleBinding', 'team-b')['subjects'], subjects)
})

test('what the server gives back of our own objects is equal, however its rules are parted and ordered', () => {
  for (const use of [WHOLE, { ...NAMED, renewsToken: true }])
    for (const manifest of grantsOf(use))
      assert.equal(differenceOf(manifest, stored(manifest)), null, manifest.kind)
  const role = one(WHOLE, 'ClusterRole')
  const parted = rulesOf(role)
    .flatMap((rule) => rule.verbs.map((verb) => ({ ...rule, verbs: [verb] })))
    .toReversed()
  assert.equal(differenceOf(role, stored(role, { rules: parted })), null)
})

test('a role is told by what it allows beyond and by what it lacks', () => {
  const role = one(NAMED, 'Role', 'team-a')
  const [first, ...rest] = rulesOf(role)
  const wider = [
    ...rulesOf(role),
    { apiGroups: ['apps'], resources: ['deployments'], verbs: ['*'], resourceNames: ['a'] },
  ]
  assert.equal(differenceOf(role, stored(role, { rules: wider })), 'also allows * deployments.apps a')
  assert.equal(
    differenceOf(
      role,
      stored(role, { rules: [{ ...first, verbs: ['get', 'list', 'watch', 'create', 'patch'] }, ...rest] }),
    ),
    'does not allow delete secrets',
  )
  const empty = differenceOf(role, stored(role, { rules: null }))
  assert.match(empty ?? '', /^does not allow (?:\w+ \w+, ){5}\w+ \w+ and 8 more$/)
  const urls = [...rulesOf(role), { nonResourceURLs: ['/metrics'], verbs: ['get'] }]
  assert.equal(differenceOf(role, stored(role, { rules: urls })), 'also allows get /metrics')
  const cluster = one(WHOLE, 'ClusterRole')
  const aggregated = stored(cluster, { aggregationRule: { clusterRoleSelectors: [{}] } })
  assert.match(differenceOf(cluster, aggregated) ?? '', /aggregationRule/)
})

test('a binding is told by whom it binds and to what', () => {
  const binding = one(WHOLE, 'ClusterRoleBinding')
  const admin = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' }
  assert.equal(
    differenceOf(binding, stored(binding, { roleRef: admin })),
    'binds ClusterRole cluster-admin, not ClusterRole heliograph-peer',
  )
  const subjects = [...(binding['subjects'] as object[]), { kind: 'Group', name: 'developers' }]
  assert.equal(differenceOf(binding, stored(binding, { subjects })), 'also binds Group developers')
  assert.equal(
    differenceOf(binding, stored(binding, { subjects: [] })),
    'does not bind ServiceAccount heliograph/heliograph-peer',
  )
})

test('an account that somebody else made is never taken: its token may be worth more', () => {
  const account = one(WHOLE, 'ServiceAccount', 'heliograph')
  const foreign = stored(account, {
    metadata: { ...account.metadata, labels: { 'app.kubernetes.io/managed-by': 'Helm' } },
  })
  assert.match(differenceOf(account, foreign) ?? '', /somebody else’s/)
  assert.match(
    differenceOf(account, stored(account, { automountServiceAccountToken: true })) ?? '',
    /to pods/,
  )
  assert.deepEqual(account.metadata.labels, MADE_BY_US)
})

test('an account that was made for another home or other rights is never taken: its tokens would be widened', () => {
  const wanted = one(WHOLE, 'ServiceAccount', 'heliograph')
  const others: readonly GrantUse[] = [
    NAMED,
    { ...WHOLE, home: 'another-uid' },
    { ...WHOLE, kinds: ['Secret'] },
    { ...WHOLE, createsNamespaces: true },
    { ...WHOLE, renewsToken: true },
  ]
  for (const use of others) {
    const difference = differenceOf(wanted, stored(one(use, 'ServiceAccount', 'heliograph')))
    assert.match(
      difference ?? '',
      /^was made for another use \(home [\w-]+; .+\), whose tokens would be worth more$/,
    )
  }
  const unmarked = stored(wanted, { metadata: { ...wanted.metadata, annotations: {} } })
  assert.match(differenceOf(wanted, unmarked) ?? '', /another use \(untold\)/)
})

test('a Namespace is as it is, unless it is being deleted', () => {
  const namespace = one(WHOLE, 'Namespace')
  assert.equal(
    differenceOf(namespace, stored(namespace, { metadata: { name: 'heliograph', labels: { a: 'b' } } })),
    null,
  )
  const going = stored(namespace, { metadata: { deletionTimestamp: '2026-11-24T00:00:00Z' } })
  assert.equal(differenceOf(namespace, going), 'is being deleted')
})
