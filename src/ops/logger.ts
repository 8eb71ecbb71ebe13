/**
 * Structured logs: constant messages, and fields from an allow-list of names with scalar values only.
 * No object and no error has a way in here, since either can hold a Secret's bytes; only a bug of ours is written with its stack.
 */

import { pino } from 'pino'
import { Bug } from '../std/assert.ts'
import { textLine } from './text-format.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Every field that a line may have. A name is added here together with what it holds. */
export const FIELDS = {
  /** `home`, or a peer's name. */
  destination: 'text',
  /** `Kind/namespace/name` of what the line is about. */
  object: 'text',
  namespace: 'text',
  /** `namespace/name`. */
  origin: 'text',
  decision: 'text',
  reason: 'text',
  /** Kind of a failure: a word of a closed set. */
  failure: 'text',
  /** HTTP code. */
  code: 'number',
  /** Code of a notice. */
  notice: 'text',
  /** A notice's message: made of names, counts and fixed reasons. */
  message: 'text',
  resource: 'text',
  verb: 'text',
  why: 'text',
  count: 'number',
  total: 'number',
  /** Id of held deletions. */
  hold: 'text',
  lease: 'text',
  holder: 'text',
  seconds: 'number',
  milliseconds: 'number',
  version: 'text',
  address: 'text',
  server: 'text',
  signal: 'text',
  setting: 'text',
  value: 'text',
  enabled: 'boolean',
  /** Field paths that an API server names; they can hold key names of data, so they are written at `debug` only. */
  fields: 'text',
} as const
export type FieldName = keyof typeof FIELDS

export type Scalar = string | number | boolean | null
export type Fields = { readonly [F in Exclude<FieldName, 'fields'>]?: Scalar }
export type DebugFields = { readonly [F in FieldName]?: Scalar }

/** A message written out in the source: a text that was put together at run time is no such thing. */
export type Constant<M extends string> = string extends M ? never : M

export interface Logger {
  debug<M extends string>(message: Constant<M>, fields?: DebugFields): void
  info<M extends string>(message: Constant<M>, fields?: Fields): void
  warn<M extends string>(message: Constant<M>, fields?: Fields): void
  error<M extends string>(message: Constant<M>, fields?: Fields): void
  /** What should never have been thrown. Of any error but a {@link Bug} the message is left out: it may quote what was being read. */
  bug(error: unknown): void
}

export interface LoggerOptions {
  readonly level: LogLevel
  readonly format: 'json' | 'text'
  /** Takes one whole line with its newline. */
  readonly write: (line: string) => void
}

const FIELD_LENGTH_MAX = 1_024
const STACK_LENGTH_MAX = 8_192
const DEBUG_ONLY: FieldName = 'fields'

export function createLogger({ level, format, write }: LoggerOptions): Logger {
  const sink = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => write(format === 'json' ? line : textLine(line)) },
  )
  const at =
    (severity: LogLevel) =>
    (message: string, fields: DebugFields = {}): void => {
      if (sink.isLevelEnabled(severity)) sink[severity](allowed(fields, severity), message)
    }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    bug: (error) => sink.error(traceOf(error), 'bug: the program broke a rule of its own'),
  }
}

/** What the types promise is checked once more: a line is the last place where a mistake can be stopped. */
function allowed(fields: DebugFields, severity: LogLevel): Record<string, Scalar> {
  const kept: Record<string, Scalar> = {}
  for (const [name, value] of Object.entries(fields) as [string, unknown][]) {
    if (!Object.hasOwn(FIELDS, name) || (name === DEBUG_ONLY && severity !== 'debug')) continue
    if (typeof value === 'string') kept[name] = cut(value, FIELD_LENGTH_MAX)
    else if (typeof value === 'number' || typeof value === 'boolean' || value === null) kept[name] = value
  }
  return kept
}

function traceOf(error: unknown): Record<string, string> {
  if (!Error.isError(error)) return { error: 'thrown value that is no error' }
  const { name, stack = '' } = error
  if (error instanceof Bug) return { error: name, stack: cut(stack, STACK_LENGTH_MAX) }
  const frames = stack.split('\n').filter((line) => /^ {4}at /.test(line))
  return { error: cut(name, FIELD_LENGTH_MAX), stack: cut(frames.join('\n'), STACK_LENGTH_MAX) }
}

function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1)}…` : text
}
