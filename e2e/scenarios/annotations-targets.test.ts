/** Where mirrors are kept: `reflect-to`, `reflect-to-selector`, `reflect-as`, and namespaces that come, change and go. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { eventsAbout } from '../lib/events.ts'
import { marksOn } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, namespacesOf, offer, secretOffer } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo

test('reflect-to keeps a mirror in each namespace that a pattern matches, and in no other', async () => {
  const [home, one, two, other] = await stage.namespaces(
    'matching-home',
    'matching-a',
    'matching-a',
    'matching-b',
  )
  const origin = await client.create(offer(home, 'settings', { 'reflect-to': 'matching-a*' }))
  await Promise.all([one, two].map((each) => awaitData(client, mirrorIn(each, origin), { a: '1' })))
  await solo.settled()
  assert.deepEqual(await namespacesOf(client, refOf(origin)), [one, two].sort())
  assert.equal(await client.find(mirrorIn(other, origin)), null)
})

test('a pattern list that is narrowed takes back exactly what it no longer names, and widened it gives again', async () => {
  const [home, kept, dropped] = await stage.namespaces('narrow-home', 'narrow-kept', 'narrow-dropped')
  const origin = await client.create(secretOffer(home, 'pass', { 'reflect-to': `${kept}, ${dropped}` }))
  const before = await awaitPresent(client, mirrorIn(kept, origin))
  await awaitPresent(client, mirrorIn(dropped, origin))
  await annotate(client, refOf(origin), { 'reflect-to': kept })
  await awaitAbsent(client, mirrorIn(dropped, origin))
  await annotate(client, refOf(origin), { 'reflect-to': 'narrow-*' })
  await awaitData(client, mirrorIn(dropped, origin), { a: '1' })
  const after = await client.get(mirrorIn(kept, origin))
  assert.equal(after.metadata.resourceVersion, before.metadata.resourceVersion)
})

test('an offer that is taken off the object takes all mirrors with it', async () => {
  const [home, one, two] = await stage.namespaces('off-home', 'off-a', 'off-b')
  const origin = await client.create(offer(home, 'settings', { 'reflect-to': 'off-a*,off-b*' }))
  const mirrors = [one, two].map((each) => mirrorIn(each, origin))
  await Promise.all(mirrors.map((each) => awaitPresent(client, each)))
  await annotate(client, refOf(origin), { 'reflect-to': null })
  await Promise.all(mirrors.map((each) => awaitAbsent(client, each)))
  assert.deepEqual((await client.get(refOf(origin))).data, { a: '1' })
})

test('the origin’s own namespace is never a target, and neither is a protected one, however it is named', async () => {
  const [home, target] = await stage.namespaces('own-home', 'own-target')
  const named = `*, ${home}, kube-system, kube-public, ${stage.installation.namespace}`
  const origin = await client.create(
    offer(home, 'own-settings', { 'reflect-to': named, 'reflect-as': 'own-mirror' }),
  )
  await awaitPresent(client, mirrorIn(target, origin, 'own-mirror'))
  await solo.settled()
  const reached = new Set(await namespacesOf(client, { ...refOf(origin), name: 'own-mirror', namespace: '' }))
  assert.ok(reached.has('default'), '* reaches every unprotected namespace')
  for (const never of [home, 'kube-system', 'kube-public', 'kube-node-lease', stage.installation.namespace])
    assert.ok(!reached.has(never), `${never} received a mirror`)
})

test('a blank list matches nothing, takes back what was given, and is no bad value', async () => {
  const [home, target] = await stage.namespaces('blank-home', 'blank-target')
  const origin = await client.create(offer(home, 'settings', { 'reflect-to': target }))
  await awaitPresent(client, mirrorIn(target, origin))
  await annotate(client, refOf(origin), { 'reflect-to': '  ' })
  await awaitAbsent(client, mirrorIn(target, origin))
  await solo.settled()
  assert.deepEqual(await eventsAbout(client, refOf(origin)), [])
})

test('exclusions alone match nothing', async () => {
  const [home, target] = await stage.namespaces('excluding-home', 'excluding-target')
  const origin = await client.create(offer(home, 'excluding', { 'reflect-to': '!kube-*' }))
  await solo.settled()
  assert.deepEqual(await namespacesOf(client, refOf(origin)), [])
  await annotate(client, refOf(origin), { 'reflect-to': `!kube-*, ${target}` })
  await awaitPresent(client, mirrorIn(target, origin))
})

/** Each selector and the words of the namespaces that it chooses. */
const SELECTORS: Readonly<Record<string, readonly string[]>> = {
  'tier=front': ['front'],
  'tier==front': ['front'],
  'tier!=front,set=selected': ['back', 'none'],
  'tier,set=selected': ['front', 'back'],
  '!tier,set=selected': ['none'],
  'tier in (front,back), set=selected': ['front', 'back'],
  'tier notin (front),set=selected': ['back', 'none'],
  'size>5,set=selected': ['back'],
  'size<5,set=selected': ['front'],
  'set=selected,tier=middle': [],
  '': [],
  ' ': [],
}

test('reflect-to-selector understands every operator of Kubernetes, and blank it matches nothing', async () => {
  const home = await stage.namespace('selected-home')
  const labels: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    front: { set: 'selected', tier: 'front', size: '3' },
    back: { set: 'selected', tier: 'back', size: '12' },
    none: { set: 'selected' },
  }
  const named = new Map<string, string>()
  for (const [word, given] of Object.entries(labels))
    named.set(word, await stage.namespace(`selected-${word}`, { labels: given }))
  const cases = Object.entries(SELECTORS).map(([selector, words], index) => ({
    selector,
    expected: words.map((word) => named.get(word) ?? '').sort(),
    origin: offer(home, `selected-${index}`, { 'reflect-to-selector': selector }),
  }))
  await Promise.all(cases.map(({ origin }) => client.create(origin)))
  const wanted = cases.flatMap(({ origin, expected }) => expected.map((each) => mirrorIn(each, origin)))
  await Promise.all(wanted.map((each) => awaitPresent(client, each)))
  await solo.settled()
  for (const { selector, expected, origin } of cases)
    assert.deepEqual(await namespacesOf(client, refOf(origin)), expected, `selector «${selector}»`)
})

