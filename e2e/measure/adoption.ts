/**
 * Measures taking over many copies that reflector left: how long the pass takes, what it asks of the API server, and how long another origin's
 * change takes meanwhile. Run: node e2e/measure/adoption.ts [origins] [namespaces] [reads per second]
 */

import { tally } from '../control-plane/audit.ts'
import type { AuditMark } from '../control-plane/audit.ts'
import { startControlPlane } from '../control-plane/start.ts'
import { leaveCopies } from '../lib/adoption.ts'
import { awaitPresent, eventually } from '../lib/await.ts'
import { installChart } from '../lib/chart.ts'
import { startController } from '../lib/controller.ts'
import type { Controller } from '../lib/controller.ts'
import { INSPECTABLE, memoryOf } from '../lib/inspector.ts'
import { configMap } from '../lib/objects.ts'

const ORIGINS = Number(process.argv[2] ?? 100)
const NAMESPACES = Number(process.argv[3] ?? 100)
const RATE = process.argv[4] ?? '1000'
const PASS_MS_MAX = 1_800_000
const VICTIMS = 5

await using plane = await startControlPlane()
const { client } = plane
const installation = await installChart(plane, { namespace: 'kube-system' })
say(`${ORIGINS} origins, each with ${NAMESPACES} copies; at most ${RATE} reads a second`)
const left = await timed(
  async () => void (await leaveCopies(client, { origins: ORIGINS, namespaces: NAMESPACES })),
)
say(`copies were made in ${seconds(left)}`)
for (const name of ['other-home', 'other-target']) await client.createNamespace(name)
await pass('first start', true)
await pass('second start', false)

/** One start, until nothing waits any more. */
async function pass(name: string, isFirst: boolean): Promise<void> {
  const mark = await plane.own.audit.mark()
  await using controller = await start()
  const others: number[] = []
  const took = await timed(async () => {
    for (let index = 0; index < VICTIMS; index += 1)
      others.push(await timed(() => mirrorOther(`${name[0]}-${index}`)))
    await eventually(async () => ((await isIdle(controller)) ? true : null), {
      what: 'the pass is over',
      deadlineMs: PASS_MS_MAX,
    })
  })
  const { heapBytes } = await memoryOf(controller)
  await controller.stop()
  say(
    `${name}: ${seconds(took)}, ${(heapBytes / (1 << 20)).toFixed(0)} MiB heap; ${JSON.stringify(await asked(mark))}`,
  )
  if (isFirst) say(`another origin meanwhile: ${others.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}`)
}

async function start(): Promise<Controller> {
  return await startController(plane, {
    installation,
    nodeFlags: INSPECTABLE,
    environment: { HELIOGRAPH_SWEEP_READS_PER_SECOND_MAX: RATE },
  })
}

async function isIdle(controller: Controller): Promise<boolean> {
  const metrics = await controller.metrics()
  return metrics.sum('heliograph_queue_depth') + metrics.sum('heliograph_writes_in_flight') === 0
}

async function mirrorOther(name: string): Promise<void> {
  const annotations = { 'heliograph.dev/reflect-to': 'other-target' }
  await client.create(configMap('other-home', name, { a: '1' }, annotations))
  await awaitPresent(client, { kind: 'ConfigMap', namespace: 'other-target', name })
}

/** Requests about the copies and their origins, by verb and answer. */
async function asked(mark: AuditMark): Promise<Readonly<Record<string, number>>> {
  const user = `system:serviceaccount:${installation.namespace}:${installation.serviceAccount}`
  const entries = (await plane.own.audit.since(mark)).filter(
    ({ user: who, namespace }) => who === user && namespace.startsWith('adoption-'),
  )
  return tally(entries, 'verb', 'code')
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now()
  await work()
  return performance.now() - startedMs
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
