/** The vocabulary of replicator: every key, value form and default of its release 2, the marks in its formats, and what its own copies prove. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { chooses } from '../../../src/core/choice.ts'
import { dialectOf, mergedKeys, readAsk, readLeft, readOrigin } from '../../../src/core/dialects/table.ts'
import type { Annotated } from '../../../src/core/eligibility.ts'
import type { Policy } from '../../../src/core/policy.ts'
import { globs, RULES } from '../rules.ts'
import { chosen, copy, heldBy, object, policyOf, remarksOn, rulesWith, under } from './objects.ts'

const P = 'replicator.v1.mittwald.de/'

function origin(annotations: Readonly<Record<string, string>>, more: Partial<Annotated> = {}): Annotated {
  return object(under(P, annotations), more)
}

function offers(annotations: Readonly<Record<string, string>>): Policy {
  return policyOf(origin(annotations))
}

function pushes(list: string, ...names: readonly string[]) {
  return chosen(offers({ 'replicate-to': list }).push, ...names)
}

test('replicator: replicate-to needs no gate and is a comma list of patterns over namespaces', () => {
  assert.deepEqual(pushes(' team-a , ns-[0-9]+,,', 'team-a', 'ns-12', 'ns-', 'other'), ['team-a', 'ns-12'])
  const gated = offers({ 'replicate-to': 'team-a', 'replication-allowed': 'false' })
  assert.deepEqual(chosen(gated.push, 'team-a', 'b'), ['team-a'])
  assert.equal(gated.pull, null)
})

test('replicator: an absent list names nobody, and neither does an empty one', () => {
  assert.equal(offers({ 'replication-allowed': 'true' }).push, null)
  for (const blank of ['', '  ', ',']) assert.deepEqual(pushes(blank, 'team-a', ''), [], blank)
})

test('replicator: a star alone means every namespace, a leading one any beginning', () => {
  for (const all of ['*', '^*', '*$', '^*$', '.*'])
    assert.deepEqual(pushes(all, 'team-a', 'b'), ['team-a', 'b'], all)
  assert.deepEqual(pushes('*-db', 'team-db', 'team-dbx', 'db'), ['team-db'])
})

test('replicator: patterns are matched against the whole name, alternatives included', () => {
  assert.deepEqual(pushes('foo', 'foo', 'foobar', 'xfoo'), ['foo'])
  assert.deepEqual(pushes('^foo$', 'foo', 'foobar'), ['foo'])
  assert.deepEqual(pushes('a|b', 'a', 'b', 'axx', 'xxb'), ['a', 'b'])
  assert.deepEqual(pushes('a|ab', 'a', 'ab'), ['a', 'ab'])
})

test('replicator: a bad pattern, look-around among them, holds the origin and names its key', () => {
  for (const bad of ['(', 'team-a,[', '(?!x).*', '(a)\\1', '+']) {
    assert.deepEqual(heldBy(origin({ 'replicate-to': bad })), [`${P}replicate-to`], bad)
    const pull = { 'replication-allowed': 'true', 'replication-allowed-namespaces': bad }
    assert.deepEqual(heldBy(origin(pull)), [`${P}replication-allowed-namespaces`], bad)
  }
})

test('replicator: replicate-to-matching is a selector in the full syntax, and an empty one means everything', () => {
  const choice = (selector: string) => offers({ 'replicate-to-matching': selector }).push ?? []
  const labelled = (labels: Readonly<Record<string, string>>) => ({ name: 'x', labels })
  assert.ok(chooses(choice('env in (dev,test),!legacy'), labelled({ env: 'dev' })))
  assert.ok(!chooses(choice('env in (dev,test),!legacy'), labelled({ env: 'dev', legacy: '' })))
  assert.ok(
    chooses(choice('size>3'), labelled({ size: '4' })) && !chooses(choice('size<3'), labelled({ size: '4' })),
  )
  for (const blank of ['', '  ']) assert.ok(chooses(choice(blank), labelled({})), blank)
})

test('replicator: a bad selector holds the origin and names its key', () => {
  for (const bad of ['=', 'env in dev', 'a b'])
    assert.deepEqual(heldBy(origin({ 'replicate-to': '*', 'replicate-to-matching': bad })), [
      `${P}replicate-to-matching`,
    ])
})

test('replicator: of replicate-to and replicate-to-matching one that holds suffices', () => {
  const { push } = offers({ 'replicate-to': 'team-a', 'replicate-to-matching': 'env=dev' })
  assert.ok(push !== null && chooses(push, { name: 'team-a', labels: {} }))
  assert.ok(chooses(push, { name: 'x', labels: { env: 'dev' } }) && !chooses(push, { name: 'x', labels: {} }))
  const emptyList = offers({ 'replicate-to': '', 'replicate-to-matching': 'env=dev' }).push
  assert.ok(emptyList !== null && chooses(emptyList, { name: 'x', labels: { env: 'dev' } }))
})

test('replicator: a pull needs replication-allowed and the list of namespaces', () => {
  const list = { 'replication-allowed-namespaces': 'team-a, ns-.*' }
  const { pull, push } = offers({ 'replication-allowed': 'true', ...list })
  assert.deepEqual(chosen(pull, 'team-a', 'ns-1', 'b'), ['team-a', 'ns-1'])
  assert.equal(push, null)
  assert.equal(readOrigin(origin(list), RULES).kind, 'none')
  assert.equal(offers({ 'replicate-to': 'x', ...list }).pull, null)
  assert.equal(offers({ 'replication-allowed': 'true' }).pull, null)
  const empty = offers({ 'replication-allowed': 'true', 'replication-allowed-namespaces': '' })
  assert.deepEqual(chosen(empty.pull, 'team-a', ''), [])
})

test('replicator: a ConfigMap needs the same permission as a Secret', () => {
  const map = { kind: 'ConfigMap' } as const
  assert.equal(readOrigin(origin({}, map), RULES).kind, 'none')
  assert.equal(policyOf(origin({ 'replicate-to': 'x' }, map)).pull, null)
  const both = { 'replication-allowed': 'true', 'replication-allowed-namespaces': 'a' }
  assert.deepEqual(chosen(policyOf(origin(both, map)).pull, 'a', 'b'), ['a'])
})

test('replicator: booleans are those of Go: 1, t, T, TRUE, true, True and their opposites', () => {
  const list = { 'replication-allowed-namespaces': '*' }
  for (const text of ['1', 't', 'T', 'TRUE', 'true', 'True'])
    assert.deepEqual(chosen(offers({ 'replication-allowed': text, ...list }).pull, 'a'), ['a'], text)
  for (const text of ['0', 'f', 'F', 'FALSE', 'false', 'False']) {
    const meta = origin({ 'replication-allowed': text, ...list })
    assert.equal(policyOf(meta).pull, null, text)
    assert.deepEqual(remarksOn(meta), [], text)
  }
})

test('replicator: an unparsable replication-allowed counts as false and is told', () => {
  for (const text of ['', 'yes', 'no', 'tRuE', ' true', 'on', '2']) {
    const meta = origin({ 'replication-allowed': text, 'replication-allowed-namespaces': '(' })
    assert.equal(policyOf(meta).pull, null, text)
    assert.deepEqual(
      remarksOn(meta),
      [{ annotation: `${P}replication-allowed`, reason: 'not a boolean; it counts as false' }],
      text,
    )
  }
})

test('replicator: each claiming key alone makes an origin, the list of pulls and the modifiers do not', () => {
  for (const key of ['replication-allowed', 'replicate-to', 'replicate-to-matching'])
    assert.equal(readOrigin(origin({ [key]: '' }), RULES).kind, 'policy', key)
  for (const key of [
    'replication-allowed-namespaces',
    'strip-labels',
    'keep-owner-references',
    'replicated-keys',
  ])
    assert.equal(readOrigin(origin({ [key]: 'true' }), RULES).kind, 'none', key)
})

test('replicator: copies merge, and bear the origin’s labels and none of its annotations', () => {
  const read = offers({ 'replicate-to': '*' })
  assert.equal(read.write, 'merge')
  assert.equal(read.copies, 'labels')
  assert.equal(read.carry, null)
  assert.equal(read.immutable, false)
  assert.equal(read.mirrorName, 'registry')
  assert.equal(read.peers, null)
})

test('replicator: the presence of strip-labels decides, whatever its value', () => {
  for (const text of ['true', 'false', ''])
    assert.equal(offers({ 'replicate-to': '*', 'strip-labels': text }).copies, 'nothing', text)
})

test('replicator: keep-owner-references "true" is understood, never obeyed, and told once', () => {
  const meta = origin({ 'replicate-to': '*', 'keep-owner-references': 'true' })
  assert.deepEqual(remarksOn(meta), [
    {
      annotation: `${P}keep-owner-references`,
      reason: 'never obeyed: an owner in another namespace makes the garbage collector delete the copy',
    },
  ])
  assert.deepEqual(policyOf(meta).labels, {})
  for (const text of ['True', 'false', '1', ''])
    assert.deepEqual(remarksOn(origin({ 'replicate-to': '*', 'keep-owner-references': text })), [], text)
})

test('replicator: only origins that takeOver lists may merge into objects that they did not make', () => {
  const meta = origin({ 'replicate-to': '*' })
  assert.equal(policyOf(meta).takesOver, false)
  assert.equal(policyOf(meta, rulesWith({ takeOver: globs('shared/*') })).takesOver, true)
  for (const outside of ['other/*', 'shared', '*/other', '*, !shared/registry'])
    assert.equal(policyOf(meta, rulesWith({ takeOver: globs(outside) })).takesOver, false, outside)
})

