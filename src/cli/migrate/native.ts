/** An origin's annotations in our own vocabulary, as `kubectl annotate` lines that a person can read and run. */

import { parseGlobs } from '../../core/globs.ts'
import { pathOf } from '../../core/names.ts'
import { parseReflectorSelector } from '../../core/patterns/selectors.ts'
import { FOREIGN_DIALECTS } from '../../core/rules.ts'
import type { ForeignDialect, Rules } from '../../core/rules.ts'
import { parseSelector } from '../../core/selectors.ts'
import { chooses } from '../../core/choice.ts'
import type { NamespaceChoice } from '../../core/choice.ts'
import { readAsk } from '../../core/dialects/table.ts'
import { groundOf } from './ground.ts'
import type { Ground, SceneOrigin } from './ground.ts'
import { foreignKeys, keysUnder } from './keys.ts'
import { globsOfNames, globsOfReflectorList, globsOfReplicatorList } from './native-patterns.ts'
import type { Scene, SceneObject } from './scene.ts'

/** What one object needs: annotations to add, keys to take off, and what a person must know. */
export interface Native {
  readonly object: SceneObject
  /** Without the prefix. */
  readonly add: Readonly<Record<string, string>>
  /** Whole keys. */
  readonly remove: readonly string[]
  readonly remarks: readonly string[]
}

export function nativesOf(scene: Scene, rules: Rules): readonly Native[] {
  const ground = groundOf(scene, rules)
  const natives = [...scene.objects.values()].flatMap((object) => {
    const origin = ground.origins.get(object.key)
    if (origin !== undefined) return nativeOrigin(ground, origin) ?? []
    return nativePull(ground, object) ?? []
  })
  return natives.toSorted((a, b) => (a.object.key < b.object.key ? -1 : 1))
}

/** Null: it is in our vocabulary already, and no key of another is left on it. */
function nativeOrigin(ground: Ground, { meta, dialect, policy, reading }: SceneOrigin): Native | null {
  const name = foreignDialect(dialect)
  if (name === null) return leftovers(ground, meta)
  const remove = keysUnder(meta, name, ground.rules)
  if (policy === null) {
    const why =
      reading.kind === 'held' && reading.flaws.length > 0
        ? 'its annotations must be mended first'
        : 'nothing happens for it now'
    return { object: meta, add: {}, remove: [], remarks: [`Not translated: ${why}.`] }
  }
  const translation = TRANSLATIONS[name]({
    ground,
    meta,
    text: (key) => meta.annotations[ground.rules.dialects.prefixes[name] + key],
  })
  const add: Record<string, string> = {}
  const remarks: string[] = []
  takeChoice({ ground, choice: policy.push, words: translation.push, add, remarks })
  takePull({ ground, choice: policy.pull, words: translation.pull, add, remarks })
  if (policy.peers !== null) {
    if (translation.targets === null) remarks.push('The names of peers cannot be written as globs.')
    else add['targets'] = translation.targets
  }
  takeMetadata(meta, policy.copies, add, remarks)
  if (policy.write === 'merge')
    remarks.push(
      'Merging has no equal: once in our vocabulary, mirrors hold the origin’s keys only, and keys of the objects’ own go.',
    )
  if (policy.takesOver) remarks.push('The setting replicatorTakeOver does not apply any more.')
  return { object: meta, add, remove, remarks }
}

function nativePull(ground: Ground, object: SceneObject): Native | null {
  const { rules } = ground
  const ask = readAsk(object, rules)
  if (ask?.origin == null) return null
  const name = FOREIGN_DIALECTS.find((each) => ask.annotation.startsWith(rules.dialects.prefixes[each]))
  if (name === undefined) return leftovers(ground, object)
  const remarks =
    ask.write === 'merge'
      ? [
          'Merging has no equal: once in our vocabulary, the data is replaced as a whole, and keys of its own go.',
        ]
      : []
  return {
    object,
    add: { 'reflect-from': pathOf(ask.origin) },
    remove: keysUnder(object, name, rules),
    remarks,
  }
}

function foreignDialect(name: string): ForeignDialect | null {
  return FOREIGN_DIALECTS.find((each) => each === name) ?? null
}

