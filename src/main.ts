/** The composition root: the only file that reads the command line, the environment and signals, and sets the exit code. */

import { readFileSync } from 'node:fs'

import { run } from './cli/run.ts'
import { parseCommand } from './config/command.ts'
import { helpText } from './config/help.ts'
import { parseSettings, sentenceOf } from './config/parse.ts'
import type { Mistake } from './config/parse.ts'

const VERSION = '0.1.0'

const command = parseCommand(process.argv.slice(2))
if (!command.ok) refuse(command.failure)
else if (command.value.kind === 'help') process.stdout.write(helpText())
else if (command.value.kind === 'version') process.stdout.write(`heliograph ${VERSION}\n`)
else {
  const settings = parseSettings(command.value.flags, process.env, readText)
  if (!settings.ok) refuse(settings.failure)
  else if (command.value.kind === 'run') {
    const stop = new AbortController()
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort())
    await run({ settings: settings.value, environment: process.env, version: VERSION, signal: stop.signal })
  }
}

function refuse(mistakes: readonly Mistake[]): void {
  for (const mistake of mistakes) process.stderr.write(`heliograph: ${sentenceOf(mistake)}\n`)
  process.exitCode = 2
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
