/** Who may push where: what a Namespace accepts and refuses, what is never a target, and what a bad value does. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { at, ours } from '../lib/marks.ts'
import { configMap } from '../lib/objects.ts'
import type { Ref } from '../lib/objects.ts'
import { annotate, awaitData, namespacesOf, offer, secretOffer, write } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'
import { SYSTEM } from '../lib/stage.ts'

const solo = await startSolo()
const { client, stage } = solo
const system = await client.get({ kind: 'Namespace', name: 'kube-system' })
const IDENTITY = system.metadata.uid ?? ''

type Keys = Readonly<Record<string, string>>

/** What a Namespace says, to an origin `HOME/shared`, and whether it lets it in. */
const CASES: readonly (readonly [says: Keys, mayPush: boolean])[] = [
  [{}, true],
  [{ accept: 'HOME/shared' }, true],
  [{ accept: 'HOME/*' }, true],
  [{ accept: '*/shared' }, true],
  [{ accept: 'nobody/shared, HOME/shared' }, true],
  [{ accept: `${IDENTITY}:HOME/shared` }, true],
  [{ accept: '*:HOME/shared' }, true],
  [{ accept: 'HOME/other' }, false],
  [{ accept: 'HOME' }, false],
  [{ accept: 'elsewhere:HOME/shared' }, false],
  [{ accept: '' }, false],
  [{ accept: '!HOME/other' }, false],
  [{ accept: '*, !HOME/shared' }, false],
  [{ refuse: 'HOME/shared' }, false],
  [{ refuse: '*' }, false],
  [{ refuse: `${IDENTITY}:HOME/*` }, false],
  [{ refuse: '*:HOME/*' }, false],
  [{ refuse: 'HOME/other' }, true],
  [{ refuse: 'elsewhere:HOME/shared' }, true],
  [{ refuse: '' }, true],
  [{ refuse: '*, !HOME/shared' }, true],
  [{ accept: 'HOME/shared', refuse: 'HOME/shared' }, false],
  [{ accept: '*', refuse: 'HOME/other' }, true],
]

test('`accept` admits only what it matches, `refuse` beats it, in every form of their patterns', async () => {
  const home = await stage.namespace('home')
  const said = (keys: Keys): Keys =>
    Object.fromEntries(Object.entries(keys).map(([key, text]) => [key, text.replaceAll('HOME', home)]))
  const targets: string[] = []
  for (const [keys] of CASES) targets.push(await stage.namespace('case', { annotations: ours(said(keys)) }))
  for (const make of [offer, secretOffer]) {
    const origin = await client.create(make(home, 'shared', { 'reflect-to': targets.join(', ') }))
    await solo.settled()
    const reached = await namespacesOf(client, { kind: origin.kind ?? '', namespace: home, name: 'shared' })
    const wanted = targets.filter((_, index) => CASES[index]?.[1] === true)
    const wrong = CASES.filter(([, may], index) => may !== reached.includes(targets[index] ?? ''))
    assert.deepEqual(wrong, [])
    assert.deepEqual(reached, wanted.toSorted())
  }
})

test('consent given and taken back, and a narrower offer, are followed at once, whatever the grace for origins that are gone', async () => {
  await solo.restart({ environment: { HELIOGRAPH_DELETION_GRACE: '1h' } })
  const [home, target] = await stage.namespaces('home', 'target')
  const place: Ref = { kind: 'Namespace', name: target }
  await annotate(client, place, { accept: 'nobody/*' })
  const origin = await offered(home, { 'reflect-to': target })
  await solo.settled()
  assert.equal(await client.find(at(origin, target)), null)
  await annotate(client, place, { accept: `nobody/*, ${home}/*` })
  await awaitData(client, at(origin, target), { a: '1' })
  await annotate(client, place, { refuse: `${home}/*` })
  await awaitAbsent(client, at(origin, target))
  await annotate(client, place, { refuse: null })
  await awaitData(client, at(origin, target), { a: '1' })
  await annotate(client, place, { accept: null, refuse: '*' })
  await awaitAbsent(client, at(origin, target))
  await annotate(client, place, { refuse: null })
  await awaitData(client, at(origin, target), { a: '1' })
  await annotate(client, origin, { 'reflect-to': '' })
  await awaitAbsent(client, at(origin, target))
  await solo.restart()
})

const STUBBORN: readonly (readonly [what: string, keys: Keys])[] = [
  ['held', { 'reflect-as': 'not a name' }],
  ['paused', { paused: 'true' }],
  ['retaining', { 'on-delete': 'retain' }],
]

for (const [what, keys] of STUBBORN) {
  test(`consent withdrawn deletes the mirror even of an origin that is ${what}, seen or not`, async () => {
    const [home, seen, unseen] = await stage.namespaces('home', 'seen', 'unseen')
    const origin = await offered(home, { 'reflect-to': `${seen}, ${unseen}` })
    await awaitPresent(client, at(origin, seen))
    await awaitPresent(client, at(origin, unseen))
    await annotate(client, origin, keys)
    await solo.settled()
    await annotate(client, { kind: 'Namespace', name: seen }, { refuse: '*' })
    await awaitAbsent(client, at(origin, seen))
    await solo.whileStopped(() =>
      annotate(client, { kind: 'Namespace', name: unseen }, { accept: 'nobody/*' }),
    )
    await awaitAbsent(client, at(origin, unseen))
  })
}

