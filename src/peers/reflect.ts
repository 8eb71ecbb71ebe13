/** Watches a peer: the whole cluster, or the namespaces that it grants, each by itself. */

import { readPrefixes } from '../core/dialects/table.ts'
import type { Kind } from '../core/names.ts'
import type { Rules } from '../core/rules.ts'
import type { Sinks } from '../engine/controller.ts'
import type { ReflectorWatcher } from '../kube/changes.ts'
import type { Cluster } from '../kube/connection.ts'
import { Reflector } from '../kube/reflector.ts'
import { NAMESPACES, OBJECTS } from '../kube/resources.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import { listedNamespaces } from './confined.ts'
import type { PeerHealth } from './health.ts'

export interface ReflectOptions {
  readonly cluster: Cluster
  readonly rules: Rules
  readonly kinds: readonly Kind[]
  /** Null: the whole cluster. */
  readonly namespaces: readonly string[] | null
  readonly health: PeerHealth
  /** Counts and logs. */
  readonly watcher: ReflectorWatcher
  readonly clock: Clock
  readonly random: Random
  readonly auditIntervalMs: number
}

/** Runs until `signal` fires. */
export async function reflectPeer(options: ReflectOptions, sinks: Sinks, signal: AbortSignal): Promise<void> {
  const { cluster, rules, kinds, namespaces, clock, random, auditIntervalMs } = options
  const recovery = (): AbortSignal => options.health.recovery
  const common = { cluster, marks: readPrefixes(rules), clock, random, auditIntervalMs, recovery }
  const watcher = heeded(options.watcher, options.health)
  if (namespaces === null) {
    const loops = kinds.map((kind) => {
      const sink = sinks.objects(kind, null)
      return new Reflector({ ...common, watcher, namespace: null, resource: OBJECTS[kind], sink }).run(signal)
    })
    const sink = sinks.namespaces()
    loops.push(new Reflector({ ...common, watcher, namespace: null, resource: NAMESPACES, sink }).run(signal))
    return void (await Promise.all(loops))
  }
  // A namespace counts as there from the moment on in which all of it is known: one that cannot be read keeps no other waiting.
  const listed = listedNamespaces(namespaces, kinds.length, sinks.namespaces())
  const loops = namespaces.flatMap((namespace) =>
    kinds.map((kind) => {
      const sink = sinks.objects(kind, namespace, false)
      const counted: ReflectorWatcher = {
        ...watcher,
        synced(resource) {
          watcher.synced(resource)
          listed.synced(namespace, resource)
        },
      }
      return new Reflector({ ...common, watcher: counted, namespace, resource: OBJECTS[kind], sink }).run(
        signal,
      )
    }),
  )
  await Promise.all(loops)
}

/** Passes on what the reflectors tell, and heeds what it says of the peer's health. */
function heeded(watcher: ReflectorWatcher, health: PeerHealth): ReflectorWatcher {
  return {
    attempted: (resource) => watcher.attempted(resource),
    heard: (resource) => {
      health.watchHeard()
      watcher.heard(resource)
    },
    synced: (resource) => watcher.synced(resource),
    restarted: (resource, why) => watcher.restarted(resource, why),
    failed: (resource, failure) => {
      // What the peer says no to, it says.
      if (failure.kind === 'unanswered' || failure.kind === 'unauthorized' || failure.kind === 'server')
        health.watchFailed()
      watcher.failed(resource, failure)
    },
    auditFound: (resource, count) => watcher.auditFound(resource, count),
  }
}
