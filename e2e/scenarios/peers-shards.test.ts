/** Replicas share the peers on a real API server: each shard has one holder, a killed replica's shards go to the other, a new one is given its own. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { memberOf, shardOf } from '../../src/core/shards.ts'
import { startControlPlane } from '../control-plane/start.ts'
import { awaitList } from '../lib/await.ts'
import { installChart } from '../lib/chart.ts'
import { awaitEvent } from '../lib/events.ts'
import type { Controller } from '../lib/controller.ts'
import { ours } from '../lib/marks.ts'
import { collectionPath, refOf, secret } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { awaitData, mirrorIn, secretOffer, write } from '../lib/offers.ts'
import { SYSTEM, openStage } from '../lib/stage.ts'

/** Eight peers in as many shards: that one of two replicas has none is seldom, and the test holds then as well. */
const PEERS = [
  'east',
  'west',
  'north',
  'south',
  'alpha',
  'beta',
  'gamma',
  'delta',
  'omega',
  'zeta',
  'eta',
  'iota',
]
  .filter((peer, at, all) => all.findIndex((other) => shardOf(other) === shardOf(peer)) === at)
  .slice(0, 8)
const SHARD_LEASES = PEERS.map((peer) => `heliograph-peers-${shardOf(peer)}`).toSorted()
const MEMBER = /^heliograph-member-[0-9a-f]{8}$/
const NUMBERS = Array.from({ length: 100 }, (_, at) => at)
const LEASES = collectionPath('Lease', SYSTEM)

const [stage, spoke] = await Promise.all([openStage(), startControlPlane()])
after(async () => await spoke.stop())
const { client } = stage
const [home] = await stage.namespaces('origins')
const origin = secretOffer(
  home,
  'wildcard',
  { targets: '*', 'target-namespaces': 'edge-*' },
  { password: 'first' },
)
/**
 * One cluster under several identities: each peer grants one namespace of it, and whoever makes such a Secret says whose it is.
 * So several peers need one control plane.
 */
const account = await installChart(spoke, { namespace: SYSTEM })
const token = await spoke.client.tokenFor(account.namespace, account.serviceAccount)
for (const peer of PEERS) {
  await spoke.client.createNamespace(`edge-${peer}`)
  await client.create(peerSecret(peer))
}

function peerSecret(peer: string, identity = `identity-${peer}`): KubeObject {
  const cluster = {
    server: spoke.url,
    'certificate-authority-data': Buffer.from(spoke.caPem).toString('base64'),
  }
  const kubeconfig = {
    clusters: [{ name: peer, cluster }],
    users: [{ name: peer, user: { token } }],
    contexts: [{ name: peer, context: { cluster: peer, user: peer } }],
    'current-context': peer,
  }
  const annotations = ours({
    'peer-origins': `${home}/*`,
    'peer-namespaces': `edge-${peer}`,
    'peer-identity': identity,
  })
  return secret(
    SYSTEM,
    peer,
    { kubeconfig: JSON.stringify(kubeconfig) },
    { labels: ours({ peer: 'true' }), annotations },
  )
}

async function start(replica: string): Promise<Controller> {
  return await stage.start({ environment: { POD_NAME: replica } })
}

interface Shares {
  /** Replica by shard's Lease. */
  readonly holders: ReadonlyMap<string, string>
  /** Replica by name of its own Lease. */
  readonly members: ReadonlyMap<string, string>
}

function sharesIn(leases: readonly KubeObject[]): Shares {
  const replicas = leases.map((lease) => {
    const { holderIdentity = '' } = lease['spec'] as { readonly holderIdentity?: string }
    return [lease.metadata.name, holderIdentity.split('_')[0] ?? ''] as const
  })
  return {
    holders: new Map(replicas.filter(([name]) => name.startsWith('heliograph-peers-'))),
    members: new Map(replicas.filter(([name]) => MEMBER.test(name))),
  }
}

