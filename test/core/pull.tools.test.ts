/** Objects that ask to be filled in another tool's words: merged or replaced as that tool does, taken over where it filled them, and never deleted. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { refOf } from '../../src/core/names.ts'
import { opsOf } from './model/cluster.ts'
import type { Manifest } from './model/cluster.ts'
import { at, digestKey } from './model/rig.ts'
import type { Rig } from './model/rig.ts'
import { replayable } from './model/seeds.ts'
import {
  ORIGIN,
  acted,
  annotate,
  contentOf,
  edit,
  emptyStage,
  mark,
  offer,
  prefixed,
  restOf,
} from './model/stage.ts'
import { M, R, REFLECTED, REPLICATED, offerAs, rewrite } from './model/tools.ts'

const MINE = at('team-b/mine')
const KEYS = `${M}replicated-keys`
const VERSION = `${M}replicated-from-version`
const FROM = `${M}replicate-from`

function actedOnce(rig: Rig): readonly string[] {
  const acts = acted(rig)
  assert.deepEqual(acted(rig), [], 'nothing is written again')
  rig.restart()
  assert.deepEqual(acted(rig), [], 'nor after a restart')
  return acts
}

function dataOf(rig: Rig, key = MINE): Record<string, string> {
  return { ...contentOf(rig, key).data }
}

/** `team-b/mine` asks for `shared/registry` in replicator's words and has a key of its own; nothing is mirrored besides. */
function asking(mine: Manifest = {}, origin: Manifest = {}): Rig {
  const rig = emptyStage()
  offerAs(rig, { ...REPLICATED, [`${M}replicate-to`]: '' }, origin)
  rig.cluster.put(refOf(MINE), {
    data: { mine: 'eA==' },
    ...mine,
    annotations: { [FROM]: 'shared/registry', ...mine.annotations },
  })
  return rig
}

function filled(mine: Manifest = {}, origin: Manifest = {}): Rig {
  const rig = asking(mine, origin)
  rig.settle()
  assert.equal(mark(rig, MINE, 'pulled-from'), 'shared/registry')
  return rig
}

/** …as replicator filled it before. */
function byReplicator(data: Readonly<Record<string, string>>, keys: string, origin: Manifest = {}): Rig {
  return asking(
    { data, annotations: { [KEYS]: keys, [VERSION]: '7', [`${M}replicated-at`]: '2026-07-07T09:49:26Z' } },
    origin,
  )
}

function goes(rig: Rig, live = true): void {
  rig.change(() => rig.cluster.drop(ORIGIN), live)
}

test('what asks is merged into: its own keys stay, through every version of the origin', () => {
  const rig = asking()
  assert.deepEqual(actedOnce(rig), ['fill stale'])
  assert.deepEqual(dataOf(rig), { token: 'b25l', mine: 'eA==' })
  edit(rig, ORIGIN, () => ({ data: { fresh: 'dHdv' } }))
  assert.deepEqual(actedOnce(rig), ['fill stale'])
  assert.deepEqual(dataOf(rig), { fresh: 'dHdv', mine: 'eA==' })
  edit(rig, MINE, ({ data }) => ({ data: { ...data, fresh: 'eA==', mine: 'eQ==' } }))
  assert.deepEqual(actedOnce(rig), ['fill drift'])
  assert.deepEqual(dataOf(rig), { fresh: 'dHdv', mine: 'eQ==' })
})

test('labels of the origin are for pushed copies, not for what asks', () => {
  const rig = filled({}, { labels: { team: 'red' } })
  assert.deepEqual({ ...contentOf(rig, MINE).labels }, {})
})

test('what replicator filled is compared first: right, it gets marks alone; wrong, it is merged into', () => {
  const right = byReplicator({ token: 'b25l', mine: 'eA==' }, 'token')
  const begun = right.log.length
  assert.deepEqual(actedOnce(right), ['fill inherit'])
  const [act] = right.done(begun)
  assert.ok(act?.body != null && opsOf(act.body).every(({ path }) => path.startsWith('/metadata/')))
  assert.equal(contentOf(right, MINE).annotations[VERSION], '7', 'the tool’s marks stay as it wrote them')
  const wrong = byReplicator({ token: 'b2xk', gone: 'eA==', mine: 'eA==' }, 'gone,token')
  assert.deepEqual(actedOnce(wrong), ['fill stale'])
  assert.deepEqual(dataOf(wrong), { token: 'b25l', mine: 'eA==' })
})

