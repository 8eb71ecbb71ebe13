/** The controller is killed in the middle of a fan-out to three peers of two hundred namespaces each, again and again: after a restart every promise holds. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitList, awaitPresent, eventually } from '../lib/await.ts'
import type { Client } from '../lib/client.ts'
import { eventsAbout } from '../lib/events.ts'
import { isMirrorOf, marksOn } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { annotate, awaitData, secretOffer, textsOf, write } from '../lib/offers.ts'
import { awaitPeer, changesOn, enlist, openSpoke, settledOn } from '../lib/peers.ts'
import type { Spoke } from '../lib/peers.ts'
import { startSolo } from '../lib/solo.ts'
import { SYSTEM } from '../lib/stage.ts'

const NAMESPACES = 200
/** One namespace in so many of each peer holds something of its own under the mirrors’ name. */
const FOREIGN_EVERY = 40
const NAME = 'wildcard'
const AT_ONCE = 20

const [home, ...spokes] = await Promise.all([
  startSolo(),
  ...['east', 'north', 'west'].map((name) => openSpoke(name)),
])
const { client, stage } = home
const names = Array.from({ length: NAMESPACES }, (_, index) => `app-${index}`)
const foreignNames = names.filter((_, index) => index % FOREIGN_EVERY === 0)
const foreign = new Map<Spoke, readonly KubeObject[]>()
for (const spoke of spokes) {
  await eachOf(names, (name) => spoke.client.createNamespace(name))
  foreign.set(spoke, await Promise.all(foreignNames.map((name) => takePlace(spoke.client, name))))
  await enlist(client, spoke)
}
await Promise.all(spokes.map(({ name }) => awaitPeer(home.controller, name)))
const from = await stage.namespace('origins')
const origin = secretOffer(from, NAME, { targets: '*', 'target-namespaces': 'app-*' }, { value: 'first' })
const ref = refOf(origin)

async function eachOf(all: readonly string[], work: (name: string) => Promise<unknown>): Promise<void> {
  const left = [...all]
  const worker = async (): Promise<void> => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) await work(name)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

async function takePlace(at: Client, namespace: string): Promise<KubeObject> {
  return await at.create({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: NAME },
    data: { mine: Buffer.from('yes').toString('base64') },
  })
}

const PATH = `/api/v1/secrets?fieldSelector=metadata.name%3D${NAME}`

function holds(object: KubeObject, value: string): boolean {
  return textsOf({ ...object, kind: 'Secret' })['value'] === value
}

/** Kills the controller as soon as some of a peer’s mirrors hold `value`, and not yet all; answers how many did then. */
async function killAmid(value: string): Promise<void> {
  const [first] = spokes
  assert.ok(first !== undefined)
  const found = await awaitList(
    first.client,
    PATH,
    (objects) => objects.filter((object) => holds(object, value)).length >= NAMESPACES / 10,
    { what: `the spread of ${value} is under way` },
  )
  await home.controller.kill()
  const done = found.filter((object) => holds(object, value)).length
  assert.ok(done < NAMESPACES - foreignNames.length, `it was not in the middle: ${done} were done`)
}

/** Each peer has exactly one mirror with this value in each namespace that is free, and what others made as they made it. */
async function awaitWhole(value: string): Promise<void> {
  for (const spoke of spokes) {
    const others = foreign.get(spoke) ?? []
    const objects = await awaitList(
      spoke.client,
      PATH,
      (found) => found.filter((object) => holds(object, value)).length === NAMESPACES - others.length,
      { what: `${spoke.name} holds ${value} everywhere` },
    )
    const places = objects.map(({ metadata }) => metadata.namespace ?? '')
    assert.deepEqual(places.toSorted(), names.toSorted())
    for (const object of objects) {
      const secret = { ...object, kind: 'Secret' }
      const mine = others.find(({ metadata }) => metadata.namespace === object.metadata.namespace)
      if (mine === undefined) {
        assert.deepEqual(textsOf(secret), { value })
        assert.ok(isMirrorOf(secret, ref))
        assert.equal(marksOn(secret)['at'], `${object.metadata.namespace ?? ''}/${NAME}`)
      } else {
        assert.deepEqual(
          [object.metadata.uid, object.metadata.resourceVersion],
          [mine.metadata.uid, mine.metadata.resourceVersion],
        )
      }
    }
  }
}

async function again(): Promise<void> {
  await home.start()
  await Promise.all(spokes.map(({ name }) => awaitPeer(home.controller, name)))
}

