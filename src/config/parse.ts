/** Command line and environment to settings, or every mistake at once: nothing unknown, doubled or malformed is passed over. */

import type { Globs } from '../core/globs.ts'
import type { Rules } from '../core/rules.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import { OPTIONS, OPTION_VIEWS } from './options.ts'
import type { OptionKey, OptionalKey, Values } from './options.ts'
import type { Settings } from './settings.ts'

/** One thing that the operator must mend. */
export interface Mistake {
  /** The flag or variable that it is about, as it was written. */
  readonly where: string
  /** What must hold. */
  readonly rule: string
  /** What was given; null where nothing was. No setting is secret. */
  readonly value: string | null
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Reads one small text file; null when it cannot be read. */
export type TextFiles = (path: string) => string | null

/** Where a pod finds the namespace of its service account. */
export const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace'
export const NAMESPACE_FALLBACK = 'heliograph'

const OUR_VARIABLES = 'HELIOGRAPH_'
/** Read by the project's own tests, which share a shell with the program. */
const TEST_VARIABLES = 'HELIOGRAPH_TEST_'
const SHOWN_LENGTH_MAX = 120

/** `argv` holds flags only (`--flag=value` or `--flag value`); a flag beats its variable. */
export function parseSettings(
  argv: readonly string[],
  env: Environment,
  files: TextFiles,
): Result<Settings, readonly Mistake[]> {
  const mistakes: Mistake[] = []
  const given = readFlags(argv, mistakes)
  readVariables(env, given, mistakes)
  const values = readValues(given, mistakes)
  const namespace = values.namespace ?? namespaceOf(files, mistakes)
  checkTogether(values, mistakes)
  if (mistakes.length > 0) return failed(mistakes)
  // Without a mistake every row has been parsed, by its own parser or from its own default.
  return ok(settingsOf(values as Parsed, namespace))
}

/** The mistake as one line for a terminal. */
export function sentenceOf({ where, rule, value }: Mistake): string {
  return value === null ? `${where}: ${rule}` : `${where}: ${rule}; it is ${shown(value)}`
}

interface Given {
  readonly where: string
  readonly text: string
}

type Parsed = Omit<Values, OptionalKey> & { readonly [K in OptionalKey]?: Values[K] }

function readFlags(argv: readonly string[], mistakes: Mistake[]): Map<OptionKey, Given> {
  const given = new Map<OptionKey, Given>()
  for (let at = 0; at < argv.length; at += 1) {
    const argument = argv[at] ?? ''
    const [flag = '', ...rest] = argument.split('=')
    const next = argv[at + 1]
    const takesNext =
      rest.length === 0 && argument.startsWith('-') && next !== undefined && !next.startsWith('--')
    if (takesNext) at += 1
    const inline = rest.length === 0 ? null : rest.join('=')
    const text = takesNext ? next : inline
    const view = OPTION_VIEWS.find((each) => each.flag === flag)
    if (view === undefined) mistakes.push(unknownArgument(argument, flag))
    else if (text === null) mistakes.push({ where: flag, rule: `needs a value: ${flag}=VALUE`, value: null })
    else if (given.has(view.key)) mistakes.push({ where: flag, rule: 'may be given once', value: text })
    else given.set(view.key, { where: flag, text })
  }
  return given
}

function unknownArgument(argument: string, flag: string): Mistake {
  const flags = OPTION_VIEWS.map((view) => view.flag)
  const rule = argument.startsWith('-')
    ? `no such flag${nearest(flag, flags)}`
    : 'only flags are taken here, written --flag=VALUE'
  return { where: flag.slice(0, SHOWN_LENGTH_MAX), rule, value: null }
}

function readVariables(env: Environment, given: Map<OptionKey, Given>, mistakes: Mistake[]): void {
  for (const view of OPTION_VIEWS) {
    const text = env[view.variable]
    if (text === undefined || given.has(view.key)) continue
    // Other programs read this one too, and an empty one means none to them.
    if (text === '' && !view.variable.startsWith(OUR_VARIABLES)) continue
    given.set(view.key, { where: view.variable, text })
  }
  const names = OPTION_VIEWS.map((view) => view.variable)
  for (const name of Object.keys(env).toSorted()) {
    if (!name.startsWith(OUR_VARIABLES) || name.startsWith(TEST_VARIABLES) || names.includes(name)) continue
    const ofService = /_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_[0-9]+_(TCP|UDP|SCTP)(_\w+)?)?)$/.test(name)
    const rule = ofService
      ? 'no setting; Kubernetes makes it for a Service of that name: set enableServiceLinks: false on the pod'
      : `no such setting${nearest(name, names)}`
    mistakes.push({ where: name, rule, value: null })
  }
}

function readValues(given: ReadonlyMap<OptionKey, Given>, mistakes: Mistake[]): Partial<Values> {
  const values: Partial<Record<OptionKey, unknown>> = {}
  for (const { key, flag, row } of OPTION_VIEWS) {
    const { where, text } = given.get(key) ?? { where: flag, text: row.default }
    if (text === null) continue
    const parsed = row.parse(text)
    if (parsed.ok) values[key] = parsed.value
    else mistakes.push({ where, rule: `must be ${parsed.failure}`, value: text })
  }
  // Each value came from the parser of its own row.
  return values as Partial<Values>
}

