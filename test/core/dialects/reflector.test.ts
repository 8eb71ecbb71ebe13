/** The vocabulary of reflector: every key, value form and default of its releases 6 to 10, the marks in its formats, and what its own copies prove. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { chooses } from '../../../src/core/choice.ts'
import { dialectOf, readAsk, readLeft, readOrigin } from '../../../src/core/dialects/table.ts'
import type { Annotated } from '../../../src/core/eligibility.ts'
import type { Policy } from '../../../src/core/policy.ts'
import { globs, RULES } from '../rules.ts'
import { chosen, copy, heldBy, object, policyOf, remarksOn, rulesWith, under } from './objects.ts'

const P = 'reflector.v1.k8s.emberstack.com/'
const ALLOWED = { 'reflection-allowed': 'true' }
const AUTO = { ...ALLOWED, 'reflection-auto-enabled': 'true' }

function origin(annotations: Readonly<Record<string, string>>, more: Partial<Annotated> = {}): Annotated {
  return object(under(P, annotations), more)
}

/** An object in `team-a` that bears the origin's name. */
function atTarget(annotations: Readonly<Record<string, string>>, more: Partial<Annotated> = {}): Annotated {
  return origin(annotations, { namespace: 'team-a', ...more })
}

function offers(annotations: Readonly<Record<string, string>>): Policy {
  return policyOf(origin(annotations))
}

function pulls(annotations: Readonly<Record<string, string>>, ...names: readonly string[]) {
  return chosen(offers(annotations).pull, ...names)
}

function pushes(annotations: Readonly<Record<string, string>>, ...names: readonly string[]) {
  return chosen(offers(annotations).push, ...names)
}

test('reflector: reflection-allowed gates everything, pull and auto', () => {
  assert.equal(readOrigin(origin({ 'reflection-auto-enabled': 'true' }), RULES).kind, 'none')
  assert.equal(readOrigin(origin({ 'reflection-allowed-namespaces': 'team-a' }), RULES).kind, 'none')
  const off = offers({ ...AUTO, 'reflection-allowed': 'false' })
  assert.equal(off.push, null)
  assert.equal(off.pull, null)
  assert.deepEqual(pulls(ALLOWED, 'team-a'), ['team-a'])
})

test('reflector: booleans are true and false in any case, blanks trimmed', () => {
  for (const text of ['true', 'True', 'TRUE', 'tRuE', ' true ', '\ttrue\n']) {
    assert.deepEqual(pulls({ 'reflection-allowed': text }, 'team-a'), ['team-a'], text)
    assert.deepEqual(pushes({ ...ALLOWED, 'reflection-auto-enabled': text }, 'team-a'), ['team-a'], text)
  }
  for (const text of ['false', 'False', 'FALSE', ' false ']) {
    assert.equal(offers({ 'reflection-allowed': text }).pull, null, text)
    assert.deepEqual(remarksOn(origin({ 'reflection-allowed': text })), [], text)
  }
})

test('reflector: an unparsable boolean counts as false and is told, so that reflection-allowed: "no" revokes', () => {
  for (const text of ['no', 'yes', '1', '0', 'on', '', 't', 'true!']) {
    const meta = origin({ ...AUTO, 'reflection-allowed': text })
    assert.equal(policyOf(meta).pull, null, text)
    assert.equal(policyOf(meta).push, null, text)
    assert.deepEqual(
      remarksOn(meta),
      [{ annotation: `${P}reflection-allowed`, reason: 'not a boolean; it counts as false' }],
      text,
    )
  }
  const auto = origin({ ...ALLOWED, 'reflection-auto-enabled': '1' })
  assert.equal(policyOf(auto).push, null)
  assert.notEqual(policyOf(auto).pull, null)
  assert.deepEqual(
    remarksOn(auto).map(({ annotation }) => annotation),
    [`${P}reflection-auto-enabled`],
  )
})

test('reflector: without reflection-allowed true nothing else is read, so a bad pattern beside "no" does not hold it', () => {
  for (const text of ['false', 'no']) {
    const meta = origin({ ...AUTO, 'reflection-allowed': text, 'reflection-allowed-namespaces': '*' })
    assert.equal(policyOf(meta).pull, null)
  }
})

