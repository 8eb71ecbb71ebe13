/** Installs the chart as a cluster's administrator would, all but the pod, which a test starts itself. */

import { render } from '../../test/chart/helm.ts'
import type { ControlPlane } from '../control-plane/plane.ts'
import type { KubeObject } from './objects.ts'

export interface ChartOptions {
  readonly namespace: string
  /** Left out: `heliograph`. Two installations in one cluster need two names. */
  readonly release?: string
  readonly values?: Readonly<Record<string, unknown>>
  /** Short for `values.settings`. */
  readonly settings?: Readonly<Record<string, unknown>>
}

export interface Installation {
  readonly namespace: string
  readonly serviceAccount: string
  /** What the pod would be started with: arguments, and environment with field references resolved. */
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly objects: readonly KubeObject[]
}

/** Renders the chart and applies every object of it; the Deployment lies there without a kubelet to run it. */
export async function installChart(plane: ControlPlane, options: ChartOptions): Promise<Installation> {
  const { namespace, release = 'heliograph', settings } = options
  const values = { ...options.values, ...(settings === undefined ? {} : { settings }) }
  const objects = await render(values, { name: release, namespace })
  const { client } = plane
  if ((await client.find({ kind: 'Namespace', name: namespace })) === null)
    await client.createNamespace(namespace)
  for (const object of objects) await client.apply(object, 'helm')
  const pod = podOf(objects)
  const [container] = pod.containers
  return {
    namespace,
    serviceAccount: pod.serviceAccountName,
    args: container?.args ?? [],
    environment: Object.fromEntries(
      (container?.env ?? []).map((each) => [each.name, valueOf(each, namespace)]),
    ),
    objects,
  }
}

interface EnvironmentEntry {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string } }
}

interface PodSpec {
  readonly serviceAccountName: string
  readonly containers: readonly {
    readonly args?: readonly string[]
    readonly env?: readonly EnvironmentEntry[]
  }[]
}

function podOf(objects: readonly KubeObject[]): PodSpec {
  const deployment = objects.find(({ kind }) => kind === 'Deployment')
  const spec = deployment?.['spec'] as { readonly template: { readonly spec: PodSpec } } | undefined
  if (spec === undefined) throw new Error('the chart renders no Deployment')
  return spec.template.spec
}

function valueOf({ name, value, valueFrom }: EnvironmentEntry, namespace: string): string {
  if (value !== undefined) return value
  const fields: Readonly<Record<string, string>> = {
    'metadata.namespace': namespace,
    'metadata.name': 'heliograph-0',
    'status.podIP': '127.0.0.1',
    'spec.nodeName': 'node-0',
  }
  const found = fields[valueFrom?.fieldRef?.fieldPath ?? '']
  if (found === undefined) throw new Error(`the chart sets ${name} from what a test cannot resolve`)
  return found
}
