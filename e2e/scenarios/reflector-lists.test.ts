/** Where reflector’s lists, selectors and booleans let an origin go, and what becomes of it when one of them is badly written. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { at } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { awaitData, mirrorIn, namespacesOf, write } from '../lib/offers.ts'
import { AUTO, reannotate, reflectable, reflecting } from '../lib/reflector.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo({ settings: { reflectorExcludedNamespaces: ['excluded-*'] } })
const { client, stage } = solo

/** Two namespaces of which one name begins the other. */
async function twins(word: string): Promise<readonly [string, string]> {
  const short = await stage.namespace(word)
  await client.createNamespace(`${short}b`)
  return [short, `${short}b`]
}

async function assertOnlyIn(origin: KubeObject, namespaces: readonly string[]): Promise<void> {
  for (const each of namespaces) await awaitPresent(client, mirrorIn(each, origin))
  await solo.settled()
  assert.deepEqual(await namespacesOf(client, refOf(origin)), namespaces.toSorted())
}

test('without lists an origin goes to every namespace but its own, protected ones and the controller’s', async () => {
  const [home, target] = await stage.namespaces('all-home', 'all-target')
  const origin = await client.create(
    reflectable(home, 'everywhere', {
      ...AUTO,
      'reflection-allowed-namespaces': ' ',
      'reflection-auto-namespaces': '',
    }),
  )
  await awaitPresent(client, mirrorIn(target, origin))
  await awaitPresent(client, mirrorIn('default', origin))
  await solo.settled()
  const found = await namespacesOf(client, refOf(origin))
  for (const each of ['kube-system', 'kube-public', stage.installation.namespace])
    assert.ok(!found.includes(each))
  const now = await client.get(refOf(origin))
  assert.equal(now.metadata.resourceVersion, origin.metadata.resourceVersion)
  await client.remove(refOf(origin))
  await awaitAbsent(client, mirrorIn(target, origin))
})

test('a list of commas and blanks is given and matches nothing, in either list', async () => {
  const [home, target] = await stage.namespaces('commas-home', 'commas-target')
  const none = await client.create(
    reflectable(home, 'none', { ...AUTO, 'reflection-allowed-namespaces': ' , ,' }),
  )
  const auto = await client.create(
    reflectable(home, 'auto', {
      ...AUTO,
      'reflection-allowed-namespaces': 'commas-.*',
      'reflection-auto-namespaces': ',',
    }),
  )
  const pulling = await client.create(reflecting(target, 'mine', refOf(none)))
  await awaitEvent(client, refOf(pulling), 'PullUnavailable')
  await assertOnlyIn(none, [])
  await assertOnlyIn(auto, [])
  await reannotate(client, refOf(auto), { 'reflection-auto-namespaces': ` ,${target}, ` })
  await assertOnlyIn(auto, [target])
})

test('a pattern holds if what it finds first is as long as the name', async () => {
  const home = await stage.namespace('length-home')
  const [short, long] = await twins('length')
  const offers = async (name: string, list: string): Promise<KubeObject> =>
    await client.create(reflectable(home, name, { ...AUTO, 'reflection-allowed-namespaces': list }))
  const exact = await offers('exact', short)
  const shorterFirst = await offers('shorter-first', `${short}|${long}`)
  const longerFirst = await offers('longer-first', `${long}|${short}`)
  const star = await offers('star', `${short.slice(0, -1)}*`)
  const dotStar = await offers('dot-star', `^${short}.*$`)
  const counted = await offers('counted', `${short}[b]?, ${short}b{2}`)
  await assertOnlyIn(exact, [short])
  await assertOnlyIn(shorterFirst, [short])
  await assertOnlyIn(longerFirst, [short, long])
  await assertOnlyIn(star, [])
  await assertOnlyIn(dotStar, [short, long])
  await assertOnlyIn(counted, [short, long])
})

test('a lookahead excludes by name, as its users are told to write it', async () => {
  const [home, target] = await stage.namespaces('look-home', 'look-target')
  const [out, close] = await twins('look')
  const pattern = `^(?!(?:default|kube-system|${out})$)look-.*`
  const origin = await client.create(
    reflectable(home, 'excluding', { ...AUTO, 'reflection-allowed-namespaces': pattern }),
  )
  await assertOnlyIn(origin, [target, close])
})

