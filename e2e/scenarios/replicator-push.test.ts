/** Pushes in replicator’s words: who receives a copy by `replicate-to` and `replicate-to-matching`, and with which labels. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { keysOf, REPLICATOR } from '../lib/leftovers.ts'
import { isMirrorOf, marksOn, PREFIX } from '../lib/marks.ts'
import { configMap, refOf } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { awaitData, mirrorIn, namespacesOf, textsOf, write } from '../lib/offers.ts'
import { dataOf, dressed, replicated, replicatedMap, said, tell } from '../lib/replicator.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo
const SYSTEM_NAMESPACES = ['kube-node-lease', 'kube-public', 'kube-system', stage.installation.namespace]

/** Where copies of `origin` stand when all is done. */
async function spreadOf(origin: KubeObject): Promise<readonly string[]> {
  await solo.settled()
  return await namespacesOf(client, refOf(origin))
}

test('replicate-to needs no replication-allowed, and a copy bears replicator’s marks beside ours', async () => {
  const [home, target] = await stage.namespaces('gate-home', 'gate-target')
  for (const make of [replicated, replicatedMap]) {
    const origin = await client.create(make(home, 'shared', { 'replicate-to': target }, { b: '2', a: '1' }))
    const mirror = await awaitData(client, mirrorIn(target, origin), { a: '1', b: '2' })
    assert.equal(isMirrorOf({ ...mirror, kind: origin.kind ?? '' }, refOf(origin)), true)
    assert.equal(said(mirror, 'replicated-keys'), 'a,b')
    assert.equal(said(mirror, 'replicated-from-version'), origin.metadata.resourceVersion)
    assert.match(said(mirror, 'replicated-at') ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.equal(said(mirror, 'replicate-to'), undefined, 'annotations of the origin are not copied')
  }
})

test('a lone * is every namespace but the own one and the protected ones', async () => {
  const [home] = await stage.namespaces('star-home', 'star-other')
  const origin = await client.create(replicated(home, 'star', { 'replicate-to': '*' }))
  await awaitPresent(client, mirrorIn('default', origin))
  const spread = await spreadOf(origin)
  const all = (await client.list('Namespace')).map(({ metadata: { name } }) => name)
  const open = all.filter((name) => name !== home && !SYSTEM_NAMESPACES.includes(name))
  const closed = open.filter((name) => name.startsWith('beacon-') && name !== 'beacon-home')
  assert.deepEqual([...spread].sort(), open.filter((name) => !closed.includes(name)).sort())
  const own = await client.get(refOf(origin))
  assert.equal(own.metadata.resourceVersion, origin.metadata.resourceVersion, 'an origin is never written')
  await client.remove(refOf(origin))
  await awaitAbsent(client, mirrorIn('default', origin))
})

test('patterns hold for whole names: *-db ends so, a|b is either, and a name is itself alone', async () => {
  const names = ['pat-x-db', 'pat-y-db-2', 'pat-a', 'pat-b', 'pat-axx', 'xx-pat-b', 'pat-12', 'pat-1x']
  for (const name of names) await client.createNamespace(name)
  const home = await stage.namespace('patterns-home')
  const expected: Readonly<Record<string, readonly string[]>> = {
    '*-db': ['pat-x-db'],
    '^*-db$': ['pat-x-db'],
    'pat-a|pat-b': ['pat-a', 'pat-b'],
    '^pat-a|pat-b$': ['pat-a', 'pat-b'],
    'pat-a': ['pat-a'],
    'pat-[0-9]+': ['pat-12'],
    '(?i)PAT-A , pat-b,, nothing': ['pat-a', 'pat-b'],
    'pat-.*-db': ['pat-x-db'],
    '[[:alpha:]]+-pat-b': ['xx-pat-b'],
  }
  for (const [index, [pattern, places]] of Object.entries(expected).entries()) {
    const keys = { 'replicate-to': pattern }
    const origin = await client.create(replicatedMap(home, `pattern-${index}`, keys))
    for (const place of places) await awaitPresent(client, mirrorIn(place, origin))
    assert.deepEqual(await spreadOf(origin), places, pattern)
  }
})

test('an absent and an empty list name nobody, whatever else is allowed', async () => {
  const [home] = await stage.namespaces('none-home', 'none-target')
  const origins = [
    replicated(home, 'none-empty', { 'replicate-to': '' }),
    replicated(home, 'none-blank', { 'replicate-to': ' , ' }),
    replicated(home, 'none-pull', { 'replication-allowed': 'true', 'replication-allowed-namespaces': '.*' }),
  ]
  const made = await Promise.all(origins.map((each) => client.create(each)))
  for (const origin of made) assert.deepEqual(await spreadOf(origin), [], origin.metadata.name)
})

test('an empty selector is every namespace, and a selector is read in full', async () => {
  const home = await stage.namespace('selector-home')
  const small = await stage.namespace('selector-small', { labels: { size: '3', tier: 'db' } })
  const large = await stage.namespace('selector-large', { labels: { size: '9', tier: 'web' } })
  const expected: Readonly<Record<string, readonly string[]>> = {
    'size>5': [large],
    'size<5': [small],
    'tier in (db, cache)': [small],
    'tier notin (db), size': [large],
    'tier=db,size=9': [],
  }
  for (const [index, [selector, places]] of Object.entries(expected).entries()) {
    const keys = { 'replicate-to-matching': selector }
    const origin = await client.create(replicatedMap(home, `selector-${index}`, keys))
    for (const place of places) await awaitPresent(client, mirrorIn(place, origin))
    assert.deepEqual(await spreadOf(origin), places, selector)
  }
  const every = await client.create(replicatedMap(home, 'selector-every', { 'replicate-to-matching': '' }))
  for (const place of ['default', small, large]) await awaitPresent(client, mirrorIn(place, every))
  const spread = await spreadOf(every)
  for (const closed of [home, ...SYSTEM_NAMESPACES]) assert.equal(spread.includes(closed), false, closed)
  await client.remove(refOf(every))
})

test('names and selector are a union', async () => {
  const home = await stage.namespace('union-home')
  const named = await stage.namespace('union-named')
  const labelled = await stage.namespace('union-labelled', { labels: { union: 'yes' } })
  await stage.namespace('union-neither', { labels: { union: 'no' } })
  const keys = { 'replicate-to': named, 'replicate-to-matching': 'union=yes' }
  const origin = await client.create(replicated(home, 'union', keys))
  for (const place of [named, labelled]) await awaitPresent(client, mirrorIn(place, origin))
  assert.deepEqual(await spreadOf(origin), [labelled, named].sort())
  await tell(client, refOf(origin), { 'replicate-to': null })
  await awaitAbsent(client, mirrorIn(named, origin))
  assert.deepEqual(await spreadOf(origin), [labelled])
})

test('labels are copied and follow the origin; strip-labels strips them by being there, whatever it says', async () => {
  const [home, target] = await stage.namespaces('labels-home', 'labels-target')
  const labels = { team: 'a', 'app.kubernetes.io/instance': 'release', kept: 'yes' }
  const origin = await client.create(
    dressed(replicated(home, 'labelled', { 'replicate-to': target }), { labels }),
  )
  const place = mirrorIn(target, origin)
  await awaitLabels(place, { team: 'a', kept: 'yes' })
  await client.patch(refOf(origin), { metadata: { labels: { team: 'b', kept: null, more: 'x' } } })
  await awaitLabels(place, { team: 'b', more: 'x' })
  await client.patch(place, { metadata: { labels: { theirs: 'stays', team: 'edited' } } })
  await awaitLabels(place, { team: 'b', more: 'x', theirs: 'stays' })
  await tell(client, refOf(origin), { 'strip-labels': 'false' })
  await awaitLabels(place, { theirs: 'stays' })
  await tell(client, refOf(origin), { 'strip-labels': null })
  await awaitLabels(place, { team: 'b', more: 'x', theirs: 'stays' })
})

test('keep-owner-references is told and not obeyed', async () => {
  const [home, target] = await stage.namespaces('owner-home', 'owner-target')
  const owner = await client.create(configMap(home, 'owner', {}))
  const wanted = replicated(home, 'owned', { 'replicate-to': target, 'keep-owner-references': 'true' })
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid }]
  const origin = await client.create({ ...wanted, metadata: { ...wanted.metadata, ownerReferences } })
  const mirror = await awaitPresent(client, mirrorIn(target, origin))
  assert.equal(mirror.metadata['ownerReferences'], undefined)
  const told = await awaitEvent(client, refOf(origin), 'AnnotationIgnored')
  assert.match(told.message, /keep-owner-references/)
  const silent = await client.create(
    replicated(home, 'silent', { 'replicate-to': target, 'keep-owner-references': 'yes' }),
  )
  await awaitPresent(client, mirrorIn(target, silent))
})