test('a namespace whose labels change to fit receives the mirror at once, and loses it when they change back', async () => {
  const home = await stage.namespace('labelled-home')
  const target = await stage.namespace('labelled-target', { labels: { 'labelled/env': 'prod' } })
  const origin = await client.create(offer(home, 'settings', { 'reflect-to-selector': 'labelled/env=dev' }))
  await solo.settled()
  assert.equal(await client.find(mirrorIn(target, origin)), null)
  const namespace = { kind: 'Namespace', name: target }
  await client.patch(namespace, { metadata: { labels: { 'labelled/env': 'dev' } } })
  await awaitData(client, mirrorIn(target, origin), { a: '1' })
  await client.patch(namespace, { metadata: { labels: { 'labelled/env': null } } })
  await awaitAbsent(client, mirrorIn(target, origin))
})

test('with reflect-to and reflect-to-selector both must hold, and blank on either side is nothing', async () => {
  const home = await stage.namespace('both-home')
  const fits = await stage.namespace('both-named', { labels: { 'both/env': 'dev' } })
  const named = await stage.namespace('both-named')
  const labelled = await stage.namespace('both-other', { labels: { 'both/env': 'dev' } })
  const both = { 'reflect-to': 'both-named*', 'reflect-to-selector': 'both/env=dev' }
  const origin = await client.create(offer(home, 'both', both))
  await awaitPresent(client, mirrorIn(fits, origin))
  await solo.settled()
  assert.deepEqual(await namespacesOf(client, refOf(origin)), [fits])
  await annotate(client, refOf(origin), { 'reflect-to': null })
  await awaitPresent(client, mirrorIn(labelled, origin))
  await annotate(client, refOf(origin), { 'reflect-to': 'both-named*', 'reflect-to-selector': null })
  await awaitPresent(client, mirrorIn(named, origin))
  await awaitAbsent(client, mirrorIn(labelled, origin))
  await annotate(client, refOf(origin), { 'reflect-to-selector': '' })
  await awaitAbsent(client, mirrorIn(named, origin))
  await awaitAbsent(client, mirrorIn(fits, origin))
})

test('a namespace that appears later receives its mirrors at once', async () => {
  const home = await stage.namespace('later-home')
  const origins = [
    offer(home, 'settings', { 'reflect-to': 'later-t*' }),
    secretOffer(home, 'pass', { 'reflect-to': 'later-t*' }),
  ]
  for (const origin of origins) await client.create(origin)
  await solo.settled()
  const target = await stage.namespace('later-target')
  await Promise.all(origins.map((origin) => awaitData(client, mirrorIn(target, origin), { a: '1' })))
})

test('a namespace that is deleted and made again receives its mirrors again', async () => {
  stage.plane.requireControllers('deletes a namespace')
  const [home, target] = await stage.namespaces('again-home', 'again-target')
  const origin = await client.create(offer(home, 'settings', { 'reflect-to': target }))
  const first = await awaitPresent(client, mirrorIn(target, origin))
  await client.remove({ kind: 'Namespace', name: target })
  await awaitAbsent(client, { kind: 'Namespace', name: target })
  await client.createNamespace(target)
  const second = await awaitData(client, mirrorIn(target, origin), { a: '1' })
  assert.notEqual(second.metadata.uid, first.metadata.uid)
})

test('a Secret and a ConfigMap of one name are mirrored side by side, each from its own kind', async () => {
  const [home, target] = await stage.namespaces('kinds-home', 'kinds-target')
  const to = { 'reflect-to': target }
  const text = await client.create(offer(home, 'twin', to, { from: 'text' }))
  await awaitData(client, mirrorIn(target, text), { from: 'text' })
  await solo.settled()
  assert.equal(await client.find({ kind: 'Secret', namespace: target, name: 'twin' }), null)
  const hidden = await client.create(secretOffer(home, 'twin', to, { from: 'secret' }))
  await awaitData(client, mirrorIn(target, hidden), { from: 'secret' })
  await client.remove(refOf(text))
  await awaitAbsent(client, mirrorIn(target, text))
  await awaitData(client, mirrorIn(target, hidden), { from: 'secret' })
})

test('reflect-as names the mirrors, with the origin’s name and namespace where it asks for them', async () => {
  const [home, target] = await stage.namespaces('named-home', 'named-target')
  const names: Readonly<Record<string, string>> = {
    'other-name': 'other-name',
    '{name}': 'original',
    '{namespace}-{name}': `${home}-original`,
    'from.{namespace}.{name}.{name}': `from.${home}.original.original`,
  }
  const origin = await client.create(
    offer(home, 'original', { 'reflect-to': target, 'reflect-as': 'plain-name' }),
  )
  let before = 'plain-name'
  await awaitPresent(client, mirrorIn(target, origin, before))
  for (const [template, name] of Object.entries(names)) {
    await annotate(client, refOf(origin), { 'reflect-as': template })
    const mirror = await awaitData(client, mirrorIn(target, origin, name), { a: '1' })
    assert.equal(marksOn(mirror)['origin'], `${home}/original`)
    await awaitAbsent(client, mirrorIn(target, origin, before))
    before = name
  }
})
