/** What values.schema.json says of `settings`: made from the table of options. Run it to write the schema anew: node test/chart/settings-schema.ts */

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { OPTION_VIEWS } from '../../src/config/options.ts'
import type { OptionView } from '../../src/config/options.ts'

export const SCHEMA_FILE = join(import.meta.dirname, '../../charts/heliograph/values.schema.json')

export interface Schema {
  readonly properties: Readonly<Record<string, Schema>>
  readonly [keyword: string]: unknown
}

export function readSchema(): Schema {
  return JSON.parse(readFileSync(SCHEMA_FILE, 'utf8')) as Schema
}

/** One property per option that has a place in the chart, in the order of the table. */
export function settingsProperties(): Readonly<Record<string, object>> {
  const inChart = OPTION_VIEWS.filter(({ helm }) => helm !== null)
  return Object.fromEntries(
    inChart.map((view) => [view.key, { description: view.row.sentence, ...formOf(view) }]),
  )
}

function formOf(view: OptionView): object {
  const { form, default: text } = view.row
  const value = text ?? ''
  switch (form) {
    case 'list':
      return { type: 'array', ...listOf(view), default: itemsOf(value) }
    case 'boolean':
      return { type: 'boolean', default: value === 'true' }
    case 'count':
      return { type: 'integer', ...rangeOf(view), default: Number(value) }
    case 'choice':
      return { enum: choicesOf(view), default: value }
    case 'duration':
      return { type: 'string', pattern: '^[0-9]+(ms|s|m|h|d)$', default: value }
    case 'size':
      return { type: 'string', pattern: '^[0-9]+(Ki|Mi|Gi)?$', default: value }
    case 'text':
      return { type: 'string', minLength: 1, default: value }
  }
}

/** The chart itself reads the kinds, to narrow the rights: they are closed here too. */
function listOf({ key, row }: OptionView): object {
  if (key !== 'kinds') return { items: { type: 'string' } }
  return { items: { enum: itemsOf(row.default ?? '') }, minItems: 1, uniqueItems: true }
}

const itemsOf = (text: string): readonly string[] => text.split(', ').filter((item) => item !== '')

/** No option takes this text, so that each says its rule. */
const NONSENSE = '\0'

function ruleOf({ key, row }: OptionView): string {
  const parsed = row.parse(NONSENSE)
  assert.ok(!parsed.ok, `${key} takes nonsense`)
  return parsed.failure
}

function choicesOf(view: OptionView): readonly string[] {
  return ruleOf(view)
    .replace(/^one of /, '')
    .split(', ')
}

function rangeOf(view: OptionView): object {
  const [, minimum, maximum] = /from ([0-9]+) to ([0-9]+)$/.exec(ruleOf(view)) ?? []
  assert.ok(minimum !== undefined && maximum !== undefined, `${view.key} has no range`)
  return { minimum: Number(minimum), maximum: Number(maximum) }
}

if (import.meta.main) {
  const schema = readSchema()
  const settings = { ...schema.properties['settings'], properties: settingsProperties() }
  const renewed = { ...schema, properties: { ...schema.properties, settings } }
  writeFileSync(SCHEMA_FILE, `${JSON.stringify(renewed, null, 2)}\n`)
}
