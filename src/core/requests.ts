/**
 * The bodies of every write: each proves in the request itself whose object it changes and which version it replaces,
 * so that a late answer or an old leader's request cannot bring old data back.
 */

import { Sensitive } from '../std/sensitive.ts'
import { invariant } from '../std/assert.ts'
import { LAST_APPLIED } from './defaults.ts'
import { mergedKeysMark, toolMarkKeys } from './dialects/table.ts'
import { isContentPath } from './digest.ts'
import { mirrorLabel } from './marks.ts'
import type { Marks } from './marks.ts'
import { pathOf } from './names.ts'
import type { ObjectRef } from './names.ts'
import { emptyTexts } from './objects.ts'
import type { ObjectMeta, Texts } from './objects.ts'
import type { PresentKeys } from './observation.ts'
import { contentOps, mapOps, mergeOps, patch, pointer, removals } from './operations.ts'
import type { Op, RequestBody } from './operations.ts'
import type { Rendering, RenderedPieces } from './render.ts'
import type { Rules } from './rules.ts'
import {
  carriedMark,
  dropped,
  FOLLOWING_MARKS,
  NOTHING_CARRIED,
  NOTHING_SHED,
  proof,
  PUSH_ONLY_MARKS,
  pushMarks,
  shedKeys,
  staleMarks,
  toolTexts,
  toolTextsOf,
  unmark,
} from './stamps.ts'
import type { CarriedKeys, Stamp } from './stamps.ts'

const encoder = new TextEncoder()

/** POST of a new mirror at `place`. With `probe` it is the dry run of a replacement: a generated name and no marks. */
export function createBody(rendering: Rendering, place: ObjectRef, stamp: Stamp, probe = false): RequestBody {
  const pieces = revealPieces(rendering)
  const { labels, annotations } = split(rendering.summary.carried)
  const tool = toolTexts(rendering, stamp, 'push', rendering.policy.toolMarks)
  const metadata = probe
    ? { generateName: probeName(place.name), namespace: place.namespace, labels, annotations }
    : {
        name: place.name,
        namespace: place.namespace,
        labels: {
          ...labels,
          ...tool.labels,
          [`${stamp.rules.prefix}mirror`]: mirrorLabel(stamp.identity, rendering.origin),
        },
        annotations: { ...annotations, ...tool.annotations, ...pushMarks(rendering, place, stamp, false) },
      }
  const head = `{"apiVersion":"v1","kind":${JSON.stringify(place.kind)},"metadata":${JSON.stringify(metadata)}`
  const type = pieces.type === null ? '' : `,"type":${JSON.stringify(pieces.type)}`
  const immutable = pieces.immutable ? ',"immutable":true' : ''
  const binary = place.kind === 'ConfigMap' ? [encoder.encode(',"binaryData":'), pieces.binaryData] : []
  return new Sensitive([
    encoder.encode(`${head}${type}${immutable},"data":`),
    pieces.data,
    ...binary,
    encoder.encode('}'),
  ])
}

/** A generated name is cut by the server at 253 characters less its random tail, so that every name can be probed. */
function probeName(name: string): string {
  return `${name.slice(0, 200).replace(/[^a-z0-9]+$/, '')}-`
}

export interface UpdateOptions {
  readonly stamp: Stamp
  readonly form: UpdateForm
  readonly adopted: boolean
  /** The resourceVersion is part of the proof. */
  readonly pinned: boolean
  /** Copied metadata that another tool left here and that is never carried goes. */
  readonly shed: boolean
}

/**
 * JSON patch that makes `object` the mirror that `rendering` says.
 * Its proof: uid and every mark as seen; where a mark that versions the data is missing, or the content was not written by us, the resourceVersion as well.
 */
