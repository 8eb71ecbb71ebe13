/** When a credential ends, as its certificate and its token say themselves. Neither is verified: that is the server's business, this only looks ahead. */

import { X509Certificate } from 'node:crypto'

import type { Access } from '../kube/access.ts'

/** Characters of a token that is looked into. */
const TOKEN_LENGTH_MAX = 64 * 1_024

/** What a token says of itself. Times are epoch milliseconds. */
export interface TokenClaims {
  readonly issuedAtMs: number | null
  readonly expiresAtMs: number | null
  /** For whom it was issued, such as `system:serviceaccount:NAMESPACE:NAME`. */
  readonly subject: string | null
}

/** Epoch milliseconds at which the first of token and client certificate ends; null: neither says. */
export function credentialExpiry({ clientCertificate, token }: Access): number | null {
  const ends = [
    clientCertificate?.kind === 'bytes' ? certificateEnd(clientCertificate.bytes.reveal()) : null,
    token.kind === 'fixed' ? (tokenClaims(token.token.reveal())?.expiresAtMs ?? null) : null,
  ].filter((end) => end !== null)
  return ends.length === 0 ? null : Math.min(...ends)
}

/** Null: it is no JWT, as an opaque token is. */
export function tokenClaims(token: string): TokenClaims | null {
  const parts = token.trim().split('.')
  const [, payload] = parts
  if (payload === undefined || parts.length !== 3 || token.length > TOKEN_LENGTH_MAX) return null
  const claims = parsed(Buffer.from(payload, 'base64url').toString('utf8'))
  if (claims === null) return null
  const { iat, exp, sub } = claims
  return {
    issuedAtMs: millisecondsOf(iat),
    expiresAtMs: millisecondsOf(exp),
    subject: typeof sub === 'string' ? sub : null,
  }
}

/** NumericDate of RFC 7519: seconds, with or without a fraction. */
function millisecondsOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value * 1_000 : null
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null
  }
}

/** Of a chain the first certificate is the client's own. */
function certificateEnd(pem: Buffer): number | null {
  try {
    return new X509Certificate(pem).validToDate.getTime()
  } catch {
    return null
  }
}
