/** A peer that is away, frozen, mute, or says no to the credential: only what is left to write is written when it is back, and nobody waits for it meanwhile. */

import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { after, test } from 'node:test'

import { awaitAbsent, awaitList, eventually } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { at } from '../lib/marks.ts'
import { collectionPath, refOf } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { awaitData, mirrorIn, secretOffer, write } from '../lib/offers.ts'
import {
  awaitPeer,
  changesOn,
  enlist,
  formOf,
  grantAccount,
  openSpoke,
  peerSecret,
  settledOn,
} from '../lib/peers.ts'
import type { Spoke } from '../lib/peers.ts'
import { startSolo } from '../lib/solo.ts'

const ORIGINS = 50
const ROUNDS = 10

const [home, east, west] = await Promise.all([startSolo(), openSpoke('east'), openSpoke('west')])
const { client, stage } = home
const [eastSecret] = await Promise.all([enlist(client, east), enlist(client, west)])
await Promise.all([awaitPeer(home.controller, 'east'), awaitPeer(home.controller, 'west')])

/** Gives the account of `east` a new token and writes it into the peer Secret. */
async function rotateToken(token?: string): Promise<void> {
  const { url: server, caPem } = east.plane
  const form = formOf({ name: 'east', server, caPem, token: token ?? (await east.token()) })
  await write(client, eastSecret, form)
}

/** Waits until each of `origins` has a mirror with this value in `namespace` of the peer. */
async function awaitAll(
  spoke: Pick<Spoke, 'client'>,
  namespace: string,
  origins: readonly KubeObject[],
  value: string,
): Promise<void> {
  const wanted = Buffer.from(value).toString('base64')
  const names = new Set(origins.map(({ metadata }) => metadata.name))
  await awaitList(
    spoke.client,
    collectionPath('Secret', namespace),
    (found) =>
      found.filter(({ metadata, data }) => names.has(metadata.name) && data?.['value'] === wanted).length ===
      names.size,
    { what: `${names.size} mirrors hold ${value}` },
  )
}

test('a peer that was away during 500 changes gets the final state alone, each mirror in one write, and home and the other peer do not wait', async () => {
  const from = await stage.namespace('away')
  const local = await stage.namespace('away-local')
  const [there, yonder] = [await east.namespace('away'), await west.namespace('away')]
  const reach = { 'reflect-to': local, targets: 'east, west', 'target-namespaces': 'away-*' }
  const make = async (name: string): Promise<KubeObject> =>
    await client.create(secretOffer(from, name, reach, { value: 'first' }))
  const origins = await Promise.all(Array.from({ length: ORIGINS }, (_, index) => make(`cert-${index}`)))
  const removed = await make('removed')
  const untouched = await make('untouched')
  await awaitAll(east, there, [...origins, removed, untouched], 'first')
  await settledOn(home, east)
  const mark = await east.plane.own.audit.mark()
  const server = await east.plane.own.stopApiServer()
  try {
    for (let round = 1; round <= ROUNDS; round += 1)
      await Promise.all(origins.map((each) => write(client, refOf(each), { value: `round ${round}` })))
    await client.remove(refOf(removed))
    await make('added')
    // While the peer is still away: whoever waited for it would fail here.
    await awaitAll({ client }, local, origins, `round ${ROUNDS}`)
    await awaitAll(west, yonder, origins, `round ${ROUNDS}`)
    await awaitAbsent(west.client, mirrorIn(yonder, removed))
    await awaitPeer(home.controller, 'east', 'unreachable')
    assert.equal(await home.controller.probe('/readyz'), 200)
  } finally {
    await server.start()
  }
  await awaitAll(east, there, origins, `round ${ROUNDS}`)
  await awaitAbsent(east.client, mirrorIn(there, removed))
  await settledOn(home, east)
  const wanted = [
    `create secrets ${there}/added 201`,
    `delete secrets ${there}/removed 200`,
    ...origins.map(({ metadata }) => `patch secrets ${there}/${metadata.name} 200`),
  ]
  assert.deepEqual((await changesOn(east, mark)).toSorted(), wanted.toSorted())
})

test('edits and deletions that a peer saw while the way to it was cut are found and put right', async () => {
  const from = await stage.namespace('unseen')
  const there = await east.namespace('unseen')
  const reach = { targets: 'east', 'target-namespaces': 'unseen-*' }
  const [edited, gone] = await Promise.all(
    ['edited', 'gone'].map((name) => client.create(secretOffer(from, name, reach))),
  )
  assert.ok(edited !== undefined && gone !== undefined)
  for (const origin of [edited, gone]) await awaitData(east.client, mirrorIn(there, origin), { a: '1' })
  // The account gone, its credential is refused; the watches that are open go with the server.
  await east.client.remove({ kind: 'ServiceAccount', namespace: 'spoke-account', name: 'spoke' })
  await east.plane.own.restartApiServer()
  await awaitPeer(home.controller, 'east', 'unauthorized')
  await write(east.client, mirrorIn(there, edited), { a: 'mallory' })
  await east.client.remove(mirrorIn(there, gone))
  await grantAccount(east.client)
  await rotateToken()
  for (const origin of [edited, gone]) await awaitData(east.client, mirrorIn(there, origin), { a: '1' })
})

