/** What the gate shows: lines that stay, and on a terminal one line below them that moves. */

import type { WriteStream } from 'node:tty'

import type { Verdict } from './run.ts'

const BACKGROUND_APART_MS = 30_000

export class Screen {
  readonly #out: WriteStream
  #status = ''
  #background = ''
  #lastBackgroundAt = -Infinity

  constructor(out: WriteStream) {
    this.#out = out
  }

  line(text: string): void {
    this.#out.write(`${this.#out.isTTY ? '\r\x1b[K' : ''}${text}\n`)
    this.#draw()
  }

  /** What runs now; seen on a terminal only. */
  status(name: string, text: string): void {
    this.#status = `${name}  ${text}`
    this.#draw()
  }

  /** What runs beside it; without a terminal a line now and then. Empty: it is over. */
  background(text: string): void {
    this.#background = text
    if (this.#out.isTTY) return this.#draw()
    if (text === '' || performance.now() - this.#lastBackgroundAt < BACKGROUND_APART_MS) return
    this.#lastBackgroundAt = performance.now()
    this.line(text)
  }

  verdict(verdict: Verdict): void {
    this.#status = ''
    this.line(verdictLine(verdict))
    for (const failure of verdict.failures) this.line(`\n${indented(failure)}\n`)
  }

  #draw(): void {
    if (!this.#out.isTTY) return
    const text = [this.#status, this.#background].filter((part) => part !== '').join(' · ')
    this.#out.write(`\r\x1b[K${text.slice(0, Math.max(0, this.#out.columns - 1))}`)
  }
}

/** `unit       12.3 s of  300 s   312 tests   ok` */
export function verdictLine({ suite, seconds, counts, failures }: Verdict): string {
  const time = `${seconds.toFixed(1).padStart(7)} s of ${String(suite.budgetSeconds).padStart(4)} s`
  const tests = suite.command !== undefined ? ''.padEnd(11) : `${String(counts.tests).padStart(5)} tests`
  return `${suite.name.padEnd(8)}${time}  ${tests}  ${failures.length === 0 ? 'ok' : 'FAILED'}`
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '    ')
}
