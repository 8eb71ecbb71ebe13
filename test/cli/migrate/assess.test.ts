/** The report says what will be done, by the controller’s own rules, and names every difference that is in the scene. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { assess } from '../../../src/cli/migrate/assess.ts'
import { DIFFERENCES, DIFFERENCE_CODES, worstOf } from '../../../src/cli/migrate/differences.ts'
import type { DifferenceCode } from '../../../src/cli/migrate/differences.ts'
import { differencesOf, exitCodeOf, verdictOf } from '../../../src/cli/migrate/report.ts'
import { readDocuments } from '../../../src/cli/migrate/documents.ts'
import { reportText } from '../../../src/cli/migrate/text.ts'
import type { Rules } from '../../../src/core/rules.ts'
import { Sensitive } from '../../../src/std/sensitive.ts'
import { globs, RULES } from '../../core/rules.ts'
import {
  codesOf,
  configMap,
  entryOf,
  KUBED,
  manifest,
  namespace,
  namespaces,
  OURS,
  REFLECTOR,
  REPLICATOR,
  reportOf,
  rulesWith,
  secret,
  SYNC,
  under,
} from './scenes.ts'
import type { Manifest } from './scenes.ts'

const PLACES = namespaces('origins', 'a', 'b', 'kube-system', 'heliograph')
const AUTO = under(REFLECTOR, { 'reflection-allowed': 'true', 'reflection-auto-enabled': 'true' })
const TO_A = { ...AUTO, ...under(REFLECTOR, { 'reflection-allowed-namespaces': 'a' }) }
const COPY = under(REFLECTOR, { reflects: 'origins/x', 'auto-reflects': 'True', 'reflected-version': '1' })
const REPLICATED = under(REPLICATOR, { 'replicated-keys': 'k', 'replicated-from-version': '1' })
const push = (to: string): Readonly<Record<string, string>> => under(REPLICATOR, { 'replicate-to': to })
const dialects = (more: Partial<Rules['dialects']>): Rules =>
  rulesWith({ dialects: { ...RULES.dialects, ...more } })

/** For each code a scene in which it is told, beside the five namespaces, and another in which it is not. */
const SHOWN: Readonly<
  Record<
    DifferenceCode,
    { readonly by: readonly Manifest[]; readonly not: readonly Manifest[]; readonly rules?: Rules }
  >
