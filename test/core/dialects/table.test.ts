/** The dialects together: which one says what an object means, what is passed over, what the settings change, and what our own keys add to each. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { ANNOTATIONS } from '../../../src/core/annotations.ts'
import {
  DIALECTS,
  dialectOf,
  hasKeyUnder,
  ignoresOffers,
  mergedKeysMark,
  passedOverAsks,
  readAsk,
  readLeft,
  readOrigin,
  readPrefixes,
  toolMarkKeys,
} from '../../../src/core/dialects/table.ts'
import { FOREIGN_DIALECTS } from '../../../src/core/rules.ts'
import type { ForeignDialect } from '../../../src/core/rules.ts'
import { globs, RULES } from '../rules.ts'
import { chosen, heldBy, object, policyOf, remarksOn, rulesWith, under } from './objects.ts'

const OURS = 'heliograph.dev/'
const REFLECTOR = 'reflector.v1.k8s.emberstack.com/'
const REPLICATOR = 'replicator.v1.mittwald.de/'
const KUBED = 'kubed.appscode.com/'
const SYNC = 'sync.example.com/'

/** One claim and one ask of each, in the order in which they are asked. */
const CLAIMS: readonly (readonly [dialect: string, key: string, value: string])[] = [
  ['heliograph', `${OURS}reflect-to`, 'by-heliograph'],
  ['reflector', `${REFLECTOR}reflection-allowed`, 'true'],
  ['replicator', `${REPLICATOR}replicate-to`, 'by-replicator'],
  ['kubed', `${KUBED}sync`, ''],
  ['sync', `${SYNC}enabled`, 'true'],
]
const ASKS: readonly (readonly [dialect: string, key: string])[] = [
  ['heliograph', `${OURS}reflect-from`],
  ['reflector', `${REFLECTOR}reflects`],
  ['replicator', `${REPLICATOR}replicate-from`],
]

test('every dialect claims by just the keys that are documented', () => {
  assert.deepEqual(
    DIALECTS.map(({ name, claimingKeys }) => [name, ...claimingKeys]),
    [
      ['heliograph', 'reflect-to', 'reflect-to-selector', 'allow-pull', 'targets'],
      ['reflector', 'reflection-allowed'],
      ['replicator', 'replication-allowed', 'replicate-to', 'replicate-to-matching'],
      ['kubed', 'sync', 'sync-contexts'],
      ['sync', 'enabled'],
    ],
  )
})

test('the first dialect with a claiming key says what an object means: ours, reflector, replicator, kubed, sync', () => {
  for (let first = 0; first < CLAIMS.length; first += 1) {
    const claims = CLAIMS.slice(first)
    const meta = object(Object.fromEntries(claims.map(([, key, value]) => [key, value])))
    assert.equal(dialectOf(meta, RULES), claims[0]?.[0])
    assert.deepEqual(
      remarksOn(meta),
      claims.slice(1).map(([name, key]) => ({
        annotation: key,
        reason: `the keys of ${name} on this object are passed over, as it is read in the dialect ${claims[0]?.[0]}`,
      })),
    )
  }
})

test('what is passed over has no effect: neither its offers nor its bad values', () => {
  const meta = object({
    [`${OURS}allow-pull`]: 'team-a',
    [`${REPLICATOR}replicate-to`]: '(',
    [`${KUBED}sync`]: 'a b',
    [`${SYNC}targets`]: '**',
  })
  const read = policyOf(meta)
  assert.equal(read.push, null)
  assert.equal(read.write, 'replace')
  assert.equal(read.copies, 'nothing')
  assert.deepEqual(
    remarksOn(meta).map(({ annotation }) => annotation),
    [`${REPLICATOR}replicate-to`, `${KUBED}sync`],
  )
})

test('the first claiming key of a dialect that is passed over is named', () => {
  const meta = object({ [`${OURS}targets`]: '', [`${REPLICATOR}replicate-to-matching`]: '' })
  assert.equal(remarksOn(meta)[0]?.annotation, `${REPLICATOR}replicate-to-matching`)
  const both = object({ ...meta.annotations, [`${REPLICATOR}replicate-from`]: 'a/b' })
  assert.equal(remarksOn(both)[0]?.annotation, `${REPLICATOR}replicate-to-matching`)
})

