/** What is verified beyond what events show: everything once per interval, one origin's mirrors when its `resync` changes. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { History } from '../../src/engine/history.ts'
import { Origins } from '../../src/engine/origins.ts'
import { Store } from '../../src/engine/store.ts'
import { RESYNC_INTERVAL_MS, Verifier } from '../../src/engine/verify.ts'
import { RULES } from '../core/rules.ts'
import { SimClock, SimTime } from '../sim/time.ts'
import { PREFIX, secret } from './things.ts'

const ORIGIN = secret('src/db')
const MIRRORS = [secret('t1/db'), secret('t2/db')]
const SWEEP_MS = 3_600_000

function scene(): {
  readonly time: SimTime
  readonly verifier: Verifier
  readonly asked: string[]
  readonly history: History
} {
  const time = new SimTime()
  const asked: string[] = []
  const history = new History()
  const nothing = {
    objectChanged: () => undefined,
    namespaceChanged: () => undefined,
    swept: () => undefined,
  }
  const verifier = new Verifier({
    clock: new SimClock(time),
    origins: new Origins(new Store([PREFIX], nothing, () => false), RULES),
    history,
    sweepIntervalMs: SWEEP_MS,
    mirrors: () => [...MIRRORS, secret('t3/other')],
    mirrorsOf: () => MIRRORS,
    enqueue: (place, lane) => void asked.push(`${place} ${lane} ${time.now()}`),
  })
  void verifier.run(new AbortController().signal)
  return { time, verifier, asked, history }
}

test('a sweep asks for every mirror once per interval, as verification', async () => {
  const { time, asked, history } = scene()
  await time.run(SWEEP_MS - 1)
  assert.equal(asked.length, 0)
  await time.run(2)
  assert.equal(asked.length, 3)
  assert.ok(asked.every((entry) => entry.includes(' verify ')))
  assert.equal(history.mustVerify(secret('t3/other')), true)
  await time.run(SWEEP_MS)
  assert.equal(asked.length, 6)
})

test('the first `resync` that is seen asks for nothing, a changed one for the origin’s mirrors', async () => {
  const { time, verifier, asked } = scene()
  verifier.noteResync(ORIGIN, 'one')
  verifier.noteResync(ORIGIN, 'one')
  await time.run(120_000)
  assert.deepEqual(asked, [])
  verifier.noteResync(ORIGIN, 'two')
  await time.run(1)
  assert.deepEqual(asked, ['Secret/t1/db verify 120000', 'Secret/t2/db verify 120000'])
})

test('a `resync` that changes often is heard once a minute, and the last change is not lost', async () => {
  const { time, verifier, asked } = scene()
  verifier.noteResync(ORIGIN, '0')
  for (let change = 1; change <= 30; change += 1) {
    verifier.noteResync(ORIGIN, String(change))
    await time.run(1_000)
  }
  assert.equal(asked.length, 2)
  await time.run(RESYNC_INTERVAL_MS)
  assert.equal(asked.length, 4)
  await time.run(RESYNC_INTERVAL_MS * 5)
  assert.equal(asked.length, 4)
})

test('taking `resync` away asks for nothing, and a forgotten origin begins anew', async () => {
  const { time, verifier, asked } = scene()
  verifier.noteResync(ORIGIN, 'one')
  verifier.noteResync(ORIGIN, null)
  verifier.forget(ORIGIN)
  verifier.noteResync(ORIGIN, 'other')
  await time.run(RESYNC_INTERVAL_MS * 2)
  assert.deepEqual(asked, [])
})
