/** The bodies of every write: legal JSON for any content, exact about what they change, and refused wherever something moved on since they were made. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { readOrigin } from '../../src/core/dialects/table.ts'
import { marksOf } from '../../src/core/marks.ts'
import { refOf } from '../../src/core/names.ts'
import type { Kind, ObjectKey } from '../../src/core/names.ts'
import { render } from '../../src/core/render.ts'
import type { Rendering } from '../../src/core/render.ts'
import type { RequestBody } from '../../src/core/operations.ts'
import { createBody, fillBody, releaseBody, retainBody, updateBody } from '../../src/core/requests.ts'
import { fullOf, manifestOf, metaOf, opsOf, textOf } from './model/cluster.ts'
import type { Manifest } from './model/cluster.ts'
import { member, parse } from './model/json-patch.ts'
import { KEY, STAMP, at } from './model/rig.ts'
import type { Rig } from './model/rig.ts'
import {
  MIRROR,
  ORIGIN,
  annotate,
  contentOf,
  edit,
  labelFor,
  mark,
  offer,
  prefixed,
  settledStage,
  stage,
  unlabel,
} from './model/stage.ts'
import { replayable } from './model/seeds.ts'
import { PREFIX, RULES } from './rules.ts'

function renderingOf(rig: Rig, origin: ObjectKey = ORIGIN): Rendering {
  const stored = rig.cluster.get(origin)
  assert.ok(stored !== null)
  const full = fullOf(stored)
  const reading = readOrigin(full.meta, RULES)
  assert.ok(reading.kind === 'policy')
  return render(full, reading.policy, { rules: RULES, key: KEY })
}

function posted(rig: Rig, probe = false, kind: Kind = 'Secret'): ReturnType<typeof parse> {
  const origin = at('shared/registry', kind)
  return parse(textOf(createBody(renderingOf(rig, origin), refOf(at('team-a/registry', kind)), STAMP, probe)))
}

interface Options {
  readonly form?: 'whole' | 'metadata'
  readonly adopted?: boolean
  readonly pinned?: boolean
}

function updateOf(
  rig: Rig,
  { form = 'whole', adopted = false, pinned = false }: Options = {},
  key = MIRROR,
): RequestBody {
  const stored = rig.cluster.get(key)
  assert.ok(stored !== null)
  const meta = metaOf(stored)
  const options = { stamp: STAMP, form, adopted, pinned, shed: false }
  const origin = at('shared/registry', meta.kind)
  return updateBody(renderingOf(rig, origin), meta, marksOf(meta, RULES), options)
}

function fillOf(rig: Rig, key: ObjectKey, form: 'whole' | 'metadata' = 'whole'): RequestBody {
  const stored = rig.cluster.get(key)
  assert.ok(stored !== null)
  const meta = metaOf(stored)
  return fillBody(renderingOf(rig), meta, marksOf(meta, RULES), { stamp: STAMP, form })
}

function rotate(rig: Rig, data: Readonly<Record<string, string>> = { token: 'dHdv' }): void {
  edit(rig, ORIGIN, () => ({ data }))
}

/** Which fields a body sets or takes. */
function touched(body: RequestBody): readonly string[] {
  return opsOf(body)
    .filter(({ op }) => op !== 'test')
    .map(({ op, path }) => `${op} ${path}`)
    .sort()
}

function assertRefused(rig: Rig, body: RequestBody, why: string, key = MIRROR): void {
  const before = rig.cluster.get(key)
  const answer = rig.cluster.patch(key, body)
  assert.ok(!answer.ok && answer.failure.kind === 'test-failed', why)
  assert.equal(rig.cluster.get(key), before)
}

test('a new mirror has name, label, marks, type and data, and nothing more', () => {
  const rig = stage({}, { type: 'example.dev/kind' })
  const { summary, origin } = renderingOf(rig)
  assert.deepEqual(JSON.parse(JSON.stringify(posted(rig))), {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'registry',
      namespace: 'team-a',
      labels: { [`${PREFIX}mirror`]: labelFor('shared/registry') },
      annotations: prefixed({
        origin: 'shared/registry',
        at: 'team-a/registry',
        'origin-uid': origin.uid,
        'origin-version': origin.version,
        digest: summary.digest,
      }),
    },
    type: 'example.dev/kind',
    data: { token: 'b25l' },
  })
})