test('replicator: takeOver reaches no origin of another dialect', () => {
  const rules = rulesWith({ takeOver: globs('*') })
  for (const key of ['heliograph.dev/reflect-to', 'kubed.appscode.com/sync', 'sync.example.com/enabled'])
    assert.equal(policyOf(object({ [key]: '' }), rules).takesOver, false, key)
  const both = { 'heliograph.dev/reflect-to': '*', [`${P}replicate-to`]: '*' }
  assert.equal(policyOf(object(both), rules).takesOver, false)
})

test('replicator: replicate-from asks to be filled by merging, and names namespace/name exactly', () => {
  const asked = readAsk(origin({ 'replicate-from': 'a/b' }, { kind: 'ConfigMap' }), RULES)
  assert.deepEqual(asked?.origin, { kind: 'ConfigMap', namespace: 'a', name: 'b' })
  assert.equal(asked?.annotation, `${P}replicate-from`)
  assert.equal(asked?.text, 'a/b')
  assert.equal(asked?.write, 'merge')
  assert.equal(asked?.isFilled, false)
  assert.equal(readAsk(origin({ 'replicate-from': 'shared/other' }), RULES)?.reason, null)
  for (const flawed of ['', 'b', '/b', 'a/', ' a/b', 'a/b ', 'a / b', 'a/b/c', 'shared/registry']) {
    const found = readAsk(origin({ 'replicate-from': flawed }), RULES)
    assert.ok(found !== null && found.origin === null && found.reason !== null, flawed)
  }
})

