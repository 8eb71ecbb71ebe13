/** Mirrors that are merged into what stands there: only the origin's keys are ours, whoever loses which mark. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { LAST_APPLIED } from '../../src/core/defaults.ts'
import { refOf } from '../../src/core/names.ts'
import { manifestOf, opsOf } from './model/cluster.ts'
import type { Manifest } from './model/cluster.ts'
import { at } from './model/rig.ts'
import type { Rig } from './model/rig.ts'
import { replayable } from './model/seeds.ts'
import {
  MIRROR,
  ORIGIN,
  acted,
  actedOnce,
  annotate,
  contentOf,
  edit,
  emptyStage,
  gone,
  mark,
  offer,
  prefixed,
  restOf,
} from './model/stage.ts'
import {
  M,
  R,
  REFLECTED,
  REPLICATED,
  offerAs,
  reflectorCopy,
  replicatorCopy,
  rewrite,
} from './model/tools.ts'
import { globs, RULES } from './rules.ts'

const KEYS = `${M}replicated-keys`
const VERSION = `${M}replicated-from-version`

function dataOf(rig: Rig, key = MIRROR): Record<string, string> {
  return { ...contentOf(rig, key).data }
}

/** A merged mirror in `team-a` beside a key of its own. */
function merged(mine: Manifest = {}): Rig {
  const rig = emptyStage()
  offerAs(rig, REPLICATED)
  replicatorCopy(rig, 'token', { data: { token: 'b25l', mine: 'eA==' }, ...mine })
  rig.settle()
  assert.equal(mark(rig, MIRROR, 'origin'), 'shared/registry')
  return rig
}

/** …made by us, into which its owner has put a key since. */
function made(): Rig {
  const rig = emptyStage()
  offerAs(rig, REPLICATED)
  rig.settle()
  edit(rig, MIRROR, ({ data }) => ({ data: { ...data, mine: 'eA==' } }))
  rig.settle()
  assert.deepEqual(dataOf(rig), { token: 'b25l', mine: 'eA==' })
  return rig
}

/** …taken over because the administrator lets its origin do so. */
function takenOver(): Rig {
  const rig = emptyStage({ dialects: { ...RULES.dialects, takeOver: globs('shared/*') } })
  offerAs(rig, REPLICATED)
  rig.cluster.put(refOf(MIRROR), { data: { mine: 'eA==' } })
  assert.deepEqual(acted(rig), ['update adopt'])
  assert.equal(mark(rig, MIRROR, 'adopted'), 'true')
  return rig
}

function rotate(rig: Rig, data: Readonly<Record<string, string>>): void {
  edit(rig, ORIGIN, () => ({ data }))
}

test('an origin that may take over merges into what it did not make; no other origin does', () => {
  assert.deepEqual(dataOf(takenOver()), { token: 'b25l', mine: 'eA==' })
  const rig = emptyStage({ dialects: { ...RULES.dialects, takeOver: globs('other/*') } })
  offerAs(rig, REPLICATED)
  rig.cluster.put(refOf(MIRROR), { data: { mine: 'eA==' } })
  assert.deepEqual(actedOnce(rig), [])
  assert.equal(restOf(rig), 'blocked foreign')
})

test('what speaks for another is nobody’s to take over, whatever the administrator lets an origin do', () => {
  const takes = { dialects: { ...RULES.dialects, takeOver: globs('shared/*') } }
  const objects: Record<string, (rig: Rig) => void> = {
    'a copy that names another origin': (rig) =>
      reflectorCopy(rig, {
        annotations: { [`${R}reflects`]: 'other/registry', ...prefixed({ adopted: 'true' }) },
      }),
    'what another origin retained': (rig) =>
      rig.cluster.put(refOf(MIRROR), {
        annotations: prefixed({ retained: 'other/registry', at: 'team-a/registry' }),
      }),
    'a mark of ours': (rig) =>
      rig.cluster.put(refOf(MIRROR), { annotations: prefixed({ at: 'team-a/registry' }) }),
    'an origin': (rig) => offer(rig, 'team-a/registry', { 'reflect-to': 'team-b' }),
    'what asks to be filled': (rig) =>
      rig.cluster.put(refOf(MIRROR), { annotations: { [`${M}replicate-from`]: 'other/registry' } }),
  }
  for (const [why, put] of Object.entries(objects)) {
    const rig = emptyStage(takes)
    put(rig)
    offerAs(rig, REPLICATED)
    const before = rig.cluster.get(MIRROR)
    actedOnce(rig)
    assert.equal(rig.cluster.get(MIRROR), before, why)
  }
})

