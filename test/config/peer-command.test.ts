/** `heliograph peer …` is read whole or refused: its own flags anywhere, everything else left for the settings. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { parseCommand } from '../../src/config/command.ts'
import { helpText } from '../../src/config/help.ts'
import { PEER_ADD_FLAGS } from '../../src/config/peer-command.ts'

const PLAIN = {
  action: 'add',
  name: 'east',
  peerKubeconfig: 'f',
  peerContext: null,
  server: null,
  namespaces: null,
  origins: null,
  accountNamespace: 'heliograph',
  account: 'heliograph-peer',
  tokenLifetimeMs: 90 * 86_400_000,
  isRenewal: false,
  isDryRun: false,
} as const

const read = (...argv: readonly string[]) => parseCommand(['peer', ...argv])

test('without flags a peer is the whole cluster, with an account of fixed name and a token for 90 days', () => {
  assert.deepEqual(read('add', 'east', '--peer-kubeconfig=f'), {
    ok: true,
    value: { kind: 'peer', peer: PLAIN, flags: [] },
  })
})

test('its own flags are taken wherever they stand, in both spellings, and the others stay in order', () => {
  const flags = ['--kubeconfig', 'home', '--kinds=Secret']
  const argv = [
    '--kubeconfig',
    'home',
    '--namespaces',
    'b,a',
    '--dry-run',
    '--kinds=Secret',
    '--peer-kubeconfig=f',
  ]
  const more = [
    '--origins=x/*',
    '--renew',
    '--token-lifetime=2h',
    '--peer-server=https://a:6443',
    '--account=b',
  ]
  const peer = {
    ...PLAIN,
    namespaces: ['b', 'a'],
    origins: 'x/*',
    isDryRun: true,
    isRenewal: true,
    tokenLifetimeMs: 7_200_000,
    server: 'https://a:6443',
    account: 'b',
  }
  assert.deepEqual(read('add', 'east', ...argv, ...more), { ok: true, value: { kind: 'peer', peer, flags } })
})

test('a context of home’s own kubeconfig is enough', () => {
  const parsed = read('add', 'east', '--peer-context=east-admin')
  const peer = { ...PLAIN, peerKubeconfig: null, peerContext: 'east-admin' }
  assert.deepEqual(parsed, { ok: true, value: { kind: 'peer', peer, flags: [] } })
})

test('what is missing, doubled or malformed is refused by the name of its flag', () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [[], 'peer add'],
    [['--peer-kubeconfig'], '--peer-kubeconfig'],
    [['--peer-kubeconfig=f', '--namespaces='], '--namespaces'],
    [['--peer-kubeconfig=f', '--namespaces=a,*'], '--namespaces'],
    [['--peer-kubeconfig=f', '--namespaces=a,a'], '--namespaces'],
    [['--peer-kubeconfig=f', '--origins=a{'], '--origins'],
    [['--peer-kubeconfig=f', '--token-lifetime=9m'], '--token-lifetime'],
    [['--peer-kubeconfig=f', '--token-lifetime=400d'], '--token-lifetime'],
    [['--peer-kubeconfig=f', '--peer-server=http://a'], '--peer-server'],
    [['--peer-kubeconfig=f', '--peer-server=https://a/b'], '--peer-server'],
    [['--peer-kubeconfig=f', '--account=A'], '--account'],
    [['--peer-kubeconfig=f', '--account-namespace=a.b'], '--account-namespace'],
    [['--peer-kubeconfig=f', '--dry-run=false'], '--dry-run'],
    [['--peer-kubeconfig=f', '--peer-kubeconfig=g'], '--peer-kubeconfig'],
  ]
  for (const [argv, where] of cases) {
    const parsed = read('add', 'east', ...argv)
    assert.equal(parsed.ok, false, argv.join(' '))
    assert.deepEqual(parsed.ok ? [] : parsed.failure.map((each) => each.where), [where], argv.join(' '))
  }
})

test('the other actions take a name, and only clean takes --yes', () => {
  assert.deepEqual(read('list', '--context=x'), {
    ok: true,
    value: { kind: 'peer', peer: { action: 'list' }, flags: ['--context=x'] },
  })
  for (const action of ['check', 'forget'])
    assert.deepEqual(read(action, 'east', '--yes'), {
      ok: true,
      value: { kind: 'peer', peer: { action, name: 'east' }, flags: ['--yes'] },
    })
  for (const isConfirmed of [true, false])
    assert.deepEqual(read('clean', 'east', ...(isConfirmed ? ['--yes'] : []), '--context=x'), {
      ok: true,
      value: { kind: 'peer', peer: { action: 'clean', name: 'east', isConfirmed }, flags: ['--context=x'] },
    })
  for (const argv of [
    [],
    ['remove', 'east'],
    ['check'],
    ['check', '--yes'],
    ['clean', 'East'],
    ['add', 'a'.repeat(201)],
  ])
    assert.equal(read(...argv).ok, false, argv.join(' '))
})

test('help shows every flag of peer add', () => {
  for (const { flag } of PEER_ADD_FLAGS) assert.match(helpText(), new RegExp(`^  ${flag}(=|$)`, 'm'))
})
