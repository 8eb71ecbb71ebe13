/** The resources that are watched: how each is asked for, filtered and parsed. */

import type { Kind } from '../core/names.ts'
import type { NamespaceMeta, ObjectMeta, Texts } from '../core/objects.ts'
import type { StoredLease } from './api.ts'
import type { Watched } from './changes.ts'
import { ACCEPT_JSON, ACCEPT_META, ACCEPT_META_LIST } from './paths.ts'
import { leaseFrom } from './records.ts'
import { namespaceMeta, objectMeta } from './wire.ts'

export interface WatchedResource<T extends Watched> {
  readonly resource: 'secrets' | 'configmaps' | 'namespaces' | 'leases'
  readonly fieldSelector: string | null
  readonly labelSelector: string | null
  /** The form in which a watch, and a list, is asked for. */
  readonly accept: Accept
  /** Whether lines about objects that nobody annotated are skipped unparsed. */
  readonly isFiltered: boolean
  /** Null where the object is not of the promised form. */
  parse(raw: unknown): T | null
  /** Empty for Namespaces. */
  namespaceOf(object: T): string
}

interface Accept {
  readonly watch: string
  readonly list: string
}

const METADATA: Accept = { watch: ACCEPT_META, list: ACCEPT_META_LIST }

/**
 * Releases of Helm are large, many and never mirrored. A type is immutable, so an object cannot leave the selection
 * but by deletion: a DELETED of this watch means gone.
 */
export const SECRETS: WatchedResource<ObjectMeta> = {
  resource: 'secrets',
  fieldSelector: 'type!=helm.sh/release.v1',
  labelSelector: null,
  accept: METADATA,
  isFiltered: true,
  parse: (raw) => objectMeta('Secret', raw),
  namespaceOf: (object) => object.namespace,
}

export const CONFIG_MAPS: WatchedResource<ObjectMeta> = {
  resource: 'configmaps',
  fieldSelector: null,
  labelSelector: null,
  accept: METADATA,
  isFiltered: true,
  parse: (raw) => objectMeta('ConfigMap', raw),
  namespaceOf: (object) => object.namespace,
}

export const NAMESPACES: WatchedResource<NamespaceMeta> = {
  resource: 'namespaces',
  fieldSelector: null,
  labelSelector: null,
  accept: METADATA,
  isFiltered: false,
  parse: namespaceMeta,
  namespaceOf: () => '',
}

/** Leases of one purpose, whole: they are small, and who holds one stands in their spec. */
export function leasesOf(labelSelector: string): WatchedResource<StoredLease> {
  return {
    resource: 'leases',
    fieldSelector: null,
    labelSelector,
    accept: { watch: ACCEPT_JSON, list: ACCEPT_JSON },
    isFiltered: false,
    parse: leaseFrom,
    namespaceOf: (lease) => lease.namespace,
  }
}

/** The watched objects by their kind. */
export const OBJECTS: Readonly<Record<Kind, WatchedResource<ObjectMeta>>> = {
  Secret: SECRETS,
  ConfigMap: CONFIG_MAPS,
}

/** The names of all that is watched where these kinds are mirrored. */
export function watchedResources(kinds: readonly Kind[]): readonly string[] {
  return [...kinds.map((kind) => OBJECTS[kind].resource), NAMESPACES.resource]
}

/** What makes an object worth keeping: a key of its labels or annotations that holds one of `marks`. */
export function isMarked(object: Watched, marks: readonly string[]): boolean {
  return hasMark(object.labels, marks) || hasMark(object.annotations, marks)
}

function hasMark(texts: Texts, marks: readonly string[]): boolean {
  for (const key in texts) if (marks.some((mark) => key.includes(mark))) return true
  return false
}
