/** Objects that ask to be filled: by whom they may be, what is written, and that nothing ever deletes them. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { refOf } from '../../src/core/names.ts'
import { at, digestKey } from './model/rig.ts'
import type { Rig } from './model/rig.ts'
import type { Manifest } from './model/cluster.ts'
import {
  MIRROR,
  ORIGIN,
  annotate,
  contentOf,
  edit,
  mark,
  offer,
  prefixed,
  settledStage,
  stage,
} from './model/stage.ts'

const MINE = at('team-b/mine')

/** `team-b/mine` asks for `shared/registry`, which allows it; not yet settled. */
function asking(policy: Readonly<Record<string, string>> = {}, mine: Manifest = {}): Rig {
  const rig = stage({ 'allow-pull': 'team-b', ...policy })
  ask(rig, 'shared/registry', mine)
  return rig
}

function filled(policy: Readonly<Record<string, string>> = {}, mine: Manifest = {}): Rig {
  const rig = asking(policy, mine)
  rig.settle()
  assert.equal(mark(rig, MINE, 'pulled-from'), 'shared/registry')
  return rig
}

function ask(rig: Rig, from: string, mine: Manifest = {}, key = MINE): void {
  rig.cluster.put(refOf(key), {
    ...mine,
    annotations: { ...mine.annotations, ...prefixed({ 'reflect-from': from }) },
  })
}

function reasons(rig: Rig): readonly string[] {
  return rig
    .settle()
    .map(({ decision }) => `${decision.kind} ${'reason' in decision ? decision.reason : ''}`.trim())
}

function restOf(rig: Rig): string {
  const { last } = rig.turn(MINE)
  return last.kind === 'keep' || last.kind === 'wait' ? `${last.state} ${last.reason}` : last.kind
}

test('what asks and may is filled with the origin’s selection, wholesale; its own type stays', () => {
  const rig = asking({ keys: 'token=password' }, { type: 'example.dev/mine', data: { old: 'eA==' } })
  rig.settle()
  const { data, type } = contentOf(rig, MINE)
  assert.deepEqual([{ ...data }, type], [{ password: 'b25l' }, 'example.dev/mine'])
  assert.equal(restOf(rig), 'synced in-sync')
})

test('an origin, a permission or a name that is not there leaves it as it is, and all look the same', () => {
  for (const policy of [{ 'allow-pull': 'team-a' }, { 'allow-pull': '' }]) {
    const rig = asking(policy)
    const before = rig.cluster.get(MINE)
    rig.settle()
    assert.equal(rig.cluster.get(MINE), before)
    assert.equal(restOf(rig), 'refused pull-unavailable')
  }
  for (const from of ['shared/absent', 'team-b/plain', 'team-b/mine', 'x', '']) {
    const rig = asking()
    rig.cluster.put(refOf(at('team-b/plain')), {})
    ask(rig, from)
    assert.equal(restOf(rig), 'refused pull-unavailable', from)
  }
})

test('nothing is filled in a protected namespace', () => {
  const rig = stage({ 'allow-pull': '*' })
  rig.cluster.setNamespace('kube-x', {})
  ask(rig, 'shared/registry', {}, at('kube-x/mine'))
  rig.settle()
  assert.equal(mark(rig, at('kube-x/mine'), 'pulled-from'), undefined)
})

test('an object in the origin’s own namespace may ask', () => {
  const rig = stage({ 'allow-pull': 'shared' })
  ask(rig, 'shared/registry', {}, at('shared/mine'))
  rig.settle()
  assert.deepEqual({ ...contentOf(rig, at('shared/mine')).data }, { token: 'b25l' })
})

test('a new version is filled in, an edit put back, each once', () => {
  const rig = filled()
  edit(rig, ORIGIN, () => ({ data: { token: 'dHdv' } }))
  assert.deepEqual(
    reasons(rig).filter((reason) => reason.startsWith('fill')),
    ['fill stale'],
  )
  edit(rig, MINE, () => ({ data: { token: 'eA==' } }))
  assert.deepEqual(reasons(rig), ['fill drift'])
  assert.deepEqual(reasons(rig), [])
})

test('after a restart a filled object that is in sync is neither read nor written', () => {
  const rig = filled()
  rig.restart()
  assert.deepEqual(
    rig.turn(MINE).decisions.map(({ kind }) => kind),
    ['read-origin', 'keep'],
  )
})

test('when origin, permission or the asking goes, the last data stays and nothing is deleted', () => {
  const ends: readonly ((rig: Rig) => void)[] = [
    (rig) => rig.cluster.drop(ORIGIN),
    (rig) => annotate(rig, ORIGIN, { 'allow-pull': 'team-a' }),
    (rig) => annotate(rig, ORIGIN, { 'allow-pull': undefined, 'reflect-to': undefined }),
    (rig) => annotate(rig, MINE, { 'reflect-from': undefined }),
    (rig) => rig.cluster.setNamespace('team-b', { annotations: prefixed({ refuse: '*' }) }),
  ]
  for (const end of ends) {
    for (const live of [true, false]) {
      const rig = filled()
      rig.change(() => end(rig), live)
      const before = rig.cluster.get(MINE)
      rig.settle()
      assert.equal(rig.cluster.get(MINE), before)
    }
  }
})