test('a credential that is refused with 401 stops that peer alone, and the token that takes its place brings what was missed, once', async () => {
  const from = await stage.namespace('refused')
  const [there, yonder] = [await east.namespace('refused'), await west.namespace('refused')]
  const reach = { targets: 'east, west', 'target-namespaces': 'refused-*' }
  const [one, two] = await Promise.all(
    ['one', 'two'].map((name) => client.create(secretOffer(from, name, reach, { value: 'first' }))),
  )
  assert.ok(one !== undefined && two !== undefined)
  await awaitAll(east, there, [one, two], 'first')
  await settledOn(home, east)
  await east.client.remove({ kind: 'ServiceAccount', namespace: 'spoke-account', name: 'spoke' })
  // The server takes a token that it knows for some seconds more.
  await eventually(
    async () => {
      await write(client, refOf(one), { value: String(performance.now()) })
      return await stateOf('east', 'unauthorized')
    },
    { what: 'the credential is found to be refused' },
  )
  const told = await awaitEvent(client, eastSecret, 'PeerUnreachable', ({ message }) =>
    message.includes('it refuses the credential'),
  )
  assert.equal(told.type, 'Warning')
  const mark = await east.plane.own.audit.mark()
  for (const value of ['second', 'third'])
    for (const each of [one, two]) await write(client, refOf(each), { value })
  await client.create(secretOffer(from, 'added', reach, { value: 'third' }))
  await awaitAll(west, yonder, [one, two], 'third')
  await grantAccount(east.client)
  await rotateToken()
  await awaitAll(east, there, [one, two], 'third')
  await settledOn(home, east)
  const written = (await changesOn(east, mark)).filter((each) => !each.endsWith(' 401'))
  const patches = ['one', 'two'].map((name) => `patch secrets ${there}/${name} 200`)
  assert.deepEqual(written.toSorted(), [`create secrets ${there}/added 201`, ...patches])
})

async function stateOf(peer: string, state: string): Promise<true | null> {
  return (await home.controller.metrics()).sum('heliograph_peer_state', { peer, state }) === 1 ? true : null
}

test('a token that is rotated in time is used from the next request on, and no watch is opened again for it', async () => {
  const from = await stage.namespace('rotated')
  const there = await east.namespace('rotated')
  const reach = { targets: 'east', 'target-namespaces': 'rotated-*' }
  const origin = await client.create(secretOffer(from, 'cert', reach, { value: 'first' }))
  await awaitAll(east, there, [origin], 'first')
  await settledOn(home, east)
  const other = await grantAccount(east.client, { account: 'successor' })
  const user = `system:serviceaccount:${other.namespace ?? ''}:${other.name}`
  const mark = await east.plane.own.audit.mark()
  await rotateToken(await east.client.tokenFor(other.namespace ?? '', other.name))
  // A request of the new account shows that it was taken up.
  await eventually(
    async () => {
      await write(client, refOf(origin), { value: String(performance.now()) })
      return (await changesOn(east, mark, user)).length > 0 ? true : null
    },
    { what: 'the peer is written to by the new account' },
  )
  await write(client, refOf(origin), { value: 'last' })
  await awaitAll(east, there, [origin], 'last')
  await settledOn(home, east)
  const asked = await east.plane.own.audit.since(mark)
  const reopened = asked.filter(
    ({ user: who, verb }) => [east.user, user].includes(who) && (verb === 'watch' || verb === 'list'),
  )
  assert.deepEqual(reopened, [])
  await rotateToken()
})

test('a kubeconfig that is broken leaves the last good connection at work and is told; mended, nothing is written for it', async () => {
  const from = await stage.namespace('broken')
  const there = await east.namespace('broken')
  const reach = { targets: 'east', 'target-namespaces': 'broken-*' }
  const origin = await client.create(secretOffer(from, 'cert', reach, { value: 'first' }))
  await awaitAll(east, there, [origin], 'first')
  const flaws = [
    ['kubeconfig: [', 'no YAML map'],
    [JSON.stringify({ 'current-context': 'lost' }), 'current-context must name one of contexts'],
  ] as const
  for (const [kubeconfig, reason] of flaws) {
    await write(client, eastSecret, { kubeconfig })
    await awaitEvent(client, eastSecret, 'PeerRefused', ({ message }) => message.includes(reason))
    await write(client, refOf(origin), { value: reason })
    await awaitAll(east, there, [origin], reason)
  }
  const mark = await east.plane.own.audit.mark()
  await rotateToken()
  await settledOn(home, east)
  assert.deepEqual(await changesOn(east, mark), [])
  assert.equal((await home.controller.metrics()).sum('heliograph_peer_up', { peer: 'east' }), 1)
})

