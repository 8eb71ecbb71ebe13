/** Which namespaces somebody chooses, whichever vocabulary says so: clauses that must all hold, each by name or by labels. */

import type { LabelSelector } from './selectors.ts'
import type { Texts } from './objects.ts'

/** Anything that says yes or no to a name; equal texts give one shared object while they are remembered. */
export interface NamePatterns {
  /** The names that it lists singly and matches; left out: none is known. */
  readonly literals?: readonly string[]
  matches(name: string): boolean
}

/** One of the two that are given must hold. */
export interface NamespaceClause {
  readonly names: NamePatterns | null
  readonly labels: LabelSelector | null
}

/** Every clause must hold; without any, every namespace is chosen. */
export type NamespaceChoice = readonly NamespaceClause[]

/** What is asked of a namespace. */
export interface Choosable {
  readonly name: string
  readonly labels: Texts
}

export function chooses(choice: NamespaceChoice, namespace: Choosable): boolean {
  return choice.every(
    ({ names, labels }) =>
      names?.matches(namespace.name) === true || labels?.matches(namespace.labels) === true,
  )
}

/** The names that `choice` lists singly; whether it chooses one, {@link chooses} says. */
export function literalNames(choice: NamespaceChoice): readonly string[] {
  return [...new Set(choice.flatMap(({ names }) => names?.literals ?? []))]
}

/** Whether both choose by the same parsed texts: cheap, and a no only costs matching once more. */
export function isSameChoice(a: NamespaceChoice | null, b: NamespaceChoice | null): boolean {
  if (a === null || b === null) return a === b
  return (
    a.length === b.length &&
    a.every((clause, index) => clause.names === b[index]?.names && clause.labels === b[index]?.labels)
  )
}
