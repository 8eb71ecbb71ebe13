/** No peer is linked while home's identity is in doubt, and nothing is remembered of a peer that is gone for good. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { keyOf } from '../../src/core/names.ts'
import type { ObjectKey, ResourceVersion, Uid } from '../../src/core/names.ts'
import type { FullObject, ObjectMeta } from '../../src/core/objects.ts'
import type { Recorder } from '../../src/engine/ports.ts'
import type { PeerLink, PeerStanding } from '../../src/peers/link.ts'
import { Registry } from '../../src/peers/registry.ts'
import { ok } from '../../src/std/result.ts'
import { Sensitive } from '../../src/std/sensitive.ts'
import { PREFIX, RULES } from '../core/rules.ts'
import { FakeClock } from '../kube/fake-clock.ts'

const REF = { kind: 'Secret', namespace: RULES.ownNamespace, name: 'prod-eu' } as const
const KEY: ObjectKey = keyOf(REF)
const CONFIG = JSON.stringify({ bearerToken: 'x' })

class Scene {
  readonly clock = new FakeClock()
  readonly linked = new Set<string>()
  readonly removed: string[] = []
  readonly told: string[] = []
  readonly secrets = new Map<ObjectKey, FullObject>()
  identity: string | null = 'home-identity'
  readonly registry: Registry

  constructor() {
    this.registry = new Registry({
      api: { readFull: (ref) => Promise.resolve(ok(this.#secret(keyOf(ref)))) },
      clock: this.clock,
      rules: RULES,
      allowProxy: false,
      objectAtHome: (key) => this.secrets.get(key)?.meta ?? null,
      identity: () => this.identity,
      recorderOf: () => ({ tell: ({ code }) => void this.told.push(code) }) as Partial<Recorder> as Recorder,
      shard: () => ({ isLive: () => true }),
      removed: (name) => void this.removed.push(name),
      crashed: (error) => assert.ifError(error),
      link: ({ name }) => this.#link(name),
    })
    void this.registry.run(new AbortController().signal)
  }

  async put(name: string | null): Promise<void> {
    const before = this.secrets.get(KEY)?.meta ?? null
    if (name === null) this.secrets.delete(KEY)
    else this.secrets.set(KEY, secretNamed(name))
    this.registry.objectChanged(KEY, before, this.secrets.get(KEY)?.meta ?? null)
    await this.clock.advance(0)
  }

  async label(value: string): Promise<void> {
    const secret = this.#secret(KEY)
    const labels = { ...secret.meta.labels, [`${PREFIX}peer`]: value }
    this.secrets.set(KEY, { ...secret, meta: { ...secret.meta, labels } })
    this.registry.objectChanged(KEY, secret.meta, this.secrets.get(KEY)?.meta ?? null)
    await this.clock.advance(0)
  }

  async identify(identity: string | null): Promise<void> {
    this.identity = identity
    this.registry.changed()
    await this.clock.advance(0)
  }

  #secret(key: ObjectKey): FullObject {
    const secret = this.secrets.get(key)
    assert.ok(secret !== undefined)
    return secret
  }

  #link(name: string): PeerLink {
    const standing = { name, destination: null, state: 'ready' } as unknown as PeerStanding
    const link = {
      identity: null,
      changed: () => undefined,
      standing: () => standing,
      run: async (signal: AbortSignal) => {
        this.linked.add(name)
        await this.clock.sleep(Number.MAX_SAFE_INTEGER, signal)
        this.linked.delete(name)
      },
    }
    return link as unknown as PeerLink
  }
}

function secretNamed(name: string): FullObject {
  const meta = {
    ...REF,
    key: KEY,
    uid: 'uid-1' as Uid,
    version: '1' as ResourceVersion,
    createdAt: '2026-11-24T00:00:00Z',
    deleting: false,
    labels: { [`${PREFIX}peer`]: 'true' },
    annotations: { [`${PREFIX}peer-name`]: name },
  } as unknown as ObjectMeta
  const texts = { server: 'https://peer:6443', config: CONFIG }
  const data = new Map(
    Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  )
  const content = { type: 'Opaque', immutable: false, data, binaryData: new Map<string, string>() }
  return { meta, content: new Sensitive(content), sizeBytes: 0, writtenAtMs: 0 }
}

test('no peer is linked before home’s identity is known', async () => {
  const s = new Scene()
  s.identity = null
  await s.put('eu')
  assert.deepEqual([...s.linked], [])
  await s.identify('home-identity')
  assert.deepEqual([...s.linked], ['eu'])
})

test('an identity that comes into doubt unlinks every peer, says so, and links them again when it is settled', async () => {
  const s = new Scene()
  await s.put('eu')
  await s.identify(null)
  assert.deepEqual([...s.linked], [])
  const [standing] = s.registry.standing()
  assert.equal(standing?.state, 'standby')
  assert.match(standing.reason ?? '', /identity is not settled/)
  assert.deepEqual(s.removed, [], 'it is not gone')
  await s.identify('home-identity')
  assert.deepEqual([...s.linked], ['eu'])
})

test('a peer whose Secret goes, or that bears another name now, is forgotten once', async () => {
  const s = new Scene()
  await s.put('eu')
  await s.put('eu-west')
  assert.deepEqual([s.removed, [...s.linked]], [['eu'], ['eu-west']])
  await s.put(null)
  assert.deepEqual([s.removed, [...s.linked]], [['eu', 'eu-west'], []])
})

test('a peer that was removed is told of with what stays, one that is being cleaned is not', async () => {
  const removed = new Scene()
  await removed.put('eu')
  await removed.label('no')
  assert.deepEqual([removed.told, [...removed.linked]], [['PeerRemoved'], []])
  const cleaned = new Scene()
  await cleaned.put('eu')
  await cleaned.label('cleaned')
  assert.deepEqual([cleaned.told, [...cleaned.linked], cleaned.removed], [[], [], ['eu']])
})

test('the peers are known by name once every Secret was read, whether they are linked or not', async () => {
  const s = new Scene()
  s.identity = null
  const names = (): readonly string[] | undefined => s.registry.known()?.map(({ name }) => name)
  await s.clock.advance(0)
  assert.deepEqual(names(), [])
  const put = s.put('eu')
  assert.equal(names(), undefined)
  await put
  assert.deepEqual(names(), ['eu'])
  await s.put('us')
  assert.deepEqual(names(), ['us'])
  await s.put(null)
  assert.deepEqual(names(), [])
})
