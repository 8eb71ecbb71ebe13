/** How mirrors end, are held, limited, contested between origins: the other half of the decision about one place. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Rig, at } from './model/rig.ts'
import {
  MIRROR,
  ORIGIN,
  acted,
  annotate,
  contentOf,
  edit,
  gone,
  kinds,
  mark,
  offer,
  prefixed,
  restOf,
  settledStage,
  stage,
  told,
} from './model/stage.ts'
import { globs } from './rules.ts'

test('an origin that is gone takes its mirrors after the grace, and not at all if it is back', () => {
  const rig = settledStage()
  gone(rig)
  assert.deepEqual(rig.turn(MIRROR).last, {
    kind: 'wait',
    state: 'leaving',
    reason: 'grace',
    atMs: rig.nowMs + rig.rules.graceMs,
  })
  rig.change(() => offer(rig, 'shared/registry'))
  rig.settle()
  assert.ok(rig.cluster.get(MIRROR) !== null)
  gone(rig)
  assert.deepEqual(acted(rig), ['remove origin-gone'])
})

test('a grace of zero is none', () => {
  const rig = settledStage({}, {}, { graceMs: 0 })
  gone(rig)
  assert.deepEqual(kinds(rig.turn(MIRROR).decisions)[0], 'remove')
})

test('narrowing by the owner and refusal by the namespace act at once', () => {
  for (const change of ['narrow', 'unannotate', 'refuse'] as const) {
    const rig = settledStage()
    rig.change(() => {
      if (change === 'narrow') annotate(rig, ORIGIN, { 'reflect-to': 'team-b' })
      else if (change === 'unannotate') annotate(rig, ORIGIN, { 'reflect-to': undefined })
      else rig.cluster.setNamespace('team-a', { annotations: prefixed({ refuse: '*' }) })
    })
    const { acts } = rig.turn(MIRROR)
    assert.deepEqual(
      acts.map(({ decision }) => told(decision)),
      [change === 'refuse' ? 'remove consent' : 'remove not-claimed'],
    )
  }
})

test('an origin that is being deleted claims until it is gone', () => {
  const rig = settledStage()
  rig.change(() => rig.cluster.drop(ORIGIN, true))
  assert.deepEqual(acted(rig), [])
  assert.ok(rig.cluster.get(MIRROR) !== null)
})

test('an end that nobody saw is confirmed first, and acted on only if the answer says so', () => {
  const rig = settledStage()
  gone(rig, false)
  assert.deepEqual(rig.decide(MIRROR), { kind: 'confirm-origin', origin: ORIGIN })
  for (const confirmation of ['unreadable', 'claims'] as const)
    assert.deepEqual(rig.decide(MIRROR, { confirmation }), {
      kind: 'keep',
      state: 'pending',
      reason: 'origin-unreadable',
    })
  assert.deepEqual(rig.decide(MIRROR, { confirmation: 'ended' }), { kind: 'remove', reason: 'origin-gone' })
})

test('withdrawn consent that nobody saw is confirmed too', () => {
  const rig = settledStage()
  rig.change(() => rig.cluster.setNamespace('team-a', { annotations: prefixed({ refuse: '*' }) }), false)
  assert.deepEqual(kinds(rig.turn(MIRROR).decisions), ['confirm-origin', 'remove', 'keep'])
})

test('the brake holds ends that nobody saw, before it asks anything, and no others', () => {
  const rig = settledStage()
  rig.brake = 'held'
  gone(rig, false)
  assert.deepEqual(rig.decide(MIRROR), { kind: 'wait', state: 'held', reason: 'brake', atMs: null })
  const seen = settledStage()
  seen.brake = 'held'
  gone(seen)
  assert.deepEqual(acted(seen), ['remove origin-gone'])
})

test('a retaining claim leaves the mirror without our marks, and the same origin takes it back', () => {
  const rig = settledStage({ 'on-delete': 'retain' })
  gone(rig)
  assert.deepEqual(acted(rig), ['retain origin-gone'])
  assert.equal(mark(rig, MIRROR, 'retained'), 'shared/registry')
  rig.change(() => offer(rig, 'shared/registry', {}, { data: { token: 'dHdv' } }))
  assert.deepEqual(acted(rig), ['update retake'])
  assert.equal(mark(rig, MIRROR, 'retained'), undefined)
})

test('another origin does not take a retained object', () => {
  const rig = settledStage({ 'on-delete': 'retain' })
  gone(rig)
  rig.settle()
  offer(rig, 'other/registry')
  assert.deepEqual(acted(rig), [])
})

test('on-delete is kept current on the mirror: once the origin is gone, the mirror’s own mark decides', () => {
  const rig = settledStage({ 'on-delete': 'retain' })
  annotate(rig, ORIGIN, { 'on-delete': undefined })
  assert.deepEqual(acted(rig), ['update marks'])
  annotate(rig, ORIGIN, { 'on-delete': 'retain' })
  rig.settle()
  gone(rig)
  assert.deepEqual(acted(rig), ['retain origin-gone'])
})

test('while the origin lives, its policy decides what an end leaves, not the mark', () => {
  const rig = settledStage({ 'on-delete': 'retain' })
  rig.change(() => annotate(rig, ORIGIN, { 'on-delete': 'delete', 'reflect-to': 'team-b' }))
  const { acts } = rig.turn(MIRROR)
  assert.deepEqual(
    acts.map(({ decision }) => told(decision)),
    ['remove not-claimed'],
  )
})

test('withdrawn consent deletes the mirrors of a held, a paused and a retaining origin', () => {
  for (const policy of [
    { paused: 'true' },
    { keys: 'zz' },
    { immutable: 'yes' },
    { 'on-delete': 'retain' },
  ]) {
    const rig = settledStage()
    annotate(rig, ORIGIN, policy)
    rig.settle()
    rig.change(() => rig.cluster.setNamespace('team-a', { annotations: prefixed({ refuse: '*' }) }))
    assert.deepEqual(acted(rig), ['remove consent'])
  }
})

test('for a held origin nothing is created, updated, put back or deleted', () => {
  for (const policy of [{ paused: 'true' }, { immutable: 'yes' }, { keys: 'zz' }, { 'reflect-to': '[' }]) {
    const rig = settledStage({ 'reflect-to': 'team-*' })
    annotate(rig, ORIGIN, policy)
    rig.cluster.drop(at('team-b/registry'))
    edit(rig, MIRROR, () => ({ data: { token: 'eA==' } }))
    const before = rig.cluster.get(MIRROR)
    assert.deepEqual(acted(rig), [], JSON.stringify(policy))
    assert.equal(rig.cluster.get(MIRROR), before)
    rig.restart()
    assert.deepEqual(acted(rig), [], 'a restart changes nothing')
  }
})

test('an origin that is held by its version keeps also what it does not claim any more, after a restart too', () => {
  for (const live of [true, false]) {
    const rig = settledStage()
    rig.change(() => annotate(rig, ORIGIN, { keys: 'zz', 'reflect-to': 'team-b' }), live)
    assert.deepEqual(acted(rig), [])
    assert.equal(restOf(rig), 'held held')
  }
})

test('an origin that is gone is not held', () => {
  const rig = settledStage()
  annotate(rig, ORIGIN, { paused: 'true' })
  rig.settle()
  gone(rig)
  assert.deepEqual(acted(rig), ['remove origin-gone'])
})

test('a version that fails validation is not distributed: no create, update or put-back until one passes; deletes go on', () => {
  const rig = settledStage({ validate: 'keys=token' })
  edit(rig, ORIGIN, () => ({ data: { other: 'eA==' } }))
  assert.deepEqual(acted(rig), [])
  assert.equal(restOf(rig), 'held not-distributed')
  edit(rig, MIRROR, () => ({ data: { token: 'eA==' } }))
  assert.deepEqual(acted(rig), [])
  rig.change(() => annotate(rig, ORIGIN, { 'reflect-to': 'team-b' }))
  assert.deepEqual(acted(rig), ['remove not-claimed'])
  assert.equal(restOf(rig, at('team-b/registry')), 'held not-distributed')
  edit(rig, ORIGIN, () => ({ data: { token: 'dHdv' } }))
  assert.deepEqual(acted(rig), ['create'])
})

test('a malformed accept or refuse admits nothing new and freezes what is there', () => {
  for (const name of ['accept', 'refuse']) {
    const empty = stage()
    const full = settledStage()
    for (const rig of [empty, full]) {
      rig.change(() => rig.cluster.setNamespace('team-a', { annotations: prefixed({ [name]: '[' }) }))
      edit(rig, ORIGIN, () => ({ data: { token: 'dHdv' } }))
      assert.deepEqual(acted(rig), [])
    }
    assert.equal(restOf(full), 'held frozen')
    gone(full)
    assert.deepEqual(acted(full), [], 'frozen also when the origin goes')
  }
})

test('a claim beyond the limit makes nothing, also where it held the place lately', () => {
  const rig = stage({ 'reflect-to': 'team-*' }, {}, { mirrorsPerOriginMax: 1 })
  assert.deepEqual(acted(rig), ['create'])
  const beyond = at('team-b/registry')
  assert.equal(restOf(rig, beyond), 'refused limit')
  rig.memory.freed.set(beyond, { holder: ORIGIN, atMs: rig.nowMs })
  assert.equal(restOf(rig, beyond), 'refused limit')
})

test('what a claim beyond the limit holds stays as it is: neither updated nor put back nor deleted', () => {
  const rules = { mirrorsPerOriginMax: 2 }
  const rig = stage({ 'reflect-to': 'team-*' }, {}, rules)
  rig.settle()
  const fewer = new Rig({ ...rig.rules, mirrorsPerOriginMax: 1 })
  for (const [name, { annotations }] of rig.cluster.namespaces)
    fewer.cluster.setNamespace(name, { annotations })
  for (const stored of rig.cluster.objects.values()) fewer.cluster.restore(stored)
  edit(fewer, ORIGIN, () => ({ data: { token: 'dHdv' } }))
  fewer.settle()
  const beyond = at('team-b/registry')
  assert.deepEqual({ ...contentOf(fewer, MIRROR).data }, { token: 'dHdv' })
  assert.deepEqual({ ...contentOf(fewer, beyond).data }, { token: 'b25l' })
  assert.equal(restOf(fewer, beyond), 'held limit')
})

test('a loser takes a freed name 30 s after; the former holder, back within them, is the holder again', () => {
  const rig = settledStage({}, {}, { graceMs: 0 })
  offer(rig, 'other/registry')
  gone(rig)
  assert.deepEqual(kinds(rig.turn(MIRROR).decisions), ['remove', 'wait'])
  const wait = rig.turn(MIRROR).last
  assert.deepEqual(wait, { kind: 'wait', state: 'pending', reason: 'takeover', atMs: rig.nowMs + 30_000 })
  rig.change(() => offer(rig, 'shared/registry'))
  rig.settle()
  assert.equal(mark(rig, MIRROR, 'origin'), 'shared/registry')
  gone(rig)
  rig.settle()
  assert.equal(mark(rig, MIRROR, 'origin'), 'other/registry')
})

test('the holder keeps its place against an older origin, after a restart too', () => {
  const rig = settledStage()
  rig.cluster.restore({ ...offer(rig, 'other/registry'), createdAt: '2000-01-01T00:00:00Z' })
  rig.settle()
  rig.restart()
  rig.settle()
  assert.equal(mark(rig, MIRROR, 'origin'), 'shared/registry')
})

test('a trusted origin displaces a holder in place, and takes a freed name at once', () => {
  const rig = settledStage({}, {}, { trustedOrigins: globs('other/*'), graceMs: 0 })
  const uid = rig.cluster.get(MIRROR)?.uid
  offer(rig, 'other/registry', {}, { data: { token: 'dHdv' } })
  assert.deepEqual(acted(rig), ['update transfer'])
  assert.equal(rig.cluster.get(MIRROR)?.uid, uid)
  rig.change(() => rig.cluster.drop(at('other/registry')))
  assert.deepEqual(kinds(rig.turn(MIRROR).decisions), ['remove', 'wait'])
  rig.change(() => offer(rig, 'other/registry'))
  const { acts } = rig.turn(MIRROR)
  assert.deepEqual(
    acts.map(({ decision }) => told(decision)),
    ['create'],
  )
})

test('a trusted origin takes a name that another holder left at once', () => {
  const rig = settledStage({}, {}, { trustedOrigins: globs('other/*'), graceMs: 0 })
  gone(rig)
  assert.deepEqual(kinds(rig.turn(MIRROR).decisions), ['remove', 'keep'])
  rig.change(() => offer(rig, 'other/registry'))
  assert.deepEqual(kinds(rig.turn(MIRROR).decisions), ['read-origin', 'create', 'keep'])
})

test('a trusted origin whose version may not be distributed displaces nobody, and the holder is tended', () => {
  const rig = settledStage({}, {}, { trustedOrigins: globs('other/*') })
  offer(rig, 'other/registry', { keys: 'zz' })
  edit(rig, ORIGIN, () => ({ data: { token: 'dHdv' } }))
  assert.deepEqual(acted(rig), ['update stale'])
  edit(rig, MIRROR, () => ({ data: { token: 'eA==' } }))
  assert.deepEqual(acted(rig), ['update drift'])
})
