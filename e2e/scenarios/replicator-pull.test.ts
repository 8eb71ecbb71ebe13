/** Objects that ask in replicator's words, by `replicate-from`, who may be filled so, and what they keep when that ends. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitPresent } from '../lib/await.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { marksOn } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, write } from '../lib/offers.ts'
import type { Texts } from '../lib/offers.ts'
import { asking, dataOf, dressed, replicated, replicatedMap, said, tell } from '../lib/replicator.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo

/** Who may ask for the origin. */
function allow(namespaces: string): Texts {
  return { 'replication-allowed': 'true', 'replication-allowed-namespaces': namespaces }
}

test('asking needs replication-allowed and the list, for Secrets and ConfigMaps alike', async () => {
  const [home, target] = await stage.namespaces('gate-home', 'gate-target')
  const denials: readonly Texts[] = [
    { 'replication-allowed': 'true' },
    { 'replication-allowed-namespaces': target },
    { 'replication-allowed': 'true', 'replication-allowed-namespaces': '' },
    { 'replication-allowed': 'false', 'replication-allowed-namespaces': target },
    { 'replication-allowed': 'true', 'replication-allowed-namespaces': `${target}x` },
    { 'replicate-to': 'elsewhere' },
    {},
  ]
  for (const make of [replicated, replicatedMap]) {
    for (const [index, keys] of denials.entries()) {
      const origin = await client.create(make(home, `denied-${index}`, keys))
      const own = await client.create(asking(`${target}/denied-${index}`, origin))
      await awaitEvent(client, refOf(own), 'PullUnavailable')
      assert.deepEqual(await dataOf(client, refOf(own)), { own: 'x' }, JSON.stringify(keys))
    }
    for (const [index, yes] of ['1', 't', 'T', 'TRUE', 'true', 'True'].entries()) {
      const keys = { ...allow('gate-target-.*'), 'replication-allowed': yes }
      const origin = await client.create(make(home, `allowed-${index}`, keys))
      const own = await client.create(asking(`${target}/mine-${index}`, origin))
      await awaitData(client, refOf(own), { own: 'x', a: '1' })
    }
  }
})

test('a boolean that cannot be parsed denies, and is told', async () => {
  const [home, target] = await stage.namespaces('boolean-home', 'boolean-target')
  for (const [index, text] of ['yes', 'tRuE', 'on', '', ' true'].entries()) {
    const keys = { ...allow(target), 'replication-allowed': text }
    const origin = await client.create(replicated(home, `boolean-${index}`, keys))
    const own = await client.create(asking(`${target}/boolean-${index}`, origin))
    await awaitEvent(client, refOf(own), 'PullUnavailable')
    const told = await awaitEvent(client, refOf(origin), 'AnnotationIgnored')
    assert.match(told.message, /replication-allowed/)
    assert.deepEqual(await dataOf(client, refOf(own)), { own: 'x' })
  }
})

test('the origin’s keys are merged into the owner’s, follow the origin, and go when it loses them', async () => {
  const [home, target] = await stage.namespaces('merge-home', 'merge-target')
  for (const make of [replicated, replicatedMap]) {
    const origin = await client.create(make(home, 'shared', allow(target), { a: '1', b: '2' }))
    const wanted = asking(`${target}/mine`, origin, { own: 'x', a: 'mine' })
    const own = await client.create(dressed(wanted, { labels: { theirs: 'yes' } }))
    const filled = await awaitData(client, refOf(own), { own: 'x', a: '1', b: '2' })
    assert.equal(said(filled, 'replicated-keys'), 'a,b')
    assert.equal(said(filled, 'replicated-from-version'), origin.metadata.resourceVersion)
    assert.deepEqual(filled.metadata.labels, { theirs: 'yes' })
    assert.deepEqual(Object.keys(marksOn(filled)), ['digest', 'pulled-from'])
    await write(client, refOf(origin), { b: null, a: '3', c: '4' })
    const later = await awaitData(client, refOf(own), { own: 'x', a: '3', c: '4' })
    assert.equal(said(later, 'replicated-keys'), 'a,c')
    assert.equal(later.metadata.uid, own.metadata.uid)
  }
})

