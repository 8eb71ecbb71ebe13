/** The annotations of a peer Secret: each says one thing, and a bad one is refused by its name. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { parseTerms, peerName } from '../../src/peers/terms.ts'
import type { Terms } from '../../src/peers/terms.ts'
import type { Result } from '../../src/std/result.ts'
import { PREFIX } from '../core/rules.ts'

type Texts = Readonly<Record<string, string>>

function parse(texts: Texts): Result<Terms, string> {
  const annotations = Object.fromEntries(Object.entries(texts).map(([key, text]) => [PREFIX + key, text]))
  return parseTerms({ annotations }, PREFIX)
}

function termsOf(texts: Texts): Terms {
  const parsed = parse(texts)
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.failure)
  return parsed.value
}

test('a Secret that says nothing grants every namespace, lets every origin into its own name, and bears its own name', () => {
  const terms = termsOf({})
  assert.deepEqual(terms, { name: null, origins: null, namespaces: null, identity: null })
  assert.equal(peerName(terms, null, 'prod-eu'), 'prod-eu')
})

test('annotations under another prefix say nothing', () => {
  const parsed = parseTerms({ annotations: { 'example.com/peer-name': 'x', 'peer-origins': '**' } }, PREFIX)
  assert.ok(parsed.ok)
  assert.deepEqual([parsed.value.name, parsed.value.origins], [null, null])
})

test('the annotation names a peer before its form does, and its form before the Secret', () => {
  assert.equal(peerName(termsOf({ 'peer-name': 'annotated' }), 'formed', 'secret'), 'annotated')
  assert.equal(peerName(termsOf({}), 'formed', 'secret'), 'formed')
  assert.equal(peerName(termsOf({}), null, 'secret'), 'secret')
})

test('what is no name of a peer names none, and no other stands in for it', () => {
  const wrong = ['', 'home', 'Prod', 'a_b', 'a b', 'a/b', '-a', 'a,b', '*', 'ä', `a\nb`, 'a'.repeat(254)]
  for (const name of wrong) {
    assert.equal(peerName(termsOf({ 'peer-name': name }), 'formed', 'secret'), null, JSON.stringify(name))
    assert.equal(peerName(termsOf({}), name, 'secret'), null, JSON.stringify(name))
  }
})

test('peer-origins are globs over namespace and name; a blank one lets nobody in, a bad one is refused', () => {
  const { origins } = termsOf({ 'peer-origins': 'platform/*, !platform/private' })
  const paths = ['platform/tls', 'platform/private', 'team/tls']
  assert.deepEqual(
    paths.map((path) => origins?.matches(path)),
    [true, false, false],
  )
  assert.equal(termsOf({ 'peer-origins': '' }).origins?.matches('platform/tls'), false)
  for (const bad of ['[a', '**/x', 'a{1..9}']) {
    const parsed = parse({ 'peer-origins': bad })
    assert.match(parsed.ok ? 'taken' : parsed.failure, /^peer-origins: /, bad)
  }
})

test('peer-namespaces is a list of names: trimmed, sorted, each once; a blank one grants none', () => {
  const listed = (text: string): readonly string[] | null =>
    termsOf({ 'peer-namespaces': text, 'peer-identity': 'x' }).namespaces
  assert.deepEqual(listed(' team-b,team-a , team-b,,'), ['team-a', 'team-b'])
  assert.deepEqual(listed(''), [])
})

test('peer-namespaces that is no list of names is refused: patterns, exclusions, too many', () => {
  const wrong = [
    'team-*',
    '!team-a',
    'Team',
    'a b',
    'a/b',
    'a.b',
    Array.from({ length: 1_001 }, (_, i) => `n${i}`).join(),
  ]
  for (const text of wrong) {
    const parsed = parse({ 'peer-namespaces': text, 'peer-identity': 'x' })
    assert.match(
      parsed.ok ? 'taken' : parsed.failure,
      /^peer-namespaces must be a list of at most 1000 names/,
    )
  }
  const most = Array.from({ length: 1_000 }, (_, index) => `n${index}`).join()
  assert.equal(termsOf({ 'peer-namespaces': most, 'peer-identity': 'x' }).namespaces?.length, 1_000)
})

test('single namespaces without the identity of their cluster are refused, with the way to get it', () => {
  const parsed = parse({ 'peer-namespaces': 'team-a' })
  assert.match(parsed.ok ? 'taken' : parsed.failure, /needs peer-identity, which heliograph peer add writes/)
})

test('an identity has 1 to 253 characters', () => {
  for (const text of ['', 'x'.repeat(254)])
    assert.match(JSON.stringify(parse({ 'peer-identity': text })), /must have 1 to 253 characters/)
  assert.equal(termsOf({ 'peer-identity': 'x'.repeat(253) }).identity?.length, 253)
})
