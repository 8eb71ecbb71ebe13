/** A peer of single namespaces answers for its list alone, and a namespace is there when all of it is known. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { NamespaceMeta } from '../../src/core/objects.ts'
import type { ChangeSink } from '../../src/kube/changes.ts'
import { listedNamespaces, readListed } from '../../src/peers/confined.ts'
import { failed } from '../../src/std/result.ts'

const CALL = { signal: new AbortController().signal }

/** Writes down what it is told. */
function journal(): { readonly entries: string[]; readonly sink: ChangeSink<NamespaceMeta> } {
  const entries: string[] = []
  const sink: ChangeSink<NamespaceMeta> = {
    beginSnapshot: (witness) => void entries.push(`begin ${witness}`),
    put: ({ name, terminating }) => entries.push(`put ${name}${terminating ? ' ending' : ''}`) > 0,
    gone: ({ name }) => entries.push(`gone ${name}`) > 0,
    endSnapshot: () => {
      entries.push('end')
      return 0
    },
    isKnown: () => true,
  }
  return { entries, sink }
}

test('a Namespace is read off the list, without labels or annotations; what is not on it is absent', async () => {
  const read = readListed(['team-a'])
  const found = await read('team-a', CALL)
  assert.ok(found.ok)
  assert.deepEqual(
    [found.value.name, found.value.labels, found.value.annotations, found.value.terminating],
    ['team-a', {}, {}, false],
  )
  assert.deepEqual(await read('team-b', CALL), failed({ kind: 'namespace-absent' }))
})

test('the list is whole at once, and holds a namespace only when each of its resources was listed', () => {
  const { entries, sink } = journal()
  const listed = listedNamespaces(['team-a', 'team-b'], 2, sink)
  assert.deepEqual(entries, ['begin relist', 'end'])
  listed.synced('team-a', 'secrets')
  listed.synced('team-a', 'secrets')
  listed.synced('team-b', 'configmaps')
  assert.deepEqual(entries.slice(2), [], 'half of it is not all of it')
  listed.synced('team-a', 'configmaps')
  assert.deepEqual(entries.slice(2), ['put team-a'], 'one that cannot be read keeps no other waiting')
  listed.synced('team-b', 'secrets')
  assert.deepEqual(entries.slice(2), ['put team-a', 'put team-b'])
})

test('a later list of what is there already, and one of what nobody granted, change nothing', () => {
  const { entries, sink } = journal()
  const listed = listedNamespaces(['team-a'], 1, sink)
  for (const name of ['team-a', 'team-a', 'kube-system']) listed.synced(name, 'secrets')
  assert.deepEqual(entries.slice(2), ['put team-a'])
})

test('an empty list is a whole one', () => {
  const { entries, sink } = journal()
  listedNamespaces([], 2, sink)
  assert.deepEqual(entries, ['begin relist', 'end'])
})
