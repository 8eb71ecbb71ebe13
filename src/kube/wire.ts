/**
 * Bytes and parsed JSON of the API server become house types here: missing fields are met, wrong types refuse the object.
 * The value of `last-applied-configuration` holds a whole Secret and goes no further than this file.
 */

import { keyOf } from '../core/names.ts'
import type { Kind, ResourceVersion, Uid } from '../core/names.ts'
import type { Content, FullObject, NamespaceMeta, ObjectMeta, Texts } from '../core/objects.ts'
import { Sensitive } from '../std/sensitive.ts'
import { contentWrittenAtMs, fieldOwners } from './fields.ts'
import { isRecord, parseJson } from './json.ts'
import type { Json } from './json.ts'

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
const NO_TEXTS: Texts = Object.freeze(Object.create(null) as Record<string, string>)

/** Metadata of a Secret or ConfigMap, from the object or its PartialObjectMetadata; null where a type is wrong. */
export function objectMeta(kind: Kind, raw: unknown): ObjectMeta | null {
  const head = headOf(raw)
  if (head === null) return null
  const { metadata, name, uid, version, labels } = head
  const { namespace, creationTimestamp } = metadata
  const annotations = texts(metadata['annotations'], LAST_APPLIED)
  if (typeof namespace !== 'string' || namespace === '' || annotations === null) return null
  return {
    key: keyOf({ kind, namespace, name }),
    kind,
    namespace,
    name,
    uid,
    version,
    createdAt: typeof creationTimestamp === 'string' ? creationTimestamp : '',
    deleting: isSet(metadata['deletionTimestamp']),
    labels,
    annotations,
    fields: fieldOwners(metadata['managedFields']),
    lastApplied: isRecord(metadata['annotations']) && metadata['annotations'][LAST_APPLIED] !== undefined,
  }
}

/** Metadata of a Namespace; terminating as soon as it has a deletionTimestamp. */
export function namespaceMeta(raw: unknown): NamespaceMeta | null {
  const head = headOf(raw)
  if (head === null) return null
  const { metadata, name, uid, version, labels } = head
  const annotations = texts(metadata['annotations'], LAST_APPLIED)
  if (annotations === null) return null
  return { name, uid, version, terminating: isSet(metadata['deletionTimestamp']), labels, annotations }
}

/** One object with its content from an answer's bytes; null unless it is wholly of the expected form. */
export function fullObject(kind: Kind, bytes: Buffer): FullObject | null {
  const raw = parseJson(bytes)
  if (raw === null || raw['kind'] !== kind) return null
  const meta = objectMeta(kind, raw)
  const data = textMap(raw['data'])
  const binaryData = kind === 'ConfigMap' ? textMap(raw['binaryData']) : new Map<string, string>()
  if (meta === null || data === null || binaryData === null) return null
  const type = kind === 'Secret' ? raw['type'] : null
  if (type !== null && typeof type !== 'string') return null
  const content: Content = { type, immutable: raw['immutable'] === true, data, binaryData }
  const { managedFields } = isRecord(raw['metadata']) ? raw['metadata'] : {}
  return {
    meta,
    content: new Sensitive(content),
    sizeBytes: bytes.length,
    writtenAtMs: contentWrittenAtMs(managedFields) ?? Date.parse(meta.createdAt),
  }
}

interface Head {
  readonly metadata: Json
  readonly name: string
  readonly uid: Uid
  readonly version: ResourceVersion
  readonly labels: Texts
}

function headOf(raw: unknown): Head | null {
  if (!isRecord(raw) || !isRecord(raw['metadata'])) return null
  const { metadata } = raw
  const { name, uid, resourceVersion } = metadata
  const labels = texts(metadata['labels'], null)
  if (typeof name !== 'string' || typeof uid !== 'string' || typeof resourceVersion !== 'string') return null
  if (name === '' || uid === '' || resourceVersion === '' || labels === null) return null
  return { metadata, name, uid: uid as Uid, version: resourceVersion as ResourceVersion, labels }
}

/** The resourceVersion of a list's or a bookmark's metadata; null when there is none. */
export function versionOf(raw: unknown): ResourceVersion | null {
  if (!isRecord(raw) || !isRecord(raw['metadata'])) return null
  const version = raw['metadata']['resourceVersion']
  return typeof version === 'string' && version !== '' ? (version as ResourceVersion) : null
}

/** Copies without a prototype and without the key `but`; null where a value is not text. */
function texts(raw: unknown, but: string | null): Texts | null {
  if (!isSet(raw)) return NO_TEXTS
  if (!isRecord(raw)) return null
  const copy = Object.create(null) as Record<string, string>
  let any = false
  for (const key of Object.keys(raw)) {
    const value = raw[key]
    if (typeof value !== 'string') return null
    if (key === but) continue
    copy[key] = value
    any = true
  }
  return any ? copy : NO_TEXTS
}

function textMap(raw: unknown): ReadonlyMap<string, string> | null {
  const map = new Map<string, string>()
  if (!isSet(raw)) return map
  if (!isRecord(raw)) return null
  for (const key of Object.keys(raw)) {
    const value = raw[key]
    // An empty value of a Secret's `data` is written as null by some clients and stored as empty bytes.
    if (value !== null && typeof value !== 'string') return null
    map.set(key, value ?? '')
  }
  return map
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}
