/** Peer Secrets at run time: the three forms, what is added, changed, broken, mended and removed; and no credential in any output. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { awaitPresent, eventually } from '../lib/await.ts'
import { awaitEvent, eventsIn } from '../lib/events.ts'
import { findMarkers } from '../lib/markers.ts'
import { ours } from '../lib/marks.ts'
import { refOf, secret } from '../lib/objects.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { annotate, awaitData, mirrorIn, secretOffer, write } from '../lib/offers.ts'
import {
  awaitPeer,
  changesOn,
  enlist,
  formOf,
  grantAccount,
  kubeconfigText,
  openSpoke,
  peerSecret,
  settledOn,
} from '../lib/peers.ts'
import type { Spoke } from '../lib/peers.ts'
import { SYSTEM } from '../lib/stage.ts'
import { startSolo } from '../lib/solo.ts'

const [home, east, west] = await Promise.all([startSolo(), openSpoke('east'), openSpoke('west')])
const { client, stage } = home
const { url: server, caPem } = east.plane
const token = await east.token()
const ORIGINS = { 'peer-origins': '*' }
/** A password, a program and the like, in Secrets that are refused. */
const MARKERS = ['marker-of-a-password-8d1f6b', 'marker-of-a-program-77c2e0', 'marker-of-a-text-19f4aa']
const [PASSWORD = '', PROGRAM = '', TEXT = ''] = MARKERS
const credentials: string[] = [token]

async function offered(targets: string): Promise<{ readonly origin: KubeObject; readonly there: string }> {
  const from = await stage.namespace('from')
  const there = await east.namespace('there')
  const origin = await client.create(secretOffer(from, 'login', { targets, 'target-namespaces': there }))
  return { origin, there }
}

/** Makes a cluster a peer for one test. */
async function enlisted(
  t: TestContext,
  spoke: Spoke,
  options: Parameters<typeof enlist>[2] = {},
): Promise<Ref> {
  const entry = await enlist(client, spoke, options)
  t.after(async () => await client.remove(entry))
  return entry
}

async function seriesOf(peer: string): Promise<number> {
  const { samples } = await home.controller.metrics()
  return samples.filter(({ labels }) => Object.values(labels).includes(peer)).length
}

test('each of the three forms is read as it is, and its name is the annotation’s, the form’s, or the Secret’s', async (t) => {
  const cases = [
    { name: 'native', targets: 'native', entry: {} },
    { name: 'capi-kubeconfig', targets: 'capi-kubeconfig', entry: { form: 'value' } },
    { name: 'argo', targets: 'argo', entry: { form: 'argo' } },
    {
      name: 'by-annotation',
      targets: 'called-so',
      entry: { form: 'argo', annotations: { ...ORIGINS, 'peer-name': 'called-so' } },
    },
  ] as const
  for (const { name, targets, entry } of cases) {
    const { origin, there } = await offered(targets)
    const made = await enlisted(t, east, { name, ...entry, token })
    await awaitPresent(east.client, mirrorIn(there, origin))
    await awaitPeer(home.controller, targets)
    await client.remove(made)
    await eventually(async () => ((await seriesOf(targets)) === 0 ? true : null), {
      what: `no series of ${targets} is left`,
    })
  }
})

test('the name in an Argo CD cluster Secret is the peer’s, whatever the Secret is called', async () => {
  const { origin, there } = await offered('in-cluster-name')
  const data = { ...formOf({ form: 'argo', name: 'in-cluster-name', server, caPem, token }) }
  const made = await client.create(
    secret(SYSTEM, 'cluster-127.0.0.1', data, {
      labels: { ...ours({ peer: 'true' }), 'argocd.argoproj.io/secret-type': 'cluster' },
      annotations: ours(ORIGINS),
    }),
  )
  await awaitPresent(east.client, mirrorIn(there, origin))
  await client.remove(refOf(made))
})

test('a client certificate is as good as a token', async (t) => {
  const { authority } = east.plane
  assert(authority !== null)
  const { certificatePem, keyPem } = authority.issue({ commonName: 'bearer', isClient: true })
  await east.client.create({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'bearer' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'spoke' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'bearer' }],
  })
  const text = kubeconfigText({
    cluster: { server, 'certificate-authority-data': Buffer.from(caPem).toString('base64') },
    user: {
      'client-certificate-data': Buffer.from(certificatePem).toString('base64'),
      'client-key-data': Buffer.from(keyPem).toString('base64'),
    },
  })
  credentials.push(keyPem)
  const made = peerSecret({ name: 'certified', server, caPem, token, annotations: ORIGINS })
  const { origin, there } = await offered('certified')
  t.after(async () => await client.remove(refOf(made)))
  await client.create({ ...made, data: { kubeconfig: Buffer.from(text).toString('base64') } })
  await awaitPresent(east.client, mirrorIn(there, origin))
})

