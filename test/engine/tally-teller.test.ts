/** When owners of origins hear of their targets. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { ObjectKey } from '../../src/core/names.ts'
import type { Notice } from '../../src/core/notices.ts'
import type { Destination } from '../../src/engine/destination.ts'
import { Tallies } from '../../src/engine/tallies.ts'
import { TallyTeller } from '../../src/engine/tally-teller.ts'
import { Scope } from '../../src/std/scope.ts'
import { FakeClock } from '../kube/fake-clock.ts'
import { object, secret } from './things.ts'

const ORIGIN = secret('src/db')

interface Scene {
  readonly tallies: Tallies
  readonly clock: FakeClock
  readonly scope: Scope
  /** The first words of what was told. */
  readonly told: readonly string[]
  readonly teller: TallyTeller
}

function scene(spreading: ReadonlySet<ObjectKey> = new Set()): Scene {
  const tallies = new Tallies()
  const clock = new FakeClock()
  const scope = new Scope()
  const told: string[] = []
  const parts = {
    tallies,
    clock,
    spreads: { isSpreading: (origin: ObjectKey) => spreading.has(origin) },
    home: { store: { get: (key: ObjectKey) => (key === ORIGIN ? object('src/db') : null) } },
    recorder: {
      tell: ({ code, message }: Notice) => void told.push(`${code} ${/[0-9]+/.exec(message)?.[0] ?? ''}`),
    },
  }
  const teller = new TallyTeller(parts as unknown as Destination, (task) => scope.spawn(task))
  return { tallies, clock, scope, told, teller }
}

test('places that change on their own within a while are told together, once', async () => {
  const { tallies, clock, scope, told, teller } = scene()
  teller.soon()
  tallies.note(ORIGIN, 'released', secret('t1/db'))
  teller.soon()
  tallies.note(ORIGIN, 'released', secret('t2/db'))
  teller.soon()
  assert.deepEqual(told, [])
  await clock.advance(1_000)
  assert.deepEqual(told, ['OriginReleased 2'])
  await clock.advance(10_000)
  assert.equal(told.length, 1)
  await scope.close()
})

test('an origin that spreads is told at the end of its spread, and one that is gone is not told', async () => {
  const gone = secret('src/gone')
  const { tallies, clock, scope, told, teller } = scene(new Set([ORIGIN]))
  tallies.note(ORIGIN, 'blocked', secret('t1/db'))
  tallies.note(gone, 'blocked', secret('t1/gone'))
  teller.soon()
  await clock.advance(1_000)
  assert.deepEqual(told, [])
  assert.deepEqual(tallies.untold(), [ORIGIN])
  teller.now(ORIGIN)
  assert.deepEqual(told, ['TargetsBlocked 1'])
  await scope.close()
})
