/** Notices that need many origins or another process: what a namespace and the administrator are told, and what a new leader repeats. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitList, awaitPresent } from '../lib/await.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { refOf } from '../lib/objects.ts'
import { awaitData, mirrorIn, offer, write } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const ORIGINS_MAX = 120

const solo = await startSolo({ settings: { originsPerNamespaceMax: ORIGINS_MAX } })
const { client, stage } = solo

test('NamespaceLimitReached tells the origin that is one too many, and a new leader only counts it again', async () => {
  const [home, target] = await stage.namespaces('many-home', 'many-target')
  const origins = Array.from({ length: ORIGINS_MAX }, (_, index) =>
    offer(home, `a-${index}`, { 'reflect-to': target }),
  )
  await Promise.all(origins.map((each) => client.create(each)))
  await awaitList(
    client,
    `/api/v1/namespaces/${target}/configmaps`,
    (all) => all.filter(isOfOrigin).length === ORIGINS_MAX,
    {
      what: 'every origin is mirrored',
    },
  )
  const beyond = await client.create(offer(home, 'beyond', { 'reflect-to': target }))
  const { message } = await awaitEvent(client, refOf(beyond), 'NamespaceLimitReached')
  assert.ok(message.includes(`the limit of ${ORIGINS_MAX}`), message)
  await solo.restart()
  await awaitEvent(client, refOf(beyond), 'NamespaceLimitReached', ({ count }) => count > 1)
  assert.equal((await eventsAbout(client, refOf(beyond))).length, 1)
  await client.remove(refOf(beyond))
})

test('DeletionsHeld tells a namespace’s owner the numbers and the id, and nothing goes', async () => {
  const [home, target] = await stage.namespaces('mass-home', 'mass-target')
  const origins = Array.from({ length: 101 }, (_, index) =>
    offer(home, `mass-${index}`, { 'reflect-to': target }),
  )
  await Promise.all(origins.map((each) => client.create(each)))
  await awaitList(
    client,
    `/api/v1/namespaces/${target}/configmaps`,
    (all) => all.filter(isOfOrigin).length === 101,
    {
      what: 'every origin is mirrored',
    },
  )
  await solo.whileStopped(async () => {
    await Promise.all(origins.map((each) => client.remove(refOf(each))))
  })
  const { message } = await awaitEvent(client, { kind: 'Namespace', name: home }, 'DeletionsHeld')
  assert.match(message, /^101 of 101 mirrors .* Hold ([0-9a-f]+)\. .*heliograph release \1$/)
  await solo.settled()
  assert.equal((await client.list('ConfigMap', target)).filter(isOfOrigin).length, 101)
})

test('DigestKeyMalformed tells the administrator; nothing is written until the key is right again', async () => {
  const [home, target] = await stage.namespaces('key-home', 'key-target')
  const origin = await client.create(offer(home, 'settings', { 'reflect-to': target }))
  await awaitPresent(client, mirrorIn(target, origin))
  const key = { kind: 'Secret', namespace: stage.installation.namespace, name: 'heliograph-digest-key' }
  const { data = {} } = await client.get(key)
  const [[field]] = Object.entries(data) as [[string, string]]
  await client.patch(key, { data: { [field]: '' } })
  const { message } = await awaitEvent(client, key, 'DigestKeyMalformed')
  for (const value of Object.values(data)) assert.ok(!message.includes(value), 'the key is told')
  const mark = await solo.mark()
  await write(client, refOf(origin), { a: '2' })
  // Index and Events go on without the key: once this one is told, the write above was heard.
  const bad = await client.create(offer(home, 'bad', { 'reflect-to': target, keys: '/' }))
  await awaitEvent(client, refOf(bad), 'OriginHeld')
  assert.deepEqual(await solo.changes(mark), [])
  await client.patch(key, { data })
  await awaitData(client, mirrorIn(target, origin), { a: '2' })
})

/** Not what the control plane itself writes into each namespace. */
function isOfOrigin({ metadata }: { readonly metadata: { readonly name: string } }): boolean {
  return /^(a|mass)-/.test(metadata.name)
}
