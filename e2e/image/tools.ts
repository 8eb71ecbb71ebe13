/** Runs buildah and podman on a storage of their own, away from whatever else the machine keeps. */

import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Mistake } from '../control-plane/mistake.ts'

const NEEDED = ['buildah', 'podman', 'runc']
const STORE_DRIVER = 'overlay'
const NOT_STARTED = 127
const OUTPUT_BYTES_MAX = 64 << 20

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Images extends AsyncDisposable {
  /** Scratch folder, removed at the end. */
  readonly folder: string
  /** Throws what the tool said where it fails. */
  buildah(...args: readonly string[]): Promise<string>
  podman(...args: readonly string[]): Promise<string>
  /** As {@link podman}, for a command that may fail. */
  tryPodman(...args: readonly string[]): Promise<Outcome>
}

/** An empty store. Everything in it is gone when it is disposed of. */
export async function openImages(): Promise<Images> {
  await requireTools()
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-image-'))
  const store = [
    '--root',
    join(folder, 'store'),
    '--runroot',
    join(folder, 'run'),
    '--storage-driver',
    STORE_DRIVER,
  ]
  const tryPodman = (...args: readonly string[]): Promise<Outcome> =>
    run('podman', [...store, '--runtime', 'runc', ...args])
  const buildah = async (...args: readonly string[]): Promise<string> =>
    checked('buildah', args, await run('buildah', [...store, ...args]))
  return {
    folder,
    buildah,
    tryPodman,
    podman: async (...args) => checked('podman', args, await tryPodman(...args)),
    async [Symbol.asyncDispose]() {
      await tryPodman('rm', '--all', '--force', '--time', '0')
      await buildah('rm', '--all')
      await tryPodman('rmi', '--all', '--force')
      await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

async function requireTools(): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new Mistake('The image is built and run by buildah and runc without a daemon: run this as root.')
  const found = await Promise.all(NEEDED.map((tool) => run(tool, ['--version'])))
  const missing = NEEDED.filter((_, at) => found[at]?.code !== 0)
  if (missing.length === 0) return
  throw new Mistake(
    `The image is built and run without a daemon by ${NEEDED.join(', ')}; missing here: ${missing.join(', ')}. ` +
      'On Debian: apt-get install --no-install-recommends buildah podman runc',
  )
}

function checked(tool: string, args: readonly string[], { code, stdout, stderr }: Outcome): string {
  if (code === 0) return stdout.trim()
  throw new Error(
    `${tool} ${args.join(' ')} failed with ${code}:\n${stdout.slice(-2_000)}${stderr.slice(-2_000)}`,
  )
}

export function run(program: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(program, args, { maxBuffer: OUTPUT_BYTES_MAX }, (error, stdout, stderr) => {
      if (error === null) return resolve({ code: 0, stdout, stderr })
      // A program that cannot be started has a word for a code.
      resolve({ code: typeof error.code === 'number' ? error.code : NOT_STARTED, stdout, stderr })
    })
  })
}
