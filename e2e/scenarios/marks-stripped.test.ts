/** Promise 4: marks that were partly stripped come back where the content proves the mirror ours; otherwise it is unowned, told, and never deleted. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { PREFIX, PROVING_MARKS, at, isMirrorOf, marksOn, ours } from '../lib/marks.ts'
import { plain, secret } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { startSolo } from '../lib/solo.ts'

const FOLLOWING = ['origin-uid', 'origin-version', 'digest', 'carried', 'on-delete'] as const
const CARRIED = { labels: '{"team":"a"}', 'on-delete': 'retain' }

const solo = await startSolo()
const { client } = solo
await client.createNamespace('strip-home')

/** Each mark alone, and the proving ones in pairs with the digest; what is left must still prove the mirror. */
const PROVABLE: readonly (readonly string[])[] = [
  ...[...PROVING_MARKS, ...FOLLOWING].map((mark) => [mark]),
  ['origin-uid', 'origin-version'],
  ['digest', 'origin-version', 'origin-uid', 'carried', 'on-delete'],
  ['origin', 'origin-uid', 'origin-version'],
]
/** What is left proves nothing: two of the three are gone, or one and the digest. */
const UNPROVABLE: readonly (readonly string[])[] = [
  ['mirror', 'origin'],
  ['mirror', 'at'],
  ['origin', 'at'],
  ['mirror', 'digest'],
  ['origin', 'digest'],
  ['at', 'digest'],
]

test('while running, each mark that is stripped alone comes back, and data is not touched', async () => {
  const mirrors = await makeMirrors('run-one', PROVABLE)
  await strip(mirrors)
  for (const each of mirrors) await assertRestored(each)
})

test('while stopped, each mark that was stripped alone comes back after the start', async () => {
  const mirrors = await makeMirrors('stop-one', PROVABLE)
  await solo.whileStopped(() => strip(mirrors))
  for (const each of mirrors) await assertRestored(each)
})

test('while running, a mirror whose marks prove nothing any more is told as unowned and left as it is, even when its origin goes', async () => {
  const mirrors = await makeMirrors('run-two', UNPROVABLE)
  const stripped = await strip(mirrors)
  await assertUnowned(mirrors, stripped)
})

test('while stopped, a mirror whose marks prove nothing any more is left as it is as well', async () => {
  const mirrors = await makeMirrors('stop-two', UNPROVABLE)
  const stripped = await solo.whileStopped(() => strip(mirrors))
  await assertUnowned(mirrors, stripped)
})

test('a mirror that lost every mark is somebody else’s object: told as in the way, never changed, never deleted', async () => {
  const [mirror] = await makeMirrors('all', [[...PROVING_MARKS, ...FOLLOWING]])
  assert(mirror !== undefined)
  const [stripped] = await strip([mirror])
  await awaitEvent(client, mirror.ref, 'MirrorBlocked')
  await client.remove(mirror.origin)
  await solo.settled()
  assert.equal((await client.get(mirror.ref)).metadata.resourceVersion, stripped?.metadata.resourceVersion)
})

test('a mark that was stripped is not restored over content that was changed as well', async () => {
  const mirrors = await makeMirrors('edited', [['mirror'], ['origin'], ['at']])
  const stripped = await Promise.all(
    mirrors.map(({ ref, marks }) =>
      client.patch(ref, { metadata: without(marks), stringData: { password: 'edited' } }),
    ),
  )
  await assertUnowned(mirrors, stripped)
})

test('a mark with a false value is put right like one that is gone; one that points elsewhere proves nothing', async () => {
  const mirrors = await makeMirrors('false', [[], [], []])
  const [label, origin, place] = mirrors
  assert(label !== undefined && origin !== undefined && place !== undefined)
  await client.patch(label.ref, { metadata: { labels: { [`${PREFIX}mirror`]: '0123456789abcdef' } } })
  await client.annotate(origin.ref, ours({ origin: 'nobody/nothing' }))
  const moved = await client.annotate(place.ref, ours({ at: 'strip-home/elsewhere' }))
  await assertRestored(label)
  await assertRestored(origin)
  await solo.settled()
  assert.equal((await client.get(place.ref)).metadata.resourceVersion, moved.metadata.resourceVersion)
})

interface Mirror {
  readonly origin: Ref
  readonly ref: Ref
  /** To be stripped. */
  readonly marks: readonly string[]
  readonly before: KubeObject
}

/** One origin and one mirror for each list of marks, all in one target namespace. */
async function makeMirrors(
  prefix: string,
  lists: readonly (readonly string[])[],
): Promise<readonly Mirror[]> {
  const namespace = `strip-${prefix}`
  await client.createNamespace(namespace)
  return await Promise.all(
    lists.map(async (marks, index) => {
      const origin: Ref = { kind: 'Secret', namespace: 'strip-home', name: `${prefix}-${index}` }
      const ref = at(origin, namespace)
      const annotations = ours({ 'reflect-to': namespace, ...CARRIED })
      await client.create(secret('strip-home', origin.name, { password: 'first' }, { annotations }))
      const before = await awaitPresent(client, ref, (each) => isMirrorOf(each, origin))
      return { origin, ref, marks, before }
    }),
  )
}

async function strip(mirrors: readonly Mirror[]): Promise<readonly KubeObject[]> {
  return await Promise.all(mirrors.map(({ ref, marks }) => client.patch(ref, { metadata: without(marks) })))
}

function without(marks: readonly string[]): Readonly<Record<string, unknown>> {
  const annotations = marks.filter((mark) => mark !== 'mirror').map((mark) => [PREFIX + mark, null])
  return {
    annotations: Object.fromEntries(annotations),
    labels: marks.includes('mirror') ? { [`${PREFIX}mirror`]: null } : {},
  }
}

async function assertRestored({ ref, marks, before }: Mirror): Promise<void> {
  const wanted = JSON.stringify(marksOn(before))
  const what = `bears all marks again after losing ${marks.join(', ')}`
  const restored = await awaitPresent(client, ref, (each) => JSON.stringify(marksOn(each)) === wanted, {
    what,
  })
  assert.equal(restored.metadata.uid, before.metadata.uid)
  assert.deepEqual(restored.data, before.data)
}

/** Told, and unchanged even after the origin moved on and then went. */
async function assertUnowned(mirrors: readonly Mirror[], stripped: readonly KubeObject[]): Promise<void> {
  for (const { ref } of mirrors) await awaitEvent(client, ref, 'MirrorUnowned')
  await Promise.all(mirrors.map(({ origin }) => client.patch(origin, { stringData: { password: 'second' } })))
  await solo.settled()
  await Promise.all(mirrors.map(({ origin }) => client.remove(origin)))
  await solo.settled()
  for (const [index, { ref, marks }] of mirrors.entries()) {
    const now = await client.get(ref)
    assert.equal(
      now.metadata.resourceVersion,
      stripped[index]?.metadata.resourceVersion,
      `without ${marks.join(', ')}`,
    )
    assert.notEqual(plain(now)['password'], 'second')
  }
}
