/** A peer whose Secret says which cluster is meant is that cluster or none. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Uid } from '../../src/core/names.ts'
import type { Notice } from '../../src/core/notices.ts'
import { PeerLink } from '../../src/peers/link.ts'
import type { LinkOptions } from '../../src/peers/link.ts'
import { failed, ok } from '../../src/std/result.ts'
import { RULES } from '../core/rules.ts'
import { FakeClock } from '../kube/fake-clock.ts'
import { plainAccess } from '../kube/rig.ts'

/** A cluster whose kube-system has the UID `found`. */
class Scene {
  readonly clock = new FakeClock()
  readonly told: Notice[] = []
  readonly link: PeerLink
  found: string
  attached = 0

  constructor(found: string, identity: string | null, objection: string | null = null) {
    this.found = found
    const api = {
      readClusterProperty: () => Promise.resolve(failed({ kind: 'absent' })),
      readNamespace: () => Promise.resolve(ok({ uid: this.found })),
      reviewAccess: () => Promise.resolve(ok(true)),
    }
    const options = {
      name: 'eu',
      secret: { kind: 'Secret', namespace: 'heliograph', name: 'eu', uid: 'uid' as Uid },
      access: plainAccess('https://eu'),
      terms: { name: null, origins: null, namespaces: null, identity },
      rules: RULES,
      kinds: RULES.kinds,
      createsNamespaces: false,
      clock: this.clock,
      random: { next: () => 0.5 },
      connect: () => Promise.resolve(ok({ close: () => Promise.resolve() })),
      api: () => api,
      attach: () => this.#attach(),
      leadership: { isLive: () => true },
      recorder: { tell: (told: Notice) => void this.told.push(told) },
      recorderOf: () => ({ tell: () => undefined }),
      observer: { answered: () => undefined },
      objection: () => objection,
    }
    this.link = new PeerLink(options as unknown as LinkOptions)
    void this.link.run(new AbortController().signal)
  }

  #attach(): unknown {
    this.attached += 1
    const standing = { isSynced: true, mirrors: new Map() }
    return { standing: () => standing, lead: () => {}, follow: () => {}, detach: () => Promise.resolve() }
  }
}

test('another cluster than the one that the Secret means is refused, and nothing is attached', async () => {
  const s = new Scene('found', 'meant')
  await s.clock.advance(0)
  assert.deepEqual([s.link.standing().state, s.attached], ['refused', 0])
  assert.deepEqual(
    s.told.map(({ code }) => code),
    ['PeerRefused'],
  )
  assert.match(s.link.standing().reason ?? '', /another cluster than its annotation peer-identity names/)
})

test('it is taken up once it is the one that is meant', async () => {
  const s = new Scene('found', 'meant')
  await s.clock.advance(0)
  s.found = 'meant'
  await s.clock.advance(10_000)
  assert.deepEqual([s.link.identity, s.attached], ['meant', 1])
})

test('without that word, and with the right one, the cluster is taken as it is', async () => {
  for (const identity of [null, 'found']) {
    const s = new Scene('found', identity)
    await s.clock.advance(0)
    assert.deepEqual([s.link.identity, s.attached], ['found', 1])
  }
})

test('the right word overrules no other objection', async () => {
  const s = new Scene('found', 'found', 'it is this very cluster')
  await s.clock.advance(0)
  assert.deepEqual([s.link.standing().reason, s.attached], ['it is this very cluster', 0])
})
