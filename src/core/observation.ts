/** What the plan may see of one place, and the answers that it may ask for. */

import type { Claim } from './claims.ts'
import type { Consent } from './consent.ts'
import type { DigestForm, DigestKey } from './digest.ts'
import type { Marks } from './marks.ts'
import type { ObjectKey, ObjectRef, ResourceVersion } from './names.ts'
import type { NamespaceMeta, ObjectMeta } from './objects.ts'
import type { Summary } from './render.ts'
import type { Rules } from './rules.ts'

/** Everything that may be known about one place at one moment. Frozen; the plan keeps nothing between two calls. */
export interface Observation {
  readonly place: ObjectRef
  readonly nowMs: number
  readonly rules: Rules
  readonly digestKey: DigestKey
  readonly namespace: NamespaceMeta | null
  /** The place is in another cluster than the origins. */
  readonly isAbroad?: boolean
  readonly object: ObjectMeta | null
  /** Whether `object` is itself an origin: then nothing may change it, whatever else is written on it. */
  readonly isOrigin: boolean
  /** Marks of `object`; null with it. */
  readonly marks: Marks | null
  readonly claims: readonly Claim[]
  /** A held origin may be the one that another tool’s copy came from: then nobody is known to be the only one. */
  readonly isDisputed?: boolean
  /** The origin that the marks name, as it stands now; null when the marks name none. */
  readonly marked: MarkedOrigin | null
  /** What the place's namespace says to the marked origin. */
  readonly markedConsent: Consent
  /** How the marked origin's claim here ended, if it was seen. */
  readonly end: { readonly witness: 'live' | 'inferred'; readonly atMs: number }
  /** The version that we wrote or verified last: equal means clean. */
  readonly knownVersion: ResourceVersion | null
  /** The digest that this process wrote here last: whoever takes it off or writes another makes no newer version. */
  readonly writtenDigest?: string | null
  /** Verify the data even where nothing speaks against it. */
  readonly mustVerify: boolean
  /** The change of `object` was seen as it happened: look at once, not at sweep rate. */
  readonly fresh: boolean
  /** A place whose holder left lately. */
  readonly freed: { readonly holder: ObjectKey; readonly atMs: number } | null
  readonly repairs: { readonly contested: boolean; readonly againAtMs: number }
  readonly brake: 'open' | 'held'
  /** What the summary of an origin's present version is, if its bytes were rendered before. */
  readonly summaries: ReadonlyMap<ObjectKey, Summary>
  readonly answers: Answers
  /** Null unless the object asks to be filled. */
  readonly pull: PullView | null
}

/** Answers to this turn's questions. */
export interface Answers {
  /** The content of `object` at its present version, as a digest for a given origin; null: not read. */
  readonly mirror: MirrorReading | null
  /** `ended`: a 404 naming the origin, or the origin read and not claiming. */
  readonly confirmation: 'ended' | 'claims' | 'unreadable' | null
  /** An update was refused because type or immutable data cannot change in place. */
  readonly unchangeable: boolean
}

/** What was read of an object's content, told without a value. */
export interface MirrorReading {
  /** The digest that its content would have as a mirror of `origin`. `carried`: another list of metadata than its mark names. */
  readonly digestFor: (origin: ObjectRef, form: DigestForm, carried?: readonly string[]) => string
  /** An HMAC for each key's value, comparable with those of the summary of `origin`. */
  readonly valueDigestsFor: (origin: ObjectRef) => ReadonlyMap<string, string>
  /** Null on ConfigMaps. */
  readonly type: string | null
  readonly present: PresentKeys
}

/** Names of the keys that an object holds. */
export interface PresentKeys {
  readonly data: ReadonlySet<string>
  readonly binaryData: ReadonlySet<string>
}

export type MarkedOrigin =
  | { readonly kind: 'absent' }
  | { readonly kind: 'held' }
  | { readonly kind: 'claiming' }
  /** `isOrigin`: it still offers copies, only not here; its version may yet hold it. `onDelete` null: it says nothing, the mirror's mark decides. */
  | {
      readonly kind: 'not-claiming'
      readonly onDelete: 'delete' | 'retain' | null
      readonly isOrigin: boolean
    }

/** What an asking object may have. Absent, unannotated and not-permitted origins are one case: whoever asks cannot tell them apart. */
export type PullView =
  | { readonly kind: 'flawed' }
  | { readonly kind: 'unavailable' }
  /** The origin was seen to go. */
  | { readonly kind: 'gone'; readonly atMs: number }
  | { readonly kind: 'held' }
  | { readonly kind: 'offered'; readonly origin: ObjectMeta }
