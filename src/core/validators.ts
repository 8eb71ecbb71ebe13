/** The list of checks that a version of an origin must pass: `tls, keys=username|password, json=config.json`. */

import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import { isContentKey } from './names.ts'
import type { Validator } from './policy.ts'

/** Characters of one list. */
export const VALIDATORS_LENGTH_MAX = 16_384
/** Checks of one list, and keys of one `keys=`. */
export const VALIDATORS_MAX = 64

/** Parses the value of `validate`; the failure is a fixed reason that quotes nothing. A blank list checks nothing. */
export function parseValidators(text: string): Result<readonly Validator[], string> {
  if (text.length > VALIDATORS_LENGTH_MAX)
    return failed(`a list may have at most ${VALIDATORS_LENGTH_MAX} characters`)
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
  if (items.length > VALIDATORS_MAX) return failed(`a list may hold at most ${VALIDATORS_MAX} validators`)
  const validators: Validator[] = []
  for (const item of items) {
    const validator = parseOne(item)
    if (!validator.ok) return validator
    validators.push(validator.value)
  }
  return ok(validators)
}

function parseOne(item: string): Result<Validator, string> {
  const [name, argument, ...more] = item.split('=').map((part) => part.trim())
  if (more.length > 0) return failed('a data key is not legal')
  switch (name) {
    case 'tls':
    case 'dockerconfigjson':
      return argument === undefined ? ok({ kind: name }) : failed('tls and dockerconfigjson take no key')
    case 'json':
    case 'pem':
      return argument !== undefined && isContentKey(argument)
        ? ok({ kind: name, key: argument })
        : failed('a data key is not legal')
    case 'keys':
      return parseKeys(argument ?? '')
    default:
      return failed('a validator must be one of tls, dockerconfigjson, keys=a|b, json=key, pem=key')
  }
}

function parseKeys(argument: string): Result<Validator, string> {
  const keys = argument.split('|').map((key) => key.trim())
  if (keys.length > VALIDATORS_MAX) return failed(`keys= may name at most ${VALIDATORS_MAX} keys`)
  return keys.every(isContentKey) ? ok({ kind: 'keys', keys }) : failed('a data key is not legal')
}