test('a peer that accepts connections and never answers delays neither home nor a peer that answers', async () => {
  const sockets = new Set<Socket>()
  const mute = createServer((socket) => void sockets.add(socket.on('error', () => {})))
  await new Promise<void>((resolve) => void mute.listen(0, '127.0.0.1', resolve))
  after(() => {
    for (const socket of sockets) socket.destroy()
    mute.close()
  })
  const { port } = mute.address() as AddressInfo
  const { caPem } = east.plane
  const given = { name: 'mute', server: `https://127.0.0.1:${port}`, caPem, token: 'x' }
  await client.create(peerSecret({ ...given, annotations: { 'peer-origins': '*' } }))
  await eventually(() => (sockets.size > 0 ? true : null), { what: 'it is asked' })
  const from = await stage.namespace('mute')
  const local = await stage.namespace('mute-local')
  const there = await east.namespace('mute')
  const reach = { 'reflect-to': local, targets: '*', 'target-namespaces': 'mute-*' }
  const origin = await client.create(secretOffer(from, 'cert', reach, { value: 'first' }))
  await awaitAll(east, there, [origin], 'first')
  await awaitData(client, at(refOf(origin), local), { value: 'first' })
  const peer = { peer: 'mute' }
  assert.equal((await home.controller.metrics()).sum('heliograph_peer_up', peer), 0)
  await client.remove(refOf(peerSecret(given)))
  await eventually(
    async () => ((await home.controller.metrics()).text.includes('peer="mute"') ? null : true),
    { what: 'nothing is said of a peer that is gone' },
  )
})

test('a peer that freezes in the middle of its work delays nobody, and gets the final state when it thaws', async () => {
  const from = await stage.namespace('frozen')
  const local = await stage.namespace('frozen-local')
  const [there, yonder] = [await east.namespace('frozen'), await west.namespace('frozen')]
  const reach = { 'reflect-to': local, targets: '*', 'target-namespaces': 'frozen-*' }
  const make = async (index: number): Promise<KubeObject> =>
    await client.create(secretOffer(from, `cert-${index}`, reach, { value: 'first' }))
  const origins = await Promise.all(Array.from({ length: ORIGINS }, (_, index) => make(index)))
  await awaitAll(east, there, origins, 'first')
  east.plane.own.freezeApiServer()
  try {
    for (const value of ['second', 'third']) {
      await Promise.all(origins.map((each) => write(client, refOf(each), { value })))
      await awaitAll({ client }, local, origins, value)
      await awaitAll(west, yonder, origins, value)
    }
    assert.equal(await home.controller.probe('/readyz'), 200)
  } finally {
    east.plane.own.thawApiServer()
  }
  await awaitAll(east, there, origins, 'third')
})

test('a peer Secret that is removed leaves its mirrors, and an Event says how many; named again, they are taken on as they are', async () => {
  const from = await stage.namespace('removed')
  const there = await west.namespace('removed')
  const reach = { targets: 'west', 'target-namespaces': 'removed-*' }
  const origin = await client.create(secretOffer(from, 'cert', reach, { value: 'first' }))
  await awaitAll(west, there, [origin], 'first')
  await settledOn(home, west)
  const mirrors = await awaitList(
    west.client,
    '/api/v1/secrets?labelSelector=heliograph.dev%2Fmirror',
    (found) => found.every(({ metadata }) => metadata.namespace?.startsWith('beacon') === false),
    { what: 'no beacon is left' },
  )
  await eventually(
    async () => {
      const counted = (await home.controller.metrics()).sum('heliograph_mirrors', { destination: 'west' })
      return counted === mirrors.length ? true : null
    },
    { what: 'all are counted' },
  )
  const mark = await west.plane.own.audit.mark()
  const secret = await client.get({ kind: 'Secret', namespace: 'heliograph', name: 'west' })
  await client.remove(refOf(secret))
  const told = await awaitEvent(client, refOf(secret), 'PeerRemoved')
  assert.match(told.message, new RegExp(`Mirrors that stay there: ${mirrors.length}\\.`))
  await write(client, refOf(origin), { value: 'second' })
  await settledOn(home, east)
  assert.deepEqual(await changesOn(west, mark), [])
  await enlist(client, west)
  await awaitAll(west, there, [origin], 'second')
  await settledOn(home, west)
  assert.deepEqual(await changesOn(west, mark), [`patch secrets ${there}/cert 200`])
})
