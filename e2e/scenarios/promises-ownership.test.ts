/** Promises 1, 3 and 8: what is not ours is never changed or deleted, origins never at all, and no mirror is ever an origin. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { PREFIX, at, marksOn, ours } from '../lib/marks.ts'
import { configMap, plain, secret } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, namespacesOf, offer, secretOffer, write } from '../lib/offers.ts'
import type { Texts } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo

/** Objects that stand where a mirror is claimed and are not ours, by what is written on them. The proving three are never all there. */
const FOREIGN: readonly (readonly [
  what: string,
  annotations: (home: string, here: string) => Texts,
  hasLabel: boolean,
])[] = [
  ['nothing', () => ({}), false],
  ['`at` alone', (_home, here) => ({ at: here }), false],
  ['`origin` alone', (home) => ({ origin: home }), false],
  ['the label alone', () => ({}), true],
  ['`origin` and `at`, and no digest', (home, here) => ({ origin: home, at: here }), false],
  [
    'the label and `at`, and a digest of its own making',
    (_home, here) => ({ at: here, digest: 'v1.00.00.00' }),
    true,
  ],
  ['`at` of another place', (home) => ({ origin: home, at: 'else/where' }), true],
  ['`adopt` of another origin', () => ({ adopt: 'nobody/shared' }), false],
  ['`retained` of another origin', (_home, here) => ({ retained: 'nobody/shared', at: here }), false],
  ['`retained` of this origin at another place', (home) => ({ retained: home, at: 'else/where' }), false],
]

test('an object in the way that is not ours stays as it is, whatever part of our marks it bears', async () => {
  const home = await stage.namespace('home')
  const origin: Ref = { kind: 'Secret', namespace: home, name: 'shared' }
  const label = await labelOfMirrorsOf(origin)
  const targets: string[] = []
  for (const [, annotations, hasLabel] of FOREIGN) {
    const target = await stage.namespace('foreign')
    targets.push(target)
    const labels = hasLabel ? { [`${PREFIX}mirror`]: label } : {}
    await client.create(
      secret(
        target,
        'shared',
        { own: 'x' },
        { annotations: ours(annotations(`${home}/shared`, `${target}/shared`)), labels },
      ),
    )
  }
  const refs = targets.map((target) => at(origin, target))
  const before = await solo.snapshot(refs)
  await client.patch(origin, { metadata: { annotations: ours({ 'reflect-to': 'foreign-*' }) } })
  for (const ref of refs) await awaitPresent(client, ref)
  await solo.settled()
  assert.deepEqual(await solo.snapshot(refs), before, 'while the origin claims')
  await write(client, origin, { password: 'second' })
  await solo.settled()
  assert.deepEqual(await solo.snapshot(refs), before, 'after a rotation')
  await solo.restart()
  await solo.settled()
  assert.deepEqual(await solo.snapshot(refs), before, 'after a restart')
  await client.remove(origin)
  await solo.settled()
  assert.deepEqual(await solo.snapshot(refs), before, 'after the origin is gone')
})

test('what is in the way is told on the object, with the way to give it over; to the origin only how many', async () => {
  const [home, target] = await stage.namespaces('home', 'target')
  await client.create(configMap(target, 'shared', { own: 'x' }))
  const origin = await client.create(offer(home, 'shared', { 'reflect-to': target }))
  const there = await awaitEvent(client, mirrorIn(target, origin), 'MirrorBlocked')
  assert(there.message.includes(`${PREFIX}adopt: ${home}/shared`))
  const here = await awaitEvent(client, mirrorIn(home, origin), 'TargetsBlocked')
  assert(here.message.includes(': 1.'))
  assert(!here.message.includes(target))
})

test('consent to be written is consent: `adopt` gives the object to the claim that it names', async () => {
  const [home, target] = await stage.namespaces('home', 'target')
  const before = await client.create(configMap(target, 'shared', { own: 'x' }, { mine: 'yes' }))
  const origin = await client.create(offer(home, 'shared', { 'reflect-to': target }))
  await awaitEvent(client, mirrorIn(target, origin), 'MirrorBlocked')
  await annotate(client, mirrorIn(target, origin), { adopt: `${home}/shared` })
  const adopted = await awaitData(client, mirrorIn(target, origin), { a: '1' })
  assert.equal(adopted.metadata.uid, before.metadata.uid)
  assert.equal(adopted.metadata.annotations?.['mine'], 'yes')
})

test('a pull mirror gives its data and nothing else: its type and metadata stay, and nothing deletes it', async () => {
  const [home, target] = await stage.namespaces('home', 'target')
  const mine: Ref = { kind: 'Secret', namespace: target, name: 'mine' }
  await client.create(
    secret(
      target,
      'mine',
      { own: 'x' },
      {
        annotations: { ...ours({ 'reflect-from': `${home}/shared` }), keep: 'me' },
        type: 'example.com/mine',
      },
    ),
  )
  const origin = await client.create(
    secretOffer(home, 'shared', { 'allow-pull': target, type: 'example.com/theirs' }),
  )
  const filled = await awaitData(client, mine, { a: '1' })
  assert.equal(filled.type, 'example.com/mine')
  assert.equal(filled.metadata.annotations?.['keep'], 'me')
  await client.remove(mirrorIn(home, origin))
  await awaitEvent(client, mine, 'PullUnavailable')
  await annotate(client, { kind: 'Namespace', name: target }, { refuse: '*' })
  await solo.restart()
  await solo.settled()
  assert.deepEqual(await solo.snapshot([mine]), [
    `Secret ${target}/mine ${filled.metadata.uid} ${filled.metadata.resourceVersion}`,
  ])
})

