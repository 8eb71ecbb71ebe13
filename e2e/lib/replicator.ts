/** replicator's annotations as its users write them, in few words, and what its merged copies show. */

import { awaitPresent } from './await.ts'
import type { Client } from './client.ts'
import { configMap, secret } from './objects.ts'
import type { KubeObject, Ref } from './objects.ts'
import { textsOf } from './offers.ts'
import type { Texts } from './offers.ts'

export const REPLICATOR = 'replicator.v1.mittwald.de/'

/** `{ 'replicate-to': '*' }` as an object bears it; null removes. */
export function keysOf<V extends string | null>(
  keys: Readonly<Record<string, V>>,
): Readonly<Record<string, V>> {
  return Object.fromEntries(Object.entries(keys).map(([key, value]) => [REPLICATOR + key, value]))
}

interface Extra {
  readonly labels?: Texts
  readonly type?: string
  /** Whole keys, beside those of replicator. */
  readonly annotations?: Texts
}

/** A Secret with annotations of replicator, keys without the prefix. */
export function replicated(
  namespace: string,
  name: string,
  keys: Texts,
  data: Texts = { a: '1' },
  { annotations = {}, ...extra }: Extra = {},
): KubeObject {
  return secret(namespace, name, data, { ...extra, annotations: { ...annotations, ...keysOf(keys) } })
}

/** The same as a ConfigMap. */
export function replicatedMap(
  namespace: string,
  name: string,
  keys: Texts,
  data: Texts = { a: '1' },
): KubeObject {
  return configMap(namespace, name, data, keysOf(keys))
}

/** An object that asks to be filled from `origin`, in words of replicator. */
export function asking(
  namespace: string,
  name: string,
  origin: KubeObject,
  data: Texts = { own: 'x' },
  extra: Extra = {},
): KubeObject {
  const { namespace: from = '', name: named } = origin.metadata
  const keys = { 'replicate-from': `${from}/${named}` }
  return origin.kind === 'ConfigMap'
    ? replicatedMap(namespace, name, keys, data)
    : replicated(namespace, name, keys, data, extra)
}

/** Sets annotations of replicator; null removes one. */
export async function tell(
  client: Client,
  ref: Ref,
  keys: Readonly<Record<string, string | null>>,
): Promise<KubeObject> {
  return await client.annotate(ref, keysOf(keys))
}

/** What replicator's mark of that name says on `object`. */
export function markOf({ metadata }: KubeObject, key: string): string | undefined {
  return metadata.annotations?.[REPLICATOR + key]
}

/** Waits until `ref` holds all of `data`, whatever else it holds. */
export async function awaitKeys(client: Client, ref: Ref, data: Texts): Promise<KubeObject> {
  const holds = (object: KubeObject): boolean => {
    const texts = textsOf({ ...object, kind: ref.kind })
    return Object.entries(data).every(([key, value]) => texts[key] === value)
  }
  return await awaitPresent(client, ref, holds, { what: `holds ${JSON.stringify(data)}` })
}
