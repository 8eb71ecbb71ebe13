/** Behaviours of the old tools: the list is complete, each row names tests that exist under exactly that name, and the page has every row. */

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { DIALECTS } from '../../src/core/dialects/table.ts'
import { FOREIGN_DIALECTS } from '../../src/core/rules.ts'
import { BEHAVIOURS, SECTIONS, withBehaviours } from './behaviours/page.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const words = (text: string): readonly string[] => text.trim().split(/\s+/)
const numbered = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => String(i + 1))

/** Every behaviour that must have a row, by section. A row may go only with the behaviour. */
const COMPLETE: Readonly<Record<string, readonly string[]>> = {
  'general/which': words(`
    order claims told ours-beside marks settings
  `),
  'general/bad': words(`
    boolean pattern hostile
  `),
  'general/bounds': words(`
    protected consent never-origins never-written
  `),
  'general/copies': words(`
    recognised equal different one-pass marks-stay marks-when times marks-end
  `),
  'general/proof': words(`
    named unnamed unproven declared orphans-reflector orphans-others
  `),
  'general/merging': words(`
    covers claim-ends pull-ends deleted
  `),
  'reflector/promises': words(`
    gate empty-list list-or-selector first-match auto-form pull-form narrowing wholesale true-false
    quoted-time blank-version guide
  `),
  'reflector/keys': words(`
    annotations-only kinds reflection-allowed reflection-allowed-namespaces
    reflection-allowed-namespaces-selector reflection-auto-enabled reflection-auto-namespaces
    reflection-auto-namespaces-selector early proposed
  `),
  'reflector/marks': words(`
    reflects auto-reflects reflected-version reflected-at
  `),
  'reflector/values': words(`
    booleans strings list-split list-match list-comma lookahead bad-pattern selector-forms
    selector-keys selector-in selector-twice selector-blank selector-error
    reflects
  `),
  'reflector/copied': words(`
    created not-copied updated type
  `),
  'reflector/events': numbered(28),
  'reflector/complaints': words(`
    bad-regex unmanaged own-namespace system-namespaces pull-deleted pull-first by-hand turned
    forged off cleaned-up
  `),
  'replicator/promises': words(`
    empty-list no-gate star merge labels pull-gate pull-wins own-namespace
  `),
  'replicator/keys': words(`
    kinds annotations-only replication-allowed replication-allowed-namespaces replicate-from replicate-to
    replicate-to-matching keep-owner-references strip-labels replicated-at replicated-from-version
    replicated-keys proposed
  `),
  'replicator/patterns': words(`
    lists alternation star comma invalid lookaround deletion exclusion
  `),
  'replicator/copied': words(`
    pull pull-equal conflict configmap-pull push-type push-labels push-annotations immutable binary
    roles allow-all sync-by-content
  `),
  'replicator/events': numbered(16),
  'replicator/complaints': words(`
    unmanaged take-over-bounds own-namespace system-namespaces owners orphans by-hand wiped turned
    captured off cleaned-up
  `),
  'kubed/keys': words(`
    sync-all sync-selector sync-false sync-bad sync-contexts context-namespace origin
    origin-labels
  `),
  'kubed/copies': words(`
    metadata fan-out same-host removed narrowed outside long-names errors other-cluster
    in-the-way
  `),
  sync: words(`
    enabled targets same-place stripped one-namespace metadata never-deletes errors
    watch-ends
  `),
}

/** The names of a file's tests as they are written, `…` for each hole of a template. */
function testNames(text: string): ReadonlySet<string> {
  const found = text.matchAll(
    /^\s*test\(\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/gm,
  )
  return new Set(
    [...found].map(([, single, double, template]) =>
      template === undefined ? (single ?? double ?? '').replaceAll(/\\(.)/g, '$1') : withoutHoles(template),
    ),
  )
}

function withoutHoles(template: string): string {
  return template.replaceAll(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '…').replaceAll(/\\(.)/g, '$1')
}

test('every behaviour that is listed has one row, and there is no other', () => {
  const listed = Object.entries(COMPLETE).flatMap(([section, all]) => all.map((what) => `${section}/${what}`))
  assert.deepEqual(BEHAVIOURS.map(({ id }) => id).toSorted(), listed.toSorted())
  assert.deepEqual(SECTIONS, Object.keys(COMPLETE), 'and the page has each section')
})

test('every claiming key and every mark of a tool has a row', () => {
  const ids = BEHAVIOURS.map(({ id }) => id)
  for (const { name, claimingKeys, markKeys } of DIALECTS) {
    if (!FOREIGN_DIALECTS.some((each) => each === name)) continue
    for (const key of [...claimingKeys, ...(markKeys?.annotations ?? [])])
      assert.ok(
        ids.some((id) => id.startsWith(`${name}/`) && (id.split('/').at(-1) ?? '').startsWith(key)),
        `${name}: ${key}`,
      )
  }
})

test('every row says what is there and here, and names at least one test', () => {
  for (const { id, there, here, tests } of BEHAVIOURS) {
    assert.ok(there !== '' && here.endsWith('.'), id)
    assert.ok(tests.length > 0, `${id} names no test`)
    assert.equal(new Set(tests.map(String)).size, tests.length, `${id} names a test twice`)
  }
})

test('every test that a row names stands in its file under exactly that name', () => {
  const names = new Map<string, ReadonlySet<string>>()
  const missing = BEHAVIOURS.flatMap(({ id, tests }) =>
    tests.flatMap(([file, name]) => {
      if (!existsSync(join(ROOT, file))) return [`${id}: there is no ${file}`]
      const known = names.get(file) ?? testNames(read(file))
      names.set(file, known)
      return known.has(name) ? [] : [`${id}: ${file} has no test «${name}»`]
    }),
  )
  assert.deepEqual(missing, [])
})

test('a name that is a template has words enough to be told apart', () => {
  for (const { id, tests } of BEHAVIOURS)
    for (const [, name] of tests) assert.ok(name.replaceAll('…', '').trim().length >= 20, `${id}: ${name}`)
})

test('names are read in every form in which they are written, and nowhere else', () => {
  const text = [
    "test('a ’plain’ one', () => {})",
    String.raw`test('an \'escaped\' one', () => {})`,
    'test("a \'quoted\' one", async (t) => {})',
    "  test(`${a}: ${JSON.stringify({ b: 'c' })} is a template`, { timeout: 1 }, () => {})",
    "test(\n  'on the next line',\n  () => {})",
    "// test('taken out', () => {})",
    "assert.ok(/x/.test('no test of ours'))",
  ].join('\n')
  assert.deepEqual(
    [...testNames(text)],
    ['a ’plain’ one', "an 'escaped' one", "a 'quoted' one", '…: … is a template', 'on the next line'],
  )
})

test('docs/migrating.md has these rows as they are today', () => {
  const page = read('docs/migrating.md')
  assert.ok(page === withBehaviours(page), 'It is stale: npm run docs')
})
