/** The peer's Secret at home as `peer add` writes it, and how one that stands there differs from it. */

import { stringify } from 'yaml'

import { annotation } from '../../core/annotations.ts'
import { emptyTexts } from '../../core/objects.ts'
import type { Texts } from '../../core/objects.ts'
import { isSameServer } from '../../kube/access.ts'
import type { Access } from '../../kube/access.ts'
import type { Body } from '../../kube/api.ts'
import { Sensitive } from '../../std/sensitive.ts'
import { MADE_BY_US } from './grants.ts'
import type { PeerSecret } from './home.ts'

/** Stands where a dry run leaves the token out. */
export const TOKEN_LEFT_OUT = '(left out)'

export interface PeerEntry {
  /** Of the peer. */
  readonly name: string
  readonly prefix: string
  readonly namespace: string
  /** The way to its server; who we are there is the token. */
  readonly access: Access
  readonly namespaces: readonly string[] | null
  readonly origins: string | null
  readonly identity: string
}

export function secretName(peer: string): string {
  return `heliograph-peer-${peer}`
}

/** Our annotations on the Secret. */
export function annotationsOf({ name, prefix, namespaces, origins, identity }: PeerEntry): Texts {
  const texts = emptyTexts()
  texts[annotation(prefix, 'peer-name')] = name
  if (origins !== null) texts[annotation(prefix, 'peer-origins')] = origins
  if (namespaces !== null) texts[annotation(prefix, 'peer-namespaces')] = [...namespaces].sort().join(', ')
  texts[annotation(prefix, 'peer-identity')] = identity
  return texts
}

/** The POST body, with the token in it. */
export function secretBody(entry: PeerEntry, token: Sensitive<string>): Body {
  const kubeconfig = Buffer.from(kubeconfigOf(entry, token.reveal())).toString('base64')
  return new Sensitive([Buffer.from(JSON.stringify({ ...head(entry), data: { kubeconfig } }))])
}

/** The same for people, with everything but the token. */
export function secretShown(entry: PeerEntry): Readonly<Record<string, unknown>> {
  return { ...head(entry), stringData: { kubeconfig: kubeconfigOf(entry, TOKEN_LEFT_OUT) } }
}

function head(entry: PeerEntry): Readonly<Record<string, unknown>> {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: secretName(entry.name),
      namespace: entry.namespace,
      labels: { ...MADE_BY_US, [annotation(entry.prefix, 'peer')]: 'true' },
      annotations: annotationsOf(entry),
    },
    type: 'Opaque',
  }
}

function kubeconfigOf({ name, access }: PeerEntry, token: string): string {
  const ca = access.ca?.kind === 'bytes' ? access.ca.bytes.reveal().toString('base64') : null
  const cluster = {
    server: access.server,
    ...(ca === null ? {} : { 'certificate-authority-data': ca }),
    ...(access.tlsServerName === null ? {} : { 'tls-server-name': access.tlsServerName }),
    ...(access.proxyUrl === null ? {} : { 'proxy-url': access.proxyUrl }),
  }
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster }],
      users: [{ name, user: { token } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      'current-context': name,
    },
    { lineWidth: 0 },
  )
}

/** The end of a sentence that begins with the Secret's name; null: all but the token is as it would be made. */
export function secretDifference(entry: PeerEntry, found: PeerSecret): string | null {
  if (found.isOut) return 'is out of service since heliograph peer clean'
  if (found.access === null) return `is no good: ${found.flaw ?? 'it cannot be read'}`
  if (found.access.server !== entry.access.server)
    return `leads to ${found.access.server}, not ${entry.access.server}`
  if (!isSameServer(found.access, entry.access)) return 'has another CA, tls-server-name or proxy-url'
  const [wants, has] = [annotationsOf(entry), found.secret.meta.annotations]
  for (const key of ['peer-name', 'peer-origins', 'peer-namespaces', 'peer-identity'] as const) {
    const full = annotation(entry.prefix, key)
    const [wanted, present] = [wants[full], has[full]]
    if (!isSameList(key, wanted, present)) return `has ${key} ${shown(present)}, not ${shown(wanted)}`
  }
  return found.flaw === null ? null : `is no good: ${found.flaw}`
}

/** The order and blanks of a list of namespaces are nothing. */
function isSameList(key: string, a: string | undefined, b: string | undefined): boolean {
  if (key !== 'peer-namespaces' || a === undefined || b === undefined) return a === b
  const items = (text: string): string =>
    text
      .split(',')
      .map((item) => item.trim())
      .sort()
      .join()
  return items(a) === items(b)
}

const SHOWN_LENGTH_MAX = 120

function shown(text: string | undefined): string {
  if (text === undefined) return 'unset'
  return JSON.stringify(text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text)
}