test('a mirror that is retained, immutable or carries metadata says so', () => {
  const rig = stage(
    { 'on-delete': 'retain', immutable: 'true', carry: 'team,note' },
    { labels: { team: 'red' }, annotations: { note: 'x' } },
  )
  const body = posted(rig)
  assert.equal(member(body, 'immutable'), true)
  const annotations = member(member(body, 'metadata'), 'annotations')
  assert.equal(member(annotations, `${PREFIX}on-delete`), 'retain')
  assert.equal(member(annotations, `${PREFIX}carried`), 'annotations/note,labels/team')
  assert.equal(member(annotations, 'note'), 'x')
})

test('a ConfigMap has binaryData and no type', () => {
  const rig = stage()
  offer(rig, 'shared/registry', {}, { kind: 'ConfigMap', binaryData: { bin: 'AP8=' } })
  const body = posted(rig, false, 'ConfigMap')
  assert.equal(JSON.stringify(member(body, 'binaryData')), '{"bin":"AP8="}')
  assert.equal(member(body, 'type'), undefined)
})

test('the probe of a replacement has a generated name and no marks', () => {
  const { metadata, ...rest } = posted(stage({ carry: 'team' }, { labels: { team: 'red' } }), true)
  assert.equal(member(metadata, 'generateName'), 'registry-')
  assert.equal(member(metadata, 'name'), undefined)
  assert.deepEqual(JSON.stringify(member(metadata, 'labels')), '{"team":"red"}')
  assert.doesNotMatch(JSON.stringify(member(metadata, 'annotations')), /heliograph/)
  assert.deepEqual(Object.keys(rest).sort(), ['apiVersion', 'data', 'kind', 'type'])
})

test('the longest name can be probed', () => {
  for (const name of [`${'a'.repeat(252)}b`, `${'a'.repeat(199)}.${'b'.repeat(50)}`]) {
    const body = createBody(renderingOf(stage()), { kind: 'Secret', namespace: 'team-a', name }, STAMP, true)
    const generated = member(parse(textOf(body))['metadata'], 'generateName')
    assert.ok(typeof generated === 'string')
    assert.match(generated, /^[a-z0-9.]*[a-z0-9]-$/)
    assert.ok(generated.length <= 248)
  }
})

test('an update brings data whole, the marks of its version, and no more', () => {
  const rig = settledStage()
  rotate(rig)
  const body = updateOf(rig)
  assert.deepEqual(touched(body), [
    'add /data',
    'add /immutable',
    'add /metadata/annotations/heliograph.dev~1digest',
    'add /metadata/annotations/heliograph.dev~1origin-version',
    'add /type',
  ])
  assert.ok(rig.cluster.patch(MIRROR, body).ok)
  assert.deepEqual({ ...contentOf(rig, MIRROR).data }, { token: 'dHdv' })
})

test('an update of metadata alone touches no data', () => {
  const rig = settledStage()
  annotate(rig, ORIGIN, { 'on-delete': 'retain' })
  assert.ok(touched(updateOf(rig, { form: 'metadata' })).every((op) => op.includes('/metadata/')))
})

test('an update of a ConfigMap brings binaryData too, and a key that moved is in one place only', () => {
  const rig = stage()
  const key = at('team-a/registry', 'ConfigMap')
  offer(rig, 'shared/registry', {}, { kind: 'ConfigMap', data: { k: 'plain' } })
  rig.settle()
  offer(rig, 'shared/registry', {}, { kind: 'ConfigMap', data: {}, binaryData: { k: 'AP8=' } })
  assert.ok(rig.cluster.patch(key, updateOf(rig, {}, key)).ok)
  const { data, binaryData } = contentOf(rig, key)
  assert.deepEqual([{ ...data }, { ...binaryData }], [{}, { k: 'AP8=' }])
})

