/**
 * Checks a version of an origin before it is distributed. Total, bounded by the size of an object (1 MiB), and silent about what it read:
 * every reason is fixed, and no parser's message is passed on.
 */

import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

import type { Content } from './objects.ts'
import type { Validator } from './policy.ts'

/** Which check failed, by its kind, and why. */
export interface ValidationFlaw {
  readonly validator: Validator['kind']
  readonly reason: string
}

/** Certificates of one chain. */
const CHAIN_LENGTH_MAX = 32

/**
 * The first check that `content` fails; null if it passes all. `wallMs` dates certificates (milliseconds since the epoch);
 * null asks no date: the version was distributed before, and one that expires in place changes nothing.
 */
export function validate(
  content: Content,
  validators: readonly Validator[],
  wallMs: number | null,
): ValidationFlaw | null {
  for (const validator of validators) {
    const reason = reasonAgainst(content, validator, wallMs)
    if (reason !== null) return { validator: validator.kind, reason }
  }
  return null
}

/** When the certificate in `tls.crt` goes out of date, in milliseconds since the epoch; null if none is there. */
export function certificateExpiry(content: Content): number | null {
  const leaf = chainOf(content)?.[0]
  return leaf === undefined ? null : leaf.validToDate.getTime()
}

function reasonAgainst(content: Content, validator: Validator, wallMs: number | null): string | null {
  switch (validator.kind) {
    case 'tls':
      return tlsReason(content, wallMs)
    case 'dockerconfigjson':
      return dockerReason(content)
    case 'keys':
      return validator.keys.every((key) => content.data.has(key) || content.binaryData.has(key))
        ? null
        : 'a key is missing'
    case 'json':
      return jsonReason(content, validator.key)
    case 'pem':
      return pemReason(content, validator.key)
  }
}

function tlsReason(content: Content, wallMs: number | null): string | null {
  const chain = chainOf(content)
  const key = privateKeyOf(content)
  const [leaf] = chain ?? []
  if (leaf === undefined) return 'tls.crt does not hold certificates'
  if (key === null) return 'tls.key does not hold a private key'
  if (!leaf.checkPrivateKey(key)) return 'tls.key does not belong to the first certificate of tls.crt'
  if (wallMs === null) return null
  if (wallMs < leaf.validFromDate.getTime()) return 'the certificate is not valid yet'
  return wallMs < leaf.validToDate.getTime() ? null : 'the certificate is out of date'
}

/** The certificates of `tls.crt`, leaf first; null if one does not parse or there are none. */
function chainOf(content: Content): readonly X509Certificate[] | null {
  const blocks = pemBlocks(textOf(content, 'tls.crt') ?? '')
  if (blocks === null || blocks.length === 0 || blocks.length > CHAIN_LENGTH_MAX) return null
  if (!blocks.every((block) => block.label === 'CERTIFICATE')) return null
  try {
    return blocks.map((block) => new X509Certificate(block.text))
  } catch {
    return null
  }
}

function privateKeyOf(content: Content): KeyObject | null {
  const blocks = pemBlocks(textOf(content, 'tls.key') ?? '')
  const block = blocks?.find(({ label }) => label.endsWith('PRIVATE KEY'))
  if (block === undefined) return null
  try {
    return createPrivateKey(block.text)
  } catch {
    return null
  }
}

function dockerReason(content: Content): string | null {
  const auths = memberOf(parseJson(content, '.dockerconfigjson'), 'auths')
  if (!isRecord(auths)) return '.dockerconfigjson is not a JSON object with auths'
  return Object.values(auths).every(isRecord)
    ? null
    : 'an entry of auths in .dockerconfigjson is not an object'
}

function jsonReason(content: Content, key: string): string | null {
  return parseJson(content, key) === undefined ? 'the key is missing or does not hold JSON' : null
}

function pemReason(content: Content, key: string): string | null {
  const blocks = pemBlocks(textOf(content, key) ?? '')
  return blocks === null || blocks.length === 0 ? 'the key is missing or does not hold PEM blocks' : null
}

/** Undefined if the key is missing or holds no JSON. */
function parseJson(content: Content, key: string): unknown {
  const text = textOf(content, key)
  if (text === null) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function memberOf(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

/** The text under `key`: plain in a ConfigMap's data, base64 otherwise. Null if it is missing or no UTF-8. */
function textOf(content: Content, key: string): string | null {
  const plain = content.data.get(key)
  if (plain !== undefined && content.type === null) return plain
  const encoded = plain ?? content.binaryData.get(key)
  if (encoded === undefined) return null
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(encoded, 'base64'))
  } catch {
    return null
  }
}

interface PemBlock {
  readonly label: string
  readonly text: string
}

/** The PEM blocks of a text, in order; null if one is not ended by its own label or holds no base64. Text between blocks is a comment. */
function pemBlocks(text: string): readonly PemBlock[] | null {
  const blocks: PemBlock[] = []
  let open: { readonly label: string; readonly lines: string[] } | null = null
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    const begin = /^-----BEGIN ([A-Z0-9 ]+)-----$/.exec(line)?.[1]
    const end = /^-----END ([A-Z0-9 ]+)-----$/.exec(line)?.[1]
    if (begin !== undefined) {
      if (open !== null) return null
      open = { label: begin, lines: [] }
    } else if (end !== undefined) {
      if (open?.label !== end || !isPemBody(open.lines)) return null
      blocks.push({
        label: end,
        text: `-----BEGIN ${end}-----\n${open.lines.join('\n')}\n-----END ${end}-----\n`,
      })
      open = null
    } else open?.lines.push(line)
  }
  return open === null ? blocks : null
}

/** Base64 after optional headers such as `Proc-Type: 4,ENCRYPTED`, which a blank line ends. */
function isPemBody(lines: readonly string[]): boolean {
  const isHeaded = lines[0]?.includes(':') === true
  const body = (isHeaded ? lines.slice(lines.indexOf('') + 1) : lines).join('')
  return body !== '' && body.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(body)
}
