/** JSON patches piece by piece: operations on metadata as records, operations on content as bytes that are never copied. */

import { Sensitive } from '../std/sensitive.ts'
import type { Kind } from './names.ts'
import type { Texts } from './objects.ts'
import type { PresentKeys } from './observation.ts'
import type { RenderedPieces } from './render.ts'

/** Consecutive pieces of one JSON text. */
export type RequestBody = Sensitive<readonly Uint8Array[]>

/** One operation on what is no secret. */
export interface Op {
  readonly op: 'test' | 'add' | 'remove'
  readonly path: string
  readonly value?: unknown
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** One patch: `ops`, then operations on content, already encoded and parted by commas. */
export function patch(ops: readonly Op[], content: readonly Uint8Array[]): RequestBody {
  const head = ops.map((op) => JSON.stringify(op)).join(',')
  return new Sensitive([
    encoder.encode(`[${head}${content.length > 0 ? ',' : ''}`),
    ...content,
    encoder.encode(']'),
  ])
}

/** Adds what differs and removes what is named; a map that is absent is made first. */
export function mapOps(
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

/**
 * The origin's keys one by one over what the object holds at this version; those of `before` that left go. Other keys, type and
 * immutability stay the object's own.
 */
export function mergeOps(
  pieces: RenderedPieces,
  present: PresentKeys,
  before: readonly string[],
): readonly Uint8Array[] {
  const ops: Op[] = []
  const wanted = new Map<string, 'data' | 'binaryData'>()
  for (const map of ['data', 'binaryData'] as const) {
    const entries = Object.entries(parseTexts(pieces[map]))
    if (entries.length > 0 && present[map].size === 0) ops.push({ op: 'add', path: `/${map}`, value: {} })
    for (const [key, value] of entries) {
      wanted.set(key, map)
      ops.push({ op: 'add', path: contentPointer(map, key), value })
    }
  }
  for (const key of new Set([...before, ...wanted.keys()]))
    ops.push(...removals(key, present, wanted.get(key) ?? null))
  return ops.flatMap((op, index) => [
    ...(index === 0 ? [] : [encoder.encode(',')]),
    encoder.encode(JSON.stringify(op)),
  ])
}

/** Takes a key out of every map that holds it but the one where it belongs. */
export function removals(
  key: string,
  present: PresentKeys,
  kept: 'data' | 'binaryData' | null,
): readonly Op[] {
  return (['data', 'binaryData'] as const)
    .filter((map) => map !== kept && present[map].has(key))
    .map((map) => ({ op: 'remove', path: contentPointer(map, key) }))
}

/** Our own JSON text: an object of strings. */
function parseTexts(json: Uint8Array): Texts {
  return JSON.parse(decoder.decode(json)) as Texts
}

/** The whole content. Of a pull mirror type and immutability stay its own. */
export function contentOps(kind: Kind, pieces: RenderedPieces, form: 'push' | 'pull'): readonly Uint8Array[] {
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

/** Path of a label or annotation (RFC 6901). */
export function pointer(map: 'labels' | 'annotations', key: string): string {
  return `/metadata/${map}/${escaped(key)}`
}

function contentPointer(map: 'data' | 'binaryData', key: string): string {
  return `/${map}/${escaped(key)}`
}

function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}
