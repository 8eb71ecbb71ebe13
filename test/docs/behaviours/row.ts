/** The form of a row about one behaviour of another tool: what it does, what becomes of it here, and the tests that show it. */

/** What becomes of a behaviour. */
export type Verdict = 'kept' | 'mended' | 'out of scope'

/** A test by its file and its exact name; where the name is a template, `…` stands for each of its holes. */
export type Shown = readonly [file: string, name: string]

export interface Behaviour {
  /** `chapter/what` or `chapter/section/what`; the rows of one section stand together. */
  readonly id: string
  /** What the old tool does, in a few words of ours. */
  readonly there: string
  readonly verdict: Verdict
  /** What happens here, in one sentence. */
  readonly here: string
  /** At least one. */
  readonly tests: readonly Shown[]
}

/** The rows of one section from tuples, so that each reads as one line of a table. */
export function section(
  prefix: string,
  rows: readonly (readonly [
    what: string,
    there: string,
    verdict: Verdict,
    here: string,
    ...tests: readonly Shown[],
  ])[],
): readonly Behaviour[] {
  return rows.map(([what, there, verdict, here, ...tests]) => ({
    id: `${prefix}/${what}`,
    there,
    verdict,
    here,
    tests,
  }))
}

/** Shortens a file's path: `in('test/core/a.test.ts')('name')`. */
export function within(file: string): (name: string) => Shown {
  return (name) => [file, name]
}