test('a body is refused once the object has another uid, mark, digest or version of data', () => {
  const moves: Record<string, (rig: Rig) => void> = {
    'another uid': (rig) => {
      const now = contentOf(rig, MIRROR)
      rig.cluster.drop(MIRROR)
      rig.cluster.put(refOf(MIRROR), now)
    },
    'no label': (rig) => unlabel(rig, MIRROR),
    'another label': (rig) => edit(rig, MIRROR, () => ({ labels: { [`${PREFIX}mirror`]: 'x' } })),
  }
  for (const name of ['origin', 'at', 'origin-version', 'digest']) {
    moves[name] = (rig): void => annotate(rig, MIRROR, { [name]: 'moved' })
    moves[`no ${name}`] = (rig): void => annotate(rig, MIRROR, { [name]: undefined })
  }
  for (const [why, move] of Object.entries(moves)) {
    const rig = settledStage()
    rotate(rig)
    const meta = metaOf(rig.cluster.get(MIRROR) ?? assert.fail())
    const seen = marksOf(meta, RULES)
    const bodies = [updateOf(rig), retainBody(meta, seen, RULES), releaseBody(meta, seen, RULES)]
    move(rig)
    for (const body of bodies) assertRefused(rig, body, why)
  }
})

test('old data does not come back, also when newer data was the same again', () => {
  const rig = settledStage()
  rotate(rig)
  const late = updateOf(rig)
  rig.settle()
  rotate(rig, { token: 'b25l' })
  rig.settle()
  assertRefused(rig, late, 'two versions ago')
})

test('where the mark that versions the data is missing, the object’s own version is proven', () => {
  for (const name of ['digest', 'origin-version']) {
    const rig = settledStage()
    annotate(rig, MIRROR, { [name]: undefined })
    rotate(rig)
    const late = updateOf(rig)
    edit(rig, MIRROR, () => ({ annotations: { ...contentOf(rig, MIRROR).annotations, other: 'x' } }))
    assertRefused(rig, late, name)
  }
})

test('a pinned body holds for one version only', () => {
  const rig = settledStage()
  const late = updateOf(rig, { pinned: true })
  edit(rig, MIRROR, ({ labels }) => ({ labels: { ...labels, theirs: 'x' } }))
  assertRefused(rig, late, 'another version')
})

test('an update that is not pinned leaves foreign metadata alone and passes over it', () => {
  const rig = settledStage()
  rotate(rig)
  const body = updateOf(rig)
  edit(rig, MIRROR, (now) => ({
    labels: { ...now.labels, theirs: 'x' },
    annotations: { ...now.annotations, theirs: 'y' },
  }))
  assert.ok(rig.cluster.patch(MIRROR, body).ok)
  assert.equal(contentOf(rig, MIRROR).labels['theirs'], 'x')
  assert.equal(contentOf(rig, MIRROR).annotations['theirs'], 'y')
})

test('what is carried no more is removed, whatever its key is called', () => {
  const labels = { 'a.b/c': '1', 'x~1y': '2', constructor: '3', kept: '4' }
  const annotations = { 'example.dev/note': '5', toString: '6' }
  const rig = settledStage({ carry: '*' }, { labels: { ...labels }, annotations })
  assert.equal(mark(rig, MIRROR, 'carried')?.split(',').length, 6)
  annotate(rig, ORIGIN, { carry: 'kept' })
  assert.ok(rig.cluster.patch(MIRROR, updateOf(rig)).ok)
  const now = contentOf(rig, MIRROR)
  assert.deepEqual(Object.keys(now.labels).sort(), [`${PREFIX}mirror`, 'kept'])
  assert.ok(Object.keys(now.annotations).every((key) => key.startsWith(PREFIX)))
  assert.equal(mark(rig, MIRROR, 'carried'), 'labels/kept')
})

test('a carried mark that somebody wrote takes nothing under our prefix, and nothing twice', () => {
  const rig = settledStage()
  edit(rig, MIRROR, ({ labels }) => ({ labels: { ...labels, team: 'x' } }))
  annotate(rig, MIRROR, {
    adopt: 'shared/other',
    carried: [
      'annotations/heliograph.dev/adopt',
      'labels/heliograph.dev/mirror',
      'labels/team',
      'labels/team',
    ].join(),
  })
  assert.ok(rig.cluster.patch(MIRROR, updateOf(rig, { pinned: true })).ok)
  assert.equal(mark(rig, MIRROR, 'adopt'), 'shared/other')
  assert.equal(contentOf(rig, MIRROR).labels['team'], undefined)
  assert.equal(contentOf(rig, MIRROR).labels[`${PREFIX}mirror`], labelFor('shared/registry'))
})

