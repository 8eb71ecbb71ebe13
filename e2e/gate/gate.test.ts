/** The gate fails where it should: a failing test, a left-out test, no test at all, an overrun, a broken command. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'

import { filesOf, judge } from './run.ts'
import type { Verdict } from './run.ts'
import { verdictLine } from './screen.ts'
import { BUDGET_SECONDS_MAX, SUITES } from './suites.ts'
import type { Suite } from './suites.ts'

const ROOT = join(import.meta.dirname, '../..')
const root = mkdtempSync(join(tmpdir(), 'heliograph-gate-'))
after(() => rmSync(root, { recursive: true }))

function write(path: string, text: string): void {
  const file = join(root, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  if (path.startsWith('node_modules/.bin/')) chmodSync(file, 0o755)
}

write('good.test.ts', "import { test } from 'node:test'\ntest('one', () => {})\ntest('two', () => {})\n")
write(
  'bad.test.ts',
  "import { test } from 'node:test'\ntest('three', () => { throw new Error('all of this') })\n",
)
write('skip.test.ts', "import { test } from 'node:test'\ntest.skip('four', () => {})\n")
write('broken.test.ts', "console.log('before the end')\nthrow new Error('cannot load')\n")
write('node_modules/.bin/fine', '#!/bin/sh\necho fine\n')
write('node_modules/.bin/wrong', '#!/bin/sh\necho this is wrong\nexit 3\n')

/** In a process of its own: a test run cannot start another one. */
async function run(suite: Partial<Suite>): Promise<Verdict> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const wanted = JSON.stringify({ name: 'tried', budgetSeconds: 60, ...suite })
  write(
    'run.mjs',
    `import { runSuite } from ${JSON.stringify(join(import.meta.dirname, 'run.ts'))}
    const suite = JSON.parse(process.argv[2])
    console.log(JSON.stringify(await runSuite(suite, { root: import.meta.dirname, concurrency: 2 })))`,
  )
  const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'run.mjs'), wanted], { env })
  return JSON.parse(stdout) as Verdict
}

test('tests that pass are counted', async () => {
  const { counts, failures } = await run({ tests: ['good.test.ts'] })
  assert.deepEqual(failures, [])
  assert.deepEqual(counts, { tests: 2, passed: 2, failed: 0, cancelled: 0, skipped: 0, todo: 0 })
})

test('a failing test is shown in full, with its file and line', async () => {
  const { counts, failures } = await run({ tests: ['*d.test.ts'] })
  assert.equal(counts.failed, 1)
  assert.equal(counts.passed, 2)
  assert.match(failures.join('\n'), /bad\.test\.ts:2 {2}three\nError: all of this\n {4}at /)
})

test('a skipped test fails the suite', async () => {
  const { failures } = await run({ tests: ['skip.test.ts', 'good.test.ts'] })
  assert.match(failures.join('\n'), /skip\.test\.ts:2 {2}four was left out/)
})

test('a file that does not load fails the suite, with its output', async () => {
  const { counts, failures } = await run({ tests: ['broken.test.ts'] })
  assert.equal(counts.failed, 1)
  assert.match(failures.join('\n'), /before the end/)
  assert.match(failures.join('\n'), /cannot load/)
})

test('a suite without a test fails', async () => {
  const { failures } = await run({ tests: ['absent/*.test.ts'] })
  assert.deepEqual(failures, ['no test file matches absent/*.test.ts'])
})

test('a command counts as one test, and shows what it said when it fails', async () => {
  const fine = await run({ command: ['fine'] })
  assert.deepEqual(fine.failures, [])
  assert.equal(fine.counts.passed, 1)
  const wrong = await run({ command: ['wrong'] })
  assert.deepEqual(wrong.failures, ['this is wrong\nwrong: exit code 3'])
  assert.equal(wrong.counts.failed, 1)
  assert.equal((await run({ command: ['absent'] })).counts.failed, 1)
})

test('an overrun fails a suite whose tests all pass', () => {
  const suite: Suite = { name: 'slow', budgetSeconds: 10 }
  const counts = { tests: 2, passed: 2, failed: 0, cancelled: 0, skipped: 0, todo: 0 }
  const inTime = judge(suite, { counts, failures: [], seconds: 9.9, isHanging: false })
  assert.deepEqual(inTime.failures, [])
  assert.match(verdictLine(inTime), /^slow +9\.9 s of +10 s +2 tests +ok$/)
  const late = judge(suite, { counts, failures: [], seconds: 10.1, isHanging: false })
  assert.match(late.failures.join(), /10\.1 s of 10 s: over its budget/)
  assert.equal(late.counts.failed, 1)
  assert.match(verdictLine(late), /FAILED$/)
})

test('all budgets together keep the promise to contributors', () => {
  const sum = SUITES.reduce((total, { budgetSeconds }) => total + budgetSeconds, 0)
  assert.ok(sum <= BUDGET_SECONDS_MAX, `${sum} s`)
})

test('every test file of the repository belongs to exactly one suite, or to a command of its own', () => {
  const all = filesOf({ name: 'all', budgetSeconds: 0, tests: ['{test,e2e}/**/*.test.ts'] }, ROOT)
  const taken = SUITES.flatMap((suite) => filesOf(suite, ROOT))
  const others = filesOf({ name: 'others', budgetSeconds: 0, tests: ['e2e/image/**/*.test.ts'] }, ROOT)
  assert.deepEqual([...taken, ...others].toSorted(), [...all])
})
