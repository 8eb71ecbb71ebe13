/** What a tenant tries with other tools’ annotations and marks, from his own namespace, against his neighbours: each attempt fails. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { idle } from '../lib/idle.ts'
import {
  kubedMarks,
  KUBED,
  keysOf,
  leaveKubedCopy,
  leaveReflectorCopy,
  leaveReplicatorCopy,
  REFLECTOR,
  reflectorMarks,
  REPLICATOR,
  replicatorMarks,
} from '../lib/leftovers.ts'
import { isMirrorOf, marksOn, ours } from '../lib/marks.ts'
import { configMap, plain, refOf, secret } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { awaitData, write } from '../lib/offers.ts'
import { openSolo } from '../lib/solo.ts'
import { attempts, openTenant } from '../lib/tenant.ts'
import type { Tenant } from '../lib/tenant.ts'

const solo = await openSolo()
await solo.start({ environment: { HELIOGRAPH_REPLICATOR_TAKE_OVER: 'platform-*/shared' } })
const { client, stage } = solo

const PAUSED = ours({ paused: 'true' })

function replicating(namespace: string, name: string, to: string, data: Readonly<Record<string, string>>) {
  return secret(namespace, name, data, { annotations: keysOf(REPLICATOR, { 'replicate-to': to }) })
}

async function assertUntouched(objects: readonly KubeObject[]): Promise<void> {
  for (const object of objects) {
    const now = await client.get(refOf(object))
    assert.equal(
      now.metadata.resourceVersion,
      object.metadata.resourceVersion,
      `${object.metadata.name} moved`,
    )
    assert.equal(now.metadata.uid, object.metadata.uid)
  }
}

/** Replicator’s copy of a neighbour’s origin, and the tenant’s own origin of the same name with the same target. */
async function raid(
  word: string,
  annotations: Readonly<Record<string, string>>,
  loot: Readonly<Record<string, string>> = { password: 'evil' },
): Promise<{
  readonly origin: KubeObject
  readonly copy: KubeObject
  readonly tenant: Tenant
  readonly raider: Ref
}> {
  const name = `${word}-pass`
  const [home, target] = await stage.namespaces(`${word}-home`, `${word}-target`)
  const tenant = await openTenant(stage, `${word}-evil`)
  // Not offered yet: the copy must be there first, as on the day of the switch.
  const origin = await client.create(secret(home, name, { password: 'theirs' }, { annotations }))
  const copy = await leaveReplicatorCopy(client, origin, target)
  await idle(solo)
  await tenant.client.create(replicating(tenant.namespace, name, target, loot))
  return { origin, copy, tenant, raider: { kind: 'Secret', namespace: tenant.namespace, name } }
}

test('a tenant reaches nothing of his neighbour’s by himself: marks cannot be forged there', async () => {
  const [home, target] = await stage.namespaces('forge-home', 'forge-target')
  const tenant = await openTenant(stage, 'forge-evil')
  const object = await client.create(secret(target, 'pass', { password: 'own' }))
  const origin = await client.create(secret(home, 'pass', { password: 'theirs' }))
  const evil = await tenant.client.create(secret(tenant.namespace, 'pass', { password: 'evil' }))
  for (const forged of [
    reflectorMarks(evil, 'True'),
    kubedMarks(evil).annotations,
    replicatorMarks(evil),
    keysOf(REPLICATOR, { 'replicate-from': `${tenant.namespace}/pass` }),
  ]) {
    for (const ref of [refOf(object), refOf(origin)])
      assert.deepEqual(await attempts(tenant, ref, forged), [403, 403, 403, 403, 403])
  }
  await idle(solo)
  await assertUntouched([object, origin])
})

test('replicate-to captures no copy of another origin: while both claim it, it is nobody’s, and then its own origin’s', async () => {
  const { origin, copy, tenant, raider } = await raid('alive', {})
  const target = copy.metadata.namespace ?? ''
  await awaitEvent(client, refOf(copy), 'MirrorBlocked')
  await client.annotate(refOf(origin), keysOf(REPLICATOR, { 'replicate-to': target }))
  await idle(solo)
  await assertUntouched([copy])
  await tenant.client.remove(raider)
  const taken = await awaitPresent(client, refOf(copy), (each) => isMirrorOf(each, refOf(origin)))
  assert.deepEqual(plain(taken), { password: 'theirs' })
  // Held by its own origin, it is not to be had any more.
  await tenant.client.create(replicating(tenant.namespace, raider.name, target, { password: 'evil' }))
  await awaitEvent(client, raider, 'ClaimLost')
  await idle(solo)
  await assertUntouched([taken])
})

