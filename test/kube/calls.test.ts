/** Each call is the request that the API asks for, and its answer a value. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { inspect } from 'node:util'

import type { ResourceVersion, Uid } from '../../src/core/names.ts'
import type { ClusterApi, EventBody, Lease } from '../../src/kube/api.ts'
import { clusterApi } from '../../src/kube/calls.ts'
import { Sensitive } from '../../src/std/sensitive.ts'
import { FakeClock } from './fake-clock.ts'
import { open, plainAccess } from './rig.ts'
import { ScriptedServer, partial, status } from './scripted-server.ts'

const REF = { kind: 'Secret', namespace: 'team-a', name: 'db' } as const
const OPTIONS = { signal: new AbortController().signal }
const META = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
const BODY = new Sensitive([Buffer.from('[{"op":"test",'), Buffer.from('"path":"/a"}]')])

async function start(t: TestContext): Promise<{ server: ScriptedServer; api: ClusterApi }> {
  const server = await ScriptedServer.start(t)
  return { server, api: clusterApi(await open(t, plainAccess(server.url), new FakeClock())) }
}

test('metadata is read as metadata', async (t) => {
  const { server, api } = await start(t)
  const answer = api.readMeta(REF, OPTIONS)
  const asked = await server.next()
  assert.equal(asked.path, '/api/v1/namespaces/team-a/secrets/db')
  assert.equal(asked.headers.accept, META)
  asked.json(200, partial('db', 7))
  const meta = await answer
  assert.equal(meta.ok && meta.value.version, '7')
})

test('only readFull asks for a whole object', async (t) => {
  const { server, api } = await start(t)
  const answer = api.readFull({ ...REF, kind: 'ConfigMap' }, OPTIONS)
  const asked = await server.next()
  assert.equal(asked.path, '/api/v1/namespaces/team-a/configmaps/db')
  assert.equal(asked.headers.accept, 'application/json')
  asked.json(200, { ...(partial('db', 7) as object), kind: 'ConfigMap', data: { a: 'b' } })
  const full = await answer
  assert.equal(full.ok && full.value.content.reveal().data.get('a'), 'b')
})

test('an answer that is not what was asked for is malformed', async (t) => {
  const { server, api } = await start(t)
  for (const body of ['<html>', '[]', '{"metadata":{}}']) {
    const answer = api.readMeta(REF, OPTIONS)
    ;(await server.next()).text(200, body)
    assert.deepEqual(await answer, { ok: false, failure: { kind: 'malformed' } })
  }
})

test('a create names the field manager, and a dry run says so', async (t) => {
  const { server, api } = await start(t)
  for (const dryRun of [false, true]) {
    const answer = api.create('Secret', 'team-a', BODY, { ...OPTIONS, dryRun })
    const asked = await server.next()
    assert.equal(`${asked.method} ${asked.path}`, 'POST /api/v1/namespaces/team-a/secrets')
    assert.equal(asked.query.get('fieldManager'), 'heliograph')
    assert.equal(asked.query.get('dryRun'), dryRun ? 'All' : null)
    assert.equal(asked.headers.accept, META)
    assert.equal(asked.headers['content-type'], 'application/json')
    const stored = partial('db', 8) as { metadata: Record<string, unknown> }
    const { resourceVersion: _version, ...unversioned } = stored.metadata
    asked.json(201, dryRun ? { ...stored, metadata: unversioned } : stored)
    assert.equal((await answer).ok, true)
  }
})

test('a patch is a JSON patch whose pieces arrive as one body', async (t) => {
  const { server, api } = await start(t)
  const answer = api.patch(REF, BODY, OPTIONS)
  const asked = await server.next()
  assert.equal(`${asked.method} ${asked.path}`, 'PATCH /api/v1/namespaces/team-a/secrets/db')
  assert.equal(asked.headers['content-type'], 'application/json-patch+json')
  assert.equal(asked.query.get('fieldManager'), 'heliograph')
  assert.equal(asked.body.toString(), '[{"op":"test","path":"/a"}]')
  asked.json(
    422,
    status(422, 'Invalid', { message: 'the server rejected our request due to an error in our request' }),
  )
  assert.deepEqual(await answer, { ok: false, failure: { kind: 'test-failed' } })
})

test('a delete carries both preconditions, and tells done from held up', async (t) => {
  const { server, api } = await start(t)
  const preconditions = { uid: 'u' as Uid, version: '9' as ResourceVersion }
  const done = api.remove(REF, preconditions, OPTIONS)
  const asked = await server.next()
  assert.equal(asked.method, 'DELETE')
  assert.deepEqual(JSON.parse(asked.body.toString()), {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    preconditions: { uid: 'u', resourceVersion: '9' },
    propagationPolicy: 'Background',
  })
  asked.json(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' })
  assert.deepEqual(await done, { ok: true, value: 'gone' })
  const pending = api.remove(REF, preconditions, OPTIONS)
  const object = partial('db', 9) as { metadata: object }
  ;(await server.next()).json(200, {
    ...object,
    metadata: { ...object.metadata, deletionTimestamp: '2026-11-24T10:00:00Z' },
  })
  assert.deepEqual(await pending, { ok: true, value: 'pending' })
})

const EVENT: EventBody = {
  namespace: 'team-a',
  name: 'db.1',
  subject: { kind: 'Secret', namespace: 'team-a', name: 'db', uid: 'u' as Uid },
  type: 'Warning',
  reason: 'OriginHeld',
  message: 'm'.repeat(2000),
  count: 2,
  firstSeenWallMs: Date.UTC(2026, 0, 1),
  lastSeenWallMs: Date.UTC(2026, 0, 2),
}

test('an Event is created and counted up', async (t) => {
  const { server, api } = await start(t)
  const created = api.createEvent(EVENT, OPTIONS)
  const asked = await server.next()
  assert.equal(asked.path, '/api/v1/namespaces/team-a/events')
  const body = JSON.parse(asked.body.toString()) as Record<string, unknown>
  assert.equal((body['message'] as string).length, 1024)
  assert.equal(body['firstTimestamp'], '2026-01-01T00:00:00Z')
  assert.deepEqual(body['involvedObject'], {
    apiVersion: 'v1',
    kind: 'Secret',
    name: 'db',
    uid: 'u',
    namespace: 'team-a',
  })
  asked.json(201, partial('db.1', 1))
  assert.deepEqual(await created, { ok: true, value: undefined })
  const bumped = api.bumpEvent(EVENT, OPTIONS)
  const patch = await server.next()
  assert.equal(patch.headers['content-type'], 'application/merge-patch+json')
  assert.deepEqual(JSON.parse(patch.body.toString()), { count: 2, lastTimestamp: '2026-01-02T00:00:00Z' })
  patch.json(404, status(404, 'NotFound', { details: { kind: 'events', name: 'db.1' } }))
  assert.deepEqual(await bumped, { ok: false, failure: { kind: 'absent' } })
})

test('an Event about a Namespace names the namespace that it is stored in, unless that is default', async (t) => {
  const { server, api } = await start(t)
  const subject = { kind: 'Namespace', namespace: '', name: 'team-a', uid: 'u' as Uid } as const
  for (const [namespace, expected] of [
    ['team-a', 'team-a'],
    ['default', undefined],
  ] as const) {
    const created = api.createEvent({ ...EVENT, namespace, subject }, OPTIONS)
    const asked = await server.next()
    const body = JSON.parse(asked.body.toString()) as { involvedObject: Record<string, unknown> }
    assert.equal(body.involvedObject['namespace'], expected)
    asked.json(201, partial('db.1', 1))
    await created
  }
})

test('a Lease is read, created and replaced at its version', async (t) => {
  const { server, api } = await start(t)
  const lease: Lease = {
    namespace: 'kube-system',
    name: 'heliograph',
    version: '4' as ResourceVersion,
    labels: { 'heliograph.dev/shard': 'three' },
    annotations: { 'heliograph.dev/release': 'x' },
    holder: 'me',
    durationSeconds: 15,
    acquireTime: '2026-11-24T10:00:00.000000Z',
    renewTime: '2026-11-24T10:00:01.000000Z',
    transitions: 3,
  }
  const updated = api.updateLease(lease, OPTIONS)
  const asked = await server.next()
  assert.equal(
    `${asked.method} ${asked.path}`,
    'PUT /apis/coordination.k8s.io/v1/namespaces/kube-system/leases/heliograph',
  )
  const body = JSON.parse(asked.body.toString()) as { metadata: Record<string, unknown> }
  assert.equal(body.metadata['resourceVersion'], '4')
  asked.json(200, { ...body, metadata: { ...body.metadata, resourceVersion: '5' } })
  const answer = await updated
  assert.deepEqual(answer.ok && plain(answer.value), { ...lease, version: '5' })
  const free = api.readLease('kube-system', 'heliograph', OPTIONS)
  ;(await server.next()).json(200, {
    kind: 'Lease',
    metadata: { name: 'heliograph', namespace: 'kube-system', resourceVersion: '6' },
    spec: { holderIdentity: '' },
  })
  const given = await free
  assert.equal(given.ok && given.value.holder, null)
})

/** Texts from outside have no prototype. */
function plain(lease: Lease): Lease {
  return { ...lease, labels: { ...lease.labels }, annotations: { ...lease.annotations } }
}

