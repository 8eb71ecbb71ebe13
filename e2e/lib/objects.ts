/** Kubernetes objects as tests handle them, and the paths under which an API server keeps them. */

export interface Metadata {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly finalizers?: readonly string[]
  readonly [field: string]: unknown
}

export interface KubeObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: Metadata
  readonly type?: string
  readonly immutable?: boolean
  /** Base64 in a Secret, plain text in a ConfigMap. */
  readonly data?: Readonly<Record<string, string>>
  readonly binaryData?: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

/** One object's place; without `namespace` for kinds that have none. */
export interface Ref {
  readonly kind: string
  readonly namespace?: string
  readonly name: string
  /** Only for kinds that {@link pathOf} does not know by name. */
  readonly apiVersion?: string
}

/** Kinds outside the core group, and those whose plural is irregular. */
const GROUPS: Readonly<Record<string, string>> = {
  Role: 'rbac.authorization.k8s.io/v1',
  RoleBinding: 'rbac.authorization.k8s.io/v1',
  ClusterRole: 'rbac.authorization.k8s.io/v1',
  ClusterRoleBinding: 'rbac.authorization.k8s.io/v1',
  Lease: 'coordination.k8s.io/v1',
  Deployment: 'apps/v1',
  ReplicaSet: 'apps/v1',
  NetworkPolicy: 'networking.k8s.io/v1',
  PodDisruptionBudget: 'policy/v1',
  CustomResourceDefinition: 'apiextensions.k8s.io/v1',
  ValidatingAdmissionPolicy: 'admissionregistration.k8s.io/v1',
  ValidatingAdmissionPolicyBinding: 'admissionregistration.k8s.io/v1',
  ValidatingWebhookConfiguration: 'admissionregistration.k8s.io/v1',
  MutatingWebhookConfiguration: 'admissionregistration.k8s.io/v1',
  SelfSubjectAccessReview: 'authorization.k8s.io/v1',
  SubjectAccessReview: 'authorization.k8s.io/v1',
  PriorityLevelConfiguration: 'flowcontrol.apiserver.k8s.io/v1',
  FlowSchema: 'flowcontrol.apiserver.k8s.io/v1',
}

/** The path of all objects of `kind` in `namespace`, or in the whole cluster. */
export function collectionPath(kind: string, namespace?: string, apiVersion?: string): string {
  const group = apiVersion ?? GROUPS[kind] ?? 'v1'
  const root = group.includes('/') ? `/apis/${group}` : `/api/${group}`
  const place = namespace === undefined || namespace === '' ? '' : `/namespaces/${namespace}`
  return `${root}${place}/${plural(kind)}`
}

export function pathOf(ref: Ref): string {
  return `${collectionPath(ref.kind, ref.namespace, ref.apiVersion)}/${ref.name}`
}

export function refOf(object: KubeObject): Ref {
  const { name, namespace } = object.metadata
  return {
    kind: object.kind ?? '',
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(object.apiVersion === undefined ? {} : { apiVersion: object.apiVersion }),
  }
}

/** `Secret team-a/db`, for sentences. */
export function say(ref: Ref): string {
  return `${ref.kind} ${ref.namespace === undefined ? '' : `${ref.namespace}/`}${ref.name}`
}

/** A Secret with `data` in plain text or bytes; base64 is made here. */
export function secret(
  namespace: string,
  name: string,
  data: Readonly<Record<string, string | Uint8Array>>,
  extra: {
    readonly annotations?: Readonly<Record<string, string>>
    readonly labels?: Readonly<Record<string, string>>
    readonly type?: string
  } = {},
): KubeObject {
  const { annotations = {}, labels = {}, type } = extra
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name, annotations, labels },
    ...(type === undefined ? {} : { type }),
    data: Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  }
}

/** A ConfigMap with `data` in plain text. */
export function configMap(
  namespace: string,
  name: string,
  data: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>> = {},
): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name, annotations }, data }
}

/** A Secret's data as text. */
export function plain(object: KubeObject): Readonly<Record<string, string>> {
  const entries = Object.entries(object.data ?? {})
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
}

function plural(kind: string): string {
  const lower = kind.toLowerCase()
  if (/(s|x|ch)$/.test(lower)) return `${lower}es`
  return lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`
}
