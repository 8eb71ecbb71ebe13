/** The index of claims: where to look after each change, which ends were seen, and who is within the limits. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { ObjectKey } from '../../src/core/names.ts'
import type { Rules } from '../../src/core/rules.ts'
import { History } from '../../src/engine/history.ts'
import { Origins } from '../../src/engine/origins.ts'
import { homeReach } from '../../src/engine/reach.ts'
import { Site } from '../../src/engine/site.ts'
import { Store } from '../../src/engine/store.ts'
import type { Source } from '../../src/engine/store.ts'
import { RULES } from '../core/rules.ts'
import { SimClock, SimTime } from '../sim/time.ts'
import { PREFIX, marked, namespace, object, secret } from './things.ts'
import type { Wanted } from './things.ts'

const ORIGIN = secret('src/db')

class Scene {
  readonly time = new SimTime()
  readonly history = new History()
  readonly store: Store
  readonly origins: Origins
  readonly site: Site
  readonly asked = new Set<ObjectKey>()
  #version = 1

  constructor(rules: Partial<Rules> = {}) {
    const all: Rules = { ...RULES, ...rules }
    this.store = new Store(
      [PREFIX],
      {
        objectChanged: (...change) => {
          this.site.objectChanged(...change)
          this.site.originChanged(change[0], change[3])
        },
        namespaceChanged: (...change) => this.site.namespaceChanged(...change),
        swept: () => undefined,
      },
      (key) => this.site.isClaimed(key) || this.site.isReferenced(key),
    )
    this.origins = new Origins(this.store, all)
    this.site = new Site({
      store: this.store,
      originStore: this.store,
      origins: this.origins,
      reach: homeReach(all),
      history: this.history,
      rules: all,
      clock: new SimClock(this.time),
      identity: () => 'home',
      enqueue: (place) => void this.asked.add(place),
      indexed: () => undefined,
      namespaceIndexed: () => undefined,
    })
  }

  namespaces(...names: readonly string[]): void {
    for (const name of names) this.namespace(name)
  }

  namespace(name: string, wanted: Parameters<typeof namespace>[1] = {}, source: Source = 'live'): void {
    this.#version += 1
    this.store.putNamespace(namespace(name, { version: this.#version, ...wanted }), source)
    this.site.flush()
  }

  put(path: string, wanted: Wanted, source: Source = 'live'): void {
    this.#version += 1
    this.store.put(object(path, { version: this.#version, ...wanted }), source)
    this.site.flush()
  }

  mirror(path: string, origin: string): void {
    this.put(path, { labels: { mirror: 'x' }, annotations: { origin, at: path } })
  }

  places(): readonly string[] {
    return [...this.site.places(ORIGIN)].map((key) => key.split('/')[1] ?? '').sort()
  }
}

function offering(to: string, more: Readonly<Record<string, string>> = {}): Wanted {
  return { annotations: { 'reflect-to': to, ...more } }
}

test('an origin claims the namespaces that it names, never its own', () => {
  const s = new Scene()
  s.namespaces('src', 't1', 't2', 'other')
  s.put('src/db', offering('t*,src'))
  assert.deepEqual(s.places(), ['t1', 't2'])
  assert.deepEqual([...s.site.claimants(secret('t1/db'))], [ORIGIN])
  assert.deepEqual([...s.asked].sort(), ['src/db', 't1/db', 't2/db'].map(secret))
})

test('a namespace that appears or changes its labels is claimed, and one that stops matching is left', () => {
  const s = new Scene()
  s.namespaces('src')
  s.put('src/db', offering('*', { 'reflect-to-selector': 'team=a' }))
  assert.deepEqual(s.places(), [])
  s.namespace('t1', { labels: { team: 'a' } })
  assert.deepEqual(s.places(), ['t1'])
  s.asked.clear()
  s.namespace('t1', { labels: { team: 'b' } })
  assert.deepEqual(s.places(), [])
  assert.ok(s.asked.has(secret('t1/db')))
  assert.equal(s.history.endOf(secret('t1/db'), ORIGIN).witness, 'live')
})

test('a change of a namespace that nobody reads asks for nothing', () => {
  const s = new Scene()
  s.namespaces('src', 't1')
  s.put('src/db', offering('t*'))
  s.asked.clear()
  s.namespace('t1')
  assert.equal(s.asked.size, 0)
})

test('a narrowing that was seen is an end that was seen; one that a snapshot tells of is not', () => {
  for (const [source, witness] of [
    ['live', 'live'],
    ['answer', 'live'],
    ['relist', 'inferred'],
    ['audit', 'inferred'],
  ] as const) {
    const s = new Scene()
    s.namespaces('src', 't1')
    s.put('src/db', offering('t*'))
    s.put('src/db', offering('nowhere'), source)
    assert.equal(s.history.endOf(secret('t1/db'), ORIGIN).witness, witness, source)
  }
})

test('a change that was seen does not make an unseen one before it a seen one', () => {
  const s = new Scene()
  s.namespaces('src', 't1')
  s.put('src/db', offering('t*'))
  s.store.put(object('src/db', { version: 50, ...offering('nowhere') }), 'relist')
  s.store.put(object('src/db', { version: 51, ...offering('nowhere', { resync: '1' }) }), 'live')
  s.site.flush()
  assert.equal(s.history.endOf(secret('t1/db'), ORIGIN).witness, 'inferred')
})

test('an origin that claims again takes its end back', () => {
  const s = new Scene()
  s.namespaces('src', 't1')
  s.put('src/db', offering('t*'))
  s.put('src/db', offering('nowhere'))
  s.put('src/db', offering('t*'))
  assert.equal(s.history.endOf(secret('t1/db'), ORIGIN).witness, 'inferred')
  assert.deepEqual(s.places(), ['t1'])
})

test('a held origin keeps its index: its claims are frozen, not ended', () => {
  const s = new Scene()
  s.namespaces('src', 't1')
  s.put('src/db', offering('t*'))
  s.put('src/db', offering('t*', { paused: 'true' }))
  assert.deepEqual(s.places(), ['t1'])
  assert.equal(s.history.endOf(secret('t1/db'), ORIGIN).witness, 'inferred')
})

test('consent that was seen to be withdrawn is an end that was seen', () => {
  const s = new Scene()
  s.namespaces('src', 't1')
  s.put('src/db', offering('t*'))
  s.mirror('t1/db', 'src/db')
  s.asked.clear()
  s.namespace('t1', { annotations: { refuse: '*' } })
  assert.equal(s.history.endOf(secret('t1/db'), ORIGIN).witness, 'live')
  assert.ok(s.asked.has(secret('t1/db')))
  s.namespace('t1', {})
  assert.equal(s.history.endOf(secret('t1/db'), ORIGIN).witness, 'inferred')
})

test('a mirror whose origin goes is looked at, and so is an object that pulls from it', () => {
  const s = new Scene()
  s.namespaces('src', 't1')
  s.put('src/db', { annotations: { 'allow-pull': '*' } })
  s.mirror('t9/left', 'src/db')
  s.put('t1/mine', { annotations: { 'reflect-from': 'src/db' } })
  s.asked.clear()
  s.store.gone(marked('src/db', { version: 90 }), 'live')
  s.site.flush()
  assert.ok(s.asked.has(secret('t9/left')) && s.asked.has(secret('t1/mine')))
})

test('an origin that offers nothing any more is not gone while somebody asks for it, and is forgotten afterwards', () => {
  const s = new Scene()
  s.namespaces('src', 't1')
  s.put('src/db', { annotations: { 'allow-pull': '*' } })
  s.put('t1/mine', { annotations: { 'reflect-from': 'src/db' } })
  s.site.flush()
  s.put('src/db', {})
  s.site.flush()
  assert.ok(s.store.get(ORIGIN) !== null)
  assert.equal(s.history.endOf(secret('t1/mine'), ORIGIN).witness, 'inferred')
  s.put('t1/mine', {})
  s.site.flush()
  assert.equal(s.store.get(ORIGIN), null)
})

test('mirrors are grouped by the namespace of the origin that their marks name', () => {
  const s = new Scene()
  s.mirror('t1/db', 'src/db')
  s.mirror('t2/db', 'src/db')
  s.mirror('t3/x', 'else/x')
  assert.deepEqual([...s.site.group('src')].sort(), [secret('t1/db'), secret('t2/db')])
  s.store.gone(marked('t1/db', { version: 90 }), 'live')
  assert.deepEqual([...s.site.group('src')], [secret('t2/db')])
})

test('claims beyond the limit are refused in a stable order, holders first', () => {
  const s = new Scene({ mirrorsPerOriginMax: 2 })
  s.namespaces('src', 't1', 't2', 't3', 't4')
  s.mirror('t4/db', 'src/db')
  s.put('src/db', offering('t*'))
  const view = s.origins.view(ORIGIN)
  assert.ok(view !== null)
  const admitted = ['t1', 't2', 't3', 't4'].filter((name) => s.site.isAdmitted(view, secret(`${name}/db`)))
  assert.deepEqual(admitted, ['t1', 't4'])
})

test('origins beyond their namespace’s limit are refused, the older ones keep their place', () => {
  const s = new Scene({ originsPerNamespaceMax: 1 })
  s.namespaces('src', 't1')
  s.put('src/young', { ...offering('t*'), createdAt: '2026-11-24T02:00:00Z' })
  s.put('src/db', { ...offering('t*'), createdAt: '2026-11-24T01:00:00Z' })
  const [old, young] = [s.origins.view(ORIGIN), s.origins.view(secret('src/young'))]
  assert.ok(old !== null && young !== null)
  assert.equal(s.site.isAdmitted(old, secret('t1/db')), true)
  assert.equal(s.site.isAdmitted(young, secret('t1/young')), false)
})

test('an origin with mirrors keeps its place before an older one that comes to offer later', () => {
  const s = new Scene({ originsPerNamespaceMax: 1 })
  s.namespaces('src', 't1')
  s.mirror('t1/young', 'src/young')
  s.put('src/young', { ...offering('t*'), createdAt: '2026-11-24T02:00:00Z' })
  s.put('src/db', { ...offering('t*'), createdAt: '2026-11-24T01:00:00Z' })
  const [old, young] = [s.origins.view(ORIGIN), s.origins.view(secret('src/young'))]
  assert.ok(old !== null && young !== null)
  assert.equal(s.site.isAdmitted(young, secret('t1/young')), true)
  assert.equal(s.site.isAdmitted(old, secret('t1/db')), false)
})

test('when an origin goes, the places of those that its namespace’s limit kept out are asked for again', () => {
  const s = new Scene({ originsPerNamespaceMax: 1 })
  s.namespaces('src', 't1')
  s.put('src/a', offering('t*'))
  s.put('src/db', offering('t*'))
  const view = s.origins.view(ORIGIN)
  assert.ok(view !== null)
  assert.equal(s.site.isAdmitted(view, secret('t1/db')), false)
  s.asked.clear()
  s.put('src/a', {})
  assert.ok(s.asked.has(secret('t1/db')))
  assert.equal(s.site.isAdmitted(view, secret('t1/db')), true)
})

test('when a target goes, the places of the origin that the limit kept out are asked for again', () => {
  const s = new Scene({ mirrorsPerOriginMax: 1 })
  s.namespaces('src', 't1', 't2')
  s.mirror('t2/db', 'src/db')
  s.put('src/db', offering('t*'))
  const view = s.origins.view(ORIGIN)
  assert.ok(view !== null)
  assert.equal(s.site.isAdmitted(view, secret('t1/db')), false)
  s.asked.clear()
  s.store.namespaceGone(namespace('t2', { version: 1_000 }), 'live')
  s.site.flush()
  assert.ok(s.asked.has(secret('t1/db')))
})

test('what one place depends on is indexed when it is observed, without waiting for the rest', () => {
  const s = new Scene()
  s.namespaces('src', 't1')
  s.store.put(object('src/db', { version: 90, ...offering('t*') }), 'live')
  s.store.put(object('src/db2', { version: 91, ...offering('t*') }), 'live')
  s.site.flushFor({ kind: 'Secret', namespace: 't1', name: 'db' }, [ORIGIN])
  assert.deepEqual(s.places(), ['t1'])
  assert.equal(s.site.isClaimed(secret('t1/db2')), false)
})

test('everything unseen raises the count by which a brake knows that its own is old', () => {
  const s = new Scene()
  s.namespaces('src', 't1')
  const before = s.site.unseen
  s.put('src/db', offering('t*'), 'live')
  assert.equal(s.site.unseen, before)
  s.put('src/db', offering('nowhere'), 'relist')
  assert.ok(s.site.unseen > before)
})
