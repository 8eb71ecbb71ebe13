/** What patterns mean, on real namespaces: every special sign, and every sign that is none. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { refOf } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, namespacesOf, offer } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo

const HOME = 'origins'
type Name = (typeof NAMESPACES)[number]
const NAMESPACES = [
  'team-a',
  'team-b',
  'team-c',
  'team-x',
  'team-a-db',
  'team-10',
  'team',
  'a-team',
  'ateam',
  'dev',
  'dev-team-a',
] as const

/** Names of two characters that nothing here has: as many as a pattern's length allows. */
const SHORT_NAMES = Array.from({ length: 65 }, (_, index) => (36 + index).toString(36))

/** A list and the namespaces that it matches. */
const LISTS: readonly (readonly [list: string, matched: readonly Name[]])[] = [
  ['team-a', ['team-a']],
  ['team', ['team']],
  ['TEAM', []],
  ['Team-a', []],
  ['team-*', ['team-a', 'team-b', 'team-c', 'team-x', 'team-a-db', 'team-10']],
  ['*-team', ['a-team']],
  ['*team', ['team', 'a-team', 'ateam']],
  [
    '*team*',
    ['team-a', 'team-b', 'team-c', 'team-x', 'team-a-db', 'team-10', 'team', 'a-team', 'ateam', 'dev-team-a'],
  ],
  ['t*a', ['team-a']],
  ['*-a', ['team-a', 'dev-team-a']],
  ['team-?', ['team-a', 'team-b', 'team-c', 'team-x']],
  ['team-??', ['team-10']],
  ['?eam', ['team']],
  ['team-[ab]', ['team-a', 'team-b']],
  ['team-[a-c]', ['team-a', 'team-b', 'team-c']],
  ['team-[!a-c]', ['team-x']],
  ['team-[^a-c]', ['team-x']],
  ['team-[0-9][0-9]', ['team-10']],
  ['team-{a,x}', ['team-a', 'team-x']],
  ['{team,dev}-{a,team-a}', ['team-a', 'dev-team-a']],
  ['team-{a,{b,c}}', ['team-a', 'team-b', 'team-c']],
  ['team{,-a}', ['team', 'team-a']],
  ['team-[a,b]', ['team-a', 'team-b']],
  ['{team-a,dev}, !dev', ['team-a']],
  ['team-*, !team-{a,b}, !team-x', ['team-c', 'team-a-db', 'team-10']],
  ['!team-a, team-a', []],
  ['!team-[ab], team-?', ['team-c', 'team-x']],
  [' team-a ,, dev , ', ['team-a', 'dev']],
  ['! team-a, team-a, dev', ['dev']],
  ['team-a,team-a', ['team-a']],
  ['.*', []],
  ['team-.', []],
  ['^team-a$', []],
  ['team_a', []],
  ['team/a', []],
  ['team-a|dev', []],
  ['(team-a)', []],
  ['team-a b', []],
  [`dev,${'x'.repeat(253)}`, ['dev']],
  [
    Array.from({ length: 63 }, (_, index) => `none-${index}`)
      .concat('dev')
      .join(','),
    ['dev'],
  ],
  [`{${SHORT_NAMES.slice(0, 63).join(',')},dev}`, ['dev']],
]

test('each list of patterns reaches exactly the namespaces that it matches', async () => {
  for (const each of [HOME, ...NAMESPACES]) await client.createNamespace(each)
  const cases = LISTS.map(([list, matched], index) => ({
    list,
    matched: [...matched].sort(),
    origin: offer(HOME, `list-${index}`, { 'reflect-to': list }),
  }))
  await Promise.all(cases.map(({ origin }) => client.create(origin)))
  const wanted = cases.flatMap(({ origin, matched }) => matched.map((each) => mirrorIn(each, origin)))
  await Promise.all(wanted.map((each) => awaitPresent(client, each)))
  await solo.settled()
  for (const { list, matched, origin } of cases)
    assert.deepEqual(await namespacesOf(client, refOf(origin)), matched, `list «${list}»`)
})

