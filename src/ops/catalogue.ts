/** Every metric in one table: what it counts, over which labels, what it means and when to worry. The registry and docs/metrics.md read the same rows. */

import { MIRROR_STATES } from '../core/decision.ts'
import type { DecisionKind } from '../core/decision.ts'
import type { FailureKind } from '../core/failure.ts'
import { NOTICE_CODES } from '../core/notices.ts'
import { RESTART_REASONS } from '../kube/changes.ts'
import { PEER_STATES } from '../peers/link.ts'

/** Decisions that write: the verb of a write as metrics and logs name it. */
export const WRITE_VERBS = [
  'create',
  'update',
  'replace',
  'fill',
  'remove',
  'retain',
  'strip',
  'release',
] as const satisfies readonly DecisionKind[]
export type WriteVerb = (typeof WRITE_VERBS)[number]

const FAILURE_KINDS: Readonly<Record<FailureKind, true>> = {
  absent: true,
  'namespace-absent': true,
  exists: true,
  conflict: true,
  'namespace-terminating': true,
  quota: true,
  forbidden: true,
  unauthorized: true,
  'test-failed': true,
  invalid: true,
  expired: true,
  'too-large': true,
  throttled: true,
  server: true,
  rejected: true,
  unanswered: true,
  malformed: true,
}
const FAILURES: readonly string[] = Object.keys(FAILURE_KINDS)

export const LANES = ['fresh', 'verify'] as const
export const DROP_REASONS = ['queue-full', 'refused'] as const
export type DropReason = (typeof DROP_REASONS)[number]

/** A closed set of values, or a sentence that says what bounds them. */
export type LabelValues = readonly string[] | string

export interface MetricRow {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly labels: Readonly<Record<string, LabelValues>>
  readonly help: string
  /** When a person should look, and at what. */
  readonly worry: string
  /** Upper bounds of a histogram, in its unit. */
  readonly buckets?: readonly number[]
}

const DESTINATION = '`home`, and each peer by its name'
const PEER = 'each peer by its name'
const WATCHED = '`secrets`, `configmaps`, `namespaces`'
const WATCH = { destination: DESTINATION, resource: WATCHED } as const

