/** The administrator's `replicatorTakeOver`: which of replicator's origins may merge into objects that they did not make, and what they may do there. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { leaveReplicatorCopy } from '../lib/leftovers.ts'
import { isMirrorOf, marksOn, ours, PREFIX } from '../lib/marks.ts'
import { configMap, refOf, secret } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { awaitData, mirrorIn, offer, write } from '../lib/offers.ts'
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
import { openSolo } from '../lib/solo.ts'

const HOME = 'may-take-over'
const GLOBS = [`${HOME}/shared*`, `!${HOME}/shared-not`]

const solo = await openSolo({ settings: { replicatorTakeOver: GLOBS } })
const { client, stage } = solo
await client.createNamespace(HOME)
await solo.start()

test('inside its globs an origin merges into a foreign object: its own keys, type and labels stay, and it is marked as adopted', async () => {
  const target = await stage.namespace('inside')
  for (const make of [replicated, replicatedMap]) {
    const wanted = make(target, 'shared-inside', {}, { own: 'x', a: 'mine' })
    const foreign = await client.create(dressed(wanted, { labels: { theirs: 'yes' } }))
    const labels = { team: 'a' }
    const origin = await client.create(
      dressed(make(HOME, 'shared-inside', { 'replicate-to': target }), { labels }),
    )
    const taken = await awaitData(client, refOf(foreign), { own: 'x', a: '1' })
    assert.equal(taken.metadata.uid, foreign.metadata.uid)
    assert.equal(isMirrorOf({ ...taken, kind: foreign.kind ?? '' }, refOf(origin)), true)
    assert.equal(marksOn(taken)['adopted'], 'true')
    assert.equal(said(taken, 'replicated-keys'), 'a')
    assert.deepEqual([taken.metadata.labels?.['theirs'], taken.metadata.labels?.['team']], ['yes', 'a'])
    await write(client, refOf(origin), { a: '2', b: '3' })
    await awaitData(client, refOf(foreign), { own: 'x', a: '2', b: '3' })
    await write(client, refOf(foreign), { b: 'edited', own: 'y' })
    await awaitData(client, refOf(foreign), { own: 'y', a: '2', b: '3' })
  }
})

test('at the end only the origin’s keys and labels go; the object is never deleted, though nothing is left in it', async () => {
  for (const end of ['deleted', 'narrowed', 'removed', 'unseen'] as const) {
    const target = await stage.namespace(`end-${end}`)
    const name = `shared-${end}`
    const full = await client.create(secret(target, name, { own: 'x' }))
    const empty = await client.create(configMap(target, name, {}))
    const labels = { team: 'a' }
    const origins = await Promise.all(
      [replicated, replicatedMap].map((make) =>
        client.create(dressed(make(HOME, name, { 'replicate-to': target }), { labels })),
      ),
    )
    await awaitData(client, refOf(full), { own: 'x', a: '1' })
    await awaitData(client, refOf(empty), { a: '1' })
    const finish = async (): Promise<void> => {
      for (const origin of origins.map(refOf)) {
        if (end === 'deleted' || end === 'unseen') await client.remove(origin)
        else await tell(client, origin, { 'replicate-to': end === 'narrowed' ? 'elsewhere' : null })
      }
    }
    await (end === 'unseen' ? solo.whileStopped(finish) : finish())
    const left = await awaitData(client, refOf(full), { own: 'x' })
    await awaitData(client, refOf(empty), {})
    await solo.settled()
    assert.equal((await client.get(refOf(empty))).metadata.uid, empty.metadata.uid)
    assert.equal(left.metadata.uid, full.metadata.uid)
    assert.equal(marksOn(left)['mirror'], undefined)
    assert.equal(left.metadata.labels?.['team'], undefined)
  }
})

test('outside its globs, and where one excludes it, nothing is merged', async () => {
  const [elsewhere, target] = await stage.namespaces('outside', 'outside-target')
  const names = [
    [HOME, 'shared-not'],
    [HOME, 'unshared'],
    [elsewhere, 'shared-else'],
  ] as const
  for (const [home, name] of names) {
    const foreign = await client.create(secret(target, name, { own: 'x' }))
    const origin = await client.create(replicated(home, name, { 'replicate-to': target }))
    await awaitEvent(client, refOf(foreign), 'MirrorBlocked')
    await client.remove(refOf(origin))
    await solo.settled()
    const now = await client.get(refOf(foreign))
    assert.equal(now.metadata.resourceVersion, foreign.metadata.resourceVersion, `${home}/${name}`)
  }
})

test('another tool’s words, ours and an object that asks are not meant by it', async () => {
  const target = await stage.namespace('words')
  const foreign = await client.create(configMap(target, 'shared-ours', { own: 'x' }))
  await client.create(offer(HOME, 'shared-ours', { 'reflect-to': target }))
  await awaitEvent(client, refOf(foreign), 'MirrorBlocked')
  const asked = await client.create(replicatedMap(HOME, 'asked', {}))
  const own = await client.create(asking(`${target}/shared-asks`, asked))
  const pushing = await client.create(replicatedMap(HOME, 'shared-asks', { 'replicate-to': target }))
  await awaitEvent(client, refOf(pushing), 'TargetsBlocked')
  await solo.settled()
  assert.equal((await client.get(refOf(foreign))).metadata.resourceVersion, foreign.metadata.resourceVersion)
  assert.deepEqual(await dataOf(client, refOf(own)), { own: 'x' })
})

test('nobody’s origin, no mirror of ours, no copy of another’s and no protected namespace is merged into', async () => {
  const [target, other] = await stage.namespaces('limits-target', 'limits-other')
  const theirOrigin = await client.create(replicated(target, 'shared-origin', { 'replicate-to': other }))
  const held = await client.create(
    replicated(other, 'shared-held', { 'replicate-to': target }, { held: '1' }),
  )
  await awaitData(client, mirrorIn(target, held), { held: '1' })
  const inSystem = await client.create(secret('kube-public', 'shared-system', { own: 'x' }))
  for (const [name, to] of [
    ['shared-origin', target],
    ['shared-held', target],
    ['shared-system', 'kube-public'],
  ] as const)
    await client.create(replicated(HOME, name, { 'replicate-to': to }, { taken: 'y' }))
  await solo.settled()
  assert.deepEqual(await dataOf(client, mirrorIn(target, held)), { held: '1' })
  for (const object of [theirOrigin, inSystem]) {
    const now = await client.get(refOf(object))
    assert.equal(now.metadata.resourceVersion, object.metadata.resourceVersion, object.metadata.name)
  }
  await client.remove(refOf(held))
  await awaitAbsent(client, mirrorIn(target, held))
})

test('a namespace that refuses is not merged into, and one that refuses later loses the origin’s keys alone', async () => {
  const target = await stage.namespace('refuse', { annotations: ours({ refuse: `${HOME}/*` }) })
  const foreign = await client.create(secret(target, 'shared-refused', { own: 'x' }))
  await client.create(replicated(HOME, 'shared-refused', { 'replicate-to': target }))
  await solo.settled()
  assert.equal((await client.get(refOf(foreign))).metadata.resourceVersion, foreign.metadata.resourceVersion)
  await client.annotate({ kind: 'Namespace', name: target }, ours({ refuse: null }))
  await awaitData(client, refOf(foreign), { own: 'x', a: '1' })
  await client.annotate({ kind: 'Namespace', name: target }, ours({ refuse: '*' }))
  const left = await awaitData(client, refOf(foreign), { own: 'x' })
  assert.equal(left.metadata.uid, foreign.metadata.uid)
})

test('the type of the foreign object stays, and where it needs the origin’s keys they stay at the end', async () => {
  const target = await stage.namespace('type')
  const pair = { 'tls.crt': 'c', 'tls.key': 'k' }
  const wanted = secret(target, 'shared-pair', { 'tls.crt': '', 'tls.key': '', own: 'x' })
  const foreign = await client.create({ ...wanted, type: 'kubernetes.io/tls' })
  const origin = await client.create(replicated(HOME, 'shared-pair', { 'replicate-to': target }, pair))
  const taken = await awaitData(client, refOf(foreign), { ...pair, own: 'x' })
  assert.equal(taken.type, 'kubernetes.io/tls')
  await client.remove(refOf(origin))
  const left = await awaitPresent(client, refOf(foreign), (each) => marksOn(each)['mirror'] === undefined)
  assert.deepEqual(await dataOf(client, refOf(foreign)), { ...pair, own: 'x' })
  assert.equal(left.metadata.uid, foreign.metadata.uid)
})

test('an immutable foreign object stays as it is', async () => {
  const target = await stage.namespace('immutable')
  const wanted = { ...secret(target, 'shared-sealed', { own: 'x' }), immutable: true }
  const foreign = await client.create(wanted)
  const origin = await client.create(replicated(HOME, 'shared-sealed', { 'replicate-to': target }))
  await awaitEvent(client, refOf(origin), 'TargetsBlocked')
  await solo.settled()
  const now = await client.get(refOf(foreign))
  assert.deepEqual(
    [now.metadata.uid, await dataOf(client, refOf(foreign))],
    [foreign.metadata.uid, { own: 'x' }],
  )
})

test('a stale copy that the old tool left is merged into like any object, and is not deleted at the end', async () => {
  const target = await stage.namespace('stale')
  const copy = await solo.whileStopped(async () => {
    const origin = await client.create(replicated(HOME, 'shared-stale', { 'replicate-to': target }))
    const left = await leaveReplicatorCopy(client, origin, target)
    await write(client, refOf(origin), { a: '2' })
    return left
  })
  await awaitOurs(client, refOf(copy))
  const taken = await awaitData(client, refOf(copy), { a: '2' })
  assert.equal(taken.metadata.uid, copy.metadata.uid)
  await client.remove({ kind: 'Secret', namespace: HOME, name: 'shared-stale' })
  await awaitPresent(client, refOf(copy), (each) => marksOn(each)['mirror'] === undefined)
  await awaitData(client, refOf(copy), {})
})

test('what was taken over stays taken over without the setting, and nothing new is taken', async () => {
  const target = await stage.namespace('without')
  const before: KubeObject[] = []
  for (const name of ['shared-early', 'shared-late'])
    before.push(await client.create(secret(target, name, { own: 'x' })))
  await client.create(replicated(HOME, 'shared-early', { 'replicate-to': target }))
  const early = { kind: 'Secret', namespace: target, name: 'shared-early' }
  await awaitData(client, early, { own: 'x', a: '1' })
  await solo.settled()
  const standing = await solo.snapshot([early])
  await solo.restart({ environment: { HELIOGRAPH_REPLICATOR_TAKE_OVER: '' } })
  await client.create(replicated(HOME, 'shared-late', { 'replicate-to': target }))
  await awaitEvent(client, { kind: 'Secret', namespace: target, name: 'shared-late' }, 'MirrorBlocked')
  await solo.settled()
  assert.deepEqual(await solo.snapshot([early]), standing)
  await client.remove({ kind: 'Secret', namespace: HOME, name: 'shared-early' })
  const left = await awaitData(client, early, { own: 'x' })
  assert.equal(left.metadata.annotations?.[`${PREFIX}origin`], undefined)
})
