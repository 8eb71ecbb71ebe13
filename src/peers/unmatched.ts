/**
 * Tells the owner of an origin that names other clusters when no peer takes it: a name that is misspelt, or a peer whose Secret leaves it out.
 * Both read alike, and no peer is named, so that nobody learns by trying which peers there are.
 */

import { dialectOf, peersKey } from '../core/dialects/table.ts'
import type { ObjectKey } from '../core/names.ts'
import { notice } from '../core/notices.ts'
import type { Rules } from '../core/rules.ts'
import type { OriginView } from '../engine/origins.ts'
import type { Recorder } from '../engine/ports.ts'
import type { Clock } from '../std/clock.ts'
import { takesOrigin } from './reach.ts'
import type { KnownPeer } from './registry.ts'

/** While the peers are not known, or another replica leads home, it is looked again after so long. */
const RETRY_MS = 5_000
/** Every origin is looked at again so often, since Events are forgotten. */
export const AGAIN_MS = 3_600_000

export interface UnmatchedOptions {
  readonly clock: Clock
  readonly rules: Rules
  readonly recorder: Pick<Recorder, 'tell'>
  /** This replica leads home. */
  readonly isLeading: () => boolean
  /** Null while one of the peer Secrets is still to be read. */
  readonly peers: () => readonly KnownPeer[] | null
  readonly origin: (key: ObjectKey) => OriginView | null
  readonly originKeys: () => Iterable<ObjectKey>
}

export class Unmatched {
  readonly #o: UnmatchedOptions
  /** Objects of home that changed; no more than home has. */
  readonly #dirty = new Set<ObjectKey>()
  /** Of the origins that were told, what they said then. */
  readonly #told = new Map<ObjectKey, string>()
  #peers: readonly KnownPeer[] | null = null
  #againAtMs = 0
  #wake = new AbortController()

  constructor(options: UnmatchedOptions) {
    this.#o = options
  }

  /** On the read loop: an object of home changed. */
  objectChanged(key: ObjectKey): void {
    this.#dirty.add(key)
    // Until the peers are known a first list of home wakes nobody.
    if (this.#peers !== null) this.#wake.abort()
  }

  /** Peers came, went or were read anew. */
  peersChanged(): void {
    this.#wake.abort()
  }

  /** Runs until `signal` fires. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = new AbortController()
      const waitMs = this.#look()
      await this.#o.clock.sleep(waitMs, AbortSignal.any([signal, this.#wake.signal]))
    }
  }

  /** Answers how long nothing needs a look unless something changes. */
  #look(): number {
    const now = this.#o.clock.now()
    const isLeading = this.#o.isLeading()
    const peers = isLeading ? this.#o.peers() : null
    // A replica that takes the lead tells anew; so does every replica when Events are forgotten.
    if (!isLeading || now >= this.#againAtMs) {
      this.#told.clear()
      this.#peers = null
      this.#againAtMs = now + AGAIN_MS
    }
    const isSettled = peers !== null && isSame(peers, this.#peers)
    this.#peers = peers
    const changed = [...this.#dirty]
    this.#dirty.clear()
    if (peers === null) return RETRY_MS
    const keys = isSettled ? changed : [...this.#o.originKeys(), ...changed]
    for (const key of new Set(keys)) this.#judge(key, peers)
    return this.#againAtMs - now
  }

  #judge(key: ObjectKey, peers: readonly KnownPeer[]): void {
    const { rules, recorder, origin } = this.#o
    const view = origin(key)
    const policy = view?.reading.kind === 'policy' ? view.reading.policy : null
    const isTaken = ({ name, terms }: KnownPeer): boolean =>
      view !== null && policy !== null && takesOrigin(name, terms, { policy, origin: view.meta })
    if (view === null || policy === null || policy.peers === null || peers.some(isTaken)) {
      this.#told.delete(key)
      return
    }
    const { meta } = view
    const annotation = peersKey(dialectOf(meta, rules) ?? '', rules)
    const said = `${meta.uid} ${annotation} ${meta.annotations[annotation] ?? ''}`
    if (this.#told.get(key) === said) return
    this.#told.set(key, said)
    recorder.tell(notice('TargetsUnmatched', meta, { annotation }))
  }
}

function isSame(a: readonly KnownPeer[], b: readonly KnownPeer[] | null): boolean {
  if (b === null || a.length !== b.length) return false
  return a.every(({ name, terms }, at) => name === b[at]?.name && terms === b[at].terms)
}
