/** Annotations of replicator as its users write them, in few words, and what its merged copies show. */

import { awaitPresent } from './await.ts'
import type { Client } from './client.ts'
import { keysOf, REPLICATOR } from './leftovers.ts'
import { configMap, secret } from './objects.ts'
import type { KubeObject, Ref } from './objects.ts'
import { textsOf } from './offers.ts'
import type { Texts } from './offers.ts'

/** A Secret with annotations of replicator, keys without the prefix: `replicated('a', 'db', { 'replicate-to': '*' })`. */
export function replicated(
  namespace: string,
  name: string,
  keys: Texts,
  data: Texts = { a: '1' },
): KubeObject {
  return secret(namespace, name, data, { annotations: keysOf(REPLICATOR, keys) })
}

/** The same as a ConfigMap. */
export function replicatedMap(
  namespace: string,
  name: string,
  keys: Texts,
  data: Texts = { a: '1' },
): KubeObject {
  return configMap(namespace, name, data, keysOf(REPLICATOR, keys))
}

interface Clothes {
  readonly labels?: Texts
  /** Beside those that it bears. */
  readonly annotations?: Texts
  readonly type?: string
  readonly binaryData?: Texts
}

export function dressed(
  object: KubeObject,
  { labels = {}, annotations = {}, ...fields }: Clothes,
): KubeObject {
  const metadata = {
    ...object.metadata,
    labels,
    annotations: { ...object.metadata.annotations, ...annotations },
  }
  return { ...object, ...fields, metadata }
}

/** An object at `place` (`namespace/name`) that asks to be filled from `origin`, and holds `data` of its own. */
export function asking(place: string, origin: KubeObject, data: Texts = { own: 'x' }): KubeObject {
  const [namespace = '', name = ''] = place.split('/')
  const { namespace: from = '', name: named } = origin.metadata
  const make = origin.kind === 'ConfigMap' ? replicatedMap : replicated
  return make(namespace, name, { 'replicate-from': `${from}/${named}` }, data)
}

/** Sets annotations of replicator; null removes one. */
export async function tell(
  client: Client,
  ref: Ref,
  keys: Readonly<Record<string, string | null>>,
): Promise<KubeObject> {
  return await client.annotate(ref, keysOf(REPLICATOR, keys))
}

/** What replicator's annotation of that name says on `object`. */
export function said({ metadata }: KubeObject, key: string): string | undefined {
  return metadata.annotations?.[REPLICATOR + key]
}

/** What `ref` holds now, as text. */
export async function dataOf(client: Client, ref: Ref): Promise<Texts> {
  return textsOf({ ...(await client.get(ref)), kind: ref.kind })
}

/** Waits until a mirror of ours at `ref` bears the digest of data, or a pull mirror does: it was taken over. */
export async function awaitOurs(client: Client, ref: Ref): Promise<KubeObject> {
  return await awaitPresent(
    client,
    ref,
    ({ metadata }) => metadata.annotations?.['heliograph.dev/digest'] !== undefined,
    { what: 'bears our marks' },
  )
}
