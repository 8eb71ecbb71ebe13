/** Kubeconfigs: written for every identity that a test uses, read from an existing cluster's file. */

import { writeFile } from 'node:fs/promises'
import type { OutgoingHttpHeaders } from 'node:http'

import { stringify } from 'yaml'

export interface Access {
  /** `https://host:port` */
  readonly server: string
  readonly caPem: string
  readonly token: string
  /** The context's namespace; left out: `default`. */
  readonly namespace?: string
}

/** Writes a kubeconfig with one context, readable by its owner only. */
export async function writeKubeconfig(path: string, access: Access): Promise<void> {
  const { server, caPem, token, namespace = 'default' } = access
  const name = 'heliograph'
  const cluster = { server, 'certificate-authority-data': Buffer.from(caPem).toString('base64') }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    'current-context': name,
  }
  await writeFile(path, stringify(config, { lineWidth: 0 }), { mode: 0o600 })
}

export interface Credentials {
  readonly server: string
  readonly caPem: string
  readonly token: string | null
  readonly certificatePem: string | null
  readonly keyPem: string | null
}

/** The current context of an existing kubeconfig, whatever form its credentials have. Throws where there is none. */
export async function readKubeconfig(path: string): Promise<Credentials> {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  config.loadFromFile(path)
  const options: { ca?: string; cert?: string; key?: string; headers?: OutgoingHttpHeaders } = {}
  await config.applyToHTTPSOptions(options)
  const header = options.headers?.['Authorization']
  const text = (value: unknown): string | null =>
    typeof value === 'string' || Buffer.isBuffer(value) ? value.toString() : null
  return {
    server: config.getCurrentCluster()?.server ?? '',
    caPem: text(options.ca) ?? '',
    token: typeof header === 'string' ? header.replace(/^Bearer /, '') : null,
    certificatePem: text(options.cert),
    keyPem: text(options.key),
  }
}
