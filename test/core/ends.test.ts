/** What becomes of an object when nobody claims it any more: which keys go, which types keep theirs, and what is asked first. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ended, isWholeMirror, mayStrip, remainingKeys } from '../../src/core/ends.ts'
import { marksOf } from '../../src/core/marks.ts'
import type { Marks } from '../../src/core/marks.ts'
import type { MirrorReading, Observation } from '../../src/core/observation.ts'
import { fullOf } from './model/cluster.ts'
import { KEY, readingOf } from './model/rig.ts'
import type { Rig } from './model/rig.ts'
import { MIRROR, emptyStage, gone, settledStage } from './model/stage.ts'
import { M, REPLICATED, offerAs } from './model/tools.ts'
import { RULES } from './rules.ts'

const NOTHING = { mirror: null, confirmation: null, unchangeable: false } as const

function reading(
  data: readonly string[],
  type: string | null = 'Opaque',
  binaryData: readonly string[] = [],
): MirrorReading {
  return {
    digestFor: () => '',
    valueDigestsFor: () => new Map(),
    type,
    present: { data: new Set(data), binaryData: new Set(binaryData) },
  }
}

/** An observation in which the origin went live, its grace over. */
function seen(
  rig: Rig,
  about: Partial<Observation> = {},
): { readonly o: Observation; readonly marks: Marks } {
  const o = { ...rig.observe(MIRROR, NOTHING), ...about }
  assert.ok(o.marks !== null)
  return { o, marks: o.marks }
}

function endedMerge(): Rig {
  const rig = emptyStage()
  offerAs(rig, REPLICATED)
  rig.settle()
  gone(rig)
  rig.nowMs += rig.rules.graceMs
  return rig
}

test('a type keeps the keys without which the server refuses it', () => {
  const o = seen(settledStage()).o
  const cases: readonly (readonly [string | null, readonly string[], readonly string[], boolean])[] = [
    ['Opaque', ['a'], ['a'], true],
    [null, ['a'], ['a'], true],
    ['example.dev/any', ['a'], ['a'], true],
    ['kubernetes.io/tls', ['tls.crt', 'tls.key', 'ca.crt'], ['ca.crt'], true],
    ['kubernetes.io/tls', ['tls.crt', 'tls.key', 'ca.crt'], ['tls.crt'], false],
    ['kubernetes.io/tls', ['tls.crt', 'tls.key'], ['tls.key'], false],
    ['kubernetes.io/dockerconfigjson', ['.dockerconfigjson'], ['.dockerconfigjson'], false],
    ['kubernetes.io/dockercfg', ['.dockercfg'], ['.dockercfg'], false],
    ['kubernetes.io/ssh-auth', ['ssh-privatekey', 'more'], ['ssh-privatekey'], false],
    ['kubernetes.io/basic-auth', ['username', 'password'], ['password'], true],
    ['kubernetes.io/basic-auth', ['username', 'password'], ['username', 'password'], false],
  ]
  for (const [type, present, taken, expected] of cases)
    assert.equal(
      mayStrip(o, reading(present, type), taken),
      expected,
      `${type ?? 'ConfigMap'} less ${taken.join()}`,
    )
})

test('what cannot be changed is not stripped', () => {
  const { o } = seen(settledStage())
  const answers = { ...NOTHING, unchangeable: true }
  assert.equal(mayStrip({ ...o, answers }, reading(['a']), ['a']), false)
})

test('remaining keys are those of either map that no mark names', () => {
  assert.deepEqual(remainingKeys(reading(['a', 'b'], null, ['c', 'd']), ['a', 'd', 'absent']), ['b', 'c'])
})

