/**
 * Makes objects exactly as the tools leave them that people migrate from: same marks, same verbs, same field managers.
 * An origin that is rotated after its copy was made leaves a stale copy.
 */

import type { Client, PatchKind } from './client.ts'
import { collectionPath, pathOf, refOf, say } from './objects.ts'
import type { KubeObject, Ref } from './objects.ts'

type Texts = Readonly<Record<string, string>>

export const REFLECTOR = 'reflector.v1.k8s.emberstack.com/'
export const REPLICATOR = 'replicator.v1.mittwald.de/'
export const KUBED = 'kubed.appscode.com/'

/** Annotations of one tool, as an object bears them: `keysOf(REFLECTOR, { 'reflection-allowed': 'true' })`. */
export function keysOf<V extends string | null>(
  prefix: string,
  keys: Readonly<Record<string, V>>,
): Readonly<Record<string, V>> {
  return Object.fromEntries(Object.entries(keys).map(([key, value]) => [prefix + key, value]))
}

/** `quoted`: reflector 6 and 7 wrote the time with quotes in the value; `plain`: 8 to 10. */
export type ReflectorEra = 'quoted' | 'plain'

/** An auto mirror of `origin`, as it stands now: made by POST, updated once by JSON patch. */
export async function leaveReflectorCopy(
  client: Client,
  origin: KubeObject,
  namespace: string,
  { era = 'plain' }: { readonly era?: ReflectorEra } = {},
): Promise<KubeObject> {
  const annotations = reflectorMarks(origin, 'True', era)
  const copy = { ...bare(origin, namespace, annotations), ...contentOf(origin) }
  const earlier = { ...annotations, ...keysOf(REFLECTOR, { 'reflected-version': '1' }) }
  await sent(client, 'ES.Kubernetes.Reflector', 'create', withAnnotations(copy, earlier))
  return await reflected(client, origin, refOf(copy), annotations)
}

/** An object of its owner that asked, by `reflects`, to be filled, and was; `owner` is as the owner created it, data and all. */
export async function leaveReflectorPullMirror(
  client: Client,
  origin: KubeObject,
  owner: KubeObject,
  { era = 'plain' }: { readonly era?: ReflectorEra } = {},
): Promise<KubeObject> {
  const asking = keysOf(REFLECTOR, { reflects: pathName(origin) })
  const annotations = { ...owner.metadata.annotations, ...asking }
  const made = await sent(client, 'kubectl-create', 'create', withAnnotations(owner, annotations))
  const marks = reflectorMarks(origin, 'False', era)
  return await reflected(client, origin, refOf(made), { ...annotations, ...marks })
}

/** What the tool writes on a copy of the origin as it is now. */
export function reflectorMarks(
  origin: KubeObject,
  auto: 'True' | 'False',
  era: ReflectorEra = 'plain',
): Texts {
  const time = era === 'plain' ? '2026-08-04T21:27:29.1234567+00:00' : '"2021-11-19T08:15:02.7654321+00:00"'
  return keysOf(REFLECTOR, {
    reflects: pathName(origin),
    'auto-reflects': auto,
    'reflected-version': versionOf(origin),
    'reflected-at': time,
  })
}

/** A push copy of `origin`: made by POST, updated once by PUT. With `strip-labels` on the origin it bears no labels. */
export async function leaveReplicatorCopy(
  client: Client,
  origin: KubeObject,
  namespace: string,
): Promise<KubeObject> {
  const isStripped = origin.metadata.annotations?.[`${REPLICATOR}strip-labels`] !== undefined
  const labels = isStripped ? {} : { ...origin.metadata.labels }
  const copy = bare(origin, namespace, replicatorMarks(origin))
  const wanted = { ...copy, metadata: { ...copy.metadata, labels }, ...contentOf(origin) }
  const earlier = {
    ...wanted.metadata.annotations,
    ...keysOf(REPLICATOR, { 'replicated-from-version': '1' }),
  }
  const made = await sent(client, 'kubernetes-replicator', 'create', withAnnotations(wanted, earlier))
  return await replaced(client, 'kubernetes-replicator', made, wanted)
}

/**
 * An object of its owner that asked, by `replicate-from`, to be filled, and was: the origin's keys over the owner's. The push into
 * an object that the tool did not make looks the same, but for `replicate-from`: `isPushed`.
 */
export async function leaveReplicatorMerge(
  client: Client,
  origin: KubeObject,
  owner: KubeObject,
  { isPushed = false }: { readonly isPushed?: boolean } = {},
): Promise<KubeObject> {
  const asking = isPushed ? {} : keysOf(REPLICATOR, { 'replicate-from': pathName(origin) })
  const annotations = { ...owner.metadata.annotations, ...asking }
  const made = await sent(client, 'kubectl-create', 'create', withAnnotations(owner, annotations))
  const labels = isPushed ? { labels: { ...origin.metadata.labels } } : {}
  return await replaced(client, 'kubernetes-replicator', made, {
    ...made,
    metadata: { ...made.metadata, ...labels, annotations: { ...annotations, ...replicatorMarks(origin) } },
    ...mergedContent(made, origin),
  })
}

/** What the tool writes on a copy of the origin as it is now. */
export function replicatorMarks(origin: KubeObject): Texts {
  const keys = [...Object.keys(origin.data ?? {}), ...Object.keys(origin.binaryData ?? {})].toSorted()
  return keysOf(REPLICATOR, {
    'replicated-at': '2026-07-07T09:49:26Z',
    'replicated-from-version': versionOf(origin),
    'replicated-keys': keys.join(','),
  })
}

/** Kubed 0.12 and 0.13, or its later name. */
export type KubedManager = 'kubed' | 'config-syncer'