function leaseItem(name: string, version: number, holder: string): Record<string, unknown> {
  return {
    metadata: { name, namespace: 'kube-system', resourceVersion: String(version), labels: { shard: name } },
    spec: { holderIdentity: holder, leaseDurationSeconds: 15 },
  }
}

test('Leases are listed by their labels, and removed at their version', async (t) => {
  const { server, api } = await start(t)
  const listed = api.listLeases('kube-system', 'heliograph.dev/lease=shard', OPTIONS)
  const asked = await server.next()
  assert.equal(
    `${asked.method} ${asked.path}`,
    'GET /apis/coordination.k8s.io/v1/namespaces/kube-system/leases',
  )
  assert.equal(asked.query.get('labelSelector'), 'heliograph.dev/lease=shard')
  asked.json(200, {
    kind: 'LeaseList',
    metadata: { resourceVersion: '9' },
    items: [leaseItem('a', 3, 'one'), leaseItem('b', 4, '')],
  })
  const leases = await listed
  assert.ok(leases.ok)
  const told = leases.value.map(({ name, version, holder, labels }) => [
    name,
    version,
    holder,
    labels['shard'],
  ])
  assert.deepEqual(told, [
    ['a', '3', 'one', 'a'],
    ['b', '4', null, 'b'],
  ])
  const [first] = leases.value
  assert.ok(first !== undefined)
  const removed = api.removeLease(first, OPTIONS)
  const deletion = await server.next()
  assert.equal(deletion.method, 'DELETE')
  const body = JSON.parse(deletion.body.toString()) as { preconditions: unknown }
  assert.deepEqual(body.preconditions, { resourceVersion: '3' })
  deletion.json(409, status(409, 'Conflict', { details: { kind: 'leases', name: 'a' } }))
  assert.deepEqual(await removed, { ok: false, failure: { kind: 'conflict' } })
})

