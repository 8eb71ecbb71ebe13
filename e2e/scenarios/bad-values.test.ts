/** A value that does not parse or is not allowed holds that origin alone, and a Warning names the annotation and a fixed reason. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { PREFIX, at, ours } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, namespacesOf, offer, secretOffer, write } from '../lib/offers.ts'
import type { Texts } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo

/** Stands in every bad value: nothing that is told may hold it. */
const MARKER = 'quoted-nowhere'

/** Annotation, bad value, reason. */
const BAD_VALUES: readonly (readonly [annotation: string, value: string, reason: RegExp])[] = [
  ['reflect-to', `${MARKER}[`, /balanced/],
  ['reflect-to-selector', `${MARKER} in prod`, /list in parentheses/],
  ['reflect-to-selector', `${MARKER}=~x`, /label value is not legal/],
  ['reflect-to-selector', `-${MARKER}`, /label key is not legal/],
  ['reflect-to-selector', `a=${'x'.repeat(64)}`, /label value is not legal/],
  ['reflect-to-selector', `a>${MARKER}`, /need an integer/],
  ['reflect-to-selector', 'a b', /operator/],
  ['allow-pull', `${MARKER}**`, /\*\*/],
  ['targets', `${MARKER}#`, /#/],
  ['target-namespaces', `{${MARKER}}`, /two or more/],
  ['target-namespaces-selector', `${MARKER} in`, /list in parentheses/],
  ['reflect-as', `${MARKER}-{label}`, /only \{name\} and \{namespace\}/],
  ['reflect-as', `${MARKER}_`, /not a legal object name/],
  ['reflect-as', '', /not a legal object name/],
  ['reflect-as', `{name}${'.{name}'.repeat(60)}`, /not a legal object name/],
  ['keys', `${MARKER}/a`, /not a legal data key/],
  ['keys', 'a=b=c', /not a legal data key/],
  ['keys', 'a=b, a=c', /two names/],
  ['keys', '..', /not a legal data key/],
  ['type', `${MARKER} x`, /not a legal Secret type/],
  ['type', '', /not a legal Secret type/],
  ['carry', `${MARKER}\\`, /backslash/],
  ['labels', `{"${MARKER}":1}`, /not a JSON object of strings/],
  ['labels', `{"${MARKER}":"x"`, /not a JSON object of strings/],
  ['labels', `["${MARKER}"]`, /not a JSON object of strings/],
  ['labels', `{"-${MARKER}":"x"}`, /not a legal label or annotation key/],
  ['labels', `{"a":"-${MARKER}"}`, /label value is not legal/],
  ['annotations', MARKER, /not a JSON object of strings/],
  ['annotations', `{"a/b/${MARKER}":"x"}`, /not a legal label or annotation key/],
  ['immutable', 'True', /exactly true or false/],
  ['immutable', 'yes', /exactly true or false/],
  ['on-delete', 'keep', /delete or retain/],
  ['validate', MARKER, /must be one of/],
  ['validate', 'tls=x', /take no key/],
  ['validate', 'json', /data key is not legal/],
  ['validate', 'keys=', /data key is not legal/],
  ['paused', 'TRUE', /exactly true or false/],
  ['paused', '', /exactly true or false/],
  ['paused', ' true', /exactly true or false/],
]

test('each bad value holds its origin, is told with annotation and reason, and is quoted nowhere', async () => {
  const target = await stage.namespace('each-target')
  // A namespace each: a burst of Events about one namespace is capped.
  const cases = []
  for (const [index, [key, value, reason]] of BAD_VALUES.entries()) {
    const home = await stage.namespace('each-home')
    const name = `bad-${index}`
    cases.push({
      key,
      value,
      reason,
      origin: secretOffer(home, name, { 'reflect-to': target, [key]: value }),
    })
  }
  await Promise.all(cases.map(({ origin }) => client.create(origin)))
  for (const { key, value, reason, origin } of cases) {
    const about = `${key}: «${value}»`
    const told = await awaitEvent(client, refOf(origin), 'OriginHeld')
    assert.equal(told.type, 'Warning', about)
    assert.ok(told.message.startsWith(`Annotation heliograph.dev/${key}: `), `${about}: ${told.message}`)
    assert.match(told.message, reason, about)
    assert.ok(!told.message.includes(MARKER), told.message)
  }
  await solo.settled()
  for (const { key, value, origin } of cases)
    assert.deepEqual(await namespacesOf(client, refOf(origin)), [], `${key}: «${value}»`)
  assert.ok(!solo.said().join('\n').includes(MARKER), 'the log quotes a bad value')
})

test('on a ConfigMap a type is a bad value', async () => {
  const [home, target] = await stage.namespaces('typed-home', 'typed-target')
  const origin = await client.create(offer(home, 'typed', { 'reflect-to': target, type: 'Opaque' }))
  await awaitEvent(client, refOf(origin), 'OriginHeld', ({ message }) =>
    /only Secrets have a type/.test(message),
  )
  await solo.settled()
  assert.equal(await client.find(mirrorIn(target, origin)), null)
})

test('several bad values on one origin are told one by one', async () => {
  const [home, target] = await stage.namespaces('several-home', 'several-target')
  const bad: Texts = { immutable: 'maybe', keys: '/', carry: '**' }
  const origin = await client.create(offer(home, 'several', { 'reflect-to': target, ...bad }))
  for (const key of Object.keys(bad))
    await awaitEvent(client, refOf(origin), 'OriginHeld', ({ message }) =>
      message.includes(`heliograph.dev/${key}: `),
    )
})

/** Bad values that make a well-mirrored origin a held one; each beside a sound `reflect-to` unless it is that one. */
const HOLDING: readonly (readonly [annotation: string, value: string])[] = [
  ['keys', '/'],
  ['reflect-to', '['],
  ['reflect-to-selector', '('],
  ['paused', 'perhaps'],
]

for (const [key, value] of HOLDING) {
  test(`held by ${key}: «${value}», an origin’s mirrors stay as they are, through a restart too, until it is mended`, async () => {
    const [home, kept, dropped, added] = await stage.namespaces(
      'held-home',
      'held-kept',
      'held-dropped',
      'held-added',
    )
    const origin = await client.create(offer(home, 'settings', { 'reflect-to': `${kept}, ${dropped}` }))
    const mirror = mirrorIn(kept, origin)
    await awaitPresent(client, mirror)
    await awaitPresent(client, mirrorIn(dropped, origin))
    await annotate(client, refOf(origin), { 'reflect-to': `${kept}, ${added}`, [key]: value })
    await awaitEvent(client, refOf(origin), 'OriginHeld')
    await write(client, refOf(origin), { a: '2' })
    await client.patch(mirror, { data: { a: 'tampered' } })
    const places = [kept, dropped, added].map((each) => mirrorIn(each, origin))
    const before = await solo.snapshot(places)
    await solo.settled()
    assert.deepEqual(await solo.snapshot(places), before)
    await solo.restart()
    await solo.settled()
    assert.deepEqual(await solo.snapshot(places), before)
    await annotate(client, refOf(origin), { [key]: null, 'reflect-to': `${kept}, ${added}` })
    await awaitData(client, mirror, { a: '2' })
    await awaitData(client, mirrorIn(added, origin), { a: '2' })
    await awaitAbsent(client, mirrorIn(dropped, origin))
  })
}

test('beside a held origin everything else goes on: other origins, of the same namespace and of the same targets', async () => {
  const [home, target] = await stage.namespaces('beside-home', 'beside-target')
  await client.create(offer(home, 'bad', { 'reflect-to': target, keys: '/' }))
  const good = await client.create(offer(home, 'good', { 'reflect-to': target }))
  await awaitData(client, mirrorIn(target, good), { a: '1' })
  await write(client, refOf(good), { a: '2' })
  await awaitData(client, mirrorIn(target, good), { a: '2' })
  await client.remove(refOf(good))
  await awaitAbsent(client, mirrorIn(target, good))
})

test('a held origin that is deleted is held no more: its mirrors go', async () => {
  const [home, target] = await stage.namespaces('gone-home', 'gone-target')
  const origin = await client.create(offer(home, 'settings', { 'reflect-to': target }))
  await awaitPresent(client, mirrorIn(target, origin))
  await annotate(client, refOf(origin), { keys: '/' })
  await awaitEvent(client, refOf(origin), 'OriginHeld')
  await client.remove(refOf(origin))
  await awaitAbsent(client, mirrorIn(target, origin))
})

test('a held origin that drops every offering annotation is no origin any more: its mirrors go', async () => {
  const [home, target] = await stage.namespaces('drop-home', 'drop-target')
  const origin = await client.create(offer(home, 'settings', { 'reflect-to': target, keys: 'a' }))
  await awaitPresent(client, mirrorIn(target, origin))
  await annotate(client, refOf(origin), { keys: '/' })
  await awaitEvent(client, refOf(origin), 'OriginHeld')
  await annotate(client, refOf(origin), { 'reflect-to': null })
  await awaitAbsent(client, mirrorIn(target, origin))
})

test('a misspelt key under our prefix is no bad value: it is told, and the origin is mirrored', async () => {
  const [home, target] = await stage.namespaces('unknown-home', 'unknown-target')
  const misspelt = ['reflect-too', 'on-delte']
  const annotations = {
    'reflect-to': target,
    ...Object.fromEntries(misspelt.map((key) => [key, `[${MARKER}`])),
  }
  const origin = await client.create(offer(home, 'settings', annotations))
  await awaitData(client, mirrorIn(target, origin), { a: '1' })
  for (const key of misspelt)
    await awaitEvent(client, refOf(origin), 'AnnotationUnknown', ({ message }) =>
      message.includes(PREFIX + key),
    )
  const told = await eventsAbout(client, refOf(origin))
  assert.equal(told.length, misspelt.length)
  for (const { message } of told) assert.ok(!message.includes(MARKER), message)
})

test('an object without an offering annotation is no origin, whatever else is wrong on it', async () => {
  const home = await stage.namespace('idle-home')
  const object = await client.create(offer(home, 'idle', { keys: '/', paused: 'x', immutable: 'maybe' }))
  await solo.settled()
  assert.deepEqual(await eventsAbout(client, refOf(object)), [])
})

test('a malformed accept or refuse admits nothing new, freezes what is there, and warns on the Namespace', async () => {
  for (const key of ['accept', 'refuse']) {
    const [home, target] = await stage.namespaces('frozen-home', 'frozen-target')
    const origin = await client.create(offer(home, 'old', { 'reflect-to': target }))
    const mirror = mirrorIn(target, origin)
    await awaitPresent(client, mirror)
    await annotate(client, { kind: 'Namespace', name: target }, { [key]: `${MARKER}**` })
    const told = await awaitEvent(client, { kind: 'Namespace', name: target }, 'ConsentMalformed')
    assert.ok(told.message.startsWith(`Annotation heliograph.dev/${key}: ** is not supported`), told.message)
    assert.ok(!told.message.includes(MARKER))
    await write(client, refOf(origin), { a: '2' })
    const fresh: KubeObject = await client.create(offer(home, 'new', { 'reflect-to': target }))
    const before = await solo.snapshot([mirror])
    await solo.settled()
    assert.deepEqual(await solo.snapshot([mirror]), before)
    assert.equal(await client.find(at(refOf(fresh), target)), null)
    await client.annotate({ kind: 'Namespace', name: target }, ours({ [key]: null }))
    await awaitData(client, mirror, { a: '2' })
    await awaitData(client, at(refOf(fresh), target), { a: '1' })
  }
})
