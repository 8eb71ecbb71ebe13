/** `heliograph release ID`: writes the hold's id to the Lease, and says in one sentence whether the leader took it up. */

import type { ClusterApi, Lease } from '../kube/api.ts'
import type { Failure } from '../core/failure.ts'
import type { Clock } from '../std/clock.ts'
import { failed } from '../std/result.ts'
import type { Result } from '../std/result.ts'

export interface ReleaseOptions {
  readonly api: Pick<ClusterApi, 'readLease' | 'updateLease'>
  readonly clock: Clock
  readonly namespace: string
  /** Name of the Lease. */
  readonly lease: string
  /** `<prefix>release`. */
  readonly releaseKey: string
  readonly id: string
  readonly signal: AbortSignal
}

export interface Told {
  readonly done: boolean
  /** One sentence for the terminal. */
  readonly sentence: string
}

/** The leader renews every two seconds and takes the id off the Lease with the renewal after. */
const TAKEN_UP_MS_MAX = 15_000
const LOOK_MS = 1_000
/** A renewal between our read and our write is no failure. */
const WRITES_MAX = 10

export async function release(options: ReleaseOptions): Promise<Told> {
  const written = await write(options)
  if (!written.ok) return { done: false, sentence: sentenceOf(options, written.failure) }
  const until = options.clock.now() + TAKEN_UP_MS_MAX
  while (options.clock.now() < until && !options.signal.aborted) {
    await options.clock.sleep(LOOK_MS, options.signal)
    const read = await readIt(options)
    if (read.ok && read.value.annotations[options.releaseKey] !== options.id)
      return { done: true, sentence: `Hold ${options.id} is released: its deletions go on now.` }
  }
  return {
    done: false,
    sentence: `Hold ${options.id} is written to the Lease, but no leader has taken it up yet: check the id against the Event, and that a replica leads.`,
  }
}

async function write(options: ReleaseOptions): Promise<Result<Lease, Failure>> {
  let answer: Result<Lease, Failure> = failed({ kind: 'conflict' })
  for (let writes = 0; writes < WRITES_MAX; writes += 1) {
    const read = await readIt(options)
    if (!read.ok) return read
    const annotations = { ...read.value.annotations, [options.releaseKey]: options.id }
    answer = await options.api.updateLease({ ...read.value, annotations }, { signal: options.signal })
    if (answer.ok || answer.failure.kind !== 'conflict') return answer
  }
  return answer
}

function readIt({ api, namespace, lease, signal }: ReleaseOptions): Promise<Result<Lease, Failure>> {
  return api.readLease(namespace, lease, { signal })
}

function sentenceOf({ namespace, lease }: ReleaseOptions, failure: Failure): string {
  switch (failure.kind) {
    case 'absent':
    case 'namespace-absent':
      return `There is no Lease ${lease} in the namespace ${namespace}: name the controller’s own with --namespace.`
    case 'forbidden':
    case 'unauthorized':
      return `You may not read and update the Lease ${lease} in the namespace ${namespace}.`
    case 'unanswered':
      return 'The API server does not answer.'
    default:
      return `The Lease ${lease} in the namespace ${namespace} could not be written (${failure.kind}).`
  }
}
