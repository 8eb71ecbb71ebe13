/** What makes an object ours: label, `origin` and `at` all match; anything less is somebody else's, whatever is written on it. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'

import fc from 'fast-check'

import { marksOf, mirrorLabel, parseCarried, standingOf, standingUnder } from '../../src/core/marks.ts'
import type { Standing } from '../../src/core/marks.ts'
import { refOf } from '../../src/core/names.ts'
import type { ObjectRef } from '../../src/core/names.ts'
import type { ObjectMeta } from '../../src/core/objects.ts'
import { IDENTITY, Rig, at } from './model/rig.ts'
import { metaOf } from './model/cluster.ts'
import { labelFor, prefixed } from './model/stage.ts'
import { replayable } from './model/seeds.ts'
import { PREFIX, RULES } from './rules.ts'

const ORIGIN = refOf(at('shared/registry'))
const OURS = { origin: 'shared/registry', at: 'team-a/registry' }

function object(
  marks: Readonly<Record<string, string>>,
  label: string | null = labelFor('shared/registry'),
  path = 'team-a/registry',
): ObjectMeta {
  const { cluster } = new Rig()
  const labels = label === null ? {} : { [`${PREFIX}mirror`]: label }
  return metaOf(cluster.put(refOf(at(path)), { labels, annotations: prefixed(marks) }))
}

function standing(meta: ObjectMeta, candidates: readonly ObjectRef[] = [ORIGIN]): Standing {
  return standingOf(meta, marksOf(meta, RULES), IDENTITY, candidates)
}

test('the label is the first 16 hex digits of SHA-256 over v1, home’s identity, kind, namespace and name', () => {
  const hash = createHash('sha256').update('v1\0home-identity\0Secret\0shared\0registry\0').digest('hex')
  assert.equal(mirrorLabel(IDENTITY, ORIGIN), hash.slice(0, 16))
})

test('another home, kind, namespace or name gives another label, also where their letters run together', () => {
  const labels = [
    mirrorLabel('a', { kind: 'Secret', namespace: 'b', name: 'c' }),
    mirrorLabel('ab', { kind: 'Secret', namespace: 'b', name: 'c' }),
    mirrorLabel('a', { kind: 'ConfigMap', namespace: 'b', name: 'c' }),
    mirrorLabel('a', { kind: 'Secret', namespace: 'bc', name: '' }),
    mirrorLabel('a', { kind: 'Secret', namespace: '', name: 'bc' }),
  ]
  assert.equal(new Set(labels).size, labels.length)
})

test('label, origin and at that all match make an object ours', () => {
  assert.deepEqual(standing(object(OURS)), { kind: 'ours', origin: ORIGIN })
  assert.deepEqual(standing(object(OURS), []), { kind: 'ours', origin: ORIGIN }, 'whoever claims')
})

test('a manifest copied or restored elsewhere is not ours', () => {
  assert.deepEqual(standing(object(OURS, undefined, 'team-b/registry')), { kind: 'foreign' })
  assert.deepEqual(standing(object({ at: 'team-b/registry' })), { kind: 'foreign' })
})

test('two of the three marks name the origin, the third is gone: provable by content', () => {
  const stripped = { kind: 'stripped', origin: ORIGIN }
  assert.deepEqual(standing(object(OURS, null)), stripped, 'the label')
  assert.deepEqual(standing(object({ at: OURS.at })), stripped, 'origin')
  assert.deepEqual(standing(object({ origin: OURS.origin })), stripped, 'at')
})

test('a mark that was changed counts as gone', () => {
  const stripped = { kind: 'stripped', origin: ORIGIN }
  assert.deepEqual(standing(object(OURS, '0123456789abcdef')), stripped)
  assert.deepEqual(standing(object({ ...OURS, origin: 'x' })), stripped)
})

test('without the label, or without origin, an object is provable only for an origin that claims the place', () => {
  assert.deepEqual(standing(object(OURS, null), []), { kind: 'unowned' })
  assert.deepEqual(standing(object({ at: OURS.at }), []), { kind: 'unowned' })
  assert.deepEqual(standing(object({ origin: OURS.origin }), []), { kind: 'stripped', origin: ORIGIN })
})

test('one mark proves nothing', () => {
  assert.deepEqual(standing(object({})), { kind: 'unowned' })
  assert.deepEqual(standing(object({ origin: OURS.origin }, null)), { kind: 'unowned' })
  assert.deepEqual(standing(object({ at: OURS.at }, null)), { kind: 'unowned' })
  assert.deepEqual(standing(object({}, null)), { kind: 'foreign' })
})

test('marks of another home are not ours', () => {
  const meta = object(OURS, mirrorLabel('another-home', ORIGIN))
  assert.notEqual(standing(meta, []).kind, 'ours')
})

test('a label that another claiming origin has, with at, names that one and not the origin mark', () => {
  const other = refOf(at('other/registry'))
  const meta = object(OURS, labelFor('other/registry'))
  assert.deepEqual(standing(meta, [ORIGIN, other]), { kind: 'stripped', origin: other })
})

test('retained with at is what a claim’s end left; with a label, or elsewhere, it is not', () => {
  const kept = { retained: 'shared/registry', at: OURS.at }
  assert.deepEqual(standing(object(kept, null)), { kind: 'retained', origin: ORIGIN })
  assert.notEqual(standing(object({ retained: 'shared/registry' }, null)).kind, 'retained')
  assert.notEqual(standing(object(kept)).kind, 'retained')
  assert.deepEqual(standing(object(kept, null, 'team-b/x')), { kind: 'foreign' })
})

test('whatever asks to be filled is a pull mirror, with every mark of a push mirror too', () => {
  assert.deepEqual(standing(object({ ...OURS, 'reflect-from': '' })), { kind: 'pull' })
})

test('the origin that a mark names must be a legal path', () => {
  for (const origin of ['', 'shared', 'a/b/c', 'Shared/registry', '/registry', 'shared/'])
    assert.notEqual(standing(object({ ...OURS, origin }), []).kind, 'ours', origin)
})

test('marks are read as they stand, under the prefix only', () => {
  const marks = marksOf(
    object({ 'on-delete': 'retain', adopted: 'true', carried: 'labels/a,annotations/b/c', digest: 'x' }),
    RULES,
  )
  assert.equal(marks.retain, true)
  assert.equal(marks.adopted, true)
  assert.deepEqual(marks.carried, ['labels/a', 'annotations/b/c'])
  assert.equal(marks.digest, 'x')
  assert.equal(marks.origin, null)
  assert.equal(marksOf(object({ adopted: 'yes', 'on-delete': 'delete' }), RULES).adopted, false)
  assert.equal(marksOf(object({ 'on-delete': 'delete' }), RULES).retain, false)
  assert.equal(marksOf(object(OURS), { ...RULES, prefix: 'other.dev/' }).origin, null)
})

test('carried names labels and annotations; anything else in it, or too much of it, was not written by us', () => {
  assert.deepEqual(parseCarried(null), [])
  assert.deepEqual(parseCarried(''), [])
  assert.deepEqual(parseCarried('data/x,labels/a,,type,annotations/b'), ['labels/a', 'annotations/b'])
  assert.deepEqual(parseCarried(`labels/${'a'.repeat(262_144)}`), [])
})

test('whatever marks an object bears, only three exact matches make it ours', (t) => {
  const path = fc.constantFrom('shared/registry', 'team-a/registry', 'other/registry', 'x', '')
  const marks = fc.dictionary(
    fc.constantFrom('origin', 'at', 'retained', 'reflect-from', 'adopt', 'digest', 'carried'),
    path,
    { noNullPrototype: true },
  )
  const label = fc.constantFrom(null, labelFor('shared/registry'), labelFor('other/registry'), 'x', '')
  const candidates = fc.subarray([ORIGIN, refOf(at('other/registry'))])
  fc.assert(
    fc.property(marks, label, candidates, (about, mirror, origins) => {
      const found = standing(object(about, mirror), origins)
      const isOurs =
        about['reflect-from'] === undefined &&
        about['at'] === 'team-a/registry' &&
        (about['origin'] ?? 'x') !== 'x' &&
        about['origin'] !== '' &&
        mirror === labelFor(about['origin'] ?? '')
      assert.equal(found.kind === 'ours', isOurs)
      if (found.kind === 'stripped') assert.ok(about['at'] === undefined || about['at'] === 'team-a/registry')
    }),
    replayable(t, 2_000),
  )
})

test('at home a mirror that wholly matches a former identity is ours, and abroad it is the other cluster’s', () => {
  const label = mirrorLabel('former-identity', ORIGIN)
  const key = { identity: IDENTITY, former: ['older-identity', 'former-identity'] }
  const under = (meta: ObjectMeta, by = key): Standing['kind'] =>
    standingUnder(by, meta, marksOf(meta, RULES), []).kind
  assert.equal(under(object(OURS, label)), 'ours')
  assert.equal(under(object(OURS)), 'ours')
  assert.equal(under(object(OURS, label), { identity: IDENTITY, former: [] }), 'unowned')
  assert.equal(under(object({ origin: 'shared/registry' }, label)), 'unowned', 'stripped marks prove less')
  assert.equal(under(object({ ...OURS, 'origin-cluster': 'former-identity' }, label)), 'foreign')
  assert.equal(under(object({ ...OURS, at: 'team-b/registry' }, label)), 'foreign')
})
