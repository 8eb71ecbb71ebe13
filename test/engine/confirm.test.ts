/** One question to the API server serves all mirrors of an origin for a few seconds. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Failure } from '../../src/core/failure.ts'
import { Confirmations } from '../../src/engine/confirm.ts'
import type { Destination } from '../../src/engine/destination.ts'
import { Store } from '../../src/engine/store.ts'
import { failed, ok } from '../../src/std/result.ts'
import { SimClock, SimTime } from '../sim/time.ts'
import { PREFIX, marked, secret } from './things.ts'

const ORIGIN = secret('src/db')

/** Only what a look needs of a destination. */
function scene(answer: Failure | null): {
  readonly d: Destination
  readonly time: SimTime
  readonly asked: () => number
  readonly store: Store
} {
  const time = new SimTime()
  const nothing = {
    objectChanged: () => undefined,
    namespaceChanged: () => undefined,
    swept: () => undefined,
  }
  const store = new Store([PREFIX], nothing, () => false)
  let asked = 0
  const readMeta = async (): Promise<unknown> => {
    asked += 1
    return Promise.resolve(answer === null ? ok(marked('src/db', { version: 7 })) : failed(answer))
  }
  const home = { api: { readMeta }, store }
  const d = {
    clock: new SimClock(time),
    home,
    signal: () => new AbortController().signal,
  } as unknown as Destination
  return { d, time, asked: () => asked, store }
}

test('a thousand mirrors of one origin ask once, and again after five seconds', async () => {
  const { d, time, asked } = scene({ kind: 'absent' })
  const confirmations = new Confirmations()
  const looks = await Promise.all(Array.from({ length: 1_000 }, () => confirmations.look(d, ORIGIN)))
  assert.ok(looks.every((look) => look === 'absent'))
  assert.equal(asked(), 1)
  await time.run(4_999)
  await confirmations.look(d, ORIGIN)
  assert.equal(asked(), 1)
  await time.run(1)
  await confirmations.look(d, ORIGIN)
  assert.equal(asked(), 2)
})

test('only a 404 that names the origin says that it is absent', async () => {
  for (const failure of [
    { kind: 'forbidden' },
    { kind: 'server', code: 500, retryAfterMs: null },
    { kind: 'unanswered', why: 'timeout' },
    { kind: 'namespace-absent' },
    { kind: 'rejected', code: 404 },
    { kind: 'malformed' },
  ] as const)
    assert.equal(await new Confirmations().look(scene(failure).d, ORIGIN), 'unreadable')
})

test('an origin that is there is in the store when the look is over', async () => {
  const { d, store } = scene(null)
  assert.equal(await new Confirmations().look(d, ORIGIN), 'present')
  assert.equal(store.get(ORIGIN)?.version, '7')
})
