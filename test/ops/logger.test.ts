/** Logs: only allowed scalar fields reach a line, whatever is passed in, and no error's message but a bug's. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createLogger } from '../../src/ops/logger.ts'
import type { Fields, LogLevel, Logger } from '../../src/ops/logger.ts'
import { Bug } from '../../src/std/assert.ts'
import { Sensitive } from '../../src/std/sensitive.ts'

const MARKER = 'hunter2-marker'

function logger(
  level: LogLevel = 'debug',
  format: 'json' | 'text' = 'json',
): { log: Logger; lines: string[] } {
  const lines: string[] = []
  return { log: createLogger({ level, format, write: (line) => lines.push(line) }), lines }
}

test('a line is JSON with time, level, message and the given fields', () => {
  const { log, lines } = logger()
  log.info('mirror written', { object: 'Secret/a/b', count: 3, enabled: true, reason: null })
  const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>
  assert.match(String(line['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  const { time: _, ...rest } = line
  assert.deepEqual(rest, {
    level: 'info',
    object: 'Secret/a/b',
    count: 3,
    enabled: true,
    reason: null,
    msg: 'mirror written',
  })
})

test('lines below the level are not written', () => {
  const { log, lines } = logger('warn')
  log.debug('a')
  log.info('b')
  log.warn('c')
  log.error('d')
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { msg: string }).msg),
    ['c', 'd'],
  )
})

test('objects, errors and unknown fields are left out even where the types were overruled', () => {
  const { log, lines } = logger()
  const wrong = {
    object: { data: { password: MARKER } },
    reason: new Error(MARKER),
    why: [MARKER],
    origin: new Sensitive(MARKER),
    data: MARKER,
    err: new Error(MARKER),
    toString: MARKER,
    code: 409,
  } as unknown as Fields
  log.error('write refused', wrong)
  assert.ok(!lines.join('').includes(MARKER), lines.join(''))
  assert.equal((JSON.parse(lines[0] ?? '') as { code: number }).code, 409)
})

test('field paths, which can hold key names, are written at debug only', () => {
  const { log, lines } = logger()
  log.debug('a', { fields: 'data[tls.crt]' })
  log.info('b', { fields: 'data[tls.crt]' } as Fields)
  assert.deepEqual(
    lines.map((line) => line.includes('tls.crt')),
    [true, false],
  )
})

test('a long field is cut', () => {
  const { log, lines } = logger()
  log.info('a', { message: 'x'.repeat(10_000) })
  assert.ok((lines[0] ?? '').length < 1_200)
})

test('a bug of ours is written with its message and stack', () => {
  const { log, lines } = logger()
  log.bug(new Bug('plans never end'))
  const line = JSON.parse(lines[0] ?? '') as Record<string, string>
  assert.equal(line['error'], 'Bug')
  assert.match(line['stack'] ?? '', /plans never end\n {4}at /)
})

test('any other error is written without its message, which may quote what was read', () => {
  const { log, lines } = logger()
  for (const error of [
    parseFailure(),
    new TypeError(`${MARKER}\n${MARKER}`),
    MARKER,
    { message: MARKER },
    new Error('x', { cause: MARKER }),
  ])
    log.bug(error)
  assert.equal(lines.length, 5)
  assert.ok(!lines.join('').includes('hunter2'), lines.join(''))
  assert.match(lines[0] ?? '', /SyntaxError.*logger\.test\.ts/)
})

test('the text format is one readable line, and no name can break it', () => {
  const { log, lines } = logger('info', 'text')
  log.warn('lease lost', { holder: 'pod-1', reason: 'a b', object: 'x\nlevel=error' })
  assert.match(
    lines[0] ?? '',
    /^\d\d:\d\d:\d\d\.\d{3} WARN  lease lost holder=pod-1 reason="a b" object="x\\nlevel=error"\n$/,
  )
})

function parseFailure(): unknown {
  try {
    return JSON.parse(MARKER)
  } catch (error: unknown) {
    return error
  }
}
