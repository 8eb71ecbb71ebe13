/** `heliograph peer check NAME`: asks the peer with its own credential all that the controller needs of it. */

import { annotation } from '../../core/annotations.ts'
import type { Failure } from '../../core/failure.ts'
import type { FullObject } from '../../core/objects.ts'
import type { Access } from '../../kube/access.ts'
import type { ClusterApi } from '../../kube/api.ts'
import type { Cluster } from '../../kube/connection.ts'
import { credentialExpiry } from '../../peers/expiry.ts'
import { identityOf } from '../../peers/identity.ts'
import { preflight } from '../../peers/preflight.ts'
import type { Terms } from '../../peers/terms.ts'
import { openPeer } from './connect.ts'
import { identityAt, peerAt } from './home.ts'
import type { Home, PeerSecret } from './home.ts'
import { expiryText } from './list.ts'
import { counted, reasonOf, refused, said, tableOf } from './told.ts'
import type { Told } from './told.ts'

/** Nothing here hangs on less; certificates and tokens are issued with about so much to spare. */
const SKEW_MS_MAX = 60_000
/** A `Date` header has whole seconds, and an answer takes its time. */
const SKEW_MS_MIN = 2_000
const EXPIRY_WARNING_MS = 7 * 86_400_000
const LIST_SECRETS = { verb: 'list', apiGroup: '', resource: 'secrets', namespace: null, name: null } as const

type Verdict = 'ok' | 'warn' | 'FAIL'

/** One line of the answer. */
export interface Finding {
  readonly about: string
  readonly verdict: Verdict
  readonly sentence: string
}

export async function checkPeer(home: Home, name: string): Promise<Told> {
  const peer = await peerAt(home, name)
  if (!peer.ok) return refused(peer.failure)
  const { meta } = peer.value.secret
  const head = `Peer ${name}, Secret ${meta.namespace}/${meta.name}`
  const findings = await findingsOf(home, peer.value)
  const rows = findings.map(({ about, verdict, sentence }) => [`  ${verdict}`, about, sentence])
  return said([head, ...tableOf(rows)], findings.some(({ verdict }) => verdict === 'FAIL') ? 1 : 0)
}

async function findingsOf(home: Home, peer: PeerSecret): Promise<readonly Finding[]> {
  const { access, terms, flaw } = peer
  const service = peer.isOut
    ? [finding('service', 'warn', 'heliograph peer clean took it out: nothing is forwarded to it')]
    : []
  if (flaw !== null || access === null || terms === null)
    return [...service, finding('secret', 'FAIL', `it is refused: ${flaw ?? 'it cannot be read'}`)]
  const credential = expiryFinding(access, home.clock.wall())
  const opened = await openPeer(home, access)
  if (!opened.ok) return [...service, finding('secret', 'FAIL', opened.failure), credential]
  const { cluster, api } = opened.value
  try {
    const startMs = home.clock.now()
    const answer = await api.reviewAccess(LIST_SECRETS, { signal: home.signal })
    const tookMs = Math.round(home.clock.now() - startMs)
    if (!answer.ok) return [...service, serverFinding(peer.name, cluster.server, answer.failure), credential]
    return [
      ...service,
      finding('server', 'ok', `${cluster.server} answers in ${tookMs} ms`),
      await identityFinding(home, peer, api),
      await rightsFinding(home, terms, api),
      ...excessFindings(terms, answer.value),
      clockFinding(home, cluster),
      credential,
    ]
  } finally {
    await cluster.close()
  }
}

/** What refuses or does not answer, and what to do. */
export function serverFinding(name: string, server: string, failure: Failure): Finding {
  return finding('server', 'FAIL', `${server}: ${reasonOf(failure)}${stepAfter(name, failure)}`)
}

function stepAfter(name: string, { kind }: Failure): string {
  if (kind === 'unauthorized')
    return `. Bring a new token: heliograph peer add ${name} with the flags that it was made with, and --renew`
  return kind === 'unanswered'
    ? `. Run this where home reaches the peer; if the address is wrong, heliograph peer forget ${name}, then add it with --peer-server`
    : ''
}

