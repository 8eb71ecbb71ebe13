/**
 * Home's engine: its parts joined, started, drained. The way of one change through the house begins in `listener` and ends in `turn`.
 *
 * Followers run everything but the queue and the verifier: stores, index and digest key are warm, and a new leader begins with one look at every place.
 */

import { readPrefixes } from '../core/dialects/table.ts'
import type { Kind, ObjectKey } from '../core/names.ts'
import type { NamespaceMeta, ObjectMeta } from '../core/objects.ts'
import type { Settings } from '../config/settings.ts'
import type { ClusterApi } from '../kube/api.ts'
import type { ChangeSink } from '../kube/changes.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import { Scope } from '../std/scope.ts'
import { Brakes } from './brakes.ts'
import type { Hold } from './brakes.ts'
import { Confirmations } from './confirm.ts'
import type { Destination } from './destination.ts'
import { DigestKeys } from './digest-key.ts'
import { History } from './history.ts'
import { countEnding } from './observe.ts'
import type { Observer } from './observe.ts'
import { originMarked, originPulled } from './marked.ts'
import { Origins } from './origins.ts'
import type { Leadership, Recorder } from './ports.ts'
import { Reminder } from './reminder.ts'
import { Renderings } from './renderings.ts'
import { Site } from './site.ts'
import { Spreads } from './spreads.ts'
import type { Standing } from './standing.ts'
import { Store } from './store.ts'
import type { Source } from './store.ts'
import { Tallies } from './tallies.ts'
import { TallyTeller } from './tally-teller.ts'
import { turn } from './turn.ts'
import { Verifier } from './verify.ts'
import { WorkQueue } from './workqueue.ts'
import type { LaneName, Next } from './workqueue.ts'

/** Where reflectors deliver. Each sink is asked for once, before anything runs: home is synced when all of them were. */
export interface Sinks {
  /** `namespace` null: the whole cluster. */
  objects(kind: Kind, namespace: string | null): ChangeSink<ObjectMeta>
  namespaces(): ChangeSink<NamespaceMeta>
}

export interface ControllerOptions {
  readonly settings: Settings
  readonly api: ClusterApi
  readonly clock: Clock
  readonly random: Random
  readonly randomBytes: (count: number) => Uint8Array
  readonly recorder: Recorder
  readonly leadership: Leadership
  /** Keeps the sinks equal to the cluster until `signal` fires. */
  readonly reflect: (sinks: Sinks, signal: AbortSignal) => Promise<void>
}

export class Controller {
  readonly #o: ControllerOptions
  readonly #requests = new AbortController()
  readonly #store: Store
  readonly #origins: Origins
  readonly #history = new History()
  readonly #site: Site
  readonly #queue: WorkQueue
  readonly #keys: DigestKeys
  readonly #brakes: Brakes
  readonly #verifier: Verifier
  readonly #renderings: Renderings
  readonly #destination: Destination
  readonly #spreads: Spreads
  readonly #tallyTeller: TallyTeller
  readonly #reminder: Reminder
  readonly #scope: Scope
  #isLeading = false
  #isWorking = false

