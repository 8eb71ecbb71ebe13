/** Checks of an origin's data: each passes what it should, names what it does not, and says nothing of what it read. */

import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'

import fc from 'fast-check'

import type { Content } from '../../src/core/objects.ts'
import { certificateExpiry, validate } from '../../src/core/validate.ts'
import { parseValidators } from '../../src/core/validators.ts'
import {
  CA_CERTIFICATE,
  EXPIRED_CERTIFICATE,
  LEAF_CERTIFICATE,
  LEAF_KEY,
  LEAF_KEY_SEC1,
  OTHER_KEY,
} from './certificates.ts'

const MARCH_2026 = Date.UTC(2026, 2, 1)

function secret(data: Record<string, string>): Content {
  const encoded = Object.entries(data).map(
    ([key, text]) => [key, Buffer.from(text).toString('base64')] as const,
  )
  return { type: 'Opaque', immutable: false, data: new Map(encoded), binaryData: new Map() }
}

function configMap(data: Record<string, string>, binary: Record<string, string> = {}): Content {
  const encoded = Object.entries(binary).map(
    ([key, text]) => [key, Buffer.from(text).toString('base64')] as const,
  )
  return { type: null, immutable: false, data: new Map(Object.entries(data)), binaryData: new Map(encoded) }
}

/** The reason against `content`, or null. */
function check(content: Content, list: string, wallMs: number | null = MARCH_2026): string | null {
  const validators = parseValidators(list)
  assert.ok(validators.ok, validators.ok ? '' : validators.failure)
  return validate(content, validators.value, wallMs)?.reason ?? null
}

function pair(certificates: string, key: string): Content {
  return secret({ 'tls.crt': certificates, 'tls.key': key })
}

test('validate tls: a pair that parses, matches and is in date passes', () => {
  assert.equal(check(pair(LEAF_CERTIFICATE, LEAF_KEY), 'tls'), null)
  assert.equal(check(pair(LEAF_CERTIFICATE, LEAF_KEY_SEC1), 'tls'), null)
  assert.equal(check(configMap({ 'tls.crt': LEAF_CERTIFICATE, 'tls.key': LEAF_KEY }), 'tls'), null)
})

test('validate tls: a chain passes with the leaf first and fails with the leaf last', () => {
  assert.equal(check(pair(LEAF_CERTIFICATE + CA_CERTIFICATE, LEAF_KEY), 'tls'), null)
  assert.match(check(pair(CA_CERTIFICATE + LEAF_CERTIFICATE, LEAF_KEY), 'tls') ?? '', /first certificate/)
})

test('validate tls: Windows line ends, comments and blank lines pass', () => {
  const certificate = `subject=leaf\n\n${LEAF_CERTIFICATE}\n# end`.replaceAll('\n', '\r\n')
  assert.equal(check(pair(certificate, LEAF_KEY.replaceAll('\n', '\r\n')), 'tls'), null)
})

test('validate tls: a key of another pair fails', () => {
  assert.match(check(pair(LEAF_CERTIFICATE, OTHER_KEY), 'tls') ?? '', /does not belong/)
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  })
  assert.match(check(pair(LEAF_CERTIFICATE, rsa.toString()), 'tls') ?? '', /does not belong/)
})

test('validate tls: what does not parse fails, whichever part it is', () => {
  assert.match(check(secret({ 'tls.key': LEAF_KEY }), 'tls') ?? '', /tls.crt/)
  assert.match(check(secret({ 'tls.crt': LEAF_CERTIFICATE }), 'tls') ?? '', /tls.key/)
  assert.match(check(pair('', LEAF_KEY), 'tls') ?? '', /tls.crt/)
  assert.match(check(pair(LEAF_KEY, LEAF_KEY), 'tls') ?? '', /tls.crt/)
  assert.match(check(pair(LEAF_CERTIFICATE, LEAF_CERTIFICATE), 'tls') ?? '', /tls.key/)
  assert.match(check(pair(LEAF_CERTIFICATE.slice(0, -40), LEAF_KEY), 'tls') ?? '', /tls.crt/)
  assert.match(check(pair(LEAF_CERTIFICATE.replace('MII', 'AAA'), LEAF_KEY), 'tls') ?? '', /tls.crt/)
  assert.match(
    check(pair(LEAF_CERTIFICATE + CA_CERTIFICATE.replace('MII', 'AAA'), LEAF_KEY), 'tls') ?? '',
    /tls.crt/,
  )
})