test('without the label, or in another namespace, such a Secret is no peer', async (t) => {
  const { origin, there } = await offered('unlabelled, elsewhere, mislabelled')
  const elsewhere = await stage.namespace('elsewhere')
  const bare = peerSecret({ name: 'unlabelled', server, caPem, token, annotations: ORIGINS })
  const labelled = (label: string): KubeObject['metadata'] => ({
    ...bare.metadata,
    labels: ours({ peer: label }),
  })
  await client.create({ ...bare, metadata: { ...bare.metadata, labels: {} } })
  await client.create({ ...bare, metadata: { ...labelled('yes'), name: 'mislabelled' } })
  await client.create(
    peerSecret({ name: 'elsewhere', namespace: elsewhere, server, caPem, token, annotations: ORIGINS }),
  )
  const entry = await enlisted(t, east)
  await settledOn(home, east)
  for (const name of ['unlabelled', 'mislabelled', 'elsewhere']) assert.equal(await seriesOf(name), 0, name)
  assert.equal(await east.client.find(mirrorIn(there, origin)), null)
  await client.annotate({ kind: 'Secret', namespace: SYSTEM, name: 'unlabelled' }, { note: 'x' })
  await client.remove(entry)
  await client.patch(
    { kind: 'Secret', namespace: SYSTEM, name: 'unlabelled' },
    { metadata: { labels: ours({ peer: 'true' }) } },
  )
  await awaitPresent(east.client, mirrorIn(there, origin))
  await client.remove({ kind: 'Secret', namespace: SYSTEM, name: 'unlabelled' })
})

