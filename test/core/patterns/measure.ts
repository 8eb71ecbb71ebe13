/** Prints what the worst hostile lists cost on the longest names, beside RegExp and re2js: `node test/core/patterns/measure.ts`. */

import { RE2JS } from 're2js'

import { compileList, matchCounted } from '../../../src/core/patterns/compiled-list.ts'
import { REFLECTOR_LISTS } from '../../../src/core/patterns/lists.ts'
import { HOSTILE, NAMES } from './hostile-corpus.ts'

const ROUNDS = 200

/** Milliseconds of one call, the mean of many, after as many to warm up. */
function millisecondsOf(call: () => unknown): number {
  for (let i = 0; i < ROUNDS; i += 1) call()
  const start = performance.now()
  for (let i = 0; i < ROUNDS; i += 1) call()
  return (performance.now() - start) / ROUNDS
}

const rows = HOSTILE.flatMap((text) => {
  const compiled = compileList(text, REFLECTOR_LISTS)
  if (!compiled.ok) return []
  const names = NAMES.map((name) => ({ name, ...matchCounted(compiled.value, name) }))
  const worst = names.reduce((a, b) => (b.steps > a.steps ? b : a))
  return [{ text, steps: worst.steps, ms: millisecondsOf(() => matchCounted(compiled.value, worst.name)) }]
})
const slowest = rows.toSorted((a, b) => b.ms - a.ms).slice(0, 8)
console.log(
  `${rows.length} of ${HOSTILE.length} hostile lists run; the slowest, in ms for one name of 63 characters:`,
)
for (const { text, steps, ms } of slowest) console.log(ms.toFixed(3), steps, 'steps', text.slice(0, 50))

const parsing = Math.max(
  ...HOSTILE.map((text) => {
    const start = performance.now()
    compileList(text, REFLECTOR_LISTS)
    return performance.now() - start
  }),
)
console.log('slowest to parse:', parsing.toFixed(2), 'ms')

const usual = '^(?!(?:default|kube-system)$).*,team-[a-z]+,app1,app2'
const list = compileList(usual, REFLECTOR_LISTS)
if (list.ok)
  console.log(
    'a usual list:',
    millisecondsOf(() => matchCounted(list.value, 'team-platform')).toFixed(5),
    'ms',
  )
const re2 = RE2JS.compile('(?:team-[a-z]+)')
console.log('re2js, team-[a-z]+:', millisecondsOf(() => re2.matches('team-platform')).toFixed(5), 'ms')

for (const length of [20, 24, 28]) {
  const text = `${'a'.repeat(length)}!`
  const start = performance.now()
  new RegExp('^(a+)+$').test(text)
  console.log(`RegExp, ^(a+)+$ on ${length + 1} characters:`, (performance.now() - start).toFixed(1), 'ms')
}
