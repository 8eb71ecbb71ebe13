/** Promise 9: each request that changes a mirror proves what it changes, so that none of them, sent again later by anybody, brings old data back. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { PREFIX, at, isMirrorOf, marksOn, ours } from '../lib/marks.ts'
import { configMap, refOf, secret } from '../lib/objects.ts'
import type { Ref } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, offer, secretOffer, write } from '../lib/offers.ts'
import { startProxy } from '../lib/proxy.ts'
import { openSolo } from '../lib/solo.ts'

const solo = await openSolo()
const { client, stage } = solo
const proxy = await startProxy(stage.plane)
after(() => proxy.close())

interface Recorded {
  readonly method: string
  readonly path: string
  readonly contentType: string
  readonly body: unknown
}

const recorded: Recorded[] = []
proxy.on({ method: /^(POST|PUT|PATCH|DELETE)$/, path: /\/(secrets|configmaps)/ }, async (exchange) => {
  const { method, path, headers, body } = exchange
  const contentType = String(headers['content-type'] ?? '')
  recorded.push({ method, path, contentType, body: body.length === 0 ? null : JSON.parse(body.toString()) })
  await exchange.pass()
})
await solo.start({ through: proxy })

const [home, target] = await stage.namespaces('home', 'target')
await client.create(configMap(target, 'adopted', { own: 'x' }, ours({ adopt: `${home}/adopted` })))
const asking = await client.create(
  secret(target, 'asks', {}, { annotations: ours({ 'reflect-from': `${home}/pulled` }) }),
)

/** What every scene below went through, in the order of `recorded`. */
const lives = await liveThrough()

test('every delete carries uid and resourceVersion as preconditions', () => {
  const deletes = recorded.filter(({ method }) => method === 'DELETE')
  assert(deletes.length >= 4, `${deletes.length} deletes`)
  for (const { path, body } of deletes) {
    const { preconditions } = body as {
      readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
    }
    assert.match(preconditions?.uid ?? '', /^[0-9a-f-]{36}$/, path)
    assert.match(preconditions?.resourceVersion ?? '', /^\d+$/, path)
  }
})

interface Op {
  readonly op: string
  readonly path: string
}

test('every update tests uid, the marks that prove it ours, and the version of data that it replaces', () => {
  const updates = recorded.filter(({ method }) => method === 'PATCH' || method === 'PUT')
  assert(updates.length >= 12, `${updates.length} updates`)
  for (const { method, path, contentType, body } of updates) {
    assert.deepEqual([method, contentType], ['PATCH', 'application/json-patch+json'], path)
    const ops = body as readonly Op[]
    const firstWrite = ops.findIndex(({ op }) => op !== 'test')
    const tested = ops.slice(0, firstWrite).map((each) => each.path)
    assert(tested.includes('/metadata/uid'), path)
    const mark = (name: string): string => `/metadata/annotations/${PREFIX.replace('/', '~1')}${name}`
    const isPinned = tested.includes('/metadata/resourceVersion')
    const provesData = tested.includes(mark('digest'))
    assert(isPinned || provesData, `${path}: neither version nor digest is tested`)
    const consents = ['adopt', 'retained', 'reflect-from'].some((name) => tested.includes(mark(name)))
    const isOurs = tested.includes(mark('origin')) && tested.includes(mark('at'))
    assert(isOurs || consents || isPinned, `${path}: ownership is not tested`)
  }
})

test('every create is a POST: nothing is merged into what stands there', () => {
  const creates = recorded.filter(({ method }) => method === 'POST')
  assert(creates.length >= 6)
  for (const { path } of creates) assert(!path.includes('force'), path)
})

test('all requests, sent again in any order when all is over, change nothing that is there', async () => {
  const before = await solo.snapshot(lives)
  for (const { method, path, contentType, body } of [...recorded, ...recorded.toReversed()]) {
    if (method === 'POST') continue
    const { status } = await client.request(method, path, { contentType, body })
    assert([404, 409, 422].includes(status), `${method} ${path} answered ${status}`)
  }
  assert.deepEqual(await solo.snapshot(lives), before)
})

test('creates that come late are undone: what nobody claims any more goes again', async () => {
  const before = await solo.snapshot(lives)
  const creates = recorded.filter(({ method, path }) => method === 'POST' && !path.includes('dryRun'))
  for (const { path, body } of creates) await client.request('POST', path, { body })
  await awaitAbsent(client, { kind: 'Secret', namespace: target, name: 'gone' })
  await solo.settled()
  assert.deepEqual(await solo.snapshot(lives), before)
})

/** Every kind of write that there is, several times over; answers all places where something could stand now. */
async function liveThrough(): Promise<readonly Ref[]> {
  const refs = [...(await liveByPush()), ...(await liveByConsent())]
  await solo.settled()
  return refs
}

async function liveByPush(): Promise<readonly Ref[]> {
  const refs: Ref[] = []
  for (const make of [offer, secretOffer]) {
    const origin = refOf(await client.create(make(home, 'shared', { 'reflect-to': target }, { a: 'first' })))
    const mirror = at(origin, target)
    await awaitData(client, mirror, { a: 'first' })
    for (const a of ['second', 'third', 'first', 'last']) {
      await write(client, origin, { a })
      await awaitData(client, mirror, { a })
    }
    await write(client, mirror, { a: 'edited' })
    await awaitData(client, mirror, { a: 'last' })
    await annotate(client, mirror, { at: null })
    await awaitPresent(client, mirror, (each) => isMirrorOf(each, origin))
    await client.remove(mirror)
    await awaitData(client, mirror, { a: 'last' })
    await annotate(client, origin, { immutable: 'true' })
    await awaitPresent(client, mirror, ({ immutable }) => immutable === true)
    await write(client, origin, { a: 'replaced' })
    await awaitData(client, mirror, { a: 'replaced' })
    const leaving = refOf(await client.create(make(home, 'gone', { 'reflect-to': target })))
    await awaitPresent(client, at(leaving, target))
    await client.remove(leaving)
    await awaitAbsent(client, at(leaving, target))
    refs.push(origin, mirror, at(leaving, target))
  }
  return refs
}

async function liveByConsent(): Promise<readonly Ref[]> {
  const adopting = refOf(
    await client.create(offer(home, 'adopted', { 'reflect-to': target }, { a: 'first' })),
  )
  await awaitData(client, at(adopting, target), { a: 'first' })
  const retaining = refOf(
    await client.create(offer(home, 'retained', { 'reflect-to': target, 'on-delete': 'retain' })),
  )
  const retained = at(retaining, target)
  await awaitData(client, retained, { a: '1' })
  for (const a of ['2', '3']) {
    await annotate(client, retaining, { 'reflect-to': null })
    await awaitPresent(client, retained, (each) => marksOn(each)['retained'] !== undefined)
    await write(client, retaining, { a })
    await annotate(client, retaining, { 'reflect-to': target })
    await awaitData(client, retained, { a })
  }
  const pulled = await client.create(secretOffer(home, 'pulled', { 'allow-pull': target }, { a: 'first' }))
  for (const a of ['second', 'first', 'last']) {
    await write(client, refOf(pulled), { a })
    await awaitData(client, refOf(asking), { a })
  }
  return [
    adopting,
    mirrorIn(target, configMap(home, 'adopted', {})),
    retaining,
    retained,
    refOf(pulled),
    refOf(asking),
  ]
}
