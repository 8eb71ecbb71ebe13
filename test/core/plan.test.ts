/** The decision about one place, promise by promise, on the model of a cluster. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Decision } from '../../src/core/decision.ts'
import { refOf } from '../../src/core/names.ts'
import type { ObjectKey } from '../../src/core/names.ts'
import type { Answers } from '../../src/core/observation.ts'
import { planMirror } from '../../src/core/plan.ts'
import { LAST_APPLIED } from './model/cluster.ts'
import { Rig, at, digestKey } from './model/rig.ts'
import {
  MIRROR,
  ORIGIN,
  annotate,
  contentOf,
  edit,
  emptyStage,
  labelFor,
  mark,
  offer,
  prefixed,
  settledStage,
  stage,
  unlabel,
} from './model/stage.ts'
import { PREFIX, globs } from './rules.ts'

const NO_ANSWERS: Answers = { mirror: null, confirmation: null, unchangeable: false }

function kinds(decisions: readonly { readonly kind: string }[]): readonly string[] {
  return decisions.map(({ kind }) => kind)
}

/** `state reason` of what a place rests on. */
function restOf(rig: Rig, key: ObjectKey = MIRROR): string {
  const { last } = rig.turn(key)
  return last.kind === 'keep' || last.kind === 'wait' ? `${last.state} ${last.reason}` : last.kind
}

function acted(rig: Rig): readonly string[] {
  return rig.settle().map(({ decision }) => told(decision))
}

function told(decision: Decision): string {
  return 'reason' in decision ? `${decision.kind} ${decision.reason}` : decision.kind
}

function gone(rig: Rig, live = true): void {
  rig.change(() => rig.cluster.drop(ORIGIN), live)
}

/** A foreign object where a mirror would be. */
function inTheWay(rig: Rig, annotations: Readonly<Record<string, string>> = {}, type = 'Opaque'): void {
  rig.cluster.put(refOf(MIRROR), { type, data: { theirs: 'eA==' }, annotations: prefixed(annotations) })
}

test('a claimed place is filled by one creation, after one read of the origin', () => {
  const rig = stage()
  assert.deepEqual(kinds(rig.turn(MIRROR).decisions), ['read-origin', 'create', 'keep'])
  assert.equal(restOf(rig), 'synced in-sync')
})

test('a place that nobody claims stays empty', () => {
  const rig = emptyStage()
  assert.equal(restOf(rig), 'refused unclaimed')
})

test('nothing is done in a namespace that is not there, or that is going', () => {
  const rig = stage()
  assert.deepEqual(rig.decide(at('absent/registry')), { kind: 'keep', state: 'synced', reason: 'unclaimed' })
  rig.cluster.setNamespace('team-a', { terminating: true })
  assert.equal(restOf(rig), 'pending namespace-terminating')
})

test('a mirror that is being deleted is not written: its key waits for its end', () => {
  const rig = settledStage()
  rig.cluster.drop(MIRROR, true)
  edit(rig, ORIGIN, () => ({ data: { token: 'dHdv' } }))
  assert.deepEqual(rig.turn(MIRROR).last, { kind: 'wait', state: 'pending', reason: 'deleting', atMs: null })
})

test('a rotation is written once to each mirror', () => {
  const rig = settledStage()
  edit(rig, ORIGIN, () => ({ data: { token: 'dHdv' } }))
  assert.deepEqual(kinds(rig.turn(MIRROR).decisions), ['read-origin', 'update', 'keep'])
  assert.deepEqual({ ...contentOf(rig, MIRROR).data }, { token: 'dHdv' })
})

test('a metadata-only change of the origin costs one read and no write', () => {
  const rig = settledStage()
  edit(rig, ORIGIN, () => ({ labels: { team: 'red' } }))
  assert.deepEqual(kinds(rig.turn(MIRROR).decisions), ['read-origin', 'keep'])
})

test('a re-created origin keeps its mirrors, whose origin-uid follows', () => {
  const rig = settledStage()
  const uid = rig.cluster.get(MIRROR)?.uid
  gone(rig)
  rig.change(() => offer(rig, 'shared/registry'))
  assert.deepEqual(acted(rig), ['update marks'])
  assert.equal(rig.cluster.get(MIRROR)?.uid, uid)
  assert.equal(mark(rig, MIRROR, 'origin-uid'), rig.cluster.get(ORIGIN)?.uid)
})