export function updateBody(
  rendering: Rendering,
  object: ObjectMeta,
  seen: Marks,
  options: UpdateOptions,
): RequestBody {
  const { stamp, form } = options
  const { prefix } = stamp.rules
  const { policy } = rendering
  const carried = split(rendering.summary.carried)
  const isWritten = form !== 'metadata' || (policy.write === 'merge' && seen.mergedKeys === null)
  const tool = toolTextsOf(rendering, object, { stamp, isWritten, as: 'push', toolMarks: policy.toolMarks })
  const annotations = {
    ...carried.annotations,
    ...tool.annotations,
    ...pushMarks(rendering, object, stamp, options.adopted),
  }
  const labels = {
    ...carried.labels,
    ...tool.labels,
    [`${prefix}mirror`]: mirrorLabel(stamp.identity, rendering.origin),
  }
  const merged = policy.write === 'merge' ? [] : [mergedKeysMark(stamp.rules)]
  const shed = options.shed ? shedKeys(rendering.origin, object, stamp.rules) : NOTHING_SHED
  // The digest alone does not version the data: it is the same again when old data comes back.
  const isPinned = options.pinned || isMerge(form) || seen.digest === null || seen.originVersion === null
  const ops = [
    ...proof(object, prefix, seen, isPinned),
    ...mapOps('labels', object.labels, labels, [
      ...dropped(seen.carried, 'labels', carried.labels, stamp.rules),
      ...shed.labels,
    ]),
    ...mapOps('annotations', object.annotations, annotations, [
      ...dropped(seen.carried, 'annotations', carried.annotations, stamp.rules),
      ...staleMarks(object, prefix, annotations, [...FOLLOWING_MARKS, 'retained']),
      ...merged,
      ...shed.annotations,
    ]),
    ...(shed.lastApplied ? [{ op: 'remove', path: pointer('annotations', LAST_APPLIED) } as const] : []),
  ]
  return patch(ops, writtenContent(rendering, object, { form, as: 'push', seen }))
}

/** JSON patch that fills a pull mirror. Consent is part of the proof: what it asks for as seen. Push marks left on it go. */
export function fillBody(
  rendering: Rendering,
  object: ObjectMeta,
  seen: Marks,
  options: { readonly stamp: Stamp; readonly form: UpdateForm },
): RequestBody {
  const { form, stamp } = options
  const { prefix } = stamp.rules
  const { pullCarried, pullDigest, mergedPullDigest } = rendering.summary
  const isMerged = seen.ask?.write === 'merge'
  const carried = split(pullCarried)
  const tool = toolTextsOf(rendering, object, {
    stamp,
    isWritten: form !== 'metadata' || (isMerged && seen.mergedKeys === null),
    as: 'pull',
    toolMarks: seen.ask?.toolMarks ?? null,
  })
  const marks = {
    ...tool.annotations,
    [`${prefix}pulled-from`]: pathOf(rendering.origin),
    [`${prefix}digest`]: isMerged ? mergedPullDigest : pullDigest,
    ...carriedMark(prefix, pullCarried),
  }
  // Without the label it never was a push mirror: an `on-delete` on it is its owner's, who is told that it is ignored.
  const pushed = seen.label !== null && seen.origin !== null
  const leftMarks = pushed ? [...PUSH_ONLY_MARKS, 'on-delete'] : PUSH_ONLY_MARKS
  const first = seen.pulledFrom === null || seen.digest === null
  // A label map that is made anew must not replace one that somebody made meanwhile.
  const makesLabels = Object.keys(object.labels).length === 0 && Object.keys(carried.labels).length > 0
  const ops = [
    ...proof(object, prefix, seen, first || makesLabels || form === 'metadata' || isMerge(form)),
    ...mapOps('labels', object.labels, carried.labels, [
      ...dropped(seen.carried, 'labels', carried.labels, stamp.rules),
      `${prefix}mirror`,
    ]),
    ...mapOps('annotations', object.annotations, { ...carried.annotations, ...marks }, [
      ...dropped(seen.carried, 'annotations', carried.annotations, stamp.rules),
      ...staleMarks(object, prefix, marks, leftMarks),
      ...(isMerged ? [] : [mergedKeysMark(stamp.rules)]),
    ]),
  ]
  return patch(ops, writtenContent(rendering, object, { form, as: 'pull', seen }))
}

/**
 * JSON patch at the end of a claim that retains: label and marks go, `retained` and `at` stay, so that the same origin can take it back.
 * So does `adopted`: what its owner made is never deleted, also after it was taken back.
 */
