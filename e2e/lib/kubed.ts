/** Objects as kubed and config-syncer leave them: their annotations, labels and reference, and what they copy along. */

import type { Client } from './client.ts'
import { KUBED, leaveKubedCopy } from './leftovers.ts'
import { pathOf, refOf } from './objects.ts'
import type { KubeObject } from './objects.ts'

/** `object` with kubed's annotations, keys without the prefix, and a label and an annotation for it to copy. */
export function kubedOrigin(object: KubeObject, keys: Readonly<Record<string, string>>): KubeObject {
  const annotations = Object.fromEntries(Object.entries(keys).map(([key, text]) => [KUBED + key, text]))
  const { metadata } = object
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, team: 'platform' },
      annotations: { ...metadata.annotations, note: 'kept', ...annotations },
    },
  }
}

/** The same after `kubectl apply` and under Argo CD. */
export function argoTracked(object: KubeObject): KubeObject {
  const { metadata } = object
  const { name, namespace = '', labels, annotations } = metadata
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: { ...labels, 'argocd.argoproj.io/instance': 'platform' },
      annotations: {
        ...annotations,
        'argocd.argoproj.io/tracking-id': `platform:/${object.kind ?? ''}:${namespace}/${name}`,
        'kubectl.kubernetes.io/last-applied-configuration': `${JSON.stringify(object)}\n`,
      },
    },
  }
}

/**
 * A copy of `origin`, which the server has seen, in `namespace`. The reference of 0.12 names kind and apiVersion; that of 0.13 does not, as
 * the objects of its informers lack both.
 */
export async function leaveCopy(
  client: Client,
  origin: KubeObject,
  namespace: string,
  form: '0.12' | '0.13' = '0.12',
): Promise<KubeObject> {
  const manager = form === '0.12' ? 'kubed' : 'config-syncer'
  const copy = await leaveKubedCopy(client, origin, namespace, { manager, cluster: 'unicorn' })
  if (form === '0.12') return copy
  const { namespace: from, name, uid, resourceVersion } = origin.metadata
  const annotations = { [`${KUBED}origin`]: JSON.stringify({ namespace: from, name, uid, resourceVersion }) }
  const path = `${pathOf(refOf(copy))}?fieldManager=${manager}`
  const body = { metadata: { annotations } }
  await client.request('PATCH', path, { body, contentType: 'application/merge-patch+json' })
  return await client.get(refOf(copy))
}

/** The reference that a copy bears, parsed; null without one. */
export function reference(annotations: Readonly<Record<string, string>>): unknown {
  const text = annotations[`${KUBED}origin`]
  return text === undefined ? null : JSON.parse(text)
}

/** Paths that `manager` owns on `object`, as `managedFields` write them: `f:data/f:key`. */
export function fieldsOf({ metadata }: KubeObject, manager: string): readonly string[] {
  const entries = (metadata['managedFields'] ?? []) as readonly {
    readonly manager?: string
    readonly fieldsV1?: Readonly<Record<string, unknown>>
  }[]
  return entries
    .filter((entry) => entry.manager === manager)
    .flatMap(({ fieldsV1 }) => pathsOf(fieldsV1 ?? {}))
}

function pathsOf(fields: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(fields).flatMap(([key, inner]) => {
    const below = pathsOf(inner as Readonly<Record<string, unknown>>)
    return below.length === 0 ? [key] : below.map((path) => `${key}/${path}`)
  })
}
