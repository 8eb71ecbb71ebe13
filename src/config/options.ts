/**
 * Every setting in one table: flag, variable, default, parser, sentence.
 * The parser of the settings, `heliograph help`, the chart and docs/configuration.md read the same rows.
 */

import {
  DEFAULT_DIALECT_PREFIXES,
  DEFAULT_NEVER_CARRY,
  DEFAULT_PROTECTED_NAMESPACES,
  DEFAULT_REFUSED_KEYS,
  DEFAULT_REFUSED_NAMES,
  DEFAULT_REFUSED_TYPES,
} from '../core/defaults.ts'
import { FOREIGN_DIALECTS } from '../core/rules.ts'
import {
  boolean,
  choice,
  count,
  dialects,
  duration,
  globs,
  kinds,
  listen,
  namespaceName,
  namespaceNames,
  plainText,
  prefix,
  refusedNames,
  refusedTypes,
  scopeGlobs,
  size,
} from './values.ts'
import type { ValueParser } from './values.ts'

/** How a value is written; `list` may be a YAML list in the chart. */
export type OptionForm = 'text' | 'list' | 'choice' | 'boolean' | 'duration' | 'size' | 'count'

export const OPTION_GROUPS = {
  cluster: 'Which cluster',
  scope: 'What is mirrored',
  consent: 'Who may push where',
  dialects: 'Annotations of other tools',
  peers: 'Peers',
  refusals: 'What is never given to a mirror',
  limits: 'Limits',
  pace: 'Pace',
  running: 'Running',
} as const
export type OptionGroup = keyof typeof OPTION_GROUPS

export interface OptionRow<T> {
  /** Null: no default; a fallback is named by the sentence. */
  readonly default: string | null
  readonly form: OptionForm
  readonly group: OptionGroup
  readonly sentence: string
  readonly parse: ValueParser<T>
  /** Another variable than `HELIOGRAPH_` and the key. */
  readonly variable?: string
  /** The chart sets it itself, or it has no meaning in a pod. */
  readonly inChart?: false
}

/** Infers the type of each row's value. */
function row<T>(entry: OptionRow<T>): OptionRow<T> {
  return entry
}

function toolPrefix(dialect: keyof typeof DEFAULT_DIALECT_PREFIXES, what: string): OptionRow<string> {
  const fallback = DEFAULT_DIALECT_PREFIXES[dialect]
  const sentence = `What the ${what} begin with.`
  return { default: fallback, form: 'text', group: 'dialects', sentence, parse: prefix }
}

