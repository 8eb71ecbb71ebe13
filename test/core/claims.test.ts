/** Who holds a place that several origins claim: one order, the same after every restart. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { winnerOf } from '../../src/core/claims.ts'
import type { Claim } from '../../src/core/claims.ts'
import type { Consent } from '../../src/core/consent.ts'
import { keyOf, pathOf } from '../../src/core/names.ts'
import { metaOf } from './model/cluster.ts'
import { ORIGIN, emptyStage, offer, stage } from './model/stage.ts'
import { at } from './model/rig.ts'
import { replayable } from './model/seeds.ts'

const GRANTED: Consent = { kind: 'granted', declared: false }
const FROZEN: Consent = { kind: 'frozen', annotation: 'accept', reason: 'x' }
const REFUSED: Consent = { kind: 'refused', why: 'refuse' }

function claim(path: string, about: Partial<Claim> & { readonly createdAt?: string } = {}): Claim {
  const rig = emptyStage()
  const { createdAt = '2026-01-01T00:00:00Z', ...more } = about
  offer(rig, path)
  const [made] = rig.claims(at(`team-a/${path.split('/')[1]}`))
  assert.ok(made !== undefined)
  return { ...made, origin: { ...made.origin, createdAt }, consent: GRANTED, admitted: true, ...more }
}

function winnerPath(claims: readonly Claim[], holder: string | null = null): string | null {
  const winner = winnerOf(claims, holder === null ? null : at(holder))
  return winner === null ? null : pathOf(winner.origin)
}

test('nobody wins where nobody claims', () => {
  assert.equal(winnerOf([], null), null)
})

test('a trusted origin wins over the holder, the holder over the older, the older over the first by name', () => {
  const old = claim('shared/b', { createdAt: '2025-01-01T00:00:00Z' })
  const first = claim('shared/a')
  const second = claim('shared/c')
  const trusted = claim('shared/d', { trusted: true })
  assert.equal(winnerPath([second, first]), 'shared/a')
  assert.equal(winnerPath([second, first, old]), 'shared/b')
  assert.equal(winnerPath([second, first, old], 'shared/c'), 'shared/c')
  assert.equal(winnerPath([second, first, old, trusted], 'shared/c'), 'shared/d')
})

test('of two trusted origins the holder keeps the place', () => {
  const claims = [claim('shared/a', { trusted: true }), claim('shared/b', { trusted: true })]
  assert.equal(winnerPath(claims, 'shared/b'), 'shared/b')
})

test('names are compared bytewise', () => {
  assert.equal(winnerPath([claim('shared/a-b'), claim('shared/a.b')]), 'shared/a-b')
  assert.equal(winnerPath([claim('shared/z'), claim('other/z')]), 'other/z')
})

test('only consented claims within the limits take part', () => {
  for (const about of [{ consent: REFUSED }, { consent: FROZEN }, { admitted: false }])
    assert.equal(winnerPath([claim('shared/a', about), claim('shared/b')]), 'shared/b')
  assert.equal(winnerPath([claim('shared/a', { consent: REFUSED })], 'shared/a'), null)
})

test('a holder that is frozen or beyond the limit keeps what it has', () => {
  for (const about of [{ consent: FROZEN }, { admitted: false }])
    assert.equal(winnerPath([claim('shared/b', about), claim('shared/a')], 'shared/b'), 'shared/b')
})

test('a name that another kind has is another origin', () => {
  const rig = stage()
  const [made] = rig.claims(at('team-a/registry'))
  assert.ok(made !== undefined)
  assert.equal(keyOf(metaOf(rig.cluster.get(ORIGIN) ?? assert.fail())), made.origin.key)
  const older = claim('shared/a', { createdAt: '2000-01-01T00:00:00Z' })
  assert.equal(winnerOf([older, made], at('shared/registry', 'ConfigMap')), older)
})

test('the order in which claims are heard does not matter', (t) => {
  const any = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    trusted: fc.boolean(),
    admitted: fc.boolean(),
    consent: fc.constantFrom(GRANTED, FROZEN, REFUSED),
    createdAt: fc.constantFrom('2025-01-01T00:00:00Z', '2026-01-01T00:00:00Z'),
  })
  const claims = fc.uniqueArray(any, { selector: ({ name }) => name, minLength: 1 })
  fc.assert(
    fc.property(claims, fc.constantFrom(null, 'shared/a', 'shared/c'), (about, holder) => {
      const made = about.map(({ name, ...more }) => claim(`shared/${name}`, more))
      const expected = winnerPath(made, holder)
      assert.equal(winnerPath(made.toReversed(), holder), expected)
      if (expected !== null && holder === null) assert.equal(winnerPath(made, expected), expected)
    }),
    replayable(t, 200),
  )
})
