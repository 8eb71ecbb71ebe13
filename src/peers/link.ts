/**
 * One peer's life: connect, find out which cluster it is, check the rights, attach it to the engine, let work begin only while it answers,
 * take up renewed credentials, detach. A peer that does not answer costs its own requests and nothing else.
 */

import type { Failure } from '../core/failure.ts'
import type { Kind, ObjectRef, Uid } from '../core/names.ts'
import { NOTICES, notice } from '../core/notices.ts'
import type { NoticeCode } from '../core/notices.ts'
import type { Rules } from '../core/rules.ts'
import type { Attached, Peer } from '../engine/controller.ts'
import type { Leadership, Recorder } from '../engine/ports.ts'
import type { DestinationStanding } from '../engine/standing.ts'
import type { Access, AccessFlaw } from '../kube/access.ts'
import type { ClusterApi } from '../kube/api.ts'
import type { Cluster, RequestObserver } from '../kube/connection.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import { Scope } from '../std/scope.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import { readListed } from './confined.ts'
import { credentialExpiry } from './expiry.ts'
import { PeerHealth, PROBE_MAX_MS, PROBE_MIN_MS } from './health.ts'
import { identityOf } from './identity.ts'
import { Namespaces } from './namespaces.ts'
import type { NamespacesOptions } from './namespaces.ts'
import { preflight } from './preflight.ts'
import type { MissingRight } from './preflight.ts'
import { peerReach } from './reach.ts'
import { reflectPeer } from './reflect.ts'
import type { ReflectOptions } from './reflect.ts'
import { Renewal, renewableAccount } from './renewal.ts'
import type { Terms } from './terms.ts'

/** Rights are asked about again this often. */
export const PREFLIGHT_INTERVAL_MS = 600_000
/** How often a peer in order is looked at. */
const LOOK_MS = 2_000
/** A peer whose identity is another's is asked again this often: that one may go. */
const REFUSED_MS = 10_000
/** Rights named in one Event. */
const RIGHTS_TOLD_MAX = 8

export const PEER_STATES = [
  'connecting',
  'refused',
  'standby',
  'syncing',
  'ready',
  'unreachable',
  'unauthorized',
] as const
export type PeerState = (typeof PEER_STATES)[number]

export interface PeerStanding {
  readonly name: string
  readonly secret: ObjectRef & { readonly uid: Uid }
  readonly server: string
  readonly state: PeerState
  /** Why it is not ready, as a sentence; null: it is. */
  readonly reason: string | null
  readonly identity: string | null
  /** Read off the cluster, not off the Secret. */
  readonly isIdentityProven: boolean
  readonly missingRights: readonly MissingRight[]
  /** Since the last good answer; null: none yet. */
  readonly successAgeMs: number | null
  /** When the credential ends, epoch milliseconds; null: it does not say. */
  readonly credentialExpiresAtMs: number | null
  readonly destination: DestinationStanding | null
}

export interface LinkOptions {
  readonly name: string
  readonly secret: ObjectRef & { readonly uid: Uid }
  readonly access: Access
  readonly terms: Terms
  readonly rules: Rules
  readonly kinds: readonly Kind[]
  /** Namespaces that origins name and that the peer lacks are made. */
  readonly createsNamespaces: boolean
  /** Home, where a renewed token is written to the peer Secret; null: tokens are not renewed. */
  readonly renewsAt?: Pick<ClusterApi, 'readFull' | 'patch'> | null
  readonly clock: Clock
  readonly random: Random
  /** Opens the connection; a request or watch happens only when it is used. */
  readonly connect: (access: Access, observer: RequestObserver) => Promise<Result<Cluster, AccessFlaw>>
  readonly api: (cluster: Cluster) => ClusterApi
  readonly attach: (peer: Peer) => Attached
  readonly reflect: Omit<ReflectOptions, 'cluster' | 'rules' | 'kinds' | 'namespaces' | 'health'>
  /** Whether this replica may write to the peer. */
  readonly leadership: Leadership
  /** For what is told at home, such as about the peer Secret. */
  readonly recorder: Recorder
  /** For what is told in the peer. */
  readonly recorderOf: (api: ClusterApi, signal: AbortSignal) => Recorder
  readonly observer: RequestObserver
  /** Why a cluster of this identity may not be this peer, as a sentence; null: it may. */
  readonly objection: (identity: string) => string | null
}

