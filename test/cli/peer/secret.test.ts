/** The peer's Secret is what the registry reads, holds nothing of the operator's, and shows no token where people see it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { peerSecretOf } from '../../../src/cli/peer/home.ts'
import {
  annotationsOf,
  secretBody,
  secretDifference,
  secretName,
  secretShown,
} from '../../../src/cli/peer/secret.ts'
import type { PeerEntry } from '../../../src/cli/peer/secret.ts'
import type { Settings } from '../../../src/config/settings.ts'
import { parseSettings } from '../../../src/config/parse.ts'
import { fullObject } from '../../../src/kube/wire.ts'
import { Sensitive } from '../../../src/std/sensitive.ts'
import { plainAccess } from '../../kube/rig.ts'

const ENTRY: PeerEntry = {
  name: 'east',
  prefix: 'heliograph.dev/',
  namespace: 'heliograph',
  access: plainAccess('https://east.example:6443', {
    ca: { kind: 'bytes', bytes: new Sensitive(Buffer.from('-----BEGIN CERTIFICATE-----')) },
    tlsServerName: 'kubernetes',
  }),
  namespaces: ['team-b', 'team-a'],
  origins: 'shared/*',
  identity: '6c1f',
}
const TOKEN = new Sensitive('head.body.sign')

function settings(): Settings {
  const parsed = parseSettings([], {}, () => null)
  assert.ok(parsed.ok)
  return parsed.value
}

/** As the server would keep and answer what is posted. */
function stored(entry: PeerEntry, labels: Readonly<Record<string, string>> = {}) {
  const body = Buffer.concat(secretBody(entry, TOKEN).reveal()).toString()
  const posted = JSON.parse(body) as { metadata: { labels: object } }
  const metadata = {
    ...posted.metadata,
    labels: { ...posted.metadata.labels, ...labels },
    uid: 'u',
    resourceVersion: '1',
  }
  const object = fullObject('Secret', Buffer.from(JSON.stringify({ ...posted, metadata })))
  assert.ok(object)
  return peerSecretOf(object, settings())
}

test('what is written is read by the very parser of peers, with name, terms and token', () => {
  const peer = stored(ENTRY)
  assert.deepEqual([peer.name, peer.isOut, peer.flaw], ['east', false, null])
  assert.deepEqual(peer.terms?.namespaces, ['team-a', 'team-b'])
  assert.equal(peer.terms.identity, '6c1f')
  assert.equal(peer.terms.origins?.matches('shared/a'), true)
  assert.deepEqual(
    [peer.access?.server, peer.access?.tlsServerName],
    ['https://east.example:6443', 'kubernetes'],
  )
  assert.equal(peer.access?.token.kind === 'fixed' && peer.access.token.token.reveal(), TOKEN.reveal())
})

test('shown to people it is the same without the token', () => {
  const shown = JSON.stringify(secretShown(ENTRY))
  assert.ok(!shown.includes(TOKEN.reveal()))
  assert.match(shown, /\(left out\)/)
  assert.match(shown, new RegExp(secretName('east')))
})

test('equal but for the token is equal, whatever the order of namespaces', () => {
  assert.equal(secretDifference(ENTRY, stored(ENTRY)), null)
  assert.equal(secretDifference({ ...ENTRY, namespaces: ['team-a', 'team-b'] }, stored(ENTRY)), null)
})

test('each difference is named, and nothing of a credential with it', () => {
  const cases: readonly (readonly [Partial<PeerEntry>, RegExp])[] = [
    [
      { access: { ...ENTRY.access, server: 'https://b' } },
      /leads to https:\/\/east.example:6443, not https:\/\/b/,
    ],
    [{ access: { ...ENTRY.access, ca: null } }, /another CA/],
    [{ origins: null }, /peer-origins "shared\/\*", not unset/],
    [{ origins: 'shared/a' }, /not "shared\/a"/],
    [{ namespaces: ['team-a'] }, /peer-namespaces "team-a, team-b", not "team-a"/],
    [{ identity: 'other' }, /peer-identity "6c1f", not "other"/],
  ]
  for (const [change, words] of cases) {
    const difference = secretDifference({ ...ENTRY, ...change }, stored(ENTRY))
    assert.match(difference ?? '', words)
    assert.ok(!difference?.includes(TOKEN.reveal()))
  }
  const out = stored(ENTRY, { 'heliograph.dev/peer': 'cleaned' })
  assert.match(secretDifference(ENTRY, out) ?? '', /out of service/)
})

test('without single namespaces and origins there is no annotation of them', () => {
  const { namespaces: _, ...rest } = ENTRY
  const texts = annotationsOf({ ...rest, namespaces: null, origins: null })
  assert.deepEqual(Object.keys(texts), ['heliograph.dev/peer-name', 'heliograph.dev/peer-identity'])
})
