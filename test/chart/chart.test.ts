/** What the chart installs: one restricted pod that finds its settings, and nothing that was not asked for. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { CHART, helm, only, refusal, render } from './helm.ts'
import type { Manifest } from './helm.ts'

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}

interface Container {
  readonly args: readonly string[]
  readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[]
  readonly image: string
  readonly livenessProbe: Probe
  readonly readinessProbe: Probe
  readonly ports: readonly unknown[]
  readonly resources: unknown
  readonly securityContext: unknown
}

interface PodSpec {
  readonly automountServiceAccountToken: boolean
  readonly containers: readonly [Container]
  readonly enableServiceLinks: boolean
  readonly priorityClassName?: string
  readonly securityContext: unknown
  readonly terminationGracePeriodSeconds: number
  readonly topologySpreadConstraints?: readonly unknown[]
  readonly volumes?: readonly unknown[]
}

interface Deployment {
  readonly replicas: number
  readonly strategy: { readonly type: string }
  readonly template: {
    readonly metadata: { readonly annotations: Readonly<Record<string, string>> }
    readonly spec: PodSpec
  }
}

const deploymentOf = (manifests: readonly Manifest[]): Deployment =>
  only(manifests, 'Deployment')['spec'] as Deployment
const podOf = async (values: object = {}): Promise<PodSpec> =>
  deploymentOf(await render(values)).template.spec
const kindsOf = (manifests: readonly Manifest[]): readonly string[] =>
  manifests.map(({ kind }) => kind).toSorted()

test('helm lint finds nothing to warn of', async () => {
  const { code, stdout, stderr } = await helm(['lint', '--strict', CHART])
  assert.equal(code, 0, `${stdout}${stderr}`)
})

test('by default the chart makes one Deployment, its rights and a Service for metrics', async () => {
  const manifests = await render()
  const role = ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding', 'ServiceAccount']
  assert.deepEqual(kindsOf(manifests), [...role, 'Deployment', 'Service'].toSorted())
  assert.equal(deploymentOf(manifests).replicas, 1)
})

test('the pod runs as an unprivileged user that can change nothing on its disk', async () => {
  const { securityContext, containers } = await podOf()
  assert.deepEqual(securityContext, {
    runAsNonRoot: true,
    runAsUser: 10001,
    runAsGroup: 10001,
    seccompProfile: { type: 'RuntimeDefault' },
  })
  assert.deepEqual(containers[0].securityContext, {
    allowPrivilegeEscalation: false,
    privileged: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  })
})

test('only the pod asks for the token, and it mounts nothing else', async () => {
  const manifests = await render()
  assert.equal(only(manifests, 'ServiceAccount')['automountServiceAccountToken'], false)
  const pod = deploymentOf(manifests).template.spec
  assert.equal(pod.automountServiceAccountToken, true)
  assert.equal(pod.volumes, undefined)
})

test('probes ask the two paths on the port that the container serves', async () => {
  const { livenessProbe, readinessProbe, ports } = (await podOf()).containers[0]
  assert.deepEqual(livenessProbe.httpGet, { path: '/livez', port: 'http' })
  assert.deepEqual(readinessProbe.httpGet, { path: '/readyz', port: 'http' })
  assert.deepEqual(ports, [{ name: 'http', containerPort: 8080, protocol: 'TCP' }])
})

test('the pod knows its namespace and gets no variables of neighbouring Services', async () => {
  const { containers, enableServiceLinks } = await podOf()
  assert.deepEqual(containers[0].env, [
    { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
  ])
  assert.deepEqual(containers[0].args, ['run'])
  assert.equal(enableServiceLinks, false)
})

test('memory is requested and limited, and the pod has time to drain', async () => {
  const { containers, terminationGracePeriodSeconds } = await podOf()
  assert.deepEqual(containers[0].resources, {
    requests: { cpu: '20m', memory: '64Mi' },
    limits: { memory: '256Mi' },
  })
  assert.equal(terminationGracePeriodSeconds, 30)
})

test('several replicas spread over nodes and survive a drain one by one; a single one asks for neither', async () => {
  const several = await render({ replicas: 2 })
  assert.equal(deploymentOf(several).replicas, 2)
  assert.equal(deploymentOf(several).template.spec.topologySpreadConstraints?.length, 1)
  assert.equal((only(several, 'PodDisruptionBudget')['spec'] as { maxUnavailable: number }).maxUnavailable, 1)
  const single = await render()
  assert.equal(deploymentOf(single).template.spec.topologySpreadConstraints, undefined)
  assert.ok(!kindsOf(single).includes('PodDisruptionBudget'))
})

test('without leader election there is never a second writer', async () => {
  assert.match(await refusal({ replicas: 2, settings: { leaderElection: false } }), /two leaders/)
  const alone = deploymentOf(await render({ settings: { leaderElection: false } }))
  assert.equal(alone.strategy.type, 'Recreate')
  assert.equal(deploymentOf(await render()).strategy.type, 'RollingUpdate')
})

test('everything lies in the namespace of the release, kube-system standing in for default', async () => {
  const places = async (values: object, namespace: string): Promise<readonly (string | undefined)[]> => {
    const manifests = await render(values, { namespace })
    return [
      ...new Set(
        manifests.filter(({ kind }) => !kind.startsWith('Cluster')).map((each) => each.metadata.namespace),
      ),
    ]
  }
  assert.deepEqual(await places({}, 'mirrors'), ['mirrors'])
  assert.deepEqual(await places({}, 'default'), ['kube-system'])
  assert.deepEqual(await places({ namespace: 'default' }, 'mirrors'), ['default'])
})

test('two releases share no name', async () => {
  const names = async (name: string): Promise<readonly string[]> =>
    (await render({}, { name })).map(({ kind, metadata }) => `${kind} ${metadata.name}`)
  const first = new Set(await names('heliograph'))
  assert.deepEqual(
    (await names('second')).filter((name) => first.has(name)),
    [],
  )
})

test('a ServiceMonitor is made only when asked for, and finds the Service', async () => {
  const manifests = await render({ metrics: { serviceMonitor: { enabled: true, labels: { team: 'ops' } } } })
  const monitor = only(manifests, 'ServiceMonitor')
  assert.equal(monitor.metadata.labels['team'], 'ops')
  const { selector, endpoints } = monitor['spec'] as {
    selector: { matchLabels: Readonly<Record<string, string>> }
    endpoints: readonly { port: string; path: string }[]
  }
  const service = only(manifests, 'Service')
  for (const [key, value] of Object.entries(selector.matchLabels))
    assert.equal(service.metadata.labels[key], value)
  assert.deepEqual(
    endpoints.map(({ port, path }) => `${port}${path}`),
    ['http/metrics'],
  )
  const cut = { service: { enabled: false }, serviceMonitor: { enabled: true } }
  assert.match(await refusal({ metrics: cut }), /needs metrics.service.enabled/)
})

test('metrics are found by annotation unless that is turned off', async () => {
  const annotations = async (values: object): Promise<Readonly<Record<string, string>>> =>
    deploymentOf(await render(values)).template.metadata.annotations
  assert.equal((await annotations({}))['prometheus.io/port'], '8080')
  assert.ok(!('prometheus.io/port' in (await annotations({ metrics: { annotations: false } }))))
})

test('an image is named by tag or pinned by digest', async () => {
  const image = async (values: object): Promise<string> =>
    (await podOf({ image: values })).containers[0].image
  const chart = readFileSync(join(CHART, 'Chart.yaml'), 'utf8')
  const appVersion = /^appVersion: (.+)$/m.exec(chart)?.[1]
  assert.equal(await image({ repository: 'registry/h' }), `registry/h:${appVersion ?? ''}`)
  assert.equal(await image({ repository: 'h', tag: 'x' }), 'h:x')
  const digest = `sha256:${'0'.repeat(64)}`
  assert.equal(await image({ repository: 'h', tag: 'x', digest }), `h@${digest}`)
})

test('the chart, the program and its package carry one version', () => {
  const chart = readFileSync(join(CHART, 'Chart.yaml'), 'utf8')
  const { version } = JSON.parse(readFileSync(join(CHART, '../../package.json'), 'utf8')) as {
    version: string
  }
  assert.match(chart, new RegExp(`^version: ${RegExp.escape(version)}$`, 'm'))
  assert.match(chart, new RegExp(`^appVersion: ${RegExp.escape(version)}$`, 'm'))
})

const WRONG: readonly (readonly [what: string, values: object, says: RegExp])[] = [
  ['a wrong type', { replicas: 'two' }, /replicas.*got string, want integer/],
  ['an unknown value', { replica: 2 }, /additional properties 'replica' not allowed/],
  [
    'an unknown setting',
    { settings: { nothingLikeThis: 1 } },
    /settings.*additional properties 'nothingLikeThis'/,
  ],
  ['an unknown nested value', { metrics: { port: 1 } }, /metrics.*additional properties 'port'/],
  ['a digest that is none', { image: { digest: 'latest' } }, /image\/digest/],
  ['a namespace that is none', { namespace: 'Kube_System' }, /namespace/],
]

for (const [what, values, says] of WRONG) {
  test(`the schema refuses ${what}`, async () => {
    assert.match(await refusal(values), says)
  })
}
