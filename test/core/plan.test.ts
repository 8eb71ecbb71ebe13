/** The decision about one place, promise by promise, on the model of a cluster. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { refOf } from '../../src/core/names.ts'
import type { Answers } from '../../src/core/observation.ts'
import { planMirror } from '../../src/core/plan.ts'
import { LAST_APPLIED } from './model/cluster.ts'
import { at, digestKey } from './model/rig.ts'
import type { Rig } from './model/rig.ts'
import {
  MIRROR,
  ORIGIN,
  acted,
  annotate,
  contentOf,
  edit,
  emptyStage,
  gone,
  inTheWay,
  kinds,
  labelFor,
  mark,
  offer,
  prefixed,
  restOf,
  settledStage,
  stage,
  told,
  unlabel,
} from './model/stage.ts'
import { PREFIX, globs } from './rules.ts'

const NO_ANSWERS: Answers = { mirror: null, confirmation: null, unchangeable: false }

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
