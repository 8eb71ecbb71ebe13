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
