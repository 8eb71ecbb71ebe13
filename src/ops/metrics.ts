/** The numbers for Prometheus: counters as things happen, gauges from one snapshot at each scrape. No label ever takes a value from a cluster's objects. */

import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { METRICS, METRIC_NAMES } from './catalogue.ts'
import type { MetricName, MetricRow } from './catalogue.ts'
import type { Snapshot } from './snapshot.ts'

type NameOf<K extends MetricRow['kind']> = {
  [N in MetricName]: (typeof METRICS)[N]['kind'] extends K ? N : never
}[MetricName]
export type CounterName = NameOf<'counter'>
export type GaugeName = NameOf<'gauge'>
export type HistogramName = NameOf<'histogram'>

/** Each label of the metric, and no other. */
export type Labels<N extends MetricName> = {
  readonly [
    L in keyof (typeof METRICS)[N]['labels']
  ]: (typeof METRICS)[N]['labels'][L] extends readonly (infer V)[] ? V : string
}

export interface MetricsOptions {
  readonly version: string
  /** Asked at each scrape. */
  readonly snapshot: () => Snapshot
  /** Process and runtime metrics of prom-client besides; off in tests that compare texts. */
  readonly withRuntime: boolean
}

export class Metrics {
  readonly #registry = new Registry()
  readonly #counters = new Map<MetricName, Counter>()
  readonly #gauges = new Map<MetricName, Gauge>()
  readonly #histograms = new Map<MetricName, Histogram>()
  readonly #snapshot: () => Snapshot

  constructor(options: MetricsOptions) {
    this.#snapshot = options.snapshot
    for (const name of METRIC_NAMES) this.#register(name, METRICS[name])
    this.#gauge('heliograph_build_info', { version: options.version }, 1)
    if (options.withRuntime) collectDefaultMetrics({ register: this.#registry })
  }

  count<N extends CounterName>(name: N, labels: Labels<N>, by = 1): void {
    this.#counters.get(name)?.inc(plain(labels), by)
  }

  observe<N extends HistogramName>(name: N, labels: Labels<N>, seconds: number): void {
    this.#histograms.get(name)?.observe(plain(labels), seconds)
  }

  /** The exposition text, with gauges as of now. */
  async text(): Promise<string> {
    this.#refresh(this.#snapshot())
    return this.#registry.metrics()
  }

  /** A peer is gone for good: its counters leave no series behind. Gauges are taken anew at each scrape. */
  async forget(destination: string): Promise<void> {
    for (const counter of this.#counters.values())
      for (const { labels } of (await counter.get()).values)
        if (labels['destination'] === destination) counter.remove(labels)
    for (const histogram of this.#histograms.values())
      for (const { labels } of (await histogram.get()).values)
        if (labels['destination'] === destination) histogram.remove(withoutBound(labels))
  }

  /** The content type of {@link text}. */
  get contentType(): string {
    return this.#registry.contentType
  }

  #register(name: MetricName, row: MetricRow): void {
    const labelNames = Object.keys(row.labels)
    const common = { name, help: row.help, labelNames, registers: [this.#registry] }
    switch (row.kind) {
      case 'counter':
        this.#counters.set(name, new Counter(common))
        return this.#begin(name, row)
      case 'gauge':
        return void this.#gauges.set(name, new Gauge(common))
      case 'histogram':
        return void this.#histograms.set(
          name,
          new Histogram({ ...common, ...(row.buckets === undefined ? {} : { buckets: [...row.buckets] }) }),
        )
      default:
        return row.kind satisfies never
    }
  }

  /** A counter over one closed set starts with every series at 0, so that its first rise is seen as one. */
  #begin(name: MetricName, row: MetricRow): void {
    const [only, ...others] = Object.entries(row.labels)
    if (only === undefined || others.length > 0 || typeof only[1] === 'string') return
    for (const value of only[1]) this.#counters.get(name)?.inc({ [only[0]]: value }, 0)
  }

  #gauge<N extends GaugeName>(name: N, labels: Labels<N>, value: number): void {
    this.#gauges.get(name)?.set(plain(labels), value)
  }

  #refresh(snapshot: Snapshot): void {
    // What is gone, such as a removed peer, must leave no series behind.
    for (const [name, gauge] of this.#gauges) if (name !== 'heliograph_build_info') gauge.reset()
    this.#gauge('heliograph_leader', {}, snapshot.isLeading ? 1 : 0)
    this.#gauge('heliograph_digest_key_usable', {}, snapshot.hasDigestKey ? 1 : 0)
    this.#gauge('heliograph_identity_held', {}, snapshot.isIdentityHeld ? 1 : 0)
    this.#gauge('heliograph_origins', {}, snapshot.origins)
    this.#gauge('heliograph_origins_held', {}, snapshot.heldOrigins)
    this.#gauge('heliograph_rendering_bytes', {}, snapshot.renderingBytes)
    this.#refreshExpiry(snapshot.certificateExpiresAtMs)
    for (const standing of snapshot.destinations) this.#refreshDestination(standing)
    for (const peer of snapshot.peers) this.#refreshPeer(peer)
  }

  #refreshExpiry(atMs: number | null): void {
    const gauge = this.#gauges.get('heliograph_certificate_expiry_timestamp_seconds')
    // A gauge without labels is 0 after a reset: 1970 would alarm everybody.
    if (atMs === null) gauge?.remove()
    else gauge?.set(atMs / 1_000)
  }

  #refreshPeer(standing: Snapshot['peers'][number]): void {
    const { peer, states, successAgeMs, credentialExpiresAtMs } = standing
    this.#gauge('heliograph_peer_up', { peer }, standing.isUp ? 1 : 0)
    for (const [state, isSo] of states) this.#gauge('heliograph_peer_state', { peer, state }, isSo ? 1 : 0)
    this.#gauge('heliograph_peer_rights_missing', { peer }, standing.rightsMissing)
    if (successAgeMs !== null)
      this.#gauge('heliograph_peer_success_age_seconds', { peer }, successAgeMs / 1_000)
    if (credentialExpiresAtMs !== null) {
      const seconds = credentialExpiresAtMs / 1_000
      this.#gauge('heliograph_peer_credential_expiry_timestamp_seconds', { peer }, seconds)
    }
  }

