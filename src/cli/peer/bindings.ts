/** Bindings on a peer that `peer add` does not make and that give its account more than is asked for: whoever holds its token holds that too. */

import { listBindings } from '../../kube/bindings.ts'
import type { Binding, BindingKind } from '../../kube/bindings.ts'
import type { CallOptions } from '../../kube/api.ts'
import type { Cluster } from '../../kube/connection.ts'
import type { Manifest } from '../../kube/manifests.ts'
import { counted, reasonOf } from './told.ts'

/** Bindings that are named singly. */
const NAMED_MAX = 10
const KINDS: readonly BindingKind[] = ['ClusterRoleBinding', 'RoleBinding']

export interface Account {
  readonly account: string
  readonly accountNamespace: string
}

export interface OtherBindings {
  /** One sentence each, why nothing may be made for this account. */
  readonly flaws: readonly string[]
  /** One sentence each, what could not be looked at. */
  readonly unread: readonly string[]
}

/** Asked with the operator's rights; those that bind the account by a group are left to `peer check`. */
export async function otherBindings(
  cluster: Pick<Cluster, 'call'>,
  { grants, ...account }: Account & { readonly grants: readonly Manifest[] },
  options: CallOptions,
): Promise<OtherBindings> {
  const others: Binding[] = []
  const unread: string[] = []
  for (const kind of KINDS) {
    const listed = await listBindings(cluster, kind, options)
    if (listed.ok) others.push(...listed.value.filter((each) => isOther(each, account, grants)))
    else
      unread.push(
        `Whether a ${kind} gives ServiceAccount ${account.accountNamespace}/${account.account} more than is asked for is not known: they cannot be listed on the peer (${reasonOf(listed.failure)}).`,
      )
  }
  return { flaws: flawsOf(others, account), unread }
}

/** Whether a binding names the account and is none of those that would be made. */
export function isOther(binding: Binding, account: Account, grants: readonly Manifest[]): boolean {
  const isMade = grants.some(
    ({ kind, metadata: { name, namespace = '' } }) =>
      kind === binding.kind && name === binding.name && namespace === binding.namespace,
  )
  return !isMade && names(binding, account)
}

function names({ subjects, namespace: own }: Binding, { account, accountNamespace }: Account): boolean {
  return subjects.some(({ kind, name, namespace }) =>
    kind === 'User'
      ? name === `system:serviceaccount:${accountNamespace}:${account}`
      : kind === 'ServiceAccount' &&
        name === account &&
        (namespace === '' ? own : namespace) === accountNamespace,
  )
}

function flawsOf(others: readonly Binding[], { account, accountNamespace }: Account): readonly string[] {
  const sentences = others.slice(0, NAMED_MAX).map(({ kind, namespace, name, role }) => {
    const thing = `${kind} ${namespace === '' ? '' : `${namespace}/`}${name} on the peer`
    const given = `gives ServiceAccount ${accountNamespace}/${account} the ${role} as well`
    return `${thing} ${given}, which is not asked for here: delete that binding, or choose another name with --account.`
  })
  const more = others.length - sentences.length
  return more > 0 ? [...sentences, `${counted(more, 'binding')} more on the peer do so.`] : sentences
}
