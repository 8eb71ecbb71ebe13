/** What our writes put on an object beside its data, what they take off, and what they prove of it. */

import { toolMarkKeys } from './dialects/table.ts'
import type { Marks } from './marks.ts'
import { pathOf } from './names.ts'
import type { ObjectRef } from './names.ts'
import type { ObjectMeta, Texts } from './objects.ts'
import { mapOps, pointer } from './operations.ts'
import type { Op } from './operations.ts'
import type { ToolMarks } from './policy.ts'
import { isDialectKey } from './prefixes.ts'
import { isNeverCarried } from './render.ts'
import type { Rendering } from './render.ts'
import type { Rules } from './rules.ts'

/** Who writes, under which rules, when. */
export interface Stamp {
  readonly rules: Rules
  readonly identity: string
  /** The mirror stands in another cluster than its origin. */
  readonly isAbroad: boolean
  /** For the marks of other tools: RFC 3339, UTC, with milliseconds. */
  readonly writtenAt: string
}

/** Every mark of ours, by the name after the prefix. */
const MARKS = [
  'origin',
  'at',
  'origin-uid',
  'origin-version',
  'origin-cluster',
  'on-delete',
  'adopted',
  'carried',
  'digest',
  'pulled-from',
  'retained',
]
export const PUSH_ONLY_MARKS = [
  'origin',
  'at',
  'origin-uid',
  'origin-version',
  'origin-cluster',
  'adopted',
  'retained',
  'carried',
]
/** Marks that a push mirror bears or not, by its policy. */
export const FOLLOWING_MARKS = ['on-delete', 'adopted', 'carried', 'pulled-from']
/** What must be as it was seen: ownership, consent, and the version of the data. */
const PROVING_MARKS = [
  'origin',
  'at',
  'origin-version',
  'digest',
  'pulled-from',
  'retained',
  'reflect-from',
  'adopt',
]

/** Whose object it is and which version of it: every mark as seen, and the resourceVersion where `pinned`. */
export function proof(object: ObjectMeta, prefix: string, seen: Marks, pinned: boolean): readonly Op[] {
  const ops: Op[] = [{ op: 'test', path: '/metadata/uid', value: object.uid }]
  if (seen.label !== null)
    ops.push({ op: 'test', path: pointer('labels', `${prefix}mirror`), value: seen.label })
  for (const mark of PROVING_MARKS) {
    const value = object.annotations[prefix + mark]
    if (value !== undefined) ops.push({ op: 'test', path: pointer('annotations', prefix + mark), value })
  }
  // Consent in another vocabulary than ours.
  if (seen.ask !== null && !seen.ask.annotation.startsWith(prefix)) {
    const value = object.annotations[seen.ask.annotation]
    ops.push({ op: 'test', path: pointer('annotations', seen.ask.annotation), value })
  }
  if (pinned) ops.push({ op: 'test', path: '/metadata/resourceVersion', value: object.version })
  return ops
}

/** Our annotations on a push mirror. */
export function pushMarks(
  rendering: Rendering,
  place: ObjectRef,
  stamp: Stamp,
  adopted: boolean,
): Record<string, string> {
  const { prefix } = stamp.rules
  const { origin, policy, summary } = rendering
  return {
    [`${prefix}origin`]: pathOf(origin),
    [`${prefix}at`]: pathOf(place),
    [`${prefix}origin-uid`]: origin.uid,
    [`${prefix}origin-version`]: origin.version,
    [`${prefix}digest`]: summary.digest,
    ...(stamp.isAbroad ? { [`${prefix}origin-cluster`]: stamp.identity } : {}),
    ...carriedMark(prefix, summary.carried),
    ...(policy.onDelete === 'retain' ? { [`${prefix}on-delete`]: 'retain' } : {}),
    ...(adopted ? { [`${prefix}adopted`]: 'true' } : {}),
  }
}

export function carriedMark(prefix: string, carried: Texts): Record<string, string> {
  const paths = Object.keys(carried).sort()
  return paths.length === 0 ? {} : { [`${prefix}carried`]: paths.join(',') }
}