test('what reflector filled is compared first, too', () => {
  const annotations = {
    [`${R}reflects`]: 'shared/registry',
    [`${R}auto-reflects`]: 'False',
    [`${R}reflected-version`]: '7',
  }
  for (const [data, expected] of [
    [{ token: 'b25l' }, 'fill inherit'],
    [{ token: 'b25l', mine: 'eA==' }, 'fill stale'],
  ] as const) {
    const rig = emptyStage()
    offerAs(rig, { ...REFLECTED, [`${R}reflection-auto-enabled`]: 'false' })
    rig.cluster.put(refOf(MINE), { data, annotations })
    assert.deepEqual(actedOnce(rig), [expected])
    assert.deepEqual(dataOf(rig), { token: 'b25l' })
  }
})

test('when the origin is seen to go, what came from it goes after the grace, and the rest stays', () => {
  const rig = filled()
  goes(rig)
  const atMs = rig.nowMs + rig.rules.graceMs
  assert.deepEqual(rig.turn(MINE).last, { kind: 'wait', state: 'leaving', reason: 'grace', atMs })
  assert.deepEqual(actedOnce(rig), ['strip origin-gone'])
  assert.deepEqual(dataOf(rig), { mine: 'eA==' })
  const { annotations } = contentOf(rig, MINE)
  assert.deepEqual(Object.keys(annotations), [FROM], 'it still asks, and bears no other mark')
  rig.change(() => offerAs(rig, { ...REPLICATED, [`${M}replicate-to`]: '' }, { data: { fresh: 'dHdv' } }))
  assert.deepEqual(actedOnce(rig), ['fill stale'])
  assert.deepEqual(dataOf(rig), { fresh: 'dHdv', mine: 'eA==' })
})

test('an origin that is back within the grace takes nothing away', () => {
  const rig = filled()
  goes(rig)
  rig.change(() => offerAs(rig, { ...REPLICATED, [`${M}replicate-to`]: '' }))
  rig.settle()
  assert.deepEqual(dataOf(rig), { token: 'b25l', mine: 'eA==' })
})

test('an end that nobody saw, a permission that goes and a question that is taken back leave the last data', () => {
  const ends: readonly ((rig: Rig) => void)[] = [
    (rig) => goes(rig, false),
    (rig) => rewrite(rig, ORIGIN, { [`${M}replication-allowed`]: 'false' }),
    (rig) => rewrite(rig, ORIGIN, { [`${M}replication-allowed-namespaces`]: 'team-a' }),
    (rig) => rewrite(rig, ORIGIN, { [`${M}replication-allowed-namespaces`]: undefined }),
    (rig) => rewrite(rig, ORIGIN, { [`${M}replication-allowed-namespaces`]: '(' }),
    (rig) => rewrite(rig, MINE, { [FROM]: undefined }),
    (rig) => rewrite(rig, MINE, { [FROM]: 'shared/other' }),
    (rig) => rewrite(rig, MINE, { [FROM]: 'x' }),
  ]
  for (const end of ends) {
    const rig = filled()
    end(rig)
    const before = rig.cluster.get(MINE)
    assert.deepEqual(actedOnce(rig), [], String(end))
    assert.equal(rig.cluster.get(MINE), before, String(end))
  }
})

test('an origin that went after the question was turned to another takes nothing', () => {
  const rig = filled()
  rewrite(rig, MINE, { [FROM]: 'shared/other' })
  goes(rig)
  assert.deepEqual(actedOnce(rig), [])
  assert.deepEqual(dataOf(rig), { token: 'b25l', mine: 'eA==' })
})

test('a type that needs the keys keeps them when the origin goes', () => {
  const data = { 'tls.crt': 'YQ==', 'tls.key': 'Yg==' }
  const rig = filled({ type: 'kubernetes.io/tls', data: { 'tls.crt': 'Yw==', 'tls.key': 'Yw==' } }, { data })
  goes(rig)
  const before = rig.cluster.get(MINE)
  assert.deepEqual(actedOnce(rig), [])
  assert.equal(rig.cluster.get(MINE), before)
  assert.equal(restOf(rig, MINE), 'refused pull-unavailable')
})

test('what reflector or our own words fill keeps its last data when the origin is seen to go', () => {
  for (const ask of [
    { [`${R}reflects`]: 'shared/registry' },
    prefixed({ 'reflect-from': 'shared/registry' }),
  ]) {
    const rig = emptyStage()
    offerAs(rig, { ...REFLECTED, [`${R}reflection-auto-enabled`]: 'false' })
    rig.cluster.put(refOf(MINE), { annotations: ask })
    rig.settle()
    assert.deepEqual(dataOf(rig), { token: 'b25l' })
    goes(rig)
    assert.deepEqual(actedOnce(rig), [])
    assert.deepEqual(dataOf(rig), { token: 'b25l' })
  }
})

