/** One builder at a time across processes: a lock file that its holder keeps fresh, and that a dead holder loses. */

import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const FRESH_EVERY_MS = 2_000
/** A holder that did not touch its file for this long is taken for dead. */
const STALE_AFTER_MS = 20_000
const RETRY_MS = 500

export interface Lock {
  [Symbol.asyncDispose](): Promise<void>
}

/** Waits until the lock at `path` is ours. `onWait` is called at each vain attempt. */
export async function takeLock(path: string, onWait: () => void): Promise<Lock> {
  await mkdir(dirname(path), { recursive: true })
  for (;;) {
    const lock = await tryLock(path)
    if (lock !== null) return lock
    await dropIfStale(path)
    onWait()
    await wait(RETRY_MS)
  }
}

async function tryLock(path: string): Promise<Lock | null> {
  try {
    const file = await open(path, 'wx')
    await file.writeFile(`${process.pid}\n`)
    await file.close()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return null
    throw error
  }
  const beat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), FRESH_EVERY_MS)
  beat.unref()
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(beat)
      await rm(path, { force: true })
    },
  }
}

/** Two waiters may both see it stale: the rename lets one win, and a build made twice is still whole. */
async function dropIfStale(path: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(path)
    const holder = Number(await readFile(path, 'utf8'))
    const isDead = Number.isInteger(holder) && holder > 0 && !isAlive(holder)
    if (!isDead && Date.now() - mtimeMs < STALE_AFTER_MS) return
    const aside = `${path}.${process.pid}.stale`
    await rename(path, aside)
    await rm(aside, { force: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** Whether a process with this id runs on this machine. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