export function retainBody(object: ObjectMeta, seen: Marks, rules: Rules): RequestBody {
  return patch([...proof(object, rules.prefix, seen, false), ...retainOps(object, seen, rules)], [])
}

/**
 * JSON patch at the end of a merge: the keys that came from the origin go, of what the object holds at this version, and what was carried with
 * them; else as {@link retainBody}.
 */
export function stripBody(object: ObjectMeta, seen: Marks, present: PresentKeys, rules: Rules): RequestBody {
  const keys = seen.mergedKeys ?? []
  const carried = {
    labels: dropped(seen.carried, 'labels', {}, rules),
    annotations: dropped(seen.carried, 'annotations', {}, rules),
  }
  const marks =
    seen.ask === null ? retainOps(object, seen, rules, carried) : emptiedOps(object, rules, carried)
  return patch(
    [
      ...proof(object, rules.prefix, seen, true),
      ...marks,
      ...keys.flatMap((key) => removals(key, present, null)),
    ],
    [],
  )
}

/** JSON patch that gives the object to its owner: every mark goes, nothing else changes. */
export function releaseBody(object: ObjectMeta, seen: Marks, rules: Rules): RequestBody {
  return patch(
    [
      ...proof(object, rules.prefix, seen, true),
      ...unmark(object, rules, { added: {}, kept: [], carried: NOTHING_CARRIED }),
    ],
    [],
  )
}

function retainOps(object: ObjectMeta, seen: Marks, rules: Rules, carried = NOTHING_CARRIED): readonly Op[] {
  invariant(seen.origin !== null, 'only a marked mirror can be retained')
  return unmark(object, rules, {
    added: { [`${rules.prefix}retained`]: seen.origin },
    kept: ['at', 'adopted', 'origin-cluster'],
    carried,
  })
}

/** Of a pull mirror that holds nothing from its origin any more: what it asks for stays. */
function emptiedOps(object: ObjectMeta, rules: Rules, carried: CarriedKeys): readonly Op[] {
  const keys = ['pulled-from', 'digest', 'carried'].map((mark) => rules.prefix + mark)
  const tool = toolMarkKeys(rules).annotations.filter((key) => object.annotations[key] !== undefined)
  return [
    ...mapOps('labels', object.labels, {}, carried.labels),
    ...mapOps('annotations', object.annotations, {}, [...keys, ...tool, ...carried.annotations]),
  ]
}

export type UpdateForm =
  /** Data and metadata. */
  | 'whole'
  /** Metadata only: the content was read at this version and is right. */
  | 'metadata'
  /** Metadata, and the origin's keys among those that the object holds at this version. */
  | { readonly present: PresentKeys }

function isMerge(form: UpdateForm): boolean {
  return typeof form === 'object'
}

interface Writing {
  readonly form: UpdateForm
  readonly as: 'push' | 'pull'
  readonly seen: Marks
}

function writtenContent(
  rendering: Rendering,
  object: ObjectMeta,
  { form, as, seen }: Writing,
): readonly Uint8Array[] {
  if (form === 'metadata') return []
  const pieces = revealPieces(rendering)
  return form === 'whole'
    ? contentOps(object.kind, pieces, as)
    : mergeOps(pieces, form.present, seen.mergedKeys ?? writtenKeys(object, seen))
}

/** Without the mark that names them, the keys of ours are those that nobody wrote after us: another's key is never taken out on a guess. */
function writtenKeys({ fields }: ObjectMeta, seen: Marks): readonly string[] {
  if (seen.label === null && seen.pulledFrom === null) return []
  return fields.ours.filter((path) => isContentPath(path)).map((path) => path.slice(path.indexOf('/') + 1))
}

function revealPieces(rendering: Rendering): RenderedPieces {
  invariant(rendering.pieces !== null, 'only a deliverable rendering is written')
  return rendering.pieces.reveal()
}

function split(carried: Texts): { readonly labels: Texts; readonly annotations: Texts } {
  const labels = emptyTexts()
  const annotations = emptyTexts()
  for (const [path, value] of Object.entries(carried)) {
    if (path.startsWith('labels/')) labels[path.slice('labels/'.length)] = value
    else annotations[path.slice('annotations/'.length)] = value
  }
  return { labels, annotations }
}
