/** A token is renewed at four fifths of its life, in its own place in the Secret, by whoever keeps the peer, and never over somebody's change. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Failure } from '../../src/core/failure.ts'
import type { ObjectRef, ResourceVersion, Uid } from '../../src/core/names.ts'
import type { FullObject, ObjectMeta } from '../../src/core/objects.ts'
import type { Body, IssuedToken } from '../../src/kube/api.ts'
import type { Access } from '../../src/kube/access.ts'
import { parseForm } from '../../src/peers/forms.ts'
import { Renewal, RENEWAL_RETRY_MS, renewableAccount, renewedBody } from '../../src/peers/renewal.ts'
import { failed, ok } from '../../src/std/result.ts'
import { Sensitive } from '../../src/std/sensitive.ts'
import { FakeClock } from '../kube/fake-clock.ts'
import { jwt } from './tokens.ts'

const SECRET: ObjectRef = { kind: 'Secret', namespace: 'heliograph', name: 'prod-eu' }
const LIFE_SECONDS = 3_600

function issuedAt(seconds: number): string {
  return jwt({ iat: seconds, exp: seconds + LIFE_SECONDS, sub: 'system:serviceaccount:heliograph-peer:home' })
}

function kubeconfig(token: string): string {
  return `# kept by the platform team
apiVersion: v1
kind: Config
current-context: eu   # the one that counts
contexts:
- {name: us, context: {cluster: us, user: other}}
- name: eu
  context: {cluster: eu, user: home}
clusters:
- name: eu
  cluster:
    server: https://eu.example:6443
users:
- name: other
  user: {token: not-this-one}
- name: home
  user:
    token: ${token}   # renewed
`
}

function secretOf(data: Readonly<Record<string, string>>, version = '7'): FullObject {
  const meta = {
    ...SECRET,
    uid: 'uid-1' as Uid,
    version: version as ResourceVersion,
  } as unknown as ObjectMeta
  const encoded = Object.entries(data).map(
    ([key, text]) => [key, Buffer.from(text).toString('base64')] as const,
  )
  return {
    meta,
    content: new Sensitive({
      type: 'Opaque',
      immutable: false,
      data: new Map(encoded),
      binaryData: new Map(),
    }),
    sizeBytes: 0,
    writtenAtMs: 0,
  }
}

function accessOf(secret: FullObject): Access {
  const form = parseForm(secret.content.reveal(), { allowProxy: false })
  assert.ok(form.ok, form.ok ? '' : form.failure)
  return form.value.access
}

interface PatchOp {
  readonly op: string
  readonly path: string
  readonly value: string
}

function opsOf(body: Body): readonly PatchOp[] {
  return JSON.parse(Buffer.concat(body.reveal()).toString('utf8')) as readonly PatchOp[]
}

/** The text that the patch writes, and the key under which. */
function writtenBy(body: Body): { readonly key: string; readonly text: string } {
  const op = opsOf(body).find(({ path }) => path.startsWith('/data/'))
  assert.ok(op !== undefined)
  return { key: op.path.slice('/data/'.length), text: Buffer.from(op.value, 'base64').toString('utf8') }
}

class Scene {
  readonly clock = new FakeClock()
  readonly born = Math.floor(this.clock.wall() / 1_000)
  readonly asked: { readonly namespace: string; readonly account: string; readonly seconds: number }[] = []
  readonly patches: Body[] = []
  secret = secretOf({ kubeconfig: kubeconfig(issuedAt(this.born)) })
  readonly access = accessOf(this.secret)
  isLive = true
  refusal: Failure | null = null
  patchFailure: Failure | null = null
  readonly renewal = new Renewal({
    secret: SECRET,
    clock: this.clock,
    isLive: () => this.isLive,
    home: {
      readFull: () => Promise.resolve(ok(this.secret)),
      patch: (_, body) => {
        this.patches.push(body)
        return Promise.resolve(this.patchFailure === null ? ok(this.secret.meta) : failed(this.patchFailure))
      },
    },
    peer: {
      requestToken: (namespace, account, seconds) => {
        this.asked.push({ namespace, account, seconds })
        const issued: IssuedToken = { token: new Sensitive('fresh.token.x'), expiresAtMs: 0 }
        return Promise.resolve(this.refusal === null ? ok(issued) : failed(this.refusal))
      },
    },
  })

  look(access = this.access): ReturnType<Renewal['look']> {
    return this.renewal.look(access, new AbortController().signal)
  }
}

test('nothing is asked before four fifths of its life, then a token of the same life for the same account', async () => {
  const s = new Scene()
  await s.clock.advance((LIFE_SECONDS * 0.8 - 1) * 1_000)
  assert.equal(await s.look(), 'not-due')
  assert.deepEqual(s.asked, [])
  await s.clock.advance(1_000)
  assert.equal(await s.look(), 'renewed')
  assert.deepEqual(s.asked, [{ namespace: 'heliograph-peer', account: 'home', seconds: LIFE_SECONDS }])
})

test('the patch proves uid and version, and changes the characters of that one token only', async () => {
  const s = new Scene()
  await s.clock.advance(LIFE_SECONDS * 900)
  await s.look()
  const [body] = s.patches
  assert.ok(body !== undefined)
  assert.deepEqual(
    opsOf(body).filter(({ op }) => op === 'test'),
    [
      { op: 'test', path: '/metadata/uid', value: 'uid-1' },
      { op: 'test', path: '/metadata/resourceVersion', value: '7' },
    ],
  )
  assert.deepEqual(writtenBy(body), { key: 'kubeconfig', text: kubeconfig('"fresh.token.x"') })
})