/** What speaks our vocabulary already, with keys of others that have no effect any more. */
function leftovers({ rules }: Ground, object: SceneObject): Native | null {
  const remove = foreignKeys(object, rules)
  return remove.length === 0 ? null : { object, add: {}, remove, remarks: [] }
}

/** Names and labels that must both hold; null: there is no exact form. */
interface Words {
  readonly names: string | null
  readonly labels: string | null
}

interface Translation {
  readonly push: Words | null
  readonly pull: Words | null
  readonly targets: string | null
}

interface Source {
  readonly ground: Ground
  readonly meta: SceneObject
  readonly text: (key: string) => string | undefined
}

const EVERYWHERE: Words = { names: '*', labels: null }

const TRANSLATIONS: Readonly<Record<ForeignDialect, (source: Source) => Translation>> = {
  reflector({ text }) {
    const allowed = reflectorWords(text, 'reflection-allowed-namespaces')
    const auto = reflectorWords(text, 'reflection-auto-namespaces')
    const push = allowed === null || auto === null ? null : bothOf(allowed, auto)
    return { push, pull: allowed, targets: null }
  },
  replicator({ text }) {
    const list = text('replicate-to')
    const selector = text('replicate-to-matching')
    const names = list === undefined ? null : globsOfReplicatorList(list)
    const labels = selector === undefined ? null : kubernetesWords(selector)
    const allowed = text('replication-allowed-namespaces')
    const pulled = allowed === undefined ? null : globsOfReplicatorList(allowed)
    const push = replicatorPush({ list, selector, names, labels })
    return { push, pull: pulled === null ? null : { names: pulled, labels: null }, targets: null }
  },
  kubed({ text }) {
    const word = (text('sync') ?? '').trim()
    const push = word === '' || word === 'true' ? EVERYWHERE : kubernetesWords(word)
    const contexts = (text('sync-contexts') ?? '')
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '')
    const isPlain = contexts.every((each) => /^[-A-Za-z0-9_.@:/]+$/.test(each))
    return { push, pull: null, targets: isPlain ? contexts.join(', ') : null }
  },
  sync: ({ text }) => ({ push: null, pull: null, targets: text('targets')?.replaceAll(/\s+/g, ' ') ?? null }),
}

/** Of list and selector one suffices: only one that is given alone, or is everything, has an equal. */
function replicatorPush(given: {
  readonly list: string | undefined
  readonly selector: string | undefined
  readonly names: string | null
  readonly labels: Words | null
}): Words | null {
  const { list, selector, names, labels } = given
  if (selector === undefined) return names === null ? null : { names, labels: null }
  if (list === undefined || names === '') return labels
  if (names === '*' || labels?.names === '*') return EVERYWHERE
  return null
}

/** A blank selector of Kubernetes is everything; blanks of any kind read as one. */
function kubernetesWords(text: string): Words | null {
  const plain = text.trim().replaceAll(/\s+/g, ' ')
  if (plain === '') return EVERYWHERE
  return parseSelector(plain).ok ? { names: null, labels: plain } : null
}

function reflectorWords(text: Source['text'], key: string): Words | null {
  const list = text(key)?.trim() ?? ''
  const selector = text(`${key}-selector`)?.trim() ?? ''
  if (list === '' && selector === '') return EVERYWHERE
  if (selector === '') {
    const names = globsOfReflectorList(list)
    return names === null ? null : { names, labels: null }
  }
  if (list !== '') return null
  const labels = selectorOfReflector(selector)
  return labels === null ? null : { names: null, labels }
}

/** The same text, where both grammars read it alike: no key is set equal twice, no value or requirement is left out. */
export function selectorOfReflector(text: string): string | null {
  const plain = text.trim().replaceAll(/\s+/g, ' ')
  if (plain === '' || !parseReflectorSelector(text).ok || !parseSelector(plain).ok) return null
  if (/\(\s*,|,\s*,|,\s*\)|\(\s*\)/.test(plain)) return null
  const keys = [...plain.matchAll(/(?:^|,)\s*([^\s=!(),]+)\s*==?/g)].map(([, key]) => key)
  return new Set(keys).size === keys.length ? plain : null
}

