/** `validate`: a version that fails is not distributed, mirrors keep the last good one, deletions go on. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { makeAuthority } from '../control-plane/certificates.ts'
import { awaitAbsent, awaitPresent, eventually } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { refOf } from '../lib/objects.ts'
import type { Ref } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, offer, secretOffer, textsOf, write } from '../lib/offers.ts'
import type { Texts } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo
const authority = makeAuthority('scenario')
const HOUR_MS = 3_600_000

function pair(validFromMs = -HOUR_MS, validForMs = 2 * HOUR_MS): { 'tls.crt': string; 'tls.key': string } {
  const notBefore = new Date(Date.now() + validFromMs)
  const notAfter = new Date(notBefore.getTime() + validForMs)
  const { certificatePem, keyPem } = authority.issue({ commonName: 'scenario', notBefore, notAfter })
  return { 'tls.crt': certificatePem, 'tls.key': keyPem }
}

const GOOD_PAIR = pair()
const DOCKER = '{"auths":{"registry.example.com":{"auth":"dXNlcjpwYXNz"}}}'

interface Case {
  readonly validate: string
  readonly good: Texts
  /** Each is told with its validator and reason. */
  readonly bad: readonly { readonly data: Texts; readonly told: RegExp }[]
}

const CASES: readonly Case[] = [
  {
    validate: 'tls',
    good: GOOD_PAIR,
    bad: [
      {
        data: { ...GOOD_PAIR, 'tls.key': pair()['tls.key'] },
        told: /validator tls: tls\.key does not belong/,
      },
      { data: pair(-2 * HOUR_MS, HOUR_MS), told: /validator tls: the certificate is out of date/ },
      { data: pair(HOUR_MS), told: /validator tls: the certificate is not valid yet/ },
      { data: { ...GOOD_PAIR, 'tls.crt': 'no certificate' }, told: /validator tls: tls\.crt does not hold/ },
      { data: { ...GOOD_PAIR, 'tls.key': 'no key' }, told: /validator tls: tls\.key does not hold/ },
    ],
  },
  {
    validate: 'dockerconfigjson',
    good: { '.dockerconfigjson': DOCKER },
    bad: [
      { data: { '.dockerconfigjson': '{"auths":[]}' }, told: /validator dockerconfigjson: .* with auths/ },
      { data: { '.dockerconfigjson': `${DOCKER}}` }, told: /validator dockerconfigjson: / },
      { data: { '.dockerconfigjson': '{"auths":{"a":1}}' }, told: /validator dockerconfigjson: an entry/ },
    ],
  },
  {
    validate: 'keys=user|password',
    good: { user: 'me', password: 'spring' },
    bad: [{ data: { user: 'me' }, told: /validator keys: a key is missing/ }],
  },
  {
    validate: 'json=config.json',
    good: { 'config.json': '{"a":[1]}' },
    bad: [{ data: { 'config.json': '{"a":' }, told: /validator json: / }],
  },
  {
    validate: 'pem=ca.crt',
    good: { 'ca.crt': authority.certificatePem },
    bad: [{ data: { 'ca.crt': '-----BEGIN CERTIFICATE-----' }, told: /validator pem: / }],
  },
  {
    validate: ' keys=a, json=a ',
    good: { a: '{}' },
    bad: [{ data: { a: 'no json' }, told: /validator json: / }],
  },
]

for (const { validate, good, bad } of CASES) {
  test(`validate «${validate}»: what fails is told and stays at home, and what passes later is distributed`, async () => {
    const [home, target, later] = await stage.namespaces('validate-home', 'validate-target', 'validate-later')
    const [first] = bad
    const annotations = { 'reflect-to': target, validate }
    const origin = await client.create(secretOffer(home, 'checked', annotations, first?.data))
    const mirror = mirrorIn(target, origin)
    await awaitEvent(client, refOf(origin), 'ValidationFailed')
    assert.equal(await client.find(mirror), null)
    await rewrite(refOf(origin), good)
    await awaitData(client, mirror, good)
    for (const { data, told } of bad) {
      await rewrite(refOf(origin), data)
      await awaitEvent(client, refOf(origin), 'ValidationFailed', ({ message }) => told.test(message))
      await annotate(client, refOf(origin), { 'reflect-to': `${target}, ${later}` })
      await solo.settled()
      assert.deepEqual(textsOf({ ...(await client.get(mirror)), kind: 'Secret' }), { ...good })
      assert.equal(await client.find(mirrorIn(later, origin)), null)
      await annotate(client, refOf(origin), { 'reflect-to': target })
    }
    await rewrite(refOf(origin), { ...good, more: 'data' })
    await awaitData(client, mirror, { ...good, more: 'data' })
  })
}

