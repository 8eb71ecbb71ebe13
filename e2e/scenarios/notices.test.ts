/** Every notice, seen as a Kubernetes Event on the object that it is about, with what that side may learn and no more. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { NOTICES, NOTICE_CODES } from '../../src/core/notices.ts'
import { makeAuthority } from '../control-plane/certificates.ts'
import { awaitPresent, eventually } from '../lib/await.ts'
import { awaitEvent, eventsAbout, eventsIn } from '../lib/events.ts'
import type { ToldEvent } from '../lib/events.ts'
import { keysOf, leaveKubedCopy, REFLECTOR, REPLICATOR } from '../lib/leftovers.ts'
import { PREFIX, at, ours } from '../lib/marks.ts'
import { configMap, refOf, secret } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { awaitData, mirrorIn, offer, secretOffer, write } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo({ settings: { bytesPerOriginMax: '1Mi' } })
const { client, stage } = solo

/** Stands in the data of every object here: no Event may hold it, in any form. */
const PLANTED = 'planted-in-data'
const DATA = { a: PLANTED }
/** Told in other files: they need a restart, a namespace full of origins, or a peer. */
const ELSEWHERE = [
  'ClusterPropertyChanged',
  'DeletionsHeld',
  'DigestKeyMalformed',
  'IdentityChanged',
  'NamespaceCreated',
  'NamespaceLimitReached',
  'PeerRefused',
  'PeerRemoved',
  'PeerRightsMissing',
  'PeerTokenNotRenewed',
  'PeerUnreachable',
]

const expiring = await offerExpiring()

test('OriginHeld, OriginTypeRefused, OriginSelectionEmpty and ValidationFailed tell an origin’s owner what is wrong', async () => {
  const [home, target] = await stage.namespaces('origin-home', 'target-of-origin')
  const to = { 'reflect-to': target }
  const held = await client.create(offer(home, 'held', { ...to, immutable: 'x' }, DATA))
  const refused = await client.create({
    ...secretOffer(home, 'refused', to, DATA),
    type: 'bootstrap.kubernetes.io/token',
  })
  const empty = await client.create(offer(home, 'empty', { ...to, keys: 'b' }, DATA))
  const invalid = await client.create(offer(home, 'invalid', { ...to, validate: 'json=a' }, DATA))
  assert.match(
    (await told(held, 'OriginHeld')).message,
    /^Annotation heliograph\.dev\/immutable: must be exactly/,
  )
  assert.match((await told(refused, 'OriginTypeRefused')).message, /^Secrets of this type are never mirrored/)
  assert.match(
    (await told(empty, 'OriginSelectionEmpty')).message,
    /^Annotation heliograph\.dev\/keys: no key is left/,
  )
  assert.match((await told(invalid, 'ValidationFailed')).message, /validator json: /)
})

test('AnnotationUnknown tells of a misspelt key, on an origin and on what was meant to be one', async () => {
  const [home, target] = await stage.namespaces('misspelt-home', 'target-of-misspelt')
  const origin = await client.create(offer(home, 'origin', { 'reflect-to': target, caary: '*' }, DATA))
  const nearly = await client.create(offer(home, 'nearly', { reflectto: target }, DATA))
  assert.match((await told(origin, 'AnnotationUnknown')).message, /heliograph\.dev\/caary means nothing/)
  assert.match((await told(nearly, 'AnnotationUnknown')).message, /heliograph\.dev\/reflectto means nothing/)
})

test('AnnotationIgnored tells of a boolean of another tool that is none, and of claims and requests that another dialect passes over', async () => {
  const [home, target] = await stage.namespaces('ignored-home', 'target-of-ignored')
  const revoked = await client.create(
    configMap(home, 'revoked', DATA, keysOf(REFLECTOR, { 'reflection-allowed': 'no' })),
  )
  const both = await client.create(
    configMap(home, 'both', DATA, {
      ...ours({ 'reflect-to': target }),
      ...keysOf(REPLICATOR, { 'replicate-to': '(' }),
    }),
  )
  const { message } = await told(revoked, 'AnnotationIgnored')
  assert.ok(message.startsWith(`Annotation ${REFLECTOR}reflection-allowed: not a boolean`), message)
  const passedOver = (await told(both, 'AnnotationIgnored')).message
  assert.ok(passedOver.startsWith(`Annotation ${REPLICATOR}replicate-to: the keys of replicator`), passedOver)
  await awaitData(client, mirrorIn(target, both), DATA)
  const asking = await client.create(
    configMap(target, 'asking', DATA, {
      ...ours({ 'reflect-from': `${home}/absent` }),
      ...keysOf(REFLECTOR, { reflects: `${home}/both` }),
    }),
  )
  const request = (await told(asking, 'AnnotationIgnored')).message
  assert.ok(request.startsWith(`Annotation ${REFLECTOR}reflects: the keys of reflector`), request)
})