/** Both must hold. Two lists have an equal if one of them is everything or both are the same. */
function bothOf(a: Words, b: Words): Words | null {
  const names = bothTexts(a.names === '*' ? null : a.names, b.names === '*' ? null : b.names)
  const labels = bothTexts(a.labels, b.labels)
  if (names === undefined || labels === undefined) return null
  return names === null && labels === null ? EVERYWHERE : { names, labels }
}

/** Undefined: they cannot be joined. */
function bothTexts(a: string | null, b: string | null): string | null | undefined {
  if (a === null || b === null) return a ?? b
  if (a === b) return a
  return bothLists(a, b)
}

/** A list of plain names is cut to those that the other list matches. */
function bothLists(a: string, b: string): string | undefined {
  for (const [plain, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const globs = parseGlobs(other)
    if (/^[-a-z0-9, ]+$/.test(plain) && globs.ok && parseGlobs(plain).ok)
      return globsOfNames(plain.split(', ').filter((name) => globs.value.matches(name)))
  }
  return undefined
}

interface Taking {
  readonly ground: Ground
  readonly choice: NamespaceChoice | null
  readonly words: Words | null
  readonly add: Record<string, string>
  readonly remarks: string[]
}

function takeChoice({ ground, choice, words, add, remarks }: Taking): void {
  if (choice === null) return
  if (words === null || !isSame(ground, choice, words)) {
    add['reflect-to'] = namesNow(ground, choice)
    remarks.push(
      'Whom it is copied to has no exact equal; reflect-to lists the namespaces that are chosen today.',
    )
    return
  }
  if (words.names !== null) add['reflect-to'] = words.names
  if (words.labels !== null) add['reflect-to-selector'] = words.labels
}

function takePull({ ground, choice, words, add, remarks }: Taking): void {
  if (choice === null) return
  if (words?.names != null && words.labels === null && isSame(ground, choice, words)) {
    add['allow-pull'] = words.names
    return
  }
  add['allow-pull'] = namesNow(ground, choice)
  remarks.push('Who may pull it has no exact equal; allow-pull lists the namespaces that may today.')
}

function namesNow({ scene }: Ground, choice: NamespaceChoice): string {
  return globsOfNames(
    [...scene.namespaces.values()]
      .filter((namespace) => chooses(choice, namespace))
      .map(({ name }) => name)
      .toSorted(),
  )
}

/** What was translated is held against every namespace that there is. */
function isSame({ scene }: Ground, choice: NamespaceChoice, { names, labels }: Words): boolean {
  const globs = names === null ? null : parseGlobs(names)
  const selector = labels === null ? null : parseSelector(labels)
  if (globs?.ok === false || selector?.ok === false) return false
  return [...scene.namespaces.values()].every(
    (namespace) =>
      chooses(choice, namespace) ===
      ((globs === null || globs.value.matches(namespace.name)) &&
        (selector === null || selector.value.matches(namespace.labels))),
  )
}

function takeMetadata(
  meta: SceneObject,
  copies: 'nothing' | 'labels' | 'metadata',
  add: Record<string, string>,
  remarks: string[],
): void {
  if (copies === 'metadata') add['carry'] = '*'
  const labels = Object.keys(meta.labels).toSorted()
  if (copies !== 'labels' || labels.length === 0) return
  add['carry'] = labels.join(', ')
  remarks.push('carry lists the labels that it has today; a new one must be added there.')
}

/** The lines for one object: what to add now, and, behind a #, what to take off once mirrors are in step. */
export function nativeLines({ object, add, remove, remarks }: Native, prefix: string): readonly string[] {
  const kind = object.kind.toLowerCase()
  const command = `kubectl annotate ${kind} --namespace ${object.namespace} ${object.name}`
  const words = Object.entries(add).map(([key, value]) => quoted(`${prefix}${key}=${value}`))
  return [
    `# ${object.kind} ${pathOf(object)}`,
    ...remarks.map((remark) => `#   ${remark}`),
    ...(words.length === 0 ? [] : [`${command} --overwrite ${words.join(' ')}`]),
    ...(remove.length === 0 ? [] : [`# ${command} ${remove.map((key) => quoted(`${key}-`)).join(' ')}`]),
  ]
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
