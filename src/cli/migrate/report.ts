/** The report as a value: sections by dialect, one entry for each origin, pull mirror or group of copies, and what stands out. */

import { worstOf } from './differences.ts'
import type { Difference, Severity } from './differences.ts'

export interface Entry {
  /** `Secret cert-manager/wildcard-tls`. */
  readonly subject: string
  /** What the old controller did; empty where there is nothing to say. */
  readonly there: string
  /** What will be done. */
  readonly here: string
  readonly differences: readonly Difference[]
}

export interface Section {
  readonly title: string
  /** What holds for all entries. */
  readonly general: readonly Difference[]
  readonly entries: readonly Entry[]
}

export interface Counts {
  readonly origins: number
  readonly pullMirrors: number
  /** Copies that will be compared and taken over. */
  readonly inherited: number
  /** Copies whose marks name no origin: taken over only where they equal it. */
  readonly inheritedIfEqual: number
  readonly collected: number
}

export interface Report {
  readonly sections: readonly Section[]
  readonly counts: Counts
}

/** The exit codes of the command; docs/migrating.md and help state them. */
export const EXIT_CODES = {
  /** Nothing to look at. */
  clear: 0,
  unreadable: 1,
  mistake: 2,
  warnings: 3,
  blockers: 4,
} as const

export function differencesOf({ sections }: Report): readonly Difference[] {
  return sections.flatMap(({ general, entries }) => [
    ...general,
    ...entries.flatMap((entry) => entry.differences),
  ])
}

export function exitCodeOf(worst: Severity | null): number {
  if (worst === 'blocker') return EXIT_CODES.blockers
  return worst === 'warning' ? EXIT_CODES.warnings : EXIT_CODES.clear
}

export function verdictOf(report: Report): number {
  return exitCodeOf(worstOf(differencesOf(report)))
}

/** Names of one line before the rest is counted. */
const SHOWN_MAX = 8

/** `a, b, c and 12 more`. */
export function listed(names: Iterable<string>): string {
  const sorted = [...names].toSorted()
  const more = sorted.length - SHOWN_MAX
  // One name takes no more room than its count.
  if (more <= 1) return sorted.join(', ')
  return `${sorted.slice(0, SHOWN_MAX).join(', ')} and ${more} more`
}

/** `1 namespace`, `3 namespaces`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
