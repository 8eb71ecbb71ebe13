/** Makes docs/annotations.md: what people write, what values look like, what we write ourselves. */

import { ANNOTATIONS } from '../../src/core/annotations.ts'
import type { AnnotationPlace, AnnotationRow } from '../../src/core/annotations.ts'
import { ALTERNATIVES_MAX, PATTERN_LENGTH_MAX, STARS_MAX } from '../../src/core/braces.ts'
import { DEFAULT_DIALECT_PREFIXES } from '../../src/core/defaults.ts'
import { DIALECTS } from '../../src/core/dialects/table.ts'
import { GENERAL_ALTERNATIVES_MAX, LIST_LENGTH_MAX, PATTERNS_MAX } from '../../src/core/globs.ts'
import { METADATA_KEYS_MAX, METADATA_LENGTH_MAX } from '../../src/core/metadata.ts'
import { FOREIGN_DIALECTS } from '../../src/core/rules.ts'
import type { ForeignDialect } from '../../src/core/rules.ts'
import { KEYS_MAX } from '../../src/core/selection.ts'
import { REQUIREMENTS_MAX, SELECTOR_LENGTH_MAX } from '../../src/core/selectors.ts'
import { VALIDATORS_MAX } from '../../src/core/validators.ts'
import { bullets, code, page, paragraph, table } from './markdown.ts'
import { questions } from './questions.ts'

const PLACES: Readonly<Record<AnnotationPlace, readonly [title: string, words: string]>> = {
  origin: [
    'On an origin',
    'A Secret or ConfigMap becomes an origin by the first of these that lets somebody have a copy.',
  ],
  mirror: [
    'On the receiving side',
    'Written by the owner of the receiving namespace on an object of his own.',
  ],
  namespace: [
    'On a Namespace',
    'What its owner says to origins that would push here. Both bind in every case; `refuse` beats `accept`. Consent withdrawn deletes the mirrors here, those of a held, paused or retaining origin too.',
  ],
  lease: ['On the Lease', 'In the controller’s own namespace. `heliograph release ID` writes it.'],
  peer: [
    'On the Secret of a peer',
    'A Secret in the controller’s own namespace that leads into another cluster; [peers.md](peers.md) has its forms. `heliograph peer add` writes all of it.',
  ],
  'mark on namespace': ['Marks on a Namespace', 'Written by Heliograph, never by people.'],
  'mark on lease': [
    'Marks on Leases',
    'In the controller’s own namespace; written by Heliograph, never by people.',
  ],
  'mark on mirror': [
    'Marks on a mirror',
    'Written by Heliograph, never by people. A mirror is ours when `mirror`, `origin` and `at` agree with each other and with the object; none of them holds a time.',
  ],
  'mark on pull mirror': [
    'Marks on a pull mirror',
    'It never bears `mirror`, `origin` or `at`, and is never deleted by Heliograph.',
  ],
}

const INTRODUCTION = paragraph(`
  All keys begin with \`heliograph.dev/\`, or with the prefix of the setting \`prefix\`. They are annotations where nothing else is said.
  A key under that prefix that is not listed here means nothing, and \`AnnotationUnknown\` tells of it. A value that breaks its form is a bad value: the origin is held, and an Event on it names the annotation
  and the rule. Held means frozen: nothing is created, updated, put back or deleted for that origin until the value is mended.
`)

const VALUES = [
  'Lists are split at commas outside `{}` and `[]`; blanks around items and empty items do not matter.',
  'Globs match the whole text and are case-sensitive. `*` matches any run of characters and `?` any one, `/` and a leading dot included; `[abc]`, `[a-z]`, `[!a]` and `[^a]` match one of a set; `{a,b}` stands for both.',
  '`!pattern` excludes and always wins, wherever it stands. Exclusions alone match nothing: write `*, !team-x`.',
  'Bad values in a pattern: a backslash (nothing needs escaping), `#`, `**`, ranges such as `{1..9}`, braces around a single word, braces or brackets that do not balance, `[` within brackets (so `[[:alpha:]]` too), extended globs such as `+(a)` and `!(a)`, a second `!`, anything but printable ASCII.',
  `A list has at most ${PATTERNS_MAX} patterns and ${LIST_LENGTH_MAX} characters; a pattern at most ${PATTERN_LENGTH_MAX} characters, ${ALTERNATIVES_MAX} alternatives and, in each, ${STARS_MAX} stars. Of all alternatives of a list at most ${GENERAL_ALTERNATIVES_MAX} may hold \`?\`, a set or several stars (\`*x*\` aside). More is a bad value, never a silent cut.`,
  `Label selectors have the full syntax of Kubernetes: \`env=prod\`, \`env!=prod\`, \`env in (dev,test)\`, \`env notin (dev)\`, \`env\`, \`!legacy\`, \`size>3\`, parted by commas that all must hold. As there, \`!=\` and \`notin\` hold where the label is absent. At most ${REQUIREMENTS_MAX} requirements and ${SELECTOR_LENGTH_MAX} characters.`,
  `A key list names at most ${KEYS_MAX} keys, exactly; one key cannot be mirrored under two names.`,
  `JSON objects hold at most ${METADATA_KEYS_MAX} strings and ${METADATA_LENGTH_MAX} characters. Keys of ours and of the other tools below, \`kubectl.kubernetes.io/last-applied-configuration\` and those of the setting \`refusedKeys\` are bad values; what \`carry\` matches of them is left out instead. A key on the never-carry list may be given.`,
  `\`validate\` names at most ${VALIDATORS_MAX} checks, \`keys=\` at most as many keys.`,
  'Given but blank matches nothing, for lists and selectors alike; a blank `keys` leaves nothing, so the origin is held; a blank `validate` checks nothing.',
  'Booleans are exactly `true` and `false`.',
]

