/** What home does for its peers when it is let: renews a token before it ends, makes namespaces that are named, and keeps its hands off while its own identity is in doubt. */

import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'

import { parse } from 'yaml'

import { awaitPresent } from '../lib/await.ts'
import { runCommand } from '../lib/command.ts'
import { awaitEvent } from '../lib/events.ts'
import { plain, refOf } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { awaitData, mirrorIn, secretOffer, write } from '../lib/offers.ts'
import { awaitPeer, enlist, openSpoke, settledOn } from '../lib/peers.ts'
import { openSolo } from '../lib/solo.ts'
import { SYSTEM } from '../lib/stage.ts'

const KEY: Ref = { kind: 'Secret', namespace: SYSTEM, name: 'heliograph-digest-key' }
const LIFE_SECONDS = 3_600

const settings = { peerTokenRenewal: true, createNamespaces: true }
const use = { createsNamespaces: true, renewsToken: true }
const [home, east] = await Promise.all([openSolo({ settings }), openSpoke('east', { use })])
const { client, stage } = home
const aged = await agedToken(LIFE_SECONDS * 0.9)
const peer = await enlist(client, east, { token: aged })
const written = plain(await client.get(peer))['kubeconfig'] ?? ''
await home.start()

test('a token in the last fifth of its life is renewed, written back alone, and taken up without a new watch', async () => {
  const isNew = (each: KubeObject): boolean => tokenIn(each) !== aged
  const after = await awaitPresent(client, peer, isNew, { what: 'holds another token' })
  const text = plain(after)['kubeconfig'] ?? ''
  const { iat = 0, exp = 0, sub } = claimsOf(tokenIn(after))
  assert.equal(sub, east.user)
  assert.ok(exp - iat >= LIFE_SECONDS && iat > (claimsOf(aged).iat ?? 0))
  assert.equal(text.replace(/token: .*/, ''), written.replace(/token: .*/, ''))
  await awaitPeer(home.controller, 'east')
  const expiry = 'heliograph_peer_credential_expiry_timestamp_seconds'
  await settledOn(home, east)
  assert.equal((await home.controller.metrics()).sum(expiry, { peer: 'east' }), exp)
  const entries = await east.plane.own.audit.since()
  const begun = entries.filter(
    ({ user, verb, resource }) =>
      user === east.user && resource === 'secrets' && ['list', 'watch'].includes(verb),
  )
  assert.deepEqual(
    begun.map(({ verb }) => verb),
    ['watch'],
    'the watch goes on with the token that it began with',
  )
})

test('a namespace that an origin names is made with our label and gets its mirror; none is made for a pattern', async () => {
  const from = await stage.namespace('naming')
  const made = `${from}-made`
  const reach = { targets: 'east', 'target-namespaces': `${made}, ${from}-other-*, kube-${from}` }
  const origin = secretOffer(from, 'pass', reach, { password: 'first' })
  await client.create(origin)
  await awaitData(east.client, mirrorIn(made, origin), { password: 'first' })
  const namespace = await east.client.get({ kind: 'Namespace', name: made })
  assert.equal(namespace.metadata.labels?.['heliograph.dev/created'], 'true')
  await awaitEvent(east.client, refOf(namespace), 'NamespaceCreated')
  await settledOn(home, east)
  const names = (await east.client.list('Namespace')).map(({ metadata }) => metadata.name)
  assert.deepEqual(
    names.filter((name) => name?.includes(from)),
    [made],
  )
})

test('while home’s identity is in doubt nothing is written to a peer, and what was missed comes with the answer', async () => {
  const from = await stage.namespace('doubt')
  const there = await east.namespace('doubt')
  const origin = secretOffer(
    from,
    'pass',
    { targets: 'east', 'target-namespaces': there },
    { password: 'first' },
  )
  await client.create(origin)
  const mirror = mirrorIn(there, origin)
  await awaitData(east.client, mirror, { password: 'first' })
  await client.patch(KEY, { data: { 'kube-system-uid': Buffer.from('of-another').toString('base64') } })
  await awaitPeer(home.controller, 'east', 'standby')
  await write(client, refOf(origin), { password: 'second' })
  await home.settled()
  assert.deepEqual(plain(await east.client.get(mirror)), { password: 'first' })
  const args = ['identity', 'keep', '--kubeconfig', stage.plane.kubeconfig, '--namespace', SYSTEM]
  assert.equal((await runCommand(args)).code, 0)
  await awaitData(east.client, mirror, { password: 'second' })
})

interface Kubeconfig {
  readonly users: readonly { readonly user: { readonly token: string } }[]
}

interface Claims {
  readonly iat?: number
  readonly exp?: number
  readonly sub?: string
}

function tokenIn(secret: KubeObject): string {
  const { users } = parse(plain(secret)['kubeconfig'] ?? '') as Kubeconfig
  return users[0]?.user.token ?? ''
}

function claimsOf(token: string): Claims {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Claims
}

/** A token of home's account on the peer as it would stand so many seconds later: the peer's own key signs it. */
async function agedToken(ageSeconds: number): Promise<string> {
  const token = await east.token(LIFE_SECONDS)
  const [header = ''] = token.split('.')
  const claims = claimsOf(token)
  const iat = Math.floor((claims.iat ?? 0) - ageSeconds)
  const body = Buffer.from(JSON.stringify({ ...claims, iat, nbf: iat, exp: iat + LIFE_SECONDS })).toString(
    'base64url',
  )
  const key = await readFile(join(east.plane.folder, 'service-account.key'), 'utf8')
  const signature = sign('sha256', Buffer.from(`${header}.${body}`), { key, dsaEncoding: 'ieee-p1363' })
  return `${header}.${body}.${signature.toString('base64url')}`
}
