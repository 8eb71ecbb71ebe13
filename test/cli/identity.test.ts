/** `heliograph identity keep|new` answers in the digest key's own Secret, once, for the version that it read, and changes nothing unasked. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { answerIdentity } from '../../src/cli/identity.ts'
import type { Told } from '../../src/cli/release.ts'
import type { Failure } from '../../src/core/failure.ts'
import type { ResourceVersion, Uid } from '../../src/core/names.ts'
import type { FullObject, NamespaceMeta, ObjectMeta } from '../../src/core/objects.ts'
import type { Body } from '../../src/kube/api.ts'
import { failed, ok } from '../../src/std/result.ts'
import { Sensitive } from '../../src/std/sensitive.ts'

interface Op {
  readonly op: string
  readonly path: string
  readonly value: string
}

class Cluster {
  readonly patches: Body[] = []
  readonly data: Record<string, string> = {
    key: Buffer.alloc(32, 1).toString('base64'),
    identity: base64('stored'),
    'kube-system-uid': base64('uid-before'),
  }
  uid = 'uid-now'
  property: string | null = null
  secretFailure: Failure | null = null
  patchFailure: Failure | null = null

  answer(answer: 'keep' | 'new'): Promise<Told> {
    return answerIdentity({
      api: {
        readFull: () =>
          Promise.resolve(this.secretFailure === null ? ok(this.#secret()) : failed(this.secretFailure)),
        readNamespace: () => Promise.resolve(ok({ uid: this.uid } as unknown as NamespaceMeta)),
        readClusterProperty: () =>
          Promise.resolve(this.property === null ? failed({ kind: 'absent' } as const) : ok(this.property)),
        patch: (_, body) => {
          this.patches.push(body)
          const { meta } = this.#secret()
          return Promise.resolve(this.patchFailure === null ? ok(meta) : failed(this.patchFailure))
        },
      },
      namespace: 'heliograph',
      answer,
      randomBytes: (count) => Buffer.alloc(count, 2),
      signal: new AbortController().signal,
    })
  }

  /** What the one patch writes, decoded; the key as it is. */
  get written(): Readonly<Record<string, string>> {
    const [body] = this.patches
    assert.ok(body !== undefined && this.patches.length === 1)
    const ops = JSON.parse(Buffer.concat(body.reveal()).toString('utf8')) as readonly Op[]
    assert.deepEqual(
      ops.slice(0, 2).map(({ op, path, value }) => [op, path, value]),
      [
        ['test', '/metadata/uid', 'uid-secret'],
        ['test', '/metadata/resourceVersion', '9'],
      ],
    )
    return Object.fromEntries(
      ops.slice(2).map(({ path, value }) => {
        const text = Buffer.from(value, 'base64')
        return [
          path.slice('/data/'.length),
          path === '/data/key' ? text.toString('hex') : text.toString('utf8'),
        ]
      }),
    )
  }

  #secret(): FullObject {
    const meta = { uid: 'uid-secret' as Uid, version: '9' as ResourceVersion } as unknown as ObjectMeta
    const content = {
      type: 'Opaque',
      immutable: false,
      data: new Map(Object.entries(this.data)),
      binaryData: new Map(),
    }
    return { meta, content: new Sensitive(content), sizeBytes: 0, writtenAtMs: 0 }
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

test('keep notes the UID of now, and nothing else', async () => {
  const cluster = new Cluster()
  assert.equal((await cluster.answer('keep')).done, true)
  assert.deepEqual(cluster.written, { 'kube-system-uid': 'uid-now' })
})

test('new fixes an identity and a key of this cluster, and remembers what it was called', async () => {
  const cluster = new Cluster()
  cluster.data['former-identities'] = base64('["older"]')
  assert.equal((await cluster.answer('new')).done, true)
  assert.deepEqual(cluster.written, {
    'kube-system-uid': 'uid-now',
    identity: 'uid-now',
    'former-identities': '["stored","older"]',
    key: '02'.repeat(32),
  })
})

test('new takes the ClusterProperty, unless a clone brought it along', async () => {
  for (const [property, identity] of [
    ['own', 'own'],
    ['stored', 'uid-now'],
    ['x'.repeat(300), 'uid-now'],
  ] as const) {
    const cluster = new Cluster()
    cluster.property = property
    await cluster.answer('new')
    assert.equal(cluster.written['identity'], identity)
  }
})

test('where the stored UID is this cluster’s nothing is changed, and new says so as a failure', async () => {
  const cluster = new Cluster()
  cluster.uid = 'uid-before'
  assert.equal((await cluster.answer('keep')).done, true)
  assert.equal((await cluster.answer('new')).done, false)
  assert.deepEqual(cluster.patches, [])
})

test('a change at the same time, a missing right and a missing key are each one sentence', async () => {
  const raced = new Cluster()
  raced.patchFailure = { kind: 'test-failed' }
  assert.match((await raced.answer('keep')).sentence, /at the same time: nothing was changed/)
  for (const [failure, sentence] of [
    [{ kind: 'forbidden', code: 403 }, /^You may not read the Secret heliograph-digest-key/],
    [{ kind: 'absent' }, /--namespace/],
    [{ kind: 'unanswered', why: 'timeout' }, /does not answer/],
  ] as const) {
    const cluster = new Cluster()
    cluster.secretFailure = failure as unknown as Failure
    const told = await cluster.answer('keep')
    assert.equal(told.done, false)
    assert.match(told.sentence, sentence)
  }
})

test('a Secret that holds no usable key is left alone', async () => {
  const cluster = new Cluster()
  cluster.data['key'] = base64('short')
  const told = await cluster.answer('new')
  assert.equal(told.done, false)
  assert.doesNotMatch(told.sentence, /short/)
  assert.deepEqual(cluster.patches, [])
})
