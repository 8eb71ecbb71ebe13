/** Runs the controller as a child process, as its chart would run it: its ServiceAccount, its arguments, its environment. */

import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { startChild } from '../control-plane/child.ts'
import type { Child, Exit } from '../control-plane/child.ts'
import type { ControlPlane } from '../control-plane/plane.ts'
import { freePorts } from '../control-plane/ports.ts'
import { eventually, withDeadline } from './await.ts'
import type { Installation } from './chart.ts'
import { parseMetrics } from './metrics.ts'
import type { Metrics } from './metrics.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')
const OUTPUT_CHARS_MAX = 256 << 20
const TAIL_LINES = 30
/** Longer than the controller gives itself to drain. */
const STOP_MS_MAX = 40_000

export interface ControllerOptions {
  readonly installation: Installation
  /** Between the controller and the API server; see `proxy.ts`. */
  readonly through?: { readonly url: string; readonly caPem: string }
  /** Over the chart's environment; a setting is `HELIOGRAPH_` and its name in capitals. */
  readonly environment?: Readonly<Record<string, string>>
  /** After the chart's arguments. */
  readonly args?: readonly string[]
  /** Another identity than the chart's ServiceAccount. */
  readonly token?: string
  /** Flags of Node, for instance `--expose-gc`. */
  readonly nodeFlags?: readonly string[]
  /** What Node runs; left out: the source. */
  readonly main?: string
  /** Left out: `controller`. Two controllers of one control plane need two names. */
  readonly name?: string
}

export interface Controller extends AsyncDisposable {
  readonly pid: number
  readonly exited: Promise<Exit>
  /** Everything that it wrote so far, both streams. */
  output(): string
  lines(): readonly string[]
  /** Resolves with the first line, past ones included, that matches. */
  awaitLine(pattern: RegExp): Promise<string>
  /** Resolves once /readyz answers 200; rejects when the process ends instead. */
  ready(): Promise<void>
  /** The status that /livez or /readyz answers now; 0 without an answer. */
  probe(path: '/livez' | '/readyz'): Promise<number>
  metrics(): Promise<Metrics>
  send(signal: NodeJS.Signals): void
  /** SIGTERM; rejects unless it ends with code 0 in time. */
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
}

/** Starts it and waits until it is ready. */
export async function startController(plane: ControlPlane, options: ControllerOptions): Promise<Controller> {
  const controller = await launchController(plane, options)
  try {
    await controller.ready()
    return controller
  } catch (error) {
    await controller.kill()
    throw error
  }
}

/** Starts it and waits for nothing: for what should fail, or stand by. */
export async function launchController(plane: ControlPlane, options: ControllerOptions): Promise<Controller> {
  const { installation, through, name = 'controller' } = options
  const { namespace, serviceAccount } = installation
  const token = options.token ?? (await plane.client.tokenFor(namespace, serviceAccount))
  const access = through === undefined ? { token } : { token, server: through.url, caPem: through.caPem }
  const kubeconfig = await plane.kubeconfigFor(name, access)
  const [port = 0] = await freePorts(1)
  const args = [...installation.args, `--kubeconfig=${kubeconfig}`, ...(options.args ?? [])]
  const command = [process.execPath, ...(options.nodeFlags ?? []), options.main ?? MAIN, ...args]
  const child = startChild(command, {
    output: 'pipe',
    env: {
      PATH: process.env['PATH'],
      HOME: plane.folder,
      ...installation.environment,
      HELIOGRAPH_LISTEN: `127.0.0.1:${port}`,
      ...options.environment,
    },
  })
  return new Running(child, `http://127.0.0.1:${port}`)
}

class Running implements Controller {
  readonly #child: Child
  readonly #url: string
  readonly #lines: string[] = []
  readonly #watchers = new Set<(line: string) => void>()
  readonly exited: Promise<Exit>
  #chars = 0

  constructor(child: Child, url: string) {
    this.#child = child
    this.#url = url
    this.exited = child.exited
    for (const input of [child.process.stdout, child.process.stderr]) {
      if (input !== null) createInterface({ input }).on('line', (line) => this.#take(line))
    }
  }

  get pid(): number {
    return this.#child.pid
  }

  output(): string {
    return this.#lines.join('\n')
  }

  lines(): readonly string[] {
    return this.#lines
  }

  async awaitLine(pattern: RegExp): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>()
    const look = (line: string): void => {
      if (pattern.test(line)) resolve(line)
    }
    this.#watchers.add(look)
    for (const line of this.#lines) look(line)
    try {
      return await withDeadline(
        promise,
        { unless: this.#unexpectedEnd() },
        () => `no line matches ${String(pattern)}`,
      )
    } finally {
      this.#watchers.delete(look)
    }
  }

  async ready(): Promise<void> {
    const isReady = async (): Promise<true | null> => ((await this.probe('/readyz')) === 200 ? true : null)
    await eventually(isReady, { what: 'the controller is ready', unless: this.#unexpectedEnd() })
  }

  async probe(path: '/livez' | '/readyz'): Promise<number> {
    return await fetch(`${this.#url}${path}`).then(
      async (answer) => {
        await answer.arrayBuffer()
        return answer.status
      },
      () => 0,
    )
  }

  async metrics(): Promise<Metrics> {
    return parseMetrics(await (await fetch(`${this.#url}/metrics`)).text())
  }

  send(signal: NodeJS.Signals): void {
    this.#child.send(signal)
  }

  async stop(): Promise<void> {
    this.#child.send('SIGTERM')
    try {
      const { code, signal } = await withDeadline(
        this.exited,
        { deadlineMs: STOP_MS_MAX },
        () => `the controller did not end upon SIGTERM\n${this.#tail()}`,
      )
      if (code !== 0)
        throw new Error(`the controller ended with ${signal ?? code ?? 'nothing'}\n${this.#tail()}`)
    } finally {
      await this.#child.kill()
    }
  }

  async kill(): Promise<void> {
    await this.#child.kill()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }

  #take(line: string): void {
    this.#chars += line.length
    if (this.#chars > OUTPUT_CHARS_MAX) {
      this.#child.send('SIGKILL')
      return
    }
    this.#lines.push(line)
    for (const look of this.#watchers) look(line)
  }

  async #unexpectedEnd(): Promise<never> {
    const { code, signal } = await this.exited
    throw new Error(`the controller ended with ${signal ?? code ?? 'nothing'}\n${this.#tail()}`)
  }

  #tail(): string {
    return this.#lines.slice(-TAIL_LINES).join('\n')
  }
}
