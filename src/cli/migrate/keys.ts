/** What stands under a tool's prefix and means nothing: misspelt keys, keys of old versions, keys that were only ever proposed. */

import type { Texts } from '../../core/objects.ts'
import { FOREIGN_DIALECTS } from '../../core/rules.ts'
import type { ForeignDialect, Rules } from '../../core/rules.ts'
import { isAnnotationKey } from '../../core/names.ts'
import { difference } from './differences.ts'
import type { Difference } from './differences.ts'

interface Vocabulary {
  readonly annotations: readonly string[]
  readonly labels: readonly string[]
  readonly legacy: RegExp | null
  /** A proposed key, and what of ours does it. */
  readonly proposed: Readonly<Record<string, string>>
}

const VOCABULARIES: Readonly<Record<ForeignDialect, Vocabulary>> = {
  reflector: {
    annotations: [
      'reflection-allowed',
      'reflection-allowed-namespaces',
      'reflection-allowed-namespaces-selector',
      'reflection-auto-enabled',
      'reflection-auto-namespaces',
      'reflection-auto-namespaces-selector',
      'reflects',
      'auto-reflects',
      'reflected-version',
      'reflected-at',
    ],
    labels: [],
    legacy: /^secret-|^reflection-(forti|ubiquiti|vmware|freenas)/,
    proposed: {
      'reflection-labels': 'labels or carry',
      'reflection-labels-included': 'carry',
      'reflect-names': 'reflect-from on an object of the namespace',
    },
  },
  replicator: {
    annotations: [
      'replication-allowed',
      'replication-allowed-namespaces',
      'replicate-from',
      'replicate-to',
      'replicate-to-matching',
      'keep-owner-references',
      'strip-labels',
      'replicated-at',
      'replicated-from-version',
      'replicated-keys',
    ],
    labels: [],
    legacy: null,
    proposed: {
      prefix: 'reflect-as',
      suffix: 'reflect-as',
      'replicate-keys': 'keys',
      'strip-annotations': 'carry, without which no annotation is copied',
    },
  },
  kubed: {
    annotations: ['sync', 'sync-contexts', 'origin'],
    labels: ['origin.name', 'origin.namespace', 'origin.cluster'],
    legacy: null,
    proposed: {},
  },
  sync: { annotations: ['enabled', 'targets'], labels: [], legacy: null, proposed: {} },
}

/** Claiming and asking keys of each dialect; marks on copies stay, they do no harm. */
const OFFERING: Readonly<Record<ForeignDialect, readonly string[]>> = {
  reflector: [
    'reflection-allowed',
    'reflection-allowed-namespaces',
    'reflection-allowed-namespaces-selector',
    'reflection-auto-enabled',
    'reflection-auto-namespaces',
    'reflection-auto-namespaces-selector',
    'reflects',
  ],
  replicator: [
    'replication-allowed',
    'replication-allowed-namespaces',
    'replicate-to',
    'replicate-to-matching',
    'replicate-from',
    'strip-labels',
    'keep-owner-references',
  ],
  kubed: ['sync', 'sync-contexts'],
  sync: ['enabled', 'targets'],
}

/** The whole keys on the object by which it claims or asks in the dialect of `name`, and what goes with them. */
export function keysUnder(
  { annotations }: { readonly annotations: Texts },
  name: ForeignDialect,
  { dialects }: Rules,
): readonly string[] {
  return OFFERING[name]
    .map((key) => dialects.prefixes[name] + key)
    .filter((key) => annotations[key] !== undefined)
}

/** The same of every other dialect that is read. */
export function foreignKeys(meta: { readonly annotations: Texts }, rules: Rules): readonly string[] {
  return FOREIGN_DIALECTS.filter((name) => rules.dialects.read.has(name)).flatMap((name) =>
    keysUnder(meta, name, rules),
  )
}

/** Differences of one object, told of keys only: at most one of each key. */
export function strayKeys(
  { labels, annotations }: { readonly labels: Texts; readonly annotations: Texts },
  { prefix, dialects }: Rules,
): readonly Difference[] {
  return FOREIGN_DIALECTS.filter((name) => dialects.read.has(name)).flatMap((name) => {
    const under = (texts: Texts): readonly string[] =>
      Object.keys(texts).flatMap((key) =>
        key.startsWith(dialects.prefixes[name]) && isAnnotationKey(key)
          ? [key.slice(dialects.prefixes[name].length)]
          : [],
      )
    const vocabulary = VOCABULARIES[name]
    return [
      ...under(annotations)
        .filter((key) => !vocabulary.annotations.includes(key))
        .map((key) => strayKey(dialects.prefixes[name], key, vocabulary, prefix)),
      ...under(labels)
        .filter((key) => !vocabulary.labels.includes(key))
        .map((key) => difference('unread-annotation', { annotation: dialects.prefixes[name] + key })),
    ]
  })
}

function strayKey(
  toolPrefix: string,
  key: string,
  { legacy, proposed }: Vocabulary,
  prefix: string,
): Difference {
  const annotation = toolPrefix + key
  if (legacy?.test(key) === true) return difference('legacy-key', { annotation })
  const instead = Object.hasOwn(proposed, key) ? proposed[key] : undefined
  return instead === undefined
    ? difference('unread-annotation', { annotation })
    : difference('unmerged-key', { annotation, instead: `${prefix}${instead}` })
}
