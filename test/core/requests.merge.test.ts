/** Bodies of merges, and the marks of other tools in every body: exact about the keys that they touch, and about when which mark is written. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { readOrigin } from '../../src/core/dialects/table.ts'
import { marksOf } from '../../src/core/marks.ts'
import { refOf } from '../../src/core/names.ts'
import type { ObjectKey } from '../../src/core/names.ts'
import type { RequestBody } from '../../src/core/operations.ts'
import { render } from '../../src/core/render.ts'
import type { Rendering } from '../../src/core/render.ts'
import {
  createBody,
  fillBody,
  releaseBody,
  retainBody,
  stripBody,
  updateBody,
} from '../../src/core/requests.ts'
import type { UpdateForm } from '../../src/core/requests.ts'
import { LAST_APPLIED, fullOf, metaOf, opsOf, textOf } from './model/cluster.ts'
import type { Manifest, Stored } from './model/cluster.ts'
import { member, parse } from './model/json-patch.ts'
import { KEY, STAMP, at } from './model/rig.ts'
import type { Rig } from './model/rig.ts'
import { MIRROR, ORIGIN, contentOf, edit, emptyStage, prefixed, settledStage } from './model/stage.ts'
import { K, M, R, REFLECTED, REPLICATED, SYNCED, kubedCopy, offerAs, rewrite } from './model/tools.ts'
import { PREFIX, RULES } from './rules.ts'

const KEYS = `${M}replicated-keys`

function standing(rig: Rig, key: ObjectKey): Stored {
  return rig.cluster.get(key) ?? assert.fail()
}

function renderingOf(rig: Rig, origin: ObjectKey): Rendering {
  const full = fullOf(standing(rig, origin))
  const reading = readOrigin(full.meta, RULES)
  assert.ok(reading.kind === 'policy')
  return render(full, reading.policy, { rules: RULES, key: KEY })
}

interface Case {
  readonly origin?: Manifest
  readonly object: Manifest
  /** The mark of merged keys on the object. */
  readonly keys?: string
}

/** An origin that merges, and an object where its mirror belongs. */
function facing({ origin = {}, object, keys }: Case): Rig {
  const rig = emptyStage()
  offerAs(rig, REPLICATED, { kind: 'ConfigMap', ...origin })
  const annotations = { ...object.annotations, ...(keys === undefined ? {} : { [KEYS]: keys }) }
  rig.cluster.put(refOf(CONFIG), { ...object, annotations })
  return rig
}

const CONFIG = at('team-a/registry', 'ConfigMap')
const CONFIG_ORIGIN = at('shared/registry', 'ConfigMap')

function presentIn(rig: Rig, key: ObjectKey): Extract<UpdateForm, object> {
  const { data, binaryData } = contentOf(rig, key)
  return { present: { data: new Set(Object.keys(data)), binaryData: new Set(Object.keys(binaryData)) } }
}

function mergeOf(rig: Rig): RequestBody {
  const meta = metaOf(standing(rig, CONFIG))
  const options = { stamp: STAMP, form: presentIn(rig, CONFIG), adopted: true, pinned: false, shed: false }
  return updateBody(renderingOf(rig, CONFIG_ORIGIN), meta, marksOf(meta, RULES), options)
}

function mergedInto(given: Case): readonly [Record<string, string>, Record<string, string>] {
  const rig = facing(given)
  const answer = rig.cluster.patch(CONFIG, mergeOf(rig))
  assert.ok(answer.ok, JSON.stringify(answer))
  const { data, binaryData } = contentOf(rig, CONFIG)
  return [{ ...data }, { ...binaryData }]
}

test('a merge sets the origin’s keys and leaves every other', () => {
  assert.deepEqual(
    mergedInto({ origin: { data: { a: '1', b: '2' } }, object: { data: { b: 'x', mine: 'y' } } }),
    [{ a: '1', b: '2', mine: 'y' }, {}],
  )
})

test('keys of the mark that the origin has no more go, from whichever map holds them', () => {
  const object = { data: { old: 'x', mine: 'y' }, binaryData: { past: 'eA==', own: 'eA==' } }
  assert.deepEqual(mergedInto({ origin: { data: { a: '1' } }, object, keys: 'absent,old,past' }), [
    { a: '1', mine: 'y' },
    { own: 'eA==' },
  ])
})

