/** The simulated API server as one process reaches it: time passes, answers get lost, and a request once sent outlives its sender. */

import type { Failure } from '../../src/core/failure.ts'
import { keyOf } from '../../src/core/names.ts'
import type { Kind, ObjectKey, ObjectRef, ResourceVersion, Uid } from '../../src/core/names.ts'
import type { FullObject, NamespaceMeta, ObjectMeta } from '../../src/core/objects.ts'
import type {
  Body,
  CallOptions,
  ClusterApi,
  EventBody,
  IssuedToken,
  Lease,
  StoredLease,
} from '../../src/kube/api.ts'
import type { Random } from '../../src/std/random.ts'
import { failed, ok } from '../../src/std/result.ts'
import type { Result } from '../../src/std/result.ts'
import type { Op } from './json-patch.ts'
import { fullOf, metaOf, namespaceMetaOf } from './thing.ts'
import type { Weather } from './weather.ts'
import type { Manifest, World } from './world.ts'

/** One request as it left the process. */
export interface Sent {
  readonly process: string
  readonly verb: 'read' | 'read-full' | 'create' | 'dry-run' | 'patch' | 'delete' | 'other'
  readonly key: ObjectKey
  readonly atMs: number
  readonly body: string
}

export interface SimApiOptions {
  readonly world: World
  readonly random: Random
  readonly weather: () => Weather
  readonly process: string
  /** Identity of the home that the process belongs to. */
  readonly writer?: () => string
  readonly isAlive: () => boolean
  /** Told of each request as it leaves. */
  readonly sent: (request: Sent) => void
  /** Milliseconds by which a request is held back before it takes effect; zero for most. */
  readonly heldMs: (request: Sent) => number
  /** An answer that comes instead of an effect; null for most. */
  readonly refused: (request: Sent) => Failure | null
}

/** What the connection gives a call: after this it is unanswered, whatever becomes of the request. */
const TIMEOUT_MS = 30_000
const HELD_MS_MAX = 90_000

type Answer<T> = Result<T, Failure>

export class SimApi implements ClusterApi {
  readonly #o: SimApiOptions

  constructor(options: SimApiOptions) {
    this.#o = options
  }

  readMeta(ref: ObjectRef, options: CallOptions): Promise<Answer<ObjectMeta>> {
    return this.#call(this.#request('read', ref), options, () => mapped(this.#o.world.read(ref), metaOf))
  }

  readFull(ref: ObjectRef, options: CallOptions): Promise<Answer<FullObject>> {
    return this.#call(this.#request('read-full', ref), options, () => mapped(this.#o.world.read(ref), fullOf))
  }

