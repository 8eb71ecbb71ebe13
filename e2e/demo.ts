/** The main job, shown: a real API server, three namespaces, the controller, and one Secret that spreads. */

import { setTimeout as wait } from 'node:timers/promises'

import { progressOnStderr } from './control-plane/build.ts'
import { runMain } from './control-plane/mistake.ts'
import { startControlPlane } from './control-plane/start.ts'
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
const MIRRORS = `${collectionPath('Secret')}?labelSelector=heliograph.dev%2Fmirror`

/** Between chapters, for whoever reads along. */
const READING_MS = 1_500

const started = performance.now()

void runMain(() => demo(process.argv.includes('--once')))

/** With `once` it ends after the show, else at Ctrl-C. */
async function demo(once: boolean): Promise<number> {
  say('a Kubernetes control plane starts: etcd, kube-apiserver, kube-controller-manager')
  await using plane = await startControlPlane({ progress: progressOnStderr })
  say(`the API server answers at ${plane.url}`)
  const installation = await installChart(plane, { namespace: SYSTEM })
  say(
    `the chart is installed in the namespace ${SYSTEM}: a ServiceAccount with the rights that the code needs`,
  )
  await using controller = await startController(plane, { installation })
  say(`the controller runs as that account (process ${controller.pid})`)
  await using mirrors = new Mirrors(plane.client)
  await show(plane.client, mirrors, once ? 0 : READING_MS)
  say('that was the show')
  if (!once) {
    write(`\nJoin in, in another terminal:\n\n    export KUBECONFIG=${plane.kubeconfig}\n`)
    write('    kubectl get secrets -A -l heliograph.dev/mirror\n')
    write('    kubectl create namespace team-red\n\nCtrl-C ends everything.\n\n')
    await untilInterrupted()
    write('\n')
  }
  await controller.stop()
  say('the controller has ended, and the control plane goes with it')
  return 0
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

  await chapter('a new namespace comes:  team-red')
  await client.createNamespace('team-red')
  await mirrors.until([...TEAMS, 'team-red'], 'summer')

  await chapter('the owner narrows the offer:  heliograph.dev/reflect-to: "team-{blue,red}"')
  await client.annotate(ORIGIN, { 'heliograph.dev/reflect-to': 'team-{blue,red}' })
  await mirrors.until(['team-blue', 'team-red'], 'summer')
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
    const { password = '' } = plain(object)
    this.#versions.add(resourceVersion)
    if (type === 'DELETED') this.#passwords.delete(namespace)
    else this.#passwords.set(namespace, password)
    const what = type === 'DELETED' ? '' : `  password: ${password}`
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
