/** Our own dialect: what the `heliograph.dev/*` annotations of an origin mean, with every bad value told. */

import { failed, ok } from '../../std/result.ts'
import type { Result } from '../../std/result.ts'
import { annotation, CLAIMING_KEYS } from '../annotations.ts'
import type { AnnotationKey } from '../annotations.ts'
import { ALWAYS_REFUSED_TYPES } from '../defaults.ts'
import type { Annotated } from '../eligibility.ts'
import { parseGlobs } from '../globs.ts'
import { parseMetadata } from '../metadata.ts'
import { isObjectName, isSecretType, parsePath } from '../names.ts'
import type { ObjectRef } from '../names.ts'
import type { Flaw, Policy } from '../policy.ts'
import type { Rules } from '../rules.ts'
import { parseSelection } from '../selection.ts'
import { parseSelector } from '../selectors.ts'
import { parseValidators } from '../validators.ts'
import type { Dialect } from './dialect.ts'

/** Characters of `reflect-as`, placeholders included. */
const NAME_TEMPLATE_LENGTH_MAX = 512

export const heliograph: Dialect = {
  name: 'heliograph',
  claims: (meta, { prefix }) =>
    CLAIMING_KEYS.some((key) => meta.annotations[annotation(prefix, key)] !== undefined),
  read(meta, rules) {
    const sheet = new Sheet(meta, rules.prefix)
    const policy = readPolicy(sheet, meta, rules)
    const paused = sheet.read('paused', parseBoolean) ?? false
    if (sheet.flaws.length > 0 || paused) return { kind: 'held', flaws: sheet.flaws, paused }
    return { kind: 'policy', policy: { ...policy, paused } }
  },
}

/** The annotations of one object, read one by one; what does not parse is collected, never thrown. */
class Sheet {
  readonly flaws: Flaw[] = []
  readonly #meta: Annotated
  readonly #prefix: string

  constructor(meta: Annotated, prefix: string) {
    this.#meta = meta
    this.#prefix = prefix
  }

  text(key: AnnotationKey): string | undefined {
    return this.#meta.annotations[annotation(this.#prefix, key)]
  }

  /** The parsed value; null if it is not given or flawed. */
  read<T>(key: AnnotationKey, parse: (text: string) => Result<T, string>): T | null {
    const text = this.text(key)
    return text === undefined ? null : this.take(key, parse(text))
  }

  take<T>(key: AnnotationKey, parsed: Result<T, string>): T | null {
    if (parsed.ok) return parsed.value
    this.flaws.push({ annotation: key, reason: parsed.failure })
    return null
  }
}

function readPolicy(sheet: Sheet, meta: Annotated, rules: Rules): Policy {
  const globs = sheet.read('reflect-to', parseGlobs)
  const selector = sheet.read('reflect-to-selector', parseSelector)
  const pull = sheet.read('allow-pull', parseGlobs)
  const targets = sheet.read('targets', parseGlobs)
  sheet.read('target-namespaces', parseGlobs)
  sheet.read('target-namespaces-selector', parseSelector)
  const isPushed = globs !== null || selector !== null || targets !== null
  const template = sheet.text('reflect-as')
  return {
    push: globs === null && selector === null ? null : { globs, selector },
    pull,
    mirrorName:
      template === undefined && !isPushed
        ? meta.name
        : (sheet.take('reflect-as', mirrorName(template ?? '{name}', meta, rules)) ?? meta.name),
    selection: sheet.take('keys', parseSelection(sheet.text('keys'))) ?? EMPTY_SELECTION,
    type: sheet.read('type', (text) => parseType(text, meta, rules)),
    carry: sheet.read('carry', parseGlobs),
    labels: sheet.read('labels', (text) => parseMetadata(text, 'labels', rules)) ?? {},
    annotations: sheet.read('annotations', (text) => parseMetadata(text, 'annotations', rules)) ?? {},
    immutable: sheet.read('immutable', parseBoolean) ?? false,
    onDelete: sheet.read('on-delete', parseOnDelete) ?? 'delete',
    validators: sheet.read('validate', parseValidators) ?? [],
    paused: false,
    resync: sheet.text('resync') ?? null,
  }
}

/** Stands in a policy that a flaw keeps from being used. */
const EMPTY_SELECTION = { apply: () => null }

function mirrorName(template: string, meta: Annotated, { refusedNames }: Rules): Result<string, string> {
  if (template.length > NAME_TEMPLATE_LENGTH_MAX)
    return failed(`a name may have at most ${NAME_TEMPLATE_LENGTH_MAX} characters`)
  if (/[{}]/.test(template.replaceAll(/\{name\}|\{namespace\}/g, ''))) {
    return failed('only {name} and {namespace} may stand in braces')
  }
  const name = template.replaceAll('{name}', meta.name).replaceAll('{namespace}', meta.namespace)
  if (!isObjectName(name)) return failed('the resulting name is not a legal object name')
  return refusedNames.has(`${meta.kind}/${name}`)
    ? failed('the platform itself writes objects of this name')
    : ok(name)
}

function parseType(text: string, { kind }: Annotated, { refusedTypes }: Rules): Result<string, string> {
  if (kind !== 'Secret') return failed('only Secrets have a type')
  if (!isSecretType(text)) return failed('not a legal Secret type')
  const isRefused = refusedTypes.has(text) || ALWAYS_REFUSED_TYPES.some((type) => type === text)
  return isRefused ? failed('this type is never given to a mirror') : ok(text)
}

function parseBoolean(text: string): Result<boolean, string> {
  return text === 'true' || text === 'false' ? ok(text === 'true') : failed('must be exactly true or false')
}

function parseOnDelete(text: string): Result<'delete' | 'retain', string> {
  return text === 'delete' || text === 'retain' ? ok(text) : failed('must be delete or retain')
}

/** What an object asks to be filled from. */
export type PullReading =
  | { readonly kind: 'none' }
  | { readonly kind: 'pull'; readonly origin: ObjectRef }
  | { readonly kind: 'flawed'; readonly flaw: Flaw }

/** Reads `reflect-from`. Whether the namespace may ask at all is the consent's business. */
export function readPull(meta: Annotated, rules: Rules): PullReading {
  const text = meta.annotations[annotation(rules.prefix, 'reflect-from')]
  if (text === undefined) return { kind: 'none' }
  const path = parsePath(text)
  if (path === null)
    return { kind: 'flawed', flaw: { annotation: 'reflect-from', reason: 'must be namespace/name' } }
  if (path.namespace === meta.namespace && path.name === meta.name) {
    return {
      kind: 'flawed',
      flaw: { annotation: 'reflect-from', reason: 'an object cannot be filled from itself' },
    }
  }
  return { kind: 'pull', origin: { kind: meta.kind, ...path } }
}
