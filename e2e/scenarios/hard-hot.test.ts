/** Promise 6 under load: an origin that changes ten times a second over a thousand namespaces delays no other, in its own namespace or elsewhere. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { AuditEntry } from '../control-plane/audit.ts'
import { awaitAbsent, awaitList, awaitPresent } from '../lib/await.ts'
import { refOf } from '../lib/objects.ts'
import type { Ref } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, secretOffer, write } from '../lib/offers.ts'
import { openStage } from '../lib/stage.ts'

const NAMESPACES = 1_000
const EVERY_MS = 100
/**
 * Writes for the hot origin that may end between another origin's change and its mirror: what is in flight, and what begins while the change is told
 * and the origin read. A queue that took turns key by key would let a whole spread pass, a thousand.
 */
const HOT_WRITES_MAX = NAMESPACES / 3
const OTHERS = 8

const stage = await openStage({ settings: { deletionGrace: '0s' } })
const { client, plane, user } = stage
await inParallel(NAMESPACES, async (index) => void (await client.createNamespace(`hot-t${index}`)))
const [hotHome, otherHome, target] = await stage.namespaces('burning-home', 'other-home', 'other-target')
const controller = await stage.start()
const hot = secretOffer(
  hotHome,
  'hot',
  { 'reflect-to': 'hot-t*' },
  { password: 'hot-0', filler: 'x'.repeat(2_000) },
)
await client.create(hot)
await awaitList(
  client,
  '/api/v1/secrets?fieldSelector=metadata.name%3Dhot',
  (all) => all.length > NAMESPACES,
  {
    what: 'the hot origin has spread once',
  },
)

test('other origins’ mirrors are made, rotated and removed at once while a hot origin spreads', async () => {
  await using heat = changeOften()
  await heat.reached(3)
  const mark = await plane.own.audit.mark()
  const places: Ref[] = []
  for (let index = 0; index < OTHERS; index += 1) {
    // Every other one from the hot origin's own namespace.
    const home = index % 2 === 0 ? otherHome : hotHome
    const other = secretOffer(home, `other-${index}`, { 'reflect-to': target }, { password: 'first' })
    const place = mirrorIn(target, other)
    await client.create(other)
    await awaitData(client, place, { password: 'first' })
    await write(client, refOf(other), { password: 'second' })
    await awaitData(client, place, { password: 'second' })
    await annotate(client, refOf(other), { 'reflect-to': null })
    await awaitAbsent(client, place)
    places.push(place)
  }
  await heat.stop()
  const entries = await plane.own.audit.since(mark)
  for (const place of places) assertPrompt(entries, place)
  assert.ok(
    isHotWrite(entries.findLast(isOurChange)),
    'the hot origin had ceased to spread before the others were done',
  )
})

test('an edit of another origin’s mirror is put back at once, and a new namespace is served at once', async () => {
  const other = secretOffer(
    otherHome,
    'steady',
    { 'reflect-to': `${target}, hot-late` },
    { password: 'first' },
  )
  const place = mirrorIn(target, other)
  await client.create(other)
  await awaitData(client, place, { password: 'first' })
  await using heat = changeOften()
  await heat.reached(3)
  const mark = await plane.own.audit.mark()
  await client.patch(place, { stringData: { password: 'edited' } })
  await awaitData(client, place, { password: 'first' })
  await client.createNamespace('hot-late')
  await awaitPresent(client, mirrorIn('hot-late', other))
  await heat.stop()
  const entries = (await plane.own.audit.since(mark)).filter(
    ({ verb }) => verb !== 'watch' && verb !== 'list',
  )
  const edit = entries.findIndex(
    (each) => each.verb === 'patch' && each.namespace === target && each.user !== user,
  )
  const repair = entries.findIndex(
    (each) => each.verb === 'patch' && each.namespace === target && each.user === user,
  )
  assert.ok(hotBetween(entries, edit, repair) <= HOT_WRITES_MAX, 'the repair waited')
  const birth = entries.findIndex((each) => each.resource === 'namespaces' && each.verb === 'create')
  const served = entries.findIndex(
    (each) => each.verb === 'create' && each.namespace === 'hot-late' && each.name === 'steady',
  )
  assert.ok(hotBetween(entries, birth, served) <= HOT_WRITES_MAX, 'the new namespace waited')
})

test('the hot origin itself comes to rest with its last version everywhere, and versions between were passed over', async () => {
  const mark = await plane.own.audit.mark()
  const heat = changeOften()
  await heat.reached(20)
  await heat.stop()
  const last = Buffer.from(heat.last()).toString('base64')
  await awaitList(
    client,
    '/api/v1/secrets?fieldSelector=metadata.name%3Dhot',
    (all) => all.length > NAMESPACES && all.every(({ data }) => data?.['password'] === last),
    { what: 'every mirror holds the last version' },
  )
  const writes = (await plane.own.audit.since(mark)).filter(isOurChange).filter(isHotWrite)
  assert.ok(
    writes.length < heat.changes() * NAMESPACES,
    `${writes.length} writes for ${heat.changes()} versions`,
  )
  await controller.stop()
})

interface Heat extends AsyncDisposable {
  changes(): number
  last(): string
  reached(changes: number): Promise<void>
  stop(): Promise<void>
}

/** Ten changes a second, or as many as the server takes, until stopped. */
function changeOften(): Heat {
  let changes = 0
  let last = ''
  let stopped = false
  let waiting: (() => void)[] = []
  const run = async (): Promise<void> => {
    while (!stopped) {
      last = `hot-${process.hrtime.bigint()}`
      const due = new Promise((resolve) => void setTimeout(resolve, EVERY_MS))
      await write(client, refOf(hot), { password: last })
      changes += 1
      for (const wake of waiting) wake()
      waiting = []
      await due
    }
  }
  const running = run()
  const stop = async (): Promise<void> => {
    stopped = true
    await running
  }
  return {
    changes: () => changes,
    last: () => last,
    reached: async (count) => {
      while (changes < count) await new Promise<void>((resolve) => void waiting.push(resolve))
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** Between each change of the origin and the controller's answer to it, the log shows only so many hot writes. */
function assertPrompt(entries: readonly AuditEntry[], { name }: Ref): void {
  const changes = entries.flatMap((each, index) =>
    each.name === name &&
    each.user !== user &&
    each.verb !== 'watch' &&
    each.verb !== 'get' &&
    each.verb !== 'list'
      ? [index]
      : [],
  )
  const answers = entries.flatMap((each, index) => (each.name === name && isOurChange(each) ? [index] : []))
  assert.deepEqual(
    answers.map((index) => entries[index]?.verb),
    ['create', 'patch', 'delete'],
  )
  assert.equal(changes.length, answers.length)
  for (const [step, change] of changes.entries()) {
    const between = hotBetween(entries, change, answers[step] ?? -1)
    assert.ok(between <= HOT_WRITES_MAX, `${between} hot writes before step ${step} of ${name}`)
  }
}

function hotBetween(entries: readonly AuditEntry[], from: number, to: number): number {
  assert.ok(from !== -1 && to > from, 'the log does not show both')
  return entries.slice(from, to).filter(isHotWrite).length
}

function isOurChange({ user: who, verb, resource }: AuditEntry): boolean {
  return who === user && resource === 'secrets' && ['create', 'patch', 'delete'].includes(verb)
}

function isHotWrite(entry: AuditEntry | undefined): boolean {
  return entry !== undefined && entry.name === 'hot' && isOurChange(entry)
}

async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) {
      next += 1
      await work(next - 1)
    }
  }
  await Promise.all(Array.from({ length: 32 }, worker))
}
