/**
 * Measures one origin forwarded to three peers of many namespaces each against raw clients that write the same objects to the same
 * three API servers in the same run, as ratios: 1.0 would be the servers' own pace. Run: node e2e/measure/peers.ts [namespaces]
 */

import { startControlPlane } from '../control-plane/start.ts'
import type { ControlPlane } from '../control-plane/plane.ts'
import { awaitList, eventually } from '../lib/await.ts'
import { installChart } from '../lib/chart.ts'
import { startController } from '../lib/controller.ts'
import { INSPECTABLE, memoryOf } from '../lib/inspector.ts'
import { secret } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { grantAccount, peerSecret } from '../lib/peers.ts'
import { SYSTEM } from '../lib/stage.ts'

const NAMESPACES = Number(process.argv[2] ?? 100)
const PEERS = ['east', 'north', 'west']
/** On each peer. */
const IN_FLIGHT = 32
const VALUE = 'v'.repeat(2_000)
const ORIGIN = { kind: 'Secret', namespace: 'bench-origin', name: 'shared' }

await using stack = new AsyncDisposableStack()
const home = stack.use(await startControlPlane())
const peers: ControlPlane[] = []
for (const name of PEERS) {
  const plane = stack.use(await startControlPlane())
  peers.push(plane)
  await each((index) => plane.client.createNamespace(`bench-${index}`))
  say(`${name}: ${NAMESPACES} namespaces`)
}
const installation = await installChart(home, { namespace: SYSTEM, settings: { deletionGrace: '0s' } })
await home.client.createNamespace(ORIGIN.namespace)
say(`one Secret of ${VALUE.length} bytes, ${IN_FLIGHT} requests in flight on each peer`)

const rawCreate = await timed(() =>
  onAll((plane, index) => plane.client.create(secret(`bench-${index}`, 'raw', { value: VALUE }))),
)
const rawPatch = await timed(() =>
  onAll((plane, index) => plane.client.patch(rawIn(index), { stringData: { value: `${VALUE}2` } })),
)
const rawDelete = await timed(() => onAll((plane, index) => plane.client.remove(rawIn(index))))

for (const [index, plane] of peers.entries()) await enlist(PEERS[index] ?? '', plane)
const controller = await startController(home, { installation, nodeFlags: INSPECTABLE })
const isReady = async (): Promise<true | null> =>
  (await controller.metrics()).sum('heliograph_peer_up') === PEERS.length ? true : null
await eventually(isReady, { what: 'every peer is up' })

const annotations = {
  'heliograph.dev/targets': '*',
  'heliograph.dev/target-namespaces': 'bench-*',
}
const create = await timed(async () => {
  await home.client.create(secret(ORIGIN.namespace, ORIGIN.name, { value: VALUE }, { annotations }))
  await Promise.all(peers.map((plane) => mirrors(plane, VALUE)))
})
const rotate = await timed(async () => {
  await home.client.patch(ORIGIN, { stringData: { value: `${VALUE}3` } })
  await Promise.all(peers.map((plane) => mirrors(plane, `${VALUE}3`)))
})
const { heapBytes, residentBytes } = await memoryOf(controller)
const remove = await timed(async () => {
  await home.client.remove(ORIGIN)
  await Promise.all(
    peers.map((plane) =>
      awaitList(plane.client, named(), (objects) => objects.length === 0, { what: 'every mirror is gone' }),
    ),
  )
})
await controller.stop()
row('first copies', create, rawCreate)
row('rotation', rotate, rawPatch)
row('deletion', remove, rawDelete)
say(
  `memory            ${mebibytes(heapBytes)} heap, ${mebibytes(residentBytes)} resident, with the inspector that asked`,
)

async function enlist(name: string, plane: ControlPlane): Promise<void> {
  const account = await grantAccount(plane.client)
  const token = await plane.client.tokenFor(account.namespace ?? '', account.name)
  const { url: server, caPem } = plane
  await home.client.create(peerSecret({ name, server, caPem, token, annotations: { 'peer-origins': '*' } }))
}

function rawIn(index: number): Ref {
  return { kind: 'Secret', namespace: `bench-${index}`, name: 'raw' }
}

async function mirrors({ client }: ControlPlane, value: string): Promise<void> {
  const data = Buffer.from(value).toString('base64')
  await awaitList(
    client,
    named(),
    (objects) =>
      objects.length >= NAMESPACES &&
      objects.filter((object: KubeObject) => object.data?.['value'] === data).length >= NAMESPACES,
    { what: 'every namespace has its mirror', deadlineMs: 300_000 },
  )
}

function named(): string {
  return `/api/v1/secrets?fieldSelector=metadata.name%3D${ORIGIN.name}`
}

async function onAll(work: (plane: ControlPlane, index: number) => Promise<unknown>): Promise<void> {
  await Promise.all(peers.map((plane) => each((index) => work(plane, index))))
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

function row(name: string, ours: number, raw: number): void {
  say(`${name.padEnd(17)} ${seconds(ours)}, raw clients ${seconds(raw)}: ${(ours / raw).toFixed(2)} times`)
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
