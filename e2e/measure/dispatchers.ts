/**
 * Measures writes per second against a real API server, over HTTP/1.1 keep-alive connections and over one HTTP/2 connection.
 * The reason for two dispatchers per cluster: docs/decisions/0004-two-dispatchers-per-cluster.md. Run: node e2e/measure/dispatchers.ts
 */

import { Agent } from 'undici'

import type { ControlPlane } from '../control-plane/plane.ts'
import { startControlPlane } from '../control-plane/start.ts'

const NAMESPACE = 'measured'
const WRITES = 2_000
const IN_FLIGHT = 48
const ROUNDS = 3
const VALUE = Buffer.alloc(2_000, 'x').toString('base64')

interface Form {
  readonly name: string
  readonly agent: (caPem: string) => Agent
}

const FORMS: readonly Form[] = [
  {
    name: `HTTP/1.1, up to ${IN_FLIGHT} connections`,
    agent: (ca) => new Agent({ connect: { ca }, allowH2: false, connections: IN_FLIGHT, pipelining: 1 }),
  },
  {
    name: 'HTTP/2, one connection',
    agent: (ca) => new Agent({ connect: { ca }, allowH2: true, connections: 1, pipelining: IN_FLIGHT }),
  },
]

async function send(plane: ControlPlane, agent: Agent, token: string, name: string): Promise<void> {
  const body = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: NAMESPACE },
    data: { value: VALUE },
  }
  const { statusCode, body: answer } = await agent.request({
    origin: plane.url,
    path: `/api/v1/namespaces/${NAMESPACE}/secrets`,
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  await answer.dump()
  if (statusCode !== 201) throw new Error(`POST answered ${statusCode}`)
}

/** One line: writes per second with {@link IN_FLIGHT} at a time, and our own processor time for each. */
async function rate(plane: ControlPlane, form: Form, round: number, token: string): Promise<string> {
  const agent = form.agent(plane.caPem)
  const prefix = `${form.name.slice(5, 8).replaceAll(/[^0-9]/g, '')}-${round}`
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < WRITES) await send(plane, agent, token, `${prefix}-${next++}`)
  }
  const started = performance.now()
  const cpu = process.cpuUsage()
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  const seconds = (performance.now() - started) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  await agent.close()
  const cpuMs = (user + system) / 1_000 / WRITES
  return `${Math.round(WRITES / seconds)} creates per second, ${cpuMs.toFixed(2)} ms of our processor each`
}

await using plane = await startControlPlane()
await plane.client.createNamespace(NAMESPACE)
await plane.client.create({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: 'measure', namespace: NAMESPACE },
})
await plane.client.create({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'measure' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ kind: 'ServiceAccount', name: 'measure', namespace: NAMESPACE }],
})
const token = await plane.client.tokenFor(NAMESPACE, 'measure')
for (let round = 1; round <= ROUNDS; round += 1) {
  for (const form of FORMS) {
    console.log(`round ${round}, ${form.name}: ${await rate(plane, form, round, token)}`)
  }
}
