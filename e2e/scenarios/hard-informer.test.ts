/** The watches where history is gone, streams fall silent, are cut, or are refused: no change is lost, and nothing is written in vain. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { startProxy } from '../lib/proxy.ts'
import { openSolo } from '../lib/solo.ts'
import { passesUnharmed, restartsOf } from '../lib/upheaval.ts'

const solo = await openSolo()
const { own } = solo.stage.plane
const proxy = await startProxy(solo.stage.plane)
after(() => proxy.close())
await solo.start({ through: proxy })

test('streams that fall silent deliver all of it when they speak again', async () => {
  await passesUnharmed(solo, 'muted', async (change) => {
    proxy.muteStreams()
    await change()
    proxy.resumeStreams()
  })
})

test('streams that fall silent and are then cut are resumed where they were', async () => {
  await passesUnharmed(solo, 'cut', async (change) => {
    proxy.muteStreams()
    await change()
    proxy.cutAll()
    proxy.resumeStreams()
  })
  assert.ok((await restartsOf(solo, 'cut')) >= 3)
  assert.equal(await restartsOf(solo, 'expired'), 0)
})

test('etcd compaction under running watches is not noticed', async () => {
  const before = await restartsOf(solo, 'expired')
  await passesUnharmed(solo, 'compact', async (change) => {
    await own.compact()
    await change()
    await own.compact()
  })
  assert.equal(await restartsOf(solo, 'expired'), before)
})

test('history that is gone when the watches come back is made good by a relist, deletions included', async () => {
  await solo.restart({ through: proxy })
  await passesUnharmed(solo, 'expired', async (change) => {
    proxy.muteStreams()
    await change()
    // No watch comes back before the history is gone.
    const away = proxy.on({ method: 'GET', path: /watch=true/ }, (exchange) => exchange.cut())
    proxy.cutAll()
    await own.expireHistory()
    away.remove()
    proxy.resumeStreams()
  })
  assert.ok((await restartsOf(solo, 'expired')) > 0, 'no watch was told that its version is too old')
})

test('watches that are refused with 410, 500 and 429 come back, and nothing is lost', async () => {
  const refusal = (code: number, reason: string): unknown => ({
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    reason,
  })
  await solo.restart({ through: proxy })
  await passesUnharmed(solo, 'refused', async (change) => {
    const watches = { method: 'GET', path: /watch=true/, times: 3 }
    const rules = [
      proxy.on(watches, (exchange) => exchange.answer(410, refusal(410, 'Expired'))),
      proxy.on(watches, (exchange) => exchange.answer(500, refusal(500, 'InternalError'))),
      proxy.on(watches, (exchange) =>
        exchange.answer(429, refusal(429, 'TooManyRequests'), { 'retry-after': '1' }),
      ),
    ]
    proxy.muteStreams()
    await change()
    proxy.cutAll()
    proxy.resumeStreams()
    for (const each of rules) await each.reached(3)
  })
})
