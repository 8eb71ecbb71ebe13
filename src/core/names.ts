/** Names of things in a cluster: branded so that a key is never built by hand, and compared in one way only. */

declare const brand: unique symbol
type Branded<B extends string> = string & { readonly [brand]: B }

/** The kinds that are mirrored. */
export const KINDS = ['Secret', 'ConfigMap'] as const
export type Kind = (typeof KINDS)[number]

/** `Kind/namespace/name`: an object of one cluster. None of the parts can hold a slash. */
export type ObjectKey = Branded<'ObjectKey'>
export type Uid = Branded<'Uid'>
/** A version of one object; ordered by {@link isNewer} only (KEP-5504: decimal integers of any size). */
export type ResourceVersion = Branded<'ResourceVersion'>

export interface ObjectRef {
  readonly kind: Kind
  readonly namespace: string
  readonly name: string
}

export function keyOf(ref: ObjectRef): ObjectKey {
  return `${ref.kind}/${ref.namespace}/${ref.name}` as ObjectKey
}

export function refOf(key: ObjectKey): ObjectRef {
  const [kind, namespace, name] = key.split('/')
  return { kind: kind as Kind, namespace: namespace ?? '', name: name ?? '' }
}

/** `namespace/name`, as the marks and annotations write it. */
export function pathOf(ref: { readonly namespace: string; readonly name: string }): string {
  return `${ref.namespace}/${ref.name}`
}

/** Parses `namespace/name`; null unless both are legal names. */
export function parsePath(text: string): { namespace: string; name: string } | null {
  const parts = text.split('/')
  const [namespace, name] = parts
  if (parts.length !== 2 || namespace === undefined || name === undefined) return null
  return isNamespaceName(namespace) && isObjectName(name) ? { namespace, name } : null
}

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** RFC 1123 label of at most 63 characters. */
export function isNamespaceName(text: string): boolean {
  return text.length <= 63 && LABEL.test(text)
}

/** RFC 1123 subdomain of at most 253 characters: what the API server asks of Secret and ConfigMap names. */
export function isObjectName(text: string): boolean {
  return text.length <= 253 && SUBDOMAIN.test(text)
}

/** A key of `data` or `binaryData` (`IsConfigMapKey` of apimachinery): never `.`, `..` or a name that starts with `..`. */
export function isContentKey(text: string): boolean {
  return text.length <= 253 && /^[-._a-zA-Z0-9]+$/.test(text) && text !== '.' && !text.startsWith('..')
}

const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/

/** A label key (`IsQualifiedName` of apimachinery): `[subdomain/]name`, the name at most 63 characters. */
export function isLabelKey(text: string): boolean {
  const parts = text.split('/')
  const name = parts.at(-1) ?? ''
  if (parts.length > 2 || (parts.length === 2 && !isObjectName(parts[0] ?? ''))) return false
  return name.length <= 63 && QUALIFIED.test(name)
}

/** An annotation key: a label key whose prefix may have capital letters, as the API server allows. */
export function isAnnotationKey(text: string): boolean {
  return isLabelKey(text.toLowerCase())
}

/** A label's value: empty, or at most 63 characters that begin and end alphanumeric. */
export function isLabelValue(text: string): boolean {
  return text === '' || (text.length <= 63 && QUALIFIED.test(text))
}

/** What we take for a Secret type: the API server asks nothing of it, but no type in use holds blanks or more than 253 characters. */
export function isSecretType(text: string): boolean {
  return text.length <= 253 && /^[\x21-\x7e]+$/.test(text)
}

/** Whether version `a` was written after `b`. Versions that are not decimal integers are never newer. */
export function isNewer(a: ResourceVersion, b: ResourceVersion): boolean {
  if (!/^[0-9]+$/.test(a) || !/^[0-9]+$/.test(b)) return a !== b
  return a.length === b.length ? a > b : a.length > b.length
}
