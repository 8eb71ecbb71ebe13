/** One history of several clusters: users, networks, processes and peers from one seed, then rest; and everything that went wrong in it. */

import { seededRandom } from '../../src/std/random.ts'
import type { Random } from '../../src/std/random.ts'
import { Fleet } from './fleet.ts'
import type { Link } from './fleet.ts'
import { faultsOf } from './model.ts'
import type { Rig } from './rig.ts'
import { Users } from './users.ts'
import { CALM, CUT, HUNG, SLOW, STORM } from './weather.ts'

const MINUTE_MS = 60_000
const ACTIONS = 70

/** Who has whom as a peer: indices of clusters, home first. */
const SHAPES: readonly (readonly (readonly [number, number])[])[] = [
  [[0, 1]],
  [
    [0, 1],
    [0, 2],
  ],
  // Two homes push into one peer.
  [
    [0, 2],
    [1, 2],
  ],
  // Two homes that push into each other.
  [
    [0, 1],
    [1, 0],
  ],
  // A chain, whose middle is a home itself.
  [
    [0, 1],
    [1, 2],
  ],
]

const PEER_ORIGINS = [null, '*', '*', '*', 'src1/*', '*,!src2/app']

interface Scene {
  readonly fleet: Fleet
  readonly homes: readonly Rig[]
  readonly users: readonly Users[]
  readonly random: Random
}

/** Everything that went wrong. `trace` is given the fleet before anything happens, to look on. */
export async function fleetHistory(
  seed: number,
  trace: (fleet: Fleet) => void = () => undefined,
): Promise<readonly string[]> {
  const random = seededRandom(seed * 6_271)
  const scene = sceneOf(seed, random)
  const { fleet, homes, users } = scene
  trace(fleet)
  for (const home of homes) home.startLeader()
  fleet.settle()
  for (let action = 0; action < ACTIONS; action += 1) {
    pick(random, users)?.act()
    users[0]?.act()
    if (random.next() < 0.06) changeWeather(random, pick(random, fleet.rigs))
    if (random.next() < 0.15) changeLink(random, pick(random, fleet.links))
    if (random.next() < 0.04) await changeProcesses(pick(random, homes), random.next())
    fleet.settle()
    const pause = random.next()
    await fleet.time.run(pause < 0.3 ? 0 : pause * pause * 6_000)
  }
  return await rest(scene)
}

function sceneOf(seed: number, random: Random): Scene {
  const shape = pick(random, SHAPES) ?? []
  const count = 1 + Math.max(...shape.flat())
  const fleet = new Fleet(
    Array.from({ length: count }, (_, index) => ({
      seed: seed + index * 1_000_003,
      rules: { graceMs: random.next() < 0.3 ? 0 : 5_000 },
      settings: { sweepIntervalMs: 8 * MINUTE_MS, writesInFlightMax: 2 + Math.floor(random.next() * 20) },
    })),
  )
  const { rigs } = fleet
  const consents = rigs.flatMap(({ identity }) => [`${identity}:*`, `${identity}:src1/*,src2/*`])
  const targets = ['*', '*', 'p*', 'p1,p2', 'p0,p2', 'p*,!p1']
  const users = rigs.map(({ world }, index) => {
    const offersRarely = shape.every(([home]) => home !== index)
    return new Users(world, random, { targets, consents: [...consents, '*:*', '*:*'], offersRarely })
  })
  for (const [home, at] of shape) {
    const [from, to] = [rigs[home], rigs[at]]
    if (from !== undefined && to !== undefined) fleet.link(`p${at}`, from, to)
  }
  for (const link of fleet.links) link.peerOrigins = pick(random, PEER_ORIGINS) ?? null
  return { fleet, homes: rigs.filter((rig) => fleet.links.some(({ home }) => home === rig)), users, random }
}

function pick<T>(random: Random, items: readonly T[]): T | undefined {
  return items[Math.floor(random.next() * items.length)]
}

/** Of the way of a home to its own API server. */
function changeWeather(random: Random, rig: Rig | undefined): void {
  if (rig !== undefined) rig.weather = pick(random, [CALM, STORM, STORM, SLOW]) ?? CALM
}

/** The way there changes, or the peer Secret does. */
function changeLink(random: Random, link: Link | undefined): void {
  if (link === undefined) return
  const what = random.next()
  if (what < 0.5) link.weather = pick(random, [CALM, CALM, STORM, SLOW, CUT, HUNG]) ?? CALM
  else if (what < 0.75) link.isUp = random.next() < 0.7
  else if (what < 0.9) link.isPresent = random.next() < 0.7
  else link.change(pick(random, PEER_ORIGINS) ?? null)
}

/** A restart, a stop or a hand-over. */
async function changeProcesses(rig: Rig | undefined, chance: number): Promise<void> {
  if (rig === undefined) return
  const { leader } = rig
  if (chance < 0.5) {
    leader?.kill()
    await rig.time.run(chance * 10_000)
    rig.startLeader()
  } else if (chance < 0.65) {
    await leader?.stop()
    rig.startLeader()
  } else {
    const follower = rig.processes.find((process) => process.isAlive && process !== leader) ?? rig.start()
    await rig.time.run((chance - 0.65) * 5_000)
    rig.lead(follower)
  }
}

async function rest({ fleet, homes, users }: Scene): Promise<readonly string[]> {
  for (const rig of fleet.rigs) rig.weather = CALM
  for (const link of fleet.links) Object.assign(link, { weather: CALM, isUp: true, isPresent: true })
  fleet.settle()
  for (const each of users) each.tidy()
  await fleet.time.run(7_000)
  for (const each of users) each.tidy()
  await fleet.time.run(22 * MINUTE_MS)
  const wrong = new Set(faults(fleet, homes))
  const quietFromMs = fleet.time.now()
  for (const home of homes) {
    home.leader?.kill()
    home.startLeader()
  }
  fleet.settle()
  await fleet.time.run(10 * MINUTE_MS)
  for (const [index, rig] of fleet.rigs.entries())
    for (const { before, after } of rig.writes(quietFromMs)) {
      const thing = after ?? before
      const place = `${thing?.kind}/${thing?.namespace}/${thing?.name}`
      wrong.add(`in cluster ${index + 1}: ${place} was written though nothing had changed`)
    }
  for (const fault of faults(fleet, homes)) wrong.add(`after a restart: ${fault}`)
  for (const { processes } of fleet.rigs) for (const process of processes) process.kill()
  return [...wrong, ...fleet.violations]
}

/** Each home as its own cluster and its peers must stand for it. */
function faults(fleet: Fleet, homes: readonly Rig[]): readonly string[] {
  const rules = (identity: string) => {
    return { identity, consent: 'open', trustedNamespace: null, others: fleet.others(identity) } as const
  }
  const atHome = homes.flatMap(({ world, identity }) =>
    faultsOf(world, rules(identity)).map((fault) => `at home in ${identity}: ${fault}`),
  )
  const abroad = fleet.links.flatMap(({ name, home, at, peerOrigins }) =>
    faultsOf(at.world, { ...rules(home.identity), abroad: { home: home.world, name, peerOrigins } }).map(
      (fault) => `of ${home.identity} in ${name}: ${fault}`,
    ),
  )
  return [...atHome, ...abroad]
}
