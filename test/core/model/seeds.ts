/** Seeds of property tests: printed with every run, given back by `HELIOGRAPH_TEST_SEED`; `HELIOGRAPH_TEST_RUNS` multiplies the runs. */

import type { TestContext } from 'node:test'

import type { Parameters } from 'fast-check'

/** Parameters of one property: its seed is told, so that a failure can be had again. */
export function replayable<T>(t: TestContext, numRuns: number): Parameters<T> {
  const { HELIOGRAPH_TEST_SEED: given, HELIOGRAPH_TEST_RUNS: times } = process.env
  const seed = given === undefined ? Math.trunc(Math.random() * 0x7fff_ffff) : Number(given)
  t.diagnostic(`HELIOGRAPH_TEST_SEED=${seed}`)
  return { seed, numRuns: numRuns * Number(times ?? '1') }
}
