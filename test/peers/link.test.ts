/** One peer's life: attached when it is known which cluster it is, worked on only while it answers and this replica leads, asked about its rights, renewed in place, detached at the end. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Failure } from '../../src/core/failure.ts'
import type { Uid } from '../../src/core/names.ts'
import type { Notice } from '../../src/core/notices.ts'
import type { Peer } from '../../src/engine/controller.ts'
import type { Recorder } from '../../src/engine/ports.ts'
import type { Access, AccessFlaw } from '../../src/kube/access.ts'
import type { RequestObserver } from '../../src/kube/connection.ts'
import { FAILURES_MAX, PROBE_MAX_MS } from '../../src/peers/health.ts'
import { PREFLIGHT_INTERVAL_MS, PeerLink } from '../../src/peers/link.ts'
import type { LinkOptions } from '../../src/peers/link.ts'
import { failed, ok } from '../../src/std/result.ts'
import type { Result } from '../../src/std/result.ts'
import { RULES } from '../core/rules.ts'
import { FakeClock } from '../kube/fake-clock.ts'
import { plainAccess } from '../kube/rig.ts'

const LOOK_MS = 2_000
const UNANSWERED = { kind: 'unanswered' } as unknown as Failure
const UNAUTHORIZED = { kind: 'unauthorized' } as unknown as Failure
const FORBIDDEN = { kind: 'forbidden', code: 403 } as unknown as Failure

class Scene {
  readonly clock = new FakeClock()
  readonly told: Notice[] = []
  readonly abroad: Notice[] = []
  /** In order: what was done to the cluster and the engine. */
  readonly log: string[] = []
  readonly ending = new AbortController()
  readonly link: PeerLink
  readonly done: Promise<void>
  /** How the peer answers. */
  identity: Result<string, Failure> = ok('its-identity')
  review: (what: string) => Result<boolean, Failure> = () => ok(true)
  renewal: Result<'renewed' | 'another-server', AccessFlaw> = ok('renewed')
  isLive = true
  isSynced = true
  objection: string | null = null
  reviews = 0
  observer: RequestObserver | null = null
  peer: Peer | null = null

  constructor(change: Partial<Pick<LinkOptions, 'terms'>> = {}, flaw: AccessFlaw | null = null) {
    const recorder = { tell: (told: Notice) => void this.told.push(told) } as unknown as Recorder
    const options = {
      name: 'eu',
      secret: { kind: 'Secret', namespace: 'heliograph', name: 'eu', uid: 'uid' as Uid },
      access: plainAccess('https://eu'),
      terms: { name: null, origins: null, namespaces: null, identity: null },
      rules: RULES,
      kinds: RULES.kinds,
      createsNamespaces: false,
      clock: this.clock,
      random: { next: () => 0.5 },
      connect: (_: Access, observer: RequestObserver) => {
        this.observer = observer
        return Promise.resolve(flaw === null ? ok(this.#cluster()) : failed(flaw))
      },
      api: () => this.#api(),
      attach: (peer: Peer) => this.#attach(peer),
      leadership: { isLive: () => this.isLive },
      recorder,
      recorderOf: () => ({ tell: (told: Notice) => void this.abroad.push(told) }) as unknown as Recorder,
      observer: { answered: () => undefined },
      objection: () => this.objection,
      ...change,
    }
    this.link = new PeerLink(options as unknown as LinkOptions)
    this.done = this.link.run(this.ending.signal)
  }

  /** The link, attached and leading. */
  static async begun(): Promise<Scene> {
    const s = new Scene()
    await s.clock.advance(0)
    assert.deepEqual([s.link.standing().state, s.log], ['ready', ['attach', 'lead']])
    return s
  }

  get state(): string {
    return this.link.standing().state
  }

  get messages(): readonly string[] {
    return this.told.map(({ code, message }) => `${code}: ${message}`)
  }

  /** Calls of the engine that ended so. */
  answer(code: number | 'unanswered', times = FAILURES_MAX): void {
    for (let time = 0; time < times; time += 1) this.observer?.answered('patch', 'secrets', code, 0)
  }

  #cluster(): unknown {
    return {
      renew: () => Promise.resolve(this.renewal),
      close: () => Promise.resolve(void this.log.push('close')),
    }
  }

  #api(): unknown {
    return {
      readClusterProperty: () => Promise.resolve(this.identity),
      reviewAccess: ({ verb, resource, namespace }: Readonly<Record<string, string | null>>) => {
        this.reviews += 1
        return Promise.resolve(this.review(`${verb} ${resource} ${namespace}`))
      },
    }
  }

  #attach(peer: Peer): unknown {
    this.peer = peer
    this.log.push('attach')
    const note = (word: string): void => void this.log.push(word)
    return {
      standing: () => ({ isSynced: this.isSynced, mirrors: new Map() }),
      lead: () => note('lead'),
      follow: () => note('follow'),
      detach: () => Promise.resolve(note('detach')),
    }
  }
}

