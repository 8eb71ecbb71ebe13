/**
 * Measures how much later an origin is mirrored while another namespace's origins bear patterns as dear as the bounds let them be.
 * Run: node e2e/measure/hostile.ts [namespaces] [origins]
 */

import { startControlPlane } from '../control-plane/start.ts'
import { awaitList } from '../lib/await.ts'
import { installChart } from '../lib/chart.ts'
import { startController } from '../lib/controller.ts'
import { HOSTILE } from '../lib/hostile.ts'
import { keysOf, REFLECTOR } from '../lib/leftovers.ts'
import { configMap } from '../lib/objects.ts'

const NAMESPACES = Number(process.argv[2] ?? 200)
const ORIGINS = Number(process.argv[3] ?? 100)
const IN_FLIGHT = 16
const ROUNDS = 5
const TARGETS = 10

await using plane = await startControlPlane()
const { client } = plane
const installation = await installChart(plane, { namespace: 'kube-system' })
for (const name of ['evil', 'victim']) await client.createNamespace(name)
await each(NAMESPACES, (index) => client.createNamespace(`target-with-quite-a-long-name-${index}`))
await using controller = await startController(plane, { installation })
say(
  `${NAMESPACES} namespaces; ${ORIGINS} hostile origins of one namespace; a victim with ${TARGETS} mirrors; median of ${ROUNDS}`,
)
let victims = 0
row('alone', await rounds(async () => {}))
for (const [kind, pattern] of Object.entries(HOSTILE)) {
  let filler = 0
  const attack = async (): Promise<void> => {
    await each(ORIGINS, (index) => {
      const annotations = keysOf(REFLECTOR, {
        'reflection-allowed': 'true',
        'reflection-auto-enabled': 'true',
        'reflection-allowed-namespaces': pattern((filler += 1)),
      })
      return client.apply(configMap('evil', `hostile-${index}`, { a: '1' }, annotations))
    })
  }
  row(kind, await rounds(attack))
}
await controller.stop()

/** Milliseconds from the victim's creation to its last mirror, after `attack`: the median and the worst. */
async function rounds(attack: () => Promise<void>): Promise<readonly [number, number]> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    await attack()
    const name = `victim-${(victims += 1)}`
    const list = `target-with-quite-a-long-name-[0-${TARGETS - 1}]`
    const annotations = { 'heliograph.dev/reflect-to': list }
    const startedMs = performance.now()
    await client.create(configMap('victim', name, { a: '1' }, annotations))
    await awaitList(
      client,
      `/api/v1/configmaps?fieldSelector=metadata.name%3D${name}`,
      ({ length }) => length > TARGETS,
      { what: `${name} is mirrored`, deadlineMs: 300_000 },
    )
    times.push(performance.now() - startedMs)
  }
  times.sort((a, b) => a - b)
  return [times[Math.floor(ROUNDS / 2)] ?? 0, times.at(-1) ?? 0]
}

async function each(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
}

function row(name: string, [median, worst]: readonly [number, number]): void {
  say(`${name.padEnd(28)} ${median.toFixed(0).padStart(6)} ms, worst ${worst.toFixed(0).padStart(6)} ms`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
