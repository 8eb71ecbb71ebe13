/** Promises 2 and 4: a mirror exists if and only if a live origin claims it, and holds what the policy says, after whatever happened, seen or not. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { awaitAbsent, awaitObject, awaitPresent } from '../lib/await.ts'
import { at, isMirrorOf } from '../lib/marks.ts'
import type { KubeObject, Ref } from '../lib/objects.ts'
import { annotate, awaitData, offer, secretOffer, write } from '../lib/offers.ts'
import type { Texts } from '../lib/offers.ts'
import { startProxy } from '../lib/proxy.ts'
import { openSolo } from '../lib/solo.ts'

const solo = await openSolo()
const { client, stage } = solo
const proxy = await startProxy(stage.plane)
after(() => proxy.close())
const through = { through: proxy }
await solo.start(through)

/** Where one change plays; nobody else's. */
interface Scene {
  readonly origin: Ref
  /** Both hold mirrors before the change. */
  readonly one: string
  readonly two: string
  /** Not chosen before the change. */
  readonly third: string
}

interface Change {
  readonly what: string
  /** What the origin says beside `reflect-to`. */
  readonly keys?: Texts
  readonly make: (scene: Scene) => Promise<unknown>
  /** Seconds, as a namespace’s end takes: left out where time counts. */
  readonly isSlow?: true
  /** Data of the mirrors that must be there afterwards; null: none. */
  readonly leaves: Readonly<Partial<Record<'one' | 'two' | 'third', Texts | null>>>
}

const FIRST: Texts = { a: '1', b: '2' }

const CHANGES: readonly Change[] = [
  {
    what: 'a rotation',
    make: ({ origin }) => write(client, origin, { a: 'new', b: null, c: '3' }),
    leaves: { one: { a: 'new', c: '3' }, two: { a: 'new', c: '3' } },
  },
  {
    what: 'a wider pattern',
    make: ({ origin, one, two, third }) =>
      annotate(client, origin, { 'reflect-to': `${one},${two},${third}` }),
    leaves: { one: FIRST, two: FIRST, third: FIRST },
  },
  {
    what: 'a narrower pattern',
    make: ({ origin, two }) => annotate(client, origin, { 'reflect-to': two }),
    leaves: { one: null, two: FIRST },
  },
  {
    what: 'the end of the offer',
    make: ({ origin }) => annotate(client, origin, { 'reflect-to': null }),
    leaves: { one: null, two: null },
  },
  {
    what: 'the end of the origin',
    make: ({ origin }) => client.remove(origin),
    leaves: { one: null, two: null },
  },
  {
    what: 'the end of the origin’s namespace',
    isSlow: true,
    make: ({ origin }) => removeNamespace(origin.namespace ?? ''),
    leaves: { one: null, two: null },
  },
  {
    what: 'another mirror name',
    make: ({ origin }) => annotate(client, origin, { 'reflect-as': 'other' }),
    leaves: { one: null, two: null },
  },
  {
    what: 'the deletion of a mirror',
    make: ({ origin, one }) => client.remove(at(origin, one)),
    leaves: { one: FIRST, two: FIRST },
  },
  {
    what: 'an edit of a mirror’s data',
    make: ({ origin, one }) => write(client, at(origin, one), { a: 'edited' }),
    leaves: { one: FIRST, two: FIRST },
  },
  {
    what: 'a key added to a mirror',
    make: ({ origin, one }) => write(client, at(origin, one), { added: 'x' }),
    leaves: { one: FIRST, two: FIRST },
  },
  {
    what: 'a key taken from a mirror',
    make: ({ origin, one }) => write(client, at(origin, one), { b: null }),
    leaves: { one: FIRST, two: FIRST },
  },
  {
    what: 'a namespace that refuses',
    make: ({ one }) => annotate(client, { kind: 'Namespace', name: one }, { refuse: '*' }),
    leaves: { one: null, two: FIRST },
  },
  {
    what: 'a namespace that goes and comes back',
    isSlow: true,
    make: async ({ one }) => {
      await removeNamespace(one)
      await client.createNamespace(one)
    },
    leaves: { one: FIRST, two: FIRST },
  },
  {
    what: 'a namespace that goes',
    isSlow: true,
    make: ({ one }) => removeNamespace(one),
    leaves: { one: null, two: FIRST },
  },
  {
    what: 'a namespace that gets the labels',
    keys: { 'reflect-to-selector': 'in=yes', 'reflect-to': '*' },
    make: ({ third }) => label(third, 'yes'),
    leaves: { third: FIRST },
  },
  {
    what: 'a pause, then a rotation',
    make: async ({ origin }) => {
      await annotate(client, origin, { paused: 'true' })
      await write(client, origin, { a: 'new' })
    },
    leaves: { one: FIRST, two: FIRST },
  },
]

