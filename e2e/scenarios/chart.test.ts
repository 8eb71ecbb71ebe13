/** The chart installs on a real API server: by helm, without a warning, into a namespace that admits restricted pods only. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type { ControlPlane } from '../control-plane/plane.ts'
import { startControlPlane } from '../control-plane/start.ts'
import type { Client } from '../lib/client.ts'
import { collectionPath, refOf } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { CHART, helm, render } from '../../test/chart/helm.ts'

let plane: ControlPlane
let admin: Client

before(async () => {
  plane = await startControlPlane()
  admin = plane.client
})

after(() => plane.stop())

/** Stores nothing; a field that the kind does not know is an error, not a warning. */
async function dryRun(
  object: KubeObject,
): Promise<{ readonly status: number; readonly warning: unknown; readonly body: unknown }> {
  const { kind, namespace, apiVersion } = refOf(object)
  const path = `${collectionPath(kind, namespace, apiVersion)}?dryRun=All&fieldValidation=Strict`
  const { status, headers, body } = await admin.request('POST', path, { body: object })
  return { status, warning: headers['warning'], body }
}

const CHOICES: readonly (readonly [what: string, values: object])[] = [
  ['the defaults', {}],
  ['two replicas with priority', { replicas: 2, priorityClassName: 'system-cluster-critical' }],
  [
    'everything else',
    {
      image: { digest: `sha256:${'0'.repeat(64)}` },
      imagePullSecrets: [{ name: 'registry' }],
      serviceAccount: { annotations: { team: 'platform' } },
      podAnnotations: { a: 'b' },
      podLabels: { c: 'd' },
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
    },
  ],
]

for (const [what, values] of CHOICES) {
  test(`the API server knows every field of every object under ${what}`, async () => {
    for (const manifest of await render(values)) {
      const { status, warning, body } = await dryRun(manifest)
      assert.equal(status, 201, `${manifest.kind}: ${JSON.stringify(body)}`)
      assert.equal(warning, undefined)
    }
  })
}

test('a namespace that admits restricted pods only admits this one', async () => {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  await admin.createNamespace('restricted', { labels })
  const manifests = await render({}, { namespace: 'restricted' })
  const account = manifests.find(({ kind }) => kind === 'ServiceAccount')
  const deployment = manifests.find(({ kind }) => kind === 'Deployment')
  assert.ok(account !== undefined && deployment !== undefined)
  await admin.create(account)
  const { template } = deployment['spec'] as { template: { metadata: KubeObject['metadata']; spec: object } }
  const pod = (spec: object): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, name: 'heliograph', namespace: 'restricted' },
    spec,
  })
  assert.equal((await dryRun(pod(template.spec))).status, 201)
  assert.equal((await dryRun(pod({ ...template.spec, hostNetwork: true }))).status, 403)
})

test('helm installs, upgrades and uninstalls it, and nothing is left', async () => {
  const where = ['--namespace', 'kube-system', '--kubeconfig', plane.kubeconfig]
  const run = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await helm([...args, ...where])
    assert.equal(code, 0, stderr)
    return stdout
  }
  const notes = await run('install', 'heliograph', CHART)
  assert.match(notes, /runs in the namespace kube-system/)
  await run('upgrade', 'heliograph', CHART, '--set', 'replicas=2')
  const ref = { kind: 'Deployment', namespace: 'kube-system', name: 'heliograph' }
  assert.equal(((await admin.get(ref))['spec'] as { replicas: number }).replicas, 2)
  await run('uninstall', 'heliograph')
  for (const { kind, apiVersion, metadata } of await render({ replicas: 2 })) {
    const left = await admin.find({
      kind,
      apiVersion,
      name: metadata.name,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    })
    assert.ok(left === null || left.metadata['deletionTimestamp'] !== undefined, `${kind} is left`)
  }
})
