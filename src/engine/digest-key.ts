/**
 * The digest key and home's identity: one Secret beside the controller, made when absent, never overwritten, never logged.
 * No write starts without it; a malformed one stops every write until a person mends it.
 *
 * Beside it lies the UID of kube-system as it was when the identity was fixed. Where the cluster has another now, the Secret was restored into a
 * clone or into a new cluster: nothing ends and no peer is written to until a person says which cluster this is.
 */

import { DIGEST_KEY_BYTES, digestKeyId } from '../core/digest.ts'
import type { DigestKey } from '../core/digest.ts'
import { DIGEST_KEY_SECRET_NAME } from '../core/eligibility.ts'
import { keyOf } from '../core/names.ts'
import type { ObjectKey, ObjectRef } from '../core/names.ts'
import { notice } from '../core/notices.ts'
import type { NoticeCode } from '../core/notices.ts'
import type { Content, FullObject } from '../core/objects.ts'
import type { ClusterApi } from '../kube/api.ts'
import { clusterName, IDENTITY_LENGTH_MAX } from '../kube/cluster-name.ts'
import type { Clock } from '../std/clock.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import { Sensitive } from '../std/sensitive.ts'
import type { Leadership, Recorder } from './ports.ts'

const RETRY_MS = 2_000
/** Identities that are remembered: one for each time that a person said that this is a new cluster. */
export const FORMER_IDENTITIES_MAX = 16

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
  /** {@link DigestKeys.isHeld} changed. */
  readonly judged?: () => void
}

export interface KeyMaterial {
  readonly key: DigestKey
  /** Of the cluster in which the identity was fixed. */
  readonly kubeSystemUid: string
}

export class DigestKeys {
  readonly #o: DigestKeysOptions
  readonly #ref: ObjectRef
  #usable: DigestKey | null = null
  /** The last good material: a key that is deleted under us is put back as it was. */
  #last: KeyMaterial | null = null
  /** Of this cluster, as it was read last. */
  #kubeSystemUid: string | null = null
  #judgement: 'unknown' | 'kept' | 'changed' = 'unknown'
  #toldProperty: string | null = null
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

  /** Whether it is in doubt that the identity is this cluster's; as long as nobody could ask, too. */
  get isHeld(): boolean {
    return this.#judgement !== 'kept'
  }

  /** The identity was fixed in another cluster, and nobody has said what this one is. */
  get isChanged(): boolean {
    return this.#judgement === 'changed'
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
    const [answer, kubeSystem] = await Promise.all([
      this.#o.api.readFull(this.#ref, { signal }),
      this.#o.api.readNamespace('kube-system', { signal }),
    ])
    if (kubeSystem.ok) this.#kubeSystemUid = kubeSystem.value.uid
    if (answer.ok) return await this.#take(answer.value, signal)
    if (answer.failure.kind !== 'absent') return false
    this.#usable = null
    if (!this.#o.leadership.isLive()) return false
    const material = this.#last ?? (await this.#make(signal))
    if (material === null || !this.#o.leadership.isLive()) return false
    const body = bodyOf(this.#ref, material)
    const created = await this.#o.api.create('Secret', this.#ref.namespace, body, { signal })
    if (!created.ok) return false
    this.#use(material)
    return true
  }

  async #take(secret: FullObject, signal: AbortSignal): Promise<boolean> {
    const material = keyMaterialOf(secret.content.reveal())
    if (!material.ok) {
      this.#usable = null
      this.#tell('DigestKeyMalformed', secret, { reason: material.failure })
      return true
    }
    this.#use(material.value)
    if (this.isChanged) this.#tell('IdentityChanged', secret, {})
    await this.#compareProperty(secret, material.value, signal)
    return this.#judgement !== 'unknown'
  }

  #use(material: KeyMaterial): void {
    const [before, wasHeld] = [this.#usable, this.isHeld]
    this.#last = material
    this.#usable = material.key
    this.#judgement = judged(material, this.#kubeSystemUid)
    if (wasHeld !== this.isHeld) this.#o.judged?.()
    const isSame = before?.id === material.key.id && before.identity === material.key.identity
    if (!isSame) this.#o.ready(material.key)
  }

  /** A name that the cluster got later changes no identity: every mirror abroad bears the one that was fixed. Unreadable, it waits for the next look. */
  async #compareProperty(secret: FullObject, { key }: KeyMaterial, signal: AbortSignal): Promise<void> {
    const property = await this.#property(signal)
    if (property === null) return
    const isOther = property !== '' && property !== key.identity
    if (isOther && property !== this.#toldProperty) this.#tell('ClusterPropertyChanged', secret, {})
    this.#toldProperty = isOther ? property : null
  }

  #tell(code: NoticeCode, { meta }: FullObject, words: Readonly<Record<string, string>>): void {
    const { kind, namespace, name, uid } = meta
    this.#o.recorder.tell(notice(code, { kind, namespace, name, uid }, words))
  }

  async #make(signal: AbortSignal): Promise<KeyMaterial | null> {
    const uid = this.#kubeSystemUid
    if (uid === null) return null
    const property = await this.#property(signal)
    if (property === null) return null
    const named = property === '' ? uid : property
    const bytes = this.#o.randomBytes(DIGEST_KEY_BYTES)
    return {
      key: { id: digestKeyId(bytes), identity: named, bytes: new Sensitive(bytes) },
      kubeSystemUid: uid,
    }
  }

