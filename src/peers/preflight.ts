/** What a credential on a peer may not do of what is needed: asked of the peer itself by SelfSubjectAccessReviews. */

import type { Kind } from '../core/names.ts'
import type { CallOptions, ClusterApi } from '../kube/api.ts'
import { spokeRights } from '../kube/rights.ts'
import type { Right } from '../kube/rights.ts'
import type { Account } from './renewal.ts'

/** Reviews under way at once. */
const REVIEWS_AT_ONCE = 4

export interface PreflightOptions {
  readonly api: Pick<ClusterApi, 'reviewAccess'>
  readonly kinds: readonly Kind[]
  /** Null: the whole cluster. */
  readonly namespaces: readonly string[] | null
  readonly createsNamespaces: boolean
  /** The ServiceAccount that renews its own token; left out or null: none does. */
  readonly renews?: Account | null
}

/** One right that is missing, as `create secrets in team-a`. */
export type MissingRight = string

/**
 * The rights that are missing, in the order of the table; null: the peer did not answer, so nothing is known.
 * A listed namespace is asked about singly, and nothing at cluster scope is.
 */
export async function preflight(
  options: PreflightOptions,
  call: CallOptions,
): Promise<readonly MissingRight[] | null> {
  const questions = questionsOf(options)
  const missing = new Map<number, MissingRight>()
  let next = 0
  let isAnswered = true
  const ask = async (): Promise<void> => {
    while (next < questions.length && isAnswered) {
      const index = next
      next += 1
      const question = questions[index]
      if (question === undefined) return
      const answer = await options.api.reviewAccess(question, call)
      if (!answer.ok) isAnswered = false
      else if (!answer.value) missing.set(index, sentenceOf(question))
    }
  }
  await Promise.all(Array.from({ length: REVIEWS_AT_ONCE }, ask))
  if (!isAnswered) return null
  return [...missing].sort(([a], [b]) => a - b).map(([, text]) => text)
}

type Question = Parameters<ClusterApi['reviewAccess']>[0]

function questionsOf(options: PreflightOptions): readonly Question[] {
  const { kinds, namespaces, createsNamespaces, renews = null } = options
  const isListed = namespaces !== null
  const rights = spokeRights({ kinds, isListed, createsNamespaces, renewsAccount: renews?.name ?? null })
  return rights.flatMap((right) => {
    const scopes = right.scope === 'account' ? [renews?.namespace ?? null] : (namespaces ?? [null])
    return scopes.flatMap((namespace) => questionsOfRight(right, namespace))
  })
}

function questionsOfRight(right: Right, namespace: string | null): readonly Question[] {
  const { verbs, apiGroup, resource, names } = right
  return verbs.flatMap((verb) =>
    (names ?? [null]).map((name) => ({ verb, apiGroup, resource, namespace, name })),
  )
}

function sentenceOf({ verb, apiGroup, resource, namespace, name }: Question): MissingRight {
  const what = apiGroup === '' ? resource : `${resource}.${apiGroup}`
  const which = name === null ? '' : ` ${name}`
  return `${verb} ${what}${which}${namespace === null ? '' : ` in ${namespace}`}`
}
