/** Asks a running Node process for its memory through its inspector, so that the product needs no code for it. */

import { readFile } from 'node:fs/promises'

import { withDeadline } from './await.ts'
import type { Controller } from './controller.ts'

/** Give these to Node; the port is its own choice, on loopback. */
export const INSPECTABLE: readonly string[] = ['--inspect=127.0.0.1:0']

export interface Memory {
  /** Used heap after full collections. */
  readonly heapBytes: number
  /** Resident set after them, as the kernel counts it. */
  readonly residentBytes: number
}

/** Garbage that only finalisers let go of takes more than one collection. */
const COLLECTIONS = 4

/** Collects garbage in `controller`, started with {@link INSPECTABLE}, and measures what is left. */
export async function memoryOf(controller: Controller): Promise<Memory> {
  const line = await controller.awaitLine(/^Debugger listening on ws:/)
  const inspector = await Inspector.open(line.replace(/^Debugger listening on /, ''))
  try {
    for (let round = 0; round < COLLECTIONS; round += 1) await inspector.ask('HeapProfiler.collectGarbage')
    const { usedSize } = (await inspector.ask('Runtime.getHeapUsage')) as { readonly usedSize: number }
    return { heapBytes: usedSize, residentBytes: await residentBytes(controller.pid) }
  } finally {
    inspector.close()
  }
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const [, kibibytes = ''] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? []
  return Number(kibibytes) * 1_024
}

class Inspector {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (result: unknown) => void>()
  #asked = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { readonly id?: number; readonly result?: unknown }
      if (id !== undefined) this.#waiting.get(id)?.(result)
    })
  }

  static async open(url: string): Promise<Inspector> {
    const socket = new WebSocket(url)
    const open = new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve(), { once: true })
      socket.addEventListener('error', () => reject(new Error('the inspector refuses')), { once: true })
    })
    await withDeadline(open, {}, () => 'the inspector does not answer')
    return new Inspector(socket)
  }

  async ask(method: string): Promise<unknown> {
    this.#asked += 1
    const id = this.#asked
    const answer = new Promise((resolve) => this.#waiting.set(id, resolve))
    this.#socket.send(JSON.stringify({ id, method }))
    return await withDeadline(answer, {}, () => `the inspector does not answer ${method}`)
  }

  close(): void {
    this.#socket.close()
  }
}
