/** What an origin's annotations mean, whichever dialect they were written in. */

import type { Globs } from './globs.ts'
import type { KeySelection } from './selection.ts'
import type { LabelSelector } from './selectors.ts'
import type { Texts } from './objects.ts'

export interface Policy {
  /** Which namespaces of home receive a mirror; null: no push. */
  readonly push: NamespaceChoice | null
  /** Who may pull; null: nobody. */
  readonly pull: Globs | null
  /** The mirrors' name, `{name}` and `{namespace}` already put in. */
  readonly mirrorName: string
  readonly selection: KeySelection
  /** The mirrors' type; null: the origin's. */
  readonly type: string | null
  /** Label and annotation keys to copy; null: none. */
  readonly carry: Globs | null
  readonly labels: Texts
  readonly annotations: Texts
  readonly immutable: boolean
  readonly onDelete: 'delete' | 'retain'
  readonly validators: readonly Validator[]
  readonly paused: boolean
  /** The value of `resync`; a changed one verifies every mirror's data. */
  readonly resync: string | null
}

/** Both given: both must hold. */
export interface NamespaceChoice {
  readonly globs: Globs | null
  readonly selector: LabelSelector | null
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
  | { readonly kind: 'policy'; readonly policy: Policy }
  /** A bad value or `paused` without one: nothing happens for this origin until it changes. */
  | { readonly kind: 'held'; readonly flaws: readonly Flaw[]; readonly paused: boolean }

/** One bad value: which annotation, and a fixed reason that quotes nothing of the value. */
export interface Flaw {
  /** The annotation's key without its prefix, such as `reflect-to`. */
  readonly annotation: string
  readonly reason: string
}
