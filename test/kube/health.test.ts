/** The probes learn whether the watch loops turn, and nothing about the server from that. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { WatchHealth } from '../../src/kube/health.ts'
import { TIMING, attemptAgeMsMax } from '../../src/kube/timing.ts'
import { FakeClock } from './fake-clock.ts'
import { RecordingWatcher } from './recording.ts'
import { rig } from './rig.ts'

test('a loop is healthy by its attempts, synced by its snapshot, and all is passed on', async () => {
  const clock = new FakeClock()
  const next = new RecordingWatcher()
  const health = new WatchHealth(['secrets', 'namespaces'], clock, next)
  await clock.advance(100)
  health.attempted('secrets')
  health.synced('secrets')
  await clock.advance(50)
  health.heard('secrets')
  assert.deepEqual(health.report(), [
    { resource: 'secrets', isSynced: true, attemptAgeMs: 50, heardAgeMs: 0 },
    { resource: 'namespaces', isSynced: false, attemptAgeMs: 150, heardAgeMs: null },
  ])
  assert.equal(health.isSynced(), false)
  health.synced('namespaces')
  assert.equal(health.isSynced(), true)
  assert.equal(next.attempts, 1)
  assert.deepEqual(next.journal.entries, ['synced secrets', 'synced namespaces'])
})

test('while no server answers, attempts go on within the bound', async (t) => {
  const clock = new FakeClock()
  const health = new WatchHealth(['secrets'], clock, new RecordingWatcher())
  const made = await rig(t, { clock, watcher: health, auditIntervalMs: 1e12 })
  for (let round = 0; round < 10; round += 1) {
    await made.server.next()
    assert.ok((health.report()[0]?.attemptAgeMs ?? Infinity) < attemptAgeMsMax())
    await clock.advance(TIMING.openMs)
    await clock.advance(await clock.sleeping((ms) => ms > 1000 && ms !== TIMING.watchdogMs && ms < 1e6))
  }
  assert.equal(health.isSynced(), false)
})
