/** Two origins that want one mirror, and objects that stand in a mirror’s place: who holds it, who is told what. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { marksOn, ours } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, offer, secretOffer, textsOf, write } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo({ settings: { trustedOrigins: ['trusted-*/*', 'trusting-*/chosen'] } })
const { client, stage } = solo

test('the holder keeps its mirror, whoever else claims the name later; the loser is told a number, not a place', async () => {
  const [first, second, target] = await stage.namespaces('holder-first', 'holder-second', 'holder-target')
  const holder = await client.create(offer(first, 'shared', { 'reflect-to': target }, { of: 'first' }))
  const mirror = mirrorIn(target, holder)
  const before = await awaitData(client, mirror, { of: 'first' })
  const loser = await client.create(offer(second, 'shared', { 'reflect-to': target }, { of: 'second' }))
  const told = await awaitEvent(client, refOf(loser), 'ClaimLost')
  assert.match(told.message, /^Targets that are held by another origin .*: 1\./)
  for (const secret of [target, first]) assert.ok(!told.message.includes(secret), told.message)
  await solo.settled()
  assert.equal((await client.get(mirror)).metadata.resourceVersion, before.metadata.resourceVersion)
  await write(client, refOf(holder), { of: 'first again' })
  await awaitData(client, mirror, { of: 'first again' })
  assert.deepEqual(await eventsAbout(client, refOf(holder)), [])
})

test('the holder keeps its mirror through a restart, even if the other origin is older', async () => {
  const [first, second, target] = await stage.namespaces('kept-first', 'kept-second', 'kept-target')
  const older = await client.create(offer(first, 'shared', {}, { of: 'older' }))
  const holder = await client.create(offer(second, 'shared', { 'reflect-to': target }, { of: 'holder' }))
  const mirror = mirrorIn(target, holder)
  const before = await awaitData(client, mirror, { of: 'holder' })
  await annotate(client, refOf(older), { 'reflect-to': target })
  await awaitEvent(client, refOf(older), 'ClaimLost')
  await solo.restart()
  await solo.settled()
  assert.equal((await client.get(mirror)).metadata.resourceVersion, before.metadata.resourceVersion)
})

test('of two that come to a free place together, the older one has it, then the first by namespace and name', async () => {
  const [a, b] = await stage.namespaces('together-a', 'together-b')
  // The API server dates objects to the second: both orders of creation meet the same rule.
  const claims = { 'reflect-to': 'together-target*' }
  const later = await client.create(offer(b, 'shared', claims, { of: 'b' }))
  const sooner = await client.create(offer(a, 'shared', claims, { of: 'a' }))
  const isOlder = (later.metadata.creationTimestamp ?? '') < (sooner.metadata.creationTimestamp ?? '')
  const target = await stage.namespace('together-target')
  const mirror = await awaitPresent(client, mirrorIn(target, sooner))
  assert.deepEqual(mirror.data, { of: isOlder ? 'b' : 'a' })
  await solo.settled()
  const after = await client.get(mirrorIn(target, sooner))
  assert.equal(after.metadata.resourceVersion, mirror.metadata.resourceVersion)
})

test('the former holder, back at once, is the holder again', async () => {
  const [first, second, target] = await stage.namespaces('back-first', 'back-second', 'back-target')
  const holder = await client.create(offer(first, 'shared', { 'reflect-to': target }, { of: 'first' }))
  const mirror = mirrorIn(target, holder)
  await awaitData(client, mirror, { of: 'first' })
  const loser = await client.create(offer(second, 'shared', { 'reflect-to': target }, { of: 'second' }))
  await awaitEvent(client, refOf(loser), 'ClaimLost')
  await annotate(client, refOf(holder), { 'reflect-to': '' })
  await awaitAbsent(client, mirror)
  await solo.settled()
  assert.equal(await client.find(mirror), null, 'the loser waits for the former holder')
  await annotate(client, refOf(holder), { 'reflect-to': target })
  await awaitData(client, mirror, { of: 'first' })
})

test('an origin that the administrator trusts displaces a holder in place, and is not displaced', async () => {
  const [plain, trusted, target] = await stage.namespaces('untrusted', 'trusted-home', 'trusted-target')
  const holder = await client.create(offer(plain, 'shared', { 'reflect-to': target }, { of: 'plain' }))
  const mirror = mirrorIn(target, holder)
  const before = await awaitData(client, mirror, { of: 'plain' })
  const winner = await client.create(offer(trusted, 'shared', { 'reflect-to': target }, { of: 'trusted' }))
  const after = await awaitData(client, mirror, { of: 'trusted' })
  assert.equal(after.metadata.uid, before.metadata.uid)
  assert.equal(marksOn(after)['origin'], `${trusted}/shared`)
  await awaitEvent(client, refOf(holder), 'ClaimLost')
  await write(client, refOf(holder), { of: 'plain again' })
  await solo.settled()
  assert.deepEqual((await client.get(mirror)).data, { of: 'trusted' })
  assert.deepEqual(await eventsAbout(client, refOf(winner)), [])
})

