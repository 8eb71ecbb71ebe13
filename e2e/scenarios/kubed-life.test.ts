/** What kubed’s annotations mean while Heliograph runs, where kubed did otherwise, and which of its copies are not taken over. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { idle } from '../lib/idle.ts'
import { argoTracked, kubedOrigin, leaveCopy, reference } from '../lib/kubed.ts'
import { KUBED, keysOf, kubedMarks, leaveKubedCopy } from '../lib/leftovers.ts'
import { at, isMirrorOf, marksOn, ours } from '../lib/marks.ts'
import { configMap, refOf, secret } from '../lib/objects.ts'
import { awaitData, namespacesOf, textsOf, write } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo

/** A namespace that only the selector of its own test chooses. */
async function target(word: string): Promise<{ readonly name: string; readonly sync: string }> {
  const value = `${word}-${process.pid.toString(36)}`
  return { name: await stage.namespace(word, { labels: { test: value } }), sync: `test=${value}` }
}

test('a bare sync goes to every namespace but the own one and the protected ones, new ones at once', async () => {
  const [home, other] = await stage.namespaces('bare-home', 'bare-other')
  const origin = await client.create(kubedOrigin(secret(home, 'bare', { a: '1' }), { sync: '' }))
  await awaitData(client, at(refOf(origin), other), { a: '1' })
  const late = await stage.namespace('bare-late')
  await awaitData(client, at(refOf(origin), late), { a: '1' })
  await idle(solo)
  const found = await namespacesOf(client, refOf(origin))
  for (const each of ['default', other, late]) assert(found.includes(each), `${each} lacks its copy`)
  for (const each of ['kube-system', 'kube-public', 'kube-node-lease', stage.installation.namespace])
    assert(!found.includes(each), `${each} is protected`)
  await client.remove(refOf(origin))
  await awaitAbsent(client, at(refOf(origin), other))
})

test('sync: "false" is off, where kubed read it as a label selector', async () => {
  const home = await stage.namespace('off-home')
  const { name, sync } = await target('off-target')
  const labelled = await stage.namespace('off-labelled', { labels: { false: '' } })
  const origin = await client.create(kubedOrigin(secret(home, 'off', { a: '1' }), { sync }))
  await awaitPresent(client, at(refOf(origin), name))
  await client.annotate(refOf(origin), { [`${KUBED}sync`]: 'false' })
  await awaitAbsent(client, at(refOf(origin), name))
  await idle(solo)
  assert.equal(await client.find(at(refOf(origin), labelled)), null)
  assert.deepEqual(await eventsAbout(client, refOf(origin)), [])
})

test('a selector that does not parse holds the origin: its copies stay as they are until it is mended', async () => {
  const home = await stage.namespace('bad-home')
  const { name, sync } = await target('bad-target')
  const origin = await client.create(kubedOrigin(secret(home, 'bad', { a: '1' }), { sync }))
  await awaitPresent(client, at(refOf(origin), name))
  await client.patch(refOf(origin), {
    metadata: { annotations: { [`${KUBED}sync`]: 'app in (' } },
    stringData: { a: '2' },
  })
  const told = await awaitEvent(client, refOf(origin), 'OriginHeld')
  assert(told.message.includes(`${KUBED}sync`), told.message)
  await idle(solo)
  assert.deepEqual(textsOf(await client.get(at(refOf(origin), name))), { a: '1' })
  await client.annotate(refOf(origin), { [`${KUBED}sync`]: sync })
  await awaitData(client, at(refOf(origin), name), { a: '2' })
})

test('a new copy bears kubed’s marks and all the origin’s metadata but what is never carried', async () => {
  const home = await stage.namespace('marks-home')
  const { name, sync } = await target('marks-target')
  const origin = await client.create(argoTracked(kubedOrigin(secret(home, 'marks', { a: '1' }), { sync })))
  const mirror = await awaitPresent(client, at(refOf(origin), name))
  const { labels = {}, annotations = {} } = mirror.metadata
  const { 'heliograph.dev/mirror': _, ...rest } = labels
  assert.deepEqual(rest, {
    team: 'platform',
    ...keysOf(KUBED, { 'origin.name': 'marks', 'origin.namespace': home, 'origin.cluster': '' }),
  })
  const foreign = Object.keys(annotations).filter((key) => !key.startsWith('heliograph.dev/'))
  assert.deepEqual(foreign.toSorted(), [`${KUBED}origin`, 'note'])
  const { uid, resourceVersion } = origin.metadata
  assert.deepEqual(reference(annotations), {
    kind: 'Secret',
    namespace: home,
    name: 'marks',
    uid,
    apiVersion: 'v1',
    resourceVersion,
  })
})

