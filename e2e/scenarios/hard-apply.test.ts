/** A user's own kubectl over a mirror: without `accept` the object becomes his, with it the mirror is put back; and a writer that never gives in is answered ever more slowly. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitPresent } from '../lib/await.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { kubectl } from '../lib/kubectl.ts'
import { isMirrorOf, marksOn, ours } from '../lib/marks.ts'
import { plain, refOf } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { awaitData, mirrorIn, secretOffer, write } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo
const { kubeconfig } = stage.plane

/** The `accept` of a namespace, and whether it welcomes the origin. */
const ACCEPTS: Readonly<Record<string, boolean>> = { '*': true, 'nobody/*': false, '': false }
/** Repairs within ten minutes before a mirror counts as contested. */
const REPAIRS_MAX = 5

test('kubectl apply over a mirror, where the namespace has no accept, gives the object to its owner, and tells both sides', async () => {
  const { origin, place } = await mirrored('apply', null)
  await kubectl(kubeconfig, ['apply', '-f', '-'], manifest(place, 'declared'))
  await assertReleased(place, { password: 'declared' })
  await awaitEvent(client, place, 'MirrorReleased')
  const told = await awaitEvent(client, refOf(origin), 'OriginReleased')
  assert.match(told.message, /^Mirrors that were released: 1\./)
  assert.doesNotMatch(told.message, new RegExp(place.namespace ?? '-'))
})

test('what was released stays released: through rotations, restarts, and the end of the origin', async () => {
  const { origin, place } = await mirrored('stays', null)
  await kubectl(kubeconfig, ['apply', '-f', '-'], manifest(place, 'declared'))
  const released = await assertReleased(place, { password: 'declared' })
  await write(client, refOf(origin), { password: 'second' })
  await solo.settled()
  await solo.restart()
  await solo.settled()
  await client.remove(refOf(origin))
  await solo.settled()
  assert.equal((await client.get(place)).metadata.resourceVersion, released.metadata.resourceVersion)
})

test('an accept that does not match the origin, or is blank, refuses and so takes the mirror away before anybody applies', async () => {
  for (const [accept, welcomes] of Object.entries(ACCEPTS)) {
    const [home, target] = await stage.namespaces('accept-home', 'accept-target')
    const origin = await client.create(
      secretOffer(home, 'pass', { 'reflect-to': target }, { password: 'first' }),
    )
    await awaitPresent(client, mirrorIn(target, origin))
    await client.annotate({ kind: 'Namespace', name: target }, ours({ accept }))
    await solo.settled()
    assert.equal((await client.find(mirrorIn(target, origin))) !== null, welcomes, `accept "${accept}"`)
  }
})

test('kubectl apply over a mirror, where the namespace accepts the origin, is put back and stays a mirror', async () => {
  const { origin, place } = await mirrored('accepted', '*')
  await kubectl(kubeconfig, ['apply', '-f', '-'], manifest(place, 'declared'))
  const back = await awaitData(client, place, { password: 'first' })
  assert.ok(isMirrorOf(back, refOf(origin)))
  await kubectl(kubeconfig, ['apply', '-f', '-'], manifest(place, 'declared', { extra: 'key' }))
  await awaitData(client, place, { password: 'first' })
  await write(client, refOf(origin), { password: 'second' })
  await awaitData(client, place, { password: 'second' })
  assert.deepEqual(await eventsAbout(client, place), [])
})

test('a server-side apply of data by somebody else releases as well, even of the value that stands there', async () => {
  const { place } = await mirrored('server', null)
  await assert.rejects(
    kubectl(kubeconfig, ['apply', '--server-side', '-f', '-'], manifest(place, 'declared')),
  )
  await solo.settled()
  assert.ok(marksOn(await client.get(place))['mirror'] !== undefined, 'a refused apply changes nothing')
  await kubectl(kubeconfig, ['apply', '--server-side', '-f', '-'], manifest(place, 'first'))
  await assertReleased(place, { password: 'first' })
  const { place: forced } = await mirrored('forced', null)
  const force = ['apply', '--server-side', '--force-conflicts', '-f', '-']
  await kubectl(kubeconfig, force, manifest(forced, 'declared'))
  await assertReleased(forced, { password: 'declared' })
})

test('a forced server-side apply of data, where the namespace accepts the origin, is put back', async () => {
  const { origin, place } = await mirrored('forced-accepted', '*')
  const force = ['apply', '--server-side', '--force-conflicts', '-f', '-']
  await kubectl(kubeconfig, force, manifest(place, 'declared'))
  const back = await awaitData(client, place, { password: 'first' })
  assert.ok(isMirrorOf(back, refOf(origin)))
})

test('labels and annotations that kubectl sets, applied or not, are neither drift nor a declaration', async () => {
  const { origin, place } = await mirrored('labels', null)
  await kubectl(kubeconfig, ['label', '-n', place.namespace ?? '', 'secret', place.name, 'team=a'])
  await kubectl(kubeconfig, ['annotate', '-n', place.namespace ?? '', 'secret', place.name, 'note=b'])
  const { namespace, name } = place
  const labels = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name, labels: { applied: 'c' } } }
  await kubectl(kubeconfig, ['apply', '--server-side', '-f', '-'], JSON.stringify(labels))
  const touched = await client.get(place)
  await solo.settled()
  assert.equal((await client.get(place)).metadata.resourceVersion, touched.metadata.resourceVersion)
  await write(client, refOf(origin), { password: 'second' })
  const now = await awaitData(client, place, { password: 'second' })
  assert.equal(now.metadata.labels?.['team'], 'a')
  assert.equal(now.metadata.labels?.['applied'], 'c')
  assert.equal(now.metadata.annotations?.['note'], 'b')
})

