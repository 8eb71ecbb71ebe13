/** What a command of `heliograph peer` says, and how a failure reads in a sentence. */

import type { Failure } from '../../core/failure.ts'

export interface Told {
  /** For standard output; ends with a newline unless it is empty. */
  readonly output: string
  /** For standard error; empty where nothing went wrong. */
  readonly complaint: string
  /** 0: done; 1: not done, or something is wrong. */
  readonly exitCode: 0 | 1
}

export function said(lines: readonly string[], exitCode: 0 | 1 = 0): Told {
  return { output: text(lines), complaint: '', exitCode }
}

/** Nothing was done, for these reasons; one sentence each. */
export function refused(...sentences: readonly string[]): Told {
  return { output: '', complaint: text(sentences.map((each) => `heliograph: ${each}`)), exitCode: 1 }
}

/** What others wrote into a cluster steers no terminal. */
function text(lines: readonly string[]): string {
  return lines.map((line) => `${line.replaceAll(/[^\P{C}\n]/gu, '?')}\n`).join('')
}

const UNANSWERED = {
  refused: 'nothing answers at its address',
  reset: 'the connection broke off',
  timeout: 'it does not answer in time',
  cancelled: 'it was interrupted',
  tls: 'its certificate cannot be verified',
} as const

/** The reason in a few words, to stand in parentheses or after a colon. */
export function reasonOf(failure: Failure): string {
  switch (failure.kind) {
    case 'unanswered':
      return UNANSWERED[failure.why]
    case 'unauthorized':
      return 'the credential is refused'
    case 'forbidden':
      return 'the credential may not'
    case 'absent':
      return 'it is not there'
    case 'namespace-absent':
      return 'the namespace is not there'
    case 'namespace-terminating':
      return 'the namespace is being deleted'
    case 'exists':
      return 'somebody made it meanwhile'
    case 'conflict':
    case 'test-failed':
      return 'somebody changed it meanwhile'
    case 'throttled':
      return 'it asks to come back later'
    case 'server':
    case 'rejected':
      return `it answers ${failure.code}`
    case 'quota':
    case 'invalid':
    case 'expired':
    case 'too-large':
    case 'malformed':
      return `it answers «${failure.kind}»`
  }
}

/** Columns as wide as their widest cell, two blanks apart. */
export function tableOf(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** `1 mirror`, `2 mirrors`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`
}