test('list or selector: one that holds suffices, a selector alone counts alone, and auto only chooses among the allowed', async () => {
  const home = await stage.namespace('or-home')
  const named = await stage.namespace('or-named')
  const labelled = await stage.namespace('or-labelled', { labels: { team: 'a', tier: 'web' } })
  const plain = await stage.namespace('or-plain', { labels: { team: 'b' } })
  const offers = async (name: string, keys: Readonly<Record<string, string>>): Promise<KubeObject> =>
    await client.create(reflectable(home, name, { ...AUTO, ...keys }))
  const either = await offers('either', {
    'reflection-allowed-namespaces': named,
    'reflection-allowed-namespaces-selector': 'team=a',
  })
  const alone = await offers('alone', { 'reflection-allowed-namespaces-selector': 'team in (a, c), tier' })
  const chosen = await offers('chosen', {
    'reflection-allowed-namespaces': `${named},${plain}`,
    'reflection-auto-namespaces': plain,
    'reflection-auto-namespaces-selector': 'team==a',
  })
  const last = await offers('last', { 'reflection-allowed-namespaces-selector': 'team=b,team=a' })
  await assertOnlyIn(either, [named, labelled])
  await assertOnlyIn(alone, [labelled])
  await assertOnlyIn(chosen, [plain])
  await assertOnlyIn(last, [labelled])
})

test('a namespace that is created or relabelled into the selector gets its mirrors, and loses them when relabelled out', async () => {
  const home = await stage.namespace('relabel-home')
  const target = await stage.namespace('relabel-target', { labels: { relabel: 'no' } })
  const keys = { ...AUTO, 'reflection-allowed-namespaces-selector': 'relabel=yes' }
  const origins = [
    await client.create(reflectable(home, 'a', keys)),
    await client.create(reflectable(home, 'b', keys)),
  ]
  const fresh = await stage.namespace('relabel-fresh', { labels: { relabel: 'yes' } })
  for (const each of origins) await assertOnlyIn(each, [fresh])
  await client.patch({ kind: 'Namespace', name: target }, { metadata: { labels: { relabel: 'yes' } } })
  for (const each of origins) await awaitPresent(client, mirrorIn(target, each))
  await client.patch({ kind: 'Namespace', name: fresh }, { metadata: { labels: { relabel: null } } })
  for (const each of origins) await awaitAbsent(client, mirrorIn(fresh, each))
  for (const each of origins) await assertOnlyIn(each, [target])
})

test('a restart deletes nothing of an origin that goes by labels', async () => {
  const home = await stage.namespace('restart-home')
  const target = await stage.namespace('restart-target', { labels: { restart: 'yes' } })
  const origin = await client.create(
    reflectable(home, 'kept', { ...AUTO, 'reflection-allowed-namespaces-selector': 'restart' }),
  )
  const mirror = await awaitPresent(client, mirrorIn(target, origin))
  const mark = await solo.mark()
  await solo.restart()
  await solo.settled()
  assert.deepEqual(
    (await solo.changes(mark)).filter((each) => each.includes(target)),
    [],
  )
  assert.equal((await client.get(refOf(mirror))).metadata.uid, mirror.metadata.uid)
})

test('an origin in whose own namespace the pattern matches is never written nor deleted, narrowed or not', async () => {
  const [home, target] = await stage.namespaces('own-home', 'own-target')
  const origin = await client.create(
    reflectable(home, 'own', { ...AUTO, 'reflection-allowed-namespaces': 'own-.*' }),
  )
  await assertOnlyIn(origin, [target])
  assert.equal((await client.get(refOf(origin))).metadata.resourceVersion, origin.metadata.resourceVersion)
  const narrowed = await reannotate(client, refOf(origin), { 'reflection-allowed-namespaces': 'nowhere' })
  await awaitAbsent(client, mirrorIn(target, origin))
  await client.patch({ kind: 'Namespace', name: home }, { metadata: { labels: { any: 'label' } } })
  await solo.settled()
  assert.equal((await client.get(refOf(origin))).metadata.resourceVersion, narrowed.metadata.resourceVersion)
})