test('binaryData is merged as data is, and its keys go as well', async () => {
  const [home, target] = await stage.namespaces('binary-home', 'binary-target')
  const bytes = Buffer.from([0, 1, 2]).toString('base64')
  const origin = await client.create(
    dressed(replicatedMap(home, 'bytes', allow(target)), { binaryData: { raw: bytes, more: bytes } }),
  )
  const wanted = dressed(asking(`${target}/mine`, origin), { binaryData: { mine: bytes } })
  const place = refOf(await client.create(wanted))
  const filled = await awaitKeys(place, { data: ['a', 'own'], binary: ['mine', 'more', 'raw'] })
  assert.equal(said(filled, 'replicated-keys'), 'a,more,raw')
  // A key that moves from one map to the other is never in both.
  await client.patch(refOf(origin), { data: { raw: 'text' }, binaryData: { raw: null } })
  await awaitKeys(place, { data: ['a', 'own', 'raw'], binary: ['mine', 'more'] })
  await client.patch(refOf(origin), { binaryData: null })
  await awaitKeys(place, { data: ['a', 'own', 'raw'], binary: ['mine'] })
  await client.remove(refOf(origin))
  await awaitKeys(place, { data: ['own'], binary: ['mine'] })
})

test('an object may ask within the origin’s own namespace, where the list names it', async () => {
  const home = await stage.namespace('within-home')
  const origin = await client.create(replicated(home, 'shared', allow(home)))
  const own = await client.create(asking(`${home}/copy`, origin))
  await awaitData(client, refOf(own), { own: 'x', a: '1' })
  const closed = await client.create(replicated(home, 'closed', allow('elsewhere')))
  const refused = await client.create(asking(`${home}/closed-copy`, closed))
  await awaitEvent(client, refOf(refused), 'PullUnavailable')
  assert.deepEqual(await dataOf(client, refOf(refused)), { own: 'x' })
})

test('an object that asks before its origin is there is filled at once when it comes, or comes to allow', async () => {
  const [home, target] = await stage.namespaces('late-home', 'late-target')
  const offered = replicated(home, 'shared', allow(target))
  const own = await client.create(asking(`${target}/mine`, offered))
  await awaitEvent(client, refOf(own), 'PullUnavailable')
  const origin = await client.create(offered)
  await awaitData(client, refOf(own), { own: 'x', a: '1' })
  const late = await client.create(replicated(home, 'late', {}, { late: 'y' }))
  await tell(client, refOf(own), { 'replicate-from': `${home}/late` })
  await awaitEvent(client, refOf(own), 'PullUnavailable', ({ message }) => message.includes(`${home}/late`))
  await tell(client, refOf(late), allow(target))
  await awaitData(client, refOf(own), { own: 'x', late: 'y' })
  assert.equal((await client.get(refOf(origin))).metadata.resourceVersion, origin.metadata.resourceVersion)
})

test('on one object asking wins over offering, and the offers are told', async () => {
  const [home, target, third] = await stage.namespaces('both-home', 'both-target', 'both-third')
  const origin = await client.create(replicated(home, 'shared', allow(target)))
  const wanted = asking(`${target}/both`, origin)
  const own = await client.create(
    dressed(wanted, {
      annotations: replicated('', '', { 'replicate-to': third }).metadata.annotations ?? {},
    }),
  )
  await awaitData(client, refOf(own), { own: 'x', a: '1' })
  await awaitEvent(client, refOf(own), 'OffersIgnored')
  await solo.settled()
  assert.equal(await client.find(mirrorIn(third, own)), null)
})

test('where a push meets an object that asks, the object stays its owner’s and follows what it asks for', async () => {
  const [home, target] = await stage.namespaces('meet-home', 'meet-target')
  const asked = await client.create(replicated(home, 'asked', allow(target), { asked: 'y' }))
  const own = await client.create(asking(`${target}/pushed`, asked))
  await awaitData(client, refOf(own), { own: 'x', asked: 'y' })
  const pushed = await client.create(replicated(home, 'pushed', { 'replicate-to': target }, { pushed: 'z' }))
  await awaitEvent(client, refOf(pushed), 'TargetsBlocked')
  await solo.settled()
  assert.deepEqual(await dataOf(client, refOf(own)), { own: 'x', asked: 'y' })
  await client.remove(refOf(pushed))
  await solo.settled()
  assert.deepEqual(await dataOf(client, refOf(own)), { own: 'x', asked: 'y' })
})

