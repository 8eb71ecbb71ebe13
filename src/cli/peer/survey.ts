/** What stands on a peer and at home against what `peer add` would make: looked at before anything is written. */

import { annotation } from '../../core/annotations.ts'
import type { PeerAdd } from '../../config/peer-command.ts'
import { readManifest } from '../../kube/manifests.ts'
import type { Manifest } from '../../kube/manifests.ts'
import { identityOf } from '../../peers/identity.ts'
import { failed, ok } from '../../std/result.ts'
import type { Result } from '../../std/result.ts'
import { otherBindings } from './bindings.ts'
import type { OtherBindings } from './bindings.ts'
import { differenceOf } from './differences.ts'
import { grantsOf } from './grants.ts'
import type { GrantUse } from './grants.ts'
import { identityAt, peersAt } from './home.ts'
import type { Home, PeerSecret } from './home.ts'
import { secretDifference, secretName } from './secret.ts'
import type { PeerEntry } from './secret.ts'
import type { Spoke } from './spoke.ts'
import { reasonOf } from './told.ts'

/** How one object to be made stands to what is there. */
export type Standing =
  | { readonly kind: 'absent' }
  | { readonly kind: 'equal' }
  | { readonly kind: 'different'; readonly how: string }
  /** Its reader may not, or it did not answer. */
  | { readonly kind: 'unread'; readonly why: string }

export interface Compared {
  readonly manifest: Manifest
  readonly standing: Standing
}

export interface Survey {
  readonly entry: PeerEntry
  readonly grants: readonly Compared[]
  /** Null: there is none yet. */
  readonly secret: PeerSecret | null
  readonly secretStanding: Standing
  /** On the peer, beside the grants, for the same account. */
  readonly bindings: OtherBindings
}

/** The failure says, one sentence each, why there can be no such peer. */
export async function surveyOf(
  home: Home,
  spoke: Spoke,
  peer: PeerAdd,
): Promise<Result<Survey, readonly string[]>> {
  const { settings, signal } = home
  const identity = await identityOf(spoke.api, { signal })
  if (!identity.ok)
    return failed([
      `Which cluster the peer is cannot be read (Namespace kube-system): ${reasonOf(identity.failure)}.`,
    ])
  const entry: PeerEntry = {
    name: peer.name,
    prefix: settings.rules.prefix,
    namespace: settings.rules.ownNamespace,
    access: spoke.way,
    namespaces: peer.namespaces,
    origins: peer.origins,
    identity: identity.value,
  }
  const secret = await secretAt(home, entry)
  if (!secret.ok) return secret
  const absent = await absentNamespaces(spoke, peer, signal)
  if (absent.length > 0) return failed(absent)
  const use = await useOf(home)
  if (!use.ok) return use
  const manifests = grantsOf({ ...peer, ...use.value })
  const grants: Compared[] = []
  for (const manifest of manifests)
    grants.push({ manifest, standing: await standingOf(spoke, manifest, signal) })
  return ok({
    entry,
    grants,
    secret: secret.value,
    secretStanding: secretStanding(entry, secret.value),
    bindings: await otherBindings(spoke.cluster, { ...peer, grants: manifests }, { signal }),
  })
}

/** For whom a peer's credential is, and what the settings say that it is needed for. */
async function useOf({
  api,
  settings,
  signal,
}: Home): Promise<Result<Omit<GrantUse, 'account' | 'accountNamespace' | 'namespaces'>, readonly string[]>> {
  const { rules, createNamespaces, peerTokenRenewal } = settings
  const kubeSystem = await api.readNamespace('kube-system', { signal })
  if (!kubeSystem.ok)
    return failed([`Home’s Namespace kube-system cannot be read: ${reasonOf(kubeSystem.failure)}.`])
  return ok({
    prefix: rules.prefix,
    home: kubeSystem.value.uid,
    kinds: rules.kinds,
    createsNamespaces: createNamespaces,
    renewsToken: peerTokenRenewal,
  })
}

