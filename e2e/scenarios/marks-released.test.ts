/** Promise 4's exception: who declares a mirror as his own, where nothing says that he accepts it, has it for his own; where he accepts, it is repaired. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitPresent } from '../lib/await.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { kubectl } from '../lib/kubectl.ts'
import { at, isMirrorOf, marksOn, ours } from '../lib/marks.ts'
import { configMap } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { awaitData, mirrorIn, offer, write } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
const MODES = [
  ['client-side', []],
  ['server-side', ['--server-side', '--force-conflicts']],
] as const

for (const [mode, flags] of MODES) {
  test(`kubectl apply, ${mode}, over a mirror takes it out of our hands: marks go, the applied data stays, both sides are told`, async () => {
    const { origin, mirror } = await makeMirror({})
    await apply(mirror, flags, { a: 'mine' })
    const released = await awaitPresent(client, mirror, isUnmarked)
    assert.deepEqual(released.data, { a: 'mine' })
    await awaitEvent(client, mirror, 'MirrorReleased')
    const told = await awaitEvent(client, origin, 'OriginReleased')
    assert(!told.message.includes(mirror.namespace ?? '?'), 'the origin is not told where')
    await assertLeftAlone(origin, mirror)
  })

  test(`kubectl apply, ${mode}, over a mirror while we do not run releases it at the start`, async () => {
    const { origin, mirror } = await makeMirror({})
    await solo.whileStopped(() => apply(mirror, flags, { a: 'mine' }))
    assert.deepEqual((await awaitPresent(client, mirror, isUnmarked)).data, { a: 'mine' })
    await assertLeftAlone(origin, mirror)
  })

  test(`kubectl apply, ${mode}, over a mirror whose Namespace accepts the origin is put right`, async () => {
    const { origin, mirror } = await makeMirror({ accept: '*/shared' })
    await apply(mirror, flags, { a: 'mine' })
    const repaired = await awaitData(client, mirror, { a: '1' })
    assert(isMirrorOf(repaired, origin))
    await solo.whileStopped(() => apply(mirror, flags, { a: 'mine again' }))
    assert(isMirrorOf(await awaitData(client, mirror, { a: '1' }), origin))
    await solo.settled()
    assert.deepEqual(reasons(await eventsAbout(client, mirror)), [])
  })

  test(`kubectl apply, ${mode}, over an adopted object is put right: its owner consented`, async () => {
    const [home, target] = await stage.namespaces('home', 'target')
    await client.create(configMap(target, 'shared', { own: 'x' }, ours({ adopt: `${home}/shared` })))
    const origin = await client.create(offer(home, 'shared', { 'reflect-to': target }))
    const mirror = mirrorIn(target, origin)
    await awaitData(client, mirror, { a: '1' })
    await apply(mirror, flags, { a: 'mine' })
    const repaired = await awaitData(client, mirror, { a: '1' })
    assert.equal(marksOn(repaired)['adopted'], 'true')
    await solo.settled()
    assert.deepEqual(reasons(await eventsAbout(client, mirror)), [])
  })
}

test('an `accept` that does not match lets nothing in; a Namespace without one that matches is no consent to repair', async () => {
  const { origin, mirror } = await makeMirror({})
  await client.annotate({ kind: 'Namespace', name: mirror.namespace ?? '' }, ours({ accept: '*/shared' }))
  await solo.settled()
  await client.annotate({ kind: 'Namespace', name: mirror.namespace ?? '' }, ours({ accept: null }))
  await apply(mirror, [], { a: 'mine' })
  await awaitPresent(client, mirror, isUnmarked)
  await assertLeftAlone(origin, mirror)
})

test('an edit that declares nothing is put back, and so is a foreign apply that owns no data', async () => {
  const { origin, mirror } = await makeMirror({})
  await kubectl(stage.plane.kubeconfig, [
    'patch',
    'configmap',
    mirror.name,
    '-n',
    mirror.namespace ?? '',
    '-p',
    '{"data":{"a":"edited"}}',
  ])
  assert(isMirrorOf(await awaitData(client, mirror, { a: '1' }), origin))
  const { namespace = '', name } = mirror
  await client.apply(
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name, labels: { team: 'b' } } },
    'gitops',
  )
  await write(client, origin, { a: 'second' })
  const moved = await awaitData(client, mirror, { a: 'second' })
  assert(isMirrorOf(moved, origin))
  assert.equal(moved.metadata.labels?.['team'], 'b')
})

test('a released object comes back to us by `adopt`, and by nothing else', async () => {
  const { origin, mirror } = await makeMirror({})
  await apply(mirror, [], { a: 'mine' })
  await awaitPresent(client, mirror, isUnmarked)
  await client.annotate({ kind: 'Namespace', name: mirror.namespace ?? '' }, ours({ accept: '*' }))
  await awaitEvent(client, mirror, 'MirrorBlocked')
  await solo.settled()
  assert.deepEqual((await client.get(mirror)).data, { a: 'mine' })
  await client.annotate(mirror, ours({ adopt: `${origin.namespace ?? ''}/shared` }))
  const adopted = await awaitData(client, mirror, { a: '1' })
  assert.equal(marksOn(adopted)['adopted'], 'true')
})

async function makeMirror(
  namespaceKeys: Readonly<Record<string, string>>,
): Promise<{ readonly origin: Ref; readonly mirror: Ref }> {
  const home = await stage.namespace('home')
  const target = await stage.namespace('target', { annotations: ours(namespaceKeys) })
  const origin: Ref = { kind: 'ConfigMap', namespace: home, name: 'shared' }
  await client.create(offer(home, 'shared', { 'reflect-to': target }))
  await awaitData(client, at(origin, target), { a: '1' })
  return { origin, mirror: at(origin, target) }
}

/** By kubectl itself, as the owner of the namespace would. */
async function apply(
  mirror: Ref,
  flags: readonly string[],
  data: Readonly<Record<string, string>>,
): Promise<void> {
  const manifest = configMap(mirror.namespace ?? '', mirror.name, data)
  await kubectl(stage.plane.kubeconfig, ['apply', ...flags, '-f', '-'], JSON.stringify(manifest))
}

/** Nothing of ours is left on it, and what kubectl wrote is. */
function isUnmarked(object: KubeObject): boolean {
  const { annotations = {} } = object.metadata
  return (
    Object.keys(marksOn(object)).length === 0 && Object.keys(annotations).every((key) => key === LAST_APPLIED)
  )
}

/** The origin moves on and goes; what was released stays as it is. */
async function assertLeftAlone(origin: Ref, mirror: Ref): Promise<void> {
  const before = await solo.snapshot([mirror])
  await write(client, origin, { a: 'second' })
  await solo.settled()
  await client.remove(origin)
  await solo.settled()
  assert.deepEqual(await solo.snapshot([mirror]), before)
}

function reasons(told: readonly { readonly reason: string }[]): readonly string[] {
  return told.map(({ reason }) => reason)
}