test('a bad pattern or selector holds its origin alone, pulls included, and says so; mended, it goes on', async () => {
  const [home, target] = await stage.namespaces('bad-home', 'bad-target')
  const good = { ...AUTO, 'reflection-allowed-namespaces': 'bad-target.*' }
  const flawed = {
    star: { 'reflection-allowed-namespaces': '*' },
    'star-db': { 'reflection-auto-namespaces': `${target},*-db` },
    group: { 'reflection-allowed-namespaces': 'bad-(target.*' },
    backreference: { 'reflection-allowed-namespaces': '(bad)-target.*\\1?' },
    selector: { 'reflection-allowed-namespaces-selector': 'team in ()' },
    greater: { 'reflection-auto-namespaces-selector': 'size>3' },
  }
  for (const [name, keys] of Object.entries(flawed)) {
    const origin = await client.create(reflectable(home, name, good))
    await awaitPresent(client, mirrorIn(target, origin))
    const pulling = await client.create(reflecting(target, `mine-${name}`, refOf(origin)))
    await awaitData(client, refOf(pulling), { a: '1' })
    await reannotate(client, refOf(origin), keys)
    const told = await awaitEvent(client, refOf(origin), 'OriginHeld')
    assert.ok(told.message.includes(`${Object.keys(keys)[0] ?? ''}: `), told.message)
    await write(client, refOf(origin), { a: '2' })
  }
  const other = await client.create(reflectable(home, 'other', good, { a: 'goes on' }))
  await awaitData(client, mirrorIn(target, other), { a: 'goes on' })
  await solo.settled()
  for (const [name, keys] of Object.entries(flawed)) {
    const origin = { kind: 'ConfigMap', namespace: home, name }
    await awaitData(client, at(origin, target), { a: '1' })
    await awaitData(client, { ...at(origin, target), name: `mine-${name}` }, { a: '1' })
    await reannotate(client, origin, {
      ...Object.fromEntries(Object.keys(keys).map((key) => [key, null])),
      ...good,
    })
    await awaitData(client, at(origin, target), { a: '2' })
    await awaitData(client, { ...at(origin, target), name: `mine-${name}` }, { a: '2' })
  }
})

test('what is not in effect holds nothing: lists of auto while it is off, any list while nothing is allowed', async () => {
  const [home, target] = await stage.namespaces('idle-home', 'idle-target')
  const keys = { 'reflection-allowed': 'true', 'reflection-auto-namespaces': '*' }
  const origin = await client.create(reflectable(home, 'pulled', keys))
  const pulling = await client.create(reflecting(target, 'mine', refOf(origin)))
  await awaitData(client, refOf(pulling), { a: '1' })
  const revoked = await client.create(
    reflectable(home, 'revoked', { ...AUTO, 'reflection-allowed-namespaces': target }),
  )
  await awaitPresent(client, mirrorIn(target, revoked))
  await reannotate(client, refOf(revoked), {
    'reflection-allowed': 'no',
    'reflection-allowed-namespaces': '*',
  })
  await awaitAbsent(client, mirrorIn(target, revoked))
  await awaitEvent(client, refOf(revoked), 'AnnotationIgnored')
  const reasons = [
    ...(await eventsAbout(client, refOf(origin))),
    ...(await eventsAbout(client, refOf(revoked))),
  ]
  assert.ok(!reasons.some(({ reason }) => reason === 'OriginHeld'))
})

test('booleans are read in any case and trimmed; what is none is false, and told', async () => {
  const [home, target] = await stage.namespaces('bool-home', 'bool-target')
  const offers = async (name: string, allowed: string, auto: string): Promise<KubeObject> =>
    await client.create(
      reflectable(home, name, {
        'reflection-allowed': allowed,
        'reflection-auto-enabled': auto,
        'reflection-allowed-namespaces': target,
      }),
    )
  const upper = await offers('upper', 'TRUE', ' True ')
  const yes = await offers('yes', 'true', 'yes')
  const one = await offers('one', '1', 'true')
  await assertOnlyIn(upper, [target])
  for (const [origin, key] of [
    [yes, 'reflection-auto-enabled'],
    [one, 'reflection-allowed'],
  ] as const) {
    const told = await awaitEvent(client, refOf(origin), 'AnnotationIgnored')
    assert.ok(told.message.includes(key), told.message)
    await assertOnlyIn(origin, [])
  }
  const pulling = await client.create(reflecting(target, 'mine', refOf(yes)))
  await awaitData(client, refOf(pulling), { a: '1' })
})

test('in excluded namespaces reflector’s annotations are left alone, while mirrors still go there', async () => {
  const [home, excluded, target] = await stage.namespaces('included', 'excluded', 'listening')
  const keys = { ...AUTO, 'reflection-allowed-namespaces': `${excluded},${target}` }
  const origin = await client.create(reflectable(home, 'into', keys))
  const ignored = await client.create(reflectable(excluded, 'ignored', keys))
  const pulling = await client.create(reflecting(excluded, 'mine', refOf(origin)))
  await assertOnlyIn(origin, [excluded, target])
  await assertOnlyIn(ignored, [])
  assert.deepEqual((await client.get(refOf(pulling))).data, { own: 'x' })
})
