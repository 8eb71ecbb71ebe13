/** The record that a holder writes to the Lease, field for field as client-go does. */

import type { Lease } from '../kube/api.ts'

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

/** RFC 3339 with six decimals: the API server takes a MicroTime in no other form. */
export function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/Z$/, '000Z')
}
