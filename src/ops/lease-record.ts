/** The record that a holder writes to the Lease, field for field as client-go does, and how long one counts that another wrote. */

import type { Lease } from '../kube/api.ts'

/** A Lease that names a longer time is taken after this one. */
const FOREIGN_DURATION_MS_MAX = 300_000

/** The Lease after `identity` took or renewed it: a renewal keeps its beginning, a taking counts one more transition. */
export function nextRecord(lease: Lease, identity: string, durationMs: number, wallMs: number): Lease {
  const renewTime = microTime(wallMs)
  const isRenewal = lease.holder === identity
  const isFirst = lease.version === null
  return {
    ...lease,
    holder: identity,
    durationSeconds: Math.ceil(durationMs / 1_000),
    acquireTime: isRenewal ? (lease.acquireTime ?? renewTime) : renewTime,
    renewTime,
    transitions: isRenewal || isFirst ? lease.transitions : lease.transitions + 1,
  }
}

/** A Lease that nobody made yet. */
export function blankLease(
  place: Pick<Lease, 'namespace' | 'name'>,
  durationMs: number,
  labels: Lease['labels'] = {},
): Lease {
  return {
    namespace: place.namespace,
    name: place.name,
    version: null,
    labels,
    annotations: {},
    holder: null,
    durationSeconds: durationMs / 1_000,
    acquireTime: null,
    renewTime: null,
    transitions: 0,
  }
}

/** The Lease as its holder gives it up: whoever sees it need not wait. */
export function releasedRecord(lease: Lease, identity: string, durationMs: number, wallMs: number): Lease {
  return { ...nextRecord(lease, identity, durationMs, wallMs), holder: null, durationSeconds: 1 }
}

/** How long whoever wants the Lease must have watched it unchanged, in milliseconds, as the record itself says. */
export function lapseMs({ durationSeconds }: Pick<Lease, 'durationSeconds'>, usualMs: number): number {
  return durationSeconds > 0 ? Math.min(durationSeconds * 1_000, FOREIGN_DURATION_MS_MAX) : usualMs
}

/** RFC 3339 with six decimals: the API server takes a MicroTime in no other form. */
export function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/Z$/, '000Z')
}
