/** Builds the control plane and the cluster tools once per content of their Go module, into the user's cache. */

import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { homedir, setPriority } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

import { takeLock } from './lock.ts'
import { Mistake } from './mistake.ts'

const MODULE = import.meta.dirname
const PROGRAMS = ['control-plane', 'cluster-tools'] as const
const VERSION = 'k8s.io/component-base/version'
const LDFLAGS = [
  '-s -w',
  `-X ${VERSION}.gitVersion=v1.37.2`,
  `-X ${VERSION}.gitMajor=1`,
  `-X ${VERSION}.gitMinor=37`,
].join(' ')
/** Builds that nobody used for so long are removed: each takes 200 MB. */
const UNUSED_MS_MAX = 14 * 86_400_000
const PROGRESS_EVERY_MS = 1_000
/** A background build leaves the processors to what runs beside it. */
const NICENESS = 10

const WITHOUT_GO =
  'The control plane for tests and the demo is built from source: install Go 1.26 or newer and run this again, ' +
  'or set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver, ' +
  'or HELIOGRAPH_TEST_KUBECONFIG to the kubeconfig of a cluster that may be thrown away.'

/** Called with one line that replaces the last one, about once a second while something is being built. */
export type Progress = (line: string) => void

export interface Build {
  readonly controlPlane: string
  readonly clusterTools: string
}

/** Without a terminal a progress line is worth a line of output only so often. */
const LINES_APART_MS = 30_000
let lastLineAt = -Infinity

/** Shows progress on standard error: in place on a terminal, now and then elsewhere. */
export function progressOnStderr(line: string): void {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r\x1b[K${line}`)
    return
  }
  if (performance.now() - lastLineAt < LINES_APART_MS) return
  lastLineAt = performance.now()
  process.stderr.write(`${line}\n`)
}

let running: Promise<Build> | null = null

/** The two programs, built if this content was not built yet. Throws a {@link Mistake} without Go. */
export function build(progress: Progress): Promise<Build> {
  running ??= findOrBuild(progress)
  return running
}

/** The two programs if they stand in the cache already, else null. Never builds. */
export async function findBuild(): Promise<Build | null> {
  const content = await contentHash()
  const folders = existsSync(cacheFolder()) ? await readdir(cacheFolder()) : []
  const goVersion = await version().catch(() => null)
  const fits = folders.find((name) =>
    goVersion === null ? name.startsWith(`build-${content}-`) : name === `build-${content}-${goVersion}`,
  )
  if (fits === undefined) return null
  const folder = join(cacheFolder(), fits)
  await utimes(folder, new Date(), new Date())
  return programsIn(folder)
}

async function findOrBuild(progress: Progress): Promise<Build> {
  const found = await findBuild()
  if (found !== null) return found
  const folder = join(cacheFolder(), `build-${await contentHash()}-${await version()}`)
  await using _lock = await takeLock(`${folder}.lock`, () =>
    progress('another process builds the control plane'),
  )
  if (!existsSync(folder)) await compileInto(folder, progress)
  await dropUnused()
  return programsIn(folder)
}

function programsIn(folder: string): Build {
  return { controlPlane: join(folder, 'control-plane'), clusterTools: join(folder, 'cluster-tools') }
}

function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'heliograph')
}

async function contentHash(): Promise<string> {
  const commands = await readdir(join(MODULE, 'cmd'), { recursive: true })
  const files = [
    'go.mod',
    'go.sum',
    ...commands.filter((name) => name.endsWith('.go')).map((name) => `cmd/${name}`),
  ]
  const hash = createHash('sha256').update(`${LDFLAGS}\n${process.platform}-${process.arch}\n`)
  for (const name of files.toSorted()) {
    const text = await readFile(join(MODULE, name))
    hash.update(`${name} ${text.length}\n`).update(text)
  }
  return hash.digest('hex').slice(0, 16)
}

async function version(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('go', ['env', 'GOVERSION'], { cwd: MODULE })
    return stdout.trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Mistake(WITHOUT_GO)
    const said = (error as { stderr?: string }).stderr?.trim() ?? ''
    throw new Mistake(`${WITHOUT_GO} (The Go found here says: ${said.split('\n')[0] ?? ''})`)
  }
}

/** Compiles beside `folder` and moves it there whole, so that a cut build leaves nothing that looks finished. */
async function compileInto(folder: string, progress: Progress): Promise<void> {
  await mkdir(cacheFolder(), { recursive: true })
  const unfinished = await mkdtemp(join(cacheFolder(), 'unfinished-'))
  try {
    await compile(unfinished, progress)
    await rename(unfinished, folder).catch((error: unknown) => {
      if (!existsSync(join(folder, PROGRAMS[0]))) throw error
    })
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

async function compile(into: string, progress: Progress): Promise<void> {
  const counted = { downloaded: 0, compiled: 0 }
  const started = performance.now()
  const show = (): void => {
    const seconds = Math.round((performance.now() - started) / 1_000)
    const elapsed = seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
    const { compiled, downloaded } = counted
    const total = packages === 0 ? '' : ` of at most ${packages}`
    const done = compiled === 0 ? `${downloaded} modules fetched` : `${compiled}${total} packages compiled`
    progress(`building the control plane, once: ${done}, ${elapsed} (about 10 min on two cores)`)
  }
  let packages = 0
  const beat = setInterval(show, PROGRESS_EVERY_MS)
  const count = (line: string): void => {
    if (line.startsWith('go: downloading ')) counted.downloaded += 1
    else if (/^[\w.-]+(\/[\w.-]+)*$/.test(line)) counted.compiled += 1
  }
  try {
    await go(['list', '-deps', './cmd/...'], { onOut: () => (packages += 1), onErr: count })
    const target = PROGRAMS.map((name) => `./cmd/${name}`)
    await go(['build', '-v', '-trimpath', '-ldflags', LDFLAGS, '-o', `${into}/`, ...target], { onErr: count })
  } finally {
    clearInterval(beat)
  }
}

const STDERR_LINES_KEPT = 20

interface GoLines {
  readonly onOut?: (line: string) => void
  readonly onErr: (line: string) => void
}

async function go(args: readonly string[], { onOut, onErr }: GoLines): Promise<void> {
  const child = spawn('go', args, {
    cwd: MODULE,
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (child.pid !== undefined) setPriority(child.pid, NICENESS)
  const last: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => onOut?.(line))
  createInterface({ input: child.stderr }).on('line', (line) => {
    onErr(line)
    last.push(line)
    if (last.length > STDERR_LINES_KEPT) last.shift()
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve)
  })
  if (code !== 0) throw new Mistake(`go ${args[0] ?? ''} failed for the control plane:\n${last.join('\n')}`)
}

async function dropUnused(): Promise<void> {
  for (const name of await readdir(cacheFolder())) {
    if (!/^(build|unfinished)-/.test(name) || name.endsWith('.lock')) continue
    const folder = join(cacheFolder(), name)
    const { mtimeMs } = await stat(folder)
    if (Date.now() - mtimeMs > UNUSED_MS_MAX) await rm(folder, { recursive: true, force: true })
  }
}