test('replicator: a pull wins over a push on one object: it is never an origin', () => {
  for (const from of ['a/b', '', 'flawed']) {
    const meta = origin({ 'replicate-from': from, 'replicate-to': '*', 'replication-allowed': 'true' })
    assert.equal(readOrigin(meta, RULES).kind, 'none', from)
  }
})

test('replicator: a pull that it filled before is known by its version, and blank means afresh', () => {
  const filled = (version: string): boolean | undefined =>
    readAsk(origin({ 'replicate-from': 'a/b', 'replicated-from-version': version }), RULES)?.isFilled
  assert.equal(filled('4711'), true)
  assert.equal(filled(''), false)
})

const LEFT = {
  'replicated-at': '2026-07-07T09:49:26Z',
  'replicated-from-version': '4711',
  'replicated-keys': 'a,b',
}

test('replicator: its copy names no origin, only the keys that it wrote, and is never collected', () => {
  assert.deepEqual(readLeft(origin(LEFT), RULES), {
    tool: 'replicator',
    origin: null,
    isCollectable: false,
    keys: ['a', 'b'],
  })
  assert.equal(dialectOf(origin(LEFT), RULES), null)
})

test('replicator: marks that prove nothing: no keys, an empty list, or an object that asks to be filled', () => {
  const { 'replicated-keys': _, ...others } = LEFT
  assert.equal(readLeft(origin(others), RULES), null)
  for (const text of ['', ','])
    assert.equal(readLeft(origin({ ...LEFT, 'replicated-keys': text }), RULES), null)
  assert.equal(readLeft(origin({ ...LEFT, 'replicate-from': 'a/b' }), RULES), null)
  assert.equal(readLeft(object({}, { labels: under(P, LEFT) }), RULES), null)
  assert.equal(readLeft(origin({ ...LEFT, 'replicated-keys': 'a,'.repeat(200_000) }), RULES), null)
})

test('replicator: old marks on an origin change nothing: it stays an origin', () => {
  assert.deepEqual(chosen(offers({ ...LEFT, 'replicate-to': 'team-a' }).push, 'team-a', 'b'), ['team-a'])
})

test('replicator: a copy bears its three marks, the time as RFC 3339 and the keys sorted', () => {
  for (const form of ['push', 'pull'] as const) {
    const marks = offers({ 'replicate-to': '*' }).toolMarks?.onCopy(copy({ form, keys: ['b', 'a', 'B'] }))
    assert.deepEqual(marks, {
      labels: {},
      annotations: {
        [`${P}replicated-at`]: '2026-08-04T21:27:29Z',
        [`${P}replicated-from-version`]: '4711',
        [`${P}replicated-keys`]: 'B,a,b',
      },
    })
  }
})

test('replicator: the keys of a merged copy are read from its mark, also where the dialect is not read', () => {
  const rules = rulesWith({ read: new Set() })
  assert.deepEqual(mergedKeys(origin({ 'replicated-keys': 'a,b' }), rules), ['a', 'b'])
  assert.deepEqual(mergedKeys(origin({ 'replicated-keys': '' }), rules), [])
  assert.equal(mergedKeys(origin({}), rules), null)
})

test('replicator: a blanked or removed replicated-from-version asks for a fresh copy, on copies only', () => {
  for (const toolMarks of [
    offers({ 'replicate-to': '*' }).toolMarks,
    readAsk(origin({ 'replicate-from': 'a/b' }), RULES)?.toolMarks,
  ]) {
    assert.equal(toolMarks?.isBlanked(under(P, { ...LEFT, 'replicated-from-version': '' })), true)
    assert.equal(toolMarks.isBlanked(under(P, { 'replicated-keys': 'a' })), true)
    assert.equal(toolMarks.isBlanked(under(P, LEFT)), false)
    assert.equal(toolMarks.isBlanked({}), false)
  }
})