> = {
  'old-controller-running': {
    by: [manifest('Deployment', 'a/reflector', {})],
    not: [
      manifest('Deployment', 'a/reflector', {}, { spec: { replicas: 0 } }),
      manifest('Deployment', 'a/web', {}),
    ],
  },
  'bad-pattern': {
    by: [secret('origins/x', { ...AUTO, [`${REFLECTOR}reflection-allowed-namespaces`]: '*-db' })],
    not: [secret('origins/x', { ...TO_A, [`${REFLECTOR}reflection-allowed`]: 'false' })],
  },
  'unsupported-pattern': {
    by: [secret('origins/x', { ...AUTO, [`${REFLECTOR}reflection-allowed-namespaces`]: String.raw`(a)\1` })],
    not: [secret('origins/x', TO_A)],
  },
  'bad-selector': {
    by: [secret('origins/x', under(REPLICATOR, { 'replicate-to-matching': 'a in' }))],
    not: [secret('origins/x', under(REPLICATOR, { 'replicate-to-matching': 'a' }))],
  },
  'bad-value': {
    by: [secret('origins/x', { ...TO_A, [`${OURS}keys`]: 'a=' })],
    not: [secret('origins/x', TO_A)],
  },
  'refused-type': {
    by: [secret('origins/x', TO_A, { type: 'kubernetes.io/service-account-token' })],
    not: [secret('origins/x', TO_A, { type: 'kubernetes.io/tls' })],
  },
  'bad-boolean': {
    by: [secret('origins/x', { ...TO_A, [`${REFLECTOR}reflection-auto-enabled`]: 'yes' })],
    not: [secret('origins/x', { ...TO_A, [`${REFLECTOR}reflection-auto-enabled`]: 'TRUE' })],
  },
  'passed-over': {
    by: [secret('origins/x', { ...TO_A, ...push('b') })],
    not: [secret('origins/x', push('b'))],
  },
  'keep-owner-references': {
    by: [secret('origins/x', { ...push('b'), [`${REPLICATOR}keep-owner-references`]: 'true' })],
    not: [secret('origins/x', { ...push('b'), [`${REPLICATOR}keep-owner-references`]: 'false' })],
  },
  'own-namespace': { by: [secret('origins/x', push('.*'))], not: [secret('origins/x', AUTO)] },
  'namespace-not-admitted': { by: [secret('origins/x', AUTO)], not: [secret('origins/x', TO_A)] },
  'copy-stays': {
    by: [secret('origins/x', AUTO), secret('kube-system/x', COPY)],
    not: [secret('origins/x', AUTO), secret('a/x', COPY)],
  },
  'unmanaged-in-the-way': {
    by: [secret('origins/x', TO_A), secret('a/x')],
    not: [secret('origins/x', TO_A), secret('a/x', { [`${OURS}adopt`]: 'origins/x' }), secret('b/x')],
  },
  'taken-back': {
    by: [
      secret('origins/x', TO_A),
      secret('a/x', { ...COPY, 'kubectl.kubernetes.io/last-applied-configuration': '{}' }),
    ],
    not: [secret('origins/x', TO_A), secret('a/x', COPY)],
  },
  'claimed-twice': {
    by: [secret('origins/x', push('a')), secret('b/x', push('a'))],
    not: [secret('origins/x', push('a')), configMap('b/x', push('a'))],
  },
  'copy-unproven': {
    by: [secret('origins/x', push('a')), secret('b/x', push('a')), secret('a/x', REPLICATED)],
    not: [secret('origins/x', push('a')), secret('a/x', REPLICATED)],
  },
  'chooses-nothing': {
    by: [secret('origins/x', { ...AUTO, [`${REFLECTOR}reflection-allowed-namespaces`]: 'tss-*' })],
    not: [secret('origins/x', TO_A)],
  },
  'over-the-limit': {
    by: [secret('origins/x', push('a,b'))],
    not: [secret('origins/x', push('a'))],
    rules: rulesWith({ mirrorsPerOriginMax: 1 }),
  },
  'alternation-anchoring': {
    by: [secret('origins/x', push('a|b')), namespace('axx'), namespace('xxb')],
    not: [secret('origins/x', push('(a|b)')), namespace('axx')],
  },
  'sync-false': {
    by: [secret('origins/x', { [`${KUBED}sync`]: 'false' })],
    not: [secret('origins/x', { [`${KUBED}sync`]: '' })],
  },
  'other-clusters': {
    by: [secret('origins/x', under(SYNC, { enabled: 'true', targets: 'west' }))],
    not: [secret('origins/x', under(SYNC, { enabled: 'false', targets: 'west' }))],
  },
  paused: {
    by: [secret('origins/x', { ...TO_A, [`${OURS}paused`]: 'true' })],
    not: [secret('origins/x', { ...TO_A, [`${OURS}paused`]: 'false' })],
  },
  'excluded-namespace': {
    by: [secret('origins/x', TO_A)],
    not: [secret('b/x', TO_A)],
    rules: dialects({ reflectorExcluded: globs('origins') }),
  },
  'offers-ignored': {
    by: [secret('a/x', { ...push('b'), [`${REPLICATOR}replicate-from`]: 'origins/x' })],
    not: [secret('a/x', push('b'))],
  },
  'pull-of-own-name': {
    by: [secret('origins/x', TO_A), secret('a/x', { [`${REFLECTOR}reflects`]: 'origins/x' })],
    not: [secret('origins/x', TO_A), secret('a/y', { [`${REFLECTOR}reflects`]: 'origins/x' })],
  },
  'pull-needs-permission': {
    by: [configMap('origins/x'), configMap('a/x', { [`${REPLICATOR}replicate-from`]: 'origins/x' })],
    not: [secret('origins/x'), secret('a/x', { [`${REPLICATOR}replicate-from`]: 'origins/x' })],
  },
  'pull-unavailable': {
    by: [secret('origins/x', TO_A), secret('b/y', { [`${REFLECTOR}reflects`]: 'origins/x' })],
    not: [secret('origins/x', TO_A), secret('a/y', { [`${REFLECTOR}reflects`]: 'origins/x' })],
  },
  'pull-protected': {
    by: [secret('origins/x', AUTO), secret('kube-system/y', { [`${REFLECTOR}reflects`]: 'origins/x' })],
    not: [secret('origins/x', AUTO), secret('a/y', { [`${REFLECTOR}reflects`]: 'origins/x' })],
  },
  'bad-pull': {
    by: [secret('a/y', { [`${REFLECTOR}reflects`]: 'x' })],
    not: [secret('a/y', { [`${REFLECTOR}reflects`]: 'origins/x' })],
  },
  'copy-collected': {
    by: [secret('a/x', COPY)],
    not: [secret('kube-system/x', COPY), secret('origins/x', AUTO), secret('b/x', COPY)],
  },
  'copy-left': {
    by: [secret('kube-system/x', COPY)],
    not: [secret('origins/x', AUTO), secret('kube-system/x', COPY)],
  },
  'legacy-key': {
    by: [secret('a/x', { [`${REFLECTOR}secret-reflection-allowed`]: 'true' })],
    not: [secret('a/x', AUTO)],
  },
  'unmerged-key': {
    by: [secret('origins/x', { ...TO_A, [`${REFLECTOR}reflection-labels`]: 'a' })],
    not: [secret('origins/x', TO_A)],
  },
  'unread-annotation': {
    by: [secret('origins/x', { ...TO_A, [`${REFLECTOR}reflection-auto-namespace`]: 'a' })],
    not: [secret('origins/x', TO_A), secret('a/x', COPY)],
  },
  'unsupported-kind': {
    by: [manifest('Role', 'origins/x', push('a'))],
    not: [manifest('Role', 'origins/x', { [`${OURS}reflect-to`]: 'a' })],
  },
  'not-read': { by: [{ kind: 'Secret', metadata: {} }], not: [secret('a/x')] },
  'namespaces-unknown': { by: [secret('c/x')], not: [secret('a/x')] },
  'edits-repaired': { by: [secret('origins/x', TO_A)], not: [secret('origins/x')] },
  'orphans-collected': { by: [secret('origins/x', push('a'))], not: [secret('origins/x', TO_A)] },
  'narrowing-collects': { by: [secret('origins/x', push('a'))], not: [secret('origins/x', TO_A)] },
  'pull-at-once': { by: [secret('origins/x', TO_A)], not: [secret('origins/x', push('a'))] },
  'anchored-everywhere': { by: [secret('origins/x', push('a'))], not: [secret('origins/x', TO_A)] },
  'own-keys-stay': { by: [secret('origins/x', push('a'))], not: [secret('origins/x', TO_A)] },
  'proof-by-content': { by: [secret('origins/x', push('a'))], not: [secret('origins/x', TO_A)] },
  'metadata-left-out': {
    by: [secret('origins/x', { [`${KUBED}sync`]: '' })],
    not: [secret('origins/x', push('a'))],
  },
}

