/** Promise 5: nothing is written when nothing changes, through restarts, relists, other digest readers and foreign metadata. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { awaitPresent, eventually } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { marksOn, ours } from '../lib/marks.ts'
import { configMap, refOf, secret } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, offer, secretOffer } from '../lib/offers.ts'
import type { Texts } from '../lib/offers.ts'
import { startProxy } from '../lib/proxy.ts'
import { openSolo } from '../lib/solo.ts'

const solo = await openSolo()
const { client, stage } = solo
const proxy = await startProxy(stage.plane)
after(() => proxy.close())
await solo.start({ through: proxy })

/** One origin of each kind for each of these, each with a mirror. */
const SHAPES: readonly Texts[] = [
  {},
  { labels: '{"a":"1"}', annotations: '{"b":"2"}' },
  { carry: 'team' },
  { keys: 'a=renamed' },
  { immutable: 'true' },
  { 'on-delete': 'retain' },
]

const [home, target] = await stage.namespaces('home', 'target')
const everything: readonly Ref[] = await layOut()

test('a stop and a start write nothing', async () => {
  await assertQuiet(async () => await solo.restart({ through: proxy }))
})

test('a kill and a start write nothing', async () => {
  await assertQuiet(async () => {
    await solo.controller.kill()
    await solo.start({ through: proxy, environment: { HELIOGRAPH_LEADER_ELECTION: 'false' } })
  })
})

test('a start without leader election, or with other settings of pace, writes nothing', async () => {
  const environment = {
    HELIOGRAPH_SWEEP_INTERVAL: '10m',
    HELIOGRAPH_AUDIT_INTERVAL: '1m',
    HELIOGRAPH_WRITES_IN_FLIGHT_MAX: '4',
    HELIOGRAPH_LEADER_ELECTION: 'false',
  }
  await assertQuiet(async () => {
    await solo.restart({ through: proxy, environment })
  })
})

test('watches that are cut and begin anew write nothing', async () => {
  await assertQuiet(async () => {
    const from = proxy.seen.length
    proxy.cutAll()
    await watchesBegan(from)
  })
})

test('a relist, its history being lost, writes nothing', async () => {
  await assertQuiet(async () => {
    const from = proxy.seen.length
    await stage.plane.own.expireHistory()
    await watchesBegan(from)
  })
})

test('changes that concern no mirror’s content write nothing: of origins, mirrors, namespaces and objects of others', async () => {
  for (const ref of everything.filter(({ namespace }) => namespace === home))
    await client.patch(ref, { metadata: { labels: { touched: 'yes' } } })
  for (const namespace of [home, target])
    await client.patch({ kind: 'Namespace', name: namespace }, { metadata: { labels: { touched: 'yes' } } })
  await client.create(secret(target, 'unrelated', { a: '1' }))
  const mirrors = everything.filter(({ namespace }) => namespace === target)
  for (const ref of mirrors) await client.patch(ref, { metadata: { labels: { foreign: 'yes' } } })
  await assertQuiet(async () => await solo.settled())
  await assertQuiet(async () => await solo.restart({ through: proxy }))
})

test('a change that is taken back before it was seen writes nothing', async () => {
  const origins = everything.filter(({ namespace, name }) => namespace === home && name.startsWith('shape-0'))
  await solo.stop()
  const before = await solo.snapshot(everything.filter(({ namespace }) => namespace === target))
  for (const ref of origins) {
    const { data } = await client.get(ref)
    await client.patch(ref, { data: { a: Buffer.from('other').toString('base64') } })
    await client.patch(ref, { data })
  }
  await solo.start({ through: proxy })
  await solo.settled()
  assert.deepEqual(await solo.snapshot(everything.filter(({ namespace }) => namespace === target)), before)
})

/** Mirrors of every shape, a pull mirror, an adopted, a retained and a foreign object; all at rest. */
async function layOut(): Promise<readonly Ref[]> {
  const refs: Ref[] = []
  for (const make of [offer, secretOffer]) {
    for (const [index, keys] of SHAPES.entries()) {
      const name = `shape-${index}`
      const origin = await client.create(labelled(make(home, name, { 'reflect-to': target, ...keys })))
      await awaitPresent(client, mirrorIn(target, origin))
      refs.push(refOf(origin), mirrorIn(target, origin))
    }
  }
  refs.push(...(await layOutConsented()))
  await solo.settled()
  return refs
}

async function layOutConsented(): Promise<readonly Ref[]> {
  const pulled = await client.create(offer(home, 'pulled', { 'allow-pull': target, labels: '{"a":"1"}' }))
  const asking = await client.create(
    configMap(target, 'asks', {}, ours({ 'reflect-from': `${home}/pulled` })),
  )
  await awaitData(client, refOf(asking), { a: '1' })
  const given = await client.create(configMap(target, 'adopted', {}, ours({ adopt: `${home}/adopted` })))
  const adopting = await client.create(offer(home, 'adopted', { 'reflect-to': target }))
  await awaitData(client, refOf(given), { a: '1' })
  const foreign = await client.create(configMap(target, 'foreign', { own: 'x' }))
  const hindered = await client.create(offer(home, 'foreign', { 'reflect-to': target }))
  await awaitEvent(client, refOf(foreign), 'MirrorBlocked')
  const leaving = await client.create(
    offer(home, 'retained', { 'reflect-to': target, 'on-delete': 'retain' }),
  )
  const retained = mirrorIn(target, leaving)
  await awaitPresent(client, retained)
  await annotate(client, refOf(leaving), { 'reflect-to': null })
  await awaitPresent(client, retained, (each) => marksOn(each)['retained'] !== undefined)
  return [...[pulled, asking, given, adopting, foreign, hindered, leaving].map(refOf), retained]
}

function labelled(object: KubeObject): KubeObject {
  return { ...object, metadata: { ...object.metadata, labels: { team: 'a' } } }
}

/** Neither a version moves nor a request for a change is sent while `happens` happens. */
async function assertQuiet(happens: () => Promise<unknown>): Promise<void> {
  const before = await solo.snapshot(everything)
  const mark = await solo.mark()
  await happens()
  await solo.settled()
  assert.deepEqual(await solo.snapshot(everything), before)
  // Whether a foreign object is in the way is known by trying, as unrelated objects are not kept in mind.
  const sent = await solo.changes(mark)
  assert.deepEqual(
    sent.filter((change) => change !== `create configmaps ${target}/foreign 409`),
    [],
  )
}

/** The three watches were answered anew, since as many requests as `from`. */
async function watchesBegan(from: number): Promise<void> {
  const watches = new Set<string>()
  await eventually(
    () => {
      for (const { path, status } of proxy.seen.slice(from))
        if (status === 200 && path.includes('watch=')) watches.add(path.split('?')[0] ?? '')
      return watches.size >= 3 ? true : null
    },
    { what: 'three watches begin anew' },
  )
}
