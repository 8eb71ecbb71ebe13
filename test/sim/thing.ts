/** Objects of the simulated cluster, and their metadata as an API server would show it. */

import { keyOf } from '../../src/core/names.ts'
import type { Kind, ResourceVersion, Uid } from '../../src/core/names.ts'
import type { Content, FieldOwner, FullObject, NamespaceMeta, ObjectMeta } from '../../src/core/objects.ts'
import { Sensitive } from '../../src/std/sensitive.ts'

export type Map1 = Readonly<Record<string, string>>

/** A Secret or ConfigMap as it is stored; replaced as a whole by every write. Secret values are base64. */
export interface Thing {
  readonly kind: Kind
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly version: number
  readonly createdAt: string
  readonly deleting: boolean
  readonly finalizers: readonly string[]
  readonly labels: Map1
  readonly annotations: Map1
  /** Null on ConfigMaps. */
  readonly type: string | null
  readonly immutable: boolean
  readonly data: Map1
  readonly binaryData: Map1
  /** `manager operation` → paths, as `managedFields` would say. */
  readonly owners: ReadonlyMap<string, ReadonlySet<string>>
  readonly writtenAtMs: number
}

export interface NamespaceThing {
  readonly name: string
  readonly uid: string
  readonly version: number
  readonly terminating: boolean
  readonly labels: Map1
  readonly annotations: Map1
}

export const US = 'heliograph Update'
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** Every owned path with its value. */
export function leaves(thing: Thing): ReadonlyMap<string, string> {
  const all = new Map<string, string>()
  for (const [key, value] of Object.entries(thing.data)) all.set(`data/${key}`, value)
  for (const [key, value] of Object.entries(thing.binaryData)) all.set(`binaryData/${key}`, value)
  for (const [key, value] of Object.entries(thing.labels)) all.set(`labels/${key}`, value)
  for (const [key, value] of Object.entries(thing.annotations)) all.set(`annotations/${key}`, value)
  if (thing.type !== null) all.set('type', thing.type)
  if (thing.immutable) all.set('immutable', 'true')
  return all
}

const metas = new WeakMap<Thing, ObjectMeta>()

export function metaOf(thing: Thing): ObjectMeta {
  const known = metas.get(thing)
  if (known !== undefined) return known
  const { kind, namespace, name, createdAt, deleting, labels } = thing
  const { [LAST_APPLIED]: lastApplied, ...annotations } = thing.annotations
  const others: FieldOwner[] = []
  for (const [owner, paths] of thing.owners) {
    const [manager = '', operation] = owner.split(' ')
    if (owner !== US)
      others.push({
        manager,
        operation: operation === 'Apply' ? 'Apply' : 'Update',
        paths: [...paths].sort(),
      })
  }
  const meta: ObjectMeta = {
    key: keyOf(thing),
    kind,
    namespace,
    name,
    uid: thing.uid as Uid,
    version: String(thing.version) as ResourceVersion,
    createdAt,
    deleting,
    labels,
    annotations,
    fields: { ours: [...(thing.owners.get(US) ?? [])].sort(), others },
    lastApplied: lastApplied !== undefined,
  }
  metas.set(thing, meta)
  return meta
}

export function fullOf(thing: Thing): FullObject {
  const content: Content = {
    type: thing.type,
    immutable: thing.immutable,
    data: new Map(Object.entries(thing.data)),
    binaryData: new Map(Object.entries(thing.binaryData)),
  }
  const sizeBytes = [...leaves(thing)].reduce((sum, [path, value]) => sum + path.length + value.length, 200)
  return { meta: metaOf(thing), content: new Sensitive(content), sizeBytes, writtenAtMs: thing.writtenAtMs }
}

const namespaceMetas = new WeakMap<NamespaceThing, NamespaceMeta>()

export function namespaceMetaOf(thing: NamespaceThing): NamespaceMeta {
  const known = namespaceMetas.get(thing)
  if (known !== undefined) return known
  const { name, terminating, labels, annotations } = thing
  const meta = {
    name,
    terminating,
    labels,
    annotations,
    uid: thing.uid as Uid,
    version: String(thing.version) as ResourceVersion,
  }
  namespaceMetas.set(thing, meta)
  return meta
}
