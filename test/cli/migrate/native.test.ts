/** An origin’s annotations in our own vocabulary choose the same namespaces, or the lines say that they do so today only. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

import fc from 'fast-check'

import { nativeLines, nativesOf, selectorOfReflector } from '../../../src/cli/migrate/native.ts'
import type { Native } from '../../../src/cli/migrate/native.ts'
import { chooses } from '../../../src/core/choice.ts'
import type { Choosable, NamespaceChoice } from '../../../src/core/choice.ts'
import { readAsk, readOrigin } from '../../../src/core/dialects/table.ts'
import type { Annotated } from '../../../src/core/eligibility.ts'
import { parseReflectorSelector } from '../../../src/core/patterns/selectors.ts'
import type { Policy } from '../../../src/core/policy.ts'
import { parseSelector } from '../../../src/core/selectors.ts'
import { RULES } from '../../core/rules.ts'
import { KUBED, namespace, OURS, REFLECTOR, REPLICATOR, sceneOf, secret, SYNC, under } from './scenes.ts'

const PRESENT: readonly Choosable[] = [
  { name: 'a', labels: {} },
  { name: 'ab', labels: { env: 'dev' } },
  { name: 'b', labels: { env: 'prod', tier: '2' } },
  { name: 'team-a', labels: { env: 'prod' } },
]
const LATER: readonly Choosable[] = [
  { name: 'abc', labels: {} },
  { name: 'team-b', labels: { env: 'dev', tier: '2' } },
  { name: 'x-b', labels: { env: 'prod' } },
  { name: 'x', labels: { tier: '2' } },
]

type Texts = Readonly<Record<string, string>>

function nativeOf(annotations: Texts, labels: Texts = {}): Native {
  const places = PRESENT.map((each) => namespace(each.name, each.labels))
  const [native] = nativesOf(sceneOf([...places, secret('origins/x', annotations, { labels })]), RULES)
  assert.ok(native !== undefined)
  return native
}

function policyOf(meta: Annotated): Policy | null {
  const reading = readOrigin(meta, RULES)
  return reading.kind === 'policy' ? reading.policy : null
}

/** The object after the lines were run, the removals included. */
function after({ object, add, remove }: Native): Annotated {
  const annotations = { ...object.annotations, ...under(OURS, add) }
  return {
    ...object,
    annotations: Object.fromEntries(Object.entries(annotations).filter(([key]) => !remove.includes(key))),
  }
}

const list = fc
  .array(
    fc.constantFrom(
      'a',
      'ab',
      'a.*',
      '.*b',
      'team-.*',
      '^(?!(?:a|b)$).*',
      '[ab]',
      '.*',
      'a|ab',
      'x+',
      'team-[a-z]+',
    ),
    { maxLength: 3 },
  )
  .map((items) => items.join(','))
const selector = fc.constantFrom(
  '',
  'env=prod',
  'env in (dev,prod)',
  '!env',
  'env!=prod',
  'env = dev , tier',
  'env=a,env=prod',
  'tier in (2,,3)',
)
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined })

const reflectorTexts = fc.record({
  'reflection-allowed': fc.constant('true'),
  'reflection-auto-enabled': maybe(fc.constantFrom('true', 'false')),
  'reflection-allowed-namespaces': maybe(list),
  'reflection-allowed-namespaces-selector': maybe(selector),
  'reflection-auto-namespaces': maybe(list),
  'reflection-auto-namespaces-selector': maybe(selector),
})
const replicatorTexts = fc.record({
  'replication-allowed': maybe(fc.constantFrom('true', '0')),
  'replication-allowed-namespaces': maybe(list),
  'replicate-to': list,
  'replicate-to-matching': maybe(selector),
})
const kubedTexts = fc.record({
  sync: fc.oneof(selector, fc.constantFrom('true', 'false', 'env > 1, tier < 3')),
})

const origin = fc.oneof(
  reflectorTexts.map((texts) => given(REFLECTOR, texts)),
  replicatorTexts.map((texts) => given(REPLICATOR, texts)),
  kubedTexts.map((texts) => given(KUBED, texts)),
)

function given(prefix: string, texts: Readonly<Record<string, string | undefined>>): Texts {
  return under(
    prefix,
    Object.fromEntries(
      Object.entries(texts).flatMap(([key, text]) => (text === undefined ? [] : [[key, text]])),
    ),
  )
}

function chosen(choice: NamespaceChoice | null, places: readonly Choosable[]): readonly string[] {
  return choice === null ? [] : places.filter((place) => chooses(choice, place)).map(({ name }) => name)
}

