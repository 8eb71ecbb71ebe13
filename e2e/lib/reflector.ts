/** Origins, asking objects and marks in the vocabulary of reflector, in few words. */

import type { Client } from './client.ts'
import { keysOf, REFLECTOR } from './leftovers.ts'
import { configMap, secret } from './objects.ts'
import type { KubeObject, Ref } from './objects.ts'
import type { Texts } from './offers.ts'

/** A pushing origin of every namespace, unless more is said. */
export const AUTO = { 'reflection-allowed': 'true', 'reflection-auto-enabled': 'true' } as const

/** A ConfigMap with annotations of reflector, keys without the prefix. */
export function reflectable(
  namespace: string,
  name: string,
  keys: Texts,
  data: Texts = { a: '1' },
): KubeObject {
  return configMap(namespace, name, data, keysOf(REFLECTOR, keys))
}

/** The same as a Secret. */
export function secretReflectable(
  namespace: string,
  name: string,
  keys: Texts,
  data: Texts = { a: '1' },
): KubeObject {
  return secret(namespace, name, data, { annotations: keysOf(REFLECTOR, keys) })
}

/** A ConfigMap that asks `origin` to fill it. */
export function reflecting(namespace: string, name: string, origin: Ref): KubeObject {
  return reflectable(namespace, name, { reflects: `${origin.namespace ?? ''}/${origin.name}` }, { own: 'x' })
}

/** Changes annotations of reflector; null removes one. */
export async function reannotate(
  client: Client,
  ref: Ref,
  keys: Readonly<Record<string, string | null>>,
): Promise<KubeObject> {
  return await client.annotate(ref, keysOf(REFLECTOR, keys))
}

/** Reflector's annotations on `object`, without the prefix. */
export function reflectorKeysOn({ metadata }: KubeObject): Texts {
  const own = Object.entries(metadata.annotations ?? {}).filter(([key]) => key.startsWith(REFLECTOR))
  return Object.fromEntries(own.map(([key, value]) => [key.slice(REFLECTOR.length), value]))
}