test('the first dialect with an asking key says what an object is filled from, and the others are told as passed over', () => {
  for (let first = 0; first < ASKS.length; first += 1) {
    const asks = ASKS.slice(first)
    const meta = object(Object.fromEntries(asks.map(([name, key]) => [key, `from/${name}`])))
    assert.equal(readAsk(meta, RULES)?.annotation, asks[0]?.[1])
    assert.equal(readAsk(meta, RULES)?.origin?.name, asks[0]?.[0])
    assert.deepEqual(
      passedOverAsks(meta, RULES).map(({ annotation }) => annotation),
      asks.slice(1).map(([, key]) => key),
    )
  }
})

test('a claim in an earlier dialect beats an ask in a later one, which is told', () => {
  const meta = object({ [`${OURS}reflect-to`]: '*', [`${REPLICATOR}replicate-from`]: 'a/b' })
  assert.equal(readAsk(meta, RULES), null)
  assert.deepEqual(
    remarksOn(meta).map(({ annotation }) => annotation),
    [`${REPLICATOR}replicate-from`],
  )
  assert.deepEqual(passedOverAsks(meta, RULES), [])
})

test('an ask in an earlier dialect beats a claim in a later one: the object is no origin, and its offers are told as ignored', () => {
  for (const [at, [dialect, ask]] of ASKS.entries())
    for (const [, claim, value] of CLAIMS.slice(at)) {
      const meta = object({ [ask]: 'a/b', [claim]: value })
      assert.equal(dialectOf(meta, RULES), dialect)
      assert.equal(readAsk(meta, RULES)?.annotation, ask)
      assert.equal(readOrigin(meta, RULES).kind, 'none')
      assert.equal(ignoresOffers(meta, RULES), true, `${ask} ${claim}`)
      assert.equal(ignoresOffers(object({ [ask]: 'a/b' }), RULES), false)
      assert.equal(ignoresOffers(object({ [claim]: value }), RULES), false)
    }
})

test('a mirror of ours offers nothing in any dialect, and its offers are told as ignored', () => {
  const marks = { [`${OURS}origin`]: 'a/b', [`${OURS}at`]: 'shared/registry' }
  const labels = { [`${OURS}mirror`]: '0' }
  for (const [, key, value] of CLAIMS) {
    const meta = object({ ...marks, [key]: value }, { labels })
    assert.equal(readOrigin(meta, RULES).kind, 'none', key)
    assert.equal(ignoresOffers(meta, RULES), true, key)
  }
  assert.equal(ignoresOffers(object(marks, { labels }), RULES), false)
})

test('an object that may not be an origin is none in any dialect', () => {
  for (const [, key, value] of CLAIMS) {
    const meta = object({ [key]: value })
    assert.equal(readOrigin(meta, { ...RULES, originNamespaces: globs('team-*') }).kind, 'none')
    assert.equal(readOrigin(meta, { ...RULES, kinds: ['ConfigMap'] }).kind, 'none')
    const peer = object({ [key]: value }, { namespace: 'heliograph', labels: { [`${OURS}peer`]: 'true' } })
    assert.equal(readOrigin(peer, RULES).kind, 'none')
  }
})

test('marks of old copies select no dialect, all together as well', () => {
  const meta = object(
    {
      [`${REFLECTOR}reflects`]: 'a/registry',
      [`${REFLECTOR}auto-reflects`]: 'True',
      [`${REPLICATOR}replicated-keys`]: 'a',
      [`${KUBED}origin`]: '{"namespace":"b","name":"registry"}',
    },
    { labels: { [`${KUBED}origin.name`]: 'registry' } },
  )
  assert.equal(dialectOf(meta, RULES), null)
  assert.equal(readOrigin(meta, RULES).kind, 'none')
})

test('of marks of several tools the first in the order counts', () => {
  const kubed = { [`${KUBED}origin`]: '{"namespace":"b","name":"registry"}' }
  const replicator = { [`${REPLICATOR}replicated-keys`]: 'a' }
  const reflector = { [`${REFLECTOR}reflects`]: 'a/registry', [`${REFLECTOR}auto-reflects`]: 'True' }
  const tool = (annotations: Readonly<Record<string, string>>) => readLeft(object(annotations), RULES)?.tool
  assert.equal(tool({ ...kubed, ...replicator, ...reflector }), 'reflector')
  assert.equal(tool({ ...kubed, ...replicator }), 'replicator')
  assert.equal(tool(kubed), 'kubed')
  assert.equal(tool({}), undefined)
})

