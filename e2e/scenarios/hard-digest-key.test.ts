/** The digest key: made once however many want to make it, put back when lost, never guessed when malformed, and no write without it. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { digestKeyId } from '../../src/core/digest.ts'
import { awaitAbsent, awaitPresent, eventually } from '../lib/await.ts'
import { installClusterProperty } from '../lib/cluster-property.ts'
import { awaitEvent } from '../lib/events.ts'
import { marksOn } from '../lib/marks.ts'
import { plain, refOf } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { awaitData, mirrorIn, offer, secretOffer, write } from '../lib/offers.ts'
import { startProxy } from '../lib/proxy.ts'
import { openSolo } from '../lib/solo.ts'
import { watchVersions } from '../lib/witness.ts'

const KEY: Ref = { kind: 'Secret', namespace: 'heliograph', name: 'heliograph-digest-key' }
/** Both replicas take themselves for the leader, as for a moment two can. */
const UNELECTED = { environment: { HELIOGRAPH_LEADER_ELECTION: 'false' } }

const solo = await openSolo()
const { client, stage } = solo
const proxies = [await startProxy(stage.plane), await startProxy(stage.plane)] as const
after(async () => void (await Promise.all(proxies.map((each) => each.close()))))

test('two replicas that create the key at once end with one key, and both write with it', async () => {
  const making = { method: 'POST', path: /\/namespaces\/heliograph\/secrets/ }
  const places = await Promise.all(proxies.map((_, index) => offered(`twin-${index}`)))
  const holds = proxies.map((proxy) => proxy.hold(making))
  // Each is kept from the other's mirror, so that each must write one.
  const apart = proxies.map((proxy, index) =>
    proxy.hold({ method: 'POST', path: new RegExp(`/namespaces/${places[1 - index]?.place.namespace}/`) }),
  )
  const replicas = await Promise.all(proxies.map((through) => stage.launch({ ...UNELECTED, through })))
  await Promise.all([...holds.map((each) => each.reached()), ...replicas.map((each) => each.ready())])
  // The one that comes too late must look of itself, not because it is told of the other's key.
  for (const each of proxies) each.muteStreams()
  for (const each of holds) each.release()
  const answers = await eventually(() => statusesOf(making), { what: 'both are answered' })
  assert.deepEqual(
    [...answers].sort((a, b) => a - b),
    [201, 409],
  )
  const id = idOf(await client.get(KEY))
  for (const { place } of places)
    assert.equal(digestIdOn(await awaitData(client, place, { password: 'first' })), id)
  for (const each of proxies) each.resumeStreams()
  for (const each of apart) each.release()
  assert.equal(idOf(await client.get(KEY)), id)
  await Promise.all(replicas.map((each) => each.stop()))
})

test('a key that is deleted under a running controller comes back as it was, and nothing is written for it', async () => {
  await solo.start()
  const { place } = await mirrored('lost')
  await solo.settled()
  const before = await client.get(KEY)
  const standing = await solo.snapshot([place])
  await client.remove(KEY)
  const back = await awaitPresent(client, KEY, ({ metadata }) => metadata.uid !== before.metadata.uid)
  assert.deepEqual(plain(back), plain(before))
  await solo.settled()
  assert.deepEqual(await solo.snapshot([place]), standing)
})

test('a key that is lost while nobody runs is made anew: every mirror is compared and stamped, none is made anew or emptied', async () => {
  const { place, origin } = await mirrored('anew')
  const { place: edited } = await mirrored('anew-edited')
  await solo.settled()
  const mirror = await client.get(place)
  const former = idOf(await client.get(KEY))
  await using witness = await watchVersions(client, place)
  await solo.whileStopped(async () => {
    await client.remove(KEY)
    await client.patch(edited, { stringData: { password: 'edited' } })
  })
  const id = idOf(await awaitPresent(client, KEY))
  assert.notEqual(id, former)
  const stamped = await awaitPresent(client, place, (each) => digestIdOn(each) === id, {
    what: 'is stamped anew',
  })
  assert.equal(stamped.metadata.uid, mirror.metadata.uid)
  assert.equal(marksOn(stamped)['mirror'], marksOn(mirror)['mirror'], 'the identity is another')
  await awaitData(client, edited, { password: 'first' })
  await solo.settled()
  const data = (await witness.versions()).map((each) => each !== null && plain(each)['password'])
  assert.deepEqual(data, ['first', 'first'])
  await write(client, refOf(origin), { password: 'second' })
  await awaitData(client, place, { password: 'second' })
})

test('a key that is replaced by another valid one is taken up: mirrors are compared, stamped, and none is emptied', async () => {
  const { place } = await mirrored('other')
  await solo.settled()
  const id = idOf(await client.patch(KEY, { data: { key: Buffer.alloc(32, 7).toString('base64') } }))
  await awaitPresent(client, place, (each) => digestIdOn(each) === id, {
    what: 'is stamped with the new key',
  })
  assert.deepEqual(plain(await client.get(place)), { password: 'first' })
})

/** What a person can make of the key, and none of it is usable. */
const MALFORMED: Readonly<Record<string, Readonly<Record<string, string | null>>>> = {
  'is too short': { key: Buffer.alloc(16).toString('base64') },
  'is too long': { key: Buffer.alloc(33).toString('base64') },
  'is absent': { key: null },
  'has no identity': { identity: null },
  'has an endless identity': { identity: Buffer.from('x'.repeat(254)).toString('base64') },
  'has no kube-system UID': { 'kube-system-uid': '' },
}

