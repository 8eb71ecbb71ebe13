/** The main job, shown: a real API server, three namespaces, the controller, and one Secret that spreads. */

import { setTimeout as wait } from 'node:timers/promises'

import { progressOnStderr } from './control-plane/build.ts'
import { Mistake, runMain } from './control-plane/mistake.ts'
import { startControlPlane } from './control-plane/start.ts'
import { isOnPath, kubectlCommand } from './control-plane/tools.ts'
import { untilInterrupted } from './control-plane/until-interrupted.ts'
import { withDeadline } from './lib/await.ts'
import { installChart } from './lib/chart.ts'
import type { Client, WatchEvent } from './lib/client.ts'
import { startController } from './lib/controller.ts'
import { collectionPath, plain, secret } from './lib/objects.ts'
import type { Ref } from './lib/objects.ts'

const SYSTEM = 'heliograph'
const ORIGIN: Ref = { kind: 'Secret', namespace: 'platform', name: 'database' }
const TEAMS = ['team-blue', 'team-green'] as const
const NEW_TEAM = 'team-red'
const MIRRORS = `${collectionPath('Secret')}?labelSelector=heliograph.dev%2Fmirror`

/** Between chapters, for whoever reads along. */
const READING_MS = 1_500

const started = performance.now()

void runMain(() => demo(process.argv.slice(2)))

/** With `--once` it ends after the show, else at Ctrl-C. */
async function demo(args: readonly string[]): Promise<number> {
  const once = args.includes('--once')
  const unknown = args.find((each) => each !== '--once')
  if (unknown !== undefined) throw new Mistake(`The demo takes --once or nothing, not ${unknown}.`)
  const isOurs = (process.env['HELIOGRAPH_TEST_KUBECONFIG'] ?? '') === ''
  say(isOurs ? 'a Kubernetes control plane starts' : 'the cluster of HELIOGRAPH_TEST_KUBECONFIG is used')
  await using plane = await startControlPlane({ progress: progressOnStderr })
  say(`the API server answers at ${plane.url}`)
  await requireFree(plane.client)
  const installation = await installChart(plane, { namespace: SYSTEM })
  say(`the chart is installed in the namespace ${SYSTEM}: an account with the rights that the code needs`)
  await using controller = await startController(plane, { installation })
  say(`the controller runs as that account (process ${controller.pid})`)
  await using mirrors = new Mirrors(plane.client)
  await show(plane.client, mirrors, once ? 0 : READING_MS)
  say('that was the show')
  if (!once) {
    await invite(plane.kubeconfig)
    await untilInterrupted()
    write('\n')
  }
  await controller.stop()
  say(
    `the controller has ended${isOurs ? ', and the control plane goes with it' : '; the cluster stays as it is'}`,
  )
  return 0
}

/** A cluster of somebody else's may have them already. */
async function requireFree(client: Client): Promise<void> {
  for (const name of [ORIGIN.namespace ?? '', ...TEAMS, NEW_TEAM]) {
    if ((await client.find({ kind: 'Namespace', name })) === null) continue
    throw new Mistake(
      `This cluster has a namespace ${name} already: delete it, since the demo makes its own.`,
    )
  }
}

/** Each command shows something new, and what it brings about is told here, in the demo's own terminal. */
async function invite(kubeconfig: string): Promise<void> {
  const lines = [`export KUBECONFIG=${kubeconfig}`]
  if (!isOnPath('kubectl'))
    lines.push(`alias kubectl='${(await kubectlCommand(progressOnStderr)).join(' ')}'`)
  lines.push(
    'kubectl get secrets -A -l heliograph.dev/mirror',
    'kubectl -n team-blue delete secret database',
    "kubectl -n platform annotate --overwrite secret database heliograph.dev/reflect-to='team-*'",
    'kubectl create namespace team-gold',
    "kubectl annotate namespace team-blue heliograph.dev/refuse='*'",
    "kubectl -n platform annotate --overwrite secret database heliograph.dev/reflect-to='team-['",
    'kubectl -n platform get events',
  )
  write(`\nJoin in, in another terminal; what comes of it is told here:\n\n`)
  for (const line of lines) write(`    ${line}\n`)
  write('\nREADME.md has all annotations. Ctrl-C ends everything.\n\n')
}

