/**
 * A model of the API server, faithful in what we use: versions that rise globally, uids, field owners, JSON patches with `test`,
 * validation, quota, preconditions, finalizers, namespaces that end. It knows nothing of mirrors.
 */

import type { Failure } from '../../src/core/failure.ts'
import { keyOf } from '../../src/core/names.ts'
import type { Kind, ObjectKey, ObjectRef } from '../../src/core/names.ts'
import { failed, ok } from '../../src/std/result.ts'
import type { Result } from '../../src/std/result.ts'
import { applyPatch } from './json-patch.ts'
import type { Op } from './json-patch.ts'
import { leaves } from './thing.ts'
import type { Map1, NamespaceThing, Thing } from './thing.ts'
import type { SimTime } from './time.ts'

export type Resource = Kind | 'Namespace'

export interface LogEntry {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly version: number
  readonly object: Thing | NamespaceThing
}

/** One write that took effect. */
export interface Effect {
  readonly manager: string
  /** Identity of the home whose process wrote it; empty for anybody else. */
  readonly by: string
  readonly atMs: number
  readonly before: Thing | null
  readonly after: Thing | null
}

/** What a client sends to create an object. */
export interface Manifest {
  readonly name: string
  readonly labels?: Map1
  readonly annotations?: Map1
  readonly type?: string
  readonly immutable?: boolean
  readonly data?: Map1
  readonly binaryData?: Map1
  readonly finalizers?: readonly string[]
}

/** The fields of an object that a client may change. */
export type Fields = Pick<
  Thing,
  'labels' | 'annotations' | 'type' | 'immutable' | 'data' | 'binaryData' | 'finalizers'
>

const REQUIRED_KEYS: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
}

export class World {
  readonly time: SimTime
  readonly objects = new Map<ObjectKey, Thing>()
  readonly namespaces = new Map<string, NamespaceThing>()
  readonly logs: Readonly<Record<Resource, LogEntry[]>> = { Secret: [], ConfigMap: [], Namespace: [] }
  readonly effects: Effect[] = []
  /** Namespaces in which creates are refused, and by what. */
  readonly refusals = new Map<string, 'quota' | 'forbidden'>()
  /** Told of every write that took effect. */
  readonly watchers = new Set<(effect: Effect) => void>()
  /** Told that a log grew. */
  readonly listeners = new Set<(resource: Resource) => void>()
  /** Which home writes just now; see {@link Effect.by}. */
  writer = ''
  #version = 100
  #uids = 0
  readonly #mark: string

  /** `mark`: four hex digits that set the uids of this cluster apart from those of others. */
  constructor(time: SimTime, mark = '0000') {
    this.time = time
    this.#mark = mark
  }

  get version(): number {
    return this.#version
  }

  get(ref: ObjectRef): Thing | null {
    return this.objects.get(keyOf(ref)) ?? null
  }

  read(ref: ObjectRef): Result<Thing, Failure> {
    const thing = this.get(ref)
    return thing === null ? failed({ kind: 'absent' }) : ok(thing)
  }

  create(
    ref: { readonly kind: Kind; readonly namespace: string },
    manifest: Manifest,
    manager: string,
    isDryRun = false,
  ): Result<Thing, Failure> {
    const namespace = this.namespaces.get(ref.namespace)
    if (namespace === undefined) return failed({ kind: 'namespace-absent' })
    if (namespace.terminating) return failed({ kind: 'namespace-terminating' })
    const uid = isDryRun ? 'dry-run' : this.#uid()
    const fresh = newThing(ref, manifest, uid, new Date(this.time.wall()).toISOString().replace('.000Z', 'Z'))
    if (this.objects.has(keyOf(fresh))) return failed({ kind: 'exists' })
    const refusal = this.refusals.get(ref.namespace)
    if (refusal !== undefined) return failed({ kind: refusal })
    const fields = invalidFields(null, fresh)
    if (fields.length > 0) return failed({ kind: 'invalid', fields })
    const owned = { ...fresh, owners: new Map([[`${manager} Update`, new Set(leaves(fresh).keys())]]) }
    return isDryRun ? ok(owned) : ok(this.#commit('ADDED', null, owned, manager))
  }

  /** A JSON patch: whatever does not fit, a `test` included, is one 422 without causes. */
  patch(ref: ObjectRef, ops: readonly Op[], manager: string): Result<Thing, Failure> {
    const before = this.get(ref)
    if (before === null) return failed({ kind: 'absent' })
    const patched = applyPatch(documentOf(before), ops)
    if (patched === null) return failed({ kind: 'test-failed' })
    return this.#update(before, fieldsOf(before, patched), `${manager} Update`)
  }

  /** An unconditional update: what `change` gives replaces those fields. */
  update(
    ref: ObjectRef,
    change: (before: Thing) => Partial<Fields>,
    manager: string,
  ): Result<Thing, Failure> {
    const before = this.get(ref)
    return before === null
      ? failed({ kind: 'absent' })
      : this.#update(before, { ...before, ...change(before) }, `${manager} Update`)
  }

  /** A forced server-side apply of data: equal values become co-owned, others change hands. */
  apply(ref: ObjectRef, data: Map1, manager: string): Result<Thing, Failure> {
    const before = this.get(ref)
    if (before === null) return failed({ kind: 'absent' })
    return this.#update(
      before,
      { ...before, data: { ...before.data, ...data } },
      `${manager} Apply`,
      Object.keys(data).map((key) => `data/${key}`),
    )
  }

