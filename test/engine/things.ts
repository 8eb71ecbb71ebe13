/** Metadata of objects and namespaces in one line, for tests of the engine's parts. */

import { keyOf } from '../../src/core/names.ts'
import type { Kind, ObjectKey, ResourceVersion, Uid } from '../../src/core/names.ts'
import type { NamespaceMeta, ObjectMeta } from '../../src/core/objects.ts'

export const PREFIX = 'heliograph.dev/'

export interface Wanted {
  readonly kind?: Kind
  readonly uid?: string
  readonly version?: number
  readonly createdAt?: string
  /** Without the prefix. */
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
}

/** `path` is `namespace/name`. */
export function object(path: string, wanted: Wanted = {}): ObjectMeta {
  const [within = '', name = ''] = path.split('/')
  const kind = wanted.kind ?? 'Secret'
  return {
    key: keyOf({ kind, namespace: within, name }),
    kind,
    namespace: within,
    name,
    uid: (wanted.uid ?? `uid of ${path}`) as Uid,
    version: String(wanted.version ?? 1) as ResourceVersion,
    createdAt: wanted.createdAt ?? '2026-11-24T00:00:00Z',
    deleting: false,
    labels: prefixed(wanted.labels),
    annotations: prefixed(wanted.annotations),
    fields: { ours: [], others: [] },
    lastApplied: false,
  }
}

/** An object with a mark of ours, so that a store keeps it. */
export function marked(path: string, wanted: Wanted = {}): ObjectMeta {
  return object(path, { ...wanted, annotations: { at: path, ...wanted.annotations } })
}

export function namespace(
  name: string,
  wanted: Omit<Wanted, 'kind' | 'createdAt'> & { readonly terminating?: boolean } = {},
): NamespaceMeta {
  return {
    name,
    uid: (wanted.uid ?? `uid of ${name}`) as Uid,
    version: String(wanted.version ?? 1) as ResourceVersion,
    terminating: wanted.terminating ?? false,
    labels: wanted.labels ?? {},
    annotations: prefixed(wanted.annotations),
  }
}

export function secret(path: string): ObjectKey {
  return `Secret/${path}` as ObjectKey
}

export function version(number: number): ResourceVersion {
  return String(number) as ResourceVersion
}

function prefixed(texts: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([key, value]) => [PREFIX + key, value]))
}
