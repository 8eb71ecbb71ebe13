/** The three resources that are watched: how each is asked for, filtered and parsed. */

import type { NamespaceMeta, ObjectMeta, Texts } from '../core/objects.ts'
import type { Watched } from './changes.ts'
import { namespaceMeta, objectMeta } from './wire.ts'

export interface WatchedResource<T extends Watched> {
  readonly resource: 'secrets' | 'configmaps' | 'namespaces'
  readonly fieldSelector: string | null
  /** Whether lines about objects that nobody annotated are skipped unparsed. */
  readonly isFiltered: boolean
  /** Null where the object is not of the promised form. */
  parse(raw: unknown): T | null
  /** Empty for Namespaces. */
  namespaceOf(object: T): string
}

/**
 * Releases of Helm are large, many and never mirrored. A type is immutable, so an object cannot leave the selection
 * but by deletion: a DELETED of this watch means gone.
 */
export const SECRETS: WatchedResource<ObjectMeta> = {
  resource: 'secrets',
  fieldSelector: 'type!=helm.sh/release.v1',
  isFiltered: true,
  parse: (raw) => objectMeta('Secret', raw),
  namespaceOf: (object) => object.namespace,
}

export const CONFIG_MAPS: WatchedResource<ObjectMeta> = {
  resource: 'configmaps',
  fieldSelector: null,
  isFiltered: true,
  parse: (raw) => objectMeta('ConfigMap', raw),
  namespaceOf: (object) => object.namespace,
}

export const NAMESPACES: WatchedResource<NamespaceMeta> = {
  resource: 'namespaces',
  fieldSelector: null,
  isFiltered: false,
  parse: namespaceMeta,
  namespaceOf: () => '',
}

/** What makes an object worth keeping: a key of its labels or annotations that holds one of `marks`. */
export function isMarked(object: Watched, marks: readonly string[]): boolean {
  return hasMark(object.labels, marks) || hasMark(object.annotations, marks)
}

function hasMark(texts: Texts, marks: readonly string[]): boolean {
  for (const key in texts) if (marks.some((mark) => key.includes(mark))) return true
  return false
}
