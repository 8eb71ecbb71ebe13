/** Starts and ends: SIGTERM drains, SIGKILL loses nothing, a follower writes nothing, and the lead is handed over at once. */

import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'

import { tally } from '../control-plane/audit.ts'
import type { AuditEntry } from '../control-plane/audit.ts'
import { awaitList, awaitObject, eventually } from '../lib/await.ts'
import type { Controller, ControllerOptions } from '../lib/controller.ts'
import { plain, refOf } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { awaitData, mirrorIn, secretOffer, write } from '../lib/offers.ts'
import { startProxy } from '../lib/proxy.ts'
import { openStage } from '../lib/stage.ts'

const LEASE: Ref = { kind: 'Lease', namespace: 'heliograph', name: 'heliograph' }
const UNELECTED = { environment: { HELIOGRAPH_LEADER_ELECTION: 'false' } }
const FAN = 200

const stage = await openStage({ settings: { deletionGrace: '0s' } })
const { client, plane, user } = stage
const proxy = await startProxy(plane)
after(() => proxy.close())
const running = new Set<Controller>()
afterEach(async () => {
  for (const each of running) await each.kill()
  running.clear()
})
const fan = Array.from({ length: FAN }, (_, index) => `fan-${index}`)
await Promise.all(fan.map((name) => client.createNamespace(name)))

