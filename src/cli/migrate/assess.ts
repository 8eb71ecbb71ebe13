/** The whole report of a scene: pure, and bounded by what the scene holds. */

import { pathOf } from '../../core/names.ts'
import type { ObjectKey } from '../../core/names.ts'
import { FOREIGN_DIALECTS } from '../../core/rules.ts'
import type { ForeignDialect, Rules } from '../../core/rules.ts'
import { runningControllers } from './controllers.ts'
import { difference } from './differences.ts'
import type { Difference, DifferenceCode } from './differences.ts'
import { fateOf, groundOf } from './ground.ts'
import type { Fate, Ground } from './ground.ts'
import { strayKeys } from './keys.ts'
import { originEntry } from './origin-entry.ts'
import { pullEntry } from './pull-entry.ts'
import type { PullEntry } from './pull-entry.ts'
import { counted, listed } from './report.ts'
import type { Entry, Report, Section } from './report.ts'
import type { OtherObject, Scene } from './scene.ts'

/** What is different for everybody who uses a dialect, beyond what single objects show. */
const GENERAL: Readonly<Record<ForeignDialect, readonly DifferenceCode[]>> = {
  reflector: ['edits-repaired', 'pull-at-once'],
  replicator: [
    'proof-by-content',
    'edits-repaired',
    'orphans-collected',
    'narrowing-collects',
    'own-keys-stay',
    'anchored-everywhere',
  ],
  kubed: ['edits-repaired', 'orphans-collected', 'narrowing-collects', 'metadata-left-out'],
  sync: ['edits-repaired', 'orphans-collected', 'narrowing-collects', 'metadata-left-out'],
}

export function assess(scene: Scene, rules: Rules): Report {
  const ground = groundOf(scene, rules)
  const pulls = [...scene.objects.values()].flatMap((object) => pullEntry(ground, object) ?? [])
  const pullers = new Map<ObjectKey, number>()
  for (const { filledBy } of pulls)
    if (filledBy !== null) pullers.set(filledBy, (pullers.get(filledBy) ?? 0) + 1)
  const counts = { origins: 0, pullMirrors: 0, inherited: 0, inheritedIfEqual: 0 }
  const sections = FOREIGN_DIALECTS.map((dialect): Section => {
    const origins = [...ground.origins.values()]
      .filter((origin) => origin.dialect === dialect)
      .map((origin) => originEntry(ground, origin, pullers.get(origin.meta.key) ?? 0))
    const asking = pulls.filter((pull) => pull.dialect === dialect)
    counts.origins += origins.length
    counts.pullMirrors += asking.length
    for (const { inherited, inheritedIfEqual } of origins) {
      counts.inherited += inherited
      counts.inheritedIfEqual += inheritedIfEqual
    }
    return sectionOf(dialect, [...sorted(origins), ...sorted(asking)])
  })
  const left = leftSection(ground)
  const all = [
    ...sections,
    ownSection(ground, pulls, pullers),
    left.section,
    strayOf(ground, pulls),
    othersOf(scene, rules),
    aroundOf(scene),
  ]
  return {
    sections: all.filter(({ general, entries }) => general.length + entries.length > 0),
    counts: { ...counts, collected: left.collected },
  }
}

function sectionOf(dialect: ForeignDialect, entries: readonly Entry[]): Section {
  const general = entries.length === 0 ? [] : GENERAL[dialect].map((code) => difference(code))
  return { title: dialect, general, entries }
}

/** Origins and pull mirrors of our own vocabulary that bear keys of another as well. */
function ownSection(
  ground: Ground,
  pulls: readonly PullEntry[],
  pullers: ReadonlyMap<ObjectKey, number>,
): Section {
  const origins = [...ground.origins.values()]
    .filter(({ dialect, reading }) => dialect === 'heliograph' && reading.remarks.length > 0)
    .map((origin) => originEntry(ground, origin, pullers.get(origin.meta.key) ?? 0))
  const asking = pulls.filter(({ isConverted }) => isConverted)
  const entries = [...sorted(origins), ...sorted(asking)]
  return { title: 'In our own vocabulary already', general: [], entries }
}

function sorted<T extends Entry>(entries: readonly T[]): readonly T[] {
  return entries.toSorted((a, b) => (a.subject < b.subject ? -1 : 1))
}

/** Copies that no origin claims, by the origin that their marks name, or by their name where they name none. */
function leftSection(ground: Ground): { readonly section: Section; readonly collected: number } {
  const groups = new Map<string, { readonly fate: Fate; readonly kind: string; readonly names: string[] }>()
  let collected = 0
  for (const object of ground.scene.objects.values()) {
    const fate = fateOf(ground, object)
    if (fate === null || (fate.kind !== 'collected' && fate.kind !== 'left')) continue
    if (fate.kind === 'collected') collected += 1
    const of = fate.left.origin === null ? object.name : pathOf(fate.left.origin)
    const title = `${object.kind} ${of} (${fate.left.tool}) ${fate.kind}`
    const group = groups.get(title)
    if (group === undefined)
      groups.set(title, { fate, kind: `${object.kind} ${of}`, names: [object.namespace] })
    else group.names.push(object.namespace)
  }
  const entries = [...groups.values()].map(({ fate, kind, names }): Entry => {
    const copies = counted(names.length, 'copy').replace('copys', 'copies')
    return {
      subject: kind,
      there: `${copies} by ${fate.left.tool}`,
      here: fate.kind === 'collected' ? 'deleted, once a second look confirms it' : 'stay as they are',
      differences: [
        difference(fate.kind === 'collected' ? 'copy-collected' : 'copy-left', { namespaces: listed(names) }),
      ],
    }
  })
  return {
    section: { title: 'Copies that no origin claims', general: [], entries: sorted(entries) },
    collected,
  }
}

/** Objects that are neither origins nor pull mirrors, and bear keys that mean nothing. */
function strayOf(ground: Ground, pulls: readonly PullEntry[]): Section {
  const shown = pulls.filter(({ dialect, isConverted }) => dialect !== 'heliograph' || isConverted)
  const told = new Set(shown.map(({ subject }) => subject))
  const entries = [...ground.scene.objects.values()].flatMap((object): readonly Entry[] => {
    const subject = `${object.kind} ${pathOf(object)}`
    if (ground.origins.has(object.key) || told.has(subject)) return []
    const differences = strayKeys(object, ground.rules)
    return differences.length === 0 ? [] : [{ subject, there: '', here: '', differences }]
  })
  return { title: 'Keys without a meaning', general: [], entries: sorted(entries) }
}

function othersOf({ others }: Scene, rules: Rules): Section {
  const entries = others.flatMap((other): readonly Entry[] => {
    const subject = `${other.kind} ${pathOf(other)}`
    const differences = otherDifferences(subject, other, rules)
    return differences.length === 0 ? [] : [{ subject, there: '', here: 'not mirrored', differences }]
  })
  return { title: 'Objects of other kinds', general: [], entries: sorted(entries) }
}

function otherDifferences(subject: string, other: OtherObject, { dialects }: Rules): readonly Difference[] {
  const { prefixes } = dialects
  const tools = FOREIGN_DIALECTS.filter((name) =>
    other.annotations.some((key) => key.startsWith(prefixes[name])),
  )
  // An object under our own prefix alone is one of the chart's, or of no concern.
  return tools.map((tool) => difference('unsupported-kind', { object: subject, tool }))
}

/** What stands around: an old controller at work, and what could not be read. */
function aroundOf({ workloads, unread }: Scene): Section {
  return { title: 'The cluster', general: [...runningControllers(workloads), ...unread], entries: [] }
}