test('a taken-over object without labels gets them, and its foreign annotations stay', () => {
  const rig = stage()
  rig.cluster.put(refOf(MIRROR), { annotations: { ...prefixed({ adopt: 'shared/registry' }), theirs: 'x' } })
  assert.ok(rig.cluster.patch(MIRROR, updateOf(rig, { adopted: true, pinned: true })).ok)
  assert.equal(mark(rig, MIRROR, 'adopted'), 'true')
  assert.equal(mark(rig, MIRROR, 'adopt'), 'shared/registry')
  assert.equal(contentOf(rig, MIRROR).labels[`${PREFIX}mirror`], labelFor('shared/registry'))
  assert.equal(contentOf(rig, MIRROR).annotations['theirs'], 'x')
})

test('an immutability that the policy took back is taken off', () => {
  const rig = settledStage()
  edit(rig, MIRROR, () => ({ immutable: true }))
  const answer = rig.cluster.patch(MIRROR, updateOf(rig))
  assert.deepEqual(answer.ok ? null : answer.failure, { kind: 'invalid', fields: ['immutable'] })
})

test('the end of a retaining claim leaves retained and at, and takes every other mark', () => {
  const rig = settledStage({ carry: 'team', 'on-delete': 'retain' }, { labels: { team: 'red' } })
  const meta = metaOf(rig.cluster.get(MIRROR) ?? assert.fail())
  assert.ok(rig.cluster.patch(MIRROR, retainBody(meta, marksOf(meta, RULES), RULES)).ok)
  const { labels, annotations, data } = contentOf(rig, MIRROR)
  assert.deepEqual({ ...annotations }, prefixed({ retained: 'shared/registry', at: 'team-a/registry' }))
  assert.deepEqual({ ...labels }, { team: 'red' })
  assert.deepEqual({ ...data }, { token: 'b25l' })
})

test('what was adopted stays known as such when it is retained', () => {
  const rig = settledStage()
  annotate(rig, MIRROR, { adopted: 'true' })
  const meta = metaOf(rig.cluster.get(MIRROR) ?? assert.fail())
  assert.ok(rig.cluster.patch(MIRROR, retainBody(meta, marksOf(meta, RULES), RULES)).ok)
  assert.equal(mark(rig, MIRROR, 'adopted'), 'true')
})

test('a release takes every mark and holds for one version only', () => {
  const rig = settledStage()
  const meta = metaOf(rig.cluster.get(MIRROR) ?? assert.fail())
  const body = releaseBody(meta, marksOf(meta, RULES), RULES)
  edit(rig, MIRROR, () => ({ data: { token: 'newer' } }))
  assertRefused(rig, body, 'another version')
  const now = metaOf(rig.cluster.get(MIRROR) ?? assert.fail())
  assert.ok(rig.cluster.patch(MIRROR, releaseBody(now, marksOf(now, RULES), RULES)).ok)
  assert.deepEqual(Object.keys(contentOf(rig, MIRROR).annotations), [])
  assert.deepEqual(Object.keys(contentOf(rig, MIRROR).labels), [])
})

const ASKING = at('team-b/mine')

function asking(manifest: Manifest = {}, policy: Readonly<Record<string, string>> = {}): Rig {
  const rig = stage({ 'allow-pull': '*', ...policy }, { labels: { team: 'red' } })
  rig.cluster.put(refOf(ASKING), {
    type: 'example.dev/mine',
    ...manifest,
    annotations: { ...prefixed({ 'reflect-from': 'shared/registry' }), ...manifest.annotations },
  })
  return rig
}

test('an asking object gets data, pulled-from and digest; its own type, immutability and metadata stay', () => {
  const rig = asking(
    { labels: { theirs: 'x' }, data: { old: 'eA==' } },
    { immutable: 'true', type: 'example.dev/other' },
  )
  const body = fillOf(rig, ASKING)
  assert.ok(touched(body).every((op) => !op.includes('/type') && !op.includes('/immutable')))
  assert.ok(rig.cluster.patch(ASKING, body).ok)
  const { data, type, annotations, labels } = contentOf(rig, ASKING)
  assert.deepEqual({ ...data }, { token: 'b25l' })
  assert.equal(type, 'example.dev/mine')
  assert.deepEqual(Object.keys(annotations).sort(), prefixedKeys('digest', 'pulled-from', 'reflect-from'))
  assert.deepEqual({ ...labels }, { theirs: 'x' })
})