for (const [at, name] of FOREIGN_DIALECTS.entries()) {
  const [, key = '', value = ''] = CLAIMS[at + 1] ?? []
  const moved: Readonly<Record<string, string>> = {
    [key.replace(/^[^/]+/, 'moved.example')]: value,
  }

  test(`${name} is not read where the settings leave it out`, () => {
    const rules = rulesWith({ read: new Set(FOREIGN_DIALECTS.filter((each) => each !== name)) })
    assert.equal(readOrigin(object({ [key]: value }), rules).kind, 'none')
    assert.equal(hasKeyUnder(object({ [key]: value }), readPrefixes(rules)), false)
    const beside = object({ [`${OURS}reflect-to`]: '*', [key]: value })
    assert.deepEqual(remarksOn(beside, rules), [])
  })

  test(`${name} is read under the prefix of its setting, and under no other`, () => {
    const prefixes: Record<ForeignDialect, string> = { ...RULES.dialects.prefixes, [name]: 'moved.example/' }
    const rules = rulesWith({ prefixes })
    assert.equal(readOrigin(object(moved), rules).kind, 'policy')
    assert.equal(readOrigin(object({ [key]: value }), rules).kind, 'none')
    assert.ok(hasKeyUnder(object(moved), readPrefixes(rules)))
    const marks = policyOf(object(moved), rules).toolMarks?.onCopy({
      origin: { kind: 'Secret', namespace: 'a', name: 'b', uid: 'u', version: '1' as never },
      form: 'push',
      keys: [],
      writtenAt: '2026-08-04T21:27:29.123Z',
    })
    for (const mark of Object.keys({ ...marks?.labels, ...marks?.annotations }))
      assert.ok(mark.startsWith('moved.example/'), mark)
  })
}

test('asks and marks of a tool that is not read mean nothing', () => {
  const rules = rulesWith({ read: new Set() })
  const left = { [`${REFLECTOR}reflects`]: 'a/registry', [`${REFLECTOR}auto-reflects`]: 'True' }
  assert.equal(readLeft(object(left), rules), null)
  assert.equal(readLeft(object({ [`${REPLICATOR}replicated-keys`]: 'a' }), rules), null)
  assert.equal(readLeft(object({ [`${KUBED}origin`]: '{"namespace":"b","name":"registry"}' }), rules), null)
  assert.equal(readAsk(object({ [`${REFLECTOR}reflects`]: 'a/b' }), rules), null)
  assert.equal(readAsk(object({ [`${REPLICATOR}replicate-from`]: 'a/b' }), rules), null)
  assert.deepEqual(readPrefixes(rules), [OURS])
})

test('asks and marks are read under the prefixes of the settings', () => {
  const prefixes = {
    reflector: 'a.example/',
    replicator: 'b.example/',
    kubed: 'c.example/',
    sync: 'd.example/',
  }
  const rules = rulesWith({ prefixes })
  assert.equal(readAsk(object({ 'a.example/reflects': 'a/b' }), rules)?.annotation, 'a.example/reflects')
  assert.equal(
    readAsk(object({ 'b.example/replicate-from': 'a/b' }), rules)?.annotation,
    'b.example/replicate-from',
  )
  const auto = { 'a.example/reflects': 'a/registry', 'a.example/auto-reflects': 'True' }
  assert.equal(readLeft(object(auto), rules)?.tool, 'reflector')
  assert.equal(readLeft(object({ 'b.example/replicated-keys': 'a' }), rules)?.tool, 'replicator')
  assert.equal(
    readLeft(object({ 'c.example/origin': '{"namespace":"b","name":"registry"}' }), rules)?.tool,
    'kubed',
  )
  assert.equal(mergedKeysMark(rules), 'b.example/replicated-keys')
})

test('an object concerns us by any key under a prefix that is read, on annotations and labels alike', () => {
  const prefixes = readPrefixes(RULES)
  assert.deepEqual(prefixes, [OURS, REFLECTOR, REPLICATOR, KUBED, SYNC])
  for (const prefix of prefixes) {
    assert.ok(hasKeyUnder(object({ [`${prefix}anything`]: '' }), prefixes))
    assert.ok(hasKeyUnder(object({}, { labels: { [`${prefix}anything`]: '' } }), prefixes))
  }
  assert.equal(hasKeyUnder(object({ 'example.com/a': '', 'x.heliograph.dev/a': '' }), prefixes), false)
})

