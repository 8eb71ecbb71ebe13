/** {@link ClusterApi} over one cluster: every request of the program but lists and watches. */

import type { Failure } from '../core/failure.ts'
import type { FullObject, NamespaceMeta, ObjectMeta } from '../core/objects.ts'
import type { Kind, ObjectRef, ResourceVersion, Uid } from '../core/names.ts'
import { failed, ok } from '../std/result.ts'
import type { Result } from '../std/result.ts'
import { Sensitive } from '../std/sensitive.ts'
import type {
  AccessQuestion,
  Body,
  CallOptions,
  ClusterApi,
  EventBody,
  IssuedToken,
  Lease,
  StoredLease,
} from './api.ts'
import type { CallRequest, Cluster } from './connection.ts'
import type { Asked } from './failure.ts'
import { FIELD_MANAGER } from './fields.ts'
import { isRecord, parseJson } from './json.ts'
import type { Json } from './json.ts'
import { ACCEPT_JSON, ACCEPT_META, pathTo, resourceOf } from './paths.ts'
import type { ResourceName } from './paths.ts'
import {
  eventBump,
  eventObject,
  leaseObject,
  namespaceObject,
  parseLease,
  parseLeases,
  parseProperty,
  parseReview,
  parseToken,
  reviewObject,
  tokenRequestObject,
} from './records.ts'
import { fullObject, namespaceMeta, objectMeta } from './wire.ts'

const JSON_PATCH = 'application/json-patch+json'
const MERGE_PATCH = 'application/merge-patch+json'
const MANAGED = { fieldManager: FIELD_MANAGER } as const

/** The calls of `cluster`. Holds no state of its own. */
export function clusterApi(cluster: Cluster): ClusterApi {
  return new Calls(cluster)
}

type Answer<T> = Promise<Result<T, Failure>>

/** Reads what an answer's bytes hold; null: not what was asked for. */
type Reader<T> = (bytes: Buffer) => T | null

class Calls implements ClusterApi {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  readMeta(ref: ObjectRef, options: CallOptions): Answer<ObjectMeta> {
    return this.#call(get(askedOf('get', ref), ACCEPT_META), metaReader(ref.kind), options)
  }

  readFull(ref: ObjectRef, options: CallOptions): Answer<FullObject> {
    return this.#call(get(askedOf('get', ref), ACCEPT_JSON), (bytes) => fullObject(ref.kind, bytes), options)
  }

  readNamespace(name: string, options: CallOptions): Answer<NamespaceMeta> {
    const asked: Asked = { verb: 'get', resource: 'namespaces', namespace: '', name }
    return this.#call(get(asked, ACCEPT_META), json(namespaceMeta), options)
  }

  create(
    kind: Kind,
    namespace: string,
    body: Body,
    options: CallOptions & { readonly dryRun?: boolean },
  ): Answer<ObjectMeta> {
    const query = options.dryRun === true ? { ...MANAGED, dryRun: 'All' } : MANAGED
    const read = options.dryRun === true ? json((raw) => objectMeta(kind, unstored(raw))) : metaReader(kind)
    return this.#call(post(resourceOf(kind), namespace, query, body), read, options)
  }

  patch(ref: ObjectRef, body: Body, options: CallOptions): Answer<ObjectMeta> {
    const request: CallRequest = {
      asked: askedOf('patch', ref),
      method: 'PATCH',
      path: pathTo(resourceOf(ref.kind), ref.namespace, ref.name, MANAGED),
      accept: ACCEPT_META,
      contentType: JSON_PATCH,
      body,
    }
    return this.#call(request, metaReader(ref.kind), options)
  }

  remove(
    ref: ObjectRef,
    preconditions: { readonly uid: Uid; readonly version: ResourceVersion },
    options: CallOptions,
  ): Answer<'gone' | 'pending'> {
    const request: CallRequest = {
      asked: askedOf('delete', ref),
      method: 'DELETE',
      path: pathTo(resourceOf(ref.kind), ref.namespace, ref.name),
      accept: ACCEPT_META,
      contentType: ACCEPT_JSON,
      body: deletion({ uid: preconditions.uid, resourceVersion: preconditions.version }),
    }
    return this.#call(request, json(removal), options)
  }

  createEvent(event: EventBody, options: CallOptions): Answer<void> {
    const request = post('events', event.namespace, MANAGED, bodyOf(eventObject(event)))
    return this.#call(request, nothing, options)
  }

  bumpEvent(event: EventBody, options: CallOptions): Answer<void> {
    const { namespace, name } = event
    const request: CallRequest = {
      asked: { verb: 'patch', resource: 'events', namespace, name },
      method: 'PATCH',
      path: pathTo('events', namespace, name, MANAGED),
      accept: ACCEPT_META,
      contentType: MERGE_PATCH,
      body: bodyOf(eventBump(event)),
    }
    return this.#call(request, nothing, options)
  }

