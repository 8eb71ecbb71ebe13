/** Origins' data: one GET per version, shared, never of an older version than the store's, bounded, dropped when unused. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { digestKeyId } from '../../src/core/digest.ts'
import type { DigestKey } from '../../src/core/digest.ts'
import type { ObjectKey } from '../../src/core/names.ts'
import { Origins } from '../../src/engine/origins.ts'
import { Renderings } from '../../src/engine/renderings.ts'
import { Store } from '../../src/engine/store.ts'
import { seededRandom } from '../../src/std/random.ts'
import { Sensitive } from '../../src/std/sensitive.ts'
import { RULES } from '../core/rules.ts'
import { SimApi } from '../sim/api.ts'
import type { Sent } from '../sim/api.ts'
import { metaOf } from '../sim/thing.ts'
import { SimClock, SimTime } from '../sim/time.ts'
import { CALM } from '../sim/weather.ts'
import { World } from '../sim/world.ts'
import { PREFIX, secret } from './things.ts'

const BYTES = new Uint8Array(32)
const KEY: DigestKey = { id: digestKeyId(BYTES), identity: 'home', bytes: new Sensitive(BYTES) }
const SIGNAL = new AbortController().signal
const ORIGIN = secret('src/db0')

class Scene {
  readonly time = new SimTime()
  readonly world = new World(this.time)
  readonly sent: Sent[] = []
  readonly wanted = new Set<ObjectKey>()
  readonly store: Store
  readonly renderings: Renderings
  refused: 'server' | null = null

  constructor(bytesMax = 1e9) {
    const nothing = {
      objectChanged: () => undefined,
      namespaceChanged: () => undefined,
      swept: () => undefined,
    }
    this.store = new Store([PREFIX], nothing, () => false)
    this.renderings = new Renderings({
      api: new SimApi({
        world: this.world,
        random: seededRandom(1),
        weather: () => CALM,
        process: 'p1',
        isAlive: () => true,
        sent: (request) => void this.sent.push(request),
        heldMs: () => 0,
        refused: () => (this.refused === null ? null : { kind: this.refused, code: 500, retryAfterMs: null }),
      }),
      store: this.store,
      origins: new Origins(this.store, RULES),
      rules: RULES,
      clock: new SimClock(this.time),
      digestKey: () => KEY,
      isWanted: (origin) => this.wanted.has(origin),
      bytesMax,
    })
    this.world.createNamespace('src')
  }

  origin(name: string, bytes = 10): void {
    const annotations = { [`${PREFIX}reflect-to`]: '*' }
    const made = this.world.create(
      { kind: 'Secret', namespace: 'src' },
      { name, annotations, data: { a: 'x'.repeat(bytes) } },
      'user',
    )
    assert.ok(made.ok)
    this.store.put(metaOf(made.value), 'live')
  }

  rotate(name: string, isSeen: boolean): void {
    const done = this.world.update(
      { kind: 'Secret', namespace: 'src', name },
      () => ({ data: { a: 'eQ==' } }),
      'user',
    )
    assert.ok(done.ok)
    if (isSeen) this.store.put(metaOf(done.value), 'live')
  }

  async acquire(origin: ObjectKey): Promise<Awaited<ReturnType<Renderings['acquire']>>> {
    const asked = this.renderings.acquire(origin, SIGNAL)
    await this.time.run(1_000)
    return await asked
  }
}

test('turns that ask at once share one GET, and a version that is held is not read again', async () => {
  const s = new Scene()
  s.origin('db0')
  s.wanted.add(ORIGIN)
  const asked = Array.from({ length: 20 }, () => s.renderings.acquire(ORIGIN, SIGNAL))
  await s.time.run(1_000)
  const answers = await Promise.all(asked)
  assert.ok(answers.every((answer) => answer.ok && answer.value !== null))
  await s.acquire(ORIGIN)
  assert.equal(s.sent.length, 1)
})

test('a read that finds a newer version advances the store', async () => {
  const s = new Scene()
  s.origin('db0')
  s.rotate('db0', false)
  const answer = await s.acquire(ORIGIN)
  assert.ok(answer.ok && answer.value !== null)
  assert.equal(s.store.get(ORIGIN)?.version, answer.value.rendering.summary.version)
  assert.equal(answer.value.rendering.summary.version, String(s.world.version))
})

test('a rendering of a version that the store has passed is not given out', async () => {
  const s = new Scene()
  s.origin('db0')
  s.wanted.add(ORIGIN)
  const first = await s.acquire(ORIGIN)
  s.rotate('db0', true)
  const second = await s.acquire(ORIGIN)
  assert.ok(first.ok && second.ok)
  assert.notEqual(first.value?.rendering.summary.version, second.value?.rendering.summary.version)
  assert.equal(s.sent.length, 2)
})

test('an origin that offers nothing any more gives nothing', async () => {
  const s = new Scene()
  s.origin('db0')
  s.world.update({ kind: 'Secret', namespace: 'src', name: 'db0' }, () => ({ annotations: {} }), 'user')
  const answer = await s.acquire(ORIGIN)
  assert.deepEqual(answer, { ok: true, value: null })
})

test('a failed read answers every turn that asks within a second, then it is tried again', async () => {
  const s = new Scene()
  s.origin('db0')
  s.refused = 'server'
  const asked = [s.renderings.acquire(ORIGIN, SIGNAL), s.renderings.acquire(ORIGIN, SIGNAL)]
  await s.time.run(100)
  assert.ok((await Promise.all(asked)).every((answer) => !answer.ok))
  assert.equal((await s.renderings.acquire(ORIGIN, SIGNAL)).ok, false)
  assert.equal(s.sent.length, 1)
  await s.time.run(1_000)
  s.refused = null
  assert.equal((await s.acquire(ORIGIN)).ok, true)
})

test('a failed read says nothing of a version that came after it', async () => {
  const s = new Scene()
  s.origin('db0')
  s.refused = 'server'
  const asked = s.renderings.acquire(ORIGIN, SIGNAL)
  await s.time.run(100)
  assert.equal((await asked).ok, false)
  s.refused = null
  s.rotate('db0', true)
  const again = s.renderings.acquire(ORIGIN, SIGNAL)
  await s.time.run(100)
  assert.equal((await again).ok, true)
})

test('bytes are kept while turns wait for them, and dropped when the last user lets go of what nobody wants', async () => {
  const s = new Scene()
  s.origin('db0')
  s.wanted.add(ORIGIN)
  const answer = await s.acquire(ORIGIN)
  assert.ok(answer.ok && answer.value !== null)
  answer.value.release()
  assert.ok(s.renderings.heldBytes > 0)
  s.wanted.clear()
  s.renderings.settle(ORIGIN)
  assert.equal(s.renderings.heldBytes, 0)
})

test('bytes are counted once, whatever is released twice, superseded in use or cleared', async () => {
  const s = new Scene()
  s.origin('db0')
  s.wanted.add(ORIGIN)
  const first = await s.acquire(ORIGIN)
  assert.ok(first.ok && first.value !== null)
  const sizeBytes = s.renderings.heldBytes
  s.rotate('db0', true)
  const second = await s.acquire(ORIGIN)
  assert.ok(second.ok && second.value !== null)
  assert.ok(s.renderings.heldBytes > sizeBytes)
  first.value.release()
  first.value.release()
  s.renderings.clear()
  assert.ok(s.renderings.heldBytes > 0)
  second.value.release()
  assert.equal(s.renderings.heldBytes, 0)
})

test('reads wait for room: the sum of what is held never passes the bound, and everybody is served', async () => {
  const s = new Scene(3_000)
  for (let index = 0; index < 10; index += 1) s.origin(`db${index}`, 1_000)
  let most = 0
  const users = Array.from({ length: 10 }, async (_, index) => {
    const answer = await s.renderings.acquire(secret(`src/db${index}`), SIGNAL)
    most = Math.max(most, s.renderings.heldBytes)
    await new Promise<void>((resolve) => void s.time.after(300, resolve))
    if (answer.ok) answer.value?.release()
    return answer.ok && answer.value !== null
  })
  await s.time.run(20_000)
  assert.ok((await Promise.all(users)).every(Boolean))
  assert.ok(most > 1_000 && most <= 3_000, `${most} bytes`)
})