test('marks of every tool are known, so that they go when a copy is left to its owner', () => {
  const known = {
    labels: under(KUBED, { 'origin.name': '', 'origin.namespace': '', 'origin.cluster': '' }),
    annotations: {
      ...under(REFLECTOR, { reflects: '', 'auto-reflects': '', 'reflected-version': '', 'reflected-at': '' }),
      ...under(REPLICATOR, { 'replicated-at': '', 'replicated-from-version': '', 'replicated-keys': '' }),
      ...under(KUBED, { origin: '' }),
    },
  }
  for (const rules of [RULES, rulesWith({ read: new Set() })]) {
    const { labels, annotations } = toolMarkKeys(rules)
    assert.deepEqual(labels.toSorted(), Object.keys(known.labels).toSorted())
    assert.deepEqual(annotations.toSorted(), Object.keys(known.annotations).toSorted())
  }
})

const MODIFIERS = {
  'reflect-as': '{namespace}-{name}',
  keys: 'a=b',
  type: 'Opaque',
  carry: 'team',
  labels: '{"l":"1"}',
  annotations: '{"n":"2"}',
  'on-delete': 'retain',
  validate: 'tls',
  resync: '7',
  'target-namespaces': 'team-*',
}

for (const [name, key, value] of CLAIMS) {
  const origin = (more: Readonly<Record<string, string>>) =>
    object({
      [key]: value,
      [`${SYNC}targets`]: '*',
      [`${REFLECTOR}reflection-auto-enabled`]: 'true',
      ...under(OURS, more),
    })

  test(`our own keys apply in the dialect ${name}`, () => {
    const read = policyOf(origin(MODIFIERS))
    assert.equal(read.mirrorName, 'shared-registry')
    assert.deepEqual(read.selection.apply(['a', 'c']), new Map([['a', 'b']]))
    assert.equal(read.type, 'Opaque')
    assert.equal(read.carry?.matches('team'), true)
    assert.deepEqual({ ...read.labels }, { l: '1' })
    assert.deepEqual({ ...read.annotations }, { n: '2' })
    assert.equal(read.onDelete, 'retain')
    assert.deepEqual(read.validators, [{ kind: 'tls' }])
    assert.equal(read.resync, '7')
  })

  test(`a bad value of our own keys holds an origin in the dialect ${name}`, () => {
    for (const [own, bad] of Object.entries({
      keys: '/',
      type: '',
      labels: '[]',
      immutable: 'x',
      'on-delete': '',
    }))
      assert.deepEqual(heldBy(origin({ [own]: bad })), [`${OURS}${own}`])
  })

  test(`paused holds an origin in the dialect ${name}`, () => {
    const reading = readOrigin(origin({ paused: 'true' }), RULES)
    assert.ok(reading.kind === 'held' && reading.paused && reading.flaws.length === 0)
  })

  test(`names that the platform writes are refused in the dialect ${name}`, () => {
    assert.deepEqual(heldBy({ ...origin({ 'reflect-as': 'kube-root-ca.crt' }), kind: 'ConfigMap' }), [
      `${OURS}reflect-as`,
    ])
  })

  test(`immutable in the dialect ${name}: ${name === 'replicator' ? 'refused, since others may write to a merged object' : 'applies'}`, () => {
    if (name === 'replicator') assert.deepEqual(heldBy(origin({ immutable: 'true' })), [`${OURS}immutable`])
    else assert.equal(policyOf(origin({ immutable: 'true' })).immutable, true)
    assert.equal(policyOf(origin({ immutable: 'false' })).immutable, false)
  })
}

test('flaws of a dialect and of our own keys are told together', () => {
  const meta = object({ [`${REPLICATOR}replicate-to`]: '(', [`${OURS}keys`]: '/' })
  assert.deepEqual(heldBy(meta), [`${OURS}keys`, `${REPLICATOR}replicate-to`])
})