test('replicate-to captures no copy of an origin that is held', async () => {
  const held = keysOf(REPLICATOR, { 'replicate-to': 'held-target.*' })
  const { copy } = await raid('held', { ...PAUSED, ...held })
  await awaitEvent(client, refOf(copy), 'MirrorBlocked')
  await idle(solo)
  await assertUntouched([copy])
})

test('replicate-to captures no copy of an origin that is held, not even by whoever knows its content', async () => {
  const held = { ...PAUSED, ...keysOf(REPLICATOR, { 'replicate-to': 'known-target.*' }) }
  const { origin, copy, raider, tenant } = await raid('known', held, { password: 'theirs' })
  await awaitEvent(client, refOf(copy), 'MirrorBlocked')
  await idle(solo)
  await assertUntouched([copy])
  await tenant.client.remove(raider)
  await client.annotate(refOf(origin), ours({ paused: null }))
  await awaitPresent(client, refOf(copy), (each) => isMirrorOf(each, refOf(origin)))
})

test('replicate-to captures no copy of an origin that is gone', async () => {
  const { origin, copy, tenant, raider } = await raid('gone', {})
  await client.remove(refOf(origin))
  await awaitEvent(client, refOf(copy), 'MirrorBlocked')
  await tenant.client.annotate(raider, { any: 'change' })
  await idle(solo)
  await assertUntouched([copy])
})

test('marks that name no key prove nothing: an origin without data takes no object over by them', async () => {
  const [target] = await stage.namespaces('empty-target')
  const tenant = await openTenant(stage, 'empty-evil')
  const annotations = keysOf(REPLICATOR, { 'replicated-keys': '', 'replicated-from-version': '1' })
  const object = await client.create(secret(target, 'pass', { password: 'own' }, { annotations }))
  const evil = await tenant.client.create(replicating(tenant.namespace, 'pass', target, {}))
  await awaitEvent(client, refOf(object), 'MirrorBlocked')
  await write(tenant.client, refOf({ ...evil, kind: 'Secret' }), { password: 'evil' })
  await idle(solo)
  await assertUntouched([object])
})

test('copies that reflector and kubed made are taken over by the origin that their marks name, and by no other', async () => {
  const [home, target] = await stage.namespaces('named-home', 'named-target')
  const tenant = await openTenant(stage, 'named-evil')
  const origins = [
    await client.create(secret(home, 'reflected', { password: 'theirs' }, { annotations: PAUSED })),
    await client.create(secret(home, 'synced', { password: 'theirs' }, { annotations: PAUSED })),
  ]
  const [reflected, synced] = origins as [KubeObject, KubeObject]
  // Held, so that reflector’s copy is not collected meanwhile.
  await client.annotate(refOf(reflected), keysOf(REFLECTOR, { 'reflection-allowed': 'true' }))
  const copies = [
    await leaveReflectorCopy(client, reflected, target),
    await leaveKubedCopy(client, synced, target),
  ]
  const auto = { 'reflection-allowed': 'true', 'reflection-auto-enabled': 'true' }
  const annotations = keysOf(REFLECTOR, { ...auto, 'reflection-allowed-namespaces': target })
  for (const name of ['reflected', 'synced'])
    await tenant.client.create(secret(tenant.namespace, name, { password: 'theirs' }, { annotations }))
  await awaitEvent(client, refOf(copies[1] ?? synced), 'MirrorBlocked')
  await idle(solo)
  await assertUntouched(copies)
})

test('takeOver holds for the origins that the administrator lists, and neither by namespace nor by name for others', async () => {
  const target = await stage.namespace('over-target')
  const platform = await stage.namespace('platform-home')
  const tenant = await openTenant(stage, 'over-platform-evil')
  const shared = await client.create(secret(target, 'shared', { own: 'x', password: 'own' }))
  const other = await client.create(secret(target, 'other', { password: 'own' }))
  await tenant.client.create(replicating(tenant.namespace, 'shared', target, { password: 'evil' }))
  await client.create(replicating(platform, 'other', target, { password: 'unlisted' }))
  await awaitEvent(client, refOf(shared), 'MirrorBlocked')
  await awaitEvent(client, refOf(other), 'MirrorBlocked')
  await idle(solo)
  await assertUntouched([shared, other])
  await tenant.client.remove({ kind: 'Secret', namespace: tenant.namespace, name: 'shared' })
  await client.create(replicating(platform, 'shared', target, { password: 'listed' }))
  const merged = await awaitData(client, refOf(shared), { own: 'x', password: 'listed' })
  assert.equal(merged.metadata.uid, shared.metadata.uid)
  assert.equal(marksOn(merged)['adopted'], 'true')
})

