/** Namespaces that origins name and a peer lacks: made once, only where a mirror would be let in, never for a pattern, never by a follower. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { annotation } from '../../src/core/annotations.ts'
import { readOrigin } from '../../src/core/dialects/table.ts'
import type { Failure } from '../../src/core/failure.ts'
import { keyOf } from '../../src/core/names.ts'
import type { ResourceVersion, Uid } from '../../src/core/names.ts'
import type { Notice } from '../../src/core/notices.ts'
import type { NamespaceMeta, ObjectMeta } from '../../src/core/objects.ts'
import type { Rules } from '../../src/core/rules.ts'
import type { OriginView } from '../../src/engine/origins.ts'
import { LOOK_MS, Namespaces } from '../../src/peers/namespaces.ts'
import { peerReach } from '../../src/peers/reach.ts'
import { failed, ok } from '../../src/std/result.ts'
import { PREFIX, RULES, globs } from '../core/rules.ts'
import { FakeClock } from '../kube/fake-clock.ts'

type Texts = Readonly<Record<string, string>>

class Scene {
  readonly clock = new FakeClock()
  readonly there = new Set(['kept'])
  readonly made: { readonly name: string; readonly labels: Texts }[] = []
  readonly notices: Notice[] = []
  readonly namespaces: Namespaces
  readonly rules: Rules
  isLive = true
  isSynced = true
  failure: Failure | null = null

  constructor(more: { readonly rules?: Partial<Rules>; readonly origins?: string } = {}) {
    this.rules = { ...RULES, ...more.rules }
    const terms = { origins: globs(more.origins ?? '*'), namespaces: null }
    this.namespaces = new Namespaces({
      api: { createNamespace: (name, labels) => Promise.resolve(this.#create(name, labels)) },
      clock: this.clock,
      prefix: PREFIX,
      reach: peerReach('prod-eu', terms, this.rules),
      leadership: { isLive: () => this.isLive },
      lacks: (name) => this.isSynced && !this.there.has(name),
      recorder: { tell: (told) => void this.notices.push(told) },
    })
    void this.namespaces.run(new AbortController().signal)
  }

  /** `shared/registry` as it is annotated now; null: gone. */
  async offer(annotations: Texts | null, namespace = 'shared'): Promise<void> {
    const view = annotations === null ? null : this.#view(namespace, annotations)
    this.namespaces.indexed(keyOf({ kind: 'Secret', namespace, name: 'registry' }), view)
    await this.clock.advance(0)
  }

  get names(): readonly string[] {
    return this.made.map(({ name }) => name)
  }

  #view(namespace: string, texts: Texts): OriginView {
    const annotations = Object.fromEntries(
      Object.entries({ targets: 'prod-*', ...texts }).map(([key, value]) => [PREFIX + key, value]),
    )
    const annotated = { kind: 'Secret', namespace, name: 'registry', labels: {}, annotations } as const
    const reading = readOrigin(annotated, this.rules)
    assert.ok(reading.kind !== 'none')
    return { meta: annotated as unknown as ObjectMeta, reading }
  }

  #create(
    name: string,
    labels: Texts,
  ): ReturnType<typeof ok<NamespaceMeta>> | ReturnType<typeof failed<Failure>> {
    this.made.push({ name, labels })
    if (this.failure !== null) return failed(this.failure)
    this.there.add(name)
    return ok({
      name,
      uid: `uid-${name}` as Uid,
      version: '1' as ResourceVersion,
      terminating: false,
      labels,
      annotations: {},
    })
  }
}

test('a namespace that an origin names and the peer lacks is made once, with our label, and its owner is told', async () => {
  const s = new Scene()
  await s.offer({ 'target-namespaces': 'kept, fresh' })
  assert.deepEqual(s.made, [{ name: 'fresh', labels: { [annotation(PREFIX, 'created')]: 'true' } }])
  assert.deepEqual(
    s.notices.map(({ code, subject }) => [code, subject.kind, subject.name]),
    [['NamespaceCreated', 'Namespace', 'fresh']],
  )
  await s.offer({ 'target-namespaces': 'kept, fresh' })
  await s.clock.advance(10 * LOOK_MS)
  assert.equal(s.made.length, 1)
})