  remove(
    ref: ObjectRef,
    preconditions: { readonly uid: string; readonly version: string } | null,
    manager: string,
  ): Result<'gone' | 'pending', Failure> {
    const before = this.get(ref)
    if (before === null) return failed({ kind: 'absent' })
    const isAsSeen =
      preconditions === null ||
      (preconditions.uid === before.uid && preconditions.version === String(before.version))
    if (!isAsSeen) return failed({ kind: 'conflict' })
    if (before.deleting) return ok('pending')
    if (before.finalizers.length > 0) {
      this.#commit('MODIFIED', before, { ...before, deleting: true }, manager)
      return ok('pending')
    }
    this.#erase(before, manager)
    return ok('gone')
  }

  createNamespace(name: string, more: { readonly labels?: Map1; readonly annotations?: Map1 } = {}): void {
    if (this.namespaces.has(name)) return
    this.#commitNamespace('ADDED', {
      name,
      uid: this.#uid(),
      version: 0,
      terminating: false,
      labels: { 'kubernetes.io/metadata.name': name, ...more.labels },
      annotations: more.annotations ?? {},
    })
  }

  updateNamespace(
    name: string,
    change: (before: NamespaceThing) => Partial<Pick<NamespaceThing, 'labels' | 'annotations'>>,
  ): void {
    const before = this.namespaces.get(name)
    if (before === undefined) return
    const after = { ...before, ...change(before) }
    if (isEqual(before.labels, after.labels) && isEqual(before.annotations, after.annotations)) return
    this.#commitNamespace('MODIFIED', after)
  }

  /** Terminating at once; the namespace controller empties it `emptyingMs` later and tries again until it is empty. */
  deleteNamespace(name: string, emptyingMs: number): void {
    const before = this.namespaces.get(name)
    if (before === undefined || before.terminating) return
    this.#commitNamespace('MODIFIED', { ...before, terminating: true })
    this.time.after(emptyingMs, () => this.#emptyNamespace(name))
  }

  #emptyNamespace(name: string): void {
    const namespace = this.namespaces.get(name)
    if (namespace === undefined) return
    for (const thing of this.objects.values())
      if (thing.namespace === name) this.remove(thing, null, 'namespace-controller')
    if ([...this.objects.values()].some((thing) => thing.namespace === name)) {
      this.time.after(1_000, () => this.#emptyNamespace(name))
      return
    }
    this.namespaces.delete(name)
    this.#version += 1
    this.#log('Namespace', {
      type: 'DELETED',
      version: this.#version,
      object: { ...namespace, version: this.#version },
    })
  }

  #uid(): string {
    this.#uids += 1
    return `00000000-${this.#mark}-4000-8000-${String(this.#uids).padStart(12, '0')}`
  }

  #update(
    before: Thing,
    draft: Fields,
    owner: string,
    applied: readonly string[] | null = null,
  ): Result<Thing, Failure> {
    const after: Thing = {
      ...before,
      labels: draft.labels,
      annotations: draft.annotations,
      type: draft.type,
      immutable: draft.immutable,
      data: draft.data,
      binaryData: draft.binaryData,
      finalizers: draft.finalizers,
    }
    const fields = invalidFields(before, after)
    if (fields.length > 0) return failed({ kind: 'invalid', fields })
    const owners = newOwners(before, after, owner, applied)
    if (owners === before.owners && isSameThing(before, after)) return ok(before)
    const manager = owner.split(' ')[0] ?? ''
    if (after.deleting && after.finalizers.length === 0) return ok(this.#erase(before, manager))
    return ok(this.#commit('MODIFIED', before, { ...after, owners }, manager))
  }

  #commit(type: 'ADDED' | 'MODIFIED', before: Thing | null, draft: Thing, manager: string): Thing {
    this.#version += 1
    const isNewContent =
      before === null || !isEqual(before.data, draft.data) || !isEqual(before.binaryData, draft.binaryData)
    const writtenAtMs = isNewContent ? this.time.wall() : draft.writtenAtMs
    const after: Thing = { ...draft, version: this.#version, writtenAtMs }
    this.objects.set(keyOf(after), after)
    this.#log(after.kind, { type, version: after.version, object: after })
    this.#tell({ manager, by: this.writer, atMs: this.time.now(), before, after })
    return after
  }

  #erase(before: Thing, manager: string): Thing {
    this.#version += 1
    this.objects.delete(keyOf(before))
    const last = { ...before, deleting: true, version: this.#version }
    this.#log(before.kind, { type: 'DELETED', version: this.#version, object: last })
    this.#tell({ manager, by: this.writer, atMs: this.time.now(), before, after: null })
    return last
  }

  #commitNamespace(type: 'ADDED' | 'MODIFIED', draft: NamespaceThing): void {
    this.#version += 1
    const after = { ...draft, version: this.#version }
    this.namespaces.set(after.name, after)
    this.#log('Namespace', { type, version: after.version, object: after })
  }

  #log(resource: Resource, entry: LogEntry): void {
    this.logs[resource].push(entry)
    for (const listener of this.listeners) listener(resource)
  }

  #tell(effect: Effect): void {
    this.effects.push(effect)
    for (const watcher of this.watchers) watcher(effect)
  }
}

