/** The plan is total: whatever it is shown, it gives one decision, throws nothing and asks nothing twice. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import type { Consent } from '../../src/core/consent.ts'
import { marksOf } from '../../src/core/marks.ts'
import { parsePath, refOf } from '../../src/core/names.ts'
import type { ObjectMeta } from '../../src/core/objects.ts'
import type { Observation } from '../../src/core/observation.ts'
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
    label: fc.oneof(
      fc.constant(null),
      fc.constantFrom(labelFor('shared/registry'), labelFor('other/registry'), ''),
    ),
    deleting: fc.boolean(),
    lastApplied: fc.boolean(),
    fields: fc.record({ ours: fc.array(path), others: fc.array(owner, { maxLength: 2 }) }),
  })
  .map(({ annotations, label, ...more }) => ({
    ...metaOf(rig.cluster.get(ORIGIN) ?? assert.fail()),
    ...refOf(MIRROR),
    key: MIRROR,
    annotations: prefixed(annotations),
    labels: label === null ? {} : { [`${PREFIX}mirror`]: label },
    ...more,
  }))
const claims = fc
  .tuple(consent, consent, fc.boolean(), fc.boolean(), fc.boolean(), fc.nat(3))
  .map(([a, b, trusted, first, second, which]) =>
    [
      { ...own, consent: a, admitted: first },
      { ...other, consent: b, admitted: second, trusted },
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
    mirror: fc.option(junk),
    confirmation: fc.constantFrom(null, 'ended' as const, 'claims' as const, 'unreadable' as const),
    unchangeable: fc.boolean(),
    pull: fc.constantFrom<Observation['pull']>(
      null,
      { kind: 'flawed' },
      { kind: 'unavailable' },
      { kind: 'held' },
      { kind: 'offered', origin: own.origin },
    ),
  })
  .map(({ known, verdict: judged, mirror, confirmation, unchangeable, namespace, ...seen }) => ({
    ...seen,
    place: refOf(MIRROR),
    nowMs: 10_000,
    rules: RULES,
    digestKey: KEY,
    marks: seen.object === null ? null : marksOf(seen.object, PREFIX),
    namespace:
      namespace === 'none'
        ? null
        : {
            ...(rig.cluster.namespaces.get('team-a') ?? assert.fail()),
            terminating: namespace === 'terminating',
          },
    summaries: new Map(known.map((key) => [key, { ...summary, verdict: judged }])),
    answers: {
      mirror: mirror === null ? null : { digestFor: () => mirror },
      confirmation,
      unchangeable,
    },
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

test('no act but on an object that is ours, proven, consenting or asking', (t) => {
  fc.assert(
    fc.property(observation, (o) => {
      const { kind } = planMirror(o)
      const { marks, object: there } = o
      if (kind === 'create') return assert.equal(there, null)
      if (!['update', 'replace', 'fill', 'remove', 'retain', 'release'].includes(kind)) return
      assert.ok(marks !== null && there !== null && !there.deleting)
      const isPull = marks.reflectFrom !== null
      assert.equal(kind === 'fill', isPull)
      const named = marks.origin === null || parsePath(marks.origin) === null ? null : marks.origin
      const isOurs = marks.at === 'team-a/registry' && named !== null && marks.label === labelFor(named)
      if (kind === 'remove' || kind === 'replace' || kind === 'retain') assert.ok(isOurs, kind)
      if ((kind === 'remove' || kind === 'replace') && marks.adopted)
        assert.fail('what was adopted is deleted')
      if (kind === 'update' && !isOurs && !isPull) assert.ok(!o.isOrigin, 'an origin is written')
    }),
    replayable(t, 6_000),
  )
})