test('reflector: an empty list, or none, allows all namespaces', () => {
  for (const text of ['', '   ']) {
    assert.deepEqual(pulls({ ...ALLOWED, 'reflection-allowed-namespaces': text }, 'team-a', 'b'), [
      'team-a',
      'b',
    ])
    assert.deepEqual(pushes({ ...AUTO, 'reflection-auto-namespaces': text }, 'team-a', 'b'), ['team-a', 'b'])
  }
  assert.deepEqual(pulls(ALLOWED, 'team-a', 'b'), ['team-a', 'b'])
})

test('reflector: a list made only of commas and blanks counts as given and matches nothing', () => {
  for (const text of [',', ' , ,'])
    assert.deepEqual(pulls({ ...ALLOWED, 'reflection-allowed-namespaces': text }, 'team-a', ''), [], text)
})

test('reflector: the YAML of a typical guide works unchanged', () => {
  const meta = origin(
    { ...AUTO, 'reflection-allowed-namespaces': 'app1,app2,app3' },
    { namespace: 'cert-manager', name: 'wildcard-tls' },
  )
  const read = policyOf(meta)
  assert.deepEqual(chosen(read.push, 'app1', 'app2', 'app3', 'app4', 'app', 'app11'), [
    'app1',
    'app2',
    'app3',
  ])
  assert.deepEqual(chosen(read.pull, 'app1', 'app4'), ['app1'])
  assert.equal(read.mirrorName, 'wildcard-tls')
})

test('reflector: a list is split at commas, its items are trimmed and empty ones dropped', () => {
  const list = { ...ALLOWED, 'reflection-allowed-namespaces': ' team-a ,, ns-[0-9]* ,' }
  assert.deepEqual(pulls(list, 'team-a', 'ns-12', 'ns-x', ' team-a'), ['team-a', 'ns-12'])
})

test('reflector: a pattern holds when its first match is as long as the name', () => {
  const matched = (pattern: string, ...names: readonly string[]) =>
    pulls({ ...ALLOWED, 'reflection-allowed-namespaces': pattern }, ...names)
  assert.deepEqual(matched('ns-1', 'ns-1', 'ns-12', 'xns-1'), ['ns-1'])
  assert.deepEqual(matched('namespace-[0-9]*', 'namespace-12', 'namespace-'), ['namespace-12', 'namespace-'])
  assert.deepEqual(matched('tss-*', 'tss-a', 'tss', 'tss--'), ['tss', 'tss--'])
  assert.deepEqual(matched('a|ab', 'a', 'ab'), ['a'])
})

test('reflector: look-ahead excludes', () => {
  const list = { ...ALLOWED, 'reflection-allowed-namespaces': '^(?!(?:default|kube-system)$).*' }
  assert.deepEqual(pulls(list, 'default', 'kube-system', 'default-2', 'team-a'), ['default-2', 'team-a'])
})

test('reflector: a bad pattern in effect, a bare star among them, holds the origin and names its key', () => {
  for (const bad of ['*', '*-db', '(', 'team-a,[', '(a)\\1']) {
    assert.deepEqual(heldBy(origin({ ...ALLOWED, 'reflection-allowed-namespaces': bad })), [
      `${P}reflection-allowed-namespaces`,
    ])
    assert.deepEqual(heldBy(origin({ ...AUTO, 'reflection-auto-namespaces': bad })), [
      `${P}reflection-auto-namespaces`,
    ])
  }
})

test('reflector: a bad auto list does not matter while auto is off', () => {
  for (const more of [{}, { 'reflection-auto-enabled': 'false' }, { 'reflection-auto-enabled': 'no' }]) {
    const bad = { 'reflection-auto-namespaces': '*', 'reflection-auto-namespaces-selector': '=' }
    assert.deepEqual(pulls({ ...ALLOWED, ...more, ...bad }, 'team-a'), ['team-a'])
  }
})

