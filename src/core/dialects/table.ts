/** The dialects in the order in which they are asked: the first with a claiming or asking key on the object says what it means. */

import { originEligibility } from '../eligibility.ts'
import type { Annotated } from '../eligibility.ts'
import type { Texts } from '../objects.ts'
import type { Ask, Flaw, LeftCopy, Reading } from '../policy.ts'
import { FOREIGN_DIALECTS } from '../rules.ts'
import type { ForeignDialect, Rules } from '../rules.ts'
import type { Dialect } from './dialect.ts'
import { heliograph } from './heliograph.ts'
import { kubed } from './kubed.ts'
import { readPolicy } from './modifiers.ts'
import { reflector } from './reflector.ts'
import { replicatedKeys, replicator } from './replicator.ts'
import { Sheet } from './sheet.ts'
import { sync } from './sync.ts'

export const DIALECTS: readonly Dialect[] = [heliograph, reflector, replicator, kubed, sync]
const FOREIGN: Readonly<Record<ForeignDialect, Dialect>> = { reflector, replicator, kubed, sync }

/** One dialect that has something to say about an object. */
interface Selected {
  readonly dialect: Dialect
  readonly prefix: string
  /** The first key by which it claims, prefix included; null: it does not. */
  readonly claim: string | null
  readonly ask: Ask | null
}

/** What every key that is read begins with. An object without one is unrelated. */
export function readPrefixes(rules: Rules): readonly string[] {
  return DIALECTS.flatMap((dialect) => dialect.prefix(rules) ?? [])
}

/** Whether anything is written on the object under a prefix that is read; only keys count, never a value. */
export function hasKeyUnder(
  meta: { readonly labels: Texts; readonly annotations: Texts },
  prefixes: readonly string[],
): boolean {
  for (const key in meta.annotations) if (prefixes.some((prefix) => key.startsWith(prefix))) return true
  for (const key in meta.labels) if (prefixes.some((prefix) => key.startsWith(prefix))) return true
  return false
}

/** What the annotations of `meta` mean; `none` also for objects that may never be origins, whatever is written on them. */
export function readOrigin(meta: Annotated, rules: Rules): Reading {
  const all = speaking(meta, rules)
  const [first] = all
  // A mirror is never an origin: one that asks to be filled offers nothing.
  if (first === undefined || first.ask !== null || originEligibility(meta, rules) !== null)
    return { kind: 'none' }
  const sheet = new Sheet(meta, first.prefix)
  const offer = first.dialect.read(meta, sheet, rules)
  const ours = new Sheet(meta, rules.prefix)
  const policy = readPolicy(ours, offer, meta, rules)
  const flaws = [...sheet.flaws, ...ours.flaws]
  const remarks = [...sheet.remarks, ...passedOver(all)]
  if (flaws.length > 0 || policy.paused || offer.isOutOfScope)
    return { kind: 'held', flaws, paused: policy.paused, remarks }
  return { kind: 'policy', policy, remarks }
}

/** Which dialect says what `meta` means; null: none does. */
export function dialectOf(meta: Annotated, rules: Rules): string | null {
  return speaking(meta, rules)[0]?.dialect.name ?? null
}

/** The key by which an origin that is read in `dialect` names other clusters, prefix included. */
export function peersKey(dialect: string, { prefix, dialects }: Rules): string {
  if (dialect === 'kubed') return `${dialects.prefixes.kubed}sync-contexts`
  return `${dialect === 'sync' ? dialects.prefixes.sync : prefix}targets`
}

/** What `meta` asks to be filled from; null: nothing. */
export function readAsk(meta: Annotated, rules: Rules): Ask | null {
  return speaking(meta, rules)[0]?.ask ?? null
}

/** Whether offers on `meta`, in any dialect, are ignored because it is a mirror of either form: worth a Warning on a pull mirror. */
export function ignoresOffers(meta: Annotated, rules: Rules): boolean {
  const all = speaking(meta, rules)
  if (all.every(({ claim }) => claim === null)) return false
  return (all[0]?.ask ?? null) !== null || originEligibility(meta, rules) === 'mirror'
}

/** What `meta` asks for in other dialects than the one that is listened to; empty unless it asks in that one. */
export function passedOverAsks(meta: Annotated, rules: Rules): readonly Flaw[] {
  const [first, ...rest] = speaking(meta, rules)
  if (first === undefined || first.ask === null) return []
  return rest.flatMap(({ dialect, ask }) =>
    ask === null ? [] : passedOverBy(first, dialect, ask.annotation),
  )
}

/** What marks of another tool's own copies say; null: there are none. */
export function readLeft(meta: Annotated, rules: Rules): LeftCopy | null {
  for (const dialect of DIALECTS) {
    const prefix = dialect.prefix(rules)
    const left = prefix === null ? null : dialect.left(meta, prefix, rules)
    if (left !== null) return left
  }
  return null
}

/** The keys of a merged copy that came from its origin, also where the settings say that the dialect is not read; null: it is none. */
export function mergedKeys(meta: Pick<Annotated, 'annotations'>, rules: Rules): readonly string[] | null {
  return replicatedKeys(meta, rules.dialects.prefixes.replicator)
}

/** The mark that {@link mergedKeys} reads. */
export function mergedKeysMark(rules: Rules): string {
  return `${rules.dialects.prefixes.replicator}replicated-keys`
}

/** Marks of every tool's own copies: they go with ours, so that no tool collects what was left to its owner. */
export function toolMarkKeys(rules: Rules): {
  readonly labels: readonly string[]
  readonly annotations: readonly string[]
} {
  const under = (form: 'labels' | 'annotations'): readonly string[] =>
    FOREIGN_DIALECTS.flatMap((name) =>
      FOREIGN[name].markKeys[form].map((key) => rules.dialects.prefixes[name] + key),
    )
  return { labels: under('labels'), annotations: under('annotations') }
}

function speaking(meta: Annotated, rules: Rules): readonly Selected[] {
  return DIALECTS.flatMap((dialect) => {
    const prefix = dialect.prefix(rules)
    if (prefix === null) return []
    const ask = dialect.ask(meta, prefix, rules)
    const claim =
      dialect.claimingKeys.map((key) => prefix + key).find((key) => meta.annotations[key] !== undefined) ??
      null
    return ask !== null || claim !== null ? [{ dialect, prefix, claim, ask }] : []
  })
}

function passedOver([first, ...rest]: readonly Selected[]): readonly Flaw[] {
  if (first === undefined) return []
  return rest.map(({ dialect, prefix, claim, ask }) =>
    passedOverBy(first, dialect, claim ?? ask?.annotation ?? prefix),
  )
}

function passedOverBy(first: Selected, { name }: Dialect, annotation: string): Flaw {
  const reason = `the keys of ${name} on this object are passed over, as it is read in the dialect ${first.dialect.name}`
  return { annotation, reason }
}
