/**
 * The `digest` mark: tells whether a mirror is current without reading it, and cannot be used to guess or to compare values.
 * `v1.KEYID.HMAC(content).HMAC(key names)`: HMAC-SHA-256 under a random key, over length-prefixed fields that begin with the origin's full identity.
 */

import { createHash, createHmac } from 'node:crypto'
import type { Hmac } from 'node:crypto'

import type { ObjectRef } from './names.ts'
import type { Content, FieldOwners, Texts } from './objects.ts'
import type { Sensitive } from '../std/sensitive.ts'

/** The key, its id, and the identity of home that was fixed beside it. */
export interface DigestKey {
  readonly id: string
  readonly identity: string
  /** What home was called before: mirrors at home that bear one of these are its own still. */
  readonly former?: readonly string[]
  readonly bytes: Sensitive<Uint8Array>
}

export const DIGEST_KEY_BYTES = 32

/** The id of a key: it names the key and tells nothing of it. */
export function digestKeyId(bytes: Uint8Array): string {
  return createHash('sha256').update('heliograph digest key').update(bytes).digest('hex').slice(0, 12)
}

/** What a mirror holds, as far as we set it: what a rendering writes, or what was read back. */
export interface MirrorContent {
  readonly content: Content
  /** `labels/KEY` and `annotations/KEY` that we set, with their values. */
  readonly carried: Texts
}

/**
 * Pull mirrors and merged copies keep their own type and immutability: both are left out of their digest. Of a merged copy only the keys that
 * are ours are in it.
 */
export type DigestForm = 'push' | 'pull' | 'merge'

/** The mark for `mirror` as a mirror of `origin`. The same content under another origin, key or form gives an unrelated text. */
export function digestOf(key: DigestKey, origin: ObjectRef, mirror: MirrorContent, form: DigestForm): string {
  const { content, carried } = mirror
  const hmac = begin(key, origin, 'content')
  field(hmac, form)
  field(hmac, form === 'push' ? (content.type ?? '') : '')
  field(hmac, form === 'push' && content.immutable ? 'immutable' : '')
  entries(hmac, content.data)
  entries(hmac, content.binaryData)
  entries(hmac, new Map(Object.entries(carried)))
  return `v1.${key.id}.${hmac.digest('base64url')}.${keyNamesHmac(key, origin, pathsOf(content))}`
}

/** An HMAC for each key's value: whether two objects agree in some keys can be told without keeping a value. */
export function valueDigests(
  key: DigestKey,
  origin: ObjectRef,
  content: Content,
): ReadonlyMap<string, string> {
  const digest = (path: string, value: string): string => {
    const hmac = begin(key, origin, 'value')
    field(hmac, path)
    field(hmac, value)
    return hmac.digest('base64url')
  }
  return new Map([
    ...[...content.data].map(([name, value]) => [name, digest(`data/${name}`, value)] as const),
    ...[...content.binaryData].map(([name, value]) => [name, digest(`binaryData/${name}`, value)] as const),
  ])
}

/** Paths of the content's keys, sorted as `managedFields` gives them: `binaryData/KEY`, `data/KEY`. */
export function pathsOf(content: Content): string[] {
  const paths = [
    ...[...content.data.keys()].map((key) => `data/${key}`),
    ...[...content.binaryData.keys()].map((key) => `binaryData/${key}`),
  ]
  return paths.sort()
}

/** What can be known of a `digest` mark without reading the object. */
export type DigestReading = 'known' | 'unknown' | 'missing'

/** `unknown`: another version or key id wrote it, which says nothing about the data. */
export function readDigest(text: string | null, key: DigestKey): DigestReading {
  if (text === null) return 'missing'
  const parts = text.split('.')
  return parts.length === 4 && parts[0] === 'v1' && parts[1] === key.id ? 'known' : 'unknown'
}

/**
 * Whether `managedFields` prove that nobody but us wrote what we set: every content key, the type and every carried key sits in our `Update` entry
 * and in no other, the key names are those of the mark, and we own no metadata beyond, as we would where the list of it was cut or lost.
 * A writer that poses as our manager is found by the sweep only.
 */
export function isCleanByFields(
  fields: FieldOwners,
  mark: string,
  proof: {
    readonly key: DigestKey
    readonly origin: ObjectRef
    /** What must be ours beside the content. */
    readonly owned: readonly string[]
    /** What may be ours or anybody's. */
    readonly tolerated: readonly string[]
  },
): boolean {
  const ours = new Set(fields.ours)
  const content = fields.ours.filter((path) => isContentPath(path))
  if (mark.split('.')[3] !== keyNamesHmac(proof.key, proof.origin, content)) return false
  if (!proof.owned.every((path) => ours.has(path))) return false
  const watched = new Set(proof.owned)
  const known = new Set([...proof.owned, ...proof.tolerated])
  if (fields.ours.some((path) => /^(labels|annotations)\//.test(path) && !known.has(path))) return false
  return !fields.others.some((owner) => owner.paths.some((path) => isContentPath(path) || watched.has(path)))
}

export function isContentPath(path: string): boolean {
  return path.startsWith('data/') || path.startsWith('binaryData/')
}

function keyNamesHmac(key: DigestKey, origin: ObjectRef, paths: readonly string[]): string {
  const hmac = begin(key, origin, 'key names')
  for (const path of paths) field(hmac, path)
  return hmac.digest('base64url')
}

function begin(key: DigestKey, origin: ObjectRef, purpose: string): Hmac {
  const hmac = createHmac('sha256', key.bytes.reveal())
  for (const text of [purpose, key.identity, origin.kind, origin.namespace, origin.name]) field(hmac, text)
  return hmac
}

function entries(hmac: Hmac, map: ReadonlyMap<string, string>): void {
  field(hmac, String(map.size))
  for (const name of [...map.keys()].sort()) {
    field(hmac, name)
    field(hmac, map.get(name) ?? '')
  }
}

/** Length-prefixed, so that no two lists of fields give the same bytes. */
function field(hmac: Hmac, text: string): void {
  hmac.update(`${Buffer.byteLength(text)}:`).update(text)
}
