/**
 * The bodies of every write: each proves in the request itself whose object it changes and which version it replaces,
 * so that a late answer or an old leader's request cannot bring old data back.
 */

import { Sensitive } from '../std/sensitive.ts'
import { invariant } from '../std/assert.ts'
import { mirrorLabel } from './marks.ts'
import type { Marks } from './marks.ts'
import { pathOf } from './names.ts'
import type { ObjectRef } from './names.ts'
import { emptyTexts } from './objects.ts'
import type { ObjectMeta, Texts } from './objects.ts'
import type { Rendering, RenderedPieces } from './render.ts'

/** Consecutive pieces of one JSON text. */
export type RequestBody = Sensitive<readonly Uint8Array[]>

export interface Stamp {
  readonly prefix: string
  readonly identity: string
}

const encoder = new TextEncoder()

/** POST of a new mirror at `place`. With `probe` it is the dry run of a replacement: a generated name and no marks. */
export function createBody(rendering: Rendering, place: ObjectRef, stamp: Stamp, probe = false): RequestBody {
  const pieces = revealPieces(rendering)
  const { labels, annotations } = split(rendering.summary.carried)
  const metadata = probe
    ? { generateName: probeName(place.name), namespace: place.namespace, labels, annotations }
    : {
        name: place.name,
        namespace: place.namespace,
        labels: { ...labels, [`${stamp.prefix}mirror`]: mirrorLabel(stamp.identity, rendering.origin) },
        annotations: { ...annotations, ...pushMarks(rendering, place, stamp, false) },
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

export type UpdateForm =
  /** Data and metadata. */
  | 'whole'
  /** Metadata only: the content was read at this version and is right. */
  | 'metadata'

/**
 * JSON patch that makes `object` the mirror that `rendering` says.
 * Its proof: uid and every mark as seen; where a mark that versions the data is missing, or the content was not written by us, the resourceVersion as well.
 */
export function updateBody(
  rendering: Rendering,
  object: ObjectMeta,
  seen: Marks,
  options: {
    readonly stamp: Stamp
    readonly form: UpdateForm
    readonly adopted: boolean
    readonly pinned: boolean
  },
): RequestBody {
  const { stamp, form } = options
  const label = `${stamp.prefix}mirror`
  const wantedAnnotations = pushMarks(rendering, object, stamp, options.adopted)
  const carried = split(rendering.summary.carried)
  const stale = staleMarks(object, stamp.prefix, wantedAnnotations, [...FOLLOWING_MARKS, 'retained'])
  // The digest alone does not version the data: it is the same again when old data comes back.
  const pinned = options.pinned || seen.digest === null || seen.originVersion === null
  const ops = [
    ...proof(object, stamp.prefix, seen, pinned),
    ...mapOps(
      'labels',
      object.labels,
      { ...carried.labels, [label]: mirrorLabel(stamp.identity, rendering.origin) },
      dropped(seen.carried, 'labels', carried.labels, stamp.prefix),
    ),
    ...mapOps('annotations', object.annotations, { ...carried.annotations, ...wantedAnnotations }, [
      ...dropped(seen.carried, 'annotations', carried.annotations, stamp.prefix),
      ...stale,
    ]),
  ]
  return form === 'metadata'
    ? patch(ops, [])
    : patch(ops, contentOps(object.kind, revealPieces(rendering), 'push'))
}

/** JSON patch that fills a pull mirror. Consent is part of the proof: `reflect-from` as seen. Push marks left on it go. */
export function fillBody(
  rendering: Rendering,
  object: ObjectMeta,
  seen: Marks,
  options: { readonly stamp: Stamp; readonly form: UpdateForm },
): RequestBody {
  const { form } = options
  const { prefix } = options.stamp
  const carried = split(rendering.summary.carried)
  const marks = {
    [`${prefix}pulled-from`]: pathOf(rendering.origin),
    [`${prefix}digest`]: rendering.summary.pullDigest,
    ...carriedMark(prefix, rendering.summary.carried),
  }
  // Without the label it never was a push mirror: an `on-delete` on it is its owner's, who is told that it is ignored.
  const pushed = seen.label !== null && seen.origin !== null
  const leftMarks = pushed ? [...PUSH_ONLY_MARKS, 'on-delete'] : PUSH_ONLY_MARKS
  const leftOvers = staleMarks(object, prefix, marks, leftMarks)
  const labelled = [`${prefix}mirror`]
  const first = seen.pulledFrom === null || seen.digest === null
  // A label map that is made anew must not replace one that somebody made meanwhile.
  const makesLabels = Object.keys(object.labels).length === 0 && Object.keys(carried.labels).length > 0
  const ops = [
    ...proof(object, prefix, seen, first || makesLabels || form === 'metadata'),
    ...mapOps('labels', object.labels, carried.labels, [
      ...dropped(seen.carried, 'labels', carried.labels, prefix),
      ...labelled,
    ]),
    ...mapOps('annotations', object.annotations, { ...carried.annotations, ...marks }, [
      ...dropped(seen.carried, 'annotations', carried.annotations, prefix),
      ...leftOvers,
    ]),
  ]
  return form === 'metadata'
    ? patch(ops, [])
    : patch(ops, contentOps(object.kind, revealPieces(rendering), 'pull'))
}

/**
 * JSON patch at the end of a claim that retains: label and marks go, `retained` and `at` stay, so that the same origin can take it back.
 * So does `adopted`: what its owner made is never deleted, also after it was taken back.
 */
export function retainBody(object: ObjectMeta, seen: Marks, prefix: string): RequestBody {
  invariant(seen.origin !== null, 'only a marked mirror can be retained')
  return patch(
    [
      ...proof(object, prefix, seen, false),
      ...unmark(object, prefix, { [`${prefix}retained`]: seen.origin }, ['at', 'adopted']),
    ],
    [],
  )
}

/** JSON patch that gives the object to its owner: every mark goes, nothing else changes. */
export function releaseBody(object: ObjectMeta, seen: Marks, prefix: string): RequestBody {
  return patch([...proof(object, prefix, seen, true), ...unmark(object, prefix, {}, [])], [])
}

interface Op {
  readonly op: 'test' | 'add' | 'remove'
  readonly path: string
  readonly value?: unknown
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
const PUSH_ONLY_MARKS = [
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
const FOLLOWING_MARKS = ['on-delete', 'adopted', 'carried', 'pulled-from']
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

function proof(object: ObjectMeta, prefix: string, seen: Marks, pinned: boolean): readonly Op[] {
  const ops: Op[] = [{ op: 'test', path: '/metadata/uid', value: object.uid }]
  if (seen.label !== null)
    ops.push({ op: 'test', path: pointer('labels', `${prefix}mirror`), value: seen.label })
  for (const mark of PROVING_MARKS) {
    const value = object.annotations[prefix + mark]
    if (value !== undefined) ops.push({ op: 'test', path: pointer('annotations', prefix + mark), value })
  }
  if (pinned) ops.push({ op: 'test', path: '/metadata/resourceVersion', value: object.version })
  return ops
}

function pushMarks(
  rendering: Rendering,
  place: ObjectRef,
  stamp: Stamp,
  adopted: boolean,
): Record<string, string> {
  const { prefix } = stamp
  const { origin, policy, summary } = rendering
  return {
    [`${prefix}origin`]: pathOf(origin),
    [`${prefix}at`]: pathOf(place),
    [`${prefix}origin-uid`]: origin.uid,
    [`${prefix}origin-version`]: origin.version,
    [`${prefix}digest`]: summary.digest,
    ...carriedMark(prefix, summary.carried),
    ...(policy.onDelete === 'retain' ? { [`${prefix}on-delete`]: 'retain' } : {}),
    ...(adopted ? { [`${prefix}adopted`]: 'true' } : {}),
  }
}

function carriedMark(prefix: string, carried: Texts): Record<string, string> {
  const paths = Object.keys(carried).sort()
  return paths.length === 0 ? {} : { [`${prefix}carried`]: paths.join(',') }
}

/** Those of `marks` that are present on the object and not wanted any more. */
function staleMarks(
  object: ObjectMeta,
  prefix: string,
  wanted: Texts,
  marks: readonly string[],
): readonly string[] {
  return marks
    .map((mark) => prefix + mark)
    .filter((key) => object.annotations[key] !== undefined && wanted[key] === undefined)
}

function unmark(object: ObjectMeta, prefix: string, added: Texts, kept: readonly string[]): readonly Op[] {
  const gone = MARKS.filter((mark) => !kept.includes(mark)).map((mark) => prefix + mark)
  const label = `${prefix}mirror`
  return [
    ...mapOps('labels', object.labels, {}, object.labels[label] === undefined ? [] : [label]),
    ...mapOps(
      'annotations',
      object.annotations,
      added,
      gone.filter((key) => object.annotations[key] !== undefined && added[key] === undefined),
    ),
  ]
}

/** Adds what differs and removes what is named; a map that is absent is made first. */
function mapOps(
  map: 'labels' | 'annotations',
  present: Texts,
  wanted: Texts,
  removed: readonly string[],
): readonly Op[] {
  const ops: Op[] = []
  const changed = Object.entries(wanted).filter(([key, value]) => present[key] !== value)
  if (changed.length > 0 && Object.keys(present).length === 0)
    ops.push({ op: 'add', path: `/metadata/${map}`, value: {} })
  for (const [key, value] of changed) ops.push({ op: 'add', path: pointer(map, key), value })
  for (const key of new Set(removed))
    if (!Object.hasOwn(wanted, key) && present[key] !== undefined)
      ops.push({ op: 'remove', path: pointer(map, key) })
  return ops
}

/** Keys of the old `carried` mark that are not carried any more. Nothing under our prefix is ever carried, whatever the mark says. */
function dropped(
  carried: readonly string[],
  map: 'labels' | 'annotations',
  wanted: Texts,
  prefix: string,
): readonly string[] {
  return carried
    .filter((path) => path.startsWith(`${map}/`))
    .map((path) => path.slice(map.length + 1))
    .filter((key) => wanted[key] === undefined && !key.startsWith(prefix))
}

function contentOps(
  kind: ObjectRef['kind'],
  pieces: RenderedPieces,
  form: 'push' | 'pull',
): readonly Uint8Array[] {
  const ops: Uint8Array[][] = [
    [encoder.encode('{"op":"add","path":"/data","value":'), pieces.data, encoder.encode('}')],
  ]
  if (kind === 'ConfigMap') {
    ops.push([
      encoder.encode('{"op":"add","path":"/binaryData","value":'),
      pieces.binaryData,
      encoder.encode('}'),
    ])
  }
  if (form === 'push') {
    // A null takes the field away, whether or not it was there; where it cannot change, the server names it and the mirror is replaced.
    const fields: Op[] = [{ op: 'add', path: '/immutable', value: pieces.immutable ? true : null }]
    if (pieces.type !== null) fields.push({ op: 'add', path: '/type', value: pieces.type })
    for (const op of fields) ops.push([encoder.encode(JSON.stringify(op))])
  }
  return ops.flatMap((op, index) => (index === 0 ? op : [encoder.encode(','), ...op]))
}

function patch(ops: readonly Op[], content: readonly Uint8Array[]): RequestBody {
  const head = ops.map((op) => JSON.stringify(op)).join(',')
  return new Sensitive([
    encoder.encode(`[${head}${content.length > 0 ? ',' : ''}`),
    ...content,
    encoder.encode(']'),
  ])
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

/** RFC 6901. */
function pointer(map: 'labels' | 'annotations', key: string): string {
  return `/metadata/${map}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}
