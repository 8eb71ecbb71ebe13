/** The chart's settings are the program's settings: the same keys, forms and sentences, and each arrives in the pod as the program reads it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { OPTION_VIEWS } from '../../src/config/options.ts'
import type { OptionView } from '../../src/config/options.ts'
import { parseSettings, sentenceOf } from '../../src/config/parse.ts'
import { only, refusal, render } from './helm.ts'
import { readSchema, settingsProperties } from './settings-schema.ts'

interface Variable {
  readonly name: string
  readonly value?: string
}

const IN_CHART = OPTION_VIEWS.filter(({ helm }) => helm !== null)
const PROPERTIES = settingsProperties() as Readonly<Record<string, { readonly default: unknown }>>

async function environment(settings: object): Promise<Readonly<Record<string, string>>> {
  const spec = only(await render({ settings }), 'Deployment')['spec'] as {
    template: { spec: { containers: readonly [{ env: readonly Variable[] }] } }
  }
  const variables = spec.template.spec.containers[0].env.filter(({ value }) => value !== undefined)
  return Object.fromEntries(variables.map(({ name, value }) => [name, value ?? '']))
}

test('values.schema.json knows exactly the settings of the table, in both directions', () => {
  assert.deepEqual(
    readSchema().properties['settings']?.properties,
    settingsProperties(),
    'Write it anew: node test/chart/settings-schema.ts, then npm run format',
  )
})

test('a setting of the chart is reached by the path that the table names', () => {
  for (const { key, helm } of IN_CHART) assert.equal(helm, `settings.${key}`)
})

test('every setting arrives under the variable that the program reads, and the program takes them all', async () => {
  const settings = Object.fromEntries(IN_CHART.map(({ key }) => [key, PROPERTIES[key]?.default]))
  const env = await environment(settings)
  assert.deepEqual(Object.keys(env).toSorted(), IN_CHART.map(({ variable }) => variable).toSorted())
  for (const { variable, row } of IN_CHART)
    assert.equal(env[variable]?.replaceAll(',', ', '), row.default, variable)
  const parsed = parseSettings([], env, () => null)
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.failure.map(sentenceOf).join('\n'))
})

test('a setting that is not given reaches the program as not given', async () => {
  assert.deepEqual(await environment({}), {})
})

test('large numbers, empty lists and false keep their form on the way', async () => {
  const env = await environment({
    mirrorsPerOriginMax: 1_000_000,
    allowedNamespaces: [],
    leaderElection: false,
  })
  assert.deepEqual(env, {
    HELIOGRAPH_MIRRORS_PER_ORIGIN_MAX: '1000000',
    HELIOGRAPH_ALLOWED_NAMESPACES: '',
    HELIOGRAPH_LEADER_ELECTION: 'false',
  })
})

/** A value that the program refuses, in the form's own type where there is one. */
function wrong({ row: { form } }: OptionView): unknown {
  switch (form) {
    case 'list':
      return 'Secret'
    case 'boolean':
      return 'yes'
    case 'count':
      return 0.5
    case 'choice':
      return 'perhaps'
    case 'duration':
      return '5 parsecs'
    case 'size':
      return '64Mib'
    case 'text':
      return ''
  }
}

for (const view of IN_CHART) {
  test(`the schema refuses a wrong value of ${view.key}`, async () => {
    assert.match(
      await refusal({ settings: { [view.key]: wrong(view) } }),
      new RegExp(`at '/settings/${view.key}'`),
    )
  })
}

test('mirroring no kind at all, or one twice, is refused', async () => {
  assert.match(await refusal({ settings: { kinds: [] } }), /kinds/)
  assert.match(await refusal({ settings: { kinds: ['Secret', 'Secret'] } }), /kinds/)
  assert.match(await refusal({ settings: { kinds: ['Deployment'] } }), /kinds/)
})
