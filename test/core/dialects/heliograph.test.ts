/** Our dialect: every row of the table, and every bad value with the annotation that holds it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { ignoresOffers, readAsk, readOrigin } from '../../../src/core/dialects/table.ts'
import { chooses } from '../../../src/core/choice.ts'
import type { Annotated } from '../../../src/core/eligibility.ts'
import type { Flaw, Policy } from '../../../src/core/policy.ts'
import { annotated, globs, PREFIX, RULES } from '../rules.ts'
import { chosen } from './objects.ts'

/** The policy of an origin that offers to `team-*` besides. */
function policy(annotations: Record<string, string>, more: Partial<Annotated> = {}): Policy {
  const reading = readOrigin(annotated({ 'reflect-to': 'team-*', ...annotations }, more), RULES)
  assert.ok(reading.kind === 'policy', JSON.stringify(reading))
  return reading.policy
}

/** The policy of an origin with just these annotations. */
function policyFrom(annotations: Record<string, string>): Policy {
  const reading = readOrigin(annotated(annotations), RULES)
  assert.ok(reading.kind === 'policy', JSON.stringify(reading))
  return reading.policy
}

function flaws(annotations: Record<string, string>, more: Partial<Annotated> = {}): readonly Flaw[] {
  const reading = readOrigin(annotated({ 'reflect-to': 'team-*', ...annotations }, more), RULES)
  assert.ok(reading.kind === 'held', reading.kind)
  return reading.flaws
}

test('an object without a claiming key is no origin, whatever else is on it', () => {
  for (const annotations of [
    {},
    { 'reflect-as': 'x' },
    { paused: 'maybe' },
    { keys: '*' },
    { adopt: 'a/b' },
    { resync: '1' },
  ]) {
    assert.deepEqual(readOrigin(annotated(annotations), RULES), { kind: 'none' })
  }
})

test('each claiming key alone makes an origin', () => {
  const pushed = policyFrom({ 'reflect-to': 'team-a' })
  assert.deepEqual(chosen(pushed.push, 'team-a', 'team-b'), ['team-a'])
  assert.equal(pushed.pull, null)
  assert.equal(pushed.peers, null)
  const selected = policyFrom({ 'reflect-to-selector': 'env=dev' })
  assert.ok(selected.push !== null && chooses(selected.push, { name: 'team-a', labels: { env: 'dev' } }))
  assert.ok(!chooses(selected.push, { name: 'env', labels: {} }))
  const pulled = policyFrom({ 'allow-pull': 'team-a' })
  assert.deepEqual(chosen(pulled.pull, 'team-a', 'team-b'), ['team-a'])
  assert.equal(pulled.push, null)
  const forwarded = policyFrom({ targets: 'prod-*' })
  assert.ok(forwarded.push === null && forwarded.pull === null)
  assert.ok(forwarded.peers?.peers.matches('prod-eu') === true && !forwarded.peers.peers.matches('dev'))
  assert.equal(forwarded.peers.namespaces, null)
})

test('reflect-to and its selector must both hold, and so must target-namespaces and its selector', () => {
  const read = policyFrom({
    'reflect-to': 'team-*',
    'reflect-to-selector': 'env=dev',
    targets: '*',
    'target-namespaces': 'team-*',
    'target-namespaces-selector': 'env=dev',
  })
  for (const choice of [read.push, read.peers?.namespaces ?? null]) {
    assert.ok(choice !== null)
    assert.ok(chooses(choice, { name: 'team-a', labels: { env: 'dev' } }))
    assert.ok(!chooses(choice, { name: 'team-a', labels: {} }))
    assert.ok(!chooses(choice, { name: 'other', labels: { env: 'dev' } }))
  }
})

test('keys of the other side do not hold an origin', () => {
  policy({ adopt: '*', accept: '[', refuse: '{', reflectto: '**' })
})

