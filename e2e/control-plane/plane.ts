/** A control plane as tests see it: a real cluster, ours to break where it is ours. */

import type { Client } from '../lib/client.ts'
import type { Audit } from './audit.ts'
import type { CertificateAuthority } from './certificates.ts'
import type { Access } from './kubeconfig.ts'
import { Mistake } from './mistake.ts'

export interface ControlPlane extends AsyncDisposable {
  /** `https://host:port` */
  readonly url: string
  readonly caPem: string
  /** Kubeconfig of a cluster administrator. */
  readonly kubeconfig: string
  /** The administrator's client. */
  readonly client: Client
  /** For files that go with the control plane. */
  readonly folder: string
  /** Issues certificates that whoever trusts `caPem` trusts; null where the cluster's authority is not ours. */
  readonly authority: CertificateAuthority | null
  /** Writes a kubeconfig for a token and answers its path. Another `server` is a proxy's URL. */
  kubeconfigFor(name: string, access: Partial<Access> & { readonly token: string }): Promise<string>
  /** What only a control plane of our own can do; in an existing cluster this throws a sentence. */
  readonly own: OwnControlPlane
  /** Throws a sentence where no controller manager runs: without one, namespaces are never finalised. */
  requireControllers(forWhat: string): void
  stop(): Promise<void>
}

export interface OwnControlPlane {
  readonly audit: Audit
  readonly apiServerPid: number
  /** Ends the API server alone and starts it on the same port; `flags` replace those that were given at the start. */
  restartApiServer(options?: RestartOptions): Promise<void>
  /** Ends the API server and leaves it so; answers how to start it again. */
  stopApiServer(how?: Ending): Promise<{ start(): Promise<void> }>
  /** SIGSTOP: connections stay, nothing answers. */
  freezeApiServer(): void
  thawApiServer(): void
  /** Drops etcd's history before now; answers the revision. The API server's own cache keeps what it has seen. */
  compact(): Promise<number>
  /** Drops all history, the API server's too: a watch from any earlier version is answered 410. */
  expireHistory(): Promise<void>
}

/** `crash` is SIGKILL; `graceful` lets the API server finish what it can. */
export type Ending = 'crash' | 'graceful'

export interface RestartOptions {
  readonly how?: Ending
  readonly flags?: readonly string[]
}

/** The controls of a cluster that is not ours. */
export function noControls(): OwnControlPlane {
  const refuse = (): never => {
    throw new Mistake(
      'This test breaks or audits its control plane: it cannot run against the cluster of HELIOGRAPH_TEST_KUBECONFIG; unset that to have one started.',
    )
  }
  return {
    get audit() {
      return refuse()
    },
    get apiServerPid() {
      return refuse()
    },
    restartApiServer: refuse,
    stopApiServer: refuse,
    freezeApiServer: refuse,
    thawApiServer: refuse,
    compact: refuse,
    expireHistory: refuse,
  }
}
