/** `heliograph migrate` against a real cluster that other tools have kept: what it says, what it asks, and that it writes nothing. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'

import { startChild } from '../control-plane/child.ts'
import { tally } from '../control-plane/audit.ts'
import type { ControlPlane } from '../control-plane/plane.ts'
import { startControlPlane } from '../control-plane/start.ts'
import { kubectlCommand } from '../control-plane/tools.ts'
import { awaitPresent } from '../lib/await.ts'
import { installChart } from '../lib/chart.ts'
import { startController } from '../lib/controller.ts'
import { findMarkers } from '../lib/markers.ts'
import { configMap, secret } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')
const READERS = 'readers'
const REFLECTOR = 'reflector.v1.k8s.emberstack.com/'
const REPLICATOR = 'replicator.v1.mittwald.de/'
const MARKERS = ['first-value-that-nobody-may-see', 'second-value-that-nobody-may-see']
const [FIRST = '', SECOND = ''] = MARKERS
const EVERYTHING = [
  'secrets',
  'configmaps',
  'namespaces',
  'serviceaccounts',
  'deployments',
  'roles',
  'rolebindings',
]

let plane: ControlPlane

before(async () => {
  plane = await startControlPlane()
  const { client } = plane
  for (const name of [READERS, 'origins', 'a', 'b', 'old-tools']) await client.createNamespace(name)
  await client.createNamespace('prod', { labels: { env: 'prod' } })
  await reader('full', EVERYTHING)
  for (const object of objects()) await client.create(object)
})

after(async () => await plane.stop())

/** One of each: origins of four dialects, a copy, a copy in a protected namespace, a foreign object, pull mirrors, other kinds, the old controller. */
function objects(): readonly KubeObject[] {
  const tls = {
    [`${REFLECTOR}reflection-allowed`]: 'true',
    [`${REFLECTOR}reflection-auto-enabled`]: 'true',
    [`${REFLECTOR}reflection-allowed-namespaces`]: 'a,b,kube-system',
  }
  const copy = {
    [`${REFLECTOR}reflects`]: 'origins/tls',
    [`${REFLECTOR}auto-reflects`]: 'True',
    [`${REFLECTOR}reflected-version`]: '1',
    [`${REFLECTOR}reflected-at`]: '2026-08-04T21:27:29.1234567+00:00',
  }
  const token = 'kubernetes.io/service-account-token'
  return [
    secret('origins', 'tls', { key: FIRST }, { annotations: tls }),
    secret('a', 'tls', { key: FIRST }, { annotations: copy }),
    secret('kube-system', 'tls', { key: FIRST }, { annotations: copy }),
    secret('b', 'tls', { key: SECOND }),
    configMap('origins', 'shared', { key: FIRST }, { [`${REPLICATOR}replicate-to-matching`]: 'env=prod' }),
    configMap('a', 'asks', { key: SECOND }, { [`${REPLICATOR}replicate-from`]: 'origins/shared' }),
    configMap('origins', 'synced', { key: FIRST }, { 'kubed.appscode.com/sync': 'env in (prod' }),
    // Without its account the control plane deletes the Secret.
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: 'origins', name: 'someone' } },
    secret(
      'origins',
      'account',
      { key: FIRST },
      { annotations: { ...tls, 'kubernetes.io/service-account.name': 'someone' }, type: token },
    ),
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { namespace: 'origins', name: 'role', annotations: { [`${REPLICATOR}replicate-to`]: 'a' } },
      rules: [],
    },
    deployment(
      'old-tools',
      'mirroring',
      `example.com/mirror/kubernetes-reflector:10@sha256:${'0'.repeat(64)}`,
    ),
  ]
}

function deployment(namespace: string, name: string, image: string): KubeObject {
  const labels = { any: name }
  const env = [{ name: 'SECRET', value: SECOND }]
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name, image, env }] } },
    },
  }
}

