/** The digest tells whether a mirror is current: equal for equal content, different for any other, and nothing to guess a value by. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'

import fc from 'fast-check'

import {
  digestKeyId,
  digestOf,
  isCleanByFields,
  isContentPath,
  pathsOf,
  readDigest,
} from '../../src/core/digest.ts'
import type { MirrorContent } from '../../src/core/digest.ts'
import { refOf } from '../../src/core/names.ts'
import type { ObjectRef } from '../../src/core/names.ts'
import type { Content, FieldOwners } from '../../src/core/objects.ts'
import { KEY, at, digestKey } from './model/rig.ts'
import { replayable } from './model/seeds.ts'

const ORIGIN = refOf(at('shared/registry'))

type Parts = Partial<Omit<Content, 'data' | 'binaryData'>> & {
  readonly data?: Readonly<Record<string, string>>
  readonly binaryData?: Readonly<Record<string, string>>
  readonly carried?: Readonly<Record<string, string>>
}

function mirror({ data = { a: 'YQ==' }, binaryData = {}, carried = {}, ...more }: Parts = {}): MirrorContent {
  return {
    content: {
      type: 'Opaque',
      immutable: false,
      data: new Map(Object.entries(data)),
      binaryData: new Map(Object.entries(binaryData)),
      ...more,
    },
    carried,
  }
}

function digest(parts: Parts = {}, origin: ObjectRef = ORIGIN): string {
  return digestOf(KEY, origin, mirror(parts), 'push')
}

test('a digest is v1, the key’s id and two HMACs', () => {
  assert.match(digest(), new RegExp(`^v1\\.${KEY.id}\\.[\\w-]{43}\\.[\\w-]{43}$`))
})

test('equal content has an equal digest, in whichever order its keys came', () => {
  const a = digest({ data: { a: '1', b: '2' }, carried: { 'labels/x': '1', 'annotations/y': '2' } })
  const b = digest({ data: { b: '2', a: '1' }, carried: { 'annotations/y': '2', 'labels/x': '1' } })
  assert.equal(a, b)
})

test('any other content, type, immutability, metadata, origin or key has another digest', () => {
  const digests = [
    digest(),
    digest({ data: { a: 'Yg==' } }),
    digest({ data: { b: 'YQ==' } }),
    digest({ data: {} }),
    digest({ data: {}, binaryData: { a: 'YQ==' } }),
    digest({ data: { a: 'YQ==', b: '' } }),
    digest({ type: 'kubernetes.io/tls' }),
    digest({ type: null }),
    digest({ immutable: true }),
    digest({ carried: { 'labels/a': 'x' } }),
    digest({ carried: { 'annotations/a': 'x' } }),
    digest({ carried: { 'labels/a': 'y' } }),
    digest({}, { ...ORIGIN, name: 'other' }),
    digest({}, { ...ORIGIN, namespace: 'other' }),
    digest({}, { ...ORIGIN, kind: 'ConfigMap' }),
    digestOf(digestKey(9), ORIGIN, mirror(), 'push'),
    digestOf({ ...KEY, identity: 'another-home' }, ORIGIN, mirror(), 'push'),
    digestOf(KEY, ORIGIN, mirror(), 'pull'),
  ]
  const contents = digests.map((text) => text.split('.')[2])
  assert.equal(new Set(contents).size, digests.length)
})

test('no two lists of fields run together', () => {
  const digests = [
    digest({ data: { ab: 'c' } }),
    digest({ data: { a: 'bc' } }),
    digest({ data: { a: 'b', c: '' } }),
    digest({ data: { a: '1:b' } }),
    digest({}, { kind: 'Secret', namespace: 'ab', name: 'c' }),
    digest({}, { kind: 'Secret', namespace: 'a', name: 'bc' }),
  ]
  assert.equal(new Set(digests).size, digests.length)
})

test('a pull mirror keeps its own type and immutability: neither is in its digest', () => {
  const a = digestOf(KEY, ORIGIN, mirror({ type: 'x', immutable: true }), 'pull')
  assert.equal(a, digestOf(KEY, ORIGIN, mirror(), 'pull'))
})

test('different contents have different digests, equal ones equal', (t) => {
  const key = fc.constantFrom('a', 'b', 'ab', '__proto__', 'constructor')
  const texts = fc.array(fc.tuple(key, fc.string({ maxLength: 3 })), { maxLength: 3 })
  const content = fc.record({ data: texts, binaryData: texts })
  const textOf = (map: ReadonlyMap<string, string>): unknown => [...map].sort(([a], [b]) => (a < b ? -1 : 1))
  fc.assert(
    fc.property(content, content, (left, right) => {
      const [a, b] = [left, right].map(({ data, binaryData }) => ({
        type: 'Opaque',
        immutable: false,
        data: new Map(data),
        binaryData: new Map(binaryData),
      }))
      assert.ok(a !== undefined && b !== undefined)
      const isEqual =
        JSON.stringify([textOf(a.data), textOf(a.binaryData)]) ===
        JSON.stringify([textOf(b.data), textOf(b.binaryData)])
      const [x, y] = [a, b].map((one) => digestOf(KEY, ORIGIN, { content: one, carried: {} }, 'push'))
      assert.equal(x === y, isEqual)
    }),
    replayable(t, 2_000),
  )
})

test('a digest cannot be reckoned without the key, nor the key be read from its id or its print', () => {
  assert.notEqual(digestKeyId(new Uint8Array(32).fill(1)), digestKeyId(new Uint8Array(32).fill(2)))
  assert.match(KEY.id, /^[0-9a-f]{12}$/)
  const bytes = Buffer.from(KEY.bytes.reveal())
  assert.ok(!createHash('sha256').update(bytes).digest('hex').startsWith(KEY.id))
  for (const text of [inspect(KEY, { depth: 9 }), JSON.stringify(KEY)])
    for (const form of ['hex', 'base64'] as const) assert.ok(!text.includes(bytes.toString(form)))
})

test('a digest under another version or key says nothing; none is another matter', () => {
  assert.equal(readDigest(digest(), KEY), 'known')
  assert.equal(readDigest(digest(), digestKey(9)), 'unknown')
  assert.equal(readDigest(digest().replace('v1.', 'v2.'), KEY), 'unknown')
  assert.equal(readDigest(`${digest()}.more`, KEY), 'unknown')
  for (const text of ['', 'x', 'v1', '....']) assert.equal(readDigest(text, KEY), 'unknown', text)
  assert.equal(readDigest(null, KEY), 'missing')
})

test('paths of keys are as managedFields gives them, sorted', () => {
  const { content } = mirror({ data: { b: '', 'a.b': '' }, binaryData: { c: '' } })
  assert.deepEqual(pathsOf(content), ['binaryData/c', 'data/a.b', 'data/b'])
  assert.deepEqual(
    ['data/a', 'binaryData/a', 'labels/a', 'type', 'datax/a'].map((path) => isContentPath(path)),
    [true, true, false, false, false],
  )
})

const LABEL = 'labels/heliograph.dev/mirror'
const OWNED = ['type', LABEL, 'labels/team']
const CLEAN: FieldOwners = { ours: ['data/a', 'labels/team', LABEL, 'type'], others: [] }

function isClean(
  fields: Partial<FieldOwners>,
  mark = digest(),
  owned = OWNED,
  tolerated: readonly string[] = [],
): boolean {
  return isCleanByFields({ ...CLEAN, ...fields }, mark, {
    key: KEY,
    origin: ORIGIN,
    owned,
    tolerated,
  })
}

test('a mirror whose every key, type and carried metadata is ours and nobody else’s is clean without a look', () => {
  assert.equal(isClean({}), true)
  const others = [
    { manager: 'x', operation: 'Update', paths: ['annotations/note', 'labels/theirs'] },
  ] as const
  assert.equal(isClean({ others }), true, 'others may own what is theirs')
})

test('a key, the type or carried metadata that another owns too is looked at', () => {
  for (const path of ['data/a', 'data/b', 'binaryData/a', 'type', 'labels/team', LABEL])
    for (const operation of ['Apply', 'Update'] as const)
      assert.equal(isClean({ others: [{ manager: 'x', operation, paths: [path] }] }), false, path)
})

test('a key that left our set, came into it, or moved between data and binaryData is looked at', () => {
  const [, ...rest] = CLEAN.ours
  for (const keys of [[], ['data/a', 'data/b'], ['binaryData/a'], ['data/b']])
    assert.equal(isClean({ ours: [...keys, ...rest] }), false, keys.join())
})

test('what we set and do not own any more, or own and do not list, is looked at', () => {
  for (const path of OWNED)
    assert.equal(isClean({ ours: CLEAN.ours.filter((one) => one !== path) }), false, path)
  assert.equal(isClean({ ours: [...CLEAN.ours, 'labels/unlisted'] }), false)
  assert.equal(isClean({ ours: [...CLEAN.ours, 'annotations/unlisted'] }), false)
})

test('what is tolerated may be ours or anybody’s, and an own key of a merged copy is looked at', () => {
  const tool = 'annotations/tool.dev/version'
  assert.equal(isClean({ ours: [...CLEAN.ours, tool] }), false)
  assert.equal(isClean({ ours: [...CLEAN.ours, tool] }, digest(), OWNED, [tool]), true)
  const others = [{ manager: 'tool', operation: 'Update', paths: [tool] }] as const
  assert.equal(isClean({ others }, digest(), OWNED, [tool]), true)
  assert.equal(isClean({ others }, digest(), [...OWNED, tool], [tool]), false, 'unless it must be ours')
  const own = [{ manager: 'kubectl', operation: 'Update', paths: ['data/mine'] }] as const
  assert.equal(isClean({ others: own }, digest(), OWNED, [tool]), false)
})

test('key names under another origin or key prove nothing', () => {
  assert.equal(isClean({}, digest({}, { ...ORIGIN, name: 'other' })), false)
  assert.equal(isClean({}, digestOf(digestKey(9), ORIGIN, mirror(), 'push')), false)
  for (const mark of ['', 'v1.a.b', '...']) assert.equal(isClean({}, mark), false, mark)
})
