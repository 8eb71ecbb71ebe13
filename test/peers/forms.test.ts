/** What a peer Secret may hold: three forms are read as they are, what would run, read or trust anything else is refused by its field, and no value is ever quoted. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'
import { stringify } from 'yaml'

import type { Content } from '../../src/core/objects.ts'
import type { Access } from '../../src/kube/access.ts'
import { TEXT_LENGTH_MAX, parseForm } from '../../src/peers/forms.ts'
import type { PeerForm } from '../../src/peers/forms.ts'
import type { Result } from '../../src/std/result.ts'

type Fields = Readonly<Record<string, unknown>>

const SECRET = 'not-to-be-told'
const CA = Buffer.from('-----BEGIN CERTIFICATE-----').toString('base64')
const KEY = Buffer.from(`key ${SECRET}`).toString('base64')
const CLUSTER: Fields = { server: 'https://eu.example:6443', 'certificate-authority-data': CA }
const USER: Fields = { token: SECRET }

function contentOf(texts: Readonly<Record<string, string>>): Content {
  const data = new Map(
    Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  )
  return { type: 'Opaque', immutable: false, data, binaryData: new Map() }
}

function parseTexts(texts: Readonly<Record<string, string>>, allowProxy = false): Result<PeerForm, string> {
  return parseForm(contentOf(texts), { allowProxy })
}

function configOf(cluster: Fields, user: Fields): Fields {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'eu',
    contexts: [{ name: 'eu', context: { cluster: 'eu', user: 'home', namespace: 'ignored' } }],
    clusters: [{ name: 'eu', cluster }],
    users: [{ name: 'home', user }],
  }
}

function parseParts(cluster: Fields, user: Fields, allowProxy = false): Result<PeerForm, string> {
  return parseTexts({ kubeconfig: stringify(configOf(cluster, user)) }, allowProxy)
}

function parseArgo(config: unknown, more: Readonly<Record<string, string>> = {}): Result<PeerForm, string> {
  const text = typeof config === 'string' ? config : JSON.stringify(config)
  return parseTexts({ server: 'https://eu.example:6443', config: text, ...more })
}

function reasonOf(parsed: Result<PeerForm, string>): string {
  assert.ok(!parsed.ok, 'it was taken')
  assert.ok(!parsed.failure.includes(SECRET), parsed.failure)
  return parsed.failure
}

function accessOf(parsed: Result<PeerForm, string>): Access {
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.failure)
  return parsed.value.access
}

function tokenOf({ token }: Access): string | null {
  return token.kind === 'fixed' ? token.token.reveal() : null
}

test('each of the three forms leads to the same server with the same credential', () => {
  const kubeconfig = stringify(configOf(CLUSTER, USER))
  const argo = parseArgo({ bearerToken: SECRET, tlsClientConfig: { caData: CA } }, { name: 'prod-eu' })
  for (const parsed of [parseTexts({ kubeconfig }), parseTexts({ value: kubeconfig }), argo]) {
    const access = accessOf(parsed)
    assert.deepEqual(
      [access.server, tokenOf(access), access.verified, access.impersonate, access.proxyUrl],
      ['https://eu.example:6443', SECRET, true, null, null],
    )
    assert.equal(access.ca?.kind === 'bytes' && access.ca.bytes.reveal().toString('base64'), CA)
  }
  assert.equal(argo.ok && argo.value.name, 'prod-eu')
  const named = parseTexts({ kubeconfig, name: 'other' })
  assert.equal(named.ok && named.value.name, null, 'only an Argo CD Secret gives a name so')
})

test('a kubeconfig may be JSON, and hold other clusters, users and contexts, which are not looked at', () => {
  const config = configOf(CLUSTER, USER)
  const more = {
    ...config,
    contexts: [...(config['contexts'] as unknown[]), { name: 'us', context: { cluster: 'us', user: 'us' } }],
    clusters: [{ name: 'us', cluster: { server: 'http://us', 'insecure-skip-tls-verify': true } }].concat(
      config['clusters'] as never[],
    ),
    users: [{ name: 'us', user: { exec: { command: 'aws' } } }].concat(config['users'] as never[]),
    preferences: { colors: true },
  }
  for (const kubeconfig of [JSON.stringify(more), stringify(more)])
    assert.equal(accessOf(parseTexts({ kubeconfig })).server, 'https://eu.example:6443')
})

test('a client certificate with its key takes the place of a token, or stands beside one', () => {
  const pair = { 'client-certificate-data': CA, 'client-key-data': KEY }
  for (const user of [pair, { ...pair, ...USER }]) {
    const { clientKey, clientCertificate } = accessOf(parseParts(CLUSTER, user))
    assert.equal(clientKey?.kind === 'bytes' && clientKey.bytes.reveal().toString('base64'), KEY)
    assert.ok(clientCertificate !== null)
  }
  const argo = parseArgo({ tlsClientConfig: { certData: CA, keyData: KEY, caData: CA, serverName: 'eu' } })
  assert.deepEqual([accessOf(argo).tlsServerName, tokenOf(accessOf(argo))], ['eu', null])
})

test('without a CA those of the system are trusted, and what is left empty or switched off says nothing', () => {
  const cluster = {
    server: 'https://eu',
    'certificate-authority-data': '',
    'certificate-authority': '',
    'insecure-skip-tls-verify': false,
    'disable-compression': true,
    extensions: [{ name: 'x' }],
  }
  const user = { ...USER, exec: null, username: '', 'client-key-data': '', extensions: [] }
  assert.equal(accessOf(parseParts(cluster, user)).ca, null)
})

/** Each would be obeyed by other tools; the reason names the field. */
const REFUSED: readonly (readonly [field: string, cluster: Fields, user: Fields])[] = [
  ['exec', {}, { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: SECRET } }],
  ['exec', {}, { exec: 'text' }],
  ['auth-provider', {}, { 'auth-provider': { name: SECRET } }],
  ['client-certificate', {}, { 'client-certificate': `/etc/${SECRET}` }],
  ['client-key', {}, { 'client-key': `/etc/${SECRET}` }],
  ['tokenFile', {}, { tokenFile: `/var/run/${SECRET}` }],
  ['username', {}, { username: SECRET }],
  ['password', {}, { password: SECRET }],
  ['as', {}, { as: SECRET }],
  ['as-uid', {}, { 'as-uid': SECRET }],
  ['as-groups', {}, { 'as-groups': [SECRET] }],
  ['as-user-extra', {}, { 'as-user-extra': { [SECRET]: ['x'] } }],
  ['certificate-authority', { 'certificate-authority': `/etc/${SECRET}` }, {}],
  ['insecure-skip-tls-verify', { 'insecure-skip-tls-verify': true }, {}],
  ['insecure-skip-tls-verify', { 'insecure-skip-tls-verify': 'false' }, {}],
]