async function show(client: Client, mirrors: Mirrors, readingMs: number): Promise<void> {
  const chapter = async (text: string): Promise<void> => {
    await wait(readingMs)
    say(text)
  }
  for (const name of ['platform', ...TEAMS]) await client.createNamespace(name)
  say(`three namespaces: platform, ${TEAMS.join(', ')}`)
  await client.create(secret('platform', 'database', { password: 'spring' }))
  await chapter('Secret platform/database is created; nobody annotated it, so nothing happens')

  await chapter('its owner annotates it:  heliograph.dev/reflect-to: "team-*"')
  await client.annotate(ORIGIN, { 'heliograph.dev/reflect-to': 'team-*' })
  await mirrors.until(TEAMS, 'spring')

  await chapter('somebody edits the mirror in team-green:  password: tampered')
  const mirror: Ref = { kind: 'Secret', namespace: 'team-green', name: 'database' }
  const edited = await client.patch(mirror, { stringData: { password: 'tampered' } })
  await mirrors.until(TEAMS, 'spring', edited.metadata.resourceVersion)

  await chapter('the owner rotates the password:  password: summer')
  await client.patch(ORIGIN, { stringData: { password: 'summer' } })
  await mirrors.until(TEAMS, 'summer')

  await chapter(`a new namespace comes:  ${NEW_TEAM}`)
  await client.createNamespace(NEW_TEAM)
  await mirrors.until([...TEAMS, NEW_TEAM], 'summer')

  await chapter('the owner narrows the offer:  heliograph.dev/reflect-to: "team-{blue,red}"')
  await client.annotate(ORIGIN, { 'heliograph.dev/reflect-to': 'team-{blue,red}' })
  await mirrors.until(['team-blue', NEW_TEAM], 'summer')
}

const HAPPENED = { ADDED: 'appears', MODIFIED: 'is now', DELETED: 'is gone' } as const

/** All mirrors of the cluster, each change printed as the API server tells it. */
class Mirrors implements AsyncDisposable {
  readonly #passwords = new Map<string, string>()
  readonly #versions = new Set<string>()
  readonly #end = new AbortController()
  readonly #telling: Promise<void>
  #changed = Promise.withResolvers<void>()

  constructor(client: Client) {
    this.#telling = this.#tell(client)
  }

  /** Waits until exactly these namespaces have a mirror with this password, and `version` was told before. */
  async until(namespaces: readonly string[], password: string, version?: string): Promise<void> {
    const wanted = namespaces.toSorted().map((namespace) => `${namespace}=${password}`)
    const isSo = (): boolean =>
      (version === undefined || this.#versions.has(version)) && this.#shown().join() === wanted.join()
    const search = async (): Promise<void> => {
      while (!isSo()) await this.#changed.promise
    }
    await withDeadline(search(), { unless: this.#telling }, () => `not so: ${wanted.join(', ')}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort()
    await this.#telling
  }

  #shown(): readonly string[] {
    return [...this.#passwords].map(([namespace, password]) => `${namespace}=${password}`).toSorted()
  }

  async #tell(client: Client): Promise<void> {
    const { resourceVersion } = await client.listFrom(MIRRORS)
    const path = `${MIRRORS}&resourceVersion=${resourceVersion}`
    try {
      for await (const event of client.watch(path, this.#end.signal)) this.#take(event)
    } catch (error) {
      if (!this.#end.signal.aborted) throw error
    }
  }

  #take({ type, object }: WatchEvent): void {
    if (type === 'ERROR' || type === 'BOOKMARK') return
    const { namespace = '', name, resourceVersion = '' } = object.metadata
    const { password } = plain(object)
    this.#versions.add(resourceVersion)
    if (type === 'DELETED' && name === ORIGIN.name) this.#passwords.delete(namespace)
    else if (name === ORIGIN.name) this.#passwords.set(namespace, password ?? '')
    const what = type === 'DELETED' || password === undefined ? '' : `  password: ${password}`
    say(`    mirror ${namespace}/${name} ${HAPPENED[type]}${what}`)
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}

function say(text: string): void {
  const seconds = ((performance.now() - started) / 1_000).toFixed(2).padStart(7)
  write(`${seconds} s  ${text}\n`)
}

function write(text: string): void {
  process.stdout.write(process.stdout.isTTY ? `\r\x1b[K${text}` : text)
}
