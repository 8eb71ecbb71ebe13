/** The generated pages are fresh, and hold every row of their tables and no other. */

import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { ANNOTATIONS } from '../src/core/annotations.ts'
import { NOTICE_CODES } from '../src/core/notices.ts'
import { OPTION_KEYS } from '../src/config/options.ts'
import { METRIC_NAMES } from '../src/ops/catalogue.ts'
import { GENERATED } from './docs/markdown.ts'
import { PAGES } from './docs/pages.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

for (const [path, make] of Object.entries(PAGES)) {
  test(`${path} is what the tables say today`, () => {
    assert.equal(read(path), make(), 'It is stale: npm run docs')
  })
}

/** What a page lists, by the form of its rows; sorted, doubles kept. */
function listed(path: string, row: RegExp): readonly string[] {
  return [...read(path).matchAll(row)].flatMap(([, name]) => name ?? []).toSorted()
}

const sorted = (names: readonly string[]): readonly string[] => names.toSorted()
const TABLE_ROW = /^\| `([A-Za-z-]+)` \|/gm
const HEADING = /^### (\w+)$/gm

test('docs/annotations.md has each key as often as the table has, and no other', () => {
  assert.deepEqual(listed('docs/annotations.md', TABLE_ROW), sorted(ANNOTATIONS.map(({ key }) => key)))
})

test('docs/configuration.md has each setting once, and no other', () => {
  assert.deepEqual(listed('docs/configuration.md', HEADING), sorted(OPTION_KEYS))
})

test('docs/metrics.md has each metric once, and no other', () => {
  assert.deepEqual(listed('docs/metrics.md', HEADING), sorted(METRIC_NAMES))
})

test('docs/events.md has each code once, and no other', () => {
  assert.deepEqual(listed('docs/events.md', TABLE_ROW), sorted(NOTICE_CODES))
})

test('a page that says it is generated is one that is', () => {
  const pages = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'))
  const generated = pages
    .filter((name) => read(`docs/${name}`).startsWith(GENERATED))
    .map((name) => `docs/${name}`)
  assert.deepEqual(generated.toSorted(), Object.keys(PAGES).toSorted())
})

test('metrics that the pages and notices name exist, and links between generated pages lead somewhere', () => {
  const known: readonly string[] = METRIC_NAMES
  for (const path of Object.keys(PAGES)) {
    for (const [name] of read(path).matchAll(/\bheliograph_[a-z_]+/g))
      assert.ok(known.includes(name.replace(/_(bucket|count|sum)$/, '')), `${path}: ${name}`)
    for (const [, target = ''] of read(path).matchAll(/\]\(([\w./-]+)[#)]/g))
      assert.ok(existsSync(join(ROOT, 'docs', target)), `${path}: ${target}`)
  }
})
