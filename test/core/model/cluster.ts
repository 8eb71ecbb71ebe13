/**
 * A small model of an API server for Secrets and ConfigMaps: uids, versions, field owners, preconditions, what cannot change in place.
 * It knows nothing of mirrors; what a request of ours did is recorded as it was done, so that a test can judge it.
 */

import { keyOf } from '../../../src/core/names.ts'
import type { ObjectKey, ObjectRef, ResourceVersion, Uid } from '../../../src/core/names.ts'
import type { Failure } from '../../../src/core/failure.ts'
import type { FieldOwners, FullObject, NamespaceMeta, ObjectMeta } from '../../../src/core/objects.ts'
import type { RequestBody } from '../../../src/core/operations.ts'
import { Sensitive } from '../../../src/std/sensitive.ts'
import { failed, ok } from '../../../src/std/result.ts'
import type { Result } from '../../../src/std/result.ts'
import { applyPatch, isMembers, member, parse } from './json-patch.ts'
import type { Json, PatchOp } from './json-patch.ts'

export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
const US = 'heliograph'

type Texts = Readonly<Record<string, string>>

/** An object as a user would write it. */
export interface Manifest {
  readonly type?: string
  readonly immutable?: boolean
  readonly labels?: Texts
  readonly annotations?: Texts
  readonly data?: Texts
  readonly binaryData?: Texts
}

/** An object as the server stores it. Never changed: every write makes another. */
export interface Stored {
  readonly ref: ObjectRef
  readonly uid: string
  readonly version: string
  readonly createdAt: string
  readonly deleting: boolean
  readonly body: Json
  /** `path` → managers (`NAME|OPERATION`) that own it. */
  readonly owners: ReadonlyMap<string, ReadonlySet<string>>
}

export class Cluster {
  readonly objects = new Map<ObjectKey, Stored>()
  readonly namespaces = new Map<string, NamespaceMeta>()
  #version = 100
  #uid = 0

  /** Makes or replaces a Namespace. */
  setNamespace(name: string, about: { labels?: Texts; annotations?: Texts; terminating?: boolean }): void {
    this.namespaces.set(name, {
      name,
      uid: `namespace-${name}` as Uid,
      version: this.#next() as ResourceVersion,
      terminating: about.terminating ?? false,
      labels: about.labels ?? {},
      annotations: about.annotations ?? {},
    })
  }

  get(key: ObjectKey): Stored | null {
    return this.objects.get(key) ?? null
  }

  /** What a user's POST or PUT makes of the place: `by` owns what it changes. */
  put(ref: ObjectRef, manifest: Manifest, by = 'kubectl-create|Update'): Stored {
    const before = this.get(keyOf(ref))
    const body = bodyOf(ref, manifest)
    const stored = before === null ? this.#fresh(ref, body) : { ...before, body, version: this.#next() }
    return this.#store({ ...stored, owners: ownersAfter(before, body, by) })
  }

  /** A user's server-side apply: what is equal becomes co-owned, what differs is taken over, the rest stays. */
  apply(ref: ObjectRef, manifest: Manifest, manager = 'kubectl'): Stored {
    const before = this.get(keyOf(ref))
    if (before === null) return this.put(ref, manifest, `${manager}|Apply`)
    const body = merged(before.body, bodyOf(ref, manifest))
    const owners = new Map(ownersAfter(before, body, `${manager}|Apply`))
    for (const path of leavesOf(bodyOf(ref, manifest)).keys())
      owners.set(path, new Set([...(owners.get(path) ?? []), `${manager}|Apply`]))
    return this.#store({ ...before, body, owners, version: this.#next() })
  }

  /** DELETE by a user. With a finalizer the object stays, with a deletionTimestamp. */
  drop(key: ObjectKey, hasFinalizer = false): void {
    const before = this.get(key)
    if (before === null) return
    if (hasFinalizer) this.#store({ ...before, deleting: true, version: this.#next() })
    else this.objects.delete(key)
  }

  create(ref: ObjectRef, body: RequestBody, isDryRun = false): Result<Stored, Failure> {
    const namespace = this.namespaces.get(ref.namespace)
    if (namespace === undefined) return failed({ kind: 'namespace-absent' })
    if (namespace.terminating) return failed({ kind: 'namespace-terminating' })
    const posted = parse(textOf(body))
    if (isDryRun) return ok(this.#fresh(ref, posted))
    if (this.objects.has(keyOf(ref))) return failed({ kind: 'exists' })
    if (member(posted['metadata'], 'name') !== ref.name) return failed({ kind: 'rejected', code: 400 })
    const stored = this.#fresh(ref, posted)
    return ok(this.#store({ ...stored, owners: ownersAfter(null, stored.body, `${US}|Update`) }))
  }

  patch(key: ObjectKey, body: RequestBody): Result<Stored, Failure> {
    const before = this.get(key)
    if (before === null) return failed({ kind: 'absent' })
    const patched = applyPatch(documentOf(before), opsOf(body))
    if (patched.kind === 'refused') return failed({ kind: 'test-failed' })
    const after = normal(before.ref, patched.document)
    const fields = unchangeable(before.body, after)
    if (fields.length > 0) return failed({ kind: 'invalid', fields })
    if (textsEqual(leavesOf(before.body), leavesOf(after))) return ok(before)
    return ok(
      this.#store({
        ...before,
        body: after,
        version: this.#next(),
        owners: ownersAfter(before, after, `${US}|Update`),
      }),
    )
  }

