/** What the core may see of a cluster: metadata as readonly records, and content that cannot be printed. */

import type { Kind, ObjectKey, ResourceVersion, Uid } from './names.ts'
import type { Sensitive } from '../std/sensitive.ts'

/** Text by key. Built with a null prototype: `__proto__` is a legal data key. */
export type Texts = Readonly<Record<string, string>>

/** An empty record in which every key is an ordinary one. */
export function emptyTexts(): Record<string, string> {
  return { __proto__: null } as unknown as Record<string, string>
}

export function sameTexts(a: Texts, b: Texts): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key])
}

/** Metadata of a Secret or ConfigMap. The value of `last-applied-configuration` holds the whole secret and is dropped at the wire. */
export interface ObjectMeta {
  readonly key: ObjectKey
  readonly kind: Kind
  readonly namespace: string
  readonly name: string
  readonly uid: Uid
  readonly version: ResourceVersion
  /** RFC 3339, as the server writes it: comparable as text. */
  readonly createdAt: string
  readonly deleting: boolean
  readonly labels: Texts
  readonly annotations: Texts
  readonly fields: FieldOwners
  /** `kubectl.kubernetes.io/last-applied-configuration` is present. */
  readonly lastApplied: boolean
}

/** Who owns which fields, from `managedFields`. Paths: `data/KEY`, `binaryData/KEY`, `type`, `immutable`, `labels/KEY`, `annotations/KEY`. */
export interface FieldOwners {
  /** Paths in the `Update` entry of manager `heliograph`, sorted; equal sets are one shared array. */
  readonly ours: readonly string[]
  /** Every other entry that owns at least one such path (status and unlisted fields left out). */
  readonly others: readonly FieldOwner[]
}

export interface FieldOwner {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  /** Sorted; equal sets are one shared array. */
  readonly paths: readonly string[]
}

/** What a Secret or ConfigMap holds. Secret values are base64 as the server writes them; ConfigMap `data` is plain text. */
export interface Content {
  /** Null on ConfigMaps. */
  readonly type: string | null
  readonly immutable: boolean
  readonly data: ReadonlyMap<string, string>
  /** Base64; always empty on Secrets. */
  readonly binaryData: ReadonlyMap<string, string>
}

export interface FullObject {
  readonly meta: ObjectMeta
  readonly content: Sensitive<Content>
  /** Bytes of the answer: what a rendering of it costs at most. */
  readonly sizeBytes: number
  /** When the content was written last, by the server's clock (epoch milliseconds); NaN where the server does not say. */
  readonly writtenAtMs: number
}

export interface NamespaceMeta {
  readonly name: string
  readonly uid: Uid
  readonly version: ResourceVersion
  readonly terminating: boolean
  readonly labels: Texts
  readonly annotations: Texts
}
