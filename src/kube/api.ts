/** One cluster as the engine sees it: few calls, each answering a value or a {@link Failure}, never throwing. */

import type { Failure } from '../core/failure.ts'
import type { FullObject, NamespaceMeta, ObjectMeta } from '../core/objects.ts'
import type { Kind, ObjectRef, ResourceVersion, Uid } from '../core/names.ts'
import type { Result } from '../std/result.ts'
import type { Sensitive } from '../std/sensitive.ts'

/**
 * A request body as consecutive pieces, so that one rendering's bytes are shared by every write of it.
 * The pieces are sent as they are, with their summed length as content-length; they are never copied into one.
 */
export type Body = Sensitive<readonly Uint8Array[]>

export interface CallOptions {
  readonly signal: AbortSignal
  /** Until headers and body have arrived; the cluster's own default when left out. */
  readonly timeoutMs?: number
}

export interface ClusterApi {
  /** Metadata of one object (PartialObjectMetadata). */
  readMeta(ref: ObjectRef, options: CallOptions): Promise<Result<ObjectMeta, Failure>>
  /** One object with its content: the only way by which a Secret's bytes enter the process. */
  readFull(ref: ObjectRef, options: CallOptions): Promise<Result<FullObject, Failure>>
  readNamespace(name: string, options: CallOptions): Promise<Result<NamespaceMeta, Failure>>
  /** POST; the field manager is `heliograph`. With `dryRun` nothing is stored. The answer is metadata only. */
  create(
    kind: Kind,
    namespace: string,
    body: Body,
    options: CallOptions & { readonly dryRun?: boolean },
  ): Promise<Result<ObjectMeta, Failure>>
  /** JSON patch. The answer is metadata only. */
  patch(ref: ObjectRef, body: Body, options: CallOptions): Promise<Result<ObjectMeta, Failure>>
  /** DELETE with both preconditions, background propagation. `pending` when a finalizer keeps the object. */
  remove(
    ref: ObjectRef,
    preconditions: { readonly uid: Uid; readonly version: ResourceVersion },
    options: CallOptions,
  ): Promise<Result<'gone' | 'pending', Failure>>
  /** Creates a `v1` Event. `namespace` is where it is stored. */
  createEvent(event: EventBody, options: CallOptions): Promise<Result<void, Failure>>
  /** PATCH of count and lastTimestamp of an Event that {@link createEvent} made under `name`. */
  bumpEvent(event: EventBody, options: CallOptions): Promise<Result<void, Failure>>
  readLease(namespace: string, name: string, options: CallOptions): Promise<Result<Lease, Failure>>
  createLease(lease: Lease, options: CallOptions): Promise<Result<Lease, Failure>>
  /** PUT with `lease.version`: a 409 Conflict when somebody else wrote meanwhile. */
  updateLease(lease: Lease, options: CallOptions): Promise<Result<Lease, Failure>>
  /** Value of ClusterProperty `name`; `absent` also where the kind is not installed. */
  readClusterProperty(name: string, options: CallOptions): Promise<Result<string, Failure>>
}

export interface EventBody {
  readonly namespace: string
  /** Name of the Event object, unique per notice and subject. */
  readonly name: string
  readonly subject: {
    readonly kind: Kind | 'Namespace'
    /** That of the Event: the API server asks it to be the same, of a Namespace (then its own name) too. */
    readonly namespace: string
    readonly name: string
    readonly uid: Uid
  }
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
  readonly count: number
  readonly firstSeenWallMs: number
  readonly lastSeenWallMs: number
}

export interface Lease {
  readonly namespace: string
  readonly name: string
  /** Null only before the first create. */
  readonly version: ResourceVersion | null
  readonly annotations: Readonly<Record<string, string>>
  readonly holder: string | null
  readonly durationSeconds: number
  /** RFC 3339 with six decimals, as MicroTime asks; null when never set. */
  readonly acquireTime: string | null
  readonly renewTime: string | null
  readonly transitions: number
}