test('validate tls: an encrypted key fails, and nothing asks for its passphrase', () => {
  const encrypted = createPrivateKey(LEAF_KEY).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  })
  assert.match(check(pair(LEAF_CERTIFICATE, encrypted.toString()), 'tls') ?? '', /tls.key/)
})

test('validate tls: a certificate must be in date when it arrives, and is not asked its date later', () => {
  const expired = pair(EXPIRED_CERTIFICATE, LEAF_KEY)
  assert.match(check(expired, 'tls') ?? '', /out of date/)
  assert.equal(check(expired, 'tls', Date.UTC(2026, 0, 15)), null)
  assert.match(check(expired, 'tls', Date.UTC(2026, 1, 1)) ?? '', /out of date/)
  assert.match(check(expired, 'tls', Date.UTC(2025, 11, 31)) ?? '', /not valid yet/)
  assert.equal(check(expired, 'tls', null), null)
})

test('validate tls: a chain of more than 32 certificates is refused', () => {
  assert.equal(check(pair(LEAF_CERTIFICATE + CA_CERTIFICATE.repeat(31), LEAF_KEY), 'tls'), null)
  assert.match(check(pair(LEAF_CERTIFICATE + CA_CERTIFICATE.repeat(32), LEAF_KEY), 'tls') ?? '', /tls.crt/)
})

test('certificateExpiry: the end of the first certificate, in milliseconds, or null', () => {
  assert.equal(certificateExpiry(pair(EXPIRED_CERTIFICATE + CA_CERTIFICATE, '')), Date.UTC(2026, 1, 1))
  assert.equal(certificateExpiry(secret({ 'tls.crt': 'none' })), null)
  assert.equal(certificateExpiry(secret({})), null)
})

test('validate dockerconfigjson: an object with auths passes, anything else fails', () => {
  const docker = (text: string): string | null =>
    check(secret({ '.dockerconfigjson': text }), 'dockerconfigjson')
  assert.equal(docker('{"auths":{"registry.example":{"auth":"YTpi"}}}'), null)
  assert.equal(docker('{"auths":{}}'), null)
  for (const text of ['', '{', '[]', 'null', '{}', '{"auths":[]}', '{"auths":null}', '{"auths":"a"}']) {
    assert.match(docker(text) ?? '', /with auths/, text)
  }
  assert.match(docker('{"auths":{"registry.example":"a"}}') ?? '', /entry of auths/)
  assert.match(check(secret({}), 'dockerconfigjson') ?? '', /with auths/)
})

test('validate keys: every named key must be there, in data or in binaryData', () => {
  assert.equal(check(secret({ a: '', b: '' }), 'keys=a|b'), null)
  assert.equal(check(configMap({ a: '' }, { b: '' }), 'keys=a|b'), null)
  assert.match(check(secret({ a: '' }), 'keys=a|b') ?? '', /missing/)
})

test('validate json: the key must hold JSON', () => {
  assert.equal(check(secret({ a: '{"b":[1]}' }), 'json=a'), null)
  assert.equal(check(secret({ a: 'null' }), 'json=a'), null)
  assert.equal(check(configMap({ a: '{}' }), 'json=a'), null)
  assert.equal(check(configMap({}, { a: '{}' }), 'json=a'), null)
  for (const text of ['', '{', "{'a':1}"]) assert.match(check(secret({ a: text }), 'json=a') ?? '', /JSON/)
  assert.match(check(secret({}), 'json=a') ?? '', /missing/)
  assert.match(check(configMap({}, { a: '\ud800' }), 'json=a') ?? '', /JSON/)
})