for (const [field, cluster, user] of REFUSED) {
  test(`a kubeconfig with ${field} is refused by that name: ${JSON.stringify({ ...cluster, ...user }).replaceAll(SECRET, '…')}`, () => {
    assert.match(
      reasonOf(parseParts({ ...CLUSTER, ...cluster }, { ...USER, ...user })),
      new RegExp(`^field ${field} is refused: `),
    )
  })
}

const REFUSED_IN_ARGO: readonly (readonly [field: string, config: Fields])[] = [
  ['execProviderConfig', { execProviderConfig: { command: SECRET } }],
  ['awsAuthConfig', { awsAuthConfig: { roleARN: SECRET } }],
  ['username', { username: 'x' }],
  ['password', { password: SECRET }],
  ['insecure', { tlsClientConfig: { insecure: true } }],
]

for (const [field, config] of REFUSED_IN_ARGO) {
  test(`an Argo CD cluster Secret with ${field} is refused by that name`, () => {
    assert.match(
      reasonOf(parseArgo({ bearerToken: SECRET, ...config })),
      new RegExp(`^field ${field} is refused`),
    )
  })
}

test('a field that nobody knows is not passed over, whatever it is called, and its name is not repeated', () => {
  for (const field of [SECRET, 'constructor', 'toString', 'hasOwnProperty']) {
    const reason = 'it holds a field that is not known here'
    assert.equal(reasonOf(parseParts({ ...CLUSTER, [field]: 'x' }, USER)), reason)
    assert.equal(reasonOf(parseParts(CLUSTER, { ...USER, [field]: 'x' })), reason)
    assert.equal(reasonOf(parseArgo({ bearerToken: SECRET, [field]: 'x' })), reason)
    assert.equal(reasonOf(parseArgo({ bearerToken: SECRET, tlsClientConfig: { [field]: 'x' } })), reason)
  }
})

const SERVERS: readonly unknown[] = [
  'http://eu.example:6443',
  'eu.example:6443',
  'ftp://eu',
  'file:///etc/passwd',
  `https://user:${SECRET}@eu`,
  `https://${SECRET}@eu`,
  'https://eu/api',
  'https://eu/../x',
  `https://eu?token=${SECRET}`,
  'https://eu/#x',
  'https://',
  'https:// eu',
  '',
  undefined,
  7,
  ['https://eu'],
]

