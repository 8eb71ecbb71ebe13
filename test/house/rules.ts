/** The house rules as data: each looks at one file and answers with sentences that say what to do instead. */

export interface HouseFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string
  readonly text: string
}

/** Imports point left only: a room sees itself and the rooms before it. `main.ts` sees all. */
export const LADDER = ['std', 'core', 'config', 'kube', 'engine', 'peers', 'ops', 'status', 'cli'] as const

/** Where a package may be imported: folders or files under `src/`. What is not listed has no place yet. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@kubernetes/client-node': ['kube/', 'peers/'],
  undici: ['kube/'],
  'p-queue': ['engine/'],
  pino: ['ops/'],
  'prom-client': ['ops/'],
  minimatch: ['core/globs.ts'],
  yaml: ['peers/', 'cli/migrate/', 'cli/peer/'],
}

/** What may lie at the top of the repository. */
export const TOP_LEVEL: readonly string[] = [
  '.ci',
  '.dockerignore',
  '.git',
  '.gitignore',
  '.oxfmtrc.json',
  '.oxlintrc.json',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'Dockerfile',
  'LICENSE',
  'README.md',
  'SCOPE.md',
  'charts',
  'dist',
  'docs',
  'e2e',
  'node_modules',
  'package-lock.json',
  'package.json',
  'rolldown.config.ts',
  'src',
  'test',
  'tsconfig.json',
]

export const FILE_LINES_MAX = 400
export const TEST_FILE_LINES_MAX = 700
export const LINE_LENGTH_MAX = 160

export type HouseRule = (file: HouseFile) => readonly string[]

const isTypeScript = (path: string): boolean => path.endsWith('.ts')
const isSource = (path: string): boolean => path.startsWith('src/') && isTypeScript(path)
const isTest = (path: string): boolean => path.startsWith('test/') || path.startsWith('e2e/')
/** These two must spell out what the others may not. */
const isHouse = (path: string): boolean => /^test\/house(\.test\.ts$|\/)/.test(path)

/** Every module name that a file imports, statically or not, as a type or not. */
export function importsOf(text: string): readonly string[] {
  const found = text.matchAll(/(?:^|[\s;}])(?:from|import)\s*\(?\s*['"]([^'"\n]+)['"]/g)
  return [...found].flatMap(([, name]) => name ?? [])
}

const ladder: HouseRule = ({ path, text }) => {
  const room = /^src\/([^/]+)\//.exec(path)?.[1]
  if (!isSource(path) || room === undefined) return []
  const place = LADDER.findIndex((name) => name === room)
  if (place === -1) return [`src/${room} is no room of the ladder: put the file into ${LADDER.join(', ')}.`]
  return importsOf(text).flatMap((name) => {
    if (!name.startsWith('.')) return []
    const target = new URL(name, `file:///${path}`).pathname.slice(1)
    const seen = /^src\/([^/]+)\//.exec(target)?.[1] ?? 'main.ts'
    const seenAt = LADDER.findIndex((each) => each === seen)
    if (seenAt !== -1 && seenAt <= place) return []
    return [
      `src/${room} imports ${name}: imports point left only (${LADDER.join(' <- ')} <- main.ts). Put an interface where it may be seen and let main.ts join the two.`,
    ]
  })
}

const packages: HouseRule = ({ path, text }) => {
  if (!isSource(path)) return []
  return importsOf(text).flatMap((name) => {
    if (name.startsWith('.') || name.startsWith('node:')) return []
    const parts = name.split('/')
    const bare = name.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '')
    const places = PACKAGES[bare]
    if (places === undefined)
      return [
        `${bare} has no place: give it one in test/house/rules.ts, and a decision record that says why.`,
      ]
    if (places.some((place) => path.startsWith(`src/${place}`))) return []
    return [`${bare} is imported in src/${places.join(', src/')} only: ask that room for what is needed.`]
  })
}

