/** Secrets that nobody annotated: their data never enters the process, and they cost no memory. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type { ControlPlane } from '../control-plane/plane.ts'
import { startControlPlane } from '../control-plane/start.ts'
import { awaitPresent } from '../lib/await.ts'
import { installChart } from '../lib/chart.ts'
import type { Installation } from '../lib/chart.ts'
import { startController } from '../lib/controller.ts'
import type { Controller } from '../lib/controller.ts'
import { INSPECTABLE, memoryOf } from '../lib/inspector.ts'
import type { Memory } from '../lib/inspector.ts'
import { secret } from '../lib/objects.ts'

const SECRETS = 20_000
const VALUE_BYTES = 1_500
const MEBIBYTE = 1 << 20

let plane: ControlPlane
let installation: Installation

before(async () => {
  plane = await startControlPlane()
  installation = await installChart(plane, { namespace: 'kube-system' })
  for (const namespace of ['origins', 'targets', 'unrelated']) await plane.client.createNamespace(namespace)
})

after(async () => await plane.stop())

test('20,000 unrelated Secrets: no data requested, heap within 8 MiB and resident within 30 MiB of an empty cluster', async (t) => {
  const empty = await measured('before')
  await fill()
  const mark = await plane.own.audit.mark()
  const full = await measured('after')
  const user = `system:serviceaccount:${installation.namespace}:${installation.serviceAccount}`
  const asked = (await plane.own.audit.since(mark)).filter(
    (entry) => entry.user === user && entry.namespace === 'unrelated',
  )
  assert.deepEqual(asked, [], 'no single unrelated Secret is asked for')
  t.diagnostic(`empty ${inMebibytes(empty)}, with ${SECRETS} unrelated Secrets ${inMebibytes(full)}`)
  assert.ok(
    full.heapBytes - empty.heapBytes <= 8 * MEBIBYTE,
    `heap: ${inMebibytes(empty)} → ${inMebibytes(full)}`,
  )
  assert.ok(
    full.residentBytes - empty.residentBytes <= 30 * MEBIBYTE,
    `resident: ${inMebibytes(empty)} → ${inMebibytes(full)}`,
  )
})

/** Memory of a controller that has read the whole cluster and mirrored one more Secret since. */
async function measured(name: string): Promise<Memory> {
  const controller: Controller = await startController(plane, { installation, nodeFlags: INSPECTABLE })
  try {
    const annotations = { 'heliograph.dev/reflect-to': 'targets' }
    await plane.client.create(secret('origins', name, { any: 'thing' }, { annotations }))
    await awaitPresent(plane.client, { kind: 'Secret', namespace: 'targets', name })
    return await memoryOf(controller)
  } finally {
    await controller.stop()
  }
}

async function fill(): Promise<void> {
  const value = 'v'.repeat(VALUE_BYTES)
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < SECRETS) {
      next += 1
      await plane.client.create(secret('unrelated', `unrelated-${next}`, { value }))
    }
  }
  await Promise.all(Array.from({ length: 32 }, worker))
}

function inMebibytes({ heapBytes, residentBytes }: Memory): string {
  const figure = (bytes: number): string => (bytes / MEBIBYTE).toFixed(1)
  return `heap ${figure(heapBytes)} MiB, resident ${figure(residentBytes)} MiB`
}