test('CopyLeft tells whoever owns a copy of another tool that nobody claims', async () => {
  const [home, target] = await stage.namespaces('left-home', 'target-of-left')
  const origin = await client.create(configMap(home, 'settings', DATA))
  const copy = await leaveKubedCopy(client, origin, target)
  assert.match((await told(copy, 'CopyLeft')).message, /^This copy was made by kubed, and no origin/)
})

test('LimitReached tells the number of targets beyond a limit', async () => {
  const home = await stage.namespace('limit-home')
  await stage.namespaces('target-of-limit', 'target-of-limit', 'target-of-limit')
  const bulky = { ...DATA, bulk: 'x'.repeat(600 * 1_024) }
  const origin = await client.create(secretOffer(home, 'bulky', { 'reflect-to': 'target-of-limit*' }, bulky))
  assert.match((await told(origin, 'LimitReached')).message, /^Targets that are refused: 2\./)
})

test('TargetsUnmatched tells an origin that no peer takes it', async () => {
  const home = await stage.namespace('unmatched-home')
  const origin = await client.create(offer(home, 'settings', { targets: 'prod-*' }, DATA))
  const { message } = await told(origin, 'TargetsUnmatched')
  assert.ok(message.startsWith(`Annotation ${PREFIX}targets names no peer that takes this origin.`), message)
})

test('MirrorBlocked tells whoever owns the object in the way; TargetsBlocked tells the origin a number', async () => {
  const [home, target] = await stage.namespaces('blocked-home', 'target-of-blocked')
  const foreign = await client.create(configMap(target, 'settings', DATA))
  const origin = await client.create(offer(home, 'settings', { 'reflect-to': target }, DATA))
  const { message } = await told(foreign, 'MirrorBlocked')
  assert.ok(message.startsWith(`Origin ${home}/settings wants`), message)
  assert.ok(message.includes(`${PREFIX}adopt: ${home}/settings`), message)
  assert.match((await told(origin, 'TargetsBlocked')).message, /^Targets that cannot be written now: 1\./)
})

test('MirrorRefused tells a Namespace why nothing can be made there', async () => {
  const [home, target] = await stage.namespaces('refused-home', 'target-of-refused')
  await fillQuota(target)
  const origin = await client.create(offer(home, 'settings', { 'reflect-to': target }, DATA))
  const { message } = await told({ kind: 'Namespace', name: target }, 'MirrorRefused')
  assert.ok(message.startsWith(`A mirror of ${home}/settings cannot be written here: the quota`), message)
  await told(origin, 'TargetsBlocked')
})