test('fixed labels and annotations cannot give a mirror a key of any dialect, whether it is read or not', () => {
  const all = rulesWith({ prefixes: { ...RULES.dialects.prefixes, sync: 'moved.example/' } })
  for (const rules of [all, rulesWith({ read: new Set(), prefixes: all.dialects.prefixes })])
    for (const prefix of [OURS, REFLECTOR, REPLICATOR, KUBED, 'moved.example/'])
      for (const form of ['labels', 'annotations']) {
        const meta = object({
          [`${OURS}reflect-to`]: '*',
          [OURS + form]: JSON.stringify({ [`${prefix}x`]: '' }),
        })
        assert.deepEqual(heldBy(meta, rules), [OURS + form], prefix)
      }
})

test('the offers of one origin reach nobody by the name of another’s key', () => {
  const meta = object({
    [`${REPLICATOR}replicate-to`]: 'a',
    [`${REPLICATOR}replication-allowed-namespaces`]: 'b',
  })
  const read = policyOf(meta)
  assert.deepEqual(chosen(read.push, 'a', 'b'), ['a'])
  assert.equal(read.pull, null)
})

const EVERY_KEY: readonly string[] = [
  ...ANNOTATIONS.map(({ key }) => OURS + key),
  ...Object.keys({
    ...under(REFLECTOR, {
      'reflection-allowed': '',
      'reflection-allowed-namespaces': '',
      'reflection-allowed-namespaces-selector': '',
      'reflection-auto-enabled': '',
      'reflection-auto-namespaces': '',
      'reflection-auto-namespaces-selector': '',
      reflects: '',
      'auto-reflects': '',
      'reflected-version': '',
      'reflected-at': '',
    }),
    ...under(REPLICATOR, {
      'replication-allowed': '',
      'replication-allowed-namespaces': '',
      'replicate-to': '',
      'replicate-to-matching': '',
      'replicate-from': '',
      'keep-owner-references': '',
      'strip-labels': '',
      'replicated-at': '',
      'replicated-from-version': '',
      'replicated-keys': '',
    }),
    ...under(KUBED, { sync: '', 'sync-contexts': '', origin: '' }),
    ...under(SYNC, { enabled: '', targets: '' }),
  }),
]

const VALUE = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.json({ maxDepth: 2 }),
  fc.constantFrom(
    'true',
    'True',
    'false',
    '1',
    '',
    ' ',
    '*',
    ',',
    'a/b',
    'shared/registry',
    '(a+)+$',
    '(?!x).*',
    '{',
  ),
)

const ANY_OBJECT = fc.record({
  annotations: fc.dictionary(fc.constantFrom(...EVERY_KEY), VALUE, { maxKeys: 8 }),
  namespace: fc.constantFrom('shared', 'a', 'heliograph', 'kube-system'),
  kind: fc.constantFrom('Secret' as const, 'ConfigMap' as const),
})

test('any annotations give a reading, an ask or none, a left copy or none, and never a throw', () => {
  fc.assert(
    fc.property(ANY_OBJECT, ({ annotations, ...more }) => {
      const meta = object(annotations, more)
      const reading = readOrigin(meta, RULES)
      const ask = readAsk(meta, RULES)
      const left = readLeft(meta, RULES)
      if (ask !== null) assert.equal(reading.kind, 'none')
      assert.equal(ask === null || (ask.origin === null) === (ask.reason !== null), true)
      if (left !== null) assert.ok(left.origin === null || left.origin.namespace !== meta.namespace)
      if (reading.kind === 'policy') {
        const { toolMarks } = reading.policy
        assert.equal(typeof (toolMarks?.isBlanked(annotations) ?? false), 'boolean')
        chosen(reading.policy.push, 'team-a')
        chosen(reading.policy.pull, 'team-a')
      }
    }),
    { numRuns: 3_000 },
  )
})

test('no reason quotes anything of a value, in any dialect', () => {
  fc.assert(
    fc.property(ANY_OBJECT, ({ annotations, ...more }) => {
      const planted = Object.fromEntries(
        Object.entries(annotations).map(([key, text]) => [key, `${text}PLANTED`]),
      )
      const reading = readOrigin(object(planted, more), RULES)
      const told =
        reading.kind === 'none' ? [] : [...reading.remarks, ...(reading.kind === 'held' ? reading.flaws : [])]
      const reason = readAsk(object(planted, more), RULES)?.reason
      assert.doesNotMatch(JSON.stringify([told, reason]), /PLANTED/)
    }),
    { numRuns: 2_000 },
  )
})
