/**
 * From one answer of the API server to the bytes of a mirror: selection, type, carried metadata, validation, digest.
 * Uid, policy and data come from that one answer.
 */

import { Sensitive } from '../std/sensitive.ts'
import { digestOf, valueDigests } from './digest.ts'
import type { DigestForm, DigestKey, MirrorContent } from './digest.ts'
import type { ResourceVersion, Uid } from './names.ts'
import { emptyTexts } from './objects.ts'
import type { Content, FullObject, ObjectMeta, Texts } from './objects.ts'
import type { Policy } from './policy.ts'
import { isDialectKey } from './prefixes.ts'
import type { Rules } from './rules.ts'
import { certificateExpiry, validate } from './validate.ts'

/** What is remembered of a version of an origin after its bytes are gone. */
export interface Summary {
  readonly uid: Uid
  readonly version: ResourceVersion
  readonly verdict: Verdict
  /** Digest marks of a push mirror, of a pull mirror, and of a merged pull of this version; empty unless deliverable. */
  readonly digest: string
  readonly pullDigest: string
  readonly mergedPullDigest: string
  /** Carried and fixed metadata of pushed mirrors: `labels/KEY`, `annotations/KEY`. */
  readonly carried: Texts
  /** The same of pull mirrors. */
  readonly pullCarried: Texts
  /** Keys of the mirror's content, sorted. */
  readonly keys: readonly string[]
  /** Of a merging origin: an HMAC for each key's value, in memory only. Otherwise empty. */
  readonly valueDigests: ReadonlyMap<string, string>
  /** Bytes of the answer that held the origin. */
  readonly sizeBytes: number
  /** When the certificate of an origin with the validator `tls` goes out of date (epoch milliseconds); null without one. */
  readonly expiresAtMs: number | null
}

export type Verdict =
  | { readonly kind: 'deliverable' }
  /** Held, like a bad value: depends only on what is written on the origin. */
  | { readonly kind: 'refused-type' }
  | { readonly kind: 'empty-selection' }
  /** This version is not distributed; deletes go on. */
  | { readonly kind: 'invalid'; readonly validator: string; readonly reason: string }

/** One origin's version, ready to be written any number of times. */
export interface Rendering {
  readonly origin: ObjectMeta
  readonly policy: Policy
  readonly summary: Summary
  /** Null unless deliverable. */
  readonly pieces: Sensitive<RenderedPieces> | null
}

/** JSON texts, shared by every request body. */
export interface RenderedPieces {
  readonly type: string | null
  readonly immutable: boolean
  readonly data: Uint8Array
  readonly binaryData: Uint8Array
}

/** Renders `full` under `policy`, which was read from `full`'s own annotations. */
export function render(
  full: FullObject,
  policy: Policy,
  context: { readonly rules: Rules; readonly key: DigestKey },
): Rendering {
  const source = full.content.reveal()
  const content = selected(source, policy)
  const verdict = judge(full, content, policy, context.rules)
  const carried = carriedOf(full.meta, policy, context.rules, 'push')
  const pullCarried = carriedOf(full.meta, policy, context.rules, 'pull')
  const base = {
    uid: full.meta.uid,
    version: full.meta.version,
    carried,
    pullCarried,
    keys: content === null ? [] : [...content.data.keys(), ...content.binaryData.keys()].sort(),
    sizeBytes: full.sizeBytes,
    verdict,
    expiresAtMs: expiryOf(source, policy),
  }
  if (content === null || verdict.kind !== 'deliverable') {
    const summary = { ...base, digest: '', pullDigest: '', mergedPullDigest: '', valueDigests: new Map() }
    return { origin: full.meta, policy, summary, pieces: null }
  }
  const { key } = context
  const pulled: MirrorContent = { content, carried: pullCarried }
  const summary = {
    ...base,
    digest: digestOf(key, full.meta, { content, carried }, pushFormOf(policy)),
    pullDigest: digestOf(key, full.meta, pulled, 'pull'),
    mergedPullDigest: digestOf(key, full.meta, pulled, 'merge'),
    valueDigests: policy.write === 'merge' ? valueDigests(key, full.meta, content) : new Map(),
  }
  return { origin: full.meta, policy, summary, pieces: new Sensitive(piecesOf(content)) }
}

/** In which form the digest of a pushed mirror is reckoned. */
export function pushFormOf({ write }: Policy): DigestForm {
  return write === 'merge' ? 'merge' : 'push'
}

function selected(source: Content, policy: Policy): Content | null {
  const names = policy.selection.apply([...source.data.keys(), ...source.binaryData.keys()])
  if (names === null) return null
  const pick = (from: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
    new Map(
      [...from].flatMap(([key, value]) => {
        const name = names.get(key)
        return name === undefined ? [] : [[name, value] as const]
      }),
    )
  return {
    type: source.type === null ? null : (policy.type ?? source.type),
    immutable: policy.immutable,
    data: pick(source.data),
    binaryData: pick(source.binaryData),
  }
}

/** A certificate must be in date when its version arrives, which the server dated: one that expires in place stays deliverable, after a restart too. */
function judge(full: FullObject, content: Content | null, policy: Policy, rules: Rules): Verdict {
  const source = full.content.reveal()
  if (source.type !== null && rules.refusedTypes.has(source.type)) return { kind: 'refused-type' }
  if (content === null) return { kind: 'empty-selection' }
  const flaw = validate(source, policy.validators, Number.isNaN(full.writtenAtMs) ? null : full.writtenAtMs)
  return flaw === null ? { kind: 'deliverable' } : { kind: 'invalid', ...flaw }
}

/** What `carry` matches and what the dialect copies to pushed mirrors, less what is never carried or given, and the fixed metadata over it. */
function carriedOf(origin: ObjectMeta, policy: Policy, rules: Rules, form: 'push' | 'pull'): Texts {
  const carried = emptyTexts()
  const copies = form === 'push' ? policy.copies : 'nothing'
  const allowed = (key: string, isCopied: boolean): boolean =>
    (isCopied || policy.carry?.matches(key) === true) && !isNeverCarried(key, rules)
  for (const [key, value] of Object.entries(origin.labels))
    if (allowed(key, copies !== 'nothing')) carried[`labels/${key}`] = value
  for (const [key, value] of Object.entries(origin.annotations))
    if (allowed(key, copies === 'metadata')) carried[`annotations/${key}`] = value
  for (const [key, value] of Object.entries(policy.labels)) carried[`labels/${key}`] = value
  for (const [key, value] of Object.entries(policy.annotations)) carried[`annotations/${key}`] = value
  return carried
}

/** Metadata by which other tools own, group or trust the origin. */
export function isNeverCarried(key: string, rules: Rules): boolean {
  return isDialectKey(key, rules) || rules.neverCarry.matches(key) || rules.refusedKeys.matches(key)
}

function expiryOf(source: Content, policy: Policy): number | null {
  return policy.validators.some((validator) => validator.kind === 'tls') ? certificateExpiry(source) : null
}

const encoder = new TextEncoder()

function piecesOf(content: Content): RenderedPieces {
  return {
    type: content.type,
    immutable: content.immutable,
    data: jsonObject(content.data),
    binaryData: jsonObject(content.binaryData),
  }
}

/** Written member by member: an object literal would lose the legal key `__proto__`. */
function jsonObject(map: ReadonlyMap<string, string>): Uint8Array {
  const members = [...map].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
  return encoder.encode(`{${members.join(',')}}`)
}
