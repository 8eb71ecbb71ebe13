/** The small objects that are read and written whole: Events, Leases, ClusterProperties, reviews of access, tokens, Namespaces. */

import type { ResourceVersion } from '../core/names.ts'
import { Sensitive } from '../std/sensitive.ts'
import { isSendable } from './access.ts'
import type { AccessQuestion, EventBody, IssuedToken, Lease, StoredLease } from './api.ts'
import { isRecord } from './json.ts'
import type { Json } from './json.ts'
import { versionOf } from './wire.ts'

/** The API server refuses longer messages and reasons of an Event. */
const MESSAGE_LENGTH_MAX = 1024
const REASON_LENGTH_MAX = 128
const COMPONENT = 'heliograph'
const DEFAULT_NAMESPACE = 'default'

/**
 * A `v1` Event. The involvedObject of a Namespace has no namespace of its own, and such an Event may only be stored in
 * `default`: stored elsewhere, it is refused unless it names the namespace that it is stored in.
 */
export function eventObject(event: EventBody): Json {
  const { subject } = event
  const isStoredElsewhere = subject.namespace === '' && event.namespace !== DEFAULT_NAMESPACE
  const namespace = isStoredElsewhere ? event.namespace : subject.namespace
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: event.name, namespace: event.namespace },
    involvedObject: {
      apiVersion: 'v1',
      kind: subject.kind,
      name: subject.name,
      uid: subject.uid,
      ...(namespace === '' ? {} : { namespace }),
    },
    type: event.type,
    reason: event.reason.slice(0, REASON_LENGTH_MAX),
    message: event.message.slice(0, MESSAGE_LENGTH_MAX),
    count: event.count,
    firstTimestamp: seconds(event.firstSeenWallMs),
    lastTimestamp: seconds(event.lastSeenWallMs),
    source: { component: COMPONENT },
    reportingComponent: COMPONENT,
  }
}

/** A merge patch: what a repeated Event changes. */
export function eventBump(event: EventBody): Json {
  return { count: event.count, lastTimestamp: seconds(event.lastSeenWallMs) }
}

/** Event times are whole seconds on the wire. */
function seconds(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`
}

export function leaseObject(lease: Lease): Json {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      namespace: lease.namespace,
      name: lease.name,
      labels: lease.labels,
      annotations: lease.annotations,
      ...(lease.version === null ? {} : { resourceVersion: lease.version }),
    },
    spec: {
      // Null as text is refused; an empty holder is how a lease is given back.
      holderIdentity: lease.holder ?? '',
      leaseDurationSeconds: lease.durationSeconds,
      acquireTime: lease.acquireTime,
      renewTime: lease.renewTime,
      leaseTransitions: lease.transitions,
    },
  }
}

/** A Lease from an answer of its own. Null when it is no Lease. */
export function parseLease(raw: Json): StoredLease | null {
  return raw['kind'] === 'Lease' ? leaseFrom(raw) : null
}

/** Every Lease of a list; null where one of them is none. */
export function parseLeases(raw: Json): readonly StoredLease[] | null {
  const items = raw['items'] ?? []
  if (raw['kind'] !== 'LeaseList' || !Array.isArray(items)) return null
  const leases = items.map(leaseFrom)
  return leases.every((lease) => lease !== null) ? leases : null
}

/** A Lease of a watch or a list, whose items name no kind, as another client may have left it: unset fields count as never held. */
export function leaseFrom(raw: unknown): StoredLease | null {
  const version: ResourceVersion | null = versionOf(raw)
  if (version === null || !isRecord(raw) || !isRecord(raw['metadata'])) return null
  const { metadata, spec } = raw
  const { name, namespace } = metadata
  if (typeof name !== 'string' || typeof namespace !== 'string') return null
  const fields = isRecord(spec) ? spec : {}
  const holder = textOrNull(fields['holderIdentity'])
  return {
    namespace,
    name,
    version,
    labels: textsOf(metadata['labels']),
    annotations: textsOf(metadata['annotations']),
    holder: holder === '' ? null : holder,
    durationSeconds: numberOr(fields['leaseDurationSeconds'], 0),
    acquireTime: textOrNull(fields['acquireTime']),
    renewTime: textOrNull(fields['renewTime']),
    transitions: numberOr(fields['leaseTransitions'], 0),
  }
}

/** `spec.value` of a ClusterProperty; null when it has none. */
export function parseProperty(raw: Json): string | null {
  return isRecord(raw['spec']) ? textOrNull(raw['spec']['value']) : null
}

export function reviewObject(question: AccessQuestion): Json {
  const [resource = '', subresource] = question.resource.split('/')
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: {
      resourceAttributes: {
        verb: question.verb,
        group: question.apiGroup,
        resource,
        ...(subresource === undefined ? {} : { subresource }),
        ...(question.namespace === null ? {} : { namespace: question.namespace }),
        ...(question.name === null ? {} : { name: question.name }),
      },
    },
  }
}

/** `status.allowed`; null when there is none. Its reason quotes names of rules and is not read. */
export function parseReview(raw: Json): boolean | null {
  const { status } = raw
  return isRecord(status) && typeof status['allowed'] === 'boolean' ? status['allowed'] : null
}

export function namespaceObject(name: string, labels: Readonly<Record<string, string>>): Json {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
}

export function tokenRequestObject(lifetimeSeconds: number): Json {
  return {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: lifetimeSeconds },
  }
}

/** The token of a TokenRequest's answer; null where there is none that could be sent, or its end is not told. */
export function parseToken(raw: Json): IssuedToken | null {
  const status = isRecord(raw['status']) ? raw['status'] : {}
  const { token, expirationTimestamp } = status
  const expiresAtMs = typeof expirationTimestamp === 'string' ? Date.parse(expirationTimestamp) : Number.NaN
  if (typeof token !== 'string' || !isSendable(token) || Number.isNaN(expiresAtMs)) return null
  return { token: new Sensitive(token), expiresAtMs }
}

function textsOf(raw: unknown): Readonly<Record<string, string>> {
  const copy = Object.create(null) as Record<string, string>
  if (!isRecord(raw)) return copy
  for (const [key, value] of Object.entries(raw)) if (typeof value === 'string') copy[key] = value
  return copy
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function numberOr(value: unknown, fallback: number): number {
  return typeof value === 'number' ? value : fallback
}
