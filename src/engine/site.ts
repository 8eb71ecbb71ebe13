/**
 * One destination's places: who claims which, kept up to date from dirty sets off the read loop.
 *
 * The index only says where to look. Whether an origin claims a place is decided from the newest metadata each time a place is observed,
 * so an index that lags can delay a decision but never make a wrong one.
 */

import type { Consent } from '../core/consent.ts'
import { keyOf, refOf } from '../core/names.ts'
import type { ObjectKey, ObjectRef } from '../core/names.ts'
import { sameTexts } from '../core/objects.ts'
import type { NamespaceMeta, ObjectMeta } from '../core/objects.ts'
import type { Policy } from '../core/policy.ts'
import type { Rules } from '../core/rules.ts'
import type { Clock } from '../std/clock.ts'
import { Admission } from './admission.ts'
import { Choices } from './choices.ts'
import type { History } from './history.ts'
import { Lane, OPEN } from './lane.ts'
import { groupOf, moveIn, originMarked, originPulled } from './marked.ts'
import { Matching } from './matching.ts'
import type { OriginView } from './origins.ts'
import type { OriginsHere, Reach } from './reach.ts'
import type { Source, Store } from './store.ts'
import type { LaneName } from './workqueue.ts'

/** Indexing gives way to IO after this long. */
const SLICE_MS = 5

export interface SiteOptions {
  /** Where mirrors stand. */
  readonly store: Store
  /** Where origins stand; at home the same. */
  readonly originStore: Store
  readonly origins: OriginsHere
  readonly reach: Reach
  readonly history: History
  readonly rules: Rules
  readonly clock: Clock
  /** Home's identity; null until the digest key is there. */
  readonly identity: () => string | null
  readonly enqueue: (place: ObjectKey, lane: LaneName) => void
  /** An origin was indexed: its claims now, and when its change was seen. */
  readonly indexed: (origin: ObjectKey, places: ReadonlySet<ObjectKey>, seenAtMs: number) => void
  readonly namespaceIndexed: (namespace: NamespaceMeta) => void
  /** Nothing waits to be indexed. */
  readonly drained?: () => void
}

type Dirt = { readonly live: boolean; readonly seenAtMs: number }

export class Site {
  readonly #o: SiteOptions
  readonly #places = new Map<ObjectKey, Set<ObjectKey>>()
  readonly #claimants = new Map<ObjectKey, Set<ObjectKey>>()
  /** Mirrors by the origin that their marks name, unproven. */
  readonly #mirrors = new Map<ObjectKey, Set<ObjectKey>>()
  readonly #pulls = new Map<ObjectKey, Set<ObjectKey>>()
  readonly #groups = new Map<string, Set<ObjectKey>>()
  readonly #inNamespace = new Map<string, Set<ObjectKey>>()
  readonly #dirtyOrigins = new Map<ObjectKey, Dirt>()
  /** In which order they are indexed: namespaces of origins take turns, as one with costly patterns must not delay the others. */
  readonly #originTurns = new Lane()
  readonly #dirtyNamespaces = new Map<string, Dirt>()
  /** Those of the dirty that other patterns or selectors may choose now. */
  readonly #relabelled = new Set<string>()
  readonly #choices = new Choices()
  readonly #matching: Matching
  readonly #admission: Admission
  #wake = new AbortController()
  #unseen = 0

