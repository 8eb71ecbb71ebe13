/** A map of Leases that stays current: snapshot, changes, cuts, 410 and refusals, and nothing of another purpose. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import type { StoredLease } from '../../src/kube/api.ts'
import { LEASES_MAX, watchLeases } from '../../src/kube/lease-watch.ts'
import { FakeClock } from './fake-clock.ts'
import { Journal, RecordingWatcher } from './recording.ts'
import { isBackoff, open, plainAccess } from './rig.ts'
import { ScriptedServer, bookmark, event, status } from './scripted-server.ts'
import type { WatchAnswer } from './scripted-server.ts'

interface Rig {
  readonly server: ScriptedServer
  readonly clock: FakeClock
  readonly watcher: RecordingWatcher
  /** One entry for each map that was told: `a@5=one b@6=`. */
  readonly journal: Journal
  readonly told: ReadonlyMap<string, StoredLease>[]
  readonly ended: Promise<void>
  stop(): void
}

async function start(t: TestContext): Promise<Rig> {
  const server = await ScriptedServer.start(t)
  const clock = new FakeClock()
  const watcher = new RecordingWatcher()
  const journal = new Journal()
  const told: ReadonlyMap<string, StoredLease>[] = []
  const stopping = new AbortController()
  const ended = watchLeases({
    cluster: await open(t, plainAccess(server.url), clock),
    namespace: 'own',
    labelSelector: 'heliograph.dev/lease=shard',
    changed: (leases) => {
      told.push(leases)
      const texts = [...leases.values()].map((one) => `${one.name}@${one.version}=${one.holder ?? ''}`)
      journal.write(texts.toSorted().join(' '))
    },
    clock,
    random: { next: () => 0.5 },
    watcher,
    signal: stopping.signal,
  })
  t.after(async () => {
    stopping.abort()
    await ended
  })
  return { server, clock, watcher, journal, told, ended, stop: () => stopping.abort() }
}

/** As a watch sends it; a list's item has no kind. */
function lease(name: string, version: number, holder: string): Record<string, unknown> {
  return { kind: 'Lease', ...item(name, version, holder) }
}

function item(name: string, version: number, holder: string): Record<string, unknown> {
  return {
    metadata: { name, namespace: 'own', resourceVersion: String(version), labels: {} },
    spec: { holderIdentity: holder, leaseDurationSeconds: 15, leaseTransitions: 2 },
  }
}

async function startLive({ server, journal }: Rig): Promise<WatchAnswer> {
  const watch = (await server.next()).watch()
  watch.lines(event('ADDED', lease('a', 5, 'one')), event('ADDED', lease('b', 4, 'two')), bookmark(10, true))
  await journal.has('a@5=one b@4=two')
  return watch
}

test('Leases of one purpose are watched whole, in one namespace', async (t) => {
  const rig = await start(t)
  const asked = await rig.server.next()
  assert.equal(asked.path, '/apis/coordination.k8s.io/v1/namespaces/own/leases')
  assert.equal(asked.query.get('labelSelector'), 'heliograph.dev/lease=shard')
  assert.equal(asked.query.get('sendInitialEvents'), 'true')
  assert.equal(asked.headers.accept, 'application/json')
})

test('nothing is told before the snapshot is complete, then every change is', async (t) => {
  const rig = await start(t)
  const watch = await startLive(rig)
  assert.deepEqual(rig.journal.entries, ['a@5=one b@4=two'])
  assert.equal(rig.told[0]?.get('a')?.durationSeconds, 15)
  watch.lines(event('MODIFIED', lease('a', 11, '')), event('DELETED', lease('b', 12, 'two')))
  await rig.journal.has('a@11=')
  watch.lines(event('ADDED', lease('b', 13, 'three')))
  await rig.journal.has('a@11= b@13=three')
  assert.equal(rig.told[0]?.size, 2)
  assert.deepEqual(rig.journal.entries, ['a@5=one b@4=two', 'a@11= b@4=two', 'a@11=', 'a@11= b@13=three'])
})

test('an event that lies behind what is known tells nothing', async (t) => {
  const rig = await start(t)
  const watch = await startLive(rig)
  watch.lines(
    event('MODIFIED', lease('a', 12, 'new')),
    event('MODIFIED', lease('a', 11, 'old')),
    event('DELETED', lease('a', 11, 'old')),
    event('MODIFIED', lease('b', 13, 'end')),
  )
  await rig.journal.has('a@12=new b@13=end')
  assert.deepEqual(rig.journal.entries.slice(1), ['a@12=new b@4=two', 'a@12=new b@13=end'])
})

