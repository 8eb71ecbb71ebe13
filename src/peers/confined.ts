/**
 * A peer that grants single namespaces by name: what the engine asks of Namespaces is answered from the list, as nothing may be asked beyond them.
 * The list is the consent. A namespace that is not there shows when the first write into it fails.
 */

import type { NamespaceMeta } from '../core/objects.ts'
import type { ResourceVersion, Uid } from '../core/names.ts'
import type { ReadNamespace } from '../engine/destination.ts'
import type { ChangeSink } from '../kube/changes.ts'
import { failed, ok } from '../std/result.ts'

/** Reads a Namespace off the list. */
export function readListed(names: readonly string[]): ReadNamespace {
  const known = new Set(names)
  return (name) => Promise.resolve(known.has(name) ? ok(listed(name)) : failed({ kind: 'namespace-absent' }))
}

export interface ListedNamespaces {
  /** A first snapshot of one resource in `name` is complete. */
  synced(name: string, resource: string): void
}

/**
 * Delivers each namespace of the list when all of its `resourcesCount` resources were listed.
 * The list changes only with the peer Secret, and then the peer is attached anew.
 */
export function listedNamespaces(
  names: readonly string[],
  resourcesCount: number,
  sink: ChangeSink<NamespaceMeta>,
): ListedNamespaces {
  const known = new Map(names.map((name) => [name, new Set<string>()]))
  sink.beginSnapshot('relist')
  sink.endSnapshot(null)
  return {
    synced(name, resource) {
      const resources = known.get(name)
      if (resources === undefined || resources.has(resource)) return
      resources.add(resource)
      if (resources.size === resourcesCount) sink.put(listed(name), 'relist')
    },
  }
}

/** Nothing but its name is known of it. */
function listed(name: string): NamespaceMeta {
  return {
    name,
    uid: `listed:${name}` as Uid,
    version: '1' as ResourceVersion,
    terminating: false,
    labels: {},
    annotations: {},
  }
}
