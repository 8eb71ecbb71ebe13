/** The mass-deletion brake: many deletions that nobody saw caused are held as one group until a person releases them. */

import { createHash } from 'node:crypto'

import type { ObjectKey } from './names.ts'

/** More than this many, and more than half of the group, is a mass deletion (promise 10). */
export const INFERRED_DELETIONS_MAX = 100

/** A release lapses after an hour. */
export const RELEASE_MS = 3_600_000

/** One group: the mirrors of the origins of one namespace on one cluster. */
export interface DeletionGroup {
  /** How many of them would be deleted although their end was not seen. */
  readonly inferred: number
  readonly mirrors: number
}

export function isMassDeletion(group: DeletionGroup): boolean {
  return group.inferred > INFERRED_DELETIONS_MAX && group.inferred * 2 > group.mirrors
}

/**
 * Names one hold: the group and the origins whose mirrors would go. The same hold has the same id after a restart or a change of leader;
 * a release names exactly the origins that a person has looked at, and no others that joined later.
 */
export function holdId(destination: string, originNamespace: string, origins: Iterable<ObjectKey>): string {
  const hash = createHash('sha256').update(`${destination}\0${originNamespace}`)
  for (const origin of [...new Set(origins)].sort()) hash.update('\0').update(origin)
  return hash.digest('hex').slice(0, 10)
}
