/** How an origin of home stands to a peer: `targets` names it, `target-namespaces` choose there, its Secret and its Namespaces consent. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { readOrigin } from '../../src/core/dialects/table.ts'
import type { NamespaceMeta, ObjectMeta } from '../../src/core/objects.ts'
import type { Policy } from '../../src/core/policy.ts'
import type { Rules } from '../../src/core/rules.ts'
import type { Reach } from '../../src/engine/reach.ts'
import { peerReach, takesOrigin } from '../../src/peers/reach.ts'
import { RULES, annotated, globs, namespaceMeta } from '../core/rules.ts'

type Texts = Readonly<Record<string, string>>

const ORIGIN = { kind: 'Secret', namespace: 'shared', name: 'registry' } as unknown as ObjectMeta

function policyOf(annotations: Texts): Policy {
  const reading = readOrigin(annotated(annotations), RULES)
  assert.equal(reading.kind, 'policy')
  assert.ok(reading.kind === 'policy')
  return reading.policy
}

function reachOf(
  terms: { readonly origins?: string; readonly namespaces?: readonly string[] } = {},
  rules: Partial<Rules> = {},
): Reach {
  const origins = terms.origins === undefined ? null : globs(terms.origins)
  return peerReach('prod-eu', { origins, namespaces: terms.namespaces ?? null }, { ...RULES, ...rules })
}

function chosen(reach: Reach, annotations: Texts, namespaces: readonly NamespaceMeta[]): readonly string[] {
  const policy = policyOf(annotations)
  return namespaces.filter((each) => reach.chooses(policy, ORIGIN, each)).map(({ name }) => name)
}

const NAMESPACES = ['shared', 'team-a', 'team-b'].map((name) => namespaceMeta(name))

test('a peer is abroad, and concerns origins whose targets match its name alone', () => {
  const reach = reachOf()
  assert.ok(reach.isAbroad)
  const named: readonly (readonly [Texts, boolean])[] = [
    [{ targets: 'prod-eu' }, true],
    [{ targets: 'prod-*' }, true],
    [{ targets: '*, !prod-eu' }, false],
    [{ targets: 'prod' }, false],
    [{ targets: '' }, false],
    [{ 'reflect-to': '*' }, false],
    [{ 'allow-pull': '*' }, false],
  ]
  for (const [annotations, isMeant] of named) {
    const policy = policyOf(annotations)
    assert.equal(reach.concerns(policy), isMeant, JSON.stringify(annotations))
    assert.equal(reach.chooses(policy, ORIGIN, namespaceMeta('shared')), isMeant)
  }
})

test('with nothing said of namespaces the one of the origin’s own name is chosen, which at home it never is', () => {
  assert.deepEqual(chosen(reachOf(), { targets: '*' }, NAMESPACES), ['shared'])
})

test('target-namespaces choose by name, the selector by label, and both must hold', () => {
  const labelled = [
    ...NAMESPACES,
    { ...namespaceMeta('team-c'), labels: { env: 'prod' } },
    { ...namespaceMeta('other'), labels: { env: 'prod' } },
  ]
  const targets = { targets: '*' }
  const names = { ...targets, 'target-namespaces': 'team-*, !team-b' }
  const labels = { ...targets, 'target-namespaces-selector': 'env=prod' }
  assert.deepEqual(chosen(reachOf(), names, labelled), ['team-a', 'team-c'])
  assert.deepEqual(chosen(reachOf(), labels, labelled), ['team-c', 'other'])
  assert.deepEqual(chosen(reachOf(), { ...names, ...labels }, labelled), ['team-c'])
  assert.deepEqual(chosen(reachOf(), { ...targets, 'target-namespaces': '' }, labelled), [])
})

test('reflect-to chooses nothing on a peer, and target-namespaces nothing without targets', () => {
  assert.deepEqual(chosen(reachOf(), { targets: 'prod-eu', 'reflect-to': 'team-*' }, NAMESPACES), ['shared'])
  assert.deepEqual(chosen(reachOf(), { 'target-namespaces': '*', 'reflect-to': '*' }, NAMESPACES), [])
})

test('a selector holds an origin that means a peer of single namespaces, and no other origin or peer', () => {
  const selecting = policyOf({ targets: 'prod-*', 'target-namespaces-selector': 'env=prod' })
  const elsewhere = policyOf({ targets: 'test-*', 'target-namespaces-selector': 'env=prod' })
  const byName = policyOf({ targets: 'prod-*', 'target-namespaces': 'team-a' })
  const listed = reachOf({ namespaces: ['team-a'] })
  assert.match(listed.holds(selecting)?.annotation ?? '', /target-namespaces-selector$/)
  for (const policy of [elsewhere, byName]) assert.equal(listed.holds(policy), null)
  assert.equal(reachOf().holds(selecting), null)
})

function consentOf(reach: Reach, namespace: NamespaceMeta, origin = ORIGIN): string {
  const consent = reach.consent(namespace, origin, 'home-identity')
  return consent.kind === 'refused' ? consent.why : consent.kind
}

test('without peer-origins an origin may forward only into the namespace of its own name', () => {
  const reach = reachOf()
  assert.equal(consentOf(reach, namespaceMeta('shared')), 'granted')
  assert.equal(consentOf(reach, namespaceMeta('team-a')), 'peer-origins')
})

test('peer-origins say who may forward, and then into any namespace that consents', () => {
  const reach = reachOf({ origins: 'shared/*' })
  assert.equal(consentOf(reach, namespaceMeta('team-a')), 'granted')
  const other = { ...ORIGIN, namespace: 'team' } as ObjectMeta
  for (const name of ['team', 'team-a'])
    assert.equal(consentOf(reach, namespaceMeta(name), other), 'peer-origins')
})

test('protected namespaces, those that are no targets and the controller’s own are refused on a peer, listed or not', () => {
  for (const terms of [
    { origins: '*' },
    { origins: '*', namespaces: ['kube-system', 'heliograph', 'apart'] },
  ]) {
    const reach = reachOf(terms, { targetNamespaces: globs('*, !apart') })
    assert.equal(consentOf(reach, namespaceMeta('kube-system')), 'protected')
    assert.equal(consentOf(reach, namespaceMeta('heliograph')), 'protected')
    assert.equal(consentOf(reach, namespaceMeta('apart')), 'not-a-target')
  }
})

test('accept and refuse of a peer’s Namespace bind by home’s identity; a listed peer has none to read', () => {
  const reach = reachOf({ origins: '*' })
  const says: readonly (readonly [Texts, string])[] = [
    [{ accept: 'home-identity:shared/*' }, 'granted'],
    [{ accept: '*:shared/*' }, 'granted'],
    [{ accept: 'other-identity:shared/*' }, 'accept'],
    [{ accept: 'shared/*' }, 'accept'],
    [{ refuse: '*' }, 'refuse'],
    [{ refuse: 'home-identity:shared/*' }, 'refuse'],
    [{ refuse: 'other-identity:*' }, 'granted'],
    [{ accept: '[' }, 'frozen'],
  ]
  for (const [annotations, kind] of says) {
    assert.equal(consentOf(reach, namespaceMeta('team-a', annotations)), kind, JSON.stringify(annotations))
  }
  const listed = reachOf({ origins: '*', namespaces: ['team-a'] }, { consent: 'required' })
  assert.equal(consentOf(listed, namespaceMeta('team-a')), 'granted')
  assert.equal(
    consentOf(reachOf({ origins: '*' }, { consent: 'required' }), namespaceMeta('team-a')),
    'consent-required',
  )
})

test('a peer could take an origin that targets name and its Secret leaves in', () => {
  const takes = (terms: { readonly origins?: string; readonly namespaces?: readonly string[] }): boolean => {
    const origins = terms.origins === undefined ? null : globs(terms.origins)
    const policy = policyOf({ targets: 'prod-*' })
    return takesOrigin(
      'prod-eu',
      { origins, namespaces: terms.namespaces ?? null },
      { policy, origin: ORIGIN },
    )
  }
  assert.deepEqual(
    [
      {},
      { origins: 'shared/*' },
      { origins: 'team/*' },
      { namespaces: ['shared'] },
      { namespaces: ['team-a'] },
    ].map(takes),
    [true, true, false, true, false],
  )
})
