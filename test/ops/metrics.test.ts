/** Metrics: every row of the table is served under its name and labels, gauges are of the moment, and nothing of a cluster's objects is a label. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { MIRROR_STATES } from '../../src/core/decision.ts'
import type { Uid } from '../../src/core/names.ts'
import { METRICS, METRIC_NAMES } from '../../src/ops/catalogue.ts'
import type { MetricRow } from '../../src/ops/catalogue.ts'
import { Metrics } from '../../src/ops/metrics.ts'
import { snapshotOf } from '../../src/ops/snapshot.ts'
import type { Snapshot, SnapshotOptions } from '../../src/ops/snapshot.ts'
import { PEER_STATES } from '../../src/peers/link.ts'
import type { PeerStanding } from '../../src/peers/link.ts'

/** Where the engine stands, and its watches. */
const TAKEN: Pick<SnapshotOptions, 'standing' | 'watches'> = {
  standing: {
    origins: 7,
    heldOrigins: 2,
    destinations: [
      {
        name: 'home',
        pullMirrors: 3,
        mirrors: new Map([['synced', 40]]),
        queue: { waiting: { fresh: 5, verify: 6 }, delayed: 1, running: 4, limit: 32 },
        oldestAgeMs: { fresh: 1_500, verify: 0 },
        holds: [
          { id: 'a', originNamespace: 'x', inferred: 150, mirrors: 200 },
          { id: 'b', originNamespace: 'y', inferred: 101, mirrors: 101 },
        ],
        isSynced: true,
      },
    ],
    renderingBytes: 1_024,
    isIdentityHeld: false,
    isSynced: true,
    hasDigestKey: true,
    certificateExpiresAtMs: 1_800_000_000_500,
  },
  watches: new Map([
    [
      'home',
      [
        { resource: 'secrets', isSynced: true, attemptAgeMs: 9_000, heardAgeMs: 2_500 },
        { resource: 'namespaces', isSynced: false, attemptAgeMs: 9_000, heardAgeMs: null },
      ],
    ],
  ]),
}

function snapshot(more: Partial<Snapshot> = {}): Snapshot {
  return { ...snapshotOf({ ...TAKEN, isLeading: true, uptimeMs: 60_000 }), ...more }
}

function metrics(take = (): Snapshot => snapshot(), withRuntime = false): Metrics {
  return new Metrics({ version: '1.2.3', snapshot: take, withRuntime })
}

/** The samples of an exposition, comments left out. */
async function samples(served: Metrics): Promise<ReadonlyMap<string, number>> {
  const lines = (await served.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(' ')),
      Number(line.slice(line.lastIndexOf(' ') + 1)),
    ]),
  )
}

test('every row of the table is served with its kind and help', async () => {
  const text = await metrics().text()
  for (const name of METRIC_NAMES) {
    assert.ok(text.includes(`# TYPE ${name} ${METRICS[name].kind}\n`), name)
    assert.ok(text.includes(`# HELP ${name} ${METRICS[name].help}\n`), name)
  }
})

test('names and labels follow the rules of Prometheus', () => {
  for (const name of METRIC_NAMES) {
    const row: MetricRow = METRICS[name]
    assert.match(name, /^heliograph_[a-z_]+$/)
    assert.equal(name.endsWith('_total'), row.kind === 'counter', name)
    if (row.kind === 'histogram') assert.match(name, /_seconds$/)
    for (const label of Object.keys(row.labels)) assert.match(label, /^[a-z]+$/)
    assert.ok(
      row.buckets === undefined ||
        row.buckets.every((bound, at, all) => at === 0 || bound > (all[at - 1] ?? 0)),
      name,
    )
  }
})

test('gauges show the snapshot of the moment', async () => {
  const served = await samples(metrics())
  const expected: Readonly<Record<string, number>> = {
    heliograph_leader: 1,
    heliograph_digest_key_usable: 1,
    heliograph_origins: 7,
    heliograph_origins_held: 2,
    'heliograph_mirrors{destination="home",state="synced"}': 40,
    'heliograph_mirrors{destination="home",state="blocked"}': 0,
    'heliograph_pull_mirrors{destination="home"}': 3,
    'heliograph_deletions_held{destination="home"}': 251,
    'heliograph_queue_depth{destination="home",lane="fresh"}': 5,
    'heliograph_queue_depth{destination="home",lane="verify"}': 6,
    'heliograph_queue_oldest_age_seconds{destination="home",lane="fresh"}': 1.5,
    'heliograph_queue_delayed{destination="home"}': 1,
    'heliograph_writes_in_flight{destination="home"}': 4,
    'heliograph_writes_in_flight_limit{destination="home"}': 32,
    heliograph_rendering_bytes: 1_024,
    'heliograph_watch_age_seconds{destination="home",resource="secrets"}': 2.5,
    'heliograph_watch_age_seconds{destination="home",resource="namespaces"}': 60,
    'heliograph_watch_synced{destination="home",resource="secrets"}': 1,
    'heliograph_watch_synced{destination="home",resource="namespaces"}': 0,
    heliograph_certificate_expiry_timestamp_seconds: 1_800_000_000.5,
    'heliograph_build_info{version="1.2.3"}': 1,
  }
  for (const [name, value] of Object.entries(expected)) assert.equal(served.get(name), value, name)
  for (const state of MIRROR_STATES)
    assert.ok(served.has(`heliograph_mirrors{destination="home",state="${state}"}`), state)
})