test('a watch that is cut is resumed where it was', async (t) => {
  const rig = await start(t)
  const watch = await startLive(rig)
  watch.lines(event('MODIFIED', lease('a', 11, 'new')))
  await rig.journal.has('a@11=new b@4=two')
  watch.cut()
  const again = await rig.server.next()
  assert.equal(again.query.get('resourceVersion'), '11')
  assert.equal(again.query.get('sendInitialEvents'), null)
  again.watch().lines(event('MODIFIED', lease('b', 12, 'new')))
  await rig.journal.has('a@11=new b@12=new')
})

test('after 410 a new snapshot takes the place of what was known, and until it is whole that stays', async (t) => {
  const rig = await start(t)
  const watch = await startLive(rig)
  watch.lines(event('ERROR', status(410, 'Expired')))
  const snapshot = (await rig.server.next()).watch()
  snapshot.lines(event('ADDED', lease('b', 14, 'new')), event('ADDED', lease('c', 15, 'new')))
  snapshot.lines(event('DELETED', lease('c', 16, 'new')))
  await rig.clock.advance(0)
  assert.deepEqual(rig.journal.entries, ['a@5=one b@4=two'])
  snapshot.lines(bookmark(20, true))
  await rig.journal.has('b@14=new')
  assert.deepEqual(rig.journal.entries, ['a@5=one b@4=two', 'b@14=new'])
})

test('a snapshot of a server that was put back to an older state is believed', async (t) => {
  const rig = await start(t)
  const watch = await startLive(rig)
  watch.lines(event('ERROR', status(410, 'Expired')))
  ;(await rig.server.next()).watch().lines(event('ADDED', lease('a', 2, 'old')), bookmark(3, true))
  await rig.journal.has('a@2=old')
})

test('a server without the streaming start is listed, with items that name no kind', async (t) => {
  const rig = await start(t)
  ;(await rig.server.next()).json(
    422,
    status(422, 'Invalid', {
      details: { causes: [{ reason: 'FieldValueForbidden', field: 'sendInitialEvents' }] },
    }),
  )
  const list = await rig.server.next()
  assert.equal(list.query.get('labelSelector'), 'heliograph.dev/lease=shard')
  assert.equal(list.query.get('watch'), null)
  assert.equal(list.headers.accept, 'application/json')
  list.json(200, { kind: 'LeaseList', metadata: { resourceVersion: '10' }, items: [item('a', 5, 'one')] })
  await rig.journal.has('a@5=one')
  const watch = await rig.server.next()
  assert.equal(watch.query.get('resourceVersion'), '10')
})

test('a server that refuses is asked again after pauses of few seconds, for ever', async (t) => {
  const rig = await start(t)
  for (const code of [500, 403, 429, 500, 500, 500, 500]) {
    ;(await rig.server.next()).json(code, status(code, ''))
    const pauseMs = await rig.clock.sleeping((ms) => isBackoff(ms) && ms !== 5_000)
    assert.ok(pauseMs <= 10_000, `${pauseMs} ms`)
    await rig.clock.advance(pauseMs)
  }
  assert.ok(rig.watcher.journal.entries.includes('failed forbidden'))
  await rig.server.next()
})

test('more Leases than anybody needs are passed over, those that are known stay current', async (t) => {
  const rig = await start(t)
  const watch = (await rig.server.next()).watch()
  const names = Array.from({ length: LEASES_MAX + 5 }, (_, index) => `lease-${index}`)
  watch.lines(
    ...names.map((name, index) => event('ADDED', lease(name, index + 1, 'x'))),
    bookmark(5_000, true),
  )
  watch.lines(event('MODIFIED', lease('lease-0', 5_001, 'y')), event('ADDED', lease('more', 5_002, 'x')))
  watch.lines(event('DELETED', lease('lease-1', 5_003, 'x')))
  await rig.watcher.journal.has('synced leases')
  while (rig.told.length < 3) await rig.clock.breathe()
  assert.equal(rig.told.length, 3)
  assert.equal(rig.told[1]?.get('lease-0')?.holder, 'y')
  assert.deepEqual(
    rig.told.map(({ size }) => size),
    [LEASES_MAX, LEASES_MAX, LEASES_MAX - 1],
  )
})

test('the watch ends when its signal fires', async (t) => {
  const rig = await start(t)
  await startLive(rig)
  rig.stop()
  await rig.ended
})
