/** The command line to one command; settings flags are left to the parser of the settings. */

import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import type { Mistake } from './parse.ts'

export const COMMANDS = [
  {
    name: 'run',
    usage: 'run [FLAGS]',
    sentence: 'Keeps mirrors until it is told to stop (SIGTERM or Ctrl-C).',
  },
  {
    name: 'release',
    usage: 'release ID [FLAGS]',
    sentence: 'Lets the held deletions of that id go, once, within the hour.',
  },
  {
    name: 'identity',
    usage: 'identity keep|new',
    sentence: 'Settles which cluster this is, after a restore into another.',
  },
  { name: 'version', usage: 'version', sentence: 'Prints the version.' },
  { name: 'help', usage: 'help', sentence: 'Prints this text.' },
] as const

export type Command =
  | { readonly kind: 'run'; readonly flags: readonly string[] }
  | { readonly kind: 'release'; readonly id: string; readonly flags: readonly string[] }
  | { readonly kind: 'identity'; readonly answer: 'keep' | 'new'; readonly flags: readonly string[] }
  | { readonly kind: 'version' }
  | { readonly kind: 'help' }

/** The id of a hold as the brake makes it, with room for a longer one. */
const HOLD_ID = /^[0-9a-f]{4,64}$/

/** `argv` without the program itself. */
export function parseCommand(argv: readonly string[]): Result<Command, readonly Mistake[]> {
  const [name, ...rest] = argv
  if (name === undefined)
    return mistake('command', `is missing; there are ${COMMANDS.map((each) => each.name).join(', ')}`, null)
  if (name === 'help' || name === '--help' || name === '-h') return ok({ kind: 'help' })
  if (name === 'version' || name === '--version')
    return rest.length === 0 ? ok({ kind: 'version' }) : mistake('version', 'takes nothing more', null)
  if (rest.some((argument) => argument === '--help' || argument === '-h')) return ok({ kind: 'help' })
  if (name === 'run') return ok({ kind: 'run', flags: rest })
  if (name === 'identity') return parseIdentity(rest)
  if (name !== 'release')
    return mistake('command', `must be one of ${COMMANDS.map((each) => each.name).join(', ')}`, name)
  const [id, ...flags] = rest
  if (id === undefined || id.startsWith('-'))
    return mistake('release', 'needs the id of a hold before any flag: heliograph release ID', null)
  return HOLD_ID.test(id)
    ? ok({ kind: 'release', id, flags })
    : mistake('release', 'takes the id that the Event DeletionsHeld names, digits and a to f', id)
}

function parseIdentity([answer, ...flags]: readonly string[]): Result<Command, readonly Mistake[]> {
  if (answer === undefined || answer.startsWith('-'))
    return mistake('identity', 'needs an answer before any flag: heliograph identity keep, or new', null)
  return answer === 'keep' || answer === 'new'
    ? ok({ kind: 'identity', answer, flags })
    : mistake('identity', 'takes keep or new', answer)
}

function mistake(where: string, rule: string, value: string | null): Result<never, readonly Mistake[]> {
  return failed([{ where, rule, value }])
}