const CLUSTER = { server, 'certificate-authority-data': Buffer.from(caPem).toString('base64') }
const USER = { token }
const kubeconfig = (
  cluster: Readonly<Record<string, unknown>>,
  user: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string>> => ({ kubeconfig: kubeconfigText({ cluster, user }) })
const argo = (config: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> => ({
  name: 'argo-bad',
  server,
  config: JSON.stringify(config),
})

/** What each Secret holds, what its Event must name, and annotations. */
const REFUSED: readonly (readonly [
  name: string,
  data: Readonly<Record<string, string>>,
  told: string,
  annotations?: Readonly<Record<string, string>>,
])[] = [
  ['exec', kubeconfig(CLUSTER, { exec: { command: PROGRAM } }), 'field exec'],
  [
    'auth-provider',
    kubeconfig(CLUSTER, { ...USER, 'auth-provider': { name: 'gcp' } }),
    'field auth-provider',
  ],
  [
    'ca-file',
    kubeconfig({ ...CLUSTER, 'certificate-authority': '/etc/ca' }, USER),
    'field certificate-authority',
  ],
  ['cert-file', kubeconfig(CLUSTER, { 'client-certificate': '/etc/crt' }), 'field client-certificate'],
  ['key-file', kubeconfig(CLUSTER, { 'client-key': '/etc/key' }), 'field client-key'],
  ['token-file', kubeconfig(CLUSTER, { tokenFile: '/etc/passwd' }), 'field tokenFile'],
  [
    'insecure',
    kubeconfig({ server, 'insecure-skip-tls-verify': true }, USER),
    'field insecure-skip-tls-verify',
  ],
  [
    'plain-http',
    kubeconfig({ ...CLUSTER, server: 'http://127.0.0.1:1' }, USER),
    'server must be an https URL',
  ],
  ['proxied', kubeconfig({ ...CLUSTER, 'proxy-url': 'http://127.0.0.1:1' }, USER), 'proxy-url is not taken'],
  ['password', kubeconfig(CLUSTER, { username: 'u', password: PASSWORD }), 'field username'],
  ['impersonation', kubeconfig(CLUSTER, { ...USER, as: 'admin' }), 'field as '],
  ['nobody', kubeconfig(CLUSTER, {}), 'a token or a client certificate'],
  ['half', kubeconfig(CLUSTER, { 'client-key-data': 'YQ==' }), 'client-certificate-data'],
  ['no-yaml', { kubeconfig: `{{{ ${TEXT}` }, 'the kubeconfig is no YAML map'],
  ['no-context', { kubeconfig: `apiVersion: v1\nclusters: [{name: ${TEXT}}]\n` }, 'current-context'],
  ['empty', { something: TEXT }, 'must hold kubeconfig'],
  ['argo-exec', argo({ execProviderConfig: { command: PROGRAM } }), 'field execProviderConfig'],
  ['argo-aws', argo({ awsAuthConfig: { clusterName: 'c' } }), 'field awsAuthConfig'],
  ['argo-insecure', argo({ bearerToken: token, tlsClientConfig: { insecure: true } }), 'field insecure'],
  ['argo-password', argo({ username: 'u', password: PASSWORD }), 'field username'],
  ['argo-text', { server, config: TEXT }, 'config is no JSON object'],
  ['bad-origins', kubeconfig(CLUSTER, USER), 'peer-origins: ', { 'peer-origins': '[' }],
  ['bad-namespaces', kubeconfig(CLUSTER, USER), 'peer-namespaces must be', { 'peer-namespaces': 'a b' }],
  [
    'no-identity',
    kubeconfig(CLUSTER, USER),
    'peer-namespaces needs peer-identity',
    { 'peer-namespaces': 'a' },
  ],
  ['bad-name', kubeconfig(CLUSTER, USER), 'its name must be', { 'peer-name': 'Not_a_name' }],
  ['reserved', kubeconfig(CLUSTER, USER), 'its name must be', { 'peer-name': 'home' }],
]

test('each form that is refused is told on its Secret with the field named, nothing of it is obeyed, and mended it is used', async (t) => {
  const mark = await east.plane.own.audit.mark()
  const made = REFUSED.map(([name, data, , annotations = ORIGINS]) =>
    secret(SYSTEM, `refused-${name}`, data, {
      labels: ours({ peer: 'true' }),
      annotations: ours(annotations),
    }),
  )
  t.after(async () => await Promise.all(made.map((each) => client.remove(refOf(each)))))
  for (const each of made) await client.create(each)
  for (const [name, , told] of REFUSED)
    await awaitEvent(
      client,
      { kind: 'Secret', namespace: SYSTEM, name: `refused-${name}` },
      'PeerRefused',
      ({ message, type }) => type === 'Warning' && message.includes(told),
    )
  const asked = await east.plane.own.audit.since(mark)
  assert.deepEqual(
    asked.filter(({ user }) => user === east.user).map(({ verb, uri }) => `${verb} ${uri}`),
    [],
    'no refused Secret leads to a request',
  )
  const { origin, there } = await offered('refused-exec')
  const mended = { kind: 'Secret', namespace: SYSTEM, name: 'refused-exec' }
  await write(client, mended, kubeconfig(CLUSTER, USER))
  await awaitPresent(east.client, mirrorIn(there, origin))
})

test('a peer Secret that breaks keeps its last good connection and says so; mended with another credential, that is used', async (t) => {
  const entry = await enlisted(t, east, { name: 'kept', token })
  const { origin, there } = await offered('kept')
  const ref = mirrorIn(there, origin)
  await awaitPresent(east.client, ref)
  const breaks: readonly Readonly<Record<string, string>>[] = [
    kubeconfig(CLUSTER, { exec: { command: PROGRAM } }),
    { kubeconfig: `{{{ ${TEXT}` },
    kubeconfig(CLUSTER, { 'client-certificate-data': 'bm8=', 'client-key-data': 'bm8=' }),
  ]
  for (const [index, broken] of breaks.entries()) {
    await write(client, entry, broken)
    await awaitEvent(
      client,
      entry,
      'PeerRefused',
      ({ count, message }) => count + index > 0 && message !== '',
    )
    await write(client, refOf(origin), { a: `still ${index}` })
    await awaitData(east.client, ref, { a: `still ${index}` })
  }
  const account = await grantAccount(east.client, { account: 'next' })
  const next = await east.client.tokenFor(account.namespace ?? '', account.name)
  credentials.push(next)
  await write(client, entry, kubeconfig(CLUSTER, { token: next }))
  const user = `system:serviceaccount:${account.namespace ?? ''}:${account.name}`
  let turns = 0
  await eventually(
    async () => {
      const a = `turn ${(turns += 1)}`
      await write(client, refOf(origin), { a })
      await awaitData(east.client, ref, { a })
      return (await changesOn({ plane: east.plane, user })).length > 0 ? true : null
    },
    { what: 'the new credential is in use' },
  )
  const mark = await east.plane.own.audit.mark()
  await write(client, refOf(origin), { a: 'mended' })
  await awaitData(east.client, ref, { a: 'mended' })
  assert.deepEqual(await changesOn({ plane: east.plane, user }, mark), [`patch secrets ${there}/login 200`])
  await client.remove(entry)
})

test('a peer that is added, renamed and removed while the controller runs: its mirrors follow its name, and stay when it goes', async (t) => {
  const { origin, there } = await offered('first-name')
  const entry = await enlisted(t, east, { name: 'first-name', token })
  const mirror = await awaitPresent(east.client, mirrorIn(there, origin))
  await annotate(client, entry, { 'peer-name': 'second-name' })
  await eventually(async () => ((await east.client.find(mirrorIn(there, origin))) === null ? true : null), {
    what: 'the mirror goes with the name',
  })
  await annotate(client, entry, { 'peer-name': null })
  const again = await awaitPresent(east.client, mirrorIn(there, origin))
  assert.notEqual(again.metadata.uid, mirror.metadata.uid)
  await client.remove(entry)
  await awaitEvent(client, entry, 'PeerRemoved', ({ message }) =>
    /Mirrors that stay there: [1-9]/.test(message),
  )
  await client.remove(refOf(origin))
  const other = await enlisted(t, west)
  await settledOn(home, west)
  assert.equal(
    (await east.client.get(mirrorIn(there, origin))).metadata.resourceVersion,
    again.metadata.resourceVersion,
    'nothing more is written where no peer is',
  )
  await client.remove(other)
})

test('deleted and made again in one breath, a peer Secret’s mirrors are as they were, uid and version', async (t) => {
  const { origin, there } = await offered('breath')
  const entry: Ref = await enlisted(t, east, { name: 'breath', token })
  const mirror = await awaitPresent(east.client, mirrorIn(there, origin))
  await client.remove(entry)
  await enlisted(t, east, { name: 'breath', token })
  await settledOn(home, { ...east, name: 'breath' })
  assert.equal(
    (await east.client.get(refOf({ ...mirror, kind: 'Secret' }))).metadata.resourceVersion,
    mirror.metadata.resourceVersion,
  )
  await client.remove(entry)
})

test('a peer Secret, and the digest key beside it, that are made to offer themselves go nowhere', async (t) => {
  const entry = await enlisted(t, east)
  const there = await east.namespace('theft')
  const local = await stage.namespace('theft')
  const offers = { targets: '*', 'target-namespaces': 'theft-*', 'reflect-to': 'theft-*', 'allow-pull': '*' }
  const refs: readonly Ref[] = [entry, { ...entry, name: 'heliograph-digest-key' }]
  for (const ref of refs) await annotate(client, ref, offers)
  const asking = await client.create(
    secret(local, 'asking', {}, { annotations: ours({ 'reflect-from': `${SYSTEM}/${entry.name}` }) }),
  )
  await settledOn(home, east)
  await home.settled()
  for (const { name } of refs) {
    assert.equal(await east.client.find({ kind: 'Secret', namespace: there, name }), null, name)
    assert.equal(await client.find({ kind: 'Secret', namespace: local, name }), null, name)
  }
  assert.equal((await client.get(refOf(asking))).data, undefined)
  for (const ref of refs)
    await annotate(client, ref, Object.fromEntries(Object.keys(offers).map((key) => [key, null])))
})

test('no credential, and nothing of a refused Secret, shows in any line, metric, Event or mark', async () => {
  const markers = [...credentials, ...MARKERS]
  const events = [
    ...(await eventsIn(client)),
    ...(await eventsIn(east.client)),
    ...(await eventsIn(west.client)),
  ]
  const { text } = await home.controller.metrics()
  const said = home.said().join('\n')
  assert(events.length > 0 && said.length > 0)
  for (const [what, where] of [
    ['lines', said],
    ['metrics', text],
    ['Events', JSON.stringify(events)],
    ['objects of the peer', JSON.stringify(await east.client.list('Secret'))],
  ] as const)
    assert.deepEqual(findMarkers(where, markers), [], what)
})
