/** The digest key: made when absent, put back as it was, never overwritten, and no key at all while it is malformed. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Notice } from '../../src/core/notices.ts'
import { DigestKeys } from '../../src/engine/digest-key.ts'
import { failed, ok } from '../../src/std/result.ts'
import { seededRandom } from '../../src/std/random.ts'
import { SimApi } from '../sim/api.ts'
import type { Sent } from '../sim/api.ts'
import { SimClock, SimTime } from '../sim/time.ts'
import { CALM } from '../sim/weather.ts'
import { World } from '../sim/world.ts'

const REF = { kind: 'Secret', namespace: 'heliograph', name: 'heliograph-digest-key' } as const

class Scene {
  readonly time = new SimTime()
  readonly world = new World(this.time)
  readonly sent: Sent[] = []
  readonly notices: Notice[] = []
  readonly readyIds: string[] = []
  /** The cluster's own name for itself; null: it has none. */
  property: string | null = null
  /** What {@link DigestKeys.isHeld} was at each change of it. */
  readonly judgements: boolean[] = []
  /** Reads of kube-system go unanswered. */
  isDeaf: boolean
  readonly keys: DigestKeys
  isLive = true
  isHeld = false

  constructor(more: { readonly isWatched?: boolean; readonly isDeaf?: boolean } = {}) {
    this.isDeaf = more.isDeaf ?? false
    const random = seededRandom(1)
    for (const name of ['kube-system', 'heliograph']) this.world.createNamespace(name)
    const api = new SimApi({
      world: this.world,
      random,
      weather: () => CALM,
      process: 'p1',
      isAlive: () => true,
      sent: (request) => void this.sent.push(request),
      heldMs: ({ verb }) => (this.isHeld && verb === 'create' ? 5_000 : 0),
      refused: ({ key, verb }) =>
        this.isDeaf && verb !== 'create' && key.includes('kube-system')
          ? { kind: 'unanswered', why: 'timeout' }
          : null,
    })
    api.readClusterProperty = () =>
      Promise.resolve(this.property === null ? failed({ kind: 'absent' }) : ok(this.property))
    this.keys = new DigestKeys({
      api,
      clock: new SimClock(this.time),
      ownNamespace: 'heliograph',
      leadership: { isLive: () => this.isLive },
      recorder: {
        acted: () => undefined,
        tell: (notice) => void this.notices.push(notice),
        propagated: () => undefined,
        held: () => undefined,
        repaired: () => undefined,
        conflicted: () => undefined,
      },
      isWatched: more.isWatched ?? true,
      isWholeCluster: true,
      randomBytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(random.next() * 256)),
      ready: (key) => void this.readyIds.push(key.id),
      judged: () => void this.judgements.push(this.keys.isHeld),
    })
    void this.keys.run(new AbortController().signal)
  }

  get creates(): number {
    return this.sent.filter(({ verb }) => verb === 'create').length
  }

  /** As the watch would tell. */
  async change(what: () => unknown): Promise<void> {
    what()
    this.keys.changed()
    await this.time.run(10_000)
  }
}

test('an absent key is made once, with the uid of kube-system as home’s identity', async () => {
  const s = new Scene()
  await s.time.run(10_000)
  assert.equal(s.creates, 1)
  assert.equal(s.keys.identity(), s.world.namespaces.get('kube-system')?.uid)
  assert.deepEqual(s.readyIds, [s.keys.current()?.id])
  assert.equal(Buffer.from(s.world.get(REF)?.data['key'] ?? '', 'base64').length, 32)
})

test('a follower makes no key, and takes the one that the leader made', async () => {
  const s = new Scene()
  s.isLive = false
  await s.time.run(60_000)
  assert.deepEqual([s.creates, s.keys.current()], [0, null])
  const key = Buffer.alloc(32, 5).toString('base64')
  const text = Buffer.from('other').toString('base64')
  await s.change(() => {
    s.world.create(REF, { name: REF.name, data: { key, identity: text, 'kube-system-uid': text } }, 'leader')
  })
  assert.equal(s.keys.identity(), 'other')
})

test('of two who make a key at once, the later one takes the earlier one’s', async () => {
  const s = new Scene()
  s.isHeld = true
  await s.time.run(1_000)
  const key = Buffer.alloc(32, 5).toString('base64')
  const text = Buffer.from('first').toString('base64')
  s.world.create(REF, { name: REF.name, data: { key, identity: text, 'kube-system-uid': text } }, 'other')
  await s.time.run(20_000)
  assert.equal(s.keys.identity(), 'first')
  assert.equal(s.world.get(REF)?.data['key'], key)
})

test('a key that is deleted is put back as it was, and nobody is told that there is a new one', async () => {
  const s = new Scene()
  await s.time.run(10_000)
  const before = s.world.get(REF)?.data
  await s.change(() => void s.world.remove(REF, null, 'user'))
  assert.deepEqual(s.world.get(REF)?.data, before)
  assert.notEqual(s.keys.current(), null)
  assert.equal(new Set(s.readyIds).size, 1)
})

