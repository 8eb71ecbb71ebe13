/** Copies that reflector left: taken over by the origin they name alone, collected where it would collect them, and otherwise left; forged marks gain nothing. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent, eventually } from '../lib/await.ts'
import { awaitEvent, eventsIn } from '../lib/events.ts'
import { keysOf, leaveReflectorCopy, REFLECTOR, reflectorMarks } from '../lib/leftovers.ts'
import { isMirrorOf, marksOn, ours } from '../lib/marks.ts'
import { configMap, refOf } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn } from '../lib/offers.ts'
import { AUTO, reannotate, reflectable, reflecting, reflectorKeysOn } from '../lib/reflector.ts'
import { openSolo } from '../lib/solo.ts'

const settings = { reflectorExcludedNamespaces: ['excluded-*'], deletionGrace: '0s' }
const solo = await openSolo({ settings })
const { client, stage } = solo
await solo.start()

function to(...namespaces: readonly string[]): Readonly<Record<string, string>> {
  return { ...AUTO, 'reflection-allowed-namespaces': namespaces.join(',') }
}

async function assertUntouched(before: KubeObject): Promise<void> {
  const { metadata } = await client.get(refOf(before))
  const { uid, resourceVersion } = before.metadata
  assert.deepEqual([metadata.uid, metadata.resourceVersion], [uid, resourceVersion])
}

test('a stale copy is brought up to date by one ordinary update, in place, and is an ordinary mirror afterwards', async () => {
  const [home, target] = await stage.namespaces('stale-home', 'stale-target')
  const mark = await solo.mark()
  const [origin, copy] = await solo.whileStopped(async () => {
    const made = await client.create(reflectable(home, 'stale', to(target), { a: '1', gone: 'x' }))
    const left = await leaveReflectorCopy(client, made, target, { era: 'quoted' })
    return [await client.patch(refOf(made), { data: { a: '2', gone: null } }), left] as const
  })
  const mirror = await awaitData(client, refOf(copy), { a: '2' })
  assert.equal(mirror.metadata.uid, copy.metadata.uid)
  assert.equal(reflectorKeysOn(mirror)['reflected-version'], origin.metadata.resourceVersion)
  assert.match(reflectorKeysOn(mirror)['reflected-at'] ?? '', /^\d{4}-/)
  assert.deepEqual([isMirrorOf(mirror, refOf(origin)), marksOn(mirror)['adopted']], [true, undefined])
  await solo.settled()
  const changes = (await solo.changes(mark)).filter((each) => each.includes(target))
  assert.deepEqual(changes, [`patch configmaps ${target}/stale 200`])
  await client.remove(refOf(origin))
  await awaitAbsent(client, refOf(copy))
})

test('a copy that names one origin is not captured by another of the same name, and goes to its own when that claims it', async () => {
  const [home, thief, target] = await stage.namespaces('named-home', 'named-thief', 'named-target')
  const [origin, copy] = await solo.whileStopped(async () => {
    const made = await client.create(reflectable(home, 'named', to(target)))
    const left = await leaveReflectorCopy(client, made, target)
    return [await annotate(client, refOf(made), { paused: 'true' }), left] as const
  })
  await client.create(reflectable(thief, 'named', to(target), { a: 'captured' }))
  await solo.settled()
  await assertUntouched(copy)
  await annotate(client, refOf(origin), { paused: null })
  await awaitPresent(client, refOf(copy), (each) => isMirrorOf(each, refOf(origin)))
  await awaitData(client, refOf(copy), { a: '1' })
})

const ENDED: readonly (readonly [words: string, keys: Readonly<Record<string, string | null>>])[] = [
  ['is allowed no more', { 'reflection-allowed': 'false' }],
  ['has lost its annotations', { 'reflection-allowed': null, 'reflection-auto-enabled': null }],
  ['lists other namespaces', { 'reflection-allowed-namespaces': 'nowhere' }],
  ['is pulled only', { 'reflection-auto-enabled': null }],
]

for (const [index, [words, keys]] of ENDED.entries()) {
  test(`a copy whose origin ${words} is collected`, async () => {
    const [home, target] = await stage.namespaces(`ended-${index}-home`, `ended-${index}-target`)
    const copy = await solo.whileStopped(async () => {
      const origin = await client.create(reflectable(home, `ended-${index}`, to(target)))
      const left = await leaveReflectorCopy(client, origin, target)
      await reannotate(client, refOf(origin), keys)
      return left
    })
    await awaitAbsent(client, refOf(copy))
  })
}

test('a copy stays whose origin is held, lies in an excluded namespace, or whose Namespace refuses it', async () => {
  const [home, target] = await stage.namespaces('stay-home', 'stay-target')
  const excluded = await stage.namespace('excluded')
  const refusing = await stage.namespace('stay-refusing', { annotations: ours({ refuse: '*' }) })
  const copies = await solo.whileStopped(async () => {
    const held = await client.create(
      reflectable(home, 'held', { ...to(target), 'reflection-auto-namespaces': '*' }),
    )
    const outside = await client.create(reflectable(excluded, 'outside', to(target)))
    const gone = await client.create(reflectable(home, 'gone', to(refusing)))
    const present = await client.create(reflectable(home, 'present', to(refusing)))
    const left = [
      await leaveReflectorCopy(client, held, target),
      await leaveReflectorCopy(client, outside, target),
      await leaveReflectorCopy(client, gone, refusing),
      await leaveReflectorCopy(client, present, refusing),
    ]
    await client.remove(refOf(gone))
    await client.remove(refOf(outside))
    return left
  })
  await solo.settled()
  for (const each of copies) await assertUntouched(each)
  for (const each of copies.slice(1)) await awaitEvent(client, refOf(each), 'CopyLeft')
})

test('a copy that its owner declared as his own since is left to him', async () => {
  const [home, target] = await stage.namespaces('declared-home', 'declared-target')
  const declared = await solo.whileStopped(async () => {
    const origin = await client.create(reflectable(home, 'declared', to(target)))
    const copy = await leaveReflectorCopy(client, origin, target)
    return (await client.apply(configMap(target, 'declared', { a: 'my own' }), 'gitops'))[0] ?? copy
  })
  await solo.settled()
  await assertUntouched(declared)
})

test('marks that a tenant forges on his own object bring him nothing of an origin that does not allow him', async () => {
  const [home, allowed, tenant] = await stage.namespaces('forge-home', 'forge-allowed', 'forge-tenant')
  const origin = await client.create(reflectable(home, 'forged', to(allowed), { password: 'secret' }))
  const forged = configMap(tenant, 'forged', { own: 'x' }, reflectorMarks(origin, 'True'))
  await client.create(forged)
  const other = configMap(tenant, 'other-name', { own: 'x' }, reflectorMarks(origin, 'True'))
  const renamed = await client.create(other)
  const pulling = await client.create(
    configMap(
      tenant,
      'asked',
      { own: 'x' },
      { ...reflectorMarks(origin, 'False'), ...ours({ 'pulled-from': `${home}/forged` }) },
    ),
  )
  // It claims to be a copy that the origin does not want here: it is collected as one.
  await awaitAbsent(client, refOf(forged))
  await awaitEvent(client, refOf(pulling), 'PullUnavailable')
  await solo.settled()
  await assertUntouched(renamed)
  assert.deepEqual((await client.get(refOf(pulling))).data, { own: 'x' })
})

test('marks that name a neighbour’s object make nothing ours, and what they name is never touched', async () => {
  const [victim, tenant] = await stage.namespaces('victim', 'attacker')
  const neighbour = await client.create(configMap(victim, 'settings', { own: 'x' }))
  await client.create(
    configMap(
      tenant,
      'settings',
      { evil: 'x' },
      keysOf(REFLECTOR, { reflects: `${victim}/settings`, 'auto-reflects': 'True' }),
    ),
  )
  const origin = await client.create(reflectable(tenant, 'settings-2', to(victim)))
  await awaitPresent(client, mirrorIn(victim, origin))
  const asking = await client.create(reflecting(tenant, 'asks', refOf(neighbour)))
  await awaitEvent(client, refOf(asking), 'PullUnavailable')
  await solo.settled()
  await assertUntouched(neighbour)
  await assertUntouched(asking)
})

test('a copy that the tool makes while we run is taken over as well, and its later writes of equal data are answered by none', async () => {
  const [home, target] = await stage.namespaces('run-home', 'run-target')
  const offered = reflectable(home, 'run', to(target))
  const paused = { ...offered.metadata.annotations, ...ours({ paused: 'true' }) }
  const origin = await client.create({ ...offered, metadata: { ...offered.metadata, annotations: paused } })
  const copy = await leaveReflectorCopy(client, origin, target)
  await solo.settled()
  await assertUntouched(copy)
  await annotate(client, refOf(origin), { paused: null })
  const mirror = await awaitPresent(client, refOf(copy), (each) => isMirrorOf(each, refOf(origin)))
  assert.deepEqual([mirror.metadata.uid, mirror.data], [copy.metadata.uid, copy.data])
  const mark = await solo.mark()
  const annotations = { ...mirror.metadata.annotations, ...reflectorMarks(origin, 'True', 'quoted') }
  const written = await client.patch(
    refOf(mirror),
    [
      { op: 'replace', path: '/metadata/annotations', value: annotations },
      { op: 'replace', path: '/data', value: origin.data },
    ],
    'json',
  )
  assert.notEqual(written.metadata.resourceVersion, mirror.metadata.resourceVersion)
  await solo.settled()
  assert.deepEqual(
    (await solo.changes(mark)).filter((each) => each.includes(target)),
    [],
  )
})

test('orphans beyond the brake wait for a person, and none is deleted', async () => {
  const home = await stage.namespace('brake-home')
  const target = await stage.namespace('brake-target')
  const names = Array.from({ length: 120 }, (_, index) => `brake-${index}`)
  await solo.whileStopped(async () => {
    const origin = await client.create(reflectable(home, 'brake', to(target)))
    await Promise.all(
      names.map((name) =>
        leaveReflectorCopy(client, { ...origin, metadata: { ...origin.metadata, name } }, target),
      ),
    )
    await client.remove(refOf(origin))
  })
  const held = await eventually(
    async () =>
      (await eventsIn(client)).find(
        ({ reason, about }) => reason === 'DeletionsHeld' && about.name === home,
      ) ?? null,
    { what: 'the deletions are held' },
  )
  assert.match(held.message, /heliograph release /)
  await solo.settled()
  assert.equal(
    (await client.list('ConfigMap', target)).filter(({ metadata }) => metadata.name.startsWith('brake-'))
      .length,
    120,
  )
})
