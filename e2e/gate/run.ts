/** Runs one suite and judges it: by its tests, and by its time against its budget. */

import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { join, matchesGlob, relative } from 'node:path'
import { run } from 'node:test'
import type { EventData } from 'node:test'
import { inspect } from 'node:util'

import type { Suite } from './suites.ts'

export interface Counts {
  readonly tests: number
  readonly passed: number
  readonly failed: number
  readonly cancelled: number
  readonly skipped: number
  readonly todo: number
}

export interface Verdict {
  readonly suite: Suite
  readonly seconds: number
  readonly counts: Counts
  /** Why the suite failed, each in full; empty: it passed. */
  readonly failures: readonly string[]
}

export interface RunOptions {
  /** The repository's root. */
  readonly root: string
  /** Test files at a time. */
  readonly concurrency: number
  /** Told of each test that ended. */
  readonly onTest?: (counts: { readonly passed: number; readonly failed: number }) => void
  readonly signal?: AbortSignal
}

const NO_TESTS: Counts = { tests: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 }
/** What hangs is ended when it took that many times its budget. */
const HANGING_FACTOR = 2
const OUTPUT_CHARS_MAX = 1 << 20

export async function runSuite(suite: Suite, options: RunOptions): Promise<Verdict> {
  const started = performance.now()
  const hanging = AbortSignal.timeout(suite.budgetSeconds * HANGING_FACTOR * 1_000)
  const signal = options.signal === undefined ? hanging : AbortSignal.any([options.signal, hanging])
  const work =
    suite.command === undefined
      ? await runTests(suite, { ...options, signal })
      : await runCommand(suite.command, options.root, signal)
  return judge(suite, { ...work, seconds: (performance.now() - started) / 1_000, isHanging: hanging.aborted })
}

/** Adds what the clock has to say; such a failure counts as one more test. */
export function judge(
  suite: Suite,
  work: Work & { readonly seconds: number; readonly isHanging: boolean },
): Verdict {
  const { seconds, isHanging } = work
  const failures = [...work.failures]
  if (isHanging) failures.push(`ended after ${HANGING_FACTOR} times its budget: it hangs`)
  else if (seconds > suite.budgetSeconds)
    failures.push(
      `took ${seconds.toFixed(1)} s of ${suite.budgetSeconds} s: over its budget (e2e/gate/suites.ts)`,
    )
  const isUncounted = failures.length > 0 && work.counts.failed === 0
  const { tests, failed } = work.counts
  const counts = isUncounted ? { ...work.counts, tests: tests + 1, failed: failed + 1 } : work.counts
  return { suite, seconds, counts, failures }
}

export interface Work {
  readonly counts: Counts
  readonly failures: readonly string[]
}

async function runCommand(command: readonly string[], root: string, signal: AbortSignal): Promise<Work> {
  const [program = '', ...args] = command
  const child = spawn(join(root, 'node_modules/.bin', program), args, {
    cwd: root,
    signal,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const take = (chunk: string): void => {
    if (output.length < OUTPUT_CHARS_MAX) output += chunk
  }
  child.stdout.setEncoding('utf8').on('data', take)
  child.stderr.setEncoding('utf8').on('data', take)
  const end = await new Promise<string | null>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code) => resolve(code === 0 ? null : `exit code ${code ?? 'none'}`))
  })
  if (end === null) return { counts: { ...NO_TESTS, tests: 1, passed: 1 }, failures: [] }
  const failures = [`${output.trim()}\n${command.join(' ')}: ${end}`]
  return { counts: { ...NO_TESTS, tests: 1, failed: 1 }, failures }
}

/** The files of a suite, sorted; the same on every machine. */
export function filesOf(suite: Suite, root: string): readonly string[] {
  const found = (suite.tests ?? []).flatMap((glob) => globSync(glob, { cwd: root }))
  const isOurs = (file: string): boolean => !(suite.except ?? []).some((glob) => matchesGlob(file, glob))
  return [...new Set(found)].filter(isOurs).toSorted()
}

