/** The lint configuration fires: each house rule is broken once in a planted tree, and the named rule must answer. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { before, test } from 'node:test'

const ROOT = join(import.meta.dirname, '..')

interface Planted {
  readonly breaks: string
  readonly path: string
  readonly code: string
  /** The rule that must answer; null: no rule may. */
  readonly rule: string | null
}

const IMPORTS = 'eslint(no-restricted-imports)'
const GLOBALS = 'eslint(no-restricted-globals)'
const PROPERTIES = 'eslint(no-restricted-properties)'

const PLANTED: readonly Planted[] = [
  { breaks: 'std imports core', path: 'src/std/a.ts', code: "import '../core/b.ts'", rule: IMPORTS },
  { breaks: 'core imports kube', path: 'src/core/a.ts', code: "import '../kube/b.ts'", rule: IMPORTS },
  {
    breaks: 'a dialect imports the engine',
    path: 'src/core/dialects/a.ts',
    code: "import type { B } from '../../engine/b.ts'\nexport type A = B",
    rule: IMPORTS,
  },
  { breaks: 'config imports kube', path: 'src/config/a.ts', code: "import '../kube/b.ts'", rule: IMPORTS },
  { breaks: 'kube imports engine', path: 'src/kube/a.ts', code: "import '../engine/b.ts'", rule: IMPORTS },
  { breaks: 'engine imports ops', path: 'src/engine/a.ts', code: "import '../ops/b.ts'", rule: IMPORTS },
  { breaks: 'peers imports status', path: 'src/peers/a.ts', code: "import '../status/b.ts'", rule: IMPORTS },
  { breaks: 'ops imports cli', path: 'src/ops/a.ts', code: "import '../cli/b.ts'", rule: IMPORTS },
  { breaks: 'cli imports main', path: 'src/cli/a.ts', code: "import '../main.ts'", rule: IMPORTS },
  { breaks: 'src imports a test', path: 'src/cli/b.ts', code: "import '../../test/b.ts'", rule: IMPORTS },
  { breaks: 'engine imports std', path: 'src/engine/ok.ts', code: "import '../std/b.ts'", rule: null },
  { breaks: 'core imports node:fs', path: 'src/core/fs.ts', code: "import 'node:fs'", rule: IMPORTS },
  { breaks: 'core imports node:crypto', path: 'src/core/c.ts', code: "import 'node:crypto'", rule: IMPORTS },
  {
    breaks: 'digest imports node:crypto',
    path: 'src/core/digest.ts',
    code: "import 'node:crypto'",
    rule: null,
  },
  { breaks: 'digest imports node:fs', path: 'src/core/marks.ts', code: "import 'node:fs'", rule: IMPORTS },
  {
    breaks: 'core reads the date',
    path: 'src/core/d.ts',
    code: 'export const a = new Date()',
    rule: GLOBALS,
  },
  {
    breaks: 'core reads process',
    path: 'src/core/e.ts',
    code: 'export const a = process.argv',
    rule: GLOBALS,
  },
  {
    breaks: 'core is asynchronous',
    path: 'src/core/f.ts',
    code: 'export async function a(b: Promise<string>): Promise<string> {\n  return await b\n}',
    rule: 'oxc(no-async-await)',
  },
  {
    breaks: 'core rolls dice',
    path: 'src/core/g.ts',
    code: 'export const a = Math.random()',
    rule: PROPERTIES,
  },
  { breaks: 'core imports minimatch', path: 'src/core/h.ts', code: "import 'minimatch'", rule: IMPORTS },
  { breaks: 'globs imports minimatch', path: 'src/core/globs.ts', code: "import 'minimatch'", rule: null },
  {
    breaks: 'engine imports client-node',
    path: 'src/engine/b.ts',
    code: "import '@kubernetes/client-node'",
    rule: IMPORTS,
  },
  {
    breaks: 'engine reaches into client-node',
    path: 'src/engine/c.ts',
    code: "import '@kubernetes/client-node/dist/config.js'",
    rule: IMPORTS,
  },
  { breaks: 'engine imports undici', path: 'src/engine/d.ts', code: "import 'undici'", rule: IMPORTS },
  { breaks: 'engine imports pino', path: 'src/engine/e.ts', code: "import 'pino'", rule: IMPORTS },
  {
    breaks: 'engine imports prom-client',
    path: 'src/engine/f.ts',
    code: "import 'prom-client'",
    rule: IMPORTS,
  },
  { breaks: 'kube imports p-queue', path: 'src/kube/c.ts', code: "import 'p-queue'", rule: IMPORTS },
  {
    breaks: 'kube imports its own packages',
    path: 'src/kube/ok.ts',
    code: "import 'undici'\nimport '@kubernetes/client-node'",
    rule: null,
  },
  {
    breaks: 'engine sets a timer',
    path: 'src/engine/g.ts',
    code: 'export const a = setTimeout(() => undefined, 1)',
    rule: GLOBALS,
  },
  {
    breaks: 'engine imports timers',
    path: 'src/engine/h.ts',
    code: "import 'node:timers/promises'",
    rule: IMPORTS,
  },
  {
    breaks: 'kube times out by a signal',
    path: 'src/kube/d.ts',
    code: 'export const a = AbortSignal.timeout(1)',
    rule: PROPERTIES,
  },
  {
    breaks: 'ops reads the clock',
    path: 'src/ops/b.ts',
    code: 'export const a = Date.now()',
    rule: PROPERTIES,
  },
  {
    breaks: 'the clock itself sets a timer',
    path: 'src/std/clock.ts',
    code: 'export const a = setTimeout(() => undefined, Date.now())',
    rule: null,
  },
  {
    breaks: 'kube uses global fetch',
    path: 'src/kube/e.ts',
    code: "export const a = fetch('x')",
    rule: GLOBALS,
  },
  {
    breaks: 'a promise floats',
    path: 'src/engine/i.ts',
    code: 'const a = (): Promise<void> => Promise.resolve()\nexport const b = (): void => {\n  a()\n}',
    rule: 'typescript(no-floating-promises)',
  },
  {
    breaks: 'a top-level test is no floating promise',
    path: 'test/ok.test.ts',
    code: "import { test } from 'node:test'\ntest('a promise', () => undefined)",
    rule: null,
  },
  {
    breaks: 'a switch forgets a case',
    path: 'src/std/b1.ts',
    code: "export function a(b: 'x' | 'y'): number {\n  switch (b) {\n    case 'x':\n      return 1\n  }\n  return 2\n}",
    rule: 'typescript(switch-exhaustiveness-check)',
  },
  {
    breaks: 'an any',
    path: 'src/std/c.ts',
    code: 'export type A = any',
    rule: 'typescript(no-explicit-any)',
  },
  {
    breaks: 'a non-null assertion',
    path: 'src/std/d.ts',
    code: 'export const a = (b: string | null): string => b!',
    rule: 'typescript(no-non-null-assertion)',
  },
  {
    breaks: 'a needless assertion',
    path: 'src/std/e.ts',
    code: 'export const a = (b: string): string => b as string',
    rule: 'typescript(no-unnecessary-type-assertion)',
  },
  {
    breaks: 'a type import without the word',
    path: 'src/std/f.ts',
    code: "import { B } from './types1.ts'\nexport type A = B",
    rule: 'typescript(consistent-type-imports)',
  },
  {
    breaks: 'a default export',
    path: 'src/std/g.ts',
    code: 'export default 1',
    rule: 'import(no-default-export)',
  },
  {
    breaks: 'a circle',
    path: 'src/std/h1.ts',
    code: "import { b } from './h2.ts'\nexport const a = (): number => b()",
    rule: 'import(no-cycle)',
  },
  {
    breaks: 'the other half of the circle',
    path: 'src/std/h2.ts',
    code: "import { a } from './h1.ts'\nexport const b = (): number => a()",
    rule: 'import(no-cycle)',
  },
  { breaks: 'printing', path: 'src/kube/f.ts', code: "console.log('x')", rule: 'eslint(no-console)' },
  { breaks: 'printing in the command line', path: 'src/cli/ok.ts', code: "console.log('x')", rule: null },
  {
    breaks: 'five parameters',
    path: 'src/std/i.ts',
    code: 'export const a = (b: 1, c: 2, d: 3, e: 4, f: 5): number => b + c + d + e + f',
    rule: 'eslint(max-params)',
  },
  {
    breaks: 'a function of 71 lines',
    path: 'src/std/j.ts',
    code: `export function a(b: number[]): void {\n${'  b.push(1)\n'.repeat(70)}}`,
    rule: 'eslint(max-lines-per-function)',
  },
  {
    breaks: 'a file of 401 lines',
    path: 'src/std/k.ts',
    code: 'export {}\n'.repeat(401),
    rule: 'eslint(max-lines)',
  },
  {
    breaks: 'four levels of nesting',
    path: 'src/std/l.ts',
    code: 'export function a(b: number[]): void {\n  for (const c of b) {\n    if (c > 1) {\n      for (const d of b) {\n        if (d > 1) b.push(1)\n        if (d > 2) {\n          b.push(2)\n        }\n      }\n    }\n  }\n}',
    rule: 'eslint(max-depth)',
  },
  {
    breaks: 'a namespace',
    path: 'src/std/m.ts',
    code: 'export namespace A {\n  export const b = 1\n}',
    rule: 'typescript(no-namespace)',
  },
  {
    breaks: 'an empty catch',
    path: 'src/std/n.ts',
    code: 'try {\n  JSON.parse("")\n} catch {}',
    rule: 'eslint(no-empty)',
  },
]

