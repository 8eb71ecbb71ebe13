/** Credentials say themselves when they end; what does not say so, or is no credential at all, says nothing and breaks nothing. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import type { Access } from '../../src/kube/access.ts'
import { credentialExpiry, tokenClaims } from '../../src/peers/expiry.ts'
import { Sensitive } from '../../src/std/sensitive.ts'
import { CA_CERTIFICATE, EXPIRED_CERTIFICATE, LEAF_CERTIFICATE } from '../core/certificates.ts'
import { jwt } from './tokens.ts'

function access({ token, pem }: { readonly token?: string; readonly pem?: string }): Access {
  return {
    server: 'https://peer:6443',
    tlsServerName: null,
    verified: true,
    proxyUrl: null,
    ca: null,
    clientCertificate: pem === undefined ? null : { kind: 'bytes', bytes: new Sensitive(Buffer.from(pem)) },
    clientKey: null,
    token: token === undefined ? { kind: 'none' } : { kind: 'fixed', token: new Sensitive(token) },
    impersonate: null,
  }
}

const AT_2026_02 = Date.UTC(2026, 1, 1)
const AT_2126 = Date.UTC(2126, 0, 1)

test('a certificate ends with its last day, a token with its exp', () => {
  assert.equal(credentialExpiry(access({ pem: LEAF_CERTIFICATE })), AT_2126)
  assert.equal(credentialExpiry(access({ token: jwt({ exp: 1_800_000_000 }) })), 1_800_000_000_000)
})

test('of both the first end counts', () => {
  const token = jwt({ exp: AT_2126 / 1_000 })
  assert.equal(credentialExpiry(access({ token, pem: EXPIRED_CERTIFICATE })), AT_2026_02)
  const early = jwt({ exp: 1_800_000_000 })
  assert.equal(credentialExpiry(access({ token: early, pem: LEAF_CERTIFICATE })), 1_800_000_000_000)
})

test('of a chain the client’s own certificate counts', () => {
  assert.equal(credentialExpiry(access({ pem: EXPIRED_CERTIFICATE + CA_CERTIFICATE })), AT_2026_02)
})

test('a credential that does not say when it ends has no end', () => {
  for (const token of ['opaque', jwt({}), jwt({ exp: '1800000000' }), jwt({ exp: -1 }), jwt({ exp: 0 })])
    assert.equal(credentialExpiry(access({ token })), null, token)
  assert.equal(credentialExpiry(access({ pem: 'no certificate' })), null)
  assert.equal(credentialExpiry(access({})), null)
})

test('the claims of a ServiceAccount’s token are read as they stand', () => {
  const token = jwt({ iat: 100, exp: 3_700.5, sub: 'system:serviceaccount:a:b' })
  assert.deepEqual(tokenClaims(`${token}\n`), {
    issuedAtMs: 100_000,
    expiresAtMs: 3_700_500,
    subject: 'system:serviceaccount:a:b',
  })
})

test('whatever a token is, looking into it ends without a throw', () => {
  fc.assert(
    fc.property(fc.string(), fc.jsonValue(), (text, value) => {
      tokenClaims(text)
      tokenClaims(`a.${text}.b`)
      const claims = tokenClaims(`a.${Buffer.from(JSON.stringify(value)).toString('base64url')}.b`)
      assert.ok(claims === null || claims.expiresAtMs === null || claims.expiresAtMs > 0)
    }),
  )
})
