/** The main job, shown: a real API server, three namespaces, the controller, and one Secret that spreads. */

import { progressOnStderr } from './control-plane/build.ts'
import { runMain } from './control-plane/mistake.ts'
import type { ControlPlane } from './control-plane/plane.ts'
import { startControlPlane } from './control-plane/start.ts'
import { untilInterrupted } from './control-plane/until-interrupted.ts'
import { awaitList } from './lib/await.ts'
import { installChart } from './lib/chart.ts'
import { startController } from './lib/controller.ts'
import { collectionPath, plain, secret } from './lib/objects.ts'
import type { KubeObject, Ref } from './lib/objects.ts'

const SYSTEM = 'heliograph'
const ORIGIN: Ref = { kind: 'Secret', namespace: 'platform', name: 'database' }
const TEAMS = ['team-blue', 'team-green'] as const
const MIRRORS = `${collectionPath('Secret')}?labelSelector=heliograph.dev%2Fmirror`

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
  const end = new AbortController()
  const telling = tell(plane, end.signal)
  await show(plane)
  say('that was the show')
  if (!once) {
    write(`\nJoin in, in another terminal:\n\n    export KUBECONFIG=${plane.kubeconfig}\n`)
    write('    kubectl get secrets -A -l heliograph.dev/mirror\n')
    write('    kubectl create namespace team-red\n\nCtrl-C ends everything.\n\n')
    await untilInterrupted()
    write('\n')
  }
  end.abort()
  await telling
  await controller.stop()
  say('the controller has ended, and the control plane goes with it')
  return 0
}

async function show(plane: ControlPlane): Promise<void> {
  const { client } = plane
  for (const name of ['platform', ...TEAMS]) await client.createNamespace(name)
  say(`three namespaces: platform, ${TEAMS.join(', ')}`)

  await client.create(secret('platform', 'database', { password: 'spring' }))
  say('Secret platform/database is created; nobody annotated it, so nothing happens')
  say('its owner annotates it:  heliograph.dev/reflect-to: "team-*"')
  await client.annotate(ORIGIN, { 'heliograph.dev/reflect-to': 'team-*' })
  await everyTeamHas(plane, 'spring')

  say('somebody edits the mirror in team-green:  password: tampered')
  const mirror: Ref = { kind: 'Secret', namespace: 'team-green', name: 'database' }
  await client.patch(mirror, { stringData: { password: 'tampered' } })
  await everyTeamHas(plane, 'spring')

  say('the owner rotates the password:  password: summer')
  await client.patch(ORIGIN, { stringData: { password: 'summer' } })
  await everyTeamHas(plane, 'summer')

  say('a new namespace comes:  team-red')
  await client.createNamespace('team-red')
  await everyTeamHas(plane, 'summer', [...TEAMS, 'team-red'])

  say('the owner narrows the offer:  heliograph.dev/reflect-to: "team-blue"')
  await client.annotate(ORIGIN, { 'heliograph.dev/reflect-to': 'team-blue' })
  await awaitList(client, MIRRORS, (mirrors) => namespacesOf(mirrors) === 'team-blue', {
    what: 'only team-blue has a mirror',
  })
}

async function everyTeamHas(
  plane: ControlPlane,
  password: string,
  teams: readonly string[] = TEAMS,
): Promise<void> {
  const isSo = (mirrors: readonly KubeObject[]): boolean =>
    namespacesOf(mirrors) === teams.toSorted().join() &&
    mirrors.every((mirror) => plain(mirror)['password'] === password)
  await awaitList(plane.client, MIRRORS, isSo, { what: `${teams.join(', ')} have the password ${password}` })
}

function namespacesOf(mirrors: readonly KubeObject[]): string {
  return mirrors
    .map(({ metadata }) => metadata.namespace ?? '')
    .toSorted()
    .join()
}

const HAPPENED = { ADDED: 'appears', MODIFIED: 'is now', DELETED: 'is gone' } as const

/** Prints each change of a mirror as the API server tells it. */
async function tell({ client }: ControlPlane, signal: AbortSignal): Promise<void> {
  const { resourceVersion } = await client.listFrom(MIRRORS)
  try {
    for await (const { type, object } of client.watch(
      `${MIRRORS}&resourceVersion=${resourceVersion}`,
      signal,
    )) {
      if (type === 'ERROR' || type === 'BOOKMARK') continue
      const { namespace, name } = object.metadata
      const password = type === 'DELETED' ? '' : `  password: ${plain(object)['password'] ?? ''}`
      say(`    mirror ${namespace ?? ''}/${name} ${HAPPENED[type]}${password}`)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function say(text: string): void {
  const seconds = ((performance.now() - started) / 1_000).toFixed(2).padStart(7)
  write(`${seconds} s  ${text}\n`)
}

function write(text: string): void {
  process.stdout.write(process.stdout.isTTY ? `\r\x1b[K${text}` : text)
}