test('a pattern that names the own namespace writes nothing there, through relabelling and a restart', async () => {
  const home = await stage.namespace('own-home', { labels: { own: 'yes' } })
  const target = await stage.namespace('own-target', { labels: { own: 'yes' } })
  const keys = { 'replicate-to': `${home}, ${target}`, 'replicate-to-matching': 'own' }
  const origin = await client.create(replicated(home, 'own', keys))
  await awaitPresent(client, mirrorIn(target, origin))
  await client.patch({ kind: 'Namespace', name: home }, { metadata: { labels: { own: 'again' } } })
  await solo.settled()
  await solo.restart()
  await tell(client, refOf(origin), { 'replicate-to': null, 'replicate-to-matching': 'own=yes' })
  await solo.settled()
  const now = await client.get(refOf(origin))
  assert.equal(now.metadata.uid, origin.metadata.uid)
  assert.deepEqual(textsOf({ ...now, kind: 'Secret' }), { a: '1' })
  assert.deepEqual(marksOn(now), {})
  assert.equal(said(now, 'replicated-keys'), undefined)
})

test('a namespace that is created or relabelled receives its copies, and loses them when it matches no more', async () => {
  const home = await stage.namespace('born-home')
  const keys = { 'replicate-to': 'born-later-[a-z]+', 'replicate-to-matching': 'born=yes' }
  const origin = await client.create(replicatedMap(home, 'born', keys))
  const plainly = await stage.namespace('born-plain')
  await client.createNamespace('born-later-x')
  await awaitPresent(client, mirrorIn('born-later-x', origin))
  assert.deepEqual(await spreadOf(origin), ['born-later-x'])
  const relabel = async (born: string | null): Promise<unknown> =>
    await client.patch({ kind: 'Namespace', name: plainly }, { metadata: { labels: { born } } })
  await relabel('yes')
  await awaitPresent(client, mirrorIn(plainly, origin))
  await relabel('no')
  await awaitAbsent(client, mirrorIn(plainly, origin))
  assert.deepEqual(await spreadOf(origin), ['born-later-x'])
})

