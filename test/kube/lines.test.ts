/** Lines come out as they were sent, however the network cuts them, and never beyond their bound. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { LINE_BYTES_MAX, LineSplitter } from '../../src/kube/lines.ts'

function split(chunks: readonly Buffer[], bytesMax?: number): { lines: string[]; pushed: string[] } {
  const lines: string[] = []
  const splitter = new LineSplitter((line) => lines.push(line.toString('utf8')) > 0, bytesMax)
  return { lines, pushed: chunks.map((chunk) => splitter.push(chunk)) }
}

test('lines are the same for every way of cutting the bytes into chunks', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'é', '\u2028', '\r', '\u0085', '😀', '"'),
    maxLength: 60,
  })
  fc.assert(
    fc.property(fc.array(text, { maxLength: 12 }), fc.array(fc.nat(400), { maxLength: 30 }), (sent, cuts) => {
      const bytes = Buffer.from(sent.map((line) => `${line}\n`).join(''))
      const at = [...new Set([0, ...cuts.filter((cut) => cut < bytes.length), bytes.length])].sort(
        (a, b) => a - b,
      )
      const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end))
      assert.deepEqual(
        split(chunks).lines,
        sent.filter((line) => line !== ''),
      )
    }),
  )
})

test('a line that has no end yet is not handed on', () => {
  assert.deepEqual(split([Buffer.from('one\ntwo')]).lines, ['one'])
})

test('a line of exactly the bound passes, and one byte more is refused, whole or in pieces', () => {
  const fits = Buffer.from(`${'x'.repeat(100)}\n`)
  const over = Buffer.from(`${'x'.repeat(101)}\n`)
  assert.deepEqual(split([fits], 100).pushed, ['ok'])
  assert.deepEqual(split([over], 100).pushed, ['oversized'])
  assert.deepEqual(split([over.subarray(0, 60), over.subarray(60)], 100).pushed, ['ok', 'oversized'])
  assert.deepEqual(split([over.subarray(0, 101)], 100).pushed, ['oversized'])
})

test('the metadata of a 1 MiB Secret fits several times over, and 10 MB do not', () => {
  assert.ok(LINE_BYTES_MAX > 4 * 1024 * 1024)
  assert.ok(LINE_BYTES_MAX < 10_000_000)
})

test('a long line in tiny chunks is copied a bounded number of times', (t) => {
  const line = Buffer.from(`${'x'.repeat(300_000)}\n`)
  let copied = 0
  t.mock.method(Buffer.prototype, 'copy', function copy(this: Buffer, to: Buffer, ...range: number[]) {
    const [at = 0, from = 0, until = this.length] = range
    copied += until - from
    to.set(this.subarray(from, until), at)
    return until - from
  })
  const chunks = Array.from({ length: line.length }, (_, index) => line.subarray(index, index + 1))
  assert.equal(split(chunks).lines[0]?.length, 300_000)
  assert.ok(copied >= line.length - 2 && copied < 4 * line.length, `${copied} bytes were copied`)
})

test('a receiver that wants no more gets no more', () => {
  const lines: string[] = []
  const splitter = new LineSplitter((line) => lines.push(line.toString()) < 2)
  assert.equal(splitter.push(Buffer.from('a\nb\nc\n')), 'stopped')
  assert.deepEqual(lines, ['a', 'b'])
})
