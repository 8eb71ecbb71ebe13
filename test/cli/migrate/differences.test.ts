/** The page about migrating lists every difference as the table has it, and every exit code; a word that a sentence lacks is a bug. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { difference, DIFFERENCES, worstOf } from '../../../src/cli/migrate/differences.ts'
import { EXIT_CODES } from '../../../src/cli/migrate/report.ts'
import { helpText } from '../../../src/config/help.ts'
import { code, table } from '../../docs/markdown.ts'

const page = readFileSync(join(import.meta.dirname, '../../../docs/migrating.md'), 'utf8')

test('docs/migrating.md has the table of differences as it is today', () => {
  const rows = Object.entries(DIFFERENCES).map(([name, { severity, sentence, nextStep }]) => [
    code(name),
    severity,
    sentence,
    nextStep,
  ])
  const expected = table(['code', '', 'what it says', 'what to do'], rows)
  assert.ok(page.includes(expected), `The section «Every difference» is stale; it should hold:\n${expected}`)
})

test('the page and help state every exit code', () => {
  const help = helpText().replaceAll(/\s+/g, ' ')
  for (const exitCode of Object.values(EXIT_CODES)) {
    assert.match(page, new RegExp(`^\\| ${exitCode} \\| `, 'm'))
    assert.match(help, new RegExp(`${exitCode} (nothing|warnings|blockers|a mistake|it could)`))
  }
})

test('every word of a sentence must be given, and no value is asked for', () => {
  assert.throws(() => difference('bad-pattern', { annotation: 'a' }), /lacks the word reason/)
  assert.equal(
    difference('bad-pattern', { annotation: 'a/b', reason: 'r' }).sentence.startsWith('Annotation a/b: r. '),
    true,
  )
  for (const { sentence, nextStep } of Object.values(DIFFERENCES))
    assert.doesNotMatch(sentence + nextStep, /\{(value|text|pattern|selector)\}/)
})

test('the gravest counts', () => {
  const [note, warning, blocker] = [
    difference('own-namespace'),
    difference('chooses-nothing', { how: 'h' }),
    difference('refused-type'),
  ]
  assert.equal(worstOf([]), null)
  assert.equal(worstOf([note]), 'note')
  assert.equal(worstOf([warning, note]), 'warning')
  assert.equal(worstOf([note, blocker, warning]), 'blocker')
})
