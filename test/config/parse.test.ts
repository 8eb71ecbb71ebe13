/** Settings: every default parses, every mistake is told at once with its flag, rule and value, nothing unknown is passed over. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { OPTIONS, OPTION_KEYS, OPTION_VIEWS } from '../../src/config/options.ts'
import { NAMESPACE_FILE, parseSettings, sentenceOf } from '../../src/config/parse.ts'
import type { Environment, Mistake, TextFiles } from '../../src/config/parse.ts'
import type { Settings } from '../../src/config/settings.ts'

const NO_FILES: TextFiles = () => null

function settings(argv: readonly string[], env: Environment = {}, files = NO_FILES): Settings {
  const parsed = parseSettings(argv, env, files)
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.failure.map(sentenceOf).join('\n'))
  return parsed.value
}

function mistakes(argv: readonly string[], env: Environment = {}, files = NO_FILES): readonly Mistake[] {
  const parsed = parseSettings(argv, env, files)
  assert.ok(!parsed.ok, 'no mistake was found')
  return parsed.failure
}

const where = (found: readonly Mistake[]): readonly string[] => found.map((mistake) => mistake.where)

test('nothing given: the defaults of the contract', () => {
  const { rules, ...rest } = settings([])
  assert.equal(rules.prefix, 'heliograph.dev/')
  assert.deepEqual(rules.kinds, ['Secret', 'ConfigMap'])
  assert.equal(rules.ownNamespace, 'heliograph')
  assert.equal(rules.graceMs, 5_000)
  assert.equal(rules.consent, 'open')
  assert.ok(rules.originNamespaces.matches('any') && rules.targetNamespaces.matches('any'))
  assert.ok(rules.protectedNamespaces.matches('kube-public') && !rules.protectedNamespaces.matches('team-a'))
  assert.equal(rules.allowedNamespaces.includes || rules.trustedOrigins.includes, false)
  assert.deepEqual([...rules.dialects.read], ['reflector', 'replicator', 'kubed', 'sync'])
  assert.deepEqual(rules.dialects.prefixes, {
    reflector: 'reflector.v1.k8s.emberstack.com/',
    replicator: 'replicator.v1.mittwald.de/',
    kubed: 'kubed.appscode.com/',
    sync: 'sync.example.com/',
  })
  assert.equal(rules.dialects.takeOver.includes || rules.dialects.reflectorExcluded.includes, false)
  assert.deepEqual(rest, {
    kubeconfig: null,
    context: null,
    namespaces: null,
    writesInFlightMax: 32,
    renderingBytesMax: 64 * 1_024 ** 2,
    sweepIntervalMs: 86_400_000,
    sweepReadsPerSecondMax: 20,
    auditIntervalMs: 1_800_000,
    peerProxies: false,
    peerTokenRenewal: false,
    createNamespaces: false,
    leaderElection: true,
    listenHost: '',
    listenPort: 8_080,
    logLevel: 'info',
    logFormat: 'json',
    drainMs: 10_000,
  })
})

test('every default is accepted by its own parser', () => {
  for (const { key, row } of OPTION_VIEWS) if (row.default !== null) assert.ok(row.parse(row.default).ok, key)
})

test('flags and variables are unique, and each row is written as its key says', () => {
  assert.equal(new Set(OPTION_VIEWS.map(({ flag }) => flag)).size, OPTION_KEYS.length)
  assert.equal(new Set(OPTION_VIEWS.map(({ variable }) => variable)).size, OPTION_KEYS.length)
  const view = OPTION_VIEWS.find(({ key }) => key === 'writesInFlightMax')
  assert.equal(view?.flag, '--writes-in-flight-max')
  assert.equal(view?.variable, 'HELIOGRAPH_WRITES_IN_FLIGHT_MAX')
  assert.equal(view?.helm, 'settings.writesInFlightMax')
})

test('a flag takes its value after an equals sign or as the next word, and beats its variable', () => {
  assert.equal(settings(['--drain=3s']).drainMs, 3_000)
  assert.equal(settings(['--drain', '3s']).drainMs, 3_000)
  assert.equal(settings(['--drain=3s'], { HELIOGRAPH_DRAIN: '4s' }).drainMs, 3_000)
  assert.equal(settings([], { HELIOGRAPH_DRAIN: '4s' }).drainMs, 4_000)
  assert.equal(settings(['--kubeconfig=/a=b', '--context=x']).kubeconfig, '/a=b')
})

test('all mistakes come at once, each with where, rule and value', () => {
  const found = mistakes(
    ['--drain', '5', '--drain=6s', '--origin-namespace', 'a', 'word', '--context=x', '--listen'],
    { HELIOGRAPH_KINDS: 'Secret,Pod', HELIOGRAPH_SWEEPS: '1', HELIOGRAPH_LOG_LEVEL: 'loud' },
  )
  assert.deepEqual(where(found).toSorted(), [
    '--context',
    '--drain',
    '--drain',
    '--listen',
    '--origin-namespace',
    'HELIOGRAPH_KINDS',
    'HELIOGRAPH_LOG_LEVEL',
    'HELIOGRAPH_SWEEPS',
    'word',
  ])
  const lines = found.map(sentenceOf)
  assert.ok(lines.includes('--origin-namespace: no such flag; did you mean --origin-namespaces?'))
  assert.ok(lines.includes('HELIOGRAPH_LOG_LEVEL: must be one of debug, info, warn, error; it is "loud"'))
  assert.ok(lines.some((line) => line.startsWith('--drain: must be a whole number with a unit')))
})

test('a long or odd value is shown on one line and cut', () => {
  const [mistake] = mistakes([`--log-level=\n${'x'.repeat(500)}`])
  assert.ok(mistake !== undefined)
  const line = sentenceOf(mistake)
  assert.ok(!line.includes('\n') && line.length < 250, line)
})

test('unknown variables of ours are refused; others, and those of the project’s tests, are not looked at', () => {
  assert.deepEqual(where(mistakes([], { HELIOGRAPH_CONSENTS: 'x' })), ['HELIOGRAPH_CONSENTS'])
  assert.equal(settings([], { HELIOGRAPH_TEST_KUBECONFIG: '/x', PATH: '/bin' }).kubeconfig, null)
})

test('variables that Kubernetes makes for a Service of our name are refused with the way out', () => {
  for (const name of ['HELIOGRAPH_PORT', 'HELIOGRAPH_SERVICE_HOST', 'HELIOGRAPH_PORT_8080_TCP_ADDR']) {
    const [mistake] = mistakes([], { [name]: 'tcp://10.0.0.1:8080' })
    assert.match(mistake?.rule ?? '', /enableServiceLinks: false/, name)
  }
})

test('an empty KUBECONFIG means none, as for other programs; an empty variable of ours is a mistake', () => {
  assert.equal(settings([], { KUBECONFIG: '' }).kubeconfig, null)
  assert.equal(settings([], { KUBECONFIG: '/k' }).kubeconfig, '/k')
  assert.deepEqual(where(mistakes([], { HELIOGRAPH_DRAIN: '' })), ['HELIOGRAPH_DRAIN'])
})

test('the own namespace comes from POD_NAMESPACE, else the service account, else heliograph', () => {
  const files: TextFiles = (path) => (path === NAMESPACE_FILE ? 'kube-system\n' : null)
  assert.equal(settings([], { POD_NAMESPACE: 'a' }, files).rules.ownNamespace, 'a')
  assert.equal(settings([], {}, files).rules.ownNamespace, 'kube-system')
  assert.equal(settings([]).rules.ownNamespace, 'heliograph')
  assert.deepEqual(where(mistakes([], {}, () => 'No Name')), [NAMESPACE_FILE])
  assert.deepEqual(where(mistakes([], { POD_NAMESPACE: 'No' })), ['POD_NAMESPACE'])
})

test('the own namespace is protected whatever the list says', () => {
  for (const list of ['', 'kube-*', '*, !mine', '!mine']) {
    const { rules } = settings([`--protected-namespaces=${list}`], { POD_NAMESPACE: 'mine' })
    assert.ok(rules.protectedNamespaces.matches('mine'), list)
  }
})

test('a scope that could never match is refused; an empty list elsewhere means none', () => {
  assert.deepEqual(where(mistakes(['--origin-namespaces=', '--target-namespaces=!a'])), [
    '--origin-namespaces',
    '--target-namespaces',
  ])
  assert.ok(!settings(['--protected-namespaces=']).rules.protectedNamespaces.matches('kube-system'))
})

test('helm.sh/release.v1 stays refused, and cannot be taken out', () => {
  assert.deepEqual([...settings(['--refused-types=']).rules.refusedTypes], ['helm.sh/release.v1'])
  assert.deepEqual(where(mistakes(['--refused-types=@defaults, !helm.sh/release.v1'])), ['--refused-types'])
})

test('@defaults adds to a default list, and an exclusion takes from it', () => {
  const { rules } = settings([
    '--refused-types=@defaults, example.com/t, !bootstrap.kubernetes.io/token',
    '--refused-keys=@defaults,example.com/*,!istio/multiCluster',
    '--refused-names=@defaults,!ConfigMap/istio-ca-root-cert,Secret/x',
    '--protected-namespaces=@defaults, default',
  ])
  assert.deepEqual([...rules.refusedTypes].toSorted(), [
    'example.com/t',
    'helm.sh/release.v1',
    'kubernetes.io/service-account-token',
  ])
  assert.ok(rules.refusedKeys.matches('cluster.x-k8s.io/a') && rules.refusedKeys.matches('example.com/a'))
  assert.ok(!rules.refusedKeys.matches('istio/multiCluster'))
  assert.ok(rules.refusedNames.has('Secret/x') && !rules.refusedNames.has('ConfigMap/istio-ca-root-cert'))
  assert.ok(rules.protectedNamespaces.matches('default') && rules.protectedNamespaces.matches('kube-x'))
})

test('dialects says whose annotations are read beside our own, and a blank list nobody’s', () => {
  const read = (text: string): readonly string[] => [...settings([`--dialects=${text}`]).rules.dialects.read]
  assert.deepEqual(read('kubed, reflector'), ['reflector', 'kubed'])
  assert.deepEqual(read(''), [])
  const [mistake] = mistakes([], { HELIOGRAPH_DIALECTS: 'reflector, flux' })
  assert.equal(mistake?.where, 'HELIOGRAPH_DIALECTS')
  assert.match(mistake.rule, /^must be a list of reflector, replicator, kubed, sync/)
})

test('each dialect has a prefix of its own, which may be moved', () => {
  const { rules } = settings([
    '--reflector-prefix=a.example/',
    '--replicator-prefix=b.example/',
    '--kubed-prefix=c.example/',
    '--sync-prefix=d.example/',
  ])
  assert.deepEqual(rules.dialects.prefixes, {
    reflector: 'a.example/',
    replicator: 'b.example/',
    kubed: 'c.example/',
    sync: 'd.example/',
  })
})

test('two dialects with one prefix are refused, ours among them, also where one of them is not read', () => {
  const equal = ['--kubed-prefix=a.example/', '--sync-prefix=a.example/']
  assert.deepEqual(where(mistakes(equal)), ['--sync-prefix'])
  assert.deepEqual(where(mistakes([...equal, '--dialects='])), ['--sync-prefix'])
  assert.deepEqual(where(mistakes(['--reflector-prefix=heliograph.dev/'])), ['--reflector-prefix'])
  assert.deepEqual(where(mistakes(['--prefix=kubed.appscode.com/'])), ['--kubed-prefix'])
  const three = mistakes([...equal, '--replicator-prefix=a.example/'])
  assert.deepEqual(where(three).toSorted(), ['--kubed-prefix', '--sync-prefix'])
  assert.equal(three[0] === undefined ? '' : sentenceOf(three[0]).includes('prefix of another dialect'), true)
})

test('takeOver and the excluded namespaces of reflector are globs', () => {
  const { dialects } = settings([
    '--replicator-take-over=shared/*, !shared/x',
    '--reflector-excluded-namespaces=infra-*',
  ]).rules
  assert.ok(dialects.takeOver.matches('shared/a') && !dialects.takeOver.matches('shared/x'))
  assert.ok(!dialects.takeOver.matches('other/a'))
  assert.ok(dialects.reflectorExcluded.matches('infra-a') && !dialects.reflectorExcluded.matches('a'))
  assert.deepEqual(
    where(mistakes(['--replicator-take-over={a', '--reflector-excluded-namespaces=**'])).toSorted(),
    ['--reflector-excluded-namespaces', '--replicator-take-over'],
  )
})

test('settings that contradict each other are refused', () => {
  assert.deepEqual(where(mistakes(['--context=x'])), ['--context'])
  assert.equal(settings(['--context=x'], { KUBECONFIG: '/k' }).context, 'x')
  assert.deepEqual(where(mistakes(['--sweep-interval=10m', '--audit-interval=11m'])), ['--audit-interval'])
})

const ACCEPTED: readonly (readonly [keyof typeof OPTIONS, string, unknown])[] = [
  ['deletionGrace', '0s', 0],
  ['deletionGrace', '1500ms', 1_500],
  ['sweepInterval', '30d', 2_592_000_000],
  ['bytesPerOriginMax', '1048576', 1_048_576],
  ['bytesPerOriginMax', '2Gi', 2_147_483_648],
  ['writesInFlightMax', '64', 64],
  ['kinds', 'ConfigMap', ['ConfigMap']],
  ['listen', '127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  ['listen', '[::1]:8080', { host: '::1', port: 8_080 }],
  ['prefix', 'mirror.example.com/', 'mirror.example.com/'],
  ['dialects', 'sync', new Set(['sync'])],
  ['dialects', '', new Set()],
  ['syncPrefix', 'sync.acme.example/', 'sync.acme.example/'],
]

for (const [key, text, value] of ACCEPTED) {
  test(`${key} takes ${text}`, () => assert.deepEqual(OPTIONS[key].parse(text), { ok: true, value }))
}

const REFUSED: readonly (readonly [keyof typeof OPTIONS, readonly string[]])[] = [
  ['deletionGrace', ['', '5', '-5s', '1.5s', '5 s', '25h', '5S', '1h30m']],
  ['sweepInterval', ['9m', '31d', '999999999999s']],
  ['bytesPerOriginMax', ['64MB', '1Ki', '1.5Gi', '-1']],
  ['writesInFlightMax', ['0', '1', '65', '08', '1e1', '']],
  ['leaderElection', ['True', 'yes', '1', '']],
  ['consent', ['Open', '']],
  ['kinds', ['', 'Secret, Secret', 'secret']],
  ['listen', ['8080', ':65536', 'a b:1', '::1:80', '']],
  [
    'prefix',
    ['heliograph.dev', 'heliograph/', '/', 'Heliograph.dev/', 'a.kubernetes.io/', 'k8s.io/', 'a.b//'],
  ],
  ['namespace', ['', 'a.b', 'A']],
  ['refusedTypes', ['a b', '!']],
  ['refusedNames', ['kube-root-ca.crt', 'Pod/a', 'Secret/A', 'Secret/a/b']],
  ['neverCarry', ['{a', '+(a)']],
  ['dialects', ['heliograph', 'Reflector', 'kubed, kubed', '@defaults', '*']],
  ['reflectorPrefix', ['', 'reflector', 'example.com', 'a.kubernetes.io/', 'a.b/c/']],
  ['replicatorTakeOver', ['**', '{a']],
  ['kubeconfig', ['', ' ', 'a\0b']],
]

for (const [key, texts] of REFUSED) {
  test(`${key} refuses what breaks its rule`, () => {
    for (const text of texts) assert.equal(OPTIONS[key].parse(text).ok, false, JSON.stringify(text))
  })
}
