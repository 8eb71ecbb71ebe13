/** Peer Secrets become links: the last good one stays, another credential needs no new link, of two with one name or cluster the older stays, and each flaw is told. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Failure } from '../../src/core/failure.ts'
import { keyOf } from '../../src/core/names.ts'
import type { ObjectKey, ResourceVersion, Uid } from '../../src/core/names.ts'
import type { Notice } from '../../src/core/notices.ts'
import type { FullObject, ObjectMeta } from '../../src/core/objects.ts'
import type { Recorder } from '../../src/engine/ports.ts'
import type { Access } from '../../src/kube/access.ts'
import type { PeerLink, PeerStanding } from '../../src/peers/link.ts'
import { Registry } from '../../src/peers/registry.ts'
import type { RegistryOptions } from '../../src/peers/registry.ts'
import { failed, ok } from '../../src/std/result.ts'
import type { Result } from '../../src/std/result.ts'
import { Sensitive } from '../../src/std/sensitive.ts'
import { PREFIX, RULES } from '../core/rules.ts'
import { FakeClock } from '../kube/fake-clock.ts'

interface Written {
  readonly server?: string
  readonly token?: string
  /** Instead of a good form. */
  readonly texts?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly createdAt?: string
  readonly uid?: string
  readonly namespace?: string
  readonly kind?: 'Secret' | 'ConfigMap'
}

type LinkAbout = Parameters<RegistryOptions['link']>[0]

/** A link that does nothing but say what is done to it. */
class FakeLink {
  readonly about: LinkAbout
  readonly tokens: (string | null)[] = []
  identity: string | null = null
  isRunning = false
  looks = 0
  renewal: Result<'renewed' | 'another-server', string> = ok('renewed')
  mirrors: ReadonlyMap<string, number> = new Map()

  constructor(about: LinkAbout) {
    this.about = about
  }

  renew(access: Access): Promise<Result<'renewed' | 'another-server', string>> {
    this.tokens.push(tokenOf(access))
    return Promise.resolve(this.renewal)
  }

  changed(): void {
    this.looks += 1
  }

  standing(): PeerStanding {
    const { name } = this.about
    const destination = { mirrors: this.mirrors }
    return { name, state: 'ready', reason: null, destination } as unknown as PeerStanding
  }

  run(signal: AbortSignal): Promise<void> {
    this.isRunning = true
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        this.isRunning = false
        resolve()
      })
    })
  }
}

class Scene {
  readonly clock = new FakeClock()
  readonly links: FakeLink[] = []
  readonly told: Notice[] = []
  readonly settled: (readonly [readonly string[], ReadonlyMap<string, string | null>])[] = []
  readonly away = new Set<string>()
  readonly elsewhere = new Map<string, string>()
  readonly ending = new AbortController()
  readonly registry: Registry
  readonly done: Promise<void>
  failure: Failure | null = null
  reads = 0
  readonly #secrets = new Map<ObjectKey, FullObject>()
  #version = 0