async function runTests(suite: Suite, options: RunOptions & { readonly signal: AbortSignal }): Promise<Work> {
  const files = filesOf(suite, options.root)
  if (files.length === 0)
    return { counts: NO_TESTS, failures: [`no test file matches ${suite.tests?.join(', ') ?? ''}`] }
  const tally = new Tally(options)
  const stream = run({
    files: files.map((file) => join(options.root, file)),
    concurrency: options.concurrency,
    cwd: options.root,
    signal: options.signal,
  })
  for await (const event of stream) tally.take(event as TestEvent)
  return tally.work()
}

type TestEvent =
  | { readonly type: 'test:pass'; readonly data: EventData.TestPass }
  | { readonly type: 'test:fail'; readonly data: EventData.TestFail }
  | { readonly type: 'test:stdout' | 'test:stderr'; readonly data: EventData.TestStdout }
  | { readonly type: 'test:summary'; readonly data: EventData.TestSummary }

/** Listens to a run; keeps of its output only what belongs to files that fail. */
class Tally {
  readonly #options: RunOptions
  readonly #output = new Map<string, string>()
  readonly #failures: string[] = []
  readonly #failedFiles = new Set<string>()
  readonly #ended = { passed: 0, failed: 0 }
  #counts = NO_TESTS

  constructor(options: RunOptions) {
    this.#options = options
  }

  take(event: TestEvent): void {
    switch (event.type) {
      case 'test:pass':
        return this.#pass(event.data)
      case 'test:fail':
        return this.#fail(event.data)
      case 'test:stdout':
      case 'test:stderr': {
        const { file, message } = event.data
        const before = this.#output.get(file) ?? ''
        if (before.length < OUTPUT_CHARS_MAX) this.#output.set(file, before + message)
        return
      }
      case 'test:summary':
        // Each file has its own; the one without a file sums them up.
        if (event.data.file === undefined) {
          const { tests, passed, failed, cancelled, skipped, todo } = { failed: 0, ...event.data.counts }
          this.#counts = { tests, passed, failed, cancelled, skipped, todo }
        }
        return
      default:
    }
  }

  work(): Work {
    const outputs = [...this.#failedFiles].flatMap((file) => {
      const output = this.#output.get(file)?.trim() ?? ''
      return output === '' ? [] : [`output of ${this.#relative(file)}:\n${output}`]
    })
    return { counts: this.#counts, failures: [...this.#failures, ...outputs, ...this.#shortfalls()] }
  }

  /** A gate that ran nothing, or left something out, says so. */
  #shortfalls(): readonly string[] {
    const { tests, skipped, todo, cancelled } = this.#counts
    const said: string[] = []
    if (tests === 0) said.push('no test ran')
    if (skipped > 0 || todo > 0) said.push(`${skipped} skipped, ${todo} to do: a test runs or goes`)
    if (cancelled > 0) said.push(`${cancelled} cancelled`)
    return said
  }

  #pass(data: EventData.TestPass): void {
    this.#ended.passed += 1
    this.#options.onTest?.(this.#ended)
    if (data.skip !== undefined || data.todo !== undefined)
      this.#failures.push(`${this.#place(data)} was left out`)
  }

  #fail(data: EventData.TestFail): void {
    const { error } = data.details
    const kind = (error as { readonly failureType?: string }).failureType
    if (kind === 'subtestsFailed') return
    this.#ended.failed += 1
    this.#options.onTest?.(this.#ended)
    if (data.file !== undefined) this.#failedFiles.add(data.file)
    this.#failures.push(`${this.#place(data)}\n${inspect(error.cause ?? error, { depth: 8 })}`)
  }

  #place({
    file,
    line,
    name,
  }: {
    readonly file?: string | undefined
    readonly line?: number | undefined
    readonly name: string
  }): string {
    return file === undefined ? name : `${this.#relative(file)}:${line ?? 1}  ${name}`
  }

  #relative(file: string): string {
    return relative(this.#options.root, file)
  }
}
