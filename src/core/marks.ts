/** What we write on mirrors, and the proof that an object is ours: label, `origin` and `at` all match, or it is somebody else's. */

import { createHash } from 'node:crypto'

import type { DigestKey } from './digest.ts'
import { mergedKeys, readAsk, readLeft, toolMarkKeys } from './dialects/table.ts'
import { parsePath, pathOf } from './names.ts'
import type { Kind, ObjectRef } from './names.ts'
import type { ObjectMeta } from './objects.ts'
import type { Ask, LeftCopy } from './policy.ts'
import type { Rules } from './rules.ts'

/** The mark `mirror`: first 16 hex digits of SHA-256 over `v1`, home's identity, kind, namespace and name of the origin, each ended by a zero byte. */
export function mirrorLabel(identity: string, origin: ObjectRef): string {
  const hash = createHash('sha256')
  for (const field of ['v1', identity, origin.kind, origin.namespace, origin.name])
    hash.update(field).update('\0')
  return hash.digest('hex').slice(0, 16)
}

/** The marks of one object as they stand, unproven. */
export interface Marks {
  readonly label: string | null
  readonly origin: string | null
  readonly at: string | null
  readonly originUid: string | null
  readonly originVersion: string | null
  /** Identity of the origin's cluster, on mirrors abroad. */
  readonly originCluster: string | null
  readonly digest: string | null
  readonly carried: readonly string[]
  readonly adopted: boolean
  readonly retain: boolean
  readonly retained: string | null
  readonly pulledFrom: string | null
  readonly adopt: string | null
  /** What it asks to be filled from, in any dialect. */
  readonly ask: Ask | null
  /** What another tool wrote on its own copy. */
  readonly left: LeftCopy | null
  /** The keys of a merged copy that are ours; null: it is no merged copy. */
  readonly mergedKeys: readonly string[] | null
}

/** `isAbroad`: `object` stands in another cluster than the origins. */
export function marksOf(object: ObjectMeta, rules: Rules, isAbroad = false): Marks {
  const { prefix } = rules
  const mark = (name: string): string | null => object.annotations[prefix + name] ?? null
  return {
    label: object.labels[`${prefix}mirror`] ?? null,
    origin: mark('origin'),
    at: mark('at'),
    originUid: mark('origin-uid'),
    originVersion: mark('origin-version'),
    originCluster: mark('origin-cluster'),
    digest: mark('digest'),
    carried: parseCarried(mark('carried')),
    adopted: mark('adopted') === 'true',
    retain: mark('on-delete') === 'retain',
    retained: mark('retained'),
    pulledFrom: mark('pulled-from'),
    adopt: mark('adopt'),
    ask: readAsk(object, rules),
    left: leftOf(object, rules, isAbroad),
    mergedKeys: mergedKeys(object, rules),
  }
}

/** What another tool wrote on its own copy; abroad only where it says which cluster's origin that came from: any other came from one there. */
export function leftOf(object: ObjectMeta, rules: Rules, isAbroad: boolean): LeftCopy | null {
  const left = readLeft(object, rules)
  return isAbroad && left?.uid == null ? null : left
}

/** How an object at a mirror's place stands to us. */
export type Standing =
  /** Label, `origin` and `at` all match: ours, a mirror of `origin`. */
  | { readonly kind: 'ours'; readonly origin: ObjectRef }
  /** Two of the three match `origin`, the third is gone or was changed: provable by its content only. `at` of another place is never provable. */
  | { readonly kind: 'stripped'; readonly origin: ObjectRef }
  /** Left to its owner when a claim ended; the same origin may take it back. */
  | { readonly kind: 'retained'; readonly origin: ObjectRef }
  /** Asks to be filled. */
  | { readonly kind: 'pull' }
  /** Another tool's copy, by its marks alone. */
  | { readonly kind: 'left'; readonly left: LeftCopy }
  /** Some of our marks, too few to prove anything. */
  | { readonly kind: 'unowned' }
  | { readonly kind: 'foreign' }

/**
 * Classifies `object`. `candidates` are origins that claim its place: with the `origin` mark gone, the label can be proven only against one of them.
 * Total: any combination of hostile marks gives a standing, and only three exact matches give `ours`.
 */
