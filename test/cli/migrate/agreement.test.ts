/** What the report says is what the controller then does: the real engine on a simulated cluster, over scenes of any kind. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { claimantsOf, fateOf, groundOf, meet } from '../../../src/cli/migrate/ground.ts'
import type { Ground } from '../../../src/cli/migrate/ground.ts'
import { pullEntry } from '../../../src/cli/migrate/pull-entry.ts'
import { emptyScene } from '../../../src/cli/migrate/scene.ts'
import { hasKeyUnder, readAsk } from '../../../src/core/dialects/table.ts'
import { keyOf, pathOf } from '../../../src/core/names.ts'
import type { ObjectRef } from '../../../src/core/names.ts'
import { Rig } from '../../sim/rig.ts'
import { metaOf, namespaceMetaOf } from '../../sim/thing.ts'
import { KUBED, OURS, REFLECTOR, REPLICATOR, under } from './scenes.ts'

type Texts = Readonly<Record<string, string>>

const SOURCES = ['src1', 'src2'] as const
const TARGETS = ['a', 'b', 'kube-a', 'refusing'] as const
const NAMES = ['x', 'y'] as const
/** Longer than every confirmation, grace and repair. */
const PATIENCE_MS = 30 * 60_000

const list = fc.constantFrom('a', 'a,b', '.*', 'a|b', 'kube-a,b', '(', 'src1,a', '^(?!a$).*')
const offers: fc.Arbitrary<Texts> = fc.oneof(
  fc
    .tuple(list, fc.constantFrom('true', 'false', 'no'), fc.constantFrom('true', 'false'))
    .map(([namespaces, allowed, auto]) =>
      under(REFLECTOR, {
        'reflection-allowed': allowed,
        'reflection-auto-enabled': auto,
        'reflection-allowed-namespaces': namespaces,
      }),
    ),
  fc.tuple(list, list).map(([to, allowed]) =>
    under(REPLICATOR, {
      'replicate-to': to,
      'replication-allowed': 'true',
      'replication-allowed-namespaces': allowed,
    }),
  ),
  fc.constantFrom('', 'false', 'env=prod', 'env in (').map((sync) => under(KUBED, { sync })),
)

/** What may stand on an object of this name: marks of each tool, requests, consent, nothing. */
function marksFor(name: string): fc.Arbitrary<Texts> {
  const path = fc.constantFrom(...SOURCES).map((namespace) => `${namespace}/${name}`)
  return fc.oneof(
    path.map((from) =>
      under(REFLECTOR, { reflects: from, 'auto-reflects': 'True', 'reflected-version': '1' }),
    ),
    path.map((from) => {
      const [namespace] = from.split('/')
      return under(KUBED, { origin: JSON.stringify({ kind: 'Secret', namespace, name, uid: 'u' }) })
    }),
    fc.constant(under(REPLICATOR, { 'replicated-keys': 'k', 'replicated-from-version': '1' })),
    path.map((from) => under(REFLECTOR, { reflects: from })),
    path.map((from) => under(REPLICATOR, { 'replicate-from': from })),
    path.map((from) => under(OURS, { adopt: from })),
    fc.constant({}),
  )
}

const copy = fc
  .tuple(fc.constantFrom('a', 'a', 'b', 'b', 'kube-a', 'refusing', ...SOURCES), fc.constantFrom(...NAMES))
  .chain(([namespace, name]) => {
    const marks = marksFor(name)
    const declared = fc.constant({ 'kubectl.kubernetes.io/last-applied-configuration': '{}' })
    return fc.record({
      place: fc.constant<readonly [string, string]>([namespace, name]),
      texts: fc.oneof(
        { weight: 4, arbitrary: marks },
        { weight: 1, arbitrary: fc.tuple(marks, declared).map(merged) },
        { weight: 1, arbitrary: fc.tuple(marks, offers).map(merged) },
      ),
    })
  })
const origin = fc.record({
  place: fc.tuple(fc.constantFrom(...SOURCES), fc.constantFrom(...NAMES)),
  texts: offers,
})

function merged([a, b]: [Texts, Texts]): Texts {
  return { ...a, ...b }
}

interface Put {
  readonly place: readonly [string, string]
  readonly texts: Texts
}

