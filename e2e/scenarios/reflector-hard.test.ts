/** Switching from reflector in hard times: refused and cut requests, edits in between, sudden ends, two replicas. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { leaveReflectorCopy } from '../lib/leftovers.ts'
import { isMirrorOf, ours } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { awaitData, mirrorIn, write } from '../lib/offers.ts'
import { startProxy } from '../lib/proxy.ts'
import { AUTO, reannotate, reflectable, secretReflectable } from '../lib/reflector.ts'
import { openSolo } from '../lib/solo.ts'

const solo = await openSolo()
const { client, stage } = solo
const proxy = await startProxy(stage.plane)
after(() => proxy.close())
await solo.start({ through: proxy })

const THROUGH = { through: proxy }

function to(...namespaces: readonly string[]): Readonly<Record<string, string>> {
  return { ...AUTO, 'reflection-allowed-namespaces': namespaces.join(',') }
}

/** An origin that is held, so that its copy is met only when the scenario wants it. */
async function waiting(word: string): Promise<{
  readonly origin: KubeObject
  readonly copy: KubeObject
  readonly path: RegExp
  go(): Promise<unknown>
}> {
  const [home, target] = await stage.namespaces(`${word}-home`, `${word}-target`)
  const offered = reflectable(home, word, to(target))
  const paused = { ...offered.metadata.annotations, ...ours({ paused: 'true' }) }
  const origin = await client.create({ ...offered, metadata: { ...offered.metadata, annotations: paused } })
  const copy = await leaveReflectorCopy(client, origin, target)
  const path = new RegExp(`/namespaces/${target}/configmaps/${word}`)
  return { origin, copy, path, go: async () => await client.annotate(refOf(origin), ours({ paused: null })) }
}

test('a copy that is edited between its comparison and our patch is not marked as it was: the edit is put back', async () => {
  const { origin, copy, path, go } = await waiting('edited')
  const patch = proxy.hold({ method: 'PATCH', path, times: 1 })
  await go()
  await patch.reached()
  await write(client, refOf(copy), { a: 'tampered' })
  patch.release()
  const mirror = await awaitData(client, refOf(copy), { a: '1' })
  assert.equal(mirror.metadata.uid, copy.metadata.uid)
  await awaitPresent(client, refOf(copy), (each) => isMirrorOf(each, refOf(origin)))
})

test('a copy that is deleted between its comparison and our patch is made anew', async () => {
  const { origin, copy, path, go } = await waiting('deleted')
  const patch = proxy.hold({ method: 'PATCH', path, times: 1 })
  await go()
  await patch.reached()
  await client.remove(refOf(copy))
  patch.release()
  const mirror = await awaitPresent(client, refOf(copy), (each) => isMirrorOf(each, refOf(origin)))
  assert.notEqual(mirror.metadata.uid, copy.metadata.uid)
})

test('a copy whose place somebody else takes meanwhile is his, and untouched', async () => {
  const { copy, path, go } = await waiting('taken')
  const patch = proxy.hold({ method: 'PATCH', path, times: 1 })
  await go()
  await patch.reached()
  await client.remove(refOf(copy))
  const own = await client.create({
    ...reflectable(copy.metadata.namespace ?? '', 'taken', {}, { own: 'x' }),
  })
  patch.release()
  await solo.settled()
  const now = await client.get(refOf(own))
  assert.equal(now.metadata.resourceVersion, own.metadata.resourceVersion)
})

test('an origin that is rotated while its copy is compared is brought whole', async () => {
  const { origin, copy, path, go } = await waiting('rotated')
  const patch = proxy.hold({ method: 'PATCH', path, times: 1 })
  await go()
  await patch.reached()
  await write(client, refOf(origin), { a: '2' })
  patch.release()
  const mirror = await awaitData(client, refOf(copy), { a: '2' })
  assert.equal(mirror.metadata.uid, copy.metadata.uid)
})

test('an origin that narrows while its copy is taken over loses it', async () => {
  const { origin, copy, path, go } = await waiting('narrowed')
  const patch = proxy.holdAnswers({ method: 'PATCH', path, times: 1 })
  await go()
  await patch.reached()
  await reannotate(client, refOf(origin), { 'reflection-allowed-namespaces': 'nowhere' })
  patch.release()
  await awaitAbsent(client, refOf(copy))
})