test('a rotation brings new values, takes keys that left, and leaves every other key', () => {
  for (const rig of [merged(), made(), takenOver()]) {
    rotate(rig, { fresh: 'dHdv' })
    assert.deepEqual(actedOnce(rig), ['update stale'])
    assert.deepEqual(dataOf(rig), { fresh: 'dHdv', mine: 'eA==' })
    assert.equal(contentOf(rig, MIRROR).annotations[KEYS], 'fresh')
  }
})

test('an edit of a merged key is put back, an edit of another is its owner’s business', () => {
  for (const rig of [merged(), made(), takenOver()]) {
    edit(rig, MIRROR, ({ data }) => ({ data: { ...data, token: 'eA==' } }))
    assert.deepEqual(actedOnce(rig), ['update drift'])
    edit(rig, MIRROR, ({ data }) => ({ data: { ...data, mine: 'eQ==', more: 'eQ==' } }))
    assert.deepEqual(actedOnce(rig), [])
    assert.deepEqual(dataOf(rig), { token: 'b25l', mine: 'eQ==', more: 'eQ==' })
  }
})

test('the mark that names the merged keys is restored by one write, and no key is lost for it', () => {
  for (const rig of [merged(), made(), takenOver()]) {
    rewrite(rig, MIRROR, { [KEYS]: undefined })
    assert.equal(actedOnce(rig).length, 1)
    assert.equal(contentOf(rig, MIRROR).annotations[KEYS], 'token')
    assert.deepEqual(dataOf(rig), { token: 'b25l', mine: 'eA==' })
  }
})

test('a lost mark is restored, and a forged one taken off, also where nothing else speaks against the mirror', () => {
  const rig = emptyStage()
  offerAs(rig, REPLICATED)
  rig.settle()
  rewrite(rig, MIRROR, { [KEYS]: undefined })
  assert.equal(actedOnce(rig).length, 1)
  assert.equal(contentOf(rig, MIRROR).annotations[KEYS], 'token')
  const whole = emptyStage()
  offer(whole, 'shared/registry')
  whole.settle()
  rewrite(whole, MIRROR, { [KEYS]: 'token' })
  assert.equal(actedOnce(whole).length, 1)
  assert.equal(contentOf(whole, MIRROR).annotations[KEYS], undefined)
})

test('a rotation that meets a lost mark takes no key of another', () => {
  for (const rig of [merged(), made(), takenOver()]) {
    rewrite(rig, MIRROR, { [KEYS]: undefined })
    rotate(rig, { fresh: 'dHdv' })
    actedOnce(rig)
    assert.equal(dataOf(rig)['mine'], 'eA==')
    assert.equal(contentOf(rig, MIRROR).annotations[KEYS], 'fresh')
  }
  const rig = made()
  rewrite(rig, MIRROR, { [KEYS]: undefined })
  rotate(rig, { fresh: 'dHdv' })
  rig.settle()
  assert.deepEqual(dataOf(rig), { fresh: 'dHdv', mine: 'eA==' }, 'a key that we wrote goes all the same')
})

test('a blanked version is answered by fresh marks, once, and with no data', () => {
  for (const rig of [merged(), made(), takenOver()]) {
    rewrite(rig, MIRROR, { [VERSION]: '' })
    const begun = rig.log.length
    assert.deepEqual(actedOnce(rig), ['update restore'])
    const [act] = rig.done(begun)
    assert.ok(act?.body != null)
    assert.ok(opsOf(act.body).every(({ path }) => path.startsWith('/metadata/')))
    assert.equal(contentOf(rig, MIRROR).annotations[VERSION], rig.cluster.get(ORIGIN)?.version)
  }
})

test('the end takes the merged keys out and leaves the rest to its owner, without any tool’s marks', () => {
  for (const rig of [merged(), made(), takenOver()]) {
    gone(rig)
    assert.deepEqual(actedOnce(rig), ['strip origin-gone'])
    assert.deepEqual(dataOf(rig), { mine: 'eA==' })
    const { annotations } = contentOf(rig, MIRROR)
    assert.ok(Object.keys(annotations).every((key) => !key.startsWith(M)))
    assert.equal(mark(rig, MIRROR, 'retained'), 'shared/registry')
  }
})

