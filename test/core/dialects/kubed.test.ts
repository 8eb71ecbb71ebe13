/** The vocabulary of kubed and config-syncer: its keys, its marks in their formats, and what its own copies prove. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { chooses } from '../../../src/core/choice.ts'
import { dialectOf, readAsk, readLeft, readOrigin } from '../../../src/core/dialects/table.ts'
import type { Annotated } from '../../../src/core/eligibility.ts'
import type { Policy } from '../../../src/core/policy.ts'
import { RULES } from '../rules.ts'
import { chosen, copy, heldBy, object, policyOf, under } from './objects.ts'

const P = 'kubed.appscode.com/'

function origin(annotations: Readonly<Record<string, string>>, more: Partial<Annotated> = {}): Annotated {
  return object(under(P, annotations), more)
}

function offers(annotations: Readonly<Record<string, string>>): Policy {
  return policyOf(origin(annotations))
}

test('kubed: sync, blank or "true", means every namespace', () => {
  for (const text of ['', '  ', 'true', ' true ']) {
    assert.deepEqual(chosen(offers({ sync: text }).push, 'team-a', 'b'), ['team-a', 'b'], text)
    assert.equal(offers({ sync: text }).pull, null)
  }
})

test('kubed: sync "false" is off, not a selector', () => {
  const read = offers({ sync: 'false' })
  assert.equal(read.push, null)
  assert.equal(read.peers, null)
})

test('kubed: any other sync is a selector over the labels of namespaces', () => {
  const choice = (selector: string) => offers({ sync: selector }).push ?? []
  const labelled = (labels: Readonly<Record<string, string>>) => ({ name: 'x', labels })
  assert.ok(chooses(choice('app=kubed'), labelled({ app: 'kubed' })))
  assert.ok(!chooses(choice('app=kubed'), labelled({})))
  assert.ok(chooses(choice('env in (a,b),size>3'), labelled({ env: 'a', size: '4' })))
  for (const word of ['True', 'yes']) {
    assert.ok(chooses(choice(word), labelled({ [word]: '' })), word)
    assert.ok(!chooses(choice(word), labelled({})), word)
  }
})

test('kubed: a bad selector holds the origin and names its key', () => {
  for (const bad of ['a b', '=', 'team-*']) assert.deepEqual(heldBy(origin({ sync: bad })), [`${P}sync`], bad)
})

test('kubed: sync-contexts names peers, comma-separated and exactly', () => {
  const { peers, push } = offers({ 'sync-contexts': ' eu-1 ,us-*,,' })
  assert.equal(push, null)
  assert.equal(peers?.namespaces, null)
  const named = ['eu-1', 'us-*', 'us-1', 'eu-12', ''].filter((name) => peers?.peers.matches(name))
  assert.deepEqual(named, ['eu-1', 'us-*'])
  assert.equal(offers({ 'sync-contexts': '' }).peers?.peers.matches(''), false)
})

test('kubed: a list of contexts has a bound, and beyond it the origin is held', () => {
  const list = (count: number): string => Array.from({ length: count }, (_, i) => `c${i}`).join(',')
  assert.equal(offers({ 'sync-contexts': list(1_024) }).peers?.peers.matches('c1023'), true)
  assert.deepEqual(heldBy(origin({ 'sync-contexts': list(1_025) })), [`${P}sync-contexts`])
})

test('kubed: namespaces and clusters are offered side by side', () => {
  const { peers, push } = offers({ sync: '', 'sync-contexts': 'eu' })
  assert.deepEqual(chosen(push, 'team-a'), ['team-a'])
  assert.equal(peers?.peers.matches('eu'), true)
})

test('kubed: copies replace data and bear the origin’s labels and annotations', () => {
  const read = offers({ sync: '' })
  assert.equal(read.copies, 'metadata')
  assert.equal(read.write, 'replace')
  assert.equal(read.takesOver, false)
  assert.equal(read.mirrorName, 'registry')
})

test('kubed: nothing of it asks to be filled', () => {
  assert.equal(readAsk(origin({ sync: '', origin: '{"namespace":"a","name":"b"}' }), RULES), null)
})

const REFERENCE = {
  kind: 'Secret',
  namespace: 'shared',
  name: 'registry',
  uid: '0b4f5a3e-0000-4000-8000-000000000000',
  apiVersion: 'v1',
  resourceVersion: '4711',
}

function left(reference: unknown, more: Partial<Annotated> = {}) {
  const text = typeof reference === 'string' ? reference : JSON.stringify(reference)
  return readLeft(origin({ origin: text }, { namespace: 'team-a', ...more }), RULES)
}

test('kubed: its copy names its origin, and is never collected', () => {
  const expected = {
    tool: 'kubed',
    origin: { kind: 'Secret', namespace: 'shared', name: 'registry' },
    isCollectable: false,
    keys: null,
    uid: REFERENCE.uid,
  }
  assert.deepEqual(left(REFERENCE), expected)
  assert.deepEqual(left({ namespace: 'shared', name: 'registry' }), { ...expected, uid: null })
  assert.deepEqual(left({ ...REFERENCE, kind: '' }), expected)
  const map = left({ ...REFERENCE, kind: 'ConfigMap' }, { kind: 'ConfigMap' })
  assert.deepEqual(map?.origin, { kind: 'ConfigMap', namespace: 'shared', name: 'registry' })
})

test('kubed: marks that it cannot have written prove nothing', () => {
  assert.equal(left(REFERENCE, { name: 'other' }), null)
  assert.equal(left(REFERENCE, { namespace: 'shared' }), null)
  for (const reference of [
    '',
    '{',
    'null',
    '[]',
    '"shared/registry"',
    'shared/registry',
    {},
    { ...REFERENCE, kind: 'ConfigMap' },
    { ...REFERENCE, name: 'other' },
    { ...REFERENCE, name: 7 },
    { ...REFERENCE, name: undefined },
    { ...REFERENCE, namespace: '' },
    { ...REFERENCE, namespace: 'Shared' },
    { ...REFERENCE, namespace: ['shared'] },
    { ...REFERENCE, uid: 'x'.repeat(5_000) },
  ])
    assert.equal(left(reference), null, JSON.stringify(reference).slice(0, 80))
  const labels = under(P, { 'origin.name': 'registry', 'origin.namespace': 'shared', 'origin.cluster': '' })
  assert.equal(readLeft(object({}, { namespace: 'team-a', labels }), RULES), null)
})

test('kubed: marks of a copy select no dialect, and on an origin they change nothing', () => {
  assert.equal(dialectOf(origin({ origin: JSON.stringify(REFERENCE) }), RULES), null)
  const marked = origin({ sync: '', origin: JSON.stringify(REFERENCE) }, { namespace: 'team-a' })
  assert.equal(readOrigin(marked, RULES).kind, 'policy')
})

test('kubed: a copy bears origin as a JSON ObjectReference in the order of Go, and its three labels', () => {
  const marks = offers({ sync: '' }).toolMarks?.onCopy(copy())
  assert.deepEqual(marks, {
    labels: {
      [`${P}origin.name`]: 'registry',
      [`${P}origin.namespace`]: 'shared',
      [`${P}origin.cluster`]: '',
    },
    annotations: {
      [`${P}origin`]:
        '{"kind":"Secret","namespace":"shared","name":"registry","uid":"0b4f5a3e-0000-4000-8000-000000000000","apiVersion":"v1","resourceVersion":"4711"}',
    },
  })
})

test('kubed: a name that no label can hold is left out of the labels', () => {
  const name = 'n'.repeat(64)
  const { origin: source } = copy()
  const marks = offers({ sync: '' }).toolMarks?.onCopy(copy({ origin: { ...source, name } }))
  assert.deepEqual(Object.keys(marks?.labels ?? {}), [`${P}origin.namespace`, `${P}origin.cluster`])
  assert.ok(marks?.annotations[`${P}origin`]?.includes(name))
})

test('kubed: a copy that we marked is one that kubed would know again', () => {
  const marks = offers({ sync: '' }).toolMarks?.onCopy(copy())
  assert.equal(readLeft(object({ ...marks?.annotations }, { namespace: 'team-a' }), RULES)?.tool, 'kubed')
})

test('kubed: it knows no way to ask for a fresh copy', () => {
  assert.equal(offers({ sync: '' }).toolMarks?.isBlanked({ [`${P}origin`]: '' }), false)
})