test('an edit is put back, a deletion made good', () => {
  const rig = settledStage()
  edit(rig, MIRROR, () => ({ data: { token: 'eA==' } }))
  assert.deepEqual(acted(rig), ['update drift'])
  assert.deepEqual({ ...contentOf(rig, MIRROR).data }, { token: 'b25l' })
  rig.cluster.drop(MIRROR)
  assert.deepEqual(acted(rig), ['create'])
})

test('a key that was added, taken away or renamed by hand is put right', () => {
  const edits: readonly Readonly<Record<string, string>>[] = [
    { token: 'b25l', more: '' },
    {},
    { other: 'b25l' },
  ]
  for (const data of edits) {
    const rig = settledStage()
    edit(rig, MIRROR, () => ({ data }))
    assert.deepEqual(acted(rig), ['update drift'])
  }
})

test('carried metadata is put right, other metadata is neither touched nor drift', () => {
  const rig = settledStage({ carry: 'team' }, { labels: { team: 'red' } })
  edit(rig, MIRROR, ({ labels }) => ({ labels: { ...labels, team: 'blue', theirs: 'x' } }))
  assert.deepEqual(acted(rig), ['update drift'])
  assert.deepEqual(
    [contentOf(rig, MIRROR).labels['team'], contentOf(rig, MIRROR).labels['theirs']],
    ['red', 'x'],
  )
  edit(rig, MIRROR, ({ labels }) => ({ labels: { ...labels, theirs: 'y' } }))
  assert.deepEqual(kinds(rig.turn(MIRROR).decisions), ['keep'], 'not even a look')
})

test('a version that we wrote is known to be clean; a foreign one is looked at, at once if it was seen to come', () => {
  const rig = settledStage()
  edit(rig, MIRROR, () => ({ data: { token: 'b25l', x: '' } }))
  assert.deepEqual(rig.decide(MIRROR), { kind: 'read-mirror', reason: 'verify' })
  const seen = { ...rig.observe(MIRROR, NO_ANSWERS), fresh: true }
  assert.deepEqual(planMirror(seen), { kind: 'read-mirror', reason: 'drift' })
  assert.equal(rig.turn(MIRROR).acts.length, 1)
})

test('each proving mark that was stripped is restored where the content agrees with the digest', () => {
  for (const name of ['label', 'origin', 'at', 'origin-uid', 'origin-version', 'digest']) {
    for (const live of [true, false]) {
      const rig = settledStage({ carry: 'team' }, { labels: { team: 'red' } })
      rig.change(() => {
        if (name === 'label') unlabel(rig, MIRROR)
        else annotate(rig, MIRROR, { [name]: undefined })
      }, live)
      rig.settle()
      assert.equal(restOf(rig), 'synced in-sync', name)
      assert.equal(mark(rig, MIRROR, 'at'), 'team-a/registry', name)
      assert.notEqual(mark(rig, MIRROR, name === 'label' ? 'origin' : name), undefined, name)
      assert.equal(contentOf(rig, MIRROR).labels[`${PREFIX}mirror`], labelFor('shared/registry'), name)
    }
  }
})

test('a cut or lost list of carried keys is written anew, running and stopped', () => {
  for (const live of [true, false]) {
    for (const carried of [undefined, 'labels/team']) {
      const rig = settledStage(
        { carry: 'team,note' },
        { labels: { team: 'red' }, annotations: { note: 'x' } },
      )
      rig.change(() => annotate(rig, MIRROR, { carried }), live)
      rig.settle()
      assert.equal(mark(rig, MIRROR, 'carried'), 'annotations/note,labels/team')
    }
  }
})

test('a list of carried keys that names more than we set is written anew', () => {
  const rig = settledStage({ carry: 'team' }, { labels: { team: 'red' } })
  annotate(rig, MIRROR, { carried: 'labels/absent,labels/team' })
  assert.deepEqual(acted(rig), ['update restore'])
  assert.equal(mark(rig, MIRROR, 'carried'), 'labels/team')
})

