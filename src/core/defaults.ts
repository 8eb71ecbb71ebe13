/** The lists that bind every dialect unless the administrator says otherwise: defaults of the settings, as the texts that a person would write. */

/** Never mirrored, and never given to a mirror. */
export const DEFAULT_REFUSED_TYPES =
  'kubernetes.io/service-account-token, bootstrap.kubernetes.io/token, helm.sh/release.v1'

/** Refused whatever the settings say: the watches leave these Secrets out, so that a mirror of this type could never be tended. */
export const ALWAYS_REFUSED_TYPES = ['helm.sh/release.v1'] as const

/** Labels and annotations that make other software trust an object. Our own prefix is refused besides, always. */
export const DEFAULT_REFUSED_KEYS = [
  'argocd.argoproj.io/secret-type',
  'sealedsecrets.bitnami.com/sealed-secrets-key',
  'istio/multiCluster',
  'sigs.k8s.io/multicluster-runtime-kubeconfig',
  'cluster.x-k8s.io/*',
].join(', ')

/** Names that the platform writes itself, as `Kind/name`. */
export const DEFAULT_REFUSED_NAMES =
  'ConfigMap/kube-root-ca.crt, ConfigMap/openshift-service-ca.crt, ConfigMap/istio-ca-root-cert'

/** Kept out of every mirror, by `carry` and by fixed metadata alike: it holds the whole Secret, and on a mirror it declares another owner. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** What the keys of other tools begin with, unless the administrator says otherwise. */
export const DEFAULT_DIALECT_PREFIXES = {
  reflector: 'reflector.v1.k8s.emberstack.com/',
  replicator: 'replicator.v1.mittwald.de/',
  kubed: 'kubed.appscode.com/',
  sync: 'sync.example.com/',
} as const

/** What `carry` leaves out: metadata by which other tools own, group or find the origin. Our own prefix is left out besides, always. */
export const DEFAULT_NEVER_CARRY = [
  LAST_APPLIED,
  'kubernetes.io/*',
  'meta.helm.sh/*',
  'helm.sh/*',
  'app.kubernetes.io/instance',
  'app.kubernetes.io/managed-by',
  'app.kubernetes.io/part-of',
  'argocd.argoproj.io/*',
  '*.toolkit.fluxcd.io/*',
  'kapp.k14s.io/*',
  'objectset.rio.cattle.io/*',
  'cert-manager.io/*',
  'controller.cert-manager.io/*',
  '*external-secrets.io/*',
  'secrets.hashicorp.com/*',
  'sealedsecrets.bitnami.com/*',
  'kopf.zalando.org/*',
  'velero.io/*',
  '*openpolicyagent.org/*',
  'grafana_dashboard',
  'grafana_datasource',
  'reflector.v1.k8s.emberstack.com/*',
  'replicator.v1.mittwald.de/*',
  'kubed.appscode.com/*',
  'sync.example.com/*',
].join(', ')

/** Never a target, together with the controller's own namespace. */
export const DEFAULT_PROTECTED_NAMESPACES = 'kube-*'