test('the object’s own type stays; data that breaks its rules is not written, and told', async () => {
  const [home, target] = await stage.namespaces('type-home', 'type-target')
  const origin = await client.create(replicated(home, 'json', allow(target), { '.dockerconfigjson': 'none' }))
  const wanted = asking(`${target}/mine`, origin, { '.dockerconfigjson': '{"auths":{}}' })
  const own = await client.create(dressed(wanted, { type: 'kubernetes.io/dockerconfigjson' }))
  await awaitEvent(client, refOf(own), 'PullRefused')
  const still = await client.get(refOf(own))
  assert.equal(still.metadata.resourceVersion, own.metadata.resourceVersion)
  await write(client, refOf(origin), { '.dockerconfigjson': '{"auths":{"r":{}}}' })
  const after = await awaitData(client, refOf(own), { '.dockerconfigjson': '{"auths":{"r":{}}}' })
  assert.equal(after.type, 'kubernetes.io/dockerconfigjson')
  assert.equal(after.metadata.uid, own.metadata.uid)
})

test('when the origin is seen to go only its keys go, and they come back with it', async () => {
  const [home, target] = await stage.namespaces('gone-home', 'gone-target')
  for (const make of [replicated, replicatedMap]) {
    const offered = make(home, 'shared', allow(target), { a: '1', b: '2' })
    const origin = await client.create(offered)
    const own = await client.create(asking(`${target}/mine`, origin))
    const bare = await client.create(asking(`${target}/bare`, origin, {}))
    for (const each of [own, bare]) await awaitPresent(client, refOf(each), isFilled)
    await client.remove(refOf(origin))
    const left = await awaitData(client, refOf(own), { own: 'x' })
    await awaitData(client, refOf(bare), {})
    assert.equal(said(left, 'replicated-keys'), undefined)
    assert.deepEqual(marksOn(left), {})
    await solo.settled()
    assert.equal((await client.get(refOf(bare))).metadata.uid, bare.metadata.uid, 'never deleted')
    await client.create(offered)
    await awaitData(client, refOf(own), { own: 'x', a: '1', b: '2' })
  }
})

test('where the type forbids it the last data stays when the origin goes', async () => {
  const [home, target] = await stage.namespaces('tls-home', 'tls-target')
  const pair = { 'tls.crt': 'c', 'tls.key': 'k' }
  const offered = dressed(replicated(home, 'pair', allow(target), pair), { type: 'kubernetes.io/tls' })
  const origin = await client.create(offered)
  const empty = { 'tls.crt': '', 'tls.key': '', own: 'x' }
  const wanted = asking(`${target}/mine`, origin, empty)
  const own = await client.create(dressed(wanted, { type: 'kubernetes.io/tls' }))
  await awaitData(client, refOf(own), { ...pair, own: 'x' })
  await client.remove(refOf(origin))
  await awaitEvent(client, refOf(own), 'PullUnavailable')
  await solo.settled()
  assert.deepEqual(await dataOf(client, refOf(own)), { ...pair, own: 'x' })
})

test('an origin that was deleted while nobody looked leaves the last data', async () => {
  const [home, target] = await stage.namespaces('down-home', 'down-target')
  const origin = await client.create(replicated(home, 'shared', allow(target)))
  const own = await client.create(asking(`${target}/mine`, origin))
  await awaitData(client, refOf(own), { own: 'x', a: '1' })
  await solo.settled()
  await solo.whileStopped(() => client.remove(refOf(origin)))
  await awaitEvent(client, refOf(own), 'PullUnavailable')
  await solo.settled()
  assert.deepEqual(await dataOf(client, refOf(own)), { own: 'x', a: '1' })
})

