/** Many origins with reflector's copies in many namespaces, as on the day of the switch. */

import type { Client } from './client.ts'
import { keysOf, REFLECTOR, reflectorMarks } from './leftovers.ts'
import { secret } from './objects.ts'
import type { KubeObject } from './objects.ts'

const IN_FLIGHT = 32

export interface Adoption {
  readonly home: string
  readonly targets: readonly string[]
  readonly origins: readonly KubeObject[]
}

/** `origins` Secrets of one namespace, each with an equal copy in each of `namespaces`; nothing runs yet. */
export async function leaveCopies(
  client: Client,
  counts: { readonly origins: number; readonly namespaces: number },
): Promise<Adoption> {
  const home = 'adoption-home'
  const targets = Array.from({ length: counts.namespaces }, (_, index) => `adoption-t${index}`)
  await inParallel([home, ...targets], async (name) => void (await client.createNamespace(name)))
  const annotations = keysOf(REFLECTOR, {
    'reflection-allowed': 'true',
    'reflection-allowed-namespaces': 'adoption-t[0-9]+',
    'reflection-auto-enabled': 'true',
  })
  const origins: KubeObject[] = []
  await inParallel(
    Array.from({ length: counts.origins }, (_, index) => index),
    async (index) => {
      const wanted = secret(home, `shared-${index}`, { password: `secret-${index}` }, { annotations })
      origins.push(await client.create(wanted))
    },
  )
  const copies = origins.flatMap((origin) => targets.map((namespace) => ({ origin, namespace })))
  // One POST each: the update by which the tool stamps them as well would only take time.
  await inParallel(copies, async ({ origin, namespace }) => {
    const { name } = origin.metadata
    const metadata = { namespace, name, annotations: reflectorMarks(origin, 'True') }
    await client.create({ apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', ...dataOf(origin) })
  })
  return { home, targets, origins }
}

function dataOf({ data = {} }: KubeObject): Pick<KubeObject, 'data'> {
  return { data }
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values()
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item)
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
}
