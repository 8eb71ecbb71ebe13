/** The plan is total: whatever it is shown, it gives one decision, throws nothing and asks nothing twice. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import type { Consent } from '../../src/core/consent.ts'
import { planLeft } from '../../src/core/left.ts'
import { marksOf, standingOf } from '../../src/core/marks.ts'
import { parsePath, refOf } from '../../src/core/names.ts'
import type { ObjectMeta } from '../../src/core/objects.ts'
import type { MirrorReading, Observation } from '../../src/core/observation.ts'
import { planMirror } from '../../src/core/plan.ts'
import { render } from '../../src/core/render.ts'
import type { Summary } from '../../src/core/render.ts'
import { readOrigin } from '../../src/core/dialects/table.ts'
import { fullOf, metaOf } from './model/cluster.ts'
import { KEY, at } from './model/rig.ts'
import { MIRROR, ORIGIN, labelFor, offer, prefixed, stage } from './model/stage.ts'
import { replayable } from './model/seeds.ts'
import { PREFIX, RULES } from './rules.ts'

const OTHER = at('other/registry')
const rig = stage({ 'allow-pull': '*' })
offer(rig, 'other/registry')
const [own, other] = rig.claims(MIRROR)
assert.ok(own !== undefined && other !== undefined)
const summary = summaryOf()

function summaryOf(): Summary {
  const full = fullOf(rig.cluster.get(ORIGIN) ?? assert.fail())
  const reading = readOrigin(full.meta, RULES)
  assert.ok(reading.kind === 'policy')
  return render(full, reading.policy, { rules: RULES, key: KEY }).summary
}

const junk = fc.constantFrom(
  'shared/registry',
  'other/registry',
  'team-a/registry',
  'true',
  'retain',
  'x',
  '',
  '\u0000',
  summary.digest,
  `v1.${KEY.id}..`,
)
const NAMES = ['origin', 'at', 'origin-uid', 'origin-version', 'digest', 'carried', 'adopted', 'on-delete']
const OTHERS = ['retained', 'pulled-from', 'reflect-from', 'adopt']

const R = RULES.dialects.prefixes.reflector
const M = RULES.dialects.prefixes.replicator
const K = RULES.dialects.prefixes.kubed
/** What other tools write on their copies, or people on theirs. */
const toolTexts: fc.Arbitrary<Record<string, string | undefined>> = fc.record(
  {
    [`${R}reflects`]: fc.constantFrom('shared/registry', 'other/registry', 'gone/registry', 'x'),
    [`${R}auto-reflects`]: fc.constantFrom('True', 'False', 'x'),
    [`${R}reflected-version`]: fc.constantFrom('', '7'),
    [`${M}replicate-from`]: fc.constantFrom('shared/registry', 'gone/registry', 'x'),
    [`${M}replicated-keys`]: fc.constantFrom('', 'token', 'token,mine', 'mine'),
    [`${M}replicated-from-version`]: fc.constantFrom('', '7'),
    [`${K}origin`]: fc.constantFrom('{"namespace":"shared","name":"registry"}', '{}', '['),
  },
  { requiredKeys: [], noNullPrototype: true },
)
/** Those that have a value. */
function given(texts: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  )
}

const reading: fc.Arbitrary<MirrorReading> = fc
  .record({
    digest: fc.constantFrom(summary.digest, 'x', ''),
    keys: fc.subarray(['token', 'mine', 'tls.crt']),
    type: fc.constantFrom('Opaque', 'kubernetes.io/tls'),
    isEqual: fc.boolean(),
  })
  .map(({ digest, keys, type, isEqual }) => ({
    digestFor: () => digest,
    valueDigestsFor: () => new Map(keys.map((key) => [key, isEqual ? 'same' : 'differing'])),
    type,
    present: { data: new Set(keys), binaryData: new Set<string>() },
  }))
