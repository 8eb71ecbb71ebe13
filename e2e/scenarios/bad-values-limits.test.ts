/** Limits refuse only the claims beyond them, in a stable order, holders first. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { refOf } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, namespacesOf, offer, secretOffer, write } from '../lib/offers.ts'
import { openStage } from '../lib/stage.ts'

const MIRRORS_MAX = 3
const ORIGINS_MAX = 5

const stage = await openStage({
  settings: {
    deletionGrace: '0s',
    mirrorsPerOriginMax: MIRRORS_MAX,
    bytesPerOriginMax: '1Mi',
    originsPerNamespaceMax: ORIGINS_MAX,
  },
})
const { client } = stage
let controller = await stage.start()

test('of more targets than the limit the first by name receive mirrors; the origin is told the number beyond', async () => {
  const home = await stage.namespace('count-home')
  const targets = await stage.namespaces('count-a', 'count-b', 'count-c', 'count-d', 'count-e')
  const origin = await client.create(offer(home, 'counted', { 'reflect-to': 'count-?-*' }))
  for (const each of targets.slice(0, MIRRORS_MAX)) await awaitPresent(client, mirrorIn(each, origin))
  const told = await awaitEvent(client, refOf(origin), 'LimitReached')
  assert.match(told.message, /^Targets that are refused: 2\. The limit/)
  for (const each of targets) assert.ok(!told.message.includes(each), told.message)
  await stage.settled(home)
  assert.deepEqual(await namespacesOf(client, refOf(origin)), targets.slice(0, MIRRORS_MAX))
})

test('holders come first: a target that comes later by a smaller name displaces none, and takes the place that gets free', async () => {
  const home = await stage.namespace('first-home')
  const [c, d, e] = await stage.namespaces('first-c', 'first-d', 'first-e')
  const origin = await client.create(offer(home, 'settings', { 'reflect-to': 'first-?-*' }))
  const held = [c, d, e].map((each) => mirrorIn(each, origin))
  for (const each of held) await awaitPresent(client, each)
  const a = await stage.namespace('first-a')
  await awaitEvent(client, refOf(origin), 'LimitReached', ({ message }) => message.includes(': 1.'))
  await stage.settled(home)
  assert.equal(await client.find(mirrorIn(a, origin)), null)
  await write(client, refOf(origin), { a: '2' })
  for (const each of held) await awaitData(client, each, { a: '2' })
  await controller.stop()
  controller = await stage.start()
  await stage.settled(home)
  assert.deepEqual(await namespacesOf(client, refOf(origin)), [c, d, e].sort())
  await annotate(client, refOf(origin), { 'reflect-to': `first-?-*, !${d}` })
  await awaitAbsent(client, mirrorIn(d, origin))
  await awaitData(client, mirrorIn(a, origin), { a: '2' })
})

test('room that gets free under the limit when a target goes is given to one that was kept out', async () => {
  const home = await stage.namespace('room-home')
  const inside = { labels: { 'room/in': 'yes' } }
  const targets = []
  for (let index = 0; index <= MIRRORS_MAX; index += 1)
    targets.push(await stage.namespace('room-target', inside))
  const origin = await client.create(offer(home, 'roomy', { 'reflect-to-selector': 'room/in' }))
  const [first = '', ...rest] = targets.sort()
  await awaitEvent(client, refOf(origin), 'LimitReached')
  await stage.settled(home)
  assert.deepEqual(await namespacesOf(client, refOf(origin)), targets.slice(0, MIRRORS_MAX))
  await client.patch({ kind: 'Namespace', name: first }, { metadata: { labels: { 'room/in': null } } })
  await awaitAbsent(client, mirrorIn(first, origin))
  for (const each of rest) await awaitPresent(client, mirrorIn(each, origin))
})

test('of more origins than a namespace may have, one with mirrors keeps its place before an older object', async () => {
  const [home, target] = await stage.namespaces('older-home', 'older-target')
  // The API server dates objects to the second: by name it comes first even within one.
  const older = await client.create(offer(home, 'a-older', {}))
  const holders = Array.from({ length: ORIGINS_MAX }, (_, index) =>
    offer(home, `b-${index}`, { 'reflect-to': target }),
  )
  for (const each of holders) await client.create(each)
  for (const each of holders) await awaitPresent(client, mirrorIn(target, each))
  await annotate(client, refOf(older), { 'reflect-to': target })
  await awaitEvent(client, refOf(older), 'NamespaceLimitReached')
  for (const each of holders) {
    await write(client, refOf(each), { a: '2' })
    await awaitData(client, mirrorIn(target, each), { a: '2' })
  }
  assert.equal(await client.find(mirrorIn(target, older)), null)
})

test('bytes times mirrors are limited too: big data reaches fewer targets, smaller data more', async () => {
  const home = await stage.namespace('bytes-home')
  const targets = await stage.namespaces('bytes-a', 'bytes-b', 'bytes-c')
  const bulk = 'x'.repeat(300 * 1_024)
  const origin = await client.create(secretOffer(home, 'bulky', { 'reflect-to': 'bytes-?-*' }, { bulk }))
  const [a, b, c] = targets.map((each) => mirrorIn(each, origin)) as [Place, Place, Place]
  await awaitPresent(client, a)
  await awaitPresent(client, b)
  await awaitEvent(client, refOf(origin), 'LimitReached', ({ message }) => message.includes(': 1.'))
  await stage.settled(home)
  assert.equal(await client.find(c), null)
  await write(client, refOf(origin), { bulk: 'small' })
  for (const each of [a, b, c]) await awaitData(client, each, { bulk: 'small' })
})

test('data that grows beyond the limit keeps the mirrors that are there and gives up none', async () => {
  const home = await stage.namespace('grow-home')
  const targets = await stage.namespaces('grow-a', 'grow-b', 'grow-c')
  const origin = await client.create(
    secretOffer(home, 'growing', { 'reflect-to': 'grow-?-*' }, { bulk: 'small' }),
  )
  const places = targets.map((each) => mirrorIn(each, origin))
  for (const each of places) await awaitPresent(client, each)
  await write(client, refOf(origin), { bulk: 'x'.repeat(300 * 1_024) })
  await awaitEvent(client, refOf(origin), 'LimitReached')
  await stage.settled(home)
  assert.deepEqual(await namespacesOf(client, refOf(origin)), [...targets].sort())
})

test('of more origins than a namespace may have the older ones are served; the others are told', async () => {
  const [home, target] = await stage.namespaces('origins-home', 'origins-target')
  const older = Array.from({ length: ORIGINS_MAX }, (_, index) =>
    offer(home, `a-${index}`, { 'reflect-to': target }),
  )
  for (const each of older) await client.create(each)
  for (const each of older) await awaitPresent(client, mirrorIn(target, each))
  // By name after them: within one second the API server's dates are equal.
  const newest = await client.create(offer(home, 'b', { 'reflect-to': target }))
  const told = await awaitEvent(client, refOf(newest), 'NamespaceLimitReached')
  assert.match(told.message, new RegExp(`limit of ${ORIGINS_MAX}`))
  const [elsewhere] = await stage.namespaces('origins-other')
  const other = await client.create(offer(elsewhere, 'c', { 'reflect-to': target }))
  await awaitPresent(client, mirrorIn(target, other))
  assert.equal(await client.find(mirrorIn(target, newest)), null)
  for (const each of older) assert.deepEqual(await eventsAbout(client, refOf(each)), [])
  const [first] = older
  await client.remove(refOf(first ?? newest))
  await awaitPresent(client, mirrorIn(target, newest))
})

type Place = ReturnType<typeof mirrorIn>