test('a peer is attached when it is known which cluster it is, and worked on at once', async () => {
  const s = await Scene.begun()
  const { identity, isIdentityProven, reason, missingRights } = s.link.standing()
  assert.deepEqual([identity, isIdentityProven, reason, missingRights], ['its-identity', true, null, []])
  assert.equal(s.peer?.reach.isAbroad, true)
})

test('a way in that is flawed is refused with its reason, and nothing is asked of the peer', async () => {
  const s = new Scene({}, { reason: 'the CA is no certificate' })
  await s.clock.advance(PREFLIGHT_INTERVAL_MS)
  assert.deepEqual([s.state, s.log, s.reviews], ['refused', [], 0])
  assert.match(s.messages.join(), /^PeerRefused: .*the CA is no certificate/)
})

test('a peer that does not answer is asked again, slower and slower, told once, and attached when it does', async () => {
  const s = new Scene()
  s.identity = failed(UNANSWERED)
  await s.clock.advance(10 * PROBE_MAX_MS)
  assert.deepEqual([s.state, s.log], ['unreachable', []])
  assert.deepEqual(
    s.told.map(({ code }) => code),
    ['PeerUnreachable'],
  )
  s.identity = ok('its-identity')
  await s.clock.advance(PROBE_MAX_MS)
  assert.deepEqual([s.state, s.log], ['ready', ['attach', 'lead']])
})

test('what keeps the identity from being read is told apart: silence, a refused credential, a right that is missing', async () => {
  for (const [failure, state, reason] of [
    [UNANSWERED, 'unreachable', /it does not answer/],
    [UNAUTHORIZED, 'unauthorized', /it refuses the credential/],
    [FORBIDDEN, 'unreachable', /its credential may not read which cluster it is/],
  ] as const) {
    const s = new Scene()
    s.identity = failed(failure)
    await s.clock.advance(0)
    assert.equal(s.state, state)
    assert.match(s.messages.join(), reason)
  }
})

test('a peer of single namespaces is asked for no identity: it is what its Secret says, and shown as unproven', async () => {
  const terms = { name: null, origins: null, namespaces: ['team-a'], identity: 'said' }
  const s = new Scene({ terms })
  s.identity = failed(UNANSWERED)
  await s.clock.advance(0)
  const { identity, isIdentityProven } = s.link.standing()
  assert.deepEqual([s.state, identity, isIdentityProven], ['ready', 'said', false])
  assert.ok((await s.peer?.readNamespace('team-a', { signal: s.ending.signal }))?.ok)
  assert.equal((await s.peer?.readNamespace('team-b', { signal: s.ending.signal }))?.ok, false)
})

test('calls that go unanswered stop the work; it goes on at the first probe that is answered', async () => {
  const s = await Scene.begun()
  s.review = () => failed(UNANSWERED)
  s.answer('unanswered')
  await s.clock.advance(PROBE_MAX_MS)
  assert.deepEqual([s.state, s.log.at(-1)], ['unreachable', 'follow'])
  assert.match(s.messages.join(), /PeerUnreachable: Nothing is written to peer eu: it does not answer/)
  const asked = s.reviews
  await s.clock.advance(PROBE_MAX_MS * 10)
  assert.ok(s.reviews - asked <= 15, `${s.reviews - asked} probes in ten minutes`)
  s.review = () => ok(true)
  await s.clock.advance(PROBE_MAX_MS * 1.2)
  assert.deepEqual([s.state, s.log.slice(-2)], ['ready', ['follow', 'lead']])
})

test('a credential that is refused stops the work, and another one ends that without waiting for a probe', async () => {
  const s = await Scene.begun()
  s.review = () => failed(UNAUTHORIZED)
  s.answer(401)
  await s.clock.advance(PROBE_MAX_MS * 4)
  assert.deepEqual([s.state, s.log.at(-1)], ['unauthorized', 'follow'])
  s.review = () => ok(true)
  assert.deepEqual(await s.link.renew(plainAccess('https://eu')), ok('renewed'))
  await s.clock.advance(0)
  assert.deepEqual([s.state, s.log.at(-1)], ['ready', 'lead'])
})

test('a server that answers 403 to everything while it starts is not worked on yet', async () => {
  const s = await Scene.begun()
  s.review = () => failed(UNANSWERED)
  s.answer('unanswered')
  await s.clock.advance(LOOK_MS)
  s.answer(403, 1)
  await s.clock.advance(0)
  assert.equal(s.state, 'unreachable')
})

