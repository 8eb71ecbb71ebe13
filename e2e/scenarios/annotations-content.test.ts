/** What a mirror holds: `keys`, `type`, `carry`, `labels`, `annotations`, `immutable`. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { PREFIX, marksOn } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, offer, secretOffer, write } from '../lib/offers.ts'
import type { Texts } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo

const DATA: Texts = { 'tls.crt': 'certificate', 'tls.key': 'key', 'ca.crt': 'authority' }

/** Key lists and what they leave of {@link DATA}. */
const SELECTIONS: readonly (readonly [keys: string, left: Texts])[] = [
  ['tls.crt', { 'tls.crt': 'certificate' }],
  ['tls.crt, ca.crt=ca.pem, !tls.key', { 'tls.crt': 'certificate', 'ca.pem': 'authority' }],
  ['!tls.key', { 'tls.crt': 'certificate', 'ca.crt': 'authority' }],
  ['tls.crt,absent', { 'tls.crt': 'certificate' }],
  ['tls.crt=tls.key, tls.key=tls.crt', { 'tls.key': 'certificate', 'tls.crt': 'key' }],
  ['tls.crt, tls.key, !tls.key', { 'tls.crt': 'certificate' }],
  ['tls.crt=x, absent=x', { x: 'certificate' }],
  [' , tls.crt ,, ', { 'tls.crt': 'certificate' }],
]

test('keys selects, renames and leaves out, by exact names', async () => {
  const [home, target] = await stage.namespaces('keys-home', 'keys-target')
  const origin = await client.create(secretOffer(home, 'pair', { 'reflect-to': target }, DATA))
  const mirror = mirrorIn(target, origin)
  await awaitData(client, mirror, DATA)
  for (const [keys, left] of SELECTIONS) {
    await annotate(client, refOf(origin), { keys })
    await awaitData(client, mirror, left)
  }
  await annotate(client, refOf(origin), { keys: null })
  await awaitData(client, mirror, DATA)
})

test('a key that arrives in the origin arrives in the mirror if it is selected, and one that leaves leaves', async () => {
  const [home, target] = await stage.namespaces('arriving-home', 'arriving-target')
  const origin = await client.create(
    offer(home, 'settings', { 'reflect-to': target, keys: 'a, b' }, { a: '1' }),
  )
  const mirror = mirrorIn(target, origin)
  await awaitData(client, mirror, { a: '1' })
  await write(client, refOf(origin), { b: '2', c: '3' })
  await awaitData(client, mirror, { a: '1', b: '2' })
  await write(client, refOf(origin), { a: null })
  await awaitData(client, mirror, { b: '2' })
})

/** Key lists that {@link DATA} turns into nothing to mirror. */
const EMPTY_SELECTIONS = ['absent', '!tls.crt,!tls.key,!ca.crt', '', 'tls.crt=x, tls.key=x']

test('a selection that leaves nothing, or two sources for one key, holds the origin and tells it so', async () => {
  const [home, target, later] = await stage.namespaces('empty-home', 'empty-target', 'empty-later')
  const origin = await client.create(secretOffer(home, 'pair', { 'reflect-to': target }, DATA))
  const mirror = mirrorIn(target, origin)
  const before = await awaitData(client, mirror, DATA)
  for (const keys of EMPTY_SELECTIONS) {
    await annotate(client, refOf(origin), { keys, 'reflect-to': `${target}, ${later}` })
    await write(client, refOf(origin), { 'ca.crt': `with ${keys}` })
    await solo.settled()
    const after = await client.get(mirror)
    assert.equal(after.metadata.resourceVersion, before.metadata.resourceVersion, `keys «${keys}»`)
    assert.equal(await client.find(mirrorIn(later, origin)), null, `keys «${keys}»`)
  }
  const told = await awaitEvent(client, refOf(origin), 'OriginSelectionEmpty')
  assert.match(told.message, /^Annotation heliograph\.dev\/keys: /)
  await annotate(client, refOf(origin), { keys: 'ca.crt' })
  await awaitData(client, mirror, { 'ca.crt': `with ${EMPTY_SELECTIONS.at(-1) ?? ''}` })
  await awaitPresent(client, mirrorIn(later, origin))
})