test('a malformed key is no key, is told, and is never overwritten', async () => {
  for (const data of [
    { key: 'c2hvcnQ=' },
    { key: '' },
    { identity: '' },
    { 'kube-system-uid': '' },
    { identity: Buffer.alloc(300, 'x').toString('base64') },
  ]) {
    const s = new Scene()
    await s.time.run(10_000)
    await s.change(
      () => void s.world.update(REF, (before) => ({ data: { ...before.data, ...data } }), 'user'),
    )
    assert.equal(s.keys.current(), null)
    assert.equal(s.notices.at(-1)?.code, 'DigestKeyMalformed')
    assert.equal(s.creates, 1)
    assert.ok(!s.notices.some(({ message }) => message.includes('c2hvcnQ')))
  }
})

test('a key that is replaced by another good one is taken, and told', async () => {
  const s = new Scene()
  await s.time.run(10_000)
  const key = Buffer.alloc(32, 9).toString('base64')
  await s.change(() => void s.world.update(REF, (before) => ({ data: { ...before.data, key } }), 'user'))
  assert.equal(s.readyIds.length, 2)
  assert.equal(s.keys.current()?.id, s.readyIds[1])
})

test('where Secrets are not watched, a lost key is found within a minute or so', async () => {
  const s = new Scene({ isWatched: false })
  await s.time.run(10_000)
  s.world.remove(REF, null, 'user')
  await s.time.run(70_000)
  assert.notEqual(s.world.get(REF), null)
})

const OTHER_UID = Buffer.from('another-cluster').toString('base64')

/** Writes these keys into the Secret. */
function write(s: Scene, data: Readonly<Record<string, string>>): Promise<void> {
  return s.change(() => void s.world.update(REF, (before) => ({ data: { ...before.data, ...data } }), 'user'))
}

test('an identity that was fixed in this cluster holds nothing', async () => {
  const s = new Scene()
  assert.equal(s.keys.isHeld, true, 'nobody has asked yet')
  await s.time.run(10_000)
  assert.deepEqual([s.keys.isHeld, s.keys.isChanged, s.judgements], [false, false, [false]])
  assert.deepEqual(s.notices, [])
})

test('another UID of kube-system than the stored one holds, is told, and the key stays usable', async () => {
  const s = new Scene()
  await s.time.run(10_000)
  await write(s, { 'kube-system-uid': OTHER_UID })
  assert.deepEqual([s.keys.isHeld, s.keys.isChanged, s.judgements], [true, true, [false, true]])
  assert.equal(s.notices.at(-1)?.code, 'IdentityChanged')
  assert.notEqual(s.keys.current(), null)
  assert.equal(s.readyIds.length, 1)
})

test('the stored UID put right, nothing is held any more, under the same key and identity', async () => {
  const s = new Scene()
  await s.time.run(10_000)
  const identity = s.keys.identity()
  const uid = s.world.get(REF)?.data['kube-system-uid'] ?? ''
  await write(s, { 'kube-system-uid': OTHER_UID })
  await write(s, { 'kube-system-uid': uid })
  assert.deepEqual([s.keys.isHeld, s.judgements], [false, [false, true, false]])
  assert.deepEqual([s.keys.identity(), s.readyIds.length], [identity, 1])
})

test('another identity under the same key is another key to all who use it', async () => {
  const s = new Scene()
  await s.time.run(10_000)
  await write(s, {
    identity: Buffer.from('fresh').toString('base64'),
    'former-identities': Buffer.from('["before"]').toString('base64'),
  })
  assert.equal(s.readyIds.length, 2)
  assert.deepEqual([s.keys.identity(), s.keys.current()?.former], ['fresh', ['before']])
})

test('former identities that are no list of texts make no usable key', async () => {
  for (const text of ['', '{}', '[1]', `["${'x'.repeat(300)}"]`, JSON.stringify(Array(17).fill('x'))]) {
    const s = new Scene()
    await s.time.run(10_000)
    await write(s, { 'former-identities': Buffer.from(text).toString('base64') })
    assert.equal(s.keys.current(), null, text)
    assert.equal(s.notices.at(-1)?.code, 'DigestKeyMalformed')
  }
})

test('while kube-system cannot be read the key is usable and ends are held, and it is asked again soon', async () => {
  const s = new Scene()
  await s.time.run(10_000)
  const { data = {} } = s.world.get(REF) ?? {}
  const other = new Scene({ isDeaf: true })
  const uid = Buffer.from(other.world.namespaces.get('kube-system')?.uid ?? '').toString('base64')
  other.world.create(REF, { name: REF.name, data: { ...data, 'kube-system-uid': uid } }, 'before')
  await other.time.run(10_000)
  assert.deepEqual(
    [other.keys.current() === null, other.keys.isHeld, other.keys.isChanged],
    [false, true, false],
  )
  other.isDeaf = false
  await other.time.run(5_000)
  assert.equal(other.keys.isHeld, false)
})

test('a ClusterProperty that comes later is told once, and the identity is kept', async () => {
  const s = new Scene()
  await s.time.run(10_000)
  const identity = s.keys.identity()
  for (const property of ['named', 'named', 'renamed', null]) await s.change(() => (s.property = property))
  assert.deepEqual(
    s.notices.map(({ code }) => code),
    ['ClusterPropertyChanged', 'ClusterPropertyChanged'],
  )
  assert.deepEqual([s.keys.identity(), s.keys.isHeld, s.readyIds.length], [identity, false, 1])
})
