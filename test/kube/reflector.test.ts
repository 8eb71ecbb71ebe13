/** The reflector keeps its sink equal to the server through every way in which a list or a watch can end. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { TIMING } from '../../src/kube/timing.ts'
import { passBackoff, rig, startLive } from './rig.ts'
import type { Rig } from './rig.ts'
import type { Asked, WatchAnswer } from './scripted-server.ts'
import { bookmark, event, page, partial, status } from './scripted-server.ts'

function assertStreamingStart(asked: Asked, from: string | null): void {
  assert.equal(asked.query.get('sendInitialEvents'), 'true')
  assert.equal(asked.query.get('resourceVersionMatch'), 'NotOlderThan')
  assert.equal(asked.query.get('allowWatchBookmarks'), 'true')
  assert.equal(asked.query.get('resourceVersion'), from)
}

function assertResume(asked: Asked, from: string): void {
  assert.equal(asked.query.get('watch'), 'true')
  assert.equal(asked.query.get('sendInitialEvents'), null)
  assert.equal(asked.query.get('resourceVersionMatch'), null)
  assert.equal(asked.query.get('allowWatchBookmarks'), 'true')
  assert.equal(asked.query.get('resourceVersion'), from)
}

function assertList(asked: Asked, from: string | null): void {
  assert.equal(asked.query.get('watch'), null)
  assert.equal(asked.query.get('limit'), '500')
  assert.equal(asked.query.get('resourceVersion'), from)
  assert.equal(asked.query.get('resourceVersionMatch'), from === null ? null : 'NotOlderThan')
}

/** Sends one more event on the resumed watch and waits for it: the loop is alive. */
async function assertAlive({ sink }: Rig, watch: WatchAnswer, version: number): Promise<void> {
  watch.lines(event('MODIFIED', partial('alive', version)))
  await sink.journal.has(`put alive@${version} live`)
}

test('the first snapshot is a streaming start for metadata only, without Helm releases', async (t) => {
  const made = await rig(t)
  const { asked } = await startLive(made)
  assertStreamingStart(asked, null)
  assert.equal(asked.path, '/api/v1/secrets')
  assert.equal(asked.headers.accept, 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1')
  assert.equal(asked.headers['user-agent'], 'heliograph/0.0.0')
  assert.equal(asked.headers['accept-encoding'], undefined)
  assert.equal(asked.query.get('fieldSelector'), 'type!=helm.sh/release.v1')
  assert.equal(asked.query.get('timeoutSeconds'), '450')
  assert.deepEqual(made.sink.journal.entries, ['begin relist', 'put one@5 relist', 'end 10 swept 0'])
  assert.deepEqual(made.watcher.journal.entries, ['synced secrets'])
})

test('a reflector of one namespace asks for nothing beyond it', async (t) => {
  const made = await rig(t, { namespace: 'team-a' })
  assert.equal((await made.server.next()).path, '/api/v1/namespaces/team-a/secrets')
})

test('changes after the snapshot are live', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  watch.lines(
    event('ADDED', partial('two', 11)),
    event('MODIFIED', partial('one', 12)),
    event('DELETED', partial('two', 13)),
  )
  await made.sink.journal.has('gone two@13 live')
  assert.deepEqual(made.sink.journal.entries.slice(3), [
    'put two@11 live',
    'put one@12 live',
    'gone two@13 live',
  ])
})

test('a watch cut in the middle of a line is resumed after the last whole one, without a snapshot', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  watch.lines(event('MODIFIED', partial('one', 12)))
  await made.sink.journal.has('put one@12 live')
  await made.clock.advance(2000)
  watch.raw(JSON.stringify(event('MODIFIED', partial('one', 13))).slice(0, 100))
  watch.cut()
  const next = await made.server.next()
  assertResume(next, '12')
  await assertAlive(made, next.watch(), 14)
  assert.deepEqual(made.watcher.journal.entries, ['synced secrets', 'restarted cut', 'failed unanswered'])
})

test('a streaming start cut before its end is made again from nothing: no version of a synthetic ADDED is resumed', async (t) => {
  const made = await rig(t)
  const watch = (await made.server.next()).watch()
  watch.lines(event('ADDED', partial('one', 50)))
  await made.sink.journal.has('put one@50 relist')
  watch.cut()
  await passBackoff(made.clock)
  assertStreamingStart(await made.server.next(), null)
})