test('SIGTERM lets the writes under way end, begins no other, and ends with 0', async () => {
  const controller = await start({ through: proxy })
  const { origin, place } = await mirrored('drain')
  const { origin: waiting, place: later } = await mirrored('drain-later')
  const patch = proxy.hold({ method: 'PATCH', path: /\/secrets\//, times: 1 })
  await write(client, refOf(origin), { password: 'second' })
  await patch.reached()
  controller.send('SIGTERM')
  await awaitHeard(controller)
  await write(client, refOf(waiting), { password: 'second' })
  // Longer than a follower's look at the Lease: one that gave the lead up would be found out.
  const former = holderIn(await client.find(LEASE))
  const follower = await start()
  assert.equal(
    holderIn(await client.find(LEASE)),
    former,
    'the lead was given up before the writes were over',
  )
  await follower.kill()
  const before = proxy.seen.length
  patch.release()
  const { code, signal } = await controller.exited
  assert.deepEqual({ code, signal }, { code: 0, signal: null })
  assert.deepEqual(plain(await client.get(place)), { password: 'second' })
  assert.deepEqual(plain(await client.get(later)), { password: 'first' })
  const writes = proxy.seen
    .slice(before)
    .filter(({ path, method }) => method !== 'GET' && path.includes('/secrets'))
  assert.deepEqual(
    writes.map(({ method, status }) => `${method} ${status}`),
    ['PATCH 200'],
  )
  assert.equal(holderIn(await client.find(LEASE)), '', 'the lead was not given up')
})

test('SIGTERM in a fan-out is obeyed within the drain, and the next start goes on where it ended', async () => {
  const controller = await start()
  const mark = await plane.own.audit.mark()
  const origin = await client.create(fanOut('term'))
  await awaitSome(origin)
  await controller.stop()
  const made = (await mirrorsOf(origin)).length
  assert.ok(made > 0 && made < FAN, `${made} mirrors were made before the end`)
  const next = await start()
  await awaitAll(origin, 'first')
  // A mirror is seen before its answer is in the audit log: at the end of the drain all answers are.
  await next.stop()
  const ours = await writesSince(mark, origin)
  assert.deepEqual(
    tally(ours, 'verb', 'code'),
    { 'create 201': FAN },
    'a mirror was written twice or in vain',
  )
})

test('SIGKILL in a fan-out loses nothing: no mirror is lacking, none is left over, none is written twice', async () => {
  const controller = await start(UNELECTED)
  const mark = await plane.own.audit.mark()
  const origin = await client.create(fanOut('kill'))
  await awaitSome(origin)
  await controller.kill()
  const made = (await mirrorsOf(origin)).length
  assert.ok(made > 0 && made < FAN, `${made} mirrors were made before the end`)
  const next = await start(UNELECTED)
  await awaitAll(origin, 'first')
  // What was under way at the end is logged as 500, carried out or not.
  const ours = (await writesSince(mark, origin)).filter(({ code }) => code !== 500)
  assert.deepEqual(Object.keys(tally(ours, 'verb', 'code')), ['create 201'])
  assert.ok(ours.length <= FAN, 'a mirror was made twice')
  await next.stop()
})

test('SIGKILL in a rotation, and then in the clearing away, loses nothing either', async () => {
  const origin = fanOut('twice', await stage.namespace('twice-home'))
  await client.create(origin)
  let controller = await start(UNELECTED)
  await awaitAll(origin, 'first')
  await write(client, refOf(origin), { password: 'second' })
  await awaitList(client, named(origin), (all) => holding(all, origin, 'second').length > 10, {
    what: 'the rotation has begun',
  })
  await controller.kill()
  controller = await start(UNELECTED)
  await awaitAll(origin, 'second')
  await client.remove(refOf(origin))
  await awaitList(client, named(origin), (all) => all.length < FAN - 10, {
    what: 'the clearing away has begun',
  })
  await controller.kill()
  const left = (await mirrorsOf(origin)).length
  assert.ok(left > 0, 'all were gone before the end')
  controller = await start(UNELECTED)
  // Nobody saw the origin go: more than a hundred and more than half of its namespace's mirrors wait for a person.
  if (left > 100) {
    const line = await controller.awaitLine(/deletions held/)
    const { hold } = JSON.parse(line) as { readonly hold: string }
    await client.annotate(LEASE, { 'heliograph.dev/release': hold })
  }
  await awaitList(client, named(origin), (all) => all.length === 0, { what: 'all mirrors are gone' })
  await controller.stop()
})

test('a follower is ready and writes nothing; on SIGTERM of the leader it takes over at once, and nothing is written twice', async () => {
  const leader = await start({ through: proxy })
  const { origin, place } = await mirrored('hand')
  const followers = await startProxy(plane)
  const follower = await start({ through: followers })
  await write(client, refOf(origin), { password: 'second' })
  await awaitData(client, place, { password: 'second' })
  await stage.settled(origin.metadata.namespace ?? '')
  assert.deepEqual(
    followers.seen.filter(({ method }) => method !== 'GET'),
    [],
    'a follower writes nothing',
  )
  assert.equal((await follower.metrics()).sum('heliograph_leader'), 0)
  const former = holderIn(await client.find(LEASE))
  await leader.stop()
  const released = await client.get(LEASE)
  const taken = await awaitObject(client, LEASE, (lease) => ![former, ''].includes(holderIn(lease)), {
    what: 'is taken',
  })
  // The times that the two wrote: far below the fifteen seconds of a leader that is dead.
  const waitedMs =
    Date.parse(spec(taken)['acquireTime'] ?? '') - Date.parse(spec(released)['renewTime'] ?? '')
  assert.ok(waitedMs < 10_000, `the follower waited for ${waitedMs} ms`)
  await write(client, refOf(origin), { password: 'third' })
  await awaitData(client, place, { password: 'third' })
  assert.equal((await follower.metrics()).sum('heliograph_leader'), 1)
  await stage.settled(origin.metadata.namespace ?? '')
  const writes = followers.seen.filter(
    ({ method, path }) => method !== 'GET' && path.includes(`/${place.namespace}/`),
  )
  assert.deepEqual(
    writes.map(({ method, status }) => `${method} ${status}`),
    ['PATCH 200'],
  )
  await follower.stop()
  await followers.close()
})

test('a change of leader with all in sync writes nothing', async () => {
  const leader = await start()
  const { origin, place } = await mirrored('calm')
  const follower = await start()
  await stage.settled(origin.metadata.namespace ?? '')
  const standing = await client.get(place)
  const mark = await plane.own.audit.mark()
  await leader.stop()
  await eventually(async () => ((await follower.metrics()).sum('heliograph_leader') === 1 ? true : null), {
    what: 'the other one leads',
  })
  await stage.settled(origin.metadata.namespace ?? '')
  assert.equal((await client.get(place)).metadata.resourceVersion, standing.metadata.resourceVersion)
  const writes = (await plane.own.audit.since(mark)).filter(
    (each) => isWrite(each) && each.namespace === place.namespace,
  )
  assert.deepEqual(writes, [])
  await follower.stop()
})

/** One that ends with its test at the latest. */
async function start(options?: Partial<ControllerOptions>): Promise<Controller> {
  const controller = await stage.start(options)
  running.add(controller)
  return controller
}

async function mirrored(word: string): Promise<{ readonly origin: KubeObject; readonly place: Ref }> {
  const [home, target] = await stage.namespaces(`${word}-home`, `${word}-target`)
  const origin = secretOffer(home, `pass-${word}`, { 'reflect-to': target }, { password: 'first' })
  await client.create(origin)
  const place = mirrorIn(target, origin)
  await awaitData(client, place, { password: 'first' })
  return { origin, place }
}

function fanOut(word: string, home = 'default'): KubeObject {
  return secretOffer(home, `fan-${word}`, { 'reflect-to': 'fan-*' }, { password: 'first' })
}

function named({ metadata }: KubeObject): string {
  return `/api/v1/secrets?fieldSelector=metadata.name%3D${metadata.name}%2Cmetadata.namespace%21%3D${metadata.namespace}`
}

async function mirrorsOf(origin: KubeObject): Promise<readonly KubeObject[]> {
  return (await client.listFrom(named(origin))).items
}

async function awaitSome(origin: KubeObject): Promise<void> {
  await awaitList(client, named(origin), (all) => all.length > 5, { what: 'the fan-out has begun' })
}

async function awaitAll(origin: KubeObject, password: string): Promise<void> {
  await awaitList(client, named(origin), (all) => holding(all, origin, password).length === FAN, {
    what: `every namespace holds the ${password} password`,
  })
}

function holding(
  all: readonly KubeObject[],
  { metadata }: KubeObject,
  password: string,
): readonly KubeObject[] {
  const data = Buffer.from(password).toString('base64')
  return all.filter((each) => each.metadata.name === metadata.name && each.data?.['password'] === data)
}

async function writesSince(
  mark: Awaited<ReturnType<typeof plane.own.audit.mark>>,
  { metadata }: KubeObject,
): Promise<readonly AuditEntry[]> {
  const isOurs = (each: AuditEntry): boolean =>
    isWrite(each) &&
    each.namespace.startsWith('fan-') &&
    (each.name === metadata.name || each.verb === 'create')
  return (await plane.own.audit.since(mark)).filter(isOurs)
}

function isWrite({ user: who, verb, resource }: AuditEntry): boolean {
  return who === user && resource === 'secrets' && ['create', 'patch', 'update', 'delete'].includes(verb)
}

/** Until it has heard the signal: what it answers to the second request it answers in a later round of its loop than the signal's. */
async function awaitHeard(controller: Controller): Promise<void> {
  for (let round = 0; round < 2; round += 1) assert.equal(await controller.probe('/livez'), 200)
}

function holderIn(lease: KubeObject | null): string {
  return (lease?.['spec'] as { readonly holderIdentity?: string } | undefined)?.holderIdentity ?? ''
}

function spec(lease: KubeObject | null): Readonly<Record<string, string>> {
  return (lease?.['spec'] ?? {}) as Readonly<Record<string, string>>
}
