/** A stage for examples: namespaces, one origin and its settled mirrors, so that a test says only what is special about it. */

import assert from 'node:assert/strict'

import type { Decision } from '../../../src/core/decision.ts'
import { mirrorLabel } from '../../../src/core/marks.ts'
import { parsePath, refOf } from '../../../src/core/names.ts'
import type { Kind, ObjectKey } from '../../../src/core/names.ts'
import type { Rules } from '../../../src/core/rules.ts'
import { PREFIX } from '../rules.ts'
import { manifestOf } from './cluster.ts'
import type { Manifest, Stored } from './cluster.ts'
import { IDENTITY, Rig, at } from './rig.ts'

export const ORIGIN = at('shared/registry')
export const MIRROR = at('team-a/registry')

export function prefixed(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([key, value]) => [PREFIX + key, value]))
}

/** Namespaces `shared`, `other`, `team-a`, `team-b`; nothing in them. */
export function emptyStage(rules: Partial<Rules> = {}): Rig {
  const rig = new Rig(rules)
  for (const name of ['shared', 'other', 'team-a', 'team-b']) rig.cluster.setNamespace(name, {})
  return rig
}

/** Origin `shared/registry` that reflects to `team-a`, with more annotations under our prefix; not yet settled. */
export function stage(
  annotations: Readonly<Record<string, string>> = {},
  manifest: Manifest = {},
  rules: Partial<Rules> = {},
): Rig {
  const rig = emptyStage(rules)
  offer(rig, 'shared/registry', annotations, manifest)
  return rig
}

/** The same with its mirror made and everything at rest. */
export function settledStage(
  annotations: Readonly<Record<string, string>> = {},
  manifest: Manifest = {},
  rules: Partial<Rules> = {},
): Rig {
  const rig = stage(annotations, manifest, rules)
  rig.settle()
  assert.ok(rig.cluster.get(MIRROR) !== null, 'the mirror was made')
  return rig
}

/** Writes an origin at `path` that reflects to `team-a`. */
export function offer(
  rig: Rig,
  path: string,
  annotations: Readonly<Record<string, string>> = {},
  { kind = 'Secret', ...manifest }: Manifest & { readonly kind?: Kind } = {},
): Stored {
  return rig.cluster.put(refOf(at(path, kind)), {
    data: { token: 'b25l' },
    ...manifest,
    annotations: { ...prefixed({ 'reflect-to': 'team-a', ...annotations }), ...manifest.annotations },
  })
}

/** Changes an object that is there as a user would: what `edit` gives replaces those parts. */
export function edit(
  rig: Rig,
  key: ObjectKey,
  change: (now: Required<Manifest>) => Manifest,
  by?: string,
): void {
  const stored = standing(rig, key)
  const now = manifestOf(stored)
  rig.cluster.put(stored.ref, { ...now, ...change(now) }, by)
}

/** Sets, and with undefined removes, annotations under our prefix. */
export function annotate(
  rig: Rig,
  key: ObjectKey,
  annotations: Readonly<Record<string, string | undefined>>,
): void {
  edit(rig, key, (now) => {
    const all: Record<string, string> = { ...now.annotations }
    for (const [name, value] of Object.entries(annotations)) {
      if (value === undefined) Reflect.deleteProperty(all, PREFIX + name)
      else all[PREFIX + name] = value
    }
    return { annotations: all }
  })
}

/** Removes the label `mirror`. */
export function unlabel(rig: Rig, key: ObjectKey): void {
  edit(rig, key, ({ labels }) => ({
    labels: Object.fromEntries(Object.entries(labels).filter(([name]) => name !== `${PREFIX}mirror`)),
  }))
}

export function labelFor(path: string, kind: Kind = 'Secret'): string {
  const parsed = parsePath(path)
  assert.ok(parsed !== null)
  return mirrorLabel(IDENTITY, { kind, ...parsed })
}

export function contentOf(rig: Rig, key: ObjectKey): Required<Manifest> {
  return manifestOf(standing(rig, key))
}

/** An annotation under our prefix; undefined if it is not there. */
export function mark(rig: Rig, key: ObjectKey, name: string): string | undefined {
  return contentOf(rig, key).annotations[PREFIX + name]
}

function standing(rig: Rig, key: ObjectKey): Stored {
  const stored = rig.cluster.get(key)
  assert.ok(stored !== null, `${key} is there`)
  return stored
}

/** The kinds of decisions, in order. */
export function kinds(decisions: readonly { readonly kind: string }[]): readonly string[] {
  return decisions.map(({ kind }) => kind)
}

/** `state reason` of what a place rests on. */
export function restOf(rig: Rig, key: ObjectKey = MIRROR): string {
  const { last } = rig.turn(key)
  return last.kind === 'keep' || last.kind === 'wait' ? `${last.state} ${last.reason}` : last.kind
}

/** Acts until rest, each as `kind reason`. */
export function acted(rig: Rig): readonly string[] {
  return rig.settle().map(({ decision }) => told(decision))
}

/** `kind reason`. */
export function told(decision: Decision): string {
  return 'reason' in decision ? `${decision.kind} ${decision.reason}` : decision.kind
}

/** The origin goes. */
export function gone(rig: Rig, live = true): void {
  rig.change(() => rig.cluster.drop(ORIGIN), live)
}

/** A foreign object where a mirror would be. */
export function inTheWay(
  rig: Rig,
  annotations: Readonly<Record<string, string>> = {},
  type = 'Opaque',
): void {
  rig.cluster.put(refOf(MIRROR), { type, data: { theirs: 'eA==' }, annotations: prefixed(annotations) })
}

/** Acts until rest; then nothing more is written, through a restart too. */
export function actedOnce(rig: Rig): readonly string[] {
  const acts = acted(rig)
  assert.deepEqual(acted(rig), [], 'nothing is written again')
  rig.restart()
  assert.deepEqual(acted(rig), [], 'nor after a restart')
  return acts
}