export const OPTIONS = {
  kubeconfig: row({
    default: null,
    form: 'text',
    group: 'cluster',
    sentence: 'Path of a kubeconfig, several parted by colons. Without it: the cluster of the pod.',
    parse: plainText,
    variable: 'KUBECONFIG',
    inChart: false,
  }),
  context: row({
    default: null,
    form: 'text',
    group: 'cluster',
    sentence: 'The kubeconfig’s context. Without it: its current one.',
    parse: plainText,
    inChart: false,
  }),
  namespace: row({
    default: null,
    form: 'text',
    group: 'cluster',
    sentence:
      'The controller’s own namespace, where its Lease, its digest key and the Secrets of its peers lie. Without it: the namespace of the pod’s service account, else `heliograph`.',
    parse: namespaceName,
    variable: 'POD_NAMESPACE',
    inChart: false,
  }),
  prefix: row({
    default: 'heliograph.dev/',
    form: 'text',
    group: 'scope',
    sentence:
      'What our annotations and labels begin with. Another prefix leaves the mirrors of the former one alone.',
    parse: prefix,
  }),
  kinds: row({
    default: 'Secret, ConfigMap',
    form: 'list',
    group: 'scope',
    sentence: 'The kinds that are mirrored. Of any other nothing is read.',
    parse: kinds,
  }),
  namespaces: row({
    default: '',
    form: 'list',
    group: 'scope',
    sentence:
      'Names of namespaces: only these are watched and written to, each by rights of its own. Blank: the whole cluster.',
    parse: namespaceNames,
  }),
  originNamespaces: row({
    default: '*',
    form: 'list',
    group: 'scope',
    sentence:
      'Globs over namespaces: whose objects may be origins. Mirrors of a namespace that is taken out stay as they are.',
    parse: scopeGlobs,
  }),
  targetNamespaces: row({
    default: '*',
    form: 'list',
    group: 'scope',
    sentence:
      'Globs over namespaces: who may receive mirrors. A namespace that is taken out loses its mirrors.',
    parse: scopeGlobs,
  }),
  protectedNamespaces: row({
    default: DEFAULT_PROTECTED_NAMESPACES,
    form: 'list',
    group: 'scope',
    sentence:
      'Globs over namespaces that are never targets, however they are named. The controller’s own is one of them always.',
    parse: globs(DEFAULT_PROTECTED_NAMESPACES),
  }),
  allowedNamespaces: row({
    default: '',
    form: 'list',
    group: 'scope',
    sentence: 'Globs over protected namespaces that may be targets after all.',
    parse: globs(''),
  }),
  consent: row({
    default: 'open',
    form: 'choice',
    group: 'consent',
    sentence:
      '`open`: whoever may write an origin may offer it to every unprotected namespace that does not refuse. `required`: only namespaces with a matching `accept` receive anything.',
    parse: choice('open', 'required'),
  }),
  trustedOrigins: row({
    default: '',
    form: 'list',
    group: 'consent',
    sentence:
      'Globs over `namespace/name`: where two origins claim one mirror, these win, even over the one that holds it.',
    parse: globs(''),
  }),
  dialects: row({
    default: FOREIGN_DIALECTS.join(', '),
    form: 'list',
    group: 'dialects',
    sentence:
      'Whose annotations are read beside our own, so that a user of another tool changes none. Blank: nobody’s.',
    parse: dialects,
  }),
  reflectorPrefix: toolPrefix('reflector', 'annotations of emberstack/kubernetes-reflector'),
  reflectorExcludedNamespaces: row({
    default: '',
    form: 'list',
    group: 'dialects',
    sentence:
      'Globs over namespaces: reflector’s annotations on objects there are left alone, as by its own setting; copies are still made into them.',
    parse: globs(''),
  }),
  replicatorPrefix: toolPrefix('replicator', 'annotations of mittwald/kubernetes-replicator'),
  replicatorTakeOver: row({
    default: '',
    form: 'list',
    group: 'dialects',
    sentence:
      'Globs over `namespace/name` of replicator’s origins that may merge into objects which they did not make, as that tool always does. Keys of the object’s own stay, and it is never deleted.',
    parse: globs(''),
  }),
  kubedPrefix: toolPrefix('kubed', 'annotations and labels of kubed and config-syncer'),
  syncPrefix: toolPrefix('sync', 'annotations `enabled` and `targets` of a hand-written controller'),
  peerProxies: row({
    default: 'false',
    form: 'boolean',
    group: 'peers',
    sentence: 'Whether `proxy-url` in a peer’s Secret is taken.',
    parse: boolean,
  }),
  peerTokenRenewal: row({
    default: 'false',
    form: 'boolean',
    group: 'peers',
    sentence:
      'Whether the token of a peer’s ServiceAccount is renewed after four fifths of its life and written back to the peer’s Secret.',
    parse: boolean,
  }),
  createNamespaces: row({
    default: 'false',
    form: 'boolean',
    group: 'peers',
    sentence:
      'Whether a namespace that an origin names singly (no pattern), or the one of its own name, is made on a peer that lacks it.',
    parse: boolean,
  }),
  refusedTypes: row({
    default: DEFAULT_REFUSED_TYPES,
    form: 'list',
    group: 'refusals',
    sentence:
      'Secret types that are never mirrored nor given to a mirror. `helm.sh/release.v1` is one of them always.',
    parse: refusedTypes(DEFAULT_REFUSED_TYPES),
  }),
  refusedKeys: row({
    default: DEFAULT_REFUSED_KEYS,
    form: 'list',
    group: 'refusals',
    sentence:
      'Globs over label and annotation keys that make other software trust an object. Our own prefix is one of them always.',
    parse: globs(DEFAULT_REFUSED_KEYS),
  }),
  refusedNames: row({
    default: DEFAULT_REFUSED_NAMES,
    form: 'list',
    group: 'refusals',
    sentence:
      'Objects, as `Kind/name`, that the platform writes itself in each namespace: never made a mirror.',
    parse: refusedNames,
  }),
  neverCarry: row({
    default: DEFAULT_NEVER_CARRY,
    form: 'list',
    group: 'refusals',
    sentence: 'Globs over label and annotation keys that `carry` leaves out.',
    parse: globs(DEFAULT_NEVER_CARRY),
  }),
  mirrorsPerOriginMax: row({
    default: '10000',
    form: 'count',
    group: 'limits',
    sentence: 'Mirrors of one origin. Claims beyond are refused, in a stable order, present mirrors first.',
    parse: count(1, 1_000_000),
  }),
  bytesPerOriginMax: row({
    default: '1Gi',
    form: 'size',
    group: 'limits',
    sentence: 'Bytes of one origin times its mirrors: what it may cost the cluster’s store.',
    parse: size('1Mi', '1024Gi'),
  }),
  originsPerNamespaceMax: row({
    default: '1000',
    form: 'count',
    group: 'limits',
    sentence:
      'Origins of one namespace. Those beyond are refused: those with mirrors are served first, then the older ones.',
    parse: count(1, 1_000_000),
  }),
  renderingBytesMax: row({
    default: '64Mi',
    form: 'size',
    group: 'limits',
    sentence:
      'Bytes of origins’ data held at once for writes under way. Each is dropped when nothing waits for it.',
    parse: size('8Mi', '16Gi'),
  }),
  writesInFlightMax: row({
    default: '32',
    form: 'count',
    group: 'pace',
    sentence:
      'Writes under way at once at most; fewer while the API server says or shows that it is too much.',
    parse: count(2, 64),
  }),
  deletionGrace: row({
    default: '5s',
    form: 'duration',
    group: 'pace',
    sentence: 'How long the mirrors of an origin that is gone stay, in case it comes back. `0s`: not at all.',
    parse: duration('0s', '24h'),
  }),
  sweepInterval: row({
    default: '24h',
    form: 'duration',
    group: 'pace',
    sentence: 'How often the data of every mirror is read and compared, whatever the watches told.',
    parse: duration('10m', '30d'),
  }),
  sweepReadsPerSecondMax: row({
    default: '20',
    form: 'count',
    group: 'pace',
    sentence: 'Verifying reads per second at most, those after a start included.',
    parse: count(1, 1_000),
  }),
  auditInterval: row({
    default: '30m',
    form: 'duration',
    group: 'pace',
    sentence: 'How often all metadata is listed to find what a watch did not tell.',
    parse: duration('1m', '24h'),
  }),
  leaderElection: row({
    default: 'true',
    form: 'boolean',
    group: 'running',
    sentence: 'Whether a Lease decides which replica writes. Without it there must never be two.',
    parse: boolean,
  }),
  drain: row({
    default: '10s',
    form: 'duration',
    group: 'running',
    sentence:
      'Time that writes under way get on SIGTERM; keep it 5 seconds below the pod’s termination grace period.',
    parse: duration('0s', '10m'),
  }),
  listen: row({
    default: ':8080',
    form: 'text',
    group: 'running',
    sentence: 'Where `/livez`, `/readyz` and `/metrics` are served. Without a host: on every address.',
    parse: listen,
    inChart: false,
  }),
  logLevel: row({
    default: 'info',
    form: 'choice',
    group: 'running',
    sentence:
      'The least severe lines that are written. Key names of data appear at `debug` only, values never.',
    parse: choice('debug', 'info', 'warn', 'error'),
  }),
  logFormat: row({
    default: 'json',
    form: 'choice',
    group: 'running',
    sentence: '`json`: one object a line, for machines. `text`: for a terminal.',
    parse: choice('json', 'text'),
  }),
}

