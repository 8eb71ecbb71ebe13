/**
 * Keeps the token and TLS material of one cluster current: files are read again while the program runs, a token that
 * the server refuses is read again at once, and what cannot be read or used leaves the last good credential in place.
 */

import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Clock } from '../std/clock.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import { Sensitive } from '../std/sensitive.ts'
import { isSendable } from './access.ts'
import type { Access, AccessFlaw, Material, PluginCredential } from './access.ts'

/** Files are a few KiB on a memory file system: reading them is cheaper than trusting their modification times. */
export const CREDENTIAL_CHECK_MS = 10_000
const FILE_BYTES_MAX = 1024 * 1024

export interface TlsMaterial {
  readonly ca: Buffer | null
  readonly certificate: Buffer | null
  readonly key: Buffer | null
}

/** `tls` is the same object until its bytes change: a new one asks for new connections. */
export interface Credential {
  readonly token: Sensitive<string> | null
  readonly tls: Sensitive<TlsMaterial>
}

export class Credentials {
  readonly #clock: Clock
  #access: Access
  #last: Credential
  #checkedAt: number
  #reading: Promise<void> | null = null

  private constructor(access: Access, clock: Clock, first: Credential) {
    this.#access = access
    this.#clock = clock
    this.#last = first
    this.#checkedAt = clock.now()
  }

  /** Reads everything once; a flaw names the first thing that cannot be read or used. */
  static async open(access: Access, clock: Clock): Promise<Result<Credentials, AccessFlaw>> {
    const first = await read(access, false)
    return first.ok ? ok(new Credentials(access, clock, first.value)) : first
  }

  /** The credential to use now; reads files again when the last look is {@link CREDENTIAL_CHECK_MS} old. */
  async current(): Promise<Credential> {
    if (this.#clock.now() - this.#checkedAt >= CREDENTIAL_CHECK_MS) await this.#reread(false)
    return this.#last
  }

  /** The server refused `used`: reads at once, and answers whether there is now another token or certificate to try. */
  async renew(used: Credential): Promise<boolean> {
    if (isSame(this.#last, used)) await this.#reread(true)
    return !isSame(this.#last, used)
  }

  /** Uses `access` from now on, where all of it can be read and used; a flaw changes nothing. */
  async take(access: Access): Promise<Result<null, AccessFlaw>> {
    const next = await read(access, false)
    if (!next.ok) return next
    this.#access = access
    this.#adopt(next.value)
    return ok(null)
  }

  #reread(fresh: boolean): Promise<void> {
    this.#reading ??= this.#replace(fresh).finally(() => {
      this.#reading = null
    })
    return this.#reading
  }

  async #replace(fresh: boolean): Promise<void> {
    const access = this.#access
    const next = await read(access, fresh)
    // What was read by an access that was replaced meanwhile is older than what came with the new one.
    if (access !== this.#access) return
    this.#checkedAt = this.#clock.now()
    if (next.ok) this.#adopt(next.value)
  }

  #adopt(next: Credential): void {
    const tls = isSameTls(this.#last.tls, next.tls) ? this.#last.tls : next.tls
    this.#last = { token: next.token, tls }
    this.#checkedAt = this.#clock.now()
  }
}

async function read(access: Access, fresh: boolean): Promise<Result<Credential, AccessFlaw>> {
  const [ca, certificate, key, token, plugin] = await Promise.all([
    bytesOf(access.ca),
    bytesOf(access.clientCertificate),
    bytesOf(access.clientKey),
    access.token.kind === 'file' ? bytesOf(access.token) : ok(null),
    access.token.kind === 'plugin' ? access.token.plugin(fresh) : null,
  ])
  if (!ca.ok) return ca
  if (!certificate.ok) return certificate
  if (!key.ok) return key
  if (!token.ok) return token
  if (access.token.kind === 'plugin' && plugin === null)
    return failed({ reason: 'the credential plugin failed' })
  const tls: TlsMaterial = {
    ca: ca.value,
    certificate: plugin?.certificate?.reveal() ?? certificate.value,
    key: plugin?.key?.reveal() ?? key.value,
  }
  if (!isUsable(tls))
    return failed({ reason: 'the CA, client certificate and client key do not parse or do not match' })
  const text = tokenText(access, token.value, plugin)
  if (text === '') return failed({ reason: 'the token is empty' })
  if (text !== null && !isSendable(text)) return failed({ reason: 'the token holds what no header may hold' })
  return ok({ token: text === null ? null : new Sensitive(text), tls: new Sensitive(tls) })
}

function tokenText(access: Access, file: Buffer | null, plugin: PluginCredential | null): string | null {
  if (access.token.kind === 'fixed') return access.token.token.reveal().trim()
  return file === null ? (plugin?.token?.reveal() ?? null) : file.toString('utf8').trim()
}

async function bytesOf(material: Material | null): Promise<Result<Buffer | null, AccessFlaw>> {
  if (material === null) return ok(null)
  if (material.kind === 'bytes') return ok(material.bytes.reveal())
  try {
    const bytes = await readFile(material.path)
    return bytes.length <= FILE_BYTES_MAX
      ? ok(bytes)
      : failed({ reason: `${material.path} is larger than 1 MiB` })
  } catch {
    return failed({ reason: `${material.path} cannot be read` })
  }
}

/** A pair caught in the middle of its replacement does not match, and is left for the next look. */
function isUsable(tls: TlsMaterial): boolean {
  try {
    // A secure context takes a CA without one certificate in it, and then trusts nobody.
    if (tls.ca !== null) void new X509Certificate(tls.ca)
    createSecureContext({
      ...(tls.ca === null ? {} : { ca: tls.ca }),
      ...(tls.certificate === null ? {} : { cert: tls.certificate }),
      ...(tls.key === null ? {} : { key: tls.key }),
    })
    return true
  } catch {
    return false
  }
}

function isSame(a: Credential, b: Credential): boolean {
  return a.token?.reveal() === b.token?.reveal() && isSameTls(a.tls, b.tls)
}

function isSameTls(a: Sensitive<TlsMaterial>, b: Sensitive<TlsMaterial>): boolean {
  if (a === b) return true
  const [one, other] = [a.reveal(), b.reveal()]
  return (['ca', 'certificate', 'key'] as const).every((part) => isSameBytes(one[part], other[part]))
}

function isSameBytes(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b)
}
