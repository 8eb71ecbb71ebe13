/** `heliograph help`: the commands and every setting, from the tables, within 100 columns. */

import { COMMANDS } from './command.ts'
import { OPTION_GROUPS, OPTION_VIEWS } from './options.ts'
import type { OptionGroup, OptionView } from './options.ts'
import { PEER_ADD_FLAGS } from './peer-command.ts'
import type { PeerFlag } from './peer-command.ts'
import { DEFAULTS_ITEM } from './values.ts'

export const HELP_COLUMNS = 100
/** A longer usage has a line of its own. */
const USAGE_COLUMNS = 20

/** The whole text, with a newline at its end. */
export function helpText(): string {
  const groups = Object.entries(OPTION_GROUPS) as readonly [OptionGroup, string][]
  const commands = COMMANDS.flatMap(commandLines)
  return [
    'Heliograph keeps mirrors of annotated Secrets and ConfigMaps in the namespaces that their owners allow.',
    '',
    ...commands,
    '',
    'Flags of peer add alone:',
    ...PEER_ADD_FLAGS.flatMap(peerFlagLines),
    '',
    ...wrapped(
      'A flag is written --flag=VALUE and beats its environment variable. Unknown ones are refused.',
      '',
    ),
    ...wrapped(`In a list, ${DEFAULTS_ITEM} stands for the default list, !PATTERN takes out.`, ''),
    ...groups.flatMap(([group, title]) => [
      '',
      `${title}:`,
      ...OPTION_VIEWS.filter(({ row }) => row.group === group).flatMap(optionLines),
    ]),
    '',
  ].join('\n')
}

/** The sentence stands beside the usage, and goes on beneath itself. */
function commandLines({ usage, sentence }: (typeof COMMANDS)[number]): readonly string[] {
  const indent = ' '.repeat(USAGE_COLUMNS + 14)
  const [first = '', ...rest] = wrapped(sentence.replaceAll('`', ''), indent)
  if (usage.length > USAGE_COLUMNS) return [`  heliograph ${usage}`, first, ...rest]
  return [`  heliograph ${usage.padEnd(USAGE_COLUMNS)} ${first.trimStart()}`, ...rest]
}

function peerFlagLines({ flag, value, sentence }: PeerFlag): readonly string[] {
  return [`  ${flag}${value === null ? '' : `=${value}`}`, ...wrapped(sentence, '      ')]
}

function optionLines({ flag, variable, row }: OptionView): readonly string[] {
  const fallback = row.default === null ? '' : ` Default: ${row.default === '' ? 'none' : row.default}.`
  return [`  ${flag}  (${variable})`, ...wrapped(`${row.sentence.replaceAll('`', '')}${fallback}`, '      ')]
}

/** Lines of at most {@link HELP_COLUMNS}, each indented. A single word longer than the line stays whole. */
export function wrapped(text: string, indent: string): readonly string[] {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(' ')) {
    const isFirst = line === indent
    if (!isFirst && line.length + 1 + word.length > HELP_COLUMNS) {
      lines.push(line)
      line = `${indent}${word}`
    } else {
      line += isFirst ? word : ` ${word}`
    }
  }
  return [...lines, line]
}