/** What the ladder's lower and upper ends look like, so that every planted import resolves. */
const SUPPORT: Readonly<Record<string, string>> = {
  'src/std/types1.ts': 'export interface B {\n  readonly c: number\n}',
  'src/std/b.ts': 'export type B = 1',
  'src/core/b.ts': 'export type B = 1',
  'src/kube/b.ts': 'export type B = 1',
  'src/engine/b2.ts': 'export type B = 1',
}

interface Answer {
  readonly filename: string
  readonly code: string
}

const answers = new Map<string, Set<string>>()

before(() => {
  const tree = mkdtempSync(join(tmpdir(), 'heliograph-lint-'))
  try {
    for (const file of ['.oxlintrc.json', 'tsconfig.json']) copyFileSync(join(ROOT, file), join(tree, file))
    symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'))
    writeFileSync(join(tree, 'package.json'), '{"type":"module"}')
    const files = Object.entries(SUPPORT).concat(PLANTED.map(({ path, code }) => [path, code]))
    for (const [path, code] of files) {
      mkdirSync(dirname(join(tree, path)), { recursive: true })
      writeFileSync(join(tree, path), code.endsWith('\n') ? code : `${code}\n`)
    }
    for (const { filename, code } of lint(tree)) {
      const codes = answers.get(filename) ?? new Set()
      answers.set(filename, codes.add(code))
    }
  } finally {
    rmSync(tree, { recursive: true })
  }
})

function lint(tree: string): readonly Answer[] {
  const run = spawnSync(join(ROOT, 'node_modules/.bin/oxlint'), ['--format', 'json'], {
    cwd: tree,
    encoding: 'utf8',
  })
  assert.ok(run.stdout.startsWith('{'), `oxlint did not answer in JSON: ${run.stdout}${run.stderr}`)
  const { diagnostics } = JSON.parse(run.stdout) as { diagnostics: readonly Answer[] }
  return diagnostics
}

for (const { breaks, path, rule } of PLANTED) {
  test(rule === null ? `lint allows: ${breaks}` : `lint refuses: ${breaks}`, () => {
    const codes = [...(answers.get(path) ?? [])]
    if (rule === null) assert.deepEqual(codes, [])
    else assert.ok(codes.includes(rule), `expected ${rule} on ${path}, got ${codes.join(', ') || 'nothing'}`)
  })
}