for (const code of DIFFERENCE_CODES)
  test(`${code} is told where it is so, and only there`, () => {
    const { by, not, rules = RULES } = SHOWN[code]
    assert.ok(codesOf(reportOf([...PLACES, ...by], rules)).includes(code))
    assert.ok(!codesOf(reportOf([...PLACES, ...not], rules)).includes(code))
  })

test('the typical guide: its copies are compared and taken over, and nothing needs a look', () => {
  const report = reportOf([
    ...namespaces('cert-manager', 'app1', 'app2', 'app3', 'other'),
    secret(
      'cert-manager/tls',
      { ...AUTO, [`${REFLECTOR}reflection-allowed-namespaces`]: 'app1,app2,app3' },
      { type: 'kubernetes.io/tls' },
    ),
    ...['app1', 'app2'].map((place) =>
      secret(`${place}/tls`, { ...COPY, [`${REFLECTOR}reflects`]: 'cert-manager/tls' }),
    ),
    secret('other/tls', { [`${REFLECTOR}reflects`]: 'cert-manager/elsewhere' }),
    secret('app3/mine', { [`${REFLECTOR}reflects`]: 'cert-manager/tls' }),
  ])
  const { there, here } = entryOf(report, 'Secret cert-manager/tls')
  assert.equal(there, 'copied into 3 namespaces: app1, app2, app3; may be pulled')
  assert.equal(here, '3 mirrors: 2 compared and taken over, 1 made; fills 1 pull mirror')
  assert.deepEqual(report.counts, {
    origins: 1,
    pullMirrors: 2,
    inherited: 2,
    inheritedIfEqual: 0,
    collected: 0,
  })
  assert.deepEqual(entryOf(report, 'Secret app3/mine').differences, [])
})