test('an origin is never written, and nothing of ours has a finalizer', async () => {
  const [home, target] = await stage.namespaces('home', 'target')
  const mark = await solo.mark()
  const refs: Ref[] = []
  for (const keys of [
    { 'reflect-to': target },
    { 'allow-pull': target },
    { 'reflect-to': '}' },
    { 'reflect-to': target, paused: 'true' },
    { 'reflect-to': target, 'on-delete': 'retain' },
  ])
    refs.push(mirrorIn(home, await client.create(offer(home, `origin-${refs.length}`, keys))))
  await client.create(configMap(target, 'asks', {}, ours({ 'reflect-from': `${home}/origin-1` })))
  await awaitData(client, { kind: 'ConfigMap', namespace: target, name: 'asks' }, { a: '1' })
  const before = await solo.snapshot(refs)
  await solo.settled()
  await solo.restart()
  await solo.settled()
  assert.deepEqual(await solo.snapshot(refs), before)
  for (const kind of ['Secret', 'ConfigMap', 'Namespace'])
    for (const { metadata } of await client.list(kind))
      assert.equal(metadata.finalizers, undefined, metadata.name)
  for (const ref of refs) await client.remove(ref)
  await solo.settled()
  const touched = (await solo.changes(mark)).filter((change) => change.includes(` ${home}/`))
  assert.deepEqual(touched, [])
})

test('a mirror that offers itself is no origin: it is told so, and nothing is chained, carried or looped', async () => {
  const [home, first, second] = await stage.namespaces('home', 'first', 'second')
  const origin = await client.create(offer(home, 'shared', { 'reflect-to': first, carry: '*' }))
  const mirror = mirrorIn(first, origin)
  const before = await awaitData(client, mirror, { a: '1' })
  assert.equal(marksOn(before)['reflect-to'], undefined, 'our own keys are never carried')
  await annotate(client, mirror, {
    'reflect-to': `${second}, ${home}`,
    'reflect-as': 'chained',
    'allow-pull': '*',
  })
  await awaitEvent(client, mirror, 'OffersIgnored')
  await client.create(configMap(second, 'asks', { own: 'x' }, ours({ 'reflect-from': `${first}/shared` })))
  await awaitEvent(client, { kind: 'ConfigMap', namespace: second, name: 'asks' }, 'PullUnavailable')
  await write(client, mirrorIn(home, origin), { a: 'second' })
  await awaitData(client, mirror, { a: 'second' })
  await solo.restart()
  await solo.settled()
  assert.deepEqual(await namespacesOf(client, { kind: 'ConfigMap', name: 'chained' }), [])
  const asking = await client.get({ kind: 'ConfigMap', namespace: second, name: 'asks' })
  assert.deepEqual(asking.data, { own: 'x' })
})

test('a pull mirror that offers itself is no origin either', async () => {
  const [home, first, second] = await stage.namespaces('home', 'first', 'second')
  await client.create(offer(home, 'shared', { 'allow-pull': '*' }))
  const asking = await client.create(
    configMap(
      first,
      'asks-and-offers',
      {},
      ours({ 'reflect-from': `${home}/shared`, 'reflect-to': second, 'allow-pull': '*' }),
    ),
  )
  const ref = mirrorIn(first, asking)
  await awaitData(client, ref, { a: '1' })
  await awaitEvent(client, ref, 'OffersIgnored')
  await client.create(
    configMap(second, 'asks-again', { own: 'x' }, ours({ 'reflect-from': `${first}/asks-and-offers` })),
  )
  await awaitEvent(client, { kind: 'ConfigMap', namespace: second, name: 'asks-again' }, 'PullUnavailable')
  await solo.settled()
  assert.deepEqual(await namespacesOf(client, ref), [])
})

test('two origins that name each other as pull sources, and one that names itself, come to rest', async () => {
  const [one, two] = await stage.namespaces('one', 'two')
  await client.create(
    configMap(one, 'x', { a: 'one' }, ours({ 'reflect-from': `${two}/x`, 'allow-pull': '*' })),
  )
  await client.create(
    configMap(two, 'x', { a: 'two' }, ours({ 'reflect-from': `${one}/x`, 'allow-pull': '*' })),
  )
  await client.create(
    configMap(one, 'self', { a: 'self' }, ours({ 'reflect-from': `${one}/self`, 'allow-pull': '*' })),
  )
  await awaitEvent(client, { kind: 'ConfigMap', namespace: one, name: 'self' }, 'PullFlawed')
  await awaitEvent(client, { kind: 'ConfigMap', namespace: two, name: 'x' }, 'PullUnavailable')
  await solo.settled()
  assert.deepEqual((await client.get({ kind: 'ConfigMap', namespace: one, name: 'x' })).data, { a: 'one' })
  assert.deepEqual((await client.get({ kind: 'ConfigMap', namespace: two, name: 'x' })).data, { a: 'two' })
})

/** The label of a real mirror of `origin`, which is left without an offer. */
async function labelOfMirrorsOf(origin: Ref): Promise<string> {
  const target = await stage.namespace('real')
  const made = await client.create(secretOffer(origin.namespace ?? '', origin.name, { 'reflect-to': target }))
  const mirror = await awaitPresent(
    client,
    at(origin, target),
    (each: KubeObject) => plain(each)['a'] === '1',
  )
  await annotate(client, origin, { 'reflect-to': null })
  await awaitAbsent(client, mirrorIn(target, made))
  return marksOn(mirror)['mirror'] ?? ''
}
