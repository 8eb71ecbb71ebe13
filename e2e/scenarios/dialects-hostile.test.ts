/** Patterns that are written to cost others time: every answer is right, what is too dear is held, and nobody else waits for them. */

import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import type { AuditMark } from '../control-plane/audit.ts'
import { awaitList, awaitPresent } from '../lib/await.ts'
import { awaitEvent } from '../lib/events.ts'
import { hostilePatterns } from '../lib/hostile.ts'
import { idle } from '../lib/idle.ts'
import { keysOf, REFLECTOR, REPLICATOR } from '../lib/leftovers.ts'
import { at, ours } from '../lib/marks.ts'
import { configMap, refOf } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { awaitData, namespacesOf, write } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const NAMESPACES = 200
const HOSTILE = 100
/** Of each hostile origin; its other namespaces only cost time. */
const HOSTILE_MIRRORS = 10
const VICTIM_MIRRORS = 10
/** Of the 1,000 writes that the hostile origins want, so many may come before the victim's last one. */
const BEFORE_VICTIM_MAX = 150
const IN_FLIGHT = 16
const PASS_MS_MAX = 180_000

const solo = await startSolo()
const { client, stage } = solo
const [evil, victim] = await stage.namespaces('evil', 'victim')
const targets = Array.from({ length: NAMESPACES }, (_, index) => `hostile-target-with-a-long-name-${index}`)

before(async () => {
  await each(NAMESPACES, async (index) => {
    await client.createNamespace(targets[index] ?? '', { labels: { hostile: 'target' } })
  })
})

function allowing(name: string, list: string): KubeObject {
  return configMap(
    evil,
    name,
    { a: '1' },
    keysOf(REFLECTOR, {
      'reflection-allowed': 'true',
      'reflection-auto-enabled': 'true',
      'reflection-allowed-namespaces': list,
    }),
  )
}

test('another tenant’s origin is mirrored while a hundred hostile ones still wait for most of their mirrors', async () => {
  const patterns = hostilePatterns(HOSTILE)
  const wanted = targets.slice(-HOSTILE_MIRRORS).join(',')
  await each(HOSTILE, async (index) => {
    await client.create(allowing(`hostile-${index}`, `${patterns[index]},${wanted}`))
  })
  const mark = await solo.mark()
  await mirrorVictim('while-busy')
  const overtaken = await hostileBefore(mark, 'while-busy')
  assert(overtaken <= BEFORE_VICTIM_MAX, `${overtaken} hostile writes came first`)
  const [first] = patterns
  assert(first !== undefined)
  for (const name of ['hostile-0', `hostile-${HOSTILE - 1}`]) {
    const ref = { kind: 'ConfigMap', namespace: evil, name } as const
    for (const namespace of targets.slice(-HOSTILE_MIRRORS)) await awaitPresent(client, at(ref, namespace))
  }
  await idle(solo, PASS_MS_MAX)
})

test('a rotation passes a hundred hostile origins that change their patterns all at once', async () => {
  const origin = configMap(victim, 'while-busy', {})
  const patterns = hostilePatterns(2 * HOSTILE).slice(HOSTILE)
  const wanted = targets.slice(0, HOSTILE_MIRRORS).join(',')
  const mark = await solo.mark()
  await each(HOSTILE, async (index) => {
    const list = `${patterns[index]},${wanted}`
    await client.annotate(
      { kind: 'ConfigMap', namespace: evil, name: `hostile-${index}` },
      keysOf(REFLECTOR, { 'reflection-allowed-namespaces': list }),
    )
  })
  await write(client, refOf(origin), { a: 'second' })
  for (const namespace of targets.slice(0, VICTIM_MIRRORS))
    await awaitData(client, at(refOf(origin), namespace), { a: 'second' })
  const overtaken = await hostileBefore(mark, 'while-busy')
  assert(overtaken <= 2 * BEFORE_VICTIM_MAX, `${overtaken} hostile writes came first`)
  await idle(solo, PASS_MS_MAX)
})