test('a narrowed list, a changed selector and a removed annotation take their copies away', async () => {
  const home = await stage.namespace('narrow-home')
  const one = await stage.namespace('narrow-one', { labels: { narrow: 'one' } })
  const two = await stage.namespace('narrow-two', { labels: { narrow: 'two' } })
  const byName = await client.create(replicated(home, 'by-name', { 'replicate-to': `${one},${two}` }))
  const byLabel = await client.create(
    replicatedMap(home, 'by-label', { 'replicate-to-matching': 'narrow=one' }),
  )
  for (const [origin, place] of [
    [byName, one],
    [byName, two],
    [byLabel, one],
  ] as const)
    await awaitPresent(client, mirrorIn(place, origin))
  await tell(client, refOf(byName), { 'replicate-to': two })
  await awaitAbsent(client, mirrorIn(one, byName))
  await tell(client, refOf(byLabel), { 'replicate-to-matching': 'narrow=two' })
  await awaitAbsent(client, mirrorIn(one, byLabel))
  await awaitPresent(client, mirrorIn(two, byLabel))
  await tell(client, refOf(byName), { 'replicate-to': null })
  await awaitAbsent(client, mirrorIn(two, byName))
  await client.remove(refOf(byLabel))
  await awaitAbsent(client, mirrorIn(two, byLabel))
})

test('an edit and a deletion by hand are put right at once', async () => {
  const [home, target] = await stage.namespaces('hand-home', 'hand-target')
  for (const make of [replicated, replicatedMap]) {
    const origin = await client.create(make(home, 'hand', { 'replicate-to': target }, { a: '1', b: '2' }))
    const place = mirrorIn(target, origin)
    await awaitData(client, place, { a: '1', b: '2' })
    await write(client, place, { a: 'edited' })
    await awaitData(client, place, { a: '1', b: '2' })
    await write(client, place, { b: null })
    await awaitData(client, place, { a: '1', b: '2' })
    const before = await client.get(place)
    await client.remove(place)
    await awaitPresent(client, place, ({ metadata }) => metadata.uid !== before.metadata.uid)
    await awaitData(client, place, { a: '1', b: '2' })
  }
})

