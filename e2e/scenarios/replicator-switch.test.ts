/** The switch from replicator: a cluster as that tool leaves it, then Heliograph in its place, from the first second to the last annotation. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { leaveReplicatorCopy, leaveReplicatorMerge, replicatorMarks } from '../lib/leftovers.ts'
import { isMirrorOf, marksOn, pathOf } from '../lib/marks.ts'
import { configMap, refOf, say, secret } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { awaitData, mirrorIn, write } from '../lib/offers.ts'
import { awaitOurs, dataOf, dressed, replicated, replicatedMap, said, tell } from '../lib/replicator.ts'
import { openSolo } from '../lib/solo.ts'

const solo = await openSolo()
const { client, stage } = solo

/** What the old tool left, before Heliograph ever ran. */
const [home, other] = await stage.namespaces('home', 'other')
const one = await stage.namespace('one', { labels: { team: 'yes' } })
const two = await stage.namespace('two', { labels: { team: 'yes' } })
const three = await stage.namespace('three')
const allowed = { 'replication-allowed': 'true', 'replication-allowed-namespaces': '.*' }

const byNames = await origin(replicated(home, 'by-names', { 'replicate-to': `${one},${two}` }))
const mapByNames = await origin(replicatedMap(home, 'map-by-names', { 'replicate-to': `${one}|${two}` }))
const bySelector = await origin(replicated(home, 'by-selector', { 'replicate-to-matching': 'team=yes' }))
const labels = { tier: 'db', 'app.kubernetes.io/managed-by': 'Helm' }
const labelled = await origin(dressed(replicated(home, 'labelled', { 'replicate-to': one }), { labels }))
const stripped = await origin(
  dressed(replicated(home, 'stripped', { 'replicate-to': one, 'strip-labels': 'true' }), { labels }),
)
const tls = await origin(
  dressed(replicated(home, 'tls', { 'replicate-to': one }, { 'tls.crt': 'c', 'tls.key': 'k' }), {
    type: 'kubernetes.io/tls',
  }),
)
const byStar = await origin(replicated(home, 'by-star', { 'replicate-to': '*' }))
const pulled = await origin(replicated(home, 'pulled', allowed, { a: '1', b: '2' }))
const mapPulled = await origin(replicatedMap(home, 'map-pulled', allowed))
const blocked = await origin(replicated(home, 'blocked', { 'replicate-to': one }))
const stale = await origin(replicated(home, 'stale', { 'replicate-to': one }))
const claimedTwice = await origin(replicated(home, 'twice', { 'replicate-to': one }))
const claimingToo = await origin(replicated(other, 'twice', { 'replicate-to': one }))
const narrowed = await origin(replicated(home, 'narrowed', { 'replicate-to': one }))
const merged = await origin(replicated(home, 'merged', { 'replicate-to': one }))

/** Copies that prove whose they are: each is worth one patch of its metadata. */
const proven: readonly { readonly copy: KubeObject; readonly from: KubeObject }[] = [
  ...(await leftIn(byNames, one, two)),
  ...(await leftIn(mapByNames, one, two)),
  ...(await leftIn(bySelector, one, two)),
  ...(await leftIn(labelled, one)),
  ...(await leftIn(stripped, one)),
  ...(await leftIn(tls, one)),
  ...(await leftIn(byStar, one, two, three, other, 'default')),
  ...(await leftIn(narrowed, one)),
  {
    copy: await leaveReplicatorMerge(client, merged, secret(one, 'merged', { own: 'x' }), { isPushed: true }),
    from: merged,
  },
]
/** The same of objects that asked. */
const asked: readonly { readonly copy: KubeObject; readonly from: KubeObject }[] = [
  { copy: await leaveReplicatorMerge(client, pulled, secret(one, 'mine', { own: 'x' })), from: pulled },
  { copy: await leaveReplicatorMerge(client, pulled, secret(home, 'same', { own: 'x' })), from: pulled },
  {
    copy: await leaveReplicatorMerge(client, mapPulled, configMap(two, 'mine', { own: 'x' })),
    from: mapPulled,
  },
]
/** What proves nothing: told, and left alone. */
const staleCopy = await leaveReplicatorCopy(client, stale, one)
await write(client, refOf(stale), { a: 'rotated while nobody looked' })
const twiceCopy = await leaveReplicatorCopy(client, claimedTwice, one)
const narrowedCopy = await leaveReplicatorCopy(client, narrowed, two)
const orphan = await client.create(
  secret(three, 'orphan', { a: '1' }, { annotations: replicatorMarks(byNames) }),
)
const inTheWay = await client.create(secret(one, 'blocked', { own: 'x' }))
const unproven: readonly KubeObject[] = [staleCopy, twiceCopy, narrowedCopy, orphan, inTheWay]
const origins: readonly KubeObject[] = [
  byNames,
  mapByNames,
  bySelector,
  labelled,
  stripped,
  tls,
  byStar,
  pulled,
  mapPulled,
  blocked,
  claimedTwice,
  claimingToo,
  narrowed,
  merged,
]

