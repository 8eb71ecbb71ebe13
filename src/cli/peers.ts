/** Joins the peers to a running controller: one registry, and for each link its own connection, watches, Events and metrics. */

import type { Settings } from '../config/settings.ts'
import type { ObjectKey } from '../core/names.ts'
import type { ObjectMeta } from '../core/objects.ts'
import type { Controller } from '../engine/controller.ts'
import type { Leadership, Recorder } from '../engine/ports.ts'
import { clusterApi } from '../kube/calls.ts'
import type { ClusterApi } from '../kube/api.ts'
import { connect } from '../kube/connection.ts'
import { WatchHealth } from '../kube/health.ts'
import type { LoopHealth } from '../kube/health.ts'
import { watchedResources } from '../kube/resources.ts'
import { Events } from '../ops/events.ts'
import type { Logger } from '../ops/logger.ts'
import type { Metrics } from '../ops/metrics.ts'
import { createRecorder, createRequestRecorder, createWatchRecorder } from '../ops/recorder.ts'
import type { Shards } from '../ops/shards.ts'
import { PeerLink } from '../peers/link.ts'
import type { LinkOptions } from '../peers/link.ts'
import { Registry } from '../peers/registry.ts'
import { Unmatched } from '../peers/unmatched.ts'
import { systemClock } from '../std/clock.ts'
import { systemRandom } from '../std/random.ts'
import type { Scope } from '../std/scope.ts'

export interface PeersOptions {
  readonly settings: Settings
  readonly version: string
  readonly api: ClusterApi
  readonly controller: Controller
  readonly recorder: Recorder
  readonly metrics: Metrics
  readonly log: Logger
  /** Which peers this replica has. */
  readonly shards: Shards
  /** This replica leads home. */
  readonly isLeading: () => boolean
  /** Its tasks end with it; a throw in one ends the program. */
  readonly scope: Scope
}

export interface Peers {
  readonly registry: Registry
  /** On the read loop: an object of home changed. */
  objectChanged(key: ObjectKey, before: ObjectMeta | null, after: ObjectMeta | null): void
  /** The watches of each linked peer, by its name. */
  watches(): ReadonlyMap<string, readonly LoopHealth[]>
}

export function joinPeers(options: PeersOptions): Peers {
  const { settings, api, controller, shards, scope } = options
  const recorderOf = tellingAtHome(options)
  const healths = new Map<string, WatchHealth>()
  const registry: Registry = new Registry({
    api,
    clock: systemClock,
    rules: settings.rules,
    allowProxy: settings.peerProxies,
    objectAtHome: (key) => controller.objectAtHome(key),
    identity: () => controller.identity(),
    recorderOf,
    shard: (peer) => shards.leadership(peer),
    settled: (peers, linked) => {
      shards.setPeers(peers, linked)
      unmatched.peersChanged()
    },
    identityElsewhere: (peer) => shards.identityOf(peer),
    removed: (name) => {
      healths.delete(name)
      scope.spawn(() => options.metrics.forget(name))
    },
    crashed: (error) => scope.spawn(() => Promise.reject(error)),
    link: (about) => makeLink({ ...options, recorder: recorderOf(about.name) }, healths, about),
  })
  const watches = (): ReadonlyMap<string, readonly LoopHealth[]> =>
    new Map(
      registry.standing().flatMap(({ name }) => {
        const health = healths.get(name)
        return health === undefined ? [] : [[name, health.report()] as const]
      }),
    )
  const unmatched = tellUnmatched(options, registry)
  return {
    registry,
    objectChanged(key, before, after) {
      registry.objectChanged(key, before, after)
      unmatched.objectChanged(key)
    },
    watches,
  }
}

function tellUnmatched(
  { settings, controller, recorder, isLeading, scope }: PeersOptions,
  registry: Registry,
): Unmatched {
  const unmatched = new Unmatched({
    clock: systemClock,
    rules: settings.rules,
    recorder,
    isLeading,
    peers: () => (controller.isSynced() ? registry.known() : null),
    origin: (key) => controller.originAtHome(key),
    originKeys: () => controller.originKeysAtHome(),
  })
  scope.spawn((ending) => unmatched.run(ending))
  return unmatched
}

type About = Pick<LinkOptions, 'name' | 'secret' | 'access' | 'terms' | 'leadership' | 'objection'>

function makeLink(options: PeersOptions, healths: Map<string, WatchHealth>, about: About): PeerLink {
  const { settings, version, controller, recorder, metrics, log } = options
  const { rules, auditIntervalMs } = settings
  const [clock, random] = [systemClock, systemRandom]
  const told = createWatchRecorder({ destination: about.name, metrics, log, clock })
  const watcher = new WatchHealth(watchedResources(rules.kinds), clock, told)
  healths.set(about.name, watcher)
  return new PeerLink({
    ...about,
    rules,
    kinds: rules.kinds,
    createsNamespaces: settings.createNamespaces,
    renewsAt: settings.peerTokenRenewal ? options.api : null,
    clock,
    random,
    connect: (access, observer) => connect({ access, version, clock, observer }),
    api: clusterApi,
    attach: (peer) => controller.attach(peer),
    reflect: { watcher, clock, random, auditIntervalMs },
    recorder,
    recorderOf: (abroad, signal) =>
      recorderIn(options, { api: abroad, leadership: about.leadership, signal }),
    observer: createRequestRecorder(about.name, metrics),
  })
}

/** What is told at home of a peer, by the replica that has it: as home's own where that replica leads home as well, so that it is told once. */
function tellingAtHome(options: PeersOptions): (peer: string) => Recorder {
  const { api, recorder, shards, isLeading, scope } = options
  const apart = recorderIn(options, { api, leadership: { isLive: () => true }, signal: scope.signal })
  return (peer) => ({
    ...recorder,
    tell: (told) => {
      if (shards.leadership(peer).isLive()) (isLeading() ? recorder : apart).tell(told)
    },
  })
}

/** What is told in a peer: the same logs and metrics, Events of its own. */
function recorderIn(
  { metrics, log, scope }: PeersOptions,
  abroad: { readonly api: ClusterApi; readonly leadership: Leadership; readonly signal: AbortSignal },
): Recorder {
  const { api, leadership, signal } = abroad
  const clock = systemClock
  const events = new Events({
    api,
    clock,
    log,
    isLeading: () => leadership.isLive(),
    dropped: (why) => metrics.count('heliograph_events_dropped_total', { why }),
  })
  scope.spawn((ending) => events.run(AbortSignal.any([ending, signal])))
  return createRecorder({ metrics, events, log, clock })
}