  /** The cluster's own name for itself; empty without one, null while nobody can say. */
  async #property(signal: AbortSignal): Promise<string | null> {
    if (!this.#o.isWholeCluster) return ''
    const name = await clusterName(this.#o.api, { signal })
    return name.ok ? name.value : null
  }
}

const WATCHED_MS = 3_600_000
const UNWATCHED_MS = 60_000

function judged(material: KeyMaterial, kubeSystemUid: string | null): 'unknown' | 'kept' | 'changed' {
  if (kubeSystemUid === null) return 'unknown'
  return material.kubeSystemUid === kubeSystemUid ? 'kept' : 'changed'
}

/** Reads the key's Secret: `key` 32 bytes, `identity` and `kube-system-uid` as text, and `former-identities` as a JSON list where there are any. */
export function keyMaterialOf(content: Content): Result<KeyMaterial, string> {
  const bytes = decoded(content, 'key')
  const identity = decoded(content, 'identity')?.toString('utf8')
  const kubeSystemUid = decoded(content, 'kube-system-uid')?.toString('utf8')
  if (bytes?.length !== DIGEST_KEY_BYTES) return failed(`key must hold ${DIGEST_KEY_BYTES} bytes`)
  if (identity === undefined || identity === '' || identity.length > IDENTITY_LENGTH_MAX)
    return failed('identity must hold a text')
  if (kubeSystemUid === undefined || kubeSystemUid === '') return failed('kube-system-uid must hold a text')
  const former = formerOf(decoded(content, 'former-identities')?.toString('utf8'))
  if (former === null) return failed('former-identities must hold a JSON list of texts')
  const key: DigestKey = { id: digestKeyId(bytes), identity, former, bytes: new Sensitive(bytes) }
  return ok({ key, kubeSystemUid })
}

/** Null: no list of texts. */
function formerOf(text: string | undefined): readonly string[] | null {
  if (text === undefined) return []
  try {
    const list: unknown = JSON.parse(text)
    if (!Array.isArray(list) || list.length > FORMER_IDENTITIES_MAX) return null
    const texts = list.filter((each) => typeof each === 'string')
    return texts.length === list.length && texts.every((each) => each.length <= IDENTITY_LENGTH_MAX)
      ? texts
      : null
  } catch {
    return null
  }
}

function decoded(content: Content, key: string): Buffer | undefined {
  const value = content.data.get(key)
  return value === undefined ? undefined : Buffer.from(value, 'base64')
}

function bodyOf(ref: ObjectRef, material: KeyMaterial): Sensitive<readonly Uint8Array[]> {
  const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64')
  const { former = [] } = material.key
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
      ...(former.length === 0 ? {} : { 'former-identities': base64(JSON.stringify(former)) }),
    },
  }
  return new Sensitive([Buffer.from(JSON.stringify(secret))])
}