test('a key that moves between data and binaryData is in one map only afterwards', () => {
  assert.deepEqual(
    mergedInto({ origin: { data: {}, binaryData: { k: 'AP8=' } }, object: { data: { k: 'x' } }, keys: 'k' }),
    [{}, { k: 'AP8=' }],
  )
  assert.deepEqual(
    mergedInto({
      origin: { data: { k: 'x' } },
      object: { binaryData: { k: 'AP8=', own: 'eA==' } },
      keys: 'k',
    }),
    [{ k: 'x' }, { own: 'eA==' }],
  )
})

test('an object without data, and an origin without any, are no obstacle', () => {
  assert.deepEqual(mergedInto({ origin: { data: { a: '1' }, binaryData: { b: 'AP8=' } }, object: {} }), [
    { a: '1' },
    { b: 'AP8=' },
  ])
  assert.deepEqual(mergedInto({ origin: { data: {} }, object: { data: { a: 'x', mine: 'y' } }, keys: 'a' }), [
    { mine: 'y' },
    {},
  ])
  assert.deepEqual(mergedInto({ origin: { data: {} }, object: {} }), [{}, {}])
})

test('keys with hostile names are ordinary keys', () => {
  const hostile = { ['__proto__']: '1', constructor: '2', 'a.b-c_d': '3' }
  const origin: Manifest = { data: parsed(hostile) }
  const [data] = mergedInto({ origin, object: { data: parsed({ toString: 'mine' }) } })
  assert.deepEqual(data, parsed({ ...hostile, toString: 'mine' }))
  const object = { data: parsed({ ['__proto__']: 'x', toString: 'mine' }) }
  const [rest] = mergedInto({ origin: { data: { a: '1' } }, object, keys: '__proto__' })
  assert.deepEqual(rest, parsed({ a: '1', toString: 'mine' }))
})

/** With `__proto__` as an ordinary key. */
function parsed(texts: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts))
}

test('type and immutability of the object are not touched by a merge', () => {
  const rig = emptyStage()
  offerAs(rig, REPLICATED, { type: 'example.dev/theirs' })
  rig.cluster.put(refOf(MIRROR), { type: 'example.dev/mine', data: { mine: 'eA==' } })
  const meta = metaOf(standing(rig, MIRROR))
  const options = { stamp: STAMP, form: presentIn(rig, MIRROR), adopted: true, pinned: true, shed: false }
  const body = updateBody(renderingOf(rig, ORIGIN), meta, marksOf(meta, RULES), options)
  assert.ok(opsOf(body).every(({ path }) => path !== '/type' && path !== '/immutable'))
  assert.ok(rig.cluster.patch(MIRROR, body).ok)
  assert.equal(contentOf(rig, MIRROR).type, 'example.dev/mine')
})

test('a merge, and a strip, hold for the very version that was read', () => {
  const rig = facing({ origin: { data: { a: '1' } }, object: { data: { b: 'x' } }, keys: 'b' })
  const merge = mergeOf(rig)
  const meta = metaOf(standing(rig, CONFIG))
  const marked = { ...marksOf(meta, RULES), origin: 'shared/registry' }
  const strip = stripBody(meta, marked, presentIn(rig, CONFIG).present, RULES)
  edit(rig, CONFIG, ({ data }) => ({ data: { ...data, later: 'z' } }))
  for (const body of [merge, strip]) {
    const answer = rig.cluster.patch(CONFIG, body)
    assert.ok(!answer.ok && answer.failure.kind === 'test-failed')
  }
})

test('a merge into a mirror of ours is no exception: what was read is what is written over', () => {
  const rig = emptyStage()
  offerAs(rig, REPLICATED)
  rig.settle()
  edit(rig, ORIGIN, () => ({ data: { fresh: 'dHdv' } }))
  const meta = metaOf(standing(rig, MIRROR))
  const options = { stamp: STAMP, form: presentIn(rig, MIRROR), adopted: false, pinned: false, shed: false }
  const body = updateBody(renderingOf(rig, ORIGIN), meta, marksOf(meta, RULES), options)
  edit(rig, MIRROR, ({ data }) => ({ data: { ...data, later: 'eA==' } }))
  const answer = rig.cluster.patch(MIRROR, body)
  assert.ok(!answer.ok && answer.failure.kind === 'test-failed')
})