test('takeOver reaches neither an origin nor an object that asks another to fill it, nor a copy that names its origin', async () => {
  const [target, home] = await stage.namespaces('reach-target', 'reach-home')
  const platform = await stage.namespace('platform-reach')
  const make = async (namespace: string, annotations: Readonly<Record<string, string>>) =>
    await client.create(secret(namespace, 'shared', { password: 'own' }, { annotations }))
  const origin = await make(target, keysOf(KUBED, { sync: 'none=such' }))
  const second = await stage.namespace('reach-asks')
  const asking = await make(second, keysOf(REFLECTOR, { reflects: `${home}/absent` }))
  const third = await stage.namespace('reach-copy')
  const named = await client.create(secret(home, 'shared', { password: 'named' }))
  const copy = await leaveKubedCopy(client, named, third)
  await client.create(replicating(platform, 'shared', `${target},${second},${third}`, { password: 'listed' }))
  await awaitEvent(client, refOf(copy), 'MirrorBlocked')
  await idle(solo)
  await assertUntouched([origin, asking, copy])
})

test('marks that a tenant forges on his own object give him no data and change nothing outside his namespace', async () => {
  const [home, elsewhere] = await stage.namespaces('own-home', 'own-elsewhere')
  const tenant = await openTenant(stage, 'own-evil')
  const names = ['reflected', 'synced', 'replicated', 'asked', 'asked-too'] as const
  const offered = {
    ...keysOf(REFLECTOR, {
      'reflection-allowed': 'true',
      'reflection-allowed-namespaces': elsewhere,
      'reflection-auto-enabled': 'true',
    }),
  }
  const origins = new Map<string, KubeObject>()
  for (const name of names)
    origins.set(
      name,
      await client.create(secret(home, name, { password: 'theirs' }, { annotations: offered })),
    )
  for (const name of names) await awaitPresent(client, { kind: 'Secret', namespace: elsewhere, name })
  const marksFor = (name: (typeof names)[number]): Readonly<Record<string, string>> => {
    // Of the neighbour’s object its annotations would be forged along, and make the tenant’s an origin.
    const { metadata } = origins.get(name) ?? { metadata: { name } }
    const origin = { kind: 'Secret', metadata: { ...metadata, annotations: {} } }
    switch (name) {
      case 'reflected':
        return reflectorMarks(origin, 'True')
      case 'synced':
        return kubedMarks(origin).annotations
      case 'replicated':
        return replicatorMarks(origin)
      case 'asked':
        return keysOf(REFLECTOR, { reflects: `${home}/asked` })
      case 'asked-too':
        return keysOf(REPLICATOR, { 'replicate-from': `${home}/asked-too` })
    }
  }
  const outside = await solo.snapshot(
    names.flatMap((name) => [home, elsewhere].map((namespace) => ({ kind: 'Secret', namespace, name }))),
  )
  for (const name of names)
    await tenant.client.create(secret(tenant.namespace, name, { mine: 'x' }, { annotations: marksFor(name) }))
  // A copy that reflector would collect is collected: the tenant’s own loss.
  await awaitAbsent(client, { kind: 'Secret', namespace: tenant.namespace, name: 'reflected' })
  for (const name of ['asked', 'asked-too'])
    await awaitEvent(client, { kind: 'Secret', namespace: tenant.namespace, name }, 'PullUnavailable')
  await awaitEvent(client, { kind: 'Secret', namespace: tenant.namespace, name: 'synced' }, 'CopyLeft')
  await idle(solo)
  for (const object of await client.list('Secret', tenant.namespace))
    assert.deepEqual(plain(object), { mine: 'x' }, object.metadata.name)
  assert.deepEqual(
    await solo.snapshot(
      names.flatMap((name) => [home, elsewhere].map((namespace) => ({ kind: 'Secret', namespace, name }))),
    ),
    outside,
  )
})

test('marks and requests that name the object itself mean nothing and feed nothing', async () => {
  const tenant = await openTenant(stage, 'self-evil')
  const { namespace } = tenant
  const self = (name: string): KubeObject => ({
    ...configMap(namespace, name, {}),
    metadata: { namespace, name, uid: 'u', resourceVersion: '1' },
  })
  const marks = {
    reflected: reflectorMarks(self('reflected'), 'True'),
    synced: kubedMarks(self('synced')).annotations,
    asked: keysOf(REFLECTOR, { reflects: `${namespace}/asked` }),
    'asked-too': keysOf(REPLICATOR, { 'replicate-from': `${namespace}/asked-too` }),
  }
  const objects: KubeObject[] = []
  for (const [name, annotations] of Object.entries(marks))
    objects.push(await tenant.client.create(configMap(namespace, name, { mine: 'x' }, annotations)))
  for (const name of ['asked', 'asked-too'])
    await awaitEvent(client, { kind: 'ConfigMap', namespace, name }, 'PullFlawed')
  await idle(solo)
  await assertUntouched(objects)
})