test('two marks left over content that does not agree with the digest are unowned: told, never written, never deleted', () => {
  const rig = settledStage()
  unlabel(rig, MIRROR)
  edit(rig, MIRROR, () => ({ data: { token: 'eA==' } }))
  assert.deepEqual(acted(rig), [])
  assert.equal(restOf(rig), 'unowned unowned')
  gone(rig)
  assert.deepEqual(acted(rig), [])
})

test('two marks left under a digest that cannot be read are unowned', () => {
  for (const digest of [undefined, 'v9.x.y.z']) {
    const rig = settledStage()
    unlabel(rig, MIRROR)
    annotate(rig, MIRROR, { digest })
    assert.deepEqual(acted(rig), [])
    assert.equal(restOf(rig), 'unowned unowned')
  }
})

test('one mark left is unowned', () => {
  const rig = settledStage()
  annotate(rig, MIRROR, { origin: undefined, at: undefined })
  assert.deepEqual(acted(rig), [])
  assert.equal(restOf(rig), 'unowned unowned')
})

test('a stripped mirror is its origin’s again, also where an older origin claims the place by now', () => {
  const rig = settledStage()
  const older = offer(rig, 'other/registry')
  rig.cluster.restore({ ...older, createdAt: '2000-01-01T00:00:00Z' })
  unlabel(rig, MIRROR)
  assert.deepEqual(acted(rig), ['update restore'])
  assert.equal(mark(rig, MIRROR, 'origin'), 'shared/registry')
})

test('a digest under an unknown key or version is no word against the data: read, compared, stamped anew', () => {
  const rig = settledStage()
  rig.digestKey = digestKey(9)
  rig.restart()
  assert.deepEqual(rig.decide(MIRROR), { kind: 'read-mirror', reason: 'unknown-digest' })
  const { decisions, acts } = rig.turn(MIRROR)
  assert.deepEqual(kinds(decisions), ['read-mirror', 'read-origin', 'update', 'keep'])
  assert.deepEqual(
    acts.map(({ decision }) => told(decision)),
    ['update restamp'],
  )
})

test('data that is wrong under a digest that cannot be read is put back, not stamped as right', () => {
  for (const lose of [true, false]) {
    const rig = settledStage()
    edit(rig, MIRROR, () => ({ data: { token: 'eA==' } }))
    if (lose) annotate(rig, MIRROR, { digest: undefined })
    else rig.digestKey = digestKey(9)
    rig.restart()
    assert.deepEqual(acted(rig), ['update drift'])
    assert.deepEqual({ ...contentOf(rig, MIRROR).data }, { token: 'b25l' })
  }
})

test('a verification reads the data even where nothing speaks against it', () => {
  const rig = settledStage()
  rig.memory.verify.add(MIRROR)
  assert.deepEqual(kinds(rig.turn(MIRROR).decisions), ['read-mirror', 'keep'])
})

test('a foreign hand on immutability is looked at, and the mirror made anew', () => {
  const rig = settledStage()
  edit(rig, MIRROR, () => ({ immutable: true }))
  assert.deepEqual(acted(rig), ['replace', 'create'])
  assert.equal(contentOf(rig, MIRROR).immutable, false)
})

test('a type that changed, and data under immutable, replace the mirror', () => {
  const rig = settledStage({ immutable: 'true' })
  edit(rig, ORIGIN, () => ({ data: { token: 'dHdv' } }))
  assert.deepEqual(acted(rig), ['replace', 'create'])
  annotate(rig, ORIGIN, { type: 'example.dev/other' })
  assert.deepEqual(acted(rig), ['replace', 'create'])
  assert.equal(contentOf(rig, MIRROR).type, 'example.dev/other')
})

test('a foreign object in the way stays as it is', () => {
  const rig = stage()
  inTheWay(rig)
  assert.deepEqual(acted(rig), [])
  assert.equal(restOf(rig), 'blocked foreign')
  rig.cluster.drop(MIRROR)
  assert.deepEqual(acted(rig), ['create'])
})

