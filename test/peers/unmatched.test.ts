/** Whoever names clusters that do not take his origin is told so, once, and never which peers there are. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { readOrigin } from '../../src/core/dialects/table.ts'
import { keyOf } from '../../src/core/names.ts'
import type { ResourceVersion, Uid } from '../../src/core/names.ts'
import type { Notice } from '../../src/core/notices.ts'
import type { ObjectMeta } from '../../src/core/objects.ts'
import type { OriginView } from '../../src/engine/origins.ts'
import type { KnownPeer } from '../../src/peers/registry.ts'
import { AGAIN_MS, Unmatched } from '../../src/peers/unmatched.ts'
import { globs, PREFIX, RULES } from '../core/rules.ts'
import { FakeClock } from '../kube/fake-clock.ts'

type Texts = Readonly<Record<string, string>>

function peer(name: string, origins: string | null, namespaces: readonly string[] | null = null): KnownPeer {
  const identity = namespaces === null ? null : 'there'
  return { name, terms: { name, origins: origins === null ? null : globs(origins), namespaces, identity } }
}

const REF = { kind: 'Secret', namespace: 'shared', name: 'db' } as const

function metaOf(annotations: Texts): ObjectMeta {
  return {
    ...REF,
    key: keyOf(REF),
    uid: 'uid-1' as Uid,
    version: '1' as ResourceVersion,
    createdAt: '2026-11-24T00:00:00Z',
    deleting: false,
    labels: {},
    annotations,
    fields: { ours: [], others: [] },
    lastApplied: false,
  }
}

/** A home with one origin, `shared/db`. */
class Scene {
  readonly clock = new FakeClock()
  readonly told: Notice[] = []
  isLeading = true
  peers: readonly KnownPeer[] | null
  #origin: OriginView | null = null
  readonly #unmatched: Unmatched
  readonly #ending = new AbortController()

  constructor(peers: readonly KnownPeer[] | null) {
    this.peers = peers
    const key = keyOf(REF)
    this.#unmatched = new Unmatched({
      clock: this.clock,
      rules: RULES,
      recorder: { tell: (notice) => void this.told.push(notice) },
      isLeading: () => this.isLeading,
      peers: () => this.peers,
      origin: (asked) => (asked === key ? this.#origin : null),
      originKeys: () => (this.#origin === null ? [] : [key]),
    })
    void this.#unmatched.run(this.#ending.signal)
  }

  /** How many notices it brings to write `annotations` on the origin. */
  async write(annotations: Texts): Promise<number> {
    const meta = metaOf(annotations)
    const reading = readOrigin(meta, RULES)
    this.#origin = reading.kind === 'none' ? null : { meta, reading }
    return await this.#count(() => this.#unmatched.objectChanged(meta.key))
  }

  async setPeers(peers: readonly KnownPeer[] | null): Promise<number> {
    this.peers = peers
    return await this.#count(() => this.#unmatched.peersChanged())
  }

  async later(ms: number): Promise<number> {
    return await this.#count(() => undefined, ms)
  }

  end(): void {
    this.#ending.abort()
  }

  async #count(change: () => void, ms = 0): Promise<number> {
    const before = this.told.length
    change()
    await this.clock.advance(ms)
    return this.told.length - before
  }
}

const TARGETS = `${PREFIX}targets`

test('a name that no peer has is told once, and again when it changes to another', async () => {
  const scene = new Scene([peer('prod-eu', null)])
  assert.equal(await scene.write({ [TARGETS]: 'prd-*' }), 1)
  assert.equal(scene.told[0]?.code, 'TargetsUnmatched')
  assert.match(scene.told[0].message, /^Annotation heliograph\.dev\/targets names no peer that takes/)
  assert.doesNotMatch(scene.told[0].message, /prod-eu|prd/)
  assert.equal(await scene.write({ [TARGETS]: 'prd-*', [`${PREFIX}resync`]: '1' }), 0)
  assert.equal(await scene.write({ [TARGETS]: 'prd-eu' }), 1)
  assert.equal(await scene.write({ [TARGETS]: 'prod-*' }), 0)
  scene.end()
})

test('an origin that the Secret of the peer leaves out is told the same words', async () => {
  const texts = { [TARGETS]: 'prod-eu' }
  const messages = new Set<string | undefined>()
  const leavingOut = [
    [],
    [peer('prod-us', '*/*')],
    [peer('prod-eu', 'other/*')],
    [peer('prod-eu', null, ['other'])],
  ]
  for (const peers of leavingOut) {
    const scene = new Scene(peers)
    assert.equal(await scene.write(texts), 1)
    messages.add(scene.told[0]?.message)
    scene.end()
  }
  assert.equal(messages.size, 1)
  const takingIn = [
    [peer('prod-eu', 'shared/*')],
    [peer('prod-eu', null)],
    [peer('prod-eu', null, ['shared'])],
  ]
  for (const peers of takingIn) {
    const scene = new Scene([peer('prod-us', 'other/*'), ...peers])
    assert.equal(await scene.write(texts), 0)
    scene.end()
  }
})

test('it is told in the key of the origin’s own vocabulary, and of other origins nothing', async () => {
  const scene = new Scene([])
  assert.equal(await scene.write({ [`${PREFIX}reflect-to`]: '*' }), 0)
  assert.equal(await scene.write({ 'kubed.appscode.com/sync': '' }), 0)
  assert.equal(await scene.write({ 'kubed.appscode.com/sync-contexts': 'west' }), 1)
  assert.match(scene.told.at(-1)?.message ?? '', /^Annotation kubed\.appscode\.com\/sync-contexts names/)
  assert.equal(await scene.write({ 'sync.example.com/enabled': 'true', 'sync.example.com/targets': 'w*' }), 1)
  assert.match(scene.told.at(-1)?.message ?? '', /^Annotation sync\.example\.com\/targets names/)
  assert.equal(await scene.write({ [TARGETS]: 'west', [`${PREFIX}paused`]: 'true' }), 0)
  scene.end()
})

test('a peer that goes or leaves the origin out later is told of; one that comes is not', async () => {
  const scene = new Scene([])
  assert.equal(await scene.write({ [TARGETS]: 'prod-eu' }), 1)
  const taking = peer('prod-eu', 'shared/*')
  assert.equal(await scene.setPeers([taking]), 0)
  assert.equal(await scene.setPeers([taking, peer('prod-us', null)]), 0)
  assert.equal(await scene.setPeers([peer('prod-eu', 'other/*')]), 1)
  assert.equal(await scene.setPeers([]), 0)
  scene.end()
})

test('nothing is told while a peer Secret is unread, nor by a replica that does not lead home', async () => {
  const scene = new Scene(null)
  assert.equal(await scene.write({ [TARGETS]: 'prod-eu' }), 0)
  assert.equal(await scene.later(60_000), 0)
  scene.isLeading = false
  assert.equal(await scene.setPeers([]), 0)
  assert.equal(await scene.later(60_000), 0)
  scene.isLeading = true
  assert.equal(await scene.later(60_000), 1)
  // A Secret that is read anew says nothing anew.
  await scene.setPeers(null)
  await scene.later(60_000)
  assert.equal(await scene.setPeers([]), 0)
  assert.equal(await scene.later(60_000), 0)
  assert.equal(await scene.later(AGAIN_MS), 1)
  scene.end()
})
