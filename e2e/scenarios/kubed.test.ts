/** The switch from kubed and config-syncer: a cluster as they leave it is taken over in place, and then lives as its annotations say. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { tally } from '../control-plane/audit.ts'
import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { idle } from '../lib/idle.ts'
import { argoTracked, fieldsOf, kubedOrigin, leaveCopy, reference } from '../lib/kubed.ts'
import { KUBED } from '../lib/leftovers.ts'
import { at, isMirrorOf, marksOn } from '../lib/marks.ts'
import { configMap, refOf, secret } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { awaitData, namespacesOf, textsOf, write } from '../lib/offers.ts'
import { openSolo } from '../lib/solo.ts'

const solo = await openSolo()
const { client, stage } = solo

/** What never receives a copy from us, though the old tool made one there. */
const PROTECTED = ['kube-system', 'kube-public', 'kube-node-lease', 'heliograph']
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

const [home, a, b] = await stage.namespaces('kubed-home', 'kubed-a', 'kubed-b')
const web = await stage.namespace('kubed-web', { labels: { tier: 'web' } })
const busy = await stage.namespace('kubed-busy', { labels: { tier: 'web' } })
const api = await stage.namespace('kubed-api', { labels: { tier: 'api' } })
const open = ['default', 'beacon-home', a, b, web, busy, api]
/** Beacons are the test's own: the count of requests leaves them out. */
const counted = open.filter((namespace) => !namespace.startsWith('beacon'))

/** `sync: ""`, applied by kubectl and tracked by Argo CD. */
const everywhere = await client.create(
  argoTracked(kubedOrigin(secret(home, 'registry', { token: 'one' }), { sync: '' })),
)
/** `sync: "true"`. */
const truly = await client.create(kubedOrigin(configMap(home, 'settings', { a: '1' }), { sync: 'true' }))
/** A selector; `busy` has an object of its own under the name. */
const selected = await client.create(kubedOrigin(secret(home, 'front', { key: 'one' }), { sync: 'tier=web' }))
const own = await client.create(secret(busy, 'front', { mine: 'yes' }))
const IN_THE_WAY = `create secrets ${busy}/front 409`
const left = await leftBehind()
const before = await solo.snapshot([...left.claimed, ...left.others])
const origins = [everywhere, truly, selected].map(refOf)
const originsBefore = await solo.snapshot(origins)
const start = await solo.mark()
await solo.start()

/** Copies that a claim wants, and those that none does. */
async function leftBehind(): Promise<{ readonly claimed: readonly Ref[]; readonly others: readonly Ref[] }> {
  const claimed: Ref[] = []
  const others: Ref[] = []
  const leave = async (origin: KubeObject, namespace: string, into: Ref[], form: '0.12' | '0.13') => {
    into.push(refOf(await leaveCopy(client, origin, namespace, form)))
  }
  for (const namespace of open) {
    await leave(everywhere, namespace, claimed, namespace === a ? '0.12' : '0.13')
    await leave(truly, namespace, claimed, namespace === a ? '0.13' : '0.12')
  }
  for (const namespace of PROTECTED) await leave(everywhere, namespace, others, '0.13')
  await leave(selected, web, claimed, '0.12')
  // Outside the selection, and of an origin that is gone.
  await leave(selected, a, others, '0.13')
  const gone = { ...secret(home, 'gone', { x: 'y' }), metadata: { ...truly.metadata, name: 'gone' } }
  await leave(gone, b, others, '0.13')
  return { claimed, others }
}

/** Without the version, which the one patch of the marks changes. */
function uidsOf(snapshot: readonly string[]): readonly string[] {
  return snapshot.map((line) => line.slice(0, line.lastIndexOf(' ')))
}

test('every claimed copy is taken over by exactly one metadata patch: no data write, no deletion, the same uids', async () => {
  for (const ref of left.claimed)
    await awaitPresent(client, ref, (each) => isMirrorOf(each, { ...ref, namespace: home }))
  await idle(solo)
  const changes = await solo.changes(start)
  const patches = left.claimed
    .filter(({ namespace = '' }) => !namespace.startsWith('beacon'))
    .map(({ kind, namespace = '', name }) => {
      return `patch ${kind === 'Secret' ? 'secrets' : 'configmaps'} ${namespace}/${name} 200`
    })
  // A place that seems empty is tried by POST, which cannot harm what stands there.
  const expected = [...patches, IN_THE_WAY]
  assert.deepEqual(changes.toSorted(), expected.toSorted())
  const after = await solo.snapshot([...left.claimed, ...left.others])
  assert.deepEqual(uidsOf(after), uidsOf(before))
  for (const ref of left.claimed) {
    const object = await client.get(ref)
    assert.deepEqual(
      fieldsOf(object, 'heliograph').filter((path) => path.includes('f:data')),
      [],
      'a data field that heliograph owns was written by it',
    )
    assert.equal(marksOn(object)['adopted'], undefined, 'an ordinary mirror from now on')
  }
  assert.deepEqual(await solo.snapshot(origins), originsBefore, 'an origin is never written')
})

