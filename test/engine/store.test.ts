/** The store never goes back in time, sweeps what a snapshot does not name, and holds nothing that does not matter. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import type { ObjectKey } from '../../src/core/names.ts'
import { Store } from '../../src/engine/store.ts'
import { PREFIX, marked, namespace, object, secret, version } from './things.ts'

interface Scene {
  readonly store: Store
  readonly told: string[]
  readonly awaited: Set<ObjectKey>
}

function scene(): Scene {
  const told: string[] = []
  const awaited = new Set<ObjectKey>()
  const store = new Store(
    [PREFIX],
    {
      objectChanged: (key, before, after, source) =>
        void told.push(`${key} ${before?.version ?? '-'}→${after?.version ?? '-'} ${source}`),
      namespaceChanged: (name, before, after, source) =>
        void told.push(`${name} ${before?.version ?? '-'}→${after?.version ?? '-'} ${source}`),
      swept: () => void told.push('swept'),
    },
    (key) => awaited.has(key),
  )
  return { store, told, awaited }
}

test('the store takes a newer version and refuses an older or equal one, from wherever it comes', () => {
  const { store, told } = scene()
  assert.equal(store.put(marked('a/x', { version: 10 }), 'live'), true)
  assert.equal(store.put(marked('a/x', { version: 9 }), 'answer'), false)
  assert.equal(store.put(marked('a/x', { version: 10 }), 'relist'), false)
  assert.equal(store.put(marked('a/x', { version: 11 }), 'answer'), true)
  assert.deepEqual(told, ['Secret/a/x -→10 live', 'Secret/a/x 10→11 answer'])
})

test('the store compares versions as numbers, so that 9 is older than 10', () => {
  const { store } = scene()
  store.put(marked('a/x', { version: 9 }), 'live')
  assert.equal(store.put(marked('a/x', { version: 10 }), 'live'), true)
})

test('an object of another uid replaces one only if it is newer', () => {
  const { store } = scene()
  store.put(marked('a/x', { uid: 'new', version: 10 }), 'live')
  assert.equal(store.put(marked('a/x', { uid: 'old', version: 9 }), 'answer'), false)
  assert.equal(store.put(marked('a/x', { uid: 'newer', version: 12 }), 'relist'), true)
  assert.equal(store.get(secret('a/x'))?.uid, 'newer')
})

test('what nobody annotated and nobody waits for is not kept', () => {
  const { store, told, awaited } = scene()
  assert.equal(store.put(object('a/x'), 'live'), false)
  assert.equal(store.get(secret('a/x')), null)
  awaited.add(secret('a/x'))
  assert.equal(store.put(object('a/x'), 'live'), true)
  assert.deepEqual(told, ['Secret/a/x -→1 live'])
})

test('an object that loses its last key of ours leaves the store, and that is told', () => {
  const { store, told } = scene()
  store.put(marked('a/x', { version: 1 }), 'live')
  assert.equal(store.put(object('a/x', { version: 2 }), 'live'), true)
  assert.equal(store.get(secret('a/x')), null)
  assert.equal(told.at(-1), 'Secret/a/x 1→- live')
})

test('an answer that comes after the DELETED of what it speaks of does not bring it back; what a consistent read says does', () => {
  const { store, told } = scene()
  store.put(marked('a/x', { uid: 'one', version: 10 }), 'live')
  store.gone(marked('a/x', { uid: 'one', version: 11 }), 'live')
  assert.equal(store.put(marked('a/x', { uid: 'one', version: 10 }), 'answer'), false)
  assert.equal(store.get(secret('a/x')), null)
  assert.equal(told.length, 2)
  assert.equal(store.put(marked('a/x', { uid: 'two', version: 12 }), 'answer'), true)
  store.gone(marked('a/x', { uid: 'two', version: 13 }), 'live')
  assert.equal(store.insist(marked('a/x', { uid: 'one', version: 10 })), true)
})

test('an awaited object is released only once nobody waits for it', () => {
  const { store, awaited } = scene()
  awaited.add(secret('a/x'))
  store.put(object('a/x'), 'live')
  store.release(secret('a/x'))
  assert.notEqual(store.get(secret('a/x')), null)
  awaited.clear()
  store.release(secret('a/x'))
  assert.equal(store.get(secret('a/x')), null)
  store.put(marked('a/y'), 'live')
  store.release(secret('a/y'))
  assert.notEqual(store.get(secret('a/y')), null)
})

test('the absence of an awaited object is told when its DELETED comes, though the store never held it', () => {
  const { store, told, awaited } = scene()
  awaited.add(secret('a/x'))
  assert.equal(store.gone(object('a/x', { version: 5 }), 'live'), false)
  assert.deepEqual(told, ['Secret/a/x -→- live'])
})

test('a DELETED of an older incarnation does not take the newer object away', () => {
  const { store } = scene()
  store.put(marked('a/x', { uid: 'new', version: 10 }), 'answer')
  assert.equal(store.gone(marked('a/x', { uid: 'old', version: 8 }), 'live'), false)
  assert.notEqual(store.get(secret('a/x')), null)
  assert.equal(store.gone(marked('a/x', { uid: 'new', version: 12 }), 'live'), true)
  assert.equal(store.get(secret('a/x')), null)
})

test('an object that an answer said is gone does not come back by the echoes of its last events', () => {
  const { store, told } = scene()
  store.put(marked('a/x', { version: 3 }), 'live')
  store.forget(secret('a/x'), marked('a/x').uid)
  assert.equal(store.put(marked('a/x', { version: 4 }), 'live'), false)
  assert.equal(store.get(secret('a/x')), null)
  assert.equal(told.at(-1), 'Secret/a/x 3→- answer')
  assert.equal(store.put(marked('a/x', { uid: 'another', version: 5 }), 'live'), true)
})

test('a snapshot sweeps what it did not name and what is not newer than it', () => {
  const { store, told } = scene()
  const sink = store.sink('Secret', null)
  for (const [path, at] of [
    ['a/named', 1],
    ['a/gone', 2],
    ['a/younger', 30],
  ] as const)
    store.put(marked(path, { version: at }), 'live')
  store.put(marked('a/other-kind', { kind: 'ConfigMap' }), 'live')
  sink.beginSnapshot('relist')
  sink.put(marked('a/named', { version: 1 }), 'relist')
  assert.equal(sink.endSnapshot(version(20)), 1)
  assert.deepEqual(
    [...store.objects()].map(({ name }) => name),
    ['named', 'younger', 'other-kind'],
  )
  assert.deepEqual(told.slice(-2), ['Secret/a/gone 2→- relist', 'swept'])
})

test('what an answer brings during a snapshot counts as named', () => {
  const { store } = scene()
  const sink = store.sink('Secret', null)
  store.put(marked('a/x', { version: 1 }), 'live')
  sink.beginSnapshot('relist')
  store.put(marked('a/x', { version: 2 }), 'answer')
  assert.equal(sink.endSnapshot(null), 0)
})

test('a snapshot that broke off is forgotten by the next one', () => {
  const { store } = scene()
  const sink = store.sink('Secret', null)
  sink.beginSnapshot('relist')
  sink.put(marked('a/x', { version: 1 }), 'relist')
  sink.beginSnapshot('relist')
  assert.equal(sink.endSnapshot(version(9)), 1)
  assert.equal(store.get(secret('a/x')), null)
})

test('the store is synced once every sink that was asked for has had one whole snapshot', () => {
  const { store } = scene()
  assert.equal(store.isSynced(), false)
  const objects = store.sink('Secret', null)
  const namespaces = store.namespaceSink()
  objects.beginSnapshot('relist')
  objects.endSnapshot(version(1))
  assert.equal(store.isSynced(), false)
  namespaces.beginSnapshot('relist')
  namespaces.endSnapshot(version(1))
  assert.equal(store.isSynced(), true)
})

test('a sink of one namespace sweeps that namespace alone', () => {
  const { store } = scene()
  store.put(marked('a/x'), 'live')
  store.put(marked('b/x'), 'live')
  const sink = store.sink('Secret', 'a')
  sink.beginSnapshot('relist')
  assert.equal(sink.endSnapshot(version(9)), 1)
  assert.notEqual(store.get(secret('b/x')), null)
})

test('a namespace that was made anew is not taken away by the DELETED of its predecessor', () => {
  const { store } = scene()
  store.putNamespace(namespace('a', { uid: 'new', version: 10 }), 'answer')
  assert.equal(store.namespaceGone(namespace('a', { uid: 'old', version: 9 }), 'live'), false)
  assert.notEqual(store.namespace('a'), null)
})

test('in whatever order versions arrive, the store ends with the newest', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (versions) => {
      const { store } = scene()
      for (const at of versions) store.put(marked('a/x', { version: at }), at % 2 === 0 ? 'live' : 'answer')
      assert.equal(store.get(secret('a/x'))?.version, String(Math.max(...versions)))
    }),
  )
})