test('hostile patterns are answered rightly, where a backtracking engine would not answer at all', async () => {
  const many = 'a'.repeat(60)
  for (const name of [many, `${many}-b`, `b-${many}`]) await client.createNamespace(name)
  const lists: Readonly<Record<string, readonly [list: string, expected: readonly string[]]>> = {
    nested: ['(a+)+$', [many]],
    doubled: ['(a|aa)+$', [many]],
    starred: ['((a*)*)*b', []],
    looking: ['(?=(a+)+-b)[a-b-]+', [`${many}-b`]],
    refusing: ['(?!(a+)+$)[ab-]+', [`${many}-b`, `b-${many}`]],
    behind: ['b-a+(?<=-(a+)+)', [`b-${many}`]],
  }
  for (const [key, [list]] of Object.entries(lists)) await client.create(allowing(`right-${key}`, list))
  const origin = await client.create(
    configMap(
      evil,
      'right-replicated',
      { a: '1' },
      keysOf(REPLICATOR, { 'replicate-to': '(a|aa)+,(b-)?(a+)+' }),
    ),
  )
  for (const namespace of [many, `b-${many}`])
    await awaitData(client, at(refOf(origin), namespace), { a: '1' })
  for (const [key, [, expected]] of Object.entries(lists)) {
    const ref = { kind: 'ConfigMap', namespace: evil, name: `right-${key}` } as const
    for (const namespace of expected) await awaitPresent(client, at(ref, namespace))
  }
  await idle(solo, PASS_MS_MAX)
  for (const [key, [, expected]] of Object.entries(lists)) {
    const found = await namespacesOf(client, { kind: 'ConfigMap', namespace: evil, name: `right-${key}` })
    assert.deepEqual(found, expected.toSorted(), key)
  }
})

test('what is beyond the bounds, or cannot be answered in linear time, is held with a reason that quotes nothing', async () => {
  const lists: Readonly<Record<string, string>> = {
    counts: '(?:(?:a{100}){100}){100}',
    looks: '(?=a*)'.repeat(160),
    choice: `(?:${Array.from({ length: 120 }, (_, index) => `[a-z]*${index}`).join('|')})`,
    deep: `${'('.repeat(40)}a${')'.repeat(40)}`,
    long: 'a?'.repeat(600),
    many: Array.from({ length: 70 }, (_, index) => `x${index}.*`).join(','),
    'back-reference': '(a+)\\1+$',
    atomic: '(?>a+)+$',
    conditional: '(a)?(?(1)b|c)',
    recursion: '(?<x>a)(?<-x>b)',
  }
  for (const [name, list] of Object.entries(lists)) {
    const origin = await client.create(allowing(`held-${name}`, list))
    const told = await awaitEvent(client, refOf(origin), 'OriginHeld')
    assert(told.message.startsWith(`Annotation ${REFLECTOR}reflection-allowed-namespaces: `), told.message)
    assert(!told.message.includes(list.slice(0, 12)), told.message)
  }
  await mirrorVictim('beside-held')
})

/** Writes of hostile mirrors since `mark` that were answered before the last one of the victim's `name`. */
async function hostileBefore(mark: AuditMark, name: string): Promise<number> {
  const writes = (await solo.asked(mark)).filter(
    ({ verb, resource }) => resource === 'configmaps' && ['create', 'patch', 'delete'].includes(verb),
  )
  const last = writes.findLastIndex((entry) => entry.name === name)
  assert(last >= 0, 'the victim was written')
  return writes.slice(0, last).filter((entry) => entry.name.startsWith('hostile-')).length
}

/** A new origin of the victim, mirrored into its namespaces. */
async function mirrorVictim(name: string): Promise<void> {
  const list = targets.slice(0, VICTIM_MIRRORS).join(',')
  await client.create(configMap(victim, name, { a: '1' }, ours({ 'reflect-to': list })))
  await awaitList(
    client,
    `/api/v1/configmaps?fieldSelector=metadata.name%3D${name}`,
    ({ length }) => length > VICTIM_MIRRORS,
    { what: `${name} is mirrored` },
  )
}

async function each(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) {
      next += 1
      await work(next - 1)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
}
