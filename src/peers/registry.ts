/**
 * The peers of this home: Secrets with the label `peer` in the controller's own namespace, read when they change. Each good one has a link;
 * one that cannot be used any more keeps its last good link, and says so; of two with one name or one cluster the older Secret stays.
 */

import { createHash } from 'node:crypto'

import { annotation } from '../core/annotations.ts'
import type { MirrorState } from '../core/decision.ts'
import type { ObjectKey } from '../core/names.ts'
import { refOf } from '../core/names.ts'
import { notice } from '../core/notices.ts'
import type { FullObject, ObjectMeta } from '../core/objects.ts'
import type { Rules } from '../core/rules.ts'
import type { Leadership, Recorder } from '../engine/ports.ts'
import type { Access } from '../kube/access.ts'
import type { ClusterApi } from '../kube/api.ts'
import type { Clock } from '../std/clock.ts'
import { Scope } from '../std/scope.ts'
import { credentialExpiry } from './expiry.ts'
import { parseForm } from './forms.ts'
import type { LinkOptions, PeerLink, PeerStanding } from './link.ts'
import { OUT_OF_SERVICE, parseTerms, peerName } from './terms.ts'
import type { Terms } from './terms.ts'

/** A Secret that could not be read is read again after so long. */
const RETRY_MS = 5_000
const IDLE_MS = 60_000

/** Something else stands there, or nothing does. */
const NO_MIRROR: ReadonlySet<MirrorState> = new Set(['blocked', 'refused', 'unowned'])

/** What a Secret says, when it says it well. */
interface Good {
  readonly name: string
  readonly terms: Terms
  readonly access: Access
  /** Of everything that needs a new link when it changes. */
  readonly fixed: string
}

interface Entry {
  readonly meta: ObjectMeta
  /** The last that was good; null: none was. */
  readonly good: Good | null
  /** What is wrong with the Secret as it stands; null: nothing. */
  readonly flaw: string | null
}

/** A peer as a good Secret makes it, linked here or not. */
export interface KnownPeer {
  readonly name: string
  readonly terms: Terms
}

interface Running {
  readonly link: PeerLink
  readonly good: Good
  readonly scope: Scope
}

export interface RegistryOptions {
  readonly api: Pick<ClusterApi, 'readFull'>
  readonly clock: Clock
  readonly rules: Rules
  readonly allowProxy: boolean
  /** The newest metadata of an object of home. */
  readonly objectAtHome: (key: ObjectKey) => ObjectMeta | null
  /** Home's identity; null until it is known: no peer is linked before. */
  readonly identity: () => string | null
  /** For what is told at home of the peer of that name: only the replica that has its shard tells. */
  readonly recorderOf: (peer: string) => Recorder
  /** The leadership of the peer's shard; its link stands only while this replica has that shard. */
  readonly shard: (peer: string) => Leadership
  /** Names of all peers, and of those that are linked here their identities, null where not known yet. Told again and again. */
  readonly settled?: (peers: readonly string[], linked: ReadonlyMap<string, string | null>) => void
  /** Identity of a peer that another replica has linked; null: not known. */
  readonly identityElsewhere?: (peer: string) => string | null
  /** No Secret has a peer of this name any more. */
  readonly removed?: (name: string) => void
  /** A bug in a link's tasks. */
  readonly crashed: (error: unknown) => void
  readonly link: (
    options: Pick<LinkOptions, 'name' | 'secret' | 'access' | 'terms' | 'leadership' | 'objection'>,
  ) => PeerLink
}

export class Registry {
  readonly #o: RegistryOptions
  readonly #entries = new Map<ObjectKey, Entry>()
  readonly #running = new Map<ObjectKey, Running>()
  /** Links that end: one whose requests hang takes as long as a drain does. */
  readonly #ending = new Map<ObjectKey, Promise<void>>()
  readonly #dirty = new Set<ObjectKey>()
  /** Every Secret was read as it stands. */
  #isRead = false
  #wake = new AbortController()