test('one controller’s cluster without anything odd gives code 0', () => {
  const report = reportOf([...PLACES, secret('origins/x', TO_A), secret('a/x', COPY)])
  assert.equal(verdictOf(report), 0)
})

test('the exit code is that of the gravest difference', () => {
  assert.deepEqual(
    [null, 'note', 'warning', 'blocker'].map((each) => exitCodeOf(each as 'note' | null)),
    [0, 0, 3, 4],
  )
  const report = reportOf([
    ...PLACES,
    secret('origins/x', { ...AUTO, [`${REFLECTOR}reflection-allowed-namespaces`]: '*' }),
    secret('origins/y', { ...TO_A, ...push('b') }),
  ])
  assert.equal(worstOf(differencesOf(report)), 'blocker')
  assert.equal(verdictOf(report), 4)
})

test('consent and settings count as they do for the controller', () => {
  const report = reportOf(
    [
      ...PLACES,
      namespace('refusing', {}, { [`${OURS}refuse`]: '*' }),
      namespace('kube-allowed'),
      secret('origins/x', push('.*')),
    ],
    rulesWith({ allowedNamespaces: globs('kube-allowed') }),
  )
  const { here, differences } = entryOf(report, 'Secret origins/x')
  assert.equal(here, '3 merged mirrors: 3 made')
  const said = differences.map(({ sentence }) => sentence)
  assert.ok(said.includes('Chosen, but not written to: heliograph, kube-system (protected).'))
  assert.ok(said.includes('Chosen, but not written to: refusing (the Namespace refuses it).'))
})

test('an origin in our own vocabulary is of interest only for what it passes over', () => {
  const ours = { [`${OURS}reflect-to`]: 'a' }
  assert.deepEqual(reportOf([...PLACES, secret('origins/x', ours)]).sections, [])
  const { differences } = entryOf(
    reportOf([...PLACES, secret('origins/x', { ...ours, ...TO_A })]),
    'Secret origins/x',
  )
  assert.deepEqual(
    differences.map(({ code }) => code),
    ['passed-over'],
  )
})

test('copies whose marks name no origin are counted apart, as they are taken over only where equal', () => {
  const report = reportOf([
    ...PLACES,
    secret('origins/x', TO_A),
    secret('a/x', COPY),
    secret('origins/y', push('a,b')),
    secret('a/y', REPLICATED),
    secret('b/y', REPLICATED),
  ])
  const { inherited, inheritedIfEqual } = report.counts
  assert.deepEqual([inherited, inheritedIfEqual], [1, 2])
  assert.match(
    reportText(report).replaceAll(/\s+/g, ' '),
    /copies taken over: 1, taken over only where equal: 2, deleted: 0/,
  )
})