  readLease(namespace: string, name: string, options: CallOptions): Answer<Lease> {
    return this.#call(
      get({ verb: 'get', resource: 'leases', namespace, name }, ACCEPT_JSON),
      json(parseLease),
      options,
    )
  }

  createLease(lease: Lease, options: CallOptions): Answer<Lease> {
    const request = {
      ...post('leases', lease.namespace, MANAGED, bodyOf(leaseObject(lease))),
      accept: ACCEPT_JSON,
    }
    return this.#call(request, json(parseLease), options)
  }

  updateLease(lease: Lease, options: CallOptions): Answer<Lease> {
    const { namespace, name } = lease
    const request: CallRequest = {
      asked: { verb: 'update', resource: 'leases', namespace, name },
      method: 'PUT',
      path: pathTo('leases', namespace, name, MANAGED),
      accept: ACCEPT_JSON,
      contentType: ACCEPT_JSON,
      body: bodyOf(leaseObject(lease)),
    }
    return this.#call(request, json(parseLease), options)
  }

  removeLease(lease: StoredLease, options: CallOptions): Answer<void> {
    const { namespace, name, version } = lease
    const request: CallRequest = {
      asked: { verb: 'delete', resource: 'leases', namespace, name },
      method: 'DELETE',
      path: pathTo('leases', namespace, name),
      accept: ACCEPT_META,
      contentType: ACCEPT_JSON,
      body: deletion({ resourceVersion: version }),
    }
    return this.#call(request, nothing, options)
  }

  listLeases(namespace: string, labelSelector: string, options: CallOptions): Answer<readonly StoredLease[]> {
    const request: CallRequest = {
      asked: { verb: 'list', resource: 'leases', namespace, name: null },
      method: 'GET',
      path: pathTo('leases', namespace, null, { labelSelector }),
      accept: ACCEPT_JSON,
    }
    return this.#call(request, json(parseLeases), options)
  }

  reviewAccess(question: AccessQuestion, options: CallOptions): Answer<boolean> {
    const request = post('selfsubjectaccessreviews', '', {}, bodyOf(reviewObject(question)))
    return this.#call({ ...request, accept: ACCEPT_JSON }, json(parseReview), options)
  }

  createNamespace(
    name: string,
    labels: Readonly<Record<string, string>>,
    options: CallOptions,
  ): Answer<NamespaceMeta> {
    const request = post('namespaces', '', MANAGED, bodyOf(namespaceObject(name, labels)))
    return this.#call(request, json(namespaceMeta), options)
  }

  requestToken(
    namespace: string,
    serviceAccount: string,
    seconds: number,
    options: CallOptions,
  ): Answer<IssuedToken> {
    const request: CallRequest = {
      asked: { verb: 'create', resource: 'serviceaccounts', namespace, name: serviceAccount },
      method: 'POST',
      path: `${pathTo('serviceaccounts', namespace, serviceAccount)}/token`,
      accept: ACCEPT_JSON,
      contentType: ACCEPT_JSON,
      body: bodyOf(tokenRequestObject(seconds)),
    }
    return this.#call(request, json(parseToken), options)
  }

  async readClusterProperty(name: string, options: CallOptions): Answer<string> {
    const asked: Asked = { verb: 'get', resource: 'clusterproperties', namespace: '', name }
    const answer = await this.#call(get(asked, ACCEPT_JSON), json(parseProperty), options)
    // A cluster without the kind answers a plain 404 page.
    const isUnknownKind = !answer.ok && answer.failure.kind === 'rejected' && answer.failure.code === 404
    return isUnknownKind ? failed({ kind: 'absent' }) : answer
  }

  async #call<T>(request: CallRequest, read: Reader<T>, options: CallOptions): Answer<T> {
    const answer = await this.#cluster.call(request, options)
    if (!answer.ok) return failed(answer.failure.failure)
    const value = read(answer.value.reveal())
    return value === null ? failed({ kind: 'malformed' }) : ok(value)
  }
}

function askedOf(verb: Asked['verb'], ref: ObjectRef): Asked {
  return { verb, resource: resourceOf(ref.kind), namespace: ref.namespace, name: ref.name }
}

function get(asked: Asked, accept: string): CallRequest {
  return {
    asked,
    method: 'GET',
    path: pathTo(asked.resource as ResourceName, asked.namespace, asked.name),
    accept,
  }
}

function post(
  resource: ResourceName,
  namespace: string,
  query: Readonly<Record<string, string>>,
  body: Body,
): CallRequest {
  return {
    asked: { verb: 'create', resource, namespace, name: null },
    method: 'POST',
    path: pathTo(resource, namespace, null, query),
    accept: ACCEPT_META,
    contentType: ACCEPT_JSON,
    body,
  }
}

function bodyOf(object: Json): Body {
  return new Sensitive([Buffer.from(JSON.stringify(object))])
}

function deletion(preconditions: { readonly uid?: string; readonly resourceVersion: string }): Body {
  return bodyOf({ apiVersion: 'v1', kind: 'DeleteOptions', preconditions, propagationPolicy: 'Background' })
}

function json<T>(read: (raw: Json) => T | null): Reader<T> {
  return (bytes) => {
    const raw = parseJson(bytes)
    return raw === null ? null : read(raw)
  }
}

function metaReader(kind: Kind): Reader<ObjectMeta> {
  return json((raw) => objectMeta(kind, raw))
}

/** What a dry run answers was never stored and has no version. */
function unstored(raw: Json): Json {
  const { metadata } = raw
  return isRecord(metadata) ? { ...raw, metadata: { resourceVersion: '0', ...metadata } } : raw
}

/** The answer's bytes do not matter. Undefined is a value here; null would be a malformed answer. */
function nothing(): void {
  return undefined
}

/** A deletion that is done answers a Status; one that a finalizer holds up answers the object. */
function removal(raw: Json): 'gone' | 'pending' {
  const metadata = raw['metadata']
  return isRecord(metadata) && typeof metadata['deletionTimestamp'] === 'string' ? 'pending' : 'gone'
}
