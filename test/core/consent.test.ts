/** What a namespace says to a push: the administrator's lists, the owner's annotations, and what beats what. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  consentFlaws,
  isProtected,
  mayBeTarget,
  namespaceConsent,
  ownerConsent,
} from '../../src/core/consent.ts'
import type { Consent, Offer } from '../../src/core/consent.ts'
import type { Rules } from '../../src/core/rules.ts'
import { globs, namespaceMeta, RULES } from './rules.ts'

const ORIGIN = { namespace: 'shared', name: 'registry' }
const HOME = 'home-id'

function ask(annotations: Record<string, string>, rules: Partial<Rules> = {}, name = 'team-a'): Consent {
  return namespaceConsent(namespaceMeta(name, annotations), ORIGIN, { ...RULES, ...rules }, HOME)
}

function why(consent: Consent): string {
  return consent.kind === 'refused' ? consent.why : consent.kind
}

test('a namespace that says nothing grants, undeclared', () => {
  assert.deepEqual(ask({}), { kind: 'granted', declared: false })
})

test('with consent required, only a matching accept grants', () => {
  assert.equal(why(ask({}, { consent: 'required' })), 'consent-required')
  assert.equal(why(ask({ refuse: 'x/*' }, { consent: 'required' })), 'consent-required')
  assert.deepEqual(ask({ accept: 'shared/*' }, { consent: 'required' }), { kind: 'granted', declared: true })
})

test('a matching accept grants and declares; any other refuses', () => {
  for (const accept of [
    'shared/registry',
    'shared/*',
    '*',
    '*/registry',
    'home-id:shared/registry',
    '*:*',
    '{a,shared}/*',
  ]) {
    assert.deepEqual(ask({ accept }), { kind: 'granted', declared: true }, accept)
  }
  for (const accept of [
    '',
    ' ',
    'shared',
    'shared/registr',
    'other/*',
    'other-id:shared/registry',
    '!shared/registry',
    '*, !shared/*',
    '*, !home-id:*',
  ]) {
    assert.equal(why(ask({ accept })), 'accept', accept)
  }
})

test('a matching refuse refuses, whatever accept says', () => {
  for (const refuse of ['*', 'shared/*', 'home-id:shared/registry', '*:*/registry']) {
    assert.equal(why(ask({ refuse, accept: '*' })), 'refuse', refuse)
  }
  for (const refuse of ['', 'other/*', 'other-id:*', '*, !shared/*']) {
    assert.equal(why(ask({ refuse })), 'granted', refuse)
  }
})

test('a malformed accept freezes, and so does a malformed refuse', () => {
  assert.deepEqual(ask({ accept: '**' }), {
    kind: 'frozen',
    annotation: 'accept',
    reason: '** is not supported',
  })
  assert.deepEqual(ask({ refuse: '[' }), {
    kind: 'frozen',
    annotation: 'refuse',
    reason: 'brackets and braces must be balanced',
  })
  assert.equal(ask({ accept: '**' }, { consent: 'required' }).kind, 'frozen')
})

test('a refuse that matches beats a malformed accept; one that does not match leaves it frozen', () => {
  assert.equal(why(ask({ refuse: 'shared/*', accept: '**' })), 'refuse')
  assert.equal(why(ask({ refuse: 'other/*', accept: '**' })), 'frozen')
})

test('a malformed refuse freezes whatever accept says', () => {
  for (const accept of ['*', 'other/*']) assert.equal(why(ask({ refuse: '**', accept })), 'frozen', accept)
})

test('the origin’s own namespace is never a target', () => {
  assert.equal(why(ask({ accept: '*' }, {}, 'shared')), 'own-namespace')
})

test('protected namespaces are never targets, unless the administrator allows them', () => {
  assert.equal(why(ask({ accept: '*' }, {}, 'kube-system')), 'protected')
  assert.equal(why(ask({ accept: '*' }, {}, 'heliograph')), 'protected')
  assert.equal(why(ask({}, { allowedNamespaces: globs('kube-public') }, 'kube-public')), 'granted')
  assert.equal(why(ask({}, { allowedNamespaces: globs('heliograph') }, 'heliograph')), 'granted')
  assert.equal(why(ask({ refuse: '*' }, { allowedNamespaces: globs('*') }, 'kube-public')), 'refuse')
})

test('the controller’s own namespace is protected even where the list does not name it', () => {
  assert.equal(isProtected('heliograph', { ...RULES, protectedNamespaces: globs('') }), true)
  assert.equal(isProtected('team-a', RULES), false)
})

test('a namespace outside the administrator’s targets refuses', () => {
  const rules = { targetNamespaces: globs('*, !team-a') }
  assert.equal(why(ask({ accept: '*' }, rules)), 'not-a-target')
  assert.equal(mayBeTarget('team-a', { ...RULES, ...rules }), false)
  assert.equal(mayBeTarget('team-b', { ...RULES, ...rules }), true)
  assert.equal(mayBeTarget('kube-system', RULES), false)
})

test('from another cluster, accept needs its cluster or *:, refuse does not', () => {
  const offer: Offer = { ...ORIGIN, cluster: 'other-id', local: false }
  const asked = (annotations: Record<string, string>): string =>
    why(ownerConsent(namespaceMeta('team-a', annotations), offer, RULES))
  for (const accept of ['*', 'shared/registry', 'home-id:shared/*'])
    assert.equal(asked({ accept }), 'accept', accept)
  for (const accept of ['*:*', 'other-id:*', '*:shared/*', '{home,other}-id:shared/registry'])
    assert.equal(asked({ accept }), 'granted', accept)
  for (const refuse of ['*', 'shared/*', 'other-id:*', '*:*'])
    assert.equal(asked({ refuse }), 'refuse', refuse)
  assert.equal(asked({ refuse: 'home-id:*' }), 'granted')
})

test('an exclusion without a cluster takes out origins of every cluster', () => {
  const offer: Offer = { ...ORIGIN, cluster: 'other-id', local: false }
  assert.equal(
    why(ownerConsent(namespaceMeta('team-a', { accept: '*:*, !shared/*' }), offer, RULES)),
    'accept',
  )
  assert.equal(
    why(ownerConsent(namespaceMeta('team-a', { refuse: '*, !shared/*' }), offer, RULES)),
    'granted',
  )
})

test('every malformed annotation of a Namespace is listed with its fixed reason', () => {
  assert.deepEqual(consentFlaws(namespaceMeta('a', { accept: '**', refuse: '{x' }), RULES.prefix), [
    { annotation: 'accept', reason: '** is not supported' },
    { annotation: 'refuse', reason: 'brackets and braces must be balanced' },
  ])
  assert.deepEqual(consentFlaws(namespaceMeta('a', { accept: '*', refuse: '' }), RULES.prefix), [])
})