test('bookmarks move the version to resume from; one that lies behind moves nothing', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  watch.lines(bookmark(40), bookmark(30), event('MODIFIED', partial('one', 20)))
  await made.sink.journal.has('put one@20 live')
  await made.clock.advance(2000)
  watch.end()
  assertResume(await made.server.next(), '40')
})

test('versions are compared as numbers of any size', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  watch.lines(
    event('MODIFIED', partial('one', 9)),
    bookmark(99),
    bookmark(100),
    event('MODIFIED', partial('one', 101)),
  )
  await made.sink.journal.has('put one@101 live')
  await made.clock.advance(2000)
  watch.end()
  assertResume(await made.server.next(), '101')
})

test('lines that are skipped move the version to resume from', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  watch.lines(
    event('MODIFIED', partial('other', 33, { annotations: {} })),
    event('MODIFIED', partial('one', 12)),
  )
  await made.sink.journal.has('put one@12 live')
  await made.clock.advance(2000)
  watch.end()
  assertResume(await made.server.next(), '33')
})

test('an object that nobody annotated is skipped, unless it is stored or waited for', async (t) => {
  const made = await rig(t)
  made.sink.awaited.add('team-a/awaited')
  const { watch } = await startLive(made)
  const bare = { annotations: { note: 'x' } }
  watch.lines(
    event('ADDED', partial('other', 11, bare)),
    event('ADDED', partial('awaited', 12, bare)),
    event('MODIFIED', partial('one', 13, bare)),
    event('DELETED', partial('other', 14, bare)),
  )
  await made.sink.journal.has('put one@13 live')
  watch.lines(event('MODIFIED', partial('end', 15)))
  await made.sink.journal.has('put end@15 live')
  assert.deepEqual(made.sink.journal.entries.slice(3), [
    'put awaited@12 live',
    'put one@13 live',
    'put end@15 live',
  ])
})

test('an event that was seen already is passed on as it is: the store tells that it is old', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  watch.lines(event('MODIFIED', partial('one', 12)), event('ADDED', partial('one', 12)))
  await made.sink.journal.has('put one@12 live', 2)
})

test('a DELETED that carries the former object and a new version is a deletion, and moves the version', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  watch.lines(event('DELETED', partial('one', 77)))
  await made.sink.journal.has('gone one@77 live')
  assert.equal(made.sink.stored.size, 0)
  await made.clock.advance(2000)
  watch.end()
  assertResume(await made.server.next(), '77')
})

test('U+2028 inside a line ends no line', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  const annotations = { 'heliograph.dev/reflect-to': '*', note: 'a\u2028b\u2029c\u0085d' }
  watch.raw(`${JSON.stringify(event('MODIFIED', partial('one', 12, { annotations })))}\n`)
  await made.sink.journal.has('put one@12 live')
  assert.equal(made.sink.stored.get('team-a/one')?.annotations['note'], 'a\u2028b\u2029c\u0085d')
})

test('410 on a watch leads to a snapshot from the last version first, then from the newest', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  await made.clock.advance(2000)
  watch.end()
  ;(await made.server.next()).json(410, status(410, 'Expired'))
  await passBackoff(made.clock)
  const again = await made.server.next()
  assertStreamingStart(again, '10')
  again.json(410, status(410, 'Expired'))
  await passBackoff(made.clock)
  assertStreamingStart(await made.server.next(), null)
})

test('410 inside a stream leads to a snapshot that sweeps what it does not name', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  watch.lines(event('MODIFIED', partial('two', 11)), event('ERROR', status(410, 'Expired')))
  const again = await made.server.next()
  assertStreamingStart(again, '11')
  again.watch().lines(event('ADDED', partial('two', 11)), bookmark(20, true))
  await made.sink.journal.has('end 20 swept 1')
  assert.deepEqual([...made.sink.stored.keys()], ['team-a/two'])
  assert.ok(made.watcher.journal.entries.includes('restarted expired'))
})

for (const code of [429, 500, 503, 504]) {
  test(`a watch refused with ${code} is resumed at the same version after a pause, however often`, async (t) => {
    const made = await rig(t)
    const { watch } = await startLive(made)
    await made.clock.advance(2000)
    watch.end()
    for (let round = 0; round < 7; round += 1) {
      const asked = await made.server.next()
      assertResume(asked, '10')
      asked.json(code, status(code, 'Broken'))
      await passBackoff(made.clock)
    }
    const last = await made.server.next()
    assertResume(last, '10')
    await assertAlive(made, last.watch(), 11)
  })
}

