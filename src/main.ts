/** The composition root: the only file that reads the command line, the environment and signals, and sets the exit code. */

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { openHome } from './cli/home.ts'
import { answerIdentity } from './cli/identity.ts'
import { migrate } from './cli/migrate.ts'
import type { MigrateOptions, MigrateTold } from './cli/migrate.ts'
import { peer } from './cli/peer.ts'
import { release } from './cli/release.ts'
import type { Told } from './cli/release.ts'
import { run } from './cli/run.ts'
import type { RunOptions } from './cli/run.ts'
import { parseCommand } from './config/command.ts'
import { helpText } from './config/help.ts'
import { parseSettings, sentenceOf } from './config/parse.ts'
import type { Mistake } from './config/parse.ts'
import type { ClusterApi } from './kube/api.ts'
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
  if (command.value.kind === 'peer') return await show(await peer({ ...common, peer: command.value.peer }))
  const { rules } = settings.value
  const { signal } = common
  const namespace = rules.ownNamespace
  if (command.value.kind === 'identity') {
    const { answer } = command.value
    return await tell(common, (api) => answerIdentity({ api, namespace, answer, randomBytes, signal }))
  }
  const { id } = command.value
  const releaseKey = `${rules.prefix}release`
  await tell(common, (api) =>
    release({ api, clock: systemClock, namespace, lease: LEASE_NAME, releaseKey, id, signal }),
  )
}

async function report(options: MigrateOptions): Promise<void> {
  // A read that waits for a terminal knows of no signal.
  options.signal.addEventListener('abort', () => process.stdin.destroy(), { once: true })
  await show(await migrate(options))
}

async function show({ output, complaint, exitCode }: MigrateTold): Promise<void> {
  await write(output)
  process.stderr.write(complaint)
  process.exitCode = exitCode
}

/** One command for a person: a sentence, and code 1 where it did not come to pass. */
async function tell(options: RunOptions, ask: (api: ClusterApi) => Promise<Told>): Promise<void> {
  const cluster = await openHome({ ...options, observer: { answered: () => {} } })
  try {
    const told = await ask(clusterApi(cluster))
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