/** What two settings must say to each other; a value that is wrong by itself was told already. */
function checkTogether(values: Partial<Values>, mistakes: Mistake[]): void {
  if (values.context !== undefined && values.kubeconfig === undefined) {
    mistakes.push({ where: '--context', rule: 'needs --kubeconfig or KUBECONFIG', value: values.context })
  }
  checkPrefixes(values, mistakes)
  const { sweepInterval, auditInterval } = values
  if (sweepInterval !== undefined && auditInterval !== undefined && auditInterval > sweepInterval) {
    mistakes.push({
      where: '--audit-interval',
      rule: 'must not be longer than --sweep-interval',
      value: null,
    })
  }
}

const PREFIX_KEYS = ['prefix', 'reflectorPrefix', 'replicatorPrefix', 'kubedPrefix', 'syncPrefix'] as const
type PrefixKey = (typeof PREFIX_KEYS)[number]

/** One key can be of one dialect only. */
function checkPrefixes(values: Partial<Values>, mistakes: Mistake[]): void {
  const seen = new Map<string, PrefixKey>()
  for (const key of PREFIX_KEYS) {
    const value = values[key]
    if (value === undefined) continue
    const other = seen.get(value)
    const flag = OPTION_VIEWS.find((view) => view.key === key)?.flag ?? key
    if (other !== undefined)
      mistakes.push({ where: flag, rule: 'must not be the prefix of another dialect', value })
    seen.set(value, key)
  }
}

function namespaceOf(files: TextFiles, mistakes: Mistake[]): string {
  const text = files(NAMESPACE_FILE)?.trim() ?? ''
  if (text === '') return NAMESPACE_FALLBACK
  const parsed = OPTIONS.namespace.parse(text)
  if (!parsed.ok) mistakes.push({ where: NAMESPACE_FILE, rule: `must hold ${parsed.failure}`, value: text })
  return text
}

function settingsOf(values: Parsed, namespace: string): Settings {
  return {
    rules: rulesOf(values, namespace),
    kubeconfig: values.kubeconfig ?? null,
    context: values.context ?? null,
    namespaces: values.namespaces.length === 0 ? null : values.namespaces,
    writesInFlightMax: values.writesInFlightMax,
    renderingBytesMax: values.renderingBytesMax,
    sweepIntervalMs: values.sweepInterval,
    sweepReadsPerSecondMax: values.sweepReadsPerSecondMax,
    auditIntervalMs: values.auditInterval,
    peerProxies: values.peerProxies,
    peerTokenRenewal: values.peerTokenRenewal,
    createNamespaces: values.createNamespaces,
    leaderElection: values.leaderElection,
    listenHost: values.listen.host,
    listenPort: values.listen.port,
    logLevel: values.logLevel,
    logFormat: values.logFormat,
    drainMs: values.drain,
  }
}

function rulesOf(values: Parsed, ownNamespace: string): Rules {
  return {
    prefix: values.prefix,
    kinds: values.kinds,
    ownNamespace,
    originNamespaces: values.originNamespaces,
    targetNamespaces: values.targetNamespaces,
    protectedNamespaces: withOwn(values.protectedNamespaces, ownNamespace),
    allowedNamespaces: values.allowedNamespaces,
    refusedTypes: values.refusedTypes,
    refusedKeys: values.refusedKeys,
    refusedNames: values.refusedNames,
    neverCarry: values.neverCarry,
    consent: values.consent,
    trustedOrigins: values.trustedOrigins,
    mirrorsPerOriginMax: values.mirrorsPerOriginMax,
    bytesPerOriginMax: values.bytesPerOriginMax,
    originsPerNamespaceMax: values.originsPerNamespaceMax,
    graceMs: values.deletionGrace,
    dialects: {
      read: values.dialects,
      prefixes: prefixesOf(values),
      takeOver: values.replicatorTakeOver,
      reflectorExcluded: values.reflectorExcludedNamespaces,
    },
  }
}

function prefixesOf(values: Pick<Parsed, PrefixKey>): Rules['dialects']['prefixes'] {
  return {
    reflector: values.reflectorPrefix,
    replicator: values.replicatorPrefix,
    kubed: values.kubedPrefix,
    sync: values.syncPrefix,
  }
}

/** No exclusion in the list uncovers the controller's own namespace. */
function withOwn(globs: Globs, ownNamespace: string): Globs {
  return { includes: true, matches: (text) => text === ownNamespace || globs.matches(text) }
}

/** The one known name that was probably meant: equal but for case, blanks and signs, or a beginning of it. Else where all are. */
function nearest(name: string, known: readonly string[]): string {
  const bare = (text: string): string => text.toLowerCase().replaceAll(/[^a-z]/g, '')
  const wanted = bare(name)
  const close = known.filter(
    (each) => bare(each) === wanted || (wanted.length > 3 && bare(each).startsWith(wanted.slice(0, -1))),
  )
  return close.length === 1 ? `; did you mean ${close[0] ?? ''}?` : '; heliograph help lists all'
}

function shown(value: string): string {
  return JSON.stringify(value.length > SHOWN_LENGTH_MAX ? `${value.slice(0, SHOWN_LENGTH_MAX)}…` : value)
}