test('reflector: auto needs reflection-auto-enabled, and reaches only namespaces that are allowed as well', () => {
  assert.equal(offers(ALLOWED).push, null)
  const both = { ...AUTO, 'reflection-allowed-namespaces': 'a,b', 'reflection-auto-namespaces': 'b,c' }
  assert.deepEqual(pushes(both, 'a', 'b', 'c'), ['b'])
  assert.deepEqual(pulls(both, 'a', 'b', 'c'), ['a', 'b'])
  const allowedOnly = { ...AUTO, 'reflection-allowed-namespaces': 'a,b' }
  assert.deepEqual(pushes(allowedOnly, 'a', 'b', 'c'), ['a', 'b'])
})

for (const list of ['reflection-allowed-namespaces', 'reflection-auto-namespaces']) {
  const choice = (annotations: Readonly<Record<string, string>>) =>
    offers({ ...AUTO, ...annotations }).push ?? []
  const dev = { name: 'x', labels: { env: 'dev' } }
  const named = { name: 'team-a', labels: {} }

  test(`reflector: ${list}: the list or its selector must hold`, () => {
    const given = choice({ [list]: 'team-a', [`${list}-selector`]: 'env=dev' })
    assert.ok(chooses(given, dev) && chooses(given, named))
    assert.ok(!chooses(given, { name: 'x', labels: { env: 'prod' } }))
  })

  test(`reflector: ${list}: with the selector alone, only the selector counts; blank, it is not given`, () => {
    const alone = choice({ [`${list}-selector`]: 'env=dev' })
    assert.ok(chooses(alone, dev) && !chooses(alone, named))
    for (const blank of ['', '  ']) {
      const listOnly = choice({ [list]: 'team-a', [`${list}-selector`]: blank })
      assert.ok(chooses(listOnly, named) && !chooses(listOnly, dev))
      assert.ok(chooses(choice({ [`${list}-selector`]: blank }), dev))
    }
  })

  test(`reflector: ${list}: a bad selector holds the origin and names its key`, () => {
    for (const bad of ['env in ()', 'size>3', 'a=b=c!', '-x', 'env in dev'])
      assert.deepEqual(heldBy(origin({ ...AUTO, [`${list}-selector`]: bad })), [`${P}${list}-selector`], bad)
  })
}

test('reflector: selectors are of its own syntax: != holds without the label, of two equalities the last counts', () => {
  const chosenBy = (selector: string, labels: Readonly<Record<string, string>>): boolean =>
    chooses(offers({ ...ALLOWED, 'reflection-allowed-namespaces-selector': selector }).pull ?? [], {
      name: 'x',
      labels,
    })
  assert.ok(chosenBy('env!=prod', {}) && !chosenBy('env!=prod', { env: 'prod' }))
  assert.ok(chosenBy('env=a,env=b', { env: 'b' }) && !chosenBy('env=a,env=b', { env: 'a' }))
  assert.ok(chosenBy('env==a', { env: 'a' }) && chosenBy('env notin (a, b),!x', {}))
  assert.ok(chosenBy('env in (a,,b)', { env: 'b' }) && !chosenBy('env', {}))
})

test('reflector: mirrors replace data wholesale and bear none of the origin’s labels and annotations', () => {
  const read = policyOf(origin(AUTO, { labels: { team: 'a' } }))
  assert.equal(read.write, 'replace')
  assert.equal(read.copies, 'nothing')
  assert.equal(read.carry, null)
  assert.equal(read.immutable, false)
  assert.equal(read.takesOver, false)
  assert.equal(read.peers, null)
  assert.equal(read.mirrorName, 'registry')
})

test('reflector: ConfigMaps are read as Secrets are', () => {
  const map = policyOf(origin({ ...AUTO, 'reflection-allowed-namespaces': 'team-.*' }, { kind: 'ConfigMap' }))
  assert.deepEqual(chosen(map.push, 'team-a', 'x'), ['team-a'])
})

test('reflector: keys of its old releases and labels mean nothing', () => {
  const old = { 'secret-reflection-allowed': 'true', 'secret-reflection-auto-enabled': 'true' }
  assert.equal(readOrigin(origin(old), RULES).kind, 'none')
  assert.equal(readOrigin(object({}, { labels: under(P, AUTO) }), RULES).kind, 'none')
})

