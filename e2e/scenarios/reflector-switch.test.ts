/** A cluster as reflector leaves it, and what Heliograph makes of it from its first start to its last; each test goes on where the one before ended. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import type { AuditMark } from '../control-plane/audit.ts'
import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { leaveReflectorCopy, leaveReflectorPullMirror } from '../lib/leftovers.ts'
import { at, isMirrorOf, marksOn } from '../lib/marks.ts'
import { configMap, refOf, secret } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { awaitData, write } from '../lib/offers.ts'
import { startProxy } from '../lib/proxy.ts'
import { AUTO, reannotate, reflectable, reflectorKeysOn, secretReflectable } from '../lib/reflector.ts'
import { openSolo } from '../lib/solo.ts'

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00$/

const solo = await openSolo()
const { client, stage } = solo
const proxy = await startProxy(stage.plane)
after(() => proxy.close())

const [home, one, two, three] = await stage.namespaces('sw-home', 'sw-one', 'sw-two', 'sw-three')
const allowed = { ...AUTO, 'reflection-allowed-namespaces': 'sw-.*,kube-system' }
const toThree = { ...AUTO, 'reflection-allowed-namespaces': 'sw-(one|two|three)-.*,sw-home-.*' }
const toOne = { ...AUTO, 'reflection-auto-namespaces': one }

// Three origins, their copies of both generations, pull mirrors, orphans, and copies in a protected namespace.
const pass = await client.create(secretReflectable(home, 'pass', allowed, { password: 'first' }))
const settings = await client.create({
  ...reflectable(home, 'settings', toThree),
  binaryData: { 'logo.png': Buffer.from([0, 1, 2, 255]).toString('base64') },
})
const pair = await client.create({
  ...secretReflectable(home, 'pair', toOne, { 'tls.crt': 'c', 'tls.key': 'k' }),
  type: 'kubernetes.io/tls',
})
const gone = await client.create(secretReflectable(home, 'gone', allowed))
const ofPass = [
  await leaveReflectorCopy(client, pass, one, { era: 'quoted' }),
  await leaveReflectorCopy(client, pass, two),
]
const ofSettings = [
  await leaveReflectorCopy(client, settings, one, { era: 'quoted' }),
  await leaveReflectorCopy(client, settings, two),
  await leaveReflectorCopy(client, settings, three),
]
const copies = [...ofPass, ...ofSettings, await leaveReflectorCopy(client, pair, one)]
const pullOfPass = await leaveReflectorPullMirror(client, pass, secret(three, 'mine', { own: 'x' }))
const pullOfSettings = await leaveReflectorPullMirror(
  client,
  settings,
  configMap(home, 'again', { own: 'x' }),
  {
    era: 'quoted',
  },
)
const pulls = [pullOfPass, pullOfSettings]
const foreign = await client.create(secret(three, 'pass', { password: 'somebody’s own' }))
const inSystem = await leaveReflectorCopy(client, pass, 'kube-system')
await leaveReflectorCopy(client, gone, two)
const orphanInSystem = await leaveReflectorCopy(client, gone, 'kube-system')
await client.remove(refOf(gone))

test('the first start writes one metadata patch to each copy that a live origin claims, and deletes the orphan alone', async () => {
  const patches = proxy.on({ method: 'PATCH', path: /\/namespaces\/sw-/ }, (each) => each.pass())
  const mark = await solo.mark()
  await solo.start({ through: proxy })
  const tended = await Promise.all([
    ...copies.map((copy) => awaitMark(copy, 'mirror')),
    ...pulls.map((pull) => awaitMark(pull, 'pulled-from')),
  ])
  await awaitAbsent(client, at(refOf(gone), two))
  await solo.settled()
  patches.remove()
  const written = [...copies, ...pulls].map((copy) => `patch ${sentTo(copy)} 200`)
  assert.deepEqual(await writes(mark), [`delete secrets ${two}/gone 200`, ...written].toSorted())
  assert.equal(patches.taken.length, written.length)
  const operations = patches.taken.flatMap(
    ({ body }) => JSON.parse(body.toString()) as readonly { readonly path: string }[],
  )
  assert.deepEqual(
    operations.filter(({ path }) => !path.startsWith('/metadata/')),
    [],
  )
  for (const [index, now] of tended.entries()) assertSame(now, [...copies, ...pulls][index])
  for (const now of tended.slice(0, copies.length)) assert.ok(isMirrorOf(now, at(refOf(now), home)))
})

test('their marks stay as they were beside ours, quoted times included', async () => {
  for (const each of [...copies, ...pulls])
    assert.deepEqual(reflectorKeysOn(await client.get(refOf(each))), reflectorKeysOn(each))
})

test('what is foreign or stands in a protected namespace is untouched and told where it stands', async () => {
  await assertUntouched()
  const blocked = await awaitEvent(client, refOf(foreign), 'MirrorBlocked')
  assert.match(blocked.message, /heliograph\.dev\/adopt/)
  for (const each of [inSystem, orphanInSystem]) {
    const told = await awaitEvent(client, refOf(each), 'CopyLeft')
    assert.match(told.message, /made by reflector/)
  }
})

test('a restart afterwards writes nothing at all', async () => {
  await solo.stop()
  const mark = await solo.mark()
  await solo.start()
  await solo.settled()
  assert.deepEqual(await writes(mark), [])
})

test('a rotation reaches each copy and pull mirror in place, with the tool’s marks as it writes them today', async () => {
  const rotated = await write(client, refOf(pass), { password: 'second' })
  for (const copy of [...ofPass, pullOfPass]) {
    const now = await awaitData(client, refOf(copy), { password: 'second' })
    assert.equal(now.metadata.uid, copy.metadata.uid)
    const { 'reflected-at': time = '', ...marks } = reflectorKeysOn(now)
    const auto = copy.metadata.name === 'pass' ? 'True' : 'False'
    const wanted = {
      reflects: `${home}/pass`,
      'auto-reflects': auto,
      'reflected-version': rotated.metadata.resourceVersion,
    }
    assert.deepEqual(marks, wanted)
    assert.match(time, TIME)
  }
  await write(client, refOf(settings), { a: '2', b: '3' })
  for (const copy of [...ofSettings, pullOfSettings]) {
    const now = await awaitData(client, refOf(copy), { a: '2', b: '3' })
    assert.equal(now.metadata.uid, copy.metadata.uid)
    assert.deepEqual(now.binaryData, settings.binaryData)
  }
  await solo.settled()
  await assertUntouched()
})

test('narrowing the list takes the copies outside away at once, and leaves a pull mirror its last data', async () => {
  await reannotate(client, refOf(pass), { 'reflection-allowed-namespaces': one })
  await awaitAbsent(client, at(refOf(pass), two))
  const rotated = await write(client, refOf(pass), { password: 'third' })
  await awaitData(client, at(refOf(rotated), one), { password: 'third' })
  await solo.settled()
  await awaitData(client, { kind: 'Secret', namespace: three, name: 'mine' }, { password: 'second' })
  await assertUntouched()
})

test('switching auto off takes the copies away at once, while who pulls is still served', async () => {
  await reannotate(client, refOf(settings), { 'reflection-auto-enabled': 'false' })
  await Promise.all([one, two, three].map((each) => awaitAbsent(client, at(refOf(settings), each))))
  await write(client, refOf(settings), { a: '4' })
  await awaitData(client, { kind: 'ConfigMap', namespace: home, name: 'again' }, { a: '4', b: '3' })
})

test('deleting an origin deletes its copy', async () => {
  await client.remove(refOf(pair))
  await awaitAbsent(client, at(refOf(pair), one))
  await assertUntouched()
})

test('without annotations nothing of ours is left; pull mirrors and what was never ours stay', async () => {
  const keys = {
    'reflection-allowed': null,
    'reflection-auto-enabled': null,
    'reflection-allowed-namespaces': null,
  }
  await reannotate(client, refOf(pass), keys)
  await reannotate(client, refOf(settings), keys)
  await awaitAbsent(client, at(refOf(pass), one))
  await solo.settled()
  const labelled = await Promise.all(
    ['Secret', 'ConfigMap'].map((kind) =>
      client.list(kind, undefined, 'labelSelector=heliograph.dev%2Fmirror'),
    ),
  )
  const names = labelled.flat().map(({ metadata: { name } }) => name)
  assert.deepEqual(
    names.filter((name) => !name.startsWith('beacon')),
    [],
  )
  await awaitData(client, { kind: 'Secret', namespace: three, name: 'mine' }, { password: 'second' })
  await awaitData(client, { kind: 'ConfigMap', namespace: home, name: 'again' }, { a: '4', b: '3' })
  await assertUntouched()
})

async function awaitMark(copy: KubeObject, mark: string): Promise<KubeObject> {
  return await awaitPresent(client, refOf(copy), (each) => marksOn(each)[mark] !== undefined, {
    what: `bears our mark ${mark}`,
  })
}

/** What was written, sorted; what the API server refused is not. */
async function writes(mark: AuditMark): Promise<readonly string[]> {
  return (await solo.changes(mark)).filter((each) => / 20\d$/.test(each)).toSorted()
}

function sentTo({ kind, metadata: { namespace, name } }: KubeObject): string {
  return `${kind === 'Secret' ? 'secrets' : 'configmaps'} ${namespace}/${name}`
}

function assertSame(now: KubeObject, before: KubeObject | undefined): void {
  assert.ok(before !== undefined)
  assert.equal(now.metadata.uid, before.metadata.uid)
  assert.deepEqual([now.data, now.binaryData, now.type], [before.data, before.binaryData, before.type])
}

async function assertUntouched(): Promise<void> {
  for (const each of [foreign, inSystem, orphanInSystem]) {
    const now = await client.get(refOf(each))
    const { uid, resourceVersion } = each.metadata
    assert.deepEqual([now.metadata.uid, now.metadata.resourceVersion], [uid, resourceVersion], sentTo(each))
  }
}
