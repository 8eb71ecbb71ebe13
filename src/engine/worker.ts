/**
 * One destination's engine: index, queue, turns, verification and brakes of one cluster that receives mirrors. Home has one, each peer another;
 * what they share are the origins, their renderings and the digest key, all of home.
 *
 * A follower's worker indexes and plans nothing: a new leader begins with one look at every place.
 */

import { refOf } from '../core/names.ts'
import type { ObjectKey } from '../core/names.ts'
import type { NamespaceMeta, ObjectMeta } from '../core/objects.ts'
import type { Settings } from '../config/settings.ts'
import type { ClusterApi } from '../kube/api.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import type { Scope } from '../std/scope.ts'
import { Brakes } from './brakes.ts'
import type { Hold } from './brakes.ts'
import type { Destination, Home, ReadNamespace } from './destination.ts'
import { History } from './history.ts'
import { originMarked, originPulled } from './marked.ts'
import { countEnding } from './observe.ts'
import type { Observer } from './observe.ts'
import type { OriginView } from './origins.ts'
import type { Leadership, Recorder } from './ports.ts'
import { originsHere } from './reach.ts'
import type { OriginsHere, Reach } from './reach.ts'
import { Reminder } from './reminder.ts'
import { Site } from './site.ts'
import { Spreads } from './spreads.ts'
import type { DestinationStanding } from './standing.ts'
import type { Source, Store } from './store.ts'
import { Tallies } from './tallies.ts'
import { TallyTeller } from './tally-teller.ts'
import { turn } from './turn.ts'
import { Verifier } from './verify.ts'
import { WorkQueue } from './workqueue.ts'
import type { LaneName, Next } from './workqueue.ts'

export interface WorkerOptions {
  /** `home`, or the peer's name. */
  readonly name: string
  readonly settings: Settings
  readonly api: ClusterApi
  readonly readNamespace: ReadNamespace
  readonly clock: Clock
  readonly random: Random
  readonly recorder: Recorder
  readonly leadership: Leadership
  readonly home: Home
  /** Where mirrors stand. */
  readonly store: Store
  readonly reach: Reach
  /** Its tasks end with it; a throw in one ends the program. */
  readonly scope: Scope
  /** Told of each origin that was indexed here, as it is now; null: it is none any more. */
  readonly indexed?: (origin: ObjectKey, view: OriginView | null) => void
}

export class Worker {
  readonly #o: WorkerOptions
  readonly #requests = new AbortController()
  readonly #origins: OriginsHere
  readonly #history = new History()
  readonly #site: Site
  readonly #queue: WorkQueue
  readonly #brakes: Brakes
  readonly #verifier: Verifier
  readonly #spreads: Spreads
  readonly #destination: Destination
  readonly #tallyTeller: TallyTeller
  readonly #reminder: Reminder
  #isLeading = false
  #isWorking = false

