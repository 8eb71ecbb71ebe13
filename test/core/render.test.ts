/** From one answer of the API server to what a mirror holds: selection, type, metadata, validation and what is remembered of it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'

import { readOrigin } from '../../src/core/dialects/table.ts'
import { digestOf } from '../../src/core/digest.ts'
import { refOf } from '../../src/core/names.ts'
import type { Kind } from '../../src/core/names.ts'
import { render } from '../../src/core/render.ts'
import type { Rendering, Verdict } from '../../src/core/render.ts'
import type { Rules } from '../../src/core/rules.ts'
import { EXPIRED_CERTIFICATE, LEAF_CERTIFICATE, LEAF_KEY } from './certificates.ts'
import { fullOf } from './model/cluster.ts'
import type { Manifest } from './model/cluster.ts'
import { KEY, Rig, at } from './model/rig.ts'
import { prefixed } from './model/stage.ts'
import { RULES } from './rules.ts'

interface Given extends Omit<Manifest, 'annotations'> {
  readonly kind?: Kind
  /** Under our prefix. */
  readonly policy?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly rules?: Partial<Rules>
  readonly writtenAtMs?: number
}

function rendered(given: Given = {}): Rendering {
  const { kind = 'Secret', policy = {}, annotations = {}, rules = {}, writtenAtMs, ...manifest } = given
  const all = { ...annotations, ...prefixed({ 'reflect-to': '*', ...policy }) }
  const { cluster } = new Rig()
  const stored = cluster.put(refOf(at('shared/registry', kind)), {
    data: { a: 'YQ==', b: 'Yg==' },
    ...manifest,
    annotations: all,
  })
  const full = fullOf(stored)
  const context = { rules: { ...RULES, ...rules }, key: KEY }
  const reading = readOrigin(full.meta, context.rules)
  assert.ok(reading.kind === 'policy', JSON.stringify(reading))
  return render({ ...full, writtenAtMs: writtenAtMs ?? full.writtenAtMs }, reading.policy, context)
}

function piecesOf(given: Given = {}): {
  readonly data: unknown
  readonly binaryData: unknown
  readonly type: string | null
  readonly immutable: boolean
} {
  const { pieces } = rendered(given)
  assert.ok(pieces !== null)
  const { data, binaryData, ...more } = pieces.reveal()
  const parsed = [data, binaryData].map((bytes): unknown => JSON.parse(new TextDecoder().decode(bytes)))
  return { data: parsed[0], binaryData: parsed[1], ...more }
}

