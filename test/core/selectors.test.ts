/** Label selectors: the cases of apimachinery's own test, re-expressed, and our rules beside them. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { parseSelector } from '../../src/core/selectors.ts'

function matches(selector: string, labels: Record<string, string>): boolean {
  const parsed = parseSelector(selector)
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.failure)
  return parsed.value.matches(labels)
}

function reason(selector: string): string {
  const parsed = parseSelector(selector)
  assert.ok(!parsed.ok, 'the selector was expected to be refused')
  return parsed.failure
}

const MATCHES: readonly (readonly [selector: string, labels: Record<string, string>, expected: boolean])[] = [
  ['x=y', { x: 'y' }, true],
  ['x=y,z=w', { x: 'y', z: 'w' }, true],
  ['x!=y,z!=w', { x: 'z', z: 'a' }, true],
  ['notin=in', { notin: 'in' }, true],
  ['x', { x: 'z' }, true],
  ['!x', { y: 'z' }, true],
  ['x>1', { x: '2' }, true],
  ['x<1', { x: '0' }, true],
  ['x=z', {}, false],
  ['x=y', { x: 'z' }, false],
  ['x=y,z=w', { x: 'w', z: 'w' }, false],
  ['x!=y,z!=w', { x: 'z', z: 'w' }, false],
  ['x', { y: 'z' }, false],
  ['!x', { x: 'z' }, false],
  ['x>1', { x: '0' }, false],
  ['x<1', { x: '2' }, false],
  ['foo=bar,foobar=bar,baz=blah', { foo: 'bar', baz: 'blah' }, false],
  ['x==y', { x: 'y' }, true],
  ['x=', { x: '' }, true],
  ['x=', { x: 'y' }, false],
  ['x= ,z= ', { x: '', z: '' }, true],
  ['\rx', { x: 'z' }, true],
  ['this-is-a-dns.domain.com/key-with-dash', { 'this-is-a-dns.domain.com/key-with-dash': '' }, true],
  [
    'this-is-another-dns.domain.com/key-with-dash in (so,what)',
    { 'this-is-another-dns.domain.com/key-with-dash': 'what' },
    true,
  ],
  ['0.1.2.domain/99 notin (10.10.100.1, tick.tack.clock)', { '0.1.2.domain/99': 'tick.tack.clock' }, false],
  ['foo  in\t (abc)', { foo: 'abc' }, true],
  ['x notin\n (abc)', { x: 'abc' }, false],
  ['x  notin\t\t\t(abc,def)', { x: 'ghi' }, true],
  ['x in (abc,def)', { x: 'def' }, true],
  ['x in (abc,)', { x: '' }, true],
  ['x in (abc,abc)', { x: 'abc' }, true],
  ['x in ()', { x: '' }, true],
  ['x in ()', { x: 'a' }, false],
  ['x in (a,,)', { x: '' }, true],
  ['x in (a,,a,,a,,a,,)', { x: 'a' }, true],
  ['x notin (abc,,def),bar,z in (),w', { bar: '1', w: '2', z: '', x: 'q' }, true],
  ['x notin (abc,,def),bar,z in (),w', { bar: '1', w: '2', z: '', x: '' }, false],
  ['x=a,y!=b,z in (h,i,j)', { x: 'a', z: 'i' }, true],
  ['x notin ( )', { x: '' }, false],
  ['x notin (, a)', { x: '' }, false],
  ['x notin (, a)', { x: 'b' }, true],
  ['a ', { a: '' }, true],
  ['a in (x,y,notin, z,in)', { a: 'in' }, true],
  ['in in (in)', { in: 'in' }, true],
  ['notin', { notin: '' }, true],
  ['y notin (alpha)', {}, true],
  ['y!=alpha', {}, true],
  ['x notin (),y', { y: '' }, true],
  ['x in ()', { y: 'baz' }, false],
  ['z>1', { z: 'v2' }, false],
  ['z>1', { z: '1' }, false],
  ['z<1', { z: '1' }, false],
  ['z>1', {}, false],
  ['z<1', {}, false],
  ['z>9223372036854775806', { z: '9223372036854775807' }, true],
  ['z>1', { z: '9223372036854775808' }, false],
  ['z<10', { z: '007' }, true],
]

for (const [selector, labels, expected] of MATCHES) {
  const sentence = expected ? 'matches' : 'does not match'
  test(`selectors: ${JSON.stringify(selector)} ${sentence} ${JSON.stringify(labels)}`, () => {
    assert.equal(matches(selector, labels), expected)
  })
}

const REFUSED: readonly (readonly [selector: string, expected: RegExp])[] = [
  ['x=a||y=b', /./],
  ['x==a==b', /commas/],
  ['!x=a', /no operator/],
  ['!x in (a)', /no operator/],
  ['x<a', /integer/],
  ['x>a', /integer/],
  ['x>', /integer/],
  ['x>9223372036854775808', /integer/],
  ['x>-1', /value is not legal/],
  ['x,,y', /key is missing/],
  [',x,y', /key is missing/],
  ['x nott in (y)', /operator/],
  ['a in (xyz),', /key is missing/],
  ['a in (xyz)b notin ()', /commas/],
  ['a in (xyz abc)', /closed/],
  ['a in (xyz', /closed/],
  ['a notin(', /closed/],
  ['a in xyz', /parentheses/],
  ['a in', /parentheses/],
  ['a (', /operator/],
  ['(', /key is missing/],
  ['!', /key is missing/],
  ['!!x', /key is missing/],
  ['x exists', /operator/],
  ['=a', /key is missing/],
  ['x=(', /value is missing/],
  ['x=!a', /value is missing/],
  ['x=a b', /commas/],
  ['a/b/c', /key is not legal/],
  ['/b', /key is not legal/],
  ['Upper.domain/b', /key is not legal/],
  ['-a', /key is not legal/],
  ['a'.repeat(64), /key is not legal/],
  [`${'a'.repeat(254)}/b`, /key is not legal/],
  [`x=${'a'.repeat(64)}`, /value is not legal/],
  ['x=a-', /value is not legal/],
  ['x in (a,b/c)', /value is not legal/],
  ['x\fy', /key is not legal/],
  [`x in (${'a,'.repeat(4_200)})`, /8192 characters/],
  [Array.from({ length: 65 }, (_, i) => `k${i}`).join(), /64 requirements/],
]

for (const [selector, expected] of REFUSED) {
  test(`selectors: refused is ${JSON.stringify(selector.slice(0, 40))}`, () =>
    assert.match(reason(selector), expected))
}

test('selectors: a blank selector matches nothing, where Kubernetes would match everything', () => {
  for (const blank of ['', ' ', '\t\n']) assert.equal(matches(blank, { x: 'y' }), false)
})

test('selectors: 64 requirements are accepted, and all must hold', () => {
  const selector = Array.from({ length: 64 }, (_, i) => `k${i}`).join()
  const labels = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`k${i}`, '']))
  assert.equal(matches(selector, labels), true)
  delete labels['k63']
  assert.equal(matches(selector, labels), false)
})

test('selectors: keys that objects inherit are not labels', () => {
  assert.equal(matches('constructor', {}), false)
  assert.equal(matches('!toString', {}), true)
})

test('selectors: the order of requirements does not matter', () => {
  const requirement = fc.constantFrom('a', '!b', 'a=1', 'b!=2', 'a in (1,2)', 'b notin (,3)', 'a>0', 'b<3')
  const labels = fc.record(
    { a: fc.constantFrom('', '1', '2', '9'), b: fc.constantFrom('', '1', '2', '3') },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.array(requirement, { minLength: 1, maxLength: 5 }), labels, (list, given) => {
      assert.equal(
        matches(list.join(), given),
        list.every((one) => matches(one, given)),
      )
      assert.equal(matches(list.join(' , '), given), matches(list.toReversed().join(), given))
    }),
  )
})

test('selectors: any text gives a selector or a fixed reason that quotes nothing, and never throws', () => {
  const special = fc.string({
    unit: fc.constantFrom('a', 'in', 'notin', '1', ...'!=<>(), \t-/.é\u0000'.split('')),
    maxLength: 40,
  })
  fc.assert(
    fc.property(fc.oneof(special, fc.string({ unit: 'binary', maxLength: 40 })), (text) => {
      const parsed = parseSelector(`${text} SECRETMARK`)
      if (parsed.ok) assert.equal(typeof parsed.value.matches({ a: '1' }), 'boolean')
      else assert.doesNotMatch(parsed.failure, /SECRETMARK/)
    }),
    { numRuns: 3_000 },
  )
})