test('each proven copy is taken over by one patch of its metadata, and nothing else is written', async () => {
  const mark = await solo.mark()
  await solo.start()
  for (const { copy } of [...proven, ...asked]) await awaitOurs(client, refOf(copy))
  await solo.settled()
  const all = [...proven, ...asked]
  const taken = all.map(({ copy: { kind, metadata } }) => {
    const plural = kind === 'Secret' ? 'secrets' : 'configmaps'
    return `patch ${plural} ${pathOf(metadata)} 200`
  })
  const sent = await solo.changes(mark)
  assert.deepEqual(
    sent.filter((each) => !each.endsWith(' 409')).toSorted(),
    taken.toSorted(),
    'one patch for each, none for others',
  )
  for (const each of sent.filter((change) => change.endsWith(' 409')))
    assert.match(each, /^create secrets one-[^ ]*\/blocked 409$/)
  for (const { copy, from } of all) {
    const now = await client.get(refOf(copy))
    assert.equal(now.metadata.uid, copy.metadata.uid)
    assert.deepEqual([now.data, now.type], [copy.data, copy.type], say(refOf(copy)))
    for (const key of ['replicated-keys', 'replicated-at', 'replicated-from-version'])
      assert.equal(said(now, key), said(copy, key), `${say(refOf(copy))}: ${key} is as the old tool left it`)
    if (marksOn(now)['pulled-from'] === undefined)
      assert.equal(isMirrorOf({ ...now, kind: copy.kind ?? '' }, refOf(from)), true)
    assert.equal(marksOn(now)['adopted'], undefined)
  }
  const onLabelled = (await client.get(mirrorIn(one, labelled))).metadata.labels ?? {}
  assert.deepEqual(onLabelled['tier'], 'db')
  for (const each of origins) await assertUnwritten(each)
})

test('what proves nothing stays untouched and is told where it stands', async () => {
  for (const copy of [narrowedCopy, orphan]) await awaitEvent(client, refOf(copy), 'CopyLeft')
  for (const copy of [staleCopy, twiceCopy, inTheWay]) await awaitEvent(client, refOf(copy), 'MirrorBlocked')
  for (const each of [stale, blocked]) await awaitEvent(client, refOf(each), 'TargetsBlocked')
  for (const each of unproven) await assertUnwritten(each)
  for (const { copy } of proven) assert.deepEqual(await eventsAbout(client, refOf(copy)), [])
})

test('a restart writes nothing', async () => {
  const before = await everything()
  const mark = await solo.mark()
  await solo.restart()
  await solo.settled()
  assert.deepEqual(await everything(), before)
  const sent = (await solo.changes(mark)).filter((change) => !change.endsWith('/blocked 409'))
  assert.deepEqual(sent, [])
})

test('an edit and a deletion by hand of what was taken over are put right', async () => {
  await write(client, mirrorIn(one, byNames), { a: 'edited' })
  await awaitData(client, mirrorIn(one, byNames), { a: '1' })
  await client.remove(mirrorIn(two, byNames))
  await awaitPresent(
    client,
    mirrorIn(two, byNames),
    ({ metadata }) => metadata.deletionTimestamp === undefined,
  )
  await awaitData(client, mirrorIn(two, byNames), { a: '1' })
})

test('a rotation reaches every copy in place: keys added, changed and removed; the targets’ own keys stay', async () => {
  for (const each of [byNames, mapByNames, bySelector, byStar, mapPulled, merged, pulled])
    await write(client, refOf(each), { a: '2', added: 'new', b: null })
  const after = { a: '2', added: 'new' }
  for (const { copy, from } of [...proven, ...asked]) {
    if ([labelled, stripped, tls, narrowed].includes(from)) continue
    const own = asked.some((each) => each.copy === copy) || from === merged ? { own: 'x' } : {}
    const now = await awaitData(client, refOf(copy), { ...after, ...own })
    if (from !== byNames) assert.equal(now.metadata.uid, copy.metadata.uid)
    assert.equal(said(now, 'replicated-keys'), 'a,added')
    assert.equal(
      said(now, 'replicated-from-version'),
      (await client.get(refOf(from))).metadata.resourceVersion,
    )
    assert.notEqual(said(now, 'replicated-at'), said(copy, 'replicated-at'))
  }
  for (const each of unproven) await assertUnwritten(each)
})

