/** What the report says of one object that asks to be filled. */

import { chooses } from '../../core/choice.ts'
import { isProtected } from '../../core/consent.ts'
import { dialectOf, ignoresOffers, passedOverAsks, readAsk } from '../../core/dialects/table.ts'
import { keyOf, pathOf } from '../../core/names.ts'
import type { ObjectKey } from '../../core/names.ts'
import type { Ask } from '../../core/policy.ts'
import { difference } from './differences.ts'
import type { Difference } from './differences.ts'
import type { Ground } from './ground.ts'
import { foreignKeys, strayKeys } from './keys.ts'
import type { Entry } from './report.ts'
import type { SceneObject } from './scene.ts'

export interface PullEntry extends Entry {
  readonly dialect: string
  /** It asks in our own vocabulary, and still bears keys of another. */
  readonly isConverted: boolean
  /** The origin that will fill it; null: none will. */
  readonly filledBy: ObjectKey | null
}

/** Null: the object asks for nothing. */
export function pullEntry(ground: Ground, object: SceneObject): PullEntry | null {
  const ask = readAsk(object, ground.rules)
  if (ask === null) return null
  const dialect = dialectOf(object, ground.rules) ?? ''
  const obstacle = obstacleOf(ground, object, ask, dialect)
  const named = ask.origin === null ? null : keyOf(ask.origin)
  const origin = named === null ? undefined : ground.origins.get(named)
  const isPushed = origin?.policy?.push != null && origin.policy.mirrorName === object.name
  const ownName =
    dialect === 'reflector' && obstacle === null && isPushed ? [difference('pull-of-own-name')] : []
  const offers = ignoresOffers(object, ground.rules) ? [difference('offers-ignored')] : []
  const path = ask.origin === null ? 'nothing that can be read' : pathOf(ask.origin)
  return {
    subject: `${object.kind} ${pathOf(object)}`,
    there: `pull mirror of ${path}`,
    here: obstacle === null ? hereOf(ask, origin?.policy === null) : 'the last data stays',
    differences: [
      ...(obstacle === null ? [] : [obstacle]),
      ...ownName,
      ...offers,
      ...passedOverAsks(object, ground.rules).map((flaw) => difference('passed-over', { ...flaw })),
      ...strayKeys(object, ground.rules),
    ],
    dialect,
    isConverted: dialect === 'heliograph' && foreignKeys(object, ground.rules).length > 0,
    filledBy: obstacle === null ? named : null,
  }
}

function hereOf({ isFilled, write }: Ask, isHeld: boolean): string {
  if (isHeld) return 'waits: its origin is held'
  const how = write === 'merge' ? 'the origin’s keys are filled' : 'filled with the origin’s data'
  return isFilled ? `compared; ${how} where they differ` : how
}

/** Why nothing fills it; null: something does, or will once its origin is held no more. */
function obstacleOf(ground: Ground, object: SceneObject, ask: Ask, dialect: string): Difference | null {
  const { rules, origins, scene } = ground
  if (ask.reason !== null || ask.origin === null)
    return difference('bad-pull', { annotation: ask.annotation, reason: ask.reason ?? 'not legal' })
  if (isProtected(object.namespace, rules)) return difference('pull-protected')
  const key = keyOf(ask.origin)
  const origin = origins.get(key)
  // Not held by a bad value alone: it may fill once that is mended.
  if (origin !== undefined && origin.policy === null) return null
  const namespace = scene.namespaces.get(object.namespace)
  const pull = origin?.policy?.pull ?? null
  if (pull !== null && namespace !== undefined && chooses(pull, namespace)) return null
  const words = { origin: pathOf(ask.origin) }
  const isFreeThere = dialect === 'replicator' && object.kind === 'ConfigMap' && scene.names.has(key)
  if (!isFreeThere) return difference('pull-unavailable', words)
  const allowed = `${rules.dialects.prefixes.replicator}replication-allowed`
  return difference('pull-needs-permission', {
    ...words,
    allowed,
    allowedNamespaces: `${allowed}-namespaces`,
  })
}