/** Waits until the shards are held as the hash deals them to these replicas, and no others. */
async function awaitShares(...replicas: readonly string[]): Promise<Shares> {
  const isDealt = (leases: readonly KubeObject[]): boolean => {
    const { holders, members } = sharesIn(leases)
    const alive = [...members].filter(([, replica]) => replicas.includes(replica)).map(([name]) => name)
    return (
      alive.length === replicas.length &&
      SHARD_LEASES.every((lease) => {
        const member = memberOf(Number(lease.split('-').at(-1)), alive)
        return holders.get(lease) === members.get(member ?? '')
      })
    )
  }
  return sharesIn(
    await awaitList(client, LEASES, isDealt, { what: `${replicas.join(' and ')} share the peers` }),
  )
}

async function awaitEverywhere(password: string): Promise<void> {
  await Promise.all(
    PEERS.map(async (peer) => await awaitData(spoke.client, mirrorIn(`edge-${peer}`, origin), { password })),
  )
}

test('two replicas share the peers, a killed one is followed, a new one is given its shards, and every change arrives', async () => {
  const first = await start('replica-a')
  await start('replica-b')
  await client.create(origin)
  const shared = await awaitShares('replica-a', 'replica-b')
  assert.deepEqual([...shared.holders.keys()].toSorted(), SHARD_LEASES, 'only shards with peers have a Lease')
  await awaitEverywhere('first')

  await first.kill()
  await write(client, refOf(origin), { password: 'second' })
  await awaitEverywhere('second')
  const alone = await awaitShares('replica-b')
  assert.deepEqual(new Set(alone.holders.values()), new Set(['replica-b']))

  const third = await start('replica-c')
  await awaitShares('replica-b', 'replica-c')
  await write(client, refOf(origin), { password: 'third' })
  await awaitEverywhere('third')

  await third.stop()
  const { members } = await awaitShares('replica-b')
  assert.ok(![...members.values()].includes('replica-c'), 'who leaves takes its own Lease along')
  await write(client, refOf(origin), { password: 'fourth' })
  await awaitEverywhere('fourth')
  assert.equal(await writesAbroad(), PEERS.length * 4, 'each version is written once, whoever took over')
})

/** Changes of Secrets in the peers' namespaces that the server carried out. */
async function writesAbroad(): Promise<number> {
  const entries = await spoke.own.audit.since()
  return entries.filter(
    ({ verb, resource, namespace, code }) =>
      ['create', 'patch', 'update', 'delete'].includes(verb) &&
      resource === 'secrets' &&
      namespace.startsWith('edge-') &&
      code < 300,
  ).length
}

test('a Secret that is wrong is told by the replica that has its shard, and one cluster is no two peers, though two replicas have them', async () => {
  await start('replica-d')
  const { members } = await awaitShares('replica-b', 'replica-d')
  const alive = [...members].filter(([, replica]) => ['replica-b', 'replica-d'].includes(replica))
  const ids = alive.map(([name]) => name)
  const holderOf = (peer: string): string | null => memberOf(shardOf(peer), ids)
  const ofEach = (word: string): readonly string[] =>
    ids.map((id) => NUMBERS.map((at) => `${word}-${at}`).find((name) => holderOf(name) === id) ?? '')
  const broken = ofEach('broken')
  for (const name of broken)
    await client.create(secret(SYSTEM, name, { kubeconfig: 'a: [' }, { labels: ours({ peer: 'true' }) }))
  // The server counts a Secret's age in seconds; of two of one age the first by name stays.
  const [twin = '', other = ''] = ofEach('twin').toSorted()
  await client.create(peerSecret(twin, 'identity-twins'))
  for (const name of broken)
    await awaitEvent(client, { kind: 'Secret', namespace: SYSTEM, name }, 'PeerRefused')
  await client.create(peerSecret(other, 'identity-twins'))
  const told = await awaitEvent(client, { kind: 'Secret', namespace: SYSTEM, name: other }, 'PeerRefused')
  assert.match(told.message, /an older Secret has the same cluster as its peer/)
})