  readNamespace(name: string, options: CallOptions): Promise<Answer<NamespaceMeta>> {
    return this.#call(this.#request('other', { kind: 'Secret', namespace: name, name: '' }), options, () => {
      const found = this.#o.world.namespaces.get(name)
      return found === undefined ? failed({ kind: 'absent' }) : ok(namespaceMetaOf(found))
    })
  }

  create(
    kind: Kind,
    namespace: string,
    body: Body,
    options: CallOptions & { readonly dryRun?: boolean },
  ): Promise<Answer<ObjectMeta>> {
    const text = textOf(body)
    const manifest = manifestOf(text, this.#o.random)
    const isDryRun = options.dryRun === true
    const request = this.#request(
      isDryRun ? 'dry-run' : 'create',
      { kind, namespace, name: manifest.name },
      text,
    )
    return this.#call(request, options, () =>
      mapped(this.#o.world.create({ kind, namespace }, manifest, 'heliograph', isDryRun), metaOf),
    )
  }

  patch(ref: ObjectRef, body: Body, options: CallOptions): Promise<Answer<ObjectMeta>> {
    const text = textOf(body)
    const ops = JSON.parse(text) as readonly Op[]
    return this.#call(this.#request('patch', ref, text), options, () =>
      mapped(this.#o.world.patch(ref, ops, 'heliograph'), metaOf),
    )
  }

  remove(
    ref: ObjectRef,
    preconditions: { readonly uid: Uid; readonly version: ResourceVersion },
    options: CallOptions,
  ): Promise<Answer<'gone' | 'pending'>> {
    return this.#call(this.#request('delete', ref), options, () =>
      this.#o.world.remove(ref, preconditions, 'heliograph'),
    )
  }

  createEvent(_event: EventBody): Promise<Answer<void>> {
    return Promise.resolve(ok(undefined))
  }

  bumpEvent(_event: EventBody): Promise<Answer<void>> {
    return Promise.resolve(ok(undefined))
  }

  readLease(): Promise<Answer<Lease>> {
    return Promise.resolve(failed({ kind: 'absent' }))
  }

  createLease(lease: Lease): Promise<Answer<Lease>> {
    return Promise.resolve(ok(lease))
  }

  updateLease(lease: Lease): Promise<Answer<Lease>> {
    return Promise.resolve(ok(lease))
  }

  removeLease(): Promise<Answer<void>> {
    return Promise.resolve(ok(undefined))
  }

  listLeases(): Promise<Answer<readonly StoredLease[]>> {
    return Promise.resolve(ok([]))
  }

  reviewAccess(): Promise<Answer<boolean>> {
    return Promise.resolve(ok(true))
  }

  createNamespace(
    name: string,
    labels: Readonly<Record<string, string>>,
    options: CallOptions,
  ): Promise<Answer<NamespaceMeta>> {
    const { world } = this.#o
    return this.#call(this.#request('other', { kind: 'Secret', namespace: name, name: '' }), options, () => {
      if (world.namespaces.has(name)) return failed({ kind: 'exists' })
      world.createNamespace(name, { labels })
      const made = world.namespaces.get(name)
      return made === undefined ? failed({ kind: 'rejected', code: 409 }) : ok(namespaceMetaOf(made))
    })
  }

  requestToken(): Promise<Answer<IssuedToken>> {
    return Promise.resolve(failed({ kind: 'absent' }))
  }

  readClusterProperty(): Promise<Answer<string>> {
    return Promise.resolve(failed({ kind: 'absent' }))
  }

  #request(verb: Sent['verb'], ref: ObjectRef, body = ''): Sent {
    const request: Sent = {
      process: this.#o.process,
      verb,
      key: keyOf(ref),
      atMs: this.#o.world.time.now(),
      body,
    }
    this.#o.sent(request)
    return request
  }

  #call<T>(request: Sent, options: CallOptions, effect: () => Answer<T>): Promise<Answer<T>> {
    const { world, random, isAlive } = this.#o
    const weather = this.#o.weather()
    return new Promise((resolve) => {
      let isOver = false
      const end = (answer: Answer<T>): void => {
        if (isOver) return
        isOver = true
        cancelTimeout()
        options.signal.removeEventListener('abort', abort)
        if (isAlive()) resolve(answer)
      }
      const abort = (): void => end(failed({ kind: 'unanswered', why: 'cancelled' }))
      const cancelTimeout = world.time.after(options.timeoutMs ?? TIMEOUT_MS, () =>
        end(failed({ kind: 'unanswered', why: 'timeout' })),
      )
      if (options.signal.aborted) return abort()
      options.signal.addEventListener('abort', abort, { once: true })
      const delayMs = this.#delayMs(weather) + this.#o.heldMs(request)
      const chance = random.next() < weather.failsBefore ? earlyFailure(random) : null
      const early = this.#o.refused(request) ?? chance
      const isLost = random.next() < weather.failsAfter
      if (early !== null) {
        world.time.after(delayMs, () => end(failed(early)))
        return
      }
      world.time.after(delayMs, () => {
        world.writer = this.#o.writer?.() ?? ''
        const answer = effect()
        world.writer = ''
        const lostBy: Failure = { kind: 'unanswered', why: random.next() < 0.5 ? 'reset' : 'timeout' }
        world.time.after(random.next() * weather.latencyMs, () => end(isLost ? failed(lostBy) : answer))
      })
    })
  }

  #delayMs(weather: Weather): number {
    const { random } = this.#o
    return random.next() < weather.held ? random.next() * HELD_MS_MAX : random.next() * weather.latencyMs
  }
}

/** What may come instead of an effect. */
function earlyFailure(random: Random): Failure {
  const failures: readonly Failure[] = [
    { kind: 'throttled', retryAfterMs: 1_000 },
    { kind: 'throttled', retryAfterMs: null },
    { kind: 'server', code: 500, retryAfterMs: null },
    { kind: 'server', code: 503, retryAfterMs: 2_000 },
    { kind: 'unanswered', why: 'timeout' },
    { kind: 'unanswered', why: 'refused' },
    { kind: 'conflict' },
    { kind: 'unauthorized' },
    { kind: 'malformed' },
    { kind: 'forbidden' },
  ]
  return failures[Math.floor(random.next() * failures.length)] ?? { kind: 'malformed' }
}

function textOf(body: Body): string {
  return Buffer.concat(body.reveal()).toString('utf8')
}

function manifestOf(text: string, random: Random): Manifest {
  const raw = JSON.parse(text) as Manifest & {
    readonly metadata: Partial<Manifest> & { readonly generateName?: string }
  }
  const { name, generateName, labels, annotations } = raw.metadata
  const { type, immutable, data, binaryData } = raw
  return {
    name: name ?? `${generateName ?? ''}${Math.floor(random.next() * 1e8).toString(36)}`,
    labels: labels ?? {},
    annotations: annotations ?? {},
    data: data ?? {},
    binaryData: binaryData ?? {},
    ...(type === undefined ? {} : { type }),
    ...(immutable === undefined ? {} : { immutable }),
  }
}

function mapped<A, B>(result: Result<A, Failure>, map: (value: A) => B): Result<B, Failure> {
  return result.ok ? ok(map(result.value)) : result
}