test('an origin whose selection is empty lets its mirrors go when it goes itself', async () => {
  const [home, target] = await stage.namespaces('gone-home', 'gone-target')
  const origin = await client.create(secretOffer(home, 'pair', { 'reflect-to': target }, DATA))
  await awaitData(client, mirrorIn(target, origin), DATA)
  await annotate(client, refOf(origin), { keys: 'absent' })
  await awaitEvent(client, refOf(origin), 'OriginSelectionEmpty')
  await client.remove(refOf(origin))
  await awaitAbsent(client, mirrorIn(target, origin))
})

test('a mirror has the origin’s type, or the one that `type` says, and another type replaces it', async () => {
  const [home, target] = await stage.namespaces('type-home', 'type-target')
  const data = { username: 'user', password: 'spring' }
  const login = 'kubernetes.io/basic-auth'
  const origin = await client.create({
    ...secretOffer(home, 'login', { 'reflect-to': target }, data),
    type: login,
  })
  const mirror = mirrorIn(target, origin)
  const first = await awaitData(client, mirror, data)
  assert.equal(first.type, login)
  await annotate(client, refOf(origin), { type: 'example.com/login' })
  const second = await awaitPresent(client, mirror, ({ type }) => type === 'example.com/login')
  assert.notEqual(second.metadata.uid, first.metadata.uid)
  await annotate(client, refOf(origin), { type: null })
  const third = await awaitPresent(client, mirror, ({ type }) => type === login)
  assert.notEqual(third.metadata.uid, second.metadata.uid)
  await awaitEvent(client, mirror, 'MirrorReplaced')
  await awaitEvent(client, refOf(origin), 'OriginReplaced')
})

test('an origin that is made again with another type has its mirrors replaced', async () => {
  const [home, target] = await stage.namespaces('retyped-home', 'retyped-target')
  const origin = await client.create(secretOffer(home, 'pass', { 'reflect-to': target }))
  await awaitPresent(client, mirrorIn(target, origin), ({ type }) => type === 'Opaque')
  await client.remove(refOf(origin))
  await client.create({
    ...secretOffer(home, 'pass', { 'reflect-to': target }, { a: '2' }),
    type: 'example.com/other',
  })
  await awaitPresent(client, mirrorIn(target, origin), ({ type }) => type === 'example.com/other')
})

test('carry copies the labels and annotations that it matches, follows them, and touches no others', async () => {
  const [home, target] = await stage.namespaces('carry-home', 'carry-target')
  const offered = offer(home, 'settings', {
    'reflect-to': target,
    carry: 'example.com/*, team, !example.com/private',
  })
  const origin = await client.create({
    ...offered,
    metadata: {
      ...offered.metadata,
      labels: { team: 'a', other: 'x', 'example.com/tier': 'front' },
      annotations: {
        ...offered.metadata.annotations,
        'example.com/contact': 'me',
        'example.com/private': 'p',
      },
    },
  })
  const mirror = mirrorIn(target, origin)
  const first = await awaitPresent(client, mirror)
  assert.deepEqual(foreign(first.metadata.labels), { team: 'a', 'example.com/tier': 'front' })
  assert.deepEqual(foreign(first.metadata.annotations), { 'example.com/contact': 'me' })
  assert.equal(
    marksOn(first)['carried'],
    'annotations/example.com/contact,labels/example.com/tier,labels/team',
  )
  await client.patch(mirror, { metadata: { labels: { theirs: 'kept' } } })
  await client.patch(refOf(origin), { metadata: { labels: { team: 'b', 'example.com/tier': null } } })
  const second = await awaitPresent(client, mirror, ({ metadata }) => metadata.labels?.['team'] === 'b')
  assert.deepEqual(foreign(second.metadata.labels), { team: 'b', theirs: 'kept' })
  await annotate(client, refOf(origin), { carry: null })
  const third = await awaitPresent(client, mirror, ({ metadata }) => metadata.labels?.['team'] === undefined)
  assert.deepEqual(foreign(third.metadata.labels), { theirs: 'kept' })
  assert.deepEqual(foreign(third.metadata.annotations), {})
})

