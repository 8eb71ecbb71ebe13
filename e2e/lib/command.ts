/** Runs one command of the program as a person does, and answers what a terminal would show. */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

const MAIN = join(import.meta.dirname, '../../src/main.ts')

export interface Shown {
  readonly code: number | null
  /** Standard output. */
  readonly output: string
  /** Standard error. */
  readonly complaint: string
}

/** With nothing in its environment but `environment`. */
export async function runCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Shown> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...environment },
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve)
  })
  const [code, output, complaint] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { code, output, complaint }
}