function prefixedKeys(...names: readonly string[]): readonly string[] {
  return names.map((name) => PREFIX + name)
}

test('a fill is refused once the object asks for something else, or nothing', () => {
  for (const value of ['shared/other', undefined]) {
    const rig = asking()
    rig.settle()
    rotate(rig)
    const late = fillOf(rig, ASKING)
    annotate(rig, ASKING, { 'reflect-from': value })
    assertRefused(rig, late, String(value), ASKING)
  }
})

test('a first fill, and one of metadata alone, hold for one version only', () => {
  const rig = asking()
  const first = fillOf(rig, ASKING)
  edit(rig, ASKING, () => ({ data: { theirs: 'eA==' } }))
  assertRefused(rig, first, 'another version', ASKING)
  rig.settle()
  const metadata = fillOf(rig, ASKING, 'metadata')
  assert.ok(touched(metadata).every((op) => op.includes('/metadata/')))
  edit(rig, ASKING, () => ({ data: { theirs: 'eA==' } }))
  assertRefused(rig, metadata, 'another version', ASKING)
})

test('labels that somebody makes meanwhile are not lost to a fill that brings the first ones', () => {
  const rig = asking()
  rig.settle()
  annotate(rig, ORIGIN, { carry: 'team' })
  const late = fillOf(rig, ASKING)
  edit(rig, ASKING, () => ({ labels: { theirs: 'x' } }))
  assertRefused(rig, late, 'labels came meanwhile', ASKING)
})

test('a push mirror that asks to be filled loses every push mark', () => {
  const rig = settledStage({ 'allow-pull': '*', 'on-delete': 'retain' })
  annotate(rig, MIRROR, { 'reflect-from': 'shared/registry', adopted: 'true' })
  assert.ok(rig.cluster.patch(MIRROR, fillOf(rig, MIRROR)).ok)
  const { annotations, labels } = contentOf(rig, MIRROR)
  assert.deepEqual(Object.keys(annotations).sort(), prefixedKeys('digest', 'pulled-from', 'reflect-from'))
  assert.deepEqual(Object.keys(labels), [])
})

test('an on-delete of its owner stays on what asks to be filled', () => {
  const rig = asking({ annotations: prefixed({ 'on-delete': 'retain' }) })
  assert.ok(rig.cluster.patch(ASKING, fillOf(rig, ASKING)).ok)
  assert.equal(mark(rig, ASKING, 'on-delete'), 'retain')
})

test('every body is legal JSON that says exactly what the origin says, whatever it holds', (t) => {
  const key = fc.oneof(
    fc.stringMatching(/^[-._a-zA-Z0-9]{1,12}$/).filter((text) => text !== '.' && !text.startsWith('..')),
    fc.constantFrom('__proto__', 'constructor', 'toString', 'a.b', '-'),
  )
  const texts = fc.dictionary(key, fc.string({ unit: 'binary', maxLength: 20 }), {
    maxKeys: 4,
    noNullPrototype: true,
  })
  const label = fc.stringMatching(/^[a-z]{1,3}([._-][a-z]{1,3})?$/)
  fc.assert(
    fc.property(texts, fc.dictionary(label, label, { maxKeys: 3 }), texts, (data, labels, next) => {
      const rig = settledStage({ carry: '*' }, { data, labels })
      assert.deepEqual(sorted(contentOf(rig, MIRROR).data), sorted(data))
      rotate(rig, next)
      rig.settle()
      const now = manifestOf(rig.cluster.get(MIRROR) ?? assert.fail())
      assert.deepEqual(sorted(now.data), sorted(next))
      for (const [name, value] of Object.entries(labels)) assert.equal(now.labels[name], value)
    }),
    replayable(t, 150),
  )
})

function sorted(texts: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(texts)
    .map((entry) => JSON.stringify(entry))
    .sort()
}