test('reads and patches that are refused or cut are repeated until the copy is ours, in place and without a data write', async () => {
  const { origin, copy, path, go } = await waiting('refused')
  const bodies: string[] = []
  const rules = [
    proxy.on({ method: 'PATCH', path }, async (each) => {
      bodies.push(each.body.toString())
      await each.pass()
    }),
    proxy.on({ path, times: 1 }, (each) => each.answer(500, { kind: 'Status', code: 500 })),
    proxy.on({ path, times: 1 }, (each) => each.cut()),
    proxy.on({ method: 'PATCH', path, times: 1 }, (each) => each.answer(429, {}, { 'retry-after': '1' })),
  ]
  await go()
  const mirror = await awaitPresent(client, refOf(copy), (each) => isMirrorOf(each, refOf(origin)))
  await solo.settled()
  for (const rule of rules) rule.remove()
  assert.deepEqual([mirror.metadata.uid, mirror.data], [copy.metadata.uid, copy.data])
  assert.ok(bodies.length > 0)
  for (const body of bodies) assert.doesNotMatch(body, /"path":"\/(data|binaryData|type)/)
})

test('a take-over whose answer is lost is not repeated', async () => {
  const { origin, copy, path, go } = await waiting('lost')
  const mark = await solo.mark()
  proxy.on({ method: 'PATCH', path, times: 1 }, async (each) => await each.pass(() => each.cut()))
  await go()
  await awaitPresent(client, refOf(copy), (each) => isMirrorOf(each, refOf(origin)))
  await solo.settled()
  const target = copy.metadata.namespace ?? ''
  assert.deepEqual(
    (await solo.changes(mark)).filter((each) => each.includes(target)),
    [`patch configmaps ${target}/lost 200`],
  )
})

test('a controller that is killed in the midst of the pass leaves each copy taken over or as it was, and the next one ends the pass', async () => {
  const home = await stage.namespace('killed-home')
  const targets: string[] = []
  for (let index = 0; index < 8; index += 1) targets.push(await stage.namespace('killed-target'))
  await solo.stop()
  const origin = await client.create(secretReflectable(home, 'killed', to(...targets)))
  const copies = await Promise.all(targets.map((target) => leaveReflectorCopy(client, origin, target)))
  const mark = await solo.mark()
  const answers = proxy.holdAnswers({ method: 'PATCH', path: /\/namespaces\/killed-target/, times: 3 })
  const dying = await stage.launch(THROUGH)
  await answers.reached(3)
  await dying.kill()
  answers.release()
  await solo.start(THROUGH)
  for (const copy of copies) {
    const mirror = await awaitPresent(client, refOf(copy), (each) => isMirrorOf(each, refOf(origin)))
    assert.deepEqual([mirror.metadata.uid, mirror.data], [copy.metadata.uid, copy.data])
  }
  await solo.settled()
  const patches = targets.map((target) => `patch secrets ${target}/killed 200`)
  const changes = (await solo.changes(mark)).filter((each) => each.includes('/killed '))
  assert.deepEqual(changes.toSorted(), patches.toSorted())
})

test('of two replicas one takes the copies over and the other writes nothing', async () => {
  const [home, target] = await stage.namespaces('two-home', 'two-target')
  await using second = await stage.launch({ name: 'second', environment: { POD_NAME: 'heliograph-1' } })
  await second.awaitLine(/./)
  const offered = reflectable(home, 'two', to(target))
  const paused = { ...offered.metadata.annotations, ...ours({ paused: 'true' }) }
  const origin = await client.create({ ...offered, metadata: { ...offered.metadata, annotations: paused } })
  const copy = await leaveReflectorCopy(client, origin, target)
  const mark = await solo.mark()
  await client.annotate(refOf(origin), ours({ paused: null }))
  await awaitPresent(client, mirrorIn(target, origin), (each) => isMirrorOf(each, refOf(origin)))
  await solo.settled()
  const changes = (await solo.changes(mark)).filter((each) => each.includes(target))
  assert.deepEqual(changes, [`patch configmaps ${target}/two 200`])
  assert.equal((await client.get(refOf(copy))).metadata.uid, copy.metadata.uid)
})
