/** What the administrator's settings make of replicator's words and of what that tool left: other prefixes, none at all, consent, protection. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { keysOf, leaveReplicatorCopy, leaveReplicatorMerge, REPLICATOR } from '../lib/leftovers.ts'
import { at, isMirrorOf, marksOn, ours } from '../lib/marks.ts'
import { configMap, refOf, secret } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { awaitData, mirrorIn, namespacesOf, write } from '../lib/offers.ts'
import {
  asking,
  awaitOurs,
  dataOf,
  dressed,
  replicated,
  replicatedMap,
  said,
  tell,
} from '../lib/replicator.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo

test('copies that the old tool left in protected namespaces stay untouched, in every turn of their origin', async () => {
  const home = await stage.namespace('protected-home')
  const places = ['kube-public', 'kube-system', stage.installation.namespace]
  const origin = await solo.whileStopped(async () => {
    const made = await client.create(replicated(home, 'everywhere', { 'replicate-to': '*' }))
    for (const place of [...places, 'default']) await leaveReplicatorCopy(client, made, place)
    return made
  })
  const copies = await Promise.all(places.map((place) => client.get(at(refOf(origin), place))))
  await awaitOurs(client, at(refOf(origin), 'default'))
  await write(client, refOf(origin), { a: '2' })
  await awaitData(client, at(refOf(origin), 'default'), { a: '2' })
  await client.remove(refOf(origin))
  await awaitAbsent(client, at(refOf(origin), 'default'))
  await solo.settled()
  for (const copy of copies) await assertUnwritten(copy)
})

test('a copy that claims nothing but an empty list of keys is nobody’s until its owner says so', async () => {
  const [home, target] = await stage.namespaces('empty-home', 'empty-target')
  const copy = await solo.whileStopped(async () => {
    const origin = await client.create(replicated(home, 'empty', { 'replicate-to': target }, {}))
    return await leaveReplicatorMerge(client, origin, secret(target, 'empty', { own: 'x' }), {
      isPushed: true,
    })
  })
  await awaitEvent(client, refOf(copy), 'MirrorBlocked')
  await solo.settled()
  await assertUnwritten(copy)
})

test('an origin without data is copied, filled and emptied like any other', async () => {
  const [home, target] = await stage.namespaces('void-home', 'void-target')
  for (const make of [replicated, replicatedMap]) {
    const origin = await client.create(make(home, 'void', { 'replicate-to': target }, {}))
    const place = mirrorIn(target, origin)
    const made = await awaitData(client, place, {})
    assert.equal(said(made, 'replicated-keys'), '')
    await write(client, place, { own: 'x' })
    await write(client, refOf(origin), { a: '1' })
    await awaitData(client, place, { a: '1', own: 'x' })
    await write(client, refOf(origin), { a: null })
    await awaitData(client, place, { own: 'x' })
    await write(client, place, { own: null })
    await client.remove(refOf(origin))
    await awaitAbsent(client, place)
  }
})

test('a left copy with an owner’s key beside, and one that its owner changed in replicated keys: the one is taken over, the other not', async () => {
  const [home, target] = await stage.namespaces('beside-home', 'beside-target')
  const [beside, changed] = await solo.whileStopped(async () => {
    const first = await client.create(replicatedMap(home, 'beside', { 'replicate-to': target }))
    const second = await client.create(replicatedMap(home, 'changed', { 'replicate-to': target }))
    await leaveReplicatorCopy(client, first, target)
    await leaveReplicatorCopy(client, second, target)
    return [
      await write(client, mirrorIn(target, first), { own: 'x' }),
      await write(client, mirrorIn(target, second), { a: 'mine' }),
    ]
  })
  assert.ok(beside !== undefined && changed !== undefined)
  const taken = await awaitOurs(client, refOf(beside))
  assert.deepEqual(taken.data, { a: '1', own: 'x' })
  await awaitEvent(client, refOf(changed), 'MirrorBlocked')
  await client.remove(at(refOf(beside), home))
  await awaitData(client, refOf(beside), { own: 'x' })
  await assertUnwritten(changed)
})

test('a left copy whose origin gained a key is taken over by one update that brings it', async () => {
  const [home, target] = await stage.namespaces('gained-home', 'gained-target')
  const copy = await solo.whileStopped(async () => {
    const origin = await client.create(replicated(home, 'gained', { 'replicate-to': target }))
    const left = await leaveReplicatorCopy(client, origin, target)
    await write(client, refOf(origin), { b: '2' })
    return left
  })
  const taken = await awaitData(client, refOf(copy), { a: '1', b: '2' })
  assert.equal(taken.metadata.uid, copy.metadata.uid)
  assert.equal(said(taken, 'replicated-keys'), 'a,b')
  assert.equal(marksOn(taken)['adopted'], undefined)
})

test('a pull mirror that was stale when the old tool stopped is brought up to date in place, own keys kept', async () => {
  const [home, target] = await stage.namespaces('stale-home', 'stale-target')
  const allowed = { 'replication-allowed': 'true', 'replication-allowed-namespaces': target }
  const own = await solo.whileStopped(async () => {
    const origin = await client.create(replicated(home, 'stale', allowed, { a: '1', b: '2' }))
    const left = await leaveReplicatorMerge(client, origin, secret(target, 'mine', { own: 'x' }))
    await write(client, refOf(origin), { a: '3', b: null })
    return left
  })
  const filled = await awaitData(client, refOf(own), { own: 'x', a: '3' })
  assert.equal(filled.metadata.uid, own.metadata.uid)
})

test('where consent is required nothing is merged without it; what a namespace’s owner asks for is his own consent', async () => {
  const [home, silent] = await stage.namespaces('consent-home', 'consent-silent')
  const agreeing = await stage.namespace('consent-agreeing', { annotations: ours({ accept: `${home}/*` }) })
  await solo.restart({
    environment: { HELIOGRAPH_CONSENT: 'required', HELIOGRAPH_REPLICATOR_TAKE_OVER: '*' },
  })
  const foreign = [
    await client.create(secret(silent, 'shared', { own: 'x' })),
    await client.create(secret(agreeing, 'shared', { own: 'x' })),
  ]
  const keys = {
    'replicate-to': 'consent-.*',
    'replication-allowed': '1',
    'replication-allowed-namespaces': '.*',
  }
  const origin = await client.create(replicated(home, 'shared', keys))
  const asks = await client.create(asking(`${silent}/asks`, origin))
  await awaitData(client, mirrorIn(agreeing, origin), { own: 'x', a: '1' })
  await awaitData(client, refOf(asks), { own: 'x', a: '1' })
  await solo.settled()
  for (const object of foreign.slice(0, 1)) await assertUnwritten(object)
  await solo.restart()
})

test('another prefix is read and written instead', async () => {
  const [home, target] = await stage.namespaces('prefix-home', 'prefix-target')
  const prefix = 'replicator.example.com/'
  await solo.restart({ environment: { HELIOGRAPH_REPLICATOR_PREFIX: prefix } })
  const former = await client.create(replicated(home, 'former', { 'replicate-to': target }))
  const annotations = keysOf(prefix, { 'replicate-to': target })
  const origin = await client.create(dressed(configMap(home, 'shared', { a: '1' }), { annotations }))
  const mirror = await awaitPresent(client, mirrorIn(target, origin))
  const written = Object.keys(mirror.metadata.annotations ?? {})
  for (const key of ['replicated-at', 'replicated-from-version', 'replicated-keys'])
    assert.ok(written.includes(prefix + key) && !written.includes(REPLICATOR + key), key)
  await solo.settled()
  assert.deepEqual(await namespacesOf(client, refOf(former)), [])
  await client.remove(refOf(origin))
  await awaitAbsent(client, mirrorIn(target, origin))
  await solo.restart()
  await awaitPresent(client, mirrorIn(target, former))
})

test('with the dialect off its words mean nothing: copies end as by narrowing, pull mirrors keep their data, and all comes back with it', async () => {
  const [home, one, two] = await stage.namespaces('off-home', 'off-one', 'off-two')
  const allowed = { 'replication-allowed': 'true', 'replication-allowed-namespaces': one }
  const origin = await client.create(
    replicated(home, 'shared', { ...allowed, 'replicate-to': `${one},${two}` }),
  )
  const own = await client.create(asking(`${one}/mine`, origin))
  await awaitData(client, refOf(own), { own: 'x', a: '1' })
  for (const place of [one, two]) await awaitData(client, mirrorIn(place, origin), { a: '1' })
  await write(client, mirrorIn(one, origin), { own: 'x' })
  await solo.settled()
  await solo.restart({ environment: { HELIOGRAPH_DIALECTS: 'reflector,kubed,sync' } })
  await awaitAbsent(client, mirrorIn(two, origin))
  await awaitData(client, mirrorIn(one, origin), { own: 'x' })
  const idle = await client.create(replicated(home, 'idle', { 'replicate-to': one }))
  await solo.settled()
  assert.deepEqual(await namespacesOf(client, refOf(idle)), [])
  assert.deepEqual(await dataOf(client, refOf(own)), { own: 'x', a: '1' })
  await write(client, refOf(origin), { a: '2' })
  await solo.restart()
  await awaitData(client, mirrorIn(two, origin), { a: '2' })
  await awaitData(client, mirrorIn(one, origin), { own: 'x', a: '2' })
  await awaitData(client, refOf(own), { own: 'x', a: '2' })
  await awaitPresent(client, mirrorIn(one, idle))
  assert.equal(
    isMirrorOf({ ...(await client.get(mirrorIn(one, origin))), kind: 'Secret' }, refOf(origin)),
    true,
  )
})

test('words of several tools on one origin: the first in order says who receives it, the others are passed over and told', async () => {
  const [home, one, two, three] = await stage.namespaces(
    'order-home',
    'order-one',
    'order-two',
    'order-three',
  )
  const annotations = {
    'reflector.v1.k8s.emberstack.com/reflection-allowed': 'true',
    'reflector.v1.k8s.emberstack.com/reflection-auto-enabled': 'true',
    'reflector.v1.k8s.emberstack.com/reflection-auto-namespaces': two,
  }
  const wanted = replicated(home, 'words', { 'replicate-to': one })
  const origin = await client.create(dressed(wanted, { annotations }))
  await awaitPresent(client, mirrorIn(two, origin))
  await awaitEvent(client, refOf(origin), 'AnnotationIgnored', ({ message }) =>
    message.includes('replicate-to'),
  )
  await client.annotate(refOf(origin), ours({ 'reflect-to': three }))
  await awaitPresent(client, mirrorIn(three, origin))
  await awaitAbsent(client, mirrorIn(two, origin))
  await client.annotate(refOf(origin), { ...ours({ 'reflect-to': null }) })
  await client.annotate(refOf(origin), Object.fromEntries(Object.keys(annotations).map((key) => [key, null])))
  await awaitPresent(client, mirrorIn(one, origin))
  await awaitAbsent(client, mirrorIn(three, origin))
  await tell(client, refOf(origin), { 'replicate-to': null })
  await awaitAbsent(client, mirrorIn(one, origin))
})

async function assertUnwritten(before: KubeObject): Promise<void> {
  const now = await client.get(refOf(before))
  assert.equal(now.metadata.resourceVersion, before.metadata.resourceVersion)
}