export function standingOf(
  object: ObjectMeta,
  marks: Marks,
  identity: string,
  candidates: readonly ObjectRef[],
): Standing {
  if (marks.ask !== null) return { kind: 'pull' }
  const here = pathOf(object)
  const named = originNamed(object.kind, marks.origin)
  const labelled = named !== null && marks.label === mirrorLabel(identity, named)
  if (named !== null && labelled && marks.at === here) return { kind: 'ours', origin: named }
  if (marks.at !== null && marks.at !== here) return withoutOurs(marks)
  // Another home's mirror, or what it left: none of ours, whatever its origin is called.
  if (marks.originCluster !== null && marks.originCluster !== identity) return { kind: 'foreign' }
  const kept = originNamed(object.kind, marks.retained)
  if (kept !== null && marks.at === here && marks.label === null) return { kind: 'retained', origin: kept }
  const stripped = labelled && named !== null ? named : strippedOrigin(marks, named, identity, candidates)
  if (stripped !== null) return { kind: 'stripped', origin: stripped }
  return marks.label !== null || marks.origin !== null || marks.at !== null
    ? { kind: 'unowned' }
    : withoutOurs(marks)
}

/** As {@link standingOf} under home's identity; a mirror at home that wholly matches a former one is ours as well, until it is stamped anew. */
export function standingUnder(
  key: Pick<DigestKey, 'identity' | 'former'>,
  object: ObjectMeta,
  marks: Marks,
  candidates: readonly ObjectRef[],
): Standing {
  const standing = standingOf(object, marks, key.identity, candidates)
  // Abroad, the same marks are those of the cluster that bears the former identity on.
  if (standing.kind === 'ours' || marks.originCluster !== null) return standing
  for (const identity of key.former ?? []) {
    const before = standingOf(object, marks, identity, candidates)
    if (before.kind === 'ours') return before
  }
  return standing
}

/**
 * Whether an object that is not ours is another home's mirror, by all three marks: what its owner permits he permitted to that one.
 * Without `origin-cluster` it is a mirror of the cluster that it stands in; at home that may as well be one restored from a lost cluster.
 */
export function isOfAnotherHome(
  object: ObjectMeta,
  { label, origin, at, originCluster }: Marks,
  identity: string,
  isAbroad: boolean,
): boolean {
  const named = originNamed(object.kind, origin)
  if (named === null || label === null || at !== pathOf(object) || originCluster === identity) return false
  return originCluster === null ? isAbroad : label === mirrorLabel(originCluster, named)
}

function withoutOurs({ left }: Marks): Standing {
  return left === null ? { kind: 'foreign' } : { kind: 'left', left }
}

/** Which origin `at` and one more mark still name; `at` is here or gone when this is asked. */
function strippedOrigin(
  marks: Marks,
  named: ObjectRef | null,
  identity: string,
  candidates: readonly ObjectRef[],
): ObjectRef | null {
  if (marks.at === null) return null
  const byLabel = candidates.find((origin) => marks.label === mirrorLabel(identity, origin))
  if (byLabel !== undefined) return byLabel
  return named !== null && candidates.some((origin) => pathOf(origin) === pathOf(named)) ? named : null
}

function originNamed(kind: Kind, path: string | null): ObjectRef | null {
  const parsed = path === null ? null : parsePath(path)
  return parsed === null ? null : { kind, ...parsed }
}

/** What the API server grants all annotations of an object together: a longer mark cannot have been written, and every shorter one is read whole. */
const CARRIED_LENGTH_MAX = 256 * 1024

/** `carried` holds `labels/KEY` and `annotations/KEY`, sorted, separated by commas (no key can hold one). */
export function parseCarried(text: string | null): readonly string[] {
  if (text === null || text === '' || text.length > CARRIED_LENGTH_MAX) return []
  return text.split(',').filter((path) => path.startsWith('labels/') || path.startsWith('annotations/'))
}

/** Paths of other tools' marks in `managedFields`: they may be ours, that tool's or anybody's. */
export function tolerableMarks(rules: Rules): readonly string[] {
  const { labels, annotations } = toolMarkKeys(rules)
  return [...labels.map((key) => `labels/${key}`), ...annotations.map((key) => `annotations/${key}`)]
}
