/** The command line of `heliograph peer …` to one action; settings flags are left to the parser of the settings. */

import { isObjectName } from '../core/names.ts'
import { parseGlobs } from '../core/globs.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import type { Mistake } from './parse.ts'
import { duration, namespaceName, namespaceNames, plainText } from './values.ts'
import type { ValueParser } from './values.ts'

export const PEER_COMMANDS = [
  {
    name: 'peer',
    usage: 'peer add NAME [FLAGS]',
    sentence:
      'Makes a cluster a peer: from your kubeconfig of it, an account with the least rights and its token there, and the peer’s Secret here. Widens nothing that exists.',
  },
  { name: 'peer', usage: 'peer list [FLAGS]', sentence: 'Shows every peer as its Secret has it.' },
  {
    name: 'peer',
    usage: 'peer check NAME [FLAGS]',
    sentence:
      'Asks the peer with its own credential: does it answer, which cluster is it, which rights are missing, does its clock agree, when does the credential end. Exit code 1: something is wrong.',
  },
  {
    name: 'peer',
    usage: 'peer clean NAME [--yes] [FLAGS]',
    sentence:
      'Takes the peer out of service and deletes there exactly the mirrors that this home made; those that it took over stay as their owners’. Without --yes: says what would go.',
  },
  {
    name: 'peer',
    usage: 'peer forget NAME [FLAGS]',
    sentence: 'Deletes the peer’s Secret; its mirrors stay, and it says how many there are.',
  },
] as const

/** One flag of `peer add` alone, where `--namespaces` means the peer’s. */
export interface PeerFlag {
  readonly flag: string
  /** How its value is written; null: it has none. */
  readonly value: string | null
  readonly sentence: string
}

export const PEER_ADD_FLAGS = [
  {
    flag: '--peer-kubeconfig',
    value: 'FILE',
    sentence: 'Your kubeconfig of the peer. Without it: the one of home, with --peer-context.',
  },
  { flag: '--peer-context', value: 'NAME', sentence: 'Its context. Without it: its current one.' },
  {
    flag: '--peer-server',
    value: 'URL',
    sentence: 'The peer’s address as home reaches it, where the kubeconfig has another.',
  },
  {
    flag: '--namespaces',
    value: 'LIST',
    sentence:
      'The only namespaces of the peer that are granted; they must be there. Without it: the whole peer.',
  },
  {
    flag: '--origins',
    value: 'GLOBS',
    sentence:
      'Who may forward there, over namespace/name. Without it: every origin, only into the namespace of its own name.',
  },
  {
    flag: '--account-namespace',
    value: 'NAME',
    sentence: 'Where the account lies on the peer; made where it is missing. Default: heliograph.',
  },
  {
    flag: '--account',
    value: 'NAME',
    sentence: 'Name of the account and its roles on the peer. Default: heliograph-peer.',
  },
  {
    flag: '--token-lifetime',
    value: 'DURATION',
    sentence: 'How long the token is asked to last; the peer may give less. Default: 90d.',
  },
  { flag: '--renew', value: null, sentence: 'A new token for a peer that is there already.' },
  {
    flag: '--dry-run',
    value: null,
    sentence: 'Prints every manifest, without the token, and writes nothing.',
  },
] as const satisfies readonly PeerFlag[]

export interface PeerAdd {
  readonly action: 'add'
  readonly name: string
  /** Null: home's own, with {@link PeerAdd.peerContext}. */
  readonly peerKubeconfig: string | null
  readonly peerContext: string | null
  readonly server: string | null
  /** Null: the whole peer. */
  readonly namespaces: readonly string[] | null
  /** The text of `peer-origins`. */
  readonly origins: string | null
  readonly accountNamespace: string
  readonly account: string
  readonly tokenLifetimeMs: number
  readonly isRenewal: boolean
  readonly isDryRun: boolean
}

export type PeerAction =
  | PeerAdd
  | { readonly action: 'list' }
  | { readonly action: 'check' | 'forget'; readonly name: string }
  | { readonly action: 'clean'; readonly name: string; readonly isConfirmed: boolean }

export interface PeerCommand {
  readonly kind: 'peer'
  readonly peer: PeerAction
  readonly flags: readonly string[]
}

const ACTIONS = ['add', 'list', 'check', 'clean', 'forget'] as const
/** The name of its Secret is longer, and has to be a name as well. */
const NAME_LENGTH_MAX = 200