/** Lists that are bad values, and why. */
const BAD_LISTS: readonly (readonly [list: string, reason: RegExp])[] = [
  ['+(team-a)', /extended globs/],
  ['team-@(a|b)', /extended globs/],
  ['?(team-a)', /extended globs/],
  ['*(team)', /extended globs/],
  ['dev,!(team-a)', /extended globs/],
  ['#team-a', /# is not supported/],
  ['team#a', /# is not supported/],
  ['**', /\*\* is not supported/],
  ['team-**', /\*\* is not supported/],
  ['team-{1..9}', /ranges such as \{1\.\.9\}/],
  ['team-{a}', /two or more alternatives/],
  ['team-{a,b', /balanced/],
  ['team-a}', /balanced/],
  ['team-[ab', /balanced/],
  ['team-ab]', /balanced/],
  ['team-[]', /may not be empty/],
  ['team-[c-a]', /runs backwards/],
  ['team-[[:alpha:]]', /may not hold \[/],
  ['team\\-a', /backslash/],
  ['!', /missing after !/],
  ['!!team-a', /one ! only/],
  ['dév', /printable ASCII/],
  ['x'.repeat(254), /at most 253 characters/],
  [Array.from({ length: 65 }, (_, index) => `none-${index}`).join(','), /at most 64 patterns|64/],
  [`{${SHORT_NAMES.slice(0, 65).join(',')}}`, /at most 64 alternatives/],
  ['{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}', /at most 64 alternatives/],
  ['*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*', /at most 16 stars/],
]

test('a pattern that cannot mean what it says is refused whole, told with its reason, and reaches nothing', async () => {
  const cases = BAD_LISTS.map(([list, reason], index) => ({
    list,
    reason,
    origin: offer(HOME, `bad-${index}`, { 'reflect-to': `dev, ${list}` }),
  }))
  await Promise.all(cases.map(({ origin }) => client.create(origin)))
  for (const { list, reason, origin } of cases) {
    const told = await awaitEvent(client, refOf(origin), 'OriginHeld')
    assert.match(told.message, /^Annotation heliograph\.dev\/reflect-to: /)
    assert.match(told.message, reason, `list «${list}»`)
    assert.ok(!told.message.includes('none-'), 'the list itself is not quoted')
  }
  await solo.settled()
  for (const { list, origin } of cases)
    assert.deepEqual(await namespacesOf(client, refOf(origin)), [], `list «${list}»`)
})

test('patterns of allow-pull and carry are read by the same rules', async () => {
  const origin = await client.create({
    ...offer(HOME, 'same-rules', { 'allow-pull': 'team-{a,b}, !team-b', carry: 'example.com/*, !*/b, .*' }),
    metadata: {
      namespace: HOME,
      name: 'same-rules',
      labels: { 'example.com/a': '1', 'example.com/b': '2', plain: '3' },
      annotations: {
        'heliograph.dev/allow-pull': 'team-{a,b}, !team-b',
        'heliograph.dev/carry': 'example.com/*, !*/b, [p]lain',
      },
    },
  })
  const objects = ['team-a', 'team-b'].map((each) =>
    offer(each, 'same-rules', { 'reflect-from': `${HOME}/same-rules` }, { own: 'x' }),
  )
  for (const each of objects) await client.create(each)
  const mirror = await awaitData(client, mirrorIn('team-a', origin), { a: '1' })
  assert.deepEqual(mirror.metadata.labels, { 'example.com/a': '1', plain: '3' })
  await awaitEvent(client, mirrorIn('team-b', origin), 'PullUnavailable')
  await annotate(client, refOf(origin), { 'allow-pull': 'team-+(a)' })
  await awaitEvent(client, refOf(origin), 'OriginHeld', ({ message }) =>
    message.includes('/allow-pull: extended'),
  )
  await annotate(client, refOf(origin), { 'allow-pull': 'team-?', carry: '**' })
  await awaitEvent(client, refOf(origin), 'OriginHeld', ({ message }) => message.includes('/carry: **'))
})

test('a hostile pattern costs the cluster nothing: others are mirrored while it stands', async () => {
  const hostile = `${'*a'.repeat(16)}b`
  const target = await stage.namespace('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')
  const lists = Array.from({ length: 50 }, (_, index) =>
    offer(HOME, `hostile-${index}`, { 'reflect-to': Array.from({ length: 64 }, () => hostile).join(',') }),
  )
  await Promise.all(lists.map((each) => client.create(each)))
  const origin = await client.create(offer(HOME, 'harmless', { 'reflect-to': target }))
  await awaitPresent(client, mirrorIn(target, origin))
  assert.equal(await solo.controller.probe('/livez'), 200)
})
