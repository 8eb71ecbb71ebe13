/** Promise 10: a deletion whose cause nobody saw is confirmed first; what cannot be confirmed keeps. A deletion that was seen waits for the grace. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { at, isMirrorOf } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import type { Ref } from '../lib/objects.ts'
import { annotate, awaitData, offer, secretOffer, write } from '../lib/offers.ts'
import { startProxy } from '../lib/proxy.ts'
import type { Exchange } from '../lib/proxy.ts'
import { openSolo } from '../lib/solo.ts'

const solo = await openSolo()
const { client, stage } = solo
const proxy = await startProxy(stage.plane)
after(() => proxy.close())
const through = { through: proxy }
await solo.start(through)

test('an end that nobody saw is confirmed by one look at the origin before the mirror goes', async () => {
  const { origin, mirrors } = await makeMirrors(2)
  const mark = await solo.mark()
  await unseen(() => client.remove(origin))
  for (const mirror of mirrors) await awaitAbsent(client, mirror)
  const asked = (await solo.asked(mark)).filter(
    ({ namespace, name }) => name === origin.name || namespace === origin.namespace,
  )
  const verbs = asked.map(({ verb, code }) => `${verb} ${code}`)
  assert.deepEqual(verbs.filter((verb) => verb === 'get 404').length, 1, verbs.join(', '))
  assert(verbs.indexOf('get 404') < verbs.indexOf('delete 200'), verbs.join(', '))
})

test('an origin that is read and offers nothing any more ends its mirrors as well', async () => {
  const { origin, mirrors } = await makeMirrors(1)
  const { origin: narrowed, mirrors: left } = await makeMirrors(2)
  await unseen(async () => {
    await annotate(client, origin, { 'reflect-to': null })
    await annotate(client, narrowed, { 'reflect-to': left[1]?.namespace ?? '' })
  })
  for (const mirror of [...mirrors, ...left.slice(0, 1)]) await awaitAbsent(client, mirror)
  await solo.settled()
  assert.notEqual(await client.find(left[1] ?? assert.fail()), null)
})

const STATUS = { kind: 'Status', apiVersion: 'v1', status: 'Failure' }
const ANSWERS: readonly (readonly [what: string, answer: (exchange: Exchange) => void])[] = [
  ['a refusal (403)', (e) => e.answer(403, { ...STATUS, reason: 'Forbidden', code: 403 })],
  ['an error (500)', (e) => e.answer(500, { ...STATUS, reason: 'InternalError', code: 500 })],
  ['unavailability (503)', (e) => e.answer(503, 'no healthy upstream')],
  ['a 404 that does not name the object', (e) => e.answer(404, { ...STATUS, reason: 'NotFound', code: 404 })],
  ['a 404 of a webhook or another server', (e) => e.answer(404, '404 page not found')],
  [
    'a 404 that names something else',
    (e) =>
      e.answer(404, {
        ...STATUS,
        reason: 'NotFound',
        code: 404,
        details: { kind: 'namespaces', name: 'other' },
      }),
  ],
  ['an answer that is cut off', (e) => e.cut()],
]

test('what cannot be confirmed keeps: 403, 5xx, a 404 that does not name the origin, no answer', async () => {
  const cases = await Promise.all(
    ANSWERS.map(async ([what, answer]) => ({ what, answer, ...(await makeMirrors(1)) })),
  )
  const refs = cases.flatMap(({ mirrors }) => mirrors)
  const before = await solo.snapshot(refs)
  const rules = cases.map(({ origin, answer }) => proxy.on({ method: 'GET', path: lookAt(origin) }, answer))
  await unseen(async () => void (await Promise.all(cases.map(({ origin }) => client.remove(origin)))))
  for (const rule of rules) await rule.reached()
  await solo.settled()
  assert.deepEqual(await solo.snapshot(refs), before)
  for (const rule of rules) rule.remove()
  await solo.restart(through)
  for (const ref of refs) await awaitAbsent(client, ref)
})

test('a Namespace that cannot be read keeps what is in it', async () => {
  const { origin, mirrors } = await makeMirrors(1)
  const [mirror] = mirrors
  assert(mirror !== undefined)
  const before = await solo.snapshot(mirrors)
  const rule = proxy.on(
    { method: 'GET', path: new RegExp(`/namespaces/${mirror.namespace ?? ''}(\\?|$)`) },
    (e) => e.answer(403, { ...STATUS, reason: 'Forbidden', code: 403 }),
  )
  await unseen(() => client.remove(origin))
  await rule.reached()
  await solo.settled()
  assert.deepEqual(await solo.snapshot(mirrors), before)
  rule.remove()
  await solo.restart(through)
  await awaitAbsent(client, mirror)
})

test('a setting that takes origins or kinds out of scope deletes nothing; one that takes targets out does', async () => {
  const { origin, mirrors } = await makeMirrors(1)
  const { origin: secret, mirrors: secrets } = await makeMirrors(1, secretOffer)
  const all = [...mirrors, ...secrets]
  const before = await solo.snapshot(all)
  await solo.restart({ ...through, environment: { HELIOGRAPH_ORIGIN_NAMESPACES: '*, !out-*, !home-*' } })
  await write(client, origin, { a: 'second' })
  await client.remove(secret)
  await solo.settled()
  assert.deepEqual(await solo.snapshot(all), before, 'origins out of scope')
  await solo.restart({ ...through, environment: { HELIOGRAPH_KINDS: 'ConfigMap' } })
  await awaitData(client, mirrors[0] ?? assert.fail(), { a: 'second' })
  assert.deepEqual(await solo.snapshot(secrets), before.slice(1), 'kinds out of scope')
  await solo.restart({ ...through, environment: { HELIOGRAPH_TARGET_NAMESPACES: '*, !target-*' } })
  for (const ref of all) await awaitAbsent(client, ref)
  await solo.restart(through)
  await awaitPresent(client, mirrors[0] ?? assert.fail())
})

test('a deletion that is seen waits for the grace; narrowing and refusal do not', async () => {
  await solo.restart({ ...through, environment: { HELIOGRAPH_DELETION_GRACE: '2s' } })
  const { origin, mirrors } = await makeMirrors(1)
  const { origin: narrowed, mirrors: left } = await makeMirrors(1)
  const removedAt = performance.now()
  await client.remove(origin)
  await annotate(client, narrowed, { 'reflect-to': '' })
  for (const mirror of left) await awaitAbsent(client, mirror)
  await solo.settled()
  const there = await client.find(mirrors[0] ?? assert.fail())
  // Only a machine too slow for the grace makes this moot; it never makes it wrong.
  if (performance.now() - removedAt < 2_000) assert(there !== null && isMirrorOf(there, origin))
  for (const mirror of mirrors) await awaitAbsent(client, mirror)
  assert(performance.now() - removedAt >= 2_000, 'not before the grace is over')
  await solo.restart(through)
})

async function unseen(act: () => Promise<unknown>): Promise<void> {
  await solo.stop()
  await act()
  await solo.start(through)
}

/** The controller's look at one origin; lists and watches have a query that names no object in the path. */
function lookAt({ namespace = '', name }: Ref): RegExp {
  return new RegExp(`/namespaces/${namespace}/configmaps/${name}(\\?|$)`)
}

async function makeMirrors(
  count: number,
  make = offer,
): Promise<{ readonly origin: Ref; readonly mirrors: readonly Ref[] }> {
  const home = await stage.namespace('home')
  const targets: string[] = []
  while (targets.length < count) targets.push(await stage.namespace('target'))
  const made = await client.create(make(home, `shared-${home}`, { 'reflect-to': targets.join(', ') }))
  const origin = refOf(made)
  const mirrors = targets.map((target) => at(origin, target))
  for (const mirror of mirrors) await awaitPresent(client, mirror)
  return { origin, mirrors }
}