function newThing(
  ref: { readonly kind: Kind; readonly namespace: string },
  manifest: Manifest,
  uid: string,
  createdAt: string,
): Thing {
  return {
    kind: ref.kind,
    namespace: ref.namespace,
    name: manifest.name,
    uid,
    version: 0,
    createdAt,
    deleting: false,
    finalizers: manifest.finalizers ?? [],
    labels: manifest.labels ?? {},
    annotations: manifest.annotations ?? {},
    type: ref.kind === 'Secret' ? (manifest.type ?? 'Opaque') : null,
    immutable: manifest.immutable ?? false,
    data: manifest.data ?? {},
    binaryData: manifest.binaryData ?? {},
    owners: new Map(),
    writtenAtMs: 0,
  }
}

/** What validation would name; empty for a valid object. */
function invalidFields(before: Thing | null, after: Thing): readonly string[] {
  const fields: string[] = []
  const content = { ...after.data, ...after.binaryData }
  for (const key of REQUIRED_KEYS[after.type ?? ''] ?? []) if (!(key in content)) fields.push(`data[${key}]`)
  for (const key of Object.keys(after.data)) if (key in after.binaryData) fields.push(`data[${key}]`)
  if (before === null) return fields
  if (before.type !== after.type) fields.push('type')
  if (before.immutable && !after.immutable) fields.push('immutable')
  if (before.immutable && !isEqual(before.data, after.data)) fields.push('data')
  if (before.immutable && !isEqual(before.binaryData, after.binaryData)) fields.push('binaryData')
  return fields
}

function documentOf(thing: Thing): Record<string, unknown> {
  const { labels, annotations, data, binaryData } = thing
  const present = (name: string, map: Map1): Record<string, unknown> =>
    Object.keys(map).length === 0 ? {} : { [name]: { ...map } }
  return {
    metadata: {
      name: thing.name,
      namespace: thing.namespace,
      uid: thing.uid,
      resourceVersion: String(thing.version),
      ...present('labels', labels),
      ...present('annotations', annotations),
    },
    ...present('data', data),
    ...present('binaryData', binaryData),
    ...(thing.type === null ? {} : { type: thing.type }),
    ...(thing.immutable ? { immutable: true } : {}),
  }
}

function fieldsOf(before: Thing, document: Record<string, unknown>): Fields {
  const metadata = document['metadata'] as Record<string, unknown>
  const map = (value: unknown): Map1 => (value ?? {}) as Map1
  return {
    finalizers: before.finalizers,
    labels: map(metadata['labels']),
    annotations: map(metadata['annotations']),
    data: map(document['data']),
    binaryData: map(document['binaryData']),
    type: (document['type'] ?? before.type) as string | null,
    immutable: document['immutable'] === true,
  }
}

/** A changed value changes hands; what `applied` names is owned besides; what is gone is nobody's. The same map when nothing moves. */
function newOwners(
  before: Thing,
  after: Thing,
  owner: string,
  applied: readonly string[] | null,
): Thing['owners'] {
  const old = leaves(before)
  const now = leaves(after)
  const taken = [...now].filter(([path, value]) => old.get(path) !== value).map(([path]) => path)
  const gone = [...old.keys()].filter((path) => !now.has(path))
  const mine = new Set(before.owners.get(owner))
  const added = [...taken, ...(applied ?? [])].filter((path) => !mine.has(path))
  if (taken.length === 0 && gone.length === 0 && added.length === 0) return before.owners
  const owners = new Map<string, Set<string>>()
  for (const [name, paths] of before.owners) {
    const left = new Set(paths)
    for (const path of gone) left.delete(path)
    if (name !== owner) for (const path of taken) left.delete(path)
    owners.set(name, left)
  }
  const ours = owners.get(owner) ?? new Set<string>()
  for (const path of added) ours.add(path)
  owners.set(owner, ours)
  for (const [name, paths] of owners) if (paths.size === 0) owners.delete(name)
  return owners
}

function isSameThing(a: Thing, b: Thing): boolean {
  return (
    a.deleting === b.deleting &&
    a.finalizers.join() === b.finalizers.join() &&
    isEqual(Object.fromEntries(leaves(a)), Object.fromEntries(leaves(b)))
  )
}

export function isEqual(a: Map1, b: Map1): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key])
}
