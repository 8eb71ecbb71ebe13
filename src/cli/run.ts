/** `heliograph run`: joins the parts, runs until it is told to stop, then drains, gives up the lead and closes, in this order. */

import { randomBytes, randomUUID } from 'node:crypto'

import type { Settings } from '../config/settings.ts'
import { readPrefixes } from '../core/dialects/table.ts'
import { Controller } from '../engine/controller.ts'
import type { Sinks } from '../engine/controller.ts'
import type { Recorder } from '../engine/ports.ts'
import type { ClusterApi } from '../kube/api.ts'
import { clusterApi } from '../kube/calls.ts'
import type { ReflectorWatcher } from '../kube/changes.ts'
import type { Cluster } from '../kube/connection.ts'
import { WatchHealth } from '../kube/health.ts'
import { Reflector } from '../kube/reflector.ts'
import { pollNamespaces } from '../kube/namespace-poll.ts'
import { NAMESPACES, OBJECTS, watchedResources } from '../kube/resources.ts'
import { LEASE_NAME } from '../kube/rights.ts'
import { Election } from '../ops/election.ts'
import { Events } from '../ops/events.ts'
import { listen } from '../ops/http.ts'
import type { HttpOptions, Listening } from '../ops/http.ts'
import { createLogger } from '../ops/logger.ts'
import type { Logger } from '../ops/logger.ts'
import { Metrics } from '../ops/metrics.ts'
import { Heartbeat, checkLive, checkReady, livelinessOf } from '../ops/probes.ts'
import { createRecorder, createRequestRecorder, createWatchRecorder } from '../ops/recorder.ts'
import type { Shards } from '../ops/shards.ts'
import { snapshotOf } from '../ops/snapshot.ts'
import type { Snapshot } from '../ops/snapshot.ts'
import { systemClock } from '../std/clock.ts'
import { systemRandom } from '../std/random.ts'
import { Scope } from '../std/scope.ts'
import { UserError } from '../std/user-error.ts'
import { openHome } from './home.ts'
import type { Environment } from './home.ts'
import { joinPeers } from './peers.ts'
import type { Peers } from './peers.ts'
import { shardsOf } from './shards.ts'

export interface RunOptions {
  readonly settings: Settings
  readonly environment: Environment
  readonly version: string
  /** Fires when the process is told to stop. */
  readonly signal: AbortSignal
}

const HOME = 'home'

/** Runs the controller until `signal` fires. Throws a {@link UserError} where it cannot start, anything else for a bug. */
export async function run(options: RunOptions): Promise<void> {
  const { settings, signal } = options
  const log = createLogger({
    level: settings.logLevel,
    format: settings.logFormat,
    write: (line) => void process.stdout.write(line),
  })
  const scope = new Scope()
  const parts = await join(options, log, scope)
  const address = `${settings.listenHost}:${parts.listening.port}`
  log.info('started', { version: options.version, namespace: settings.rules.ownNamespace, address })
  const [electing, sharing] = [new AbortController(), new AbortController()]
  scope.spawn((ending) => parts.heartbeat.run(ending))
  scope.spawn((ending) => parts.events.run(ending))
  scope.spawn(() => parts.election.run(electing.signal))
  scope.spawn(() => parts.shards.run(sharing.signal))
  scope.spawn((ending) =>
    // Its links are over when it is: the shards can be given up.
    parts.peers.registry.run(AbortSignal.any([signal, ending])).finally(() => sharing.abort()),
  )
  try {
    await parts.controller.run(AbortSignal.any([signal, scope.signal]))
  } catch (error) {
    log.bug(error)
    throw error
  } finally {
    // Writes are over: the lead can be given up, and a follower takes it at once.
    electing.abort()
    await scope.close()
    await parts.listening.close()
    await parts.cluster.close()
  }
  log.info('stopped')
}

interface Parts {
  readonly cluster: Cluster
  readonly controller: Controller
  readonly election: Election
  readonly events: Events
  readonly heartbeat: Heartbeat
  readonly listening: Listening
  readonly peers: Peers
  readonly shards: Shards
}