test('what is not given has its default', () => {
  const read = policy({})
  assert.equal(read.mirrorName, 'registry')
  assert.deepEqual(
    read.selection.apply(['a', 'b']),
    new Map([
      ['a', 'a'],
      ['b', 'b'],
    ]),
  )
  assert.equal(read.type, null)
  assert.equal(read.carry, null)
  assert.deepEqual({ ...read.labels }, {})
  assert.deepEqual({ ...read.annotations }, {})
  assert.equal(read.immutable, false)
  assert.equal(read.onDelete, 'delete')
  assert.deepEqual(read.validators, [])
  assert.equal(read.paused, false)
  assert.equal(read.resync, null)
  assert.equal(read.copies, 'nothing')
  assert.equal(read.write, 'replace')
  assert.equal(read.takesOver, false)
  assert.equal(read.toolMarks, null)
})

test('what is given is read', () => {
  const read = policy({
    'reflect-to-selector': 'env',
    'allow-pull': '*',
    'reflect-as': '{namespace}-{name}.v1',
    keys: 'a=b',
    type: 'Opaque',
    carry: 'example.com/*, !example.com/x',
    labels: '{"team":"a","example.com/empty":""}',
    annotations: '{"Example.com/note":"any text, {braces} too"}',
    immutable: 'true',
    'on-delete': 'retain',
    validate: 'tls',
    resync: ' 7 ',
  })
  assert.ok(read.push !== null && chooses(read.push, { name: 'team-a', labels: { env: '' } }))
  assert.deepEqual(chosen(read.pull, 'team-a', 'any'), ['team-a', 'any'])
  assert.equal(read.mirrorName, 'shared-registry.v1')
  assert.deepEqual(read.selection.apply(['a', 'c']), new Map([['a', 'b']]))
  assert.equal(read.type, 'Opaque')
  assert.ok(read.carry?.matches('example.com/y') === true && !read.carry.matches('example.com/x'))
  assert.deepEqual({ ...read.labels }, { team: 'a', 'example.com/empty': '' })
  assert.deepEqual({ ...read.annotations }, { 'Example.com/note': 'any text, {braces} too' })
  assert.equal(read.immutable, true)
  assert.equal(read.onDelete, 'retain')
  assert.deepEqual(read.validators, [{ kind: 'tls' }])
  assert.equal(read.resync, ' 7 ')
})

test('a blank reflect-to, selector or allow-pull claims and matches nothing', () => {
  for (const blank of ['', '  ']) {
    const read = policy({ 'reflect-to': blank, 'reflect-to-selector': blank, 'allow-pull': blank })
    assert.deepEqual(chosen(read.push, 'team-a'), [])
    assert.deepEqual(chosen(read.pull, 'team-a'), [])
    const selected = policyFrom({ 'reflect-to-selector': blank })
    assert.ok(selected.push !== null && !chooses(selected.push, { name: 'team-a', labels: { env: 'dev' } }))
  }
})

const BAD: readonly (readonly [annotation: string, value: string, reason: RegExp])[] = [
  ['reflect-to', 'team-**', /\*\*/],
  ['reflect-to-selector', 'a=b=c', /commas/],
  ['allow-pull', '{a', /balanced/],
  ['targets', '+(a)', /extended/],
  ['target-namespaces', 'a{1..3}', /ranges/],
  ['target-namespaces-selector', '!', /key/],
  ['reflect-as', '', /legal object name/],
  ['reflect-as', 'Upper', /legal object name/],
  ['reflect-as', ' x', /legal object name/],
  ['reflect-as', '{name}/x', /legal object name/],
  ['reflect-as', '{uid}', /placeholder|\{name\} and \{namespace\}/],
  ['reflect-as', '{name', /\{name\} and \{namespace\}/],
  ['reflect-as', 'name}', /\{name\} and \{namespace\}/],
  ['reflect-as', '{{name}}', /\{name\} and \{namespace\}/],
  ['reflect-as', 'a'.repeat(254), /legal object name/],
  ['reflect-as', '{name}'.repeat(40), /legal object name/],
  ['reflect-as', 'a'.repeat(513), /512/],
  ['keys', 'tls.*', /data key/],
  ['keys', 'a, a=b', /two names/],
  ['type', '', /Secret type/],
  ['type', 'with blank', /Secret type/],
  ['type', 'kubernetes.io/service-account-token', /never given/],
  ['type', 'bootstrap.kubernetes.io/token', /never given/],
  ['type', 'helm.sh/release.v1', /never given/],
  ['carry', '#', /#/],
  ['labels', 'team=a', /JSON/],
  ['labels', '', /JSON/],
  ['labels', '[]', /JSON/],
  ['labels', 'null', /JSON/],
  ['labels', '{"a":1}', /JSON/],
  ['labels', '{"a/b/c":""}', /key is not legal|legal label/],
  ['labels', '{"__proto__":""}', /legal label/],
  ['labels', '{"Upper.example/b":""}', /legal label/],
  ['labels', '{"a":"not a value"}', /value/],
  ['labels', '{"cluster.x-k8s.io/cluster-name":"a"}', /never given/],
  ['labels', '{"istio/multiCluster":"true"}', /never given/],
  ['labels', '{"heliograph.dev/mirror":"a"}', /never given/],
  ['annotations', '{"argocd.argoproj.io/secret-type":"cluster"}', /never given/],
  ['annotations', '{"heliograph.dev/reflect-to":"*"}', /never given/],
  ['annotations', '{"kubectl.kubernetes.io/last-applied-configuration":"{}"}', /never given/],
  ['annotations', `{"a":"${'x'.repeat(131_072)}"}`, /131072/],
  [
    'annotations',
    JSON.stringify(Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`k${i}`, '']))),
    /256/,
  ],
  ['immutable', 'True', /exactly true or false/],
  ['immutable', 'yes', /exactly/],
  ['immutable', '', /exactly/],
  ['immutable', ' true', /exactly/],
  ['paused', '1', /exactly/],
  ['on-delete', 'keep', /delete or retain/],
  ['on-delete', '', /delete or retain/],
  ['validate', 'x509', /validator/],
]

