/** Reduces `managedFields` to who owns which content, label and annotation keys; equal sets of paths are one shared array. */

import type { FieldOwner, FieldOwners } from '../core/objects.ts'
import { isRecord } from './json.ts'

/** The field manager of every write of this program. */
export const FIELD_MANAGER = 'heliograph'

/** Thousands of mirrors of one shape own the same paths; beyond this the table starts anew and only sharing suffers. */
const INTERNED_MAX = 4096
/** The server collapses Update entries beyond 10 into one; Apply entries are one for each manager. */
const ENTRIES_MAX = 256
const MANAGER_LENGTH_MAX = 256

const NONE: readonly string[] = Object.freeze([])
const NOBODY: readonly FieldOwner[] = Object.freeze([])
const UNOWNED: FieldOwners = Object.freeze({ ours: NONE, others: NOBODY })
const interned = new Map<string, readonly string[]>()

/** Field owners of one object from its `metadata.managedFields`; entries in another form are left out. */
export function fieldOwners(raw: unknown): FieldOwners {
  if (!Array.isArray(raw) || raw.length === 0) return UNOWNED
  const ours = new Set<string>()
  const others: FieldOwner[] = []
  for (const entry of raw.slice(0, ENTRIES_MAX)) {
    const owner = ownerOf(entry)
    if (owner === null) continue
    if (owner.manager === FIELD_MANAGER && owner.operation === 'Update')
      for (const path of owner.paths) ours.add(path)
    else others.push(owner)
  }
  if (ours.size === 0 && others.length === 0) return UNOWNED
  return { ours: sharedPaths([...ours]), others: others.length === 0 ? NOBODY : others }
}

/**
 * When the content was written last, by the server's clock: the latest `time` of an entry that owns content keys.
 * Null where no entry says so.
 */
export function contentWrittenAtMs(raw: unknown): number | null {
  if (!Array.isArray(raw)) return null
  let latest: number | null = null
  for (const entry of raw.slice(0, ENTRIES_MAX)) {
    if (!isRecord(entry) || typeof entry['time'] !== 'string') continue
    const fields = entry['fieldsV1']
    if (!isRecord(fields) || (fields['f:data'] === undefined && fields['f:binaryData'] === undefined))
      continue
    const atMs = Date.parse(entry['time'])
    if (!Number.isNaN(atMs) && (latest === null || atMs > latest)) latest = atMs
  }
  return latest
}

/** Null for an entry that owns nothing we look at, or that was made through a subresource. */
function ownerOf(entry: unknown): FieldOwner | null {
  if (!isRecord(entry)) return null
  const { manager, operation, subresource, fieldsV1 } = entry
  if (operation !== 'Apply' && operation !== 'Update') return null
  if (typeof subresource === 'string' && subresource !== '') return null
  const name = typeof manager === 'string' ? manager.slice(0, MANAGER_LENGTH_MAX) : ''
  const paths = pathsOf(fieldsV1)
  return paths.length === 0 ? null : { manager: name, operation, paths: sharedPaths(paths) }
}

function pathsOf(fields: unknown): string[] {
  if (!isRecord(fields)) return []
  const paths: string[] = []
  collect(paths, 'data', fields['f:data'])
  collect(paths, 'binaryData', fields['f:binaryData'])
  if (fields['f:type'] !== undefined) paths.push('type')
  if (fields['f:immutable'] !== undefined) paths.push('immutable')
  const metadata = fields['f:metadata']
  if (isRecord(metadata)) {
    collect(paths, 'labels', metadata['f:labels'])
    collect(paths, 'annotations', metadata['f:annotations'])
  }
  return paths
}

/** `{"f:a":{},".":{}}` → `under/a`; `.` is the map itself. */
function collect(paths: string[], under: string, fields: unknown): void {
  if (!isRecord(fields)) return
  for (const key of Object.keys(fields)) if (key.startsWith('f:')) paths.push(`${under}/${key.slice(2)}`)
}

function sharedPaths(paths: string[]): readonly string[] {
  if (paths.length === 0) return NONE
  const sorted = paths.toSorted()
  const id = sorted.join('\n')
  const known = interned.get(id)
  if (known !== undefined) return known
  if (interned.size >= INTERNED_MAX) interned.clear()
  interned.set(id, Object.freeze(sorted))
  return sorted
}
