/** Our keys that say how a copy is made, which apply under whichever dialect says who may have one. */

import { failed, ok } from '../../std/result.ts'
import type { Result } from '../../std/result.ts'
import type { NamespaceChoice } from '../choice.ts'
import { ALWAYS_REFUSED_TYPES } from '../defaults.ts'
import type { Annotated } from '../eligibility.ts'
import { parseGlobs } from '../globs.ts'
import { parseMetadata } from '../metadata.ts'
import { isObjectName, isSecretType } from '../names.ts'
import type { Policy } from '../policy.ts'
import type { Rules } from '../rules.ts'
import { parseSelection } from '../selection.ts'
import { parseSelector } from '../selectors.ts'
import { parseValidators } from '../validators.ts'
import type { Offer } from './dialect.ts'
import type { Sheet } from './sheet.ts'

/** Characters of `reflect-as`, placeholders included. */
const NAME_TEMPLATE_LENGTH_MAX = 512

/** The policy of an origin that offers `offer`. Flaws are on the sheet, whose prefix is ours; with one the policy is not used. */
export function readPolicy(sheet: Sheet, offer: Offer, meta: Annotated, rules: Rules): Policy {
  const { push, pull, targets, write, copies, takesOver, toolMarks } = offer
  const isPushed = push !== null || targets !== null
  const template = sheet.text('reflect-as')
  const namespaces = peerNamespaces(sheet)
  return {
    push,
    pull,
    peers: targets === null ? null : { peers: targets, namespaces },
    mirrorName:
      template === undefined && !isPushed
        ? meta.name
        : (sheet.take('reflect-as', mirrorName(template ?? '{name}', meta, rules)) ?? meta.name),
    selection: sheet.take('keys', parseSelection(sheet.text('keys'))) ?? EMPTY_SELECTION,
    type: sheet.read('type', (text) => parseType(text, meta, rules)),
    carry: sheet.read('carry', parseGlobs),
    copies,
    write,
    takesOver,
    toolMarks,
    labels: sheet.read('labels', (text) => parseMetadata(text, 'labels', rules)) ?? {},
    annotations: sheet.read('annotations', (text) => parseMetadata(text, 'annotations', rules)) ?? {},
    immutable: sheet.read('immutable', (text) => parseImmutable(text, write)) ?? false,
    onDelete: sheet.read('on-delete', parseOnDelete) ?? 'delete',
    validators: sheet.read('validate', parseValidators) ?? [],
    paused: sheet.read('paused', parseBoolean) ?? false,
    resync: sheet.text('resync') ?? null,
  }
}

/** Stands in a policy that a flaw keeps from being used. */
const EMPTY_SELECTION = { apply: () => null }

/** Both given: both must hold. */
function peerNamespaces(sheet: Sheet): NamespaceChoice | null {
  const names = sheet.read('target-namespaces', parseGlobs)
  const labels = sheet.read('target-namespaces-selector', parseSelector)
  return both(names, labels)
}

/** One clause for each that is given; null: neither is. */
export function both(
  names: NamespaceChoice[number]['names'],
  labels: NamespaceChoice[number]['labels'],
): NamespaceChoice | null {
  if (names === null && labels === null) return null
  return [
    ...(names === null ? [] : [{ names, labels: null }]),
    ...(labels === null ? [] : [{ names: null, labels }]),
  ]
}

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

/** An object that others may write to as well cannot be sealed. */
function parseImmutable(text: string, write: Policy['write']): Result<boolean, string> {
  const parsed = parseBoolean(text)
  return parsed.ok && parsed.value && write === 'merge'
    ? failed('an object that is merged into cannot be immutable')
    : parsed
}

export function parseBoolean(text: string): Result<boolean, string> {
  return text === 'true' || text === 'false' ? ok(text === 'true') : failed('must be exactly true or false')
}

function parseOnDelete(text: string): Result<'delete' | 'retain', string> {
  return text === 'delete' || text === 'retain' ? ok(text) : failed('must be delete or retain')
}