test('reflector: reflects asks to be filled, under any name, in any namespace, the origin’s own included', () => {
  const asked = readAsk(origin({ reflects: 'shared/other' }), RULES)
  assert.deepEqual(asked?.origin, { kind: 'Secret', namespace: 'shared', name: 'other' })
  assert.equal(asked?.annotation, `${P}reflects`)
  assert.equal(asked?.write, 'replace')
  assert.equal(asked?.isFilled, false)
  const mapped = readAsk(
    atTarget({ reflects: 'shared/registry' }, { kind: 'ConfigMap', name: 'mine' }),
    RULES,
  )
  assert.deepEqual(mapped?.origin, { kind: 'ConfigMap', namespace: 'shared', name: 'registry' })
})

test('reflector: reflects is split at slashes and trimmed; one part is flawed, none or three are no request', () => {
  for (const text of ['shared/other', ' shared / other ', '/shared/other/', 'shared//other'])
    assert.deepEqual(readAsk(origin({ reflects: text }), RULES)?.origin?.name, 'other', text)
  for (const text of ['other', 'other/', ' /other', 'Shared/other', 'shared/Other_', 'shared/registry']) {
    const asked = readAsk(origin({ reflects: text }), RULES)
    assert.ok(asked !== null && asked.origin === null && asked.reason !== null, text)
  }
  for (const text of ['', ' ', '/', 'a/b/c'])
    assert.equal(readAsk(origin({ reflects: text }), RULES), null, text)
})

test('reflector: a reflects that is no request leaves the object an origin', () => {
  assert.equal(readOrigin(origin({ ...ALLOWED, reflects: 'a/b/c' }), RULES).kind, 'policy')
})

test('reflector: an object that reflects another is never an origin', () => {
  for (const text of ['shared/other', 'other'])
    assert.equal(readOrigin(origin({ ...AUTO, reflects: text }), RULES).kind, 'none', text)
})

test('reflector: auto-reflects false or unparsable leaves a pull mirror, true in any case does not', () => {
  for (const text of ['False', 'false', '', '1', 'yes'])
    assert.notEqual(readAsk(origin({ reflects: 'shared/other', 'auto-reflects': text }), RULES), null, text)
  for (const text of ['True', 'true', 'TRUE', ' True '])
    assert.equal(readAsk(origin({ reflects: 'shared/other', 'auto-reflects': text }), RULES), null, text)
})

test('reflector: a pull mirror that it filled before is known by its version, and blank means afresh', () => {
  const filled = (version: string): boolean | undefined =>
    readAsk(origin({ reflects: 'shared/other', 'reflected-version': version }), RULES)?.isFilled
  assert.equal(filled('4711'), true)
  assert.equal(filled(''), false)
})

test('reflector: old marks on an origin change nothing: it stays an origin', () => {
  const marks = { reflects: 'a/registry', 'auto-reflects': 'True', 'reflected-version': '7' }
  assert.deepEqual(pushes({ ...AUTO, ...marks }, 'team-a'), ['team-a'])
})

test('reflector: marks of an automatic copy select no dialect', () => {
  const marks = { reflects: 'shared/registry', 'auto-reflects': 'True', 'reflected-version': '7' }
  assert.equal(dialectOf(atTarget(marks), RULES), null)
})

const LEFT = {
  reflects: 'shared/registry',
  'auto-reflects': 'True',
  'reflected-version': '4711',
  'reflected-at': '2026-08-04T21:27:29.1234567+00:00',
}

test('reflector: its automatic copy names its origin, and is one that it would collect', () => {
  for (const at of [LEFT['reflected-at'], '"2021-10-24T06:11:13.7710730+00:00"', 'nonsense'])
    for (const auto of ['True', 'true', ' TRUE '])
      assert.deepEqual(
        readLeft(atTarget({ ...LEFT, 'reflected-at': at, 'auto-reflects': auto }), RULES),
        {
          tool: 'reflector',
          origin: { kind: 'Secret', namespace: 'shared', name: 'registry' },
          isCollectable: true,
          keys: null,
        },
        auto,
      )
  assert.equal(readLeft(atTarget(LEFT, { kind: 'ConfigMap' }), RULES)?.origin?.kind, 'ConfigMap')
})

