/** The command line names one command, and help shows every command and setting within a terminal's width. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { COMMANDS, parseCommand } from '../../src/config/command.ts'
import { HELP_COLUMNS, helpText } from '../../src/config/help.ts'
import { OPTION_GROUPS, OPTION_VIEWS } from '../../src/config/options.ts'

test('each command is told from its words, and its flags are left for the settings', () => {
  assert.deepEqual(parseCommand(['run', '--drain=1s']), {
    ok: true,
    value: { kind: 'run', flags: ['--drain=1s'] },
  })
  assert.deepEqual(parseCommand(['release', '3f9c2a71aa', '--namespace=a']), {
    ok: true,
    value: { kind: 'release', id: '3f9c2a71aa', flags: ['--namespace=a'] },
  })
  assert.deepEqual(parseCommand(['identity', 'keep', '--namespace=a']), {
    ok: true,
    value: { kind: 'identity', answer: 'keep', flags: ['--namespace=a'] },
  })
  assert.deepEqual(parseCommand(['version']), { ok: true, value: { kind: 'version' } })
  for (const argv of [['help'], ['--help'], ['-h'], ['run', '--help'], ['release', '-h']])
    assert.deepEqual(parseCommand(argv), { ok: true, value: { kind: 'help' } })
})

test('migrate takes its dash and its --to anywhere, and leaves the other flags for the settings', () => {
  const migrate = (...argv: readonly string[]) => parseCommand(['migrate', ...argv])
  const plain = { kind: 'migrate', fromInput: false, toNative: false, flags: [] }
  assert.deepEqual(migrate(), { ok: true, value: plain })
  const both = { ...plain, fromInput: true, toNative: true, flags: ['--context=x'] }
  assert.deepEqual(migrate('--context=x', '-', '--to=native'), { ok: true, value: both })
  assert.deepEqual(migrate('--to', 'native', '--context=x', '-'), { ok: true, value: both })
  assert.deepEqual(migrate('--help'), { ok: true, value: { kind: 'help' } })
  for (const argv of [['--to=kubed'], ['--to'], ['--to='], ['--to=native', '--to=native']])
    assert.equal(migrate(...argv).ok, false, argv.join(' '))
})

test('migrate takes its own two words anywhere and leaves the flags', () => {
  const plain = { kind: 'migrate', fromInput: false, toNative: false, flags: [] }
  const cases: readonly (readonly [readonly string[], object])[] = [
    [[], plain],
    [['-'], { ...plain, fromInput: true }],
    [['--to=native', '--dialects=kubed'], { ...plain, toNative: true, flags: ['--dialects=kubed'] }],
    [
      ['--context', 'a', '--to', 'native', '-'],
      { ...plain, fromInput: true, toNative: true, flags: ['--context', 'a'] },
    ],
  ]
  for (const [argv, value] of cases)
    assert.deepEqual(parseCommand(['migrate', ...argv]), { ok: true, value }, argv.join(' '))
  for (const argv of [['--to'], ['--to=yaml'], ['--to=native', '--to=native']])
    assert.equal(parseCommand(['migrate', ...argv]).ok, false, argv.join(' '))
})

test('what is no command is refused with what there is', () => {
  for (const argv of [
    [],
    ['start'],
    ['--drain=1s'],
    ['release'],
    ['release', '--namespace=a'],
    ['identity'],
    ['identity', '--namespace=a'],
    ['identity', 'maybe'],
    ['release', 'NOT-HEX'],
    ['version', 'x'],
  ])
    assert.equal(parseCommand(argv).ok, false, argv.join(' '))
  const refused = parseCommand(['start'])
  assert.ok(!refused.ok)
  assert.match(refused.failure[0]?.rule ?? '', /run, release, identity, migrate, peer, version, help$/)
})

test('help names every command, flag and variable, within its width', () => {
  const text = helpText()
  for (const { usage } of COMMANDS) assert.ok(text.includes(`heliograph ${usage}`), usage)
  for (const title of Object.values(OPTION_GROUPS)) assert.ok(text.includes(`\n${title}:\n`), title)
  for (const { flag, variable } of OPTION_VIEWS) assert.ok(text.includes(`${flag}  (${variable})`), flag)
  const long = text
    .split('\n')
    .filter(
      (line) => line.length > HELP_COLUMNS && line.trim().includes(' ') && !line.startsWith('Heliograph'),
    )
  assert.deepEqual(long, [])
  assert.ok(text.endsWith('\n') && !text.endsWith('\n\n'))
})
