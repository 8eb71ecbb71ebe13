/** The chart's rights are exactly what the program needs where there are no peers: with any one verb taken away, the program asks for it and is refused. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type { ControlPlane } from '../control-plane/plane.ts'
import { startControlPlane } from '../control-plane/start.ts'
import type { AuditEntry, AuditMark } from '../control-plane/audit.ts'
import { eventually } from '../lib/await.ts'
import { installChart } from '../lib/chart.ts'
import type { Installation } from '../lib/chart.ts'
import { launchController } from '../lib/controller.ts'
import { configMap, refOf, secret } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

/** One verb of one rule of one role of the chart. */
interface Taken {
  readonly role: KubeObject
  readonly rule: number
  readonly verb: string
  readonly resource: string
}

const BAD_ORIGIN = secret(
  'origins',
  'bad',
  { any: 'thing' },
  { annotations: { 'heliograph.dev/reflect-to': '[' } },
)

let plane: ControlPlane
let installation: Installation
let rounds = 0

before(async () => {
  // Without the streaming start every loop lists and watches, as on servers that lack it.
  plane = await startControlPlane({ flags: { apiServer: ['--feature-gates=WatchList=false'] } })
  installation = await installChart(plane, {
    namespace: 'kube-system',
    values: { rbac: { peers: false } },
  })
  for (const namespace of ['origins', 'targets']) await plane.client.createNamespace(namespace)
  await plane.client.create(BAD_ORIGIN)
})

after(async () => await plane.stop())

test('with the rights of the chart nothing is refused', async () => {
  const refused = await round(null)
  assert.deepEqual(refused.map(say), [])
})

test('each right that is taken away is missed: none is spare', async (t) => {
  for (const taken of everyRight(installation.objects)) {
    const name = `${taken.verb} ${taken.resource}`
    await t.test(`without ${name} (${String(taken.role.kind)}) the program is refused it`, async () => {
      await plane.client.replace(without(await plane.client.get(refOf(taken.role)), taken))
      await untilAllowed(taken, false)
      try {
        const refused = await round(taken)
        assert.ok(
          refused.some((entry) => isAbout(entry, taken)),
          `nothing asked for ${name}; refused: ${refused.map(say).join(', ')}`,
        )
      } finally {
        await plane.client.replace(restored(await plane.client.get(refOf(taken.role)), taken.role))
        await untilAllowed(taken, true)
      }
    })
  }
})

/** A controller's whole life: first start, mirrors made, changed and taken back, an Event; ends early once it was refused `taken`. */
async function round(taken: Taken | null): Promise<readonly AuditEntry[]> {
  rounds += 1
  const mark = await plane.own.audit.mark()
  for (const ref of [DIGEST_KEY, LEASE])
    if ((await plane.client.find(ref)) !== null) await plane.client.remove(ref)
  const controller = await launchController(plane, { installation })
  try {
    const origins = [
      secret(
        'origins',
        `round-${rounds}`,
        { any: 'one' },
        { annotations: { 'heliograph.dev/reflect-to': 'targets' } },
      ),
      configMap('origins', `round-${rounds}`, { any: 'one' }, { 'heliograph.dev/reflect-to': 'targets' }),
    ]
    for (const origin of origins) await plane.client.create(origin)
    await untilMirrors(mark, taken, origins, (mirror, origin) => mirror !== null && holds(mirror, origin))
    for (const origin of origins) await plane.client.patch(refOf(origin), { data: TWO[origin.kind ?? ''] })
    await untilMirrors(
      mark,
      taken,
      origins,
      (mirror) => mirror !== null && JSON.stringify(mirror.data) === JSON.stringify(TWO[mirror.kind ?? '']),
    )
    for (const origin of origins) await plane.client.remove(refOf(origin))
    await untilMirrors(mark, taken, origins, (mirror) => mirror === null)
    await untilTold(mark, taken)
    await controller.stop()
  } finally {
    await controller.kill()
  }
  for (const namespace of ['origins', 'targets']) await sweep(namespace)
  return await refusedSince(mark)
}

const DIGEST_KEY = { kind: 'Secret', namespace: 'kube-system', name: 'heliograph-digest-key' }
const LEASE = {
  kind: 'Lease',
  namespace: 'kube-system',
  name: 'heliograph',
  apiVersion: 'coordination.k8s.io/v1',
}
const TWO: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Secret: { any: 'dHdv' },
  ConfigMap: { any: 'two' },
}

