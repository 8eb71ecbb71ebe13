/**
 * The content of a peer Secret to a way into that cluster: our own kubeconfig, Cluster API's, or an Argo CD cluster Secret.
 *
 * Whoever writes such a Secret must not make this process run a program, read a file, or trust a server that it cannot verify: only the fields
 * named here are taken, and what is refused is named by its field. Nothing of a value is ever quoted.
 */

import { parse } from 'yaml'

import { isObjectName } from '../core/names.ts'
import type { Content } from '../core/objects.ts'
import type { Access, Material, TokenForm } from '../kube/access.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import { Sensitive } from '../std/sensitive.ts'

/** Characters of a kubeconfig or a cluster Secret's `config`. */
export const TEXT_LENGTH_MAX = 256 * 1_024
/** Characters that begin or part keys, items and levels: the parser's time grows with the square of their number. A hundred clusters have 3,000. */
const PARTS_MAX = 6_000
const PARTS = /[:,\n[{]/g

/** What a peer Secret says of its cluster. */
export interface PeerForm {
  readonly access: Access
  /** The name that an Argo CD cluster Secret gives; null in the other forms. */
  readonly name: string | null
}

export interface FormRules {
  /** `proxy-url` is taken. */
  readonly allowProxy: boolean
}

/** Fields that would be obeyed elsewhere, and why not here. */
const REFUSED_FIELDS: Readonly<Record<string, string>> = {
  exec: 'a program would be run',
  'auth-provider': 'a program would be run',
  execProviderConfig: 'a program would be run',
  awsAuthConfig: 'a program would be run',
  'certificate-authority': 'a file path; give certificate-authority-data',
  'client-certificate': 'a file path; give client-certificate-data',
  'client-key': 'a file path; give client-key-data',
  tokenFile: 'a file path; give token',
  'insecure-skip-tls-verify': 'the server would not be verified; give certificate-authority-data',
  insecure: 'the server would not be verified; give caData',
  as: 'impersonation is not supported',
  'as-uid': 'impersonation is not supported',
  'as-groups': 'impersonation is not supported',
  'as-user-extra': 'impersonation is not supported',
  username: 'passwords are not supported; give a token or a certificate',
  password: 'passwords are not supported; give a token or a certificate',
}

const CLUSTER_FIELDS = ['server', 'certificate-authority-data', 'tls-server-name', 'proxy-url']
const USER_FIELDS = ['token', 'client-certificate-data', 'client-key-data']
const HARMLESS_FIELDS = ['extensions', 'disable-compression']

type Fields = Readonly<Record<string, unknown>>

/** Reads a peer Secret's data, whichever form it has. The failure is a fixed reason that names a field and quotes nothing. */
export function parseForm(content: Content, rules: FormRules): Result<PeerForm, string> {
  const text = (key: string): string | null => {
    const value = content.data.get(key)
    return value === undefined ? null : Buffer.from(value, 'base64').toString('utf8')
  }
  const kubeconfig = text('kubeconfig') ?? text('value')
  if (kubeconfig !== null) return parseKubeconfig(kubeconfig, rules)
  const [server, config] = [text('server'), text('config')]
  if (server !== null && config !== null) return parseArgo({ server, config, name: text('name') }, rules)
  return failed('the Secret must hold kubeconfig, or value, or server and config')
}

function parseKubeconfig(text: string, rules: FormRules): Result<PeerForm, string> {
  const root = parseText(text)
  if (root === null) return failed('the kubeconfig is no YAML map of a sensible size')
  const context = named(root['contexts'], root['current-context'], 'context')
  if (context === null) return failed('current-context must name one of contexts')
  const cluster = named(root['clusters'], context['cluster'], 'cluster')
  if (cluster === null) return failed('cluster of the context must name one of clusters')
  const user = named(root['users'], context['user'], 'user')
  if (user === null) return failed('user of the context must name one of users')
  const flaw = flawOf(cluster, CLUSTER_FIELDS) ?? flawOf(user, USER_FIELDS)
  if (flaw !== null) return failed(flaw)
  const read = accessOf(
    {
      server: cluster['server'],
      ca: cluster['certificate-authority-data'],
      tlsServerName: cluster['tls-server-name'],
      proxyUrl: cluster['proxy-url'],
      token: user['token'],
      certificate: user['client-certificate-data'],
      key: user['client-key-data'],
    },
    rules,
  )
  return read.ok ? ok({ access: read.value, name: null }) : read
}

const ARGO_FIELDS = ['bearerToken', 'tlsClientConfig', 'proxyUrl', 'disableCompression']
const ARGO_TLS_FIELDS = ['caData', 'certData', 'keyData', 'serverName']

function parseArgo(
  {
    server,
    config,
    name,
  }: { readonly server: string; readonly config: string; readonly name: string | null },
  rules: FormRules,
): Result<PeerForm, string> {
  const root = parseText(config)
  if (root === null) return failed('config is no JSON object of a sensible size')
  const tls = root['tlsClientConfig'] ?? {}
  if (!isFields(tls)) return failed('tlsClientConfig must be an object')
  const flaw = flawOf(root, ARGO_FIELDS) ?? flawOf(tls, ARGO_TLS_FIELDS)
  if (flaw !== null) return failed(flaw)
  const read = accessOf(
    {
      server: server.trim(),
      ca: tls['caData'],
      tlsServerName: tls['serverName'],
      proxyUrl: root['proxyUrl'],
      token: root['bearerToken'],
      certificate: tls['certData'],
      key: tls['keyData'],
    },
    rules,
  )
  return read.ok ? ok({ access: read.value, name: name === null ? null : name.trim() }) : read
}

interface Parts {
  readonly server: unknown
  readonly ca: unknown
  readonly tlsServerName: unknown
  readonly proxyUrl: unknown
  readonly token: unknown
  readonly certificate: unknown
  readonly key: unknown
}

function accessOf(parts: Parts, { allowProxy }: FormRules): Result<Access, string> {
  const server = serverOf(parts.server)
  if (server === null) return failed('server must be an https URL without a path')
  const [ca, certificate, key] = [parts.ca, parts.certificate, parts.key].map(materialOf)
  if (ca === undefined) return failed('certificate-authority-data must be base64')
  if (certificate === undefined || key === undefined || (certificate === null) !== (key === null))
    return failed('client-certificate-data and client-key-data must both be base64')
  const token = tokenOf(parts.token)
  if (token === null) return failed('token must be a text')
  if (token.kind === 'none' && certificate === null)
    return failed('a token or a client certificate must be given')
  const tlsServerName = parts.tlsServerName ?? null
  if (tlsServerName !== null && !(typeof tlsServerName === 'string' && isObjectName(tlsServerName)))
    return failed('tls-server-name must be a DNS name')
  const proxyUrl = parts.proxyUrl ?? null
  if (proxyUrl !== null && !allowProxy)
    return failed('proxy-url is not taken: the setting peerProxies allows it')
  if (proxyUrl !== null && !(typeof proxyUrl === 'string' && isHttpUrl(proxyUrl)))
    return failed('proxy-url must be an http or https URL')
  return ok({
    server,
    tlsServerName,
    verified: true,
    proxyUrl,
    ca: ca ?? null,
    clientCertificate: certificate,
    clientKey: key,
    token,
    impersonate: null,
  })
}

/** What would be obeyed elsewhere is named; what nobody knows is not passed over either. */
function flawOf(fields: Fields, known: readonly string[]): string | null {
  for (const [field, value] of Object.entries(fields)) {
    if (known.includes(field) || HARMLESS_FIELDS.includes(field)) continue
    // Switched off explicitly says nothing.
    if (value === false || value === null || value === '') continue
    const why = Object.hasOwn(REFUSED_FIELDS, field) ? REFUSED_FIELDS[field] : undefined
    return why === undefined ? 'it holds a field that is not known here' : `field ${field} is refused: ${why}`
  }
  return null
}

function serverOf(value: unknown): string | null {
  const url = typeof value === 'string' ? URL.parse(value) : null
  if (url === null || url.protocol !== 'https:') return null
  const isBare = url.pathname === '/' && url.search === '' && url.hash === ''
  return isBare && url.username === '' && url.password === '' ? url.origin : null
}

function isHttpUrl(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:')
}

/** Null: not given; undefined: no base64. */
function materialOf(value: unknown): Material | null | undefined {
  if (value === undefined || value === null || value === '') return null
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/=\s]+$/.test(value)) return undefined
  return { kind: 'bytes', bytes: new Sensitive(Buffer.from(value, 'base64')) }
}

function tokenOf(value: unknown): TokenForm | null {
  if (value === undefined || value === null || value === '') return { kind: 'none' }
  return typeof value === 'string' ? { kind: 'fixed', token: new Sensitive(value) } : null
}

/** The `part` of the entry of `list` that bears `name`. */
function named(list: unknown, name: unknown, part: string): Fields | null {
  if (!Array.isArray(list) || typeof name !== 'string' || name === '') return null
  const entry: unknown = list.find((each) => isFields(each) && each['name'] === name)
  const found = isFields(entry) ? entry[part] : null
  return isFields(found) ? found : null
}

/** JSON is YAML; aliases, which can make a small text large, are not followed. The parser's messages quote the text and are dropped. */
function parseText(text: string): Fields | null {
  if (text.length > TEXT_LENGTH_MAX || (text.match(PARTS)?.length ?? 0) > PARTS_MAX) return null
  try {
    // Not `silent`, which would take a text that is wrong for what could be read of it.
    const root: unknown = parse(text, { maxAliasCount: 0, schema: 'core', logLevel: 'error' })
    return isFields(root) ? root : null
  } catch {
    return null
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
