/** Parsers of single setting values: text to a house type, or the rule that the text breaks. Nothing is clamped, guessed or cut. */

import { DEFAULT_REFUSED_NAMES, ALWAYS_REFUSED_TYPES } from '../core/defaults.ts'
import { parseGlobs } from '../core/globs.ts'
import type { Globs } from '../core/globs.ts'
import { FOREIGN_DIALECTS } from '../core/rules.ts'
import type { ForeignDialect } from '../core/rules.ts'
import { KINDS, isNamespaceName, isObjectName, isSecretType } from '../core/names.ts'
import type { Kind } from '../core/names.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'

/** Parses one value; the failure is the rule, written so that «must be» can stand before it. */
export type ValueParser<T> = (text: string) => Result<T, string>

/** In a list that has a default: stands for the default, so that a list can add to it or take from it. */
export const DEFAULTS_ITEM = '@defaults'

/** Each named namespace costs a watch per kind. */
const NAMESPACES_MAX = 256
/** Characters of one value. */
export const VALUE_LENGTH_MAX = 32_768
const LIST_ITEMS_MAX = 256

const SECOND_MS = 1_000
const DURATION_UNITS_MS = {
  ms: 1,
  s: SECOND_MS,
  m: 60 * SECOND_MS,
  h: 3_600 * SECOND_MS,
  d: 86_400 * SECOND_MS,
} as const
const SIZE_UNITS_BYTES = { '': 1, Ki: 1_024, Mi: 1_024 ** 2, Gi: 1_024 ** 3 } as const

/** A whole number with a unit, `5s`; answers milliseconds. The bounds are written like the value. */
export function duration(min: string, max: string): ValueParser<number> {
  const rule = `a whole number with a unit (ms, s, m, h, d), from ${min} to ${max}`
  return ranged(rule, durationMs, durationMs(min) ?? 0, durationMs(max) ?? 0)
}

/** A whole number of bytes, with `Ki`, `Mi` or `Gi`; answers bytes. */
export function size(min: string, max: string): ValueParser<number> {
  const rule = `a whole number of bytes, or with the unit Ki, Mi or Gi, from ${min} to ${max}`
  return ranged(rule, sizeBytes, sizeBytes(min) ?? 0, sizeBytes(max) ?? 0)
}

/** A whole number in decimal digits. */
export function count(min: number, max: number): ValueParser<number> {
  return ranged(`a whole number from ${min} to ${max}`, digits, min, max)
}

/** Exactly `true` or `false`. */
export const boolean: ValueParser<boolean> = (text) =>
  text === 'true' || text === 'false' ? ok(text === 'true') : failed('true or false')

/** One of a closed set. */
export function choice<T extends string>(...choices: readonly T[]): ValueParser<T> {
  return (text) => {
    const chosen = choices.find((each) => each === text)
    return chosen === undefined ? failed(`one of ${choices.join(', ')}`) : ok(chosen)
  }
}

/** Any text that is not blank, such as a path. */
export const plainText: ValueParser<string> = (text) => {
  // A NUL ends a path early in the operating system.
  const isPlain = text.trim() !== '' && text.length <= VALUE_LENGTH_MAX && !text.includes('\0')
  return isPlain ? ok(text) : failed('a text that is not blank')
}

export const namespaceName: ValueParser<string> = (text) =>
  isNamespaceName(text)
    ? ok(text)
    : failed('the name of a namespace: at most 63 of a-z, 0-9 and -, beginning and ending alphanumeric')

/** Exact names, each once; blank gives none. */
export const namespaceNames: ValueParser<readonly string[]> = (text) => {
  const names = itemsOf(text)
  const isWhole =
    names.every(isNamespaceName) && new Set(names).size === names.length && names.length <= NAMESPACES_MAX
  return isWhole ? ok(names) : failed(`a list of names of namespaces, each once, at most ${NAMESPACES_MAX}`)
}

/** A DNS name and a slash; Kubernetes keeps its own domains for itself. */
export const prefix: ValueParser<string> = (text) => {
  const domain = text.slice(0, -1)
  if (!text.endsWith('/') || !isObjectName(domain) || !domain.includes('.'))
    return failed('a DNS name that ends with a slash, such as heliograph.dev/')
  const isReserved = ['kubernetes.io', 'k8s.io'].some(
    (root) => domain === root || domain.endsWith(`.${root}`),
  )
  return isReserved ? failed('outside kubernetes.io and k8s.io, which Kubernetes keeps for itself') : ok(text)
}

export const kinds: ValueParser<readonly Kind[]> = (text) => {
  const items = itemsOf(text)
  const chosen = KINDS.filter((kind) => items.includes(kind))
  const isWhole = chosen.length > 0 && chosen.length === items.length
  return isWhole ? ok(chosen) : failed(`a list of ${KINDS.join(', ')}, each at most once, at least one`)
}

