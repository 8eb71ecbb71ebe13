/**
 * The engine of one process: what all destinations share of home, home's own worker, and a worker for each peer that is attached.
 * The way of one change through the house begins in a store's listener and ends in `turn`.
 *
 * Followers run everything but queues and verifiers: stores, index and digest key are warm, and a new leader begins with one look at every place.
 */

import { dialectOf, readPrefixes } from '../core/dialects/table.ts'
import type { Kind, ObjectKey } from '../core/names.ts'
import type { NamespaceMeta, ObjectMeta } from '../core/objects.ts'
import type { Settings } from '../config/settings.ts'
import type { ClusterApi } from '../kube/api.ts'
import type { ChangeSink } from '../kube/changes.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import { Scope } from '../std/scope.ts'
import { Confirmations } from './confirm.ts'
import type { Home, ReadNamespace } from './destination.ts'
import { DigestKeys } from './digest-key.ts'
import { Origins } from './origins.ts'
import type { OriginView } from './origins.ts'
import type { Leadership, Recorder } from './ports.ts'
import { homeReach } from './reach.ts'
import type { Reach } from './reach.ts'
import { Renderings } from './renderings.ts'
import type { DestinationStanding, Standing } from './standing.ts'
import { Store } from './store.ts'
import type { Source, StoreListener } from './store.ts'
import { Worker } from './worker.ts'

/** Where reflectors deliver. Each sink is asked for once, before anything runs: home is synced when all of them were. */
export interface Sinks {
  /** `namespace` null: the whole cluster. Work waits for its first snapshot unless `isAwaited` is false. */
  objects(kind: Kind, namespace: string | null, isAwaited?: boolean): ChangeSink<ObjectMeta>
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
  /** On the read loop: told of every change of an object of home on which something that we read is written. */
  readonly changedAtHome?: (key: ObjectKey, before: ObjectMeta | null, after: ObjectMeta | null) => void
  /** The digest key, and with it home's identity, became usable, or what {@link Controller.identity} says changed. */
  readonly identified?: () => void
}

/** Another cluster that receives mirrors, connected and identified. */
export interface Peer {
  readonly name: string
  readonly api: ClusterApi
  readonly readNamespace: ReadNamespace
  readonly reach: Reach
  readonly recorder: Recorder
  readonly leadership: Leadership
  /** Told of each origin that was indexed for it, as the peer sees it now; null: it is none any more. */
  readonly indexed?: (origin: ObjectKey, view: OriginView | null) => void
  /** Keeps the sinks equal to the peer until `signal` fires. */
  readonly reflect: (sinks: Sinks, signal: AbortSignal) => Promise<void>
}

/** A peer that is attached: `detach` once. */
export interface Attached {
  standing(): DestinationStanding
  lead(): void
  follow(): void
  /** Whether its whole snapshot has no Namespace of this name. */
  lacksNamespace(name: string): boolean
  /** Ends its work and forgets it; its mirrors stay. */
  detach(): Promise<void>
}

export class Controller {
  readonly #o: ControllerOptions
  readonly #store: Store
  readonly #origins: Origins
  readonly #keys: DigestKeys
  readonly #renderings: Renderings
  readonly #home: Home
  readonly #worker: Worker
  readonly #peers = new Set<Worker>()
  readonly #scope = new Scope()

