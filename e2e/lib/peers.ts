/** Other clusters beside a stage: control planes of their own, credentials there of exactly the rights that are needed, and the Secrets at home that make them peers. */

import { after } from 'node:test'

import { stringify } from 'yaml'

import { grantsOf } from '../../src/cli/peer/grants.ts'
import type { GrantUse } from '../../src/cli/peer/grants.ts'
import type { AuditEntry, AuditMark } from '../control-plane/audit.ts'
import type { ControlPlane } from '../control-plane/plane.ts'
import { startControlPlane } from '../control-plane/start.ts'
import type { StartOptions } from '../control-plane/start.ts'
import { awaitPresent, eventually } from './await.ts'
import type { Client } from './client.ts'
import type { Controller } from './controller.ts'
import { PREFIX, ours } from './marks.ts'
import { refOf, secret } from './objects.ts'
import type { KubeObject, Metadata, Ref } from './objects.ts'
import { mirrorIn, offer, secretOffer } from './offers.ts'
import type { Texts } from './offers.ts'
import type { Solo } from './solo.ts'
import { SYSTEM } from './stage.ts'

const ACCOUNT = 'spoke'
const ACCOUNT_HOME = 'spoke-account'
const BEACON = 'beacon'
/** Where the origins of beacons lie at home; `openSolo` makes it. */
const BEACON_HOME = 'beacon-home'
const CHANGES = new Set(['create', 'update', 'patch', 'delete', 'deletecollection'])

/** A cluster that home forwards to, as its own administrator sees it. */
export interface Spoke {
  /** What its peer Secret at home is called, and so what `targets` matches. */
  readonly name: string
  readonly plane: ControlPlane
  /** The administrator of the peer. */
  readonly client: Client
  /** The username of home's credential in the peer's audit log. */
  readonly user: string
  /** A new token of home's account there. */
  token(seconds?: number): Promise<string>
  /** One new namespace of the peer; no other scenario has its name. */
  namespace(word: string, metadata?: Partial<Metadata>): Promise<string>
}

/** Starts a control plane with an account for home, that may do what `peer add` would let it; all goes when the file's tests are over. */
export async function openSpoke(
  name: string,
  options: StartOptions & { readonly use?: Partial<GrantUse> } = {},
): Promise<Spoke> {
  const plane = await startControlPlane(options)
  after(async () => await plane.stop())
  return await spokeOn(name, plane, options.use)
}

/** The same on a control plane that stands, another home's for instance. */
export async function spokeOn(
  name: string,
  plane: ControlPlane,
  use: Partial<GrantUse> = {},
): Promise<Spoke> {
  const user = await grantAccount(plane.client, use)
  let made = 0
  const namespace = async (word: string, metadata: Partial<Metadata> = {}): Promise<string> => {
    const unique = `${word}-${process.pid.toString(36)}-${(made += 1)}`
    await plane.client.createNamespace(unique, metadata)
    return unique
  }
  const { namespace: home = ACCOUNT_HOME, name: account } = user
  const token = async (seconds?: number): Promise<string> =>
    await plane.client.tokenFor(home, account, seconds)
  return {
    name,
    plane,
    client: plane.client,
    user: `system:serviceaccount:${home}:${account}`,
    token,
    namespace,
  }
}

/** Makes the account and its roles as `peer add` would; answers the ServiceAccount. Repeated, it grants that use instead. */
export async function grantAccount(client: Client, use: Partial<GrantUse> = {}): Promise<Ref> {
  const full: GrantUse = {
    prefix: PREFIX,
    home: 'the-home-of-all-scenarios',
    account: ACCOUNT,
    accountNamespace: ACCOUNT_HOME,
    namespaces: null,
    kinds: ['Secret', 'ConfigMap'],
    createsNamespaces: false,
    renewsToken: false,
    ...use,
  }
  for (const manifest of grantsOf(full)) await client.apply(manifest, 'peer-add')
  return { kind: 'ServiceAccount', namespace: full.accountNamespace, name: full.account }
}

/** How a peer Secret says where the peer is: our own kubeconfig, Cluster API's, an Argo CD cluster Secret. */
export type PeerForm = 'kubeconfig' | 'value' | 'argo'

export interface PeerSecretOptions {
  /** Name of the Secret. */
  readonly name: string
  readonly server: string
  readonly caPem: string
  readonly token: string
  readonly form?: PeerForm
  /** Our annotations, without the prefix. */
  readonly annotations?: Texts
  /** Left out: the controller's. */
  readonly namespace?: string
}

/** A peer Secret as an administrator writes it. */
export function peerSecret(options: PeerSecretOptions): KubeObject {
  const { name, namespace = SYSTEM, annotations = {} } = options
  const labels = ours({ peer: 'true' })
  return secret(namespace, name, formOf(options), { labels, annotations: ours(annotations) })
}

