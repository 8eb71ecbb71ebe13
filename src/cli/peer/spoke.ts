/** A peer as its operator reaches it: from a kubeconfig of theirs, programs and files included, which no peer Secret may name. */

import { readFile } from 'node:fs/promises'

import type { PeerAdd } from '../../config/peer-command.ts'
import type { Access, Material } from '../../kube/access.ts'
import type { ClusterApi } from '../../kube/api.ts'
import { clusterApi } from '../../kube/calls.ts'
import { connect } from '../../kube/connection.ts'
import type { Cluster } from '../../kube/connection.ts'
import { loadAccess } from '../../kube/kubeconfig.ts'
import { failed, ok } from '../../std/result.ts'
import type { Result } from '../../std/result.ts'
import { Sensitive } from '../../std/sensitive.ts'
import type { Home } from './home.ts'

/** A bundle of certificate authorities. */
const CA_BYTES_MAX = 128 * 1_024

export interface Spoke {
  readonly cluster: Cluster
  readonly api: ClusterApi
  /** The way to its server as home is to use it; who the operator is there is left out. */
  readonly way: Access
  /** What an operator should hear about that way. */
  readonly warnings: readonly string[]
}

/** Opens the peer. The failure is a sentence. The caller closes the cluster. */
export async function openSpoke(
  home: Pick<Home, 'settings' | 'version' | 'clock'>,
  peer: PeerAdd,
): Promise<Result<Spoke, string>> {
  const { settings, version, clock } = home
  const kubeconfig = peer.peerKubeconfig ?? settings.kubeconfig
  if (kubeconfig === null) return failed('Name your kubeconfig of the peer with --peer-kubeconfig.')
  const loaded = await loadAccess({
    kubeconfig,
    context: peer.peerContext,
    serviceHost: undefined,
    servicePort: undefined,
  })
  if (!loaded.ok) return failed(`The peer: ${loaded.failure.reason}.`)
  const way = await wayOf(loaded.value, peer.server, settings.peerProxies)
  if (!way.ok) return way
  const cluster = await connect({
    access: loaded.value,
    version,
    clock,
    observer: { answered: () => {} },
  })
  if (!cluster.ok) return failed(`The peer: ${cluster.failure.reason}.`)
  return ok({
    cluster: cluster.value,
    api: clusterApi(cluster.value),
    way: way.value,
    warnings: warningsOf(way.value),
  })
}

/** What of the operator's access a peer Secret may hold: never who they are. */
async function wayOf(
  access: Access,
  server: string | null,
  allowProxy: boolean,
): Promise<Result<Access, string>> {
  if (!access.verified)
    return failed(
      'The kubeconfig of the peer does not verify its server (insecure-skip-tls-verify): give it certificate-authority-data.',
    )
  if (server === null && !access.server.startsWith('https://'))
    return failed('The server in the kubeconfig of the peer is no https URL: give one with --peer-server.')
  if (access.proxyUrl !== null && !allowProxy)
    return failed(
      'The kubeconfig of the peer has a proxy-url: allow it with --peer-proxies=true here and in the controller’s settings.',
    )
  const ca = await bytesOf(access.ca)
  if (!ca.ok) return ca
  return ok({
    ...access,
    server: server ?? access.server,
    ca: ca.value,
    clientCertificate: null,
    clientKey: null,
    token: { kind: 'none' },
    impersonate: null,
  })
}

async function bytesOf(ca: Material | null): Promise<Result<Material | null, string>> {
  if (ca === null || ca.kind === 'bytes') return ok(ca)
  const bytes = await readFile(ca.path).catch(() => null)
  return bytes === null || bytes.length > CA_BYTES_MAX
    ? failed(`The peer: the certificate authority in ${ca.path} cannot be read.`)
    : ok({ kind: 'bytes', bytes: new Sensitive(bytes) })
}

function warningsOf({ server, ca }: Access): readonly string[] {
  const host = URL.parse(server)?.hostname ?? ''
  return [
    ...(/^(localhost|127\.[0-9.]+|\[::1\])$/.test(host)
      ? [
          `${server} is an address of this machine: unless home runs on it as well, give the one that home reaches with --peer-server.`,
        ]
      : []),
    ...(ca === null
      ? ['The kubeconfig has no certificate authority: home will trust those of its image.']
      : []),
  ]
}