test('a strip takes exactly the keys of the mark, those that are gone already passed over', () => {
  const rig = facing({
    object: { data: { a: 'x', mine: 'y' }, binaryData: { b: 'eA==' } },
    keys: 'a,absent,b',
  })
  const meta = metaOf(standing(rig, CONFIG))
  const marked = { ...marksOf(meta, RULES), origin: 'shared/registry' }
  assert.ok(rig.cluster.patch(CONFIG, stripBody(meta, marked, presentIn(rig, CONFIG).present, RULES)).ok)
  const { data, binaryData, annotations } = contentOf(rig, CONFIG)
  assert.deepEqual([{ ...data }, { ...binaryData }], [{ mine: 'y' }, {}])
  assert.deepEqual({ ...annotations }, prefixed({ retained: 'shared/registry' }))
})

test('a strip takes what was carried with the keys, and no key of any vocabulary, whatever the mark says', () => {
  const rig = facing({ object: { data: { a: 'x' }, labels: { team: 'a', theirs: 'b' } }, keys: 'a' })
  const meta = metaOf(standing(rig, CONFIG))
  const carried = ['annotations/heliograph.dev/adopt', 'labels/team', `annotations/${M}replicated-keys`]
  for (const asks of [false, true]) {
    const marked = { ...marksOf(meta, RULES), origin: 'shared/registry', carried }
    const ask = asks ? marksOf({ ...meta, annotations: { [`${M}replicate-from`]: 'a/b' } }, RULES).ask : null
    const body = stripBody(meta, { ...marked, ask }, presentIn(rig, CONFIG).present, RULES)
    const removed = opsOf(body).filter(({ op }) => op === 'remove')
    const paths = removed.map(({ path }) => path)
    assert.equal(new Set(paths).size, paths.length, 'nothing is removed twice')
    assert.ok(paths.includes('/metadata/labels/team') && !paths.includes('/metadata/labels/theirs'))
    assert.ok(!paths.some((path) => path.endsWith('adopt')))
  }
})

/** Marks of a tool in a body, by the key after its prefix. */
function toolTexts(annotations: unknown, prefix: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(annotations as Record<string, string>)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  )
}

test('a new copy bears the marks of its origin’s tool, in that tool’s own format', () => {
  const created = (
    words: Readonly<Record<string, string>>,
  ): { labels: unknown; annotations: unknown; version: string } => {
    const rig = emptyStage()
    offerAs(rig, words, { data: { b: 'Yg==', a: 'YQ==' } })
    const body = parse(textOf(createBody(renderingOf(rig, ORIGIN), refOf(MIRROR), STAMP)))
    const metadata = member(body, 'metadata')
    const { version } = standing(rig, ORIGIN)
    return { labels: member(metadata, 'labels'), annotations: member(metadata, 'annotations'), version }
  }
  const reflector = created(REFLECTED)
  assert.deepEqual(toolTexts(reflector.annotations, R), {
    reflects: 'shared/registry',
    'auto-reflects': 'True',
    'reflected-version': reflector.version,
    'reflected-at': '2026-11-24T08:15:30.1230000+00:00',
  })
  assert.deepEqual(Object.keys(reflector.labels as object), [`${PREFIX}mirror`])
  const replicator = created(REPLICATED)
  assert.deepEqual(toolTexts(replicator.annotations, M), {
    'replicated-at': '2026-11-24T08:15:30Z',
    'replicated-from-version': replicator.version,
    'replicated-keys': 'a,b',
  })
  const kubed = created(SYNCED)
  assert.deepEqual(JSON.parse(toolTexts(kubed.annotations, K)['origin'] ?? ''), {
    kind: 'Secret',
    namespace: 'shared',
    name: 'registry',
    uid: 'uid-1',
    apiVersion: 'v1',
    resourceVersion: kubed.version,
  })
  assert.deepEqual(toolTexts(kubed.labels, K), {
    'origin.name': 'registry',
    'origin.namespace': 'shared',
    'origin.cluster': '',
  })
})

