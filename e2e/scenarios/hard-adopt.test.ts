/** `adopt` alone makes nothing ours: an object stays untouched until the origin that it names is there and claims its very place. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { isMirrorOf, marksOn, ours } from '../lib/marks.ts'
import { plain, refOf, secret } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, secretOffer, textsOf } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo

const OWN = { password: 'own' }

test('adopt that names an absent origin leaves the object untouched, and takes it over once that origin comes', async () => {
  const [home, target] = await stage.namespaces('absent-home', 'absent-target')
  const own = await client.create(willing(target, 'pass', `${home}/pass`))
  await solo.settled()
  await assertUntouched(own)
  await client.create(secretOffer(home, 'pass', { 'reflect-to': target }, { password: 'given' }))
  const taken = await awaitData(client, refOf(own), { password: 'given' })
  assert.equal(taken.metadata.uid, own.metadata.uid)
  assert.equal(marksOn(taken)['adopted'], 'true')
})

test('adopt that names an origin which does not claim its place leaves it untouched', async () => {
  const [home, target, elsewhere] = await stage.namespaces('away-home', 'away-target', 'away-elsewhere')
  const origins = [
    secretOffer(home, 'other-namespace', { 'reflect-to': elsewhere }, { password: 'given' }),
    secretOffer(home, 'other-name', { 'reflect-to': target, 'reflect-as': 'renamed' }, { password: 'given' }),
    secretOffer(home, 'pull-only', { 'allow-pull': '*' }, { password: 'given' }),
    secret(home, 'offers-nothing', { password: 'given' }),
  ]
  await Promise.all(origins.map((origin) => client.create(origin)))
  const own = await Promise.all(
    origins.map(({ metadata: { name } }) => client.create(willing(target, name, `${home}/${name}`))),
  )
  await solo.settled()
  for (const each of own) await assertUntouched(each)
  await annotate(
    client,
    { kind: 'Secret', namespace: home, name: 'offers-nothing' },
    { 'reflect-to': target },
  )
  await awaitData(
    client,
    { kind: 'Secret', namespace: target, name: 'offers-nothing' },
    { password: 'given' },
  )
  await solo.settled()
  for (const each of own.slice(0, 3)) await assertUntouched(each)
})

test('adopt that names an origin which refuses itself, is held or is paused leaves it untouched', async () => {
  const [home, target] = await stage.namespaces('held-home', 'held-target')
  const origins = [
    secretOffer(home, 'bad', { 'reflect-to': target, carry: '[' }, { password: 'given' }),
    secretOffer(home, 'paused', { 'reflect-to': target, paused: 'true' }, { password: 'given' }),
    secretOffer(home, 'invalid', { 'reflect-to': target, validate: 'keys=tls.crt' }, { password: 'given' }),
  ]
  await Promise.all(origins.map((origin) => client.create(origin)))
  const own = await Promise.all(
    origins.map(({ metadata: { name } }) => client.create(willing(target, name, `${home}/${name}`))),
  )
  await solo.settled()
  for (const each of own) await assertUntouched(each)
})

test('adopt that names a deleted origin leaves the object untouched, deleted before or after the annotation', async () => {
  const [home, target] = await stage.namespaces('gone-home', 'gone-target')
  const origin = await client.create(
    secretOffer(home, 'early', { 'reflect-to': target }, { password: 'given' }),
  )
  await awaitPresent(client, mirrorIn(target, origin))
  await client.remove(refOf(origin))
  await awaitAbsent(client, mirrorIn(target, origin))
  const own = await client.create(willing(target, 'early', `${home}/early`))
  await solo.settled()
  await assertUntouched(own)
  const late = await solo.whileStopped(async () => {
    const offered = await client.create(
      secretOffer(home, 'late', { 'reflect-to': target }, { password: 'given' }),
    )
    const waiting = await client.create(willing(target, 'late', `${home}/late`))
    await client.remove(refOf(offered))
    return waiting
  })
  await solo.settled()
  await assertUntouched(late)
})

test('an adopted object stays with its data when its origin is deleted, running or stopped, and is never deleted', async () => {
  const [home, target] = await stage.namespaces('kept-home', 'kept-target')
  const adopted = async (name: string): Promise<KubeObject> => {
    const own = await client.create(willing(target, name, `${home}/${name}`))
    await client.create(secretOffer(home, name, { 'reflect-to': target }, { password: 'given' }))
    const origin = { kind: 'Secret', namespace: home, name }
    return await awaitPresent(client, refOf(own), (each) => isMirrorOf(each, origin))
  }
  const running = await adopted('running')
  await client.remove({ kind: 'Secret', namespace: home, name: 'running' })
  await assertLetGo(running)
  const stopped = await adopted('stopped')
  await solo.whileStopped(() => client.remove({ kind: 'Secret', namespace: home, name: 'stopped' }))
  await assertLetGo(stopped)
})

test('adopt does not let one origin into a place that another one, named or not, already holds with consent', async () => {
  const [home, target] = await stage.namespaces('two-home', 'two-target')
  const own = await client.create(willing(target, 'pass', `${home}/wanted`))
  await client.create(secretOffer(home, 'pass', { 'reflect-to': target }, { password: 'unwanted' }))
  await solo.settled()
  await assertUntouched(own)
  const wanted = { 'reflect-to': target, 'reflect-as': 'pass' }
  await client.create(secretOffer(home, 'wanted', wanted, { password: 'wanted' }))
  await awaitData(client, refOf(own), { password: 'wanted' })
})

/** Somebody's own Secret that may be taken over by `origin`. */
function willing(namespace: string, name: string, origin: string): KubeObject {
  return secret(namespace, name, OWN, { annotations: ours({ adopt: origin }) })
}

async function assertUntouched(own: KubeObject): Promise<void> {
  const now = await client.get(refOf(own))
  assert.equal(now.metadata.uid, own.metadata.uid)
  assert.equal(now.metadata.resourceVersion, own.metadata.resourceVersion, `${own.metadata.name} was written`)
  assert.deepEqual(plain(now), OWN)
}

async function assertLetGo(adopted: KubeObject): Promise<void> {
  const free = await awaitPresent(client, refOf(adopted), (each) => marksOn(each)['retained'] !== undefined)
  assert.equal(free.metadata.uid, adopted.metadata.uid)
  assert.deepEqual(textsOf({ ...free, kind: 'Secret' }), { password: 'given' })
  assert.equal(marksOn(free)['mirror'], undefined)
  await solo.settled()
  const still = await client.get(refOf(adopted))
  assert.equal(still.metadata.resourceVersion, free.metadata.resourceVersion)
}