  constructor(options: ControllerOptions) {
    this.#o = options
    const { settings, api, clock, recorder, leadership } = options
    const { rules } = settings
    this.#store = new Store(readPrefixes(rules), this.#listener(), (key) => this.#isAwaited(key))
    this.#origins = new Origins(this.#store, rules)
    this.#keys = new DigestKeys({
      api,
      clock,
      ownNamespace: rules.ownNamespace,
      leadership,
      recorder,
      isWatched: isWatched(settings, 'Secret', rules.ownNamespace),
      isWholeCluster: settings.namespaces === null,
      randomBytes: options.randomBytes,
      ready: () => this.#keyReady(),
      judged: () => this.#identityJudged(),
    })
    this.#renderings = new Renderings({
      api,
      store: this.#store,
      origins: this.#origins,
      rules,
      clock,
      digestKey: () => this.#keys.current(),
      isWanted: (origin) => this.#workers().some((worker) => worker.isSpreading(origin)),
      bytesMax: settings.renderingBytesMax,
    })
    this.#home = {
      api,
      store: this.#store,
      origins: this.#origins,
      renderings: this.#renderings,
      confirmations: new Confirmations(),
      digestKey: () => this.#keys.current(),
      identity: () => this.#keys.identity(),
      isIdentityHeld: () => this.#keys.isHeld,
    }
    this.#worker = this.#makeWorker(
      {
        name: HOME,
        api,
        readNamespace: (name, call) => api.readNamespace(name, call),
        recorder,
        leadership,
        reach: homeReach(rules),
      },
      this.#store,
      this.#scope,
    )
  }

  /** Runs until `signal` fires, then drains: no turn begins, those under way end within the drain time. Rejects on a bug. */
  async run(signal: AbortSignal): Promise<void> {
    const scope = this.#scope
    scope.spawn((ending) => this.#o.reflect(sinksOf(this.#store), ending))
    scope.spawn((ending) => this.#keys.run(ending))
    this.#worker.start()
    await Promise.race([fired(signal), fired(scope.signal)])
    await Promise.all(this.#workers().map((worker) => worker.drain()))
    await scope.close()
  }

  /** Leadership of home came. */
  lead(): void {
    this.#keys.changed()
    this.#worker.lead()
  }

  /** Leadership of home went. */
  follow(): void {
    this.#worker.follow()
    this.#renderings.clear()
  }

  /** Home's identity; null until the digest key is there, and while it is in doubt whether it is this cluster's. */
  identity(): string | null {
    return this.#keys.isHeld ? null : this.#keys.identity()
  }

  /** The newest metadata of an object of home; null if it is not there or nothing that we read is written on it. */
  objectAtHome(key: ObjectKey): ObjectMeta | null {
    return this.#store.get(key)
  }

  /** An origin of home as its annotations read now; null: it is none. */
  originAtHome(key: ObjectKey): OriginView | null {
    return this.#origins.view(key)
  }

  /** Every object of home that was found to be an origin. */
  originKeysAtHome(): Iterable<ObjectKey> {
    return this.#origins.keys()
  }

  /** Begins to keep mirrors on a peer, as soon as its snapshots are whole and it leads. */
  attach(peer: Peer): Attached {
    const scope = new Scope(this.#scope.signal)
    const { rules } = this.#o.settings
    const listener: StoreListener = {
      objectChanged: (key, before, after, source) => worker.objectChanged(key, before, after, source),
      namespaceChanged: (name, before, after, source) => worker.namespaceChanged(name, before, after, source),
      swept: () => worker.begin(),
    }
    const store = new Store(readPrefixes(rules), listener, (key) => worker.isAwaited(key))
    const worker: Worker = this.#makeWorker(peer, store, scope)
    this.#peers.add(worker)
    // All that is known, not only what home's own index has found to be an origin already.
    for (const { key } of this.#store.objects()) worker.originChanged(key, 'relist')
    worker.start()
    scope.spawn((ending) => peer.reflect(sinksOf(store), ending))
    this.#scope.spawn(() => closed(scope))
    return {
      standing: () => worker.standing(),
      lead: () => worker.lead(),
      follow: () => worker.follow(),
      lacksNamespace: (name) => store.isSynced() && store.namespace(name) === null,
      detach: async () => {
        await worker.drain()
        this.#peers.delete(worker)
        await scope.close()
      },
    }
  }

  /** A person lets a held group of deletions go; false if no hold has this id. */
  release(id: string): boolean {
    return this.#workers().some((worker) => worker.release(id))
  }

  isSynced(): boolean {
    return this.#store.isSynced()
  }

  standing(): Standing {
    const { origins, held } = this.#origins.counts()
    return {
      origins,
      heldOrigins: held,
      destinations: this.#workers().map((worker) => worker.standing()),
      renderingBytes: this.#renderings.heldBytes,
      isSynced: this.isSynced(),
      hasDigestKey: this.#keys.current() !== null,
      isIdentityHeld: this.#keys.isChanged,
      certificateExpiresAtMs: this.#origins.earliestExpiryMs(),
    }
  }

  #makeWorker(at: Omit<Peer, 'reflect'>, store: Store, scope: Scope): Worker {
    const { settings, clock, random } = this.#o
    const { name, api, readNamespace, recorder, leadership, reach, indexed } = at
    return new Worker({
      name,
      settings,
      api,
      readNamespace,
      clock,
      random,
      recorder,
      leadership,
      home: this.#home,
      store,
      reach,
      scope,
      ...(indexed === undefined ? {} : { indexed }),
    })
  }

  #workers(): readonly Worker[] {
    return [this.#worker, ...this.#peers]
  }

  #listener(): StoreListener {
    return {
      objectChanged: (key, before, after, source) => {
        if (key === this.#keys.place) return this.#keys.changed()
        this.#o.changedAtHome?.(key, before, after)
        this.#worker.objectChanged(key, before, after, source)
        this.#worker.originChanged(key, source)
        if (this.#peers.size > 0)
          this.#tellPeers(key, this.#isSpoken(before) || this.#isSpoken(after), source)
      },
      namespaceChanged: (name, before, after, source) =>
        this.#worker.namespaceChanged(name, before, after, source),
      swept: () => this.#begin(),
    }
  }

  /** Home's own mirrors are nothing to a hundred peers: only what may be an origin, or what they depend on, is. */
  #tellPeers(key: ObjectKey, isSpoken: boolean, source: Source): void {
    for (const worker of this.#peers)
      if (isSpoken || worker.isReferenced(key)) worker.originChanged(key, source)
  }

  /** Whether any vocabulary's claiming or asking key is on it. */
  #isSpoken(object: ObjectMeta | null): boolean {
    return object !== null && dialectOf(object, this.#o.settings.rules) !== null
  }

  #isAwaited(key: ObjectKey): boolean {
    return (
      key === this.#keys.place ||
      this.#worker.isAwaited(key) ||
      this.#workers().some((worker) => worker.isReferenced(key))
    )
  }

  #begin(): void {
    for (const worker of this.#workers()) worker.begin()
  }

  #identityJudged(): void {
    if (!this.#keys.isHeld) for (const worker of this.#workers()) worker.identityConfirmed()
    this.#o.identified?.()
  }

  #keyReady(): void {
    this.#origins.dropSummaries()
    this.#renderings.clear()
    for (const worker of this.#workers()) worker.digestKeyChanged()
    this.#o.identified?.()
  }
}

const HOME = 'home'

function sinksOf(store: Store): Sinks {
  return {
    objects: (kind, namespace, isAwaited) => store.sink(kind, namespace, isAwaited),
    namespaces: () => store.namespaceSink(),
  }
}

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

/** A bug in a peer's tasks is a bug of the program. */
async function closed(scope: Scope): Promise<void> {
  await fired(scope.signal)
  await scope.close()
}