test('a lost mark of merged keys is restored by one write, and no key is lost for it', () => {
  for (const rig of [filled(), filled({ data: {} })]) {
    const before = dataOf(rig)
    rewrite(rig, MINE, { [KEYS]: undefined })
    assert.equal(actedOnce(rig).length, 1)
    assert.equal(contentOf(rig, MINE).annotations[KEYS], 'token')
    assert.deepEqual(dataOf(rig), before)
    rewrite(rig, MINE, { [KEYS]: undefined })
    edit(rig, ORIGIN, () => ({ data: { fresh: 'dHdv' } }))
    actedOnce(rig)
    assert.deepEqual(dataOf(rig), { ...('mine' in before ? { mine: 'eA==' } : {}), fresh: 'dHdv' })
  }
})

test('a blanked version is answered by fresh marks, once, and with no data', () => {
  for (const rig of [filled(), byReplicatorSettled()]) {
    rewrite(rig, MINE, { [VERSION]: '' })
    const begun = rig.log.length
    assert.deepEqual(actedOnce(rig), ['fill restamp'])
    const [act] = rig.done(begun)
    assert.ok(act?.body != null && opsOf(act.body).every(({ path }) => path.startsWith('/metadata/')))
    assert.equal(contentOf(rig, MINE).annotations[VERSION], rig.cluster.get(ORIGIN)?.version)
  }
})

function byReplicatorSettled(): Rig {
  const rig = byReplicator({ token: 'b25l', mine: 'eA==' }, 'token')
  rig.settle()
  return rig
}

test('a digest under an unknown key is compared and stamped anew, own keys or not', () => {
  for (const rig of [filled(), byReplicatorSettled()]) {
    rig.digestKey = digestKey(9)
    rig.restart()
    assert.deepEqual(acted(rig), ['fill restamp'])
    assert.deepEqual(acted(rig), [])
  }
})

test('our own question goes before another tool’s, and replaces as a whole', () => {
  const rig = asking({
    annotations: { ...prefixed({ 'reflect-from': 'shared/native' }), [KEYS]: 'mine' },
  })
  offer(rig, 'shared/native', { 'reflect-to': '', 'allow-pull': '*' }, { data: { native: 'bg==' } })
  rig.settle()
  assert.deepEqual(dataOf(rig), { native: 'bg==' })
  assert.equal(contentOf(rig, MINE).annotations[KEYS], undefined, 'nothing of it is merged')
  annotate(rig, MINE, { 'reflect-from': undefined })
  rig.settle()
  assert.deepEqual(dataOf(rig)['token'], 'b25l')
})

test('a merge that fills never touches a key of its owner, and never deletes the object', (t) => {
  const key = fc.constantFrom('a', 'b', 'mine', 'own')
  const texts = fc.dictionary(key, fc.constantFrom('b25l', 'eA=='), { noNullPrototype: true })
  const step = fc.oneof(
    fc.record({ do: fc.constant('rotate' as const), data: texts }),
    fc.record({ do: fc.constant('edit' as const), data: texts }),
    fc.record({ do: fc.constant('forget' as const), what: fc.constantFrom(KEYS, VERSION) }),
    fc.record({ do: fc.constant('go' as const), live: fc.boolean() }),
    fc.record({ do: fc.constant('come' as const), data: texts }),
  )
  fc.assert(
    fc.property(texts, texts, fc.array(step, { maxLength: 6 }), (mine, origin, steps) => {
      const rig = asking({ data: mine }, { data: origin })
      const words = { ...REPLICATED, [`${M}replicate-to`]: '' }
      rig.judge = ({ key: place, before, after, observation, rendering }) => {
        assert.ok(place === MINE && before !== null && after !== null, 'nothing is made or deleted')
        const ours = new Set([
          ...(observation.marks?.mergedKeys ?? []),
          ...(rendering?.summary.keys ?? []),
          ...(observation.object?.fields.ours ?? []).map((path) => path.replace(/^data\//, '')),
        ])
        const [was, is] = [before, after].map(({ body }) => JSON.parse(JSON.stringify(body)) as Manifest)
        for (const [name, value] of Object.entries(was?.data ?? {}))
          if (!ours.has(name)) assert.equal(is?.data?.[name], value, name)
      }
      actedOnce(rig)
      for (const one of steps) {
        if (one.do === 'rotate' && rig.cluster.get(ORIGIN) !== null)
          edit(rig, ORIGIN, () => ({ data: one.data }))
        if (one.do === 'edit') edit(rig, MINE, () => ({ data: one.data }))
        if (one.do === 'forget') rewrite(rig, MINE, { [one.what]: undefined })
        if (one.do === 'go') goes(rig, one.live)
        if (one.do === 'come') rig.change(() => offerAs(rig, words, { data: one.data }))
        actedOnce(rig)
      }
    }),
    replayable(t, 400),
  )
})