export const METRICS = {
  heliograph_build_info: {
    kind: 'gauge',
    labels: { version: 'one' },
    help: 'Always 1; the label names the version.',
    worry: 'Several versions for longer than a rollout takes.',
  },
  heliograph_leader: {
    kind: 'gauge',
    labels: {},
    help: 'Whether this replica leads and may write: 1 or 0.',
    worry:
      'The sum over all replicas is not 1 for half a minute: nobody writes. Two for longer than a scrape interval never happens.',
  },
  heliograph_digest_key_usable: {
    kind: 'gauge',
    labels: {},
    help: 'Whether the digest key was read: 1 or 0. Without it nothing is written.',
    worry:
      '0 for a minute: see the Events on the Secret `heliograph-digest-key` in the controller’s namespace.',
  },
  heliograph_identity_held: {
    kind: 'gauge',
    labels: {},
    help: 'Whether home’s identity was fixed in another cluster, so that nothing is deleted and no peer is written to: 1 or 0.',
    worry: '1: the Event IdentityChanged on the Secret `heliograph-digest-key` says what to run.',
  },
  heliograph_origins: {
    kind: 'gauge',
    labels: {},
    help: 'Secrets and ConfigMaps that offer themselves, held ones included.',
    worry: 'A sudden fall: somebody removed annotations or namespaces. A steep rise: see the limits.',
  },
  heliograph_origins_held: {
    kind: 'gauge',
    labels: {},
    help: 'Origins frozen by a bad value or by `paused`.',
    worry:
      'Above 0 for long: their mirrors do not follow. The Event OriginHeld says which annotation; `paused: true` has none.',
  },
  heliograph_mirrors: {
    kind: 'gauge',
    labels: { destination: DESTINATION, state: MIRROR_STATES },
    help: 'Mirrors, and names at which one is claimed, by where they stand.',
    worry:
      '`pending` that does not fall in minutes, or any `blocked`, `unowned`, `contested`, `refused` that you do not know of: the object or its Namespace has an Event.',
  },
  heliograph_pull_mirrors: {
    kind: 'gauge',
    labels: { destination: DESTINATION },
    help: 'Objects that ask to be filled from an origin.',
    worry: 'Never by itself.',
  },
  heliograph_deletions_held: {
    kind: 'gauge',
    labels: { destination: DESTINATION },
    help: 'Mirrors whose deletion waits for a person, since nobody saw their origins go.',
    worry: 'Above 0: the Event DeletionsHeld on the origins’ Namespace has the count and the id to release.',
  },
  heliograph_certificate_expiry_timestamp_seconds: {
    kind: 'gauge',
    labels: {},
    help: 'When the first of the certificates that `validate: tls` watches goes out of date, in seconds since 1970. Absent without one.',
    worry:
      'Less than a renewal’s time away. CertificateExpired on the origin names it once it is out of date.',
  },
  heliograph_writes_total: {
    kind: 'counter',
    labels: { destination: DESTINATION, verb: WRITE_VERBS, result: ['ok', ...FAILURES] },
    help: 'Writes, by what was to be done and how it ended.',
    worry:
      'A steady rate with `ok` while nothing changes: something fights us. `forbidden`: rights or an admission policy. `server`, `unanswered`: the API server.',
  },
  heliograph_propagation_seconds: {
    kind: 'histogram',
    labels: { destination: DESTINATION },
    help: 'From an origin’s change being seen to the last of its mirrors at the destination being written.',
    worry:
      'The 0.99 quantile above what your rotations allow: see queue age, the limit of writes, and API requests with code 429.',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800],
  },
  heliograph_drift_repairs_total: {
    kind: 'counter',
    labels: {},
    help: 'Mirrors that were edited by others and put back.',
    worry: 'A steady rate: another writer. The Event MirrorContested names it.',
  },
  heliograph_conflicts_total: {
    kind: 'counter',
    labels: {},
    help: 'Times that an object which is not ours was found where a mirror is claimed.',
    worry: 'A rise: the Event MirrorBlocked is on each such object.',
  },
  heliograph_validation_failures_total: {
    kind: 'counter',
    labels: {},
    help: 'Versions of origins that did not pass `validate` and were not distributed.',
    worry: 'Any rise: mirrors keep an old version. The Event ValidationFailed is on the origin.',
  },
  heliograph_notices_total: {
    kind: 'counter',
    labels: { notice: NOTICE_CODES },
    help: 'Things that people were told by an Event, repeats within ten minutes not counted. See events.md.',
    worry: 'As events.md says for each.',
  },
  heliograph_events_dropped_total: {
    kind: 'counter',
    labels: { why: DROP_REASONS },
    help: 'Events that were not stored: too many waited, or the API server did not take them.',
    worry: 'A rise: the log has the same notices.',
  },
  heliograph_queue_depth: {
    kind: 'gauge',
    labels: { destination: DESTINATION, lane: LANES },
    help: 'Mirrors that wait for their turn: `fresh` for changes, `verify` for checks.',
    worry: '`fresh` that only rises. `verify` may be long: it is worked off at its own rate.',
  },
  heliograph_queue_oldest_age_seconds: {
    kind: 'gauge',
    labels: { destination: DESTINATION, lane: LANES },
    help: 'How long the mirror that waits longest has waited for its turn.',
    worry: '`fresh` above a minute: the API server is slow, or one namespace hangs.',
  },
  heliograph_queue_delayed: {
    kind: 'gauge',
    labels: { destination: DESTINATION },
    help: 'Mirrors that wait for a time of their own: back-off, grace, a later check.',
    worry: 'A lasting rise together with failed writes.',
  },
  heliograph_writes_in_flight: {
    kind: 'gauge',
    labels: { destination: DESTINATION },
    help: 'Mirrors being worked on now.',
    worry: 'At the limit for long while the queue grows.',
  },
  heliograph_writes_in_flight_limit: {
    kind: 'gauge',
    labels: { destination: DESTINATION },
    help: 'How many may be; it shrinks when the API server says or shows that it is too much.',
    worry: 'Far below the setting for long: the API server is overloaded or slow.',
  },
  heliograph_rendering_bytes: {
    kind: 'gauge',
    labels: {},
    help: 'Bytes of origins’ data held in memory for writes under way.',
    worry: 'At the setting `renderingBytesMax` for long: large origins wait for each other.',
  },
  heliograph_peer_up: {
    kind: 'gauge',
    labels: { peer: PEER },
    help: 'Whether this replica keeps the peer and may write there now: 1 or 0. The sum over all replicas is 1 for a peer in order.',
    worry: 'A sum of 0 for minutes: heliograph_peer_state and the Events on the peer’s Secret say why.',
  },
  heliograph_peer_state: {
    kind: 'gauge',
    labels: { peer: PEER, state: PEER_STATES },
    help: '1 for the state in which this replica sees the peer, 0 for the others. `standby`: another replica keeps it.',
    worry:
      '`refused`, `unauthorized`: its Secret or its credential. `unreachable` for minutes: the way to it.',
  },
  heliograph_peer_rights_missing: {
    kind: 'gauge',
    labels: { peer: PEER },
    help: 'Rights that the peer’s credential lacks, as last asked.',
    worry: 'Above 0: the Event PeerRightsMissing on the peer’s Secret names them.',
  },
  heliograph_peer_success_age_seconds: {
    kind: 'gauge',
    labels: { peer: PEER },
    help: 'Since the last good answer of the peer. Absent before the first.',
    worry: 'Above 660 although the peer should be up: nothing comes from it.',
  },
  heliograph_peer_credential_expiry_timestamp_seconds: {
    kind: 'gauge',
    labels: { peer: PEER },
    help: 'When the peer’s token or client certificate ends, whichever is first, in seconds since 1970. Absent where neither says.',
    worry: 'Less than a renewal’s time away. See the setting `peerTokenRenewal`.',
  },
  heliograph_watch_age_seconds: {
    kind: 'gauge',
    labels: WATCH,
    help: 'Seconds since the API server was last heard on this watch; since the start if never.',
    worry: 'Above 150 once bookmarks come, or above 660 at any time: changes may be missed.',
  },
  heliograph_watch_synced: {
    kind: 'gauge',
    labels: WATCH,
    help: 'Whether a whole snapshot was read since the start: 1 or 0.',
    worry: '0 for minutes after a start: rights, or the API server.',
  },
  heliograph_watch_restarts_total: {
    kind: 'counter',
    labels: { ...WATCH, reason: RESTART_REASONS },
    help: 'Streams that ended and were opened again. `deadline` and `ended` are the normal course, every five to ten minutes.',
    worry:
      'A rate of `cut`, `silent`, `error`: the network or the API server. `expired`: a relist each time.',
  },
  heliograph_watch_failures_total: {
    kind: 'counter',
    labels: { ...WATCH, failure: FAILURES },
    help: 'Lists and watches that the API server did not grant.',
    worry: '`forbidden`, `unauthorized`: rights. `server`, `unanswered`, `throttled` that last.',
  },
  heliograph_audit_found_total: {
    kind: 'counter',
    labels: WATCH,
    help: 'Objects that only the periodic audit found: changes that a watch did not tell.',
    worry: 'Any rise. They are mended, but watches are missing events: please report it.',
  },
  heliograph_api_requests_total: {
    kind: 'counter',
    labels: {
      destination: DESTINATION,
      verb: 'what RBAC calls it: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`',
      resource: 'the resources that the program has rights for',
      code: 'the HTTP code, or `unanswered`',
    },
    help: 'Requests to the API server.',
    worry:
      '429: throttled. 5xx, `unanswered`: the API server or the way to it. 401, 403: credentials, rights.',
  },
  heliograph_api_request_seconds: {
    kind: 'histogram',
    labels: { destination: DESTINATION, verb: 'as above, without `watch`' },
    help: 'How long answers took.',
    worry: 'The 0.99 quantile of `create` or `patch` above a second: admission webhooks, etcd.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
} as const satisfies Readonly<Record<`heliograph_${string}`, MetricRow>>

export type MetricName = keyof typeof METRICS
export const METRIC_NAMES = Object.keys(METRICS) as readonly MetricName[]
