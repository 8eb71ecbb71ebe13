/** Only what bears all three marks and home's identity is a mirror of this home; what an owner is to keep is never deleted. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { mirrorOf } from '../../../src/cli/peer/mirrors.ts'
import { mirrorLabel } from '../../../src/core/marks.ts'
import type { ObjectMeta } from '../../../src/core/objects.ts'
import { objectMeta } from '../../../src/kube/wire.ts'
import { PREFIX, RULES } from '../../core/rules.ts'

const HOME = 'home-uid'
const ORIGIN = { kind: 'Secret', namespace: 'origins', name: 'login' } as const

interface Changes {
  readonly label?: string | null
  readonly marks?: Readonly<Record<string, string | null>>
  readonly deleting?: boolean
}

function object({
  label = mirrorLabel(HOME, ORIGIN),
  marks = {},
  deleting = false,
}: Changes = {}): ObjectMeta {
  const all = { origin: 'origins/login', at: 'team-a/login', 'origin-cluster': HOME, ...marks }
  const annotations = Object.entries(all).filter(([, value]) => value !== null)
  const meta = objectMeta('Secret', {
    metadata: {
      namespace: 'team-a',
      name: 'login',
      uid: 'u',
      resourceVersion: '1',
      labels: label === null ? {} : { [`${PREFIX}mirror`]: label },
      annotations: Object.fromEntries(annotations.map(([key, value]) => [PREFIX + key, value])),
      ...(deleting ? { deletionTimestamp: '2026-11-24T00:00:00Z' } : {}),
    },
  })
  assert.ok(meta)
  return meta
}

const endOf = (changes: Changes): string | null => mirrorOf(object(changes), RULES, HOME)?.end ?? null

test('a whole mirror of this home goes', () => {
  assert.equal(endOf({}), 'remove')
})

test('what was taken over, or is to stay when its claim ends, is left to its owner', () => {
  assert.equal(endOf({ marks: { adopted: 'true' } }), 'retain')
  assert.equal(endOf({ marks: { 'on-delete': 'retain' } }), 'retain')
})

test('nothing else is ours: another home, a copied manifest, stripped marks, a pull mirror, one that goes already', () => {
  const cases: readonly Changes[] = [
    { label: mirrorLabel('another', ORIGIN), marks: { 'origin-cluster': 'another' } },
    { label: mirrorLabel('another', ORIGIN) },
    { marks: { 'origin-cluster': 'another' } },
    { marks: { 'origin-cluster': null } },
    { marks: { at: 'team-b/login' } },
    { marks: { at: null } },
    { marks: { origin: null } },
    { marks: { origin: 'origins/other' } },
    { label: null },
    { label: null, marks: { retained: 'origins/login' } },
    { marks: { 'reflect-from': 'origins/login' } },
    { deleting: true },
  ]
  for (const changes of cases) assert.equal(endOf(changes), null, JSON.stringify(changes))
})