/** `argv` begins after the word `peer`. */
export function parsePeerCommand(argv: readonly string[]): Result<PeerCommand, readonly Mistake[]> {
  const [word, ...rest] = argv
  const action = ACTIONS.find((each) => each === word)
  if (action === undefined)
    return mistake('peer', `needs one of ${ACTIONS.join(', ')}: heliograph peer ACTION`, word ?? null)
  if (action === 'list') return ok({ kind: 'peer', peer: { action }, flags: rest })
  const [name, ...flags] = rest
  if (name === undefined || name.startsWith('-'))
    return mistake(
      `peer ${action}`,
      `needs the peer’s name before any flag: heliograph peer ${action} NAME`,
      null,
    )
  if (!isObjectName(name) || name.length > NAME_LENGTH_MAX)
    return mistake(`peer ${action}`, `takes a DNS name of at most ${NAME_LENGTH_MAX} characters`, name)
  if (action === 'add') return parseAdd(name, flags)
  if (action !== 'clean') return ok({ kind: 'peer', peer: { action, name }, flags })
  const isConfirmed = flags.includes('--yes')
  return ok({
    kind: 'peer',
    peer: { action, name, isConfirmed },
    flags: flags.filter((each) => each !== '--yes'),
  })
}

type AddFlag = (typeof PEER_ADD_FLAGS)[number]['flag']

function parseAdd(name: string, argv: readonly string[]): Result<PeerCommand, readonly Mistake[]> {
  const mistakes: Mistake[] = []
  const { given, flags } = readOwn(argv, mistakes)
  const value = <T>(flag: AddFlag, parse: ValueParser<T>): T | null => {
    const text = given.get(flag)
    const parsed = text === undefined ? null : parse(text)
    if (parsed?.ok === false)
      mistakes.push({ where: flag, rule: `must be ${parsed.failure}`, value: text ?? null })
    return parsed?.ok === true ? parsed.value : null
  }
  const peer: PeerAdd = {
    action: 'add',
    name,
    peerKubeconfig: value('--peer-kubeconfig', plainText),
    peerContext: value('--peer-context', plainText),
    server: value('--peer-server', serverUrl),
    namespaces: value('--namespaces', grantedNamespaces),
    origins: value('--origins', globsText),
    accountNamespace: value('--account-namespace', namespaceName) ?? 'heliograph',
    account: value('--account', accountName) ?? 'heliograph-peer',
    tokenLifetimeMs: value('--token-lifetime', duration('10m', '366d')) ?? 90 * 86_400_000,
    isRenewal: given.has('--renew'),
    isDryRun: given.has('--dry-run'),
  }
  if (peer.peerKubeconfig === null && peer.peerContext === null && mistakes.length === 0)
    mistakes.push({
      where: 'peer add',
      rule: 'needs --peer-kubeconfig=FILE, or --peer-context=NAME in home’s own kubeconfig',
      value: null,
    })
  return mistakes.length > 0 ? failed(mistakes) : ok({ kind: 'peer', peer, flags })
}

/** Takes the flags of `peer add` out, wherever they stand. */
function readOwn(
  argv: readonly string[],
  mistakes: Mistake[],
): { readonly given: ReadonlyMap<AddFlag, string>; readonly flags: readonly string[] } {
  const given = new Map<AddFlag, string>()
  const flags: string[] = []
  for (let at = 0; at < argv.length; at += 1) {
    const argument = argv[at] ?? ''
    const [flag = '', ...rest] = argument.split('=')
    const own = PEER_ADD_FLAGS.find((each) => each.flag === flag)
    if (own === undefined) {
      flags.push(argument)
      continue
    }
    const next = argv[at + 1]
    const takesNext = own.value !== null && rest.length === 0 && next !== undefined && !next.startsWith('--')
    if (takesNext) at += 1
    const inline = rest.length === 0 ? null : rest.join('=')
    const text = takesNext ? next : inline
    if (given.has(own.flag)) mistakes.push({ where: flag, rule: 'may be given once', value: text })
    else if (own.value === null && text !== null)
      mistakes.push({ where: flag, rule: 'takes no value', value: text })
    else if (own.value !== null && text === null)
      mistakes.push({ where: flag, rule: `needs a value: ${flag}=${own.value}`, value: null })
    else given.set(own.flag, text ?? '')
  }
  return { given, flags }
}

const serverUrl: ValueParser<string> = (text) => {
  const url = URL.parse(text)
  const isBare =
    url !== null && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === ''
  return isBare && url.protocol === 'https:' ? ok(url.origin) : failed('an https URL without a path')
}

const grantedNamespaces: ValueParser<readonly string[]> = (text) => {
  const names = namespaceNames(text)
  return names.ok && names.value.length === 0
    ? failed('at least one namespace; left out: the whole peer')
    : names
}

const globsText: ValueParser<string> = (text) => {
  const globs = parseGlobs(text)
  return globs.ok ? ok(text) : failed(`a list of globs: ${globs.failure}`)
}

const accountName: ValueParser<string> = (text) =>
  isObjectName(text) && text.length <= NAME_LENGTH_MAX
    ? ok(text)
    : failed(`a DNS name of at most ${NAME_LENGTH_MAX} characters`)

function mistake(where: string, rule: string, value: string | null): Result<never, readonly Mistake[]> {
  return failed([{ where, rule, value }])
}