test('fixed labels and annotations stand on each mirror, win over carried ones, and are put back', async () => {
  const [home, target] = await stage.namespaces('fixed-home', 'fixed-target')
  const offered = offer(home, 'settings', {
    'reflect-to': target,
    carry: 'team',
    labels: '{"team":"fixed","plain":""}',
    annotations: '{"example.com/Contact":"any text: {}, 1 < 2"}',
  })
  const origin = await client.create({
    ...offered,
    metadata: { ...offered.metadata, labels: { team: 'carried' } },
  })
  const mirror = mirrorIn(target, origin)
  const first = await awaitPresent(client, mirror)
  assert.deepEqual(foreign(first.metadata.labels), { team: 'fixed', plain: '' })
  assert.deepEqual(foreign(first.metadata.annotations), { 'example.com/Contact': 'any text: {}, 1 < 2' })
  await client.patch(mirror, { metadata: { labels: { team: 'tampered', plain: null } } })
  await awaitPresent(
    client,
    mirror,
    ({ metadata }) => metadata.labels?.['team'] === 'fixed' && metadata.labels['plain'] === '',
    { what: 'has its fixed labels back' },
  )
  await annotate(client, refOf(origin), { labels: null })
  await awaitPresent(client, mirror, ({ metadata }) => metadata.labels?.['team'] === 'carried')
})

test('an immutable mirror is replaced when the data changes, and both sides are told', async () => {
  const [home, target] = await stage.namespaces('immutable-home', 'immutable-target')
  const origin = await client.create(secretOffer(home, 'pass', { 'reflect-to': target, immutable: 'true' }))
  const mirror = mirrorIn(target, origin)
  const first = await awaitData(client, mirror, { a: '1' })
  assert.equal(first.immutable, true)
  await write(client, refOf(origin), { a: '2' })
  const second = await awaitData(client, mirror, { a: '2' })
  assert.equal(second.immutable, true)
  assert.notEqual(second.metadata.uid, first.metadata.uid)
  await awaitEvent(client, mirror, 'MirrorReplaced')
  await awaitEvent(client, refOf(origin), 'OriginReplaced', ({ message }) => message.includes(': 1.'))
  await annotate(client, refOf(origin), { immutable: 'false' })
  const third = await awaitPresent(client, mirror, ({ immutable }) => immutable !== true)
  assert.notEqual(third.metadata.uid, second.metadata.uid)
})

test('a mirror that becomes immutable does so in place, and a change of its marks needs no replacement', async () => {
  const [home, target] = await stage.namespaces('freezing-home', 'freezing-target')
  const origin = await client.create(offer(home, 'settings', { 'reflect-to': target }))
  const mirror = mirrorIn(target, origin)
  const first = await awaitPresent(client, mirror)
  await annotate(client, refOf(origin), { immutable: 'true' })
  const second = await awaitPresent(client, mirror, ({ immutable }) => immutable === true)
  assert.equal(second.metadata.uid, first.metadata.uid)
  await annotate(client, refOf(origin), { 'on-delete': 'retain' })
  const third = await awaitPresent(client, mirror, (each) => marksOn(each)['on-delete'] === 'retain')
  assert.equal(third.metadata.uid, first.metadata.uid)
})

test('an immutable origin has mutable mirrors, which follow when it is made again', async () => {
  const [home, target] = await stage.namespaces('frozen-home', 'frozen-target')
  const offered = secretOffer(home, 'pass', { 'reflect-to': target })
  const origin = await client.create({ ...offered, immutable: true })
  const mirror = mirrorIn(target, origin)
  const first = await awaitData(client, mirror, { a: '1' })
  assert.notEqual(first.immutable, true)
  await client.remove(refOf(origin))
  await client.create({ ...secretOffer(home, 'pass', { 'reflect-to': target }, { a: '2' }), immutable: true })
  await awaitData(client, mirror, { a: '2' })
})

/** All but our own. */
function foreign(texts: KubeObject['metadata']['labels']): Texts {
  return Object.fromEntries(Object.entries(texts ?? {}).filter(([key]) => !key.startsWith(PREFIX)))
}