test('what is gone leaves no series behind', async () => {
  let now = snapshot()
  const served = metrics(() => now)
  await served.text()
  now = snapshot({ destinations: [], certificateExpiresAtMs: null, isLeading: false })
  const after = await samples(served)
  assert.equal(after.get('heliograph_leader'), 0)
  assert.equal(after.get('heliograph_build_info{version="1.2.3"}'), 1)
  assert.deepEqual(
    [...after.keys()].filter((name) => /destination=|certificate_expiry/.test(name)),
    [],
  )
})

test('counters and histograms add up', async () => {
  const served = metrics()
  const labels = { destination: 'home', verb: 'create', result: 'ok' } as const
  served.count('heliograph_writes_total', labels)
  served.count('heliograph_writes_total', labels, 2)
  served.observe('heliograph_propagation_seconds', { destination: 'home' }, 0.2)
  served.observe('heliograph_propagation_seconds', { destination: 'home' }, 40)
  const all = await samples(served)
  assert.equal(all.get('heliograph_writes_total{destination="home",verb="create",result="ok"}'), 3)
  assert.equal(all.get('heliograph_propagation_seconds_bucket{le="0.25",destination="home"}'), 1)
  assert.equal(all.get('heliograph_propagation_seconds_bucket{le="60",destination="home"}'), 2)
})

test('a counter over one closed set stands at 0 before its first rise', async () => {
  const all = await samples(metrics())
  assert.equal(all.get('heliograph_notices_total{notice="OriginHeld"}'), 0)
  assert.equal(all.get('heliograph_events_dropped_total{why="queue-full"}'), 0)
  assert.equal(all.get('heliograph_drift_repairs_total'), 0)
})

test('two registries share nothing, and runtime metrics come along when asked for', async () => {
  const [first, second] = [metrics(), metrics(undefined, true)]
  first.count('heliograph_conflicts_total', {})
  assert.equal((await samples(second)).get('heliograph_conflicts_total'), 0)
  assert.match(await second.text(), /^nodejs_eventloop_lag_p99_seconds /m)
  assert.doesNotMatch(await first.text(), /nodejs_/)
})

const PEER: PeerStanding = {
  name: 'prod-eu',
  secret: { kind: 'Secret', namespace: 'heliograph', name: 'prod-eu', uid: 'uid-1' as Uid },
  server: 'https://peer:6443',
  state: 'ready',
  reason: null,
  identity: 'peer-identity',
  isIdentityProven: true,
  missingRights: ['create secrets in team-a', 'patch secrets in team-a'],
  successAgeMs: 4_000,
  credentialExpiresAtMs: 1_800_000_000_500,
  destination: null,
}

function withPeers(peers: readonly PeerStanding[]): Snapshot {
  return snapshotOf({ ...TAKEN, peers, isLeading: true, uptimeMs: 60_000 })
}

test('each peer shows whether it is up, its state, its rights, its last answer and when its credential ends', async () => {
  const served = await samples(metrics(() => withPeers([PEER])))
  assert.equal(served.get('heliograph_peer_up{peer="prod-eu"}'), 1)
  for (const state of PEER_STATES) {
    const value = served.get(`heliograph_peer_state{peer="prod-eu",state="${state}"}`)
    assert.equal(value, state === 'ready' ? 1 : 0, state)
  }
  assert.equal(served.get('heliograph_peer_rights_missing{peer="prod-eu"}'), 2)
  assert.equal(served.get('heliograph_peer_success_age_seconds{peer="prod-eu"}'), 4)
  const expiry = 'heliograph_peer_credential_expiry_timestamp_seconds{peer="prod-eu"}'
  assert.equal(served.get(expiry), 1_800_000_000.5)
})

test('what is not known of a peer has no series, and a peer that is not ready is not up', async () => {
  const unheard = { ...PEER, state: 'connecting', successAgeMs: null, credentialExpiresAtMs: null } as const
  const served = await samples(metrics(() => withPeers([unheard])))
  assert.equal(served.get('heliograph_peer_up{peer="prod-eu"}'), 0)
  assert.deepEqual(
    [...served.keys()].filter((name) => /peer_success|peer_credential/.test(name)),
    [],
  )
})

test('of two Secrets with one name the one that is worked with shows', async () => {
  const refused = { ...PEER, state: 'refused' } as const
  const used = { ...PEER, destination: TAKEN.standing.destinations[0] ?? null }
  for (const peers of [
    [refused, used],
    [used, refused],
  ])
    assert.equal(
      (await samples(metrics(() => withPeers(peers)))).get('heliograph_peer_up{peer="prod-eu"}'),
      1,
    )
})

test('a peer that is removed leaves no series of any kind, and the others stay', async () => {
  let peers: readonly PeerStanding[] = [PEER]
  const served = metrics(() => withPeers(peers))
  for (const destination of ['home', 'prod-eu']) {
    served.count('heliograph_writes_total', { destination, verb: 'create', result: 'ok' })
    served.observe('heliograph_propagation_seconds', { destination }, 0.2)
  }
  assert.ok([...(await samples(served)).keys()].some((name) => name.includes('prod-eu')))
  peers = []
  await served.forget('prod-eu')
  const left = [...(await samples(served)).keys()]
  assert.deepEqual(
    left.filter((name) => name.includes('prod-eu')),
    [],
  )
  assert.ok(left.includes('heliograph_writes_total{destination="home",verb="create",result="ok"}'))
  assert.ok(left.includes('heliograph_propagation_seconds_bucket{le="0.25",destination="home"}'))
})

test('a held identity shows', async () => {
  assert.equal((await samples(metrics())).get('heliograph_identity_held'), 0)
  const held = await samples(metrics(() => snapshot({ isIdentityHeld: true })))
  assert.equal(held.get('heliograph_identity_held'), 1)
})
