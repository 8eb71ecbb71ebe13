/** The vocabulary of the hand-written controller: `enabled` and `targets`, and nothing else. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { readAsk, readLeft, readOrigin } from '../../../src/core/dialects/table.ts'
import type { Annotated } from '../../../src/core/eligibility.ts'
import { RULES } from '../rules.ts'
import { heldBy, object, policyOf, remarksOn, under } from './objects.ts'

const P = 'sync.example.com/'

function origin(annotations: Readonly<Record<string, string>>, more: Partial<Annotated> = {}): Annotated {
  return object(under(P, annotations), more)
}

function targeted(
  annotations: Readonly<Record<string, string>>,
  ...names: readonly string[]
): readonly string[] {
  const { peers } = policyOf(origin(annotations))
  return names.filter((name) => peers?.peers.matches(name) === true)
}

test('sync: enabled "true" forwards to the peers that targets lists, into the namespace of the origin’s name', () => {
  const annotations = { enabled: 'true', targets: 'production-west,staging' }
  assert.deepEqual(targeted(annotations, 'production-west', 'staging', 'production'), [
    'production-west',
    'staging',
  ])
  const read = policyOf(origin(annotations))
  assert.equal(read.peers?.namespaces, null)
  assert.equal(read.mirrorName, 'registry')
  assert.equal(read.push, null)
  assert.equal(read.pull, null)
})

test('sync: targets takes globs as well', () => {
  const annotations = { enabled: 'true', targets: 'production-*, !production-old' }
  assert.deepEqual(targeted(annotations, 'production-west', 'production-old', 'staging'), ['production-west'])
})

test('sync: without targets, or with a blank list, nothing is forwarded', () => {
  assert.equal(policyOf(origin({ enabled: 'true' })).peers, null)
  assert.deepEqual(targeted({ enabled: 'true', targets: '' }, 'production', ''), [])
})

test('sync: enabled "false" offers nothing, and bad targets beside it hold nothing', () => {
  for (const targets of ['a', '**']) assert.equal(policyOf(origin({ enabled: 'false', targets })).peers, null)
})

test('sync: an enabled that is neither true nor false counts as false and is told', () => {
  for (const text of ['True', 'yes', '1', '', ' true']) {
    const meta = origin({ enabled: text, targets: 'a' })
    assert.equal(policyOf(meta).peers, null, text)
    assert.deepEqual(
      remarksOn(meta),
      [{ annotation: `${P}enabled`, reason: 'not a boolean; it counts as false' }],
      text,
    )
  }
})

test('sync: bad targets hold the origin and name their key', () => {
  for (const bad of ['**', '{a', '+(a)'])
    assert.deepEqual(heldBy(origin({ enabled: 'true', targets: bad })), [`${P}targets`])
})

test('sync: targets alone makes no origin', () => {
  assert.equal(readOrigin(origin({ targets: 'a' }), RULES).kind, 'none')
})

test('sync: copies replace data and bear the origin’s labels and annotations', () => {
  const read = policyOf(origin({ enabled: 'true', targets: '*' }))
  assert.equal(read.copies, 'metadata')
  assert.equal(read.write, 'replace')
  assert.equal(read.takesOver, false)
})

test('sync: it leaves no marks, asks for nothing, and bears none', () => {
  const meta = origin({ enabled: 'true', targets: 'a' }, { namespace: 'team-a' })
  assert.equal(readLeft(meta, RULES), null)
  assert.equal(readAsk(meta, RULES), null)
  assert.equal(policyOf(meta).toolMarks, null)
})