for (const [annotation, value, reason] of BAD) {
  test(`a bad value holds the origin and names its annotation: ${annotation}: ${JSON.stringify(value.slice(0, 40))}`, () => {
    const found = flaws({ [annotation]: value })
    assert.deepEqual(
      found.map((flaw) => flaw.annotation),
      [PREFIX + annotation],
    )
    assert.match(found[0]?.reason ?? '', reason)
  })
}

test('all bad values are told at once', () => {
  const found = flaws({ 'reflect-to': '**', keys: '/', immutable: 'no', validate: 'x', paused: 'x' })
  assert.deepEqual(found.map((flaw) => flaw.annotation).toSorted(), [
    'heliograph.dev/immutable',
    'heliograph.dev/keys',
    'heliograph.dev/paused',
    'heliograph.dev/reflect-to',
    'heliograph.dev/validate',
  ])
})

test('paused holds without a flaw, and beside flaws', () => {
  assert.deepEqual(readOrigin(annotated({ 'reflect-to': '*', paused: 'true' }), RULES), {
    kind: 'held',
    flaws: [],
    paused: true,
    remarks: [],
  })
  const both = readOrigin(annotated({ 'reflect-to': '**', paused: 'true' }), RULES)
  assert.ok(both.kind === 'held' && both.paused && both.flaws.length === 1)
  assert.equal(policy({ paused: 'false' }).paused, false)
})

test('a type on a ConfigMap is a bad value', () => {
  assert.match(flaws({ type: 'Opaque' }, { kind: 'ConfigMap' })[0]?.reason ?? '', /only Secrets/)
})

test('an administrator may allow a refused type, but never that of Helm releases', () => {
  const rules = { ...RULES, refusedTypes: new Set<string>() }
  const allowed = readOrigin(annotated({ 'reflect-to': '*', type: 'bootstrap.kubernetes.io/token' }), rules)
  assert.equal(allowed.kind, 'policy')
  assert.equal(readOrigin(annotated({ 'reflect-to': '*', type: 'helm.sh/release.v1' }), rules).kind, 'held')
})

test('names that the platform writes are refused, given or inherited, for their kind alone', () => {
  const map = { kind: 'ConfigMap', name: 'kube-root-ca.crt' } as const
  assert.equal(
    flaws({ 'reflect-as': 'istio-ca-root-cert' }, { kind: 'ConfigMap' })[0]?.annotation,
    'heliograph.dev/reflect-as',
  )
  assert.equal(flaws({}, map)[0]?.annotation, 'heliograph.dev/reflect-as')
  assert.equal(policy({ 'reflect-as': 'other' }, map).mirrorName, 'other')
  assert.equal(policy({}, { name: 'kube-root-ca.crt' }).mirrorName, 'kube-root-ca.crt')
  assert.equal(readOrigin(annotated({ 'allow-pull': '*' }, map), RULES).kind, 'policy')
  assert.equal(readOrigin(annotated({ targets: '*' }, map), RULES).kind, 'held')
})

