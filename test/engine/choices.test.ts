/** Which choice an origin's places were found by. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Choices } from '../../src/engine/choices.ts'
import { readOrigin } from '../../src/core/dialects/table.ts'
import type { OriginView } from '../../src/engine/origins.ts'
import { RULES } from '../core/rules.ts'
import { object } from './things.ts'

function offering(globs: string): OriginView {
  const meta = object('src/db', { annotations: { 'reflect-to': globs } })
  const reading = readOrigin(meta, RULES)
  assert.ok(reading.kind === 'policy')
  return { meta, reading }
}

test('an origin that goes back to an old choice before the new one was matched whole is matched again', () => {
  const choices = new Choices()
  choices.remember(offering('a*'))
  assert.equal(choices.isAsBefore(offering('a*')), true)
  assert.equal(choices.isAsBefore(offering('b*')), false)
  assert.equal(choices.isAsBefore(offering('a*')), false)
  choices.remember(offering('a*'))
  assert.equal(choices.isAsBefore(offering('a*')), true)
})
