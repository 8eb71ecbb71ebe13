/** One history: random users, networks and processes from one seed, then rest; and everything that went wrong in it. */

import { seededRandom } from '../../src/std/random.ts'
import { faultsOf } from './model.ts'
import { Rig, globs } from './rig.ts'
import { Users } from './users.ts'
import { CALM, SLOW, STORM } from './weather.ts'

const MINUTE_MS = 60_000
const ACTIONS = 70

/** Everything that went wrong. `trace` is given the rig before anything happens, to look on. */
export async function history(
  seed: number,
  trace: (rig: Rig) => void = () => undefined,
): Promise<readonly string[]> {
  const random = seededRandom(seed * 7_919)
  const isTrusting = random.next() < 0.4
  const consent = random.next() < 0.2 ? 'required' : 'open'
  const rig = new Rig({
    seed,
    rules: {
      consent,
      graceMs: random.next() < 0.3 ? 0 : 5_000,
      ...(isTrusting ? { trustedOrigins: globs('src2/*') } : {}),
    },
    settings: { sweepIntervalMs: 8 * MINUTE_MS, writesInFlightMax: 2 + Math.floor(random.next() * 20) },
  })
  trace(rig)
  const users = new Users(rig.world, random)
  rig.startLeader()
  for (let action = 0; action < ACTIONS; action += 1) {
    users.act()
    if (random.next() < 0.04) rig.weather = [CALM, STORM, STORM, SLOW][Math.floor(random.next() * 4)] ?? CALM
    if (random.next() < 0.04) await changeProcesses(rig, random.next())
    const pause = random.next()
    await rig.time.run(pause < 0.3 ? 0 : pause * pause * 6_000)
  }
  return await rest(rig, users, { consent, isTrusting })
}

/** A restart, a stop or a hand-over. */
async function changeProcesses(rig: Rig, chance: number): Promise<void> {
  const { leader } = rig
  if (chance < 0.4) {
    leader?.kill()
    await rig.time.run(chance * 10_000)
    rig.startLeader()
  } else if (chance < 0.6) {
    await leader?.stop()
    rig.startLeader()
  } else {
    const follower = rig.processes.find((process) => process.isAlive && process !== leader) ?? rig.start()
    await rig.time.run((chance - 0.6) * 5_000)
    rig.lead(follower)
  }
}

async function rest(
  rig: Rig,
  users: Users,
  rules: { readonly consent: 'open' | 'required'; readonly isTrusting: boolean },
): Promise<readonly string[]> {
  const wrong = new Set<string>()
  rig.weather = CALM
  users.tidy()
  await rig.time.run(7_000)
  users.tidy()
  await rig.time.run(22 * MINUTE_MS)
  const model = {
    identity: rig.identity,
    consent: rules.consent,
    trustedNamespace: rules.isTrusting ? 'src2' : null,
  }
  for (const fault of faultsOf(rig.world, model)) wrong.add(fault)
  const quietFromMs = rig.time.now()
  rig.leader?.kill()
  rig.startLeader()
  await rig.time.run(10 * MINUTE_MS)
  for (const { before, after } of rig.writes(quietFromMs)) {
    const thing = after ?? before
    if (thing !== null)
      wrong.add(`${thing.kind}/${thing.namespace}/${thing.name} was written though nothing had changed`)
  }
  for (const fault of faultsOf(rig.world, model)) wrong.add(`after a restart: ${fault}`)
  for (const process of rig.processes) process.kill()
  return [...wrong, ...rig.violations]
}
