/** A link that takes long to end keeps no other peer waiting, and none begins for its Secret before. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { keyOf } from '../../src/core/names.ts'
import type { ObjectKey, ResourceVersion, Uid } from '../../src/core/names.ts'
import type { FullObject, ObjectMeta } from '../../src/core/objects.ts'
import type { Recorder } from '../../src/engine/ports.ts'
import type { PeerLink } from '../../src/peers/link.ts'
import { Registry } from '../../src/peers/registry.ts'
import { failed, ok } from '../../src/std/result.ts'
import { Sensitive } from '../../src/std/sensitive.ts'
import { PREFIX, RULES } from '../core/rules.ts'
import { FakeClock } from '../kube/fake-clock.ts'

const ENDING_MS = 20_000

class Scene {
  readonly clock = new FakeClock()
  readonly secrets = new Map<ObjectKey, FullObject>()
  /** In order: what began, what ended, what was forgotten. */
  readonly log: string[] = []
  readonly ending = new AbortController()
  readonly running: Promise<void>
  readonly #registry: Registry

  constructor() {
    this.#registry = new Registry({
      api: {
        readFull: (ref) => {
          const secret = this.secrets.get(keyOf(ref))
          return Promise.resolve(secret === undefined ? failed({ kind: 'absent' }) : ok(secret))
        },
      },
      clock: this.clock,
      rules: RULES,
      allowProxy: false,
      objectAtHome: (key) => this.secrets.get(key)?.meta ?? null,
      identity: () => 'home-identity',
      recorderOf: () =>
        ({ tell: ({ code }: { readonly code: string }) => void this.log.push(code) }) as unknown as Recorder,
      shard: () => ({ isLive: () => true }),
      removed: (name) => void this.log.push(`forgot ${name}`),
      crashed: (error) => assert.ifError(error),
      link: ({ name }) => this.#link(name),
    })
    this.running = this.#registry.run(this.ending.signal)
  }

  /** Writes the Secret `secret`, whose peer is called `name`; null removes it. */
  async put(secret: string, name: string | null): Promise<void> {
    const full = secretNamed(secret, name ?? '')
    const { key } = full.meta
    const before = this.secrets.get(key)?.meta ?? null
    if (name === null) this.secrets.delete(key)
    else this.secrets.set(key, full)
    this.#registry.objectChanged(key, before, this.secrets.get(key)?.meta ?? null)
    await this.clock.advance(0)
  }

  #link(name: string): PeerLink {
    const run = async (signal: AbortSignal): Promise<void> => {
      this.log.push(`began ${name}`)
      await this.clock.sleep(Number.MAX_SAFE_INTEGER, signal)
      await this.clock.sleep(ENDING_MS, new AbortController().signal)
      this.log.push(`ended ${name}`)
    }
    const standing = (): unknown => ({ name, destination: null })
    return { identity: null, changed: () => undefined, standing, run } as unknown as PeerLink
  }
}

function secretNamed(secret: string, name: string): FullObject {
  const ref = { kind: 'Secret', namespace: RULES.ownNamespace, name: secret } as const
  const meta: ObjectMeta = {
    ...ref,
    key: keyOf(ref),
    uid: secret as Uid,
    version: '1' as ResourceVersion,
    createdAt: '2026-11-24T00:00:00Z',
    deleting: false,
    labels: { [`${PREFIX}peer`]: 'true' },
    annotations: { [`${PREFIX}peer-name`]: name },
    fields: { ours: [], others: [] },
    lastApplied: false,
  }
  const texts = { server: 'https://peer:6443', config: JSON.stringify({ bearerToken: 'x' }) }
  const data = new Map(
    Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  )
  const content = { type: 'Opaque', immutable: false, data, binaryData: new Map<string, string>() }
  return { meta, content: new Sensitive(content), sizeBytes: 0, writtenAtMs: 0 }
}

test('a peer is linked at once while two that were removed still end', async () => {
  const s = new Scene()
  await s.put('a', 'east')
  await s.put('b', 'west')
  await s.put('a', null)
  await s.put('b', null)
  await s.put('c', 'north')
  assert.deepEqual(s.log, ['began east', 'began west', 'PeerRemoved', 'PeerRemoved', 'began north'])
  await s.clock.advance(ENDING_MS)
  assert.deepEqual(s.log.slice(5).toSorted(), ['ended east', 'ended west', 'forgot east', 'forgot west'])
})

test('a peer under another name is linked when its old link has ended, and not before', async () => {
  const s = new Scene()
  await s.put('a', 'east')
  await s.put('a', 'west')
  await s.put('a', 'south')
  assert.deepEqual(s.log, ['began east'])
  await s.clock.advance(ENDING_MS)
  assert.deepEqual(s.log, ['began east', 'ended east', 'forgot east', 'began south'])
})

test('a Secret that comes back under its name while its old link ends is not forgotten', async () => {
  const s = new Scene()
  await s.put('a', 'east')
  await s.put('a', null)
  await s.put('b', 'east')
  await s.clock.advance(ENDING_MS)
  assert.equal(s.log.includes('forgot east'), false)
  assert.equal(s.log.filter((line) => line === 'began east').length, 2)
})

test('the registry ends when every link has, those that were removed before as well', async () => {
  const s = new Scene()
  await s.put('a', 'east')
  await s.put('b', 'west')
  await s.put('a', null)
  let isOver = false
  void s.running.then(() => {
    isOver = true
  })
  s.ending.abort()
  await s.clock.advance(ENDING_MS - 1)
  assert.equal(isOver, false)
  await s.clock.advance(1)
  assert.equal(isOver, true)
})
