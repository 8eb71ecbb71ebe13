/** Home as the peer commands see it: its peers' Secrets, and the identity that its mirrors bear. */

import { annotation } from '../../core/annotations.ts'
import { DIGEST_KEY_SECRET_NAME } from '../../core/eligibility.ts'
import { refOf } from '../../core/names.ts'
import type { FullObject, ObjectMeta } from '../../core/objects.ts'
import type { Settings } from '../../config/settings.ts'
import { keyMaterialOf } from '../../engine/digest-key.ts'
import type { Access } from '../../kube/access.ts'
import type { ClusterApi } from '../../kube/api.ts'
import type { Cluster } from '../../kube/connection.ts'
import { listLabelled } from '../../kube/labelled.ts'
import { parseForm } from '../../peers/forms.ts'
import { parseTerms, peerName } from '../../peers/terms.ts'
import type { Terms } from '../../peers/terms.ts'
import { failed, ok } from '../../std/result.ts'
import type { Result } from '../../std/result.ts'
import type { Clock } from '../../std/clock.ts'
import { reasonOf } from './told.ts'

export interface Home {
  readonly cluster: Cluster
  readonly api: ClusterApi
  readonly settings: Settings
  readonly version: string
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** A Secret that bears the label of peers. */
export interface PeerSecret {
  readonly secret: FullObject
  /** As it would be called if nothing else were wrong with it. */
  readonly name: string
  /** `peer clean` took it out of service. */
  readonly isOut: boolean
  /** Why it is no peer; null: it is one. */
  readonly flaw: string | null
  /** Null where its form is refused. */
  readonly access: Access | null
  /** Null where an annotation is refused. */
  readonly terms: Terms | null
}

/** Why no peer Secret can lie there, as a sentence; null: it can. */
export async function homeFlaw({ api, settings, signal }: Home): Promise<string | null> {
  const { ownNamespace } = settings.rules
  const read = await api.readNamespace(ownNamespace, { signal })
  if (read.ok && !read.value.terminating) return null
  const isAbsent = !read.ok && (read.failure.kind === 'absent' || read.failure.kind === 'namespace-absent')
  if (!read.ok && !isAbsent)
    return `Home’s namespace ${ownNamespace} cannot be read: ${reasonOf(read.failure)}. Nothing was written.`
  const why = read.ok ? 'it is being deleted' : 'it is not there'
  return `Home’s namespace ${ownNamespace} cannot have a peer’s Secret: ${why}. Name the controller’s own with --namespace. Nothing was written.`
}

/** Every peer Secret, the older first. The failure is a sentence. */
export async function peersAt(home: Home): Promise<Result<readonly PeerSecret[], string>> {
  const { cluster, api, settings, signal } = home
  const { prefix, ownNamespace } = settings.rules
  const request = {
    kind: 'Secret',
    namespace: ownNamespace,
    labelSelector: annotation(prefix, 'peer'),
  } as const
  const listed = await listLabelled(cluster, request, { signal })
  if (!listed.ok)
    return failed(
      `The Secrets of home’s namespace ${ownNamespace} cannot be listed: ${reasonOf(listed.failure)}.`,
    )
  const found: PeerSecret[] = []
  for (const meta of [...listed.value].sort(older)) {
    const read = await api.readFull(refOf(meta.key), { signal })
    if (read.ok) found.push(peerSecretOf(read.value, settings))
    else if (read.failure.kind !== 'absent')
      return failed(`Secret ${ownNamespace}/${meta.name} cannot be read: ${reasonOf(read.failure)}.`)
  }
  return ok(found)
}

/** The one peer of that name. The failure is a sentence with a next step. */
export async function peerAt(home: Home, name: string): Promise<Result<PeerSecret, string>> {
  const peers = await peersAt(home)
  if (!peers.ok) return peers
  const { ownNamespace } = home.settings.rules
  const named = peers.value.filter((peer) => peer.name === name)
  const [only] = named
  if (only === undefined)
    return failed(
      `There is no peer ${name} in the namespace ${ownNamespace}: see heliograph peer list, and name the controller’s own namespace with --namespace.`,
    )
  if (named.length === 1) return ok(only)
  const secrets = named.map(({ secret }) => secret.meta.name).join(' and ')
  return failed(
    `Two Secrets are peer ${name}, ${secrets}: delete the wrong one with kubectl -n ${ownNamespace}.`,
  )
}

export function peerSecretOf(secret: FullObject, settings: Settings): PeerSecret {
  const { prefix } = settings.rules
  const form = parseForm(secret.content.reveal(), { allowProxy: settings.peerProxies })
  const terms = parseTerms(secret.meta, prefix)
  const formName = form.ok ? form.value.name : null
  const name = terms.ok ? peerName(terms.value, formName, secret.meta.name) : null
  const flaws = [
    form.ok ? null : form.failure,
    terms.ok ? null : terms.failure,
    terms.ok && name === null ? 'its name must be a DNS subdomain, and not home' : null,
  ]
  return {
    secret,
    name: name ?? secret.meta.annotations[annotation(prefix, 'peer-name')] ?? formName ?? secret.meta.name,
    isOut: secret.meta.labels[annotation(prefix, 'peer')] !== 'true',
    flaw: flaws.find((flaw) => flaw !== null) ?? null,
    access: form.ok ? form.value.access : null,
    terms: terms.ok ? terms.value : null,
  }
}

/** The identity that home's mirrors bear; null where no controller has run there yet. A sentence where it is in doubt. */
export async function identityAt({ api, settings, signal }: Home): Promise<Result<string | null, string>> {
  const { ownNamespace } = settings.rules
  const ref = { kind: 'Secret', namespace: ownNamespace, name: DIGEST_KEY_SECRET_NAME } as const
  const [secret, kubeSystem] = await Promise.all([
    api.readFull(ref, { signal }),
    api.readNamespace('kube-system', { signal }),
  ])
  if (!secret.ok)
    return secret.failure.kind === 'absent'
      ? ok(null)
      : failed(
          `Home’s identity in Secret ${ownNamespace}/${ref.name} cannot be read: ${reasonOf(secret.failure)}.`,
        )
  if (!kubeSystem.ok)
    return failed(`Home’s Namespace kube-system cannot be read: ${reasonOf(kubeSystem.failure)}.`)
  const material = keyMaterialOf(secret.value.content.reveal())
  if (!material.ok) return failed(`Secret ${ownNamespace}/${ref.name} is malformed: ${material.failure}.`)
  if (material.value.kubeSystemUid !== kubeSystem.value.uid)
    return failed(
      'Which cluster home is, is in doubt: its identity was fixed in another. Run heliograph identity keep or new first.',
    )
  return ok(material.value.key.identity)
}

function older(a: ObjectMeta, b: ObjectMeta): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1
  return a.key < b.key ? -1 : 1
}
