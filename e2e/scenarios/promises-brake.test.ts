/** Promise 10: more than 100 and more than half of an origin namespace's mirrors do not go by an end that nobody saw, until a person says so. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

import { awaitAbsent, awaitList, awaitPresent, eventually } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { at } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import type { Ref } from '../lib/objects.ts'
import { annotate, awaitData, offer, write } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'
import { SYSTEM } from '../lib/stage.ts'

const TARGETS = 125
const MAIN = join(import.meta.dirname, '../../src/main.ts')
const LEASE: Ref = { kind: 'Lease', namespace: SYSTEM, name: 'heliograph' }

const solo = await startSolo()
const { client, stage } = solo
await Promise.all(Array.from({ length: TARGETS }, (_, index) => client.createNamespace(targetAt(index))))

test('a group beyond the brake is held alone, under one id that a restart keeps, until it is released; smaller ones go', async () => {
  const [big, small, half] = await stage.namespaces('big', 'small', 'half')
  const gone = await offered(big, 'gone', TARGETS)
  const fewer = await offered(small, 'fewer', 100)
  const share = await offered(half, 'share', 101)
  const rest = await offered(half, 'rest', 101)
  await Promise.all([countIs(gone, TARGETS), countIs(fewer, 100), countIs(share, 101), countIs(rest, 101)])
  const refs = targets(TARGETS).map((target) => at(gone, target))
  const before = await solo.snapshot(refs)
  await solo.whileStopped(
    async () => void (await Promise.all([gone, fewer, share].map((ref) => client.remove(ref)))),
  )
  await Promise.all([countIs(fewer, 0), countIs(share, 0)])
  const hold = await holdIn(big)
  await solo.settled()
  assert.deepEqual(await solo.snapshot(refs), before)
  await countIs(rest, 101)
  await eventually(
    async () =>
      (await solo.controller.metrics()).sum('heliograph_deletions_held') === TARGETS ? true : null,
    {
      what: 'the metric counts what is held',
    },
  )

  await solo.restart()
  await solo.settled()
  assert.equal(await holdIn(big), hold)
  assert.deepEqual(await solo.snapshot(refs), before)

  const lively = await offered(big, 'lively', 2)
  await countIs(lively, 2)
  await write(client, lively, { a: 'second' })
  await awaitData(client, at(lively, targetAt(0)), { a: 'second' })
  await client.remove(lively)
  await countIs(lively, 0)
  assert.deepEqual(await solo.snapshot(refs), before, 'seen deletions of the same namespace go on')

  await assert.rejects(runRelease('0123456789'), /no leader has taken it up/)
  assert.deepEqual(await solo.snapshot(refs), before)
  assert.match(await runRelease(hold), /is released/)
  await countIs(gone, 0)
})

test('the annotation on the Lease releases too, once: the next wave is held anew', async () => {
  const home = await stage.namespace('waves')
  const first = await offered(home, 'first', TARGETS)
  await countIs(first, TARGETS)
  await solo.whileStopped(() => client.remove(first))
  const hold = await holdIn(home)
  await annotate(client, LEASE, { release: hold })
  await countIs(first, 0)
  await awaitPresent(
    client,
    LEASE,
    ({ metadata }) => metadata.annotations?.['heliograph.dev/release'] === undefined,
  )
  const second = await offered(home, 'second', TARGETS)
  await countIs(second, TARGETS)
  await solo.whileStopped(() => client.remove(second))
  const next = await holdIn(home, hold)
  assert.notEqual(next, hold)
  await solo.settled()
  await countIs(second, TARGETS)
  await annotate(client, LEASE, { release: next })
  await countIs(second, 0)
})

test('an origin that comes back ends the hold, and its mirrors were never gone', async () => {
  const home = await stage.namespace('back')
  const origin = await offered(home, 'back-shared', TARGETS)
  await countIs(origin, TARGETS)
  const first = await client.get(at(origin, targetAt(0)))
  await solo.whileStopped(() => client.remove(origin))
  await holdIn(home)
  await offered(home, 'back-shared', TARGETS)
  const again = await awaitPresent(
    client,
    at(origin, targetAt(0)),
    ({ metadata }) => metadata.resourceVersion !== first.metadata.resourceVersion,
  )
  assert.equal(again.metadata.uid, first.metadata.uid)
  await eventually(
    async () => ((await solo.controller.metrics()).sum('heliograph_deletions_held') === 0 ? true : null),
    {
      what: 'nothing is held any more',
    },
  )
  await client.remove(origin)
  await countIs(origin, 0)
})

test('deletions that are seen are not braked, however many', async () => {
  const home = await stage.namespace('seen')
  const origin = await offered(home, 'seen-shared', TARGETS)
  await countIs(origin, TARGETS)
  await client.remove(origin)
  await countIs(origin, 0)
})

test('a setting that takes targets out is braked like an end that nobody saw', async () => {
  const home = await stage.namespace('settings')
  const origin = await offered(home, 'settings-shared', TARGETS)
  await countIs(origin, TARGETS)
  await solo.restart({ environment: { HELIOGRAPH_TARGET_NAMESPACES: '*, !wide-*' } })
  await holdIn(home)
  await solo.settled()
  await countIs(origin, TARGETS)
  await solo.restart()
  // A deletion in the very moment of a start can meet an origin that was not indexed yet, and then counts as unseen.
  await solo.settled()
  await client.remove(origin)
  await countIs(origin, 0)
  await awaitAbsent(client, at(origin, targetAt(0)))
})

function targetAt(index: number): string {
  return `wide-${index}`
}

function targets(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => targetAt(index))
}

/** What matches the first so many targets. */
const PATTERNS: Readonly<Record<number, string>> = {
  2: 'wide-0, wide-1',
  100: 'wide-?, wide-??',
  101: 'wide-?, wide-??, wide-100',
  [TARGETS]: 'wide-*',
}

/** An origin into the first `count` targets. Its name is nobody else’s: a freed one would be kept for its holder for a while. */
async function offered(namespace: string, name: string, count: number): Promise<Ref> {
  const labels = JSON.stringify({ wave: `${namespace}-${name}` })
  const pattern = PATTERNS[count] ?? assert.fail()
  return refOf(await client.create(offer(namespace, name, { 'reflect-to': pattern, labels })))
}

/** Waits until as many mirrors of `origin` stand. */
async function countIs(origin: Ref, count: number): Promise<void> {
  const path = `/api/v1/configmaps?labelSelector=wave%3D${origin.namespace ?? ''}-${origin.name}`
  await awaitList(client, path, (mirrors) => mirrors.length === count, {
    what: `${count} mirrors of ${origin.name} stand`,
  })
}

/** The id in the Event on the Namespace, other than `known`. */
async function holdIn(namespace: string, known = ''): Promise<string> {
  const place: Ref = { kind: 'Namespace', name: namespace }
  const idOf = (message: string): string => /heliograph release ([0-9a-f]+)/.exec(message)?.[1] ?? ''
  const { message } = await awaitEvent(client, place, 'DeletionsHeld', (told) => idOf(told.message) !== known)
  return idOf(message)
}

/** As a person would, with the administrator's kubeconfig. */
async function runRelease(id: string): Promise<string> {
  const args = [MAIN, 'release', id, '--kubeconfig', stage.plane.kubeconfig, '--namespace', SYSTEM]
  try {
    return (await promisify(execFile)(process.execPath, args)).stdout
  } catch (error) {
    throw new Error(String((error as { readonly stdout?: unknown }).stdout), { cause: error })
  }
}