test('Retry-After is waited for', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  await made.clock.advance(2000)
  watch.end()
  ;(await made.server.next()).text(429, 'too many requests', { 'retry-after': '45' })
  await made.clock.sleeping((ms) => ms === 45_000)
  await made.clock.advance(44_000)
  assert.equal(made.server.hasWaiting, false)
  await made.clock.advance(1000)
  assertResume(await made.server.next(), '10')
})

test('a pause ends when the server is said to be well again, and failures count anew from there', async (t) => {
  let recovery = new AbortController()
  const made = await rig(t, { recovery: () => recovery.signal })
  for (const pause of [1200, 2400, 4800]) {
    ;(await made.server.next()).json(503, status(503, 'ServiceUnavailable'))
    await made.clock.sleeping((ms) => ms === pause)
    if (pause < 4800) await made.clock.advance(pause)
  }
  const before = recovery
  recovery = new AbortController()
  before.abort()
  ;(await made.server.next()).json(503, status(503, 'ServiceUnavailable'))
  await made.clock.sleeping((ms) => ms === 1200)
})

test('a server that is back without its history is asked for a snapshot soon, one that expires all the time is not', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  await made.clock.advance(2000)
  watch.end()
  for (const pause of [1200, 2400, 4800]) {
    ;(await made.server.next()).json(503, status(503, 'ServiceUnavailable'))
    await made.clock.sleeping((ms) => ms === pause)
    await made.clock.advance(pause)
  }
  for (const pause of [1200, 2400, 4800]) {
    ;(await made.server.next()).json(410, status(410, 'Expired'))
    await made.clock.sleeping((ms) => ms === pause)
    await made.clock.advance(pause)
  }
})

test('pauses double up to their cap, and start anew after a good while', async (t) => {
  const made = await rig(t)
  for (const pause of [1200, 2400, 4800, 9600, 19_200, 38_400, 45_000, 45_000]) {
    ;(await made.server.next()).json(503, status(503, 'ServiceUnavailable'))
    await made.clock.sleeping((ms) => ms === pause)
    await made.clock.advance(pause)
  }
  const asked = await made.server.next()
  // Several streaming starts in a row failed: this one is a list.
  assertList(asked, null)
  asked.json(200, page(10, []))
  const watch = (await made.server.next()).watch()
  watch.lines(event('ADDED', partial('one', 11)))
  await made.sink.journal.has('put one@11 live')
  await made.clock.advance(TIMING.backoffResetMs)
  watch.cut()
  const refused = await made.server.next()
  refused.json(503, status(503, 'ServiceUnavailable'))
  await made.clock.sleeping((ms) => ms === 1200)
})

for (const code of [429, 500]) {
  test(`an ERROR ${code} inside a stream is resumed at the same version`, async (t) => {
    const made = await rig(t)
    const { watch } = await startLive(made)
    watch.lines(event('MODIFIED', partial('one', 12)), event('ERROR', status(code, 'Broken')))
    await passBackoff(made.clock)
    assertResume(await made.server.next(), '12')
  })
}

test('an ERROR that comes again and again at one version ends in a snapshot', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  watch.lines(event('ERROR', status(500, 'InternalError')))
  for (let round = 1; round < TIMING.resumesMax; round += 1) {
    await passBackoff(made.clock)
    const asked = await made.server.next()
    assertResume(asked, '10')
    asked.watch().lines(event('ERROR', status(500, 'InternalError')))
  }
  await passBackoff(made.clock)
  assertStreamingStart(await made.server.next(), '10')
})

test('an ERROR of an unknown code ends in a snapshot', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  watch.lines(event('ERROR', status(418, 'Teapot')))
  await passBackoff(made.clock)
  assertStreamingStart(await made.server.next(), '10')
})

test('a line that is no JSON is survived: the watch resumes before it', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  watch.raw('{"type":"MODIFIED","object":{"heliograph.dev/": oops}}\n')
  await passBackoff(made.clock)
  const next = await made.server.next()
  assertResume(next, '10')
  await assertAlive(made, next.watch(), 12)
})