/** Other tools whose annotations are read; blank gives none. */
export const dialects: ValueParser<ReadonlySet<ForeignDialect>> = (text) => {
  const items = itemsOf(text)
  const chosen = FOREIGN_DIALECTS.filter((name) => items.includes(name))
  return chosen.length === items.length
    ? ok(new Set(chosen))
    : failed(`a list of ${FOREIGN_DIALECTS.join(', ')}, each at most once`)
}

/** Globs; `@defaults` stands for `defaults`. */
export function globs(defaults: string): ValueParser<Globs> {
  return (text) => {
    const parsed = parseGlobs(withDefaults(text, defaults))
    return parsed.ok ? parsed : failed(`a list of globs: ${parsed.failure}`)
  }
}

/** Globs over what the program works on at all: a list that could never match is a slip, and would end every mirror. */
export const scopeGlobs: ValueParser<Globs> = (text) => {
  const parsed = globs('*')(text)
  if (!parsed.ok || parsed.value.includes) return parsed
  return failed(
    'a list with at least one pattern that includes; exclusions alone match nothing (write *, !team-x)',
  )
}

/** Types by their exact names; what can never be mirrored is in every list. */
export function refusedTypes(defaults: string): ValueParser<ReadonlySet<string>> {
  return (text) => {
    const types = exactList(text, defaults, isSecretType)
    if (types === null)
      return failed(`a list of at most ${LIST_ITEMS_MAX} Secret types, each exact or !exact`)
    const allowed = ALWAYS_REFUSED_TYPES.find((type) => types.excluded.has(type))
    if (allowed !== undefined) return failed(`without !${allowed}: that type is refused in any case`)
    return ok(new Set([...types.included, ...ALWAYS_REFUSED_TYPES]))
  }
}

/** Objects by kind and name, `ConfigMap/kube-root-ca.crt`. */
export const refusedNames: ValueParser<ReadonlySet<string>> = (text) => {
  const names = exactList(text, DEFAULT_REFUSED_NAMES, isKindAndName)
  return names === null
    ? failed(
        `a list of at most ${LIST_ITEMS_MAX} names such as ConfigMap/kube-root-ca.crt, each exact or !exact`,
      )
    : ok(names.included)
}

export interface Listen {
  /** Empty: every address of the machine. */
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

/** `HOST:PORT`, `:PORT` for every address, `[IPV6]:PORT`. */
export const listen: ValueParser<Listen> = (text) => {
  const parts = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9.-]{0,253})):([0-9]{1,5})$/.exec(text)
  const port = Number(parts?.[3])
  if (parts === null || port > 65_535) return failed('HOST:PORT, [IPV6]:PORT, or :PORT for every address')
  return ok({ host: parts[1] ?? parts[2] ?? '', port })
}

function ranged(
  rule: string,
  read: (text: string) => number | null,
  min: number,
  max: number,
): ValueParser<number> {
  return (text) => {
    const value = read(text)
    return value === null || value < min || value > max ? failed(rule) : ok(value)
  }
}

/** Few enough digits to be exact. */
function digits(text: string): number | null {
  return /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : null
}

function durationMs(text: string): number | null {
  const parts = /^([0-9]{1,9})(ms|s|m|h|d)$/.exec(text)
  return parts === null
    ? null
    : Number(parts[1]) * DURATION_UNITS_MS[parts[2] as keyof typeof DURATION_UNITS_MS]
}

function sizeBytes(text: string): number | null {
  const parts = /^([0-9]{1,12})(Ki|Mi|Gi|)$/.exec(text)
  return parts === null
    ? null
    : Number(parts[1]) * SIZE_UNITS_BYTES[parts[2] as keyof typeof SIZE_UNITS_BYTES]
}

function itemsOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function withDefaults(text: string, defaults: string): string {
  return itemsOf(text).includes(DEFAULTS_ITEM)
    ? text
        .split(',')
        .map((item) => (item.trim() === DEFAULTS_ITEM ? defaults : item))
        .join(',')
    : text
}

/** Null when an item is not legal or there are too many. An exclusion wins over every inclusion. */
function exactList(
  text: string,
  defaults: string,
  isLegal: (item: string) => boolean,
): { readonly included: ReadonlySet<string>; readonly excluded: ReadonlySet<string> } | null {
  if (text.length > VALUE_LENGTH_MAX) return null
  const items = itemsOf(withDefaults(text, defaults))
  const excluded = new Set(items.filter((item) => item.startsWith('!')).map((item) => item.slice(1)))
  const included = items.filter((item) => !item.startsWith('!'))
  if (items.length > LIST_ITEMS_MAX || ![...excluded, ...included].every(isLegal)) return null
  return { included: new Set(included.filter((item) => !excluded.has(item))), excluded }
}

function isKindAndName(text: string): boolean {
  const [kind, name, ...rest] = text.split('/')
  return rest.length === 0 && KINDS.some((each) => each === kind) && name !== undefined && isObjectName(name)
}
