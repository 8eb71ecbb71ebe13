/** Our own dialect: who may have a copy of an object with `heliograph.dev/*` annotations, and what it asks to be filled from. */

import { annotation, CLAIMING_KEYS } from '../annotations.ts'
import { parseGlobs } from '../globs.ts'
import { parseSelector } from '../selectors.ts'
import { askOf } from './asking.ts'
import { NO_MARKS, NO_OFFER } from './dialect.ts'
import type { Dialect } from './dialect.ts'
import { both } from './modifiers.ts'

export const heliograph: Dialect = {
  name: 'heliograph',
  prefix: ({ prefix }) => prefix,
  claimingKeys: CLAIMING_KEYS,
  read(_, sheet) {
    const names = sheet.read('reflect-to', parseGlobs)
    const labels = sheet.read('reflect-to-selector', parseSelector)
    const pull = sheet.read('allow-pull', parseGlobs)
    return {
      ...NO_OFFER,
      push: both(names, labels),
      pull: both(pull, null),
      targets: sheet.read('targets', parseGlobs),
    }
  },
  ask(meta, prefix) {
    const key = annotation(prefix, 'reflect-from')
    const text = meta.annotations[key]
    if (text === undefined) return null
    return askOf(meta, { annotation: key, text, write: 'replace', toolMarks: null, isFilled: false })
  },
  ...NO_MARKS,
}