test('a list with something else in it is malformed', async (t) => {
  const { server, api } = await start(t)
  for (const answer of [
    { kind: 'LeaseList', items: [leaseItem('a', 1, 'x'), { metadata: {} }] },
    { kind: 'LeaseList', items: 'none' },
    { kind: 'SecretList', items: [] },
  ]) {
    const listed = api.listLeases('kube-system', 'a=b', OPTIONS)
    ;(await server.next()).json(200, answer)
    assert.deepEqual(await listed, { ok: false, failure: { kind: 'malformed' } })
  }
})

test('a right is asked about as RBAC names it, and answered yes or no', async (t) => {
  const { server, api } = await start(t)
  const cases = [
    [
      { verb: 'list', apiGroup: '', resource: 'secrets', namespace: null, name: null },
      { verb: 'list', group: '', resource: 'secrets' },
    ],
    [
      { verb: 'create', apiGroup: '', resource: 'serviceaccounts/token', namespace: 'spoke', name: 'me' },
      {
        verb: 'create',
        group: '',
        resource: 'serviceaccounts',
        subresource: 'token',
        namespace: 'spoke',
        name: 'me',
      },
    ],
  ] as const
  for (const [question, resourceAttributes] of cases) {
    for (const allowed of [true, false]) {
      const answer = api.reviewAccess(question, OPTIONS)
      const asked = await server.next()
      assert.equal(
        `${asked.method} ${asked.path}`,
        'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      )
      const body = JSON.parse(asked.body.toString()) as { spec: unknown }
      assert.deepEqual(body.spec, { resourceAttributes })
      asked.json(201, { kind: 'SelfSubjectAccessReview', status: { allowed, reason: 'RBAC: M4rk3r' } })
      assert.deepEqual(await answer, { ok: true, value: allowed })
    }
  }
})

test('a review without a verdict, and one that is refused, are no answer', async (t) => {
  const { server, api } = await start(t)
  const question = { verb: 'get', apiGroup: '', resource: 'secrets', namespace: null, name: null } as const
  const without = api.reviewAccess(question, OPTIONS)
  ;(await server.next()).json(201, { kind: 'SelfSubjectAccessReview', status: { allowed: 'true' } })
  assert.deepEqual(await without, { ok: false, failure: { kind: 'malformed' } })
  const refused = api.reviewAccess(question, OPTIONS)
  ;(await server.next()).json(401, status(401, 'Unauthorized'))
  assert.deepEqual(await refused, { ok: false, failure: { kind: 'unauthorized' } })
})

test('a Namespace is made with its labels, unless there is one', async (t) => {
  const { server, api } = await start(t)
  const made = api.createNamespace('team-b', { 'heliograph.dev/created': 'true' }, OPTIONS)
  const asked = await server.next()
  assert.equal(`${asked.method} ${asked.path}`, 'POST /api/v1/namespaces')
  assert.equal(asked.query.get('fieldManager'), 'heliograph')
  assert.deepEqual(JSON.parse(asked.body.toString()), {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'team-b', labels: { 'heliograph.dev/created': 'true' } },
  })
  asked.json(201, { metadata: { name: 'team-b', uid: 'u', resourceVersion: '4' } })
  const namespace = await made
  assert.equal(namespace.ok && namespace.value.version, '4')
  const present = api.createNamespace('team-b', {}, OPTIONS)
  ;(await server.next()).json(
    409,
    status(409, 'AlreadyExists', { details: { kind: 'namespaces', name: 'team-b' } }),
  )
  assert.deepEqual(await present, { ok: false, failure: { kind: 'exists' } })
})