test('reflector: marks that it cannot have written prove nothing', () => {
  const near: readonly Annotated[] = [
    atTarget(LEFT, { name: 'other' }),
    atTarget(LEFT, { namespace: 'shared' }),
    atTarget({ ...LEFT, 'auto-reflects': 'False' }),
    atTarget({ ...LEFT, 'auto-reflects': 'yes' }),
    atTarget({ reflects: LEFT.reflects }),
    atTarget({ 'auto-reflects': 'True' }),
    atTarget({ ...LEFT, reflects: 'registry' }),
    atTarget({ ...LEFT, reflects: 'a/shared/registry' }),
    atTarget({ ...LEFT, reflects: 'shared/registry/a' }),
    atTarget({ ...LEFT, reflects: 'Shared/registry' }),
    atTarget({ ...LEFT, reflects: '' }),
    object({}, { namespace: 'team-a', labels: under(P, LEFT) }),
  ]
  for (const meta of near) assert.equal(readLeft(meta, RULES), null, JSON.stringify(meta))
})

test('reflector: a pushed copy bears its four marks, the time as .NET writes it', () => {
  const marks = offers(AUTO).toolMarks?.onCopy(copy())
  assert.deepEqual(marks?.labels, {})
  assert.deepEqual(marks.annotations, {
    [`${P}reflects`]: 'shared/registry',
    [`${P}auto-reflects`]: 'True',
    [`${P}reflected-version`]: '4711',
    [`${P}reflected-at`]: '2026-08-04T21:27:29.1230000+00:00',
  })
})

test('reflector: a pull mirror keeps the reflects of its owner and bears auto-reflects: False', () => {
  const marks = readAsk(origin({ reflects: 'shared/other' }), RULES)?.toolMarks?.onCopy(
    copy({ form: 'pull' }),
  )
  assert.deepEqual(marks?.annotations, {
    [`${P}auto-reflects`]: 'False',
    [`${P}reflected-version`]: '4711',
    [`${P}reflected-at`]: '2026-08-04T21:27:29.1230000+00:00',
  })
})

test('reflector: a copy that we marked is one that reflector would know again, so that going back is possible', () => {
  const marks = offers(AUTO).toolMarks?.onCopy(copy())
  assert.equal(readLeft(object({ ...marks?.annotations }, { namespace: 'team-a' }), RULES)?.tool, 'reflector')
})

test('reflector: a blanked or removed reflected-version asks for a fresh copy, on mirrors only', () => {
  const { toolMarks } = offers(AUTO)
  const reflects = { [`${P}reflects`]: 'shared/registry' }
  assert.equal(toolMarks?.isBlanked({ ...reflects, [`${P}reflected-version`]: '' }), true)
  assert.equal(toolMarks.isBlanked(reflects), true)
  assert.equal(toolMarks.isBlanked({ ...reflects, [`${P}reflected-version`]: '4711' }), false)
  assert.equal(toolMarks.isBlanked({}), false)
})

test('reflector: in excluded namespaces its keys mean nothing on origins and pull mirrors, and nothing happens there', () => {
  const rules = rulesWith({ reflectorExcluded: globs('shared, infra-*') })
  assert.deepEqual(readOrigin(origin({ ...AUTO, 'reflection-allowed-namespaces': '*' }), rules), {
    kind: 'held',
    flaws: [],
    paused: false,
    remarks: [],
  })
  assert.equal(readAsk(origin({ reflects: 'a/other' }), rules), null)
  assert.equal(readOrigin(origin(AUTO, { namespace: 'sharedx' }), rules).kind, 'policy')
  assert.notEqual(readAsk(atTarget({ reflects: 'shared/other' }), rules), null)
  // Copies are still made into them.
  const into = policyOf(origin(AUTO, { namespace: 'elsewhere' }), rules)
  assert.deepEqual(chosen(into.push, 'infra-x'), ['infra-x'])
})

test('reflector: a copy of an origin in an excluded namespace is not collected', () => {
  const rules = rulesWith({ reflectorExcluded: globs('shared') })
  assert.equal(readLeft(atTarget(LEFT), rules)?.isCollectable, false)
})
