/** More than a hundred mirrors on a peer do not go by an end that nobody saw; who may release them is told at home. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitList, eventually } from '../lib/await.ts'
import { runCommand } from '../lib/command.ts'
import { awaitEvent, eventsIn } from '../lib/events.ts'
import { refOf } from '../lib/objects.ts'
import type { Ref } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, offer, write } from '../lib/offers.ts'
import { changesOn, enlist, openSpoke, settledOn } from '../lib/peers.ts'
import { SYSTEM } from '../lib/stage.ts'
import { startSolo } from '../lib/solo.ts'

const TARGETS = 120

const [home, east] = await Promise.all([startSolo(), openSpoke('east')])
const { client, stage } = home
const entry = await enlist(client, east)
await Promise.all(Array.from({ length: TARGETS }, (_, index) => east.client.createNamespace(`many-${index}`)))

async function offered(from: string, name: string): Promise<Ref> {
  const origin = await client.create(offer(from, name, { targets: 'east', 'target-namespaces': 'many-*' }))
  await countIs(name, TARGETS)
  return refOf(origin)
}

async function countIs(name: string, count: number): Promise<void> {
  await awaitList(
    east.client,
    `/api/v1/configmaps?fieldSelector=metadata.name%3D${name}`,
    ({ length }) => length === count,
    { what: `${count} mirrors of ${name}` },
  )
}

/** The id that the Event at home names. */
async function holdIn(namespace: string): Promise<string> {
  const told = await awaitEvent(client, { kind: 'Namespace', name: namespace }, 'DeletionsHeld')
  const id = /heliograph release ([0-9a-f]+)/.exec(told.message)?.[1]
  assert(id !== undefined, told.message)
  return id
}

async function release(id: string): Promise<void> {
  const { code, complaint } = await runCommand([
    'release',
    id,
    `--kubeconfig=${stage.plane.kubeconfig}`,
    `--namespace=${SYSTEM}`,
  ])
  assert.equal(code, 0, complaint)
}

test('mirrors of an origin that went unseen are held on the peer, told at home, and go when they are released', async () => {
  const [from, other] = await stage.namespaces('unseen', 'other')
  // The peer has a namespace of this name as well: it is not told of what home holds.
  await east.client.createNamespace(from)
  const gone = await offered(from, 'gone')
  const beside = await client.create(
    offer(other, 'beside', { targets: 'east', 'target-namespaces': 'many-1' }),
  )
  await countIs('beside', 1)
  const mark = await east.plane.own.audit.mark()
  await home.whileStopped(async () => await client.remove(gone))
  const hold = await holdIn(from)
  await write(client, refOf(beside), { a: '2' })
  await awaitData(east.client, mirrorIn('many-1', beside), { a: '2' })
  await settledOn(home, east)
  assert.deepEqual(await changesOn(east, mark), ['patch configmaps many-1/beside 200'])
  await eventually(
    async () => {
      const metrics = await home.controller.metrics()
      return metrics.sum('heliograph_deletions_held', { destination: 'east' }) === TARGETS ? true : null
    },
    { what: 'the metric counts what is held on the peer' },
  )
  assert.deepEqual(await eventsIn(east.client, from), [])
  await release(hold)
  await countIs('gone', 0)
})

test('`peer-origins` that withdraws consent from more than a hundred mirrors is confirmed by a person as well', async () => {
  const from = await stage.namespace('withdrawn')
  await offered(from, 'withdrawn')
  await annotate(client, entry, { 'peer-origins': 'beacon-home/*' })
  const hold = await holdIn(from)
  await settledOn(home, east)
  await countIs('withdrawn', TARGETS)
  await release(hold)
  await countIs('withdrawn', 0)
  await annotate(client, entry, { 'peer-origins': '*' })
  await countIs('withdrawn', TARGETS)
})