test('validate json: a ConfigMap’s text is not taken for base64', () => {
  assert.equal(check(configMap({ a: '1234' }), 'json=a'), null)
  assert.match(check(configMap({ a: Buffer.from('{}').toString('base64') }), 'json=a') ?? '', /JSON/)
})

test('validate json: nesting as deep as an object can hold ends in an answer', () => {
  const deep = '['.repeat(500_000)
  assert.match(check(secret({ a: deep }), 'json=a') ?? '', /JSON/)
})

test('validate pem: the key must hold whole PEM blocks', () => {
  assert.equal(check(secret({ a: CA_CERTIFICATE + LEAF_KEY }), 'pem=a'), null)
  const headed =
    '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n'
  assert.equal(check(secret({ a: headed }), 'pem=a'), null)
  for (const text of [
    '',
    'text',
    CA_CERTIFICATE.replace('END CERTIFICATE', 'END KEY'),
    CA_CERTIFICATE.replace('MII', '!!!'),
    CA_CERTIFICATE.slice(0, 60),
    '-----BEGIN A-----\n-----END A-----\n',
    '-----END A-----\n',
    `-----BEGIN A-----\n${CA_CERTIFICATE}`,
  ]) {
    assert.match(check(secret({ a: text }), 'pem=a') ?? '', /PEM/, text)
  }
})

test('validate: the first check that fails is named, and an empty list passes anything', () => {
  const parsed = parseValidators('keys=a, json=a, tls')
  assert.deepEqual(parsed.ok && validate(secret({ a: '{' }), parsed.value, 0), {
    validator: 'json',
    reason: 'the key is missing or does not hold JSON',
  })
  assert.equal(check(secret({}), ''), null)
  assert.equal(check(secret({}), ' , '), null)
})

test('validate: no reason quotes what was read', () => {
  const list = 'tls, dockerconfigjson, json=a, pem=a, keys=b'
  const parsed = parseValidators(list)
  assert.ok(parsed.ok)
  const keys = ['a', 'tls.crt', 'tls.key', '.dockerconfigjson']
  fc.assert(
    fc.property(fc.string({ maxLength: 30 }), (text) => {
      const marked = `${text}SECRETMARK`
      const content = secret(Object.fromEntries(keys.map((key) => [key, marked])))
      for (const validator of parsed.value) {
        const flaw = validate(content, [validator], 0)
        assert.ok(flaw !== null)
        assert.doesNotMatch(flaw.reason, /SECRETMARK/)
      }
    }),
    { numRuns: 300 },
  )
})

test('validators: a list is parsed, blanks are trimmed and empty items ignored', () => {
  assert.deepEqual(parseValidators(' tls ,, dockerconfigjson , keys = a | b.c , json=x, pem=y '), {
    ok: true,
    value: [
      { kind: 'tls' },
      { kind: 'dockerconfigjson' },
      { kind: 'keys', keys: ['a', 'b.c'] },
      { kind: 'json', key: 'x' },
      { kind: 'pem', key: 'y' },
    ],
  })
})

test('validators: what is not in the list of checks is a bad value', () => {
  const bad = [
    'TLS',
    'x509',
    'tls=a',
    'json',
    'json=',
    'json=a/b',
    'pem=',
    'keys',
    'keys=',
    'keys=a|',
    'json=a=b',
    'tls dockerconfigjson',
  ]
  for (const text of bad) assert.equal(parseValidators(text).ok, false, text)
  assert.equal(parseValidators('tls,'.repeat(65)).ok, false)
  assert.equal(parseValidators(' '.repeat(16_385)).ok, false)
})
