/** Waits for what a cluster will show, driven by its own watches; a deadline turns waiting in vain into a sentence. */

import type { Client, WatchEvent } from './client.ts'
import { collectionPath, say } from './objects.ts'
import type { KubeObject, Ref } from './objects.ts'

/** Far beyond what anything here takes: only a failure waits that long. Whoever breaks things on purpose may wait less. */
export const DEADLINE_MS = 1_000 * Number(process.env['HELIOGRAPH_TEST_DEADLINE_SECONDS'] ?? 60)

export interface Waiting {
  readonly deadlineMs?: number
  /** Ends the waiting early with the sentence that the promise rejects with, for instance a child's unexpected end. */
  readonly unless?: Promise<unknown>
}

/** Waits until `holds` is true of the object, null while it is absent; answers that object. */
export async function awaitObject(
  client: Client,
  ref: Ref,
  holds: (object: KubeObject | null) => boolean,
  options: Waiting & { readonly what: string },
): Promise<KubeObject | null> {
  const path = `${collectionPath(ref.kind, ref.namespace, ref.apiVersion)}?fieldSelector=metadata.name%3D${ref.name}`
  const found = await awaitList(client, path, ([only]) => holds(only ?? null), {
    ...options,
    what: `${say(ref)}: ${options.what}`,
  })
  return found[0] ?? null
}

/** Waits until the object is there and `holds`. */
export async function awaitPresent(
  client: Client,
  ref: Ref,
  holds: (object: KubeObject) => boolean = () => true,
  options: Waiting & { readonly what?: string } = {},
): Promise<KubeObject> {
  const what = options.what ?? 'is there'
  const found = await awaitObject(client, ref, (each) => each !== null && holds(each), { ...options, what })
  if (found === null) throw new Error(`${say(ref)} is absent`)
  return found
}

export async function awaitAbsent(client: Client, ref: Ref, options: Waiting = {}): Promise<void> {
  await awaitObject(client, ref, (each) => each === null, { ...options, what: 'is gone' })
}

/**
 * Waits until `holds` is true of all objects under `path` (a collection, with any selector in its query), looked at
 * after the first list and after every change.
 */
export async function awaitList(
  client: Client,
  path: string,
  holds: (objects: readonly KubeObject[]) => boolean,
  options: Waiting & { readonly what: string },
): Promise<readonly KubeObject[]> {
  const end = new AbortController()
  const seen: Seen = { objects: new Map() }
  const search = follow(client, path, seen, { holds, signal: end.signal })
  try {
    return await withDeadline(search, options, () => `${options.what}: not so. Last seen: ${describe(seen)}`)
  } finally {
    end.abort()
    await search.catch(() => {})
  }
}

/** The last resort, for what has no watch (a metrics page, a log): asks again until the answer is not null. */
export async function eventually<T>(
  probe: () => Promise<T | null> | T | null,
  options: Waiting & { readonly what: string },
): Promise<T> {
  let ended = false
  const search = async (): Promise<T> => {
    for (;;) {
      const found = await probe()
      if (found !== null) return found
      if (ended) throw new Error(options.what)
      await new Promise((resolve) => void setTimeout(resolve, PROBE_APART_MS))
    }
  }
  try {
    return await withDeadline(search(), options, () => `${options.what}: not so`)
  } finally {
    ended = true
  }
}

/** The first of `search`, the deadline and `unless`. */
export async function withDeadline<T>(
  search: Promise<T>,
  options: Waiting,
  sentence: () => string,
): Promise<T> {
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${sentence()} (after ${deadlineMs / 1_000} s)`)), deadlineMs)
  })
  // A `unless` that ends well says nothing; one that rejects ends the waiting.
  const unless = (options.unless ?? Promise.resolve()).then(() => late)
  search.catch(() => {})
  unless.catch(() => {})
  try {
    return await Promise.race([search, late, unless])
  } finally {
    clearTimeout(timer)
  }
}

const PROBE_APART_MS = 50

interface Seen {
  objects: Map<string, KubeObject>
}

interface Search {
  readonly holds: (objects: readonly KubeObject[]) => boolean
  readonly signal: AbortSignal
}

async function follow(
  client: Client,
  path: string,
  seen: Seen,
  search: Search,
): Promise<readonly KubeObject[]> {
  const { holds, signal } = search
  while (!signal.aborted) {
    const listed = await listedNow(client, path)
    if (listed === null) continue
    const { items, resourceVersion } = listed
    seen.objects = new Map(items.map((each) => [keyOf(each), each]))
    if (holds(items)) return items
    for await (const event of eventsSince(client, path, resourceVersion, signal)) {
      if (event.type === 'ERROR') break
      if (event.type === 'BOOKMARK') continue
      if (event.type === 'DELETED') seen.objects.delete(keyOf(event.object))
      else seen.objects.set(keyOf(event.object), event.object)
      const objects = [...seen.objects.values()]
      if (holds(objects)) return objects
    }
  }
  return []
}

/** Null, after a moment, while no server answers: it may be restarting. */
async function listedNow(
  client: Client,
  path: string,
): Promise<Awaited<ReturnType<Client['listFrom']>> | null> {
  try {
    return await client.listFrom(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    await new Promise((resolve) => void setTimeout(resolve, PROBE_APART_MS))
    return null
  }
}

/** A stream that breaks just ends: the caller lists anew. */
async function* eventsSince(
  client: Client,
  path: string,
  version: string,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const query = path.includes('?') ? '&' : '?'
  try {
    yield* client.watch(`${path}${query}resourceVersion=${version}`, signal)
  } catch (error) {
    if (signal.aborted || (error as NodeJS.ErrnoException).code !== undefined) return
    throw error
  }
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`
}

const DESCRIBED_MAX = 5

/** Metadata only: what a test waits for is often a Secret. */
function describe({ objects }: Seen): string {
  if (objects.size === 0) return 'nothing'
  const some = [...objects.values()].slice(0, DESCRIBED_MAX).map(({ metadata }) => {
    const { managedFields: _, ...shown } = metadata
    return JSON.stringify(shown)
  })
  return `${objects.size} objects, ${some.join(' ')}`
}
