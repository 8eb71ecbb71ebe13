/** placeholder: signatures only */
export interface Globs {
  readonly includes: boolean
  matches(text: string): boolean
}
