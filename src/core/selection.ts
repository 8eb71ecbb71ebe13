/**
 * Which keys of an origin a mirror holds, and under which names: `tls.crt, ca.crt=ca.pem, !tls.key`.
 *
 * Names are exact. Inclusions name what is taken; exclusions alone take all others; with both, an excluded key is not taken even if it is named.
 * A named key that the origin lacks is left out. One key cannot be taken twice under two names.
 */

import { memoised } from '../std/memo.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import { isContentKey } from './names.ts'

/** Characters of one key list. */
export const KEYS_LENGTH_MAX = 65_536
/** Items of one key list. */
export const KEYS_MAX = 512

export interface KeySelection {
  /**
   * Name in the origin → name in the mirror; null when nothing is left or two sources meet in one key.
   * Without a key list everything is taken, and an origin without data is mirrored as it is.
   */
  apply(keys: Iterable<string>): ReadonlyMap<string, string> | null
}

const EVERY_KEY: KeySelection = { apply: (keys) => new Map(Array.from(keys, (key) => [key, key])) }

/** Parses the value of `keys`; undefined: not given. The failure is a fixed reason that quotes nothing. A blank list selects nothing. */
export function parseSelection(text: string | undefined): Result<KeySelection, string> {
  return text === undefined ? ok(EVERY_KEY) : parseRemembered(text)
}

const parseRemembered = memoised(parse, {
  entriesMax: 2_048,
  weightMax: 8 * 1_048_576,
  weigh: (text) => 512 + 8 * text.length,
})

interface Parsed {
  /** Name in the origin → name in the mirror. */
  readonly taken: Map<string, string>
  readonly excluded: Set<string>
}

function parse(text: string): Result<KeySelection, string> {
  if (text.length > KEYS_LENGTH_MAX)
    return failed(`a key list may have at most ${KEYS_LENGTH_MAX} characters`)
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
  if (items.length > KEYS_MAX) return failed(`a key list may hold at most ${KEYS_MAX} keys`)
  const parsed: Parsed = { taken: new Map(), excluded: new Set() }
  for (const item of items) {
    const flaw = item.startsWith('!') ? exclude(parsed, item.slice(1).trim()) : take(parsed, item)
    if (flaw !== null) return failed(flaw)
  }
  return ok({ apply: (keys) => select(parsed, keys) })
}

function exclude({ excluded }: Parsed, key: string): string | null {
  if (!isContentKey(key)) return 'a key is not a legal data key'
  excluded.add(key)
  return null
}

function take({ taken }: Parsed, item: string): string | null {
  const [from = '', to = from, ...more] = item.split('=').map((part) => part.trim())
  if (more.length > 0 || !isContentKey(from) || !isContentKey(to)) return 'a key is not a legal data key'
  if ((taken.get(from) ?? to) !== to) return 'one key may not be mirrored under two names'
  taken.set(from, to)
  return null
}

function select({ taken, excluded }: Parsed, keys: Iterable<string>): ReadonlyMap<string, string> | null {
  const selected = new Map<string, string>()
  const targets = new Set<string>()
  for (const key of keys) {
    const target = taken.size === 0 && excluded.size > 0 ? key : taken.get(key)
    if (target === undefined || excluded.has(key)) continue
    if (targets.has(target)) return null
    targets.add(target)
    selected.set(key, target)
  }
  return selected.size === 0 ? null : selected
}
