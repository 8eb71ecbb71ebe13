/** Six origins with their mirrors, changed in every way while something is wrong with the way to the API server, and what must be true afterwards. */

import assert from 'node:assert/strict'

import { awaitAbsent, awaitPresent } from './await.ts'
import { at } from './marks.ts'
import { plain } from './objects.ts'
import type { Ref } from './objects.ts'
import { annotate, awaitData, secretOffer, write } from './offers.ts'
import type { Solo } from './solo.ts'

const NAMES = ['alone', 'rotated', 'edited', 'deleted', 'withdrawn', 'gone'] as const

/**
 * Through `trouble`, which does `change` when it likes, one origin is rotated, one mirror edited, one deleted, one offer withdrawn, one origin removed,
 * one made, and a namespace born; one is left alone. Afterwards all is as it should be, and the one that was left alone was never written.
 */
export async function passesUnharmed(
  solo: Solo,
  word: string,
  trouble: (change: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const { client } = solo
  const [home, target] = await solo.stage.namespaces(`${word}-home`, `${word}-target`)
  const born = `${word}-born`
  const origin = (name: string): Ref => ({ kind: 'Secret', namespace: home, name })
  const make = async (name: string): Promise<void> => {
    await client.create(
      secretOffer(home, name, { 'reflect-to': `${target}, ${born}` }, { password: 'first' }),
    )
  }
  await Promise.all(NAMES.map(make))
  await Promise.all(NAMES.map((name) => awaitPresent(client, at(origin(name), target))))
  await solo.settled()
  const alone = await client.get(at(origin('alone'), target))
  await trouble(async () => {
    await write(client, origin('rotated'), { password: 'second' })
    await client.patch(at(origin('edited'), target), { stringData: { password: 'edited' } })
    await client.remove(at(origin('deleted'), target))
    await annotate(client, origin('withdrawn'), { 'reflect-to': null })
    await client.remove(origin('gone'))
    await make('made')
    await client.createNamespace(born)
  })
  await awaitData(client, at(origin('rotated'), target), { password: 'second' })
  for (const name of ['edited', 'deleted', 'made'])
    await awaitData(client, at(origin(name), target), { password: 'first' })
  for (const name of ['withdrawn', 'gone']) await awaitAbsent(client, at(origin(name), target))
  for (const name of ['alone', 'made', 'deleted']) await awaitPresent(client, at(origin(name), born))
  await solo.settled()
  const still = await client.get(at(origin('alone'), target))
  assert.equal(still.metadata.resourceVersion, alone.metadata.resourceVersion, 'nothing was to be written')
  assert.deepEqual(plain(still), { password: 'first' })
  for (const name of NAMES) assert.equal((await client.find(origin(name))) === null, name === 'gone', name)
}

/** How often the running controller's watches were opened again for `reason`. */
export async function restartsOf(solo: Solo, reason: string): Promise<number> {
  return (await solo.controller.metrics()).sum('heliograph_watch_restarts_total', { reason })
}