  #refreshDestination(standing: Snapshot['destinations'][number]): void {
    const { destination, queue } = standing
    for (const [state, mirrors] of standing.mirrors)
      this.#gauge('heliograph_mirrors', { destination, state }, mirrors)
    this.#gauge('heliograph_pull_mirrors', { destination }, standing.pullMirrors)
    this.#gauge('heliograph_deletions_held', { destination }, standing.deletionsHeld)
    for (const lane of ['fresh', 'verify'] as const) {
      this.#gauge('heliograph_queue_depth', { destination, lane }, queue.waiting[lane])
      this.#gauge(
        'heliograph_queue_oldest_age_seconds',
        { destination, lane },
        standing.oldestAgeMs[lane] / 1_000,
      )
    }
    this.#gauge('heliograph_queue_delayed', { destination }, queue.delayed)
    this.#gauge('heliograph_writes_in_flight', { destination }, queue.running)
    this.#gauge('heliograph_writes_in_flight_limit', { destination }, queue.limit)
    for (const { resource, isSynced, ageMs } of standing.watches) {
      this.#gauge('heliograph_watch_age_seconds', { destination, resource }, ageMs / 1_000)
      this.#gauge('heliograph_watch_synced', { destination, resource }, isSynced ? 1 : 0)
    }
  }
}

/** A series' own labels, without the bound of one of its buckets. */
function withoutBound(
  labels: Partial<Record<string, string | number>>,
): Partial<Record<string, string | number>> {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => name !== 'le'))
}

/** Each label's type is a text; the compiler cannot see that through a generic name. */
function plain(labels: object): Record<string, string> {
  return labels as Record<string, string>
}
