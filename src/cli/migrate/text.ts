/** The report as text for a terminal. */

import { wrapped } from '../../config/help.ts'
import { worstOf } from './differences.ts'
import type { Difference } from './differences.ts'
import { counted, differencesOf, verdictOf } from './report.ts'
import type { Entry, Report, Section } from './report.ts'

/** Entries of one section before the rest is counted. */
const ENTRIES_MAX = 10_000

/** Ends with one line that sums up, and a newline. */
export function reportText(report: Report): string {
  return `${[...report.sections.flatMap(sectionLines), ...summaryLines(report)].join('\n')}\n`
}

function sectionLines({ title, general, entries }: Section): readonly string[] {
  const shown = entries.slice(0, ENTRIES_MAX)
  const more = entries.length - shown.length
  const head = entries.length === 0 ? title : `${title} (${entries.length})`
  return [
    head,
    ...general.flatMap((each) => differenceLines(each, '  ')),
    ...shown.flatMap((entry) => ['', ...entryLines(entry)]),
    ...(more > 0 ? ['', `  … and ${more} more`] : []),
    '',
  ]
}

function entryLines({ subject, there, here, differences }: Entry): readonly string[] {
  return [
    `  ${subject}`,
    ...(there === '' ? [] : hanging('there', there)),
    ...(here === '' ? [] : hanging('here', here)),
    ...differences.flatMap((each) => differenceLines(each, '    ')),
  ]
}

function hanging(label: string, text: string): readonly string[] {
  const [first = '', ...rest] = wrapped(text, '            ')
  return [`    ${label.padEnd(8)}${first.trimStart()}`, ...rest]
}

function differenceLines(
  { code, severity, sentence, nextStep }: Difference,
  indent: string,
): readonly string[] {
  const inner = `${indent}    `
  const [first = '', ...rest] = wrapped(`${severity} ${code}: ${sentence}`, inner)
  return [
    `${indent}${first.trimStart()}`,
    ...rest,
    ...(nextStep === '' ? [] : wrapped(`→ ${nextStep}`, inner)),
  ]
}

function summaryLines(report: Report): readonly string[] {
  const { origins, pullMirrors, inherited, inheritedIfEqual, collected } = report.counts
  const differences = differencesOf(report)
  const count = (severity: Difference['severity']): number =>
    differences.filter((each) => each.severity === severity).length
  const copies = [
    `${counted(origins, 'origin')} and ${counted(pullMirrors, 'pull mirror')} of other tools`,
    `copies taken over: ${inherited}, taken over only where equal: ${inheritedIfEqual}, deleted: ${collected}`,
    `${counted(count('blocker'), 'blocker')}, ${counted(count('warning'), 'warning')}, ${counted(count('note'), 'note')}`,
  ]
  return wrapped(`${copies.join('; ')}. ${conclusion(report)}`, '')
}

function conclusion(report: Report): string {
  const code = `Exit code ${verdictOf(report)}; nothing was written.`
  switch (worstOf(differencesOf(report))) {
    case 'blocker':
      return `Mend the blockers before switching. ${code}`
    case 'warning':
      return `Look at the warnings before switching. ${code}`
    default:
      return `Nothing needs a look. ${code}`
  }
}
