/** Events: said at once and then seldom, capped by namespace and in all, bounded, never in the way, and only by a leader. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import type { Failure } from '../../src/core/failure.ts'
import { notice } from '../../src/core/notices.ts'
import type { Notice } from '../../src/core/notices.ts'
import type { Uid } from '../../src/core/names.ts'
import type { CallOptions, EventBody } from '../../src/kube/api.ts'
import { Events, NAMESPACE_RATE, OVERALL_RATE, REPEAT_MS, WAITING_MAX } from '../../src/ops/events.ts'
import { createLogger } from '../../src/ops/logger.ts'
import { failed, ok } from '../../src/std/result.ts'
import type { Result } from '../../src/std/result.ts'
import { FakeClock } from '../kube/fake-clock.ts'

class Rig {
  readonly clock = new FakeClock()
  readonly created: EventBody[] = []
  readonly bumped: EventBody[] = []
  readonly dropped: string[] = []
  readonly lines: string[] = []
  readonly events: Events
  isLeading = true
  onCreate: (event: EventBody, options: CallOptions) => Promise<Result<void, Failure>> = () =>
    Promise.resolve(ok(undefined))
  onBump: (event: EventBody) => Promise<Result<void, Failure>> = () => Promise.resolve(ok(undefined))

  constructor(t: TestContext) {
    this.events = new Events({
      api: {
        createEvent: (event, options) => {
          this.created.push(event)
          return this.onCreate(event, options)
        },
        bumpEvent: (event) => {
          this.bumped.push(event)
          return this.onBump(event)
        },
      },
      clock: this.clock,
      log: createLogger({ level: 'debug', format: 'json', write: (line) => this.lines.push(line) }),
      isLeading: () => this.isLeading,
      dropped: (why) => this.dropped.push(why),
    })
    const end = new AbortController()
    const running = this.events.run(end.signal)
    t.after(async () => {
      end.abort()
      await running
    })
  }
}

function held(name: string, namespace = 'shared', reason = 'not a glob'): Notice {
  const subject = { kind: 'Secret', namespace, name, uid: `uid-${name}` as Uid } as const
  return notice('OriginHeld', subject, { annotation: 'heliograph.dev/reflect-to', reason })
}

test('a notice becomes one Event beside its subject, at once', async (t) => {
  const rig = new Rig(t)
  assert.equal(rig.events.tell(held('registry')), true)
  await rig.clock.advance(0)
  assert.equal(rig.created.length, 1)
  const [event] = rig.created
  assert.match(event?.name ?? '', /^registry\.[0-9a-f]{16}$/)
  assert.deepEqual(
    { ...event, name: '' },
    {
      namespace: 'shared',
      name: '',
      subject: { kind: 'Secret', namespace: 'shared', name: 'registry', uid: 'uid-registry' },
      type: 'Warning',
      reason: 'OriginHeld',
      message: held('registry').message,
      count: 1,
      firstSeenWallMs: rig.clock.wall(),
      lastSeenWallMs: rig.clock.wall(),
    },
  )
})

test('repeats are counted for ten minutes, then said once with their count', async (t) => {
  const rig = new Rig(t)
  rig.events.tell(held('a'))
  for (let turn = 0; turn < 99; turn += 1) {
    await rig.clock.advance(REPEAT_MS / 100)
    assert.equal(rig.events.tell(held('a')), false)
  }
  assert.deepEqual([rig.created.length, rig.bumped.length], [1, 0])
  await rig.clock.advance(REPEAT_MS / 100)
  assert.equal(rig.events.tell(held('a')), true)
  await rig.clock.advance(0)
  assert.deepEqual([rig.created.length, rig.bumped.length], [1, 1])
  assert.equal(rig.bumped[0]?.count, 101)
  assert.equal(rig.bumped[0]?.name, rig.created[0]?.name)
  assert.equal(rig.bumped[0]?.firstSeenWallMs, rig.created[0]?.firstSeenWallMs)
})

test('another message, code or uid is another Event; a name is the same after a restart', async (t) => {
  const [rig, later] = [new Rig(t), new Rig(t)]
  const other = { ...held('a'), subject: { ...held('a').subject, uid: 'uid-2' as Uid } }
  for (const each of [held('a'), held('a', 'shared', 'another reason'), other]) rig.events.tell(each)
  later.events.tell(held('a'))
  await rig.clock.advance(0)
  await later.clock.advance(0)
  assert.equal(new Set(rig.created.map(({ name }) => name)).size, 3)
  assert.equal(later.created[0]?.name, rig.created[0]?.name)
})

test('an Event about a Namespace lies within it, and names it as its subject’s namespace', async (t) => {
  const rig = new Rig(t)
  const subject = { kind: 'Namespace', namespace: '', name: 'team-a', uid: 'u' as Uid } as const
  rig.events.tell(
    notice('ConsentMalformed', subject, { annotation: 'heliograph.dev/accept', reason: 'not a glob' }),
  )
  await rig.clock.advance(0)
  assert.equal(rig.created[0]?.namespace, 'team-a')
  assert.equal(rig.created[0]?.subject.namespace, 'team-a')
})

test('the name of an Event is legal for the longest subject', async (t) => {
  const rig = new Rig(t)
  rig.events.tell(held(`${'a'.repeat(235)}.${'b'.repeat(17)}`))
  await rig.clock.advance(0)
  const name = rig.created[0]?.name ?? ''
  assert.ok(name.length <= 253)
  assert.match(name, /^a{235}\.[0-9a-f]{16}$/)
})

test('a follower tells nothing, and what waits when the lead is lost is not stored', async (t) => {
  const rig = new Rig(t)
  rig.isLeading = false
  assert.equal(rig.events.tell(held('a')), false)
  rig.isLeading = true
  assert.equal(rig.events.tell(held('b')), true)
  rig.isLeading = false
  await rig.clock.advance(60_000)
  assert.equal(rig.created.length, 0)
})

test('an Event that a former leader stored is raised instead', async (t) => {
  const rig = new Rig(t)
  rig.onCreate = () => Promise.resolve(failed({ kind: 'exists' }))
  rig.events.tell(held('a'))
  await rig.clock.advance(0)
  assert.deepEqual(
    rig.bumped.map(({ count }) => count),
    [2],
  )
  assert.deepEqual(rig.dropped, [])
})

test('an Event that the API server has forgotten is made anew', async (t) => {
  const rig = new Rig(t)
  rig.events.tell(held('a'))
  await rig.clock.advance(REPEAT_MS)
  rig.onBump = () => Promise.resolve(failed({ kind: 'absent' }))
  rig.events.tell(held('a'))
  await rig.clock.advance(0)
  assert.deepEqual([rig.created.length, rig.bumped.length], [2, 1])
  assert.equal(rig.created[1]?.count, 2)
  assert.deepEqual(rig.dropped, [])
})

test('what is refused is dropped, counted, and logged once for each kind of failure', async (t) => {
  const rig = new Rig(t)
  rig.onCreate = () => Promise.resolve(failed({ kind: 'forbidden' }))
  for (const name of ['a', 'b', 'c']) rig.events.tell(held(name))
  await rig.clock.advance(10_000)
  assert.equal(rig.created.length, 3)
  assert.deepEqual(rig.dropped, ['refused', 'refused', 'refused'])
  assert.equal(rig.lines.filter((line) => line.includes('"warn"')).length, 1)
})

test('one namespace cannot use up the rate of the others', async (t) => {
  const rig = new Rig(t)
  for (let at = 0; at < 100; at += 1) rig.events.tell(held(`noisy-${at}`, 'noisy'))
  rig.events.tell(held('quiet', 'quiet'))
  await rig.clock.advance(0)
  assert.equal(rig.created.filter(({ namespace }) => namespace === 'noisy').length, NAMESPACE_RATE.burst)
  assert.equal(rig.created.filter(({ namespace }) => namespace === 'quiet').length, 1)
  await rig.clock.advance(10_000)
  assert.equal(rig.created.filter(({ namespace }) => namespace === 'noisy').length, NAMESPACE_RATE.burst + 10)
  await rig.clock.advance(100_000)
  assert.equal(rig.created.length, 101)
})

test('all together keep to a rate, and more than may wait are dropped and counted', async (t) => {
  const rig = new Rig(t)
  for (let at = 0; at < WAITING_MAX + 5; at += 1) rig.events.tell(held(`n-${at}`, `ns-${at}`))
  assert.equal(rig.dropped.length, 5)
  await rig.clock.advance(0)
  assert.equal(rig.created.length, OVERALL_RATE.burst)
  await rig.clock.advance(10_000)
  assert.equal(rig.created.length, OVERALL_RATE.burst + 10 * OVERALL_RATE.perSecond)
})

test('a call that hangs keeps nobody waiting and ends with the task', async (t) => {
  const rig = new Rig(t)
  rig.onCreate = async (_, { signal, timeoutMs }) => {
    assert.ok(timeoutMs !== undefined && timeoutMs <= 10_000)
    await rig.clock.sleep(1_000_000, signal)
    return failed({ kind: 'unanswered', why: 'cancelled' })
  }
  for (const name of ['a', 'b', 'c']) assert.equal(rig.events.tell(held(name)), true)
  await rig.clock.advance(100)
  assert.equal(rig.created.length, 1)
})
