/** Bindings are listed whole, page by page, with whom they bind and what they give; an answer that is no list is none. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { listBindings } from '../../src/kube/bindings.ts'
import { FakeClock } from './fake-clock.ts'
import { open, plainAccess } from './rig.ts'
import { ScriptedServer, status } from './scripted-server.ts'

const OPTIONS = { signal: new AbortController().signal }
const PATH = '/apis/rbac.authorization.k8s.io/v1'

const item = (name: string, more: object = {}): object => ({
  metadata: { name, namespace: 'team-a' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
  ...more,
})

test('every page is asked for, and each binding says whom it gives what', async (t) => {
  const server = await ScriptedServer.start(t)
  const cluster = await open(t, plainAccess(server.url), new FakeClock())
  const answer = listBindings(cluster, 'RoleBinding', OPTIONS)
  const first = await server.next()
  assert.deepEqual([first.path, first.query.get('continue')], [`${PATH}/rolebindings`, null])
  const subjects = [
    { kind: 'ServiceAccount', name: 'a', namespace: 'n' },
    { kind: 'User', name: 'u' },
  ]
  first.json(200, { metadata: { continue: 'next' }, items: [item('one', { subjects })] })
  const second = await server.next()
  assert.equal(second.query.get('continue'), 'next')
  second.json(200, { metadata: {}, items: [item('two')] })
  const listed = await answer
  assert.deepEqual(listed.ok && listed.value, [
    {
      kind: 'RoleBinding',
      namespace: 'team-a',
      name: 'one',
      role: 'Role r',
      subjects: [
        { kind: 'ServiceAccount', name: 'a', namespace: 'n' },
        { kind: 'User', name: 'u', namespace: '' },
      ],
    },
    { kind: 'RoleBinding', namespace: 'team-a', name: 'two', role: 'Role r', subjects: [] },
  ])
})

test('a list that expires on its way is begun anew, so that no binding is missing or doubled', async (t) => {
  const server = await ScriptedServer.start(t)
  const cluster = await open(t, plainAccess(server.url), new FakeClock())
  const answer = listBindings(cluster, 'RoleBinding', OPTIONS)
  ;(await server.next()).json(200, { metadata: { continue: 'next' }, items: [item('one')] })
  ;(await server.next()).json(410, status(410, 'Expired'))
  const again = await Promise.race([
    server.next(),
    answer.then((early) => assert.fail(`it ended: ${JSON.stringify(early)}`)),
  ])
  assert.equal(again.query.get('continue'), null)
  again.json(200, { metadata: {}, items: [item('one'), item('two')] })
  const listed = await answer
  assert.deepEqual(listed.ok && listed.value.map(({ name }) => name), ['one', 'two'])
})

test('a refusal and an answer that is no list are failures, never an empty list', async (t) => {
  const server = await ScriptedServer.start(t)
  const cluster = await open(t, plainAccess(server.url), new FakeClock())
  const answer = async (code: number, body: object): Promise<string> => {
    const listed = listBindings(cluster, 'ClusterRoleBinding', OPTIONS)
    const asked = await server.next()
    assert.equal(asked.path, `${PATH}/clusterrolebindings`)
    asked.json(code, body)
    const result = await listed
    return result.ok ? 'listed' : result.failure.kind
  }
  assert.equal(await answer(403, status(403, 'Forbidden')), 'forbidden')
  assert.equal(await answer(200, { items: [] }), 'malformed')
  assert.equal(await answer(200, { metadata: {}, items: [{ metadata: {} }] }), 'malformed')
})
