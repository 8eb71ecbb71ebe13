/** Makes docs/configuration.md: every setting with its three names, its default and its rule. */

import { COMMANDS } from '../../src/config/command.ts'
import { OPTION_GROUPS, OPTION_VIEWS } from '../../src/config/options.ts'
import type { OptionForm, OptionGroup, OptionView } from '../../src/config/options.ts'
import { FOREIGN_DIALECTS } from '../../src/core/rules.ts'
import { DEFAULTS_ITEM } from '../../src/config/values.ts'
import { bullets, code, page, paragraph, table } from './markdown.ts'

const INTRODUCTION = paragraph(`
  A setting is given by a flag (\`--flag=VALUE\`), by an environment variable, or in the chart’s \`settings\`, which become variables. A flag beats its
  variable. Unknown flags and unknown variables that begin with \`HELIOGRAPH_\` are refused, so are values that break their rule: the process lists
  every mistake with its rule and does not start. Nothing is clamped or guessed. A change takes effect with a restart.
`)

const LISTS = paragraph(`
  Lists are comma-separated; in the chart they may be YAML lists. A list replaces its default; the item \`${DEFAULTS_ITEM}\` stands for the default list,
  and \`!item\` takes out: \`${DEFAULTS_ITEM}, example.com/*, !istio/multiCluster\`. Globs are those of [annotations.md](annotations.md#values).
`)

const PRIORITY = paragraph(`
  What decides about one target: the origin’s own namespace and protected namespaces are never targets; \`targetNamespaces\` bounds the rest;
  then the Namespace’s own \`refuse\` and \`accept\` decide, and with \`consent: required\` only an \`accept\` lets anything in.
`)

/** Rules of lists; the parsers of all other forms say theirs themselves. */
const LIST_RULES: Readonly<Record<string, string>> = {
  namespaces: 'a list of exact names of namespaces, each once, at most 256',
  kinds: 'a list of `Secret`, `ConfigMap`, at least one',
  dialects: `a list of ${FOREIGN_DIALECTS.map(code).join(', ')}, each at most once`,
  refusedTypes: 'a list of exact Secret types',
  refusedNames: 'a list of `Kind/name`',
}

export function configurationPage(): string {
  const groups = Object.entries(OPTION_GROUPS) as readonly [OptionGroup, string][]
  const commands = table(
    ['command', 'what it does'],
    COMMANDS.map(({ usage, sentence }) => [code(`heliograph ${usage}`), sentence]),
  )
  const sections = groups.flatMap(([group, title]) => [
    `## ${title}`,
    ...OPTION_VIEWS.filter(({ row }) => row.group === group).flatMap(section),
  ])
  return page('Configuration', INTRODUCTION, LISTS, PRIORITY, '## Commands', commands, ...sections)
}

function section({ key, flag, variable, helm, row }: OptionView): readonly string[] {
  const names = [
    `flag ${code(flag)}`,
    `variable ${code(variable)}`,
    helm === null ? 'no value in the chart' : `chart ${code(helm)}`,
  ]
  const items = [names.join(' · '), `value: ${ruleOf(key, row.form, row.parse)}`]
  if (row.default !== null) items.push(`default: ${row.default === '' ? 'none' : code(row.default)}`)
  return [`### ${key}`, row.sentence, bullets(items)]
}

function ruleOf(key: string, form: OptionForm, parse: OptionView['row']['parse']): string {
  if (form === 'list') return LIST_RULES[key] ?? 'a list of globs'
  // No setting takes a NUL, so that each parser answers with its rule.
  const refused = parse('\0')
  return refused.ok ? 'any text' : refused.failure
}