for (const make of [offer, secretOffer]) {
  const kind = make('', '', {}).kind ?? ''
  test(`mirrors of ${kind}s follow what happens while it is watched`, async () => {
    await playAll(make, CHANGES, async (acts) => void (await Promise.all(acts.map((act) => act()))))
  })
  test(`mirrors of ${kind}s follow what happened while no controller ran`, async () => {
    await playAll(make, kind === 'Secret' ? CHANGES : QUICK, async (acts) => {
      await solo.stop()
      await Promise.all(acts.map((act) => act()))
      await solo.start(through)
    })
  })
}

test('mirrors follow what happened during an outage whose history is lost', async () => {
  await playAll(secretOffer, QUICK, async (acts) => {
    const outage = proxy.on({}, (exchange) => exchange.cut())
    proxy.cutAll()
    await Promise.all(acts.map((act) => act()))
    await stage.plane.own.expireHistory()
    outage.remove()
  })
})

test('mirrors are where they belong after the controller was killed in the midst of it', async () => {
  await playAll(offer, QUICK, async (acts) => {
    await Promise.all(acts.map((act) => act()))
    await solo.controller.kill()
    await solo.start({ ...through, environment: { HELIOGRAPH_LEADER_ELECTION: 'false' } })
  })
})

type Make = typeof offer

const QUICK = CHANGES.filter(({ isSlow }) => isSlow !== true)

/** Sets one scene for each change, lets `happen` run the changes in its own way, and compares what is left. */
async function playAll(
  make: Make,
  changes: readonly Change[],
  happen: (acts: readonly (() => Promise<unknown>)[]) => Promise<void>,
): Promise<void> {
  const plays = await Promise.all(
    changes.map(async (change) => ({ change, scene: await setScene(make, change) })),
  )
  await happen(
    plays.map(
      ({ change, scene }) =>
        async () =>
          await change.make(scene),
    ),
  )
  for (const { change, scene } of plays) await compare(change, scene)
  await solo.settled()
  for (const { change, scene } of plays) await compare(change, scene)
}

async function setScene(make: Make, { keys = {} }: Change): Promise<Scene> {
  const [home, one, two, third] = await stage.namespaces('home', 'one', 'two', 'third')
  const made = await client.create(
    make(home, `shared-${home}`, { 'reflect-to': `${one}, ${two}`, ...keys }, FIRST),
  )
  const origin: Ref = { kind: made.kind ?? '', namespace: home, name: made.metadata.name }
  if (keys['reflect-to'] === undefined)
    for (const target of [one, two]) await awaitData(client, at(origin, target), FIRST)
  return { origin, one, two, third }
}

async function compare({ what, leaves }: Change, scene: Scene): Promise<void> {
  for (const place of ['one', 'two', 'third'] as const) {
    const ref = at(scene.origin, scene[place])
    const data = leaves[place] ?? null
    if (data === null) await awaitAbsent(client, ref)
    else assert(isMirrorOf(await awaitData(client, ref, data), scene.origin), `${what}: marks in ${place}`)
    if (what === 'another mirror name' && place !== 'third')
      await awaitPresent(client, { ...ref, name: 'other' })
  }
}

async function label(namespace: string, value: string): Promise<KubeObject> {
  return await client.patch({ kind: 'Namespace', name: namespace }, { metadata: { labels: { in: value } } })
}

async function removeNamespace(name: string): Promise<void> {
  await client.remove({ kind: 'Namespace', name })
  await awaitObject(client, { kind: 'Namespace', name }, (each) => each === null, { what: 'is gone' })
}
