/** Every answer becomes the failure that it is, told by code, reason, details and causes together; nothing of its text survives. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import {
  failureOf,
  VERBS,
  networkFailure,
  parseRetryAfter,
  parseStatus,
  readStatus,
  streamedFailure,
} from '../../src/kube/failure.ts'
import type { Asked } from '../../src/kube/failure.ts'
import { status } from './scripted-server.ts'

const PATCH: Asked = { verb: 'patch', resource: 'secrets', namespace: 'team-a', name: 'db' }
const CREATE: Asked = { verb: 'create', resource: 'secrets', namespace: 'team-a', name: null }
const GET: Asked = { ...PATCH, verb: 'get' }
const DELETE: Asked = { ...PATCH, verb: 'delete' }
const WATCH: Asked = { verb: 'watch', resource: 'secrets', namespace: '', name: null }

const OBJECT = { details: { name: 'db', kind: 'secrets' } }
const NAMESPACE = { details: { name: 'team-a', kind: 'namespaces' } }
const WEBHOOK = 'admission webhook "policy.example.com" denied the request: no'
const CAUSED = (...causes: readonly (readonly [string, string])[]): Record<string, unknown> => ({
  details: {
    name: 'db',
    kind: 'Secret',
    causes: causes.map(([reason, field]) => ({ reason, message: 'secret', field })),
  },
})

type Row = readonly [
  sentence: string,
  asked: Asked,
  body: Record<string, unknown> | string,
  code: number,
  failure: unknown,
]

const ROWS: readonly Row[] = [
  ['404 of the object is absent', GET, status(404, 'NotFound', OBJECT), 404, { kind: 'absent' }],
  [
    '404 of another name is a rejection',
    GET,
    status(404, 'NotFound', { details: { name: 'x', kind: 'secrets' } }),
    404,
    { kind: 'rejected', code: 404 },
  ],
  [
    '404 of another kind is a rejection',
    GET,
    status(404, 'NotFound', { details: { name: 'db', kind: 'pods' } }),
    404,
    { kind: 'rejected', code: 404 },
  ],
  ['404 without details is a rejection', GET, status(404, 'NotFound'), 404, { kind: 'rejected', code: 404 }],
  ['404 as a page is a rejection', GET, '404 page not found', 404, { kind: 'rejected', code: 404 }],
  ['404 of the namespace', CREATE, status(404, 'NotFound', NAMESPACE), 404, { kind: 'namespace-absent' }],
  [
    '404 of another namespace is a rejection',
    CREATE,
    status(404, 'NotFound', { details: { name: 'b', kind: 'namespaces' } }),
    404,
    { kind: 'rejected', code: 404 },
  ],
  [
    '404 by a webhook is a rejection',
    PATCH,
    status(404, 'NotFound', { ...OBJECT, message: WEBHOOK }),
    404,
    { kind: 'rejected', code: 404 },
  ],
  [
    '429 by a webhook is a rejection, not the server’s load',
    PATCH,
    status(429, 'TooManyRequests', { ...OBJECT, message: WEBHOOK }),
    429,
    { kind: 'rejected', code: 429 },
  ],
  [
    '401 by a webhook is a rejection, not our credential',
    PATCH,
    status(401, 'Unauthorized', { ...OBJECT, message: WEBHOOK }),
    401,
    { kind: 'rejected', code: 401 },
  ],
  ['409 AlreadyExists of a create', CREATE, status(409, 'AlreadyExists', OBJECT), 409, { kind: 'exists' }],
  [
    '409 AlreadyExists of a patch is a rejection',
    PATCH,
    status(409, 'AlreadyExists', OBJECT),
    409,
    { kind: 'rejected', code: 409 },
  ],
  [
    '409 AlreadyExists by a webhook is a rejection',
    CREATE,
    status(409, 'AlreadyExists', { ...OBJECT, message: WEBHOOK }),
    409,
    { kind: 'rejected', code: 409 },
  ],
  ['409 Conflict of preconditions', DELETE, status(409, 'Conflict', OBJECT), 409, { kind: 'conflict' }],
  [
    '409 Conflict of a deletion, which names the kind',
    DELETE,
    status(409, 'Conflict', { details: { name: 'db', kind: 'Secret' } }),
    409,
    { kind: 'conflict' },
  ],
  [
    '409 Conflict of another name is a rejection',
    DELETE,
    status(409, 'Conflict', { details: { name: 'z', kind: 'secrets' } }),
    409,
    { kind: 'rejected', code: 409 },
  ],
  [
    '409 Conflict of another kind is a rejection',
    DELETE,
    status(409, 'Conflict', { details: { name: 'db', kind: 'pods' } }),
    409,
    { kind: 'rejected', code: 409 },
  ],
  [
    '403 in a terminating namespace',
    CREATE,
    status(403, 'Forbidden', CAUSED(['NamespaceTerminating', 'metadata.namespace'])),
    403,
    { kind: 'namespace-terminating' },
  ],
  [
    '403 by quota',
    CREATE,
    status(403, 'Forbidden', {
      ...OBJECT,
      message: 'secrets "db" is forbidden: exceeded quota: q, requested: secrets=1',
    }),
    403,
    { kind: 'quota' },
  ],
  [
    '403 by a webhook that speaks of quota is forbidden',
    CREATE,
    status(403, 'Forbidden', { message: `${WEBHOOK}: exceeded quota` }),
    403,
    { kind: 'forbidden' },
  ],
  ['403 by rights', GET, status(403, 'Forbidden', OBJECT), 403, { kind: 'forbidden' }],
  ['403 as a page', GET, 'Forbidden', 403, { kind: 'forbidden' }],
  ['401', GET, status(401, 'Unauthorized'), 401, { kind: 'unauthorized' }],
  [
    '422 of a patch whose test failed',
    PATCH,
    status(422, 'Invalid', {
      message: 'the server rejected our request due to an error in our request',
      details: {},
    }),
    422,
    { kind: 'test-failed' },
  ],
  [
    '422 without causes of a create is a rejection',
    CREATE,
    status(422, 'Invalid'),
    422,
    { kind: 'rejected', code: 422 },
  ],
  [
    '422 by a webhook is a rejection',
    PATCH,
    status(422, 'Invalid', { message: WEBHOOK }),
    422,
    { kind: 'rejected', code: 422 },
  ],
  [
    '422 by a policy is a rejection',
    PATCH,
    status(422, 'Invalid', { details: { causes: [{ message: 'no' }] } }),
    422,
    { kind: 'rejected', code: 422 },
  ],
  [
    '422 of an invalid object names its fields',
    PATCH,
    status(
      422,
      'Invalid',
      CAUSED(
        ['FieldValueInvalid', 'type'],
        ['FieldValueForbidden', 'data'],
        ['FieldValueRequired', 'data[tls.crt]'],
      ),
    ),
    422,
    { kind: 'invalid', fields: ['type', 'data', 'data[tls.crt]'] },
  ],
  [
    '422 names no field that is not a path of ours',
    PATCH,
    status(
      422,
      'Invalid',
      CAUSED(['FieldValueInvalid', 'hunter2'], ['FieldValueInvalid', 'metadata.labels']),
    ),
    422,
    { kind: 'invalid', fields: ['other', 'metadata.labels'] },
  ],
  ['410 of a watch', WATCH, status(410, 'Expired'), 410, { kind: 'expired' }],
  ['410 of a watch as a page', WATCH, 'gone', 410, { kind: 'expired' }],
  [
    '410 of a patch by a webhook is a rejection',
    PATCH,
    status(410, 'Gone', { message: WEBHOOK }),
    410,
    { kind: 'rejected', code: 410 },
  ],
  ['413', CREATE, status(413, 'RequestEntityTooLarge'), 413, { kind: 'too-large' }],
  [
    'etcd refusing the size',
    CREATE,
    status(500, 'InternalError', { message: 'etcdserver: request is too large' }),
    500,
    { kind: 'too-large' },
  ],
  ['429 as a page', PATCH, 'too many requests', 429, { kind: 'throttled', retryAfterMs: null }],
  [
    '429 with details',
    PATCH,
    status(429, 'TooManyRequests', { details: { retryAfterSeconds: 2 } }),
    429,
    { kind: 'throttled', retryAfterMs: 2000 },
  ],
  ['500', PATCH, status(500, 'InternalError'), 500, { kind: 'server', code: 500, retryAfterMs: null }],
  ['a redirect is a rejection', GET, '', 302, { kind: 'rejected', code: 302 }],
]

for (const [sentence, asked, body, code, expected] of ROWS) {
  test(`a failure is told: ${sentence}`, () => {
    const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    assert.deepEqual(failureOf(code, parseStatus(bytes), null, asked), expected)
  })
}

test('404 of a namespace that was asked for itself is absent', () => {
  const asked: Asked = { verb: 'get', resource: 'namespaces', namespace: '', name: 'team-a' }
  assert.deepEqual(failureOf(404, readStatus(status(404, 'NotFound', NAMESPACE)), null, asked), {
    kind: 'absent',
  })
})

test('an ERROR event tells by its own code', () => {
  const told = (body: unknown): unknown => {
    const view = readStatus(body)
    return view === null ? null : streamedFailure(view, WATCH)
  }
  assert.deepEqual(told(status(410, 'Expired')), { kind: 'expired' })
  assert.deepEqual(told(status(0, 'Gone')), { kind: 'expired' })
  assert.deepEqual(told(status(500, 'InternalError')), { kind: 'server', code: 500, retryAfterMs: null })
  assert.deepEqual(told(status(418, 'Teapot')), { kind: 'rejected', code: 418 })
})

test('a header says when to come back, within a bound', () => {
  assert.equal(parseRetryAfter('7'), 7000)
  assert.equal(parseRetryAfter('99999999'), 300_000)
  assert.equal(parseRetryAfter('Wed, 21 Oct 2026 07:28:00 GMT'), null)
  assert.equal(parseRetryAfter('-1'), null)
  assert.equal(parseRetryAfter(undefined), null)
})

test('the error of a connection says why no answer came', () => {
  const coded = (code: string): Error => Object.assign(new Error('x'), { code })
  assert.equal(networkFailure(coded('ECONNREFUSED')), 'refused')
  assert.equal(
    networkFailure(new AggregateError([coded('ECONNREFUSED'), coded('ETIMEDOUT')], 'x')),
    'refused',
  )
  assert.equal(
    networkFailure(Object.assign(new Error('x'), { cause: coded('UND_ERR_HEADERS_TIMEOUT') })),
    'timeout',
  )
  assert.equal(networkFailure(coded('DEPTH_ZERO_SELF_SIGNED_CERT')), 'tls')
  assert.equal(networkFailure(coded('ERR_TLS_CERT_ALTNAME_INVALID')), 'tls')
  assert.equal(networkFailure(coded('UND_ERR_DESTROYED')), 'cancelled')
  assert.equal(networkFailure(coded('UND_ERR_SOCKET')), 'reset')
  assert.equal(networkFailure(undefined), 'reset')
})

const MARKER = 'M4rk3r'
/** Any text in which the marker stands. As a whole it is no data key: the dollar keeps it from being one. */
const planted = fc.tuple(fc.string(), fc.string()).map(([before, after]) => `${before}$${MARKER}${after}`)
const value = fc.oneof(
  planted,
  fc.constantFrom('Invalid', 'NotFound', 'secrets', 'db', 'FieldValueInvalid', 'data', 'type'),
  fc.jsonValue(),
)

