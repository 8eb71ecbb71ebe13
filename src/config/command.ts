/** The command line to one command; settings flags are left to the parser of the settings. */

import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import type { Mistake } from './parse.ts'
import { parsePeerCommand, PEER_COMMANDS } from './peer-command.ts'
import type { PeerCommand } from './peer-command.ts'

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
    usage: 'identity keep|new [FLAGS]',
    sentence: 'Settles which cluster this is, after a restore into another.',
  },
  {
    name: 'migrate',
    usage: 'migrate [-] [FLAGS]',
    sentence:
      'Reports what becomes of the annotations and copies of other tools; writes nothing. `-` reads YAML from standard input instead of a cluster. `--to=native` prints our own annotations instead. Exit code: 0 nothing to look at, 3 warnings, 4 blockers, 2 a mistake of usage, 1 it could not be read.',
  },
  ...PEER_COMMANDS,
  { name: 'version', usage: 'version', sentence: 'Prints the version.' },
  { name: 'help', usage: 'help', sentence: 'Prints this text.' },
] as const

export type Command =
  | { readonly kind: 'run'; readonly flags: readonly string[] }
  | { readonly kind: 'release'; readonly id: string; readonly flags: readonly string[] }
  | { readonly kind: 'identity'; readonly answer: 'keep' | 'new'; readonly flags: readonly string[] }
  | {
      readonly kind: 'migrate'
      /** Read documents from standard input, not a cluster. */
      readonly fromInput: boolean
      /** Print native annotations instead of the report. */
      readonly toNative: boolean
      readonly flags: readonly string[]
    }
  | PeerCommand
  | { readonly kind: 'version' }
  | { readonly kind: 'help' }

const NAMES = [...new Set(COMMANDS.map((each) => each.name))].join(', ')

/** The id of a hold as the brake makes it, with room for a longer one. */
const HOLD_ID = /^[0-9a-f]{4,64}$/

/** `argv` without the program itself. */
export function parseCommand(argv: readonly string[]): Result<Command, readonly Mistake[]> {
  const [name, ...rest] = argv
  if (name === undefined) return mistake('command', `is missing; there are ${NAMES}`, null)
  if (name === 'help' || name === '--help' || name === '-h') return ok({ kind: 'help' })
  if (name === 'version' || name === '--version')
    return rest.length === 0 ? ok({ kind: 'version' }) : mistake('version', 'takes nothing more', null)
  if (rest.some((argument) => argument === '--help' || argument === '-h')) return ok({ kind: 'help' })
  if (name === 'run') return ok({ kind: 'run', flags: rest })
  if (name === 'identity') return parseIdentity(rest)
  if (name === 'migrate') return parseMigrate(rest)
  if (name === 'peer') return parsePeerCommand(rest)
  if (name !== 'release') return mistake('command', `must be one of ${NAMES}`, name)
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

/** `-` and `--to` may stand anywhere; the rest are settings. */
function parseMigrate(argv: readonly string[]): Result<Command, readonly Mistake[]> {
  const flags: string[] = []
  let fromInput = false
  let to: string | null = null
  for (let at = 0; at < argv.length; at += 1) {
    const argument = argv[at] ?? ''
    const isTo = argument === '--to' || argument.startsWith('--to=')
    if (argument === '-' && !fromInput) fromInput = true
    else if (isTo && to === null) {
      if (argument === '--to') at += 1
      to = argument === '--to' ? (argv[at] ?? '') : argument.slice('--to='.length)
    } else if (isTo) return mistake('--to', 'may be given once', null)
    else flags.push(argument)
  }
  if (to !== null && to !== 'native') return mistake('--to', 'must be native', to)
  return ok({ kind: 'migrate', fromInput, toNative: to === 'native', flags })
}

function mistake(where: string, rule: string, value: string | null): Result<never, readonly Mistake[]> {
  return failed([{ where, rule, value }])
}