test('the probe of a replacement bears no tool’s marks', () => {
  for (const words of [REFLECTED, REPLICATED, SYNCED]) {
    const rig = emptyStage()
    offerAs(rig, words)
    const text = textOf(createBody(renderingOf(rig, ORIGIN), refOf(MIRROR), STAMP, true))
    for (const prefix of [R, M, K]) assert.ok(!text.includes(prefix), text)
  }
})

test('a data write brings the tool’s marks up to date, a write of metadata alone leaves them', () => {
  const rig = emptyStage()
  offerAs(rig, REFLECTED)
  rig.settle()
  const marks = (): Record<string, string> => toolTexts(contentOf(rig, MIRROR).annotations, R)
  const first = marks()
  rewrite(rig, ORIGIN, prefixed({ 'on-delete': 'retain' }))
  assert.deepEqual(
    rig.settle().map(({ decision }) => decision.kind),
    ['update'],
  )
  assert.deepEqual(marks(), first, 'no write for their own sake')
  edit(rig, ORIGIN, () => ({ data: { token: 'dHdv' } }))
  rig.settle()
  assert.equal(marks()['reflected-version'], standing(rig, ORIGIN).version)
})

test('a version of the origin that changes no byte writes no mark of its tool', () => {
  for (const words of [REFLECTED, REPLICATED]) {
    const rig = emptyStage()
    offerAs(rig, words)
    rig.settle()
    const before = rig.cluster.get(MIRROR)
    rewrite(rig, ORIGIN, { note: 'x' })
    rig.settle()
    assert.equal(rig.cluster.get(MIRROR), before)
  }
})

test('a blanked or deleted version mark is restored with a verifying read and no data', () => {
  for (const value of ['', undefined]) {
    const rig = emptyStage()
    offerAs(rig, REFLECTED)
    rig.settle()
    rewrite(rig, MIRROR, { [`${R}reflected-version`]: value })
    const [act, ...more] = rig.settle()
    assert.deepEqual(
      act?.asked.filter((kind) => kind === 'read-mirror'),
      ['read-mirror'],
    )
    assert.deepEqual(more, [])
    assert.ok(act?.body != null && opsOf(act.body).every(({ path }) => path.startsWith('/metadata/')))
    assert.equal(contentOf(rig, MIRROR).annotations[`${R}reflected-version`], standing(rig, ORIGIN).version)
    assert.deepEqual(rig.settle(), [])
  }
})

test('a blanked version over edited data brings data and marks', () => {
  const rig = emptyStage()
  offerAs(rig, REFLECTED)
  rig.settle()
  edit(rig, MIRROR, () => ({ data: {} }))
  rewrite(rig, MIRROR, { [`${R}reflected-version`]: '' })
  rig.settle()
  assert.deepEqual({ ...contentOf(rig, MIRROR).data }, { token: 'b25l' })
  assert.notEqual(contentOf(rig, MIRROR).annotations[`${R}reflected-version`], '')
})

test('retaining, releasing and stripping take off every tool’s marks, and nothing else that is not ours', () => {
  for (const words of [REFLECTED, REPLICATED, SYNCED]) {
    const rig = emptyStage()
    rig.cluster.setNamespace('team-a', { labels: { env: 'a' } })
    offerAs(rig, words)
    rig.settle()
    edit(rig, MIRROR, ({ labels, annotations }) => ({
      labels: { ...labels, team: 'red' },
      annotations: { ...annotations, note: 'n' },
    }))
    const meta = metaOf(standing(rig, MIRROR))
    const seen = marksOf(meta, RULES)
    const before = standing(rig, MIRROR)
    const bodies = [
      retainBody(meta, seen, RULES),
      releaseBody(meta, seen, RULES),
      stripBody(meta, seen, presentIn(rig, MIRROR).present, RULES),
    ]
    for (const body of bodies) {
      rig.cluster.objects.set(MIRROR, before)
      assert.ok(rig.cluster.patch(MIRROR, body).ok)
      const { labels, annotations } = contentOf(rig, MIRROR)
      const left = [...Object.keys(labels), ...Object.keys(annotations)]
      assert.ok(
        left.every((key) => ![R, M, K].some((prefix) => key.startsWith(prefix))),
        left.join(),
      )
      assert.deepEqual([labels['team'], annotations['note']], ['red', 'n'])
    }
  }
})