test('what holds nothing else goes as a whole, unless it was adopted', () => {
  const bare = merged({ data: { token: 'b25l' } })
  gone(bare)
  assert.deepEqual(acted(bare), ['remove origin-gone'])
  const adopted = takenOver()
  edit(adopted, MIRROR, ({ data }) => ({ data: { token: data['token'] ?? '' } }))
  gone(adopted)
  assert.deepEqual(actedOnce(adopted), ['strip origin-gone'])
  assert.deepEqual(dataOf(adopted), {})
})

test('keys that the object’s type needs stay, and it is left whole to its owner', () => {
  const data = { 'tls.crt': 'YQ==', 'tls.key': 'Yg==' }
  for (const mine of [{}, { mine: 'eA==' }]) {
    const rig = emptyStage({ dialects: { ...RULES.dialects, takeOver: globs('*') } })
    offerAs(rig, REPLICATED, { type: 'kubernetes.io/tls', data })
    const theirs = { 'tls.crt': 'Yw==', 'tls.key': 'Yw==', ...mine }
    rig.cluster.put(refOf(MIRROR), { type: 'kubernetes.io/tls', data: theirs })
    rig.settle()
    gone(rig)
    assert.deepEqual(actedOnce(rig), ['retain origin-gone'])
    assert.deepEqual(dataOf(rig), { ...data, ...mine })
  }
})

test('an immutable object that holds merged keys is left whole, after one refusal', () => {
  const rig = made()
  edit(rig, MIRROR, () => ({ immutable: true }))
  gone(rig)
  assert.deepEqual(actedOnce(rig), ['retain origin-gone'])
  assert.deepEqual(dataOf(rig), { token: 'b25l', mine: 'eA==' })
})

test('retain, refusal and narrowing end a merge as they end a mirror', () => {
  const retaining = made()
  annotate(retaining, ORIGIN, { 'on-delete': 'retain' })
  retaining.settle()
  gone(retaining)
  assert.deepEqual(actedOnce(retaining), ['retain origin-gone'])
  const refusing = made()
  refusing.change(() => refusing.cluster.setNamespace('team-a', { annotations: prefixed({ refuse: '*' }) }))
  assert.deepEqual(actedOnce(refusing), ['strip consent'])
  const both = made()
  annotate(both, ORIGIN, { 'on-delete': 'retain' })
  both.settle()
  both.change(() => both.cluster.setNamespace('team-a', { annotations: prefixed({ refuse: '*' }) }))
  assert.deepEqual(actedOnce(both), ['strip consent'], 'withdrawn consent beats retaining')
  const narrowed = made()
  narrowed.change(() => rewrite(narrowed, ORIGIN, { [`${M}replicate-to`]: '' }))
  assert.deepEqual(actedOnce(narrowed), ['strip not-claimed'])
})

test('a merge into what was once a mirror of ours takes none of the data that was left to its owner', () => {
  const rig = emptyStage()
  offer(rig, 'shared/registry', { 'on-delete': 'retain' })
  rig.settle()
  gone(rig)
  assert.deepEqual(actedOnce(rig), ['retain origin-gone'])
  offerAs(rig, REPLICATED, { path: 'other/registry', data: { fresh: 'dHdv' } })
  annotate(rig, MIRROR, { adopt: 'other/registry' })
  assert.deepEqual(actedOnce(rig), ['update adopt'])
  assert.deepEqual(dataOf(rig), { fresh: 'dHdv', token: 'b25l' })
})

test('the same origin, back again, merges into what it left', () => {
  const rig = made()
  gone(rig)
  rig.settle()
  rig.change(() => offerAs(rig, REPLICATED, { data: { fresh: 'dHdv' } }))
  assert.deepEqual(actedOnce(rig), ['update retake'])
  assert.deepEqual(dataOf(rig), { fresh: 'dHdv', mine: 'eA==' })
})

