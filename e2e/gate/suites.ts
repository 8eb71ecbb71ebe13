/** The gate's suites with their budgets: what each runs, and how long it may take on two cores. */

export interface Suite {
  readonly name: string
  /** Seconds on two cores, one-time builds apart; an overrun fails. */
  readonly budgetSeconds: number
  /** A program of node_modules/.bin with its arguments… */
  readonly command?: readonly string[]
  /** …or test files, as globs. */
  readonly tests?: readonly string[]
  /** Globs of test files that belong to another suite. */
  readonly except?: readonly string[]
  /** Waits for the control plane's build. */
  readonly needsControlPlane?: boolean
}

/** All budgets together, in seconds: the gate's promise to contributors. */
export const BUDGET_SECONDS_MAX = 45 * 60

const DOCS = ['test/docs.test.ts', 'test/docs/**/*.test.ts']
const CHART = ['test/chart/**/*.test.ts']

/** In the order in which they run: what fails soonest comes first, what needs the control plane last. */
export const SUITES: readonly Suite[] = [
  { name: 'types', budgetSeconds: 60, command: ['tsc', '-p', '.'] },
  { name: 'lint', budgetSeconds: 60, command: ['oxlint'] },
  { name: 'format', budgetSeconds: 30, command: ['oxfmt', '--check', '.'] },
  {
    name: 'unit',
    budgetSeconds: 300,
    tests: ['test/**/*.test.ts', 'e2e/gate/**/*.test.ts', 'e2e/control-plane/**/*.test.ts'],
    except: [...DOCS, ...CHART],
  },
  { name: 'docs', budgetSeconds: 30, tests: DOCS },
  { name: 'chart', budgetSeconds: 120, tests: CHART, needsControlPlane: true },
  { name: 'e2e', budgetSeconds: 1_800, tests: ['e2e/scenarios/**/*.test.ts'], needsControlPlane: true },
]