/** The Secret that would be made, if it is there; why it may not be made, where another stands against it. */
async function secretAt(home: Home, entry: PeerEntry): Promise<Result<PeerSecret | null, readonly string[]>> {
  const [peers, identity] = await Promise.all([peersAt(home), identityAt(home)])
  if (!peers.ok) return failed([peers.failure])
  if (!identity.ok) return failed([identity.failure])
  if (identity.value === entry.identity)
    return failed(['The peer is this very cluster: a home is no peer of its own.'])
  const name = secretName(entry.name)
  const others = peers.value.filter(({ secret }) => secret.meta.name !== name)
  const taken = others.find((each) => each.name === entry.name)
  if (taken !== undefined)
    return failed([
      `Secret ${entry.namespace}/${taken.secret.meta.name} is peer ${entry.name} already: choose another name.`,
    ])
  const key = annotation(entry.prefix, 'peer-identity')
  const same = others.find(({ secret }) => secret.meta.annotations[key] === entry.identity)
  if (same !== undefined)
    return failed([
      `Peer ${same.name} is the same cluster: run heliograph peer forget ${same.name} first, or keep that one.`,
    ])
  const mine = peers.value.find(({ secret }) => secret.meta.name === name) ?? null
  if (mine !== null) return ok(mine)
  const read = await home.api.readMeta(
    { kind: 'Secret', namespace: entry.namespace, name },
    { signal: home.signal },
  )
  if (read.ok)
    return failed([`Secret ${entry.namespace}/${name} is there and is no peer: delete or rename it.`])
  return read.failure.kind === 'absent'
    ? ok(null)
    : failed([`Secret ${entry.namespace}/${name} cannot be read: ${reasonOf(read.failure)}.`])
}

/** Namespaces of tenants are theirs to make. */
async function absentNamespaces(
  { api }: Spoke,
  { namespaces }: PeerAdd,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const sentences: string[] = []
  for (const name of namespaces ?? []) {
    const read = await api.readNamespace(name, { signal })
    if (read.ok && !read.value.terminating) continue
    const why = read.ok ? 'it is being deleted' : reasonOf(read.failure)
    sentences.push(`Namespace ${name} of the peer cannot be granted: ${why}.`)
  }
  return sentences
}

async function standingOf({ cluster }: Spoke, manifest: Manifest, signal: AbortSignal): Promise<Standing> {
  const found = await readManifest(cluster, manifest, { signal })
  if (!found.ok)
    return found.failure.kind === 'absent' || found.failure.kind === 'namespace-absent'
      ? { kind: 'absent' }
      : { kind: 'unread', why: reasonOf(found.failure) }
  const how = differenceOf(manifest, found.value)
  return how === null ? { kind: 'equal' } : { kind: 'different', how }
}

function secretStanding(entry: PeerEntry, secret: PeerSecret | null): Standing {
  if (secret === null) return { kind: 'absent' }
  const how = secretDifference(entry, secret)
  return how === null ? { kind: 'equal' } : { kind: 'different', how }
}

/** Why nothing may be written; a dry run passes over what it could not compare. */
export function flawsOf(
  { entry, grants, secret: present, secretStanding: own, bindings }: Survey,
  isDryRun: boolean,
): readonly string[] {
  const unlike = grants.flatMap(({ manifest, standing }) => {
    const thing = `${sayOf(manifest)} on the peer`
    if (standing.kind === 'unread') return isDryRun ? [] : [`${thing} cannot be read: ${standing.why}.`]
    return standing.kind === 'different'
      ? [`${thing} ${standing.how}: mend or delete it, or choose another name with --account.`]
      : []
  })
  const flaws = [...unlike, ...bindings.flaws]
  const secret = `Secret ${entry.namespace}/${secretName(entry.name)} of home`
  if (own.kind !== 'different') return flaws
  const forget = `run heliograph peer forget ${entry.name} first`
  const step =
    present?.isOut === true
      ? forget
      : `give the same flags as it was made with (peer-origins may be changed on the Secret by hand), or ${forget}`
  return [...flaws, `${secret} ${own.how}: ${step}.`]
}

export function sayOf({ kind, metadata: { name, namespace } }: Manifest): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`
}
