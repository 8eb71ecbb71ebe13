/** What a vocabulary of annotations must answer. */

import type { NamePatterns, NamespaceChoice } from '../choice.ts'
import type { Annotated } from '../eligibility.ts'
import type { Ask, LeftCopy, ToolMarks } from '../policy.ts'
import type { Rules } from '../rules.ts'
import type { Sheet } from './sheet.ts'

/** What one vocabulary says of an origin; our own keys besides the claiming ones say the rest, in every dialect. */
export interface Offer {
  readonly push: NamespaceChoice | null
  readonly pull: NamespaceChoice | null
  /** Names of peers. */
  readonly targets: NamePatterns | null
  readonly write: 'replace' | 'merge'
  readonly copies: 'nothing' | 'labels' | 'metadata'
  readonly takesOver: boolean
  readonly toolMarks: ToolMarks | null
  /** Its tool never looked at objects in this namespace: nothing happens for the origin. */
  readonly isOutOfScope: boolean
}

/** Nothing is offered. */
export const NO_OFFER: Offer = {
  push: null,
  pull: null,
  targets: null,
  write: 'replace',
  copies: 'nothing',
  takesOver: false,
  toolMarks: null,
  isOutOfScope: false,
}

/** One vocabulary of annotations. Pure and total: every bad value becomes a flaw or a remark on the sheet. */
export interface Dialect {
  readonly name: string
  /** What its keys begin with, slash included; null: the settings say that it is not read. */
  prefix(rules: Rules): string | null
  /** Keys that make an object an origin, whatever their value; without the prefix. */
  readonly claimingKeys: readonly string[]
  /** What an object that bears one of {@link claimingKeys} offers. */
  read(meta: Annotated, sheet: Sheet, rules: Rules): Offer
  /** What the object asks to be filled from; null: nothing. */
  ask(meta: Annotated, prefix: string, rules: Rules): Ask | null
  /** What marks of the tool's own copies are on the object; null: none. */
  left(meta: Annotated, prefix: string, rules: Rules): LeftCopy | null
  /** Marks of the tool's own copies, without the prefix. */
  readonly markKeys: { readonly labels: readonly string[]; readonly annotations: readonly string[] }
}

/** The vocabulary of a tool that leaves no marks. */
export const NO_MARKS: Pick<Dialect, 'left' | 'markKeys'> = {
  left: () => null,
  markKeys: { labels: [], annotations: [] },
}