test('an origin that speaks our words from now on replaces no key of another, and says that it may not', () => {
  for (const rig of [merged(), made(), takenOver()]) {
    offer(rig, 'shared/registry', {}, { data: { fresh: 'dHdv' } })
    const before = rig.cluster.get(MIRROR)
    assert.deepEqual(actedOnce(rig), [])
    assert.equal(restOf(rig), 'blocked foreign')
    assert.equal(rig.cluster.get(MIRROR), before)
    annotate(rig, MIRROR, { adopt: 'shared/registry' })
    rig.settle()
    assert.deepEqual(dataOf(rig), { fresh: 'dHdv' }, 'its owner may let it')
  }
})

test('what was adopted to be merged into is not replaced, though it holds no key of its owner’s just now', () => {
  const rig = takenOver()
  edit(rig, MIRROR, ({ data }) => ({ data: { token: data['token'] ?? '' } }))
  rig.settle()
  offer(rig, 'shared/registry', {}, { data: { fresh: 'dHdv' } })
  assert.deepEqual(actedOnce(rig), [])
  assert.deepEqual(dataOf(rig), { token: 'b25l' })
})

test('where there is no key of another, the words may change in both directions', () => {
  const rig = merged({ data: { token: 'b25l' } })
  offer(rig, 'shared/registry')
  assert.equal(actedOnce(rig).length, 1)
  assert.equal(contentOf(rig, MIRROR).annotations[KEYS], undefined)
  offerAs(rig, REPLICATED)
  assert.equal(actedOnce(rig).length, 1)
  assert.equal(contentOf(rig, MIRROR).annotations[KEYS], 'token')
  assert.deepEqual(dataOf(rig), { token: 'b25l' })
})

test('a trusted origin displaces a merged mirror only where no key of another would go', () => {
  for (const [mine, expected] of [
    [{ mine: 'eA==' }, []],
    [{}, ['update transfer']],
  ] as const) {
    const rig = emptyStage({ trustedOrigins: globs('other/*') })
    offerAs(rig, REPLICATED)
    replicatorCopy(rig, 'token', { data: { token: 'b25l', ...mine } })
    rig.settle()
    offer(rig, 'other/registry', {}, { data: { token: 'dHdv' } })
    assert.deepEqual(actedOnce(rig), expected)
    assert.equal(dataOf(rig)['mine'], 'mine' in mine ? 'eA==' : undefined)
  }
})

test('a forged mark of merged keys on a whole mirror neither blocks it nor saves it from its end', () => {
  const whole = (): Rig => {
    const rig = emptyStage()
    offer(rig, 'shared/registry', {}, { data: { token: 'b25l', more: 'b25l' } })
    rig.settle()
    rewrite(rig, MIRROR, { [KEYS]: 'more' })
    return rig
  }
  const rig = whole()
  rotate(rig, { token: 'dHdv' })
  assert.equal(actedOnce(rig).length, 1)
  assert.deepEqual(dataOf(rig), { token: 'dHdv' })
  const ending = whole()
  gone(ending)
  assert.deepEqual(actedOnce(ending), ['remove origin-gone'])
})

test('reflector’s copy becomes a merged mirror where its origin speaks replicator’s words now', () => {
  for (const data of [{ token: 'b25l' }, { token: 'b2xk', gone: 'eA==' }]) {
    const rig = emptyStage()
    offerAs(rig, REPLICATED)
    reflectorCopy(rig, { data })
    assert.equal(actedOnce(rig).length, 1)
    assert.equal(contentOf(rig, MIRROR).annotations[KEYS], 'token')
    assert.equal(dataOf(rig)['token'], 'b25l')
  }
})

test('a whole mirror becomes a merged one, and back, with reflector’s words between', () => {
  const rig = emptyStage()
  offerAs(rig, REFLECTED)
  rig.settle()
  offerAs(rig, REPLICATED, { data: { fresh: 'dHdv' } })
  rig.cluster.drop(at('team-b/registry'))
  assert.equal(actedOnce(rig).length, 1)
  assert.deepEqual(dataOf(rig), { fresh: 'dHdv' }, 'what we wrote before goes')
  offerAs(rig, REFLECTED, { data: { fresh: 'dHdv' } })
  assert.ok(actedOnce(rig).length > 0)
  assert.equal(contentOf(rig, MIRROR).annotations[KEYS], undefined)
})

test('an origin without a key empties what came from it, and no more', () => {
  const rig = made()
  rotate(rig, {})
  actedOnce(rig)
  assert.equal(dataOf(rig)['mine'], 'eA==')
})