test('without leadership it is attached and watched, and written to by nobody; leadership that comes and goes is followed', async () => {
  const s = new Scene()
  s.isLive = false
  await s.clock.advance(0)
  assert.deepEqual([s.state, s.log], ['standby', ['attach']])
  s.isLive = true
  s.link.changed()
  await s.clock.advance(0)
  assert.deepEqual([s.state, s.log], ['ready', ['attach', 'lead']])
  s.isLive = false
  assert.equal(s.peer?.leadership.isLive(), false, 'at once, before anybody looked')
  await s.clock.advance(LOOK_MS)
  assert.deepEqual([s.state, s.log.at(-1)], ['standby', 'follow'])
})

test('nothing may be written while the peer is not worked on, though this replica leads', async () => {
  const s = await Scene.begun()
  assert.equal(s.peer?.leadership.isLive(), true)
  s.review = () => failed(UNANSWERED)
  s.answer('unanswered')
  await s.clock.advance(LOOK_MS)
  assert.equal(s.peer.leadership.isLive(), false)
})

test('until its objects are listed it is syncing', async () => {
  const s = new Scene()
  s.isSynced = false
  await s.clock.advance(0)
  assert.deepEqual([s.state, s.link.standing().reason], ['syncing', 'its objects are being listed'])
  s.isSynced = true
  await s.clock.advance(LOOK_MS)
  assert.equal(s.state, 'ready')
})

test('rights are asked about at the start and every ten minutes; what is missing is named, and forgotten when granted', async () => {
  const s = new Scene()
  s.review = (what) => ok(!what.startsWith('delete '))
  await s.clock.advance(0)
  assert.deepEqual(s.link.standing().missingRights, ['delete secrets', 'delete configmaps'])
  assert.match(s.messages.join(), /PeerRightsMissing: .* may not: delete secrets, delete configmaps\./)
  assert.equal(s.state, 'ready', 'what it may do goes on')
  s.review = () => ok(true)
  await s.clock.advance(PREFLIGHT_INTERVAL_MS + LOOK_MS)
  assert.deepEqual(s.link.standing().missingRights, [])
})

test('an Event names eight rights at most, the standing all of them', async () => {
  const s = new Scene()
  s.review = () => ok(false)
  await s.clock.advance(0)
  const named = /may not: (.*)\. Grant/.exec(s.messages.join())?.[1] ?? ''
  assert.equal(named.split(', ').length, 9)
  assert.match(named, /, …$/)
  assert.ok(s.link.standing().missingRights.length > 9)
})

test('rights that could not be asked about stay as they were known', async () => {
  const s = new Scene()
  s.review = (what) => ok(!what.startsWith('delete '))
  await s.clock.advance(0)
  s.review = () => failed(FORBIDDEN)
  await s.clock.advance(PREFLIGHT_INTERVAL_MS + LOOK_MS)
  assert.equal(s.link.standing().missingRights.length, 2)
})

test('an objection that comes later detaches it, and it is attached again when the objection goes', async () => {
  const s = await Scene.begun()
  s.objection = 'an older Secret has the same cluster as its peer'
  s.link.changed()
  await s.clock.advance(0)
  assert.deepEqual([s.state, s.log.at(-1)], ['refused', 'detach'])
  assert.match(s.messages.join(), /PeerRefused: .*an older Secret has the same cluster/)
  s.objection = null
  s.link.changed()
  await s.clock.advance(0)
  assert.deepEqual([s.state, s.log.slice(-2)], ['ready', ['attach', 'lead']])
})

test('a credential that cannot be used leaves the last one in its place', async () => {
  const s = await Scene.begun()
  s.renewal = failed({ reason: 'the client key is no key' })
  const renewed = await s.link.renew(plainAccess('https://other'))
  assert.deepEqual(renewed, failed('the client key is no key'))
  assert.equal(s.link.standing().server, 'https://eu')
})

test('what concerns an origin or held deletions is told at home, what concerns an object of the peer there', async () => {
  const s = await Scene.begun()
  const before = s.told.length
  for (const code of ['OriginHeld', 'DeletionsHeld', 'MirrorBlocked'] as const)
    s.peer?.recorder.tell({ code, subject: { kind: 'Secret' }, message: '' } as unknown as Notice)
  assert.deepEqual(
    [s.told.slice(before).map(({ code }) => code), s.abroad.map(({ code }) => code)],
    [['OriginHeld', 'DeletionsHeld'], ['MirrorBlocked']],
  )
})

test('at the end it is detached before its connection is closed', async () => {
  const s = await Scene.begun()
  s.ending.abort()
  await s.done
  assert.deepEqual(s.log.slice(-2), ['detach', 'close'])
})

test('a link that ends before its peer ever answered closes its connection', async () => {
  const s = new Scene()
  s.identity = failed(UNANSWERED)
  await s.clock.advance(0)
  s.ending.abort()
  await s.done
  assert.deepEqual(s.log, ['close'])
})
