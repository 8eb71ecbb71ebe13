/** Patterns that a tenant writes to cost others time: each as dear as the bounds let it be, every one its own text. */

/** Kinds of hostility; `filler` makes equal kinds different texts, so that nothing is remembered from one to the next. */
export const HOSTILE: Readonly<Record<string, (filler: number) => string>> = {
  'nested quantifiers': (filler) => `(a+)+$|(?:x${filler})`,
  'quantifiers of quantifiers': (filler) => `((([a-z0-9-]+)*)*)*!${filler}`,
  'counts of counts': (filler) => `(?:(?:[a-z0-9-]?){12}){12}!${filler}`,
  'many stars': (filler) => `${'.*'.repeat(180)}!${filler}`,
  'looks in looks': (filler) => `(?=.*(?!.*(?=.*(?<=.*(?<!.*a.*)b.*).*).*).*)(?:.*!${filler})`,
  'looks in a row': (filler) => `${'(?=.*[a-z0-9-]*.*)'.repeat(22)}!${filler}`,
  'a huge choice': (filler) =>
    `(?:${Array.from({ length: 60 }, (_, index) => `[a-z-]*${index}`).join('|')})!${filler}`,
}

/** The first `count` of them, kind by kind. */
export function hostilePatterns(count: number): readonly string[] {
  const kinds = Object.values(HOSTILE)
  return Array.from({ length: count }, (_, index) => kinds[index % kinds.length]?.(index) ?? '')
}