const NEVER = paragraph(`
  Never a target: the origin’s own namespace, and protected namespaces (by default \`kube-*\` and the controller’s own), however they are named,
  unless the administrator allows them. Never an origin: a mirror of either form, so that copies cannot run in circles, and what belongs to the controller.
`)

/** Whose vocabularies are read: the tool, and how an object asks in it to be filled. */
const TOOLS: Readonly<Record<ForeignDialect, readonly [tool: string, ask: string]>> = {
  reflector: ['emberstack/kubernetes-reflector', '`reflects`, unless `auto-reflects` is true'],
  replicator: ['mittwald/kubernetes-replicator', '`replicate-from`'],
  kubed: ['kubed, config-syncer', '–'],
  sync: ['the hand-written controller of many guides', '–'],
}

const OTHER_TOOLS = paragraph(`
  The annotations of these tools are understood as they are, so that nobody who comes from one of them changes any: [migrating.md](migrating.md) says what is kept
  and what is mended. The setting \`dialects\` says which are read, and each has a setting for its prefix.
`)

const ONE_DIALECT = [
  'One vocabulary says what an object means: ours, else the first of this table that has one of these keys on the object, whatever its value. What the others say there has no effect, and `AnnotationIgnored` names one key of each. An object that asks in it to be filled is never an origin, and `OffersIgnored` says so where it offers as well.',
  'Our own keys besides those that say who may have a copy (`keys`, `carry`, `type`, `reflect-as`, `labels`, `annotations`, `immutable`, `on-delete`, `validate`, `paused`, `resync`) apply under whichever vocabulary that is, and `adopt`, `accept` and `refuse` bind in each. `immutable` is a bad value where copies are merged into objects, as by replicator.',
  'A bad pattern or selector of theirs holds the origin as one of ours does. A boolean that does not parse counts as it does in that tool, and `AnnotationIgnored` says so.',
  'The marks of these tools on their copies make nothing an origin. They are kept beside ours and written with data, so that going back is possible.',
]

export function annotationsPage(): string {
  const sections = (Object.keys(PLACES) as AnnotationPlace[]).flatMap((place) => {
    const [title, words] = PLACES[place]
    return [`## ${title}`, words, tableOf(ANNOTATIONS.filter((row) => row.on === place))]
  })
  return page(
    'Annotations',
    INTRODUCTION,
    NEVER,
    '## Values',
    bullets(VALUES),
    ...sections,
    '## Annotations of other tools',
    OTHER_TOOLS,
    toolsTable(),
    bullets(ONE_DIALECT),
    '## Questions',
    ...questions(),
  )
}

function toolsTable(): string {
  const rows = FOREIGN_DIALECTS.map((name) => {
    const [tool, ask] = TOOLS[name]
    const claiming = DIALECTS.find((dialect) => dialect.name === name)?.claimingKeys ?? []
    return [tool, code(DEFAULT_DIALECT_PREFIXES[name]), claiming.map(code).join(', '), ask]
  })
  return table(['tool', 'its keys begin with', 'makes an origin', 'asks to be filled'], rows)
}

function tableOf(rows: readonly AnnotationRow[]): string {
  const isMark = rows.every((row) => row.unset === null)
  const head = ['key', 'value', ...(isMark ? [] : ['not given']), 'meaning', 'example']
  const cells = rows.map((row) => [
    code(row.key),
    row.value,
    ...(isMark ? [] : [row.unset ?? 'required']),
    `${row.form === 'label' ? 'A label. ' : ''}${row.meaning}`,
    code(row.example),
  ])
  return table(head, cells)
}