/** Those of `marks` that are present on the object and not wanted any more. */
export function staleMarks(
  object: ObjectMeta,
  prefix: string,
  wanted: Texts,
  marks: readonly string[],
): readonly string[] {
  return marks
    .map((mark) => prefix + mark)
    .filter((key) => object.annotations[key] !== undefined && wanted[key] === undefined)
}

/** Keys of labels and annotations that came with an origin's data. */
export interface CarriedKeys {
  readonly labels: readonly string[]
  readonly annotations: readonly string[]
}

export const NOTHING_CARRIED: CarriedKeys = { labels: [], annotations: [] }

interface Parting {
  /** Annotations that stay behind. */
  readonly added: Texts
  /** Marks of ours that stay, without the prefix. */
  readonly kept: readonly string[]
  /** What goes beside the marks. */
  readonly carried: CarriedKeys
}

/** Our label and marks go, and those by which another tool would take the object for its own. */
export function unmark(object: ObjectMeta, rules: Rules, { added, kept, carried }: Parting): readonly Op[] {
  const { prefix } = rules
  const tool = toolMarkKeys(rules)
  const gone = MARKS.filter((mark) => !kept.includes(mark)).map((mark) => prefix + mark)
  return [
    ...mapOps('labels', object.labels, {}, [`${prefix}mirror`, ...tool.labels, ...carried.labels]),
    ...mapOps(
      'annotations',
      object.annotations,
      added,
      [...gone, ...tool.annotations, ...carried.annotations].filter((key) => added[key] === undefined),
    ),
  ]
}

/** Keys of the old `carried` mark that are not carried any more. Nothing under a dialect's prefix is ever carried, whatever the mark says. */
export function dropped(
  carried: readonly string[],
  map: 'labels' | 'annotations',
  wanted: Texts,
  rules: Rules,
): readonly string[] {
  return carried
    .filter((path) => path.startsWith(`${map}/`))
    .map((path) => path.slice(map.length + 1))
    .filter((key) => wanted[key] === undefined && !isDialectKey(key, rules))
}

interface ToolTextsOptions {
  readonly stamp: Stamp
  /** Data is written with it, or the mark that names the merged keys is lost. */
  readonly isWritten: boolean
  readonly as: 'push' | 'pull'
  readonly toolMarks: ToolMarks | null
}

/** Marks of the origin's tool: with data, or where somebody blanked or lost them; never for their own sake. */
export function toolTextsOf(rendering: Rendering, object: ObjectMeta, options: ToolTextsOptions): ToolTexts {
  const { stamp, isWritten, as, toolMarks } = options
  const isWanted = isWritten || toolMarks?.isBlanked(object.annotations) === true
  return isWanted ? toolTexts(rendering, stamp, as, toolMarks) : NO_TOOL_TEXTS
}

interface ToolTexts {
  readonly labels: Texts
  readonly annotations: Texts
}

const NO_TOOL_TEXTS: ToolTexts = { labels: {}, annotations: {} }

/** Marks of the origin's tool on a copy that is written now. */
export function toolTexts(
  { origin, summary }: Rendering,
  { writtenAt }: Stamp,
  form: 'push' | 'pull',
  toolMarks: ToolMarks | null,
): ToolTexts {
  return toolMarks?.onCopy({ origin, form, keys: summary.keys, writtenAt }) ?? NO_TOOL_TEXTS
}

interface Shed {
  readonly labels: readonly string[]
  readonly annotations: readonly string[]
  readonly lastApplied: boolean
}

export const NOTHING_SHED: Shed = { labels: [], annotations: [], lastApplied: false }

/** What a copy bears of its origin's metadata although nothing carries it: a tool that copies everything put it there. */
export function shedKeys(origin: ObjectMeta, object: ObjectMeta, rules: Rules): Shed {
  const copied = (map: 'labels' | 'annotations'): readonly string[] =>
    Object.entries(origin[map])
      .filter(([key, value]) => object[map][key] === value && isNeverCarried(key, rules))
      .map(([key]) => key)
  return {
    labels: copied('labels'),
    annotations: copied('annotations'),
    lastApplied: origin.lastApplied && object.lastApplied,
  }
}
