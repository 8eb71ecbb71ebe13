/** An account that something else on the peer binds as well is refused with the binding's name; what could not be looked at is said. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { isOther, otherBindings } from '../../../src/cli/peer/bindings.ts'
import { grantsOf } from '../../../src/cli/peer/grants.ts'
import type { Binding, Subject } from '../../../src/kube/bindings.ts'
import type { Cluster } from '../../../src/kube/connection.ts'
import { failed, ok } from '../../../src/std/result.ts'
import { Sensitive } from '../../../src/std/sensitive.ts'

const ACCOUNT = { account: 'spoke', accountNamespace: 'heliograph' }
const GRANTS = grantsOf({
  ...ACCOUNT,
  prefix: 'heliograph.dev/',
  home: 'home-uid',
  namespaces: ['team-a'],
  kinds: ['Secret'],
  createsNamespaces: false,
  renewsToken: false,
})
const MINE: Subject = { kind: 'ServiceAccount', name: 'spoke', namespace: 'heliograph' }

const bound = (subject: Subject, more: Partial<Binding> = {}): Binding => ({
  kind: 'RoleBinding',
  namespace: 'team-b',
  name: 'spoke',
  role: 'Role spoke',
  subjects: [{ kind: 'Group', name: 'staff', namespace: '' }, subject],
  ...more,
})

test('the bindings that would be made are none of the others, and the same name elsewhere is', () => {
  assert.equal(isOther(bound(MINE, { namespace: 'team-a' }), ACCOUNT, GRANTS), false)
  assert.equal(isOther(bound(MINE, { namespace: 'team-b' }), ACCOUNT, GRANTS), true)
  assert.equal(isOther(bound(MINE, { kind: 'ClusterRoleBinding', namespace: '' }), ACCOUNT, GRANTS), true)
})

test('the account is known by its username too, and without a namespace where its own is the binding’s', () => {
  const is = (subject: Subject, namespace = 'team-b'): boolean =>
    isOther(bound(subject, { namespace }), ACCOUNT, GRANTS)
  assert.equal(is({ kind: 'User', name: 'system:serviceaccount:heliograph:spoke', namespace: '' }), true)
  assert.equal(is({ ...MINE, namespace: '' }, 'heliograph'), true)
  assert.equal(is({ ...MINE, namespace: '' }), false)
  assert.equal(is({ ...MINE, name: 'other' }), false)
  assert.equal(is({ ...MINE, namespace: 'other' }), false)
  assert.equal(is({ kind: 'User', name: 'spoke', namespace: '' }), false)
})

/** Answers lists by their path; what is not there is forbidden. */
function peerWith(lists: Readonly<Record<string, readonly object[]>>): Pick<Cluster, 'call'> {
  return {
    call: ({ path }) => {
      const items = lists[/[a-z]+bindings/.exec(path)?.[0] ?? '']
      return Promise.resolve(
        items === undefined
          ? failed({ failure: { kind: 'forbidden' } } as never)
          : ok(new Sensitive(Buffer.from(JSON.stringify({ metadata: {}, items })))),
      )
    },
  }
}

async function look(lists: Readonly<Record<string, readonly object[]>>) {
  const options = { signal: new AbortController().signal }
  return await otherBindings(peerWith(lists), { ...ACCOUNT, grants: GRANTS }, options)
}

const wide = (name: string): object => ({
  metadata: { name },
  roleRef: { kind: 'ClusterRole', name: 'admin' },
  subjects: [MINE],
})

test('a binding of the whole peer is named, with what it gives and the next step', async () => {
  const { flaws, unread } = await look({ clusterrolebindings: [wide('spoke')], rolebindings: [] })
  assert.deepEqual(unread, [])
  assert.equal(flaws.length, 1)
  assert.match(
    flaws[0] ?? '',
    /^ClusterRoleBinding spoke on the peer gives ServiceAccount heliograph\/spoke the ClusterRole admin as well.*delete that binding, or .*--account\.$/,
  )
})

test('of very many the first are named and the others counted', async () => {
  const clusterrolebindings = Array.from({ length: 13 }, (_, index) => wide(`b-${index}`))
  const { flaws } = await look({ clusterrolebindings, rolebindings: [] })
  assert.deepEqual([flaws.length, flaws.at(-1)], [11, '3 bindings more on the peer do so.'])
})

test('what may not be listed is said, and nothing is concluded from it', async () => {
  const { flaws, unread } = await look({ clusterrolebindings: [] })
  assert.deepEqual(flaws, [])
  assert.match(
    unread.join('\n'),
    /^Whether a RoleBinding gives .* is not known: .*\(the credential may not\)\.$/,
  )
})
