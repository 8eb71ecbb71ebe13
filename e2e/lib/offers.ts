/** Offers in few words: origins with our annotations, the places of their mirrors, and waiting for what a mirror holds. */

import { isDeepStrictEqual } from 'node:util'

import { awaitPresent } from './await.ts'
import type { Client } from './client.ts'
import { ours } from './marks.ts'
import { configMap, plain, refOf, secret } from './objects.ts'
import type { KubeObject, Ref } from './objects.ts'

export type Texts = Readonly<Record<string, string>>

/** A ConfigMap with annotations of ours, keys without the prefix: `offer('a', 'settings', { 'reflect-to': 'b' })`. */
export function offer(
  namespace: string,
  name: string,
  annotations: Texts,
  data: Texts = { a: '1' },
): KubeObject {
  return configMap(namespace, name, data, ours(annotations))
}

/** The same as a Secret. */
export function secretOffer(
  namespace: string,
  name: string,
  annotations: Texts,
  data: Readonly<Record<string, string | Uint8Array>> = { a: '1' },
): KubeObject {
  return secret(namespace, name, data, { annotations: ours(annotations) })
}

/** Where `origin` is mirrored in `namespace`. */
export function mirrorIn(namespace: string, origin: KubeObject, name = origin.metadata.name): Ref {
  return { kind: refOf(origin).kind, namespace, name }
}

/** The data of a Secret or ConfigMap as text. */
export function textsOf(object: KubeObject): Texts {
  return object.kind === 'ConfigMap' ? (object.data ?? {}) : plain(object)
}

/** Waits until `ref` holds exactly `data`. */
export async function awaitData(client: Client, ref: Ref, data: Texts): Promise<KubeObject> {
  const isIt = (object: KubeObject): boolean =>
    isDeepStrictEqual(textsOf({ ...object, kind: ref.kind }), { ...data })
  return await awaitPresent(client, ref, isIt, { what: `holds exactly ${JSON.stringify(data)}` })
}

/** Changes data as text, key by key; null removes one. */
export async function write(
  client: Client,
  ref: Ref,
  data: Readonly<Record<string, string | null>>,
): Promise<KubeObject> {
  const encoded = (text: string | null): string | null =>
    text === null || ref.kind === 'ConfigMap' ? text : Buffer.from(text).toString('base64')
  return await client.patch(ref, {
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, encoded(text)])),
  })
}

/** Changes annotations of ours, keys without the prefix; null removes one. */
export async function annotate(
  client: Client,
  ref: Ref,
  annotations: Readonly<Record<string, string | null>>,
): Promise<KubeObject> {
  return await client.annotate(ref, ours(annotations))
}

/** The namespaces in which a mirror of this name stands, the origin's own left out; sorted. */
export async function namespacesOf(
  client: Client,
  { kind, namespace, name }: Ref,
): Promise<readonly string[]> {
  const found = await client.list(kind, undefined, `fieldSelector=metadata.name%3D${name}`)
  return found
    .map(({ metadata }) => metadata.namespace ?? '')
    .filter((each) => each !== namespace)
    .sort()
}