for (const server of SERVERS) {
  test(`a server that is no bare https URL is refused: ${JSON.stringify(server)?.replaceAll(SECRET, '…')}`, () => {
    assert.equal(
      reasonOf(parseParts({ ...CLUSTER, server }, USER)),
      'server must be an https URL without a path',
    )
  })
}

test('a bare https URL is taken in every spelling', () => {
  for (const [server, origin] of [
    ['https://eu', 'https://eu'],
    ['https://eu/', 'https://eu'],
    ['HTTPS://EU.example:6443/', 'https://eu.example:6443'],
    ['https://10.0.0.1:6443', 'https://10.0.0.1:6443'],
    ['https://[fd00::1]:6443', 'https://[fd00::1]:6443'],
  ])
    assert.equal(accessOf(parseParts({ ...CLUSTER, server }, USER)).server, origin)
})

/** Cluster fields, user fields, and the reason. */
const FLAWED: readonly (readonly [cluster: Fields, user: Fields, reason: RegExp])[] = [
  [{}, { token: undefined }, /a token or a client certificate must be given/],
  [{}, { token: '' }, /a token or a client certificate must be given/],
  [{}, { token: 12_345 }, /token must be a text/],
  [{}, { token: [SECRET] }, /token must be a text/],
  [{}, { 'client-certificate-data': CA }, /must both be base64/],
  [{}, { 'client-key-data': KEY }, /must both be base64/],
  [{}, { 'client-certificate-data': '{}', 'client-key-data': KEY }, /must both be base64/],
  [{ 'certificate-authority-data': '-----BEGIN' }, {}, /certificate-authority-data must be base64/],
  [{ 'certificate-authority-data': 7 }, {}, /certificate-authority-data must be base64/],
  [{ 'tls-server-name': 'a b' }, {}, /tls-server-name must be a DNS name/],
  [{ 'tls-server-name': 'a\u0000b' }, {}, /tls-server-name must be a DNS name/],
  [{ 'tls-server-name': ['eu'] }, {}, /tls-server-name must be a DNS name/],
  [
    { 'proxy-url': `http://${SECRET}@proxy` },
    {},
    /proxy-url is not taken: the setting peerProxies allows it/,
  ],
]

for (const [cluster, user, reason] of FLAWED) {
  test(`a kubeconfig is refused because ${reason.source}: ${JSON.stringify({ ...cluster, ...user }).replaceAll(SECRET, '…')}`, () => {
    assert.match(reasonOf(parseParts({ ...CLUSTER, ...cluster }, { ...USER, ...user })), reason)
  })
}

test('a proxy is taken only where the setting allows it, and only over http or https', () => {
  const through = (proxy: unknown): Result<PeerForm, string> =>
    parseParts({ ...CLUSTER, 'proxy-url': proxy }, USER, true)
  assert.equal(accessOf(through('http://proxy:3128')).proxyUrl, 'http://proxy:3128')
  for (const proxy of ['socks5://proxy:1080', 'file:///x', 'proxy', 7])
    assert.equal(reasonOf(through(proxy)), 'proxy-url must be an http or https URL')
})

test('current-context, its cluster and its user must be named and there', () => {
  const config = configOf(CLUSTER, USER)
  const reasons: readonly (readonly [Fields, RegExp])[] = [
    [{ 'current-context': undefined }, /current-context must name one of contexts/],
    [{ 'current-context': '' }, /current-context must name one of contexts/],
    [{ 'current-context': ['eu'] }, /current-context must name one of contexts/],
    [{ 'current-context': SECRET }, /current-context must name one of contexts/],
    [{ contexts: {} }, /current-context must name one of contexts/],
    [{ contexts: [null, 'eu', 7] }, /current-context must name one of contexts/],
    [{ contexts: [{ name: 'eu', context: 'eu' }] }, /current-context must name one of contexts/],
    [{ clusters: [] }, /cluster of the context must name one of clusters/],
    [{ clusters: [{ name: 'eu' }] }, /cluster of the context must name one of clusters/],
    [{ users: undefined }, /user of the context must name one of users/],
    [{ users: [{ name: 'home', user: [] }] }, /user of the context must name one of users/],
  ]
  for (const [change, reason] of reasons)
    assert.match(reasonOf(parseTexts({ kubeconfig: JSON.stringify({ ...config, ...change }) })), reason)
})

test('a Secret without any of the three forms is refused with their keys', () => {
  const reason = 'the Secret must hold kubeconfig, or value, or server and config'
  for (const texts of [{}, { token: SECRET }, { server: 'https://eu' }, { config: '{}' }])
    assert.equal(reasonOf(parseTexts(texts)), reason)
})

