/** What a thousand mirrors cost the API server, counted by its own audit log: nothing is asked for twice, nothing is written in vain. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { tally } from '../control-plane/audit.ts'
import type { AuditMark } from '../control-plane/audit.ts'
import type { ControlPlane } from '../control-plane/plane.ts'
import { startControlPlane } from '../control-plane/start.ts'
import { awaitList } from '../lib/await.ts'
import { installChart } from '../lib/chart.ts'
import type { Installation } from '../lib/chart.ts'
import { startController } from '../lib/controller.ts'
import type { Controller } from '../lib/controller.ts'
import { secret } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'

const NAMESPACES = 1_000
const ORIGIN = { kind: 'Secret', namespace: 'counts-origin', name: 'shared' } as const

let plane: ControlPlane
let installation: Installation
let controller: Controller

before(async () => {
  plane = await startControlPlane()
  installation = await installChart(plane, { namespace: 'kube-system' })
  await plane.client.createNamespace(ORIGIN.namespace)
  await inParallel(NAMESPACES, async (index) => void (await plane.client.createNamespace(target(index))))
  controller = await startController(plane, { installation })
})

after(async () => {
  await controller.stop()
  await plane.stop()
})

test('one origin into 1,000 namespaces costs exactly 1,000 POSTs and one GET of the origin', async () => {
  const mark = await plane.own.audit.mark()
  await plane.client.create(
    secret(
      ORIGIN.namespace,
      ORIGIN.name,
      { password: 'first' },
      { annotations: { 'heliograph.dev/reflect-to': 'counts-t*' } },
    ),
  )
  await everyMirrorHolds('first')
  assert.deepEqual(await asked(mark), { 'get counts-origin shared 200': 1, 'create 201': NAMESPACES })
})

test('a rotation costs exactly 1,000 PATCHes and one GET of the origin', async () => {
  const mark = await plane.own.audit.mark()
  await plane.client.patch(ORIGIN, { stringData: { password: 'second' } })
  await everyMirrorHolds('second')
  assert.deepEqual(await asked(mark), { 'get counts-origin shared 200': 1, 'patch 200': NAMESPACES })
})

test('a metadata-only change of the origin costs one GET and no write', async () => {
  const mark = await plane.own.audit.mark()
  await plane.client.patch(ORIGIN, { metadata: { labels: { team: 'a' } } })
  await passBy('label')
  assert.deepEqual(await asked(mark), { 'get counts-origin shared 200': 1 })
})

test('a restart with all in sync writes nothing, reads no mirror and no origin whose version has not changed', async () => {
  // The label made the origin's version differ from the marks: one rotation brings them together again.
  await plane.client.patch(ORIGIN, { stringData: { password: 'third' } })
  await everyMirrorHolds('third')
  await controller.stop()
  const mark = await plane.own.audit.mark()
  controller = await startController(plane, { installation })
  await passBy('restart')
  assert.deepEqual(await asked(mark), {})
})

function target(index: number): string {
  return `counts-t${index}`
}

/** Waits until each namespace's mirror holds `password`. */
async function everyMirrorHolds(password: string): Promise<void> {
  const data = Buffer.from(password).toString('base64')
  const isMirror = ({ metadata, data: held }: KubeObject): boolean =>
    metadata.namespace !== ORIGIN.namespace && held?.['password'] === data
  await awaitList(
    plane.client,
    named(ORIGIN.name),
    (objects) => objects.filter(isMirror).length === NAMESPACES,
    {
      what: `every namespace has a mirror with the ${password} password`,
    },
  )
}

/** A second origin, queued behind whatever there was to do: once its mirror stands, the rest has had its turn. */
async function passBy(name: string): Promise<void> {
  await plane.client.createNamespace(`passing-${name}`)
  const annotations = { 'heliograph.dev/reflect-to': `passing-${name}` }
  await plane.client.create(secret(ORIGIN.namespace, name, { any: 'thing' }, { annotations }))
  await awaitList(plane.client, named(name), (objects) => objects.length === 2, {
    what: `the passing origin ${name} is mirrored`,
  })
}

function named(name: string): string {
  return `/api/v1/secrets?fieldSelector=metadata.name%3D${name}`
}

/** Requests about Secrets by the controller since `mark`: those of the origin and of its mirrors, 429 retries, watches and lists apart. */
async function asked(mark: AuditMark): Promise<Readonly<Record<string, number>>> {
  const user = `system:serviceaccount:${installation.namespace}:${installation.serviceAccount}`
  const entries = (await plane.own.audit.since(mark)).filter(
    (entry) =>
      entry.user === user &&
      entry.resource === 'secrets' &&
      entry.code !== 429 &&
      !['watch', 'list'].includes(entry.verb) &&
      (entry.namespace === ORIGIN.namespace
        ? entry.name === ORIGIN.name
        : entry.namespace.startsWith('counts-t')),
  )
  const reads = entries.filter(({ verb }) => verb === 'get')
  const writes = entries.filter(({ verb }) => verb !== 'get')
  return { ...tally(reads, 'verb', 'namespace', 'name', 'code'), ...tally(writes, 'verb', 'code') }
}

async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) {
      next += 1
      await work(next - 1)
    }
  }
  await Promise.all(Array.from({ length: 32 }, worker))
}
