/**
 * Makes the namespaces that origins of home choose by name and that a peer lacks, where the administrator lets it. One that patterns or labels alone
 * would choose is never made, nor one that would not take the mirror once it is there. Work that waits for it goes on when its watch tells of it.
 */

import { annotation } from '../core/annotations.ts'
import { literalNames } from '../core/choice.ts'
import { isNamespaceName, pathOf } from '../core/names.ts'
import type { ObjectKey, ResourceVersion, Uid } from '../core/names.ts'
import { notice } from '../core/notices.ts'
import type { NamespaceMeta, ObjectMeta } from '../core/objects.ts'
import type { Policy } from '../core/policy.ts'
import type { OriginView } from '../engine/origins.ts'
import type { Leadership, Recorder } from '../engine/ports.ts'
import type { Reach } from '../engine/reach.ts'
import type { ClusterApi } from '../kube/api.ts'
import type { Clock } from '../std/clock.ts'

/** A namespace that could not be made, or that was deleted, is looked at again this often. */
export const LOOK_MS = 60_000
/** Names that are kept in mind for one peer; those beyond are not made. */
const WANTED_MAX = 10_000

export interface NamespacesOptions {
  readonly api: Pick<ClusterApi, 'createNamespace'>
  readonly clock: Clock
  readonly prefix: string
  readonly reach: Pick<Reach, 'concerns' | 'chooses' | 'consent'>
  readonly leadership: Leadership
  /** Whether the peer, wholly known, has no Namespace of this name; one that is terminating is there. */
  readonly lacks: (name: string) => boolean
  /** Tells in the peer. */
  readonly recorder: Pick<Recorder, 'tell'>
}

export class Namespaces {
  readonly #o: NamespacesOptions
  /** Who wants a namespace of this name. */
  readonly #wanted = new Map<string, Map<ObjectKey, ObjectMeta>>()
  readonly #names = new Map<ObjectKey, readonly string[]>()
  #wake = new AbortController()

  constructor(options: NamespacesOptions) {
    this.#o = options
  }

  /** An origin was indexed for the peer, as it is now; null: it is none any more. A held one wants nothing new. */
  indexed(origin: ObjectKey, view: OriginView | null): void {
    for (const name of this.#names.get(origin) ?? []) this.#unwant(name, origin)
    const names = view?.reading.kind === 'policy' ? this.#namesOf(view.meta, view.reading.policy) : []
    if (view === null || names.length === 0) return void this.#names.delete(origin)
    this.#names.set(origin, names)
    for (const name of names) {
      if (!this.#wanted.has(name) && this.#wanted.size >= WANTED_MAX) continue
      this.#wanted.getOrInsertComputed(name, () => new Map()).set(origin, view.meta)
    }
    if (names.some((name) => this.#o.lacks(name))) this.#wake.abort()
  }

  /** Makes what is wanted and lacking, until `signal` fires. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#o
    while (!signal.aborted) {
      this.#wake = new AbortController()
      const isWhole = await this.#make(signal)
      const wake = isWhole ? AbortSignal.any([signal, this.#wake.signal]) : signal
      await clock.sleep(LOOK_MS, wake)
    }
  }

  /** Leadership, or the peer's first snapshot, came. */
  changed(): void {
    this.#wake.abort()
  }

  /** False: one could not be made, and asking again at once would not help. */
  async #make(signal: AbortSignal): Promise<boolean> {
    const { api, prefix, leadership, lacks } = this.#o
    let isWhole = true
    for (const [name, origins] of this.#wanted) {
      if (signal.aborted || !leadership.isLive()) return isWhole
      const [origin] = origins.values()
      if (origin === undefined || !lacks(name)) continue
      const made = await api.createNamespace(name, createdLabels(prefix), { signal })
      if (made.ok) this.#tell(made.value, origin)
      else if (made.failure.kind !== 'exists') isWhole = false
    }
    return isWhole
  }

  #tell({ name, uid }: NamespaceMeta, origin: ObjectMeta): void {
    const subject = { kind: 'Namespace', namespace: '', name, uid } as const
    this.#o.recorder.tell(notice('NamespaceCreated', subject, { origin: pathOf(origin) }))
  }

  #unwant(name: string, origin: ObjectKey): void {
    const origins = this.#wanted.get(name)
    origins?.delete(origin)
    if (origins?.size === 0) this.#wanted.delete(name)
  }

  /** The names that the policy lists singly, and that would be chosen and would consent as they would be made. */
  #namesOf(origin: ObjectMeta, policy: Policy): readonly string[] {
    const { reach, prefix } = this.#o
    if (!reach.concerns(policy)) return []
    const choice = policy.peers?.namespaces ?? null
    const names = choice === null ? [origin.namespace] : literalNames(choice)
    return names.filter((name) => {
      if (!isNamespaceName(name)) return false
      const namespace = asMade(name, prefix)
      return (
        reach.chooses(policy, origin, namespace) && reach.consent(namespace, origin, '').kind === 'granted'
      )
    })
  }
}

function createdLabels(prefix: string): Readonly<Record<string, string>> {
  return { [annotation(prefix, 'created')]: 'true' }
}

/** The API server adds the name as a label. */
function asMade(name: string, prefix: string): NamespaceMeta {
  return {
    name,
    uid: '' as Uid,
    version: '0' as ResourceVersion,
    terminating: false,
    labels: { ...createdLabels(prefix), 'kubernetes.io/metadata.name': name },
    annotations: {},
  }
}
