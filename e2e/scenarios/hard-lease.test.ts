/** No write without a live lease: a leader that cannot renew has stopped before another begins, and what it left under way does no harm. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { awaitObject, eventually } from '../lib/await.ts'
import type { Controller } from '../lib/controller.ts'
import { plain, refOf } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { awaitData, mirrorIn, secretOffer, write } from '../lib/offers.ts'
import { startProxy } from '../lib/proxy.ts'
import type { Proxy, SeenRequest } from '../lib/proxy.ts'
import { openStage } from '../lib/stage.ts'
import { watchVersions } from '../lib/witness.ts'

const LEASE: Ref = { kind: 'Lease', namespace: 'heliograph', name: 'heliograph' }
const LEASES = /\/leases(\/|\?|$)/
const STEP_MS = 50

const stage = await openStage({ settings: { deletionGrace: '0s' } })
const { client } = stage
const proxies = [await startProxy(stage.plane), await startProxy(stage.plane)] as const
after(async () => void (await Promise.all(proxies.map((each) => each.close()))))

test('a leader whose renewals are not answered stops before another takes over, and its late requests change nothing', async () => {
  const [first, second] = proxies
  const leader = await stage.start({ through: first })
  const busy = await mirrored('busy')
  const slow = await mirrored('slow')
  const follower = await stage.start({ through: second })
  await using witness = await watchVersions(client, slow.place)
  const patch = first.hold({ method: 'PATCH', path: placePath(slow.place), times: 1 })
  await write(client, refOf(slow.origin), { password: 'second' })
  await patch.reached()
  assert.deepEqual(changesIn(second.seen), [], 'a follower writes nothing')

  const traffic = rotateUntilStopped(busy.origin)
  const former = await holder()
  const renewals = first.hold({ path: LEASES })
  let before = 0
  const takeover = second.on({ method: 'PUT', path: LEASES, times: 1 }, (exchange) =>
    exchange.pass(() => void (before = changesIn(first.seen).length)),
  )
  await takeover.reached()
  await awaitObject(client, LEASE, (lease) => ![former, ''].includes(holderIn(lease)), {
    what: 'has a new holder',
  })
  await write(client, refOf(slow.origin), { password: 'third' })
  await awaitData(client, slow.place, { password: 'third' })
  await eventually(() => (changesIn(second.seen).length > 2 ? true : null), { what: 'the new leader works' })
  await traffic.stop()
  assert.ok(before > 0, 'the old leader had work to the end')
  assert.equal(changesIn(first.seen).length, before, 'the old leader wrote after the new one began')
  assert.equal((await leader.metrics()).sum('heliograph_leader'), 0)
  assert.equal((await follower.metrics()).sum('heliograph_leader'), 1)

  // The old leader gives its request up and looks what became of it.
  const look = first.on({ method: 'GET', path: placePath(slow.place), times: 1 }, (exchange) =>
    exchange.pass(),
  )
  await look.reached()
  patch.release()
  const late = await eventually(() => first.seen.find(isPatchOf(slow.place, 422)) ?? null, {
    what: 'the late request is refused',
  })
  assert.equal(late.status, 422)
  await stage.settled(slow.origin.metadata.namespace ?? '')
  const held = (await witness.versions()).map((each) => (each === null ? null : plain(each)['password']))
  assert.equal(held.at(-1), 'third')
  assert.ok(held.indexOf('third') > held.lastIndexOf('second'), 'old data came back')

  renewals.release()
  renewals.remove()
  await awaitStandingBy(leader)
  assert.equal(holderIn(await client.find(LEASE)) === former, false, 'the old leader stays a follower')
  await Promise.all([leader.stop(), follower.stop()])
})

interface Mirrored {
  readonly origin: KubeObject
  readonly place: Ref
}

async function mirrored(word: string): Promise<Mirrored> {
  const [home, target] = await stage.namespaces(`${word}-home`, `${word}-target`)
  const origin = secretOffer(home, `pass-${word}`, { 'reflect-to': target }, { password: 'first' })
  await client.create(origin)
  const place = mirrorIn(target, origin)
  await awaitData(client, place, { password: 'first' })
  return { origin, place }
}

/** Gives whoever leads something to write all the time. */
function rotateUntilStopped(origin: KubeObject): { stop(): Promise<void> } {
  let stopped = false
  const run = async (): Promise<void> => {
    for (let version = 0; !stopped; version += 1) {
      await write(client, refOf(origin), { password: `busy-${version}` })
      await new Promise((resolve) => void setTimeout(resolve, STEP_MS))
    }
  }
  const running = run()
  return {
    stop: async () => {
      stopped = true
      await running
    },
  }
}

/** Changes of Secrets that the server carried out. */
function changesIn(seen: Proxy['seen']): readonly SeenRequest[] {
  return seen.filter(
    ({ method, path, status }) =>
      method !== 'GET' &&
      path.includes('/secrets') &&
      status < 300 &&
      !path.includes('/namespaces/heliograph/'),
  )
}

function isPatchOf(place: Ref, status: number): (seen: SeenRequest) => boolean {
  return (seen) => seen.method === 'PATCH' && placePath(place).test(seen.path) && seen.status === status
}

/** Until it has read the Lease again. */
async function awaitStandingBy(controller: Controller): Promise<void> {
  const [first] = proxies
  const read = first.on({ method: 'GET', path: LEASES, times: 1 }, (exchange) => exchange.pass())
  await read.reached()
  assert.equal(await controller.probe('/readyz'), 200)
}

async function holder(): Promise<string> {
  return holderIn(await client.find(LEASE))
}

function holderIn(lease: KubeObject | null): string {
  return (lease?.['spec'] as { readonly holderIdentity?: string } | undefined)?.holderIdentity ?? ''
}

function placePath({ namespace, name }: Ref): RegExp {
  return new RegExp(`/namespaces/${namespace}/secrets/${name}(\\?|$)`)
}