function verdictOf(given: Given): Verdict {
  const { summary, pieces } = rendered(given)
  assert.equal(pieces === null, summary.verdict.kind !== 'deliverable')
  assert.equal(summary.digest === '', summary.verdict.kind !== 'deliverable')
  return summary.verdict
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

test('without a policy for them, all data and the type are taken as they are', () => {
  assert.deepEqual(piecesOf({ type: 'example.dev/kind' }), {
    data: { a: 'YQ==', b: 'Yg==' },
    binaryData: {},
    type: 'example.dev/kind',
    immutable: false,
  })
})

test('empty data is mirrored', () => {
  assert.deepEqual(piecesOf({ data: {} }).data, {})
})

test('keys selects, renames and excludes', () => {
  assert.deepEqual(piecesOf({ policy: { keys: 'a' } }).data, { a: 'YQ==' })
  assert.deepEqual(piecesOf({ policy: { keys: 'a=ca.pem, zz' } }).data, { 'ca.pem': 'YQ==' })
  assert.deepEqual(piecesOf({ policy: { keys: '!a' } }).data, { b: 'Yg==' })
})

test('the type and immutability are those of the policy; a ConfigMap has no type', () => {
  const { type, immutable } = piecesOf({ policy: { type: 'example.dev/other', immutable: 'true' } })
  assert.deepEqual([type, immutable], ['example.dev/other', true])
  assert.equal(piecesOf({ kind: 'ConfigMap' }).type, null)
  assert.equal(
    piecesOf({ immutable: true }).immutable,
    false,
    'an immutable origin makes no immutable mirror',
  )
})

test('binaryData of a ConfigMap is taken with data, and renamed like it', () => {
  const given: Given = { kind: 'ConfigMap', data: { a: 'x' }, binaryData: { c: 'AP8=' } }
  assert.deepEqual(piecesOf({ ...given, policy: { keys: 'c=d' } }), {
    data: {},
    binaryData: { d: 'AP8=' },
    type: null,
    immutable: false,
  })
})

test('every legal key is an ordinary one', () => {
  const data = JSON.parse('{"__proto__":"YQ==","constructor":"Yg=="}') as Record<string, string>
  const piece = piecesOf({ data }).data
  assert.deepEqual(Object.entries(piece as object), Object.entries(data))
})

test('a selection that leaves nothing, or brings two sources under one key, holds the origin', () => {
  for (const keys of ['zz', '', '!a,!b', 'a=c,b=c'])
    assert.deepEqual(verdictOf({ policy: { keys } }), { kind: 'empty-selection' }, keys)
})

test('a type that is never mirrored holds the origin, also when the policy gives another', () => {
  for (const type of [
    'kubernetes.io/service-account-token',
    'bootstrap.kubernetes.io/token',
    'helm.sh/release.v1',
  ])
    for (const policy of [{}, { type: 'Opaque' }])
      assert.deepEqual(verdictOf({ type, policy }), { kind: 'refused-type' })
})

test('the administrator may allow a type', () => {
  const given = { type: 'bootstrap.kubernetes.io/token', rules: { refusedTypes: new Set<string>() } }
  assert.deepEqual(verdictOf(given), { kind: 'deliverable' })
})

test('a version that fails a validator is not distributed, and the reason quotes nothing', () => {
  const verdict = verdictOf({ data: { a: base64('hunter2') }, policy: { validate: 'json=a' } })
  assert.equal(verdict.kind, 'invalid')
  assert.doesNotMatch(JSON.stringify(verdict), /hunter2/)
  assert.equal(verdictOf({ policy: { validate: 'keys=a|b' } }).kind, 'deliverable')
  assert.equal(verdictOf({ policy: { validate: 'keys=zz' } }).kind, 'invalid')
})

test('what is validated is the origin, before the selection', () => {
  assert.equal(verdictOf({ policy: { validate: 'keys=b', keys: 'a' } }).kind, 'deliverable')
})

const TLS = {
  data: { 'tls.crt': base64(LEAF_CERTIFICATE), 'tls.key': base64(LEAF_KEY) },
  policy: { validate: 'tls' },
}

test('a certificate must be in date when its version arrives; one that expires in place changes nothing', () => {
  assert.equal(verdictOf({ ...TLS, writtenAtMs: Date.UTC(2026, 2, 1) }).kind, 'deliverable')
  assert.equal(verdictOf({ ...TLS, writtenAtMs: Date.UTC(2200, 0, 1) }).kind, 'invalid')
  assert.equal(
    verdictOf({ ...TLS, writtenAtMs: Number.NaN }).kind,
    'deliverable',
    'a server that does not say when',
  )
  const expired = { ...TLS, data: { ...TLS.data, 'tls.crt': base64(EXPIRED_CERTIFICATE) } }
  assert.equal(verdictOf({ ...expired, writtenAtMs: Date.UTC(2026, 2, 1) }).kind, 'invalid')
})

test('when a certificate goes out of date is remembered, for whoever asked for the validator', () => {
  assert.ok((rendered(TLS).summary.expiresAtMs ?? 0) > Date.UTC(2026, 0, 1))
  assert.equal(rendered({ ...TLS, policy: {} }).summary.expiresAtMs, null)
})

test('nothing is carried unless it is asked for', () => {
  const given = { labels: { team: 'red' }, annotations: { note: 'x' } }
  assert.deepEqual({ ...rendered(given).summary.carried }, {})
})

test('what carry matches goes along, less what is never carried or given, and our own keys', () => {
  const labels = {
    team: 'red',
    'app.kubernetes.io/managed-by': 'Helm',
    'argocd.argoproj.io/secret-type': 'cluster',
    'cluster.x-k8s.io/cluster-name': 'x',
    'istio/multiCluster': 'true',
    'heliograph.dev/peer': 'true',
    constructor: 'yes',
  }
  const annotations = {
    note: 'x',
    'kubectl.kubernetes.io/last-applied-configuration': '{"data":{}}',
    'meta.helm.sh/release-name': 'x',
    'cert-manager.io/common-name': 'x',
  }
  const { carried } = rendered({ labels, annotations, policy: { carry: '*' } }).summary
  assert.deepEqual(
    { ...carried },
    { 'labels/team': 'red', 'labels/constructor': 'yes', 'annotations/note': 'x' },
  )
})

test('fixed metadata goes over what is carried', () => {
  const policy = { carry: 'team', labels: '{"team":"blue","extra":"1"}', annotations: '{"team":"note"}' }
  const { carried } = rendered({ labels: { team: 'red' }, policy }).summary
  assert.deepEqual({ ...carried }, { 'labels/team': 'blue', 'labels/extra': '1', 'annotations/team': 'note' })
})

test('a summary remembers version and uid of the one answer, and digests of exactly what is written', () => {
  const { origin, summary } = rendered({ policy: { keys: 'a', immutable: 'true' } })
  assert.deepEqual([summary.uid, summary.version], [origin.uid, origin.version])
  const content = { type: 'Opaque', immutable: true, data: new Map([['a', 'YQ==']]), binaryData: new Map() }
  assert.equal(summary.digest, digestOf(KEY, origin, { content, carried: {} }, 'push'))
  assert.equal(summary.pullDigest, digestOf(KEY, origin, { content, carried: {} }, 'pull'))
})

test('no value shows in a rendering’s print or JSON', () => {
  const one = rendered({ data: { a: base64('hunter2') } })
  for (const text of [inspect(one, { depth: 9, showHidden: true }), JSON.stringify(one)])
    assert.ok(!text.includes(base64('hunter2')))
})