const path = fc.constantFrom('data/token', 'type', 'immutable', `labels/${PREFIX}mirror`, 'labels/x')
const owner = fc.record({
  manager: fc.string(),
  operation: fc.constantFrom('Apply' as const, 'Update' as const),
  paths: fc.array(path),
})
const consent = fc.constantFrom<Consent>(
  { kind: 'granted', declared: false },
  { kind: 'granted', declared: true },
  { kind: 'refused', why: 'refuse' },
  { kind: 'frozen', annotation: 'accept', reason: 'x' },
)
const object: fc.Arbitrary<ObjectMeta> = fc
  .record({
    annotations: fc.dictionary(fc.constantFrom(...NAMES, ...OTHERS), junk, { noNullPrototype: true }),
    tools: fc.oneof(fc.constant({}), toolTexts),
    label: fc.oneof(
      fc.constant(null),
      fc.constantFrom(labelFor('shared/registry'), labelFor('other/registry'), ''),
    ),
    deleting: fc.boolean(),
    lastApplied: fc.boolean(),
    fields: fc.record({ ours: fc.array(path), others: fc.array(owner, { maxLength: 2 }) }),
  })
  .map(({ annotations, tools, label, ...more }): ObjectMeta => ({
    ...metaOf(rig.cluster.get(ORIGIN) ?? assert.fail()),
    ...refOf(MIRROR),
    key: MIRROR,
    annotations: { ...prefixed(annotations), ...given(tools) },
    labels: label === null ? {} : { [`${PREFIX}mirror`]: label },
    ...more,
  }))
const claims = fc
  .record({
    consents: fc.tuple(consent, consent),
    trusted: fc.boolean(),
    admitted: fc.tuple(fc.boolean(), fc.boolean()),
    which: fc.nat(3),
    policy: fc.record({
      write: fc.constantFrom('replace' as const, 'merge' as const),
      copies: fc.constantFrom('nothing' as const, 'metadata' as const),
      takesOver: fc.boolean(),
      toolMarks: fc.constantFrom(null, { onCopy: () => assert.fail(), isBlanked: () => true }),
    }),
  })
  .map(({ consents, trusted, admitted, which, policy }) =>
    [
      { ...own, policy: { ...own.policy, ...policy }, consent: consents[0], admitted: admitted[0] },
      { ...other, consent: consents[1], admitted: admitted[1], trusted },
    ].filter((_, index) => ((which >> index) & 1) === 1),
  )
const verdict = fc.constantFrom<Summary['verdict']>(
  { kind: 'deliverable' },
  { kind: 'refused-type' },
  { kind: 'empty-selection' },
  { kind: 'invalid', validator: 'json', reason: 'x' },
)

const observation: fc.Arbitrary<Observation> = fc
  .record({
    object: fc.option(object),
    claims,
    isOrigin: fc.boolean(),
    namespace: fc.constantFrom('none', 'there', 'terminating'),
    marked: fc.constantFrom<Observation['marked']>(
      null,
      { kind: 'absent' },
      { kind: 'held' },
      { kind: 'claiming' },
      { kind: 'not-claiming', onDelete: 'delete', isOrigin: true },
      { kind: 'not-claiming', onDelete: 'retain', isOrigin: false },
    ),
    markedConsent: consent,
    end: fc.record({ witness: fc.constantFrom('live' as const, 'inferred' as const), atMs: fc.nat(20_000) }),
    knownVersion: fc.constantFrom(null, own.origin.version),
    mustVerify: fc.boolean(),
    fresh: fc.boolean(),
    freed: fc.option(fc.record({ holder: fc.constantFrom(ORIGIN, OTHER), atMs: fc.nat(20_000) })),
    repairs: fc.record({ contested: fc.boolean(), againAtMs: fc.nat(20_000) }),
    brake: fc.constantFrom('open' as const, 'held' as const),
    known: fc.subarray([ORIGIN, OTHER]),
    verdict,
    mirror: fc.option(reading),
    values: fc.subarray(['token', 'mine']),
    confirmation: fc.constantFrom(null, 'ended' as const, 'claims' as const, 'unreadable' as const),
    unchangeable: fc.boolean(),
    pull: fc.constantFrom<Observation['pull']>(
      null,
      { kind: 'flawed' },
      { kind: 'unavailable' },
      { kind: 'held' },
      { kind: 'gone', atMs: 3_000 },
      { kind: 'gone', atMs: 9_000 },
      { kind: 'offered', origin: own.origin },
    ),
  })
  .map(({ known, verdict: judged, values, mirror, confirmation, unchangeable, namespace, ...seen }) => ({
    ...seen,
    place: refOf(MIRROR),
    nowMs: 10_000,
    rules: RULES,
    digestKey: KEY,
    marks: seen.object === null ? null : marksOf(seen.object, RULES),
    namespace:
      namespace === 'none'
        ? null
        : {
            ...(rig.cluster.namespaces.get('team-a') ?? assert.fail()),
            terminating: namespace === 'terminating',
          },
    summaries: new Map(
      known.map((key) => [
        key,
        { ...summary, verdict: judged, valueDigests: new Map(values.map((name) => [name, 'same'])) },
      ]),
    ),
    answers: { mirror, confirmation, unchangeable },
  }))

