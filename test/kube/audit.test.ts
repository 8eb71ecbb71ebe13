/** The audit finds what the watch missed, and never undoes what the watch told. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { TIMING } from '../../src/kube/timing.ts'
import { rig, startLive } from './rig.ts'
import type { Rig } from './rig.ts'
import type { Asked, WatchAnswer } from './scripted-server.ts'
import { bookmark, event, page, partial, status } from './scripted-server.ts'

const INTERVAL_MS = 200_000

async function startAudit(
  t: Parameters<typeof rig>[0],
): Promise<{ made: Rig; watch: WatchAnswer; list: Asked }> {
  const made = await rig(t, { auditIntervalMs: INTERVAL_MS })
  const { watch } = await startLive(made)
  await made.clock.advance(INTERVAL_MS)
  return { made, watch, list: await made.server.next() }
}

test('an audit lists the newest state in pages, metadata only', async (t) => {
  const { list } = await startAudit(t)
  assert.equal(list.query.get('limit'), '500')
  assert.equal(list.query.get('resourceVersion'), null)
  assert.equal(list.headers.accept, 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1')
})

test('an audit that agrees with the store finds nothing', async (t) => {
  const { made, list } = await startAudit(t)
  list.json(200, page(10, [partial('one', 5), partial('other', 6, { annotations: {} })]))
  await made.watcher.journal.has('audit 0')
})

test('what only the audit found is put and swept as such, and counted', async (t) => {
  const { made, list } = await startAudit(t)
  list.json(200, page(10, [partial('missed', 7)]))
  await made.watcher.journal.has('audit 2')
  assert.ok(made.sink.journal.entries.includes('put missed@7 audit'))
  assert.deepEqual([...made.sink.stored.keys()], ['team-a/missed'])
})

test('a list ahead of the watch is compared only when the watch has come to it', async (t) => {
  const { made, watch, list } = await startAudit(t)
  list.json(200, page(30, [partial('one', 5), partial('late', 25)]))
  await made.clock.sleeping((ms) => ms === TIMING.auditStepMs)
  watch.lines(event('ADDED', partial('late', 25)), bookmark(30))
  await made.sink.journal.has('put late@25 live')
  await made.clock.advance(TIMING.auditStepMs)
  await made.watcher.journal.has('audit 0')
})

test('on a quiet watch the comparison is made after a while', async (t) => {
  const { made, list } = await startAudit(t)
  list.json(200, page(30, [partial('one', 5), partial('missed', 25)]))
  await made.clock.sleeping((ms) => ms === TIMING.auditStepMs)
  await made.clock.advance(TIMING.auditSettleMs)
  await made.watcher.journal.has('audit 1')
})

test('an object that the watch saw go meanwhile does not come back, and one that it saw come stays', async (t) => {
  const { made, watch, list } = await startAudit(t)
  watch.lines(event('DELETED', partial('one', 11)), event('ADDED', partial('new', 12)))
  await made.sink.journal.has('put new@12 live')
  list.json(200, page(10, [partial('one', 5)]))
  await made.watcher.journal.has('audit 0')
  assert.deepEqual([...made.sink.stored.keys()], ['team-a/new'])
})

test('a snapshot that begins meanwhile ends the audit without a comparison', async (t) => {
  const { made, watch, list } = await startAudit(t)
  watch.lines(event('ERROR', status(410, 'Expired')))
  const start = (await made.server.next()).watch()
  list.json(200, page(10, []))
  start.lines(event('ADDED', partial('one', 5)), bookmark(40, true))
  await made.sink.journal.has('end 40 swept 0')
  await made.clock.advance(TIMING.auditSettleMs)
  assert.ok(!made.sink.journal.entries.includes('begin audit'))
})

test('an audit that fails changes nothing, and the next one is made', async (t) => {
  const { made, list } = await startAudit(t)
  list.json(500, status(500, 'InternalError'))
  await made.watcher.journal.has('failed server')
  await made.clock.advance(INTERVAL_MS)
  ;(await made.server.next()).json(200, page(10, [partial('one', 5)]))
  await made.watcher.journal.has('audit 0')
  assert.equal(made.sink.journal.entries.filter((entry) => entry === 'begin audit').length, 1)
})

test('no audit is made before the first snapshot', async (t) => {
  const made = await rig(t, { auditIntervalMs: 1000 })
  await made.server.next()
  await made.clock.advance(5000)
  assert.equal(made.server.hasWaiting, false)
})
