/** Several clusters in one time: homes with a controller each, what they have as peers, and the law over all of them. */

import type { Attached } from '../../src/engine/controller.ts'
import { peerReach } from '../../src/peers/reach.ts'
import { crimeOf, isOurs } from './lawful.ts'
import { Rig, globs } from './rig.ts'
import type { Process, RigOptions } from './rig.ts'
import type { Thing } from './thing.ts'
import { SimTime } from './time.ts'
import { CALM } from './weather.ts'
import type { Weather } from './weather.ts'
import type { Effect } from './world.ts'

/** One cluster that one home has as its peer. */
export class Link {
  /** What `targets` calls it. */
  readonly name: string
  readonly home: Rig
  readonly at: Rig
  weather: Weather = CALM
  /** It answers, so that work on it may go on. */
  isUp = true
  /** The peer Secret is there. */
  isPresent = true
  peerOrigins: string | null = '*'
  readonly #attached = new Map<Process, Attached>()
  readonly #leading = new Set<Process>()

  constructor(name: string, home: Rig, at: Rig) {
    this.name = name
    this.home = home
    this.at = at
  }

  /** Makes what every live process of home does with the peer equal to what it should. */
  settle(): void {
    for (const process of this.home.processes) {
      if (!process.isAlive) {
        this.#attached.delete(process)
        continue
      }
      if (!this.isPresent) this.#detach(process)
      else this.#tend(process)
    }
  }

  /** The peer Secret changed: attached anew, under its terms now. */
  change(peerOrigins: string | null): void {
    for (const process of this.home.processes) this.#detach(process)
    this.peerOrigins = peerOrigins
    this.settle()
  }

  #tend(process: Process): void {
    const attached = this.#attached.getOrInsertComputed(process, () => this.#attach(process))
    const shouldLead = process.isLive() && this.isUp
    if (shouldLead === this.#leading.has(process)) return
    if (shouldLead) this.#leading.add(process)
    else this.#leading.delete(process)
    if (shouldLead) attached.lead()
    else attached.follow()
  }

  #attach(process: Process): Attached {
    const { peerOrigins } = this
    const origins = peerOrigins === null ? null : globs(peerOrigins)
    let isOver = false
    const attached = process.attach({
      name: this.name,
      at: this.at,
      reach: peerReach(this.name, { origins, namespaces: null }, this.home.settings.rules),
      weather: () => this.weather,
      isUp: () => this.isUp && !isOver,
    })
    return {
      ...attached,
      detach: async () => {
        isOver = true
        await attached.detach()
      },
    }
  }

  #detach(process: Process): void {
    const attached = this.#attached.get(process)
    this.#attached.delete(process)
    this.#leading.delete(process)
    if (attached === undefined) return
    void attached.detach().catch((error: unknown) => {
      this.home.violations.push(`a peer was not left: ${error instanceof Error ? error.stack : 'unknown'}`)
    })
  }
}

export class Fleet {
  readonly time = new SimTime()
  readonly rigs: readonly Rig[]
  readonly links: Link[] = []

  /** As many clusters as there are options, each with an identity of its own. */
  constructor(clusters: readonly RigOptions[]) {
    this.rigs = clusters.map((options, index) => {
      return new Rig({ ...options, time: this.time, mark: String(1_001 + index) })
    })
    for (const rig of this.rigs) rig.crimeOf = (effect) => this.#crimeOf(rig, effect)
  }

  link(name: string, home: Rig, at: Rig): Link {
    const link = new Link(name, home, at)
    this.links.push(link)
    link.settle()
    return link
  }

  settle(): void {
    for (const link of this.links) link.settle()
  }

  /** Everything that should never have happened, anywhere. */
  get violations(): readonly string[] {
    return this.rigs.flatMap((rig, index) =>
      rig.violations.map((crime) => `in cluster ${index + 1}: ${crime}`),
    )
  }

  /** Identities of the other homes. */
  others(identity: string): readonly string[] {
    return this.rigs.map((rig) => rig.identity).filter((other) => other !== identity)
  }

  #crimeOf(at: Rig, effect: Effect): string | null {
    const { before, after, by } = effect
    const crime = crimeOf(effect, by)
    if (crime !== null) return crime
    if (before !== null && this.others(by).some((other) => isOurs(before, other)))
      return 'the mirror of another home was written to'
    if (by === at.identity) return null
    return abroadCrime(before, after, by)
  }
}

/** What more is asked of a write into another cluster. */
function abroadCrime(before: Thing | null, after: Thing | null, by: string): string | null {
  const mark = (thing: Thing | null, name: string): string | undefined =>
    thing?.annotations[`heliograph.dev/${name}`]
  if (before === null && after !== null && mark(after, 'origin') === undefined)
    return 'something else than a mirror was made in a peer'
  if (mark(before, 'reflect-from') !== undefined)
    return 'an object of a peer that asks to be filled was written to'
  const isHeld = before !== null && isOurs(before, by)
  const isTaken = !isHeld && mark(after, 'origin') !== undefined && mark(after, 'at') !== undefined
  if (isTaken && mark(after, 'origin-cluster') !== by) return 'a mirror in a peer does not say from where'
  const retained = mark(before, 'retained')
  return retained !== undefined && mark(before, 'adopt') !== retained && mark(before, 'origin-cluster') !== by
    ? 'what another home retained was taken'
    : null
}
