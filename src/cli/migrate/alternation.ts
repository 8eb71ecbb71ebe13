/** Finds namespaces that replicator chose only because it anchors `a|b` as `^a` or `b$`. */

import { parseReplicatorList } from '../../core/patterns/lists.ts'
import type { Ground, SceneOrigin } from './ground.ts'

/** Namespaces, other than the origin's own, that the present list chose there and does not choose here. */
export function alternationLosses(
  { scene, rules }: Ground,
  { meta, policy }: SceneOrigin,
): readonly string[] {
  const text = meta.annotations[`${rules.dialects.prefixes.replicator}replicate-to`]
  const [clause] = policy?.push ?? []
  if (text === undefined || clause === undefined) return []
  const there = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item.includes('|'))
    .flatMap(asReadThere)
  if (there.length === 0) return []
  return [...scene.namespaces.values()].flatMap(({ name, labels }) => {
    const isChosen = clause.names?.matches(name) === true || clause.labels?.matches(labels) === true
    return !isChosen && name !== meta.namespace && there.some((list) => list.matches(name)) ? [name] : []
  })
}

/** Anchors are added at both ends without a group, and a match of a part suffices. */
function asReadThere(item: string): readonly { matches(name: string): boolean }[] {
  const anchored = `${item.startsWith('^') ? '' : '^'}${item}${item.endsWith('$') ? '' : '$'}`
  const parsed = parseReplicatorList(`.*(?:${anchored}).*`)
  return parsed.ok ? [parsed.value] : []
}
