/** How a cluster is reached and who we are there: what a kubeconfig, a pod's service account or a peer's Secret boils down to. */

import type { Sensitive } from '../std/sensitive.ts'

export interface Access {
  /** `https://host:port`, or `http://` where the kubeconfig says so; no path, no slash at the end. */
  readonly server: string
  /** Name to verify instead of the server's host. */
  readonly tlsServerName: string | null
  /** False only for a kubeconfig with `insecure-skip-tls-verify`. */
  readonly verified: boolean
  readonly proxyUrl: string | null
  /** Null: the system's certificate authorities. */
  readonly ca: Material | null
  readonly clientCertificate: Material | null
  readonly clientKey: Material | null
  readonly token: TokenForm
  /** Value of `Impersonate-User`. */
  readonly impersonate: string | null
}

/** Bytes that are fixed, or that a file holds and may change. */
export type Material =
  | { readonly kind: 'bytes'; readonly bytes: Sensitive<Buffer> }
  | { readonly kind: 'file'; readonly path: string }

export type TokenForm =
  | { readonly kind: 'none' }
  | { readonly kind: 'fixed'; readonly token: Sensitive<string> }
  | { readonly kind: 'file'; readonly path: string }
  /** A developer's credential plugin. */
  | { readonly kind: 'plugin'; readonly plugin: CredentialPlugin }

/** Asks a plugin for credentials; `fresh` passes over what it has cached. Null when it fails. */
export type CredentialPlugin = (fresh: boolean) => Promise<PluginCredential | null>

export interface PluginCredential {
  readonly token: Sensitive<string> | null
  readonly certificate: Sensitive<Buffer> | null
  readonly key: Sensitive<Buffer> | null
}

/** Why a cluster cannot be reached at all: a fixed sentence with paths and names from the operator's own input only. */
export interface AccessFlaw {
  readonly reason: string
}

/** No server takes a longer header than this, and no token comes near. */
const TOKEN_LENGTH_MAX = 64 * 1024
const TOKEN = /^[\x21-\x7e]+$/

/** Whether a token can be sent in a header as it is. */
export function isSendable(token: string): boolean {
  return token.length <= TOKEN_LENGTH_MAX && TOKEN.test(token)
}

/** Whether both lead to the same server, by the same way and verified alike; who we are there may differ. */
export function isSameServer(a: Access, b: Access): boolean {
  return (
    a.server === b.server &&
    a.tlsServerName === b.tlsServerName &&
    a.verified === b.verified &&
    a.proxyUrl === b.proxyUrl &&
    isSameMaterial(a.ca, b.ca)
  )
}

function isSameMaterial(a: Material | null, b: Material | null): boolean {
  if (a === null || b === null) return a === b
  if (a.kind === 'bytes') return b.kind === 'bytes' && a.bytes.reveal().equals(b.bytes.reveal())
  return b.kind === 'file' && a.path === b.path
}
