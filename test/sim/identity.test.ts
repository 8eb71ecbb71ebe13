/** While it is in doubt which cluster this is, nothing ends; kept, all goes on as before; new, every mirror at home is compared and marked anew. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { DIGEST_KEY_SECRET_NAME } from '../../src/core/eligibility.ts'
import { mirrorLabel } from '../../src/core/marks.ts'
import { OWN_NAMESPACE, P } from './lawful.ts'
import type { Rig } from './rig.ts'
import { encoded, manyNamespaces, mirrorOf, offer, settled } from './scenes.ts'

const KEY = { kind: 'Secret', namespace: OWN_NAMESPACE, name: DIGEST_KEY_SECRET_NAME } as const
const ORIGIN = { kind: 'Secret', namespace: 'src', name: 'db' } as const

/** Writes these texts into the digest key's Secret, and answers what stood there. */
async function write(
  rig: Rig,
  texts: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const before = rig.world.get(KEY)?.data ?? {}
  const data = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, encoded(text)]))
  rig.world.update(KEY, (key) => ({ data: { ...key.data, ...data } }), 'user')
  await rig.time.run(5_000)
  return Object.fromEntries(
    Object.entries(before).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  )
}

async function held(namespaces: readonly string[]): Promise<{ readonly rig: Rig; readonly uid: string }> {
  const rig = await settled({ namespaces })
  const { 'kube-system-uid': uid = '' } = await write(rig, { 'kube-system-uid': 'of-another-cluster' })
  return { rig, uid }
}

test('while it is held no mirror goes, for whatever reason, and claims are served', async () => {
  const { rig } = await held(['t1', 't2', 't3'])
  rig.world.updateNamespace('t1', () => ({ annotations: { [`${P}refuse`]: '*' } }))
  offer(rig, { to: 't1, t3', data: 'two' })
  await rig.time.run(60_000)
  for (const name of ['t1', 't2']) assert.notEqual(mirrorOf(rig, name), null, name)
  assert.equal(mirrorOf(rig, 't3')?.data['a'], encoded('two'))
  rig.world.remove(ORIGIN, null, 'user')
  await rig.time.run(60_000)
  for (const name of ['t1', 't2', 't3']) assert.notEqual(mirrorOf(rig, name), null, name)
  assert.equal(rig.leader?.notices.filter(({ code }) => code === 'IdentityChanged').length, 1)
  assert.deepEqual(rig.violations, [])
})

test('a retaining origin’s mirrors keep their marks while it is held', async () => {
  const { rig } = await held(['t1'])
  offer(rig, { more: { 'on-delete': 'retain' } })
  await rig.time.run(5_000)
  rig.world.remove(ORIGIN, null, 'user')
  await rig.time.run(60_000)
  assert.equal(mirrorOf(rig, 't1')?.annotations[`${P}origin`], 'src/db')
})

test('kept, what had ended goes at once and nothing else is written', async () => {
  const { rig, uid } = await held(['t1', 't2'])
  offer(rig, { to: 't1' })
  await rig.time.run(30_000)
  const startMs = rig.time.now()
  await write(rig, { 'kube-system-uid': uid })
  assert.equal(mirrorOf(rig, 't2'), null)
  assert.notEqual(mirrorOf(rig, 't1'), null)
  assert.equal(rig.writes(startMs).length, 1)
  assert.deepEqual(rig.violations, [])
})

test('new, every mirror bears the new identity under its old uid and data, and goes when its origin does', async () => {
  const namespaces = manyNamespaces(20)
  const { rig, uid } = await held(namespaces)
  const uids = namespaces.map((name) => mirrorOf(rig, name)?.uid)
  const { identity = '' } = await write(rig, {})
  await write(rig, {
    'kube-system-uid': uid,
    identity: 'fresh',
    key: 'k'.repeat(32),
    'former-identities': JSON.stringify([identity]),
  })
  await rig.time.run(120_000)
  const label = mirrorLabel('fresh', ORIGIN)
  for (const name of namespaces) assert.equal(mirrorOf(rig, name)?.labels[`${P}mirror`], label, name)
  assert.deepEqual(
    namespaces.map((name) => mirrorOf(rig, name)?.uid),
    uids,
  )
  assert.equal(mirrorOf(rig, 't0')?.data['a'], encoded('one'))
  const startMs = rig.time.now()
  await rig.time.run(60_000)
  assert.equal(rig.writes(startMs).length, 0)
  rig.world.remove(ORIGIN, null, 'user')
  await rig.time.run(60_000)
  for (const name of namespaces) assert.equal(mirrorOf(rig, name), null, name)
})

test('new, mirrors whose origins did not come along are a mass of deletions that nobody saw, and are held as one', async () => {
  const { rig, uid } = await held(manyNamespaces(150))
  const { identity = '' } = await write(rig, {})
  rig.leader?.kill()
  rig.world.remove(ORIGIN, null, 'user')
  await write(rig, {
    'kube-system-uid': uid,
    identity: 'fresh',
    key: 'k'.repeat(32),
    'former-identities': JSON.stringify([identity]),
  })
  const next = rig.startLeader()
  await rig.time.run(60_000)
  assert.equal(next.holds.length > 0, true)
  assert.notEqual(mirrorOf(rig, 't0'), null)
})