test('a line of 10 MB is refused, and what it was about comes by a paged list', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  watch.raw(`{"type":"MODIFIED","object":"${'x'.repeat(10 * 1024 * 1024)}`)
  await passBackoff(made.clock)
  const asked = await made.server.next()
  assertList(asked, '10')
  asked.json(200, page(20, [partial('one', 15)]))
  const next = await made.server.next()
  assertResume(next, '20')
  await assertAlive(made, next.watch(), 21)
  assert.ok(made.watcher.journal.entries.includes('restarted oversized'))
})

test('a watch that the server never answers is given up after 30 s', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  await made.clock.advance(2000)
  watch.end()
  const hung = await made.server.next()
  await made.clock.advance(TIMING.openMs - 1)
  assert.equal(made.server.hasWaiting, false)
  await made.clock.advance(1)
  await hung.closed
  await passBackoff(made.clock)
  assertResume(await made.server.next(), '10')
})

test('a live stream is replaced after 150 s of silence, but only once a bookmark was seen', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  await made.clock.advance(300_000)
  assert.equal(made.server.hasWaiting, false)
  watch.lines(bookmark(20), event('MODIFIED', partial('one', 21)))
  await made.sink.journal.has('put one@21 live')
  await made.clock.advance(149_000)
  assert.equal(made.server.hasWaiting, false)
  await made.clock.advance(TIMING.watchdogMs)
  assertResume(await made.server.next(), '21')
  assert.ok(made.watcher.journal.entries.includes('restarted silent'))
})

test('a stream that outlives its timeout is cut 30 s later, bookmarks or not', async (t) => {
  const made = await rig(t)
  const { asked } = await startLive(made)
  await made.clock.advance(450_000 + TIMING.overrunMs - 1)
  assert.equal(made.server.hasWaiting, false)
  await made.clock.advance(1)
  await asked.closed
  assertResume(await made.server.next(), '10')
  assert.deepEqual(made.watcher.journal.entries, ['synced secrets', 'restarted deadline'])
})

test('a stream that ends at once and empty is a failure, and is paused after', async (t) => {
  const made = await rig(t)
  const { watch } = await startLive(made)
  await made.clock.advance(2000)
  watch.end()
  const short = await made.server.next()
  short.watch().end()
  await passBackoff(made.clock)
  assertResume(await made.server.next(), '10')
})

const UNSUPPORTED: Readonly<Record<string, (made: Rig, asked: Asked) => unknown>> = {
  'refuses its options with 422': (_made, asked) =>
    asked.json(
      422,
      status(422, 'Invalid', {
        details: {
          group: 'meta.k8s.io',
          kind: 'ListOptions',
          causes: [{ reason: 'FieldValueForbidden', message: 'no', field: 'sendInitialEvents' }],
        },
      }),
    ),
  'has a storage that cannot (ERROR 500)': (_made, asked) =>
    asked.watch().lines(
      event(
        'ERROR',
        status(500, 'InternalError', {
          message: 'required storage feature RequestWatchProgress is disabled',
        }),
      ),
    ),
  'has a cache that lags (ERROR 504)': (_made, asked) =>
    asked
      .watch()
      .lines(
        event(
          'ERROR',
          status(504, 'Timeout', { details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } }),
        ),
      ),
  'sends objects and never the end of them': async (made, asked) => {
    asked.watch().lines(event('ADDED', partial('one', 5)))
    await made.sink.journal.has('put one@5 relist')
    await made.clock.advance(TIMING.startSilenceMs)
  },
}

