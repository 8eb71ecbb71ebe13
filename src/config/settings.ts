/** The settings after parsing: what every room but the command line sees. */

import type { Rules } from '../core/rules.ts'

export interface Settings {
  readonly rules: Rules
  /** Path of a kubeconfig; null: in-cluster. */
  readonly kubeconfig: string | null
  readonly context: string | null
  /** Only these are watched and written to, one by one; null: the whole cluster. */
  readonly namespaces: readonly string[] | null
  readonly writesInFlightMax: number
  readonly renderingBytesMax: number
  /** Full verification of every mirror's data. */
  readonly sweepIntervalMs: number
  /** Upper bound of verification reads per second, start-up's included. */
  readonly sweepReadsPerSecondMax: number
  /** Metadata audit that counts what the watch missed. */
  readonly auditIntervalMs: number
  /** `proxy-url` in a peer's Secret is taken. */
  readonly peerProxies: boolean
  /** Tokens of peers' ServiceAccounts are renewed and written back. */
  readonly peerTokenRenewal: boolean
  /** Namespaces that origins name and that a peer lacks are made there. */
  readonly createNamespaces: boolean
  readonly leaderElection: boolean
  /** Bind address of probes and metrics. */
  readonly listenHost: string
  readonly listenPort: number
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly logFormat: 'json' | 'text'
  readonly drainMs: number
}