test('each copy is read once, and each origin once for all its copies', async () => {
  const reads = (await solo.asked(start)).filter(({ verb, resource, name }) => {
    return verb === 'get' && resource === 'secrets' && name === 'registry'
  })
  const wanted = Object.fromEntries([home, ...counted].map((namespace) => [`${namespace} 200`, 1]))
  assert.deepEqual(tally(reads, 'namespace', 'code'), wanted)
})

test('what is never carried goes from a taken copy, the rest of the origin’s metadata stays, and so do kubed’s marks', async () => {
  const { labels = {}, annotations = {} } = (await client.get(at(refOf(everywhere), b))).metadata
  assert.equal(annotations[LAST_APPLIED], undefined)
  assert.equal(annotations['argocd.argoproj.io/tracking-id'], undefined)
  assert.equal(labels['argocd.argoproj.io/instance'], undefined)
  assert.equal(labels['team'], 'platform')
  assert.equal(annotations['note'], 'kept')
  assert.deepEqual(reference(annotations), {
    namespace: home,
    name: 'registry',
    uid: everywhere.metadata.uid,
    resourceVersion: everywhere.metadata.resourceVersion,
  })
  assert.deepEqual(
    [labels[`${KUBED}origin.name`], labels[`${KUBED}origin.namespace`], labels[`${KUBED}origin.cluster`]],
    ['registry', home, 'unicorn'],
  )
  assert.equal(annotations[`${KUBED}sync`], undefined)
})

test('copies that no claim wants stay untouched and are told, those in protected namespaces as well', async () => {
  const versions = await solo.snapshot(left.others)
  assert.deepEqual(versions, before.slice(left.claimed.length))
  for (const ref of left.others) {
    const told = await awaitEvent(client, ref, 'CopyLeft')
    assert.match(told.message, /made by kubed/)
  }
})

test('a foreign object of the origin’s name stays as it is and is told', async () => {
  await awaitEvent(client, refOf(own), 'MirrorBlocked')
  assert.equal((await client.get(refOf(own))).metadata.resourceVersion, own.metadata.resourceVersion)
})

test('a restart changes nothing', async () => {
  const refs = [...left.claimed, ...left.others, ...origins]
  const versions = await solo.snapshot(refs)
  const mark = await solo.mark()
  await solo.restart()
  await idle(solo)
  assert.deepEqual(await solo.changes(mark), [IN_THE_WAY])
  assert.deepEqual(await solo.snapshot(refs), versions)
})

test('a rotation spreads, and kubed’s reference names the new version', async () => {
  const rotated = await write(client, refOf(everywhere), { token: 'two' })
  for (const namespace of open) {
    const mirror = await awaitData(client, at(refOf(everywhere), namespace), { token: 'two' })
    assert.deepEqual(reference(mirror.metadata.annotations ?? {}), {
      kind: 'Secret',
      apiVersion: 'v1',
      namespace: home,
      name: 'registry',
      uid: rotated.metadata.uid,
      resourceVersion: rotated.metadata.resourceVersion,
    })
  }
  for (const namespace of PROTECTED)
    assert.deepEqual(textsOf(await client.get(at(refOf(everywhere), namespace))), { token: 'one' })
})

test('another label of the origin reaches its copies, as kubed copies all metadata', async () => {
  await client.patch(refOf(truly), { metadata: { labels: { team: 'new', 'helm.sh/chart': 'x' } } })
  const mirror = await awaitPresent(
    client,
    at(refOf(truly), a),
    ({ metadata }) => metadata.labels?.['team'] === 'new',
  )
  assert.equal(mirror.metadata.labels?.['helm.sh/chart'], undefined)
  assert.deepEqual(mirror.data, { a: '1' })
})

test('a changed selector removes the copies that it does not choose and makes those that it does', async () => {
  await client.annotate(refOf(selected), { [`${KUBED}sync`]: 'tier=api' })
  await awaitAbsent(client, at(refOf(selected), web))
  const made = await awaitData(client, at(refOf(selected), api), { key: 'one' })
  assert.equal(made.metadata.labels?.[`${KUBED}origin.name`], 'front')
  // Never claimed, so nothing is known to be ours there.
  await client.get(at(refOf(selected), a))
  await client.get(refOf(own))
})

test('a namespace gains its copy when its labels begin to fit, and loses it when they do not any more', async () => {
  await client.patch({ kind: 'Namespace', name: b }, { metadata: { labels: { tier: 'api' } } })
  await awaitData(client, at(refOf(selected), b), { key: 'one' })
  await client.patch({ kind: 'Namespace', name: b }, { metadata: { labels: { tier: null } } })
  await awaitAbsent(client, at(refOf(selected), b))
})

test('a removed annotation removes every copy, and the foreign ones stay', async () => {
  await client.annotate(refOf(truly), { [`${KUBED}sync`]: null })
  for (const namespace of open) await awaitAbsent(client, at(refOf(truly), namespace))
  await client.get(refOf(truly))
})

test('a deleted origin takes its copies with it, all but those that were never taken over', async () => {
  await client.remove(refOf(everywhere))
  for (const namespace of open) await awaitAbsent(client, at(refOf(everywhere), namespace))
  await idle(solo)
  assert.deepEqual(await namespacesOf(client, refOf(everywhere)), PROTECTED.toSorted())
})