for (const [how, answer] of Object.entries(UNSUPPORTED)) {
  test(`a server that ${how} is listed in pages, and not asked for a streaming start again`, async (t) => {
    const made = await rig(t)
    await answer(made, await made.server.next())
    const first = await made.server.next()
    assertList(first, null)
    assert.equal(first.headers.accept, 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1')
    first.json(200, page(30, [partial('one', 5), partial('other', 6, { annotations: {} })], 'more'))
    const second = await made.server.next()
    assert.equal(second.query.get('continue'), 'more')
    assert.equal(second.query.get('resourceVersion'), null)
    second.json(200, page(30, [partial('two', 7)]))
    const watch = await made.server.next()
    assertResume(watch, '30')
    assert.deepEqual([...made.sink.stored.keys()], ['team-a/one', 'team-a/two'])
    watch.watch().lines(event('ERROR', status(410, 'Expired')))
    await passBackoff(made.clock)
    assertList(await made.server.next(), '30')
  })
}

/** Brings a reflector to its first paged list. */
async function startList(made: Rig): Promise<Asked> {
  ;(await made.server.next()).json(422, status(422, 'Invalid'))
  return made.server.next()
}

test('410 on a list at the last version leads to a list of the newest', async (t) => {
  const made = await rig(t)
  ;(await startList(made)).json(200, page(30, []))
  ;(await made.server.next()).json(410, status(410, 'Expired'))
  await passBackoff(made.clock)
  const again = await made.server.next()
  assertList(again, '30')
  again.json(410, status(410, 'Expired'))
  const newest = await made.server.next()
  assertList(newest, null)
  newest.json(200, page(40, []))
  assertResume(await made.server.next(), '40')
})

test('a version that the server has not come to leads to a list of the newest', async (t) => {
  const made = await rig(t)
  ;(await startList(made)).json(200, page(30, []))
  ;(await made.server.next()).json(410, status(410, 'Expired'))
  await passBackoff(made.clock)
  ;(await made.server.next()).json(
    504,
    status(504, 'Timeout', { details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } }),
  )
  assertList(await made.server.next(), null)
})

test('an expired continue token begins the list anew, and nothing is swept by the half of it', async (t) => {
  const made = await rig(t)
  ;(await startList(made)).json(200, page(30, [partial('one', 5)], 'more'))
  ;(await made.server.next()).json(410, status(410, 'Expired', { metadata: { continue: 'inconsistent' } }))
  await passBackoff(made.clock)
  const again = await made.server.next()
  assertList(again, null)
  assert.equal(again.query.get('continue'), null)
  again.json(200, page(31, [partial('two', 6)]))
  await made.sink.journal.has('end 31 swept 1')
  assert.equal(made.sink.journal.entries.filter((entry) => entry.startsWith('end')).length, 1)
})

test('a page beyond its bound is asked for again in smaller pages', async (t) => {
  const made = await rig(t, { timing: { ...TIMING, pageBytesMax: 2000 } })
  ;(await startList(made)).json(
    200,
    page(
      30,
      Array.from({ length: 20 }, (_, index) => partial(`o${index}`, 5)),
    ),
  )
  const smaller = await made.server.next()
  assert.equal(smaller.query.get('limit'), '63')
  smaller.json(200, page(30, [partial('one', 5)]))
  assertResume(await made.server.next(), '30')
})

test('a list that hangs is given up and made again', async (t) => {
  const made = await rig(t)
  const hung = await startList(made)
  await made.clock.advance(TIMING.callMs)
  await hung.closed
  await passBackoff(made.clock)
  assertList(await made.server.next(), null)
})

for (const code of [401, 403, 404, 429, 500]) {
  test(`a list refused with ${code} is made again after a pause`, async (t) => {
    const made = await rig(t)
    ;(await startList(made)).json(code, status(code, 'Whatever'))
    await passBackoff(made.clock)
    assertList(await made.server.next(), null)
  })
}

test('a server that cannot be reached is tried again, and then asked for a streaming start', async (t) => {
  const made = await rig(t)
  for (let round = 0; round < 6; round += 1) {
    ;(await made.server.next()).cut()
    await passBackoff(made.clock)
  }
  assertStreamingStart(await made.server.next(), null)
  assert.ok(
    made.watcher.journal.entries.every(
      (entry) => entry === 'restarted error' || entry === 'failed unanswered',
    ),
  )
})

test('every request is told as an attempt, and every arrival as heard', async (t) => {
  const made = await rig(t)
  await startLive(made)
  assert.equal(made.watcher.attempts, 1)
  assert.ok(made.watcher.heards >= 2)
})

test('a sink that throws is a bug: run rejects with it', async (t) => {
  const made = await rig(t)
  const broken = new Error('broken sink')
  made.sink.put = () => {
    throw broken
  }
  ;(await made.server.next()).watch().lines(event('ADDED', partial('one', 5)))
  await assert.rejects(made.ended, broken)
})

test('run ends when its signal fires, in a stream and in a pause', async (t) => {
  const live = await rig(t)
  const { asked } = await startLive(live)
  live.stop()
  await live.ended
  await asked.closed
  const paused = await rig(t)
  ;(await paused.server.next()).json(500, status(500, 'InternalError'))
  await paused.clock.sleeping((ms) => ms === 1200)
  paused.stop()
  await paused.ended
})