test('a name that no label can hold is left out of the labels, and copied all the same', async () => {
  const home = await stage.namespace('long-home')
  const { name, sync } = await target('long-target')
  const long = `${'long-'.repeat(20)}name`
  const origin = await client.create(kubedOrigin(configMap(home, long, { a: '1' }), { sync }))
  const mirror = await awaitData(client, at(refOf(origin), name), { a: '1' })
  assert.equal(mirror.metadata.labels?.[`${KUBED}origin.name`], undefined)
  assert.equal(mirror.metadata.labels?.[`${KUBED}origin.namespace`], home)
  await write(client, refOf(origin), { a: '2' })
  await awaitData(client, at(refOf(origin), name), { a: '2' })
})

test('a copy that is edited or deleted by hand is put right, where kubed waited for the origin’s next event', async () => {
  const home = await stage.namespace('hand-home')
  const { name, sync } = await target('hand-target')
  const origin = await client.create(kubedOrigin(secret(home, 'hand', { a: '1' }), { sync }))
  const mirror = at(refOf(origin), name)
  await awaitPresent(client, mirror)
  await write(client, mirror, { a: 'edited', b: 'added' })
  await awaitData(client, mirror, { a: '1' })
  await client.remove(mirror)
  await awaitData(client, mirror, { a: '1' })
})

test('contexts alone name peers and reach no namespace of home; beside sync they change nothing here', async () => {
  const home = await stage.namespace('contexts-home')
  const { name, sync } = await target('contexts-target')
  const peers = 'production, staging'
  const alone = await client.create(
    kubedOrigin(secret(home, 'alone', { a: '1' }), { 'sync-contexts': peers }),
  )
  const beside = await client.create(
    kubedOrigin(secret(home, 'beside', { a: '1' }), { sync, 'sync-contexts': peers }),
  )
  await awaitData(client, at(refOf(beside), name), { a: '1' })
  await idle(solo)
  assert.deepEqual(await namespacesOf(client, refOf(alone)), [])
  assert.deepEqual(await namespacesOf(client, refOf(beside)), [name])
  await awaitEvent(client, refOf(alone), 'TargetsUnmatched')
  assert.equal((await eventsAbout(client, refOf(alone))).length, 1)
})

test('a copy that differs from its origin is brought up to date in place, by one write', async () => {
  const home = await stage.namespace('stale-home')
  const { name, sync } = await target('stale-target')
  const origin = await client.create(kubedOrigin(secret(home, 'stale', { a: '1' }), { sync: 'false' }))
  const copy = await leaveCopy(client, origin, name, '0.13')
  await write(client, refOf(origin), { a: '2' })
  await idle(solo)
  const mark = await solo.mark()
  await client.annotate(refOf(origin), { [`${KUBED}sync`]: sync })
  const mirror = await awaitData(client, refOf(copy), { a: '2' })
  assert.equal(mirror.metadata.uid, copy.metadata.uid)
  assert(isMirrorOf(mirror, refOf(origin)))
  await idle(solo)
  assert.deepEqual(
    (await solo.changes(mark)).filter((line) => !line.startsWith('create')),
    [`patch secrets ${name}/stale 200`],
  )
})

test('a copy that its owner has since applied as his own is not taken over', async () => {
  const home = await stage.namespace('declared-home')
  const { name, sync } = await target('declared-target')
  const origin = await client.create(kubedOrigin(secret(home, 'mine', { a: '1' }), { sync: 'false' }))
  await leaveKubedCopy(client, origin, name)
  const [applied] = await client.apply(
    { ...secret(name, 'mine', { a: 'own' }), metadata: { namespace: name, name: 'mine' } },
    'owner',
  )
  await client.annotate(refOf(origin), { [`${KUBED}sync`]: sync })
  await awaitEvent(client, at(refOf(origin), name), 'MirrorBlocked')
  await idle(solo)
  const now = await client.get(at(refOf(origin), name))
  assert.equal(now.metadata.resourceVersion, applied?.metadata.resourceVersion)
  assert.equal(marksOn(now)['mirror'], undefined)
})

test('a reference to an origin of another name is no mark of kubed’s, though that origin claims the place', async () => {
  const home = await stage.namespace('named-home')
  const { name, sync } = await target('named-target')
  const wanted = kubedOrigin(secret(home, 'another', { a: '1' }), { sync: 'false' })
  const renamed = { ...wanted.metadata.annotations, ...ours({ 'reflect-as': 'named' }) }
  const origin = await client.create({ ...wanted, metadata: { ...wanted.metadata, annotations: renamed } })
  const { annotations } = kubedMarks({ ...origin, metadata: { ...origin.metadata, annotations: {} } })
  const planted = await client.create(secret(name, 'named', { a: '1' }, { annotations }))
  await client.annotate(refOf(origin), { [`${KUBED}sync`]: sync })
  await awaitEvent(client, refOf(planted), 'MirrorBlocked')
  await idle(solo)
  const now = await client.get(refOf(planted))
  assert.equal(now.metadata.resourceVersion, planted.metadata.resourceVersion)
})