test('while a version fails, an edited mirror is not put back, and the rest of the cluster goes on', async () => {
  const [home, target] = await stage.namespaces('edited-home', 'edited-target')
  const origin = await client.create(
    offer(home, 'checked', { 'reflect-to': target, validate: 'json=a' }, { a: '{}' }),
  )
  const mirror = mirrorIn(target, origin)
  await awaitData(client, mirror, { a: '{}' })
  await write(client, refOf(origin), { a: 'broken' })
  await awaitEvent(client, refOf(origin), 'ValidationFailed')
  await write(client, mirror, { a: 'tampered' })
  await client.create(offer(home, 'other', { 'reflect-to': target }))
  await awaitData(client, { ...mirror, name: 'other' }, { a: '1' })
  await solo.settled()
  assert.deepEqual((await client.get(mirror)).data, { a: 'tampered' })
  await write(client, refOf(origin), { a: '[]' })
  await awaitData(client, mirror, { a: '[]' })
})

test('while a version fails, narrowing and deletion take mirrors away as ever', async () => {
  const [home, kept, dropped] = await stage.namespaces('ending-home', 'ending-kept', 'ending-dropped')
  const annotations = { 'reflect-to': 'ending-kept*, ending-dropped*', validate: 'keys=a' }
  const origin = await client.create(offer(home, 'checked', annotations))
  await awaitPresent(client, mirrorIn(kept, origin))
  await awaitPresent(client, mirrorIn(dropped, origin))
  await write(client, refOf(origin), { a: null, b: '2' })
  await awaitEvent(client, refOf(origin), 'ValidationFailed')
  await annotate(client, refOf(origin), { 'reflect-to': kept })
  await awaitAbsent(client, mirrorIn(dropped, origin))
  assert.deepEqual((await client.get(mirrorIn(kept, origin))).data, { a: '1' })
  await client.remove(refOf(origin))
  await awaitAbsent(client, mirrorIn(kept, origin))
})

test('validation that is taken away lets the version through; what is validated is the origin, not the selection', async () => {
  const [home, target] = await stage.namespaces('lifted-home', 'lifted-target')
  const annotations = { 'reflect-to': target, validate: 'keys=a|b', keys: 'a' }
  const origin = await client.create(offer(home, 'checked', annotations, { a: '1', b: '2' }))
  await awaitData(client, mirrorIn(target, origin), { a: '1' })
  await write(client, refOf(origin), { a: '3', b: null })
  await awaitEvent(client, refOf(origin), 'ValidationFailed')
  await annotate(client, refOf(origin), { validate: null })
  await awaitData(client, mirrorIn(target, origin), { a: '3' })
})

test('a failing version is still held back after a restart', async () => {
  const [home, target] = await stage.namespaces('restart-home', 'restart-target')
  const origin = await client.create(offer(home, 'checked', { 'reflect-to': target, validate: 'keys=a' }))
  const mirror = mirrorIn(target, origin)
  const before = await awaitPresent(client, mirror)
  await write(client, refOf(origin), { a: null, b: '2' })
  await awaitEvent(client, refOf(origin), 'ValidationFailed')
  await solo.restart()
  await solo.settled()
  assert.equal((await client.get(mirror)).metadata.resourceVersion, before.metadata.resourceVersion)
})

test('a certificate that goes out of date in place changes nothing, not even for a namespace that comes later', async () => {
  const [home, target] = await stage.namespaces('expiry-home', 'expiry-target')
  const expiring = pair(-1_000, 4_000)
  const endsAtMs = Date.now() + 3_000
  const annotations = { 'reflect-to': 'expiry-target*, expiry-later*', validate: 'tls' }
  const origin = await client.create(secretOffer(home, 'checked', annotations, expiring))
  const mirror = mirrorIn(target, origin)
  const before = await awaitData(client, mirror, expiring)
  await eventually(() => (Date.now() > endsAtMs + 1_000 ? true : null), {
    what: 'the certificate is out of date',
  })
  await solo.restart()
  await write(client, mirror, { 'tls.crt': 'tampered' })
  const after = await awaitData(client, mirror, expiring)
  assert.equal(after.metadata.uid, before.metadata.uid)
  const later = await stage.namespace('expiry-later')
  await awaitData(client, mirrorIn(later, origin), expiring)
  await write(client, refOf(origin), { more: 'data' })
  await awaitEvent(client, refOf(origin), 'ValidationFailed', ({ message }) => /out of date/.test(message))
  await solo.settled()
  assert.deepEqual(textsOf({ ...(await client.get(mirror)), kind: 'Secret' }), expiring)
})

/** Replaces all data of a Secret. */
async function rewrite(ref: Ref, data: Texts): Promise<void> {
  const now = await client.get(ref)
  const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])
  await client.replace({ ...now, data: Object.fromEntries(encoded) as Texts })
}