/** A ServiceAccount that may list these and nothing else. */
async function reader(name: string, resources: readonly string[]): Promise<string> {
  const metadata = { name: `reader-${name}` }
  const apiGroup = 'rbac.authorization.k8s.io'
  const rules = [{ apiGroups: ['', 'apps', apiGroup], resources, verbs: ['list'] }]
  await plane.client.apply({ apiVersion: `${apiGroup}/v1`, kind: 'ClusterRole', metadata, rules })
  await plane.client.apply({
    apiVersion: `${apiGroup}/v1`,
    kind: 'ClusterRoleBinding',
    metadata,
    roleRef: { apiGroup, kind: 'ClusterRole', name: metadata.name },
    subjects: [{ kind: 'ServiceAccount', namespace: READERS, name }],
  })
  await plane.client.apply({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { namespace: READERS, name },
  })
  return `system:serviceaccount:${READERS}:${name}`
}

interface Said {
  readonly code: number | null
  readonly out: string
  readonly complaint: string
}

async function run(account: string, ...args: readonly string[]): Promise<Said> {
  const token = await plane.client.tokenFor(READERS, account)
  const kubeconfig = await plane.kubeconfigFor(`migrate-${account}`, { token })
  const child = startChild([process.execPath, MAIN, 'migrate', `--kubeconfig=${kubeconfig}`, ...args], {
    output: 'pipe',
    env: { PATH: process.env['PATH'], HOME: plane.folder },
  })
  const { stdout, stderr } = child.process
  assert.ok(stdout !== null && stderr !== null)
  const [{ code }, out, complaint] = await Promise.all([child.exited, text(stdout), text(stderr)])
  return { code, out, complaint }
}

/** The lines about one object, unwrapped. */
function entry(out: string, subject: string): string {
  const [, rest = ''] = out.split(`\n  ${subject}\n`)
  return (rest.split('\n\n')[0] ?? '').replaceAll(/\s+/g, ' ')
}

test('a cluster with one of each: every difference is named, nothing is written, no value is seen', async () => {
  const before_ = await versions()
  const mark = await plane.own.audit.mark()
  const { code, out, complaint } = await run('full')
  const asked = (await plane.own.audit.since(mark)).filter(
    ({ user }) => user === `system:serviceaccount:${READERS}:full`,
  )
  assert.equal(complaint, '')
  assert.equal(code, 4)
  const tls = entry(out, 'Secret origins/tls')
  assert.match(tls, /there copied into 3 namespaces: a, b, kube-system; may be pulled/)
  assert.match(tls, /here 1 mirror: 1 compared and taken over/)
  assert.match(tls, /unmanaged-in-the-way: .* stands in b\./)
  assert.match(tls, /namespace-not-admitted: .*: kube-system \(protected\)/)
  assert.match(tls, /copy-stays: .*: kube-system\./)
  assert.match(entry(out, 'ConfigMap origins/shared'), /here 1 merged mirror: 1 made/)
  assert.match(entry(out, 'ConfigMap a/asks'), /pull-needs-permission/)
  assert.match(entry(out, 'ConfigMap origins/synced'), /blocker bad-selector/)
  assert.match(entry(out, 'Secret origins/account'), /blocker refused-type/)
  assert.match(entry(out, 'Role origins/role'), /unsupported-kind/)
  assert.match(out, /blocker old-controller-running: Deployment old-tools\/mirroring looks like reflector/)
  assert.ok(!out.includes('not-read'))
  assert.deepEqual(findMarkers(out, MARKERS), [])
  const lists = Object.keys(tally(asked, 'verb', 'resource', 'name', 'code')).toSorted()
  assert.deepEqual(lists, ['get   404', ...EVERYTHING.map((resource) => `list ${resource}  200`)].toSorted())
  assert.deepEqual(await versions(), before_)
})

test('what there is no right to read is said, and what a report needs ends it with code 1', async () => {
  const user = await reader('some', ['secrets', 'configmaps', 'namespaces'])
  const { code, out } = await run('some')
  assert.equal(code, 4)
  for (const what of ['Deployments', 'Roles', 'RoleBindings', 'ServiceAccounts'])
    assert.match(out, new RegExp(`warning not-read: ${what} could not be read \\(forbidden\\)`), user)
  await reader('few', ['configmaps', 'namespaces'])
  const refused = await run('few')
  assert.deepEqual([refused.code, refused.out], [1, ''])
  assert.equal(refused.complaint, 'heliograph: You may not list Secrets: a report needs that right.\n')
  const configMapsOnly = await run('few', '--kinds=ConfigMap')
  assert.match(configMapsOnly.out, /ConfigMap origins\/shared/)
})