  constructor(options: RegistryOptions) {
    this.#o = options
  }

  /** On the read loop: an object of home changed. */
  objectChanged(key: ObjectKey, before: ObjectMeta | null, after: ObjectMeta | null): void {
    if (!this.#isPeer(before) && !this.#isPeer(after)) return
    this.#dirty.add(key)
    this.#isRead = false
    this.#wake.abort()
  }

  /** Shards or home's identity changed: who is linked is decided anew. */
  changed(): void {
    this.#wake.abort()
  }

  /** Runs until `signal` fires; then every link is ended. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = new AbortController()
      const isWhole = await this.#readDirty(signal)
      this.#isRead = isWhole && this.#dirty.size === 0
      await this.#reconcile(signal)
      const isWaiting = !isWhole || this.#o.identity() === null
      await this.#o.clock.sleep(isWaiting ? RETRY_MS : IDLE_MS, AbortSignal.any([signal, this.#wake.signal]))
    }
    for (const key of this.#running.keys()) this.#stop(key)
    await Promise.all(this.#ending.values())
  }

  /** All peers, each name once; null while a Secret that we know of is still to be read. */
  known(): readonly KnownPeer[] | null {
    if (!this.#isRead) return null
    const byName = new Map<string, KnownPeer>()
    for (const { good } of this.#eldestFirst().values())
      if (good !== null && !byName.has(good.name)) byName.set(good.name, good)
    return [...byName.values()]
  }

  standing(): readonly PeerStanding[] {
    return [...this.#entries].map(([key, entry]) => {
      const running = this.#running.get(key)
      return running === undefined ? unlinked(entry) : withFlaw(running.link.standing(), entry.flaw)
    })
  }

  /** False: something could not be read now. */
  async #readDirty(signal: AbortSignal): Promise<boolean> {
    const unread: ObjectKey[] = []
    for (const key of this.#dirty) {
      if (signal.aborted) return false
      this.#dirty.delete(key)
      const meta = this.#o.objectAtHome(key)
      if (meta === null || !this.#isPeer(meta) || meta.deleting) {
        this.#remove(key, { isCleaned: this.#isCleaned(meta) })
        continue
      }
      const read = await this.#o.api.readFull(refOf(key), { signal })
      if (!read.ok && read.failure.kind !== 'absent') {
        unread.push(key)
        continue
      }
      if (!read.ok) this.#remove(key, { isCleaned: false })
      else this.#take(key, read.value.meta, this.#parse(read.value))
    }
    for (const key of unread) this.#dirty.add(key)
    return unread.length === 0
  }

  #parse(secret: FullObject): Good | string {
    const { rules, allowProxy } = this.#o
    const form = parseForm(secret.content.reveal(), { allowProxy })
    if (!form.ok) return form.failure
    const terms = parseTerms(secret.meta, rules.prefix)
    if (!terms.ok) return terms.failure
    const name = peerName(terms.value, form.value.name, secret.meta.name)
    if (name === null) return 'its name must be a DNS subdomain, and not home: give one with peer-name'
    const { access } = form.value
    return { name, terms: terms.value, access, fixed: fixedPart(secret.meta, name, access, rules.prefix) }
  }