test('a manifest copied from a mirror elsewhere is foreign there', () => {
  const rig = settledStage({ 'reflect-to': 'team-a,team-b' })
  const copy = contentOf(rig, MIRROR)
  rig.cluster.put(refOf(at('team-b/registry')), copy)
  assert.equal(restOf(rig, at('team-b/registry')), 'blocked foreign')
  gone(rig)
  rig.settle()
  assert.ok(rig.cluster.get(at('team-b/registry')) !== null)
})

test('adopt permits the take-over by the origin that it names, while its live claim names the object', () => {
  const rig = stage()
  inTheWay(rig, { adopt: 'shared/registry' })
  assert.deepEqual(acted(rig), ['update adopt'])
  assert.equal(mark(rig, MIRROR, 'adopted'), 'true')
  assert.deepEqual({ ...contentOf(rig, MIRROR).data }, { token: 'b25l' })
})

test('adopt alone makes nothing ours: an absent, an untargeting, a held and a deleted origin leave the object untouched', () => {
  const absent = emptyStage()
  const untargeting = stage({ 'reflect-to': 'team-b' })
  const held = stage({ paused: 'true' })
  const deleted = stage()
  gone(deleted)
  for (const rig of [absent, untargeting, held, deleted]) {
    inTheWay(rig, { adopt: 'shared/registry' })
    const before = rig.cluster.get(MIRROR)
    rig.settle()
    assert.equal(rig.cluster.get(MIRROR), before)
  }
})

test('adopt is no consent of a Namespace whose own is malformed or refuses', () => {
  for (const annotations of [{ accept: '[' }, { refuse: '*' }]) {
    const rig = stage()
    rig.cluster.setNamespace('team-a', { annotations: prefixed(annotations) })
    inTheWay(rig, { adopt: 'shared/registry' })
    assert.deepEqual(acted(rig), [])
  }
})

test('whoever strips what he gave to us is answered ever more slowly', () => {
  for (const annotations of [
    { adopt: 'shared/registry' },
    { retained: 'shared/registry', at: 'team-a/registry' },
  ]) {
    const rig = stage()
    inTheWay(rig, annotations)
    rig.repairs = { contested: true, againAtMs: rig.nowMs + 8_000 }
    assert.equal(restOf(rig), 'contested contested')
  }
})

test('adopt for another origin than the one that claims permits nothing', () => {
  const rig = stage()
  inTheWay(rig, { adopt: 'other/registry' })
  assert.deepEqual(acted(rig), [])
})

test('of two claiming origins the one that the object consents to takes it, though it is younger', () => {
  const rig = stage()
  offer(rig, 'other/registry')
  inTheWay(rig, { adopt: 'other/registry' })
  rig.settle()
  assert.equal(mark(rig, MIRROR, 'origin'), 'other/registry')
})

test('an object that consents to two claiming origins goes to the one that adopt names, in whatever order they are heard', () => {
  for (const order of ['forward', 'reverse'] as const) {
    const rig = stage()
    offer(rig, 'other/registry')
    rig.order = order
    inTheWay(rig, { adopt: 'shared/registry', retained: 'other/registry', at: 'team-a/registry' })
    rig.settle()
    assert.equal(mark(rig, MIRROR, 'origin'), 'shared/registry')
  }
})

test('consent to be taken over is no consent to be deleted: another type stays as it is', () => {
  const rig = stage()
  inTheWay(rig, { adopt: 'shared/registry' }, 'example.dev/other')
  const before = rig.cluster.get(MIRROR)
  assert.deepEqual(acted(rig), [])
  assert.equal(rig.cluster.get(MIRROR), before)
  assert.equal(restOf(rig), 'blocked unchangeable')
})

test('an adopted object whose data cannot change in place any more stays, for its own origin and for a trusted one', () => {
  const rig = stage({}, {}, { trustedOrigins: globs('other/*') })
  inTheWay(rig, { adopt: 'shared/registry' })
  rig.settle()
  edit(rig, ORIGIN, () => ({ data: { token: 'dHdv' } }))
  edit(rig, MIRROR, () => ({ immutable: true }))
  const uid = rig.cluster.get(MIRROR)?.uid
  assert.deepEqual(acted(rig), [])
  assert.equal(restOf(rig), 'blocked unchangeable')
  offer(rig, 'other/registry')
  assert.deepEqual(acted(rig), [])
  assert.equal(rig.cluster.get(MIRROR)?.uid, uid)
})

