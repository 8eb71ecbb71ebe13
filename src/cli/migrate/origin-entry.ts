/** What the report says of one origin: what the old controller did, what will be done, and every difference between the two. */

import type { Consent } from '../../core/consent.ts'
import { peersKey } from '../../core/dialects/table.ts'
import { keyOf, pathOf } from '../../core/names.ts'
import type { Flaw } from '../../core/policy.ts'
import { alternationLosses } from './alternation.ts'
import { difference } from './differences.ts'
import type { Difference, DifferenceCode } from './differences.ts'
import { chosenBy, choosersOf, fateOf, isNameShared, meet } from './ground.ts'
import type { Chosen, Ground, Meeting, SceneOrigin } from './ground.ts'
import { strayKeys } from './keys.ts'
import { counted, listed } from './report.ts'
import type { Entry } from './report.ts'

/** An origin as it stands among the namespaces. */
interface Standing {
  readonly ground: Ground
  readonly origin: SceneOrigin
  readonly chosen: readonly Chosen[]
  /** Namespaces that will be written to, by what stands there. */
  readonly meetings: ReadonlyMap<Meeting, readonly string[]>
  /** Objects that it will fill. */
  readonly pullers: number
}

export interface OriginEntry extends Entry {
  readonly inherited: number
  /** Beside those, copies whose marks name no origin: taken over only where equal. */
  readonly inheritedIfEqual: number
}

export function originEntry(ground: Ground, origin: SceneOrigin, pulledBy: number): OriginEntry {
  const chosen = chosenBy(ground, origin)
  const meetings = meetingsOf(ground, origin, chosen)
  const inherited = meetings.get('inherited')?.length ?? 0
  const standing: Standing = { ground, origin, chosen, meetings, pullers: pulledBy }
  return {
    subject: `${origin.meta.kind} ${pathOf(origin.meta)}`,
    there: thereOf(standing),
    here: hereOf(standing),
    differences: [
      ...readingDifferences(standing),
      ...namespaceDifferences(standing),
      ...placeDifferences(standing),
      ...strayKeys(origin.meta, ground.rules),
    ],
    inherited: isByProof(origin) ? 0 : inherited,
    inheritedIfEqual: isByProof(origin) ? inherited : 0,
  }
}

/** Copies that are merged into name no origin. */
function isByProof({ policy }: SceneOrigin): boolean {
  return policy?.write === 'merge'
}

function meetingsOf(
  ground: Ground,
  origin: SceneOrigin,
  chosen: readonly Chosen[],
): ReadonlyMap<Meeting, readonly string[]> {
  const meetings = new Map<Meeting, string[]>()
  const name = origin.policy?.mirrorName ?? origin.meta.name
  for (const { namespace, consent } of chosen) {
    if (consent.kind !== 'granted') continue
    const met = meet(ground, { kind: origin.meta.kind, namespace: namespace.name, name }, origin)
    meetings.getOrInsertComputed(met, () => []).push(namespace.name)
  }
  return meetings
}

function thereOf({ ground, origin, chosen }: Standing): string {
  const { policy, reading, meta, dialect } = origin
  if (reading.kind === 'held' && reading.flaws.length > 0)
    return 'cannot be told before its values are mended'
  if (policy === null) return 'nothing can be told of it'
  const losses = dialect === 'replicator' ? alternationLosses(ground, origin) : []
  const names = [...chosen.map(({ namespace }) => namespace.name), ...losses].filter(
    (name) => name !== meta.namespace,
  )
  const words = [
    policy.push === null ? '' : `copied into ${counted(names.length, 'namespace')}${colon(listed(names))}`,
    policy.peers === null ? '' : 'copied into other clusters',
    policy.pull === null ? '' : 'may be pulled',
  ].filter((word) => word !== '')
  return words.length === 0 ? 'offers nothing' : words.join('; ')
}

function colon(text: string): string {
  return text === '' ? '' : `: ${text}`
}

