/** What is never mirrored and never given to a mirror, and what the administrator can allow after all. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitPresent } from '../lib/await.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { PREFIX } from '../lib/marks.ts'
import { refOf } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { annotate, mirrorIn, offer, secretOffer } from '../lib/offers.ts'
import type { Texts } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo

const TOKEN_TYPE = 'kubernetes.io/service-account-token'
const BOOTSTRAP_TYPE = 'bootstrap.kubernetes.io/token'
const RELEASE_TYPE = 'helm.sh/release.v1'

/** Labels and annotations that make other software trust an object. */
const TRUSTED_KEYS = [
  'argocd.argoproj.io/secret-type',
  'sealedsecrets.bitnami.com/sealed-secrets-key',
  'istio/multiCluster',
  'sigs.k8s.io/multicluster-runtime-kubeconfig',
  'cluster.x-k8s.io/cluster-name',
  'heliograph.dev/mirror',
  'heliograph.dev/reflect-to',
]

/** What `carry` leaves out besides. */
const NEVER_CARRIED = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'kubernetes.io/description',
  'meta.helm.sh/release-name',
  'helm.sh/chart',
  'app.kubernetes.io/instance',
  'app.kubernetes.io/managed-by',
  'app.kubernetes.io/part-of',
  'argocd.argoproj.io/tracking-id',
  'kustomize.toolkit.fluxcd.io/name',
  'kapp.k14s.io/app',
  'objectset.rio.cattle.io/id',
  'cert-manager.io/certificate-name',
  'controller.cert-manager.io/fao',
  'external-secrets.io/x',
  'reconcile.external-secrets.io/created-by',
  'secrets.hashicorp.com/x',
  'sealedsecrets.bitnami.com/managed',
  'kopf.zalando.org/last-handled-configuration',
  'velero.io/backup-name',
  'gatekeeper.openpolicyagent.org/x',
  'grafana_dashboard',
  'grafana_datasource',
  'reflector.v1.k8s.emberstack.com/x',
  'replicator.v1.mittwald.de/replicate-to',
  'kubed.appscode.com/sync',
  'sync.example.com/enabled',
]

test('tokens of service accounts and of bootstrapping are never mirrored, by push or by pull, and the owner is told', async () => {
  const [home, target] = await stage.namespaces('tokens-home', 'tokens-target')
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: home, name: 'someone' } }
  await client.create(account)
  const offers: readonly KubeObject[] = [
    typed(secretOffer(home, 'account', { 'reflect-to': target, 'allow-pull': target }), TOKEN_TYPE, {
      'kubernetes.io/service-account.name': 'someone',
    }),
    typed(
      secretOffer(home, 'bootstrap', { 'reflect-to': target, type: 'Opaque', 'allow-pull': target }),
      BOOTSTRAP_TYPE,
    ),
  ]
  for (const each of offers) {
    await client.create(each)
    const pulling = await client.create(
      secretOffer(target, `pulled-${each.metadata.name}`, {
        'reflect-from': `${home}/${each.metadata.name}`,
      }),
    )
    await awaitEvent(client, refOf(each), 'OriginTypeRefused')
    await solo.settled()
    assert.equal(await client.find(mirrorIn(target, each)), null)
    assert.equal(
      (await client.get(refOf(pulling))).metadata.resourceVersion,
      pulling.metadata.resourceVersion,
    )
  }
})

test('a Helm release is not even looked at', async () => {
  const [home, target] = await stage.namespaces('release-home', 'release-target')
  const mark = await solo.mark()
  const origin = await client.create(
    typed(secretOffer(home, 'release', { 'reflect-to': target }), RELEASE_TYPE),
  )
  await solo.settled()
  assert.equal(await client.find(mirrorIn(target, origin)), null)
  assert.deepEqual(
    (await solo.asked(mark)).filter(({ namespace }) => namespace === home),
    [],
  )
})

