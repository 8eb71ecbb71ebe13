/** Fixed labels and annotations for each mirror: a JSON object of strings, legal and allowed. */

import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import { LAST_APPLIED } from './defaults.ts'
import { isAnnotationKey, isLabelKey, isLabelValue } from './names.ts'
import type { Texts } from './objects.ts'
import { isDialectKey } from './prefixes.ts'
import type { Rules } from './rules.ts'

/** Characters of the JSON text; the API server grants all annotations of an object 256 KiB together. */
export const METADATA_LENGTH_MAX = 131_072
/** Keys of one object. */
export const METADATA_KEYS_MAX = 256

/** Parses the value of `labels` or `annotations`; the failure is a fixed reason that quotes nothing. */
export function parseMetadata(
  text: string,
  form: 'labels' | 'annotations',
  rules: Rules,
): Result<Texts, string> {
  if (text.length > METADATA_LENGTH_MAX)
    return failed(`a JSON object may have at most ${METADATA_LENGTH_MAX} characters`)
  const parsed = parseObject(text)
  if (parsed === null) return failed('not a JSON object of strings')
  const entries = Object.entries(parsed)
  if (entries.length > METADATA_KEYS_MAX)
    return failed(`a JSON object may hold at most ${METADATA_KEYS_MAX} keys`)
  const texts: [string, string][] = []
  for (const [key, value] of entries) {
    if (typeof value !== 'string') return failed('not a JSON object of strings')
    const flaw = flawOf(key, value, form, rules)
    if (flaw !== null) return failed(flaw)
    texts.push([key, value])
  }
  return ok(Object.fromEntries(texts))
}

/** The parser's message quotes the text, so nothing of it is kept. */
function parseObject(text: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(text)
    return isRecord(parsed) ? parsed : null
  } catch {
    return null
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function flawOf(key: string, value: string, form: 'labels' | 'annotations', rules: Rules): string | null {
  if (!(form === 'labels' ? isLabelKey(key) : isAnnotationKey(key)))
    return 'a key is not a legal label or annotation key'
  if (form === 'labels' && !isLabelValue(value)) return 'a label value is not legal'
  if (isDialectKey(key, rules) || key === LAST_APPLIED || rules.refusedKeys.matches(key)) {
    return 'one of the keys is never given to a mirror (setting refusedKeys)'
  }
  return null
}
