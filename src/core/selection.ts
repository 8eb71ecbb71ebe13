/** placeholder: signatures only */
export interface KeySelection {
  /** Name in the origin → name in the mirror; null when nothing is left or two sources meet in one key. */
  apply(keys: Iterable<string>): ReadonlyMap<string, string> | null
}
