/** A tenant: a ServiceAccount that may do anything with Secrets and ConfigMaps of its own namespace, and nothing elsewhere. */

import { eventually } from './await.ts'
import type { Client } from './client.ts'
import { collectionPath, pathOf, refOf } from './objects.ts'
import type { KubeObject, Ref } from './objects.ts'
import type { Stage } from './stage.ts'

export interface Tenant {
  readonly namespace: string
  /** Acts as the tenant. */
  readonly client: Client
}

/** A new namespace with its tenant. */
export async function openTenant(stage: Stage, word: string): Promise<Tenant> {
  const { client } = stage
  const namespace = await stage.namespace(word)
  const metadata = { namespace, name: 'tenant' }
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'tenant' }
  const rules = [{ apiGroups: [''], resources: ['secrets', 'configmaps'], verbs: ['*'] }]
  const subjects = [{ kind: 'ServiceAccount', namespace, name: 'tenant' }]
  const apiVersion = 'rbac.authorization.k8s.io/v1'
  await client.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata })
  await client.create({ apiVersion, kind: 'Role', metadata, rules })
  await client.create({ apiVersion, kind: 'RoleBinding', metadata, roleRef, subjects })
  const tenant = client.withToken(await client.tokenFor(namespace, 'tenant'))
  const isAllowed = async (): Promise<true | null> =>
    (await tenant.request('GET', collectionPath('Secret', namespace))).status === 200 ? true : null
  await eventually(isAllowed, { what: `the tenant of ${namespace} may read there` })
  return { namespace, client: tenant }
}

/** The statuses with which the API server answers `tenant` who would read, change, replace, delete or make what stands at `ref`. */
export async function attempts(
  tenant: Tenant,
  ref: Ref,
  annotations: Readonly<Record<string, string>>,
): Promise<readonly number[]> {
  const path = pathOf(ref)
  const body: KubeObject = {
    apiVersion: 'v1',
    kind: ref.kind,
    metadata: { namespace: ref.namespace ?? '', name: ref.name, annotations },
  }
  const patch = { body: { metadata: { annotations } }, contentType: 'application/merge-patch+json' }
  const answers = [
    await tenant.client.request('GET', path),
    await tenant.client.request('PATCH', path, patch),
    await tenant.client.request('PUT', path, { body }),
    await tenant.client.request('POST', collectionPath(refOf(body).kind, ref.namespace), { body }),
    await tenant.client.request('DELETE', path),
  ]
  return answers.map(({ status }) => status)
}