  #take(key: ObjectKey, meta: ObjectMeta, parsed: Good | string): void {
    const before = this.#entries.get(key)
    const last = before?.meta.uid === meta.uid ? before.good : null
    const isFlawed = typeof parsed === 'string'
    const entry: Entry = { meta, good: isFlawed ? last : parsed, flaw: isFlawed ? parsed : null }
    this.#entries.set(key, entry)
  }

  #remove(key: ObjectKey, { isCleaned }: { readonly isCleaned: boolean }): void {
    const entry = this.#entries.get(key)
    this.#entries.delete(key)
    // Its mirrors are being deleted by whoever took it out of service, who tells how many.
    if (isCleaned) this.#stop(key)
    else this.#leave(key, entry)
    if (entry?.good != null && !this.#ending.has(key)) this.#forget(entry.good.name)
  }

  #leave(key: ObjectKey, entry: Entry | undefined): void {
    const running = this.#running.get(key)
    if (running === undefined || entry === undefined) return
    const mirrors = [...(running.link.standing().destination?.mirrors ?? [])]
    const count = mirrors.reduce((sum, [state, each]) => (NO_MIRROR.has(state) ? sum : sum + each), 0)
    this.#stop(key)
    const { name } = running.good
    this.#o.recorderOf(name).tell(notice('PeerRemoved', entry.meta, { name, count }))
  }

  #forget(name: string): void {
    if ([...this.#entries.values()].every(({ good }) => good?.name !== name)) this.#o.removed?.(name)
  }

  /** Makes the links equal to what the Secrets say and the shards allow. */
  async #reconcile(signal: AbortSignal): Promise<void> {
    // Whose mirrors those on peers are is not known while home's own identity is in doubt.
    const wanted = this.#o.identity() === null ? new Map<ObjectKey, Good>() : this.#wanted()
    this.#settle()
    await Promise.all(
      [...this.#running].map(async ([key, running]) => {
        const good = wanted.get(key)
        if (good === undefined) this.#stop(key)
        else if (good !== running.good) await this.#change(key, running, good)
      }),
    )
    if (!signal.aborted)
      for (const [key, good] of wanted)
        if (!this.#running.has(key) && !this.#ending.has(key)) this.#start(key, good)
    for (const { link } of this.#running.values()) link.changed()
    this.#settle()
  }

  /** A Secret that never was good counts by its own name, so that some replica has it and says what is wrong. */
  #settle(): void {
    const linked = [...this.#running.values()].map(({ good, link }) => [good.name, link.identity] as const)
    const names = new Set([...this.#entries.values()].map(({ meta, good }) => good?.name ?? meta.name))
    this.#o.settled?.([...names], new Map(linked))
  }

  #eldestFirst(): ReadonlyMap<ObjectKey, Entry> {
    return new Map([...this.#entries].sort(([, a], [, b]) => older(a.meta, b.meta)))
  }

  /** Of two Secrets with one name the older stays; the other says so. */
  #wanted(): ReadonlyMap<ObjectKey, Good> {
    const byName = new Map<string, ObjectKey>()
    const wanted = new Map<ObjectKey, Good>()
    for (const [key, entry] of this.#eldestFirst()) {
      // Said again, as it may have been another replica's to say; the recorder tells it once.
      if (entry.flaw !== null) this.#refuse(entry, entry.flaw)
      if (entry.good === null) continue
      if (byName.has(entry.good.name)) {
        this.#refuse(entry, 'an older Secret has a peer of this name')
        continue
      }
      byName.set(entry.good.name, key)
      if (this.#o.shard(entry.good.name).isLive()) wanted.set(key, entry.good)
    }
    return wanted
  }

  /** Another token or certificate is taken up, or refused and the last one kept; anything else needs a new link. */
  async #change(key: ObjectKey, running: Running, good: Good): Promise<void> {
    const renewed = good.fixed === running.good.fixed ? await running.link.renew(good.access) : null
    if (renewed?.ok === true && renewed.value === 'renewed')
      return void this.#running.set(key, { ...running, good })
    if (renewed?.ok === false) return this.#keepLast(key, running.good, renewed.failure)
    this.#stop(key)
  }

  /** What parsed well cannot be used: the last credential that could stays. */
  #keepLast(key: ObjectKey, last: Good, flaw: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.set(key, { ...entry, good: last, flaw })
    this.#refuse(entry, flaw)
  }

  #start(key: ObjectKey, good: Good): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    const { kind, namespace, name, uid } = entry.meta
    const link = this.#o.link({
      name: good.name,
      secret: { kind, namespace, name, uid },
      access: good.access,
      terms: good.terms,
      leadership: this.#o.shard(good.name),
      objection: (identity) => this.#objection(key, identity),
    })
    const scope = new Scope()
    scope.spawn((ending) => link.run(ending).catch((error: unknown) => this.#o.crashed(error)))
    this.#running.set(key, { link, good, scope })
  }

  /** Ends a link beside everything else, so that one that hangs delays no other; then its Secret may have another. */
  #stop(key: ObjectKey): void {
    const running = this.#running.get(key)
    if (running === undefined) return
    this.#running.delete(key)
    const ended = running.scope.close().then(() => {
      this.#ending.delete(key)
      this.#forget(running.good.name)
      this.#wake.abort()
    })
    this.#ending.set(key, ended)
  }

  /** Home itself, or a cluster that an older Secret has as its peer. */
  #objection(key: ObjectKey, identity: string): string | null {
    if (identity === this.#o.identity()) return 'it is this very cluster'
    const mine = this.#entries.get(key)?.meta
    for (const [other, { meta, good }] of this.#entries) {
      if (other === key || mine === undefined || good === null || older(meta, mine) > 0) continue
      const theirs = this.#running.get(other)?.link.identity ?? this.#o.identityElsewhere?.(good.name)
      if (theirs === identity) return 'an older Secret has the same cluster as its peer'
    }
    return null
  }

  #refuse({ meta, good }: Entry, reason: string): void {
    const name = good?.name ?? meta.name
    this.#o.recorderOf(name).tell(notice('PeerRefused', meta, { name, reason }))
  }

  #isCleaned(meta: ObjectMeta | null): boolean {
    return meta?.labels[annotation(this.#o.rules.prefix, 'peer')] === OUT_OF_SERVICE
  }

  #isPeer(meta: ObjectMeta | null): boolean {
    const { ownNamespace, prefix } = this.#o.rules
    return (
      meta?.kind === 'Secret' &&
      meta.namespace === ownNamespace &&
      meta.labels[annotation(prefix, 'peer')] === 'true'
    )
  }
}

