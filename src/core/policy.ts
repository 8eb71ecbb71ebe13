/** What an origin's annotations mean, whichever dialect they were written in. */

import type { NamePatterns, NamespaceChoice } from './choice.ts'
import type { Globs } from './globs.ts'
import type { ObjectRef, ResourceVersion } from './names.ts'
import type { KeySelection } from './selection.ts'
import type { Texts } from './objects.ts'

export interface Policy {
  /** Which namespaces of home receive a mirror; null: no push. */
  readonly push: NamespaceChoice | null
  /** Who may pull; null: nobody. */
  readonly pull: NamespaceChoice | null
  /** Which peers it is forwarded to; null: none. */
  readonly peers: PeerChoice | null
  /** The mirrors' name, `{name}` and `{namespace}` already put in. */
  readonly mirrorName: string
  readonly selection: KeySelection
  /** The mirrors' type; null: the origin's. */
  readonly type: string | null
  /** Label and annotation keys to copy; null: none. */
  readonly carry: Globs | null
  /** What pushed mirrors bear of the origin's metadata besides, less what is never carried. */
  readonly copies: 'nothing' | 'labels' | 'metadata'
  /** `merge`: only the origin's keys are ours, what else the object holds stays. */
  readonly write: 'replace' | 'merge'
  /** The administrator lets it merge into objects that it did not make. */
  readonly takesOver: boolean
  /** Marks of the tool whose vocabulary this is, kept beside ours; null: none. */
  readonly toolMarks: ToolMarks | null
  readonly labels: Texts
  readonly annotations: Texts
  readonly immutable: boolean
  readonly onDelete: 'delete' | 'retain'
  readonly validators: readonly Validator[]
  readonly paused: boolean
  /** The value of `resync`; a changed one verifies every mirror's data. */
  readonly resync: string | null
}

/** Whom an origin is forwarded to. */
export interface PeerChoice {
  readonly peers: NamePatterns
  /** Null: the namespace of the origin's own name. */
  readonly namespaces: NamespaceChoice | null
}

/**
 * Marks that another tool puts on its copies: written with data or at creation, so that going back to it is possible.
 * They prove nothing to us once an object bears our own.
 */
export interface ToolMarks {
  /** What a copy bears whose data was written now. */
  onCopy(copy: WrittenCopy): { readonly labels: Texts; readonly annotations: Texts }
  /** Whether somebody blanked the mark of the version: that tool's way of asking for a fresh copy. */
  isBlanked(annotations: Texts): boolean
}

export interface WrittenCopy {
  readonly origin: ObjectRef & { readonly uid: string; readonly version: ResourceVersion }
  readonly form: 'push' | 'pull'
  /** The keys that are ours in it, sorted. */
  readonly keys: readonly string[]
  /** RFC 3339, UTC, with milliseconds: `2026-08-04T21:27:29.123Z`. */
  readonly writtenAt: string
}

export type Validator =
  | { readonly kind: 'tls' }
  | { readonly kind: 'dockerconfigjson' }
  | { readonly kind: 'keys'; readonly keys: readonly string[] }
  | { readonly kind: 'json'; readonly key: string }
  | { readonly kind: 'pem'; readonly key: string }

/** What was read from an object's annotations. */
export type Reading =
  /** No claiming key: not an origin. */
  | { readonly kind: 'none' }
  | { readonly kind: 'policy'; readonly policy: Policy; readonly remarks: readonly Flaw[] }
  /** A bad value or `paused` without one: nothing happens for this origin until it changes. */
  | {
      readonly kind: 'held'
      readonly flaws: readonly Flaw[]
      readonly paused: boolean
      readonly remarks: readonly Flaw[]
    }

/** Something about one annotation, with a fixed reason that quotes nothing of the value. A remark holds nothing; it is only told. */
export interface Flaw {
  /** The annotation's key as it is written, prefix included. */
  readonly annotation: string
  readonly reason: string
}

/** What an object asks to be filled from, in whichever vocabulary. */
export interface Ask {
  /** The key as it is written, prefix included. */
  readonly annotation: string
  readonly text: string
  /** Null: the value is flawed. */
  readonly origin: ObjectRef | null
  /** Why it is flawed; null: it is not. */
  readonly reason: string | null
  /** `merge`: only the origin's keys are filled, and they go again when the origin is seen to go. */
  readonly write: 'replace' | 'merge'
  readonly toolMarks: ToolMarks | null
  /** Another tool filled it before: what it holds is compared before anything is written. */
  readonly isFilled: boolean
}

/** A copy that another tool made: what its marks say, unproven. */
export interface LeftCopy {
  /** Whose marks they are, for people. */
  readonly tool: string
  /** The origin that the marks name; null: they name none. */
  readonly origin: ObjectRef | null
  /** That tool deletes it when its origin is gone or allows it no more. */
  readonly isCollectable: boolean
  /** The keys that the tool wrote; null: all. */
  readonly keys: readonly string[] | null
  /** The origin's uid, where the marks name it: the only thing on them that tells one cluster's origin from another's. */
  readonly uid?: string | null
}
