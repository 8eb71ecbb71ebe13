/** Spellings at the edge of the old vocabularies: commas within patterns, legal keys of selectors, keys that never meant anything, names of clusters. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { chooses } from '../../../src/core/choice.ts'
import { readAsk, readLeft, readOrigin } from '../../../src/core/dialects/table.ts'
import { RULES } from '../rules.ts'
import { chosen, heldBy, object, policyOf, remarksOn, under } from './objects.ts'

const REFLECTOR = 'reflector.v1.k8s.emberstack.com/'
const REPLICATOR = 'replicator.v1.mittwald.de/'
const KUBED = 'kubed.appscode.com/'
const ALLOWED = { 'reflection-allowed': 'true', 'reflection-auto-enabled': 'true' }

test('reflector: a comma parts items within a pattern as well, so x{1,3} counts nothing', () => {
  const { push, pull } = policyOf(
    object(under(REFLECTOR, { ...ALLOWED, 'reflection-allowed-namespaces': 'x{1,3}, y{2}' })),
  )
  for (const choice of [push, pull]) assert.deepEqual(chosen(choice, 'x', 'xx', 'xxx', 'yy'), ['yy'])
})

test('replicator: a comma parts items within a pattern as well, so x{1,3} counts nothing', () => {
  const { push } = policyOf(object(under(REPLICATOR, { 'replicate-to': 'x{1,3}, y{2}' })))
  assert.deepEqual(chosen(push, 'x', 'xx', 'xxx', 'yy'), ['yy'])
})

test('reflector: keys and values of a selector are as long as Kubernetes has them, and in needs a blank before it', () => {
  const [name, value, prefix] = [
    'k'.repeat(63),
    'v'.repeat(63),
    `${'p'.repeat(63)}.`.repeat(3) + 'p'.repeat(61),
  ]
  const selecting = (selector: string) =>
    object(under(REFLECTOR, { ...ALLOWED, 'reflection-allowed-namespaces-selector': selector }))
  for (const [selector, labels] of [
    [`${name}=${value}`, { [name]: value }],
    [`${prefix}/${name} in (${value})`, { [`${prefix}/${name}`]: value }],
  ] as const)
    assert.ok(chooses(policyOf(selecting(selector)).pull ?? [], { name: 'x', labels }), selector)
  for (const bad of [`${name}k`, `k=${value}v`, `${prefix}p/k`, 'k_', 'k=v_', 'envin (a)', 'env in (a'])
    assert.deepEqual(heldBy(selecting(bad)), [`${REFLECTOR}reflection-allowed-namespaces-selector`], bad)
})

test('reflector: keys of its early releases and keys that were only proposed change nothing', () => {
  const early = ['forti', 'ubiquiti', 'vmware', 'freenas'].flatMap((device) =>
    ['enabled', 'hosts', 'certificate'].flatMap((word) => [
      `reflection-${device}-${word}`,
      `secret-reflection-${device}-${word}`,
    ]),
  )
  const secret = ['allowed', 'allowed-namespaces', 'auto-enabled', 'auto-namespaces'].map(
    (word) => `secret-reflection-${word}`,
  )
  const proposed = ['reflection-labels', 'reflection-labels-included', 'reflect-names']
  const stray = Object.fromEntries([...early, ...secret, ...proposed].map((key) => [key, '*']))
  assert.equal(readOrigin(object(under(REFLECTOR, stray)), RULES).kind, 'none')
  const meta = object(under(REFLECTOR, { ...stray, ...ALLOWED }), { labels: { team: 'a' } })
  const { copies, labels, push } = policyOf(meta)
  assert.deepEqual([copies, { ...labels }, chosen(push, 'a')], ['nothing', {}, ['a']])
  assert.deepEqual(remarksOn(meta), [])
})

test('replicator: keys that were only proposed change nothing', () => {
  const proposed = { prefix: 'a-', suffix: '-a', 'replicate-keys': 'x', 'strip-annotations': 'true' }
  assert.equal(readOrigin(object(under(REPLICATOR, proposed)), RULES).kind, 'none')
  const meta = object(under(REPLICATOR, { ...proposed, 'replicate-to': 'a' }))
  const { mirrorName, selection, copies } = policyOf(meta)
  assert.deepEqual([mirrorName, copies], ['registry', 'labels'])
  assert.deepEqual([...(selection.apply(['x', 'y'])?.keys() ?? [])], ['x', 'y'])
  assert.deepEqual(remarksOn(meta), [])
})

test('kubed: whichever cluster its label names, a copy is of the origin that its reference names', () => {
  const reference = JSON.stringify({ kind: 'Secret', namespace: 'shared', name: 'registry' })
  for (const cluster of ['', 'unicorn', 'another'])
    assert.deepEqual(
      readLeft(
        object(under(KUBED, { origin: reference }), {
          namespace: 'team-a',
          labels: under(KUBED, { 'origin.cluster': cluster }),
        }),
        RULES,
      )?.origin,
      { kind: 'Secret', namespace: 'shared', name: 'registry' },
    )
})

test('replicator and kubed: labels of the names of their keys mean nothing', () => {
  const labels = {
    ...under(REPLICATOR, { 'replicate-to': 'a', 'replicate-from': 'a/b', 'replication-allowed': 'true' }),
    ...under(KUBED, { sync: '', 'sync-contexts': 'a' }),
  }
  assert.equal(readOrigin(object({}, { labels }), RULES).kind, 'none')
  assert.equal(readAsk(object({}, { labels }), RULES), null)
})
