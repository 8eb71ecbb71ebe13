/** `heliograph run`: joins the parts, runs until it is told to stop, drains. */

import { randomBytes } from 'node:crypto'

import type { Settings } from '../config/settings.ts'
import { Controller } from '../engine/controller.ts'
import type { Sinks } from '../engine/controller.ts'
import type { Recorder } from '../engine/ports.ts'
import type { ClusterApi } from '../kube/api.ts'
import type { ReflectorWatcher } from '../kube/changes.ts'
import { clusterApi } from '../kube/calls.ts'
import { connect } from '../kube/connection.ts'
import type { Cluster } from '../kube/connection.ts'
import { WatchHealth } from '../kube/health.ts'
import { loadAccess } from '../kube/kubeconfig.ts'
import { Reflector } from '../kube/reflector.ts'
import { CONFIG_MAPS, NAMESPACES, SECRETS } from '../kube/resources.ts'
import { createServer } from 'node:http'
import { systemClock } from '../std/clock.ts'
import { systemRandom } from '../std/random.ts'

export interface RunOptions {
  readonly settings: Settings
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly version: string
  readonly signal: AbortSignal
}

/** Runs the controller until `signal` fires. */
export async function run(options: RunOptions): Promise<void> {
  const { settings, environment, signal } = options
  const access = await loadAccess({
    kubeconfig: settings.kubeconfig,
    context: settings.context,
    serviceHost: environment['KUBERNETES_SERVICE_HOST'],
    servicePort: environment['KUBERNETES_SERVICE_PORT'],
  })
  if (!access.ok) throw new Error(access.failure.reason)
  const cluster = await connect({ access: access.value, version: options.version, clock: systemClock, observer: { answered: () => {} } })
  if (!cluster.ok) throw new Error(cluster.failure.reason)
  const api: ClusterApi = clusterApi(cluster.value)
  const watcher: ReflectorWatcher = { attempted() {}, heard() {}, synced() {}, restarted() {}, failed() {}, auditFound() {} }
  const health = new WatchHealth(['secrets', 'configmaps', 'namespaces'], systemClock, watcher)
  const log = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
  const recorder: Recorder = {
    acted: (turn) => log({ msg: 'acted', ...turn }),
    tell: (n) => log({ msg: 'notice', code: n.code, subject: n.subject, message: n.message }),
    held: (hold) => log({ msg: 'deletions held', ...hold }),
    propagated: () => {},
    repaired: () => log({ msg: 'repaired' }),
    conflicted: () => {},
  }
  const controller = new Controller({
    settings,
    api,
    clock: systemClock,
    random: systemRandom,
    randomBytes,
    recorder,
    leadership: { isLive: () => true },
    reflect: (sinks, ending) => reflect(cluster.value, settings, health, sinks, ending),
  })
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/readyz' && !controller.standing().isSynced ? 503 : 200
    response.end('ok\n')
  })
  server.listen(settings.listenPort, settings.listenHost)
  controller.lead()
  await controller.run(signal)
  server.close()
  await cluster.value.close()
}

async function reflect(cluster: Cluster, settings: Settings, watcher: ReflectorWatcher, sinks: Sinks, signal: AbortSignal): Promise<void> {
  const common = {
    cluster,
    namespace: null,
    marks: [settings.rules.prefix],
    watcher,
    clock: systemClock,
    random: systemRandom,
    auditIntervalMs: settings.auditIntervalMs,
  }
  await Promise.all([
    new Reflector({ ...common, resource: SECRETS, sink: sinks.objects.Secret }).run(signal),
    new Reflector({ ...common, resource: CONFIG_MAPS, sink: sinks.objects.ConfigMap }).run(signal),
    new Reflector({ ...common, resource: NAMESPACES, sink: sinks.namespaces }).run(signal),
  ])
}
