/** Promise 6: one bad origin or namespace delays no other. What hangs or fails is held at a proxy; what else is wanted must come all the same. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { at } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import type { Ref } from '../lib/objects.ts'
import { awaitData, offer, secretOffer, write } from '../lib/offers.ts'
import { startProxy } from '../lib/proxy.ts'
import { openSolo } from '../lib/solo.ts'

const IN_FLIGHT_MAX = 16
/** Far more than are ever in flight. */
const MANY = 80

const solo = await openSolo({ settings: { writesInFlightMax: IN_FLIGHT_MAX } })
const { client, stage } = solo
const proxy = await startProxy(stage.plane)
after(() => proxy.close())
await solo.start({ through: proxy })

test('a namespace whose writes hang delays no other, and has no more than a quarter of the slots', async () => {
  const [home, slow, other] = await stage.namespaces('home', 'slow', 'other')
  const hold = proxy.hold({ method: 'POST', path: new RegExp(`/namespaces/${slow}/`) })
  // Of several namespaces, as one alone is held to less.
  const homes = [home, ...(await stage.namespaces('home', 'home', 'home', 'home', 'home'))]
  const stuck = await offerMany(MANY, (index) =>
    offer(homes[index % homes.length] ?? home, `stuck-${index}`, { 'reflect-to': slow }),
  )
  await hold.reached(1)
  await assertOthersCome(home, other)
  await solo.settled()
  assert(hold.taken.length <= IN_FLIGHT_MAX / 4, `${hold.taken.length} hang at once`)
  hold.release()
  for (const origin of stuck) await awaitPresent(client, at(origin, slow))
  hold.remove()
})

test('an origin whose writes hang in every namespace delays no other: a quarter of the slots is left to whoever comes', async () => {
  const [home, elsewhere, other] = await stage.namespaces('home', 'elsewhere', 'other')
  const targets = await Promise.all(Array.from({ length: MANY }, () => stage.namespace('wide')))
  const hold = proxy.hold({ method: 'POST', path: /\/namespaces\/wide-/ })
  const [origin] = await offerMany(1, () => secretOffer(home, 'wide', { 'reflect-to': 'wide-*' }))
  assert(origin !== undefined)
  await hold.reached(1)
  await assertOthersCome(home, other)
  await assertOthersCome(elsewhere, other)
  await solo.settled()
  assert(hold.taken.length < (IN_FLIGHT_MAX * 3) / 4, `${hold.taken.length} hang at once`)
  hold.release()
  for (const target of targets) await awaitPresent(client, at(origin, target))
  hold.remove()
})

test('origins of one namespace that cannot be read delay no other, wherever they are wanted', async () => {
  const [home, target, elsewhere] = await stage.namespaces('home', 'target', 'elsewhere')
  const targets = await Promise.all(Array.from({ length: IN_FLIGHT_MAX * 2 }, () => stage.namespace('apart')))
  const hold = proxy.hold({ method: 'GET', path: new RegExp(`/namespaces/${home}/configmaps/unread`) })
  const unread = await offerMany(targets.length, (index) =>
    offer(home, `unread-${index}`, { 'reflect-to': `${target}, ${targets[index] ?? ''}` }),
  )
  await hold.reached(1)
  await assertOthersCome(elsewhere, target)
  await solo.settled()
  assert(hold.taken.length < IN_FLIGHT_MAX, `${hold.taken.length} hang at once`)
  hold.release()
  for (const origin of unread) await awaitPresent(client, at(origin, target))
  hold.remove()
})

test('a namespace whose writes fail is tried again, and delays no other', async () => {
  const [home, failing, other] = await stage.namespaces('home', 'failing', 'other')
  const rule = proxy.on({ method: 'POST', path: new RegExp(`/namespaces/${failing}/`) }, (exchange) =>
    exchange.answer(500, {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: 'InternalError',
      code: 500,
    }),
  )
  const failed = await offerMany(MANY, (index) => offer(home, `failed-${index}`, { 'reflect-to': failing }))
  await rule.reached(MANY)
  await assertOthersCome(home, other)
  rule.remove()
  for (const origin of failed) await awaitPresent(client, at(origin, failing))
})

test('an origin whose value is bad delays no other, nor does one whose pattern is the worst that is allowed', async () => {
  const [home, target, other] = await stage.namespaces('home', 'target', 'other')
  const bad = await client.create(offer(home, 'bad', { 'reflect-to': '{1..9}' }))
  await awaitEvent(client, refOf(bad), 'OriginHeld')
  const worst = Array.from({ length: 60 }, () => `${'*t'.repeat(100)}!`).join(', ')
  await offerMany(MANY, (index) => offer(home, `worst-${index}`, { 'reflect-to': `${worst}, ${target}` }))
  await assertOthersCome(home, other)
})

test('a push into many namespaces does not keep a new version, another origin or an edit waiting', async () => {
  const [home, other] = await stage.namespaces('home', 'other')
  const [wide] = await offerMany(1, () => offer(home, 'wide', { 'reflect-to': 'wide-*' }))
  const watched = await awaitData(client, at(await offered(home, 'watched', other), other), { a: '1' })
  const slowly = proxy.on(
    { path: /\/namespaces\/wide-[^/]+\/configmaps/ },
    async (exchange) => await exchange.pass(delay),
  )
  await write(client, wide ?? assert.fail(), { a: 'again' })
  await slowly.reached(1)
  const mark = slowly.taken.length
  await write(client, { ...refOf(watched), kind: 'ConfigMap' }, { a: 'edited' })
  await awaitData(client, { kind: 'ConfigMap', namespace: other, name: 'watched' }, { a: '1' })
  await assertOthersCome(home, other)
  assert(slowly.taken.length - mark < MANY, 'others come before the push is over')
  slowly.remove()
})

async function offerMany(
  count: number,
  make: (index: number) => ReturnType<typeof offer>,
): Promise<readonly Ref[]> {
  return await Promise.all(
    Array.from({ length: count }, async (_, index) => refOf(await client.create(make(index)))),
  )
}

async function offered(home: string, name: string, target: string): Promise<Ref> {
  return refOf(await client.create(offer(home, name, { 'reflect-to': target })))
}

/** New origins of `home`, a rotation of one, and a repair, all in `target`, come through. */
async function assertOthersCome(home: string, target: string): Promise<void> {
  const [origin] = await offerMany(1, () => offer(home, `other-${home}`, { 'reflect-to': target }))
  assert(origin !== undefined)
  const mirror = at(origin, target)
  await awaitData(client, mirror, { a: '1' })
  await write(client, origin, { a: 'second' })
  await awaitData(client, mirror, { a: 'second' })
  await write(client, mirror, { a: 'edited' })
  await awaitData(client, mirror, { a: 'second' })
  await client.remove(mirror)
  await awaitData(client, mirror, { a: 'second' })
}

function delay(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 100))
}
