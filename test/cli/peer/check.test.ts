/** What `peer check` finds of clocks and credentials, and how failures and tables read. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  clockFinding,
  excessFindings,
  expiryFinding,
  otherCluster,
  serverFinding,
} from '../../../src/cli/peer/check.ts'
import { expiryText } from '../../../src/cli/peer/list.ts'
import { lifetimeText } from '../../../src/cli/peer/manifests-text.ts'
import { reasonOf, refused, said, tableOf } from '../../../src/cli/peer/told.ts'
import type { ObjectMeta } from '../../../src/core/objects.ts'
import { Sensitive } from '../../../src/std/sensitive.ts'
import { FakeClock } from '../../kube/fake-clock.ts'
import { plainAccess } from '../../kube/rig.ts'

const DAY_MS = 86_400_000

function token(expiresAtMs: number) {
  const claims = Buffer.from(JSON.stringify({ exp: expiresAtMs / 1_000 })).toString('base64url')
  return plainAccess('https://a', { token: { kind: 'fixed', token: new Sensitive(`h.${claims}.s`) } })
}

test('a clock is judged by when its answer was seen, not by when it is asked about', async () => {
  const clock = new FakeClock()
  const seen = { wallMs: clock.wall(), seenAtMs: clock.now() }
  await clock.advance(3_600_000)
  const found = (offMs: number) =>
    clockFinding({ clock }, { serverTimeMs: { ...seen, wallMs: seen.wallMs + offMs } })
  assert.deepEqual([found(0).verdict, found(0).sentence], ['ok', 'agrees with the one here'])
  assert.deepEqual(
    [found(-30_000).verdict, found(-30_000).sentence],
    ['ok', '30 seconds behind the one here'],
  )
  assert.deepEqual(
    [found(90_000).verdict, found(90_000).sentence],
    ['warn', '90 seconds ahead of the one here'],
  )
  assert.equal(clockFinding({ clock }, { serverTimeMs: null }).verdict, 'warn')
})

test('a credential that is over fails, one of a few days is warned of, one that says nothing passes', () => {
  const nowMs = new FakeClock().wall()
  const verdict = (leftMs: number): string => expiryFinding(token(nowMs + leftMs), nowMs).verdict
  assert.deepEqual(
    [verdict(-1_000), verdict(0), verdict(6 * DAY_MS), verdict(8 * DAY_MS)],
    ['FAIL', 'FAIL', 'warn', 'ok'],
  )
  assert.equal(expiryFinding(plainAccess('https://a'), nowMs).verdict, 'ok')
  assert.match(expiryText(nowMs + 8 * DAY_MS, nowMs), /^\d{4}-\d\d-\d\d \(8d\)$/)
  assert.match(expiryText(nowMs + 3_600_000, nowMs), /\(1h\)$/)
})

test('a credential for single namespaces that may list everywhere fails, one for the whole peer may', () => {
  const verdicts = (namespaces: readonly string[] | null, mayListAll: boolean): readonly string[] =>
    excessFindings({ namespaces }, mayListAll).map(({ verdict }) => verdict)
  assert.deepEqual(verdicts(['a'], true), ['FAIL'])
  assert.deepEqual(verdicts(['a'], false), [])
  assert.deepEqual(verdicts(null, true), [])
})

test('a refused credential and a silent address come with the next step', () => {
  const { verdict, sentence } = serverFinding('east', 'https://a', { kind: 'unauthorized' })
  assert.equal(verdict, 'FAIL')
  assert.match(sentence, /^https:\/\/a: the credential is refused\. .*heliograph peer add east .*--renew$/)
  const silent = serverFinding('east', 'https://a', { kind: 'unanswered', why: 'refused' })
  assert.match(silent.sentence, /nothing answers at its address\. .*--peer-server$/)
})

test('another cluster than the Secret means is put right by a command, into which no word of the peer goes that could do anything', () => {
  const meta = { namespace: 'heliograph', name: 'heliograph-peer-east' } as unknown as ObjectMeta
  const words = (known: string): string =>
    otherCluster({ known, written: 'old', secret: { meta }, key: 'heliograph.dev/peer-identity' })
  assert.match(
    words('new-1'),
    /kubectl -n heliograph annotate --overwrite secret heliograph-peer-east heliograph\.dev\/peer-identity=new-1;/,
  )
  assert.match(words('$(reboot)'), /peer-identity=…;/)
})

test('how long a token is asked to last is said in the largest unit that fits', () => {
  assert.deepEqual([90 * DAY_MS, 36 * 3_600_000, 600_000, 601_000].map(lifetimeText), [
    '90 d',
    '36 h',
    '10 min',
    '601 s',
  ])
})

test('why there was no answer is said in words', () => {
  assert.equal(reasonOf({ kind: 'unanswered', why: 'refused' }), 'nothing answers at its address')
  assert.equal(reasonOf({ kind: 'unanswered', why: 'tls' }), 'its certificate cannot be verified')
  assert.equal(reasonOf({ kind: 'server', code: 503, retryAfterMs: null }), 'it answers 503')
})

test('columns are as wide as their widest cell, and no line ends with blanks', () => {
  assert.deepEqual(
    tableOf([
      ['A', 'B', 'C'],
      ['long', 'x', ''],
    ]),
    ['A     B  C', 'long  x'],
  )
})

test('what others wrote steers no terminal', () => {
  assert.equal(said(['a\u001b[2Jb\u202ec', 'd\ne']).output, 'a?[2Jb?c\nd\ne\n')
  assert.equal(refused('a\u0007').complaint, 'heliograph: a?\n')
})