test('for any object and origin, no key outside the mark and the origin’s own is ever changed', (t) => {
  const key = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', 'x.y', 'x-y')
  const texts = fc.dictionary(key, fc.constantFrom('b25l', 'dHdv', ''), { noNullPrototype: true, maxKeys: 4 })
  const step = fc.oneof(
    fc.record({ do: fc.constant('rotate' as const), data: texts, binaryData: texts }),
    fc.record({ do: fc.constant('edit' as const), data: texts, binaryData: texts }),
    fc.record({ do: fc.constant('forget' as const) }),
    fc.record({ do: fc.constant('restart' as const) }),
    fc.record({ do: fc.constant('end' as const), live: fc.boolean() }),
  )
  fc.assert(
    fc.property(
      texts,
      texts,
      fc.subarray(['a', 'b', 'c']),
      fc.array(step, { maxLength: 5 }),
      (own, first, keys, steps) => {
        const rig = emptyStage({ dialects: { ...RULES.dialects, takeOver: globs('*') } })
        const place = at('team-a/registry', 'ConfigMap')
        const origin = at('shared/registry', 'ConfigMap')
        const words = { kind: 'ConfigMap' as const }
        offerAs(rig, REPLICATED, { ...words, data: first })
        const annotations = keys.length === 0 ? {} : { [KEYS]: keys.join() }
        rig.cluster.put(refOf(place), { data: own, annotations })
        rig.judge = ({ before, after, decision, observation }) => {
          if (before === null) return
          assert.ok(after !== null || observation.marks?.adopted !== true, 'what was adopted is deleted')
          if (after === null) return
          const mine = new Set([
            ...(observation.marks?.mergedKeys ?? []),
            ...Object.keys(contentsAt(rig, origin)),
            ...(observation.object?.fields.ours.map((path) => path.slice(path.indexOf('/') + 1)) ?? []),
          ])
          for (const [name, value] of Object.entries(contentsOf(before)))
            if (!mine.has(name)) assert.equal(contentsOf(after)[name], value, `${decision.kind} lost ${name}`)
        }
        for (const one of [{ do: 'restart' as const }, ...steps]) {
          if (one.do === 'restart') rig.restart()
          if (one.do === 'rotate' && rig.cluster.get(origin) !== null)
            edit(rig, origin, () => ({ data: one.data, binaryData: without(one.binaryData, one.data) }))
          if (one.do === 'edit' && rig.cluster.get(place) !== null)
            edit(rig, place, () => ({ data: one.data, binaryData: without(one.binaryData, one.data) }))
          if (one.do === 'forget' && rig.cluster.get(place) !== null)
            rewrite(rig, place, { [KEYS]: undefined })
          if (one.do === 'end') rig.change(() => rig.cluster.drop(origin), one.live)
          actedOnce(rig)
        }
      },
    ),
    replayable(t, 300),
  )
})

function without(texts: Readonly<Record<string, string>>, taken: object): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).filter(([key]) => !Object.hasOwn(taken, key)))
}

function contentsAt(rig: Rig, key: ReturnType<typeof at>): Record<string, string> {
  const stored = rig.cluster.get(key)
  return stored === null ? {} : contentsOf(stored)
}

function contentsOf(stored: Parameters<typeof manifestOf>[0]): Record<string, string> {
  const { data, binaryData } = manifestOf(stored)
  return Object.fromEntries([...Object.entries(data), ...Object.entries(binaryData)])
}

test('whoever applies keys of his own beside the merged ones declares nothing of ours; whoever applies a merged key has the object', () => {
  const beside = made()
  beside.cluster.apply(refOf(MIRROR), { data: { mine: 'eQ==' } })
  annotate(beside, MIRROR, { [LAST_APPLIED]: '{}' })
  acted(beside)
  assert.equal(mark(beside, MIRROR, 'origin'), 'shared/registry')
  rotate(beside, { token: 'dHdv' })
  beside.settle()
  assert.deepEqual(dataOf(beside), { token: 'dHdv', mine: 'eQ==' }, 'rotation still reaches it')
  const over = made()
  over.cluster.apply(refOf(MIRROR), { data: { token: 'eA==' } })
  assert.deepEqual(acted(over), ['release declared'])
})