test('the native annotations choose the same namespaces to push to and to pull, today, and ever where nothing else is said', () => {
  let exact = 0
  fc.assert(
    fc.property(origin, (annotations) => {
      const native = nativeOf(annotations)
      const before = policyOf(native.object)
      if (before === null) return assert.deepEqual(native.add, {})
      const here = policyOf(after(native))
      for (const form of ['push', 'pull'] as const) {
        const isExact = !native.remarks.some((remark) =>
          remark.startsWith(form === 'push' ? 'Whom it is copied to' : 'Who may pull'),
        )
        const places = isExact ? [...PRESENT, ...LATER] : PRESENT
        if (isExact) exact += 1
        assert.deepEqual(
          chosen(here?.[form] ?? null, places),
          chosen(before[form], places),
          JSON.stringify({ annotations, form, add: native.add }),
        )
      }
      return undefined
    }),
    { numRuns: 1_500 },
  )
  assert.ok(exact > 1_000, `only ${exact} exact`)
})

test('a selector of reflector that is taken over verbatim reads alike in Kubernetes’ own syntax', () => {
  const requirement = fc.constantFrom(
    'env',
    '!env',
    'env=prod',
    'env==dev',
    'env!=dev',
    'env in (a,prod)',
    'env notin (dev)',
    'tier in (2,)',
    'env=',
    ' tier ',
    '',
  )
  const text = fc.array(requirement, { maxLength: 4 }).map((parts) => parts.join(','))
  let taken = 0
  fc.assert(
    fc.property(text, (each) => {
      const same = selectorOfReflector(each)
      if (same === null) return
      taken += 1
      const [there, here] = [parseReflectorSelector(each), parseSelector(same)]
      assert.ok(there.ok && here.ok)
      for (const { labels } of [...PRESENT, ...LATER])
        assert.equal(here.value.matches(labels), there.value.matches(labels), each)
    }),
    { numRuns: 1_000 },
  )
  assert.ok(taken > 100)
})

test('a pull mirror asks for the same origin, and its old key goes', () => {
  const native = nativeOf({ [`${REFLECTOR}reflects`]: ' shared / y ' })
  assert.equal(readAsk(after(native), RULES)?.text, 'shared/y')
  assert.deepEqual(native.remove, [`${REFLECTOR}reflects`])
})

test('what was converted is told its old keys again, and once they are off nothing more', () => {
  const asking = { [`${OURS}reflect-from`]: 'shared/y', [`${REFLECTOR}reflects`]: 'shared/y' }
  const offering = { [`${OURS}reflect-to`]: 'a', ...under(REPLICATOR, { 'replicate-to': 'a' }) }
  for (const annotations of [asking, offering]) {
    const native = nativeOf(annotations)
    assert.deepEqual([native.add, native.remarks], [{}, []])
    const [key = ''] = Object.keys(annotations).filter((each) => !each.startsWith(OURS))
    assert.deepEqual(nativeLines(native, OURS).slice(1), [
      `# kubectl annotate secret --namespace origins x '${key}-'`,
    ])
    const { annotations: left } = after(native)
    assert.deepEqual(nativesOf(sceneOf([secret('origins/x', left)]), RULES), [])
  }
})

test('what is copied of the metadata is carried, and what has no equal is said', () => {
  assert.equal(nativeOf({ [`${KUBED}sync`]: '' }).add['carry'], '*')
  assert.deepEqual(nativeOf(under(SYNC, { enabled: 'true', targets: 'west, e*' })).add, {
    targets: 'west, e*',
    carry: '*',
  })
  const merged = nativeOf(under(REPLICATOR, { 'replicate-to': 'a' }), { team: 'x', tier: '2' })
  assert.deepEqual(merged.add, { 'reflect-to': 'a', carry: 'team, tier' })
  assert.match(merged.remarks.join(' '), /Merging has no equal/)
  assert.deepEqual(
    nativeOf(under(REPLICATOR, { 'replicate-to': 'a', 'strip-labels': 'false' }), { team: 'x' }).add,
    { 'reflect-to': 'a' },
  )
})

test('an origin that is held is not translated, and keeps its annotations', () => {
  const native = nativeOf({ [`${REPLICATOR}replicate-to`]: '(' })
  assert.deepEqual([native.add, native.remove], [{}, []])
  assert.match(nativeLines(native, OURS).join('\n'), /must be mended first/)
})

test('the lines mean what they say to a shell: one word for each annotation, whatever its text', () => {
  const native: Native = {
    ...nativeOf({ [`${KUBED}sync`]: '' }),
    add: { 'reflect-to': 'a\'b $(id) `id` \\ "' },
  }
  const lines = nativeLines(native, OURS)
  const [command = ''] = lines.filter((line) => line.startsWith('kubectl'))
  const words = execFileSync('/bin/sh', ['-c', command.replace('kubectl', String.raw`printf '%s\n'`)], {
    encoding: 'utf8',
  })
  assert.deepEqual(words.trimEnd().split('\n'), [
    'annotate',
    'secret',
    '--namespace',
    'origins',
    'x',
    '--overwrite',
    'heliograph.dev/reflect-to=a\'b $(id) `id` \\ "',
  ])
  assert.ok(lines.every((line) => line === command || line.startsWith('# ')))
})
