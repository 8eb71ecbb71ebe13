/** A peer is its ClusterProperty, else the UID of its kube-system, and nothing that could not be read. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Failure } from '../../src/core/failure.ts'
import type { NamespaceMeta } from '../../src/core/objects.ts'
import { CLUSTER_PROPERTY } from '../../src/kube/cluster-name.ts'
import { identityOf } from '../../src/peers/identity.ts'
import { failed, ok } from '../../src/std/result.ts'
import type { Result } from '../../src/std/result.ts'
import { namespaceMeta } from '../core/rules.ts'

const ABSENT: Failure = { kind: 'absent' }
const UNANSWERED = { kind: 'unanswered' } as unknown as Failure
const FORBIDDEN = { kind: 'forbidden', code: 403 } as unknown as Failure

async function identify(
  property: Result<string, Failure>,
  kubeSystem: Result<NamespaceMeta, Failure> = ok(namespaceMeta('kube-system')),
): Promise<{ readonly found: Result<string, Failure>; readonly asked: readonly string[] }> {
  const asked: string[] = []
  const found = await identityOf(
    {
      readClusterProperty: (name) => {
        asked.push(name)
        return Promise.resolve(property)
      },
      readNamespace: (name) => {
        asked.push(name)
        return Promise.resolve(kubeSystem)
      },
    },
    { signal: new AbortController().signal },
  )
  return { found, asked }
}

test('a cluster that has a ClusterProperty is called so, and no more is asked', async () => {
  const { found, asked } = await identify(ok('prod-eu'))
  assert.deepEqual([found, asked], [ok('prod-eu'), [CLUSTER_PROPERTY]])
})

test('without one, or with one that is blank or too long, it is the UID of kube-system', async () => {
  for (const property of [failed(ABSENT), ok(''), ok('x'.repeat(254))]) {
    const { found, asked } = await identify(property)
    assert.deepEqual([found, asked], [ok('u'), [CLUSTER_PROPERTY, 'kube-system']])
  }
  assert.deepEqual((await identify(ok('x'.repeat(253)))).found, ok('x'.repeat(253)))
})

test('a property that could not be read is not taken for an absent one: the cluster may have two names', async () => {
  for (const failure of [UNANSWERED, FORBIDDEN]) {
    const { found, asked } = await identify(failed(failure))
    assert.deepEqual([found, asked], [failed(failure), [CLUSTER_PROPERTY]])
  }
})

test('a kube-system that could not be read leaves the cluster without a name', async () => {
  for (const failure of [UNANSWERED, FORBIDDEN, ABSENT])
    assert.deepEqual((await identify(failed(ABSENT), failed(failure))).found, failed(failure))
})
