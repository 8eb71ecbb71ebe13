/** The house rules hold in every file, and each rule fires on a file that breaks it. */

import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { HOUSE_RULES, LADDER, PACKAGES, TOP_LEVEL, importsOf } from './house/rules.ts'
import type { HouseFile } from './house/rules.ts'

const ROOT = join(import.meta.dirname, '..')
const NOT_OURS = new Set(['.git', 'node_modules', 'dist'])

function filesUnder(folder: string): readonly HouseFile[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry): readonly HouseFile[] => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (NOT_OURS.has(entry.name)) return []
    if (entry.isDirectory()) return filesUnder(path)
    return entry.isFile() ? [{ path, text: readFileSync(join(ROOT, path), 'utf8') }] : []
  })
}

const files = filesUnder('')

for (const [name, rule] of Object.entries(HOUSE_RULES)) {
  test(`every file keeps the rule: ${name}`, () => {
    const broken = files.flatMap((file) => rule(file).map((sentence) => `${file.path}: ${sentence}`))
    assert.deepEqual(broken, [])
  })
}

test('the top level holds what a newcomer expects, and nothing else', () => {
  const foreign = readdirSync(ROOT).filter((name) => !TOP_LEVEL.includes(name) && !name.endsWith('.log'))
  assert.deepEqual(foreign, [], 'Put it under src, test, e2e, charts or docs.')
})

test('every package that has a place is a dependency, and every dependency has a place', () => {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Readonly<Record<string, string>>
  }
  assert.deepEqual(Object.keys(dependencies).toSorted(), Object.keys(PACKAGES).toSorted())
})

test('the ladder of the lint configuration is the ladder of this test', () => {
  const lint = JSON.parse(readFileSync(join(ROOT, '.oxlintrc.json'), 'utf8')) as {
    overrides: readonly { files: readonly string[] }[]
  }
  const rooms = lint.overrides.flatMap(({ files: globs }) =>
    globs.flatMap((glob) => /^src\/([a-z]+)\/\*\*\/\*\.ts$/.exec(glob)?.[1] ?? []),
  )
  assert.deepEqual([...new Set(rooms)], [...LADDER])
})

test('imports are found in every form', () => {
  const text = [
    "import './a.ts'",
    "import { b } from './b.ts'",
    "import type { C } from './c.ts'",
    "export * from './d.ts'",
    "const e = await import('./e.ts')",
    'import {\n  f,\n} from "./f.ts"',
    "type G = import('./g.ts').G",
  ].join('\n')
  const found = importsOf(text)
  assert.deepEqual(
    found,
    ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `./${name}.ts`),
  )
})

const OPEN = '/** A promise. */\n'

/** One file that breaks each rule; `…` shows which rule must answer. */
const BROKEN: readonly (readonly [rule: string, path: string, text: string])[] = [
  ['ladder', 'src/core/a.ts', "import '../kube/api.ts'\n"],
  ['ladder', 'src/core/dialects/a.ts', "import type { A } from '../../engine/ports.ts'\n"],
  ['ladder', 'src/ops/a.ts', "import '../main.ts'\n"],
  ['ladder', 'src/kube/a.ts', "import '../../test/clock.ts'\n"],
  ['ladder', 'src/lib/a.ts', OPEN],
  ['packages', 'src/engine/a.ts', "import { Agent } from 'undici'\n"],
  ['packages', 'src/core/a.ts', "import { minimatch } from 'minimatch'\n"],
  ['packages', 'src/kube/a.ts', "import 'left-pad'\n"],
  ['packages', 'src/ops/a.ts', "import '@kubernetes/client-node/dist/config.js'\n"],
  ['opening', 'src/core/a.ts', "import '../std/b.ts'\n"],
  ['opening', 'test/core/a.test.ts', '// A comment.\n'],
  ['size', 'src/core/a.ts', `${OPEN}${'\n'.repeat(400)}`],
  ['size', 'test/core/a.test.ts', `${OPEN}${'\n'.repeat(700)}`],
  ['folders', 'src/core/utils/a.ts', OPEN],
  ['folders', 'test/helpers.ts', OPEN],
  ['folders', 'src/core/index.ts', OPEN],
  ['folders', 'src/core/a.js', OPEN],
  ['names', 'src/core/a.ts', 'export class MirrorManager {}\n'],
  ['names', 'src/core/a.ts', 'export interface OriginData {}\n'],
  ['names', 'src/core/a.ts', 'export async function pathUtil() {}\n'],
  ['language', 'src/core/a.ts', 'export enum A {}\n'],
  ['language', 'src/core/a.ts', 'export default 1\n'],
  ['todos', 'src/core/a.ts', '// TODO later\n'],
  ['disabled', 'src/core/a.ts', '// oxlint-disable-next-line no-console\n'],
  ['wholeSuites', 'test/core/a.test.ts', "test.only('a', () => {})\n"],
  ['wholeSuites', 'e2e/scenarios/a.test.ts', "test('a', { skip: true }, () => {})\n"],
  ['sleeping', 'test/core/a.test.ts', "import { setTimeout } from 'node:timers/promises'\n"],
  ['foreignWords', 'src/core/a.ts', "const a = '/root/.cache'\n"],
  ['foreignWords', 'README.md', 'See issue 5.\n'],
  ['foreignWords', 'docs/a.md', 'A helper.\n'],
  ['tidyText', 'docs/a.md', 'No newline'],
  ['tidyText', 'src/core/a.ts', `// ${'a'.repeat(160)}\n`],
  ['decisions', 'docs/decisions/1-a.md', '## Context\n'],
  ['decisions', 'docs/decisions/0001-a.md', '## Context\n## Decision\n'],
]

for (const [name, path, text] of BROKEN) {
  test(`the rule ${name} fires on ${path}: ${JSON.stringify(text.slice(0, 50))}`, () => {
    const sentences = HOUSE_RULES[name]?.({ path, text }) ?? []
    assert.notDeepEqual(sentences, [])
  })
}

test('every rule is broken on purpose at least once', () => {
  assert.deepEqual([...new Set(BROKEN.map(([rule]) => rule))].toSorted(), Object.keys(HOUSE_RULES).toSorted())
})