test('MirrorReplaced and OriginReplaced tell of a replacement, ReplacementRefused of one that cannot be', async () => {
  const [home, target] = await stage.namespaces('replaced-home', 'target-of-replaced')
  const origin = await client.create(
    offer(home, 'settings', { 'reflect-to': target, immutable: 'true' }, DATA),
  )
  const mirror = mirrorIn(target, origin)
  await awaitData(client, mirror, DATA)
  await write(client, refOf(origin), { b: '2' })
  assert.match(
    (await told(mirror, 'MirrorReplaced')).message,
    new RegExp(`^This mirror of ${home}/settings was deleted`),
  )
  assert.match(
    (await told(origin, 'OriginReplaced')).message,
    /^Mirrors that were deleted and created again: 1\./,
  )
  await awaitData(client, mirror, { ...DATA, b: '2' })
  await fillQuota(target)
  await write(client, refOf(origin), { b: '3' })
  assert.match((await told(mirror, 'ReplacementRefused')).message, /would be refused here \(the quota/)
})

test('MirrorUnowned tells of a mirror whose marks and content prove nothing any more', async () => {
  const [home, target] = await stage.namespaces('unowned-home', 'target-of-unowned')
  const origin = await client.create(offer(home, 'settings', { 'reflect-to': target }, DATA))
  const mirror = mirrorIn(target, origin)
  await awaitPresent(client, mirror)
  await client.patch(mirror, { metadata: { labels: { [`${PREFIX}mirror`]: null } }, data: { a: 'tampered' } })
  await told(mirror, 'MirrorUnowned')
})

test('MirrorReleased and OriginReleased tell both sides that the target’s owner declares the object as his own', async () => {
  const [home, target] = await stage.namespaces('released-home', 'target-of-released')
  const origin = await client.create(offer(home, 'settings', { 'reflect-to': target }, DATA))
  const mirror = mirrorIn(target, origin)
  await awaitPresent(client, mirror)
  await client.apply({ apiVersion: 'v1', ...toObject(mirror), data: { a: PLANTED } }, 'their-tool')
  assert.match(
    (await told(mirror, 'MirrorReleased')).message,
    new RegExp(`no mirror of ${home}/settings any more`),
  )
  assert.match((await told(origin, 'OriginReleased')).message, /^Mirrors that were released: 1\./)
})

test('MirrorContested names the writer that changes a mirror again and again', async () => {
  const [home, target] = await stage.namespaces('contested-home', 'target-of-contested')
  const origin = await client.create(offer(home, 'settings', { 'reflect-to': target }, DATA))
  const mirror = mirrorIn(target, origin)
  for (let round = 0; round < 6; round += 1) {
    await awaitData(client, mirror, DATA)
    await write(client, mirror, { a: `tampered ${round}` })
  }
  assert.match((await told(mirror, 'MirrorContested')).message, /changed again and again by heliograph-test/)
})

test('ClaimLost tells the loser a number, and not who holds what where', async () => {
  const [first, second, target] = await stage.namespaces('lost-first', 'lost-second', 'target-of-lost')
  const holder = await client.create(offer(first, 'shared', { 'reflect-to': target }, DATA))
  await awaitPresent(client, mirrorIn(target, holder))
  const loser = await client.create(offer(second, 'shared', { 'reflect-to': target }, DATA))
  const { message } = await told(loser, 'ClaimLost')
  assert.match(message, /^Targets that are held by another origin .*: 1\./)
  assert.ok(!message.includes(first), message)
})

test('PullUnavailable, PullFlawed, PullRefused and OffersIgnored tell whoever owns the pulling object', async () => {
  const [home, puller] = await stage.namespaces('pull-home', 'puller')
  await client.create(secretOffer(home, 'pair', { 'allow-pull': puller }, { 'tls.crt': PLANTED }))
  const asking = (name: string, from: string): KubeObject =>
    secretOffer(puller, name, { 'reflect-from': from })
  const unavailable = await client.create(asking('unavailable', `${home}/absent`))
  const flawed = await client.create(asking('flawed', 'absent'))
  const refused = await client.create({
    ...secret(puller, 'refused', { 'tls.crt': '', 'tls.key': '' }, { type: 'kubernetes.io/tls' }),
    metadata: asking('refused', `${home}/pair`).metadata,
  })
  const offering = await client.create(
    secretOffer(puller, 'offering', { 'reflect-from': `${home}/pair`, 'reflect-to': home }),
  )
  assert.match(
    (await told(unavailable, 'PullUnavailable')).message,
    new RegExp(`^Origin ${home}/absent is not available`),
  )
  await told(flawed, 'PullFlawed')
  assert.match(
    (await told(refused, 'PullRefused')).message,
    new RegExp(`^The data of ${home}/pair cannot be written`),
  )
  await told(offering, 'OffersIgnored')
})

test('ConsentMalformed tells a Namespace’s owner, within the Namespace', async () => {
  const target = await stage.namespace('target-of-consent', { annotations: { [`${PREFIX}accept`]: '[' } })
  const { message } = await told({ kind: 'Namespace', name: target }, 'ConsentMalformed')
  assert.match(message, /^Annotation heliograph\.dev\/accept: brackets and braces must be balanced/)
})

test('an origin that changes again and again is told of once', async () => {
  const [home, target] = await stage.namespaces('storm-home', 'target-of-storm')
  const origin = await client.create(offer(home, 'storm', { 'reflect-to': target, keys: '/' }, DATA))
  await told(origin, 'OriginHeld')
  const mark = await solo.mark()
  for (let round = 0; round < 60; round += 1) await write(client, refOf(origin), { round: String(round) })
  await solo.settled()
  const asked = (await solo.asked(mark)).filter(
    ({ resource, namespace }) => resource === 'events' && namespace === home,
  )
  assert.deepEqual(asked, [])
  assert.equal((await eventsAbout(client, refOf(origin))).length, 1)
})

test('forty blocked targets make one Event on each object in the way, and few on the origin', async () => {
  const home = await stage.namespace('many-home')
  const targets = await Promise.all(Array.from({ length: 40 }, () => stage.namespace('target-of-many')))
  await Promise.all(targets.map((each) => client.create(configMap(each, 'settings', DATA))))
  const origin = await client.create(offer(home, 'settings', { 'reflect-to': 'target-of-many*' }, DATA))
  await awaitEvent(client, refOf(origin), 'TargetsBlocked', ({ message }) => message.includes(': 40.'))
  for (const each of targets) await told(at(refOf(origin), each), 'MirrorBlocked')
  const onOrigin = await eventsAbout(client, refOf(origin))
  assert.ok(onOrigin.length <= 3, onOrigin.map(({ message }) => message).join('\n'))
  for (const each of targets) assert.equal((await eventsIn(client, each)).length, 1)
})

test('CertificateExpired tells of a mirrored certificate that went out of date in place', async () => {
  await told(expiring, 'CertificateExpired')
  await awaitPresent(client, mirrorIn('target-of-expiry', expiring))
})

test('every notice was seen, on the side that its table says and with its type', async () => {
  const all = await eventsIn(client)
  const seen = new Set(all.map(({ reason }) => reason))
  assert.deepEqual(NOTICE_CODES.filter((code) => !seen.has(code)).sort(), ELSEWHERE)
  for (const { reason, type, about } of all) {
    const code = NOTICE_CODES.find((each) => each === reason)
    assert.ok(code !== undefined, `an Event ${reason} is not in the table`)
    assert.equal(type, NOTICES[code].type)
    const isOfNamespace = NOTICES[code].about === 'namespace'
    assert.equal(about.kind === 'Namespace', isOfNamespace, reason)
  }
})

test('no Event about an origin names a target, and none holds anything of the data', async () => {
  const all = await eventsIn(client)
  const encoded = Buffer.from(PLANTED).toString('base64').slice(0, -4)
  for (const { reason, message } of all) {
    assert.ok(!message.includes(PLANTED) && !message.includes(encoded), message)
    const code = NOTICE_CODES.find((each) => each === reason)
    if (code !== undefined && NOTICES[code].about === 'origin')
      assert.ok(!message.includes('target-of-'), message)
  }
  assert.ok(!solo.said().join('\n').includes(PLANTED))
})

async function told(about: KubeObject | Ref, code: string): Promise<ToldEvent> {
  return await awaitEvent(client, 'metadata' in about ? refOf(about) : about, code)
}

function toObject({ kind, namespace = '', name }: Ref): Pick<KubeObject, 'kind' | 'metadata'> {
  return { kind, metadata: { namespace, name } }
}

/** A TLS pair that goes out of date soon after it was mirrored. The controller looks for such every ten seconds. */
async function offerExpiring(): Promise<KubeObject> {
  const home = await stage.namespace('expiry-home')
  await client.createNamespace('target-of-expiry')
  const { certificatePem, keyPem } = makeAuthority('scenario').issue({
    commonName: 'expiring',
    notAfter: new Date(Date.now() + 3_000),
  })
  const annotations = { 'reflect-to': 'target-of-expiry', validate: 'tls' }
  const pair = { 'tls.crt': certificatePem, 'tls.key': keyPem }
  const origin = await client.create(secretOffer(home, 'pair', annotations, pair))
  await awaitData(client, mirrorIn('target-of-expiry', origin), pair)
  return origin
}

/** Lets no ConfigMap more into `namespace`, and waits until admission knows. */
async function fillQuota(namespace: string): Promise<void> {
  const spec = { hard: { 'count/configmaps': '0' } }
  await client.create({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { namespace, name: 'full' },
    spec,
  })
  const path = `/api/v1/namespaces/${namespace}/configmaps?dryRun=All`
  const isFull = async (): Promise<true | null> =>
    (await client.request('POST', path, { body: configMap(namespace, 'probe', {}) })).status === 403
      ? true
      : null
  await eventually(isFull, { what: `the quota of ${namespace} has taken effect` })
}
