/** Whoever changes our writes, on their way or afterwards, never makes us write without bound: webhooks that mutate, tenants that strip or seal. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { P } from './lawful.ts'
import type { Op } from './json-patch.ts'
import type { Rig } from './rig.ts'
import { encoded, mirrorOf, offer, settled } from './scenes.ts'
import type { Manifest } from './world.ts'

const HOUR_MS = 3_600_000
/** Six repairs, then back-off that doubles from a second to ten minutes. */
const WRITES_AN_HOUR_MAX = 24

interface Webhook {
  readonly manifest?: (manifest: Manifest) => Manifest
  readonly ops?: readonly Op[]
}

/** A mutating webhook over our writes: field ownership stays with us, as on a real server. */
function admit(rig: Rig, { manifest, ops }: Webhook): void {
  const { world } = rig
  const create = world.create.bind(world)
  const patch = world.patch.bind(world)
  world.create = (ref, draft, manager, isDryRun) => {
    const isOurs = manager === 'heliograph' && ref.namespace === 't1' && manifest !== undefined
    return create(ref, isOurs ? manifest(draft) : draft, manager, isDryRun)
  }
  world.patch = (ref, sent, manager) => {
    const added = manager === 'heliograph' && ref.namespace === 't1' ? (ops ?? []) : []
    const reach = patch(ref, [...sent, ...added], manager)
    return reach
  }
}

function mark(name: string): string {
  return `/metadata/annotations/${(P + name).replaceAll('/', '~1')}`
}

const STRIPPERS: Readonly<Record<string, readonly Op[]>> = {
  'takes the digest away': [
    { op: 'add', path: mark('digest'), value: '' },
    { op: 'remove', path: mark('digest') },
  ],
  'writes a digest of its own': [{ op: 'add', path: mark('digest'), value: 'v1.x.y.z' }],
  'takes the origin’s version away': [
    { op: 'add', path: mark('origin-version'), value: '' },
    { op: 'remove', path: mark('origin-version') },
  ],
  'writes another uid': [{ op: 'add', path: mark('origin-uid'), value: 'other' }],
  'has every mirror retained': [{ op: 'add', path: mark('on-delete'), value: 'retain' }],
  'lists carried keys of its own': [{ op: 'add', path: mark('carried'), value: 'labels/team' }],
  'takes the label away': [
    { op: 'add', path: `/metadata/labels/${P.replace('/', '~1')}mirror`, value: '' },
    { op: 'remove', path: `/metadata/labels/${P.replace('/', '~1')}mirror` },
  ],
}

for (const [what, ops] of Object.entries(STRIPPERS)) {
  test(`a webhook that ${what} with every update costs a bounded number of writes`, async () => {
    const rig = await settled({ namespaces: ['t1', 't2'] })
    admit(rig, { ops })
    const fromMs = rig.time.now()
    offer(rig, { data: 'two' })
    await rig.time.run(HOUR_MS)
    const sent = rig.requests(['patch', 'create', 'delete'], fromMs)
    assert.ok(sent.length <= WRITES_AN_HOUR_MAX, `${sent.length} writes in an hour`)
    assert.equal(mirrorOf(rig, 't2')?.data['a'], encoded('two'))
    // A version that the webhook itself took away looks to the judge as if an older one came.
    const crimes = rig.violations.filter((crime) => !crime.startsWith('old data came back: Secret/t1/'))
    assert.deepEqual(crimes, [])
  })
}

test('a webhook that changes the data of every write is contested once a sweep found it, and told', async () => {
  const rig = await settled({ namespaces: ['t1', 't2'] })
  admit(rig, {
    manifest: (draft) => ({ ...draft, data: { ...draft.data, a: encoded('theirs') } }),
    ops: [{ op: 'add', path: '/data/a', value: encoded('theirs') }],
  })
  offer(rig, { data: 'two' })
  await rig.time.run(24 * HOUR_MS)
  const fromMs = rig.time.now()
  await rig.time.run(2 * HOUR_MS)
  const [process] = rig.processes
  const sent = rig.requests(['patch', 'create', 'delete', 'read-full'], fromMs)
  assert.ok(sent.length <= 4 * WRITES_AN_HOUR_MAX, `${sent.length} requests in two hours`)
  assert.equal(process?.home().mirrors.get('contested'), 1)
  assert.ok(process.notices.some(({ code }) => code === 'MirrorContested'))
  assert.equal(mirrorOf(rig, 't2')?.data['a'], encoded('two'))
})

test('an edit that is put back costs one more look, at sweep rate, and then nothing', async () => {
  const rig = await settled({ namespaces: ['t1'] })
  const ref = { kind: 'Secret', namespace: 't1', name: 'db' } as const
  rig.world.update(ref, () => ({ data: { a: encoded('mine') } }), 'user')
  const fromMs = rig.time.now()
  await rig.time.run(HOUR_MS)
  assert.equal(rig.requests(['patch'], fromMs).length, 1)
  assert.ok(rig.requests(['read-full'], fromMs).filter(({ key }) => key.includes('/t1/')).length <= 2)
})

test('whoever takes the digest away again and again is answered ever more slowly', async () => {
  const rig = await settled({ namespaces: ['t1'] })
  const ref = { kind: 'Secret', namespace: 't1', name: 'db' } as const
  const strip = (): void => {
    rig.world.update(
      ref,
      ({ annotations }) => {
        const { [`${P}digest`]: _, ...left } = annotations
        return { annotations: left }
      },
      'user',
    )
  }
  rig.world.watchers.add(({ manager }) => {
    if (manager === 'heliograph') rig.time.after(10, strip)
  })
  const fromMs = rig.time.now()
  strip()
  await rig.time.run(HOUR_MS)
  const writes = rig.writes(fromMs).length
  assert.ok(writes > 6 && writes <= WRITES_AN_HOUR_MAX, `${writes} writes in an hour`)
})

test('whoever seals a mirror again and again has it replaced ever more slowly', async () => {
  const rig = await settled({ namespaces: ['t1'] })
  rig.world.watchers.add(({ manager, after }) => {
    if (manager === 'heliograph' && after?.namespace === 't1')
      rig.time.after(10, () => rig.world.update(after, () => ({ immutable: true }), 'user'))
  })
  const fromMs = rig.time.now()
  rig.world.update({ kind: 'Secret', namespace: 't1', name: 'db' }, () => ({ immutable: true }), 'user')
  await rig.time.run(HOUR_MS)
  const removed = rig.requests(['delete'], fromMs).length
  assert.ok(removed > 4 && removed <= WRITES_AN_HOUR_MAX, `${removed} replacements in an hour`)
  assert.notEqual(mirrorOf(rig, 't1'), null)
})
