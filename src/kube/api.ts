/** One cluster as the engine sees it: few calls, each answering a value or a {@link Failure}, never throwing. */

import type { Failure } from '../core/failure.ts'
import type { FullObject, NamespaceMeta, ObjectMeta } from '../core/objects.ts'
import type { Kind, ObjectRef, ResourceVersion, Uid } from '../core/names.ts'
import type { Result } from '../std/result.ts'
import type { Sensitive } from '../std/sensitive.ts'
import type { Verb } from './rights.ts'

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
  /** DELETE with `lease.version` as precondition: a 409 Conflict when somebody else wrote meanwhile. */
  removeLease(lease: StoredLease, options: CallOptions): Promise<Result<void, Failure>>
  /** All Leases of a namespace that the selector chooses. */
  listLeases(
    namespace: string,
    labelSelector: string,
    options: CallOptions,
  ): Promise<Result<readonly StoredLease[], Failure>>
  /** Value of ClusterProperty `name`; `absent` also where the kind is not installed. */
  readClusterProperty(name: string, options: CallOptions): Promise<Result<string, Failure>>
  /** SelfSubjectAccessReview: whether this credential has the right. False also where the server could not tell. */
  reviewAccess(question: AccessQuestion, options: CallOptions): Promise<Result<boolean, Failure>>
  createNamespace(
    name: string,
    labels: Readonly<Record<string, string>>,
    options: CallOptions,
  ): Promise<Result<NamespaceMeta, Failure>>
  /**
   * TokenRequest for the API server's own audience. `seconds` is asked for, at least 600; the server may give less or more.
   * `absent`: there is no such ServiceAccount.
   */
  requestToken(
    namespace: string,
    serviceAccount: string,
    seconds: number,
    options: CallOptions,
  ): Promise<Result<IssuedToken, Failure>>
}

export interface AccessQuestion {
  readonly verb: Verb
  /** Empty: the core group. */
  readonly apiGroup: string
  /** As in an RBAC rule: the plural, and `/subresource` where one is meant. */
  readonly resource: string
  /** Null: all namespaces, or a cluster-scoped resource. */
  readonly namespace: string | null
  /** Null: any name. */
  readonly name: string | null
}

export interface IssuedToken {
  readonly token: Sensitive<string>
  /** Wall clock, milliseconds since the epoch. */
  readonly expiresAtMs: number
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
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly holder: string | null
  readonly durationSeconds: number
  /** RFC 3339 with six decimals, as MicroTime asks; null when never set. */
  readonly acquireTime: string | null
  readonly renewTime: string | null
  readonly transitions: number
}

/** A Lease as the server holds it. */
export interface StoredLease extends Lease {
  readonly version: ResourceVersion
}