test('an adopted object is retained when its claim ends, and never deleted, also after it was taken back', () => {
  const rig = stage()
  inTheWay(rig, { adopt: 'shared/registry' })
  rig.settle()
  annotate(rig, MIRROR, { adopt: undefined })
  gone(rig)
  assert.deepEqual(acted(rig), ['retain origin-gone'])
  rig.change(() => offer(rig, 'shared/registry'))
  assert.deepEqual(acted(rig), ['update retake'])
  gone(rig)
  assert.deepEqual(acted(rig), ['retain origin-gone'])
})

test('an object that is itself an origin is never taken over', () => {
  const rig = stage()
  inTheWay(rig, { adopt: 'shared/registry', 'reflect-to': 'team-b' })
  const before = rig.cluster.get(MIRROR)
  rig.settle()
  assert.equal(rig.cluster.get(MIRROR), before)
  assert.equal(restOf(rig), 'blocked foreign')
})

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

function applied(rig: Rig): void {
  rig.cluster.apply(refOf(MIRROR), { data: { token: 'eA==' } })
}

function declared(rig: Rig): void {
  edit(rig, MIRROR, ({ annotations }) => ({
    data: { token: 'eA==' },
    annotations: { ...annotations, [LAST_APPLIED]: '{}' },
  }))
}

test('a mirror that its owner declares as his own is released: marks go, his data stays', () => {
  for (const declare of [applied, declared]) {
    const rig = settledStage()
    declare(rig)
    assert.deepEqual(acted(rig), ['release declared'])
    assert.deepEqual({ ...contentOf(rig, MIRROR).data }, { token: 'eA==' })
    assert.equal(restOf(rig), 'blocked foreign')
  }
})

test('where the Namespace has a matching accept, or the object was adopted, a declared mirror is put back', () => {
  for (const declare of [applied, declared]) {
    const rig = settledStage()
    rig.cluster.setNamespace('team-a', { annotations: prefixed({ accept: 'shared/*' }) })
    declare(rig)
    assert.deepEqual(acted(rig), ['update drift'])
    const adopted = stage()
    inTheWay(adopted, { adopt: 'shared/registry' })
    adopted.settle()
    declare(adopted)
    assert.deepEqual(acted(adopted), ['update drift'])
  }
})

test('a foreign Apply entry that owns no data declares nothing', () => {
  const rig = settledStage()
  rig.cluster.apply(refOf(MIRROR), { labels: { theirs: 'x' } })
  assert.deepEqual(acted(rig), [])
})

test('a contested mirror is put back ever more slowly, but a new version is always brought', () => {
  const rig = settledStage()
  rig.repairs = { contested: true, againAtMs: rig.nowMs + 8_000 }
  const until = { kind: 'wait', state: 'contested', reason: 'contested', atMs: rig.nowMs + 8_000 }
  edit(rig, MIRROR, () => ({ data: { token: 'eA==' } }))
  assert.deepEqual(rig.turn(MIRROR).last, until)
  rig.cluster.drop(MIRROR)
  assert.deepEqual(rig.turn(MIRROR).last, until, 'a deletion')
  rig.nowMs += 8_000
  rig.settle()
  rig.repairs = { contested: true, againAtMs: rig.nowMs + 8_000 }
  edit(rig, ORIGIN, () => ({ data: { token: 'dHdv' } }))
  assert.deepEqual(
    rig.turn(MIRROR).acts.map(({ decision }) => told(decision)),
    ['update stale'],
  )
  unlabel(rig, MIRROR)
  assert.equal(restOf(rig), 'contested contested', 'a stripped mark')
})

test('a mirror whose offers somebody wrote on it claims nothing', () => {
  const rig = settledStage()
  annotate(rig, MIRROR, { 'reflect-to': '*' })
  rig.settle()
  assert.equal(rig.cluster.get(at('team-b/registry')), null)
})
