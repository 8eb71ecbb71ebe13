/** An admission policy that changes what we write, on its way: told as a contest, and answered with a bounded number of writes. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { AuditMark } from '../control-plane/audit.ts'
import { awaitEvent } from '../lib/events.ts'
import { refOf } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, secretOffer, write } from '../lib/offers.ts'
import { openStage } from '../lib/stage.ts'

const stage = await openStage({ settings: { deletionGrace: '0s' } })
const { client, plane, user } = stage
const API = 'admissionregistration.k8s.io/v1'
/** Six writes are repairs at once; then each waits longer, a second to begin with. */
const WRITES_MAX = 16

test('an admission policy that rewrites the data of mirrors is found when they are verified, and contested', async () => {
  const [home, victim, other] = await stage.namespaces('policy-home', 'policy-victim', 'policy-other')
  await mutate('rewrite', victim, `[JSONPatch{op: "add", path: "/data/password", value: "dGhlaXJz"}]`)
  const origin = secretOffer(
    home,
    'db',
    { 'reflect-to': `${victim},${other}`, resync: '1' },
    { password: 'ours' },
  )
  await stage.start()
  await client.create(origin)
  await awaitData(client, mirrorIn(other, origin), { password: 'ours' })
  await awaitData(client, mirrorIn(victim, origin), { password: 'theirs' })
  const mark = await plane.own.audit.mark()
  await annotate(client, refOf(origin), { resync: '2' })
  await awaitEvent(client, mirrorIn(victim, origin), 'MirrorContested')
  assert.ok((await writesTo(victim, mark)) <= WRITES_MAX)
})

test('an admission policy that takes our digest away is contested', async () => {
  const [home, victim, other] = await stage.namespaces('strip-home', 'strip-victim', 'strip-other')
  const origin = secretOffer(home, 'db', { 'reflect-to': `${victim},${other}` }, { password: 'one' })
  await client.create(origin)
  await awaitData(client, mirrorIn(victim, origin), { password: 'one' })
  await mutate(
    'strip',
    victim,
    `[JSONPatch{op: "remove", path: "/metadata/annotations/" + jsonpatch.escapeKey("heliograph.dev/digest")}]`,
  )
  const mark = await plane.own.audit.mark()
  await write(client, refOf(origin), { password: 'two' })
  await awaitData(client, mirrorIn(other, origin), { password: 'two' })
  await awaitEvent(client, mirrorIn(victim, origin), 'MirrorContested')
  await awaitData(client, mirrorIn(victim, origin), { password: 'two' })
  assert.ok((await writesTo(victim, mark)) <= WRITES_MAX)
})

/** Applies `expression` to every Secret that the controller writes in `namespace`, and waits until that is so. */
async function mutate(name: string, namespace: string, expression: string): Promise<void> {
  const spec = {
    reinvocationPolicy: 'Never',
    failurePolicy: 'Fail',
    matchConstraints: {
      resourceRules: [
        { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['secrets'] },
      ],
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    },
    matchConditions: [
      {
        name: 'marked',
        expression:
          'has(object.metadata.annotations) && "heliograph.dev/digest" in object.metadata.annotations',
      },
    ],
    mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression } }],
  }
  const post = async (kind: string, plural: string, body: object): Promise<void> => {
    const answer = await client.request('POST', `/apis/${API}/${plural}`, {
      body: { apiVersion: API, kind, metadata: { name }, ...body },
    })
    assert.equal(answer.status, 201, `${plural} are taken`)
  }
  await post('MutatingAdmissionPolicy', 'mutatingadmissionpolicies', { spec })
  await post('MutatingAdmissionPolicyBinding', 'mutatingadmissionpolicybindings', {
    spec: { policyName: name },
  })
  await inForce(namespace)
}

/** Policies come into force a moment after they are made: a probe that is changed shows it. */
async function inForce(namespace: string): Promise<void> {
  for (let round = 0; round < 600; round += 1) {
    const probe = await client.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace, name: `probe-${round}`, annotations: { 'heliograph.dev/digest': 'probe' } },
      data: { password: 'cHJvYmU=' },
    })
    await client.remove(refOf(probe))
    const isChanged =
      probe.metadata.annotations?.['heliograph.dev/digest'] === undefined ||
      probe.data?.['password'] !== 'cHJvYmU='
    if (isChanged) return
  }
  assert.fail('the policy never came into force')
}

async function writesTo(namespace: string, mark: AuditMark): Promise<number> {
  const entries = await plane.own.audit.since(mark)
  return entries.filter(
    (entry) =>
      entry.user === user &&
      entry.namespace === namespace &&
      ['create', 'patch', 'delete'].includes(entry.verb) &&
      entry.resource === 'secrets',
  ).length
}
