/** What a tenant may make the index do: patterns are matched when they or labels change, and for nothing else. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { ObjectKey, ResourceVersion, Uid } from '../../src/core/names.ts'
import type { NamespaceMeta, ObjectMeta, Texts } from '../../src/core/objects.ts'
import { History } from '../../src/engine/history.ts'
import { Origins } from '../../src/engine/origins.ts'
import { homeReach } from '../../src/engine/reach.ts'
import { Site } from '../../src/engine/site.ts'
import { Store } from '../../src/engine/store.ts'
import { P } from '../sim/lawful.ts'
import { Rig, secretKey } from '../sim/rig.ts'
import { manyNamespaces, mirrorOf, offer, settled } from '../sim/scenes.ts'

class Scene {
  readonly asked: ObjectKey[] = []
  readonly store: Store
  readonly site: Site
  readonly origins: Origins
  #version = 0

  constructor(originsPerNamespaceMax = 1_000) {
    const rules = { ...new Rig().settings.rules, originsPerNamespaceMax }
    this.store = new Store(
      [P],
      {
        objectChanged: (...change) => {
          this.site.objectChanged(...change)
          this.site.originChanged(change[0], change[3])
        },
        namespaceChanged: (...change) => this.site.namespaceChanged(...change),
        swept: () => undefined,
      },
      () => false,
    )
    this.origins = new Origins(this.store, rules)
    this.site = new Site({
      store: this.store,
      originStore: this.store,
      origins: this.origins,
      reach: homeReach(rules),
      history: new History(),
      rules,
      clock: new Rig().processClock(),
      identity: () => 'home',
      enqueue: (place) => void this.asked.push(place),
      indexed: () => undefined,
      namespaceIndexed: () => undefined,
    })
  }

  namespace(name: string, labels: Texts = {}, annotations: Texts = {}): void {
    this.store.putNamespace(
      { name, uid: name as Uid, version: this.#next(), terminating: false, labels, annotations },
      'live',
    )
  }

  origin(name: string, to: string, more: Texts = {}): ObjectMeta {
    const meta: ObjectMeta = {
      key: secretKey('src', name),
      kind: 'Secret',
      namespace: 'src',
      name,
      uid: name as Uid,
      version: this.#next(),
      createdAt: '2026-01-01T00:00:00Z',
      deleting: false,
      labels: {},
      annotations: { [`${P}reflect-to`]: to, ...more },
      fields: { ours: [], others: [] },
      lastApplied: false,
    }
    this.store.put(meta, 'live')
    return meta
  }

  /** How often namespaces were looked through, or chosen by an origin, while `act` was indexed. */
  matches(act: () => void): number {
    this.site.flush()
    let count = 0
    const { site } = this
    const placeIn = site.placeIn.bind(site)
    site.placeIn = (view, namespace: NamespaceMeta) => {
      count += 1
      return placeIn(view, namespace)
    }
    act()
    site.flush()
    site.placeIn = placeIn
    return count
  }

  #next(): ResourceVersion {
    this.#version += 1
    return String(this.#version) as ResourceVersion
  }
}

test('a rotation matches no pattern, and a change of the patterns or of labels matches what it must', () => {
  const scene = new Scene()
  for (const name of manyNamespaces(50)) scene.namespace(name)
  for (let index = 0; index < 20; index += 1) scene.origin(`o${index}`, 't1*')
  assert.equal(
    scene.matches(() => void scene.origin('o1', 't1*')),
    0,
  )
  assert.equal(
    scene.matches(() => void scene.origin('o1', 't2*')),
    50,
  )
  assert.equal(
    scene.matches(() => scene.namespace('t1', {}, { [`${P}refuse`]: '*' })),
    0,
  )
  assert.equal(
    scene.matches(() => scene.namespace('t1', { team: 'a' })),
    20,
  )
  assert.equal(
    scene.matches(() => scene.namespace('t99')),
    20,
  )
  assert.equal(scene.site.places(secretKey('src', 'o1')).size, 11)
})

test('consent that changes asks for every claim on the namespace again', () => {
  const scene = new Scene()
  scene.namespace('t1')
  scene.origin('a', 't1')
  scene.origin('b', 'other')
  scene.site.flush()
  scene.asked.length = 0
  scene.namespace('t1', {}, { [`${P}refuse`]: '*' })
  scene.site.flush()
  assert.deepEqual(scene.asked, [secretKey('t1', 'a')])
})

test('a namespace that came while an origin was held is claimed when it is held no more', () => {
  const scene = new Scene()
  scene.namespace('t1')
  scene.origin('a', 't*')
  scene.site.flush()
  scene.origin('a', 't*', { [`${P}paused`]: 'true' })
  scene.site.flush()
  scene.namespace('t2')
  scene.site.flush()
  scene.origin('a', 't*')
  scene.site.flush()
  assert.equal(scene.site.places(secretKey('src', 'a')).size, 2)
})

test('the limit of origins in a namespace follows who comes, goes and is made again', () => {
  const scene = new Scene(2)
  const [a, b, c] = ['a', 'b', 'c'].map((name) => scene.origin(name, 't*'))
  scene.site.flush()
  const within = (): readonly boolean[] =>
    [a, b, c].map((meta) => meta !== undefined && scene.origins.isWithinNamespaceLimit(meta, () => false))
  assert.deepEqual(within(), [true, true, false])
  if (a !== undefined) scene.store.gone(a, 'live')
  scene.site.flush()
  assert.deepEqual(within().slice(1), [true, true])
})

test('a leader begins when everything is indexed, without doing it at once', async () => {
  const rig = await settled({ namespaces: manyNamespaces(5) })
  offer(rig, { name: 'late' })
  rig.leader?.kill()
  rig.startLeader()
  await rig.time.run(2_000)
  assert.notEqual(mirrorOf(rig, 't4', 'late'), null)
})