const PHRASES: readonly (readonly [Meeting, string])[] = [
  ['inherited', 'compared and taken over'],
  ['free', 'made'],
  ['mirror', 'kept'],
  ['consented', 'taken over by consent'],
  ['pull', 'filled as pull mirrors'],
]

function hereOf({ origin, meetings, pullers }: Standing): string {
  const { policy, reading } = origin
  if (policy === null)
    return reading.kind === 'held' && reading.flaws.length === 0
      ? 'nothing happens; its copies stay'
      : 'held: its copies stay and follow no more'
  const served = PHRASES.flatMap(([meeting, phrase]) => {
    const names = meetings.get(meeting) ?? []
    const proof = meeting === 'inherited' && isByProof(origin) ? ' where equal' : ''
    return names.length === 0 ? [] : [{ count: names.length, phrase: phrase + proof }]
  })
  const total = served.reduce((sum, { count }) => sum + count, 0)
  const noun = policy.write === 'merge' ? 'merged mirror' : 'mirror'
  const parts = served.map(({ count, phrase }) => `${count} ${phrase}`).join(', ')
  const mirrors = `${counted(total, noun)}${colon(parts)}`
  const words = [
    policy.push === null ? '' : mirrors,
    pullers === 0 ? '' : `fills ${counted(pullers, 'pull mirror')}`,
  ].filter((word) => word !== '')
  return words.length === 0 ? 'no mirrors now' : words.join('; ')
}

/** Reasons of patterns that are legal in their tool and not supported here. */
const UNSUPPORTED = /back reference|atomic|conditional|balancing|not supported|at most|too large/

function codeOfFlaw({ annotation, reason }: Flaw, ownPrefix: string): DifferenceCode {
  if (annotation.startsWith(ownPrefix)) return 'bad-value'
  const isSelector = /(-selector|-matching|\/sync)$/.test(annotation)
  if (isSelector) return 'bad-selector'
  return UNSUPPORTED.test(reason) ? 'unsupported-pattern' : 'bad-pattern'
}

function codeOfRemark({ annotation, reason }: Flaw): DifferenceCode {
  if (reason.startsWith('not a boolean')) return 'bad-boolean'
  return annotation.endsWith('keep-owner-references') ? 'keep-owner-references' : 'passed-over'
}

/** What its own annotations are different by. */
function readingDifferences({ ground, origin, chosen }: Standing): readonly Difference[] {
  const { reading, policy, meta, dialect, isTypeRefused } = origin
  const { rules } = ground
  const found: Difference[] = []
  if (isTypeRefused) found.push(difference('refused-type'))
  if (reading.kind === 'held') {
    for (const flaw of reading.flaws) found.push(difference(codeOfFlaw(flaw, rules.prefix), { ...flaw }))
    if (reading.paused) found.push(difference('paused'))
    else if (reading.flaws.length === 0) found.push(difference('excluded-namespace'))
  }
  for (const remark of reading.remarks) found.push(difference(codeOfRemark(remark), { ...remark }))
  const syncKey = `${rules.dialects.prefixes.kubed}sync`
  if (dialect === 'kubed' && meta.annotations[syncKey]?.trim() === 'false')
    found.push(difference('sync-false', { annotation: syncKey }))
  if (policy?.peers != null)
    found.push(difference('other-clusters', { annotation: peersKey(dialect, rules) }))
  if (policy?.push != null && chosen.every(({ namespace }) => namespace.name === meta.namespace))
    found.push(difference('chooses-nothing', { how: HOW_CHOSEN[dialect] ?? GLOBS }))
  return found
}

const SELECTORS = 'a selector reads labels'
const GLOBS = `team-* matches team-a, and * every name; ${SELECTORS}`
const EXPRESSIONS = `an item of a list is a whole regular expression, so team-* does not match team-a; ${SELECTORS}`

/** How patterns are read, by dialect. */
const HOW_CHOSEN: Readonly<Record<string, string>> = {
  reflector: EXPRESSIONS,
  replicator: EXPRESSIONS,
  kubed: SELECTORS,
}

