/** Makes a private certificate authority and certificates by it, with nothing but Node: API server, proxies and TLS Secrets. */

import { createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

export interface CertificatePair {
  readonly certificatePem: string
  readonly keyPem: string
}

export interface CertificateRequest {
  readonly commonName: string
  /** DNS names and IPv4 addresses. */
  readonly altNames?: readonly string[]
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** A client may show it as well: the API server takes its common name for a user's. */
  readonly isClient?: boolean
}

export interface CertificateAuthority {
  readonly certificatePem: string
  /** A server certificate over a new P-256 key; valid from yesterday for a year unless the request says otherwise. */
  issue(request: CertificateRequest): CertificatePair
}

/** A new authority, known to nobody but the one who holds it. */
export function makeAuthority(commonName: string): CertificateAuthority {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const own = certificate(
    { commonName },
    { publicKey, issuer: commonName, signer: privateKey, isAuthority: true },
  )
  return {
    certificatePem: own,
    issue(request) {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const subject = {
        publicKey: pair.publicKey,
        issuer: commonName,
        signer: privateKey,
        isAuthority: false,
      }
      return { certificatePem: certificate(request, subject), keyPem: pkcs8(pair.privateKey) }
    },
  }
}

/** A P-256 key pair as PEM, for signing service-account tokens. */
export function makeSigningKey(): { readonly privatePem: string; readonly publicPem: string } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicPem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString()
  return { privatePem: pkcs8(privateKey), publicPem }
}

const DAY_MS = 86_400_000
const CRITICAL = Buffer.from([0x01, 0x01, 0xff])
const ECDSA_SHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02))

interface Subject {
  readonly publicKey: KeyObject
  readonly issuer: string
  readonly signer: KeyObject
  readonly isAuthority: boolean
}

function certificate(request: CertificateRequest, subject: Subject): string {
  const notBefore = request.notBefore ?? new Date(Date.now() - DAY_MS)
  const notAfter = request.notAfter ?? new Date(Date.now() + 365 * DAY_MS)
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([0x01]), randomBytes(12)])),
    ECDSA_SHA256,
    distinguishedName(subject.issuer),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(request.commonName),
    subject.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions(request, subject.isAuthority))),
  )
  const signature = sign('sha256', body, subject.signer)
  return pem('CERTIFICATE', sequence(body, ECDSA_SHA256, der(0x03, Buffer.from([0]), signature)))
}

function extensions(request: CertificateRequest, isAuthority: boolean): readonly Buffer[] {
  const { altNames = [], isClient = false } = request
  const constraints = isAuthority ? sequence(Buffer.from([0x01, 0x01, 0xff])) : sequence()
  const usage = isAuthority ? Buffer.from([0x01, 0x06]) : Buffer.from([0x07, 0x80])
  const found = [
    sequence(oid(0x55, 0x1d, 0x13), CRITICAL, der(0x04, constraints)),
    sequence(oid(0x55, 0x1d, 0x0f), CRITICAL, der(0x04, der(0x03, usage))),
  ]
  if (isAuthority) return found
  const purposes = [0x01, ...(isClient ? [0x02] : [])]
  const uses = purposes.map((purpose) => oid(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, purpose))
  found.push(sequence(oid(0x55, 0x1d, 0x25), der(0x04, sequence(...uses))))
  if (altNames.length > 0)
    found.push(sequence(oid(0x55, 0x1d, 0x11), der(0x04, sequence(...altNames.map(altName)))))
  return found
}

function altName(name: string): Buffer {
  const parts = name.split('.').map(Number)
  const isAddress = parts.length === 4 && parts.every((part) => Number.isInteger(part))
  return isAddress ? der(0x87, Buffer.from(parts)) : der(0x82, Buffer.from(name))
}

function distinguishedName(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from(commonName)))))
}

function time(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  // RFC 5280: UTCTime through 2049, GeneralizedTime from 2050 on.
  return date.getUTCFullYear() < 2050
    ? der(0x17, Buffer.from(digits.slice(2)))
    : der(0x18, Buffer.from(digits))
}

function oid(...bytes: readonly number[]): Buffer {
  return der(0x06, Buffer.from(bytes))
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(0x30, ...parts)
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const length = content.length
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content])
  const size = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

function pkcs8(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function pem(label: string, content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