test('a token is asked for one ServiceAccount, and cannot be printed', async (t) => {
  const { server, api } = await start(t)
  const answer = api.requestToken('spoke', 'heliograph', 3600, OPTIONS)
  const asked = await server.next()
  assert.equal(
    `${asked.method} ${asked.path}`,
    'POST /api/v1/namespaces/spoke/serviceaccounts/heliograph/token',
  )
  assert.deepEqual(JSON.parse(asked.body.toString()), {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 3600 },
  })
  asked.json(201, {
    kind: 'TokenRequest',
    status: { token: 'M4rk3r.a-b_c', expirationTimestamp: '2026-11-24T11:00:00Z' },
  })
  const issued = await answer
  assert.ok(issued.ok)
  assert.equal(issued.value.token.reveal(), 'M4rk3r.a-b_c')
  assert.equal(issued.value.expiresAtMs, Date.UTC(2026, 10, 24, 11))
  assert.doesNotMatch(`${JSON.stringify(issued)} ${inspect(issued)}`, /M4rk3r/)
})

test('a token that no header could hold, or that ends nobody knows when, is malformed; an absent account is absent', async (t) => {
  const { server, api } = await start(t)
  const expirationTimestamp = '2026-11-24T11:00:00Z'
  for (const told of [
    { token: 'a\r\nb: c', expirationTimestamp },
    { token: '', expirationTimestamp },
    { token: 'x'.repeat(70_000), expirationTimestamp },
    { token: 'a', expirationTimestamp: 'soon' },
    { token: 'a' },
    {},
  ]) {
    const answer = api.requestToken('spoke', 'heliograph', 3600, OPTIONS)
    ;(await server.next()).json(201, { kind: 'TokenRequest', status: told })
    assert.deepEqual(await answer, { ok: false, failure: { kind: 'malformed' } })
  }
  const absent = api.requestToken('spoke', 'heliograph', 3600, OPTIONS)
  const details = { kind: 'serviceaccounts', name: 'heliograph' }
  ;(await server.next()).json(404, status(404, 'NotFound', { details }))
  assert.deepEqual(await absent, { ok: false, failure: { kind: 'absent' } })
})

test('a ClusterProperty is absent where there is none and where the kind is unknown', async (t) => {
  const { server, api } = await start(t)
  const name = 'cluster.clusterset.k8s.io'
  const there = api.readClusterProperty(name, OPTIONS)
  const asked = await server.next()
  assert.equal(asked.path, `/apis/about.k8s.io/v1alpha1/clusterproperties/${name}`)
  asked.json(200, { spec: { value: 'alpha' } })
  assert.deepEqual(await there, { ok: true, value: 'alpha' })
  const unknown = api.readClusterProperty(name, OPTIONS)
  ;(await server.next()).text(404, '404 page not found')
  assert.deepEqual(await unknown, { ok: false, failure: { kind: 'absent' } })
  const absent = api.readClusterProperty(name, OPTIONS)
  ;(await server.next()).json(404, status(404, 'NotFound', { details: { kind: 'clusterproperties', name } }))
  assert.deepEqual(await absent, { ok: false, failure: { kind: 'absent' } })
})
