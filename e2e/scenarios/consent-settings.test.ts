/** What the administrator’s settings say about consent: required, protected, allowed after all, and whom it all binds. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { at, marksOn, ours } from '../lib/marks.ts'
import { configMap } from '../lib/objects.ts'
import type { Ref } from '../lib/objects.ts'
import { annotate, awaitData, offer } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo({
  settings: {
    consent: 'required',
    protectedNamespaces: ['kube-*', 'guarded-*'],
    allowedNamespaces: ['kube-public'],
  },
})
const { client, stage } = solo

test('with consent required, only Namespaces whose `accept` matches receive anything', async () => {
  const home = await stage.namespace('home')
  const silent = await stage.namespace('silent')
  const willing = await stage.namespace('willing', { annotations: ours({ accept: `${home}/*` }) })
  const other = await stage.namespace('other', { annotations: ours({ accept: 'nobody/*' }) })
  const notRefusing = await stage.namespace('not-refusing', { annotations: ours({ refuse: 'nobody/*' }) })
  const origin = await offered(home, { 'reflect-to': `${silent}, ${willing}, ${other}, ${notRefusing}` })
  await awaitData(client, at(origin, willing), { a: '1' })
  await solo.settled()
  for (const target of [silent, other, notRefusing])
    assert.equal(await client.find(at(origin, target)), null, target)
  await annotate(client, { kind: 'Namespace', name: silent }, { accept: '*' })
  await awaitData(client, at(origin, silent), { a: '1' })
  await annotate(client, { kind: 'Namespace', name: silent }, { accept: null })
  await awaitAbsent(client, at(origin, silent))
})

test('a pull needs no `accept`, and no `refuse` hinders it: they are about pushes', async () => {
  const home = await stage.namespace('home')
  const asking = await stage.namespace('asking', { annotations: ours({ refuse: '*' }) })
  await offered(home, { 'allow-pull': asking })
  await client.create(configMap(asking, 'mine', {}, ours({ 'reflect-from': `${home}/shared` })))
  await awaitData(client, { kind: 'ConfigMap', namespace: asking, name: 'mine' }, { a: '1' })
})

test('a pull in a protected namespace is not heard; in one that is allowed after all it is', async () => {
  const home = await stage.namespace('home')
  await offered(home, { 'allow-pull': '*' })
  const asks = ['kube-system', 'kube-public'].map((namespace) => ({
    kind: 'ConfigMap',
    namespace,
    name: 'asks',
  }))
  for (const { namespace, name } of asks)
    await client.create(configMap(namespace, name, { own: 'x' }, ours({ 'reflect-from': `${home}/shared` })))
  await awaitData(client, { kind: 'ConfigMap', namespace: 'kube-public', name: 'asks' }, { a: '1' })
  await solo.settled()
  const untouched = await client.get({ kind: 'ConfigMap', namespace: 'kube-system', name: 'asks' })
  assert.deepEqual(untouched.data, { own: 'x' })
  assert.equal(marksOn(untouched)['pulled-from'], undefined)
})

test('a protected namespace that is allowed receives pushes, and stays under its own consent', async () => {
  const home = await stage.namespace('home')
  const origin = await offered(home, {
    'reflect-to': 'kube-public, kube-system',
    'reflect-as': `pushed-${home}`,
  })
  const there: Ref = { kind: 'ConfigMap', namespace: 'kube-public', name: `pushed-${home}` }
  await solo.settled()
  assert.equal(await client.find(there), null)
  await annotate(client, { kind: 'Namespace', name: 'kube-public' }, { accept: `${home}/shared` })
  await annotate(client, { kind: 'Namespace', name: 'kube-system' }, { accept: `${home}/shared` })
  await awaitData(client, there, { a: '1' })
  await solo.settled()
  assert.equal(await client.find({ ...there, namespace: 'kube-system' }), null)
  await client.remove(origin)
  await awaitAbsent(client, there)
})

test('a namespace that becomes protected loses its mirrors, of a retaining or paused origin too, and no pull mirror', async () => {
  const home = await stage.namespace('home')
  const target = await stage.namespace('target', { annotations: ours({ accept: '*' }) })
  const plain = await offered(home, { 'reflect-to': target, 'allow-pull': target })
  const retaining = await offered(home, { 'reflect-to': target, 'on-delete': 'retain' }, 'retaining')
  const paused = await offered(home, { 'reflect-to': target }, 'paused')
  await client.create(configMap(target, 'asks', {}, ours({ 'reflect-from': `${home}/shared` })))
  await awaitData(client, { kind: 'ConfigMap', namespace: target, name: 'asks' }, { a: '1' })
  for (const origin of [plain, retaining, paused]) await awaitPresent(client, at(origin, target))
  await annotate(client, paused, { paused: 'true' })
  await solo.restart({ environment: { HELIOGRAPH_PROTECTED_NAMESPACES: `kube-*, ${target}` } })
  for (const origin of [plain, retaining, paused]) await awaitAbsent(client, at(origin, target))
  assert.deepEqual((await client.get({ kind: 'ConfigMap', namespace: target, name: 'asks' })).data, {
    a: '1',
  })
  await solo.restart()
  await awaitPresent(client, at(plain, target))
})

test('an origin in a protected namespace may offer like any other', async () => {
  const target = await stage.namespace('target', { annotations: ours({ accept: 'kube-system/*' }) })
  const origin = await offered('kube-system', { 'reflect-to': target }, `from-${target}`)
  await awaitData(client, at(origin, target), { a: '1' })
})

async function offered(
  namespace: string,
  keys: Readonly<Record<string, string>>,
  name = 'shared',
): Promise<Ref> {
  await client.create(offer(namespace, name, keys))
  return { kind: 'ConfigMap', namespace, name }
}