test('a copy whose claim ended while nobody looked is collected after a restart', async () => {
  const [home, one, two] = await stage.namespaces('unseen-home', 'unseen-one', 'unseen-two')
  const gone = await client.create(replicated(home, 'gone', { 'replicate-to': `${one},${two}` }))
  const narrowed = await client.create(replicated(home, 'narrowed', { 'replicate-to': `${one},${two}` }))
  for (const origin of [gone, narrowed])
    for (const place of [one, two]) await awaitPresent(client, mirrorIn(place, origin))
  await solo.settled()
  const kept = await client.get(mirrorIn(two, narrowed))
  await solo.whileStopped(async () => {
    await client.remove(refOf(gone))
    await tell(client, refOf(narrowed), { 'replicate-to': two })
  })
  for (const ref of [mirrorIn(one, gone), mirrorIn(two, gone), mirrorIn(one, narrowed)])
    await awaitAbsent(client, ref)
  await solo.settled()
  assert.equal((await client.get(mirrorIn(two, narrowed))).metadata.uid, kept.metadata.uid)
})

test('a bad pattern or selector holds its origin, and says so; others go on', async () => {
  const [home, one, two] = await stage.namespaces('bad-home', 'bad-one', 'bad-two')
  const good = await client.create(replicated(home, 'good', { 'replicate-to': one }))
  const origin = await client.create(replicated(home, 'bad', { 'replicate-to': `${one},${two}` }))
  for (const place of [one, two]) await awaitPresent(client, mirrorIn(place, origin))
  const flaws = {
    'replicate-to': [`${one},(`, '(?!x)y', '(a)\\1', 'a{2000}'],
    'replicate-to-matching': ['a in b', '=x'],
  }
  for (const [key, values] of Object.entries(flaws)) {
    for (const value of values) {
      await tell(client, refOf(origin), { 'replicate-to': one, 'replicate-to-matching': null, [key]: value })
      await awaitEvent(client, refOf(origin), 'OriginHeld', ({ message }) => message.includes(key))
      await write(client, refOf(origin), { a: `held by ${value}` })
      await solo.settled()
      for (const place of [one, two])
        assert.deepEqual(await dataOf(client, mirrorIn(place, origin)), {
          a: '1',
        })
    }
  }
  await write(client, refOf(good), { a: '2' })
  await awaitData(client, mirrorIn(one, good), { a: '2' })
  await tell(client, refOf(origin), { 'replicate-to': one, 'replicate-to-matching': null })
  await awaitData(client, mirrorIn(one, origin), { a: 'held by =x' })
  await awaitAbsent(client, mirrorIn(two, origin))
})

test('our own keys apply under replicator’s words', async () => {
  const [home, target] = await stage.namespaces('ours-home', 'ours-target')
  const annotations = { [`${PREFIX}keys`]: '!b', [`${PREFIX}reflect-as`]: '{namespace}-{name}' }
  const origin = await client.create(
    dressed(replicated(home, 'ours', { 'replicate-to': target }, { a: '1', b: '2' }), { annotations }),
  )
  const mirror = await awaitData(client, mirrorIn(target, origin, `${home}-ours`), { a: '1' })
  assert.equal(said(mirror, 'replicated-keys'), 'a')
  await client.annotate(refOf(origin), { [`${PREFIX}paused`]: 'true' })
  await write(client, refOf(origin), { a: '2' })
  await solo.settled()
  assert.deepEqual(await dataOf(client, refOf(mirror)), { a: '1' })
  await client.annotate(refOf(origin), { [`${PREFIX}paused`]: null })
  await awaitData(client, refOf(mirror), { a: '2' })
})

test('marks that the old tool wrote on an origin make it nothing else than an origin', async () => {
  const [home, target] = await stage.namespaces('marked-home', 'marked-target')
  const marks = keysOf(REPLICATOR, {
    'replicated-at': '2026-07-07T09:49:26Z',
    'replicated-from-version': '1',
    'replicated-keys': 'a',
  })
  const origin = await client.create(
    dressed(replicated(home, 'marked', { 'replicate-to': target }), { annotations: marks }),
  )
  await awaitData(client, mirrorIn(target, origin), { a: '1' })
  const mirror = await client.get(mirrorIn(target, origin))
  assert.equal(said(mirror, 'replicated-from-version'), origin.metadata.resourceVersion)
  const now = await client.get(refOf(origin))
  assert.equal(now.metadata.resourceVersion, origin.metadata.resourceVersion)
})

/** Waits until the labels are exactly these and our mark. */
async function awaitLabels(ref: Ref, labels: Readonly<Record<string, string>>): Promise<void> {
  await awaitPresent(
    client,
    ref,
    ({ metadata }) => {
      const { [`${PREFIX}mirror`]: mark, ...rest } = metadata.labels ?? {}
      const sorted = (map: object): string => JSON.stringify(Object.entries(map).map(String).sort())
      return mark !== undefined && sorted(rest) === sorted(labels)
    },
    { what: `bears the labels ${JSON.stringify(labels)}` },
  )
}