test('what is shed is exactly what the origin’s tool copied and nothing carries', () => {
  const shed = (copy: Manifest, origin: Manifest): readonly string[] => {
    const rig = emptyStage()
    offerAs(rig, SYNCED, origin)
    kubedCopy(rig, copy)
    const meta = metaOf(standing(rig, MIRROR))
    const options = { stamp: STAMP, form: 'metadata', adopted: false, pinned: true, shed: true } as const
    const body = updateBody(renderingOf(rig, ORIGIN), meta, marksOf(meta, RULES), options)
    assert.ok(rig.cluster.patch(MIRROR, body).ok)
    return opsOf(body)
      .filter(({ op }) => op === 'remove')
      .map(({ path }) => path.slice('/metadata/'.length))
      .sort()
  }
  const never = { 'helm.sh/chart': 'c', 'argocd.argoproj.io/instance': 'i' }
  assert.deepEqual(shed({ labels: { ...never, a: '1' } }, { labels: { ...never, a: '1' } }), [
    'labels/argocd.argoproj.io~1instance',
    'labels/helm.sh~1chart',
  ])
  assert.deepEqual(shed({ labels: never }, {}), [], 'the target’s own')
  assert.deepEqual(shed({ labels: { 'helm.sh/chart': 'other' } }, { labels: never }), [], 'another value')
  assert.deepEqual(shed({ annotations: { [LAST_APPLIED]: 'x' } }, { annotations: { [LAST_APPLIED]: 'x' } }), [
    'annotations/kubectl.kubernetes.io~1last-applied-configuration',
  ])
  assert.deepEqual(shed({ annotations: { [LAST_APPLIED]: 'x' } }, {}), [])
})

test('what was never shed at a take-over is not taken off by a later write', () => {
  const rig = settledStage()
  edit(rig, MIRROR, ({ labels }) => ({ labels: { ...labels, 'helm.sh/chart': 'c' } }))
  edit(rig, ORIGIN, () => ({ data: { token: 'dHdv' }, labels: { 'helm.sh/chart': 'c' } }))
  rig.settle()
  assert.equal(contentOf(rig, MIRROR).labels['helm.sh/chart'], 'c')
})

const ASKING = at('team-b/mine')

/** `team-b/mine` asks in replicator's words; what it holds is its owner's. */
function asking(manifest: Manifest = {}, origin: Manifest = {}): Rig {
  const rig = emptyStage()
  offerAs(rig, REPLICATED, origin)
  rig.cluster.put(refOf(ASKING), {
    ...manifest,
    annotations: { [`${M}replicate-from`]: 'shared/registry', ...manifest.annotations },
  })
  return rig
}

function fillOf(rig: Rig, form: UpdateForm): RequestBody {
  const meta = metaOf(standing(rig, ASKING))
  return fillBody(renderingOf(rig, ORIGIN), meta, marksOf(meta, RULES), { stamp: STAMP, form })
}

test('a fill by merge proves what the object asks for, and the version that was read', () => {
  const rig = asking({ data: { mine: 'eA==' } })
  const body = fillOf(rig, presentIn(rig, ASKING))
  const tests = opsOf(body).filter(({ op }) => op === 'test')
  assert.deepEqual(
    tests.map(({ path }) => path),
    [
      '/metadata/uid',
      `/metadata/annotations/${`${M}replicate-from`.replaceAll('/', '~1')}`,
      '/metadata/resourceVersion',
    ],
  )
  assert.ok(rig.cluster.patch(ASKING, body).ok)
  assert.deepEqual({ ...contentOf(rig, ASKING).data }, { token: 'b25l', mine: 'eA==' })
  const texts = toolTexts(contentOf(rig, ASKING).annotations, M)
  assert.equal(texts['replicated-keys'], 'token')
})

test('a reflector pull mirror is marked as one that is never deleted, and keeps what it asks for', () => {
  const rig = emptyStage()
  offerAs(rig, REFLECTED)
  rig.cluster.put(refOf(ASKING), { annotations: { [`${R}reflects`]: 'shared/registry' } })
  rig.settle()
  const texts = toolTexts(contentOf(rig, ASKING).annotations, R)
  assert.deepEqual([texts['reflects'], texts['auto-reflects']], ['shared/registry', 'False'])
  assert.equal(texts['reflected-version'], standing(rig, ORIGIN).version)
})