test('nothing of a body survives in a failure, whatever the body', () => {
  const cause = fc.record({ reason: value, message: value, field: value }, { requiredKeys: [] })
  const body = fc.record(
    {
      kind: fc.oneof({ weight: 9, arbitrary: fc.constant('Status') }, { weight: 1, arbitrary: value }),
      message: value,
      reason: value,
      code: fc.oneof(fc.integer(), value),
      details: fc.record(
        { name: value, kind: value, uid: value, retryAfterSeconds: value, causes: fc.array(cause) },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ['kind'] },
  )
  const asked = fc.constantFrom(...VERBS.map((verb): Asked => ({ ...PATCH, verb })), CREATE, WATCH)
  const code = fc.oneof(
    fc.constantFrom(400, 401, 403, 404, 409, 410, 413, 422, 429, 500),
    fc.integer({ min: 300, max: 599 }),
  )
  fc.assert(
    fc.property(body, code, asked, (raw, httpCode, about) => {
      const view = parseStatus(Buffer.from(JSON.stringify(raw)))
      const failures = [
        failureOf(httpCode, view, null, about),
        ...(view === null ? [] : [streamedFailure(view, about)]),
      ]
      assert.ok(!JSON.stringify(failures).includes(MARKER))
    }),
    { numRuns: 5000 },
  )
})

test('the fields of a failure are few and short', () => {
  const causes = Array.from(
    { length: 1000 },
    (_, index) => ['FieldValueInvalid', `data[${'k'.repeat(250)}${index}]`] as const,
  )
  const failure = failureOf(422, readStatus(status(422, 'Invalid', CAUSED(...causes))), null, PATCH)
  assert.ok(failure.kind === 'invalid' && failure.fields.length <= 32)
  assert.ok(failure.fields.every((field) => field.length <= 260))
})
