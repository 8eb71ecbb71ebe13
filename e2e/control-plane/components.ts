/** The three components of a control plane, each with the flags that make it small, quick and private. */

import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { AUDIT_POLICY } from './audit.ts'
import { makeAuthority, makeSigningKey } from './certificates.ts'
import type { CertificateAuthority } from './certificates.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import type { Command } from './tools.ts'

export interface Flags {
  /** Beyond ours and after them, so that they win: `--etcd-compaction-interval=10s`, `--feature-gates=WatchList=false`, `--goaway-chance=0.02`. */
  readonly etcd: readonly string[]
  readonly apiServer: readonly string[]
  readonly controllerManager: readonly string[]
}

export interface Ports {
  readonly etcd: number
  readonly etcdPeers: number
  readonly apiServer: number
}

/** Everything that a control plane's components share on disk. */
export interface Ground {
  readonly folder: string
  readonly ports: Ports
  readonly authority: CertificateAuthority
  readonly adminToken: string
  readonly managerToken: string
  /** Kubeconfig of `heliograph:admin`, a cluster administrator. */
  readonly adminKubeconfig: string
  readonly auditLog: string
}

/** Writes keys, tokens, policies and kubeconfigs into `folder`. */
export async function layGround(folder: string, ports: Ports): Promise<Ground> {
  const authority = makeAuthority('heliograph control plane')
  const server = authority.issue({ commonName: 'kube-apiserver', altNames: ['127.0.0.1', 'localhost'] })
  const signing = makeSigningKey()
  const ground: Ground = {
    folder,
    ports,
    authority,
    adminToken: randomBytes(16).toString('hex'),
    managerToken: randomBytes(16).toString('hex'),
    adminKubeconfig: join(folder, 'admin.kubeconfig'),
    auditLog: join(folder, 'audit.log'),
  }
  const tokens = [
    `${ground.adminToken},heliograph:admin,heliograph-admin,"system:masters"`,
    `${ground.managerToken},heliograph:controller-manager,heliograph-manager,"system:masters"`,
  ]
  await mkdir(join(folder, 'etcd'), { mode: 0o700 })
  const files: Readonly<Record<string, string>> = {
    'ca.crt': authority.certificatePem,
    'server.crt': server.certificatePem,
    'server.key': server.keyPem,
    'service-account.key': signing.privatePem,
    'service-account.pub': signing.publicPem,
    'tokens.csv': `${tokens.join('\n')}\n`,
    'audit-policy.yaml': AUDIT_POLICY,
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 })
  const url = { server: `https://127.0.0.1:${ports.apiServer}`, caPem: authority.certificatePem }
  await writeKubeconfig(ground.adminKubeconfig, { ...url, token: ground.adminToken })
  await writeKubeconfig(join(folder, 'manager.kubeconfig'), { ...url, token: ground.managerToken })
  return ground
}

export function etcdCommand(program: Command, { folder, ports }: Ground, extra: readonly string[]): Command {
  const clients = `http://127.0.0.1:${ports.etcd}`
  const peers = `http://127.0.0.1:${ports.etcdPeers}`
  return [
    ...program,
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${clients}`,
    `--advertise-client-urls=${clients}`,
    `--listen-peer-urls=${peers}`,
    `--initial-advertise-peer-urls=${peers}`,
    `--initial-cluster=default=${peers}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
    ...extra,
  ]
}

export function apiServerCommand(program: Command, ground: Ground, extra: readonly string[]): Command {
  const { folder, ports } = ground
  return [
    ...program,
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${ports.apiServer}`,
    `--cert-dir=${folder}`,
    `--tls-cert-file=${join(folder, 'server.crt')}`,
    `--tls-private-key-file=${join(folder, 'server.key')}`,
    `--client-ca-file=${join(folder, 'ca.crt')}`,
    `--token-auth-file=${join(folder, 'tokens.csv')}`,
    '--authorization-mode=RBAC',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${join(folder, 'service-account.pub')}`,
    `--service-account-signing-key-file=${join(folder, 'service-account.key')}`,
    '--service-cluster-ip-range=10.96.0.0/24',
    '--endpoint-reconciler-type=none',
    // Open watches would hold a graceful end back for a minute.
    '--shutdown-watch-termination-grace-period=1s',
    // Pods are admitted without a service account's token: no kubelet will run them.
    '--disable-admission-plugins=ServiceAccount',
    `--audit-policy-file=${join(folder, 'audit-policy.yaml')}`,
    `--audit-log-path=${ground.auditLog}`,
    '--profiling=false',
    ...extra,
  ]
}

/** Those that tests rely on: namespaces are finalised, quota is enforced, owners' dependents go, accounts appear. */
const CONTROLLERS = [
  'namespace-controller',
  'resourcequota-controller',
  'serviceaccount-controller',
  'serviceaccount-token-controller',
  'garbage-collector-controller',
]

export function controllerManagerCommand(
  program: Command,
  ground: Ground,
  extra: readonly string[],
): Command {
  const kubeconfig = join(ground.folder, 'manager.kubeconfig')
  return [
    ...program,
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    `--cert-dir=${ground.folder}`,
    '--secure-port=0',
    '--leader-elect=false',
    `--controllers=${CONTROLLERS.join(',')}`,
    `--service-account-private-key-file=${join(ground.folder, 'service-account.key')}`,
    '--concurrent-namespace-syncs=20',
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
    '--profiling=false',
    ...extra,
  ]
}
