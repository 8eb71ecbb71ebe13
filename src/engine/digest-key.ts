/**
 * The digest key and home's identity: one Secret beside the controller, made when absent, never overwritten, never logged.
 * No write starts without it; a malformed one stops every write until a person mends it.
 */

import { DIGEST_KEY_BYTES, digestKeyId } from '../core/digest.ts'
import type { DigestKey } from '../core/digest.ts'
import { DIGEST_KEY_SECRET_NAME } from '../core/eligibility.ts'
import { keyOf } from '../core/names.ts'
import type { ObjectKey, ObjectRef } from '../core/names.ts'
import { notice } from '../core/notices.ts'
import type { Content, FullObject } from '../core/objects.ts'
import type { ClusterApi } from '../kube/api.ts'
import type { Clock } from '../std/clock.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import { Sensitive } from '../std/sensitive.ts'
import type { Leadership, Recorder } from './ports.ts'

/** The ClusterProperty that names a cluster of a cluster set (KEP-2149). */
const CLUSTER_PROPERTY = 'cluster.clusterset.k8s.io'
const RETRY_MS = 2_000
const IDENTITY_LENGTH_MAX = 253

export interface DigestKeysOptions {
  readonly api: ClusterApi
  readonly clock: Clock
  readonly ownNamespace: string
  readonly leadership: Leadership
  readonly recorder: Recorder
  /** Whether changes of the Secret are told; without Secrets among the kinds it is looked at every minute instead. */
  readonly isWatched: boolean
  /** False under rights in named namespaces only: cluster-scoped objects cannot be read. */
  readonly isWholeCluster: boolean
  readonly randomBytes: (count: number) => Uint8Array
  /** A key became usable, for the first time or in place of another. */
  readonly ready: (key: DigestKey) => void
}

interface Material {
  readonly key: DigestKey
  readonly kubeSystemUid: string
}

export class DigestKeys {
  readonly #o: DigestKeysOptions
  readonly #ref: ObjectRef
  #usable: DigestKey | null = null
  /** The last good material: a key that is deleted under us is put back as it was. */
  #last: Material | null = null
  #wake = new AbortController()

  constructor(options: DigestKeysOptions) {
    this.#o = options
    this.#ref = { kind: 'Secret', namespace: options.ownNamespace, name: DIGEST_KEY_SECRET_NAME }
  }

  /** The key; null while there is none that may be used. */
  current(): DigestKey | null {
    return this.#usable
  }

  /** Home's identity, known from the first good key on. */
  identity(): string | null {
    return this.#last?.key.identity ?? null
  }

  get place(): ObjectKey {
    return keyOf(this.#ref)
  }

  /** The Secret changed, or leadership came: look again at once. */
  changed(): void {
    this.#wake.abort()
  }

  /** Keeps the key current until `signal` fires. */
  async run(signal: AbortSignal): Promise<void> {
    const settledMs = this.#o.isWatched ? WATCHED_MS : UNWATCHED_MS
    while (!signal.aborted) {
      this.#wake = new AbortController()
      const isSettled = await this.#look(signal)
      await this.#o.clock.sleep(
        isSettled ? settledMs : RETRY_MS,
        AbortSignal.any([signal, this.#wake.signal]),
      )
    }
  }

  /** True: nothing to do until the Secret changes. */
  async #look(signal: AbortSignal): Promise<boolean> {
    const answer = await this.#o.api.readFull(this.#ref, { signal })
    if (answer.ok) return this.#take(answer.value)
    if (answer.failure.kind !== 'absent') return false
    this.#usable = null
    if (!this.#o.leadership.isLive()) return false
    const material = this.#last ?? (await this.#make(signal))
    if (material === null || !this.#o.leadership.isLive()) return false
    const created = await this.#o.api.create('Secret', this.#ref.namespace, bodyOf(this.#ref, material), {
      signal,
    })
    if (!created.ok) return false
    this.#use(material)
    return true
  }

  #take(secret: FullObject): boolean {
    const material = materialOf(secret.content.reveal())
    if (!material.ok) {
      this.#usable = null
      const { kind, namespace, name, uid } = secret.meta
      this.#o.recorder.tell(
        notice('DigestKeyMalformed', { kind, namespace, name, uid }, { reason: material.failure }),
      )
      return true
    }
    this.#use(material.value)
    return true
  }

  #use(material: Material): void {
    const before = this.#usable
    this.#last = material
    this.#usable = material.key
    if (before?.id !== material.key.id) this.#o.ready(material.key)
  }

  async #make(signal: AbortSignal): Promise<Material | null> {
    const kubeSystem = await this.#o.api.readNamespace('kube-system', { signal })
    if (!kubeSystem.ok) return null
    const property = await this.#property(signal)
    if (property === null) return null
    const { uid } = kubeSystem.value
    const named = property === '' || property.length > IDENTITY_LENGTH_MAX ? uid : property
    const bytes = this.#o.randomBytes(DIGEST_KEY_BYTES)
    return {
      key: { id: digestKeyId(bytes), identity: named, bytes: new Sensitive(bytes) },
      kubeSystemUid: uid,
    }
  }

  /** The cluster's own name for itself; empty without one, null while nobody can say. */
  async #property(signal: AbortSignal): Promise<string | null> {
    if (!this.#o.isWholeCluster) return ''
    const property = await this.#o.api.readClusterProperty(CLUSTER_PROPERTY, { signal })
    if (property.ok) return property.value
    return property.failure.kind === 'absent' ? '' : null
  }
}

const WATCHED_MS = 3_600_000
const UNWATCHED_MS = 60_000

/** Reads the key's Secret: `key` 32 bytes, `identity` and `kube-system-uid` as text. */
function materialOf(content: Content): Result<Material, string> {
  const bytes = decoded(content, 'key')
  const identity = decoded(content, 'identity')?.toString('utf8')
  const kubeSystemUid = decoded(content, 'kube-system-uid')?.toString('utf8')
  if (bytes?.length !== DIGEST_KEY_BYTES) return failed(`key must hold ${DIGEST_KEY_BYTES} bytes`)
  if (identity === undefined || identity === '' || identity.length > IDENTITY_LENGTH_MAX)
    return failed('identity must hold a text')
  if (kubeSystemUid === undefined || kubeSystemUid === '') return failed('kube-system-uid must hold a text')
  return ok({ key: { id: digestKeyId(bytes), identity, bytes: new Sensitive(bytes) }, kubeSystemUid })
}

function decoded(content: Content, key: string): Buffer | undefined {
  const value = content.data.get(key)
  return value === undefined ? undefined : Buffer.from(value, 'base64')
}

function bodyOf(ref: ObjectRef, material: Material): Sensitive<readonly Uint8Array[]> {
  const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64')
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: ref.name,
      namespace: ref.namespace,
      labels: { 'app.kubernetes.io/managed-by': 'heliograph' },
    },
    type: 'Opaque',
    data: {
      key: base64(material.key.bytes.reveal()),
      identity: base64(material.key.identity),
      'kube-system-uid': base64(material.kubeSystemUid),
    },
  }
  return new Sensitive([Buffer.from(JSON.stringify(secret))])
}