/** A copy of `origin`, labels and annotations (the origin's last-applied-configuration among them) and all: made by POST, patched once. */
export async function leaveKubedCopy(
  client: Client,
  origin: KubeObject,
  namespace: string,
  { manager = 'kubed', cluster = '' }: { readonly manager?: KubedManager; readonly cluster?: string } = {},
): Promise<KubeObject> {
  const { labels, annotations } = kubedMarks(origin, cluster)
  const copy = bare(origin, namespace, annotations)
  const wanted = { ...copy, metadata: { ...copy.metadata, labels }, ...contentOf(origin) }
  const earlier = { ...annotations, ...kubedReference(origin, '1') }
  const made = await sent(client, manager, 'create', withAnnotations(wanted, earlier))
  const { data, metadata } = wanted
  const body = { metadata: { labels: metadata.labels, annotations: metadata.annotations }, data }
  return await patched(client, manager, refOf(made), { kind: 'strategic', body })
}

/** What the tool writes on a copy of the origin as it is now: all its metadata but what makes it an origin, and whence it came. */
export function kubedMarks(
  origin: KubeObject,
  cluster = '',
): { readonly labels: Texts; readonly annotations: Texts } {
  const { name, namespace = '', annotations = {} } = origin.metadata
  const copied = Object.entries(annotations).filter(
    ([key]) => key !== `${KUBED}sync` && key !== `${KUBED}sync-contexts`,
  )
  return {
    labels: {
      ...origin.metadata.labels,
      ...keysOf(KUBED, { 'origin.name': name, 'origin.namespace': namespace, 'origin.cluster': cluster }),
    },
    annotations: { ...Object.fromEntries(copied), ...kubedReference(origin, versionOf(origin)) },
  }
}

function kubedReference({ kind, metadata }: KubeObject, resourceVersion: string): Texts {
  const { namespace, name, uid } = metadata
  return {
    [`${KUBED}origin`]: JSON.stringify({ kind, namespace, name, uid, apiVersion: 'v1', resourceVersion }),
  }
}

/** The origin's name, kind and type in another namespace, without content. */
function bare(origin: KubeObject, namespace: string, annotations: Texts): KubeObject {
  const { kind = '', type } = origin
  const metadata = { namespace, name: origin.metadata.name, annotations }
  return { apiVersion: 'v1', kind, metadata, ...(type === undefined ? {} : { type }) }
}

function withAnnotations(object: KubeObject, annotations: Texts): KubeObject {
  return { ...object, metadata: { ...object.metadata, annotations } }
}

function contentOf({ data, binaryData }: KubeObject): Pick<KubeObject, 'data' | 'binaryData'> {
  return { ...(data === undefined ? {} : { data }), ...(binaryData === undefined ? {} : { binaryData }) }
}

function mergedContent(object: KubeObject, origin: KubeObject): Pick<KubeObject, 'data' | 'binaryData'> {
  const binaryData = { ...object.binaryData, ...origin.binaryData }
  return {
    data: { ...object.data, ...origin.data },
    ...(Object.keys(binaryData).length === 0 ? {} : { binaryData }),
  }
}

/** As reflector updates: annotations and data replaced whole, null where the origin has none. */
async function reflected(
  client: Client,
  origin: KubeObject,
  ref: Ref,
  annotations: Texts,
): Promise<KubeObject> {
  const operations = [
    { op: 'replace', path: '/metadata/annotations', value: annotations },
    { op: 'replace', path: '/data', value: origin.data ?? null },
    ...(ref.kind === 'ConfigMap'
      ? [{ op: 'replace', path: '/binaryData', value: origin.binaryData ?? null }]
      : []),
  ]
  return await patched(client, 'ES.Kubernetes.Reflector', ref, { kind: 'json', body: operations })
}

async function replaced(
  client: Client,
  manager: string,
  present: KubeObject,
  wanted: KubeObject,
): Promise<KubeObject> {
  const { uid, resourceVersion } = present.metadata
  const metadata = { ...wanted.metadata, uid, resourceVersion } as KubeObject['metadata']
  return await sent(client, manager, 'replace', { ...wanted, metadata })
}

interface Patch {
  readonly kind: Extract<PatchKind, 'json' | 'strategic'>
  readonly body: unknown
}

async function sent(
  client: Client,
  manager: string,
  how: 'create' | 'replace',
  object: KubeObject,
): Promise<KubeObject> {
  const ref = refOf(object)
  const path = how === 'create' ? collectionPath(ref.kind, ref.namespace) : pathOf(ref)
  const method = how === 'create' ? 'POST' : 'PUT'
  return answered(ref, await client.request(method, `${path}?fieldManager=${manager}`, { body: object }))
}

async function patched(client: Client, manager: string, ref: Ref, patch: Patch): Promise<KubeObject> {
  const contentType =
    patch.kind === 'json' ? 'application/json-patch+json' : 'application/strategic-merge-patch+json'
  const path = `${pathOf(ref)}?fieldManager=${manager}`
  return answered(ref, await client.request('PATCH', path, { body: patch.body, contentType }))
}

function answered(ref: Ref, answer: { readonly status: number; readonly body: unknown }): KubeObject {
  if (answer.status < 300) return answer.body as KubeObject
  const { message = '' } = Object(answer.body) as { readonly message?: string }
  throw new Error(`leaving ${say(ref)}: answered ${answer.status}, ${message}`)
}

function pathName({ metadata: { namespace = '', name } }: KubeObject): string {
  return `${namespace}/${name}`
}

function versionOf({ metadata: { resourceVersion = '' } }: KubeObject): string {
  return resourceVersion
}