test('who does not keep the peer asks for nothing, and who lost it meanwhile writes nothing', async () => {
  const s = new Scene()
  await s.clock.advance(LIFE_SECONDS * 900)
  s.isLive = false
  assert.equal(await s.look(), 'not-due')
  s.isLive = true
  const lost = s.look()
  s.isLive = false
  assert.equal(await lost, 'overtaken')
  assert.equal(s.patches.length, 0)
})

test('a Secret that holds another token already is left alone', async () => {
  const s = new Scene()
  await s.clock.advance(LIFE_SECONDS * 900)
  s.secret = secretOf({ kubeconfig: kubeconfig(issuedAt(s.born + 3_000)) }, '8')
  assert.equal(await s.look(), 'overtaken')
  assert.deepEqual([s.asked.length, s.patches.length], [0, 0])
})

test('a Secret that changes between reading and writing is left to the next look, a minute later', async () => {
  const s = new Scene()
  await s.clock.advance(LIFE_SECONDS * 900)
  s.patchFailure = { kind: 'test-failed' }
  assert.equal(await s.look(), 'overtaken')
  s.patchFailure = null
  assert.equal(await s.look(), 'not-due')
  await s.clock.advance(RENEWAL_RETRY_MS)
  assert.equal(await s.look(), 'renewed')
})

test('a refusal names the right that is missing, and is tried again no sooner than after a minute', async () => {
  const s = new Scene()
  await s.clock.advance(LIFE_SECONDS * 900)
  s.refusal = { kind: 'forbidden', code: 403 } as unknown as Failure
  assert.deepEqual(await s.look(), { reason: 'it may not create serviceaccounts/token for itself' })
  assert.equal(await s.look(), 'not-due')
  assert.equal(s.asked.length, 1)
})

test('only a ServiceAccount’s token that says when it began and ends is renewed', () => {
  const tokens = [
    'opaque',
    jwt({ iat: 1, exp: 2, sub: 'somebody' }),
    jwt({ iat: 1, exp: 2, sub: 'system:serviceaccount:a' }),
    jwt({ iat: 1, exp: 2, sub: 'system:serviceaccount:a/../b:c' }),
    jwt({ exp: 2, sub: 'system:serviceaccount:a:b' }),
    jwt({ iat: 2, exp: 2, sub: 'system:serviceaccount:a:b' }),
  ]
  for (const token of tokens)
    assert.equal(renewableAccount(accessOf(secretOf({ kubeconfig: kubeconfig(token) }))), null, token)
  const good = jwt({ iat: 1, exp: 2, sub: 'system:serviceaccount:a:b' })
  assert.deepEqual(renewableAccount(accessOf(secretOf({ kubeconfig: kubeconfig(good) }))), {
    namespace: 'a',
    name: 'b',
  })
})

/** One form each, and what it must be afterwards. */
const FORMS: Readonly<Record<string, (token: string) => Readonly<Record<string, string>>>> = {
  'Cluster API': (token) => ({ value: kubeconfig(token) }),
  'Argo CD': (token) => ({
    name: 'eu',
    server: 'https://eu.example:6443',
    config: `{ "bearerToken":${token},\n  "tlsClientConfig": { "serverName": "eu" } }`,
  }),
  'a kubeconfig in JSON': (token) => ({
    kubeconfig: `{"current-context":"a","contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],"clusters":[{"name":"a","cluster":{"server":"https://a:6443"}}],"users":[{"name":"a","user":{"token":${token}}}]}`,
  }),
}

test('in every form the rest stays byte for byte', () => {
  for (const [name, form] of Object.entries(FORMS)) {
    const body = renewedBody(secretOf(form('"old.token.x"')), new Sensitive('fresh.token.x'))
    assert.ok(body.ok, name)
    const { key, text } = writtenBy(body.value)
    assert.equal(text, form('"fresh.token.x"')[key], name)
  }
})

test('a token on lines of its own is replaced as well', () => {
  const last = '- name: last\n  user: {token: not-this-one-either}\n'
  const text = kubeconfig('X').replace('token: X   # renewed\n', `token: >-\n      old.token.x\n${last}`)
  const body = renewedBody(secretOf({ kubeconfig: text }), new Sensitive('fresh.token.x'))
  assert.ok(body.ok)
  const after = writtenBy(body.value)
  assert.equal(after.text.split('\n').filter((line) => line.includes('fresh.token.x')).length, 1)
  assert.ok(after.text.endsWith(last))
  assert.equal(accessOf(secretOf({ kubeconfig: after.text })).server, 'https://eu.example:6443')
})

test('what would not read back as the same with another token is not written', () => {
  const texts = [
    'not: [a kubeconfig',
    kubeconfig('x').replace('    token: x   # renewed\n', '    client-certificate-data: eA==\n'),
    kubeconfig('&anchor x').replace('not-this-one', '*anchor'),
  ]
  for (const text of texts)
    assert.equal(renewedBody(secretOf({ kubeconfig: text }), new Sensitive('fresh.token.x')).ok, false, text)
  assert.equal(renewedBody(secretOf({ other: 'x' }), new Sensitive('fresh.token.x')).ok, false)
})

test('no reason quotes a token', async () => {
  const s = new Scene()
  await s.clock.advance(LIFE_SECONDS * 900)
  s.patchFailure = { kind: 'forbidden', code: 403 } as unknown as Failure
  const renewed = await s.look()
  assert.ok(typeof renewed === 'object')
  assert.doesNotMatch(renewed.reason, /fresh|eyJ/)
})