test('after the conversion an origin still says whom it fills, and a pull mirror shows its old keys', () => {
  const old = { [`${REFLECTOR}reflects`]: 'origins/x' }
  const report = reportOf([
    ...PLACES,
    secret('origins/x', { ...TO_A, [`${OURS}allow-pull`]: 'a' }),
    secret('a/y', { ...old, [`${OURS}reflect-from`]: 'origins/x' }),
    secret('a/z', { [`${OURS}reflect-from`]: 'origins/x' }),
    secret('a/w', { [`${OURS}reflect-from`]: 'origins/x', [`${REFLECTOR}reflect`]: 'true' }),
  ])
  assert.equal(entryOf(report, 'Secret origins/x').here, 'fills 3 pull mirrors')
  const mirror = entryOf(report, 'Secret a/y')
  assert.equal(mirror.here, 'filled with the origin’s data')
  assert.deepEqual(
    mirror.differences.map(({ code }) => code),
    ['passed-over'],
  )
  const [own, stray] = report.sections
  assert.equal(own?.title, 'In our own vocabulary already')
  assert.deepEqual(
    own.entries.map(({ subject }) => subject),
    ['Secret origins/x', 'Secret a/y'],
  )
  assert.deepEqual(
    stray?.entries.map(({ subject }) => subject),
    ['Secret a/w'],
  )
})

test('what to do is said in the words of the origin’s own vocabulary', () => {
  const nextSteps = (annotations: Readonly<Record<string, string>>): string =>
    differencesOf(reportOf([...PLACES, secret('origins/x', annotations), secret('a/x')]))
      .map(({ nextStep }) => nextStep)
      .join(' ')
  assert.match(nextSteps(push('a')), /replicatorTakeOver/)
  assert.doesNotMatch(nextSteps(TO_A), /replicatorTakeOver/)
  assert.match(nextSteps(TO_A), /adopt: origins\/x, or rename or delete it\./)
  assert.match(nextSteps(push('tss-*')), /regular expression/)
  const native = nextSteps({ ...TO_A, [`${OURS}reflect-to`]: 'tss-*' })
  assert.match(native, /team-\* matches team-a/)
  assert.doesNotMatch(native, /regular expression/)
})

test('a dialect that is not read is not reported', () => {
  const rules = dialects({ read: new Set(['kubed']) })
  assert.deepEqual(reportOf([...PLACES, secret('origins/x', AUTO)], rules).sections, [])
})

test('a takeOver that matches merges into what stands there', () => {
  const rules = dialects({ takeOver: globs('origins/*') })
  const report = reportOf([...PLACES, secret('origins/x', push('a')), secret('a/x')], rules)
  assert.equal(entryOf(report, 'Secret origins/x').here, '1 merged mirror: 1 taken over by consent')
})

test('every sentence is a fixed one: no value of an annotation is in it', () => {
  const marker = 'marker-7d1f'
  const values = [`(${marker}`, `${marker} in`, marker, `["${marker}`]
  const keys = [REFLECTOR, REPLICATOR, KUBED, SYNC, OURS].flatMap((prefix) =>
    [
      'reflection-allowed',
      'reflection-auto-namespaces',
      'replicate-to',
      'replicate-to-matching',
      'sync',
      'enabled',
      'labels',
      'reflects',
      'replicate-from',
      'origin',
    ].map((key) => prefix + key),
  )
  for (const value of values)
    for (const key of keys) {
      const allowed = key.startsWith(REFLECTOR) ? { ...AUTO } : {}
      const text = JSON.stringify(reportOf([...PLACES, secret('origins/x', { ...allowed, [key]: value })]))
      assert.ok(!text.includes(marker), key)
    }
})

test('a cluster of ten thousand copies is reported in one pass', () => {
  const many = namespaces(...Array.from({ length: 10_000 }, (_, at) => `n${at}`))
  const copies = many.map((_, at) => secret(`n${at}/x`, COPY))
  const scene = readDocuments(
    new Sensitive(
      JSON.stringify({ kind: 'List', items: [...PLACES, ...many, ...copies, secret('origins/x', AUTO)] }),
    ),
    RULES,
  )
  assert.ok(scene.ok)
  assert.equal(assess(scene.value, RULES).counts.inherited, 10_000)
})

test('the table is of use: every warning and blocker has a next step', () => {
  for (const code of DIFFERENCE_CODES) {
    const { severity, nextStep } = DIFFERENCES[code]
    if (severity !== 'note') assert.notEqual(nextStep, '', code)
  }
})
