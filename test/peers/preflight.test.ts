/** The rights that a peer's credential lacks are asked of the peer, one by one, and none beyond what its Secret grants. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { AccessQuestion } from '../../src/kube/api.ts'
import { preflight } from '../../src/peers/preflight.ts'
import type { PreflightOptions } from '../../src/peers/preflight.ts'
import { failed, ok } from '../../src/std/result.ts'

const CALL = { signal: new AbortController().signal }

/** What is asked, and what is found missing of it. */
async function review(
  options: Partial<Omit<PreflightOptions, 'api'>>,
  isGranted: (question: AccessQuestion) => boolean | null = () => false,
): Promise<{ readonly asked: readonly AccessQuestion[]; readonly missing: readonly string[] | null }> {
  const asked: AccessQuestion[] = []
  const api: PreflightOptions['api'] = {
    reviewAccess: (question) => {
      asked.push(question)
      const granted = isGranted(question)
      return Promise.resolve(granted === null ? failed({ kind: 'unanswered', why: 'timeout' }) : ok(granted))
    },
  }
  const plain = { kinds: ['Secret'], namespaces: null, createsNamespaces: false } as const
  return { missing: await preflight({ api, ...plain, ...options }, CALL), asked }
}

test('everything that is missing is named, in the order of the table', async () => {
  const { missing } = await review({}, ({ verb }) => verb !== 'delete' && verb !== 'patch')
  assert.deepEqual(missing, ['patch secrets', 'delete secrets', 'patch events'])
})

test('of a peer that grants single namespaces nothing is asked beyond them', async () => {
  const { asked, missing } = await review({ namespaces: ['a', 'b'], createsNamespaces: true })
  assert.ok(asked.length > 0 && asked.every(({ namespace }) => namespace === 'a' || namespace === 'b'))
  assert.ok(missing?.includes('create secrets in b'))
})

test('making namespaces is asked about only where they are to be made', async () => {
  const asks = ({ verb, resource }: AccessQuestion): boolean => verb === 'create' && resource === 'namespaces'
  assert.equal((await review({})).asked.some(asks), false)
  assert.equal((await review({ createsNamespaces: true })).asked.some(asks), true)
})

test('renewal is asked about for that one account, in its own namespace, whatever namespaces are granted', async () => {
  for (const namespaces of [null, ['a', 'b']]) {
    const { asked, missing } = await review({ namespaces, renews: { namespace: 'peers', name: 'home' } })
    const renewal = asked.filter(({ resource }) => resource === 'serviceaccounts/token')
    assert.deepEqual(renewal, [
      { verb: 'create', apiGroup: '', resource: 'serviceaccounts/token', namespace: 'peers', name: 'home' },
    ])
    assert.ok(missing?.includes('create serviceaccounts/token home in peers'))
  }
  assert.equal(
    (await review({})).asked.some(({ resource }) => resource === 'serviceaccounts/token'),
    false,
  )
})

test('where the peer does not answer nothing is known', async () => {
  assert.equal((await review({}, () => null)).missing, null)
  let count = 0
  assert.equal((await review({}, () => ((count += 1) > 3 ? null : true))).missing, null)
})
