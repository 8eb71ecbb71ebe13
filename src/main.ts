/** The composition root: the only file that reads the command line, the environment and signals, and sets the exit code. */

import { readFileSync } from 'node:fs'

import { openHome } from './cli/home.ts'
import { migrate } from './cli/migrate.ts'
import type { MigrateOptions } from './cli/migrate.ts'
import { release } from './cli/release.ts'
import { run } from './cli/run.ts'
import type { RunOptions } from './cli/run.ts'
import { parseCommand } from './config/command.ts'
import { helpText } from './config/help.ts'
import { parseSettings, sentenceOf } from './config/parse.ts'
import type { Mistake } from './config/parse.ts'
import { clusterApi } from './kube/calls.ts'
import { LEASE_NAME } from './kube/rights.ts'
import { systemClock } from './std/clock.ts'
import { UserError } from './std/user-error.ts'
import { VERSION } from './version.ts'

/** The operator's mistake; everything else that ends the process is a bug and has code 1. */
const EXIT_MISTAKE = 2

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UserError)) throw error
  process.stderr.write(`heliograph: ${error.message}\n`)
  process.exitCode = EXIT_MISTAKE
}

async function main(argv: readonly string[]): Promise<void> {
  const command = parseCommand(argv)
  if (!command.ok) return refuse(command.failure)
  if (command.value.kind === 'help') return void process.stdout.write(helpText())
  if (command.value.kind === 'version') return void process.stdout.write(`heliograph ${VERSION}\n`)
  const settings = parseSettings(command.value.flags, process.env, readText)
  if (!settings.ok) return refuse(settings.failure)
  const common = {
    settings: settings.value,
    environment: process.env,
    version: VERSION,
    signal: stopSignal(),
  }
  if (command.value.kind === 'run') return await run(common)
  if (command.value.kind === 'migrate')
    return await report({ ...common, ...command.value, input: process.stdin })
  await releaseHold(common, command.value.id)
}

async function report(options: MigrateOptions): Promise<void> {
  // A read that waits for a terminal knows of no signal.
  options.signal.addEventListener('abort', () => process.stdin.destroy(), { once: true })
  const told = await migrate(options)
  await write(told.output)
  process.stderr.write(told.complaint)
  process.exitCode = told.exitCode
}

async function releaseHold(options: RunOptions, id: string): Promise<void> {
  const { settings, signal } = options
  const cluster = await openHome({ ...options, observer: { answered: () => {} } })
  try {
    const told = await release({
      api: clusterApi(cluster),
      clock: systemClock,
      namespace: settings.rules.ownNamespace,
      lease: LEASE_NAME,
      releaseKey: `${settings.rules.prefix}release`,
      id,
      signal,
    })
    process.stdout.write(`${told.sentence}\n`)
    if (!told.done) process.exitCode = 1
  } finally {
    await cluster.close()
  }
}

/** A reader that wants no more, such as `head`, is no failure. */
async function write(text: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  process.stdout.once('error', () => resolve())
  process.stdout.write(text, () => resolve())
  await promise
}

/** Fires at the first SIGTERM or Ctrl-C. As PID 1 a process without handlers would ignore both. */
function stopSignal(): AbortSignal {
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort())
  return stop.signal
}

function refuse(mistakes: readonly Mistake[]): void {
  for (const mistake of mistakes) process.stderr.write(`heliograph: ${sentenceOf(mistake)}\n`)
  process.exitCode = EXIT_MISTAKE
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
