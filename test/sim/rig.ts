/** A simulated cluster with any number of controllers on it, and a list of everything that should never have happened. */

import assert from 'node:assert/strict'

import type { Settings } from '../../src/config/settings.ts'
import { compileGlobs, parsePatterns } from '../../src/core/globs.ts'
import type { Globs } from '../../src/core/globs.ts'
import {
  DEFAULT_DIALECT_PREFIXES,
  DEFAULT_NEVER_CARRY,
  DEFAULT_PROTECTED_NAMESPACES,
  DEFAULT_REFUSED_KEYS,
  DEFAULT_REFUSED_NAMES,
  DEFAULT_REFUSED_TYPES,
} from '../../src/core/defaults.ts'
import type { Failure } from '../../src/core/failure.ts'
import type { ObjectKey } from '../../src/core/names.ts'
import type { Notice } from '../../src/core/notices.ts'
import { FOREIGN_DIALECTS } from '../../src/core/rules.ts'
import type { Rules } from '../../src/core/rules.ts'
import { Controller } from '../../src/engine/controller.ts'
import type { Attached, Sinks } from '../../src/engine/controller.ts'
import type { Reach } from '../../src/engine/reach.ts'
import type { DestinationStanding } from '../../src/engine/standing.ts'
import type { Recorder, Turn } from '../../src/engine/ports.ts'
import { seededRandom } from '../../src/std/random.ts'
import type { Random } from '../../src/std/random.ts'
import { SimApi } from './api.ts'
import type { Sent } from './api.ts'
import { OWN_NAMESPACE, P, crimeOf } from './lawful.ts'
import { reflectWorld } from './streams.ts'
import { SimClock, SimTime } from './time.ts'
import { CALM } from './weather.ts'
import type { Weather } from './weather.ts'
import { World } from './world.ts'
import type { Effect } from './world.ts'

export interface RigOptions {
  readonly seed?: number
  readonly rules?: Partial<Rules>
  readonly settings?: Partial<Settings>
  /** Shared by clusters of one history. */
  readonly time?: SimTime
  /** See {@link World}. */
  readonly mark?: string
}

export class Rig {
  readonly time: SimTime
  readonly world: World
  readonly random: Random
  readonly settings: Settings
  readonly violations: string[] = []
  /** Every request that left any process, in order. */
  readonly sent: Sent[] = []
  readonly processes: Process[] = []
  leader: Process | null = null
  weather: Weather = CALM
  /** Holds back chosen requests. */
  heldMs: (request: Sent) => number = () => 0
  /** Answers chosen requests instead of the world. */
  refused: (request: Sent) => Failure | null = () => null
  identity = ''
  /** Which law a write of ours breaks; null for none. */
  crimeOf = (effect: Effect): string | null => crimeOf(effect, this.identity)

  constructor(options: RigOptions = {}) {
    this.time = options.time ?? new SimTime()
    this.world = new World(this.time, options.mark)
    this.random = seededRandom(options.seed ?? 1)
    this.settings = settingsOf(options)
    for (const name of ['kube-system', OWN_NAMESPACE]) this.world.createNamespace(name)
    this.identity = this.world.namespaces.get('kube-system')?.uid ?? ''
    this.world.watchers.add((effect) => this.#judge(effect))
  }

  /** A clock of this world that no process owns. */
  processClock(): SimClock {
    return new SimClock(this.time)
  }

  /** Starts one more controller; it follows until {@link lead}. */
  start(): Process {
    const process = new Process(this, `p${this.processes.length + 1}`)
    this.processes.push(process)
    return process
  }

  /** Starts one controller that leads. */
  startLeader(): Process {
    const process = this.start()
    this.lead(process)
    return process
  }

  lead(process: Process): void {
    this.leader?.controller.follow()
    this.leader = process
    process.controller.lead()
  }

  /** Our writes that took effect, since `fromMs`. */
  writes(fromMs = 0): readonly Effect[] {
    return this.world.effects.filter((effect) => effect.manager === 'heliograph' && effect.atMs >= fromMs)
  }

  /** Requests of these verbs since `fromMs`. */
  requests(verbs: readonly Sent['verb'][], fromMs = 0): readonly Sent[] {
    return this.sent.filter((request) => verbs.includes(request.verb) && request.atMs >= fromMs)
  }

  note(request: Sent, process: Process): void {
    this.sent.push(request)
    const isWrite = request.verb === 'create' || request.verb === 'patch' || request.verb === 'delete'
    if (isWrite && !process.isLive())
      this.violations.push(`${request.verb} of ${request.key} without a live lease`)
  }

  #judge(effect: Effect): void {
    if (effect.manager !== 'heliograph') return
    const crime = this.crimeOf(effect)
    const thing = effect.after ?? effect.before
    if (crime !== null && thing !== null)
      this.violations.push(`${crime}: ${thing.kind}/${thing.namespace}/${thing.name} at ${effect.atMs}`)
  }
}

/** Another cluster, as one process reaches it. */
export interface Far {
  readonly name: string
  readonly at: Rig
  readonly reach: Reach
  /** Of the way there. */
  readonly weather: () => Weather
  readonly isUp: () => boolean
}

/** One controller process with its own clock, watches and connection. */
export class Process {
  readonly controller: Controller
  readonly notices: Notice[] = []
  readonly turns: Turn[] = []
  readonly holds: { readonly id: string; readonly inferred: number; readonly mirrors: number }[] = []
  readonly spreads: number[] = []
  repairs = 0
  readonly name: string
  readonly running: Promise<void>
  readonly #rig: Rig
  readonly #clock: SimClock
  readonly #stop = new AbortController()
  readonly #streams = new AbortController()
  #isAlive = true