test('an adopted object is not deleted when consent is withdrawn: it is left to its owner', async () => {
  const [home, target] = await stage.namespaces('home', 'target')
  await client.create(configMap(target, 'shared', { own: 'x' }, ours({ adopt: `${home}/shared` })))
  const origin = await offered(home, { 'reflect-to': target })
  const adopted = await awaitData(client, at(origin, target), { a: '1' })
  await annotate(client, { kind: 'Namespace', name: target }, { refuse: '*' })
  const left = await awaitPresent(client, at(origin, target), ({ metadata }) => metadata.labels === undefined)
  assert.equal(left.metadata.uid, adopted.metadata.uid)
  await write(client, origin, { a: 'second' })
  await solo.settled()
  assert.deepEqual((await client.get(at(origin, target))).data, { a: '1' })
})

for (const key of ['accept', 'refuse'] as const) {
  test(`a malformed \`${key}\` admits nothing new, freezes what is there, and warns on the Namespace`, async () => {
    const [home, target] = await stage.namespaces('home', 'target')
    const place: Ref = { kind: 'Namespace', name: target }
    const there = await offered(home, { 'reflect-to': target })
    await awaitPresent(client, at(there, target))
    await annotate(client, place, { [key]: `${home}/{4..7}` })
    const { message, type } = await awaitEvent(client, place, 'ConsentMalformed')
    assert.equal(type, 'Warning')
    assert(message.includes(`heliograph.dev/${key}`))
    assert(!message.includes('4..7'), 'the value is not repeated')
    const fresh = await offered(home, { 'reflect-to': target }, 'fresh')
    const edited = await write(client, at(there, target), { a: 'edited' })
    await write(client, there, { a: 'second' })
    await solo.settled()
    assert.equal(await client.find(at(fresh, target)), null)
    assert.equal(
      (await client.get(at(there, target))).metadata.resourceVersion,
      edited.metadata.resourceVersion,
    )
    await client.remove(there)
    await solo.settled()
    assert.equal(
      (await client.get(at(there, target))).metadata.resourceVersion,
      edited.metadata.resourceVersion,
    )
    await annotate(client, place, { [key]: null })
    await awaitAbsent(client, at(there, target))
    await awaitData(client, at(fresh, target), { a: '1' })
  })
}

test('a `refuse` that matches beats a malformed `accept`: what was pushed goes', async () => {
  const [home, target] = await stage.namespaces('home', 'target')
  const origin = await offered(home, { 'reflect-to': target })
  await awaitPresent(client, at(origin, target))
  await annotate(client, { kind: 'Namespace', name: target }, { accept: '#', refuse: `${home}/*` })
  await awaitAbsent(client, at(origin, target))
})

test('protected namespaces, the controller’s own and the origin’s own are never targets, however they are named', async () => {
  const home = await stage.namespace('home', { labels: { chosen: 'yes' } })
  const other = await stage.namespace('other', { labels: { chosen: 'yes' } })
  for (const name of ['kube-system', 'kube-public', SYSTEM]) {
    await client.patch(
      { kind: 'Namespace', name },
      { metadata: { labels: { chosen: 'yes' }, annotations: ours({ accept: '*' }) } },
    )
  }
  const named = await offered(
    home,
    { 'reflect-to': `kube-system, kube-public, ${SYSTEM}, ${home}, ${other}`, 'reflect-as': 'by-name' },
    'by-name-origin',
  )
  const globbed = await offered(
    home,
    { 'reflect-to': `kube-*, ${SYSTEM}, ${home}*, ${other}`, 'reflect-as': 'by-glob' },
    'by-glob-origin',
  )
  const selected = await offered(
    home,
    { 'reflect-to-selector': 'chosen=yes', 'reflect-as': 'by-label' },
    'by-label-origin',
  )
  for (const [origin, name] of [
    [named, 'by-name'],
    [globbed, 'by-glob'],
    [selected, 'by-label'],
  ] as const) {
    await awaitPresent(client, { ...at(origin, other), name })
  }
  await solo.settled()
  for (const name of ['by-name', 'by-glob', 'by-label'])
    assert.deepEqual(await namespacesOf(client, { kind: 'ConfigMap', name }), [other])
})

test('what belongs to the controller in its own namespace is never an origin', async () => {
  const target = await stage.namespace('target')
  const secrets = await client.list('Secret', SYSTEM)
  assert(secrets.length > 0, 'the digest key lies there')
  for (const { metadata } of secrets)
    await annotate(
      client,
      { kind: 'Secret', namespace: SYSTEM, name: metadata.name },
      { 'reflect-to': target },
    )
  await solo.settled()
  assert.deepEqual(await client.list('Secret', target), [])
  for (const { metadata } of secrets)
    await annotate(client, { kind: 'Secret', namespace: SYSTEM, name: metadata.name }, { 'reflect-to': null })
})

async function offered(namespace: string, keys: Keys, name = 'shared'): Promise<Ref> {
  await client.create(offer(namespace, name, keys))
  return { kind: 'ConfigMap', namespace, name }
}
