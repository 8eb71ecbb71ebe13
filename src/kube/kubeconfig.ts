/**
 * Finds the home cluster: an operator's kubeconfig through client-node, or the files of a pod's service account.
 * client-node is loaded only for a kubeconfig: in a pod its memory is never paid for. Peers' kubeconfigs never come
 * here, for this loader follows file paths and starts credential plugins.
 */

import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { delimiter, dirname, resolve } from 'node:path'
import type { Cluster as ConfigCluster, KubeConfig, User } from '@kubernetes/client-node'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import { Sensitive } from '../std/sensitive.ts'
import type { Access, AccessFlaw, CredentialPlugin, Material, PluginCredential, TokenForm } from './access.ts'
import { isRecord } from './json.ts'

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

export interface AccessOptions {
  /** One path, or several as in `KUBECONFIG`; null: in-cluster. */
  readonly kubeconfig: string | null
  /** Null: the kubeconfig's current context. */
  readonly context: string | null
  /** `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`. */
  readonly serviceHost: string | undefined
  readonly servicePort: string | undefined
  /** Another folder than a pod's own, for tests. */
  readonly serviceAccountFolder?: string
}

/** How to reach the cluster that the options name; a flaw says in one sentence what is missing. */
export async function loadAccess(options: AccessOptions): Promise<Result<Access, AccessFlaw>> {
  if (options.kubeconfig === null) return inCluster(options)
  const paths = options.kubeconfig.split(delimiter).filter((path) => path !== '')
  const loaded = await loadConfig(paths, options.context)
  return loaded.ok ? accessOf(loaded.value, paths, options.context) : loaded
}

function inCluster(options: AccessOptions): Result<Access, AccessFlaw> {
  const { serviceHost: host, servicePort: port } = options
  if (host === undefined || host === '' || port === undefined || !/^[0-9]{1,5}$/.test(port)) {
    return failed({
      reason:
        'no kubeconfig is given, and KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, so this is no pod: give one with --kubeconfig or KUBECONFIG',
    })
  }
  const folder = options.serviceAccountFolder ?? SERVICE_ACCOUNT
  return ok({
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    tlsServerName: null,
    verified: true,
    proxyUrl: null,
    ca: { kind: 'file', path: `${folder}/ca.crt` },
    clientCertificate: null,
    clientKey: null,
    token: { kind: 'file', path: `${folder}/token` },
    impersonate: null,
  })
}

/** A config merged from all files; its own errors can quote the file and are not passed on. */
async function loadConfig(
  paths: readonly string[],
  context: string | null,
): Promise<Result<KubeConfig, AccessFlaw>> {
  const client = await import('@kubernetes/client-node')
  const config = new client.KubeConfig()
  for (const path of paths) {
    const one = new client.KubeConfig()
    try {
      one.loadFromFile(path)
      config.mergeConfig(one, config.currentContext !== undefined)
    } catch {
      return failed({ reason: `kubeconfig ${path} cannot be read or is not a kubeconfig` })
    }
  }
  if (context !== null) config.setCurrentContext(context)
  return ok(config)
}

async function accessOf(
  config: KubeConfig,
  paths: readonly string[],
  context: string | null,
): Promise<Result<Access, AccessFlaw>> {
  const named = config.getContextObject(config.currentContext ?? '')
  if (named === null) return failed({ reason: contextless(paths, context ?? config.currentContext) })
  const cluster = config.getCluster(named.cluster)
  if (cluster === null) return failed({ reason: `the kubeconfig has no cluster ${named.cluster}` })
  const user = config.getUser(named.user)
  if (user === null) return failed({ reason: `the kubeconfig has no user ${named.user}` })
  const server = serverOf(cluster)
  if (server === null)
    return failed({ reason: `server of cluster ${cluster.name} is no http or https URL without a path` })
  return ok({
    server,
    tlsServerName: cluster.tlsServerName ?? null,
    verified: !cluster.skipTLSVerify,
    proxyUrl: cluster.proxyUrl ?? null,
    ca: materialOf(cluster.caData, cluster.caFile),
    clientCertificate: materialOf(user.certData, user.certFile),
    clientKey: materialOf(user.keyData, user.keyFile),
    token: await tokenOf(user, paths, context),
    impersonate: user.impersonateUser ?? null,
  })
}

/** The operator's own words, as they gave them. */
function contextless(paths: readonly string[], context: string | undefined): string {
  const kubeconfig = `kubeconfig ${paths.join(' and ')}`
  const step = 'kubectl config get-contexts shows those that there are'
  return context === undefined || context === ''
    ? `${kubeconfig} has no current context, and none is named: ${step}`
    : `${kubeconfig} has no context ${context}: ${step}`
}

function serverOf(cluster: ConfigCluster): string | null {
  const url = URL.parse(cluster.server)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return null
  return url.pathname === '/' && url.search === '' && url.username === '' ? url.origin : null
}

function materialOf(base64: string | null | undefined, path: string | null | undefined): Material | null {
  if (typeof base64 === 'string' && base64 !== '') {
    return { kind: 'bytes', bytes: new Sensitive(Buffer.from(base64, 'base64')) }
  }
  return typeof path === 'string' && path !== '' ? { kind: 'file', path } : null
}

async function tokenOf(user: User, paths: readonly string[], context: string | null): Promise<TokenForm> {
  const file = await tokenFileOf(user.name, paths)
  if (file !== null) return { kind: 'file', path: file }
  if (user.token) return { kind: 'fixed', token: new Sensitive(user.token) }
  if (user.exec || user.authProvider) return { kind: 'plugin', plugin: pluginOf(paths, context) }
  return { kind: 'none' }
}

/** `tokenFile`, which client-node passes over; like kubectl, it beats `token`. */
async function tokenFileOf(userName: string, paths: readonly string[]): Promise<string | null> {
  const { loadYaml } = await import('@kubernetes/client-node')
  for (const path of paths) {
    const raw = loadYaml<unknown>(await readFile(path, 'utf8'))
    const users: unknown = isRecord(raw) ? raw['users'] : null
    const found: unknown = Array.isArray(users)
      ? users.find((user) => isRecord(user) && user['name'] === userName)
      : null
    if (!isRecord(found) || !isRecord(found['user'])) continue
    const file = found['user']['tokenFile']
    return typeof file === 'string' && file !== '' ? resolve(dirname(path), file) : null
  }
  return null
}

/** A plugin keeps its answer for good when it names no expiry: a fresh one comes from a newly loaded config. */
function pluginOf(paths: readonly string[], context: string | null): CredentialPlugin {
  let config: KubeConfig | null = null
  return async (fresh) => {
    if (fresh || config === null) {
      const loaded = await loadConfig(paths, context)
      config = loaded.ok ? loaded.value : null
    }
    return config === null ? null : askPlugin(config)
  }
}

async function askPlugin(config: KubeConfig): Promise<PluginCredential | null> {
  const options: Record<string, unknown> = {}
  try {
    await config.applyToHTTPSOptions(options)
  } catch {
    return null
  }
  const header: unknown = isRecord(options['headers']) ? options['headers']['Authorization'] : null
  const token =
    typeof header === 'string' && header.startsWith('Bearer ') ? header.slice('Bearer '.length) : null
  return {
    token: token === null ? null : new Sensitive(token),
    certificate: pem(options['cert']),
    key: pem(options['key']),
  }
}

function pem(value: unknown): Sensitive<Buffer> | null {
  if (Buffer.isBuffer(value)) return new Sensitive(value)
  return typeof value === 'string' ? new Sensitive(Buffer.from(value)) : null
}
