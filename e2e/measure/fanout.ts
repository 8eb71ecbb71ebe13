/**
 * Measures one origin into many namespaces against a raw client that writes the same objects in the same run, as ratios:
 * 1.0 would be the API server's own pace. Run: npm run bench [namespaces]
 */

import { startControlPlane } from '../control-plane/start.ts'
import type { ControlPlane } from '../control-plane/plane.ts'
import { awaitList, awaitObject } from '../lib/await.ts'
import { installChart } from '../lib/chart.ts'
import { startController } from '../lib/controller.ts'
import { memoryOf, INSPECTABLE } from '../lib/inspector.ts'
import { secret } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'

const NAMESPACES = Number(process.argv[2] ?? 1_000)
const IN_FLIGHT = 32
const VALUE = 'v'.repeat(2_000)
const ORIGIN = { kind: 'Secret', namespace: 'bench-origin', name: 'shared' }

await using plane = await startControlPlane()
const installation = await installChart(plane, { namespace: 'kube-system' })
await plane.client.createNamespace(ORIGIN.namespace)
say(`${NAMESPACES} namespaces, one Secret of ${VALUE.length} bytes, ${IN_FLIGHT} requests in flight`)
await each((index) => plane.client.createNamespace(`bench-${index}`))
const rawCreate = await timed(() =>
  each((index) => plane.client.create(secret(`bench-${index}`, 'raw', { value: VALUE }))),
)
const rawPatch = await timed(() =>
  each((index) =>
    plane.client.patch(
      { kind: 'Secret', namespace: `bench-${index}`, name: 'raw' },
      { stringData: { value: `${VALUE}2` } },
    ),
  ),
)
const controller = await startController(plane, { installation, nodeFlags: INSPECTABLE })
const annotations = { 'heliograph.dev/reflect-to': 'bench-*' }
const create = await timed(async () => {
  await plane.client.create(secret(ORIGIN.namespace, ORIGIN.name, { value: VALUE }, { annotations }))
  await mirrors(plane, VALUE)
})
const rotate = await timed(async () => {
  await plane.client.patch(ORIGIN, { stringData: { value: `${VALUE}3` } })
  await mirrors(plane, `${VALUE}3`)
})
const appear = await timed(async () => {
  await plane.client.createNamespace('bench-new')
  await awaitObject(plane.client, { ...ORIGIN, namespace: 'bench-new' }, (found) => found !== null, {
    what: 'is mirrored',
  })
})
const { heapBytes, residentBytes } = await memoryOf(controller)
const remove = await timed(async () => {
  await plane.client.remove(ORIGIN)
  await awaitList(plane.client, named(), (objects) => objects.length === 0, { what: 'every mirror is gone' })
})
await controller.stop()
row('first copies', create, rawCreate)
row('rotation', rotate, rawPatch)
say(`new namespace     ${seconds(appear)}`)
say(`deletion          ${seconds(remove)} (5 s of it are the grace)`)
say(
  `memory            ${mebibytes(heapBytes)} heap, ${mebibytes(residentBytes)} resident, with the inspector that asked`,
)

function row(name: string, ours: number, raw: number): void {
  say(`${name.padEnd(17)} ${seconds(ours)}, raw client ${seconds(raw)}: ${(ours / raw).toFixed(2)} times`)
}

async function mirrors(cluster: ControlPlane, value: string): Promise<void> {
  const data = Buffer.from(value).toString('base64')
  const isMirror = (object: KubeObject): boolean =>
    object.metadata.namespace !== ORIGIN.namespace && object.data?.['value'] === data
  let last = 0
  const holds = (objects: readonly KubeObject[]): boolean => {
    // Counting is this process's work, not the controller's: only every so often until it is nearly there.
    last += 1
    return (
      objects.length > NAMESPACES &&
      (last % 50 === 0 || last > NAMESPACES) &&
      objects.filter(isMirror).length >= NAMESPACES
    )
  }
  await awaitList(cluster.client, named(), holds, {
    what: 'every namespace has its mirror',
    deadlineMs: 300_000,
  })
}

function named(): string {
  return `/api/v1/secrets?fieldSelector=metadata.name%3D${ORIGIN.name}`
}

async function each(work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < NAMESPACES) await work(next++)
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  await work()
  return performance.now() - startedMs
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`.padStart(8)
}

function mebibytes(bytes: number): string {
  return `${(bytes / (1 << 20)).toFixed(0)} MiB`
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