export class PeerLink {
  readonly #o: LinkOptions
  readonly #health: PeerHealth
  #access: Access
  #cluster: Cluster | null = null
  #attached: Attached | null = null
  #state: PeerState = 'connecting'
  #reason: string | null = 'it is being connected'
  #identity: string | null = null
  #missing: readonly MissingRight[] = []
  #maker: Namespaces | null = null
  #isWorking = false
  #wake = new AbortController()

  constructor(options: LinkOptions) {
    this.#o = options
    this.#access = options.access
    this.#health = new PeerHealth(options.clock, () => this.#wake.abort())
  }

  /** Runs until `signal` fires. Rejects on a bug only. */
  async run(signal: AbortSignal): Promise<void> {
    const { access, connect, observer, api } = this.#o
    const opened = await connect(access, {
      answered: (verb, resource, code, seconds) => {
        observer.answered(verb, resource, code, seconds)
        this.#health.answered(verb, code)
      },
    })
    if (!opened.ok) return this.#refuse(opened.failure.reason)
    const cluster = opened.value
    this.#cluster = cluster
    const whole = api(cluster)
    try {
      // Once more where it turned out to be another's cluster: that one may go.
      while (await this.#identify(whole, signal)) await this.#serve(cluster, whole, signal)
    } finally {
      await cluster.close()
    }
  }

  /** Another credential for the same cluster. A flaw, as a fixed reason, leaves the last one in use. */
  async renew(access: Access): Promise<Result<'renewed' | 'another-server', string>> {
    if (this.#cluster === null) return ok('another-server')
    const renewed = await this.#cluster.renew(access)
    if (!renewed.ok) return failed(renewed.failure.reason)
    if (renewed.value === 'renewed') {
      this.#access = access
      this.#health.recovered()
    }
    return renewed
  }

  standing(): PeerStanding {
    const { name, secret, terms, clock } = this.#o
    const last = this.#health.lastSuccessAtMs
    return {
      name,
      secret,
      server: this.#access.server,
      state: this.#state,
      reason: this.#reason,
      identity: this.#identity,
      isIdentityProven: this.#identity !== null && terms.namespaces === null,
      missingRights: this.#missing,
      successAgeMs: last === null ? null : clock.now() - last,
      credentialExpiresAtMs: credentialExpiry(this.#access),
      destination: this.#attached?.standing() ?? null,
    }
  }

  get identity(): string | null {
    return this.#identity
  }

  /** Something that decides about it changed elsewhere: look at once. */
  changed(): void {
    this.#wake.abort()
  }

  /** False: `signal` fired. */
  async #identify(api: ClusterApi, signal: AbortSignal): Promise<boolean> {
    const { terms, clock } = this.#o
    let pauseMs = PROBE_MIN_MS
    while (!signal.aborted) {
      const found = terms.namespaces === null ? await identityOf(api, { signal }) : null
      if (found !== null && !found.ok) {
        this.#fail(found.failure)
        await this.#sleep(pauseMs, signal)
        pauseMs = Math.min(PROBE_MAX_MS, pauseMs * 2)
        continue
      }
      this.#identity = found?.value ?? terms.identity
      const objection = this.#objectionTo(this.#identity)
      if (objection === null) return true
      this.#refuse(objection)
      await clock.sleep(REFUSED_MS, AbortSignal.any([signal, this.#newWake()]))
    }
    return false
  }

  /** Null: it may be this peer. What the Secret says is the operator's word which cluster is meant. */
  #objectionTo(identity: string | null): string | null {
    if (identity === null) return 'its identity is not known'
    const { terms, objection } = this.#o
    return terms.identity !== null && terms.identity !== identity
      ? 'it is another cluster than its annotation peer-identity names'
      : objection(identity)
  }

  /** From attaching to detaching. */
  async #serve(cluster: Cluster, api: ClusterApi, signal: AbortSignal): Promise<void> {
    const attached = new AbortController()
    const scope = new Scope(attached.signal)
    this.#attached = this.#attach(cluster, api, scope)
    this.#state = 'syncing'
    this.#reason = 'its objects are being listed'
    try {
      await this.#tend(api, signal)
    } finally {
      this.#isWorking = false
      await this.#attached.detach()
      attached.abort()
      this.#attached = null
      await scope.close()
    }
  }

  #attach(cluster: Cluster, api: ClusterApi, scope: Scope): Attached {
    const { name, terms, rules, kinds, attach, recorder, recorderOf, reflect } = this.#o
    const abroad = recorderOf(api, scope.signal)
    const reach = peerReach(name, terms, rules)
    const leadership = { isLive: () => this.#isWorking && this.#o.leadership.isLive() }
    const namespaces = this.#namespaces(api, { reach, leadership, recorder: abroad })
    if (namespaces !== null) scope.spawn((ending) => namespaces.run(ending))
    return attach({
      name,
      api,
      readNamespace:
        terms.namespaces === null
          ? (namespace, call) => api.readNamespace(namespace, call)
          : readListed(terms.namespaces),
      reach,
      recorder: routed(recorder, abroad),
      leadership,
      ...(namespaces === null ? {} : { indexed: (origin, view) => namespaces.indexed(origin, view) }),
      reflect: (sinks, ending) =>
        reflectPeer(
          { ...reflect, cluster, rules, kinds, namespaces: terms.namespaces, health: this.#health },
          sinks,
          ending,
        ),
    })
  }

  /** Null: none are made. A peer that grants single namespaces lists them itself. */
  #namespaces(
    api: ClusterApi,
    at: Pick<NamespacesOptions, 'reach' | 'leadership' | 'recorder'>,
  ): Namespaces | null {
    const { createsNamespaces, terms, clock, rules } = this.#o
    if (!createsNamespaces || terms.namespaces !== null) return null
    const lacks = (name: string): boolean => this.#attached?.lacksNamespace(name) === true
    this.#maker = new Namespaces({ ...at, api, clock, prefix: rules.prefix, lacks })
    return this.#maker
  }

  /** Lets work begin and end as the peer answers, until `signal` fires or its identity becomes another's. */
  async #tend(api: ClusterApi, signal: AbortSignal): Promise<void> {
    const { clock } = this.#o
    const renewal = this.#renewal(api)
    let preflightAtMs = clock.now()
    let probeMs = PROBE_MIN_MS
    while (!signal.aborted) {
      const objection = this.#objectionTo(this.#identity)
      if (objection !== null) return this.#refuse(objection)
      if (this.#health.isBroken) {
        this.#judge()
        await this.#sleep(probeMs, signal)
        const isBack = await this.#probe(api, signal)
        probeMs = isBack ? PROBE_MIN_MS : Math.min(PROBE_MAX_MS, probeMs * 2)
        continue
      }
      if (clock.now() >= preflightAtMs) {
        preflightAtMs = clock.now() + PREFLIGHT_INTERVAL_MS
        await this.#check(api, signal)
      }
      this.#judge()
      if (renewal !== null && this.#isWorking) await this.#renewToken(renewal, signal)
      await clock.sleep(LOOK_MS, AbortSignal.any([signal, this.#newWake()]))
    }
  }

  #renewal(api: ClusterApi): Renewal | null {
    const { renewsAt = null, secret, clock, leadership } = this.#o
    if (renewsAt === null) return null
    return new Renewal({ secret, home: renewsAt, peer: api, clock, isLive: () => leadership.isLive() })
  }

  /** The new one comes back by the watch of home, as any change of the Secret does. */
  async #renewToken(renewal: Renewal, signal: AbortSignal): Promise<void> {
    const renewed = await renewal.look(this.#access, signal)
    if (typeof renewed === 'object') this.#tell('PeerTokenNotRenewed', { reason: renewed.reason })
  }

  #judge(): void {
    const verdict = this.#health.verdict()
    const shouldWork = verdict === 'up' && this.#o.leadership.isLive()
    if (shouldWork !== this.#isWorking) {
      this.#isWorking = shouldWork
      if (shouldWork) this.#attached?.lead()
      else this.#attached?.follow()
    }
    this.#settle(verdict)
  }

  #settle(verdict: ReturnType<PeerHealth['verdict']>): void {
    const before = this.#state
    if (verdict !== 'up') {
      this.#state = verdict
      this.#reason = REASONS[verdict]
      if (before !== verdict) this.#tell('PeerUnreachable', { reason: REASONS[verdict] })
      return
    }
    const isSynced = this.#attached?.standing().isSynced === true
    const isLive = this.#o.leadership.isLive()
    if (isSynced && isLive && before !== 'ready') this.#maker?.changed()
    this.#state = isSynced ? (isLive ? 'ready' : 'standby') : 'syncing'
    this.#reason = isSynced ? null : 'its objects are being listed'
  }

  /** One request that every credential may make, where nobody took that right away. */
  async #probe(api: ClusterApi, signal: AbortSignal): Promise<boolean> {
    const question = { verb: 'get', apiGroup: '', resource: 'secrets', namespace: null, name: null } as const
    const answer = await api.reviewAccess(question, { signal })
    return this.#health.probed(answer.ok ? null : answer.failure.kind)
  }

  async #check(api: ClusterApi, signal: AbortSignal): Promise<void> {
    const { kinds, terms, createsNamespaces, renewsAt = null } = this.#o
    const renews = renewsAt === null ? null : renewableAccount(this.#access)
    const missing = await preflight(
      { api, kinds, namespaces: terms.namespaces, createsNamespaces, renews },
      { signal },
    )
    if (missing === null) return
    this.#missing = missing
    if (missing.length > 0) {
      const more = missing.length > RIGHTS_TOLD_MAX ? ', …' : ''
      this.#tell('PeerRightsMissing', { rights: missing.slice(0, RIGHTS_TOLD_MAX).join(', ') + more })
    }
  }

  #fail(failure: Failure): void {
    const state = failure.kind === 'unauthorized' ? 'unauthorized' : 'unreachable'
    const reason =
      failure.kind === 'forbidden' ? 'its credential may not read which cluster it is' : REASONS[state]
    if (this.#state !== state) this.#tell('PeerUnreachable', { reason })
    this.#state = state
    this.#reason = reason
  }

  #refuse(reason: string): void {
    this.#state = 'refused'
    this.#reason = reason
    this.#tell('PeerRefused', { reason })
  }

  #tell(code: NoticeCode, words: Readonly<Record<string, string>>): void {
    this.#o.recorder.tell(notice(code, this.#o.secret, { name: this.#o.name, ...words }))
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#o
    return clock.sleep(ms * (0.8 + 0.4 * random.next()), AbortSignal.any([signal, this.#newWake()]))
  }

  #newWake(): AbortSignal {
    this.#wake = new AbortController()
    return this.#wake.signal
  }
}

const REASONS = {
  unreachable: 'it does not answer',
  unauthorized: 'it refuses the credential',
} as const

/** What origins' owners are told, and of held deletions, belongs at home, everything else beside the object in the peer. */
function routed(home: Recorder, abroad: Recorder): Recorder {
  const isOfHome = (code: NoticeCode): boolean => code === 'DeletionsHeld' || NOTICES[code].about === 'origin'
  return { ...abroad, tell: (told) => (isOfHome(told.code) ? home : abroad).tell(told) }
}