/** A credential for single namespaces that is worth more to whoever steals it. */
export function excessFindings(
  { namespaces }: Pick<Terms, 'namespaces'>,
  mayListAll: boolean,
): readonly Finding[] {
  if (namespaces === null || !mayListAll) return []
  const sentence = `more than ${counted(namespaces.length, 'namespace')}: it may list the Secrets of the whole peer`
  const step =
    'Look for a binding of its account there: kubectl get clusterrolebindings,rolebindings -A -o wide'
  return [finding('excess', 'FAIL', `${sentence}. ${step}`)]
}

async function identityFinding(home: Home, peer: PeerSecret, api: ClusterApi): Promise<Finding> {
  const { secret, terms } = peer
  const key = annotation(home.settings.rules.prefix, 'peer-identity')
  const written = secret.meta.annotations[key] ?? null
  const own = await identityAt(home)
  const identity = terms?.namespaces == null ? await identityOf(api, { signal: home.signal }) : null
  if (identity !== null && !identity.ok)
    return finding(
      'identity',
      'FAIL',
      `it cannot be asked which cluster it is: ${reasonOf(identity.failure)}`,
    )
  const known = identity?.value ?? terms?.identity ?? ''
  if (own.ok && own.value === known) return finding('identity', 'FAIL', `${known} is home itself`)
  if (identity === null)
    return finding(
      'identity',
      'ok',
      `${known}, as the Secret says: with single namespaces it cannot be asked`,
    )
  if (written !== null && written !== known)
    return finding('identity', 'FAIL', otherCluster({ known, written, secret, key }))
  return finding('identity', 'ok', known)
}

/** The end of a line about a Secret whose word is not what is found. */
export function otherCluster(at: {
  readonly known: string
  readonly written: string
  readonly secret: Pick<FullObject, 'meta'>
  readonly key: string
}): string {
  const { known, written, key } = at
  const { namespace, name } = at.secret.meta
  // The peer's word goes into no command line of the operator unless it can do nothing there.
  const value = /^[\w.-]+$/.test(known) ? known : '…'
  const command = `kubectl -n ${namespace} annotate --overwrite secret ${name} ${key}=${value}`
  return `${known}, but the Secret means ${written}: nothing is forwarded. If the one found is right: ${command}; if not, mend its address`
}

async function rightsFinding({ settings, signal }: Home, terms: Terms, api: ClusterApi): Promise<Finding> {
  const { namespaces } = terms
  const missing = await preflight(
    { api, kinds: settings.rules.kinds, namespaces, createsNamespaces: settings.createNamespaces },
    { signal },
  )
  if (missing === null) return finding('rights', 'FAIL', 'it does not answer what its credential may do')
  const where = namespaces === null ? 'in the whole cluster' : `in ${counted(namespaces.length, 'namespace')}`
  return missing.length === 0
    ? finding('rights', 'ok', `all that is needed ${where}`)
    : finding('rights', 'FAIL', `missing: ${missing.join(', ')}`)
}

export function clockFinding(
  { clock }: Pick<Home, 'clock'>,
  { serverTimeMs }: Pick<Cluster, 'serverTimeMs'>,
): Finding {
  if (serverTimeMs === null) return finding('clock', 'warn', 'its answers tell no time')
  const hereMs = clock.wall() - (clock.now() - serverTimeMs.seenAtMs)
  const skewMs = serverTimeMs.wallMs - hereMs
  if (Math.abs(skewMs) < SKEW_MS_MIN) return finding('clock', 'ok', 'agrees with the one here')
  const seconds = Math.round(Math.abs(skewMs) / 1_000)
  const sentence = `${counted(seconds, 'second')} ${skewMs > 0 ? 'ahead of' : 'behind'} the one here`
  return finding('clock', Math.abs(skewMs) > SKEW_MS_MAX ? 'warn' : 'ok', sentence)
}

export function expiryFinding(access: Access, nowMs: number): Finding {
  const endsAtMs = credentialExpiry(access)
  if (endsAtMs === null) return finding('credential', 'ok', 'does not say when it ends')
  const text = `ends ${expiryText(endsAtMs, nowMs)}`
  if (endsAtMs <= nowMs)
    return finding('credential', 'FAIL', `${text}: heliograph peer add … --renew makes another`)
  return finding('credential', endsAtMs - nowMs < EXPIRY_WARNING_MS ? 'warn' : 'ok', text)
}

function finding(about: string, verdict: Verdict, sentence: string): Finding {
  return { about, verdict, sentence }
}