export type OptionKey = keyof typeof OPTIONS
export const OPTION_KEYS = Object.keys(OPTIONS) as readonly OptionKey[]

/** The parsed values; null where nothing was given and the row has no default. */
export type Values = {
  readonly [K in OptionKey]: (typeof OPTIONS)[K] extends OptionRow<infer T> ? T : never
}
export type OptionalKey = 'kubeconfig' | 'context' | 'namespace'

/** One row as readers without interest in its type see it. */
export interface OptionView {
  readonly key: OptionKey
  /** `--origin-namespaces`. */
  readonly flag: string
  /** `HELIOGRAPH_ORIGIN_NAMESPACES`. */
  readonly variable: string
  /** Path in the chart's values; null where the chart has none. */
  readonly helm: string | null
  readonly row: OptionRow<unknown>
}

/** All rows, in the order of the table. */
export const OPTION_VIEWS: readonly OptionView[] = OPTION_KEYS.map((key) => {
  const entry: OptionRow<unknown> = OPTIONS[key]
  const words = key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  return {
    key,
    flag: `--${words}`,
    variable: entry.variable ?? `HELIOGRAPH_${words.replaceAll('-', '_').toUpperCase()}`,
    helm: entry.inChart === false ? null : `settings.${key}`,
    row: entry,
  }
})