  constructor(rig: Rig, name: string) {
    this.#rig = rig
    this.name = name
    this.#clock = new SimClock(rig.time)
    const { random } = rig
    const api = this.#api(rig, () => rig.weather)
    this.controller = new Controller({
      settings: rig.settings,
      api,
      clock: this.#clock,
      random,
      randomBytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(random.next() * 256)),
      recorder: this.#recorder(),
      leadership: { isLive: () => this.isLive() },
      reflect: (sinks, signal) => this.#reflect({ at: rig, weather: () => rig.weather }, sinks, signal),
    })
    this.running = this.controller.run(this.#stop.signal).catch((error: unknown) => {
      rig.violations.push(`${name} ended by a bug: ${error instanceof Error ? error.stack : 'unknown'}`)
    })
  }

  /** Begins to tend another cluster. */
  attach(far: Far): Attached {
    const api = this.#api(far.at, far.weather)
    return this.controller.attach({
      name: far.name,
      api,
      readNamespace: (name, call) => api.readNamespace(name, call),
      reach: far.reach,
      recorder: this.#recorder(),
      leadership: { isLive: () => this.isLive() && far.isUp() },
      reflect: (sinks, signal) => this.#reflect(far, sinks, signal),
    })
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  /** Where its part for home stands. */
  home(): DestinationStanding {
    const [home] = this.controller.standing().destinations
    assert.ok(home !== undefined)
    return home
  }

  isLive(): boolean {
    return this.#isAlive && this.#rig.leader === this
  }

  /** SIGKILL: nothing of it goes on but the requests that have left. */
  kill(): void {
    this.#isAlive = false
    this.#clock.kill()
    this.#streams.abort()
    if (this.#rig.leader === this) this.#rig.leader = null
  }

  /** SIGTERM: drains, then is gone. */
  async stop(): Promise<void> {
    this.#stop.abort()
    let isOver = false
    void this.running.then(() => {
      isOver = true
    })
    if (!(await this.#rig.time.runUntil(() => isOver, this.#rig.settings.drainMs + 5_000)))
      this.#rig.violations.push(`${this.name} did not end within its drain time`)
    this.kill()
  }

  #api(at: Rig, weather: () => Weather): SimApi {
    return new SimApi({
      world: at.world,
      random: this.#rig.random,
      weather,
      process: this.name,
      writer: () => this.#rig.identity,
      isAlive: () => this.#isAlive,
      sent: (request) => at.note(request, this),
      heldMs: (request) => at.heldMs(request),
      refused: (request) => at.refused(request),
    })
  }

  #reflect({ at, weather }: Pick<Far, 'at' | 'weather'>, sinks: Sinks, signal: AbortSignal): Promise<void> {
    const { random, settings } = this.#rig
    const { auditIntervalMs } = settings
    return reflectWorld(
      { world: at.world, clock: this.#clock, random, weather, prefix: P, auditIntervalMs },
      sinks,
      AbortSignal.any([signal, this.#streams.signal]),
    )
  }

  #recorder(): Recorder {
    return {
      acted: (turn) => void this.turns.push(turn),
      tell: (notice) => void this.notices.push(notice),
      propagated: (_, seconds) => void this.spreads.push(seconds),
      held: (hold) => void this.holds.push(hold),
      repaired: () => {
        this.repairs += 1
      },
      conflicted: () => undefined,
    }
  }
}

export function globs(text: string): Globs {
  const parsed = parsePatterns(text)
  if (!parsed.ok) throw new TypeError(parsed.failure)
  return compileGlobs(parsed.value)
}

function settingsOf(options: RigOptions): Settings {
  const rules: Rules = {
    prefix: P,
    kinds: ['Secret', 'ConfigMap'],
    ownNamespace: OWN_NAMESPACE,
    originNamespaces: globs('*'),
    targetNamespaces: globs('*'),
    protectedNamespaces: globs(DEFAULT_PROTECTED_NAMESPACES),
    allowedNamespaces: globs(''),
    refusedTypes: new Set(DEFAULT_REFUSED_TYPES.split(', ')),
    refusedKeys: globs(DEFAULT_REFUSED_KEYS),
    refusedNames: new Set(DEFAULT_REFUSED_NAMES.split(', ')),
    neverCarry: globs(DEFAULT_NEVER_CARRY),
    consent: 'open',
    trustedOrigins: globs(''),
    mirrorsPerOriginMax: 20_000,
    bytesPerOriginMax: 1e12,
    originsPerNamespaceMax: 5_000,
    graceMs: 5_000,
    dialects: {
      read: new Set(FOREIGN_DIALECTS),
      prefixes: DEFAULT_DIALECT_PREFIXES,
      takeOver: globs(''),
      reflectorExcluded: globs(''),
    },
    ...options.rules,
  }
  return {
    rules,
    kubeconfig: null,
    context: null,
    namespaces: null,
    writesInFlightMax: 16,
    renderingBytesMax: 64 * 1_048_576,
    sweepIntervalMs: 86_400_000,
    sweepReadsPerSecondMax: 20,
    auditIntervalMs: 300_000,
    peerProxies: false,
    peerTokenRenewal: false,
    createNamespaces: false,
    leaderElection: true,
    listenHost: '127.0.0.1',
    listenPort: 0,
    logLevel: 'error',
    logFormat: 'text',
    drainMs: 20_000,
    ...options.settings,
  }
}

/** The key of a Secret, for tests that name one place. */
export function secretKey(namespace: string, name: string): ObjectKey {
  return `Secret/${namespace}/${name}` as ObjectKey
}