type Why = Extract<Consent, { kind: 'refused' }>['why'] | 'frozen'

const WHYS: Readonly<Record<Exclude<Why, 'own-namespace'>, string>> = {
  protected: 'protected',
  'not-a-target': 'outside the setting targetNamespaces',
  refuse: 'the Namespace refuses it',
  accept: 'the Namespace accepts others only',
  'consent-required': 'consent is required, and the Namespace gives none',
  'peer-origins': 'the peer’s Secret admits others only',
  frozen: 'accept or refuse on the Namespace is malformed',
}

/** Which chosen namespaces are not written to, and what stands there. */
function namespaceDifferences({ ground, origin, chosen }: Standing): readonly Difference[] {
  const found: Difference[] = []
  const refused = new Map<Why, string[]>()
  for (const { namespace, consent } of chosen) {
    if (consent.kind === 'granted') continue
    const why = consent.kind === 'frozen' ? 'frozen' : consent.why
    refused.getOrInsertComputed(why, () => []).push(namespace.name)
  }
  for (const [why, names] of refused) {
    // An empty list says nothing of it, and every tool leaves it out then.
    if (why === 'own-namespace') {
      if (isNamed(origin)) found.push(difference('own-namespace'))
    } else {
      found.push(difference('namespace-not-admitted', { namespaces: listed(names), why: WHYS[why] }))
    }
  }
  const kept = [...refused].flatMap(([why, names]) =>
    why === 'own-namespace' ? [] : names.filter((name) => isKept(ground, origin, name)),
  )
  if (kept.length > 0) found.push(difference('copy-stays', { namespaces: listed(kept) }))
  const { mirrorsPerOriginMax: limit } = ground.rules
  if (chosen.length > limit) found.push(difference('over-the-limit', { count: chosen.length, limit }))
  return found
}

function isNamed({ policy }: SceneOrigin): boolean {
  return policy?.push != null && policy.push.length > 0
}

function isKept(ground: Ground, { meta, policy }: SceneOrigin, namespace: string): boolean {
  const name = policy?.mirrorName ?? meta.name
  const object = ground.scene.objects.get(keyOf({ kind: meta.kind, namespace, name }))
  const fate = object === undefined ? null : fateOf(ground, object)
  if (fate === null || fate.kind !== 'kept') return false
  return fate.left.origin === null || keyOf(fate.left.origin) === meta.key
}

const WAYS = 'rename or delete it'

/** What stands in its way. */
function placeDifferences({ ground, origin, meetings, chosen }: Standing): readonly Difference[] {
  const { prefix } = ground.rules
  const words = {
    adopt: `${prefix}adopt`,
    origin: pathOf(origin.meta),
    reflectAs: `${prefix}reflect-as`,
    ways: origin.dialect === 'replicator' ? `${WAYS}, or merge into it (setting replicatorTakeOver)` : WAYS,
  }
  const told = (code: DifferenceCode, names: readonly string[]): readonly Difference[] =>
    names.length === 0 ? [] : [difference(code, { ...words, namespaces: listed(names) })]
  const losses = origin.dialect === 'replicator' ? alternationLosses(ground, origin) : []
  const name = origin.policy?.mirrorName ?? origin.meta.name
  const { kind } = origin.meta
  const shared = !isNameShared(ground, { kind, name })
    ? []
    : chosen.flatMap(({ namespace, consent }) =>
        consent.kind === 'granted' && choosersOf(ground, { kind, namespace: namespace.name, name }).length > 1
          ? [namespace.name]
          : [],
      )
  return [
    ...told('unmanaged-in-the-way', meetings.get('foreign') ?? []),
    ...told('taken-back', meetings.get('taken-back') ?? []),
    ...told('copy-unproven', meetings.get('unproven') ?? []),
    ...told('claimed-twice', [...new Set([...shared, ...(meetings.get('of-another') ?? [])])]),
    ...told('alternation-anchoring', losses),
  ]
}