test('killed while the first mirrors are made: after a restart there is exactly one in each namespace of each peer', async () => {
  await client.create(origin)
  await killAmid('first')
  await again()
  await awaitWhole('first')
})

test('killed in a rotation, and rotated once more while nobody ran: each mirror has the last value alone', async () => {
  await write(client, ref, { value: 'second' })
  await killAmid('second')
  await write(client, ref, { value: 'third' })
  await again()
  await awaitWhole('third')
})

test('killed in a rotation, mirrors edited and deleted and a namespace made meanwhile: all is put right, and each written once', async () => {
  const [east] = spokes
  assert.ok(east !== undefined)
  await write(client, ref, { value: 'fourth' })
  await killAmid('fourth')
  const [one = '', two = ''] = names.filter((name) => !foreignNames.includes(name)).slice(-2)
  await write(east.client, placeIn(one), { value: 'mallory' })
  await east.client.remove(placeIn(two))
  await east.client.createNamespace('app-late')
  const mark = await east.plane.own.audit.mark()
  await again()
  await awaitWholeBut('app-late', east)
  await awaitData(east.client, placeIn(one), { value: 'fourth' })
  await awaitData(east.client, placeIn(two), { value: 'fourth' })
  await settledOn(home, east)
  const written = await changesOn(east, mark)
  assert.equal(new Set(written).size, written.length, 'nothing is written twice')
  assert.ok(written.some((each) => each.startsWith(`create secrets ${two}/`)))
  stage.plane.requireControllers('the end of a namespace')
  await east.client.remove({ kind: 'Namespace', name: 'app-late' })
  await awaitAbsent(east.client, placeIn('app-late'))
})

function placeIn(namespace: string): Ref {
  return { kind: 'Secret', namespace, name: NAME }
}

/** The namespace that came late has its mirror, and it is none of those that {@link awaitWhole} counts. */
async function awaitWholeBut(late: string, { client: at }: Spoke): Promise<void> {
  await awaitPresent(at, placeIn(late), (object) => holds(object, 'fourth'))
  await awaitList(
    at,
    PATH,
    (found) =>
      found.filter((object) => holds(object, 'fourth')).length === NAMESPACES - foreignNames.length + 1,
    { what: 'everywhere' },
  )
}

test('killed while the mirrors go with their origin: what nobody saw caused is held on each peer until a person releases it, then all go, and what others made stays', async () => {
  await client.remove(ref)
  const [east] = spokes
  assert.ok(east !== undefined)
  await awaitList(east.client, PATH, (found) => found.length <= NAMESPACES * 0.9, { what: 'they are going' })
  await home.controller.kill()
  const before = await Promise.all(spokes.map(({ client: at }) => at.listFrom(PATH)))
  await again()
  const ids = await awaitHolds()
  const held = await Promise.all(spokes.map(({ client: at }) => at.listFrom(PATH)))
  assert.deepEqual(held.map(placesOf), before.map(placesOf), 'nothing goes meanwhile')
  for (const hold of ids) {
    await annotate(client, LEASE, { release: hold })
    await awaitPresent(
      client,
      LEASE,
      ({ metadata }) => metadata.annotations?.['heliograph.dev/release'] === undefined,
      { what: 'the release is taken up' },
    )
  }
  for (const spoke of spokes) {
    const left = await awaitList(spoke.client, PATH, (found) => found.length <= foreignNames.length, {
      what: `all mirrors on ${spoke.name} are gone`,
    })
    assert.deepEqual(placesOf({ items: left }), placesOf({ items: foreign.get(spoke) ?? [] }))
  }
})

const LEASE: Ref = { kind: 'Lease', namespace: SYSTEM, name: 'heliograph' }

/** The ids of the holds of this namespace of origins, one for each peer. */
async function awaitHolds(): Promise<readonly string[]> {
  return await eventually(
    async () => {
      const told = await eventsAbout(client, { kind: 'Namespace', name: from })
      const ids = told.flatMap(({ message }) => /heliograph release ([0-9a-f]+)/.exec(message)?.[1] ?? [])
      return ids.length === spokes.length ? ids : null
    },
    { what: 'each peer has a hold' },
  )
}

function placesOf({ items }: { readonly items: readonly KubeObject[] }): readonly string[] {
  return items
    .map(
      ({ metadata: { namespace = '', uid = '', resourceVersion = '' } }) =>
        `${namespace} ${uid} ${resourceVersion}`,
    )
    .toSorted()
}
