/** Origins are matched against namespaces piece by piece, so that dear patterns of one tenant delay nobody else. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { keyOf } from '../../src/core/names.ts'
import { PREFIX, RULES } from '../core/rules.ts'
import { History } from '../../src/engine/history.ts'
import { Matching, PIECE_MAX } from '../../src/engine/matching.ts'
import { Origins } from '../../src/engine/origins.ts'
import type { OriginView } from '../../src/engine/origins.ts'
import { homeReach } from '../../src/engine/reach.ts'
import { Site } from '../../src/engine/site.ts'
import { Store } from '../../src/engine/store.ts'
import { SimClock, SimTime } from '../sim/time.ts'
import { namespace, object } from './things.ts'

const NAMESPACES = Array.from({ length: 10 * PIECE_MAX }, (_, index) =>
  namespace(`t${index}`, { version: index + 1 }),
)

function viewOf(version: number): OriginView {
  const meta = object('src/db', { version })
  return { meta, reading: { kind: 'held', flaws: [], paused: true, remarks: [] } }
}

function matching(asked: string[]): Matching {
  return new Matching({
    namespaces: () => NAMESPACES.values(),
    placeIn: ({ meta }, { name }) => {
      asked.push(name)
      return keyOf({ kind: meta.kind, namespace: name, name: meta.name })
    },
  })
}

test('a piece asks a bounded number of namespaces, and the whole asks each once', () => {
  const asked: string[] = []
  const m = matching(asked)
  const view = viewOf(1)
  assert.equal(m.next(view, false), null)
  assert.equal(asked.length, PIECE_MAX)
  const places = m.next(view, true)
  assert.equal(places?.size, NAMESPACES.length)
  assert.deepEqual(
    asked,
    NAMESPACES.map(({ name }) => name),
  )
})

test('what is begun with another version, or before namespaces changed, is begun anew', () => {
  const asked: string[] = []
  const m = matching(asked)
  const view = viewOf(1)
  m.next(view, false)
  m.next(viewOf(2), false)
  assert.deepEqual(asked.slice(PIECE_MAX), asked.slice(0, PIECE_MAX))
  m.clear()
  assert.equal(m.next(view, true)?.size, NAMESPACES.length)
})

test('an origin with many namespaces lets an origin of another namespace be indexed first', async () => {
  const time = new SimTime()
  const order: string[] = []
  const store: Store = new Store(
    [PREFIX],
    {
      objectChanged: (...change) => {
        site.objectChanged(...change)
        site.originChanged(change[0], change[3])
      },
      namespaceChanged: (...change) => site.namespaceChanged(...change),
      swept: () => undefined,
    },
    () => false,
  )
  const origins = new Origins(store, RULES)
  const site = new Site({
    store,
    originStore: store,
    origins,
    reach: homeReach(RULES),
    history: new History(),
    rules: RULES,
    clock: new SimClock(time),
    identity: () => 'home',
    enqueue: () => undefined,
    indexed: (origin) => void order.push(origin),
    namespaceIndexed: () => undefined,
  })
  for (const each of NAMESPACES) store.putNamespace(each, 'live')
  const annotations = { 'reflect-to': 't*' }
  store.put(object('hostile/db', { version: 1, annotations }), 'live')
  store.put(object('victim/db', { version: 2, annotations: { 'allow-pull': 't1' } }), 'live')
  const stop = new AbortController()
  const running = site.run(stop.signal)
  await time.run(1_000)
  stop.abort()
  await time.run(1_000)
  await running
  assert.deepEqual(order, ['Secret/victim/db', 'Secret/hostile/db'])
  assert.equal(
    site.places(keyOf({ kind: 'Secret', namespace: 'hostile', name: 'db' })).size,
    NAMESPACES.length,
  )
})