  remove(
    key: ObjectKey,
    seen: { readonly uid: Uid; readonly version: ResourceVersion },
  ): Result<null, Failure> {
    const before = this.get(key)
    if (before === null) return failed({ kind: 'absent' })
    if (before.uid !== seen.uid || before.version !== seen.version) return failed({ kind: 'conflict' })
    this.objects.delete(key)
    return ok(null)
  }

  /** Puts a stored state back under a new version: a backup restored in place. */
  restore(stored: Stored): void {
    this.#store({ ...stored, version: this.#next() })
  }

  #fresh(ref: ObjectRef, body: Json): Stored {
    this.#uid += 1
    const version = this.#next()
    const createdAt = new Date(1_700_000_000_000 + Number(version) * 1_000).toISOString()
    const uid = `uid-${this.#uid}`
    return {
      ref,
      uid,
      version,
      createdAt,
      deleting: false,
      body: normal(ref, body),
      owners: new Map(),
    }
  }

  #store(stored: Stored): Stored {
    this.objects.set(keyOf(stored.ref), stored)
    return stored
  }

  #next(): string {
    this.#version += 1
    return String(this.#version)
  }
}

export function textOf(body: RequestBody): string {
  return Buffer.concat(body.reveal()).toString('utf8')
}

export function opsOf(body: RequestBody): readonly PatchOp[] {
  const parsed: unknown = JSON.parse(textOf(body))
  if (!Array.isArray(parsed)) throw new Error('not a JSON patch')
  return parsed as readonly PatchOp[]
}

/** What the program may see without reading content. */
export function metaOf(stored: Stored): ObjectMeta {
  const { ref, uid, version, createdAt, deleting, body } = stored
  const { [LAST_APPLIED]: lastApplied, ...annotations } = textsAt(body, 'annotations')
  return Object.freeze({
    ...ref,
    key: keyOf(ref),
    uid: uid as Uid,
    version: version as ResourceVersion,
    createdAt,
    deleting,
    labels: textsAt(body, 'labels'),
    annotations,
    fields: fieldsOf(stored),
    lastApplied: lastApplied !== undefined,
  })
}

export function fullOf(stored: Stored): FullObject {
  const { ref, body } = stored
  const type = member(body, 'type')
  return {
    meta: metaOf(stored),
    content: new Sensitive({
      type: ref.kind === 'Secret' && typeof type === 'string' ? type : null,
      immutable: member(body, 'immutable') === true,
      data: new Map(Object.entries(textsIn(member(body, 'data')))),
      binaryData: new Map(Object.entries(textsIn(member(body, 'binaryData')))),
    }),
    sizeBytes: JSON.stringify(body).length,
    writtenAtMs: Date.parse(stored.createdAt),
  }
}

/** Every leaf of an object that a mirror is about: content, type, immutability, labels, annotations. */
export function leavesOf(body: Json): ReadonlyMap<string, string> {
  const leaves = new Map<string, string>()
  for (const map of ['data', 'binaryData'] as const)
    for (const [key, value] of Object.entries(textsIn(member(body, map)))) leaves.set(`${map}/${key}`, value)
  for (const map of ['labels', 'annotations'] as const)
    for (const [key, value] of Object.entries(textsAt(body, map))) leaves.set(`${map}/${key}`, value)
  const type = member(body, 'type')
  if (typeof type === 'string') leaves.set('type', type)
  if (member(body, 'immutable') === true) leaves.set('immutable', 'true')
  return leaves
}

export function textsAt(body: Json, map: 'labels' | 'annotations'): Texts {
  return textsIn(member(member(body, 'metadata'), map))
}

/** The manifest that would write the object as it is. */
export function manifestOf({ body }: Stored): Required<Manifest> {
  const type = member(body, 'type')
  return {
    type: typeof type === 'string' ? type : '',
    immutable: member(body, 'immutable') === true,
    labels: textsAt(body, 'labels'),
    annotations: textsAt(body, 'annotations'),
    data: textsIn(member(body, 'data')),
    binaryData: textsIn(member(body, 'binaryData')),
  }
}