test('an end that was seen waits for the grace only where the origin is gone', () => {
  const { o, marks } = seen(settledStage(), { end: { witness: 'live', atMs: 1_000 }, nowMs: 2_000 })
  const atMs = 1_000 + RULES.graceMs
  const waits = { kind: 'wait', state: 'leaving', reason: 'grace', atMs } as const
  assert.deepEqual(ended(o, marks, 'origin-gone'), waits)
  assert.deepEqual(ended({ ...o, marked: { kind: 'absent' } }, marks, 'orphan'), waits)
  const narrowed: Observation['marked'] = { kind: 'not-claiming', onDelete: null, isOrigin: true }
  for (const reason of ['not-claimed', 'consent', 'orphan'] as const)
    assert.deepEqual(ended({ ...o, marked: narrowed }, marks, reason), { kind: 'remove', reason })
  assert.deepEqual(ended({ ...o, nowMs: atMs }, marks, 'origin-gone'), {
    kind: 'remove',
    reason: 'origin-gone',
  })
})

test('an end that nobody saw meets the brake first, then is confirmed, for a left copy by the origin that its marks name', () => {
  const { o, marks } = seen(settledStage(), { end: { witness: 'inferred', atMs: 0 } })
  assert.equal(ended({ ...o, brake: 'held' }, marks, 'not-claimed').kind, 'wait')
  assert.deepEqual(ended(o, marks, 'not-claimed'), {
    kind: 'confirm-origin',
    origin: 'Secret/shared/registry',
  })
  const origin = { kind: 'Secret', namespace: 'other', name: 'registry' } as const
  const left = { tool: 'reflector', origin, isCollectable: true, keys: null }
  const unmarked = { ...marks, label: null, origin: null, left }
  assert.deepEqual(ended(o, unmarked, 'orphan'), { kind: 'confirm-origin', origin: 'Secret/other/registry' })
})

test('a merge is read before it ends, and only once its end is sure', () => {
  const rig = endedMerge()
  const { o, marks } = seen(rig)
  assert.deepEqual(ended(o, marks, 'origin-gone'), { kind: 'read-mirror', reason: 'merge' })
  assert.equal(ended({ ...o, nowMs: o.end.atMs }, marks, 'origin-gone').kind, 'wait')
})

test('a merge ends by what else the object holds, and by whom it was made', () => {
  const { o, marks } = seen(endedMerge())
  const live = { kind: 'not-claiming', onDelete: 'delete', isOrigin: true } as const
  const end = (mirror: MirrorReading, about: Partial<Marks> = {}): string =>
    ended({ ...o, marked: live, answers: { ...NOTHING, mirror } }, { ...marks, ...about }, 'not-claimed').kind
  assert.equal(end(reading(['token'])), 'remove')
  assert.equal(end(reading([])), 'remove')
  assert.equal(end(reading(['token']), { adopted: true }), 'strip')
  assert.equal(end(reading(['token', 'mine'])), 'strip')
  assert.equal(end(reading(['token'], 'Opaque', ['mine'])), 'strip')
  assert.equal(
    end(reading(['tls.crt', 'tls.key', 'mine'], 'kubernetes.io/tls'), { mergedKeys: ['tls.key'] }),
    'retain',
  )
  assert.equal(end(reading(['token', 'mine']), { retain: true }), 'strip', 'a live origin decides')
  assert.equal(
    ended(
      { ...o, marked: { kind: 'absent' }, answers: { ...NOTHING, mirror: reading(['token']) } },
      { ...marks, retain: true },
      'origin-gone',
    ).kind,
    'retain',
  )
})

test('a digest tells a whole mirror from a merged one, whatever the mark of merged keys says', () => {
  for (const [rig, isWhole] of [
    [settledStage(), true],
    [endedMerge(), false],
  ] as const) {
    const stored = rig.cluster.get(MIRROR) ?? assert.fail()
    const full = fullOf(stored)
    const forged = {
      ...full.meta,
      annotations: { ...full.meta.annotations, [`${M}replicated-keys`]: 'token' },
    }
    const mirror = readingOf({ ...full, meta: forged }, RULES, KEY)
    assert.equal(isWholeMirror(seen(rig).o, mirror, marksOf(forged, RULES)), isWhole)
  }
})