async function join(options: RunOptions, log: Logger, scope: Scope): Promise<Parts> {
  const { settings, environment, version } = options
  const clock = systemClock
  const startedMs = clock.now()
  const metrics = new Metrics({ version, withRuntime: true, snapshot: () => snapshot() })
  const cluster = await openHome({
    settings,
    environment,
    version,
    observer: createRequestRecorder(HOME, metrics),
  })
  const api = clusterApi(cluster)
  await checkOwnNamespace(api, settings, log)
  const watcher = createWatchRecorder({ destination: HOME, metrics, log, clock })
  const health = new WatchHealth(watchedResources(settings.rules.kinds), clock, watcher)
  const identity = `${environment['POD_NAME'] ?? environment['HOSTNAME'] ?? 'heliograph'}_${randomUUID()}`
  const election: Election = elect(settings, { api, log, identity, controller: () => controller })
  const isLeading = (): boolean => election.isLive()
  const { events, recorder } = tellers({ api, metrics, log, isLeading })
  const controller: Controller = new Controller({
    settings,
    api,
    clock,
    random: systemRandom,
    randomBytes,
    recorder,
    leadership: election,
    reflect: (sinks, signal) => reflect({ cluster, api, settings, watcher: health }, sinks, signal),
    changedAtHome: (key, before, after) => peers.objectChanged(key, before, after),
    identified: () => peers.registry.changed(),
  })
  const isReady = (): boolean => controller.isSynced()
  const changed = (): void => peers.registry.changed()
  const shards = shardsOf({ settings, cluster, api, log, identity, isReady, changed })
  const peers: Peers = joinPeers({
    settings,
    version,
    api,
    controller,
    recorder,
    metrics,
    log,
    shards,
    isLeading,
    scope,
  })
  const snapshot = (): Snapshot => {
    const watches = new Map([[HOME, health.report()], ...peers.watches()])
    return snapshotOf({
      standing: controller.standing(),
      watches,
      peers: peers.registry.standing(),
      isLeading: isLeading(),
      uptimeMs: clock.now() - startedMs,
    })
  }
  const heartbeat = new Heartbeat(clock)
  const listening = await serve(settings, {
    live: () =>
      checkLive(
        heartbeat,
        livelinessOf(() => health.report()),
      ),
    ready: () => checkReady(controller),
    metrics,
    crashed: (error) => log.bug(error),
  })
  return { cluster, controller, election, events, heartbeat, listening, peers, shards }
}

/** What is told at home, by its leader alone. */
function tellers(parts: {
  readonly api: ClusterApi
  readonly metrics: Metrics
  readonly log: Logger
  readonly isLeading: () => boolean
}): { readonly events: Events; readonly recorder: Recorder } {
  const { metrics } = parts
  const events = new Events({
    ...parts,
    clock: systemClock,
    dropped: (why) => metrics.count('heliograph_events_dropped_total', { why }),
  })
  return { events, recorder: createRecorder({ ...parts, events, clock: systemClock }) }
}

/** Home's Lease; leadership starts and stops the controller's turns. */
function elect(
  settings: Settings,
  parts: {
    readonly api: ClusterApi
    readonly log: Logger
    readonly identity: string
    readonly controller: () => Controller
  },
): Election {
  return new Election({
    api: parts.api,
    clock: systemClock,
    random: systemRandom,
    log: parts.log,
    identity: parts.identity,
    namespace: settings.rules.ownNamespace,
    name: LEASE_NAME,
    releaseKey: `${settings.rules.prefix}release`,
    enabled: settings.leaderElection,
    onGained: () => parts.controller().lead(),
    onLost: () => parts.controller().follow(),
    onRelease: (id) => parts.controller().release(id),
  })
}

async function serve(settings: Settings, pages: Omit<HttpOptions, 'host' | 'port'>): Promise<Listening> {
  const { listenHost: host, listenPort: port } = settings
  const listening = await listen({ host, port, ...pages })
  if (listening.ok) return listening.value
  throw new UserError(`cannot listen on port ${port} (${listening.failure.code}); set another with --listen`)
}

/** Where the digest key and the Lease live. Absent, nothing could ever be written; unreadable now, it may come. */
async function checkOwnNamespace(api: ClusterApi, settings: Settings, log: Logger): Promise<void> {
  const { ownNamespace } = settings.rules
  const answer = await api.readNamespace(ownNamespace, { signal: new AbortController().signal })
  if (answer.ok) return
  if (answer.failure.kind === 'absent' || answer.failure.kind === 'namespace-absent') {
    throw new UserError(
      `the controller's own namespace ${ownNamespace} does not exist: create it, or name another with POD_NAMESPACE or --namespace`,
    )
  }
  log.warn('the own namespace cannot be read now', { namespace: ownNamespace, failure: answer.failure.kind })
}

async function reflect(
  parts: {
    readonly cluster: Cluster
    readonly api: ClusterApi
    readonly settings: Settings
    readonly watcher: ReflectorWatcher
  },
  sinks: Sinks,
  signal: AbortSignal,
): Promise<void> {
  const { cluster, api, settings, watcher } = parts
  const { kinds } = settings.rules
  const clock = systemClock
  const { auditIntervalMs } = settings
  const common = {
    cluster,
    marks: readPrefixes(settings.rules),
    watcher,
    clock,
    random: systemRandom,
    auditIntervalMs,
  }
  const loops = kinds.flatMap((kind) =>
    (settings.namespaces ?? [null]).map((namespace) => {
      const sink = sinks.objects(kind, namespace)
      return new Reflector({ ...common, namespace, resource: OBJECTS[kind], sink }).run(signal)
    }),
  )
  const sink = sinks.namespaces()
  if (settings.namespaces === null) {
    loops.push(new Reflector({ ...common, namespace: null, resource: NAMESPACES, sink }).run(signal))
  } else {
    loops.push(pollNamespaces({ api, names: settings.namespaces, sink, watcher, clock }, signal))
  }
  await Promise.all(loops)
}
