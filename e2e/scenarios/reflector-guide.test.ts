/** The manifests of reflector’s guides, applied by kubectl as they stand there. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { kubectl } from '../lib/kubectl.ts'
import { isMirrorOf } from '../lib/marks.ts'
import { plain } from '../lib/objects.ts'
import { awaitData, namespacesOf } from '../lib/offers.ts'
import { startSolo } from '../lib/solo.ts'

const solo = await startSolo()
const { client, stage } = solo

const APPS = ['app1', 'app2', 'app3']
const { kubeconfig } = stage.plane
const apply = async (...documents: readonly string[]): Promise<string> =>
  await kubectl(kubeconfig, ['apply', '-f', '-'], documents.join('---\n'))

const NAMESPACES = ['cert-manager', ...APPS, 'app4'].map(
  (name) => `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ${name}\n`,
)

const certificate = (text: string): string => `apiVersion: v1
kind: Secret
metadata:
  name: wildcard-tls
  namespace: cert-manager
  annotations:
    reflector.v1.k8s.emberstack.com/reflection-allowed: "true"
    reflector.v1.k8s.emberstack.com/reflection-allowed-namespaces: "app1,app2,app3"
    reflector.v1.k8s.emberstack.com/reflection-auto-enabled: "true"
type: kubernetes.io/tls
stringData:
  tls.crt: ${text}
  tls.key: ${text} key
`

const CONFIG = `apiVersion: v1
kind: ConfigMap
metadata:
  name: ca-bundle
  namespace: cert-manager
  annotations:
    reflector.v1.k8s.emberstack.com/reflection-allowed: "true"
    reflector.v1.k8s.emberstack.com/reflection-allowed-namespaces: "app1,app2,app3"
    reflector.v1.k8s.emberstack.com/reflection-auto-enabled: "true"
    reflector.v1.k8s.emberstack.com/reflection-auto-namespaces: "app[12]"
data:
  ca.crt: bundle
`

const pulled = (kind: string, name: string, origin: string, namespace = 'app3'): string => `apiVersion: v1
kind: ${kind}
metadata:
  name: ${name}
  namespace: ${namespace}
  annotations:
    reflector.v1.k8s.emberstack.com/reflects: "cert-manager/${origin}"
`

await apply(...NAMESPACES)

test('the TLS Secret of the guide is mirrored into app1, app2 and app3 and nowhere else, and follows a renewal', async () => {
  await apply(certificate('first'))
  const origin = { kind: 'Secret', namespace: 'cert-manager', name: 'wildcard-tls' }
  for (const namespace of APPS) {
    const mirror = await awaitPresent(client, { ...origin, namespace })
    assert.equal(mirror.type, 'kubernetes.io/tls')
    assert.deepEqual(plain(mirror), { 'tls.crt': 'first', 'tls.key': 'first key' })
    assert.ok(isMirrorOf(mirror, origin))
    assert.doesNotMatch(JSON.stringify(mirror.metadata), /last-applied-configuration/)
  }
  await solo.settled()
  assert.deepEqual(await namespacesOf(client, origin), APPS)
  await apply(certificate('renewed'))
  for (const namespace of APPS)
    await awaitData(client, { ...origin, namespace }, { 'tls.crt': 'renewed', 'tls.key': 'renewed key' })
})

test('the same as a ConfigMap, with auto for some of the allowed namespaces', async () => {
  await apply(CONFIG)
  const origin = { kind: 'ConfigMap', namespace: 'cert-manager', name: 'ca-bundle' }
  for (const namespace of ['app1', 'app2'])
    await awaitData(client, { ...origin, namespace }, { 'ca.crt': 'bundle' })
  await solo.settled()
  assert.deepEqual(await namespacesOf(client, origin), ['app1', 'app2'])
})

test('objects that reflect are filled under their own names, applied again they stay filled, and outside the list they stay empty', async () => {
  const asking = [
    pulled('Secret', 'my-tls', 'wildcard-tls'),
    pulled('ConfigMap', 'my-bundle', 'ca-bundle'),
    pulled('Secret', 'my-tls', 'wildcard-tls', 'app4'),
  ]
  await apply(...asking)
  const secret = { kind: 'Secret', namespace: 'app3', name: 'my-tls' }
  const map = { kind: 'ConfigMap', namespace: 'app3', name: 'my-bundle' }
  await awaitData(client, secret, { 'tls.crt': 'renewed', 'tls.key': 'renewed key' })
  const filled = await awaitData(client, map, { 'ca.crt': 'bundle' })
  const said = await apply(...asking)
  assert.match(said, /configmap\/my-bundle unchanged/)
  await solo.settled()
  assert.equal((await client.get(map)).metadata.resourceVersion, filled.metadata.resourceVersion)
  assert.equal((await client.get({ ...secret, namespace: 'app4' })).data, undefined)
})

test('kubectl delete of the origins takes the mirrors away and leaves what was pulled', async () => {
  await kubectl(kubeconfig, ['delete', '-n', 'cert-manager', 'secret/wildcard-tls', 'configmap/ca-bundle'])
  for (const namespace of APPS) {
    await awaitAbsent(client, { kind: 'Secret', namespace, name: 'wildcard-tls' })
    await awaitAbsent(client, { kind: 'ConfigMap', namespace, name: 'ca-bundle' })
  }
  await solo.settled()
  await awaitData(
    client,
    { kind: 'Secret', namespace: 'app3', name: 'my-tls' },
    { 'tls.crt': 'renewed', 'tls.key': 'renewed key' },
  )
  await awaitData(client, { kind: 'ConfigMap', namespace: 'app3', name: 'my-bundle' }, { 'ca.crt': 'bundle' })
})
