/** Origins and copies as other tools write them, on the stage of the model: an example says only what is special about it. */

import { refOf } from '../../../src/core/names.ts'
import type { Kind, ObjectKey } from '../../../src/core/names.ts'
import { RULES } from '../rules.ts'
import type { Manifest } from './cluster.ts'
import { at } from './rig.ts'
import type { Rig } from './rig.ts'
import { MIRROR, edit } from './stage.ts'

const { prefixes } = RULES.dialects
export const R = prefixes.reflector
export const M = prefixes.replicator
export const K = prefixes.kubed

type Texts = Readonly<Record<string, string>>

/** `shared/registry` offers copies to `team-a` in reflector's words. */
export const REFLECTED: Texts = {
  [`${R}reflection-allowed`]: 'true',
  [`${R}reflection-allowed-namespaces`]: 'team-a,team-b',
  [`${R}reflection-auto-enabled`]: 'true',
  [`${R}reflection-auto-namespaces`]: 'team-a',
}
/** …in replicator's, to be merged. */
export const REPLICATED: Texts = {
  [`${M}replicate-to`]: 'team-a',
  [`${M}replication-allowed`]: 'true',
  [`${M}replication-allowed-namespaces`]: 'team-b',
}
/** …in kubed's, with all its metadata. */
export const SYNCED: Texts = { [`${K}sync`]: 'env=a' }

export interface Given extends Manifest {
  readonly kind?: Kind
  readonly path?: string
}

/** Writes an origin in another tool's words. */
export function offerAs(rig: Rig, words: Texts, { kind = 'Secret', path, ...manifest }: Given = {}): void {
  rig.cluster.put(refOf(at(path ?? 'shared/registry', kind)), {
    data: { token: 'b25l' },
    ...manifest,
    annotations: { ...words, ...manifest.annotations },
  })
}

/** What reflector left in `team-a`. */
export function reflectorCopy(rig: Rig, { kind = 'Secret', path, ...manifest }: Given = {}): ObjectKey {
  const key = at(path ?? 'team-a/registry', kind)
  const annotations = {
    [`${R}reflects`]: 'shared/registry',
    [`${R}auto-reflects`]: 'True',
    [`${R}reflected-version`]: '7',
    [`${R}reflected-at`]: '"2026-08-04T21:27:29.1234567+00:00"',
    ...manifest.annotations,
  }
  rig.cluster.put(refOf(key), { data: { token: 'b25l' }, ...manifest, annotations }, 'reflector|Update')
  return key
}

/** What replicator left in `team-a`: `keys` came from the origin. */
export function replicatorCopy(
  rig: Rig,
  keys: string,
  { kind = 'Secret', path, ...manifest }: Given = {},
): ObjectKey {
  const key = at(path ?? 'team-a/registry', kind)
  const annotations = {
    [`${M}replicated-at`]: '2026-07-07T09:49:26Z',
    [`${M}replicated-from-version`]: '7',
    [`${M}replicated-keys`]: keys,
    ...manifest.annotations,
  }
  rig.cluster.put(refOf(key), { data: { token: 'b25l' }, ...manifest, annotations }, 'replicator|Update')
  return key
}

/** What kubed left in `team-a`. */
export function kubedCopy(rig: Rig, manifest: Manifest = {}): ObjectKey {
  const reference = {
    kind: 'Secret',
    namespace: 'shared',
    name: 'registry',
    uid: 'uid-1',
    apiVersion: 'v1',
    resourceVersion: '7',
  }
  const annotations = { [`${K}origin`]: JSON.stringify(reference), ...manifest.annotations }
  const labels = {
    [`${K}origin.name`]: 'registry',
    [`${K}origin.namespace`]: 'shared',
    [`${K}origin.cluster`]: '',
    ...manifest.labels,
  }
  const copy = { data: { token: 'b25l' }, ...manifest, labels, annotations }
  rig.cluster.put(refOf(MIRROR), copy, 'kubed|Update')
  return MIRROR
}

/** Sets, and with undefined removes, annotations as they are written. */
export function rewrite(
  rig: Rig,
  key: ObjectKey,
  texts: Readonly<Record<string, string | undefined>>,
  by?: string,
): void {
  const change = (now: Required<Manifest>): Manifest => ({
    annotations: Object.fromEntries(
      Object.entries({ ...now.annotations, ...texts }).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]],
      ),
    ),
  })
  edit(rig, key, change, by)
}
