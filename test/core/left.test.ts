/** Copies that another tool left: taken over where their marks prove an origin, collected where that tool would collect them, otherwise left alone. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { LAST_APPLIED } from './model/cluster.ts'
import type { Manifest } from './model/cluster.ts'
import { at } from './model/rig.ts'
import type { Rig } from './model/rig.ts'
import { replayable } from './model/seeds.ts'
import {
  MIRROR,
  ORIGIN,
  acted,
  actedOnce,
  annotate,
  contentOf,
  edit,
  emptyStage,
  gone,
  kinds,
  mark,
  offer,
  prefixed,
  restOf,
} from './model/stage.ts'
import {
  K,
  M,
  R,
  REFLECTED,
  REPLICATED,
  SYNCED,
  kubedCopy,
  offerAs,
  reflectorCopy,
  replicatorCopy,
  rewrite,
} from './model/tools.ts'
import { globs, RULES } from './rules.ts'

function reflected(copy: Manifest = {}, origin: Manifest = {}): Rig {
  const rig = emptyStage()
  offerAs(rig, REFLECTED, origin)
  reflectorCopy(rig, copy)
  return rig
}

function replicated(keys: string, copy: Manifest = {}, origin: Manifest = {}): Rig {
  const rig = emptyStage()
  offerAs(rig, REPLICATED, origin)
  replicatorCopy(rig, keys, copy)
  return rig
}

function synced(copy: Manifest = {}, origin: Manifest = {}): Rig {
  const rig = emptyStage()
  rig.cluster.setNamespace('team-a', { labels: { env: 'a' } })
  offerAs(rig, SYNCED, origin)
  kubedCopy(rig, copy)
  return rig
}

test('an equal copy of any tool is taken over by one write that touches no data', () => {
  for (const rig of [reflected(), replicated('token'), synced()]) {
    const { uid } = rig.cluster.get(MIRROR) ?? assert.fail()
    const [act, ...more] = rig.settle()
    assert.deepEqual(more, [])
    assert.deepEqual(act?.decision, { kind: 'update', origin: ORIGIN, reason: 'inherit' })
    const text = Buffer.concat(act.body?.reveal() ?? []).toString()
    assert.ok(!text.includes('/data') && !text.includes('b25l'), text)
    assert.equal(rig.cluster.get(MIRROR)?.uid, uid)
    assert.equal(mark(rig, MIRROR, 'at'), 'team-a/registry')
    assert.equal(mark(rig, MIRROR, 'adopted'), undefined, 'it is an ordinary mirror from then on')
    rig.restart()
    assert.deepEqual(acted(rig), [])
  }
})

test('a differing copy is taken over by one ordinary update, in place', () => {
  for (const rig of [
    reflected({ data: { token: 'b2xk', gone: 'eA==' } }),
    replicated('token', { data: { token: 'b25l' } }, { data: { token: 'b25l', more: 'eA==' } }),
    synced({ data: { token: 'b2xk' } }),
  ]) {
    const { uid } = rig.cluster.get(MIRROR) ?? assert.fail()
    assert.deepEqual(actedOnce(rig), ['update inherit-differing'])
    assert.equal(rig.cluster.get(MIRROR)?.uid, uid)
    assert.deepEqual({ ...contentOf(rig, MIRROR).data }, { ...contentOf(rig, ORIGIN).data })
  }
})

test('the tool’s marks stay as it wrote them where nothing but marks was written', () => {
  for (const rig of [reflected(), replicated('token'), synced()]) {
    const before = contentOf(rig, MIRROR).annotations
    rig.settle()
    const after = contentOf(rig, MIRROR).annotations
    for (const [key, value] of Object.entries(before)) assert.equal(after[key], value, key)
  }
})

test('a mirror of ours into which a merging tool wrote since, every label of ours gone, is taken back where its content proves it', () => {
  const stray: Record<string, (rig: Rig) => void> = {
    'update inherit': () => undefined,
    'update inherit-differing': (rig) => edit(rig, ORIGIN, () => ({ data: { token: 'bmV3', more: 'eA==' } })),
    'update inherit ': (rig) => annotate(rig, MIRROR, { digest: undefined, origin: undefined }),
    '': (rig) => edit(rig, MIRROR, () => ({ data: { token: 'eA==' } })),
    ' ': (rig) => rewrite(rig, MIRROR, { [`${M}replicated-keys`]: undefined }),
    '  ': (rig) => annotate(rig, MIRROR, { origin: 'other/registry' }),
  }
  for (const [act, happens] of Object.entries(stray)) {
    const rig = replicated('token', { data: { token: 'b25l', mine: 'eA==' } })
    rig.settle()
    edit(rig, ORIGIN, () => ({ data: { token: 'bmV3' } }))
    edit(rig, MIRROR, () => ({ labels: {}, data: { token: 'bmV3', mine: 'eA==' } }), 'replicator|Update')
    happens(rig)
    assert.deepEqual(actedOnce(rig), act.trim() === '' ? [] : [act.trim()])
    assert.equal(restOf(rig), act.trim() === '' ? 'unowned unowned' : 'synced in-sync', act)
    assert.ok(contentOf(rig, MIRROR).data['mine'] !== undefined || act === '')
  }
})

test('a copy whose marks are enough is not taken back once it was ours and its owner changed it: content alone brings back', () => {
  const rig = reflected()
  rig.settle()
  edit(rig, MIRROR, () => ({ labels: {}, data: { token: 'eA==' } }))
  assert.deepEqual(actedOnce(rig), [])
  assert.equal(restOf(rig), 'unowned unowned')
})

test('only the origin that the marks name may take the copy over', () => {
  const rig = emptyStage()
  offerAs(rig, REFLECTED, { path: 'other/registry' })
  reflectorCopy(rig)
  // The origin that it names exists, and allows nothing.
  rig.cluster.put(
    { kind: 'Secret', namespace: 'shared', name: 'registry' },
    { annotations: prefixed({ paused: 'x' }) },
  )
  rig.brake = 'held'
  assert.deepEqual(actedOnce(rig), [])
  const kubed = emptyStage()
  offer(kubed, 'other/registry')
  kubedCopy(kubed)
  assert.deepEqual(actedOnce(kubed), [])
  assert.equal(restOf(kubed), 'blocked foreign')
})

test('marks that name no origin prove one only by every byte that they speak of', () => {
  const unproven: Record<string, Rig> = {
    'another value': replicated('token', { data: { token: 'b2xk' } }),
    'a key that the origin lacks': replicated('token,gone', { data: { token: 'b25l', gone: 'eA==' } }),
    'a key that the copy lacks': replicated('token,more', {}, { data: { token: 'b25l', more: 'eA==' } }),
    'no key at all': replicated('', { data: { theirs: 'eA==' } }),
    'a list of nothing': replicated(',', { data: { theirs: 'eA==' } }),
  }
  for (const [why, rig] of Object.entries(unproven)) {
    const before = rig.cluster.get(MIRROR)
    assert.deepEqual(actedOnce(rig), [], why)
    assert.equal(rig.cluster.get(MIRROR), before, why)
    gone(rig)
    assert.deepEqual(actedOnce(rig), [], why)
    assert.equal(rig.cluster.get(MIRROR), before, why)
  }
})

test('a copy that names no origin is nobody’s where two claim it', () => {
  const rig = replicated('token')
  offerAs(rig, REPLICATED, { path: 'other/registry', data: { token: 'b25l' } })
  assert.deepEqual(actedOnce(rig), [])
})

test('an empty list of keys gives no native origin a foreign object either', () => {
  const rig = emptyStage()
  offer(rig, 'shared/registry')
  replicatorCopy(rig, '', { data: { theirs: 'eA==' } })
  assert.deepEqual(actedOnce(rig), [])
  assert.equal(restOf(rig), 'blocked foreign')
})

test('the target’s own keys outlive take-over, rotation and the end of the claim', () => {
  const rig = replicated('token', { data: { token: 'b25l', mine: 'eA==' } })
  assert.deepEqual(actedOnce(rig), ['update inherit'])
  edit(rig, ORIGIN, () => ({ data: { other: 'dHdv' } }))
  assert.deepEqual(actedOnce(rig), ['update stale'])
  assert.deepEqual({ ...contentOf(rig, MIRROR).data }, { other: 'dHdv', mine: 'eA==' })
  gone(rig)
  assert.deepEqual(actedOnce(rig), ['strip origin-gone'])
  assert.deepEqual({ ...contentOf(rig, MIRROR).data }, { mine: 'eA==' })
})

test('kubed’s copies lose what is never carried in the write that takes them over', () => {
  const never = { 'argocd.argoproj.io/tracking-id': 'x', [LAST_APPLIED]: '{"data":{}}' }
  const carried = {
    annotations: { ...never, note: 'n' },
    labels: { 'app.kubernetes.io/instance': 'i', team: 't' },
  }
  const rig = synced(carried, carried)
  assert.deepEqual(actedOnce(rig), ['update inherit'])
  const { annotations, labels } = contentOf(rig, MIRROR)
  for (const key of Object.keys(never)) assert.equal(annotations[key], undefined, key)
  assert.equal(labels['app.kubernetes.io/instance'], undefined)
  assert.equal(mark(rig, MIRROR, 'carried'), 'annotations/note,labels/team')
  assert.deepEqual([annotations['note'], labels['team']], ['n', 't'])
  assert.equal(contentOf(rig, ORIGIN).annotations[LAST_APPLIED], '{"data":{}}')
})

test('what the target has of its own under a key that is never carried stays', () => {
  const rig = synced(
    { annotations: { 'argocd.argoproj.io/tracking-id': 'theirs' } },
    {
      annotations: { 'argocd.argoproj.io/tracking-id': 'x' },
    },
  )
  rig.settle()
  assert.equal(contentOf(rig, MIRROR).annotations['argocd.argoproj.io/tracking-id'], 'theirs')
})

test('a copy that its owner declared as his own is neither taken over nor collected', () => {
  for (const declared of ['applied', 'apply entry']) {
    const rig = reflected(declared === 'applied' ? { annotations: { [LAST_APPLIED]: '{}' } } : {})
    if (declared === 'apply entry')
      rig.cluster.apply(
        { kind: 'Secret', namespace: 'team-a', name: 'registry' },
        { data: { token: 'b25l' } },
      )
    const before = rig.cluster.get(MIRROR)
    assert.deepEqual(actedOnce(rig), [], declared)
    gone(rig)
    assert.deepEqual(actedOnce(rig), [], `${declared}, and its origin gone`)
    assert.equal(rig.cluster.get(MIRROR), before)
  }
})

test('an origin’s own last-applied that kubed copied declares nothing', () => {
  const rig = synced({ annotations: { [LAST_APPLIED]: 'x' } }, { annotations: { [LAST_APPLIED]: 'x' } })
  assert.deepEqual(actedOnce(rig), ['update inherit'])
  const theirs = synced({ annotations: { [LAST_APPLIED]: 'x' } })
  assert.deepEqual(actedOnce(theirs), [], 'one that the origin does not have was declared here')
})

test('reflector’s copies without an origin that allows them are collected: seen after the grace, unseen when confirmed', () => {
  for (const live of [true, false]) {
    const rig = reflected()
    rig.brake = 'held'
    rig.change(() => rig.cluster.drop(ORIGIN), live)
    const { decisions } = rig.turn(MIRROR)
    assert.deepEqual(kinds(decisions), ['wait'])
    rig.brake = 'open'
    if (live) assert.equal(decisions[0]?.kind === 'wait' && decisions[0].reason, 'grace')
    else assert.deepEqual(kinds(rig.turn(MIRROR).decisions).slice(0, 2), ['confirm-origin', 'remove'])
    actedOnce(rig)
    assert.equal(rig.cluster.get(MIRROR), null)
  }
})

test('what an unreadable origin left is kept', () => {
  const rig = reflected()
  rig.isUnreadable = true
  rig.change(() => rig.cluster.drop(ORIGIN), false)
  assert.equal(restOf(rig), 'pending origin-unreadable')
  assert.ok(rig.cluster.get(MIRROR) !== null)
})

test('narrowing and switching off collect reflector’s copies as they do mirrors', () => {
  const ends = [
    { [`${R}reflection-auto-namespaces`]: 'team-b' },
    { [`${R}reflection-auto-enabled`]: 'false' },
    { [`${R}reflection-allowed`]: 'no' },
  ]
  for (const texts of ends) {
    const rig = reflected()
    rewrite(rig, ORIGIN, texts)
    assert.equal(acted(rig)[0], 'remove orphan', JSON.stringify(texts))
    assert.equal(rig.cluster.get(MIRROR), null)
  }
})

test('a copy is kept while its origin is held, by a bad pattern as by its version', () => {
  const holds: readonly ((rig: Rig) => void)[] = [
    (rig) => annotate(rig, ORIGIN, { paused: 'true' }),
    (rig) => rewrite(rig, ORIGIN, { [`${R}reflection-auto-namespaces`]: '*' }),
    (rig) => annotate(rig, ORIGIN, { keys: 'zz' }),
    (rig) => {
      rewrite(rig, ORIGIN, { [`${R}reflection-auto-namespaces`]: 'team-b' })
      annotate(rig, ORIGIN, { keys: 'zz' })
    },
  ]
  for (const hold of holds) {
    const rig = reflected()
    hold(rig)
    const before = rig.cluster.get(MIRROR)
    assert.deepEqual(actedOnce(rig), [], String(hold))
    assert.equal(restOf(rig), 'held held', String(hold))
    assert.equal(rig.cluster.get(MIRROR), before)
  }
})

test('where the namespace does not let us write, a copy stays as it is, with and without its origin', () => {
  for (const refuse of ['refuse', 'accept', 'protected']) {
    const rig = emptyStage(refuse === 'protected' ? { protectedNamespaces: globs('team-a') } : {})
    offerAs(rig, REFLECTED)
    reflectorCopy(rig)
    if (refuse !== 'protected')
      rig.cluster.setNamespace('team-a', {
        annotations: prefixed({ [refuse]: refuse === 'refuse' ? '*' : 'x/*' }),
      })
    const before = rig.cluster.get(MIRROR)
    assert.deepEqual(actedOnce(rig), [], refuse)
    assert.equal(restOf(rig), 'synced left', refuse)
    gone(rig, false)
    assert.deepEqual(actedOnce(rig), [], refuse)
    assert.equal(rig.cluster.get(MIRROR), before)
  }
})

test('copies of the other tools, and what only resembles reflector’s, are never collected', () => {
  const lone = (make: (rig: Rig) => void): Rig => {
    const rig = emptyStage()
    make(rig)
    return rig
  }
  const kept: Record<string, Rig> = {
    replicator: lone((rig) => replicatorCopy(rig, 'token')),
    kubed: lone((rig) => kubedCopy(rig)),
    'another name': lone((rig) => reflectorCopy(rig, { annotations: { [`${R}reflects`]: 'shared/other' } })),
    'its own namespace': lone((rig) =>
      reflectorCopy(rig, { annotations: { [`${R}reflects`]: 'team-a/registry' } }),
    ),
    'a pull mirror': lone((rig) => reflectorCopy(rig, { annotations: { [`${R}auto-reflects`]: 'False' } })),
    'no origin': lone((rig) => reflectorCopy(rig, { annotations: { [`${R}reflects`]: '/' } })),
    'retained by its own mark': lone((rig) =>
      reflectorCopy(rig, { annotations: prefixed({ 'on-delete': 'retain' }) }),
    ),
    adopted: lone((rig) => reflectorCopy(rig, { annotations: prefixed({ adopted: 'true' }) })),
  }
  for (const [why, rig] of Object.entries(kept)) {
    const before = rig.cluster.get(MIRROR)
    assert.deepEqual(actedOnce(rig), [], why)
    assert.equal(rig.cluster.get(MIRROR), before, why)
  }
})

test('a mirror of ours that was restored elsewhere is no orphan, though it bears reflector’s marks', () => {
  const rig = emptyStage()
  offerAs(rig, REFLECTED)
  rig.settle()
  const elsewhere = at('other/registry')
  rig.cluster.put({ kind: 'Secret', namespace: 'other', name: 'registry' }, contentOf(rig, MIRROR))
  const before = rig.cluster.get(elsewhere)
  gone(rig, false)
  assert.deepEqual(actedOnce(rig), ['remove origin-gone'])
  assert.equal(rig.cluster.get(elsewhere), before)
})

test('a copy of two tools, with keys of somebody’s own, is left when its origin goes', () => {
  const rig = reflected({
    data: { token: 'b25l', mine: 'eA==' },
    annotations: { [`${M}replicated-keys`]: 'token' },
  })
  const before = rig.cluster.get(MIRROR)
  gone(rig, false)
  assert.deepEqual(actedOnce(rig), [])
  assert.equal(restOf(rig), 'synced left')
  assert.equal(rig.cluster.get(MIRROR), before)
})

test('an object that offers copies itself is an origin, whatever old marks are on it', () => {
  for (const words of [REFLECTED, REPLICATED, SYNCED, prefixed({ 'reflect-to': 'team-b' })]) {
    const rig = emptyStage()
    const marks = {
      [`${R}reflects`]: 'shared/registry',
      [`${R}auto-reflects`]: 'True',
      [`${M}replicated-keys`]: 'token',
    }
    offerAs(rig, words, { path: 'team-a/registry', annotations: marks })
    offerAs(rig, REFLECTED)
    const before = rig.cluster.get(MIRROR)
    rig.settle()
    gone(rig, false)
    rig.settle()
    assert.equal(rig.cluster.get(MIRROR), before, JSON.stringify(words))
  }
})

test('the owner’s own word names another origin than the tool’s marks, and counts', () => {
  const rig = reflected({ annotations: prefixed({ adopt: 'other/registry' }) })
  offer(rig, 'other/registry')
  assert.deepEqual(actedOnce(rig), ['update adopt'])
  assert.equal(mark(rig, MIRROR, 'origin'), 'other/registry')
})

test('a type that cannot become the origin’s leaves the copy as it is, and says so', () => {
  const rig = reflected({ type: 'example.dev/old' }, { type: 'example.dev/new' })
  const before = rig.cluster.get(MIRROR)
  rig.settle()
  assert.equal(restOf(rig), 'blocked unchangeable')
  assert.equal(rig.cluster.get(MIRROR), before)
})

test('what was taken over is tended and ends as any mirror does', () => {
  for (const rig of [reflected(), replicated('token'), synced()]) {
    rig.settle()
    edit(rig, MIRROR, () => ({ data: { token: 'eA==' } }))
    assert.deepEqual(acted(rig), ['update drift'])
    rig.cluster.drop(MIRROR)
    assert.deepEqual(acted(rig), ['create'])
    gone(rig)
    assert.deepEqual(acted(rig), ['remove origin-gone'])
  }
})

test('a copy is compared before it is written, once for each place', () => {
  const rig = reflected()
  assert.deepEqual(kinds(rig.turn(MIRROR).decisions), ['read-origin', 'read-mirror', 'update', 'keep'])
})

test('whoever puts the old marks back again and again is answered ever more slowly', () => {
  const rig = reflected()
  rig.repairs = { contested: true, againAtMs: rig.nowMs + 8_000 }
  assert.equal(restOf(rig), 'contested contested')
})

test('a tool whose vocabulary is not read has left nothing', () => {
  const rig = emptyStage({ dialects: { ...RULES.dialects, read: new Set(['kubed']) } })
  offer(rig, 'shared/registry')
  reflectorCopy(rig)
  assert.equal(restOf(rig), 'blocked foreign')
  gone(rig, false)
  assert.equal(restOf(rig), 'synced unclaimed')
})

test('whatever other tools wrote on an object, what they do not prove is neither written nor removed', (t) => {
  const value = fc.constantFrom(
    'shared/registry',
    'other/registry',
    'team-a/registry',
    'True',
    'token',
    'mine',
    '',
  )
  const key = fc.constantFrom(
    `${R}reflects`,
    `${R}auto-reflects`,
    `${M}replicated-keys`,
    `${M}replicated-from-version`,
    `${K}origin`,
  )
  const world = fc.record({
    marks: fc.dictionary(key, value, { noNullPrototype: true }),
    data: fc.dictionary(fc.constantFrom('token', 'mine', 'more'), fc.constantFrom('b25l', 'eA=='), {
      noNullPrototype: true,
    }),
    words: fc.constantFrom(REFLECTED, REPLICATED, SYNCED, prefixed({ 'reflect-to': 'team-a' })),
    live: fc.boolean(),
  })
  fc.assert(
    fc.property(world, ({ marks, data, words, live }) => {
      const rig = emptyStage()
      rig.cluster.setNamespace('team-a', { labels: { env: 'a' } })
      offerAs(rig, words)
      rig.cluster.put({ kind: 'Secret', namespace: 'team-a', name: 'registry' }, { data, annotations: marks })
      // Named by reflector’s marks: its auto copy, or an object that asks to be filled.
      const names = marks[`${R}reflects`] === 'shared/registry'
      const keys = (marks[`${M}replicated-keys`] ?? '').split(',').filter((name) => name !== '')
      const proves =
        words === REPLICATED &&
        keys.length > 0 &&
        keys.every((name) => name === 'token') &&
        data['token'] === 'b25l'
      const isWhole = keys.length > 0 && JSON.stringify(data) === '{"token":"b25l"}'
      const collects =
        marks[`${R}auto-reflects`] === 'True' &&
        /^(shared|other)\/registry$/.test(marks[`${R}reflects`] ?? '')
      const before = rig.cluster.get(MIRROR)
      actedOnce(rig)
      gone(rig, live)
      actedOnce(rig)
      if (!names && !proves && !isWhole && !collects) assert.equal(rig.cluster.get(MIRROR), before)
    }),
    replayable(t, 400),
  )
})
