/** Which origin an object points to: by our marks, by another tool's, or by asking to be filled. Unproven; only where to look. */

import { readAsk } from '../core/dialects/table.ts'
import { leftOf } from '../core/marks.ts'
import { keyOf, parsePath, refOf } from '../core/names.ts'
import type { ObjectKey } from '../core/names.ts'
import type { ObjectMeta } from '../core/objects.ts'
import type { Rules } from '../core/rules.ts'

/** The origin that the marks of a mirror name, or those of another tool's copy; null for anything else. `isAbroad` as in `marksOf`. */
export function originMarked(object: ObjectMeta | null, rules: Rules, isAbroad: boolean): ObjectKey | null {
  if (object === null) return null
  if (object.labels[`${rules.prefix}mirror`] !== undefined)
    return keyed(object, object.annotations[`${rules.prefix}origin`])
  const left = leftOf(object, rules, isAbroad)?.origin
  return left == null ? null : keyOf(left)
}

/** The origin that a pull mirror asks for. */
export function originPulled(object: ObjectMeta | null, rules: Rules): ObjectKey | null {
  const origin = object === null ? null : readAsk(object, rules)?.origin
  return origin == null ? null : keyOf(origin)
}

/** The namespace whose mirrors are counted together by the brake. */
export function groupOf(origin: ObjectKey | null): string | null {
  return origin === null ? null : refOf(origin).namespace
}

function keyed(object: ObjectMeta, path: string | undefined): ObjectKey | null {
  const parsed = path === undefined ? null : parsePath(path)
  return parsed === null ? null : keyOf({ kind: object.kind, ...parsed })
}

/** In an index of places by what they point to: `key` points elsewhere now. */
export function moveIn<K>(index: Map<K, Set<ObjectKey>>, key: ObjectKey, from: K | null, to: K | null): void {
  if (from === to) return
  if (from !== null) {
    const keys = index.get(from)
    keys?.delete(key)
    if (keys?.size === 0) index.delete(from)
  }
  if (to !== null) index.getOrInsertComputed(to, () => new Set()).add(key)
}
