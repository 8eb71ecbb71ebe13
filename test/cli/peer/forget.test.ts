/** What `peer forget` leaves on the peer, as the commands that take it away. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { accountLines } from '../../../src/cli/peer/forget.ts'
import { MADE_BY_US } from '../../../src/cli/peer/grants.ts'
import type { PeerSecret } from '../../../src/cli/peer/home.ts'
import { Sensitive } from '../../../src/std/sensitive.ts'
import { plainAccess } from '../../kube/rig.ts'

function lines(namespaces: readonly string[] | null, labels: object = MADE_BY_US): readonly string[] {
  const claims = Buffer.from(JSON.stringify({ sub: 'system:serviceaccount:heliograph:spoke' }))
  const token = new Sensitive(`h.${claims.toString('base64url')}.s`)
  const peer = {
    access: plainAccess('https://a', { token: { kind: 'fixed', token } }),
    secret: { meta: { labels } },
    terms: { namespaces },
  }
  return accountLines(peer as unknown as PeerSecret).slice(1)
}

const ACCOUNT = '  kubectl -n heliograph delete serviceaccount spoke'
const TOKEN_ROLE = '  kubectl -n heliograph delete rolebinding,role --ignore-not-found spoke-token'

test('roles and bindings that peer add made go with the account, which goes last', () => {
  assert.deepEqual(lines(null), [
    '  kubectl delete clusterrolebinding,clusterrole --ignore-not-found spoke',
    TOKEN_ROLE,
    ACCOUNT,
  ])
  assert.deepEqual(lines(['team-a', 'team-b']), [
    '  kubectl -n team-a delete rolebinding,role --ignore-not-found spoke',
    '  kubectl -n team-b delete rolebinding,role --ignore-not-found spoke',
    TOKEN_ROLE,
    ACCOUNT,
  ])
})

test('of a Secret that somebody wrote themselves only the account is known', () => {
  assert.deepEqual(lines(null, {}), [ACCOUNT])
})