function holds(mirror: KubeObject, origin: KubeObject): boolean {
  return JSON.stringify(mirror.data) === JSON.stringify(origin.data)
}

async function untilMirrors(
  mark: AuditMark,
  taken: Taken | null,
  origins: readonly KubeObject[],
  isRight: (mirror: KubeObject | null, origin: KubeObject) => boolean,
): Promise<void> {
  await eventually(
    async () => {
      if (await isMissed(mark, taken)) return true
      const mirrors = await Promise.all(
        origins.map(async (origin) => await plane.client.find({ ...refOf(origin), namespace: 'targets' })),
      )
      return origins.every((origin, index) => isRight(mirrors[index] ?? null, origin)) ? true : null
    },
    { what: `the mirrors are right, or ${taken?.verb ?? 'nothing'} is missed` },
  )
}

/** The bad origin's Event is made, or its count raised. */
async function untilTold(mark: AuditMark, taken: Taken | null): Promise<void> {
  await eventually(
    async () => {
      const entries = await ours(mark)
      const told = entries.some((entry) => entry.resource === 'events' && entry.code < 300)
      return told || (await isMissed(mark, taken)) ? true : null
    },
    { what: 'the bad origin is told of' },
  )
}

async function isMissed(mark: AuditMark, taken: Taken | null): Promise<boolean> {
  return taken !== null && (await refusedSince(mark)).some((entry) => isAbout(entry, taken))
}

async function refusedSince(mark: AuditMark): Promise<readonly AuditEntry[]> {
  return (await ours(mark)).filter((entry) => entry.code === 403)
}

async function ours(mark: AuditMark): Promise<readonly AuditEntry[]> {
  const user = `system:serviceaccount:${installation.namespace}:${installation.serviceAccount}`
  return (await plane.own.audit.since(mark)).filter((entry) => entry.user === user)
}

function isAbout(entry: AuditEntry, { verb, resource }: Taken): boolean {
  return entry.verb === verb && entry.resource === resource
}

function say({ verb, resource, namespace, name }: AuditEntry): string {
  return `${verb} ${resource} ${namespace}/${name}`
}

function rulesOf(role: KubeObject): readonly Rule[] {
  return role['rules'] as readonly Rule[]
}

function everyRight(objects: readonly KubeObject[]): readonly Taken[] {
  const roles = objects.filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role')
  return roles.flatMap((role) =>
    rulesOf(role).flatMap(({ resources, verbs }, rule) =>
      verbs.flatMap((verb) => resources.map((resource) => ({ role, rule, verb, resource }))),
    ),
  )
}

function without(role: KubeObject, taken: Taken): KubeObject {
  const rules = rulesOf(role).map((rule, index) =>
    index === taken.rule ? { ...rule, verbs: rule.verbs.filter((verb) => verb !== taken.verb) } : rule,
  )
  return { ...role, rules: rules.filter(({ verbs }) => verbs.length > 0) }
}

function restored(present: KubeObject, original: KubeObject): KubeObject {
  return { ...present, rules: rulesOf(original) }
}

/** The authorizer follows the role's change with a small delay. */
async function untilAllowed(taken: Taken, wanted: boolean): Promise<void> {
  const rule = rulesOf(taken.role)[taken.rule]
  const spec = {
    user: `system:serviceaccount:${installation.namespace}:${installation.serviceAccount}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${installation.namespace}`],
    resourceAttributes: {
      group: rule?.apiGroups[0] ?? '',
      resource: taken.resource,
      verb: taken.verb,
      namespace: taken.role.kind === 'Role' ? installation.namespace : '',
      name: rule?.resourceNames?.[0] ?? '',
    },
  }
  await eventually(
    async () => {
      const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec }
      const answer = await plane.client.request(
        'POST',
        '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        { body },
      )
      const { status } = answer.body as { readonly status: { readonly allowed: boolean } }
      return status.allowed === wanted ? true : null
    },
    { what: `${taken.verb} ${taken.resource} is ${wanted ? 'allowed' : 'refused'}` },
  )
}

async function sweep(namespace: string): Promise<void> {
  for (const kind of ['Secret', 'ConfigMap']) {
    for (const { metadata } of await plane.client.list(kind, namespace)) {
      if (metadata.name.startsWith('round-'))
        await plane.client.remove({ kind, namespace, name: metadata.name })
    }
  }
}