  constructor(options: SiteOptions) {
    this.#o = options
    this.#matching = new Matching({
      namespaces: () => options.store.namespaces(),
      placeIn: (view, namespace) => this.placeIn(view, namespace),
    })
    this.#admission = new Admission({
      origins: options.origins,
      rules: options.rules,
      places: (origin) => this.places(origin),
      mirrors: (origin) => this.#mirrors.get(origin) ?? NONE,
      enqueue: (place) => options.enqueue(place, 'fresh'),
    })
  }

  /** On the read loop: an object of home changed that is an origin, was one, or may become one. Notes it, nothing else. */
  originChanged(key: ObjectKey, source: Source): void {
    this.#soil(this.#dirtyOrigins, key, source)
    this.#takeTurn(key)
  }

  /** On the read loop: an object here changed. */
  objectChanged(key: ObjectKey, before: ObjectMeta | null, after: ObjectMeta | null, source: Source): void {
    this.#reindexMarks(key, before, after)
    if (after === null) this.#o.history.forgetEnd(key)
    else if (source === 'live') this.#o.history.noteFresh(key)
    this.#o.enqueue(key, 'fresh')
  }

  /** On the read loop. A change of nothing that we read is no change. */
  namespaceChanged(
    name: string,
    before: NamespaceMeta | null,
    after: NamespaceMeta | null,
    source: Source,
  ): void {
    if (before !== null && after !== null && isSame(before, after)) return
    if (before?.uid !== after?.uid || !sameTexts(before?.labels ?? {}, after?.labels ?? {}))
      this.#relabelled.add(name)
    this.#soil(this.#dirtyNamespaces, name, source)
  }

  /** Indexes dirty origins and namespaces in slices, until `signal` fires. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let sliceEndMs = this.#o.clock.now() + SLICE_MS
      while (this.#flushOne(false)) {
        if (this.#o.clock.now() < sliceEndMs) continue
        await this.#o.clock.breathe()
        if (signal.aborted) return
        sliceEndMs = this.#o.clock.now() + SLICE_MS
      }
      this.#o.drained?.()
      this.#wake = new AbortController()
      await this.#o.clock.sleep(IDLE_MS, AbortSignal.any([signal, this.#wake.signal]))
    }
  }

  get isIndexed(): boolean {
    return this.#dirtyOrigins.size + this.#dirtyNamespaces.size === 0
  }

  /** Everything is indexed when it returns. */
  flush(): void {
    while (this.#flushOne(true));
  }

  /** What one place's observation depends on is indexed when it returns. */
  flushFor(place: ObjectRef, origins: Iterable<ObjectKey>): void {
    if (this.#dirtyNamespaces.has(place.namespace)) this.#indexNamespace(place.namespace)
    for (const origin of origins) if (this.#dirtyOrigins.has(origin)) this.#indexOrigin(origin, true)
  }

  /** Rises with every change that was not seen as it happened. */
  get unseen(): number {
    return this.#unseen
  }

  isClaimed(place: ObjectKey): boolean {
    return this.#claimants.has(place)
  }

  /** An origin, as it was indexed last, that has places or mirrors of either form: what becomes of it is worth knowing even without a key of ours on it. */
  isReferenced(origin: ObjectKey): boolean {
    return this.#places.has(origin) || this.#mirrors.has(origin) || this.#pulls.has(origin)
  }

  claimants(place: ObjectKey): ReadonlySet<ObjectKey> {
    return this.#claimants.get(place) ?? NONE
  }

  places(origin: ObjectKey): ReadonlySet<ObjectKey> {
    return this.#places.get(origin) ?? NONE
  }

  /** Mirrors whose marks name an origin of `namespace`: one deletion group. */
  group(namespace: string): ReadonlySet<ObjectKey> {
    return this.#groups.get(namespace) ?? NONE
  }

  mirrors(): Iterable<ReadonlySet<ObjectKey>> {
    return this.#mirrors.values()
  }

  pullMirrors(): Iterable<ReadonlySet<ObjectKey>> {
    return this.#pulls.values()
  }

  /** Every place that may need work: claimed, or with anything of ours written on what stands there. */
  *everyPlace(): Iterable<ObjectKey> {
    yield* this.#claimants.keys()
    for (const { key } of this.#o.store.objects()) yield key
  }

  /** Home's identity; empty while it is not known. */
  get identity(): string {
    return this.#o.identity() ?? ''
  }

  /** What `namespace` says to `origin`; refused where the namespace is not there. */
  consent(namespace: NamespaceMeta, origin: { readonly namespace: string; readonly name: string }): Consent {
    return this.#o.reach.consent(namespace, origin, this.identity)
  }

  /** The place that `view` claims in `namespace`, whatever the namespace says to it; null for none. */
  placeIn(view: OriginView, namespace: NamespaceMeta): ObjectKey | null {
    if (view.reading.kind !== 'policy') return null
    const { policy } = view.reading
    return this.#o.reach.chooses(policy, view.meta, namespace)
      ? keyOf({ kind: view.meta.kind, namespace: namespace.name, name: policy.mirrorName })
      : null
  }

  /** Whether a claim is within the limits: holders first, then by name. */
  isAdmitted(view: OriginView, place: ObjectKey): boolean {
    return this.#admission.isAdmitted(view, place)
  }

  /** Whether an origin is within the limit of its namespace. */
  isOriginAdmitted(meta: ObjectMeta): boolean {
    return this.#admission.isOriginAdmitted(meta)
  }

  /** An origin's size became known: its limits are reckoned anew. */
  forgetAdmitted(origin: ObjectKey): void {
    this.#admission.forget(origin)
  }

  #soil<K>(dirty: Map<K, Dirt>, key: K, source: Source): void {
    const before = dirty.get(key)
    const live = source === 'live' || source === 'answer'
    if (!live) this.#unseen += 1
    dirty.set(key, {
      live: live && (before?.live ?? true),
      seenAtMs: before?.seenAtMs ?? this.#o.clock.now(),
    })
    this.#wake.abort()
  }

  /** `isWhole`: all that is begun is ended. */
  #flushOne(isWhole: boolean): boolean {
    for (const name of this.#dirtyNamespaces.keys()) {
      this.#indexNamespace(name)
      return true
    }
    const next = this.#originTurns.take(OPEN)
    if (next === null) return false
    this.#indexOrigin(next.key, isWhole)
    return true
  }

  /** Claims of one origin over all namespaces; places that it left are ends that were seen, or not. */
  #indexOrigin(origin: ObjectKey, isWhole: boolean): void {
    const view = this.#o.origins.view(origin)
    const after = this.#claimed(origin, view, isWhole)
    if (after === null) return this.#takeTurn(origin)
    const before = this.places(origin)
    const dirt = this.#dirtyOrigins.get(origin)
    this.#dirtyOrigins.delete(origin)
    this.#originTurns.remove(origin)
    if (view === null) this.#choices.forget(origin)
    else this.#choices.remember(view)
    this.#notePulled(origin, dirt)
    this.#admission.forget(origin)
    for (const place of before) if (!after.has(place)) this.#unclaim(place, origin, dirt)
    for (const place of after) this.#claim(place, origin)
    if (after.size > 0) this.#places.set(origin, after)
    else this.#places.delete(origin)
    this.#releaseUnreferenced(origin)
    const concerned = new Set([
      ...after,
      ...before,
      ...(this.#mirrors.get(origin) ?? NONE),
      ...(this.#pulls.get(origin) ?? NONE),
    ])
    this.#o.indexed(origin, concerned, dirt?.seenAtMs ?? this.#o.clock.now())
    for (const place of concerned) this.#o.enqueue(place, 'fresh')
    this.#admission.originsChanged(refOf(origin).namespace)
  }

  /** An origin that was seen to go: what was merged from it into pull mirrors goes too. */
  #notePulled(origin: ObjectKey, dirt: Dirt | undefined): void {
    const isGone = this.#o.originStore.get(origin) === null
    for (const place of this.#pulls.get(origin) ?? NONE) {
      if (!isGone) this.#o.history.clearEnd(place, origin)
      else if (dirt?.live === true) this.#o.history.noteEnd(place, origin, this.#o.clock.now())
    }
  }

  /** Null: not every namespace was asked yet. */
  #claimed(origin: ObjectKey, view: OriginView | null, isWhole: boolean): Set<ObjectKey> | null {
    const isUnlike = view?.reading.kind === 'policy' && !this.#choices.isAsBefore(view)
    if (isUnlike && this.#o.reach.concerns(view.reading.policy)) return this.#matching.next(view, isWhole)
    this.#matching.forget(origin)
    if (view === null || isUnlike) return new Set()
    // A held origin keeps its index: its claims are frozen, not ended.
    return new Set(this.places(origin))
  }

  #takeTurn(origin: ObjectKey): void {
    const { namespace } = refOf(origin)
    this.#originTurns.add(origin, { originNamespace: namespace, origin, namespace }, 0)
  }

  /** Claims of all origins on one namespace, and whatever else is there. */
  #indexNamespace(name: string): void {
    const dirt = this.#dirtyNamespaces.get(name)
    this.#dirtyNamespaces.delete(name)
    const namespace = this.#o.store.namespace(name)
    const isRelabelled = this.#relabelled.delete(name)
    if (isRelabelled) this.#matching.clear()
    for (const origin of this.#o.origins.keys()) {
      const view = this.#o.origins.view(origin)
      if (view === null) continue
      if (!isRelabelled) {
        this.#askAgain(view, name)
        continue
      }
      const place = namespace === null ? null : this.placeIn(view, namespace)
      if (place !== null) this.#claimNew(place, origin)
      else if (view.reading.kind === 'policy') this.#leave(view.meta, view.reading.policy, name, dirt)
    }
    for (const place of this.#inNamespace.get(name) ?? NONE) {
      this.#noteConsentEnd(place, namespace, dirt)
      this.#o.enqueue(place, 'fresh')
    }
    if (namespace !== null) this.#o.namespaceIndexed(namespace)
  }

  /** The namespace says something else, but nobody chooses it who did not before. */
  #askAgain({ meta, reading }: OriginView, namespace: string): void {
    if (reading.kind !== 'policy') return
    const place = keyOf({ kind: meta.kind, namespace, name: reading.policy.mirrorName })
    if (this.places(meta.key).has(place)) this.#o.enqueue(place, 'fresh')
  }

  #claimNew(place: ObjectKey, origin: ObjectKey): void {
    const places = this.#places.getOrInsertComputed(origin, () => new Set())
    if (!places.has(place)) this.#admission.forget(origin)
    places.add(place)
    this.#claim(place, origin)
    this.#o.enqueue(place, 'fresh')
  }

  #leave(meta: ObjectMeta, policy: Policy, namespace: string, dirt: Dirt | undefined): void {
    const place = keyOf({ kind: meta.kind, namespace, name: policy.mirrorName })
    if (this.#places.get(meta.key)?.delete(place) !== true) return
    this.#unclaim(place, meta.key, dirt)
    this.#admission.left(meta.key)
    this.#o.enqueue(place, 'fresh')
  }

  /** Consent that was seen to be withdrawn ends the claim like a narrowing by the owner. */
  #noteConsentEnd(place: ObjectKey, namespace: NamespaceMeta | null, dirt: Dirt | undefined): void {
    const origin = this.#marked(this.#o.store.get(place))
    if (namespace === null || origin === null || dirt?.live !== true) return
    const consent = this.consent(namespace, refOf(origin))
    if (consent.kind === 'refused') this.#o.history.noteEnd(place, origin, this.#o.clock.now())
    else if (this.claimants(place).has(origin)) this.#o.history.clearEnd(place, origin)
  }

  #claim(place: ObjectKey, origin: ObjectKey): void {
    this.#claimants.getOrInsertComputed(place, () => new Set()).add(origin)
    this.#o.history.clearEnd(place, origin)
  }

  #unclaim(place: ObjectKey, origin: ObjectKey, dirt: Dirt | undefined): void {
    const claimants = this.#claimants.get(place)
    claimants?.delete(origin)
    if (claimants?.size === 0) this.#claimants.delete(place)
    if (dirt?.live === true) this.#o.history.noteEnd(place, origin, this.#o.clock.now())
  }

  #reindexMarks(key: ObjectKey, before: ObjectMeta | null, after: ObjectMeta | null): void {
    const { rules } = this.#o
    const [marked, pulled] = [this.#marked(before), originPulled(before, rules)]
    const markedNow = this.#marked(after)
    moveIn(this.#mirrors, key, marked, markedNow)
    this.#releaseUnreferenced(marked)
    moveIn(this.#pulls, key, pulled, originPulled(after, rules))
    this.#releaseUnreferenced(pulled)
    moveIn(this.#groups, key, groupOf(marked), groupOf(markedNow))
    moveIn(this.#inNamespace, key, before?.namespace ?? null, after?.namespace ?? null)
  }

  #marked(object: ObjectMeta | null): ObjectKey | null {
    return originMarked(object, this.#o.rules, this.#o.reach.isAbroad)
  }

  /** Nothing depends on it any more: without a key of ours on it, it is an unrelated object again. */
  #releaseUnreferenced(origin: ObjectKey | null): void {
    if (origin !== null && !this.isReferenced(origin) && !this.isClaimed(origin))
      this.#o.originStore.release(origin)
  }
}

const NONE: ReadonlySet<ObjectKey> = new Set()
const IDLE_MS = 60_000

/** Equal in all that a decision reads. */
function isSame(a: NamespaceMeta, b: NamespaceMeta): boolean {
  return (
    a.uid === b.uid &&
    a.terminating === b.terminating &&
    sameTexts(a.labels, b.labels) &&
    sameTexts(a.annotations, b.annotations)
  )
}