test('kubectl replace, patch and delete are no declaration: the mirror is put back', async () => {
  const { origin, place } = await mirrored('edits', null)
  const { namespace = '', name } = place
  await kubectl(kubeconfig, ['replace', '-f', '-'], manifest(place, 'replaced'))
  // All marks are gone with a replacement: what is left is his.
  await solo.settled()
  assert.deepEqual(plain(await client.get(place)), { password: 'replaced' })
  await kubectl(kubeconfig, ['delete', 'secret', '-n', namespace, name])
  await awaitData(client, place, { password: 'first' })
  const change = JSON.stringify({ stringData: { password: 'patched' } })
  await kubectl(kubeconfig, ['patch', 'secret', '-n', namespace, name, '--type=merge', '-p', change])
  const back = await awaitData(client, place, { password: 'first' })
  assert.ok(isMirrorOf(back, refOf(origin)))
})

test('a writer that always puts its value back makes the mirror contested: told with its name, writes bounded, others unharmed', async () => {
  const { place } = await mirrored('contest', null)
  const mark = await solo.mark()
  await using stubborn = putBackAlways(place)
  const told = await awaitEvent(client, place, 'MirrorContested')
  assert.match(told.message, /stubborn-operator/)
  const sinceMs = performance.now()
  const wins = stubborn.wins()
  await solo.settled()
  await stubborn.reached(wins + 3)
  // The first waits of the back-off are one, two and four seconds; a slow machine only makes them longer.
  assert.ok(performance.now() - sinceMs > 1_000, 'the mirror is put back without a pause')
  const patches = (await solo.changes(mark)).filter((each) => each.includes(`${place.namespace}/`))
  const good = patches.filter((each) => each.endsWith(' 200')).length
  assert.ok(good > REPAIRS_MAX, 'it is not given up')
  assert.ok(good <= stubborn.wins() + 1, `${good} writes against ${stubborn.wins()}`)
  assert.ok(patches.length - good <= REPAIRS_MAX, `${patches.length - good} writes in vain`)
  assert.ok((await solo.controller.metrics()).sum('heliograph_mirrors', { state: 'contested' }) > 0)
})

test('a new version reaches a contested mirror at once, in spite of the back-off', async () => {
  const { origin, place } = await mirrored('urgent', null)
  await using stubborn = putBackAlways(place)
  await awaitEvent(client, place, 'MirrorContested')
  const wins = stubborn.wins()
  await stubborn.reached(wins + 1)
  await stubborn[Symbol.asyncDispose]()
  await write(client, refOf(origin), { password: 'second' })
  await awaitData(client, place, { password: 'second' })
})

async function mirrored(
  word: string,
  accept: string | null,
): Promise<{ readonly origin: KubeObject; readonly place: Ref }> {
  const home = await stage.namespace(`${word}-home`)
  const target = await stage.namespace(word, accept === null ? {} : { annotations: ours({ accept }) })
  const origin = secretOffer(home, `pass-${word}`, { 'reflect-to': target }, { password: 'first' })
  await client.create(origin)
  const place = mirrorIn(target, origin)
  await awaitData(client, place, { password: 'first' })
  return { origin, place }
}

/** The Secret as its owner would write it down. */
function manifest(
  { namespace, name }: Ref,
  password: string,
  more: Readonly<Record<string, string>> = {},
): string {
  const stringData = { password, ...more }
  const data = Object.fromEntries(
    Object.entries(stringData).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  )
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name },
    type: 'Opaque',
    data,
  })
}

async function assertReleased(place: Ref, data: Readonly<Record<string, string>>): Promise<KubeObject> {
  const free = await awaitPresent(client, place, (each) => Object.keys(marksOn(each)).length === 0, {
    what: 'bears no mark',
  })
  assert.deepEqual(plain(free), data)
  return free
}

interface Stubborn extends AsyncDisposable {
  wins(): number
  reached(wins: number): Promise<void>
}

/** Another operator that wants its own value in `place`. */
function putBackAlways(place: Ref): Stubborn {
  const end = new AbortController()
  let wins = 0
  let waiting: (() => void)[] = []
  const path = `/api/v1/namespaces/${place.namespace}/secrets`
  const run = async (): Promise<void> => {
    for await (const { type, object } of client.watch(path, end.signal)) {
      if (type !== 'ADDED' && type !== 'MODIFIED') continue
      if (object.metadata.name !== place.name || plain(object)['password'] === 'mine') continue
      const body = { stringData: { password: 'mine' } }
      const url = `${path}/${place.name}?fieldManager=stubborn-operator`
      await client.request('PATCH', url, { body, contentType: 'application/merge-patch+json' })
      wins += 1
      for (const wake of waiting) wake()
      waiting = []
    }
  }
  const running = run().catch((error: unknown) => {
    if (!end.signal.aborted) throw error
  })
  return {
    wins: () => wins,
    reached: async (count) => {
      while (wins < count) await new Promise<void>((resolve) => void waiting.push(resolve))
    },
    [Symbol.asyncDispose]: async () => {
      end.abort()
      await running
    },
  }
}
