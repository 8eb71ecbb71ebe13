/** Sees every version that an object ever has, where `await.ts` sees only that one came: for what must never have been. */

import type { Client } from './client.ts'
import { collectionPath } from './objects.ts'
import type { KubeObject, Ref } from './objects.ts'

export interface Witness extends AsyncDisposable {
  /** Every version since the beginning, oldest first; null for a deletion. Complete up to what the server had done before the call. */
  versions(): Promise<readonly (KubeObject | null)[]>
}

/** Watches `ref` until disposed of. Its first version, if it is there, is the one that it has now. */
export async function watchVersions(client: Client, ref: Ref): Promise<Witness> {
  const path = `${collectionPath(ref.kind, ref.namespace, ref.apiVersion)}?fieldSelector=metadata.name%3D${ref.name}`
  const { items, resourceVersion } = await client.listFrom(path)
  const seen: (KubeObject | null)[] = [...items]
  const end = new AbortController()
  const read = async (): Promise<void> => {
    for await (const { type, object } of client.watch(
      `${path}&resourceVersion=${resourceVersion}`,
      end.signal,
    )) {
      if (type === 'ADDED' || type === 'MODIFIED') seen.push(object)
      else if (type === 'DELETED') seen.push(null)
      else if (type === 'ERROR') throw new Error(`the watch of ${ref.name} was ended`)
    }
  }
  const reading = read().catch((error: unknown) => {
    if (!end.signal.aborted) throw error
  })
  reading.catch(() => {})
  return {
    versions: async () => {
      const { items: now } = await client.listFrom(path)
      const last = now[0]?.metadata.resourceVersion ?? null
      // The stream lags a moment behind the list, and never lacks a version that the list has.
      while ((seen.at(-1)?.metadata.resourceVersion ?? null) !== last) {
        await Promise.race([reading.then(() => Promise.reject(new Error('the watch ended'))), tick()])
      }
      return [...seen]
    },
    [Symbol.asyncDispose]: async () => {
      end.abort()
      await reading
    },
  }
}

function tick(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