test('labels follow the origin on what was taken over', async () => {
  await client.patch(refOf(labelled), { metadata: { labels: { tier: 'web' } } })
  await awaitPresent(client, mirrorIn(one, labelled), (each) => each.metadata.labels?.['tier'] === 'web')
})

test('narrowing takes the copies away that are not wanted any more', async () => {
  await tell(client, refOf(byNames), { 'replicate-to': one })
  await awaitAbsent(client, mirrorIn(two, byNames))
  await client.patch({ kind: 'Namespace', name: two }, { metadata: { labels: { team: 'no' } } })
  await awaitAbsent(client, mirrorIn(two, bySelector))
  await awaitPresent(client, mirrorIn(one, bySelector))
})

test('a deleted origin takes its copies with it, and of what others keep beside only its own keys', async () => {
  for (const each of [tls, merged, mapPulled]) await client.remove(refOf(each))
  await awaitAbsent(client, mirrorIn(one, tls))
  await awaitData(client, mirrorIn(one, merged), { own: 'x' })
  await awaitData(client, { kind: 'ConfigMap', namespace: two, name: 'mine' }, { own: 'x' })
})

test('when the rival goes and the bytes agree again, what was not proven is taken over after all', async () => {
  await client.remove(refOf(claimingToo))
  await awaitOurs(client, refOf(twiceCopy))
  await write(client, refOf(stale), { a: '1' })
  await awaitOurs(client, refOf(staleCopy))
  for (const copy of [twiceCopy, staleCopy])
    assert.equal((await client.get(refOf(copy))).metadata.uid, copy.metadata.uid)
})

test('with the annotations removed every copy goes, and what was never ours stays', async () => {
  const ending = [byNames, mapByNames, bySelector, labelled, stripped, byStar, stale, claimedTwice, narrowed]
  for (const each of ending)
    await tell(client, refOf(each), { 'replicate-to': null, 'replicate-to-matching': null })
  const gone: readonly Ref[] = [
    ...[one, two].map((namespace) => mirrorIn(namespace, mapByNames)),
    ...[one, two, three, other, 'default'].map((namespace) => mirrorIn(namespace, byStar)),
    ...[byNames, bySelector, labelled, stripped, stale, claimedTwice, narrowed].map((each) =>
      mirrorIn(one, each),
    ),
  ]
  for (const ref of gone) await awaitAbsent(client, ref)
  await tell(client, refOf(pulled), { 'replication-allowed': null, 'replication-allowed-namespaces': null })
  await solo.settled()
  assert.deepEqual(await dataOf(client, { kind: 'Secret', namespace: one, name: 'mine' }), {
    own: 'x',
    a: '2',
    added: 'new',
  })
  for (const each of [narrowedCopy, orphan, inTheWay]) await assertUnwritten(each)
  for (const { kind, metadata } of [...(await client.list('Secret')), ...(await client.list('ConfigMap'))])
    if (!(metadata.namespace ?? '').startsWith('beacon'))
      assert.equal(metadata.labels?.['heliograph.dev/mirror'], undefined, `${kind} ${pathOf(metadata)}`)
})

async function origin(wanted: KubeObject): Promise<KubeObject> {
  return await client.create(wanted)
}

async function leftIn(
  from: KubeObject,
  ...namespaces: readonly string[]
): Promise<readonly { readonly copy: KubeObject; readonly from: KubeObject }[]> {
  const copies = namespaces.map(async (each) => ({
    copy: await leaveReplicatorCopy(client, from, each),
    from,
  }))
  return await Promise.all(copies)
}

async function everything(): Promise<readonly string[]> {
  const objects = [...origins, stale, ...unproven, ...[...proven, ...asked].map(({ copy }) => copy)]
  return await solo.snapshot(objects.map(refOf))
}

async function assertUnwritten(before: KubeObject): Promise<void> {
  const now = await client.get(refOf(before))
  assert.deepEqual(
    [now.metadata.uid, now.metadata.resourceVersion],
    [before.metadata.uid, before.metadata.resourceVersion],
    `${say(refOf(before))} was written`,
  )
}