/** The data of a peer Secret as text. */
export function formOf(options: Omit<PeerSecretOptions, 'annotations' | 'namespace'>): Texts {
  const { form = 'kubeconfig', name, server, caPem, token } = options
  const caData = Buffer.from(caPem).toString('base64')
  if (form === 'argo')
    return { name, server, config: JSON.stringify({ bearerToken: token, tlsClientConfig: { caData } }) }
  return {
    [form]: kubeconfigText({ cluster: { server, 'certificate-authority-data': caData }, user: { token } }),
  }
}

/** A kubeconfig of one context, with these fields of its cluster and user. */
export function kubeconfigText(parts: {
  readonly cluster: Readonly<Record<string, unknown>>
  readonly user: Readonly<Record<string, unknown>>
}): string {
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'peer', cluster: parts.cluster }],
      users: [{ name: 'peer', user: parts.user }],
      contexts: [{ name: 'peer', context: { cluster: 'peer', user: 'peer' } }],
      'current-context': 'peer',
    },
    { lineWidth: 0 },
  )
}

/** Makes `spoke` a peer of home; any origin may forward there unless `annotations` say otherwise. Answers its Secret. */
export async function enlist(
  home: Client,
  spoke: Spoke,
  options: Partial<PeerSecretOptions> = {},
): Promise<Ref> {
  const annotations = options.annotations ?? { 'peer-origins': '*' }
  const { url: server, caPem } = spoke.plane
  const token = options.token ?? (await spoke.token())
  const made = peerSecret({ name: spoke.name, server, caPem, ...options, token, annotations })
  return refOf(await home.create(made))
}

/** Waits until the controller says that the peer is in this state. */
export async function awaitPeer(controller: Controller, peer: string, state = 'ready'): Promise<void> {
  const isIt = async (): Promise<true | null> =>
    (await controller.metrics()).sum('heliograph_peer_state', { peer, state }) === 1 ? true : null
  await eventually(isIt, { what: `peer ${peer} is ${state}` })
}

let beacons = 0

/**
 * Resolves when home's controller has dealt with all that came before on its own cluster and on the peer: a change of each kind that begins at home
 * went into a namespace of the peer newer than all, came back by the peer's watches as a deletion, and was put right; twice.
 * The peer Secret must let `beacon-home/*` forward.
 */
export async function settledOn(home: Solo, spoke: Spoke): Promise<void> {
  beacons += 1
  const name = `${BEACON}-${process.pid.toString(36)}-${beacons}`
  await spoke.client.createNamespace(name, { annotations: ours({ accept: `*:${BEACON_HOME}/*` }) })
  const reach = { targets: spoke.name, 'target-namespaces': name }
  for (const turn of ['1', '2']) {
    const origins = [offer, secretOffer].map((make) => make(BEACON_HOME, name, reach, { turn }))
    await Promise.all(origins.map((origin) => home.client.apply(origin, BEACON)))
    await Promise.all(origins.map((origin) => throughAndBack(spoke.client, mirrorIn(name, origin), turn)))
  }
  for (const make of [offer, secretOffer]) await home.client.remove(refOf(make(BEACON_HOME, name, reach)))
}

async function throughAndBack(client: Client, ref: Ref, turn: string): Promise<void> {
  const texts = [turn, Buffer.from(turn).toString('base64')]
  const what = 'shows that the peer was dealt with'
  const came = await awaitPresent(client, ref, ({ data }) => texts.includes(data?.['turn'] ?? ''), { what })
  await client.remove(ref)
  await awaitPresent(client, ref, ({ metadata }) => metadata.uid !== came.metadata.uid, { what })
}

/** What `user` (left out: home's account) changed of Secrets and ConfigMaps on the peer since `mark`; beacons left out. */
export async function changesOn(
  spoke: Pick<Spoke, 'plane' | 'user'>,
  mark?: AuditMark,
  user = spoke.user,
): Promise<readonly string[]> {
  const isChange = (entry: AuditEntry): boolean =>
    entry.user === user &&
    CHANGES.has(entry.verb) &&
    ['secrets', 'configmaps'].includes(entry.resource) &&
    !entry.namespace.startsWith(BEACON)
  const entries = await spoke.plane.own.audit.since(mark)
  return entries
    .filter(isChange)
    .map(({ verb, resource, namespace, name, code }) => `${verb} ${resource} ${namespace}/${name} ${code}`)
}

/** The identity that a cluster has by default. */
export async function identityOf(client: Client): Promise<string> {
  return (await client.get({ kind: 'Namespace', name: 'kube-system' })).metadata.uid ?? ''
}
