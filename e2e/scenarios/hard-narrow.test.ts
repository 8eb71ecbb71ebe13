/** Policy and data of what is written come from one answer: whoever was removed while a read was under way never sees what was written after. */

import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { ours } from '../lib/marks.ts'
import { plain, refOf } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { awaitData, mirrorIn, secretOffer, write } from '../lib/offers.ts'
import { startProxy } from '../lib/proxy.ts'
import type { Match } from '../lib/proxy.ts'
import { openSolo } from '../lib/solo.ts'
import { watchVersions } from '../lib/witness.ts'

const solo = await openSolo()
const { client, stage } = solo
const proxy = await startProxy(stage.plane)
after(() => proxy.close())
afterEach(() => proxy.resumeStreams())
await solo.start({ through: proxy })

test('a target that was removed while the read of the origin is held never sees the new bytes', async () => {
  const { origin, kept, dropped } = await spread('held')
  await using witness = await watchVersions(client, dropped)
  const hold = proxy.hold(readOf(origin))
  await write(client, refOf(origin), { password: 'second' })
  await hold.reached()
  await narrow(origin, kept, 'third')
  hold.release()
  await awaitData(client, kept, { password: 'third' })
  await awaitAbsent(client, dropped)
  assert.deepEqual(await passwords(witness), ['first', null])
  hold.remove()
})

test('the same when the controller learns of the narrowing by that very answer only', async () => {
  const { origin, kept, dropped } = await spread('deaf')
  await using witness = await watchVersions(client, dropped)
  const hold = proxy.hold(readOf(origin))
  await write(client, refOf(origin), { password: 'second' })
  await hold.reached()
  proxy.muteStreams()
  await narrow(origin, kept, 'third')
  hold.release()
  await awaitData(client, kept, { password: 'third' })
  await awaitAbsent(client, dropped)
  proxy.resumeStreams()
  assert.deepEqual(await passwords(witness), ['first', null])
  hold.remove()
})

test('an answer that was true when it was given, and is late, writes nothing: not to the removed, not to the kept', async () => {
  const { origin, kept, dropped } = await spread('late')
  await using removed = await watchVersions(client, dropped)
  await using stayed = await watchVersions(client, kept)
  const hold = proxy.holdAnswers({ ...readOf(origin), times: 1 })
  await write(client, refOf(origin), { password: 'second' })
  await hold.reached()
  await awaitAnswered(origin)
  await narrow(origin, kept, 'third')
  await solo.settled()
  hold.release()
  await awaitData(client, kept, { password: 'third' })
  await awaitAbsent(client, dropped)
  assert.deepEqual(await passwords(removed), ['first', null])
  assert.deepEqual(await passwords(stayed), ['first', 'third'])
})

test('a namespace that withdraws its consent while the read is held never sees the new bytes', async () => {
  const { origin, kept, dropped } = await spread('refuse')
  await using witness = await watchVersions(client, dropped)
  const hold = proxy.hold(readOf(origin))
  await write(client, refOf(origin), { password: 'second' })
  await hold.reached()
  await client.annotate({ kind: 'Namespace', name: dropped.namespace ?? '' }, ours({ refuse: '*' }))
  await solo.settled()
  hold.release()
  await awaitData(client, kept, { password: 'second' })
  await awaitAbsent(client, dropped)
  assert.deepEqual(await passwords(witness), ['first', null])
  hold.remove()
})

test('a target that was offered for the first time and removed before the answer came receives nothing at all', async () => {
  const [home, kept, never] = await stage.namespaces('first-home', 'first-kept', 'first-never')
  const offered = secretOffer(home, 'pass', { 'reflect-to': `${kept},${never}` }, { password: 'first' })
  await using witness = await watchVersions(client, mirrorIn(never, offered))
  const hold = proxy.hold(readOf(offered))
  await client.create(offered)
  await hold.reached()
  await narrow(offered, mirrorIn(kept, offered), 'second')
  hold.release()
  await awaitData(client, mirrorIn(kept, offered), { password: 'second' })
  await solo.settled()
  assert.deepEqual(await passwords(witness), [])
  hold.remove()
})

test('an origin that stops to be one while the read is held gives its new bytes to nobody', async () => {
  const { origin, kept, dropped } = await spread('end')
  await using one = await watchVersions(client, kept)
  await using other = await watchVersions(client, dropped)
  const hold = proxy.hold(readOf(origin))
  await write(client, refOf(origin), { password: 'second' })
  await hold.reached()
  await client.patch(refOf(origin), {
    metadata: { annotations: ours({ 'reflect-to': null }) },
    stringData: { password: 'third' },
  })
  hold.release()
  await awaitAbsent(client, kept)
  await awaitAbsent(client, dropped)
  assert.deepEqual(await passwords(one), ['first', null])
  assert.deepEqual(await passwords(other), ['first', null])
  hold.remove()
})

/** One origin with two mirrors that hold its first password. */
async function spread(
  word: string,
): Promise<{ readonly origin: KubeObject; readonly kept: Ref; readonly dropped: Ref }> {
  const [home, kept, dropped] = await stage.namespaces(`${word}-home`, `${word}-kept`, `${word}-dropped`)
  const offer = secretOffer(home, 'pass', { 'reflect-to': `${kept},${dropped}` }, { password: 'first' })
  const origin = await client.create(offer)
  const places = { kept: mirrorIn(kept, offer), dropped: mirrorIn(dropped, offer) }
  await awaitPresent(client, places.kept)
  await awaitPresent(client, places.dropped)
  return { origin: { ...origin, kind: 'Secret' }, ...places }
}

/** Policy and data in one write. */
async function narrow(origin: KubeObject, kept: Ref, password: string): Promise<void> {
  await client.patch(refOf(origin), {
    metadata: { annotations: ours({ 'reflect-to': kept.namespace ?? '' }) },
    stringData: { password },
  })
}

/** The controller's read of the origin's data. */
function readOf({ metadata }: KubeObject): Match {
  return { method: 'GET', path: new RegExp(`/namespaces/${metadata.namespace}/secrets/${metadata.name}$`) }
}

/** Until the server itself has answered the read. */
async function awaitAnswered({ metadata }: KubeObject): Promise<void> {
  const isRead = async (): Promise<boolean> =>
    (await solo.asked()).filter(({ verb, namespace }) => verb === 'get' && namespace === metadata.namespace)
      .length > 1
  while (!(await isRead()));
}

/** What the object held, one entry for each version that differs from the one before. */
async function passwords(
  witness: Awaited<ReturnType<typeof watchVersions>>,
): Promise<readonly (string | null)[]> {
  const all = (await witness.versions()).map((each) =>
    each === null ? null : (plain(each)['password'] ?? ''),
  )
  return all.filter((each, index) => each !== all[index - 1])
}
