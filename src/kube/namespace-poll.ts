/**
 * Keeps a sink equal to a few named namespaces by reading each of them every minute: all that rights in single namespaces allow.
 * One that cannot be read is as good as absent: nothing is written there until it can be.
 */

import type { NamespaceMeta } from '../core/objects.ts'
import type { Clock } from '../std/clock.ts'
import type { ClusterApi } from './api.ts'
import type { ChangeSink, ReflectorWatcher } from './changes.ts'

/** DESIGN: namespaces that may not be watched are polled each minute. */
export const POLL_MS = 60_000

export interface NamespacePollOptions {
  readonly api: Pick<ClusterApi, 'readNamespace'>
  readonly names: readonly string[]
  readonly sink: ChangeSink<NamespaceMeta>
  readonly watcher: ReflectorWatcher
  readonly clock: Clock
}

const RESOURCE = 'namespaces'

/** Runs until `signal` fires. What it finds changed counts as seen: the answer is the namespace itself. */
export async function pollNamespaces(options: NamespacePollOptions, signal: AbortSignal): Promise<void> {
  const { names, sink, watcher, clock } = options
  const known = new Map<string, NamespaceMeta>()
  let isFirst = true
  while (!signal.aborted) {
    if (isFirst) sink.beginSnapshot('relist')
    for (const name of names) await look(options, name, known, signal)
    if (signal.aborted) return
    if (isFirst) {
      sink.endSnapshot(null)
      watcher.synced(RESOURCE)
      isFirst = false
    }
    await clock.sleep(POLL_MS, signal)
  }
}

async function look(
  { api, sink, watcher }: NamespacePollOptions,
  name: string,
  known: Map<string, NamespaceMeta>,
  signal: AbortSignal,
): Promise<void> {
  watcher.attempted(RESOURCE)
  const answer = await api.readNamespace(name, { signal })
  if (signal.aborted) return
  if (answer.ok) {
    watcher.heard(RESOURCE)
    known.set(name, answer.value)
    sink.put(answer.value, 'live')
    return
  }
  const before = known.get(name)
  watcher.failed(RESOURCE, answer.failure)
  const isLost =
    answer.failure.kind === 'absent' ||
    answer.failure.kind === 'namespace-absent' ||
    answer.failure.kind === 'forbidden'
  if (before === undefined || !isLost) return
  known.delete(name)
  sink.gone(before, 'live')
}