test('a malformed key stops every write until it is mended, is told, and is never overwritten', async () => {
  const good = await client.get(KEY)
  const { origin, place } = await mirrored('malformed')
  for (const [how, data] of Object.entries(MALFORMED)) {
    const spoiled = await client.patch(KEY, { data })
    await awaitUsable(0, how)
    const mark = await solo.mark()
    await write(client, refOf(origin), { password: how })
    await client.patch(place, { metadata: { labels: { touched: 'a' } } })
    await awaitWaiting()
    assert.equal((await client.get(KEY)).metadata.resourceVersion, spoiled.metadata.resourceVersion)
    assert.deepEqual(await solo.changes(mark), [], how)
    await client.patch(KEY, { data: good.data })
    await awaitData(client, place, { password: how })
  }
  await awaitEvent(client, KEY, 'DigestKeyMalformed')
})

test('a key that is malformed at the start lets nothing be written either, deletions included', async () => {
  const good = await client.get(KEY)
  const { origin, place } = await mirrored('start')
  const { origin: leaving, place: left } = await mirrored('start-left')
  await solo.whileStopped(async () => {
    await client.patch(KEY, { data: { key: Buffer.alloc(31).toString('base64') } })
    await write(client, refOf(origin), { password: 'second' })
    await client.remove(refOf(leaving))
  })
  await solo.controller.awaitLine(/"leading"/)
  await solo.controller.awaitLine(/DigestKeyMalformed/)
  const standing = await solo.snapshot([place, left])
  const mark = await solo.mark()
  const late = await client.create(
    offer(origin.metadata.namespace ?? '', 'late', { 'reflect-to': place.namespace ?? '' }),
  )
  await awaitUsable(0, 'malformed at the start')
  await solo.controller.awaitLine(/"DigestKeyMalformed"/)
  assert.deepEqual(await solo.changes(mark), [])
  assert.deepEqual(await solo.snapshot([place, left]), standing)
  await client.patch(KEY, { data: good.data })
  await awaitData(client, place, { password: 'second' })
  await awaitAbsent(client, left)
  await awaitPresent(client, mirrorIn(place.namespace ?? '', { ...late, kind: 'ConfigMap' }))
})

test('a malformed key that is deleted makes way for the last good one', async () => {
  const good = await client.get(KEY)
  const { origin, place } = await mirrored('delete')
  await client.patch(KEY, { data: { key: '' } })
  await awaitUsable(0, 'empty')
  await client.remove(KEY)
  const back = await awaitPresent(client, KEY)
  assert.deepEqual(plain(back), plain(good))
  await write(client, refOf(origin), { password: 'second' })
  await awaitData(client, place, { password: 'second' })
})

test('a ClusterProperty that is there when a key is made names the cluster; what another name marked stays as it is', async () => {
  const { place } = await mirrored('renamed')
  await solo.settled()
  const standing = await solo.snapshot([place])
  await solo.whileStopped(async () => {
    await client.remove(KEY)
    await installClusterProperty(client, 'named.example.com')
  })
  assert.equal(plain(await awaitPresent(client, KEY))['identity'], 'named.example.com')
  await awaitEvent(client, place, 'MirrorUnowned')
  await solo.settled()
  assert.deepEqual(await solo.snapshot([place]), standing)
  await client.remove(place)
  await awaitPresent(client, place)
})

test('the key is in no log line and in no Event', async () => {
  const key = plain(await client.get(KEY))['key'] ?? ''
  const base64 = Buffer.from(key, 'utf8').toString('base64')
  const raw = (await client.get(KEY)).data?.['key'] ?? ''
  const told = JSON.stringify(await client.list('Event')) + solo.said().join('\n')
  for (const form of [raw, base64]) assert.ok(form !== '' && !told.includes(form))
})

interface Offered {
  readonly origin: KubeObject
  readonly place: Ref
}

async function offered(word: string): Promise<Offered> {
  const [home, target] = await stage.namespaces(`${word}-home`, `${word}-target`)
  const origin = secretOffer(home, `pass-${word}`, { 'reflect-to': target }, { password: 'first' })
  await client.create(origin)
  return { origin, place: mirrorIn(target, origin) }
}

async function mirrored(word: string): Promise<Offered> {
  const { origin, place } = await offered(word)
  await awaitData(client, place, { password: 'first' })
  return { origin, place }
}

/** What the two replicas were answered to their POST of the key; null before both were. */
function statusesOf({
  method,
  path,
}: {
  readonly method: string
  readonly path: RegExp
}): readonly number[] | null {
  const found = proxies.flatMap(({ seen }) =>
    seen.filter((each) => each.method === method && path.test(each.path)),
  )
  return found.length < 2 ? null : found.map(({ status }) => status)
}

async function awaitUsable(value: 0 | 1, what: string): Promise<void> {
  const isSo = async (): Promise<true | null> =>
    (await solo.controller.metrics()).sum('heliograph_digest_key_usable') === value ? true : null
  await eventually(isSo, { what: `the key counts as ${value === 0 ? 'un' : ''}usable: ${what}` })
}

/** Until a turn has found no key and waits for one. */
async function awaitWaiting(): Promise<void> {
  const isSo = async (): Promise<true | null> =>
    (await solo.controller.metrics()).sum('heliograph_queue_delayed') > 0 ? true : null
  await eventually(isSo, { what: 'a mirror waits for the key' })
}

function idOf(key: KubeObject): string {
  return digestKeyId(Buffer.from(key.data?.['key'] ?? '', 'base64'))
}

/** The id of the key that stamped it: `v1.ID.…`. */
function digestIdOn(mirror: KubeObject): string {
  return marksOn(mirror)['digest']?.split('.')[1] ?? ''
}
