/**
 * Homes and their peers against a model, over random users, networks, processes and links. One seed is one history:
 * `SIM_SEED=17 node_modules/.bin/node --test test/sim/peers.test.ts` replays it; `SIM_SEEDS=5000` runs longer.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { fleetHistory } from './fleet-history.ts'

const SEEDS = Number(process.env['SIM_SEEDS'] ?? 80)
const ONE = process.env['SIM_SEED']
/** Lines about failing histories before the test gives up. */
const FAILURES_MAX = 60

test('after any history every cluster becomes what the model says of each home, and then nothing is written any more', async () => {
  const seeds = ONE === undefined ? Array.from({ length: SEEDS }, (_, index) => index + 1) : [Number(ONE)]
  const failures: string[] = []
  for (const seed of seeds) {
    const found = await fleetHistory(seed)
    if (found.length === 0) continue
    failures.push(`SIM_SEED=${seed} node_modules/.bin/node --test test/sim/peers.test.ts`, ...found)
    if (failures.length > FAILURES_MAX) break
  }
  assert.equal(failures.join('\n'), '')
})
