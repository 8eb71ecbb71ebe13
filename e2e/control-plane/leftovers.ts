/** Temporary folders that name their owner, so that what a killed run left behind goes at the next start. */

import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { removeAtExit } from './child.ts'
import { isAlive } from './lock.ts'

const PREFIX = 'heliograph-'
const PIDS = 'pids'

/** A new folder of ours; it goes with this process. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`))
  removeAtExit(folder)
  return folder
}

/** Notes that `pid` works in `folder`. */
export function noteProcess(folder: string, pid: number): void {
  appendFileSync(join(folder, PIDS), `${pid}\n`)
}

/** Ends processes and removes folders whose owner is gone. */
export async function sweepLeftovers(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]
    if (owner === undefined || isAlive(Number(owner))) continue
    const folder = join(tmpdir(), name)
    for (const pid of pidsIn(folder)) {
      // The id may belong to somebody else by now: only a command line that names the folder is ours.
      const { stdout } = spawnSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' })
      if (typeof stdout === 'string' && stdout.includes(folder) && isAlive(pid)) process.kill(pid, 'SIGKILL')
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

function pidsIn(folder: string): readonly number[] {
  const file = join(folder, PIDS)
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number).filter(Boolean) : []
}
