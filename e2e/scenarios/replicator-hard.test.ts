/** Merged copies in hard times: nothing is written when nothing changes, a contest is bounded, and no late or foreign request loses a key. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { kubectl } from '../lib/kubectl.ts'
import { replicatorMarks } from '../lib/leftovers.ts'
import { isMirrorOf, marksOn } from '../lib/marks.ts'
import { plain, refOf } from '../lib/objects.ts'
import type { Ref } from '../lib/objects.ts'
import { awaitData, mirrorIn, write } from '../lib/offers.ts'
import { startProxy } from '../lib/proxy.ts'
import { asking, dataOf, dressed, replicated, replicatedMap, said, tell } from '../lib/replicator.ts'
import { openSolo } from '../lib/solo.ts'

const UNELECTED = { environment: { HELIOGRAPH_LEADER_ELECTION: 'false' } }

const solo = await openSolo({ settings: { sweepReadsPerSecondMax: 200 } })
const { client, stage } = solo
const proxy = await startProxy(stage.plane)
after(() => proxy.close())

await start()

test('nothing is written when nothing changes: restarts, relists, cut watches, foreign metadata and own keys', async () => {
  const [home, target] = await stage.namespaces('quiet-home', 'quiet-target')
  const places: Ref[] = []
  for (const make of [replicated, replicatedMap]) {
    const labels = { team: 'a' }
    const pushed = await client.create(dressed(make(home, 'pushed', { 'replicate-to': target }), { labels }))
    const allowed = { 'replication-allowed': 'true', 'replication-allowed-namespaces': target }
    const offered = await client.create(make(home, 'offered', allowed))
    const own = await client.create(asking(`${target}/mine`, offered))
    await awaitPresent(client, mirrorIn(target, pushed))
    await awaitData(client, refOf(own), { own: 'x', a: '1' })
    await write(client, mirrorIn(target, pushed), { own: 'y' })
    await write(client, refOf(own), { own: 'z' })
    await client.patch(mirrorIn(target, pushed), { metadata: { labels: { foreign: 'yes' } } })
    places.push(refOf(pushed), refOf(offered), mirrorIn(target, pushed), refOf(own))
  }
  await solo.settled()
  const before = await solo.snapshot(places)
  const mark = await solo.mark()
  await solo.restart({ through: proxy, ...UNELECTED })
  await solo.settled()
  proxy.cutAll()
  await stage.plane.own.expireHistory()
  await client.patch({ kind: 'Namespace', name: target }, { metadata: { labels: { touched: 'yes' } } })
  await client.patch({ kind: 'Namespace', name: home }, { metadata: { labels: { touched: 'yes' } } })
  await solo.settled()
  await solo.controller.kill()
  await start()
  await solo.settled()
  assert.deepEqual(await solo.snapshot(places), before)
  assert.deepEqual(await solo.changes(mark), [])
})

test('an old tool that writes its marks anew, with equal bytes, is not fought', async () => {
  const [home, target] = await stage.namespaces('both-home', 'both-target')
  const origin = await client.create(replicated(home, 'shared', { 'replicate-to': target }))
  const place = mirrorIn(target, origin)
  await awaitData(client, place, { a: '1' })
  await solo.settled()
  const written = await tell(client, place, { 'replicated-at': '2026-11-01T00:00:00Z' })
  await solo.settled()
  assert.equal((await client.get(place)).metadata.resourceVersion, written.metadata.resourceVersion)
})

test('back to the old tool and forth again: what it wrote over our labels meanwhile is taken back in place', async () => {
  const [home, target] = await stage.namespaces('back-home', 'back-target')
  const labels = { team: 'a' }
  const wanted = dressed(replicated(home, 'shared', { 'replicate-to': target }), { labels })
  const origin = await client.create(wanted)
  const place = mirrorIn(target, origin)
  await awaitData(client, place, { a: '1' })
  await write(client, place, { own: 'x' })
  await solo.stop()
  // As replicator updates: the origin's labels instead of all others, its keys and its marks.
  const rotated = await write(client, refOf(origin), { a: '2' })
  const ours = await client.get(place)
  const annotations = { ...ours.metadata.annotations, ...replicatorMarks(rotated) }
  const written = await client.replace({
    ...ours,
    metadata: { ...ours.metadata, labels, annotations },
    data: { ...ours.data, ...rotated.data },
  })
  const mark = await solo.mark()
  await start()
  const back = await awaitPresent(client, place, (each) =>
    isMirrorOf({ ...each, kind: 'Secret' }, refOf(origin)),
  )
  assert.deepEqual([back.data, back.metadata.uid], [written.data, written.metadata.uid])
  await solo.settled()
  assert.deepEqual(await solo.changes(mark), [`patch secrets ${target}/shared 200`])
  await client.remove(refOf(origin))
  await awaitData(client, place, { own: 'x' })
})

test('a writer who changes the origin’s keys again and again is answered ever more slowly, and his own keys stay', async () => {
  const [home, target] = await stage.namespaces('contest-home', 'contest-target')
  const origin = await client.create(replicated(home, 'shared', { 'replicate-to': target }))
  const place = mirrorIn(target, origin)
  await awaitData(client, place, { a: '1' })
  await solo.settled()
  const mark = await solo.mark()
  for (let round = 1; round <= 7; round += 1) {
    await write(client, place, { a: `theirs ${round}`, own: `${round}` })
    await awaitPresent(client, place, (each) => plain(each)['a'] === '1')
  }
  await awaitEvent(client, place, 'MirrorContested')
  assert.equal((await dataOf(client, place))['own'], '7')
  const patches = (await solo.changes(mark)).filter((each) => each.includes(`${target}/shared`))
  assert.ok(patches.length <= 8, patches.join('\n'))
  // Slower, yet a new version is brought at once.
  await write(client, refOf(origin), { a: '2' })
  await awaitData(client, place, { a: '2', own: '7' })
})

test('an edit of the object between reading and merging is not lost: the merge proves the version that it read', async () => {
  const [home, target] = await stage.namespaces('race-home', 'race-target')
  const origin = await client.create(replicated(home, 'shared', { 'replicate-to': target }))
  const place = mirrorIn(target, origin)
  await awaitData(client, place, { a: '1' })
  const path = new RegExp(`/namespaces/${target}/secrets/shared(\\?|$)`)
  const patch = proxy.hold({ method: 'PATCH', path, times: 1 })
  await write(client, refOf(origin), { a: null, b: '2' })
  await patch.reached()
  await write(client, place, { own: 'x', b: 'mine' })
  patch.release()
  await awaitData(client, place, { own: 'x', b: '2' })
  const refused = proxy.seen.filter(
    ({ method, path: asked, status }) => method === 'PATCH' && path.test(asked) && status === 422,
  )
  assert.equal(refused.length, 1)
})

test('a strip that comes late takes no key that the owner has put there since', async () => {
  const [home, target] = await stage.namespaces('late-home', 'late-target')
  const origin = await client.create(replicated(home, 'shared', { 'replicate-to': target }))
  const place = mirrorIn(target, origin)
  await awaitData(client, place, { a: '1' })
  await write(client, place, { own: 'x' })
  await solo.settled()
  const path = new RegExp(`/namespaces/${target}/secrets/shared(\\?|$)`)
  const strip = proxy.hold({ method: 'PATCH', path, times: 1 })
  await tell(client, refOf(origin), { 'replicate-to': null })
  await strip.reached()
  const taken = await client.patch(place, {
    metadata: { labels: { 'heliograph.dev/mirror': null } },
    stringData: { a: 'mine' },
  })
  strip.release()
  await solo.settled()
  assert.deepEqual(await dataOf(client, place), { own: 'x', a: 'mine' })
  assert.equal((await client.get(place)).metadata.resourceVersion, taken.metadata.resourceVersion)
})

test('a strip proves the very version that it was planned with, whatever changed since', async () => {
  const [home, target] = await stage.namespaces('proof-home', 'proof-target')
  const origin = await client.create(replicated(home, 'shared', { 'replicate-to': target }))
  const place = mirrorIn(target, origin)
  await awaitData(client, place, { a: '1' })
  await write(client, place, { own: 'x' })
  await solo.settled()
  const path = new RegExp(`/namespaces/${target}/secrets/shared(\\?|$)`)
  const strip = proxy.hold({ method: 'PATCH', path, times: 1 })
  const from = proxy.seen.length
  await client.remove(refOf(origin))
  await strip.reached()
  await write(client, place, { own: 'y' })
  strip.release()
  await awaitData(client, place, { own: 'y' })
  const sent = proxy.seen
    .slice(from)
    .filter(({ method, path: asked }) => method === 'PATCH' && path.test(asked))
  assert.deepEqual(
    sent.map(({ status }) => status),
    [422, 200],
  )
})

test('a delete that comes late deletes nothing into which somebody has put a key since', async () => {
  const [home, target] = await stage.namespaces('kept-home', 'kept-target')
  const origin = await client.create(replicated(home, 'shared', { 'replicate-to': target }))
  const place = mirrorIn(target, origin)
  const made = await awaitData(client, place, { a: '1' })
  const path = new RegExp(`/namespaces/${target}/secrets/shared(\\?|$)`)
  const removal = proxy.hold({ method: 'DELETE', path, times: 1 })
  await client.remove(refOf(origin))
  await removal.reached()
  await write(client, place, { own: 'x' })
  removal.release()
  const left = await awaitData(client, place, { own: 'x' })
  assert.equal(left.metadata.uid, made.metadata.uid)
})

test('kubectl apply of keys beside the merged ones says nothing of ours; server-side apply of a merged key makes the copy its owner’s, and is told', async () => {
  const [home, target] = await stage.namespaces('apply-home', 'apply-target')
  const origin = await client.create(replicatedMap(home, 'shared', { 'replicate-to': target }))
  const place = mirrorIn(target, origin)
  await awaitData(client, place, { a: '1' })
  const manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: target, name: 'shared' } }
  const apply = async (flags: readonly string[], data: Readonly<Record<string, string>>): Promise<void> => {
    await kubectl(
      stage.plane.kubeconfig,
      ['apply', ...flags, '-f', '-'],
      JSON.stringify({ ...manifest, data }),
    )
  }
  await apply([], { own: 'x' })
  await write(client, refOf(origin), { a: '2' })
  await awaitData(client, place, { a: '2', own: 'x' })
  await apply(['--server-side', '--force-conflicts'], { a: 'mine', own: 'x' })
  const released = await awaitPresent(client, place, (each) => marksOn(each)['mirror'] === undefined)
  await awaitEvent(client, place, 'MirrorReleased')
  assert.equal(said(released, 'replicated-keys'), undefined)
  await write(client, refOf(origin), { a: '3' })
  await solo.settled()
  assert.deepEqual(await dataOf(client, place), { a: 'mine', own: 'x' })
})

test('no tenant captures another’s copy by replicate-to, nor his own object by forged marks', async () => {
  const [home, rival, target] = await stage.namespaces('theirs-home', 'theirs-rival', 'theirs-target')
  const origin = await client.create(replicated(home, 'shared', { 'replicate-to': target }, { a: 'right' }))
  const place = mirrorIn(target, origin)
  await awaitData(client, place, { a: 'right' })
  // A merged copy of somebody's, stripped of the keys that name nobody, is still its holder's.
  const thief = await client.create(replicated(rival, 'shared', { 'replicate-to': '*' }, { a: 'wrong' }))
  await awaitEvent(client, refOf(thief), 'ClaimLost')
  await client.remove(place)
  await awaitData(client, place, { a: 'right' })
  await client.remove(refOf(origin))
  await awaitAbsent(client, place)
  const forged = await client.create(
    replicated(target, 'forged', { 'replicated-keys': 'own', 'replicated-from-version': '1' }, { own: 'x' }),
  )
  await client.create(replicated(rival, 'forged', { 'replicate-to': target }, { own: 'other' }))
  await awaitEvent(client, refOf(forged), 'MirrorBlocked')
  await client.remove({ kind: 'Secret', namespace: rival, name: 'forged' })
  await solo.settled()
  const now = await client.get(refOf(forged))
  assert.equal(now.metadata.resourceVersion, forged.metadata.resourceVersion)
  await client.remove(refOf(thief))
})

async function start(): Promise<void> {
  await solo.start({ through: proxy, ...UNELECTED })
}
