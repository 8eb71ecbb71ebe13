/**
 * `heliograph identity keep|new`: a person says what became of the cluster in which the stored identity was fixed. The answer is written into the
 * digest key's own Secret, by one patch that proves which version it answers; the controller watches that Secret and goes on from it.
 */

import { DIGEST_KEY_BYTES } from '../core/digest.ts'
import { DIGEST_KEY_SECRET_NAME } from '../core/eligibility.ts'
import type { Failure } from '../core/failure.ts'
import type { ObjectRef } from '../core/names.ts'
import type { FullObject } from '../core/objects.ts'
import { patch } from '../core/operations.ts'
import type { RequestBody } from '../core/operations.ts'
import { FORMER_IDENTITIES_MAX, keyMaterialOf } from '../engine/digest-key.ts'
import type { KeyMaterial } from '../engine/digest-key.ts'
import type { ClusterApi } from '../kube/api.ts'
import { clusterName } from '../kube/cluster-name.ts'
import { ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import type { Told } from './release.ts'

export interface IdentityOptions {
  readonly api: Pick<ClusterApi, 'readFull' | 'patch' | 'readNamespace' | 'readClusterProperty'>
  /** The controller's own. */
  readonly namespace: string
  /** `keep`: this cluster replaces that one, and its mirrors everywhere are ours. `new`: both exist; only the mirrors at home are ours. */
  readonly answer: 'keep' | 'new'
  readonly randomBytes: (count: number) => Uint8Array
  readonly signal: AbortSignal
}

/** What a refusal is about. */
type Reading = 'secret' | 'cluster'

export async function answerIdentity(options: IdentityOptions): Promise<Told> {
  const { api, namespace, answer, signal } = options
  const ref: ObjectRef = { kind: 'Secret', namespace, name: DIGEST_KEY_SECRET_NAME }
  const secret = await api.readFull(ref, { signal })
  if (!secret.ok) return told(false, refusal(ref, 'secret', secret.failure))
  const material = keyMaterialOf(secret.value.content.reveal())
  if (!material.ok)
    return told(false, `The Secret ${ref.name} holds no usable digest key: ${material.failure}.`)
  const kubeSystem = await api.readNamespace('kube-system', { signal })
  if (!kubeSystem.ok) return told(false, refusal(ref, 'cluster', kubeSystem.failure))
  const { uid } = kubeSystem.value
  if (uid === material.value.kubeSystemUid)
    return told(
      answer === 'keep',
      'The stored identity is this cluster’s: nothing is held, and nothing was changed.',
    )
  const changes = await changesFor(options, material.value, uid)
  if (!changes.ok) return told(false, refusal(ref, 'cluster', changes.failure))
  const written = await api.patch(ref, bodyOf(secret.value, changes.value), { signal })
  if (!written.ok) return told(false, refusal(ref, 'secret', written.failure))
  return told(true, SENTENCES[answer])
}

const SENTENCES = {
  keep: 'The identity is kept: what was held goes on, and the mirrors on peers are tended as before.',
  new: 'This cluster has an identity of its own now: its mirrors are compared and marked anew, those on peers stay the other cluster’s.',
} as const

/** Keys of the Secret and what they hold from now on, base64. */
type Changes = Readonly<Record<string, string>>

/** Both identities would prove their mirrors with one key: the new one gets its own, and every mirror is read and compared once. */
async function changesFor(
  { answer, randomBytes, ...asked }: IdentityOptions,
  { key }: KeyMaterial,
  kubeSystemUid: string,
): Promise<Result<Changes, Failure>> {
  if (answer === 'keep') return ok({ 'kube-system-uid': base64(kubeSystemUid) })
  const property = await clusterName(asked.api, { signal: asked.signal })
  if (!property.ok) return property
  // A clone may have brought the name of its cluster set along.
  const isOwn = property.value !== '' && property.value !== key.identity
  const former = [key.identity, ...(key.former ?? [])].slice(0, FORMER_IDENTITIES_MAX)
  return ok({
    'kube-system-uid': base64(kubeSystemUid),
    identity: base64(isOwn ? property.value : kubeSystemUid),
    'former-identities': base64(JSON.stringify(former)),
    key: base64(randomBytes(DIGEST_KEY_BYTES)),
  })
}

function bodyOf({ meta }: FullObject, changes: Changes): RequestBody {
  const tests = [
    { op: 'test', path: '/metadata/uid', value: meta.uid },
    { op: 'test', path: '/metadata/resourceVersion', value: meta.version },
  ] as const
  const content = Object.entries(changes).flatMap(([key, value], index) => [
    ...(index === 0 ? [] : [Buffer.from(',')]),
    Buffer.from(JSON.stringify({ op: 'add', path: `/data/${key}`, value })),
  ])
  return patch(tests, content)
}

function base64(value: string | Uint8Array): string {
  return Buffer.from(value).toString('base64')
}

function told(done: boolean, sentence: string): Told {
  return { done, sentence }
}

function refusal({ namespace, name }: ObjectRef, reading: Reading, failure: Failure): string {
  const what =
    reading === 'secret' ? `the Secret ${name} in the namespace ${namespace}` : 'the Namespace kube-system'
  switch (failure.kind) {
    case 'absent':
    case 'namespace-absent':
      return `There is no digest key in the namespace ${namespace}: name the controller’s own with --namespace.`
    case 'forbidden':
    case 'unauthorized':
      return `You may not read ${what}${reading === 'secret' ? ', or not change it' : ' or the ClusterProperty'}.`
    case 'test-failed':
    case 'conflict':
      return `Somebody changed ${what} at the same time: nothing was changed, run it again.`
    case 'unanswered':
      return 'The API server does not answer.'
    default:
      return `It failed at ${what} (${failure.kind}): nothing was changed.`
  }
}
