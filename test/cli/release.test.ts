/** `heliograph release` writes the id beside what stands on the Lease, and says truly whether it was taken up. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { release } from '../../src/cli/release.ts'
import type { Told } from '../../src/cli/release.ts'
import type { Lease } from '../../src/kube/api.ts'
import { failed } from '../../src/std/result.ts'
import { FakeClock } from '../kube/fake-clock.ts'
import { LeaseStore } from '../ops/leases.ts'
import type { LeaseApi } from '../ops/leases.ts'

const KEY = 'heliograph.dev/release'
const LEASE: Lease = {
  namespace: 'heliograph',
  name: 'heliograph',
  version: null,
  labels: {},
  annotations: { other: 'x' },
  holder: 'a',
  durationSeconds: 15,
  acquireTime: null,
  renewTime: null,
  transitions: 0,
}

function start(clock: FakeClock, api: Pick<LeaseApi, 'readLease' | 'updateLease'>): Promise<Told> {
  const { signal } = new AbortController()
  return release({
    api,
    clock,
    namespace: 'heliograph',
    lease: 'heliograph',
    releaseKey: KEY,
    id: 'abc123',
    signal,
  })
}

test('the id is written beside what stands there, and the leader’s taking it off is told', async () => {
  const [clock, store] = [new FakeClock(), new LeaseStore()]
  store.write(LEASE, true)
  const told = start(clock, store.client(clock))
  await clock.advance(500)
  assert.deepEqual(store.lease?.annotations, { other: 'x', [KEY]: 'abc123' })
  assert.equal(store.lease.holder, 'a')
  store.write({ ...store.lease, annotations: { other: 'x' } }, false)
  await clock.advance(1_000)
  assert.deepEqual(await told, { done: true, sentence: 'Hold abc123 is released: its deletions go on now.' })
})

test('nobody takes it up: that is said, and it stays written', async () => {
  const [clock, store] = [new FakeClock(), new LeaseStore()]
  store.write(LEASE, true)
  const told = start(clock, store.client(clock))
  await clock.advance(30_000)
  const { done, sentence } = await told
  assert.equal(done, false)
  assert.match(sentence, /no leader has taken it up yet/)
  assert.equal(store.lease?.annotations[KEY], 'abc123')
})

test('a renewal in between is no failure', async () => {
  const [clock, store] = [new FakeClock(), new LeaseStore()]
  store.write(LEASE, true)
  const client = store.client(clock)
  let renewals = 0
  const told = start(clock, {
    readLease: (...args) => client.readLease(...args),
    updateLease: (lease, options) => {
      if (renewals < 3 && store.lease !== null)
        store.write({ ...store.lease, renewTime: String((renewals += 1)) }, false)
      return client.updateLease(lease, options)
    },
  })
  await clock.advance(100)
  assert.equal(store.lease?.annotations[KEY], 'abc123')
  assert.equal(store.lease.renewTime, '3')
  await clock.advance(30_000)
  await told
})

test('an absent Lease and missing rights say what to do', async () => {
  const clock = new FakeClock()
  const absent = await start(clock, new LeaseStore().client(clock))
  assert.match(absent.sentence, /--namespace/)
  const refused = await start(clock, {
    readLease: () => Promise.resolve(failed({ kind: 'forbidden' })),
    updateLease: () => Promise.resolve(failed({ kind: 'forbidden' })),
  })
  assert.deepEqual(
    [refused.done, refused.sentence],
    [false, 'You may not read and update the Lease heliograph in the namespace heliograph.'],
  )
})