function textsIn(value: Json | undefined): Texts {
  const texts = { __proto__: null } as unknown as Record<string, string>
  if (!isMembers(value)) return texts
  for (const [key, text] of Object.entries(value)) if (typeof text === 'string') texts[key] = text
  return texts
}

function bodyOf(ref: ObjectRef, manifest: Manifest): Json {
  const { type, immutable, labels = {}, annotations = {}, data = {}, binaryData = {} } = manifest
  return normal(ref, {
    metadata: { name: ref.name, namespace: ref.namespace, labels, annotations },
    ...(type === undefined || type === '' ? {} : { type }),
    ...(immutable === true ? { immutable } : {}),
    data,
    binaryData,
  })
}

/** As the server stores it: defaults filled in, empty maps and nulls left out. */
function normal({ kind, namespace, name }: ObjectRef, body: Json): Json {
  const maps = ['labels', 'annotations'] as const
  const metadata = Object.fromEntries(
    maps
      .map((map) => [map, textsAt(body, map)] as const)
      .filter(([, texts]) => Object.keys(texts).length > 0),
  )
  const type = member(body, 'type')
  return {
    metadata: { ...metadata, namespace, name },
    ...(kind === 'Secret' ? { type: typeof type === 'string' ? type : 'Opaque' } : {}),
    ...(member(body, 'immutable') === true ? { immutable: true } : {}),
    ...filled('data', member(body, 'data')),
    ...(kind === 'ConfigMap' ? filled('binaryData', member(body, 'binaryData')) : {}),
  }
}

function filled(map: string, value: Json | undefined): Record<string, Json> {
  const texts = textsIn(value)
  return Object.keys(texts).length === 0 ? {} : { [map]: texts }
}

function documentOf({ body, uid, version }: Stored): Record<string, Json> {
  const metadata = member(body, 'metadata')
  const members = isMembers(body) ? body : {}
  return { ...members, metadata: { ...(isMembers(metadata) ? metadata : {}), uid, resourceVersion: version } }
}

function merged(before: Json, added: Json): Json {
  const maps = ['data', 'binaryData'] as const
  const both = Object.fromEntries(
    maps.map((map) => [map, { ...textsIn(member(before, map)), ...textsIn(member(added, map)) }]),
  )
  const metadata = Object.fromEntries(
    (['labels', 'annotations'] as const).map((map) => [
      map,
      { ...textsAt(before, map), ...textsAt(added, map) },
    ]),
  )
  const type = member(before, 'type')
  const name = member(before, 'metadata')
  return {
    ...both,
    ...(type === undefined ? {} : { type }),
    ...(member(before, 'immutable') === true || member(added, 'immutable') === true
      ? { immutable: true }
      : {}),
    metadata: { ...(isMembers(name) ? name : {}), ...metadata },
  }
}

function unchangeable(before: Json, after: Json): readonly string[] {
  const fields: string[] = []
  if (member(before, 'type') !== member(after, 'type')) fields.push('type')
  if (member(before, 'immutable') !== true) return fields
  if (member(after, 'immutable') !== true) fields.push('immutable')
  const isContent = (path: string): boolean => /^(data|binaryData)\//.test(path)
  const contentOf = (body: Json): ReadonlyMap<string, string> =>
    new Map([...leavesOf(body)].filter(([path]) => isContent(path)))
  if (!textsEqual(contentOf(before), contentOf(after))) fields.push('data')
  return fields
}

function textsEqual(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value)
}

/** Whoever changes a field owns it alone; a field that is not changed keeps its owners. */
function ownersAfter(before: Stored | null, body: Json, by: string): Stored['owners'] {
  const old = before === null ? new Map<string, string>() : leavesOf(before.body)
  const owners = new Map<string, ReadonlySet<string>>()
  for (const [path, value] of leavesOf(body)) {
    const kept = old.get(path) === value ? before?.owners.get(path) : undefined
    owners.set(path, kept ?? new Set([by]))
  }
  return owners
}

function fieldsOf({ owners }: Stored): FieldOwners {
  const byOwner = new Map<string, string[]>()
  for (const [path, managers] of owners)
    for (const manager of managers) byOwner.getOrInsertComputed(manager, () => []).push(path)
  const ours = (byOwner.get(`${US}|Update`) ?? []).toSorted()
  const others = [...byOwner]
    .filter(([manager]) => manager !== `${US}|Update`)
    .map(([name, paths]) => {
      const [manager = '', operation = ''] = name.split('|')
      return {
        manager,
        operation: operation === 'Apply' ? ('Apply' as const) : ('Update' as const),
        paths: paths.toSorted(),
      }
    })
  return { ours, others }
}