/** Alternating levels of ten aliases each: ten billion texts, if they were followed. */
function bomb(): string {
  const levels = Array.from({ length: 10 }, (_, level) => {
    const inner = level === 0 ? '"lol"' : `*a${level - 1}`
    return `a${level}: &a${level} [${Array.from({ length: 10 }, () => inner).join(', ')}]`
  })
  return levels.join('\n')
}

const HOSTILE: Readonly<Record<string, string>> = {
  empty: '',
  'no YAML': 'a: [',
  'a list': '- a',
  'a text': SECRET,
  'bytes that are no text': '\u0000\u0001\uFFFF',
  'several documents': `${stringify(configOf(CLUSTER, USER))}---\n{}\n`,
  'a doubled key': `${stringify(configOf(CLUSTER, USER))}current-context: eu\n`,
  'aliases that multiply': bomb(),
  'one alias': `x: &x {token: ${SECRET}}\n${stringify(configOf(CLUSTER, USER))}y: *x\n`,
  'a tag that makes something': `!!js/function 'return ${SECRET}'`,
  'too long a text': `# ${'x'.repeat(TEXT_LENGTH_MAX)}\n${stringify(configOf(CLUSTER, USER))}`,
  'thirty thousand keys': `{${Array.from({ length: 30_000 }, (_, index) => `a${index}: b`).join(',')}}`,
  'twenty thousand lines': Array.from({ length: 20_000 }, (_, index) => `a${index}: b`).join('\n'),
  'lists within lists': '['.repeat(TEXT_LENGTH_MAX),
  'maps within maps': '{a: '.repeat(20_000),
}

for (const [name, text] of Object.entries(HOSTILE)) {
  test(`a kubeconfig that is ${name} is refused with one fixed reason`, () => {
    assert.equal(
      reasonOf(parseTexts({ kubeconfig: text })),
      'the kubeconfig is no YAML map of a sensible size',
    )
    assert.equal(reasonOf(parseArgo(text)), 'config is no JSON object of a sensible size')
  })
}

test('a kubeconfig of a hundred clusters is taken', () => {
  const all = Array.from({ length: 100 }, (_, index) => `cluster-${index}`)
  const config = {
    'current-context': 'cluster-99',
    contexts: all.map((name) => ({ name, context: { cluster: name, user: name, namespace: 'default' } })),
    clusters: all.map((name) => ({ name, cluster: { ...CLUSTER, server: `https://${name}.example:6443` } })),
    users: all.map((name) => ({ name, user: { 'client-certificate-data': CA, 'client-key-data': KEY } })),
  }
  for (const kubeconfig of [stringify(config), JSON.stringify(config, null, 2)])
    assert.equal(accessOf(parseTexts({ kubeconfig })).server, 'https://cluster-99.example:6443')
})

test('keys that reach into prototypes change nothing and give nothing', () => {
  const kubeconfig = `__proto__: {polluted: yes, contexts: []}\n${stringify(configOf(CLUSTER, USER))}`
  parseTexts({ kubeconfig })
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
  const inherited = `{"__proto__": ${JSON.stringify(configOf(CLUSTER, USER))}}`
  assert.match(reasonOf(parseTexts({ kubeconfig: inherited })), /current-context/)
})

test('tlsClientConfig must be an object', () => {
  for (const tls of ['x', [], 7, true])
    assert.equal(
      reasonOf(parseArgo({ bearerToken: SECRET, tlsClientConfig: tls })),
      'tlsClientConfig must be an object',
    )
})

test('whatever stands in a Secret, parsing ends with an access or with a reason that quotes nothing of it', () => {
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.constant(SECRET))
  const fields = fc.dictionary(
    fc.constantFrom(
      'server',
      'token',
      'exec',
      'certificate-authority-data',
      'proxy-url',
      'tls-server-name',
      SECRET,
    ),
    leaf,
  )
  fc.assert(
    fc.property(fields, fields, fc.boolean(), (cluster, user, allowProxy) => {
      const parsed = parseParts({ ...CLUSTER, ...cluster }, user, allowProxy)
      if (!parsed.ok) return void reasonOf(parsed)
      const { server, verified, proxyUrl, impersonate } = parsed.value.access
      assert.match(server, /^https:\/\/[^/@]+$/)
      assert.ok(verified && impersonate === null)
      assert.ok(proxyUrl === null || allowProxy)
    }),
    { numRuns: 500 },
  )
})

test('an access that is printed or made JSON shows no credential', () => {
  const access = accessOf(
    parseParts(CLUSTER, { ...USER, 'client-certificate-data': CA, 'client-key-data': KEY }),
  )
  assert.doesNotMatch(JSON.stringify(access), new RegExp(`${SECRET}|${KEY}`))
})
