/** `heliograph peer forget NAME`: deletes the peer's Secret and nothing on the peer; says what stays there. */

import { tokenClaims } from '../../peers/expiry.ts'
import { openPeer } from './connect.ts'
import { MADE_BY_US } from './grants.ts'
import { identityAt, peerAt } from './home.ts'
import type { Home, PeerSecret } from './home.ts'
import { mirrorsOn } from './mirrors.ts'
import { counted, reasonOf, refused, said } from './told.ts'
import type { Told } from './told.ts'

export async function forgetPeer(home: Home, name: string): Promise<Told> {
  const peer = await peerAt(home, name)
  if (!peer.ok) return refused(peer.failure)
  const count = await countMirrors(home, peer.value)
  const { meta } = peer.value.secret
  const { uid, version } = meta
  const removed = await home.api.remove(meta, { uid, version }, { signal: home.signal })
  if (!removed.ok && removed.failure.kind !== 'absent')
    return refused(`Secret ${meta.namespace}/${meta.name} cannot be deleted: ${reasonOf(removed.failure)}.`)
  return said([
    `Peer ${name} is forgotten: Secret ${meta.namespace}/${meta.name} is deleted.`,
    typeof count === 'number'
      ? `On the peer ${count === 1 ? 'stays' : 'stay'} ${counted(count, 'mirror')} of this home.`
      : `Its mirrors stay on the peer; how many, it cannot be asked: ${count}.`,
    ...accountLines(peer.value),
  ])
}

/** Their number, or why it is not known. */
async function countMirrors(home: Home, { access, terms, flaw }: PeerSecret): Promise<number | string> {
  if (access === null || terms === null) return flaw ?? 'its Secret is refused'
  const identity = await identityAt(home)
  if (!identity.ok) return 'home’s own identity is not known'
  if (identity.value === null) return 0
  const opened = await openPeer(home, access)
  if (!opened.ok) return opened.failure
  const { cluster } = opened.value
  try {
    const search = {
      cluster,
      namespaces: terms.namespaces,
      rules: home.settings.rules,
      identity: identity.value,
    }
    const found = await mirrorsOn(search, home.signal)
    return found.ok ? found.value.length : reasonOf(found.failure)
  } finally {
    await cluster.close()
  }
}

/** The account that the credential speaks for lives on, with its rights and whatever copy of the token there is. */
export function accountLines({ access, secret, terms }: PeerSecret): readonly string[] {
  if (access?.token.kind !== 'fixed') return []
  const subject = tokenClaims(access.token.token.reveal())?.subject ?? ''
  const [, namespace, account] =
    /^system:serviceaccount:([a-z0-9-]{1,63}):([a-z0-9.-]{1,253})$/.exec(subject) ?? []
  if (namespace === undefined || account === undefined) return []
  // Only `peer add` calls roles and bindings like the account; those of others are theirs to name.
  const isAdded = Object.entries(MADE_BY_US).every(([key, value]) => secret.meta.labels[key] === value)
  const roles = isAdded && terms !== null ? roleLines(terms.namespaces, namespace, account) : []
  return [
    'Its account keeps its rights until you take them. On the peer, where no other peer Secret has the same account:',
    ...roles,
    `  kubectl -n ${namespace} delete serviceaccount ${account}`,
  ]
}

const DELETE_ROLE = 'delete rolebinding,role --ignore-not-found'

function roleLines(
  namespaces: readonly string[] | null,
  accountNamespace: string,
  account: string,
): readonly string[] {
  const granted = (namespaces ?? []).map((each) => `  kubectl -n ${each} ${DELETE_ROLE} ${account}`)
  return [
    ...(namespaces === null
      ? [`  kubectl delete clusterrolebinding,clusterrole --ignore-not-found ${account}`]
      : granted),
    `  kubectl -n ${accountNamespace} ${DELETE_ROLE} ${account}-token`,
  ]
}
