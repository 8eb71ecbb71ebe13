/**
 * Watches of the simulated cluster: each stream keeps its own order and its own pace, so changes of different resources overtake each other.
 * A stream can lag, be cut and resume, break off in mid-snapshot, lose an event; an audit tells what was lost.
 */

import type { Kind, ResourceVersion } from '../../src/core/names.ts'
import type { NamespaceMeta, ObjectMeta } from '../../src/core/objects.ts'
import type { Sinks } from '../../src/engine/controller.ts'
import type { ChangeSink } from '../../src/kube/changes.ts'
import type { Random } from '../../src/std/random.ts'
import { metaOf, namespaceMetaOf } from './thing.ts'
import type { NamespaceThing, Thing } from './thing.ts'
import type { SimClock } from './time.ts'
import type { Weather } from './weather.ts'
import type { LogEntry, Resource, World } from './world.ts'

export interface StreamsOptions {
  readonly world: World
  readonly clock: SimClock
  readonly random: Random
  readonly weather: () => Weather
  readonly prefix: string
  readonly auditIntervalMs: number
}

/** Keeps `sinks` equal to the world, as three reflectors would, until `signal` fires. */
export async function reflectWorld(o: StreamsOptions, sinks: Sinks, signal: AbortSignal): Promise<void> {
  await Promise.all([
    new Stream(o, objectResource('Secret', o.prefix, sinks.objects('Secret', null))).run(signal),
    new Stream(o, objectResource('ConfigMap', o.prefix, sinks.objects('ConfigMap', null))).run(signal),
    new Stream(o, namespaceResource(sinks.namespaces())).run(signal),
  ])
}

/** One resource and its sink, with the types between them closed over. */
interface Target {
  readonly resource: Resource
  readonly listed: (world: World) => readonly (() => void)[]
  readonly begin: (witness: 'relist' | 'audit') => void
  readonly end: (asOf: ResourceVersion) => void
  readonly deliver: (entry: LogEntry) => void
  readonly audited: (world: World) => readonly (() => void)[]
}

function objectResource(kind: Kind, prefix: string, sink: ChangeSink<ObjectMeta>): Target {
  const matters = (thing: Thing, isLive: boolean): boolean =>
    hasMark(thing, prefix, isLive) || sink.isKnown(thing.namespace, thing.name)
  const puts = (world: World, witness: 'relist' | 'audit'): readonly (() => void)[] =>
    [...world.objects.values()]
      .filter((thing) => thing.kind === kind)
      .map((thing) => () => void (matters(thing, false) && sink.put(metaOf(thing), witness)))
  return {
    resource: kind,
    listed: (world) => puts(world, 'relist'),
    audited: (world) => puts(world, 'audit'),
    begin: (witness) => sink.beginSnapshot(witness),
    end: (asOf) => void sink.endSnapshot(asOf),
    deliver: ({ type, object }) => {
      const thing = object as Thing
      if (!matters(thing, true)) return
      if (type === 'DELETED') sink.gone(metaOf(thing), 'live')
      else sink.put(metaOf(thing), 'live')
    },
  }
}

function namespaceResource(sink: ChangeSink<NamespaceMeta>): Target {
  const puts = (world: World, witness: 'relist' | 'audit'): readonly (() => void)[] =>
    [...world.namespaces.values()].map((thing) => () => void sink.put(namespaceMetaOf(thing), witness))
  return {
    resource: 'Namespace',
    listed: (world) => puts(world, 'relist'),
    audited: (world) => puts(world, 'audit'),
    begin: (witness) => sink.beginSnapshot(witness),
    end: (asOf) => void sink.endSnapshot(asOf),
    deliver: ({ type, object }) => {
      const meta = namespaceMetaOf(object as NamespaceThing)
      if (type === 'DELETED') sink.gone(meta, 'live')
      else sink.put(meta, 'live')
    },
  }
}

/** A live line is searched as bytes, so that `managedFields` count as well. */
function hasMark(thing: Thing, prefix: string, isLive: boolean): boolean {
  const inKeys = [...Object.keys(thing.labels), ...Object.keys(thing.annotations)].some((key) =>
    key.startsWith(prefix),
  )
  return (
    inKeys ||
    (isLive && [...thing.owners.values()].some((paths) => [...paths].some((path) => path.includes(prefix))))
  )
}

class Stream {
  readonly #o: StreamsOptions
  readonly #target: Target
  #position = 0
  #auditAtMs: number

  constructor(options: StreamsOptions, target: Target) {
    this.#o = options
    this.#target = target
    this.#auditAtMs = options.clock.now() + options.auditIntervalMs
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (await this.#snapshot(signal)) await this.#follow(signal)
      await this.#pause(signal)
    }
  }

  /** True when it came to its end. */
  async #snapshot(signal: AbortSignal): Promise<boolean> {
    const { world, clock, random } = this.#o
    const asOf = world.version
    const puts = this.#target.listed(world)
    await this.#pause(signal)
    this.#target.begin('relist')
    const breaksOff = random.next() < this.#o.weather().cut * 2 ? Math.floor(random.next() * puts.length) : -1
    for (const [index, put] of puts.entries()) {
      if (index === breaksOff || signal.aborted) return false
      put()
      if (index % 8 === 7) await clock.sleep(random.next() * this.#o.weather().watchMs, signal)
    }
    if (signal.aborted) return false
    this.#target.end(String(asOf) as ResourceVersion)
    const log = world.logs[this.#target.resource]
    this.#position = log.findIndex((entry) => entry.version > asOf)
    if (this.#position === -1) this.#position = log.length
    return true
  }

  /** Delivers in order until the stream needs a new snapshot. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { world, random } = this.#o
    const log = world.logs[this.#target.resource]
    while (!signal.aborted) {
      await this.#news(signal)
      await this.#pause(signal)
      if (random.next() < this.#o.weather().cut) {
        await this.#o.clock.sleep(random.next() * 20_000, signal)
        if (random.next() < 0.5) return
      }
      const batch = 1 + Math.floor(random.next() * this.#o.weather().batch)
      for (let count = 0; count < batch && this.#position < log.length && !signal.aborted; count += 1) {
        const entry = log[this.#position]
        this.#position += 1
        if (entry !== undefined && random.next() >= this.#o.weather().lost) this.#target.deliver(entry)
      }
      this.#audit()
    }
  }

  /** Once the stream has caught up and an audit is due: one synchronous snapshot. */
  #audit(): void {
    const { world, clock, auditIntervalMs } = this.#o
    if (clock.now() < this.#auditAtMs || this.#position < world.logs[this.#target.resource].length) return
    this.#auditAtMs = clock.now() + auditIntervalMs
    this.#target.begin('audit')
    for (const put of this.#target.audited(world)) put()
    this.#target.end(String(world.version) as ResourceVersion)
  }

  /** Until the log grows, or an audit is due. */
  async #news(signal: AbortSignal): Promise<void> {
    const { world, clock } = this.#o
    const { resource } = this.#target
    if (this.#position < world.logs[resource].length) return
    const wake = new AbortController()
    const heard = (one: Resource): void => {
      if (one === resource) wake.abort()
    }
    world.listeners.add(heard)
    await clock.sleep(Math.max(0, this.#auditAtMs - clock.now()), AbortSignal.any([signal, wake.signal]))
    world.listeners.delete(heard)
  }

  #pause(signal: AbortSignal): Promise<void> {
    return this.#o.clock.sleep(this.#o.random.next() * this.#o.weather().watchMs, signal)
  }
}
