/** Ready-made scenes for named cases: one origin `src/db` and its mirrors. */

import { P } from './lawful.ts'
import { Rig } from './rig.ts'
import type { RigOptions } from './rig.ts'
import type { Thing } from './thing.ts'

export interface Offer {
  readonly namespace?: string
  readonly name?: string
  readonly to?: string
  /** Text under the key `a`. */
  readonly data?: string
  /** More annotations under our prefix. */
  readonly more?: Readonly<Record<string, string>>
}

export function encoded(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** Makes or changes an origin; `src/db` offered to `t*`, unless it says otherwise. What is not given stays as it was. */
export function offer(rig: Rig, { namespace = 'src', name = 'db', to, data, more }: Offer): void {
  const ref = { kind: 'Secret', namespace, name } as const
  const extra = Object.fromEntries(Object.entries(more ?? {}).map(([key, value]) => [P + key, value]))
  if (rig.world.get(ref) === null) {
    const annotations = { [`${P}reflect-to`]: to ?? 't*', ...extra }
    rig.world.create(ref, { name, annotations, data: { a: encoded(data ?? 'one') } }, 'user')
    return
  }
  rig.world.update(
    ref,
    (before) => ({
      annotations: {
        ...before.annotations,
        ...(to === undefined ? {} : { [`${P}reflect-to`]: to }),
        ...extra,
      },
      data: data === undefined ? before.data : { a: encoded(data) },
    }),
    'user',
  )
}

/** The object under the origin's name in `namespace`. */
export function mirrorOf(rig: Rig, namespace: string, name = 'db'): Thing | null {
  return rig.world.get({ kind: 'Secret', namespace, name })
}

/** A leading controller and `src/db` mirrored into `namespaces`, all quiet. */
export async function settled(
  options: RigOptions & { readonly namespaces: readonly string[] },
): Promise<Rig> {
  const rig = new Rig(options)
  for (const name of ['src', ...options.namespaces]) rig.world.createNamespace(name)
  offer(rig, {})
  rig.startLeader()
  await rig.time.run(2_000)
  return rig
}

/** `count` namespaces `t0`, `t1`, … */
export function manyNamespaces(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `t${index}`)
}