test('a mistake of usage is code 2', async () => {
  assert.equal((await run('full', '--to=yaml')).code, 2)
  assert.equal((await run('full', '--no-such-flag=1')).code, 2)
})

test('what the report says is what a controller then does', async () => {
  const { client } = plane
  const untouched = [
    { kind: 'Secret', namespace: 'kube-system', name: 'tls' },
    { kind: 'Secret', namespace: 'b', name: 'tls' },
    { kind: 'ConfigMap', namespace: 'a', name: 'asks' },
  ]
  const standing = await Promise.all(untouched.map((ref) => client.get(ref)))
  const left = await client.get({ kind: 'Secret', namespace: 'a', name: 'tls' })
  const installation = await installChart(plane, { namespace: 'heliograph' })
  const controller = await startController(plane, { installation })
  try {
    const isMirror = ({ metadata }: KubeObject): boolean =>
      metadata.labels?.['heliograph.dev/mirror'] !== undefined
    const inherited = await awaitPresent(client, { kind: 'Secret', namespace: 'a', name: 'tls' }, isMirror)
    assert.equal(inherited.metadata.uid, left.metadata.uid)
    await awaitPresent(client, { kind: 'ConfigMap', namespace: 'prod', name: 'shared' }, isMirror)
  } finally {
    await controller.stop()
  }
  assert.deepEqual(await Promise.all(untouched.map((ref) => client.get(ref))), standing)
  const after_ = await run('full')
  assert.match(entry(after_.out, 'Secret origins/tls'), /here 1 mirror: 1 kept/)
  assert.match(entry(after_.out, 'ConfigMap origins/shared'), /here 1 merged mirror: 1 kept/)
})

test('the native lines run as they are, and after them nothing of the other tools is left to report', async () => {
  const { out } = await run('full', '--to', 'native')
  assert.deepEqual(findMarkers(out, MARKERS), [])
  // What it says must be mended first is mended by taking it away.
  for (const [kind, name] of [
    ['ConfigMap', 'synced'],
    ['Secret', 'account'],
  ] as const)
    await plane.client.remove({ kind, namespace: 'origins', name })
  const lines = out
    .split('\n')
    .map((line) => line.replace(/^# (?=kubectl )/, ''))
    .filter((line) => line.startsWith('kubectl ') && !/ (synced|account) /.test(line))
  assert.ok(lines.length >= 6)
  await shell(lines)
  const tls = await plane.client.get({ kind: 'Secret', namespace: 'origins', name: 'tls' })
  assert.deepEqual(tls.metadata.annotations, {
    'heliograph.dev/reflect-to': 'a, b, kube-system',
    'heliograph.dev/allow-pull': 'a, b, kube-system',
  })
  await plane.client.remove({ kind: 'Deployment', namespace: 'old-tools', name: 'mirroring' })
  await plane.client.remove({ kind: 'Role', namespace: 'origins', name: 'role' })
  const report = await run('full')
  assert.match(report.out, /0 origins and 0 pull mirrors of other tools/)
})

async function shell(lines: readonly string[]): Promise<void> {
  const command = [...(await kubectlCommand()), '--kubeconfig', plane.kubeconfig]
  const program = command.map((word) => `'${word}'`).join(' ')
  const child = startChild(['/bin/sh', '-ec', [`kubectl() { ${program} "$@"; }`, ...lines].join('\n')], {
    output: 'pipe',
    env: { PATH: process.env['PATH'], HOME: plane.folder },
  })
  const { stdout, stderr } = child.process
  assert.ok(stdout !== null && stderr !== null)
  const [{ code }, , complaint] = await Promise.all([child.exited, text(stdout), text(stderr)])
  assert.equal(code, 0, complaint)
}

/** Of everything that the scenario made: equal lists mean that nothing was written in between. */
async function versions(): Promise<readonly string[]> {
  const lists = await Promise.all(
    ['Secret', 'ConfigMap', 'Role', 'Deployment', 'Namespace'].map((kind) => plane.client.list(kind)),
  )
  return lists
    .flat()
    .filter(({ metadata }) => !metadata.namespace?.startsWith('kube-') || metadata.name === 'tls')
    .map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name} ${metadata.resourceVersion}`)
    .toSorted()
}
