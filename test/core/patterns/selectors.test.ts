/** Foreign label selectors: the corpora hold, everything is bounded, and what is refused is never quoted. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { parseKubernetesSelector, parseReflectorSelector } from '../../../src/core/patterns/selectors.ts'
import type { LabelSelector } from '../../../src/core/selectors.ts'
import type { Result } from '../../../src/std/result.ts'
import { KUBERNETES_CORPUS, labelsOf, REFLECTOR_CORPUS } from './selector-corpus.ts'
import type { SelectorCase } from './selector-corpus.ts'

type Parse = (text: string) => Result<LabelSelector, string>

const SYNTAXES: readonly (readonly [name: string, parse: Parse, corpus: readonly SelectorCase[]])[] = [
  ['Kubernetes', parseKubernetesSelector, KUBERNETES_CORPUS],
  ['reflector', parseReflectorSelector, REFLECTOR_CORPUS],
]

function matches(parse: Parse, selector: string, labels: Readonly<Record<string, string>>): boolean {
  const parsed = parse(selector)
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.failure)
  return parsed.value.matches(labels)
}

function reason(parse: Parse, selector: string): string {
  const parsed = parse(selector)
  assert.ok(!parsed.ok, 'the selector was expected to be refused')
  return parsed.failure
}

for (const [name, parse, corpus] of SYNTAXES) {
  for (const row of corpus) {
    const title = JSON.stringify(row[0].slice(0, 70))
    test(`selectors of ${name}: ${title} ${row.length === 2 ? 'is refused' : 'matches as the tool does'}`, () => {
      if (row.length === 2) return assert.match(reason(parse, row[0]), row[1])
      for (const labels of row[1])
        assert.equal(matches(parse, row[0], labelsOf(labels)), true, `matches ${labels}`)
      for (const labels of row[2])
        assert.equal(matches(parse, row[0], labelsOf(labels)), false, `does not match ${labels}`)
    })
  }

  test(`selectors of ${name}: no selector stands twice in the corpus`, () => {
    assert.equal(new Set(corpus.map(([text]) => text)).size, corpus.length)
  })

  test(`selectors of ${name}: 64 requirements are accepted, more are refused, and so is a text that is too long`, () => {
    const keys = Array.from({ length: 65 }, (_, i) => `k${i}`)
    const labels = Object.fromEntries(keys.slice(0, 64).map((key) => [key, '']))
    assert.equal(matches(parse, keys.slice(0, 64).join(), labels), true)
    assert.equal(matches(parse, keys.slice(0, 64).join(), { ...labels, k63: 'x' }), true)
    assert.match(reason(parse, keys.join()), /64 requirements/)
    assert.match(reason(parse, `a in (${'b,'.repeat(5_000)}b)`), /8192 characters/)
  })

  test(`selectors of ${name}: keys that objects inherit are not labels`, () => {
    assert.equal(matches(parse, 'constructor', {}), false)
    assert.equal(matches(parse, '!toString', {}), true)
    assert.equal(matches(parse, 'valueOf!=a', {}), true)
  })

  test(`selectors of ${name}: any text gives a selector or a fixed reason that quotes nothing, and never throws`, () => {
    const special = fc.string({
      unit: fc.constantFrom('a', 'in', 'notin', '1', ...'!=<>(), \t-/.é\u0000'.split('')),
      maxLength: 40,
    })
    fc.assert(
      fc.property(fc.oneof(special, fc.string({ unit: 'binary', maxLength: 40 })), (text) => {
        const parsed = parse(`${text} SECRETMARK`)
        if (parsed.ok) assert.equal(typeof parsed.value.matches({ a: '1' }), 'boolean')
        else assert.doesNotMatch(parsed.failure, /SECRETMARK/)
      }),
      { numRuns: 1_000 },
    )
  })
}

test('the corpus of kubed and replicator holds at least 200 selectors', () => {
  assert.ok(KUBERNETES_CORPUS.length >= 200, String(KUBERNETES_CORPUS.length))
})

test('selectors of reflector: equal selectors are one object', () => {
  assert.equal(parseReflectorSelector('a=1,b'), parseReflectorSelector('a=1,b'))
})
