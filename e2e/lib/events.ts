/** Kubernetes Events as scenarios read them: what was told, about what, how often. */

import { awaitList } from './await.ts'
import type { Client } from './client.ts'
import { say } from './objects.ts'
import type { KubeObject, Ref } from './objects.ts'

export interface ToldEvent {
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly count: number
  readonly about: Ref
}

/** The fields of a `v1` Event that are read here. */
interface StoredEvent {
  readonly type?: string
  readonly reason?: string
  readonly message?: string
  readonly count?: number
  readonly involvedObject?: Partial<Ref>
  readonly source?: { readonly component?: string }
}

/** Waits for an Event of `reason` about `ref` for which `holds`. One about a Namespace lies within it. */
export async function awaitEvent(
  client: Client,
  ref: Ref,
  reason: string,
  holds: (told: ToldEvent) => boolean = () => true,
): Promise<ToldEvent> {
  const isIt = (event: KubeObject): boolean => {
    const told = toldBy(event)
    return told.reason === reason && isAbout(told, ref) && holds(told)
  }
  const path = `/api/v1/namespaces/${placeOf(ref)}/events`
  const found = await awaitList(client, path, (events) => events.some(isIt), {
    what: `an Event ${reason} about ${say(ref)}`,
  })
  return toldBy(found.find(isIt) ?? { metadata: { name: '' } })
}

/** Everything that was told about `ref` so far, by reason and message. */
export async function eventsAbout(client: Client, ref: Ref): Promise<readonly ToldEvent[]> {
  return (await eventsIn(client, placeOf(ref))).filter((told) => isAbout(told, ref))
}

/** Everything that Heliograph told in `namespace`, or, left out, anywhere; the control plane tells of itself as well. */
export async function eventsIn(client: Client, namespace?: string): Promise<readonly ToldEvent[]> {
  const events = await client.list('Event', namespace)
  return events.filter((event) => (event as StoredEvent).source?.component === 'heliograph').map(toldBy)
}

function toldBy(event: KubeObject): ToldEvent {
  const { type = '', reason = '', message = '', count = 1, involvedObject: about } = event as StoredEvent
  return {
    type,
    reason,
    message,
    count,
    about: { kind: about?.kind ?? '', namespace: about?.namespace ?? '', name: about?.name ?? '' },
  }
}

function isAbout({ about }: ToldEvent, ref: Ref): boolean {
  return about.kind === ref.kind && about.name === ref.name && about.namespace === placeOf(ref)
}

function placeOf({ kind, namespace, name }: Ref): string {
  return kind === 'Namespace' ? name : (namespace ?? '')
}
