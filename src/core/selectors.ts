/**
 * Label selectors in the full syntax of Kubernetes (`labels.Parse` of apimachinery), with one rule of our own: a blank selector matches nothing.
 * `!=` and `notin` hold where the label is absent; `>` and `<` compare 64-bit integers.
 */

import { memoised } from '../std/memo.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import { isLabelKey, isLabelValue } from './names.ts'
import type { Texts } from './objects.ts'

/** Characters of one selector. */
export const SELECTOR_LENGTH_MAX = 8_192
/** Requirements of one selector; all must hold. */
export const REQUIREMENTS_MAX = 64

export interface LabelSelector {
  matches(labels: Texts): boolean
}

/** Parses a selector; the failure is a fixed reason that quotes nothing. Equal texts give one shared object while they are remembered. */
export const parseSelector: (text: string) => Result<LabelSelector, string> = memoised(parse, {
  entriesMax: 4_096,
  weightMax: 8 * 1_048_576,
  weigh: (text) => 512 + 16 * text.length,
})

function parse(text: string): Result<LabelSelector, string> {
  if (text.length > SELECTOR_LENGTH_MAX)
    return failed(`a selector may have at most ${SELECTOR_LENGTH_MAX} characters`)
  const tokens = tokenize(text)
  if (tokens.length === 0) return ok({ matches: () => false })
  const requirements: Requirement[] = []
  const reader: Reader = { tokens, at: 0 }
  do {
    if (requirements.length === REQUIREMENTS_MAX)
      return failed(`a selector may hold at most ${REQUIREMENTS_MAX} requirements`)
    const requirement = readRequirement(reader)
    if (!requirement.ok) return requirement
    requirements.push(requirement.value)
  } while (takes(reader, ','))
  if (reader.at < tokens.length) return failed('requirements must be separated by commas')
  return ok({ matches: (labels) => requirements.every((holds) => holds(labels)) })
}

type Requirement = (labels: Texts) => boolean

/** `word` is a key, a value, or `in` and `notin`, which may be either. */
type Token =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'sign'; readonly text: string }

interface Reader {
  readonly tokens: readonly Token[]
  at: number
}

function tokenize(text: string): Token[] {
  const found = text.matchAll(/(?<sign>==|!=|[=!(),<>])|(?<word>[^=!(),<> \t\r\n]+)/g)
  return Array.from(found, ({ groups }) => {
    const sign = groups?.['sign']
    return sign === undefined ? { kind: 'word', text: groups?.['word'] ?? '' } : { kind: 'sign', text: sign }
  })
}

/** Consumes the sign if it is next. */
function takes(reader: Reader, sign: string): boolean {
  if (!isNext(reader, sign)) return false
  reader.at += 1
  return true
}

function isNext(reader: Reader, sign: string): boolean {
  const token = reader.tokens[reader.at]
  return token?.kind === 'sign' && token.text === sign
}

/** Consumes the next word, if it is one. */
function takeWord(reader: Reader): string | null {
  const token = reader.tokens[reader.at]
  if (token?.kind !== 'word') return null
  reader.at += 1
  return token.text
}

function readRequirement(reader: Reader): Result<Requirement, string> {
  const negated = takes(reader, '!')
  const key = takeWord(reader)
  if (key === null) return failed('a label key is missing')
  if (!isLabelKey(key)) return failed('a label key is not legal')
  const isEnd = reader.at === reader.tokens.length || isNext(reader, ',')
  if (negated) return isEnd ? ok((labels) => valueOf(labels, key) === null) : failed('!key takes no operator')
  if (isEnd) return ok((labels) => valueOf(labels, key) !== null)
  const operator = reader.tokens[reader.at]?.text ?? ''
  reader.at += 1
  if (operator === 'in' || operator === 'notin') return setRequirement(key, operator, readValues(reader))
  return exactRequirement(key, operator, readExactValue(reader))
}

function setRequirement(
  key: string,
  operator: string,
  values: Result<readonly string[], string>,
): Result<Requirement, string> {
  if (!values.ok) return values
  if (!values.value.every(isLabelValue)) return failed('a label value is not legal')
  return ok(membership(key, new Set(values.value), operator === 'in'))
}

function exactRequirement(
  key: string,
  operator: string,
  value: Result<string, string>,
): Result<Requirement, string> {
  if (!['=', '==', '!=', '<', '>'].includes(operator)) {
    return failed('an operator must be one of = == != in notin < >')
  }
  if (!value.ok) return value
  if (!isLabelValue(value.value)) return failed('a label value is not legal')
  if (operator !== '<' && operator !== '>')
    return ok(membership(key, new Set([value.value]), operator !== '!='))
  const limit = integerOf(value.value)
  if (limit === null) return failed('< and > need an integer')
  return ok((labels) => {
    const actual = integerOf(valueOf(labels, key) ?? '')
    return actual !== null && (operator === '>' ? actual > limit : actual < limit)
  })
}

function membership(key: string, values: ReadonlySet<string>, isIn: boolean): Requirement {
  return (labels) => {
    const value = valueOf(labels, key)
    return value === null ? !isIn : values.has(value) === isIn
  }
}

/** After `=` and its like: a value that is left out is the empty one. */
function readExactValue(reader: Reader): Result<string, string> {
  if (reader.at === reader.tokens.length || isNext(reader, ',')) return ok('')
  const value = takeWord(reader)
  return value === null ? failed('a label value is missing') : ok(value)
}

/** After `in` and `notin`: `(a,b)`. A value that is left out is the empty one, so `()` holds just that. */
function readValues(reader: Reader): Result<readonly string[], string> {
  if (!takes(reader, '(')) return failed('in and notin need a list in parentheses')
  const values: string[] = []
  do values.push(takeWord(reader) ?? '')
  while (takes(reader, ','))
  return takes(reader, ')') ? ok(values) : failed('a list of values must be separated by commas and closed')
}

function valueOf(labels: Texts, key: string): string | null {
  return Object.hasOwn(labels, key) ? (labels[key] ?? null) : null
}

const INT64_MAX = 9_223_372_036_854_775_807n

/** As Go's ParseInt reads a legal label value: decimal digits within 64 bits (a sign is not legal at a value's start). */
function integerOf(text: string): bigint | null {
  if (!/^[0-9]{1,63}$/.test(text)) return null
  const value = BigInt(text)
  return value <= INT64_MAX ? value : null
}