test('such a type, or such a label or annotation, is a bad value when it is to be given to a mirror', async () => {
  const bad: readonly Texts[] = [
    ...[TOKEN_TYPE, BOOTSTRAP_TYPE, RELEASE_TYPE].map((type) => ({ type })),
    ...TRUSTED_KEYS.flatMap((key) => [
      { labels: JSON.stringify({ [key]: 'x' }) },
      { annotations: JSON.stringify({ [key]: 'x' }) },
    ]),
    { annotations: JSON.stringify({ 'kubectl.kubernetes.io/last-applied-configuration': '{}' }) },
  ]
  const target = await stage.namespace('given-target')
  for (const [index, annotations] of bad.entries()) {
    const home = await stage.namespace('given-home')
    const origin = await client.create(
      secretOffer(home, `given-${index}`, { 'reflect-to': target, ...annotations }),
    )
    const told = await awaitEvent(client, refOf(origin), 'OriginHeld')
    assert.match(told.message, /never given to a mirror/, JSON.stringify(annotations))
  }
  await solo.settled()
  const there = await client.list('Secret', target)
  assert.deepEqual(
    there.map(({ metadata }) => metadata.name),
    [],
  )
})

test('of what carry matches, such labels and annotations and those of other tools are left out, and the rest is carried', async () => {
  const [home, target] = await stage.namespaces('carried-home', 'carried-target')
  const never = [...TRUSTED_KEYS, ...NEVER_CARRIED].filter((key) => !key.startsWith(PREFIX))
  const offered = offer(home, 'carried', { 'reflect-to': target, carry: '*' })
  const texts = Object.fromEntries([...never, 'plain', 'app.kubernetes.io/name'].map((key) => [key, 'x']))
  const origin = await client.create({
    ...offered,
    metadata: {
      ...offered.metadata,
      labels: texts,
      annotations: { ...texts, ...offered.metadata.annotations },
    },
  })
  const { metadata } = await awaitPresent(client, mirrorIn(target, origin))
  const foreign = (found: Texts = {}): readonly string[] =>
    Object.keys(found)
      .filter((key) => !key.startsWith(PREFIX))
      .sort()
  assert.deepEqual(foreign(metadata.labels), ['app.kubernetes.io/name', 'plain'])
  assert.deepEqual(foreign(metadata.annotations), ['app.kubernetes.io/name', 'plain'])
  assert.equal(metadata.annotations?.[`${PREFIX}reflect-to`], undefined)
})

test('owner references and finalizers of the origin stay with it, and a finalizer of ours is nowhere', async () => {
  const [home, target] = await stage.namespaces('owned-home', 'owned-target')
  const owner = await client.create(offer(home, 'owner', {}))
  const offered = offer(home, 'owned', { 'reflect-to': target, carry: '*' })
  const origin = await client.create({
    ...offered,
    metadata: {
      ...offered.metadata,
      finalizers: ['example.com/held'],
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid }],
    },
  })
  const { metadata } = await awaitPresent(client, mirrorIn(target, origin))
  assert.deepEqual([metadata.finalizers, metadata['ownerReferences']], [undefined, undefined])
  assert.deepEqual((await client.get(refOf(origin))).metadata.finalizers, ['example.com/held'])
  await client.patch(refOf(origin), { metadata: { finalizers: null } })
})

test('names that the platform writes itself are never given to a mirror', async () => {
  const [home, target] = await stage.namespaces('platform-home', 'platform-target')
  const names = ['kube-root-ca.crt', 'openshift-service-ca.crt', 'istio-ca-root-cert']
  for (const name of names) {
    const as = await client.create(offer(home, `as-${name}`, { 'reflect-to': target, 'reflect-as': name }))
    const told = await awaitEvent(client, refOf(as), 'OriginHeld')
    assert.match(told.message, /heliograph\.dev\/reflect-as: the platform itself writes/)
  }
  const named = offer(home, 'istio-ca-root-cert', { 'reflect-to': target })
  await client.create(named)
  await awaitEvent(client, refOf(named), 'OriginHeld', ({ message }) =>
    /the platform itself writes/.test(message),
  )
  await solo.settled()
  assert.equal(await client.find(mirrorIn(target, named)), null)
  await annotate(client, refOf(named), { 'reflect-as': 'copy-of-{name}' })
  await awaitPresent(client, mirrorIn(target, named, 'copy-of-istio-ca-root-cert'))
  // As a Secret the name is nothing special.
  const secret = await client.create(secretOffer(home, 'istio-ca-root-cert', { 'reflect-to': target }))
  await awaitPresent(client, mirrorIn(target, secret))
})