  constructor(options: WorkerOptions) {
    this.#o = options
    const { settings, clock, random, home, store, reach, scope } = options
    this.#origins = originsHere(home.origins, reach)
    this.#queue = new WorkQueue({
      clock,
      random,
      inFlightMax: settings.writesInFlightMax,
      verifyPerSecondMax: settings.sweepReadsPerSecondMax,
      shareOf: (key) => this.#shareOf(key),
      turn: (key, lane) => this.#turn(key, lane),
      crashed: (error) => scope.spawn(() => Promise.reject(error)),
    })
    this.#site = new Site({
      store,
      originStore: home.store,
      origins: this.#origins,
      reach,
      history: this.#history,
      rules: settings.rules,
      clock,
      identity: home.identity,
      enqueue: (place, lane) => this.#enqueue(place, lane),
      indexed: (origin, places, seenAtMs) => this.#indexed(origin, places, seenAtMs),
      namespaceIndexed: (namespace) => {
        if (this.#isLeading) this.#reminder.namespace(namespace)
      },
      drained: () => this.begin(),
    })
    this.#spreads = new Spreads((origin, spread) => this.#spreadEnded(origin, spread))
    this.#brakes = new Brakes({
      destination: options.name,
      clock,
      count: (originNamespace) => countEnding(this.#observer(), originNamespace),
      generation: () => this.#site.unseen,
      held: (hold) => this.#held(hold),
    })
    this.#verifier = this.#makeVerifier()
    this.#destination = this.#makeDestination()
    this.#reminder = new Reminder({
      destination: this.#destination,
      brakes: this.#brakes,
      isWorking: () => this.#isWorking,
      enqueue: (place, lane) => this.#enqueue(place, lane),
    })
    this.#tallyTeller = new TallyTeller(this.#destination, (task) => scope.spawn(task))
  }

  /** Starts its loops in its scope. */
  start(): void {
    const { scope } = this.#o
    scope.spawn((ending) => this.#site.run(ending))
    scope.spawn((ending) => this.#queue.run(ending))
    scope.spawn((ending) => this.#verifier.run(ending))
    scope.spawn((ending) => this.#reminder.run(ending))
  }

  /** Leadership came: begin with one look at every place. */
  lead(): void {
    this.#isLeading = true
    this.begin()
  }

  /** Leadership went: nothing begins any more. */
  follow(): void {
    this.#isLeading = false
    this.#isWorking = false
    this.#queue.close()
    this.#history.follow()
    // Bytes that nothing waits for any more are not kept until the peer answers again.
    for (const origin of this.#spreads.clear()) this.#o.home.renderings.settle(origin)
  }

  /** No turn begins; resolves when those under way are over, or cut off when the drain time is. */
  async drain(): Promise<void> {
    this.follow()
    const { clock, settings } = this.#o
    const over = new AbortController()
    const timeout = clock.sleep(settings.drainMs, over.signal).then(() => this.#requests.abort())
    await this.#queue.idle()
    over.abort()
    await timeout
    this.#requests.abort()
  }

  /** Turns begin when all of it is there: leadership, whole snapshots here and at home, their index, a digest key. */
  begin(): void {
    const { store, home } = this.#o
    if (!this.#isLeading || this.#isWorking || !store.isSynced() || !home.store.isSynced()) return
    // Indexing goes on in slices and comes back here: at once, it could take longer than a lease lives.
    if (home.digestKey() === null || !this.#site.isIndexed) return
    this.#isWorking = true
    for (const place of this.#site.everyPlace()) this.#queue.add(place, 'fresh')
    for (const origin of home.origins.keys())
      this.#spreads.begin(origin, this.#site.places(origin), this.#o.clock.now())
    this.#reminder.everything()
    this.#queue.open()
  }

  /** What was held for home's identity goes on. */
  identityConfirmed(): void {
    if (this.#isWorking) for (const place of this.#site.everyPlace()) this.#queue.add(place, 'fresh')
  }

  /** Another digest key makes every digest unknown: each place is looked at again. */
  digestKeyChanged(): void {
    if (this.#isWorking) for (const place of this.#site.everyPlace()) this.#queue.add(place, 'fresh')
    this.begin()
  }

  /** On the read loop: an object of home changed. */
  originChanged(key: ObjectKey, source: Source): void {
    this.#site.originChanged(key, source)
  }

  /** On the read loop: an object of this destination changed. */
  objectChanged(key: ObjectKey, before: ObjectMeta | null, after: ObjectMeta | null, source: Source): void {
    this.#site.objectChanged(key, before, after, source)
  }

  /** On the read loop. */
  namespaceChanged(
    name: string,
    before: NamespaceMeta | null,
    after: NamespaceMeta | null,
    source: Source,
  ): void {
    this.#site.namespaceChanged(name, before, after, source)
  }

  /** A person lets a held group of deletions go; false if no hold here has this id. */
  release(id: string): boolean {
    const held = this.#brakes.holds().find((hold) => hold.id === id)
    if (held === undefined || !this.#brakes.release(id)) return false
    for (const place of this.#site.group(held.originNamespace)) this.#queue.add(place, 'fresh')
    return true
  }

  /** Whether work here waits for what stands at `place`. */
  isAwaited(place: ObjectKey): boolean {
    return this.#site.isClaimed(place)
  }

  /** Whether places or mirrors here depend on an origin. */
  isReferenced(origin: ObjectKey): boolean {
    return this.#site.isReferenced(origin)
  }

  /** Whether turns of this origin still wait here, so that its bytes are worth keeping. */
  isSpreading(origin: ObjectKey): boolean {
    return this.#spreads.isSpreading(origin)
  }

  standing(): DestinationStanding {
    let pullMirrors = 0
    for (const places of this.#site.pullMirrors()) pullMirrors += places.size
    return {
      name: this.#o.name,
      pullMirrors,
      mirrors: this.#history.counts(),
      queue: this.#queue.standing(),
      oldestAgeMs: { fresh: this.#queue.oldestAgeMs('fresh'), verify: this.#queue.oldestAgeMs('verify') },
      holds: this.#brakes.holds(),
      isSynced: this.#o.store.isSynced(),
    }
  }

  #makeVerifier(): Verifier {
    return new Verifier({
      clock: this.#o.clock,
      origins: this.#origins,
      history: this.#history,
      sweepIntervalMs: this.#o.settings.sweepIntervalMs,
      mirrors: () => (this.#isWorking ? this.#everyMirror() : []),
      mirrorsOf: (origin) => (this.#isWorking ? this.#site.places(origin) : []),
      enqueue: (place, lane) => this.#enqueue(place, lane),
    })
  }

  #makeDestination(): Destination {
    const { name, api, readNamespace, clock, recorder, leadership, store, home, reach } = this.#o
    return {
      name,
      api,
      readNamespace,
      clock,
      store,
      reach,
      observer: this.#observer(),
      home,
      recorder,
      leadership,
      spreads: this.#spreads,
      tallies: new Tallies(),
      digestKey: home.digestKey,
      signal: () => this.#requests.signal,
      answered: (namespace, tookMs, failure) => this.#queue.answered(namespace, tookMs, failure),
    }
  }

  #observer(): Observer {
    const { clock, settings, store, home, reach } = this.#o
    return {
      rules: settings.rules,
      clock,
      store,
      reach,
      originStore: home.store,
      origins: this.#origins,
      identities: () => [this.#site.identity, ...(reach.isAbroad ? [] : (home.digestKey()?.former ?? []))],
      site: this.#site,
      history: this.#history,
      brakes: this.#brakes,
    }
  }

  /** A follower queues nothing: a new leader begins with every place. */
  #enqueue(place: ObjectKey, lane: LaneName): void {
    if (this.#isWorking) this.#queue.add(place, lane)
  }

  async #turn(key: ObjectKey, lane: LaneName): Promise<Next> {
    const next = await turn(this.#destination, key, lane)
    if (next.kind !== 'again') this.#spreads.settled(key)
    this.#tallyTeller.soon()
    return next
  }

  #indexed(origin: ObjectKey, places: ReadonlySet<ObjectKey>, seenAtMs: number): void {
    const view = this.#origins.view(origin)
    if (view?.reading.kind === 'policy') this.#verifier.noteResync(origin, view.reading.policy.resync)
    else if (view === null) this.#verifier.forget(origin)
    this.#o.indexed?.(origin, view)
    if (!this.#isWorking) return
    if (places.size > 0) this.#spreads.begin(origin, places, seenAtMs)
    this.#reminder.origin(origin)
  }

  #spreadEnded(origin: ObjectKey, spread: { readonly seenAtMs: number; readonly wrote: boolean }): void {
    const { name, clock, recorder } = this.#o
    if (spread.wrote) recorder.propagated(name, (clock.now() - spread.seenAtMs) / 1_000)
    this.#o.home.renderings.settle(origin)
    this.#tallyTeller.now(origin)
  }

  #held(hold: Hold): void {
    this.#reminder.hold(hold)
    this.#o.recorder.held(hold)
  }

  #shareOf(key: ObjectKey): {
    readonly originNamespace: string
    readonly origin: string
    readonly namespace: string
  } {
    const { store, settings, reach } = this.#o
    const { rules } = settings
    const object = store.get(key)
    const [claimant] = this.#site.claimants(key)
    const origin = refOf(
      originMarked(object, rules, reach.isAbroad) ?? claimant ?? originPulled(object, rules) ?? key,
    )
    const { namespace } = refOf(key)
    return { originNamespace: origin.namespace, origin: `${origin.namespace}/${origin.name}`, namespace }
  }

  *#everyMirror(): Iterable<ObjectKey> {
    for (const mirrors of this.#site.mirrors()) yield* mirrors
    for (const pulls of this.#site.pullMirrors()) yield* pulls
  }
}
