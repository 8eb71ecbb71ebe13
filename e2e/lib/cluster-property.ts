/** Makes a cluster name itself as members of a cluster set do. */

import { eventually } from './await.ts'
import type { Client } from './client.ts'

/** The kind of KEP-2149 and the one object of it that names this cluster. */
export async function installClusterProperty(client: Client, value: string): Promise<void> {
  await client.apply(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: clusterproperties.about.k8s.io
  annotations: { api-approved.kubernetes.io: 'https://github.com/kubernetes/enhancements/pull/2149' }
spec:
  group: about.k8s.io
  scope: Cluster
  names: { plural: clusterproperties, singular: clusterproperty, kind: ClusterProperty }
  versions:
    - name: v1alpha1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: { spec: { type: object, properties: { value: { type: string } } } }
`)
  const property = {
    apiVersion: 'about.k8s.io/v1alpha1',
    kind: 'ClusterProperty',
    metadata: { name: 'cluster.clusterset.k8s.io' },
    spec: { value },
  }
  await eventually(
    async () => {
      const answer = await client.request('POST', '/apis/about.k8s.io/v1alpha1/clusterproperties', {
        body: property,
      })
      return answer.status === 201 ? true : null
    },
    { what: 'the ClusterProperty is there' },
  )
}
