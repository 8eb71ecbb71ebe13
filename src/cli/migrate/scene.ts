/** What a migration report is made from: metadata of the annotated objects, names of all others, Namespaces, and what runs beside them. */

import { hasKeyUnder, readPrefixes } from '../../core/dialects/table.ts'
import { isNamespaceName, isObjectName, keyOf } from '../../core/names.ts'
import type { Kind, ObjectKey } from '../../core/names.ts'
import type { NamespaceMeta, ObjectMeta } from '../../core/objects.ts'
import type { Rules } from '../../core/rules.ts'
import { namespaceMeta, objectMeta } from '../../kube/wire.ts'
import type { Difference } from './differences.ts'

/** Names of objects that are kept at most; a cluster beyond it is told instead of read in part. */
export const NAMES_MAX = 5_000_000
/** Annotated objects, Namespaces, Deployments and objects of other kinds, each. */
export const OBJECTS_MAX = 500_000

export interface SceneObject extends ObjectMeta {
  /** Null on ConfigMaps, and where it is not known. */
  readonly secretType: string | null
}

/** Something that might be the old controller. */
export interface Workload {
  readonly namespace: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly images: readonly string[]
  readonly isScaledToZero: boolean
}

/** An annotated object of a kind that is not mirrored. */
export interface OtherObject {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly annotations: readonly string[]
}

export interface Scene {
  readonly namespaces: ReadonlyMap<string, NamespaceMeta>
  /** Objects with a key of any dialect that is read. */
  readonly objects: ReadonlyMap<ObjectKey, SceneObject>
  /** Every Secret and ConfigMap. */
  readonly names: ReadonlySet<ObjectKey>
  readonly workloads: readonly Workload[]
  readonly others: readonly OtherObject[]
  /** What could not be read. */
  readonly unread: readonly Difference[]
  /** Of home; empty while it is not known. */
  readonly identity: string
}

/** A scene while it is read. */
export interface SceneDraft extends Scene {
  readonly namespaces: Map<string, NamespaceMeta>
  readonly objects: Map<ObjectKey, SceneObject>
  readonly names: Set<ObjectKey>
  readonly workloads: Workload[]
  readonly others: OtherObject[]
  readonly unread: Difference[]
  identity: string
  /** More was there than is kept. */
  isOverfull: boolean
  readonly prefixes: readonly string[]
}

export function emptyScene(rules: Rules): SceneDraft {
  return {
    namespaces: new Map(),
    objects: new Map(),
    names: new Set(),
    workloads: [],
    others: [],
    unread: [],
    identity: '',
    isOverfull: false,
    prefixes: readPrefixes(rules),
  }
}

/** Takes the metadata of a Secret or ConfigMap; false where it has not the form of one. */
export function takeObject(draft: SceneDraft, kind: Kind, raw: unknown, secretType: string | null): boolean {
  const meta = objectMeta(kind, raw)
  if (meta === null || !isObjectName(meta.name) || !isNamespaceName(meta.namespace)) return false
  if (draft.names.size >= NAMES_MAX || draft.objects.size >= OBJECTS_MAX) {
    draft.isOverfull = true
    return true
  }
  draft.names.add(keyOf(meta))
  if (hasKeyUnder(meta, draft.prefixes)) draft.objects.set(meta.key, { ...meta, secretType })
  return true
}

export function takeNamespace(draft: SceneDraft, raw: unknown): boolean {
  const meta = namespaceMeta(raw)
  if (meta === null || !isNamespaceName(meta.name)) return false
  if (draft.namespaces.size >= OBJECTS_MAX) draft.isOverfull = true
  else draft.namespaces.set(meta.name, meta)
  return true
}

/** Keeps it only if it bears a key of a tool. */
export function takeOther(draft: SceneDraft, kind: string, raw: unknown): boolean {
  // Any kind with metadata reads like a ConfigMap's.
  const meta = objectMeta('ConfigMap', raw)
  if (meta === null || !isObjectName(meta.name.replaceAll(':', '-'))) return false
  const annotations = Object.keys(meta.annotations).filter((key) =>
    draft.prefixes.some((prefix) => key.startsWith(prefix)),
  )
  if (annotations.length === 0) return true
  if (draft.others.length >= OBJECTS_MAX) draft.isOverfull = true
  else draft.others.push({ kind, namespace: meta.namespace, name: meta.name, annotations })
  return true
}

export function takeWorkload(
  draft: SceneDraft,
  raw: unknown,
  more: Pick<Workload, 'images' | 'isScaledToZero'>,
): boolean {
  const meta = objectMeta('ConfigMap', raw)
  if (meta === null || !isObjectName(meta.name) || !isNamespaceName(meta.namespace)) return false
  if (draft.workloads.length >= OBJECTS_MAX) draft.isOverfull = true
  else draft.workloads.push({ namespace: meta.namespace, name: meta.name, labels: meta.labels, ...more })
  return true
}