test('what belongs to the controller in its own namespace is never an origin; what else is there may be', async () => {
  const target = await stage.namespace('controller-target')
  const own = stage.installation.namespace
  const key = { kind: 'Secret', namespace: own, name: 'heliograph-digest-key' }
  await annotate(client, key, { 'reflect-to': target, 'allow-pull': target })
  const peer = secretOffer(own, 'peer-secret', { 'reflect-to': target })
  await client.create({ ...peer, metadata: { ...peer.metadata, labels: { [`${PREFIX}peer`]: 'true' } } })
  const other = await client.create(secretOffer(own, 'other-secret', { 'reflect-to': target }))
  await awaitPresent(client, mirrorIn(target, other))
  await solo.settled()
  assert.deepEqual(
    (await client.list('Secret', target)).map(({ metadata }) => metadata.name),
    ['other-secret'],
  )
  await annotate(client, key, { 'reflect-to': null, 'allow-pull': null })
})

test('the administrator can allow single ones; helm.sh/release.v1 and our own prefix stay refused', async () => {
  await solo.restart({
    environment: {
      HELIOGRAPH_REFUSED_TYPES: `@defaults, !${BOOTSTRAP_TYPE}`,
      HELIOGRAPH_REFUSED_KEYS: '@defaults, !istio/multiCluster',
      HELIOGRAPH_REFUSED_NAMES: '@defaults, !ConfigMap/openshift-service-ca.crt',
      HELIOGRAPH_NEVER_CARRY: '@defaults, !app.kubernetes.io/instance',
    },
  })
  const [home, target] = await stage.namespaces('allowed-home', 'allowed-target')
  const to = { 'reflect-to': target }
  const token = await client.create(typed(secretOffer(home, 'bootstrap', to), BOOTSTRAP_TYPE))
  await awaitPresent(client, mirrorIn(target, token), ({ type }) => type === BOOTSTRAP_TYPE)
  const labels = JSON.stringify({ 'istio/multiCluster': 'true' })
  const offered = secretOffer(home, 'labelled', { ...to, labels, carry: 'app.kubernetes.io/*' })
  const carried = { 'app.kubernetes.io/instance': 'i', 'app.kubernetes.io/part-of': 'p' }
  const labelled = await client.create({ ...offered, metadata: { ...offered.metadata, labels: carried } })
  const { metadata } = await awaitPresent(client, mirrorIn(target, labelled))
  assert.equal(metadata.labels?.['istio/multiCluster'], 'true')
  assert.equal(metadata.labels['app.kubernetes.io/instance'], 'i')
  assert.equal(metadata.labels['app.kubernetes.io/part-of'], undefined)
  const named = await client.create(offer(home, 'named', { ...to, 'reflect-as': 'openshift-service-ca.crt' }))
  await awaitPresent(client, mirrorIn(target, named, 'openshift-service-ca.crt'))
  assert.deepEqual(await eventsAbout(client, refOf(named)), [])
  const never = [{ type: RELEASE_TYPE }, { labels: '{"heliograph.dev/peer":"true"}' }, { type: TOKEN_TYPE }]
  for (const [index, annotations] of never.entries()) {
    const origin = await client.create(secretOffer(home, `never-${index}`, { ...to, ...annotations }))
    await awaitEvent(client, refOf(origin), 'OriginHeld')
  }
})

function typed(object: KubeObject, type: string, annotations: Texts = {}): KubeObject {
  const { metadata } = object
  return {
    ...object,
    type,
    metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } },
  }
}