test('any observation, however hostile, gives one decision', (t) => {
  fc.assert(
    fc.property(observation, (o) => {
      const decision = planMirror(o)
      assert.ok(decision.kind !== undefined)
      assert.deepEqual(
        planMirror({ ...o, claims: o.claims.toReversed() }),
        decision,
        'in any order of claims',
      )
    }),
    replayable(t, 6_000),
  )
})

test('a question that was answered is not asked again', (t) => {
  fc.assert(
    fc.property(observation, (o) => {
      const { kind, ...rest } = planMirror(o)
      if (kind === 'read-mirror') assert.equal(o.answers.mirror, null)
      if (kind === 'confirm-origin') assert.equal(o.answers.confirmation, null)
      if (kind === 'read-origin' && 'origin' in rest) assert.ok(!o.summaries.has(rest.origin))
    }),
    replayable(t, 4_000),
  )
})

const ACTS = ['update', 'replace', 'fill', 'remove', 'retain', 'strip', 'release']

test('no act but on an object that is ours, proven, consenting or asking', (t) => {
  fc.assert(
    fc.property(observation, (o) => {
      const decision = planMirror(o)
      const { kind } = decision
      const { marks, object: there } = o
      if (kind === 'create') return assert.equal(there, null)
      if (!ACTS.includes(kind)) return
      assert.ok(marks !== null && there !== null && !there.deleting)
      const isPull = marks.ask !== null
      if (kind === 'strip' && isPull) return assert.equal(marks.pulledFrom, marks.ask?.text)
      assert.equal(kind === 'fill', isPull)
      const named = marks.origin === null || parsePath(marks.origin) === null ? null : marks.origin
      const isOurs = marks.at === 'team-a/registry' && named !== null && marks.label === labelFor(named)
      const isOrphan = kind === 'remove' && decision.reason === 'orphan'
      if (isOrphan) assert.ok(!isOurs && !o.isOrigin && marks.left?.isCollectable === true)
      else if (['remove', 'replace', 'retain', 'strip'].includes(kind)) assert.ok(isOurs, kind)
      if ((kind === 'remove' || kind === 'replace') && marks.adopted)
        assert.fail('what was adopted is deleted')
      if (kind === 'update' && !isOurs && !isPull) assert.ok(!o.isOrigin, 'an origin is written')
    }),
    replayable(t, 6_000),
  )
})

test('an origin is written by nobody, whatever else is on it, unless it is ours or asks to be filled', (t) => {
  fc.assert(
    fc.property(observation, (seen) => {
      const o = { ...seen, isOrigin: true }
      const standing =
        o.object === null || o.marks === null ? null : standingOf(o.object, o.marks, KEY.identity, [])
      if (standing === null || standing.kind === 'ours' || standing.kind === 'pull') return
      assert.ok(!ACTS.includes(planMirror(o).kind))
    }),
    replayable(t, 3_000),
  )
})

test('what asks to be written over is told apart: a merge is written only over what was read', (t) => {
  fc.assert(
    fc.property(observation, (o) => {
      const decision = planMirror(o)
      if (decision.kind === 'strip') assert.ok(o.answers.mirror !== null)
      if (decision.kind === 'update') {
        const claim = o.claims.find(({ origin }) => origin.key === decision.origin)
        assert.ok(claim?.policy.write !== 'merge' || o.answers.mirror !== null)
      }
      if (decision.kind === 'fill') assert.ok(o.marks?.ask?.write !== 'merge' || o.answers.mirror !== null)
    }),
    replayable(t, 3_000),
  )
})

test('no more than the questions of one turn are asked of a left copy, and it is never created or replaced', (t) => {
  fc.assert(
    fc.property(observation, (o) => {
      if (o.marks?.left == null) return
      const decision = planLeft(o, o.marks, o.marks.left)
      assert.ok(
        decision === null ||
          !['create', 'replace', 'strip', 'retain', 'fill', 'release'].includes(decision.kind),
      )
      if (decision?.kind === 'update')
        assert.ok(decision.reason === 'inherit' || decision.reason === 'inherit-differing')
      if (decision?.kind === 'remove') assert.ok(o.marks.left.isCollectable)
    }),
    replayable(t, 6_000),
  )
})