  constructor() {
    this.registry = new Registry({
      api: { readFull: (ref) => Promise.resolve(this.#read(keyOf(ref))) },
      clock: this.clock,
      rules: RULES,
      allowProxy: false,
      objectAtHome: (key) => this.#secrets.get(key)?.meta ?? null,
      identity: () => 'home-identity',
      recorderOf: () => ({ tell: (told: Notice) => void this.told.push(told) }) as unknown as Recorder,
      shard: (peer) => ({ isLive: () => !this.away.has(peer) }),
      settled: (peers, linked) => void this.settled.push([peers, linked]),
      identityElsewhere: (peer) => this.elsewhere.get(peer) ?? null,
      crashed: (error) => assert.ifError(error),
      link: (about) => {
        const link = new FakeLink(about)
        this.links.push(link)
        return link as unknown as PeerLink
      },
    })
    this.done = this.registry.run(this.ending.signal)
  }

  /** Writes the Secret as a whole; null removes it. */
  async put(name: string, written: Written | null): Promise<void> {
    this.#version += 1
    const made = secretOf(name, written ?? {}, this.#version)
    const before = this.#secrets.get(made.meta.key)?.meta ?? null
    if (written === null) this.#secrets.delete(made.meta.key)
    else this.#secrets.set(made.meta.key, made)
    this.registry.objectChanged(made.meta.key, before, written === null ? null : made.meta)
    await this.clock.advance(0)
  }

  async look(): Promise<void> {
    this.registry.changed()
    await this.clock.advance(0)
  }

  /** Names of the peers that are linked. */
  get running(): readonly string[] {
    return this.links.filter(({ isRunning }) => isRunning).map(({ about }) => about.name)
  }

  get reasons(): readonly string[] {
    return [...new Set(this.told.map(({ code, subject, message }) => `${code} ${subject.name}: ${message}`))]
  }

  only(): FakeLink {
    const [link, other] = this.links.filter(({ isRunning }) => isRunning)
    assert.ok(link !== undefined && other === undefined)
    return link
  }

  #read(key: ObjectKey): Result<FullObject, Failure> {
    this.reads += 1
    const secret = this.#secrets.get(key)
    if (this.failure !== null) return failed(this.failure)
    return secret === undefined ? failed({ kind: 'absent' }) : ok(secret)
  }
}

function secretOf(name: string, written: Written, version: number): FullObject {
  const { server = 'https://eu:6443', token = 'first', annotations = {}, kind = 'Secret' } = written
  const texts = written.texts ?? { server, config: JSON.stringify({ bearerToken: token }) }
  const ref = { kind, namespace: written.namespace ?? RULES.ownNamespace, name } as const
  const meta: ObjectMeta = {
    ...ref,
    key: keyOf(ref),
    uid: (written.uid ?? name) as Uid,
    version: String(version) as ResourceVersion,
    createdAt: written.createdAt ?? '2026-11-24T00:00:00Z',
    deleting: false,
    labels: written.labels ?? { [`${PREFIX}peer`]: 'true' },
    annotations: Object.fromEntries(Object.entries(annotations).map(([key, text]) => [PREFIX + key, text])),
    fields: { ours: [], others: [] },
    lastApplied: false,
  }
  const data = new Map(
    Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  )
  const content = { type: 'Opaque', immutable: false, data, binaryData: new Map<string, string>() }
  return { meta, content: new Sensitive(content), sizeBytes: 0, writtenAtMs: 0 }
}

function tokenOf({ token }: Access): string | null {
  return token.kind === 'fixed' ? token.token.reveal() : null
}

test('a labelled Secret in the own namespace becomes a link with what it says', async () => {
  const s = new Scene()
  await s.put('eu', { annotations: { 'peer-name': 'prod-eu', 'peer-origins': 'platform/*' } })
  const { about } = s.only()
  assert.deepEqual(
    [about.name, about.access.server, tokenOf(about.access), about.secret.name, about.secret.uid],
    ['prod-eu', 'https://eu:6443', 'first', 'eu', 'eu'],
  )
  assert.equal(about.terms.origins?.matches('platform/tls'), true)
})

test('what is not labelled so, lies elsewhere, or is no Secret, is not even read', async () => {
  const s = new Scene()
  await s.put('unlabelled', { labels: {} })
  await s.put('false', { labels: { [`${PREFIX}peer`]: 'false' } })
  await s.put('argo', { labels: { 'argocd.argoproj.io/secret-type': 'cluster' } })
  await s.put('tenant', { namespace: 'team-a' })
  await s.put('map', { kind: 'ConfigMap' })
  assert.deepEqual([s.running, s.reads], [[], 0])
})

test('another token is given to the link that stands', async () => {
  const s = new Scene()
  await s.put('eu', {})
  const link = s.only()
  await s.put('eu', { token: 'second' })
  await s.look()
  assert.deepEqual([link.tokens, s.links.length, s.running], [['second'], 1, ['eu']])
})

test('a change of anything but the credential ends the link and begins another', async () => {
  const changes: readonly Written[] = [
    { server: 'https://us:6443' },
    { annotations: { 'peer-origins': '*' } },
    { annotations: { 'peer-name': 'other' } },
    { annotations: { 'peer-identity': 'x' } },
    { annotations: { 'peer-identity': 'x', 'peer-namespaces': 'a' } },
    { uid: 'made-anew' },
  ]
  for (const change of changes) {
    const s = new Scene()
    await s.put('eu', {})
    const before = s.only()
    await s.put('eu', change)
    await s.look()
    assert.notEqual(s.only(), before, JSON.stringify(change))
    assert.deepEqual([before.isRunning, before.tokens], [false, []])
  }
})

test('annotations and labels of others change nothing', async () => {
  const s = new Scene()
  await s.put('eu', {})
  await s.put('eu', { labels: { [`${PREFIX}peer`]: 'true', team: 'x' }, annotations: { paused: 'true' } })
  assert.equal(s.links.length, 1)
  assert.equal(s.only().isRunning, true)
})

const BROKEN: readonly (readonly [Written, RegExp])[] = [
  [{ texts: { kubeconfig: 'a: [' } }, /no YAML map/],
  [{ texts: {} }, /must hold kubeconfig/],
  [{ server: 'http://eu' }, /server must be an https URL/],
  [{ annotations: { 'peer-origins': '[' } }, /peer-origins/],
  [{ annotations: { 'peer-namespaces': 'a' } }, /peer-namespaces needs peer-identity/],
  [{ annotations: { 'peer-name': 'home' } }, /its name must be a DNS subdomain, and not home/],
]

for (const [broken, reason] of BROKEN) {
  test(`a Secret that breaks leaves the last good link at work and says why: ${reason.source}`, async () => {
    const s = new Scene()
    await s.put('eu', {})
    const link = s.only()
    await s.put('eu', broken)
    assert.equal(s.only(), link)
    assert.match(s.reasons.join(), /^PeerRefused eu: Peer eu is not used as this Secret says: /)
    assert.match(s.reasons.join(), reason)
    const [standing] = s.registry.standing()
    assert.match(standing?.reason ?? '', /the Secret was changed and is refused: /)
    await s.put('eu', { token: 'mended' })
    assert.deepEqual([s.only(), link.tokens], [link, ['mended']])
    assert.equal(s.registry.standing()[0]?.reason, null)
  })

  test(`a Secret that never was good has no link and says why: ${reason.source}`, async () => {
    const s = new Scene()
    await s.put('eu', broken)
    assert.deepEqual(s.running, [])
    assert.match(s.reasons.join(), reason)
    assert.equal(s.registry.standing()[0]?.state, 'refused')
    await s.put('eu', {})
    assert.deepEqual(s.running, ['eu'])
  })
}

test('a Secret that was deleted and made anew broken keeps no link of the former', async () => {
  const s = new Scene()
  await s.put('eu', {})
  await s.put('eu', { uid: 'made-anew', texts: {} })
  assert.deepEqual(s.running, [])
})

test('a credential that parses but cannot be used is told, the last one stays, and the next good one is taken', async () => {
  const s = new Scene()
  await s.put('eu', {})
  const link = s.only()
  link.renewal = failed('the client key is no key')
  await s.put('eu', { token: 'second' })
  assert.match(s.reasons.join(), /the client key is no key/)
  assert.deepEqual(s.running, ['eu'])
  link.renewal = ok('renewed')
  await s.put('eu', { token: 'third' })
  await s.look()
  assert.deepEqual([link.tokens, s.only()], [['second', 'third'], link])
})

test('where the link finds that it is another server after all, another link begins', async () => {
  const s = new Scene()
  await s.put('eu', {})
  const link = s.only()
  link.renewal = ok('another-server')
  await s.put('eu', { token: 'second' })
  await s.look()
  assert.notEqual(s.only(), link)
  assert.equal(tokenOf(s.only().about.access), 'second')
})

test('of two Secrets with one name the older stays, whichever came first; the younger takes its place when it goes', async () => {
  const s = new Scene()
  const young = { annotations: { 'peer-name': 'prod' }, createdAt: '2026-11-24T00:00:01Z' }
  await s.put('young', young)
  assert.equal(s.only().about.secret.name, 'young')
  await s.put('old', { ...young, createdAt: '2026-11-24T00:00:00Z' })
  await s.look()
  assert.equal(s.only().about.secret.name, 'old')
  assert.match(s.reasons.join(), /PeerRefused young: .*an older Secret has a peer of this name/)
  await s.put('old', null)
  await s.look()
  assert.equal(s.only().about.secret.name, 'young')
})

test('of two of one age the first by name stays', async () => {
  const s = new Scene()
  for (const name of ['b', 'a']) await s.put(name, { annotations: { 'peer-name': 'prod' } })
  await s.look()
  assert.equal(s.only().about.secret.name, 'a')
})

test('home itself, and a cluster that an older Secret has here or at another replica, is no peer', async () => {
  const s = new Scene()
  await s.put('a', { createdAt: '2026-11-24T00:00:00Z' })
  await s.put('b', { createdAt: '2026-11-24T00:00:01Z', server: 'https://other' })
  await s.put('c', { createdAt: '2026-11-24T00:00:02Z', server: 'https://third' })
  const [a, b, c] = s.links
  assert.ok(a !== undefined && b !== undefined && c !== undefined)
  assert.equal(a.about.objection('home-identity'), 'it is this very cluster')
  assert.equal(b.about.objection('one'), null)
  a.identity = 'one'
  const taken = 'an older Secret has the same cluster as its peer'
  assert.deepEqual(
    [a, b, c].map(({ about }) => about.objection('one')),
    [null, taken, taken],
  )
  s.away.add('b')
  await s.look()
  s.elsewhere.set('b', 'two')
  assert.deepEqual(
    [a, c].map(({ about }) => about.objection('two')),
    [null, taken],
  )
})

test('a shard that goes takes its link along and a shard that comes brings it; the name stays known', async () => {
  const s = new Scene()
  await s.put('eu', {})
  s.away.add('eu')
  await s.look()
  assert.deepEqual([s.running, s.registry.standing()[0]?.state], [[], 'standby'])
  assert.deepEqual(s.settled.at(-1)?.[0], ['eu'])
  s.away.delete('eu')
  await s.look()
  assert.deepEqual(s.running, ['eu'])
})

test('what is linked is told by name with its identity, and a Secret that never was good by its own name', async () => {
  const s = new Scene()
  await s.put('eu', { annotations: { 'peer-name': 'prod-eu' } })
  await s.put('broken', { texts: {}, annotations: { 'peer-name': 'prod-us' } })
  s.only().identity = 'one'
  await s.look()
  const [names, linked] = s.settled.at(-1) ?? []
  assert.deepEqual(
    [[...(names ?? [])].sort(), [...(linked ?? [])]],
    [['broken', 'prod-eu'], [['prod-eu', 'one']]],
  )
})

test('links are told to look when something changes elsewhere', async () => {
  const s = new Scene()
  await s.put('eu', {})
  const { looks } = s.only()
  await s.look()
  assert.equal(s.only().looks, looks + 1)
})

test('a Secret that could not be read is read again, and what stood before goes on meanwhile', async () => {
  const s = new Scene()
  await s.put('eu', {})
  const link = s.only()
  s.failure = { kind: 'unanswered' } as unknown as Failure
  await s.put('eu', { token: 'second' })
  assert.deepEqual([s.running, link.tokens], [['eu'], []])
  s.failure = null
  await s.clock.advance(5_000)
  assert.deepEqual(link.tokens, ['second'])
})

test('a peer whose Secret goes is unlinked, and its owner is told how many mirrors stay', async () => {
  const s = new Scene()
  await s.put('eu', {})
  s.only().mirrors = new Map(
    Object.entries({ synced: 5, contested: 1, leaving: 1, blocked: 3, refused: 2, unowned: 1 }),
  )
  await s.put('eu', null)
  assert.deepEqual([s.running, s.registry.standing()], [[], []])
  assert.match(s.reasons.join(), /PeerRemoved eu: Peer eu was removed\. Mirrors that stay there: 7\./)
})

test('the label taken off is as good as the Secret gone', async () => {
  const s = new Scene()
  await s.put('eu', {})
  await s.put('eu', { labels: {} })
  assert.deepEqual(s.running, [])
})

test('no notice quotes a token', async () => {
  const s = new Scene()
  for (const [broken] of BROKEN) await s.put('eu', { token: 'top-secret-token', ...broken })
  assert.doesNotMatch(s.reasons.join(), /top-secret-token/)
})

test('the end of the registry ends every link', async () => {
  const s = new Scene()
  for (const name of ['eu', 'us']) await s.put(name, { server: `https://${name}` })
  s.ending.abort()
  await s.done
  assert.deepEqual(s.running, [])
})