function play(puts: readonly Put[], takeOver: boolean): Rig {
  const rig = new Rig()
  if (takeOver) {
    const { dialects } = rig.settings.rules
    Object.assign(rig.settings.rules, {
      dialects: { ...dialects, takeOver: { includes: true, matches: () => true } },
    })
  }
  for (const name of [...SOURCES, 'a', 'kube-a']) rig.world.createNamespace(name)
  rig.world.createNamespace('b', { labels: { env: 'prod' } })
  rig.world.createNamespace('refusing', { annotations: { [`${OURS}refuse`]: '*' } })
  for (const { place, texts } of puts) {
    const [namespace, name] = place
    if (rig.world.get({ kind: 'Secret', namespace, name }) !== null) continue
    // The simulated watch looks for our prefix only; this key means nothing on what is no origin.
    const annotations = Object.keys(texts).length === 0 ? {} : { ...texts, [`${OURS}resync`]: '1' }
    rig.world.create({ kind: 'Secret', namespace }, { name, annotations, data: { k: 'c2FtZQ==' } }, 'user')
  }
  return rig
}

function groundOfRig(rig: Rig): Ground {
  const { rules } = rig.settings
  const draft = emptyScene(rules)
  for (const namespace of rig.world.namespaces.values())
    draft.namespaces.set(namespace.name, namespaceMetaOf(namespace))
  for (const thing of rig.world.objects.values()) {
    const meta = metaOf(thing)
    draft.names.add(meta.key)
    if (hasKeyUnder(meta, draft.prefixes)) draft.objects.set(meta.key, { ...meta, secretType: thing.type })
  }
  draft.identity = rig.identity
  return groundOf(draft, rules)
}

/** `untouched`, `gone`, `filled from ns/name`, or the mirrors' origins of which one must hold it. */
function foretold(ground: Ground, place: ObjectRef): readonly string[] {
  const object = ground.scene.objects.get(keyOf(place))
  if (object !== undefined && readAsk(object, ground.rules) !== null) {
    const entry = pullEntry(ground, object)
    const held = entry?.filledBy == null ? null : ground.origins.get(entry.filledBy)
    return entry?.filledBy == null || held?.policy == null
      ? ['untouched']
      : [`filled from ${entry.filledBy.split('/').slice(1).join('/')}`]
  }
  const meetings = claimantsOf(ground, place).map((each) => ({ each, met: meet(ground, place, each) }))
  const served = meetings.filter(({ met }) => met === 'free' || met === 'inherited' || met === 'consented')
  if (served.length > 0) return served.map(({ each }) => `mirror of ${pathOf(each.meta)}`)
  return object !== undefined && fateOf(ground, object)?.kind === 'collected' ? ['gone'] : ['untouched']
}

function befallen(rig: Rig, place: ObjectRef, versionBefore: number | null): string {
  const thing = rig.world.get(place)
  if (thing === null) return versionBefore === null ? 'untouched' : 'gone'
  if (thing.version === versionBefore) return 'untouched'
  const { labels, annotations } = thing
  if (labels[`${OURS}mirror`] !== undefined) return `mirror of ${annotations[`${OURS}origin`]}`
  return `filled from ${annotations[`${OURS}pulled-from`]}`
}

test('each place becomes what the report foretells', async () => {
  const seen = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(
      fc.array(origin, { minLength: 1, maxLength: 3 }),
      fc.array(copy, { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      async (origins, copies, takeOver) => {
        const rig = play([...origins, ...copies], takeOver)
        const ground = groundOfRig(rig)
        const places = [...TARGETS, ...SOURCES].flatMap((namespace) =>
          NAMES.map((name): ObjectRef => ({ kind: 'Secret', namespace, name })),
        )
        const before = places.map((place) => rig.world.get(place)?.version ?? null)
        const expected = places.map((place) => foretold(ground, place))
        const process = rig.startLeader()
        await rig.time.run(PATIENCE_MS)
        await process.stop()
        for (const [at, place] of places.entries()) {
          const actual = befallen(rig, place, before[at] ?? null)
          const kind = actual.split(' ')[0] ?? ''
          seen.set(kind, (seen.get(kind) ?? 0) + 1)
          assert.ok(
            expected[at]?.includes(actual) === true,
            `${pathOf(place)}: ${actual}, not ${expected[at]?.join(' or ')}`,
          )
        }
      },
    ),
    { numRuns: 300 },
  )
  for (const kind of ['untouched', 'mirror', 'filled', 'gone'])
    assert.ok((seen.get(kind) ?? 0) > 0, `${kind}: ${JSON.stringify([...seen])}`)
})