  constructor(options: ControllerOptions) {
    this.#o = options
    const { settings, clock, random, recorder } = options
    const { rules } = settings
    this.#scope = new Scope()
    this.#store = new Store(readPrefixes(rules), this.#listener(), (key) => this.#isAwaited(key))
    this.#origins = new Origins(this.#store, rules)
    this.#queue = new WorkQueue({
      clock,
      random,
      inFlightMax: settings.writesInFlightMax,
      verifyPerSecondMax: settings.sweepReadsPerSecondMax,
      shareOf: (key) => this.#shareOf(key),
      turn: (key, lane) => this.#turn(key, lane),
      crashed: (error) => this.#scope.spawn(() => Promise.reject(error)),
    })
    this.#keys = new DigestKeys({
      api: options.api,
      clock,
      ownNamespace: rules.ownNamespace,
      leadership: options.leadership,
      recorder,
      isWatched: isWatched(settings, 'Secret', rules.ownNamespace),
      isWholeCluster: settings.namespaces === null,
      randomBytes: options.randomBytes,
      ready: () => this.#keyReady(),
    })
    this.#site = new Site({
      store: this.#store,
      origins: this.#origins,
      history: this.#history,
      rules,
      clock,
      identity: () => this.#keys.identity(),
      enqueue: (place, lane) => this.#enqueue(place, lane),
      indexed: (origin, places, seenAtMs) => this.#indexed(origin, places, seenAtMs),
      namespaceIndexed: (namespace) => {
        if (this.#isLeading) this.#reminder.namespace(namespace)
      },
      drained: () => this.#begin(),
    })
    this.#spreads = new Spreads((origin, spread) => this.#spreadEnded(origin, spread))
    this.#renderings = new Renderings({
      api: options.api,
      store: this.#store,
      origins: this.#origins,
      rules,
      clock,
      digestKey: () => this.#keys.current(),
      isWanted: (origin) => this.#spreads.isSpreading(origin),
      bytesMax: settings.renderingBytesMax,
    })
    this.#brakes = new Brakes({
      destination: HOME,
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
    this.#tallyTeller = new TallyTeller(this.#destination, (task) => this.#scope.spawn(task))
  }

  /** Runs until `signal` fires, then drains: no turn begins, those under way end within the drain time. Rejects on a bug. */
  async run(signal: AbortSignal): Promise<void> {
    const scope = this.#scope
    const sinks: Sinks = {
      objects: (kind, namespace) => this.#store.sink(kind, namespace),
      namespaces: () => this.#store.namespaceSink(),
    }
    scope.spawn((ending) => this.#o.reflect(sinks, ending))
    scope.spawn((ending) => this.#site.run(ending))
    scope.spawn((ending) => this.#keys.run(ending))
    scope.spawn((ending) => this.#queue.run(ending))
    scope.spawn((ending) => this.#verifier.run(ending))
    scope.spawn((ending) => this.#reminder.run(ending))
    await Promise.race([fired(signal), fired(scope.signal)])
    await this.drain()
    await scope.close()
  }

  /** Leadership came: begin with one look at every place. */
  lead(): void {
    this.#isLeading = true
    this.#keys.changed()
    this.#begin()
  }

  /** Leadership went: nothing begins any more. */
  follow(): void {
    this.#isLeading = false
    this.#isWorking = false
    this.#queue.close()
    this.#history.follow()
    this.#spreads.clear()
    this.#renderings.clear()
  }

  /** No turn begins; resolves when those under way are over, or cut off when the drain time is. */
  async drain(): Promise<void> {
    this.follow()
    const over = new AbortController()
    const timeout = this.#o.clock
      .sleep(this.#o.settings.drainMs, over.signal)
      .then(() => this.#requests.abort())
    await this.#queue.idle()
    over.abort()
    await timeout
    this.#requests.abort()
  }

  /** A person lets a held group of deletions go; false if no hold has this id. */
  release(id: string): boolean {
    const held = this.#brakes.holds().find((hold) => hold.id === id)
    if (held === undefined || !this.#brakes.release(id)) return false
    for (const place of this.#site.group(held.originNamespace)) this.#queue.add(place, 'fresh')
    return true
  }

  isSynced(): boolean {
    return this.#store.isSynced()
  }

  standing(): Standing {
    const { origins, held } = this.#origins.counts()
    let pullMirrors = 0
    for (const places of this.#site.pullMirrors()) pullMirrors += places.size
    return {
      origins,
      heldOrigins: held,
      pullMirrors,
      mirrors: this.#history.counts(),
      queue: this.#queue.standing(),
      oldestAgeMs: { fresh: this.#queue.oldestAgeMs('fresh'), verify: this.#queue.oldestAgeMs('verify') },
      renderingBytes: this.#renderings.heldBytes,
      holds: this.#brakes.holds(),
      isSynced: this.isSynced(),
      hasDigestKey: this.#keys.current() !== null,
      certificateExpiresAtMs: this.#origins.earliestExpiryMs(),
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
    const { api, clock, recorder, leadership } = this.#o
    return {
      name: HOME,
      api,
      clock,
      store: this.#store,
      observer: this.#observer(),
      home: { api, store: this.#store, renderings: this.#renderings, confirmations: new Confirmations() },
      recorder,
      leadership,
      spreads: this.#spreads,
      tallies: new Tallies(),
      digestKey: () => this.#keys.current(),
      signal: () => this.#requests.signal,
      answered: (namespace, tookMs, failure) => this.#queue.answered(namespace, tookMs, failure),
    }
  }

  #observer(): Observer {
    const { rules } = this.#o.settings
    return {
      rules,
      clock: this.#o.clock,
      store: this.#store,
      origins: this.#origins,
      site: this.#site,
      history: this.#history,
      brakes: this.#brakes,
    }
  }

  #listener(): {
    objectChanged: (
      key: ObjectKey,
      before: ObjectMeta | null,
      after: ObjectMeta | null,
      source: Source,
    ) => void
    namespaceChanged: (
      name: string,
      before: NamespaceMeta | null,
      after: NamespaceMeta | null,
      source: Source,
    ) => void
    swept: () => void
  } {
    return {
      objectChanged: (key, before, after, source) => {
        if (key === this.#keys.place) this.#keys.changed()
        else this.#site.objectChanged(key, before, after, source)
      },
      namespaceChanged: (name, before, after, source) =>
        this.#site.namespaceChanged(name, before, after, source),
      swept: () => this.#begin(),
    }
  }

  /** A follower queues nothing: a new leader begins with every place. */
  #enqueue(place: ObjectKey, lane: LaneName): void {
    if (this.#isWorking) this.#queue.add(place, lane)
  }

  #isAwaited(key: ObjectKey): boolean {
    return key === this.#keys.place || this.#site.isClaimed(key) || this.#site.isReferenced(key)
  }

  async #turn(key: ObjectKey, lane: LaneName): Promise<Next> {
    const next = await turn(this.#destination, key, lane)
    if (next.kind !== 'again') this.#spreads.settled(key)
    this.#tallyTeller.soon()
    return next
  }

  /** Turns begin when all of it is there: leadership, whole snapshots, their index, a digest key. */
  #begin(): void {
    if (!this.#isLeading || this.#isWorking || !this.isSynced() || this.#keys.current() === null) return
    // Indexing goes on in slices and comes back here: at once, it could take longer than a lease lives.
    if (!this.#site.isIndexed) return
    this.#isWorking = true
    for (const place of this.#site.everyPlace()) this.#queue.add(place, 'fresh')
    for (const origin of this.#origins.keys()) {
      this.#spreads.begin(origin, this.#site.places(origin), this.#o.clock.now())
    }
    this.#reminder.everything()
    this.#queue.open()
  }

  /** Another key makes every digest unknown: each place is looked at again. */
  #keyReady(): void {
    this.#origins.dropSummaries()
    this.#renderings.clear()
    if (this.#isWorking) for (const place of this.#site.everyPlace()) this.#queue.add(place, 'fresh')
    this.#begin()
  }

  #indexed(origin: ObjectKey, places: ReadonlySet<ObjectKey>, seenAtMs: number): void {
    const view = this.#origins.view(origin)
    if (view?.reading.kind === 'policy') this.#verifier.noteResync(origin, view.reading.policy.resync)
    else if (view === null) this.#verifier.forget(origin)
    if (!this.#isWorking) return
    if (places.size > 0) this.#spreads.begin(origin, places, seenAtMs)
    this.#reminder.origin(origin)
  }

  #spreadEnded(origin: ObjectKey, spread: { readonly seenAtMs: number; readonly wrote: boolean }): void {
    if (spread.wrote) this.#o.recorder.propagated((this.#o.clock.now() - spread.seenAtMs) / 1_000)
    this.#renderings.settle(origin)
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
    const object = this.#store.get(key)
    const { rules } = this.#o.settings
    const [claimant] = this.#site.claimants(key)
    const origin = originMarked(object, rules) ?? claimant ?? originPulled(object, rules) ?? key
    const [, originNamespace = '', name = ''] = origin.split('/')
    const [, namespace = ''] = key.split('/')
    return { originNamespace, origin: `${originNamespace}/${name}`, namespace }
  }

  *#everyMirror(): Iterable<ObjectKey> {
    for (const mirrors of this.#site.mirrors()) yield* mirrors
    for (const pulls of this.#site.pullMirrors()) yield* pulls
  }
}

const HOME = 'home'

/** Whether changes of objects of `kind` in `namespace` are told. */
function isWatched({ rules, namespaces }: Settings, kind: Kind, namespace: string): boolean {
  return rules.kinds.includes(kind) && (namespaces === null || namespaces.includes(namespace))
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
