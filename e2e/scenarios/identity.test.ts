/** A digest key that came from another cluster: nothing is deleted until a person says which cluster this is, and each answer does what it says. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent, eventually } from '../lib/await.ts'
import { runCommand } from '../lib/command.ts'
import type { Shown } from '../lib/command.ts'
import { awaitEvent } from '../lib/events.ts'
import { marksOn } from '../lib/marks.ts'
import { plain, refOf } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { awaitData, mirrorIn, secretOffer, write } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'
import { SYSTEM } from '../lib/stage.ts'

const KEY: Ref = { kind: 'Secret', namespace: SYSTEM, name: 'heliograph-digest-key' }

const solo = await startSolo()
const { client, stage } = solo

test('an identity that is this cluster’s leaves nothing to answer', async () => {
  await awaitPresent(client, KEY)
  const before = await client.get(KEY)
  assert.equal((await answer('keep')).code, 0)
  assert.equal((await answer('new')).code, 1)
  assert.equal((await client.get(KEY)).metadata.resourceVersion, before.metadata.resourceVersion)
})

test('with another cluster’s UID stored nothing is deleted, versions go on, and keep lets the ends go', async () => {
  const [gone, kept] = [await mirrored('gone'), await mirrored('kept')]
  await pretend('of-another-cluster')
  await client.remove(refOf(gone.origin))
  await write(client, refOf(kept.origin), { password: 'second' })
  await awaitData(client, kept.place, { password: 'second' })
  await solo.settled()
  assert.notEqual(await client.find(gone.place), null)
  await awaitEvent(client, KEY, 'IdentityChanged')
  const identity = plain(await client.get(KEY))['identity']
  const shown = await answer('keep')
  assert.deepEqual([shown.code, shown.complaint], [0, ''])
  await awaitAbsent(client, gone.place)
  await awaitHeld(0)
  assert.equal(plain(await client.get(KEY))['identity'], identity)
  await awaitData(client, kept.place, { password: 'second' })
})

test('held at the start as well, and new marks every mirror anew without writing its data', async () => {
  const { origin, place } = await mirrored('anew')
  const before = await client.get(place)
  await solo.whileStopped(async () => {
    await client.patch(KEY, { data: { 'kube-system-uid': encoded('of-another-cluster') } })
  })
  await awaitHeld(1)
  const former = plain(await client.get(KEY))
  assert.equal((await answer('new')).code, 0)
  const marked = await awaitPresent(
    client,
    place,
    (each) => marksOn(each)['digest'] !== marksOn(before)['digest'],
    { what: 'is marked anew' },
  )
  const now = plain(await client.get(KEY))
  assert.equal(now['former-identities'], JSON.stringify([former['identity']]))
  assert.notEqual(now['key'], former['key'])
  assert.equal(marked.metadata.uid, before.metadata.uid)
  assert.deepEqual(plain(marked), { password: 'first' })
  await awaitHeld(0)
  await client.remove(refOf(origin))
  await awaitAbsent(client, place)
})

/** Stores this UID of kube-system, as a restored Secret would hold it. */
async function pretend(uid: string): Promise<void> {
  await client.patch(KEY, { data: { 'kube-system-uid': encoded(uid) } })
  await awaitHeld(1)
}

function answer(word: 'keep' | 'new'): Promise<Shown> {
  return runCommand(['identity', word, '--kubeconfig', stage.plane.kubeconfig, '--namespace', SYSTEM])
}

async function awaitHeld(value: 0 | 1): Promise<void> {
  const isSo = async (): Promise<true | null> =>
    (await solo.controller.metrics()).sum('heliograph_identity_held') === value ? true : null
  await eventually(isSo, { what: `the identity is ${value === 1 ? '' : 'not '}held` })
}

async function mirrored(word: string): Promise<{ readonly origin: KubeObject; readonly place: Ref }> {
  const [home, target] = await stage.namespaces(`${word}-home`, `${word}-target`)
  const origin = secretOffer(home, `pass-${word}`, { 'reflect-to': target }, { password: 'first' })
  await client.create(origin)
  const place = mirrorIn(target, origin)
  await awaitData(client, place, { password: 'first' })
  return { origin, place }
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64')
}
