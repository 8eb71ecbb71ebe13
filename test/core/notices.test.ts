/** Notices are filled from names, counts and fixed reasons, stay within the bound of an Event, and keep each side to what it may learn. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { NOTICES, NOTICE_CODES, notice } from '../../src/core/notices.ts'
import type { NoticeEntry, NoticeSubject } from '../../src/core/notices.ts'
import type { Uid } from '../../src/core/names.ts'

const SUBJECT: NoticeSubject = { kind: 'Secret', namespace: 'shared', name: 'registry', uid: 'u' as Uid }

function wordsOf({ sentence, nextStep }: NoticeEntry): readonly string[] {
  return [...`${sentence} ${nextStep}`.matchAll(/\{([^}]*)\}/g)].map(([, word]) => word ?? '')
}

function filled(entry: NoticeEntry, value: string): Record<string, string> {
  return Object.fromEntries(wordsOf(entry).map((word) => [word, value]))
}

test('every notice says what is and what to do next, with every brace filled', () => {
  for (const code of NOTICE_CODES) {
    const entry = NOTICES[code]
    const { message } = notice(code, SUBJECT, filled(entry, 'team-a/x'))
    assert.doesNotMatch(message, /[{}]/, code)
    assert.ok(entry.nextStep.length > 0 && message.length > entry.nextStep.length, code)
  }
})

test('a word that is missing is a mistake of ours', () => {
  assert.throws(() => notice('OriginHeld', SUBJECT, { annotation: 'keys' }), /lacks the word reason/)
})

test('what is filled in is never read as a template', () => {
  const { message } = notice('OriginHeld', SUBJECT, { annotation: '{reason}', reason: '$& $1 {annotation}' })
  assert.ok(message.startsWith('Annotation {reason}: $& $1 {annotation}. '))
})

test('a message stays within the bound of an Event', () => {
  for (const code of NOTICE_CODES) {
    const { message } = notice(code, SUBJECT, filled(NOTICES[code], 'x'.repeat(2_000)))
    assert.ok(message.length <= 1_000, code)
  }
  const { message } = notice('MirrorContested', SUBJECT, { managers: 'm'.repeat(2_000) })
  assert.ok(message.endsWith('…'))
})

test('an Event about an origin never says which target, nor why a target said no', () => {
  const told = new Set(['annotation', 'reason', 'validator', 'count', 'limit'])
  for (const code of NOTICE_CODES) {
    const entry: NoticeEntry = NOTICES[code]
    if (entry.about !== 'origin') continue
    for (const word of wordsOf(entry)) assert.ok(told.has(word), `${code}: ${word}`)
    if (entry.sentence.includes('{count}')) assert.ok(!entry.sentence.includes('{reason}'), code)
  }
})

test('absent, unannotated and not-permitted origins have one notice, so that whoever asks cannot tell them apart', () => {
  const codes = NOTICE_CODES.filter((code) => code.startsWith('Pull'))
  assert.deepEqual(codes.sort(), ['PullFlawed', 'PullRefused', 'PullUnavailable'])
  assert.deepEqual(wordsOf(NOTICES.PullUnavailable).toSorted(), ['origin', 'prefix'])
})

test('a refusal, a loss or a hold is a Warning; what went as it should is Normal', () => {
  const normal = NOTICE_CODES.filter((code) => NOTICES[code].type === 'Normal')
  assert.deepEqual(normal.sort(), [
    'MirrorReleased',
    'MirrorReplaced',
    'NamespaceCreated',
    'OriginReleased',
    'OriginReplaced',
    'PeerRemoved',
  ])
})
