/** How an object that stands on a peer differs from the one that would be made there: what it gives beyond, and what it lacks. */

import { isRecord } from '../../kube/json.ts'
import type { Json } from '../../kube/json.ts'
import type { Manifest } from '../../kube/manifests.ts'
import { MADE_BY_US } from './grants.ts'

/** Differences named in one sentence; further ones are counted. */
const NAMED_MAX = 6
const SHOWN_LENGTH_MAX = 160

/** The end of a sentence that begins with the object's name: `also allows list pods`. Null: it is as it would be made. */
export function differenceOf(wanted: Manifest, found: Json): string | null {
  switch (wanted.kind) {
    case 'Namespace':
      return isTerminating(found) ? 'is being deleted' : null
    case 'ServiceAccount':
      return accountDifference(wanted, found)
    case 'ClusterRole':
    case 'Role':
      return roleDifference(wanted, found)
    case 'ClusterRoleBinding':
    case 'RoleBinding':
      return bindingDifference(wanted, found)
  }
}

function isTerminating({ metadata }: Json): boolean {
  return isRecord(metadata) && typeof metadata['deletionTimestamp'] === 'string'
}

/**
 * What somebody else made may have rights of its own, so that its token would be worth more than what is granted here. One that we made for another
 * home, or for other rights, is in use there: that credential would be widened.
 */
function accountDifference(wanted: Manifest, found: Json): string | null {
  if (isTerminating(found)) return 'is being deleted'
  const unlike = Object.entries(MADE_BY_US).find(([key, value]) => textsOf(found, 'labels')[key] !== value)
  if (unlike !== undefined) return `has no label ${unlike[0]}: ${unlike[1]}, so it is somebody else’s`
  const granted = Object.entries(wanted.metadata.annotations ?? {}).find(
    ([key, value]) => textsOf(found, 'annotations')[key] !== value,
  )
  if (granted !== undefined)
    return `was made for another use (${shown(textsOf(found, 'annotations')[granted[0]])}), whose tokens would be worth more`
  return found['automountServiceAccountToken'] === wanted['automountServiceAccountToken']
    ? null
    : 'gives its token to pods'
}

function textsOf({ metadata }: Json, map: 'labels' | 'annotations'): Json {
  const texts = isRecord(metadata) ? metadata[map] : null
  return isRecord(texts) ? texts : {}
}

function shown(text: unknown): string {
  if (typeof text !== 'string') return 'untold'
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text
}

function roleDifference(wanted: Manifest, found: Json): string | null {
  if (found['aggregationRule'] !== undefined && found['aggregationRule'] !== null)
    return 'takes in the rules of other roles (aggregationRule)'
  return between(allowances(wanted['rules']), allowances(found['rules']), {
    beyond: 'also allows',
    lacking: 'does not allow',
  })
}

function bindingDifference(wanted: Manifest, found: Json): string | null {
  const [wants, has] = [roleOf(wanted['roleRef']), roleOf(found['roleRef'])]
  if (wants !== has) return `binds ${has}, not ${wants}`
  return between(subjects(wanted['subjects']), subjects(found['subjects']), {
    beyond: 'also binds',
    lacking: 'does not bind',
  })
}

function between(
  wanted: ReadonlySet<string>,
  found: ReadonlySet<string>,
  words: { readonly beyond: string; readonly lacking: string },
): string | null {
  const beyond = [...found.difference(wanted)].sort()
  const lacking = [...wanted.difference(found)].sort()
  const parts = [
    ...(beyond.length === 0 ? [] : [`${words.beyond} ${listOf(beyond)}`]),
    ...(lacking.length === 0 ? [] : [`${words.lacking} ${listOf(lacking)}`]),
  ]
  return parts.length === 0 ? null : parts.join(', and ')
}

function listOf(items: readonly string[]): string {
  const more = items.length - NAMED_MAX
  return items.slice(0, NAMED_MAX).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

/** One text for each verb on each resource, so that two ways to write the same rules are equal. */
function allowances(rules: unknown): ReadonlySet<string> {
  const all = new Set<string>()
  for (const rule of listIn(rules)) {
    if (!isRecord(rule)) continue
    const names = textsIn(rule['resourceNames'])
    const things = textsIn(rule['apiGroups']).flatMap((group) =>
      textsIn(rule['resources']).map((resource) => (group === '' ? resource : `${resource}.${group}`)),
    )
    const named = things.flatMap((thing) =>
      names.length === 0 ? [thing] : names.map((name) => `${thing} ${name}`),
    )
    for (const verb of textsIn(rule['verbs']))
      for (const thing of [...named, ...textsIn(rule['nonResourceURLs'])]) all.add(`${verb} ${thing}`)
  }
  return all
}

function subjects(list: unknown): ReadonlySet<string> {
  return new Set(
    listIn(list)
      .filter(isRecord)
      .map(({ kind, namespace, name }) => {
        const place = typeof namespace === 'string' && namespace !== '' ? `${namespace}/` : ''
        return `${textOf(kind)} ${place}${textOf(name)}`
      }),
  )
}

function roleOf(ref: unknown): string {
  return isRecord(ref) ? `${textOf(ref['kind'])} ${textOf(ref['name'])}` : 'nothing'
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function textsIn(value: unknown): readonly string[] {
  return listIn(value).filter((each) => typeof each === 'string')
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