test('with nothing said of namespaces the one of the origin’s own name is made', async () => {
  const s = new Scene()
  await s.offer({})
  assert.deepEqual(s.names, ['shared'])
})

test('nothing is made for a pattern, for labels, or for another peer', async () => {
  const s = new Scene()
  await s.offer({ 'target-namespaces': 'team-*, team-?, [ab]c' })
  await s.offer({ 'target-namespaces-selector': 'env=prod' })
  await s.offer({ 'target-namespaces': 'fresh', 'target-namespaces-selector': 'env=prod' })
  await s.offer({ targets: 'test-*', 'target-namespaces': 'fresh' })
  assert.deepEqual(s.names, [])
})

test('alternatives of braces are names, and what is excluded is none', async () => {
  const s = new Scene()
  await s.offer({ 'target-namespaces': 'team-{a,b,c}, !*-b' })
  assert.deepEqual(s.names, ['team-a', 'team-c'])
})

test('a namespace that would refuse the mirror is not made', async () => {
  const cases: readonly (readonly [ConstructorParameters<typeof Scene>[0], string])[] = [
    [{}, 'kube-extra'],
    [{}, 'heliograph'],
    [{ rules: { targetNamespaces: globs('team-*') } }, 'fresh'],
    [{ rules: { consent: 'required' } }, 'fresh'],
    [{ origins: 'other/*' }, 'fresh'],
  ]
  for (const [more, name] of cases) {
    const s = new Scene(more)
    await s.offer({ 'target-namespaces': name })
    assert.deepEqual(s.names, [], JSON.stringify(name))
  }
})

test('an origin that is held or gone wants nothing', async () => {
  const s = new Scene()
  await s.offer({ 'target-namespaces': 'fresh', paused: 'true' })
  assert.deepEqual(s.names, [])
  s.isLive = false
  await s.offer({ 'target-namespaces': 'fresh' })
  await s.offer(null)
  s.isLive = true
  s.namespaces.changed()
  await s.clock.advance(LOOK_MS)
  assert.deepEqual(s.names, [])
})

test('a name that two origins give is wanted until both let it go', async () => {
  const s = new Scene()
  s.isLive = false
  await s.offer({ 'target-namespaces': 'fresh' })
  await s.offer({ 'target-namespaces': 'fresh' }, 'elsewhere')
  await s.offer(null)
  s.isLive = true
  s.namespaces.changed()
  await s.clock.advance(0)
  assert.deepEqual(s.names, ['fresh'])
})

test('who does not keep the peer, or does not know all of it yet, makes nothing; when that changes, it is made', async () => {
  const s = new Scene()
  s.isLive = false
  s.isSynced = false
  await s.offer({ 'target-namespaces': 'fresh' })
  s.isLive = true
  s.namespaces.changed()
  await s.clock.advance(0)
  assert.deepEqual(s.names, [])
  s.isSynced = true
  s.namespaces.changed()
  await s.clock.advance(0)
  assert.deepEqual(s.names, ['fresh'])
})

test('a refusal is tried again once a minute, however often origins change meanwhile', async () => {
  const s = new Scene()
  s.failure = { kind: 'forbidden', code: 403 } as unknown as Failure
  await s.offer({ 'target-namespaces': 'fresh' })
  for (let index = 0; index < 5; index += 1) await s.offer({ 'target-namespaces': 'fresh' })
  assert.equal(s.made.length, 1)
  s.failure = null
  await s.clock.advance(LOOK_MS)
  assert.equal(s.made.length, 2)
  assert.equal(s.there.has('fresh'), true)
})

test('a namespace that was deleted is made again, as its origin still names it', async () => {
  const s = new Scene()
  await s.offer({ 'target-namespaces': 'fresh' })
  s.there.delete('fresh')
  await s.clock.advance(LOOK_MS)
  assert.deepEqual(s.names, ['fresh', 'fresh'])
})