const opening: HouseRule = ({ path, text }) => {
  if (!isTypeScript(path)) return []
  const first = /^(?:#![^\n]*\n)?\/\*\*\s*(?:\*\s*)?(\S[^\n]*)/.exec(text)?.[1]
  if (first !== undefined && /^[`'"{A-Z0-9]/.test(first) && /[.:;,a-z)`/]/.test(first)) return []
  return ['The file opens with /** and one sentence that says what it promises.']
}

const size: HouseRule = ({ path, text }) => {
  if (!isTypeScript(path)) return []
  const max = isTest(path) ? TEST_FILE_LINES_MAX : FILE_LINES_MAX
  const lines = text.split('\n').length - 1
  return lines <= max ? [] : [`${lines} lines: at most ${max}. Split it by idea, one file each.`]
}

const folders: HouseRule = ({ path }) => {
  const wrong = path.split('/').find((part) => /^(utils?|helpers?|common|misc|shared)(\.ts)?$/.test(part))
  if (wrong !== undefined) return [`${wrong} says nothing: name the folder or file after the idea inside.`]
  if (isSource(path) && /\/(index|types|constants)\.ts$/.test(path))
    return [
      'No index.ts, types.ts or constants.ts: keep a type or constant beside what uses it, import that file.',
    ]
  return /^src\/.*\.(js|mjs|cjs|cts|mts)$/.test(path) ? ['src holds TypeScript only: rename it to .ts.'] : []
}

const names: HouseRule = ({ path, text }) => {
  if (!isSource(path)) return []
  const exported = text.matchAll(
    /^export (?:declare )?(?:abstract )?(?:async )?(?:const|let|function\*?|class|interface|type)\s+([A-Za-z_$][\w$]*)/gm,
  )
  return [...exported].flatMap(([, name]) => {
    // `data` is also a field of Kubernetes, so a function may say it; a type called so says nothing.
    const suffix = /(?:Manager|Helpers?|Utils?|Handler)$|(?<=^[A-Z].*)Data$/.exec(name ?? '')?.[0]
    return suffix === undefined ? [] : [`${name}: «${suffix}» says nothing. Name what it promises or holds.`]
  })
}

const language: HouseRule = ({ path, text }) => {
  if (!isTypeScript(path)) return []
  const wrong: string[] = []
  if (/^\s*(?:export )?(?:declare )?(?:const )?enum /m.test(text))
    wrong.push('No enum: an `as const` array and the union of its members drive types, docs and tests alike.')
  if (/^export default/m.test(text) && isSource(path)) wrong.push('No default export: give it its name.')
  return wrong
}

const todos: HouseRule = ({ path, text }) => {
  if (isHouse(path)) return []
  const bare = /\b(?:TODO|FIXME|XXX|HACK)\b(?!: \S.{14})/.exec(text)
  return bare === null
    ? []
    : [`${bare[0]} without a reason: write «TODO: what is missing and what it waits for», or do it.`]
}

const disabled: HouseRule = ({ path, text }) => {
  if (!isTypeScript(path) || isHouse(path)) return []
  const bare = /(?:oxlint|eslint)-disable(?:-next-line|-line)?\b(?![^\n]* -- \S)/.exec(text)
  return bare === null ? [] : [`${bare[0]} without a reason: add « -- why this is right here».`]
}

const wholeSuites: HouseRule = ({ path, text }) => {
  if (!isTest(path) || !isTypeScript(path) || isHouse(path)) return []
  const cut =
    /\b(?:test|it|describe|suite|t)\.(?:only|skip|todo)\b|\b(?:only|skip|todo): *(?:true|['"`])/.exec(text)
  return cut === null
    ? []
    : [`${cut[0]}: every test runs, always. Mend it, or delete it and say why in the commit.`]
}

const sleeping: HouseRule = ({ path, text }) => {
  if (!path.startsWith('test/') || !isTypeScript(path) || isHouse(path)) return []
  const nap = /\bfrom ['"](?:node:)?timers\/promises['"]|await new Promise\([^\n]*setTimeout/.exec(text)
  return nap === null ? [] : ['A test never sleeps: move a fake clock, or await the event itself.']
}

/** Words that belong to a workplace, not to the project; each with what to write instead. */
const FOREIGN_WORDS: readonly (readonly [RegExp, string])[] = [
  [
    /(?<![\w.~$}-])\/(?:root|work|home)\//,
    'No path of one machine: derive it from import.meta.dirname or a setting.',
  ],
  [/\bissues? #?\d+\b/i, 'No number of a task: say the reason itself.'],
  [
    /\b(?:prompts?|subagents?|LLMs?|Claude|Anthropic|ChatGPT|Copilot)\b/,
    'The project speaks of itself alone.',
  ],
  [/\bhelpers?\b/i, 'Name the thing after what it does.'],
  [/\b(?:this|my|a previous) session\b/i, 'The project speaks of itself alone.'],
  [
    /\b(?:registry\.npmjs\.org|npmjs\.com|proxy\.golang\.org|pypi\.org|ghcr\.io|quay\.io)\b/,
    'No registry host: clients know theirs.',
  ],
]

const foreignWords: HouseRule = ({ path, text }) => {
  if (isHouse(path) || path === 'package-lock.json' || path === 'LICENSE' || /go\.(mod|sum)$/.test(path))
    return []
  return FOREIGN_WORDS.flatMap(([word, instead]) => {
    const found = word.exec(text)
    return found === null ? [] : [`«${found[0]}»: ${instead}`]
  })
}

const tidyText: HouseRule = ({ path, text }) => {
  if (!/\.(ts|md|ya?ml|json|tpl|go)$/.test(path) || path === 'package-lock.json') return []
  const wrong: string[] = []
  if (!text.endsWith('\n') && text !== '') wrong.push('The last line ends with a newline.')
  if (text.includes('\r')) wrong.push('Lines end with LF alone.')
  if (!path.endsWith('.ts')) return wrong
  const isText = (line: string): boolean => /^\s*(?:\w+: )?(?:'.*'|`.*`|".*"),?$/.test(line)
  const long = text
    .split('\n')
    .findIndex((line) => line.length > LINE_LENGTH_MAX && !isTest(path) && !isText(line))
  if (long !== -1)
    wrong.push(
      `Line ${long + 1} is over ${LINE_LENGTH_MAX} characters: break the sentence or the expression.`,
    )
  return wrong
}

/** What a decision record must hold, in this order. */
export const DECISION_PARTS = ['Context', 'Decision', 'Measured', 'Alternatives', 'Consequences'] as const

const decisions: HouseRule = ({ path, text }) => {
  if (!path.startsWith('docs/decisions/')) return []
  if (!/^docs\/decisions\/\d{4}-[a-z0-9-]+\.md$/.test(path))
    return ['A record is named NNNN-what-was-decided.md.']
  const parts = [...text.matchAll(/^## (.+)$/gm)].map(([, part]) => part)
  return parts.join() === DECISION_PARTS.join()
    ? []
    : [`A decision record has the parts ${DECISION_PARTS.join(', ')}, in this order, and no other.`]
}

export const HOUSE_RULES: Readonly<Record<string, HouseRule>> = {
  ladder,
  packages,
  opening,
  size,
  folders,
  names,
  language,
  todos,
  disabled,
  wholeSuites,
  sleeping,
  foreignWords,
  tidyText,
  decisions,
}