test('after the asking was taken back, a new version is not written', () => {
  const rig = filled()
  annotate(rig, MINE, { 'reflect-from': undefined })
  edit(rig, ORIGIN, () => ({ data: { token: 'dHdv' } }))
  rig.settle()
  assert.deepEqual({ ...contentOf(rig, MINE).data }, { token: 'b25l' })
})

test('an object that asks for another origin is filled from that one', () => {
  const rig = filled()
  offer(rig, 'other/one', { 'allow-pull': '*' }, { data: { token: 'dHdv' } })
  annotate(rig, MINE, { 'reflect-from': 'other/one' })
  assert.ok(reasons(rig).includes('fill stale'))
  assert.equal(mark(rig, MINE, 'pulled-from'), 'other/one')
})

test('for a held origin, and for a version that may not be distributed, nothing is filled', () => {
  for (const [policy, rest] of [
    [{ paused: 'true' }, 'held held'],
    [{ keys: 'zz' }, 'held held'],
    [{ validate: 'keys=zz' }, 'held not-distributed'],
  ] as const) {
    const rig = filled()
    annotate(rig, ORIGIN, policy)
    edit(rig, MINE, () => ({ data: { token: 'eA==' } }))
    const before = rig.cluster.get(MINE)
    rig.settle()
    assert.equal(rig.cluster.get(MINE), before)
    assert.equal(restOf(rig), rest)
  }
})

test('a digest under an unknown key is compared and stamped anew, or put right', () => {
  const same = filled()
  same.digestKey = digestKey(9)
  same.restart()
  assert.ok(reasons(same).includes('fill restamp'))
  const edited = filled()
  edited.digestKey = digestKey(9)
  edited.restart()
  edit(edited, MINE, () => ({ data: { token: 'eA==' } }))
  assert.ok(reasons(edited).includes('fill drift'))
})

test('a lost list of carried keys, or one that names too much, is put right', () => {
  for (const carried of [undefined, 'labels/absent,labels/team']) {
    const rig = stage({ 'allow-pull': '*', carry: 'team' }, { labels: { team: 'red' } })
    ask(rig, 'shared/registry')
    rig.settle()
    annotate(rig, MINE, { carried })
    rig.settle()
    assert.equal(mark(rig, MINE, 'carried'), 'labels/team')
  }
})

test('whoever edits it, or takes its marks away, again and again is answered ever more slowly', () => {
  const attacks: readonly ((rig: Rig) => void)[] = [
    (rig) => edit(rig, MINE, () => ({ data: { token: 'eA==' } })),
    (rig) => annotate(rig, MINE, { digest: undefined }),
    (rig) => annotate(rig, MINE, { 'pulled-from': undefined }),
    (rig) => annotate(rig, MINE, { digest: `${mark(rig, MINE, 'digest')}x` }),
    (rig) => annotate(rig, MINE, { digest: 'v1.another-key.x.y' }),
  ]
  for (const attack of attacks) {
    const rig = filled()
    rig.repairs = { contested: true, againAtMs: rig.nowMs + 8_000 }
    attack(rig)
    assert.equal(restOf(rig), 'contested contested', String(attack))
    rig.nowMs += 8_000
    assert.match(reasons(rig).join(), /^fill (drift|restamp)$/)
  }
})

test('a new version is brought to a contested object at once', () => {
  const rig = filled()
  rig.repairs = { contested: true, againAtMs: rig.nowMs + 8_000 }
  edit(rig, ORIGIN, () => ({ data: { token: 'dHdv' } }))
  assert.equal(rig.turn(MINE).acts.length, 1)
})

test('a verification reads it even where nothing speaks against it', () => {
  const rig = filled()
  rig.memory.verify.add(MINE)
  assert.ok(rig.turn(MINE).decisions.some(({ kind }) => kind === 'read-mirror'))
})

test('an object that asks is never an origin, and blocks a push without being touched by it', () => {
  const rig = stage({ 'reflect-to': 'team-*' })
  const place = at('team-b/registry')
  ask(rig, 'shared/absent', { annotations: prefixed({ 'reflect-to': '*', adopt: 'shared/registry' }) }, place)
  const before = rig.cluster.get(place)
  rig.settle()
  assert.equal(rig.cluster.get(place), before)
  assert.equal(rig.cluster.get(at('other/registry')), null)
})

test('a push mirror that asks to be filled is a pull mirror, and not deleted when its origin goes', () => {
  const rig = settledStage({ 'allow-pull': '*' })
  annotate(rig, MIRROR, { 'reflect-from': 'shared/registry' })
  rig.settle()
  assert.equal(mark(rig, MIRROR, 'origin'), undefined)
  rig.change(() => rig.cluster.drop(ORIGIN))
  rig.settle()
  assert.ok(rig.cluster.get(MIRROR) !== null)
})
