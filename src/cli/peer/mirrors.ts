/** The mirrors of this home on a peer: what bears all three marks and home's identity, and nothing else. */

import { annotation } from '../../core/annotations.ts'
import type { Failure } from '../../core/failure.ts'
import { marksOf, standingOf } from '../../core/marks.ts'
import type { Marks } from '../../core/marks.ts'
import type { ObjectMeta } from '../../core/objects.ts'
import type { Rules } from '../../core/rules.ts'
import type { Cluster } from '../../kube/connection.ts'
import { listLabelled } from '../../kube/labelled.ts'
import { failed, ok } from '../../std/result.ts'
import type { Result } from '../../std/result.ts'

export interface PeerMirror {
  readonly meta: ObjectMeta
  readonly marks: Marks
  /** `retain`: what its owner made before us, or is to keep; only our marks go. */
  readonly end: 'remove' | 'retain'
}

export interface MirrorSearch {
  readonly cluster: Cluster
  /** Null: the whole peer. */
  readonly namespaces: readonly string[] | null
  readonly rules: Rules
  /** Of home. */
  readonly identity: string
}

/** Those that are not being deleted already. */
export async function mirrorsOn(
  { cluster, namespaces, rules, identity }: MirrorSearch,
  signal: AbortSignal,
): Promise<Result<readonly PeerMirror[], Failure>> {
  const found: PeerMirror[] = []
  for (const kind of rules.kinds) {
    for (const namespace of namespaces ?? ['']) {
      const request = { kind, namespace, labelSelector: annotation(rules.prefix, 'mirror') }
      const listed = await listLabelled(cluster, request, { signal })
      if (!listed.ok) return failed(listed.failure)
      found.push(...listed.value.flatMap((meta) => mirrorOf(meta, rules, identity) ?? []))
    }
  }
  return ok(found)
}

/** Null: none of ours, whatever it bears. */
export function mirrorOf(meta: ObjectMeta, rules: Rules, identity: string): PeerMirror | null {
  const marks = marksOf(meta, rules)
  if (meta.deleting || marks.originCluster !== identity) return null
  if (standingOf(meta, marks, identity, []).kind !== 'ours') return null
  const isKept = marks.adopted || marks.retain || marks.mergedKeys !== null
  return { meta, marks, end: isKept ? 'retain' : 'remove' }
}