test('trust is given by namespace and name: a neighbour of a trusted origin has no precedence', async () => {
  const [plain, trusting, target] = await stage.namespaces('plain-holder', 'trusting-home', 'trusting-target')
  const holder = await client.create(
    offer(plain, 'holder', { 'reflect-to': target, 'reflect-as': 'shared' }, { of: 'plain' }),
  )
  const mirror = mirrorIn(target, holder, 'shared')
  await awaitData(client, mirror, { of: 'plain' })
  const neighbour = offer(
    trusting,
    'neighbour',
    { 'reflect-to': target, 'reflect-as': 'shared' },
    { of: 'neighbour' },
  )
  await client.create(neighbour)
  await awaitEvent(client, refOf(neighbour), 'ClaimLost')
  await client.create(
    offer(trusting, 'chosen', { 'reflect-to': target, 'reflect-as': 'shared' }, { of: 'chosen' }),
  )
  await awaitData(client, mirror, { of: 'chosen' })
})

test('a loser wins where the holder’s claim does not reach', async () => {
  const [first, second, both, free] = await stage.namespaces(
    'reach-first',
    'reach-second',
    'reach-both',
    'reach-free',
  )
  const holder = await client.create(offer(first, 'shared', { 'reflect-to': both }, { of: 'first' }))
  await awaitData(client, mirrorIn(both, holder), { of: 'first' })
  const other = await client.create(
    offer(second, 'shared', { 'reflect-to': `${both}, ${free}` }, { of: 'second' }),
  )
  await awaitData(client, mirrorIn(free, other), { of: 'second' })
  await awaitEvent(client, refOf(other), 'ClaimLost', ({ message }) => message.includes(': 1.'))
  assert.deepEqual((await client.get(mirrorIn(both, holder))).data, { of: 'first' })
})

test('a held loser claims nothing, and a held holder keeps what it has', async () => {
  const [first, second, target] = await stage.namespaces('held-first', 'held-second', 'held-target')
  const holder = await client.create(offer(first, 'shared', { 'reflect-to': target }, { of: 'first' }))
  const mirror = mirrorIn(target, holder)
  const before = await awaitData(client, mirror, { of: 'first' })
  await annotate(client, refOf(holder), { paused: 'true' })
  await client.create(offer(second, 'shared', { 'reflect-to': target }, { of: 'second' }))
  await solo.settled()
  assert.equal((await client.get(mirror)).metadata.resourceVersion, before.metadata.resourceVersion)
})

test('an object that is not ours is never touched: it is told of there, and by number at the origin', async () => {
  const [home, target] = await stage.namespaces('foreign-home', 'foreign-target')
  const foreign = await client.create(secretOffer(target, 'pass', {}, { theirs: 'x' }))
  const origin = await client.create(secretOffer(home, 'pass', { 'reflect-to': target }))
  const there = await awaitEvent(client, refOf(foreign), 'MirrorBlocked')
  assert.match(there.message, new RegExp(`^Origin ${home}/pass wants to keep a mirror`))
  const here = await awaitEvent(client, refOf(origin), 'TargetsBlocked')
  assert.match(here.message, /^Targets that cannot be written now: 1\./)
  assert.ok(!here.message.includes(target), here.message)
  await write(client, refOf(origin), { a: '2' })
  await solo.settled()
  const after = await client.get(refOf(foreign))
  assert.equal(after.metadata.resourceVersion, foreign.metadata.resourceVersion)
  await client.remove(refOf(foreign))
  await awaitData(client, mirrorIn(target, origin), { a: '2' })
})

test('adopt lets its named origin take the object over, keeps the uid, and retains it when the claim ends', async () => {
  const [home, target] = await stage.namespaces('adopt-home', 'adopt-target')
  const foreign = await client.create(secretOffer(target, 'pass', {}, { theirs: 'x' }))
  const origin = await client.create(secretOffer(home, 'pass', { 'reflect-to': target }))
  await awaitEvent(client, refOf(foreign), 'MirrorBlocked')
  await annotate(client, refOf(foreign), { adopt: `${home}/pass` })
  const mirror = await awaitData(client, refOf(foreign), { a: '1' })
  assert.equal(mirror.metadata.uid, foreign.metadata.uid)
  assert.equal(marksOn(mirror)['adopted'], 'true')
  await client.remove(refOf(origin))
  const left = await awaitPresent(client, refOf(foreign), (each) => marksOn(each)['retained'] !== undefined)
  assert.deepEqual(textsOf({ ...left, kind: 'Secret' }), { a: '1' })
})

test('adopt alone, or for another origin, makes nothing ours', async () => {
  const [home, target] = await stage.namespaces('alone-home', 'alone-target')
  const objects = ['absent', 'other', 'untargeting'].map((name) => ({
    ...offer(target, name, {}, { theirs: 'x' }),
    metadata: {
      namespace: target,
      name,
      annotations: ours({ adopt: `${home}/${name === 'other' ? 'else' : name}` }),
    },
  }))
  const before = []
  for (const each of objects) before.push(await client.create(each))
  const other = await client.create(offer(home, 'other', { 'reflect-to': target }))
  await client.create(offer(home, 'untargeting', { 'reflect-to': 'alone-nobody' }))
  await awaitEvent(client, { ...refOf(other), namespace: target }, 'MirrorBlocked')
  await solo.settled()
  for (const each of before)
    assert.equal((await client.get(refOf(each))).metadata.resourceVersion, each.metadata.resourceVersion)
})