test('when permission goes, in whichever way, the last data stays and nothing is put back', async () => {
  const [home, target] = await stage.namespaces('revoked-home', 'revoked-target')
  const origin = await client.create(replicated(home, 'shared', allow(target)))
  const own = await client.create(asking(`${target}/mine`, origin))
  const ways: readonly Readonly<Record<string, string | null>>[] = [
    { 'replication-allowed': 'false' },
    { 'replication-allowed-namespaces': 'elsewhere' },
    { 'replication-allowed-namespaces': null },
    { 'replication-allowed': null, 'replication-allowed-namespaces': null },
  ]
  for (const [index, way] of ways.entries()) {
    await tell(client, refOf(origin), allow(target))
    await awaitData(client, refOf(own), { own: 'x', a: index === 0 ? '1' : `new ${index - 1}` })
    const before = await client.get(refOf(own))
    await tell(client, refOf(origin), way)
    await solo.settled()
    const kept = await client.get(refOf(own))
    assert.equal(kept.metadata.resourceVersion, before.metadata.resourceVersion, JSON.stringify(way))
    await write(client, refOf(origin), { a: `new ${index}` })
    await write(client, refOf(own), { a: 'mine now' })
    await solo.settled()
    assert.deepEqual(await dataOf(client, refOf(own)), { own: 'x', a: 'mine now' }, JSON.stringify(way))
  }
})

test('a changed replicate-from counts at once and alone: keys of the former origin go, and it writes no more', async () => {
  const [home, target] = await stage.namespaces('changed-home', 'changed-target')
  const first = await client.create(replicatedMap(home, 'first', allow(target), { a: '1', b: '1' }))
  const second = await client.create(replicatedMap(home, 'second', allow(target), { b: '2', c: '2' }))
  const own = await client.create(asking(`${target}/mine`, first))
  await awaitData(client, refOf(own), { own: 'x', a: '1', b: '1' })
  await tell(client, refOf(own), { 'replicate-from': `${home}/second` })
  await awaitData(client, refOf(own), { own: 'x', b: '2', c: '2' })
  await solo.settled()
  const before = await client.get(refOf(own))
  await write(client, refOf(first), { a: '3', b: '3' })
  await client.remove(refOf(first))
  await solo.settled()
  assert.equal((await client.get(refOf(own))).metadata.resourceVersion, before.metadata.resourceVersion)
  await write(client, refOf(second), { c: '4' })
  await awaitData(client, refOf(own), { own: 'x', b: '2', c: '4' })
})

test('a removed replicate-from ends it, also with every annotation: nothing is written any more', async () => {
  const [home, target] = await stage.namespaces('removed-home', 'removed-target')
  const origin = await client.create(replicated(home, 'shared', allow(target)))
  const own = await client.create(asking(`${target}/mine`, origin))
  const bare = await client.create(asking(`${target}/bare`, origin))
  for (const each of [own, bare]) await awaitData(client, refOf(each), { own: 'x', a: '1' })
  await tell(client, refOf(own), { 'replicate-from': null })
  await client.patch(refOf(bare), { metadata: { annotations: null } })
  await write(client, refOf(origin), { a: '2' })
  await solo.settled()
  for (const each of [own, bare]) assert.deepEqual(await dataOf(client, refOf(each)), { own: 'x', a: '1' })
  const edited = await write(client, refOf(own), { a: 'mine' })
  await client.remove(refOf(origin))
  await solo.settled()
  assert.equal((await client.get(refOf(own))).metadata.resourceVersion, edited.metadata.resourceVersion)
  assert.deepEqual(await dataOf(client, refOf(bare)), { own: 'x', a: '1' })
})

test('a blanked or removed replicated-from-version is filled in again', async () => {
  const [home, target] = await stage.namespaces('blanked-home', 'blanked-target')
  const origin = await client.create(replicated(home, 'shared', allow(target)))
  const pushing = await client.create(replicated(home, 'pushed', { 'replicate-to': target }))
  const own = await client.create(asking(`${target}/mine`, origin))
  for (const [place, from] of [
    [refOf(own), origin],
    [mirrorIn(target, pushing), pushing],
  ] as const) {
    const isCurrent = (object: KubeObject): boolean =>
      said(object, 'replicated-from-version') === from.metadata.resourceVersion
    await awaitPresent(client, place, isCurrent)
    for (const blank of ['', null]) {
      await tell(client, place, { 'replicated-from-version': blank })
      await awaitPresent(client, place, isCurrent)
    }
    await client.patch(place, {
      metadata: { annotations: { 'replicator.v1.mittwald.de/replicated-from-version': '' } },
      data: { a: Buffer.from('edited').toString('base64') },
    })
    await awaitPresent(client, place, isCurrent)
    assert.equal((await dataOf(client, place))['a'], '1')
  }
})

