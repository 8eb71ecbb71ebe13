/** Label selectors as the foreign vocabularies read them, each with its own corner cases. */

import { memoised } from '../../std/memo.ts'
import { failed, ok } from '../../std/result.ts'
import type { Result } from '../../std/result.ts'
import { isLabelKey, isLabelValue } from '../names.ts'
import type { Texts } from '../objects.ts'
import { parseSelector, REQUIREMENTS_MAX, SELECTOR_LENGTH_MAX } from '../selectors.ts'
import type { LabelSelector } from '../selectors.ts'

const ALL: LabelSelector = { matches: () => true }

/** The full syntax of Kubernetes, where a blank selector matches everything. The failure is a fixed reason that quotes nothing. */
export function parseKubernetesSelector(text: string): Result<LabelSelector, string> {
  return /^[ \t\r\n]*$/.test(text) ? ok(ALL) : parseSelector(text)
}

/**
 * reflector's own syntax: `k`, `!k`, `k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, all of which must hold; of two equalities for one key
 * the last counts; a blank selector matches everything. The failure is a fixed reason that quotes nothing: there, such a selector matches nothing.
 */
export const parseReflectorSelector: (text: string) => Result<LabelSelector, string> = memoised(parse, {
  entriesMax: 4_096,
  weightMax: 8 * 1_048_576,
  weigh: (text) => 512 + 16 * text.length,
})

function parse(text: string): Result<LabelSelector, string> {
  if (text.length > SELECTOR_LENGTH_MAX)
    return failed(`a selector may have at most ${SELECTOR_LENGTH_MAX} characters`)
  if (text.trim() === '') return ok(ALL)
  const parts = splitAtCommas(text)
  if (parts.length === 0) return failed('a selector holds no requirement')
  if (parts.length > REQUIREMENTS_MAX)
    return failed(`a selector may hold at most ${REQUIREMENTS_MAX} requirements`)
  const equalities = new Map<string, string>()
  const requirements: Requirement[] = []
  for (const part of parts) {
    const read = readRequirement(part)
    if (!read.ok) return read
    if (read.value.kind === 'equal') equalities.set(read.value.key, read.value.value)
    else requirements.push(read.value)
  }
  const matches = (labels: Texts): boolean =>
    [...equalities].every(([key, value]) => valueOf(labels, key) === value) &&
    requirements.every((requirement) => holds(requirement, labels))
  return ok({ matches })
}

type Requirement =
  | { readonly kind: 'present' | 'absent'; readonly key: string }
  | { readonly kind: 'in' | 'notin'; readonly key: string; readonly values: readonly string[] }

type Equality = { readonly kind: 'equal'; readonly key: string; readonly value: string }

function holds(requirement: Requirement, labels: Texts): boolean {
  const value = valueOf(labels, requirement.key)
  switch (requirement.kind) {
    case 'present':
      return value !== null
    case 'absent':
      return value === null
    case 'in':
      return value !== null && requirement.values.includes(value)
    case 'notin':
      return value === null || !requirement.values.includes(value)
  }
}

function valueOf(labels: Texts, key: string): string | null {
  return Object.hasOwn(labels, key) ? (labels[key] ?? null) : null
}

/** Commas inside parentheses belong to a list of values. Empty parts are left out. */
function splitAtCommas(text: string): readonly string[] {
  const parts: string[] = []
  let start = 0
  let depth = 0
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charAt(i)
    if (char === '(') depth += 1
    else if (char === ')') depth -= 1
    else if (char === ',' && depth === 0) {
      parts.push(text.slice(start, i))
      start = i + 1
    }
  }
  parts.push(text.slice(start))
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}

/** The forms are tried in reflector's order: a set, then `!=`, then `==` wherever it stands, then `=`, then the bare key. */
function readRequirement(part: string): Result<Requirement | Equality, string> {
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(part)
  if (set !== null) return readSet(set[1] ?? '', set[2] === 'in' ? 'in' : 'notin', set[3] ?? '')
  for (const sign of ['!=', '==', '=']) {
    const place = part.indexOf(sign)
    if (place === -1) continue
    const key = part.slice(0, place).trim()
    const value = part.slice(place + sign.length).trim()
    const reason = flawOf(key, [value])
    if (reason !== null) return failed(reason)
    return ok(sign === '!=' ? { kind: 'notin', key, values: [value] } : { kind: 'equal', key, value })
  }
  const negated = part.startsWith('!')
  const key = negated ? part.slice(1).trim() : part
  const reason = flawOf(key, [])
  return reason === null ? ok({ kind: negated ? 'absent' : 'present', key }) : failed(reason)
}

function readSet(key: string, kind: 'in' | 'notin', list: string): Result<Requirement, string> {
  const values = list
    .split(',')
    .filter((value) => value !== '')
    .map((value) => value.trim())
  if (values.length === 0) return failed('in and notin need at least one value')
  const reason = flawOf(key, values)
  return reason === null ? ok({ kind, key, values }) : failed(reason)
}

function flawOf(key: string, values: readonly string[]): string | null {
  if (!isLabelKey(key) || !hasShortLabels(key)) return 'a label key is not legal'
  return values.every(isLabelValue) ? null : 'a label value is not legal'
}

/** reflector bounds each label of a key's prefix, which Kubernetes does not. */
function hasShortLabels(key: string): boolean {
  const prefix = key.split('/').length > 1 ? (key.split('/')[0] ?? '') : ''
  return prefix.split('.').every((label) => label.length <= 63)
}
