/** Our annotations and label as tests write and read them, without the prefix. */

import { refOf } from './objects.ts'
import type { KubeObject, Ref } from './objects.ts'

export const PREFIX = 'heliograph.dev/'
/** What together proves a mirror; `mirror` is the label. */
export const PROVING_MARKS = ['mirror', 'origin', 'at'] as const

/** `{ 'reflect-to': 'b' }` as an object bears it. */
export function ours<V extends string | null>(
  keys: Readonly<Record<string, V>>,
): Readonly<Record<string, V>> {
  return Object.fromEntries(Object.entries(keys).map(([key, value]) => [PREFIX + key, value]))
}

/** Our annotations on `object`, without the prefix, and the label as `mirror`; sorted. */
export function marksOn({ metadata }: KubeObject): Readonly<Record<string, string>> {
  const label = metadata.labels?.[`${PREFIX}mirror`]
  const own = Object.entries(metadata.annotations ?? {})
    .filter(([key]) => key.startsWith(PREFIX))
    .map(([key, value]): [string, string] => [key.slice(PREFIX.length), value])
  const all = label === undefined ? own : [...own, ['mirror', label] as [string, string]]
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Whether `object` bears the three marks that prove a mirror of `origin` at its own place. */
export function isMirrorOf(object: KubeObject, origin: Ref): boolean {
  const { mirror, origin: named, at: place } = marksOn(object)
  return mirror !== undefined && named === pathOf(origin) && place === pathOf(refOf(object))
}

/** `namespace/name`. */
export function pathOf({
  namespace = '',
  name,
}: {
  readonly namespace?: string
  readonly name: string
}): string {
  return `${namespace}/${name}`
}

/** The place of the same name in another namespace. */
export function at({ kind, name }: Ref, namespace: string): Ref {
  return { kind, namespace, name }
}