test('another prefix is another vocabulary', () => {
  const rules = { ...RULES, prefix: 'mirror.example/' }
  const meta = annotated({ 'reflect-to': '*' })
  assert.equal(readOrigin(meta, rules).kind, 'none')
  assert.equal(
    readOrigin({ ...meta, annotations: { 'mirror.example/reflect-to': '*' } }, rules).kind,
    'policy',
  )
})

test('objects that may not be origins read as none, even with bad values', () => {
  const bad = annotated({ 'reflect-to': '**', 'reflect-from': 'a/b' })
  assert.equal(readOrigin(bad, RULES).kind, 'none')
  assert.equal(
    readOrigin(annotated({ 'reflect-to': '*' }), { ...RULES, originNamespaces: globs('team-*') }).kind,
    'none',
  )
  assert.equal(readOrigin(annotated({ 'reflect-to': '*' }), { ...RULES, kinds: ['ConfigMap'] }).kind, 'none')
})

test('offers on a pull mirror are told apart from no offers', () => {
  assert.equal(ignoresOffers(annotated({ 'reflect-to': '*', 'reflect-from': 'a/b' }), RULES), true)
  assert.equal(ignoresOffers(annotated({ 'reflect-from': 'a/b' }), RULES), false)
  assert.equal(ignoresOffers(annotated({ 'reflect-to': '*' }), RULES), false)
})

test('reflect-from names an origin of the same kind, or is flawed with a fixed reason', () => {
  assert.equal(readAsk(annotated({}), RULES), null)
  const asked = readAsk(annotated({ 'reflect-from': 'a/b' }, { kind: 'ConfigMap' }), RULES)
  assert.deepEqual(asked, {
    annotation: 'heliograph.dev/reflect-from',
    text: 'a/b',
    origin: { kind: 'ConfigMap', namespace: 'a', name: 'b' },
    reason: null,
    write: 'replace',
    toolMarks: null,
    isFilled: false,
  })
  assert.equal(readAsk(annotated({ 'reflect-from': 'shared/other' }), RULES)?.reason, null)
  for (const value of ['', 'a', 'a/', '/b', 'a/b/c', 'a b/c', 'A/b', ' a/b']) {
    const flawed = readAsk(annotated({ 'reflect-from': value }), RULES)
    assert.equal(flawed?.origin, null, value)
    assert.equal(flawed?.reason, 'must be namespace/name', value)
  }
  const itself = readAsk(annotated({ 'reflect-from': 'shared/registry' }), RULES)
  assert.equal(itself?.origin, null)
  assert.equal(itself?.reason, 'an object cannot be filled from itself')
})

test('any values give a reading whose reasons quote nothing', () => {
  const keys = [
    'reflect-to',
    'reflect-to-selector',
    'allow-pull',
    'reflect-as',
    'keys',
    'type',
    'carry',
    'labels',
    'annotations',
    'validate',
    'on-delete',
  ]
  const value = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.json({ maxDepth: 1 }),
    fc.constantFrom('*', 'a', '{name}', '{}'),
  )
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.constantFrom(...keys),
        value.map((text) => `${text}SECRETMARK`),
      ),
      (annotations) => {
        const reading = readOrigin(annotated({ targets: '*', ...annotations }), RULES)
        assert.doesNotMatch(JSON.stringify(reading.kind === 'held' ? reading.flaws : []), /SECRETMARK/)
        assert.notEqual(reading.kind, 'none')
      },
    ),
    { numRuns: 1_000 },
  )
})

test('what is read depends on annotations alone: reading twice gives the same', () => {
  const meta = annotated({ 'reflect-to': 'a', keys: 'x', labels: '{"a":"b"}' })
  assert.deepEqual(JSON.stringify(readOrigin(meta, RULES)), JSON.stringify(readOrigin(meta, RULES)))
  assert.ok(Object.keys(meta.annotations).every((key) => key.startsWith(PREFIX)))
})
