/** Which objects are never origins. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { readOrigin } from '../../src/core/dialects/table.ts'
import { DIGEST_KEY_SECRET_NAME, isMirrorLike, originEligibility } from '../../src/core/eligibility.ts'
import type { Annotated } from '../../src/core/eligibility.ts'
import { annotated, globs, PREFIX, RULES } from './rules.ts'

const LABELLED = { labels: { [`${PREFIX}mirror`]: '0123456789abcdef' } }

function isMirror(annotations: Record<string, string>, more: Partial<Annotated> = {}): boolean {
  return isMirrorLike(annotated(annotations, more), PREFIX)
}

test('a mirror is never an origin, also with one of its marks stripped', () => {
  assert.equal(isMirror({ at: 'shared/registry', origin: 'a/b' }, LABELLED), true)
  assert.equal(isMirror({ at: 'shared/registry', origin: 'a/b' }), true)
  assert.equal(isMirror({ at: 'shared/registry' }, LABELLED), true)
  assert.equal(isMirror({ origin: 'a/b' }, LABELLED), true)
})

test('a single mark makes no mirror', () => {
  assert.equal(isMirror({ at: 'shared/registry' }), false)
  assert.equal(isMirror({ origin: 'a/b' }), false)
  assert.equal(isMirror({}, LABELLED), false)
  assert.equal(isMirror({}), false)
})

test('a manifest copied from a mirror to another place is no mirror', () => {
  assert.equal(isMirror({ at: 'team-a/registry', origin: 'a/b' }, LABELLED), false)
})

test('an object that asks to be filled is a mirror, whatever it asks for', () => {
  const offers = { 'reflect-to': '*', 'allow-pull': '*' }
  assert.equal(readOrigin(annotated(offers), RULES).kind, 'policy')
  for (const asked of ['', 'x', 'a/b', 'shared/registry'])
    assert.deepEqual(readOrigin(annotated({ ...offers, 'reflect-from': asked }), RULES), { kind: 'none' })
})

test('what belongs to the controller in its own namespace is never an origin', () => {
  const own = { namespace: 'heliograph' }
  const peer = { labels: { [`${PREFIX}peer`]: 'true' } }
  assert.equal(
    originEligibility(annotated({}, { ...own, name: DIGEST_KEY_SECRET_NAME }), RULES),
    'controller',
  )
  assert.equal(originEligibility(annotated({}, { ...own, ...peer }), RULES), 'controller')
  assert.equal(originEligibility(annotated({}, own), RULES), null)
  assert.equal(originEligibility(annotated({}, { name: DIGEST_KEY_SECRET_NAME }), RULES), null)
  assert.equal(originEligibility(annotated({}, peer), RULES), null)
  assert.equal(
    originEligibility(annotated({}, { ...own, kind: 'ConfigMap', name: DIGEST_KEY_SECRET_NAME }), RULES),
    null,
  )
})

test('the administrator’s kinds and origin namespaces bind', () => {
  assert.equal(originEligibility(annotated({}), { ...RULES, kinds: ['ConfigMap'] }), 'kind')
  assert.equal(
    originEligibility(annotated({}), { ...RULES, originNamespaces: globs('*, !shared') }),
    'namespace',
  )
  assert.equal(originEligibility(annotated({}), RULES), null)
})
