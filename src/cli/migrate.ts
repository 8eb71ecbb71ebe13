/** `heliograph migrate`: reads a cluster or a stream of documents, says what becomes of the annotations and copies of other tools, and writes nothing. */

import type { Settings } from '../config/settings.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import { Sensitive } from '../std/sensitive.ts'
import { openHome } from './home.ts'
import type { Environment } from './home.ts'
import { assess } from './migrate/assess.ts'
import { readCluster } from './migrate/cluster.ts'
import { readDocuments, STREAM_BYTES_MAX } from './migrate/documents.ts'
import { nativeLines, nativesOf } from './migrate/native.ts'
import { EXIT_CODES, verdictOf } from './migrate/report.ts'
import type { Scene } from './migrate/scene.ts'
import { reportText } from './migrate/text.ts'

export interface MigrateOptions {
  readonly settings: Settings
  readonly environment: Environment
  readonly version: string
  readonly signal: AbortSignal
  /** Read `input`, not a cluster. */
  readonly fromInput: boolean
  /** Print native annotations instead of the report. */
  readonly toNative: boolean
  readonly input: AsyncIterable<Uint8Array | string>
}

export interface MigrateTold {
  /** For standard output; ends with a newline. */
  readonly output: string
  /** For standard error; empty where nothing went wrong. */
  readonly complaint: string
  readonly exitCode: number
}

/** Throws a {@link UserError} where no cluster can be opened. The exit code is that of the report, whichever form is printed. */
export async function migrate(options: MigrateOptions): Promise<MigrateTold> {
  const scene = options.fromInput ? await readInput(options) : await readHome(options)
  if (!scene.ok)
    return { output: '', complaint: `heliograph: ${scene.failure}\n`, exitCode: EXIT_CODES.unreadable }
  const { rules } = options.settings
  const report = assess(scene.value, rules)
  const exitCode = verdictOf(report)
  return {
    output: options.toNative ? nativeText(scene.value, options) : reportText(report),
    complaint: '',
    exitCode,
  }
}

/** In one stream of lines that a shell can run. */
function nativeText(scene: Scene, { settings: { rules } }: MigrateOptions): string {
  const lines = nativesOf(scene, rules).flatMap((native) => [...nativeLines(native, rules.prefix), ''])
  const head = [
    '# Our own annotations for every origin and pull mirror of other tools. They count as soon as they are there;',
    '# once mirrors are in step, take the old ones off by the lines behind #.',
    '',
  ]
  return `${[...head, ...lines].join('\n').trimEnd()}\n`
}

async function readHome(options: MigrateOptions): Promise<Result<Scene, string>> {
  const cluster = await openHome({ ...options, observer: { answered: () => {} } })
  try {
    return await readCluster(cluster, options.settings, options.signal)
  } finally {
    await cluster.close()
  }
}

async function readInput({ input, settings }: MigrateOptions): Promise<Result<Scene, string>> {
  const text = await readAll(input)
  return text.ok ? readDocuments(text.value, settings.rules) : text
}

async function readAll(input: MigrateOptions['input']): Promise<Result<Sensitive<string>, string>> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of input) {
      const piece = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      bytes += piece.length
      if (bytes > STREAM_BYTES_MAX) return failed(`The stream has more than ${STREAM_BYTES_MAX} bytes.`)
      chunks.push(piece)
    }
  } catch {
    return failed('Standard input broke off, or cannot be read.')
  }
  return ok(new Sensitive(Buffer.concat(chunks).toString('utf8')))
}
