/** The gate: every suite, each against its budget, with one line each and every failure in full. */

import { availableParallelism } from 'node:os'
import { join } from 'node:path'

import { build, findBuild } from '../control-plane/build.ts'
import { Mistake, runMain } from '../control-plane/mistake.ts'
import { runSuite } from './run.ts'
import type { Verdict } from './run.ts'
import { Screen, verdictLine } from './screen.ts'
import { SUITES } from './suites.ts'
import type { Suite } from './suites.ts'

const ROOT = join(import.meta.dirname, '../..')
const CORES = availableParallelism()
/** Control planes side by side: each takes most of a core while it starts. */
const CONCURRENCY_MAX = 4

void runMain(() => gate(process.argv.slice(2)))

/** Runs the named suites, or all; answers the exit code. */
async function gate(names: readonly string[]): Promise<number> {
  const suites = chosen(names)
  const started = performance.now()
  const screen = new Screen(process.stdout)
  screen.line(`${suites.length} suites on ${CORES} cores, Node ${process.versions.node}`)
  const building = suites.some((suite) => suite.needsControlPlane === true) ? buildControlPlane(screen) : null
  const verdicts: Verdict[] = []
  for (const suite of suites) {
    if (suite.needsControlPlane === true && building !== null) {
      screen.status('control plane', 'waiting for its build')
      const mistake = await building
      if (mistake !== null) {
        const verdict = notRun(suite, mistake)
        verdicts.push(verdict)
        screen.verdict(verdict)
        continue
      }
    }
    verdicts.push(await watched(suite, screen))
  }
  return conclude(verdicts, screen, performance.now() - started)
}

function chosen(names: readonly string[]): readonly Suite[] {
  const unknown = names.find((name) => !SUITES.some((suite) => suite.name === name))
  if (unknown !== undefined)
    throw new Mistake(
      `There is no suite ${unknown}: choose from ${SUITES.map(({ name }) => name).join(', ')}.`,
    )
  return names.length === 0 ? SUITES : SUITES.filter(({ name }) => names.includes(name))
}

/** Begins at once, so that a first build runs beside the suites that need none. Answers the sentence if it cannot. */
async function buildControlPlane(screen: Screen): Promise<string | null> {
  if (isElsewhere('KUBEBUILDER_ASSETS') || isElsewhere('HELIOGRAPH_TEST_KUBECONFIG')) return null
  try {
    if ((await findBuild()) !== null) return null
    await build((line) => screen.background(line))
    screen.background('')
    return null
  } catch (error) {
    screen.background('')
    if (error instanceof Mistake) return error.message
    throw error
  }
}

function isElsewhere(variable: string): boolean {
  return (process.env[variable] ?? '') !== ''
}

async function watched(suite: Suite, screen: Screen): Promise<Verdict> {
  const started = performance.now()
  let ended = ''
  const show = (): void => {
    const seconds = Math.round((performance.now() - started) / 1_000)
    screen.status(suite.name, `${seconds} s of ${suite.budgetSeconds} s${ended}`)
  }
  show()
  const beat = setInterval(show, 1_000)
  try {
    const verdict = await runSuite(suite, {
      root: ROOT,
      concurrency: Math.min(CORES, CONCURRENCY_MAX),
      onTest: ({ passed, failed }) => (ended = `, ${passed} passed${failed > 0 ? `, ${failed} FAILED` : ''}`),
    })
    screen.verdict(verdict)
    return verdict
  } finally {
    clearInterval(beat)
  }
}

function notRun(suite: Suite, mistake: string): Verdict {
  const counts = { tests: 1, passed: 0, failed: 1, cancelled: 0, skipped: 0, todo: 0 }
  return { suite, seconds: 0, counts, failures: [mistake] }
}

/** The totals stand last, in the form of Node's test runner, so that whoever reads the output finds them. */
function conclude(verdicts: readonly Verdict[], screen: Screen, elapsedMs: number): number {
  const failed = verdicts.filter(({ failures }) => failures.length > 0)
  for (const verdict of failed) screen.line(verdictLine(verdict))
  const sum = (key: keyof Verdict['counts']): number =>
    verdicts.reduce((total, { counts }) => total + counts[key], 0)
  screen.line(`# tests ${sum('tests')}`)
  screen.line(`# suites ${verdicts.length}`)
  screen.line(`# pass ${sum('passed')}`)
  screen.line(`# fail ${sum('failed')}`)
  screen.line(`# cancelled ${sum('cancelled')}`)
  screen.line(`# skipped ${sum('skipped')}`)
  screen.line(`# todo ${sum('todo')}`)
  screen.line(`# duration_ms ${Math.round(elapsedMs)}`)
  return failed.length === 0 ? 0 : 1
}