test('an edit of the origin’s keys is put back, one of the owner’s keys is his own business', async () => {
  const [home, target] = await stage.namespaces('drift-home', 'drift-target')
  for (const make of [replicated, replicatedMap]) {
    const origin = await client.create(make(home, 'shared', allow(target), { a: '1', b: '2' }))
    const own = await client.create(asking(`${target}/mine`, origin))
    await awaitData(client, refOf(own), { own: 'x', a: '1', b: '2' })
    await write(client, refOf(own), { a: 'edited', b: null })
    await awaitData(client, refOf(own), { own: 'x', a: '1', b: '2' })
    await solo.settled()
    const edited = await write(client, refOf(own), { own: 'y', more: 'z' })
    await solo.settled()
    const now = await client.get(refOf(own))
    assert.equal(now.metadata.resourceVersion, edited.metadata.resourceVersion)
    await write(client, refOf(own), { own: null, more: null })
    await solo.settled()
    assert.deepEqual(await dataOf(client, refOf(own)), { a: '1', b: '2' })
  }
})

test('a bad pattern in the list holds the origin, what is asked of it included, and says so', async () => {
  const [home, target] = await stage.namespaces('bad-home', 'bad-target')
  const origin = await client.create(replicated(home, 'shared', allow(target)))
  const own = await client.create(asking(`${target}/mine`, origin))
  await awaitData(client, refOf(own), { own: 'x', a: '1' })
  await tell(client, refOf(origin), { 'replication-allowed-namespaces': `${target},(` })
  const told = await awaitEvent(client, refOf(origin), 'OriginHeld')
  assert.match(told.message, /replication-allowed-namespaces/)
  await write(client, refOf(origin), { a: '2' })
  await solo.settled()
  assert.deepEqual(await dataOf(client, refOf(own)), { own: 'x', a: '1' })
  await tell(client, refOf(origin), allow(target))
  await awaitData(client, refOf(own), { own: 'x', a: '2' })
})

test('what names no origin is told on the object, and nothing is written', async () => {
  const [home, target] = await stage.namespaces('flawed-home', 'flawed-target')
  const origin = await client.create(replicatedMap(home, 'shared', allow(target)))
  for (const [index, from] of ['shared', `${home}/`, `${home}/a/b`, `${target}/flawed-3`].entries()) {
    const wanted = replicatedMap(target, `flawed-${index}`, { 'replicate-from': from }, { own: 'x' })
    const own = await client.create(wanted)
    const told = await awaitEvent(client, refOf(own), 'PullFlawed')
    assert.match(told.message, /replicate-from/)
    assert.equal((await client.get(refOf(own))).metadata.resourceVersion, own.metadata.resourceVersion)
  }
  assert.deepEqual(await eventsAbout(client, refOf(origin)), [])
})

test('words of two tools on one asking object: ours count, and replicator’s are passed over', async () => {
  const [home, target] = await stage.namespaces('words-home', 'words-target')
  const theirs = await client.create(replicated(home, 'theirs', allow(target), { theirs: '1' }))
  const own = await client.create(asking(`${target}/mine`, theirs))
  await awaitData(client, refOf(own), { own: 'x', theirs: '1' })
  const ours = await client.create(replicated(home, 'ours', allow(target), { ours: '2' }))
  await annotate(client, refOf(own), { 'reflect-from': `${home}/ours` })
  const wholesale = await awaitData(client, refOf(own), { ours: '2' })
  assert.equal(marksOn(wholesale)['pulled-from'], `${home}/${ours.metadata.name}`)
})

function isFilled(object: KubeObject): boolean {
  return said(object, 'replicated-keys') !== undefined
}

/** Waits until a ConfigMap holds exactly these keys. */
async function awaitKeys(
  ref: Ref,
  { data, binary }: { readonly data: readonly string[]; readonly binary: readonly string[] },
): Promise<KubeObject> {
  const isIt = (object: KubeObject): boolean =>
    Object.keys(object.data ?? {})
      .sort()
      .join() === data.join() &&
    Object.keys(object.binaryData ?? {})
      .sort()
      .join() === binary.join()
  return await awaitPresent(client, ref, isIt, { what: `holds ${data.join()} and bytes ${binary.join()}` })
}
