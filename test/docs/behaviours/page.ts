/** The section of docs/migrating.md about what stays and what is better, made from the rows. */

import { code, paragraph, table } from '../markdown.ts'
import { GENERAL } from './general.ts'
import { KUBED } from './kubed.ts'
import { REFLECTOR_EVENTS } from './reflector-events.ts'
import { REFLECTOR_WORDS } from './reflector.ts'
import { REPLICATOR } from './replicator.ts'
import type { Behaviour, Shown } from './row.ts'
import { SYNC } from './sync.ts'

export const BEHAVIOURS: readonly Behaviour[] = [
  ...GENERAL,
  ...REFLECTOR_WORDS,
  ...REFLECTOR_EVENTS,
  ...REPLICATOR,
  ...KUBED,
  ...SYNC,
]

/** Between these lines the page is generated. */
const OPENING =
  '<!-- What stays and what is better: generated from test/docs/behaviours by `npm run docs`. -->'
const CLOSING = '<!-- End of the generated part. -->'

const INTRODUCTION = paragraph(`
  What the old tools do, as far as we know it, and what becomes of it. *Kept*: you will notice nothing. *Mended*: they do something wrong, and here it is put right.
  *Not yet*: it is read and checked, and needs other clusters, to which this version does not forward. *Out of scope*: it is not done. The tests that show each row are
  listed below the tables.
`)

const TESTS = paragraph(`
  Each by its file and its name; «…» stands for a word that differs from case to case. Files under \`e2e\` play it against a real API server.
`)

/** The sections in their order, by the beginning of their ids. */
const HEADINGS: Readonly<Record<string, string>> = {
  'general/which': 'Which vocabulary counts',
  'general/bad': 'Bad values',
  'general/bounds': 'What binds every vocabulary',
  'general/copies': 'Copies that a tool left',
  'general/proof': 'Whose a copy is',
  'general/merging': 'Merging',
  'reflector/promises': 'reflector: what its users rely on',
  'reflector/keys': 'reflector: keys of an origin',
  'reflector/marks': 'reflector: keys of a mirror',
  'reflector/values': 'reflector: forms of values',
  'reflector/copied': 'reflector: what is copied',
  'reflector/events': 'reflector: event by event',
  'reflector/complaints': 'reflector: what its users complain of',
  'replicator/promises': 'replicator: what its users rely on',
  'replicator/keys': 'replicator: keys',
  'replicator/patterns': 'replicator: patterns',
  'replicator/copied': 'replicator: what is copied',
  'replicator/events': 'replicator: event by event',
  'replicator/complaints': 'replicator: what its users complain of',
  'kubed/keys': 'kubed: keys',
  'kubed/copies': 'kubed: copies',
  sync: 'The controller of the blog posts',
}

/** The beginning of an id that its section shares. */
export function sectionOf(id: string): string {
  return id.slice(0, id.lastIndexOf('/'))
}

/** The sections that the page has. */
export const SECTIONS: readonly string[] = Object.keys(HEADINGS)

function shown([file, name]: Shown): string {
  return `${code(file.replace(/\.test\.ts$/, ''))}: ${name}`
}

function sectionText(prefix: string, heading: string): string {
  const rows = BEHAVIOURS.filter(({ id }) => sectionOf(id) === prefix).map(({ id, there, verdict, here }) => [
    code(id.slice(prefix.length + 1)),
    there,
    verdict,
    here,
  ])
  return `### ${heading} (${code(prefix)})\n\n${table(['', 'there', '', 'here'], rows)}`
}

function testsText(): string {
  const rows = BEHAVIOURS.map(({ id, tests }) => [code(id), tests.map(shown).join('<br>')])
  return `### The tests that show it\n\n${TESTS}\n\n${table(['row', 'tests'], rows)}`
}

function behavioursText(): string {
  const sections = Object.entries(HEADINGS).map(([prefix, heading]) => sectionText(prefix, heading))
  const parts = [OPENING, '## What stays and what is better', INTRODUCTION, ...sections, testsText(), CLOSING]
  return parts.join('\n\n')
}

/** The page with its generated part as the rows have it today; a page without one gets it at its end. */
export function withBehaviours(page: string): string {
  const [from, to] = [page.indexOf(OPENING), page.indexOf(CLOSING)]
  if (from === -1 || to === -1) return `${page.trimEnd()}\n\n${behavioursText()}\n`
  return page.slice(0, from) + behavioursText() + page.slice(to + CLOSING.length)
}
