/** Child processes that never outlive us: ended with their owner, whichever way it ends. */

import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess, StdioOptions } from 'node:child_process'
import { rmSync } from 'node:fs'

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** A file descriptor that takes stdout and stderr, or `pipe` to read them from `process`. */
  readonly output: number | 'pipe'
}

export interface Child {
  readonly process: ChildProcess
  readonly pid: number
  readonly exited: Promise<Exit>
  /** Sends `signal` unless the process is gone. */
  send(signal: NodeJS.Signals): void
  /** SIGKILL, and waits for the end. */
  kill(): Promise<Exit>
}

const children = new Set<ChildProcess>()
const folders = new Set<string>()
let hooked = false

/** Starts `command`. Its own process group keeps a Ctrl-C in the terminal from reaching it before we decide. */
export function startChild(command: readonly string[], options: ChildOptions): Child {
  hook()
  const [program = '', ...args] = [...dieWithParent(), ...command]
  const stdio: StdioOptions = ['ignore', options.output, options.output]
  const child = spawn(program, args, { env: options.env, cwd: options.cwd, stdio, detached: true })
  children.add(child)
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject)
    // `close` comes after the last line of output, `exit` may come before it.
    child.once('close', (code, signal) => {
      children.delete(child)
      resolve({ code, signal })
    })
  })
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null
  return {
    process: child,
    pid: child.pid ?? 0,
    exited,
    send(signal) {
      if (!isGone()) child.kill(signal)
    },
    kill() {
      if (!isGone()) child.kill('SIGKILL')
      return exited
    },
  }
}

/** Removes `folder` when this process ends, unless {@link forgetFolder} was called before. */
export function removeAtExit(folder: string): void {
  hook()
  folders.add(folder)
}

export function forgetFolder(folder: string): void {
  folders.delete(folder)
}

function hook(): void {
  if (hooked) return
  hooked = true
  process.on('exit', endAll)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      // A program with a handler of its own ends in its own way, and `exit` does the rest.
      if (process.listenerCount(signal) > 0) return
      endAll()
      process.kill(process.pid, signal)
    })
  }
}

function endAll(): void {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}

let prefix: readonly string[] | null = null

/** On Linux the kernel kills the child when we die by SIGKILL; elsewhere the next start sweeps what is left. */
function dieWithParent(): readonly string[] {
  const wrapper = ['setpriv', '--pdeathsig', 'KILL', '--']
  prefix ??= spawnSync(wrapper[0] ?? '', [...wrapper.slice(1), 'true']).status === 0 ? wrapper : []
  return prefix
}