function older(a: ObjectMeta, b: ObjectMeta): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1
  return a.key < b.key ? -1 : 1
}

const TERMS = ['peer-name', 'peer-origins', 'peer-namespaces', 'peer-identity'] as const

/** Everything but the credential, as one text. A CA is no secret; it is hashed for its length only. */
function fixedPart(meta: ObjectMeta, name: string, access: Access, prefix: string): string {
  const ca = access.ca?.kind === 'bytes' ? access.ca.bytes.reveal() : ''
  return JSON.stringify([
    name,
    meta.uid,
    access.server,
    access.tlsServerName,
    access.proxyUrl,
    createHash('sha256').update(ca).digest('hex'),
    ...TERMS.map((key) => meta.annotations[annotation(prefix, key)] ?? null),
  ])
}

const UNLINKED =
  'another replica keeps it, an older Secret has its name, or home’s identity is not settled (see heliograph-digest-key)'

function unlinked({ meta, good, flaw }: Entry): PeerStanding {
  const { kind, namespace, name, uid } = meta
  return {
    name: good?.name ?? name,
    secret: { kind, namespace, name, uid },
    server: good?.access.server ?? '',
    state: flaw === null ? 'standby' : 'refused',
    reason: flaw ?? UNLINKED,
    identity: null,
    isIdentityProven: false,
    missingRights: [],
    successAgeMs: null,
    credentialExpiresAtMs: good === null ? null : credentialExpiry(good.access),
    destination: null,
  }
}

/** What is wrong with the Secret as it stands, while its last good link goes on. */
function withFlaw(standing: PeerStanding, flaw: string | null): PeerStanding {
  return flaw === null ? standing : { ...standing, reason: `the Secret was changed and is refused: ${flaw}` }
}
