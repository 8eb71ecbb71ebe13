/** How mirrors live and end: `on-delete`, `paused`, `resync`, and origins that come back. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent, eventually } from '../lib/await.ts'
import { marksOn } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import type { Ref } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, offer, secretOffer, textsOf, write } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo

test('when its origin is deleted, a mirror goes', async () => {
  const [home, target] = await stage.namespaces('deleted-home', 'deleted-target')
  const origin = await client.create(
    secretOffer(home, 'pass', { 'reflect-to': target, 'on-delete': 'delete' }),
  )
  await awaitPresent(client, mirrorIn(target, origin))
  await client.remove(refOf(origin))
  await awaitAbsent(client, mirrorIn(target, origin))
})

test('with on-delete: retain a mirror stays without our marks, and its owner may do with it what he likes', async () => {
  const [home, target] = await stage.namespaces('retain-home', 'retain-target')
  const origin = await client.create(
    secretOffer(home, 'pass', { 'reflect-to': target, 'on-delete': 'retain' }),
  )
  const mirror = mirrorIn(target, origin)
  const before = await awaitPresent(client, mirror)
  assert.equal(marksOn(before)['on-delete'], 'retain')
  await client.remove(refOf(origin))
  const after = await awaitPresent(client, mirror, (each) => marksOn(each)['retained'] !== undefined)
  assert.deepEqual(marksOn(after), { at: `${target}/pass`, retained: `${home}/pass` })
  assert.equal(after.metadata.uid, before.metadata.uid)
  const edited = await write(client, mirror, { a: 'theirs' })
  await solo.settled()
  assert.equal((await client.get(mirror)).metadata.resourceVersion, edited.metadata.resourceVersion)
  await client.remove(mirror)
  await solo.settled()
  assert.equal(await client.find(mirror), null)
})

test('a retained object is taken back by the same origin, and by no other', async () => {
  const [home, stranger, target] = await stage.namespaces('back-home', 'back-stranger', 'back-target')
  const offered = offer(home, 'settings', { 'reflect-to': target, 'on-delete': 'retain' })
  const origin = await client.create(offered)
  const mirror = mirrorIn(target, origin)
  const before = await awaitPresent(client, mirror)
  await annotate(client, refOf(origin), { 'reflect-to': '' })
  await awaitPresent(client, mirror, (each) => marksOn(each)['retained'] !== undefined)
  const other = await client.create(offer(stranger, 'settings', { 'reflect-to': target }, { a: 'strange' }))
  await solo.settled()
  assert.deepEqual((await client.get(mirror)).data, { a: '1' })
  await client.remove(refOf(other))
  await write(client, refOf(origin), { a: '2' })
  await annotate(client, refOf(origin), { 'reflect-to': target })
  const after = await awaitData(client, mirror, { a: '2' })
  assert.equal(after.metadata.uid, before.metadata.uid)
  assert.equal(marksOn(after)['retained'], undefined)
  assert.equal(marksOn(after)['origin'], `${home}/settings`)
})

test('a change of on-delete is heard before the end, and after the origin’s end the mirror’s own mark decides', async () => {
  const [home, target] = await stage.namespaces('heard-home', 'heard-target')
  const origins = ['a', 'b'].map((name) => offer(home, name, { 'reflect-to': target, 'on-delete': 'retain' }))
  for (const origin of origins) await client.create(origin)
  const [retained, deleted] = origins.map((origin) => mirrorIn(target, origin)) as [Ref, Ref]
  const isRetaining = (each: Parameters<typeof marksOn>[0]): boolean =>
    marksOn(each)['on-delete'] === 'retain'
  await awaitPresent(client, retained, isRetaining)
  await awaitPresent(client, deleted, isRetaining)
  await annotate(client, refOf(origins[1] ?? offer('', '', {})), { 'on-delete': 'delete' })
  await awaitPresent(client, deleted, (each) => !isRetaining(each))
  await solo.whileStopped(async () => {
    for (const origin of origins) await client.remove(refOf(origin))
  })
  await awaitAbsent(client, deleted)
  await awaitPresent(client, retained, (each) => marksOn(each)['retained'] !== undefined)
})

test('a paused origin is frozen: no new mirror, no update, no putting back, no removal; then all of it follows', async () => {
  const [home, kept, dropped, added] = await stage.namespaces(
    'pause-home',
    'pause-kept',
    'pause-dropped',
    'pause-added',
  )
  const origin = await client.create(secretOffer(home, 'pass', { 'reflect-to': `${kept}, ${dropped}` }))
  await awaitPresent(client, mirrorIn(kept, origin))
  await awaitPresent(client, mirrorIn(dropped, origin))
  await annotate(client, refOf(origin), { paused: 'true', 'reflect-to': `${kept}, ${added}` })
  await write(client, refOf(origin), { a: '2' })
  await client.remove(mirrorIn(dropped, origin))
  const tampered = await write(client, mirrorIn(kept, origin), { a: 'tampered' })
  await solo.settled()
  assert.equal(
    (await client.get(mirrorIn(kept, origin))).metadata.resourceVersion,
    tampered.metadata.resourceVersion,
  )
  assert.equal(await client.find(mirrorIn(dropped, origin)), null)
  assert.equal(await client.find(mirrorIn(added, origin)), null)
  await solo.restart()
  await solo.settled()
  assert.equal(
    (await client.get(mirrorIn(kept, origin))).metadata.resourceVersion,
    tampered.metadata.resourceVersion,
  )
  await annotate(client, refOf(origin), { paused: 'false' })
  await awaitData(client, mirrorIn(kept, origin), { a: '2' })
  await awaitData(client, mirrorIn(added, origin), { a: '2' })
})

test('a paused origin’s narrowing waits, and is done when the pause is over', async () => {
  const [home, kept, dropped] = await stage.namespaces('wait-home', 'wait-kept', 'wait-dropped')
  const origin = await client.create(offer(home, 'settings', { 'reflect-to': 'wait-kept*, wait-dropped*' }))
  const mirrors = [mirrorIn(kept, origin), mirrorIn(dropped, origin)]
  for (const each of mirrors) await awaitPresent(client, each)
  await annotate(client, refOf(origin), { paused: 'true', 'reflect-to': kept })
  const before = await solo.snapshot(mirrors)
  await solo.settled()
  assert.deepEqual(await solo.snapshot(mirrors), before)
  await annotate(client, refOf(origin), { paused: null })
  await awaitAbsent(client, mirrorIn(dropped, origin))
  assert.deepEqual((await solo.snapshot(mirrors))[0], before[0])
})

test('a paused origin that is deleted is not held: its mirrors go', async () => {
  const [home, target] = await stage.namespaces('over-home', 'over-target')
  const origin = await client.create(offer(home, 'settings', { 'reflect-to': target }))
  await awaitPresent(client, mirrorIn(target, origin))
  await annotate(client, refOf(origin), { paused: 'true' })
  await solo.settled()
  await client.remove(refOf(origin))
  await awaitAbsent(client, mirrorIn(target, origin))
})

test('a changed resync reads every mirror’s data and writes nothing; within a minute another is not heard', async () => {
  const [home, one, two] = await stage.namespaces('resync-home', 'resync-a', 'resync-b')
  const origin = await client.create(secretOffer(home, 'pass', { 'reflect-to': 'resync-a*, resync-b*' }))
  const mirrors = [one, two].map((each) => mirrorIn(each, origin))
  for (const each of mirrors) await awaitPresent(client, each)
  await solo.settled()
  const before = await solo.snapshot(mirrors)
  const mark = await solo.mark()
  await annotate(client, refOf(origin), { resync: 'now' })
  const reads = async (since: typeof mark): Promise<readonly string[]> =>
    (await solo.asked(since))
      .filter(({ verb, namespace, name }) => verb === 'get' && name === 'pass' && namespace !== home)
      .map(({ namespace }) => namespace)
      .sort()
  await eventually(async () => ((await reads(mark)).length === 0 ? null : true), { what: 'mirrors are read' })
  await solo.settled()
  assert.deepEqual(await reads(mark), [one, two].sort())
  assert.deepEqual(await solo.snapshot(mirrors), before)
  const later = await solo.mark()
  await annotate(client, refOf(origin), { resync: 'and again' })
  await solo.settled()
  assert.deepEqual(await reads(later), [])
})

test('an origin that is made again within the grace keeps its mirrors', async () => {
  await solo.restart({ environment: { HELIOGRAPH_DELETION_GRACE: '10m' } })
  const [home, target] = await stage.namespaces('grace-home', 'grace-target')
  const offered = secretOffer(home, 'pass', { 'reflect-to': target })
  const origin = await client.create(offered)
  const mirror = mirrorIn(target, origin)
  const before = await awaitPresent(client, mirror)
  await client.remove(refOf(origin))
  await solo.settled()
  assert.equal((await client.get(mirror)).metadata.resourceVersion, before.metadata.resourceVersion)
  await client.create({ ...offered, data: { a: Buffer.from('2').toString('base64') } })
  const after = await awaitData(client, mirror, { a: '2' })
  assert.equal(after.metadata.uid, before.metadata.uid)
  await annotate(client, refOf(origin), { 'reflect-to': '' })
  // Narrowing is the owner's word: no grace.
  await awaitAbsent(client, mirror)
  assert.deepEqual(textsOf(await client.get(refOf(origin))), { a: '2' })
})
