/** What `peer add --dry-run` prints: every object as YAML, and above each what would become of it. */

import { stringify } from 'yaml'

import type { PeerAdd } from '../../config/peer-command.ts'
import { secretName, secretShown } from './secret.ts'
import { sayOf } from './survey.ts'
import type { Standing, Survey } from './survey.ts'

/** Lines of one YAML stream. */
export function manifestsText(survey: Survey, peer: PeerAdd): readonly string[] {
  const { entry, grants, secretStanding } = survey
  return [
    '# On the peer:',
    ...grants.flatMap(({ manifest, standing }) => documentOf(sayOf(manifest), standing, manifest)),
    `# At home, with a token for ServiceAccount ${peer.accountNamespace}/${peer.account} that is asked to last ${lifetimeText(peer.tokenLifetimeMs)}:`,
    ...documentOf(`Secret ${entry.namespace}/${secretName(entry.name)}`, secretStanding, secretShown(entry)),
    '# Dry run: nothing was written.',
  ]
}

/** In the largest unit of which it is a whole number, `90 d` for 2160 hours. */
export function lifetimeText(ms: number): string {
  for (const [unitMs, unit] of UNITS) if (ms % unitMs === 0) return `${ms / unitMs} ${unit}`
  return `${Math.floor(ms / 1_000)} s`
}

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
] as const

function documentOf(thing: string, standing: Standing, object: object): readonly string[] {
  return [
    '---',
    `# ${thing}: ${wordsOf(standing)}`,
    stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd(),
  ]
}

function wordsOf(standing: Standing): string {
  switch (standing.kind) {
    case 'absent':
      return 'would be made'
    case 'equal':
      return 'is there already, equal'
    case 'different':
      return `REFUSED, what is there ${standing.how}`
    case 'unread':
      return `could not be compared: ${standing.why}`
  }
}
